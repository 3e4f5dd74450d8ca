import { ConfigurationError } from '../errors.js';
import { isClass, show } from '../options.js';
import type { AnyClass } from '../types.js';
import { chainOfPrototype, writtenClass } from './metadata.js';

/** The value, if it is a class, or a function with methods as classes are made of for old engines; else it throws. */
export function requireClass(value: unknown, asked: string): AnyClass {
  const prototype: unknown = typeof value === 'function' ? value.prototype : undefined;
  const isPrototype = typeof prototype === 'object' && prototype !== null;
  const chain = isPrototype ? chainOfPrototype(prototype) : [];
  const isWritten = chain.some(({ type }) => type !== undefined && isClass(writtenClass(type)));
  if (isWritten || (isPrototype && Reflect.ownKeys(prototype).length > 1)) return value as AnyClass;
  throw new ConfigurationError(`${asked}: expected a class, got ${show(value)}`);
}
