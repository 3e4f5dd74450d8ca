import type { Call } from './call.js';
import { allStats, type MutableStats } from './stats.js';

/** Told of each call that ends, while somebody waits for that. */
let told: (() => void) | undefined;

/** How many runs go on for nobody beneath a policy: those of each call, held weakly as they may never end, and all. */
const goingOn = new WeakMap<Call, number>();
let runs = 0;
/** How many calls have such runs, and their outcome. */
let outlived = 0;

/** A call has ended; undefined where it never began. */
export function hasEnded(stats: MutableStats, call?: Call): void {
  if (call !== undefined) {
    const { root } = call;
    root.hasOutcome = true;
    if (runs > 0 && goingOn.has(root)) outlived++;
  }
  stats.ended++;
  if (told !== undefined) told();
}

/** A run beneath a policy goes on, whether its call is over or not: until `wentOn`, that is under way for it. */
export function goesOn({ root }: Call): void {
  runs++;
  const others = goingOn.get(root) ?? 0;
  if (others === 0 && root.hasOutcome) outlived++;
  goingOn.set(root, others + 1);
}

/** Such a run is over. */
export function wentOn({ root }: Call): void {
  runs--;
  const others = (goingOn.get(root) ?? 0) - 1;
  if (others > 0) goingOn.set(root, others);
  else {
    goingOn.delete(root);
    if (root.hasOutcome) outlived--;
  }
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
  let count = outlived;
  for (const { calls, ended } of allStats()) count += calls - ended;
  return count;
}
