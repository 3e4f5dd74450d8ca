import { isClass, isGenerator, show } from '../options.js';
import type { AnyClass } from '../types.js';

function propertyOf(object: object, name: PropertyKey, end: unknown = null): PropertyDescriptor | undefined {
  for (let each = object; each !== end && each !== null; each = Object.getPrototypeOf(each)) {
    const property = Object.getOwnPropertyDescriptor(each, name);
    if (property !== undefined) return property;
  }
  return undefined;
}

/** What a name is on an object, for messages, where it is no method that may be called; undefined where it is one. */
export function notAMethod(target: object, name: PropertyKey): string | undefined {
  const property = propertyOf(target, name);
  if (property === undefined) return missing(target, name);
  const { get, set, value } = property;
  if (isClass(value)) return `${show(name)} is a class, not a method`;
  if (typeof value === 'function') return isGenerator(value) ? `${show(name)} is a generator method` : undefined;
  const kind = get && set ? 'an accessor' : get ? 'a getter' : set ? 'a setter' : show(value);
  return `${show(name)} is ${kind}, not a method`;
}

function missing(target: object, name: PropertyKey): string {
  const isStatic = typeof target === 'function';
  if (String(name).startsWith('#')) return `${show(name)} cannot be named, as no #private method can`;
  const other: unknown = isStatic ? (target as unknown as AnyClass).prototype : target.constructor;
  if (typeof propertyOf(Object(other), name, Function.prototype)?.value === 'function') {
    const kind = isStatic ? 'a method of instances, not a static one' : 'a static method, not one of instances';
    return `${show(name)} is ${kind}`;
  }
  return `no method ${show(name)} here (a field that holds a function is set too late to count)`;
}
