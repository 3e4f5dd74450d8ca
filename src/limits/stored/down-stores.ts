import { now } from '../../core/call/clock.js';

/** A store that does not answer. */
export interface DownStore {
  /** What made it: `'redisStore'` or `'memoryStore'`. */
  readonly store: string;
  /** The name of the limit that found it so. */
  readonly limit: string;
  /** For how long it has been down, in milliseconds. */
  readonly downFor: number;
}

/** Those of this process that are down, each with what is known of that. */
const down = new Map<object, Omit<DownStore, 'downFor'> & { readonly downSince: number }>();

/** It gave no answer. `link` stands for the store. */
export function noteDown(link: object, store: string, limit: string): void {
  down.set(link, { store, limit, downSince: now() });
}

/** It answers again, or is closed. */
export function noteUp(link: object): void {
  down.delete(link);
}

/** The stores of this process that are down just now. */
export const downStores = (): DownStore[] =>
  Array.from(down.values(), ({ store, limit, downSince }) => ({
    store,
    limit,
    downFor: Math.round(now() - downSince),
  }));
