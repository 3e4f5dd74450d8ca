import { types } from 'node:util';
import { isSignal } from '../core/call/signals.js';
import { show } from '../core/options.js';
import { decodeTyped, encodeTyped, isTyped } from './typed-arrays.js';
import { Malformed, Obstacle } from './value-errors.js';

/** The key that tells what JSON has no form for: `{ "$opero": "date", "value": 0 }`. */
export const tag = '$opero';

/** How deep values may be nested. */
const deepest = 500;

/** How many digits a bigint may have: to read one takes as long as the square of that. */
const mostDigits = 20_000;

const tagged = (kind: string, value?: unknown): Record<string, unknown> =>
  value === undefined ? { [tag]: kind } : { [tag]: kind, value };

/** Puts values into JSON, with tags for what that lacks. What it gives shares nothing with what it was given. */
class Encoder {
  readonly #governing: AbortSignal | undefined;
  /** The objects that the one at hand stands in. */
  readonly #above: object[] = [];

  constructor(governing: AbortSignal | undefined) {
    this.#governing = governing;
  }

  encode(value: unknown, path: string): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : tagged('number', numberText(value));
      case 'undefined':
        return tagged('undefined');
      case 'bigint':
        return this.#bigint(value, path);
      case 'object':
        return value === null ? null : this.#object(value, path);
      default:
        throw new Obstacle(path, typeof value === 'function' ? show(value) : String(value));
    }
  }

  #bigint(value: bigint, path: string): unknown {
    const text = String(value);
    if (text.length > mostDigits) throw new Obstacle(path, `a bigint of more than ${mostDigits} digits`);
    return tagged('bigint', text);
  }

  #object(object: object, path: string): unknown {
    if (object === this.#governing) return tagged('signal');
    if (isTyped(object)) return tagged('bytes', encodeTyped(object));
    if (this.#above.includes(object)) throw new Obstacle(path, 'an object that holds itself');
    if (this.#above.length >= deepest) throw new Obstacle(path, `nested more than ${deepest} levels deep`);
    this.#above.push(object);
    const encoded = this.#parts(object, path);
    this.#above.pop();
    return encoded;
  }

  #parts(object: object, path: string): unknown {
    if (isPlain(object)) return this.#fields(object, path);
    if (isOfItsOwn(object)) {
      if (Array.isArray(object)) return Array.from(object, (each, index) => this.encode(each, `${path}[${index}]`));
      if (types.isDate(object)) return tagged('date', Number.isNaN(Number(object)) ? null : Number(object));
      if (types.isMap(object)) {
        const pairs = Array.from(object as Map<unknown, unknown>, ([key, value]) => [
          this.encode(key, `${path} (a key)`),
          this.encode(value, `${path}.get(${show(key)})`),
        ]);
        return tagged('map', pairs);
      }
      if (types.isSet(object)) {
        return tagged(
          'set',
          Array.from(object as Set<unknown>, (each) => this.encode(each, `${path} (a member)`)),
        );
      }
    }
    throw new Obstacle(path, kindOf(object));
  }

  #fields(object: object, path: string): unknown {
    const fields: [string, unknown][] = [];
    for (const key of Object.keys(object)) {
      const inner = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
        ? `${path}.${key}`
        : `${path}[${JSON.stringify(key)}]`;
      fields.push([key, this.encode(read(object, key, inner), inner)]);
    }
    return Object.hasOwn(object, tag) ? tagged('object', fields) : Object.fromEntries(fields);
  }
}

function read(object: object, key: string, path: string): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    throw new Obstacle(path, 'a getter that throws');
  }
}

const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** Whether an object has the prototype of plain ones, of whatever realm, or none. */
function isPlain(object: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(object);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** Whether an object of a class of the language is of that very class, and of none that extends it. */
function isOfItsOwn(object: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(object);
  const above: object | null = prototype && Object.getPrototypeOf(prototype);
  return above !== null && Object.getPrototypeOf(above) === null;
}

function kindOf(object: object): string {
  if (isSignal(object)) return 'an AbortSignal that does not govern the call';
  const type: unknown = Object.getPrototypeOf(object)?.constructor;
  const name = typeof type === 'function' ? type.name : '';
  return name === '' ? 'an object of a class' : `an object of the class ${name}`;
}

/**
 * A value as JSON holds it; `path` is where it stands. The signal that governs the call is left to the other side.
 *
 * @throws Obstacle when there is something in it that cannot travel.
 */
export function encodeValue(value: unknown, path: string, governing?: AbortSignal): unknown {
  try {
    return new Encoder(governing).encode(value, path);
  } catch (error) {
    if (error instanceof Obstacle) throw error;
    throw new Obstacle(path, 'an object that cannot be read');
  }
}

const numbers: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

type Read = (value: unknown, decode: (value: unknown) => unknown) => unknown;

const requireArray = (value: unknown): readonly unknown[] => {
  if (!Array.isArray(value)) throw new Malformed('expected an array');
  return value;
};

const requirePairs = (value: unknown): readonly (readonly [unknown, unknown])[] =>
  requireArray(value).map((pair) => {
    const read = requireArray(pair);
    if (read.length !== 2) throw new Malformed('expected a pair');
    return read as unknown as readonly [unknown, unknown];
  });

/** How what stands behind each tag is read. */
const readers: ReadonlyMap<unknown, Read> = new Map<unknown, Read>([
  ['undefined', () => undefined],
  [
    'number',
    (value) => {
      const number = numbers.get(value);
      if (number === undefined) throw new Malformed('expected a number that JSON lacks');
      return number;
    },
  ],
  [
    'bigint',
    (value) => {
      if (typeof value === 'string' && value.length <= mostDigits && /^-?\d+$/.test(value)) return BigInt(value);
      throw new Malformed('expected the digits of a bigint');
    },
  ],
  [
    'date',
    (value) => {
      if (value === null || typeof value === 'number') return new Date(value ?? Number.NaN);
      throw new Malformed('expected the time of a date');
    },
  ],
  ['bytes', decodeBytes],
  ['map', (value, decode) => new Map(requirePairs(value).map(([key, each]) => [decode(key), decode(each)]))],
  ['set', (value, decode) => new Set(requireArray(value).map(decode))],
  ['object', (value, decode) => plainObject(requirePairs(value), decode)],
]);

function decodeBytes(value: unknown): unknown {
  const bytes = decodeTyped(value);
  if (bytes === undefined) throw new Malformed('expected the bytes of a typed array');
  return bytes;
}

/** A plain object; of a field `__proto__` it becomes one, too, and not its prototype. */
function plainObject(
  entries: Iterable<readonly [unknown, unknown]>,
  decode: (value: unknown) => unknown,
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    if (typeof key !== 'string') throw new Malformed('expected the name of a field');
    const read = decode(value);
    if (key === '__proto__') {
      Object.defineProperty(object, key, { value: read, enumerable: true, writable: true, configurable: true });
    } else object[key] = read;
  }
  return object;
}

/**
 * The value that JSON holds, as data: no class, prototype or code is taken from it. In the place of the signal that
 * governed the call stands what `governing` gives.
 *
 * @throws Malformed when it has not the form that `encodeValue` gives.
 */
export function decodeValue(json: unknown, governing?: () => AbortSignal): unknown {
  let depth = 0;
  const decode = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    // Each level may have one of tags around it.
    if (depth > 3 * deepest) throw new Malformed('nested too deep');
    depth++;
    const decoded = Array.isArray(value) ? value.map(decode) : decodeObject(value);
    depth--;
    return decoded;
  };
  const decodeObject = (object: object): unknown => {
    if (!Object.hasOwn(object, tag)) return plainObject(Object.entries(object), decode);
    const { [tag]: kind, value } = object as { [tag]?: unknown; value?: unknown };
    if (kind === 'signal') return governing?.();
    const reader = readers.get(kind);
    if (reader === undefined) throw new Malformed(`unknown kind of value ${show(kind)}`);
    return reader(value, decode);
  };
  return decode(json);
}
