import { flush } from './clock.js';
import { type Deferred, deferred } from './deferred.js';

export type Sort = 'sync' | 'async';

/** Numbers from 0 that tell how many were pulled, and how often their return() was called. */
export interface Source extends Iterable<number>, AsyncIterable<number> {
  pulled: number;
  opened: number;
  returned: number;
}

/**
 * A source of `count` numbers; `hook` sees each before it is given, and the number after the last one before the end, and
 * may throw. An async source gives each once `gate` lets it.
 */
export function source(
  count: number,
  sort: Sort = 'sync',
  hook: (item: number) => void = () => {},
  gate: () => Promise<void> = async () => {},
): Source {
  const seen = { pulled: 0, opened: 0, returned: 0 };
  const next = () => {
    hook(seen.pulled);
    if (seen.pulled >= count) return { done: true, value: undefined };
    return { done: false, value: seen.pulled++ };
  };
  const end = () => {
    seen.returned++;
    return { done: true, value: undefined };
  };
  const open = {
    sync: () => ({ next, return: end }),
    async: () => ({ next: () => gate().then(next), return: async () => end() }),
  }[sort];
  const symbol = sort === 'sync' ? Symbol.iterator : Symbol.asyncIterator;
  return Object.assign(seen, {
    [symbol]: () => {
      seen.opened++;
      return open();
    },
  }) as unknown as Source;
}

/** All that an iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const results: T[] = [];
  for await (const each of items) results.push(each);
  return results;
}

/** Work on items that the test lets end one by one. */
export class Steps<Item> {
  readonly begun: Item[] = [];
  readonly #open = new Map<Item, Deferred<unknown>>();

  /** Begins the work on an item. */
  begin(item: Item): Promise<unknown> {
    this.begun.push(item);
    const step = deferred<unknown>();
    this.#open.set(item, step);
    return step.promise;
  }

  async end(item: Item, value: unknown = `did ${item}`): Promise<void> {
    this.#open.get(item)?.resolve(value);
    await flush();
  }

  async fail(item: Item, error: unknown): Promise<void> {
    this.#open.get(item)?.reject(error);
    await flush();
  }
}

/** What a promise rejects with; fails if it does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a rejection, got ${String(value)}`);
}
