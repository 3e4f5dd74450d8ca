import type { AttemptEvent, CallEvent } from '../events.js';
import { once, type Undo } from '../undo.js';
import { areAttemptsHeard, areCallsHeard } from './channels.js';
import type { MutableStats } from './stats.js';

/**
 * What calls and attempts run within, as the active span of a tracer: it reaches the method's code, after queueing and in
 * retries too. Each gets what runs, calls it at once, once, and gives what that gave. Must not throw of its own accord.
 */
interface Surroundings {
  /** A call, all its attempts, waits and fallbacks included; `event` is that of its channel. */
  call?<Result>(event: CallEvent, run: () => Result): Result;
  /** An attempt: an entry of the method's own code; where a worker runs it, what begins there is out of reach. */
  attempt?<Result>(event: AttemptEvent, run: () => Result): Result;
}

/** Told how long something took, in milliseconds, and by whose counts it goes. Must not throw. */
type Timing = (stats: MutableStats, of: 'calls' | 'attempts', duration: number) => void;

/** What is wanted of calls beside their channels; looked at when a call begins. */
export interface Wanted {
  readonly surroundings: readonly Surroundings[];
  readonly timing: Timing | undefined;
  /** Whether events have the arguments and the results. */
  readonly capture: boolean;
}

const nothing: Wanted = { surroundings: [], timing: undefined, capture: false };

let wanted = nothing;
/** Whether something of that has calls traced though nobody listens; or the call that begins now is, whoever leaves meanwhile. */
let hasMore = false;
/** Set in a worker: calls are told of on the side that makes them. */
let isSilent = false;

/** What is wanted of a call that begins now. */
export const wantedNow = (): Wanted => wanted;

/** From now on something else is wanted of the calls that begin. */
export function want(change: Partial<Wanted>): void {
  wanted = { ...wanted, ...change };
  setTraced(false);
}

/** Whether the call that begins now is traced in any case. */
export function setTraced(isSo: boolean): void {
  hasMore = isSo || wanted.surroundings.length > 0 || wanted.timing !== undefined;
}

/** Has the calls that begin from now on run within something, and within all that came before. */
export function surround(given: Surroundings): Undo {
  want({ surroundings: [...wanted.surroundings, given] });
  return once(() => want({ surroundings: wanted.surroundings.filter((each) => each !== given) }));
}

/** From now on no call of this thread is traced. */
export const silence = (): void => {
  isSilent = true;
};

/** Whether a call that begins now is to be traced. */
export const isTraced = (): boolean => (hasMore || areCallsHeard() || areAttemptsHeard()) && !isSilent;

/** Whether its attempts are. */
export const areAttemptsTraced = (): boolean =>
  wanted.surroundings.length > 0 || wanted.timing !== undefined || areAttemptsHeard();
