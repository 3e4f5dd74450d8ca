import { callThrough, takeHandoff } from './call.js';
import { ConfigurationError } from './errors.js';
import {
  classOf,
  classRecord,
  isAsync,
  type Level,
  levelsOfClass,
  levelsOfPrototype,
  memberRecords,
  namesAt,
  recordAt,
  writeMember,
} from './metadata.js';
import { createSite, labelOf, type Site } from './site.js';
import type { AnyClass, AnyFunction, Member } from './types.js';

/** What each interceptor stands in front of. */
const interceptors = new WeakMap<object, AnyFunction>();

/** Whether a function is an interceptor of ours. */
export const isInterceptor = (fn: object): boolean => interceptors.has(fn);

/** What stands behind a function, if it is an interceptor; else the function itself. */
export const behind = (fn: AnyFunction): AnyFunction => interceptors.get(fn) ?? fn;

/** Gives a function that stands in for another the name and the length of that. */
export function named<StandIn extends object>(fn: AnyFunction, standIn: StandIn): StandIn {
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(standIn, key, { value: fn[key], configurable: true });
  }
  return standIn;
}

/** Is the key of no receiver. */
const nobody = Symbol('nobody');

/**
 * Puts the interceptor in front of a method. It finds the site of its receiver's class, and runs the pipeline there if
 * it is the one that calls of that class begin with. If not, the pipeline runs already (a `super` call, or a foreign
 * decorator between two of ours), and the method is called as it is.
 */
export function intercept(member: Member, fn: AnyFunction): AnyFunction {
  const isStatic = member.placement.endsWith('static');
  const known = new WeakMap<object, Site>();
  let lastKey: unknown = nobody;
  let lastRun: Site['run'] | undefined;

  /** How calls with this key begin; undefined where the pipeline runs already. */
  const find = (key: unknown): Site['run'] | undefined => {
    const owner = typeof key === 'object' || typeof key === 'function' ? (key ?? undefined) : undefined;
    let site = owner && known.get(owner);
    if (site === undefined) {
      try {
        site = siteFor(member, owner);
      } catch (error) {
        // There is none to be had: the call fails, and the next one asks again.
        return () => Promise.reject(error);
      }
      // Only until the class is known.
      if (site === homeless.get(member)) return site.entry === interceptor ? site.run : undefined;
      if (owner !== undefined) known.set(owner, site);
    }
    lastKey = key;
    lastRun = site.entry === interceptor ? site.run : undefined;
    return lastRun;
  };

  const interceptor = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const key =
      isStatic || this === undefined || this === null ? (this as object | undefined) : Object.getPrototypeOf(this);
    const run = key === lastKey ? lastRun : find(key);
    if (run !== undefined) return run(fn, this, args);
    // What was handed over is for this call, not for the next one that its code makes.
    takeHandoff(this, member.name);
    return callThrough(fn, this, args);
  };
  interceptors.set(interceptor, fn);
  return named(fn, interceptor);
}

/** The sites of a prototype (instance members) or a class (static ones), by member. */
const sites = new WeakMap<object, Map<unknown, Site>>();
/** The classes of decorated members, for calls without a receiver. */
const homes = new WeakMap<object, AnyClass>();
const linked = new WeakSet<object>();
const constructed = new WeakSet<object>();

/** Remembers which class some metadata belongs to. */
export const setHome = (metadata: object, type: AnyClass): void => {
  homes.set(metadata, type);
};

/** The site of a member for a receiver, given by its prototype or, for a static member, by itself. */
function siteFor(member: Member, key: object | undefined): Site {
  const isStatic = member.placement.endsWith('static');
  const levels = key === undefined ? [] : isStatic ? levelsOfClass(key as AnyClass) : levelsOfPrototype(key);
  const isAtHome = levels.some((level) => level.metadata === member.holder || level.prototype === member.holder);
  if (isAtHome) return siteAt(levels, member);
  // A call without `this`, or with a foreign one: the class that declares the method stands in.
  const home = homes.get(member.holder) ?? classOf(member.holder);
  if (home !== undefined) return siteAt(isStatic ? levelsOfClass(home) : levelsOfPrototype(home.prototype), member);
  return homelessSite(member);
}

/** The sites of members that were called without a receiver of their class before that class was known. */
const homeless = new WeakMap<Member, Site>();

function homelessSite(member: Member): Site {
  let site = homeless.get(member);
  if (site === undefined) {
    site = createSite([{ type: undefined, prototype: undefined, metadata: member.holder }], member);
    homeless.set(member, site);
  }
  return site;
}

/** The site of a member on the class that the levels begin with. */
export function siteAt(levels: readonly Level[], member: Member): Site {
  const [concrete] = levels;
  const isStatic = member.placement.endsWith('static');
  const owner = (isStatic ? concrete?.type : concrete?.prototype) as object;
  if (!isStatic) link(levels);
  let byMember = sites.get(owner);
  if (byMember === undefined) {
    byMember = new Map();
    sites.set(owner, byMember);
  }
  // Private members of different classes may share a name: they are told apart by their records.
  const isPrivate = member.placement.startsWith('private');
  const id = isPrivate ? memberRecords(member.holder, member.placement)?.get(member.name) : member.name;
  let site = byMember.get(id);
  if (site === undefined) {
    site = createSite(levels, member);
    byMember.set(id, site);
  }
  return site;
}

/** Puts the undecorated methods that inherit policies, or get them from a class, behind the interceptor: once a class. */
export function link(levels: readonly Level[]): void {
  const governed = new Set<PropertyKey>();
  let classLevel = false;
  for (const level of levels.toReversed()) {
    const record = level.metadata && classRecord(level.metadata);
    if (level.metadata !== undefined && level.type !== undefined) setHome(level.metadata, level.type);
    classLevel ||= record !== undefined && record.policies.length > 0;
    const { prototype } = level;
    if (prototype !== undefined && !linked.has(prototype)) {
      for (const name of Reflect.ownKeys(prototype)) linkMember(level, prototype, name, governed.has(name), classLevel);
      // Only now: a class that could not be linked fails at the next construction too.
      linked.add(prototype);
    }
    for (const name of namesAt(level, 'instance')) governed.add(name);
  }
}

function linkMember(level: Level, prototype: object, name: PropertyKey, inherits: boolean, classLevel: boolean): void {
  if (recordAt(level, 'instance', name) !== undefined) return;
  const property = Object.getOwnPropertyDescriptor(prototype, name);
  const fn: unknown = property?.value;
  if (property === undefined || typeof fn !== 'function' || isInterceptor(fn)) return;
  if (!inherits && !(classLevel && isAsync(fn))) return;
  if (!property.configurable && !property.writable) {
    const problem = 'it inherits policies, but its class is frozen before its first construction';
    throw new ConfigurationError(`${labelOf(level.type, name)}: ${problem}; decorate it, or freeze later`);
  }
  const entry = intercept({ name, placement: 'instance', holder: prototype }, fn as AnyFunction);
  Object.defineProperty(prototype, name, { ...property, value: entry });
  writeMember(prototype, 'instance', name, { policies: [], inherit: true, isAsync: isAsync(fn), entry });
}

/**
 * To be called at the construction of each instance, with its prototype and, where it is there already, itself: links its
 * class, and checks what the policies say of it. Does its work once per concrete class.
 */
export function onConstruction(prototype: object, instance?: object): void {
  if (constructed.has(prototype)) return;
  const levels = levelsOfPrototype(prototype);
  link(levels);
  if (instance !== undefined) bindAgain(levels, instance);
  for (const level of levels) {
    for (const name of namesAt(level, 'instance')) verify(levels, { name, placement: 'instance', holder: prototype });
    if (level.metadata === undefined) continue;
    for (const name of namesAt(level, 'private'))
      verify(levels, { name, placement: 'private', holder: level.metadata });
  }
  constructed.add(prototype);
}

/** Methods without a decorator that a foreign one bound to the first instance of a class, before they were linked. */
function bindAgain(levels: readonly Level[], instance: object): void {
  const linkedAt = ({ prototype }: Level): Iterable<PropertyKey> =>
    (prototype && memberRecords(prototype, 'instance')?.keys()) ?? [];
  for (const name of new Set(levels.flatMap((level) => [...linkedAt(level)]))) {
    const property = Object.getOwnPropertyDescriptor(instance, name);
    if (!property?.writable) continue;
    const { value } = property;
    const method: unknown = Reflect.get(Object.getPrototypeOf(instance), name, instance);
    if (typeof method !== 'function' || value?.name !== `bound ${method.name}`) continue;
    // Arguments that were bound as well can only be told by how many are left.
    if (value.length !== method.length) continue;
    Object.defineProperty(instance, name, { ...property, value: method.bind(instance) });
  }
}

/** To be called once a class with a decorated static member is there. */
export function onStaticDefinition(type: AnyClass, member: Member): void {
  setHome(member.holder, type);
  const levels: Level[] = [
    { type, prototype: type.prototype, metadata: member.holder },
    ...levelsOfClass(type).slice(1),
  ];
  const site = createSite(levels, member);
  for (const policy of site.policies) policy.verify?.(site, type);
}

function verify(levels: readonly Level[], member: Member): void {
  const site = siteAt(levels, member);
  for (const policy of site.policies) policy.verify?.(site, levels[0]?.prototype as object);
}
