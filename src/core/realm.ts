import { node } from './node.js';

/**
 * Whether a value is an error, of whatever realm: jest and `node:vm` run programs in a realm of their own, whose Error
 * is another than that of Node's own modules.
 */
export const isError = (value: unknown): value is Error =>
  value instanceof Error || node('node:util').types.isNativeError(value);

/** The name of a class of errors that the engine brings, of whatever realm; undefined for any other function. */
export const builtInNameOf = (type: unknown): string | undefined =>
  typeof type === 'function'
    ? /^function (\w*Error)\(\) \{ \[native code\] \}$/.exec(Function.prototype.toString.call(type))?.[1]
    : undefined;

/** Whether an object inherits from a built-in class of errors of this name, of whatever realm. */
export function inheritsBuiltIn(object: unknown, name: string): boolean {
  for (let each: unknown = object; typeof each === 'object' && each !== null; each = Object.getPrototypeOf(each)) {
    if (builtInNameOf(Object.getOwnPropertyDescriptor(each, 'constructor')?.value) === name) return true;
  }
  return false;
}
