import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { inspect, MIMEParams, MIMEType, types } from 'node:util';
import { isMarked } from './move.js';
import { globalNameOf, nameOf } from './shape.js';

/** What to do where an object of a class would arrive empty. Others are like that too; see `otherwise`. */
const cures: Readonly<Record<string, string>> = {
  URL: 'send `url.href` in its place',
  URLSearchParams: 'send `String(params)` in its place',
  Headers: 'send `Object.fromEntries(headers)` in its place',
  FormData: 'send `[...formData]` in its place',
  Request: 'send `request.url` in its place, and what else is needed of it',
  Response: 'send `await response.arrayBuffer()` in its place, or its text, or its JSON',
  DOMException: 'send `{ name: error.name, message: error.message }` in its place, or throw it',
  File: 'send `await file.arrayBuffer()` in its place, and `file.name`',
  Event: 'send `event.type` in its place, and what else is needed of it',
  AbortController: 'pass its signal as the last argument, which stops the worker at an abort',
  AbortSignal: 'pass it as the last argument, which stops the worker at an abort',
  PerformanceEntry: 'send `entry.toJSON()` in its place',
  MIMEType: 'send `String(type)` in its place',
  MIMEParams: 'send `[...params]` in its place',
  Iterator: 'send `[...iterator]` in its place',
};
const otherwise = 'make it in the worker, or send plain data in its place';

/** Classes that are there without an import, and that structured clone takes whole on every Node. */
const taken = new Set(
  [
    'Date RegExp Number Boolean String BigInt ArrayBuffer SharedArrayBuffer DataView Buffer Blob CryptoKey',
    'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array',
    'BigInt64Array BigUint64Array Float16Array Float32Array Float64Array',
  ].flatMap((names) => names.split(' ')),
);
/** Those whose parts it takes, or which it refuses by itself on every Node. */
const known = new Set(
  [
    'Object Array Map Set Error Function Promise WeakMap WeakSet WeakRef FinalizationRegistry',
    'MessagePort MessageChannel ReadableStream WritableStream TransformStream',
  ].flatMap((names) => names.split(' ')),
);

const iterator: object = Object.getPrototypeOf(Object.getPrototypeOf([].values()));
const imported: readonly unknown[] = [AsyncLocalStorage, AsyncResource, MIMEType, MIMEParams];

/** An object that would arrive empty, or as another kind, on some Node at least. */
interface Hollow {
  /** Its class; none where its tag says more. */
  readonly name: string | undefined;
  /** What to do about it. */
  readonly cure: string;
}

/** What becomes of the objects of a prototype: they are taken whole, or part by part, or must not go. */
type Fate = 'whole' | 'parts' | Hollow;
const fates = new WeakMap<object, Fate>();

function fateOf(object: object): Fate {
  const prototype: object | null = Object.getPrototypeOf(object);
  if (prototype === null || prototype === Object.prototype) return 'parts';
  let fate = fates.get(prototype);
  if (fate === undefined) {
    fate = findFate(prototype);
    fates.set(prototype, fate);
  }
  return fate;
}

function findFate(prototype: object): Fate {
  const names: string[] = [];
  for (let each: object | null = prototype; each !== null; each = Object.getPrototypeOf(each)) {
    names.push(...platformName(each, prototype));
  }
  const [first = 'Object'] = names;
  if (taken.has(first)) return 'whole';
  // A class that takes listeners loses them as it loses its methods; its fields go.
  const isListening = first === 'EventTarget' && prototype !== EventTarget.prototype;
  if (known.has(first) || isListening) return 'parts';
  const [cure = otherwise] = names.flatMap((name) => cures[name] ?? []);
  return { name: first === 'Iterator' ? undefined : first, cure };
}

/** The name of the class that a prototype is of, if Node brings it, or if it has the tag of one that Node brings. */
function platformName(prototype: object, direct: object): string[] {
  // Those of the language are refused by themselves.
  if (prototype === iterator) return isNative(Reflect.get(direct, 'next')) ? [] : ['Iterator'];
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof type === 'function') {
    const name = globalNameOf(type);
    // Errors of all kinds are errors to structured clone, but for this one.
    if (name !== undefined) return prototype instanceof Error && name !== 'DOMException' ? [] : [name];
    if (prototype === direct && imported.includes(type)) return [nameOf(type)];
  }
  const tag: unknown = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value;
  return typeof tag === 'string' && Object.hasOwn(cures, tag) ? [tag] : [];
}

const isNative = (fn: unknown): boolean =>
  typeof fn === 'function' && /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(fn));

/** Whether an object must not go to a worker as it is, by its class, and what to do about it. */
export function hollow(object: object): Hollow | undefined {
  const fate = fateOf(object);
  return typeof fate === 'string' ? undefined : fate;
}

/**
 * Whether anything in what is to be cloned must not go. It reads each part once more than the clone does, and keeps no
 * path, which is looked for when it must be told.
 */
export function holdsHollow(value: object): boolean {
  try {
    return new Scan().holdsHollow(value);
  } catch {
    // What cannot be read cannot be cloned either.
    return false;
  }
}

/** How many elements an array may have that is read each time it is met. */
const short = 64;

/** A look through all parts, in no order, and not by calls of itself: what is nested too deep is the clone's affair. */
class Scan {
  readonly #left: object[] = [];
  /** What holds other objects, or many values: to remember the rest costs more than to read it again. */
  readonly #seen = new Set<object>();

  holdsHollow(value: object): boolean {
    for (let each: object | undefined = value; each !== undefined; each = this.#left.pop()) {
      const prototype: object | null = Object.getPrototypeOf(each);
      if (prototype === Array.prototype) {
        this.#addElements(each as readonly unknown[]);
      } else if (prototype === Object.prototype || prototype === null) {
        this.#addFields(each);
      } else if (!isMarked(each)) {
        const fate = fateOf(each);
        if (typeof fate !== 'string') return true;
        if (fate === 'parts') this.#addParts(each);
      }
    }
    return false;
  }

  #addElements(array: readonly unknown[]): void {
    if (array.length > short && !this.#isNew(array)) return;
    let isKnown = array.length > short;
    for (let index = 0; index < array.length; index++) {
      const part = array[index];
      if (typeof part !== 'object' || part === null) continue;
      if (!isKnown && !this.#isNew(array)) return;
      isKnown = true;
      this.#left.push(part);
    }
    for (const key of fieldsOf(array)) this.#add((array as unknown as Record<string, unknown>)[key]);
  }

  #addFields(object: object): void {
    let isKnown = false;
    for (const key in object) {
      const part = (object as Record<string, unknown>)[key];
      if (typeof part !== 'object' || part === null) continue;
      if (!isKnown && !this.#isNew(object)) return;
      isKnown = true;
      this.#left.push(part);
    }
  }

  #addParts(object: object): void {
    if (!this.#isNew(object)) return;
    if (Array.isArray(object)) for (const each of object) this.#add(each);
    if (object instanceof Map) {
      for (const [key, each] of object) {
        this.#add(key);
        this.#add(each);
      }
    } else if (object instanceof Set) {
      for (const each of object) this.#add(each);
    } else if (types.isNativeError(object)) {
      this.#add(object.cause);
    } else {
      for (const key of fieldsOf(object)) this.#add((object as Record<string, unknown>)[key]);
    }
  }

  #add(part: unknown): void {
    if (typeof part === 'object' && part !== null) this.#left.push(part);
  }

  #isNew(object: object): boolean {
    return this.#seen.size < this.#seen.add(object).size;
  }
}

/** The keys of what an object holds; of an array, those beside its elements. */
export function fieldsOf(object: object): string[] {
  if (Array.isArray(object) && hasElementsOnly(object)) return [];
  const keys = Object.keys(object);
  if (!Array.isArray(object)) return keys;
  // Elements come first.
  const last = keys.at(-1);
  return last === undefined || isIndex(last) ? [] : keys.slice(keys.findLastIndex(isIndex) + 1);
}

const isIndex = (key: string): boolean => /^\d+$/.test(key);

const withoutElements = { maxArrayLength: 0, depth: 0, breakLength: Number.POSITIVE_INFINITY, customInspect: false };

/**
 * Whether a long array is known to have nothing beside its elements. To list its keys takes as long as to send it;
 * Node's own look at it leaves the elements out.
 */
const hasElementsOnly = (array: readonly unknown[]): boolean =>
  array.length > 100 &&
  Object.getPrototypeOf(array) === Array.prototype &&
  / more items \]$/.test(inspect(array, withoutElements));
