import type { StoreConfig } from './store.js';

/** What stands for each name in a store. */
const names = new WeakMap<object, Map<string, object>>();

/** A limit, as far as that tells who has it in common. */
interface Limited {
  readonly shared: object | undefined;
  readonly options: () => StoreConfig;
}

/** What is the same for all who have a limit in common, by an object or by a name in a store; undefined: it is a method's own. */
export function commonOf({ shared, options }: Limited): object | undefined {
  const { store, name } = options();
  if (store === undefined || name === undefined) return shared;
  const known = names.get(store) ?? new Map<string, object>();
  names.set(store, known);
  const found = known.get(name) ?? {};
  known.set(name, found);
  return found;
}
