import type { AttemptEvent, CallEvent } from '../events.js';
import { once, type Undo } from '../undo.js';

/**
 * What calls and attempts run within, as the active span of a tracer: it reaches the method's code, after queueing and in
 * retries too. Each gets what runs, calls it at once, once, and gives what that gave. Must not throw.
 */
export interface Surroundings {
  /** A call, all its attempts, waits and fallbacks included; `event` is that of its channel. */
  call?<Result>(event: CallEvent, run: () => Result): Result;
  /** An attempt: an entry of the method's own code, for a worker what sends it there. */
  attempt?<Result>(event: AttemptEvent, run: () => Result): Result;
}

/** Those that there are, the outermost last. Looked at when a call begins. */
let all: readonly Surroundings[] = [];

export const surroundings = (): readonly Surroundings[] => all;

/** Has the calls that begin from now on run within something. */
export function surround(given: Surroundings): Undo {
  all = [...all, given];
  return once(() => {
    all = all.filter((each) => each !== given);
  });
}
