import { types } from 'node:util';

type Typed = NodeJS.TypedArray;
interface TypedClass {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): Typed;
}

/** The classes that there are by this list alone, whatever a name from elsewhere says. */
const classes: ReadonlyMap<unknown, TypedClass> = new Map<unknown, TypedClass>([
  ['Int8Array', Int8Array],
  ['Uint8Array', Uint8Array],
  ['Uint8ClampedArray', Uint8ClampedArray],
  ['Int16Array', Int16Array],
  ['Uint16Array', Uint16Array],
  ['Int32Array', Int32Array],
  ['Uint32Array', Uint32Array],
  ['Float32Array', Float32Array],
  ['Float64Array', Float64Array],
  ['BigInt64Array', BigInt64Array],
  ['BigUint64Array', BigUint64Array],
]);

const tagGetter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get;

const nameOf = (bytes: Typed): string => (Buffer.isBuffer(bytes) ? 'Buffer' : String(tagGetter?.call(bytes)));

/** Whether an object is a Buffer, or a typed array of a class of the language itself. */
export function isTyped(object: object): object is Typed {
  if (!types.isTypedArray(object)) return false;
  if (Buffer.isBuffer(object)) return true;
  // One that extends such a class has one prototype more: %TypedArray% and Object have the other two.
  const above = Object.getPrototypeOf(Object.getPrototypeOf(Object.getPrototypeOf(object))) as object | null;
  return classes.has(nameOf(object)) && above !== null && Object.getPrototypeOf(above) === null;
}

/** Its class and its bytes. */
export const encodeTyped = (bytes: Typed): readonly [type: string, base64: string] => [
  nameOf(bytes),
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
];

/** The array again; undefined where it was none. */
export function decodeTyped(value: unknown): Typed | undefined {
  if (!Array.isArray(value) || value.length !== 2 || typeof value[1] !== 'string') return undefined;
  const [name, base64] = value as [unknown, string];
  const bytes = Buffer.from(base64, 'base64');
  if (name === 'Buffer') return bytes;
  const type = classes.get(name);
  if (type === undefined || bytes.byteLength % type.BYTES_PER_ELEMENT !== 0) return undefined;
  return new type(Uint8Array.from(bytes).buffer);
}
