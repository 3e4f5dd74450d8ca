import { ConfigurationError } from '../errors.js';
import { show } from '../options.js';
import type { AnyClass } from '../types.js';
import type { AnyContext, Context } from './context.js';
import { classOf, ensureMetadata } from './metadata.js';

/*
 * The old form of decorators, as TypeScript compiles it with `experimentalDecorators`, Babel with `legacy`, and swc without
 * `decoratorVersion`. What is here tells its calls by their arguments, and says what it says in the words of the new form.
 */

const isKey = (value: unknown): value is PropertyKey => ['string', 'symbol', 'number'].includes(typeof value);

const isObject = (value: unknown): value is object => Object(value) === value;

/** What the form of 2018, which swc makes of JavaScript, tells of a member or a class. */
interface Descriptor {
  readonly kind: string;
  readonly key?: unknown;
}

const isDescriptor = (value: unknown): value is Descriptor =>
  Object.prototype.toString.call(value) === '[object Descriptor]' && typeof (value as Descriptor).kind === 'string';

/** Whether these are the arguments of a decorator of the old form on a member: its home, name and descriptor. */
export function isOldCall(given: readonly unknown[]): boolean {
  const [target, key, descriptor] = given;
  if (given.length !== 3 || !isKey(key) || !isObject(target)) return false;
  return descriptor === undefined || Object.hasOwn(Object(descriptor), 'configurable');
}

/** Whether these are the arguments of a decorator of the form of 2018: one object. */
export const isOldest = (given: readonly unknown[]): boolean => given.length === 1 && isDescriptor(given[0]);

/** The form of 2018 tells of no class, so nothing could be recorded of it. */
export function oldestForm(name: string, descriptor: unknown): ConfigurationError {
  const { kind, key } = descriptor as Descriptor;
  return new ConfigurationError(
    `@${name} on ${isKey(key) ? `\`${String(key)}\`` : `a ${kind}`}: a compiler called it in the form of 2018; have it ` +
      'compile that of 2023-11 ("decoratorVersion" of swc), or use decorate()',
  );
}

/** A call of the old form, in the words of the new one. */
export interface Told {
  readonly value: unknown;
  readonly context: Context | AnyContext;
  /** The class, and whether the member stands on it or on its prototype. */
  readonly type: AnyClass;
  /** Puts something in the place of the member. */
  replace(value: unknown): void;
}

/** What an old form calls a decorator with: the home of a member, its name and descriptor; or a class alone. */
export function readOldCall(name: string, target: unknown, key: unknown, third: unknown): Told {
  const isStatic = typeof target === 'function';
  const type = isStatic ? (target as unknown as AnyClass) : isObject(target) ? classOf(target) : undefined;
  if (type !== undefined && typeof third === 'number') {
    // Of the constructor, where there is no key.
    return told(type, undefined, { kind: 'parameter', name: `${third + 1} of ${String(key ?? 'constructor')}` });
  }
  if (type !== undefined && isStatic && key === undefined) {
    return told(type, type, { kind: 'class', name: type.name, metadata: ensureMetadata(type) });
  }
  if (type === undefined || !isKey(key)) {
    const called = `called with ${show(target)} and ${show(key)}`;
    throw new ConfigurationError(`@${name}: expected to stand on a method or a class, ${called}`);
  }
  const home = target as object;
  const given = isObject(third) ? (third as PropertyDescriptor) : undefined;
  const own = Object.getOwnPropertyDescriptor(home, key);
  // A static field is there already, as methods are; it can be enumerated.
  const property = given ?? (own?.enumerable ? undefined : own);
  const context = {
    kind: kindOf(property),
    name: key,
    static: isStatic,
    private: false,
    metadata: ensureMetadata(type),
  };
  return told(type, property?.value, context, (value) => {
    // In place, as some that call several decorators heed only that.
    if (given !== undefined) given.value = value;
    else Object.defineProperty(home, key, { ...property, value });
  });
}

const told = (type: AnyClass, value: unknown, context: Told['context'], replace: Told['replace'] = () => {}): Told => ({
  type,
  value,
  context,
  replace,
});

/** Babel tells of a field by its initializer, the others by no descriptor at all. */
function kindOf(property: PropertyDescriptor | undefined): string {
  if (typeof property?.value === 'function') return 'method';
  return property?.get ? 'getter' : property?.set ? 'setter' : 'field';
}
