import type { Call } from './call.js';
import { allStats, type MutableStats } from './stats.js';

/** Told of each call that ends, while somebody waits for that. */
let told: (() => void) | undefined;

/** The calls that have runs which go on for nobody, beneath a policy that gave the call its outcome: how many. */
const goingOn = new Map<Call, number>();

/** A call has ended; undefined where it never began. */
export function hasEnded(stats: MutableStats, call?: Call): void {
  if (call !== undefined) call.root.hasOutcome = true;
  stats.ended++;
  if (told !== undefined) told();
}

/** A run beneath a policy goes on, whether its call is over or not: until `wentOn`, that is under way for it. */
export function goesOn({ root }: Call): void {
  goingOn.set(root, (goingOn.get(root) ?? 0) + 1);
}

/** Such a run is over. */
export function wentOn({ root }: Call): void {
  const left = (goingOn.get(root) ?? 0) - 1;
  if (left > 0) goingOn.set(root, left);
  else goingOn.delete(root);
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
  for (const { hasOutcome } of goingOn.keys()) if (hasOutcome) count++;
  for (const { calls, ended } of allStats()) count += calls - ended;
  return count;
}
