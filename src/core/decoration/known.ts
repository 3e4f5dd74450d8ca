import type { AnyClass } from '../types.js';
import { WeakList } from '../weak-list.js';
import { classOf } from './metadata.js';

/** The classes that were linked, or have static members with policies. */
const classes = new WeakList<AnyClass>();

/** Remembers a class for those who name it in a configuration; does not keep it alive. */
export const know = (type: AnyClass): void => classes.add(type);

/** All of them that there are. */
export const allKnown = (): Iterable<AnyClass> => classes;

/** The known classes of this name, as they are seen from outside. */
export const knownAs = (name: string): Set<AnyClass> =>
  new Set([...classes].filter((type) => type.name === name).map((type) => classOf(type.prototype as object) ?? type));
