import { types } from 'node:util';
import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';

/** What was marked to be moved and has not been sent yet. Weak, so that what is never sent costs nothing. */
const marked = new WeakSet<object>();
/** Whether anything was ever marked; until then no argument needs to be searched. */
let anyMarked = false;

/**
 * Marks a buffer, a view of one, or a port, so that the next call to or from a worker moves it there in place of copying
 * it. It is empty here afterwards.
 *
 * @param value A buffer, a view of one, a port, a stream or a file handle; given back as it is.
 * @throws ConfigurationError when the value is of another kind, which can only be copied.
 * @example
 * await images.blur(move(pixels)); // an argument
 * return move(result);             // a result, inside the method
 */
export function move<Value extends object>(value: Value): Value {
  if (!isTransferable(value)) {
    throw new ConfigurationError(
      `move(): expected an ArrayBuffer, a view of one, a port, a stream or a file handle, got ${show(value)}`,
    );
  }
  marked.add(value);
  anyMarked = true;
  return value;
}

const isTransferable = (value: unknown): boolean =>
  types.isArrayBuffer(value) ||
  (ArrayBuffer.isView(value) && types.isArrayBuffer(value.buffer)) ||
  [MessagePort, ReadableStream, WritableStream, TransformStream].some((type) => value instanceof type) ||
  (value as { constructor?: { name?: unknown } } | null | undefined)?.constructor?.name === 'FileHandle';

/** Finds what is marked in a value, and takes the marks off. */
export function takeMoved(value: unknown): object[] {
  const found = findMarked(value);
  for (const each of found) marked.delete(each);
  return [...new Set(found.map((each) => (ArrayBuffer.isView(each) ? each.buffer : each)))];
}

/** Whether anything in a value is marked. */
export const holdsMoved = (value: unknown): boolean => findMarked(value).length > 0;

function findMarked(value: unknown): object[] {
  const found: object[] = [];
  if (anyMarked) search(value, new Set(), found);
  return found;
}

function search(value: unknown, seen: Set<object>, found: object[]): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (marked.has(value)) found.push(value);
  if (ArrayBuffer.isView(value)) return;
  if (value instanceof Map) {
    for (const [key, each] of value) {
      search(key, seen, found);
      search(each, seen, found);
    }
  } else if (value instanceof Set) {
    for (const each of value) search(each, seen, found);
  } else {
    for (const each of Object.values(value)) search(each, seen, found);
  }
}
