import { createHash } from 'node:crypto';
import { chainOfClass, chainOfPrototype } from '../core/decoration/metadata.js';
import type { AnyClass } from '../core/types.js';

/** The name of a class, if it is one: a static member may stand in its place, which is not to be run. */
export function nameOf(type: object): string {
  const name: unknown = Object.getOwnPropertyDescriptor(type, 'name')?.value;
  return typeof name === 'string' ? name : '';
}

/** The name of a class that is there without an import; what a program makes global itself is enumerable. */
export function globalNameOf(type: object): string | undefined {
  const name = nameOf(type);
  const isEnumerable = Object.getOwnPropertyDescriptor(globalThis, name)?.enumerable;
  return isEnumerable === false && Reflect.get(globalThis, name) === type ? name : undefined;
}

const source = (type: object): string => Function.prototype.toString.call(type);

const hashOf = (texts: readonly string[]): string => createHash('sha256').update(texts.join('\n')).digest('base64');

/** What tells a function by its code, which is the same in every thread. */
export const functionShape = (fn: object): string => hashOf([source(fn)]);

/**
 * What tells a subclass by its code, from itself down to a base class; undefined for the base itself. Names do not
 * serve: they are missing on anonymous classes and mangled by compilers.
 */
export function classShape(type: AnyClass, base: AnyClass): string | undefined {
  if (type === base) return undefined;
  const types = chainOfPrototype(type.prototype as object).map((level) => level.type as AnyClass);
  const end = types.indexOf(base);
  return hashOf(types.slice(0, end < 0 ? types.length : end).map(source));
}

const errorShapes = new WeakMap<object, string>();

/** What tells a class of errors, whose code is often empty: its name and its code, and those of all its bases. */
export function errorShape(type: AnyClass): string {
  let shape = errorShapes.get(type);
  if (shape === undefined) {
    shape = hashOf(
      chainOfClass(type).flatMap((level) => [nameOf(level.type as AnyClass), source(level.type as AnyClass)]),
    );
    errorShapes.set(type, shape);
  }
  return shape;
}
