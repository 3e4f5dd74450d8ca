import { type Where, wrongOption } from '../core/options.js';
import type { SharingConfig } from './limiters.js';
import { nameRule, type StoreConfig } from './store.js';

/** Checks what a limit in a store has to be given, and what it may not. */
export function checkStored<Options extends StoreConfig & SharingConfig>(options: Options, where: Where): Options {
  const { store, name, scope } = options;
  if (store === undefined) return options;
  if (name === undefined) {
    throw wrongOption(where, 'name', name, `${nameRule.allowed} where there is a \`store\`: equal names are one limit`);
  }
  if (scope === 'instance') {
    throw wrongOption(where, 'scope', scope, "'class' where there is a `store`: other processes have other instances");
  }
  return options;
}
