import { types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { show } from '../core/options.js';
import { fieldsOf, hollow } from './hollow.js';
import { isMarked } from './move.js';
import { globalNameOf, nameOf } from './shape.js';

/** What keeps a value from being cloned: where it is, and why. */
export interface Obstacle {
  readonly path: string;
  readonly reason: string;
  /** What to do about it, for one that some Nodes would clone, into something empty. */
  readonly cure?: string;
}

/** An obstacle in words. */
export const describe = ({ path, reason, cure }: Obstacle): string =>
  `${path} cannot be cloned: it is ${reason}${cure === undefined ? '' : `; ${cure}`}`;

/** Clones a value the way that it would go; throws where it cannot. */
export type Cross = (value: unknown) => unknown;

/** The way to and from a worker. */
export const crossBy = (runtime: 'worker_threads' | 'child_process'): Cross =>
  runtime === 'child_process' ? thereAndBack : structuredClone;

/** The module of WebAssembly is written, and cannot be read again. */
const thereAndBack: Cross = (value) => {
  const copy = structuredClone(value);
  const read: unknown = deserialize(serialize(copy));
  if (tagOf(read) !== tagOf(copy)) throw new TypeError('it would arrive as another kind');
  return read;
};

/** How deep values may be nested, so that the stack of either side bears it: that of a worker is the larger one. */
export const deepest = 1000;

class TooDeep extends Error {}

/** The first thing in a value, which stands so deep in a larger one, that cannot be cloned; undefined for none. */
export function findObstacle(
  value: unknown,
  path: string,
  cross: Cross = structuredClone,
  depth = 0,
): Obstacle | undefined {
  if (isPlain(value)) return undefined;
  try {
    return new Search(cross).find(value, path, depth);
  } catch (error) {
    if (error instanceof TooDeep) return { path, reason: `nested more than ${deepest} levels deep` };
    return { path, reason: 'an object that cannot be read' };
  }
}

/** Whether there is nothing in a value that would have to be looked at. */
export const isPlain = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');

class Search {
  readonly #cross: Cross;
  /** Only threads take what is moved. */
  readonly #moves: boolean;
  #hasMoved = false;
  readonly #seen = new Set<object>();

  constructor(cross: Cross) {
    this.#cross = cross;
    this.#moves = cross === structuredClone;
  }

  find(value: unknown, path: string, depth: number): Obstacle | undefined {
    if (isPlain(value)) return undefined;
    if (typeof value === 'function') return { path, reason: value.name ? `the function ${value.name}` : 'a function' };
    if (typeof value === 'symbol') return { path, reason: String(value) };
    const object = value as object;
    if (this.#moves && isMarked(object)) {
      this.#hasMoved = true;
      // A buffer may have been moved before.
      if (!ArrayBuffer.isView(object) && !types.isArrayBuffer(object)) return undefined;
    }
    if (this.#seen.has(object)) return undefined;
    if (depth > deepest) throw new TooDeep();
    this.#seen.add(object);
    const refused = refusedKind(object);
    if (refused !== undefined) return { path, reason: refused };
    const empty = hollow(object);
    if (empty !== undefined) return { path, reason: a(object, empty.name), cure: empty.cure };
    if (!this.#moves && !isContainer(object) && isOfNode(object)) return { path, reason: a(object) };
    const found = isOpaque(object) ? undefined : this.#findInside(object, path, depth + 1);
    if (found === undefined) return this.#isTaken(object) ? undefined : { path, reason: a(object) };
    if (isContainer(object)) return found;
    // Some of Node's classes are cloned as a whole by threads, whatever fields they have.
    if (this.#moves && found.cure === undefined && this.#crosses(object)) return undefined;
    const inner = found.path.slice(path.length);
    // What a class keeps to itself by an underscore, as those of Node do, is no part of the path, but the reason.
    if (!inner.startsWith('._')) return found;
    return { ...found, path, reason: `${a(object)} whose ${inner.slice(1)} is ${found.reason}` };
  }

  /** Whether an object is cloned, given that its parts are. Where that is not known, the attempt tells. */
  #isTaken(object: object): boolean {
    if (isOrdinary(object) || this.#crosses(object)) return true;
    // An attempt moves nothing, and so fails for what is to be moved with it.
    return this.#hasMoved && isOfUser(object);
  }

  #crosses(object: object): boolean {
    try {
      this.#cross(object);
      return true;
    } catch {
      return false;
    }
  }

  #findInside(object: object, path: string, depth: number): Obstacle | undefined {
    if (types.isNativeError(object)) {
      return Object.hasOwn(object, 'cause') ? this.find(object.cause, `${path}.cause`, depth) : undefined;
    }
    if (Array.isArray(object)) {
      for (let index = 0; index < object.length; index++) {
        const each: unknown = object[index];
        if (isPlain(each)) continue;
        const found = this.find(each, `${path}[${index}]`, depth);
        if (found !== undefined) return found;
      }
    }
    if (object instanceof Map) {
      for (const [key, each] of object) {
        const found =
          this.find(key, `${path} (a key)`, depth) ??
          (isPlain(each)
            ? undefined
            : this.find(each, `${path}.get(${isPlain(key) ? String(key) : show(key)})`, depth));
        if (found !== undefined) return found;
      }
      return undefined;
    }
    if (object instanceof Set) {
      for (const each of object) {
        const found = this.find(each, `${path} (a member)`, depth);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    for (const key of fieldsOf(object)) {
      let each: unknown;
      try {
        each = (object as Record<string, unknown>)[key];
      } catch {
        return { path: `${path}.${key}`, reason: 'a getter that throws' };
      }
      const found = this.find(each, `${path}.${key}`, depth);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** The tag of an object, which tells its kind, if it is a built-in one. */
const tagOf = (object: unknown): string => Object.prototype.toString.call(object).slice(8, -1);

/** The kind of an object, for messages. */
function a(object: object, known?: string): string {
  if (ArrayBuffer.isView(object) || types.isArrayBuffer(object)) return 'a buffer that was moved';
  const tag = tagOf(object);
  const type: unknown = object.constructor;
  const name = known ?? (tag === 'Object' ? (typeof type === 'function' && nameOf(type)) || 'object' : tag);
  return `${/^([aeio]|u[^ris])/i.test(name) ? 'an' : 'a'} ${name}`;
}

function isContainer(object: object): boolean {
  if (Array.isArray(object) || object instanceof Map || object instanceof Set) return true;
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

/** Kinds that structured clone refuses, whatever is in them. */
function refusedKind(object: object): string | undefined {
  if (types.isProxy(object)) return 'a Proxy';
  if (types.isPromise(object)) return 'a Promise';
  if (types.isWeakMap(object)) return 'a WeakMap';
  if (types.isWeakSet(object)) return 'a WeakSet';
  if (types.isGeneratorObject(object)) return 'a generator';
  if (object instanceof WeakRef) return 'a WeakRef';
  if (object instanceof MessagePort) return 'a MessagePort';
  return undefined;
}

/** Whether an object is of one of Node's classes that only threads clone: to a process it would come as another kind. */
function isOfNode(object: object): boolean {
  for (let each: object | null = object; each !== null; each = Object.getPrototypeOf(each)) {
    if (Object.getOwnPropertySymbols(each).some(({ description }) => description === 'messaging_clone_symbol'))
      return true;
  }
  return false;
}

/** Kinds that are cloned as a whole. */
const isOpaque = (object: object): boolean =>
  ArrayBuffer.isView(object) ||
  types.isAnyArrayBuffer(object) ||
  types.isDate(object) ||
  types.isRegExp(object) ||
  types.isBoxedPrimitive(object);

/** What is known to be cloned, given that its parts are. */
function isOrdinary(object: object): boolean {
  if (ArrayBuffer.isView(object)) return isOrdinary(object.buffer);
  if (types.isArrayBuffer(object)) return object.byteLength > 0;
  const tag = tagOf(object);
  return ordinary.has(tag) || (tag === 'Object' && isOfUser(object));
}

const ordinary = new Set(['Array', 'Map', 'Set', 'Date', 'RegExp', 'Number', 'String', 'Boolean', 'BigInt']);

/** Whether an object is a plain one, or an instance of classes that neither the language nor Node brings. */
function isOfUser(object: object): boolean {
  if (Object.hasOwn(object, Symbol.toStringTag) || types.isArgumentsObject(object)) return false;
  for (let each = Object.getPrototypeOf(object); each !== null; ) {
    const next: object | null = Object.getPrototypeOf(each);
    // Every chain ends in an Object.prototype, of whatever realm, or in something made without a prototype.
    if (next === null) return true;
    const type: unknown = Object.getOwnPropertyDescriptor(each, 'constructor')?.value;
    // A prototype without a class, as of iterators, is known by its tag.
    if (typeof type === 'function' ? isBuiltIn(type) : Object.hasOwn(each, Symbol.toStringTag)) return false;
    each = next;
  }
  return true;
}

const builtIn = new WeakMap<object, boolean>();

/** Whether a class is native, or one of those that are there without an import: such hide what they consist of. */
function isBuiltIn(type: object): boolean {
  let known = builtIn.get(type);
  if (known === undefined) {
    known =
      globalNameOf(type) !== undefined || /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(type));
    builtIn.set(type, known);
  }
  return known;
}
