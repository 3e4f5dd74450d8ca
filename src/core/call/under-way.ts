import { allStats, type MutableStats } from './stats.js';

/** Told of each call that ends, while somebody waits for that. */
let told: (() => void) | undefined;

/** A call has ended. */
export function hasEnded(stats: MutableStats): void {
  stats.ended++;
  if (told !== undefined) told();
}

/** Has somebody told of each call that ends from now on; undefined: nobody. */
export const onEveryEnd = (listener: (() => void) | undefined): void => {
  told = listener;
};

/**
 * How many calls of the process have begun and not ended: one whose caller has left is among them until its code has ended.
 * Summed up where somebody asks, as a number kept for all would cost every call more.
 */
export function underWay(): number {
  let count = 0;
  for (const { calls, ended } of allStats()) count += calls - ended;
  return count;
}
