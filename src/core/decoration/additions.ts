import { ConfigurationError } from '../errors.js';
import type { Placement } from '../member.js';
import { show, type Where } from '../options.js';
import type { AnyClass, AnyFunction } from '../types.js';
import { meantBy } from './configurations.js';
import { onStaticDefinition } from './construction.js';
import type { MethodContext } from './context.js';
import { add, checkNew, decorateClass, decorateMethod, type Recording } from './decorate.js';
import { behind, carryOn } from './interceptor.js';
import { linkedBelow } from './linking.js';
import {
  type ClassInChain,
  chainOfClass,
  chainOfPrototype,
  classRecord,
  type Declared,
  ensureClassRecord,
  ensureMetadata,
  isAsync,
  memberRecords,
  namesAt,
  recordAt,
  setHiddenClass,
} from './metadata.js';
import { notAMethod } from './not-a-method.js';
import { renewSitesOf } from './renewal.js';
import { labelOf, Site } from './site.js';
import { link, linkDefined, siteAt } from './sites.js';

/** What is to be put on a member of a class without the syntax of decorators; or on the class, where it has no name. */
export interface Addition {
  readonly name: string | symbol | undefined;
  readonly isStatic: boolean;
  readonly recording: Recording;
  readonly where: Where;
}

/** Where a method is to be put: on a prototype, on a class, or on an object that has it of its own. */
interface Home {
  readonly holder: object;
  readonly placement: Placement;
  readonly name: string | symbol;
}

/** Puts policies on a class as decorators on it would: all, or, if anything is wrong with one, none. */
export function addToClass(type: AnyClass, additions: readonly Addition[]): void {
  const metadata = ensureMetadata(type);
  const prototype = type.prototype as object;
  const records = additions.map(({ name, isStatic, recording, where }) => {
    if (name === undefined) return check(classRecord(metadata), recording, where, prototype);
    const home: Home = { holder: isStatic ? type : prototype, placement: isStatic ? 'static' : 'instance', name };
    requireMethod(home, where);
    check(memberRecords(metadata, home.placement)?.get(name), recording, where, home.holder);
    return home;
  });
  additions.forEach(({ recording, where }, index) => {
    const home = records[index];
    if (home !== undefined) put(home, metadata, recording, where);
    else decorateClass(type, { kind: 'class', name: type.name, metadata }, recording, where);
    if (home?.placement === 'static') onStaticDefinition(type, { ...home, holder: metadata });
  });
  const chain = chainOfPrototype(prototype);
  link(chain);
  // Classes that were linked before this came have methods that it reaches.
  for (const each of linkedBelow(prototype)) linkDefined(each);
  renewSitesOf(meantBy(type));
  // Who lists all methods has these from now on, as nothing may see a construction.
  const names = new Set(chain.flatMap((level) => [...namesAt(level, 'instance')]));
  for (const name of names) siteAt(chain, { name, placement: 'instance', holder: prototype });
}

/** Puts policies on one object, as decorators on a class of its own would. */
export function addToObject(object: object, additions: readonly Addition[]): void {
  const { type, prototype, isNew } = ownClassOf(object);
  const metadata = ensureMetadata(type);
  const homes = additions.map(({ name, recording, where }): readonly Home[] => {
    if (name === undefined) {
      check(classRecord(metadata), recording, where, object);
      return asyncMethodsOf(object).map((each) => ({ holder: prototype, placement: 'instance', name: each }));
    }
    const home: Home = { holder: Object.hasOwn(object, name) ? object : prototype, placement: 'instance', name };
    requireMethod(home, where);
    check(memberRecords(metadata, 'instance')?.get(name), recording, where, object);
    return [home];
  });
  if (isNew && !Reflect.setPrototypeOf(object, prototype)) {
    throw new ConfigurationError('decorateInstance(): expected an object that can be changed, got a frozen one');
  }
  ownClasses.set(object, type);
  additions.forEach(({ name, recording, where }, index) => {
    for (const home of homes[index] ?? []) {
      const isKnown = memberRecords(metadata, 'instance')?.has(home.name);
      if (name !== undefined) put(home, metadata, recording, where);
      else if (!isKnown) put(home, metadata, { policies: [] }, where);
    }
    if (name === undefined) add(ensureClassRecord(metadata), recording, where);
  });
  renewSitesOf(meantBy(type));
  // By the object, and not by its class as at a first call: it may hold what an alternative names.
  const chain = chainOfPrototype(prototype);
  for (const { name, placement } of homes.flat()) siteAt(chain, { name, placement, holder: metadata }).verify(object);
}

/** The classes that objects have of their own. */
const ownClasses = new WeakMap<object, AnyClass>();

/** The class that an object has of its own, between it and its class; made if need be, and not in its place yet then. */
function ownClassOf(object: object): { readonly type: AnyClass; readonly prototype: object; readonly isNew: boolean } {
  const above = Object.getPrototypeOf(object) as object | null;
  const known = ownClasses.get(object);
  if (known !== undefined && known.prototype === above)
    return { type: known, prototype: above as object, isNew: false };
  const prototype = Object.create(above) as object;
  const base = above === null ? undefined : chainOfPrototype(above)[0]?.type;
  const type = function own(): void {} as unknown as AnyClass;
  Object.defineProperties(type, { name: { value: base?.name ?? 'Object' }, prototype: { value: prototype } });
  if (base !== undefined) Object.setPrototypeOf(type, base);
  setHiddenClass(prototype, type);
  return { type, prototype, isNew: true };
}

/** The names of the async methods that an object has by its class. */
function asyncMethodsOf(object: object): (string | symbol)[] {
  const chain = chainOfPrototype(Object.getPrototypeOf(object) as object);
  const names = new Set(chain.flatMap(({ prototype }) => Reflect.ownKeys(prototype ?? {})));
  return [...names].filter((name) => !Object.hasOwn(object, name) && isAsyncIn(chain, 'instance', name));
}

/** Whether the method that is nearest in a chain was written `async`. */
function isAsyncIn(chain: readonly ClassInChain[], placement: Placement, name: PropertyKey): boolean {
  for (const level of chain) {
    const record = recordAt(level, placement, name);
    if (record !== undefined) return record.isAsync;
    const own = placement === 'static' ? level.type : level.prototype;
    const property = own && Object.getOwnPropertyDescriptor(own, name);
    if (property !== undefined) return typeof property.value === 'function' && isAsync(property.value);
  }
  return false;
}

/** Throws where there is no method to put policies on. */
function requireMethod({ holder, placement, name }: Home, { text }: Where): void {
  const fail = (problem: string): never => {
    throw new ConfigurationError(`${text}: ${problem}`);
  };
  if (name === 'constructor') fail('a constructor is no method');
  const isStatic = placement === 'static';
  const problem = isOfEvery(holder, name, isStatic) ? `no method ${show(name)} here` : notAMethod(holder, name);
  if (problem !== undefined) {
    const isOfClass = !isStatic && typeof name === 'string' && problem.includes('is a static method');
    fail(isOfClass ? `${problem}; write 'static ${name}'` : problem);
  }
  const own = Object.getOwnPropertyDescriptor(holder, name);
  const mayChange = own === undefined ? Object.isExtensible(holder) : own.configurable || own.writable;
  if (!mayChange) fail('it is frozen, so nothing can be put in its place');
}

/** Whether an object has a method only as every object, or every function, has it. */
function isOfEvery(holder: object, name: PropertyKey, isStatic: boolean): boolean {
  const every = isStatic ? [Function.prototype, Object.prototype] : [Object.prototype];
  for (let each: object | null = holder; each !== null; each = Object.getPrototypeOf(each)) {
    if (Object.hasOwn(each, name)) return every.includes(each);
  }
  return false;
}

/** Throws where what is to be put somewhere is there already, or where it names alternatives that are not there. */
function check(record: Declared | undefined, recording: Recording, where: Where, target: object): void {
  checkNew(record, recording, where);
  const type = typeof target === 'function' ? (target as unknown as AnyClass) : chainOfPrototype(target)[0]?.type;
  const name = where.member ?? '*';
  const site = new Site(labelOf(type, name), name, undefined, { inForce: [], entry: undefined, signalAt: undefined });
  for (const policy of recording.policies) policy.verify?.(site, target);
}

/** Puts policies on a method, and the interceptor in its place. One that is inherited is called by way of one of its own. */
function put({ holder, placement, name }: Home, metadata: object, recording: Recording, where: Where): void {
  const own = Object.getOwnPropertyDescriptor(holder, name);
  const context: MethodContext = { kind: 'method', name, static: placement === 'static', private: false, metadata };
  const chain = placement === 'static' ? chainOfClass(holder as AnyClass) : chainOfPrototype(holder);
  const wasAsync = isAsyncIn(chain, placement, name);
  const method = own === undefined ? forwarding(holder, name) : unlinked(holder, name, own.value);
  const entry = decorateMethod(method, context, recording, where, wasAsync);
  if (entry === undefined) return;
  const attributes = own ?? { writable: true, enumerable: false, configurable: true };
  Object.defineProperty(holder, name, { ...attributes, value: entry });
}

/** A method that calls the one of the base, as an override does that has only `super` in it. */
function forwarding(holder: object, name: PropertyKey): AnyFunction {
  const inherited = (self: unknown): AnyFunction => Reflect.get(Object.getPrototypeOf(holder), name, self);
  return carryOn(inherited(holder), function (this: unknown, ...args: unknown[]) {
    return Reflect.apply(inherited(this), this, args);
  });
}

/** What stands behind an override that was linked, which is decorated from now on. */
function unlinked(holder: object, name: PropertyKey, value: AnyFunction): AnyFunction {
  const records = memberRecords(holder, 'instance');
  if (records?.get(name)?.entry !== value) return value;
  records.delete(name);
  return behind(value);
}
