import type { AnyClass } from '../types.js';
import { writtenClass } from './metadata.js';

/*
 * A subclass is seen at its first construction, not when it is defined. By then a spy or an APM wrapper may stand in the
 * place of a method. What is here tells it from a method by what it looks like.
 */

const textOf = (fn: object): string => Function.prototype.toString.call(fn);

/** Whether a function is a method of the class as it was written: its text is a part of the text of the class. */
export const isWritten = (type: AnyClass, fn: object): boolean => textOf(writtenClass(type)).includes(textOf(fn));

/** How a replacement can be told: spies of vitest, jest and node:test; those of sinon; what shimmer wraps. */
const marks = ['mock', 'isSinonProxy', '__wrapped'];

/** Whether a function says that it stands in the place of another until it is taken away. */
export const isMarked = (fn: object): boolean => marks.some((mark) => Boolean(Reflect.get(fn, mark)));

/** Whether the class calls the method of its base; then what calls through to its own comes to the base's interceptor. */
export const callsSuper = (type: AnyClass, name: PropertyKey): boolean =>
  [...textOf(writtenClass(type)).matchAll(/\bsuper\.([\w$]+)/g)].some(([, called]) => called === name);
