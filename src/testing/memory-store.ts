import type { Rule } from '../core/options.js';
import type { Store } from '../limits/store.js';
import { Memory, MemoryBackend } from '../limits/stored/memory-backend.js';
import { readStoreOptions, type StoreOptions } from '../limits/stored/options.js';
import { StoreOn } from '../limits/stored/store-on.js';

/**
 * Options of `memoryStore`.
 *
 * @example
 * const options: MemoryStoreOptions = { lease: 1_000 };
 */
export interface MemoryStoreOptions extends StoreOptions {
  /** Another memory store, with which it shares all limits as another process would. Default: none. */
  readonly sharedWith?: Store;
}

const memories = new WeakMap<object, Memory>();

const memoryRule: Rule = {
  allowed: 'what memoryStore() gave',
  test: (value) => typeof value === 'object' && value !== null && memories.has(value),
};

/**
 * A store of limits in the memory of this process, on opero's clock: what a store on a server does, without one, with fake
 * timers and without.
 *
 * @param options `timeout` in ms (500), `whenDown` (`'local'`), `lease` in ms (10 000), `processes`, `onEvent`, `sharedWith`.
 * @throws ConfigurationError when an option is wrong.
 * @example
 * class Crm {
 *   \@rateLimit({ rate: 100, store: memoryStore(), name: 'crm-api' }) async sync(tenant: string) { ... }
 * }
 */
export function memoryStore(options?: MemoryStoreOptions): Store {
  const own = { rules: { sharedWith: memoryRule }, defaults: {} };
  const { sharedWith, ...filled } = readStoreOptions<MemoryStoreOptions>('memoryStore()', options, own);
  const memory = (sharedWith && memories.get(sharedWith)) ?? new Memory();
  const store = new StoreOn(new MemoryBackend(memory), filled);
  memories.set(store, memory);
  return store;
}
