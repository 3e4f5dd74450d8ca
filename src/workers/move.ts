import { ConfigurationError } from '../core/errors.js';
import { node } from '../core/node.js';
import { show } from '../core/options.js';

/** What was marked to be moved and has not been sent yet. Weak, so that what is never sent costs nothing. */
const marked = new WeakSet<object>();
/** Whether anything was ever marked; until then no argument needs to be searched. */
let anyMarked = false;

/**
 * Marks a buffer, a view of one, or a port, so that the next call to or from a worker moves it there in place of copying
 * it. It is empty here afterwards. A buffer that cannot be moved, as the memory of WebAssembly or of a small `Buffer`, is
 * copied.
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

const isArrayBuffer = (value: unknown): boolean => node('node:util').types.isArrayBuffer(value);

const isTransferable = (value: unknown): boolean =>
  isArrayBuffer(value) ||
  (ArrayBuffer.isView(value) && isArrayBuffer(value.buffer)) ||
  [MessagePort, ReadableStream, WritableStream, TransformStream].some((type) => value instanceof type) ||
  (value as { constructor?: { name?: unknown } } | null | undefined)?.constructor?.name === 'FileHandle';

/** Whether this is going to be moved. */
export const isMarked = (value: object): boolean => anyMarked && marked.has(value);

/** Finds what is marked in a value, and takes the marks off. */
export function takeMarked(value: unknown): object[] {
  const found = findMarked(value);
  for (const each of found) marked.delete(each);
  return found;
}

/** What to transfer for what was marked; the rest is copied, or refused where that cannot be. */
export function transferListOf(taken: readonly object[]): object[] {
  const parts = new Set<object>(taken.map((each) => (ArrayBuffer.isView(each) ? each.buffer : each)));
  return [...parts].filter((each) => !isArrayBuffer(each) || isFree(each as ArrayBuffer));
}

const stop = new Error();
const unreadable = {
  get field(): never {
    throw stop;
  },
};

/** Whether a buffer can be transferred, told by an attempt that comes to nothing. */
function isFree(buffer: ArrayBuffer): boolean {
  try {
    // Throws for one that was moved before, which Node 20 would neither transfer nor refuse.
    new Uint8Array(buffer);
    structuredClone(unreadable, { transfer: [buffer] });
  } catch (error) {
    return error === stop;
  }
  return false;
}

/** Whether anything in a value is marked. */
export const holdsMoved = (value: unknown): boolean => findMarked(value).length > 0;

function findMarked(value: unknown): object[] {
  if (!anyMarked) return [];
  const found: object[] = [];
  // Not by calls of itself: what is nested too deep is the business of who clones it.
  const seen = new Set<object>();
  const see = (each: unknown): void => {
    if (typeof each === 'object' && each !== null) seen.add(each);
  };
  see(value);
  for (const each of seen) {
    if (marked.has(each)) found.push(each);
    partsOf(each).forEach(see);
  }
  return found;
}

/** What is in an object; what cannot be read cannot be sent either, so it need not be moved. */
function partsOf(object: object): readonly unknown[] {
  if (ArrayBuffer.isView(object)) return [];
  try {
    if (object instanceof Map) return [...object.keys(), ...object.values()];
    return object instanceof Set ? [...object] : Object.values(object);
  } catch {
    return [];
  }
}
