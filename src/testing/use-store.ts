import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';
import { putInPlace, type Store, storeRule } from '../limits/store.js';
import { type Restore, restoring } from './restore.js';

/** Those that were put in place, the latest last. */
let inPlace: readonly Store[] = [];

/**
 * Has every limit with a `store` be kept in this one instead, from the next call on. Limits without one stay where they are.
 *
 * @param store What stands in place of every store; of several the latest counts.
 * @returns What has them be where they were.
 * @throws ConfigurationError when it is no store.
 * @example
 * using _ = useStore(memoryStore());
 */
export function useStore(store: Store): Restore {
  if (typeof store === 'function' || !storeRule.test(store)) {
    throw new ConfigurationError(`useStore(): expected a store, got ${show(store)}`);
  }
  set([...inPlace, store]);
  return restoring(() => {
    const at = inPlace.lastIndexOf(store);
    set(inPlace.filter((_, index) => index !== at));
  });
}

function set(stores: readonly Store[]): void {
  inPlace = stores;
  putInPlace(stores.at(-1));
}
