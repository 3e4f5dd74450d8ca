import { peek } from './peek.js';

/** Where the prototype of each error class of opero holds the name of its class, the same for every copy and realm. */
const tag = Symbol.for('opero.error');

/** No chain of classes is longer; that of a proxy may have no end. */
const deepest = 100;

/** Marks a class of errors as opero's, for other copies of opero. */
export const tagError = (type: { readonly prototype: object }, name: string): void => {
  Object.defineProperty(type.prototype, tag, { value: name, configurable: true });
};

const ownTag = (prototype: object): unknown => Object.getOwnPropertyDescriptor(prototype, tag)?.value;

/** The name of a class of errors of opero's own, of whatever copy and realm; undefined for any other, subclasses included. */
export function tagOf(type: unknown): string | undefined {
  const prototype = peek(type, 'prototype');
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  try {
    const name = ownTag(prototype);
    if (typeof name === 'string') return name;
  } catch {
    // A proxy that does not want to be looked at is no class of ours.
  }
  return undefined;
}

/** Whether a value is an instance of the class of opero's of this name, of whatever copy and realm. Never throws. */
export function isTagged(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    let each: object | null = Object.getPrototypeOf(value);
    for (let depth = 0; each !== null && depth < deepest; depth++) {
      if (ownTag(each) === name) return true;
      each = Object.getPrototypeOf(each);
    }
  } catch {
    // A proxy that does not want to be looked at is no error of ours.
  }
  return false;
}
