import { createHash } from 'node:crypto';
import { levelsOfPrototype } from '../core/metadata.js';
import type { AnyClass } from '../core/types.js';

const source = (type: object): string => Function.prototype.toString.call(type);

/** What tells a function by its code, which is the same in every thread. */
export const functionShape = (fn: object): string => createHash('sha256').update(source(fn)).digest('base64');

/**
 * What tells a subclass by its code, from itself down to a base class; undefined for the base itself. Names do not
 * serve: they are missing on anonymous classes and mangled by compilers.
 */
export function classShape(type: AnyClass, base: AnyClass): string | undefined {
  if (type === base) return undefined;
  const hash = createHash('sha256');
  for (const level of levelsOfPrototype(type.prototype as object)) {
    if (level.type === base || level.type === undefined) break;
    hash.update(source(level.type));
  }
  return hash.digest('base64');
}
