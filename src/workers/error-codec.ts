import {
  AllFailedError,
  ConfigurationError,
  ItemError,
  RejectedError,
  RetryError,
  WorkerError,
} from '../core/errors.js';
import type { ErrorClass } from '../core/matcher.js';
import { type Cross, deepest, findObstacle } from './cloneable.js';
import type { ClassReference, EncodedError } from './protocol.js';

/** Names a class for the other side, if it has a name there. */
export type Reference = (type: object) => ClassReference | undefined;
/** Finds the class of a name. */
export type Lookup = (reference: ClassReference) => ErrorClass | undefined;

/** The error classes of opero itself. */
export const ownErrors = [
  AllFailedError,
  ConfigurationError,
  ItemError,
  RejectedError,
  RetryError,
  WorkerError,
] as unknown as readonly ErrorClass[];

const builtin = (name: string): unknown => (globalThis as Record<string, unknown>)[name];

/** Names built-in classes, those listed by the policies, and those that `exported` knows. */
export const referenceBy =
  (listed: readonly ErrorClass[], exported: (type: object) => string | undefined): Reference =>
  (type) => {
    const { name } = type as { name: string };
    if (builtin(name) === type) return { from: 'builtin', name };
    const index = listed.indexOf(type as ErrorClass);
    if (index >= 0) return { from: 'list', index, name };
    const exportName = exported(type);
    return exportName === undefined ? undefined : { from: 'module', name: exportName };
  };

/** Finds built-in classes, those listed by the policies, and those in the exports of the module. */
export const lookupBy =
  (listed: readonly ErrorClass[], exports: Readonly<Record<string, unknown>>): Lookup =>
  (reference) => {
    const { name } = reference;
    if (reference.from === 'list') {
      const found = listed[reference.index];
      return (found as { name?: string } | undefined)?.name === name ? found : undefined;
    }
    const found = reference.from === 'builtin' ? builtin(name) : exports[name];
    return typeof found === 'function' ? (found as unknown as ErrorClass) : undefined;
  };

/**
 * Anything thrown, in a form that can be cloned. A field that cannot be read or cloned is dropped, as are causes and
 * errors that are nested too deep.
 */
export function encodeError(
  thrown: unknown,
  reference: Reference,
  cross: Cross,
  above: readonly unknown[] = [],
): EncodedError {
  const level = above.indexOf(thrown);
  if (level >= 0) return { kind: 'again', level };
  // An error is at most two levels deeper than the one above it: in its list of errors.
  const depth = 2 * above.length;
  if (!(thrown instanceof Error)) {
    const obstacle = findObstacle(thrown, 'thrown', cross, depth);
    return { kind: 'value', value: obstacle === undefined ? thrown : String(obstacle.reason) };
  }
  const chain = [...above, thrown];
  const classes: ClassReference[] = [];
  for (let each: unknown = Object.getPrototypeOf(thrown); each !== null; each = Object.getPrototypeOf(each)) {
    const type: unknown = Object.getOwnPropertyDescriptor(each, 'constructor')?.value;
    const named = typeof type === 'function' ? reference(type) : undefined;
    if (named !== undefined) classes.push(named);
    if (each === Error.prototype) break;
  }
  const { name, message, stack, cause } = thrown;
  const { errors } = thrown as { errors?: unknown };
  const goesOn = depth + 2 <= deepest;
  return {
    kind: 'error',
    classes,
    name: String(name),
    message: String(message),
    stack: typeof stack === 'string' ? stack : undefined,
    fields: fieldsOf(thrown, cross, depth),
    ...(goesOn && Object.hasOwn(thrown, 'cause') && { cause: encodeError(cause, reference, cross, chain) }),
    ...(goesOn &&
      Array.isArray(errors) && { errors: errors.map((each) => encodeError(each, reference, cross, chain)) }),
  };
}

function fieldsOf(error: Error, cross: Cross, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(error)) {
    if (['name', 'message', 'stack', 'cause'].includes(key)) continue;
    let value: unknown;
    try {
      value = Reflect.get(error, key);
    } catch {
      continue;
    }
    if (key === 'errors' && Array.isArray(value)) continue;
    if (findObstacle(value, key, cross, depth) === undefined) fields[key] = value;
  }
  return fields;
}

/** An error of a class, made without its constructor, which may want other arguments. */
function create(type: ErrorClass, name: string, message: string): Error {
  if (type === DOMException) return new DOMException(message, name);
  return Object.setPrototypeOf(new Error(message), type.prototype as object) as Error;
}

/** The error again: an instance of the nearest class that is found, with its name, message, fields, cause and stack. */
export function decodeError(
  encoded: EncodedError,
  lookup: Lookup,
  callerStack: string,
  above: readonly unknown[] = [],
): unknown {
  if (encoded.kind === 'value') return encoded.value;
  if (encoded.kind === 'again') return above[encoded.level];
  const { name, message, fields, cause, errors, stack } = encoded;
  const type = encoded.classes.map(lookup).find((each) => each !== undefined) ?? Error;
  const error = create(type, name, message);
  const inner = (each: EncodedError): unknown => decodeError(each, lookup, '', [...above, error]);
  const define = (key: string, value: unknown, enumerable = false): void => {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  };
  if (error.message !== message) define('message', message);
  if (error.name !== name) define('name', name);
  for (const [key, value] of Object.entries(fields)) define(key, value, true);
  if (cause !== undefined) define('cause', inner(cause));
  if (errors !== undefined) define('errors', errors.map(inner));
  define('stack', callerStack === '' ? stack : `${stack ?? `${name}: ${message}`}\n${callerStack}`);
  return error;
}
