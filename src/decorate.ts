import { type Addition, addToClass, addToObject } from './core/decoration/additions.js';
import { checkNew, type Recording, readerOf } from './core/decoration/decorate.js';
import type { Constructor } from './core/decoration/decorator-types.js';
import type { Declared } from './core/decoration/metadata.js';
import { requireClass } from './core/decoration/require-class.js';
import { labelOf } from './core/decoration/site.js';
import { ConfigurationError } from './core/errors.js';
import { entriesOf, hasNames, isClass, show, type Where } from './core/options.js';
import type { AnyClass } from './core/types.js';
import type { ClassPolicies, InstancePolicies } from './decorate-types.js';
import { readPolicies } from './orchestrate.js';

/** The name that stands for a whole class, and what tells its static methods. */
const everyMethod = '*';
const staticPrefix = 'static ';

/** What is to be decorated, for messages and for names. */
interface Subject {
  /** What was called, for messages. */
  readonly asked: string;
  readonly type: AnyClass | undefined;
  /** What has the instance methods. */
  readonly target: object;
  readonly hasStatics: boolean;
}

/**
 * Puts policies on the methods of a class as decorators on it would: of your own class where nothing compiles decorators, or
 * of somebody else's. What is wrong with any of it throws, and nothing has changed then. Called before the first
 * construction it does what the syntax does; later, the instances that are there are governed from then on too. A method
 * that the class inherits is governed from this class down. Nothing sees a subclass that has no decorator of its own: its
 * overrides are linked by `register`.
 *
 * @param type The class.
 * @param policies By the name of each method, `'static name'` for a static one: what `@orchestrate` takes, or an array of
 * decorators; `'*'` stands for the class, as decorators on it do. A policy of which all options have defaults may be `true`.
 * @returns The class.
 * @throws ConfigurationError when it is no class, when a name is no method or its prototype is frozen, when an option is
 * wrong, when it has such a policy already, or when it lacks a method that a fallback names.
 * @example
 * decorate(Client, {
 *   forecast: { retry: 3, timeout: 1_000, fallback: ['cached'] },
 *   'static connect': [retry(3), audit()],
 *   '*': { concurrency: 10 },
 * });
 */
export function decorate<Class extends Constructor>(type: Class, policies: ClassPolicies<Class>): Class;
export function decorate(given: unknown, policies: unknown): unknown {
  const type = requireClass(given, 'decorate()');
  const subject = { asked: 'decorate()', type, target: type.prototype as object, hasStatics: true };
  addToClass(type, readAdditions(subject, policies));
  return type;
}

/**
 * Puts policies on the methods of one object, as `decorate` does on a class: on those of its class, and on functions that
 * it holds itself. They have limits of their own. What its class has on a method stays, save the kinds that are given. The
 * object gets a prototype of its own, between it and that of its class.
 *
 * @param object The object; not one that is frozen.
 * @param policies As for `decorate`, without static methods; `'*'` stands for the async methods of its class.
 * @returns The object.
 * @throws ConfigurationError as `decorate` does; also for `cpuBound`, as a worker finds no method of a single object.
 * @example
 * const patient = decorateInstance(new AlpineWeather(), { forecast: { retry: 10, rateLimit: 5 } });
 */
export function decorateInstance<Instance extends object>(
  object: Instance,
  policies: InstancePolicies<Instance>,
): Instance;
export function decorateInstance(object: unknown, policies: unknown): unknown {
  if (typeof object !== 'object' || object === null) {
    const cure = isClass(object) ? '; decorate() takes a class' : '';
    throw new ConfigurationError(`decorateInstance(): expected an object, got ${show(object)}${cure}`);
  }
  const { constructor: type } = object;
  const named = typeof type === 'function' ? (type as unknown as AnyClass) : undefined;
  const subject = { asked: 'decorateInstance()', type: named, target: object, hasStatics: false };
  const additions = readAdditions(subject, policies);
  for (const { recording, where } of additions) {
    if (!recording.policies.some(({ kind }) => kind === 'cpuBound')) continue;
    throw new ConfigurationError(`${where.text}: cpuBound goes on classes, as a worker finds no method of one object`);
  }
  addToObject(object, additions);
  return object;
}

function readAdditions(subject: Subject, policies: unknown): Addition[] {
  const { asked, type } = subject;
  if (!hasNames(policies)) {
    const allowed = "an object with a key for each method, or '*' for all";
    throw new ConfigurationError(`${asked}: expected the policies to be ${allowed}, got ${show(policies)}`);
  }
  const given = entriesOf(policies).filter(([, each]) => each !== undefined);
  return given.map(([key, each]) => {
    const { name, isStatic } = readName(key, subject);
    const where: Where = {
      text: `${asked} of ${labelOf(type, key)}`,
      ...(name !== undefined && { member: name }),
    };
    const recording = Array.isArray(each)
      ? readDecorators(each, name, isStatic, where)
      : readPolicies(requireObject(each, where), where);
    return { name, isStatic, recording, where };
  });
}

function requireObject(given: unknown, { text }: Where): unknown {
  if (typeof given === 'object' && given !== null) return given;
  const allowed = 'an object, or an array of decorators';
  throw new ConfigurationError(`${text}: expected the policies to be ${allowed}, got ${show(given)}`);
}

/** The member that a key names; none for the class. */
function readName(
  key: string | symbol,
  { asked, type, target, hasStatics }: Subject,
): Pick<Addition, 'name' | 'isStatic'> {
  if (key === everyMethod) return { name: undefined, isStatic: false };
  if (typeof key === 'symbol' || key in target) return { name: key, isStatic: false };
  if (key.startsWith('#')) {
    throw new ConfigurationError(`${asked} of ${labelOf(type, key)}: no #private method can be named from outside`);
  }
  const isStatic = hasStatics && key.startsWith(staticPrefix);
  return { name: isStatic ? key.slice(staticPrefix.length) : key, isStatic };
}

/** What decorators would record, together. */
function readDecorators(
  decorators: readonly unknown[],
  name: string | symbol | undefined,
  isStatic: boolean,
  where: Where,
): Recording {
  const kind = name === undefined ? 'class' : 'method';
  const all: Declared = { policies: [], inherit: true };
  for (const decorator of decorators) {
    const read = readerOf(decorator);
    if (read === undefined) {
      const allowed = 'decorators of opero, called, as in [retry(3)]';
      throw new ConfigurationError(`${where.text}: expected ${allowed}, got ${show(decorator)}`);
    }
    const { recording, where: place } = read({ kind, name, static: isStatic, metadata: all });
    checkNew(all, recording, place);
    all.policies.push(...recording.policies);
    if (recording.inherit === false) all.inherit = false;
    if (recording.signalAt !== undefined) all.signalAt = recording.signalAt;
  }
  return all;
}
