import type { ErrorClass } from '../core/types.js';
import { decodeError, encodeError } from '../workers/error-codec.js';
import type { ClassReference, EncodedError } from '../workers/protocol.js';
import { ErrorNamesOfPrograms } from './error-names.js';
import { Malformed } from './value-errors.js';
import { decodeValue, encodeValue } from './values.js';

/** How deep causes and lists of errors may be nested. */
const deepest = 100;

/** How much is kept of texts where all of an error is too much. */
const mostText = 10_000;

/** Anything thrown, as JSON holds it, in at most so many bytes; what cannot travel is left out. Never throws. */
export function encodeThrown(thrown: unknown, classes: readonly ErrorClass[], maxBytes: number): unknown {
  let encoded: EncodedError;
  try {
    encoded = encodeError(thrown, new ErrorNamesOfPrograms(classes), structuredClone);
  } catch {
    // A proxy may refuse whatever it is asked.
    return { kind: 'value', value: 'something that cannot be read' };
  }
  const packed = pack(encoded, 0);
  if (Buffer.byteLength(JSON.stringify(packed)) <= maxBytes) return packed;
  if (encoded.kind !== 'error') return { kind: 'value', value: 'something that is too large to travel' };
  const { name, message } = encoded;
  const cut = (text: string): string => text.slice(0, Math.min(mostText, Math.floor(maxBytes / 8)));
  return { kind: 'error', classes: encoded.classes, name: cut(name), message: cut(message), fields: {} };
}

function pack(encoded: EncodedError, depth: number): unknown {
  if (encoded.kind === 'again') return encoded;
  if (encoded.kind === 'value') return { kind: 'value', value: sendable(encoded.value) ?? String(encoded.value) };
  const { fields, cause, errors, ...rest } = encoded;
  const entries = Object.entries(fields).map(([key, value]) => [key, sendable(value)] as const);
  return {
    ...rest,
    fields: Object.fromEntries(entries.filter(([, value]) => value !== undefined)),
    ...(cause !== undefined && depth < deepest && { cause: pack(cause, depth + 1) }),
    ...(errors !== undefined && depth < deepest && { errors: errors.map((each) => pack(each, depth + 1)) }),
  };
}

/** A value as JSON holds it; undefined where it cannot travel. */
function sendable(value: unknown): unknown {
  try {
    return encodeValue(value, '');
  } catch {
    return undefined;
  }
}

/**
 * What was thrown, again: of the nearest class that is known here.
 *
 * @throws Malformed when it has not the form that `encodeThrown` gives.
 */
export function decodeThrown(json: unknown, classes: readonly ErrorClass[], callers: string): unknown {
  return decodeError(unpack(json, 0), new ErrorNamesOfPrograms(classes), callers);
}

type Fields = Readonly<Record<string, unknown>>;

function unpack(json: unknown, depth: number): EncodedError {
  const { kind, ...given } = requireObject(json, depth);
  if (kind === 'value') return { kind, value: decodeValue(given.value) };
  if (kind === 'again') return { kind, level: Number(given.level) };
  if (kind !== 'error') throw new Malformed('expected an error');
  const { classes, name, message, stack, fields, hidden, cause, errors } = given;
  const read = Object.entries(requireObject(fields, depth)).filter(([key]) => key !== '__proto__');
  return {
    kind,
    classes: requireList(classes).map(classOf),
    name: requireText(name),
    message: requireText(message),
    stack: stack === undefined ? undefined : requireText(stack),
    fields: Object.fromEntries(read.map(([key, value]) => [key, decodeValue(value)])),
    ...(hidden !== undefined && { hidden: requireList(hidden).map(requireText) }),
    ...(cause !== undefined && { cause: unpack(cause, depth + 1) }),
    ...(errors !== undefined && { errors: requireList(errors).map((each) => unpack(each, depth + 1)) }),
  };
}

function classOf(json: unknown): ClassReference {
  const { named, of } = requireObject(json, 0);
  if (of !== 'builtin' && of !== 'opero' && of !== 'program') throw new Malformed('expected a class of errors');
  return { named: requireText(named), of };
}

function requireObject(json: unknown, depth: number): Fields {
  if (typeof json !== 'object' || json === null || depth > deepest) throw new Malformed('expected an object');
  return json as Fields;
}

function requireList(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw new Malformed('expected an array');
  return json;
}

function requireText(json: unknown): string {
  if (typeof json !== 'string') throw new Malformed('expected a text');
  return json;
}
