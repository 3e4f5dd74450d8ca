import { WeakList } from '../../core/weak-list.js';

/** A store of this process, as those see it who only look. */
export interface KnownStore {
  /** What it is called, for people: `'redisStore:opero'`. Several may be called so. */
  readonly label: string;
  /** When it ceased to answer, in milliseconds since 1970; undefined while it answers. */
  readonly downAt: number | undefined;
  /** How often it has ceased to answer. */
  readonly outages: number;
  /** How often this process lost a lease that it held there. */
  readonly lostLeases: number;
  readonly isClosed: boolean;
}

/** All of them, held weakly. */
const known = new WeakList<KnownStore>();

export const noteStore = (store: KnownStore): void => known.add(store);

/** The stores of this process that are not closed, in the order in which they were made. */
export const knownStores = (): KnownStore[] => [...known].filter(({ isClosed }) => !isClosed);
