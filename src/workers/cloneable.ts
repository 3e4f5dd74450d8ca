import { types } from 'node:util';

/** What keeps a value from being cloned: where it is, and why. */
export interface Obstacle {
  readonly path: string;
  readonly reason: string;
}

/** The first thing in a value that structured clone refuses; undefined when there is none. */
export function findObstacle(value: unknown, path: string): Obstacle | undefined {
  return isPlain(value) ? undefined : search(value, path, new Set());
}

const isPlain = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');

function search(value: unknown, path: string, seen: Set<object>): Obstacle | undefined {
  if (isPlain(value)) return undefined;
  if (typeof value === 'function') return { path, reason: value.name ? `the function ${value.name}` : 'a function' };
  if (typeof value === 'symbol') return { path, reason: String(value) };
  const object = value as object;
  if (seen.has(object)) return undefined;
  seen.add(object);
  const refused = refusedKind(object);
  if (refused !== undefined) return { path, reason: refused };
  if (isOpaque(object)) return undefined;
  const found = searchInside(object, path, seen);
  if (found === undefined || isContainer(object)) return found;
  // An instance is one thing to its user: it is named, and what is in it is the reason.
  const inner = found.path.slice(path.length).replace(/^\./, '');
  return { path, reason: `a ${object.constructor?.name || 'n object'} whose ${inner} is ${found.reason}` };
}

function searchInside(object: object, path: string, seen: Set<object>): Obstacle | undefined {
  if (Array.isArray(object)) {
    for (let index = 0; index < object.length; index++) {
      const each: unknown = object[index];
      if (isPlain(each)) continue;
      const found = search(each, `${path}[${index}]`, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (object instanceof Map) {
    for (const [key, each] of object) {
      const found = search(key, `${path} (a key)`, seen) ?? search(each, `${path}.get(${String(key)})`, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (object instanceof Set) {
    for (const each of object) {
      const found = search(each, `${path} (a member)`, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const key of Object.keys(object)) {
    let each: unknown;
    try {
      each = (object as Record<string, unknown>)[key];
    } catch {
      return { path: `${path}.${key}`, reason: 'a getter that throws' };
    }
    const found = search(each, `${path}.${key}`, seen);
    if (found !== undefined) return found;
  }
  return undefined;
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
  if (object instanceof AbortSignal) return 'an AbortSignal';
  return undefined;
}

/** Kinds that are cloned as a whole. */
const isOpaque = (object: object): boolean =>
  ArrayBuffer.isView(object) ||
  types.isAnyArrayBuffer(object) ||
  types.isDate(object) ||
  types.isRegExp(object) ||
  types.isBoxedPrimitive(object) ||
  types.isNativeError(object);
