import { builtInNameOf, isError } from '../core/realm.js';
import type { ErrorClass } from '../core/types.js';
import { type Cross, deepest, findObstacle } from './cloneable.js';
import type { ClassReference, EncodedError } from './protocol.js';

/** The error classes that a side knows: how it names them to the other side, and what it takes names for. */
export interface ErrorNames {
  nameOf(type: ErrorClass): ClassReference;
  find(reference: ClassReference): ErrorClass | undefined;
}

/**
 * Anything thrown, in a form that can be cloned. A field that cannot be read or cloned is dropped, as are causes and
 * errors that are nested too deep.
 */
export function encodeError(
  thrown: unknown,
  known: ErrorNames,
  cross: Cross,
  above: readonly unknown[] = [],
): EncodedError {
  const level = above.indexOf(thrown);
  if (level >= 0) return { kind: 'again', level };
  // An error is at most two levels deeper than the one above it: in its list of errors.
  const depth = 2 * above.length;
  if (!isError(thrown)) {
    const obstacle = findObstacle(thrown, 'thrown', cross, depth);
    return { kind: 'value', value: obstacle === undefined ? thrown : String(obstacle.reason) };
  }
  const chain = [...above, thrown];
  const classes: ClassReference[] = [];
  for (let each: unknown = Object.getPrototypeOf(thrown); each !== null; each = Object.getPrototypeOf(each)) {
    const type: unknown = Object.getOwnPropertyDescriptor(each, 'constructor')?.value;
    if (typeof type === 'function') classes.push(known.nameOf(type as unknown as ErrorClass));
    if (each === Error.prototype || builtInNameOf(type) === 'Error') break;
  }
  const { name, message, stack, cause } = thrown;
  const errors = Object.hasOwn(thrown, 'errors') ? (thrown as { errors?: unknown }).errors : undefined;
  const hidden = hiddenFieldsOf(thrown);
  const goesOn = depth + 2 <= deepest;
  return {
    kind: 'error',
    classes,
    name: String(name),
    message: String(message),
    stack: typeof stack === 'string' ? stack : undefined,
    fields: fieldsOf(thrown, cross, depth),
    ...(hidden.length > 0 && { hidden }),
    ...(goesOn && Object.hasOwn(thrown, 'cause') && { cause: encodeError(cause, known, cross, chain) }),
    ...(goesOn && Array.isArray(errors) && { errors: errors.map((each) => encodeError(each, known, cross, chain)) }),
  };
}

const isEnumerable = (error: Error, key: string): boolean => Object.prototype.propertyIsEnumerable.call(error, key);

/** What travels by itself, and is not enumerable as a rule. */
const ordinary = ['name', 'message', 'stack'];

const hiddenFieldsOf = (error: Error): string[] =>
  Object.getOwnPropertyNames(error).filter((key) => !ordinary.includes(key) && !isEnumerable(error, key));

function fieldsOf(error: Error, cross: Cross, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(error)) {
    if (['stack', 'cause'].includes(key) || (ordinary.includes(key) && !isEnumerable(error, key))) continue;
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
  if (type.prototype instanceof DOMException) {
    return Object.setPrototypeOf(new DOMException(message, name), type.prototype as object) as Error;
  }
  return Object.setPrototypeOf(new Error(message), type.prototype as object) as Error;
}

/** The error again: an instance of the nearest class that is found, with its name, message, fields, cause and stack. */
export function decodeError(
  encoded: EncodedError,
  known: ErrorNames,
  callerStack: string,
  above: readonly unknown[] = [],
): unknown {
  if (encoded.kind === 'value') return encoded.value;
  if (encoded.kind === 'again') return above[encoded.level];
  const { name, message, fields, hidden = [], cause, errors, stack } = encoded;
  const type = encoded.classes.map((each) => known.find(each)).find((each) => each !== undefined) ?? Error;
  const error = create(type, name, message);
  const inner = (each: EncodedError): unknown => decodeError(each, known, '', [...above, error]);
  const define = (key: string, value: unknown, enumerable = !hidden.includes(key)): void => {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  };
  for (const [key, value] of Object.entries(fields)) define(key, value);
  if (error.message !== message) define('message', message, false);
  if (error.name !== name) define('name', name, false);
  if (cause !== undefined) define('cause', inner(cause));
  if (errors !== undefined) define('errors', errors.map(inner));
  define('stack', callerStack === '' ? stack : `${stack ?? `${name}: ${message}`}\n${callerStack}`, false);
  return error;
}
