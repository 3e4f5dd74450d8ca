import { clashOf, type Policy } from '../call/policy.js';
import type { SignalPlace } from '../call/signal-place.js';
import { ConfigurationError } from '../errors.js';
import type { Member } from '../member.js';
import { isClass, isGenerator, show, type Where } from '../options.js';
import type { AnyClass, AnyFunction } from '../types.js';
import { onConstruction, onStaticDefinition } from './construction.js';
import {
  type AnyContext,
  type ClassContext,
  type Context,
  describe,
  isContext,
  type MethodContext,
  nameOf,
  nameOfClass,
  placementOf,
} from './context.js';
import { isInterceptor } from './interceptor.js';
import { know } from './known.js';
import {
  chainOfClass,
  classOf,
  type Declared,
  ensureClassRecord,
  isAsync,
  isSeen,
  type MemberRecord,
  memberRecords,
  setMetadata,
  setProxy,
  writeMember,
} from './metadata.js';
import { isOldCall, isOldest, oldestForm, readOldCall, type Told } from './old-form.js';
import { govern, linkDefined } from './sites.js';

/** What a decorator records. */
export interface Recording {
  readonly policies: readonly Policy[];
  readonly inherit?: boolean | undefined;
  readonly signalAt?: SignalPlace | undefined;
}

/**
 * A decorator that records what `build` makes of its options, in both forms. `given` are the arguments of the decorator's
 * factory, `most` how many it takes.
 * @throws ConfigurationError when applied to anything but a method or a class.
 */
export function policyDecorator<Decorator>(
  name: string,
  given: readonly unknown[],
  most: number,
  build: (where: Where) => Recording | Policy,
): Decorator {
  if (isContext(given[1])) throw bare(name, describe(given[1]));
  if (isOldCall(given))
    throw bare(name, describe(readOldCall(name, ...(given as [unknown, unknown, unknown])).context));
  if (isOldest(given)) throw oldestForm(name, given[0]);
  if (isClass(given[0])) throw bareOnClass(name, given[0]);
  const surplus = given.findIndex((each, index) => index >= most && each !== undefined);

  const read: Read = (context) => {
    const text = `@${name} on ${describe(context)}`;
    if (context.kind !== 'method' && context.kind !== 'class') {
      const problem = `expected a method or a class, got ${/^[aeiou]/.test(context.kind) ? 'an' : 'a'} ${context.kind}`;
      throw new ConfigurationError(`${text}: ${problem}; policies go on methods`);
    }
    if (context.metadata === undefined) {
      const problem = 'the compiler gives no decorator metadata';
      throw new ConfigurationError(`${text}: ${problem}; compile decorators in their 2023-11 form or later`);
    }
    if (surplus !== -1) {
      const problem = `expected ${most === 1 ? 'one argument' : `${most} arguments`} at the most`;
      throw new ConfigurationError(`${text}: ${problem}, got ${show(given[surplus])} too`);
    }
    const told = context as Context;
    const where: Where = { text, ...(told.kind === 'method' && { member: nameOf(told) }) };
    const built = build(where);
    return { where, recording: 'policies' in built ? built : { policies: [built] } };
  };

  const decorator = (value: unknown, context: unknown, third: unknown): unknown => {
    if (isContext(context)) return record(value, context, read(context));
    if (isOldest([value])) throw oldestForm(name, value);
    return inOldForm(readOldCall(name, value, context, third), read);
  };
  readers.set(decorator, read);
  return decorator as Decorator;
}

/** What a decorator records of what it is told to stand on, and the words for where that is; checks both. */
type Read = (context: AnyContext) => { readonly recording: Recording; readonly where: Where };

const readers = new WeakMap<object, Read>();

/** How a decorator of ours reads its options, without recording anything; undefined for any other value. */
export const readerOf = (decorator: unknown): Read | undefined =>
  typeof decorator === 'function' ? readers.get(decorator) : undefined;

/** Records what was read for a method or a class. Gives what is to stand in its place. */
function record(value: unknown, context: AnyContext, { recording, where }: ReturnType<Read>): unknown {
  const told = context as Context;
  if (told.kind === 'class') return decorateClass(value as AnyClass, told, recording, where);
  return decorateMethod(value as AnyFunction, told, recording, where);
}

/** In the old form a class is there before its decorators: so what is said of a static member is checked at once. */
function inOldForm({ value, context, type, replace }: Told, read: Read): void {
  const result = record(value, context, read(context));
  if (result !== undefined) replace(result);
  // A class is not static.
  const told = context as MethodContext;
  if (told.static) onStaticDefinition(type, { name: nameOf(told), placement: 'static', holder: told.metadata });
  else know(type);
}

/** Records what is said of a method. Gives the interceptor that is to stand in its place, if there is none of ours yet. */
export function decorateMethod(
  value: AnyFunction,
  context: MethodContext,
  recording: Recording,
  where: Where,
  wasAsync = isAsync(value),
): AnyFunction | undefined {
  if (isGenerator(value)) {
    throw new ConfigurationError(`${where.text}: expected a method that returns a promise, got a generator`);
  }
  const { metadata } = context;
  const member: Member = { name: nameOf(context), placement: placementOf(context), holder: metadata };
  const known = memberRecords(metadata, member.placement)?.get(member.name);
  const record: MemberRecord = known ?? { policies: [], inherit: true, isAsync: wasAsync, entry: value };
  add(record, recording, where);
  if (known !== undefined && isInterceptor(value)) return undefined;
  record.entry = govern(member, value);
  writeMember(metadata, member.placement, member.name, record);
  seeConstructionsBy(context, member);
  return record.entry;
}

/** Records what is said of a class, and links it. Gives what is to stand in its place, if that is needed. */
export function decorateClass(
  type: AnyClass,
  { name, metadata, addInitializer }: ClassContext,
  recording: Recording,
  where: Where,
): AnyClass | undefined {
  const record = ensureClassRecord(metadata);
  add(record, recording, where);
  for (const each of standingFor(type, name)) setMetadata(each, metadata);
  linkDefined(type);
  // The old form never has another class in the place of one.
  if (addInitializer === undefined || record.seesConstructions || chainOfClass(type).some(isSeen)) return undefined;
  record.seesConstructions = true;
  return seeConstructions(type, metadata, where);
}

/** The class that a decorator gets, and those that stand behind it where a foreign class decorator came first. */
function standingFor(type: AnyClass, name: string | undefined): AnyClass[] {
  // It may have put a subclass in place of the class as it was written.
  const written = chainOfClass(type).find((level) => level.type?.name === name)?.type;
  // Or a proxy, which instances know nothing of.
  const behindProxy = classOf(type.prototype);
  return [type, written, behindProxy].filter((each) => each !== undefined);
}

/** The error for a policy beside which a further one may not stand. */
export function clashing({ kind }: Policy, policy: Policy, where: Where): ConfigurationError {
  const cure = kind === policy.kind ? 'give each kind once' : `have either that or ${policy.kind}`;
  return new ConfigurationError(`${where.text}: it has a ${kind} policy already; ${cure}`);
}

/** Adds what is said of a method or a class to its record; throws, and adds nothing, where that has it already. */
export function add(record: Declared, { policies, inherit, signalAt }: Recording, where: Where): void {
  checkNew(record, { policies, signalAt }, where);
  record.policies.push(...policies);
  if (inherit === false) record.inherit = false;
  if (signalAt !== undefined) record.signalAt = signalAt;
}

/** Throws where a record has already what is to be added. */
export function checkNew(record: Declared | undefined, { policies, signalAt }: Recording, where: Where): void {
  for (const policy of policies) {
    const clash = clashOf(record?.policies ?? [], policy);
    if (clash !== undefined) throw clashing(clash, policy, where);
  }
  if (signalAt !== undefined && record?.signalAt !== undefined) {
    throw new ConfigurationError(`${where.text}: it has a signalAt already; give it once`);
  }
}

/** Has the class linked when it is first constructed, or, for a static member, checked when it is defined. */
function seeConstructionsBy(context: MethodContext, member: Member): void {
  if (context.addInitializer === undefined) return;
  if (context.static) {
    context.addInitializer(function () {
      onStaticDefinition(this as unknown as AnyClass, member);
    });
    return;
  }
  const record = ensureClassRecord(context.metadata);
  if (record.seesConstructions) return;
  record.seesConstructions = true;
  context.addInitializer(function () {
    onConstruction(Object.getPrototypeOf(this) as object, this as object);
  });
}

/**
 * The class behind a proxy that sees each construction, of subclasses too. Only for a class that has no decorated
 * method, in itself or in a base, whose initializer would see them.
 */
function seeConstructions(type: AnyClass, metadata: object, where: Where): AnyClass {
  const proxy = new Proxy(type as new (...args: never[]) => object, {
    construct(target, args, newTarget): object {
      onConstruction(newTarget.prototype);
      return Reflect.construct(target, args, newTarget);
    },
  });
  // The value alone: the attributes of a sealed prototype must stay as they are.
  if (!Reflect.defineProperty(type.prototype, 'constructor', { value: proxy })) {
    const problem = 'its prototype is frozen already, so its constructions cannot be seen';
    throw new ConfigurationError(`${where.text}: ${problem}; freeze it after its definition`);
  }
  setProxy(proxy, type, metadata);
  return proxy;
}

function bare(name: string, place: string): ConfigurationError {
  return new ConfigurationError(`@${name} on ${place}: write @${name}(...), with parentheses`);
}

/** In the old form, without parentheses, a class is handed to the factory as if it were its options. */
function bareOnClass(name: string, type: AnyClass): ConfigurationError {
  const problem = `it takes no class as its argument; to decorate one, write @${name}(...), with parentheses`;
  return new ConfigurationError(`@${name} on class \`${nameOfClass(type)}\`: ${problem}`);
}
