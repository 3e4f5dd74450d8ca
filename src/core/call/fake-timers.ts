import { node } from '../node.js';
import type { AnyClass } from '../types.js';

/*
 * Which clock the time is read from. Tests put fake timers in the place of the real ones, and fake a clock as well, or none:
 *
 *     setTimeout is  | faked as well                | the time is read from
 *     ---------------+------------------------------+---------------------------------------------------------------
 *     real           | whatever                     | the real clock
 *     fake           | performance.now              | `performance`
 *     fake           | Date.now, not performance    | `Date`
 *     fake           | neither                      | the standing clock, which nothing but the timers that fire moves on;
 *                    |                              | the real one until a timer is made, as only that shows a fake
 */

/** What the time is read from. */
interface Clock {
  now(): number;
}

const realSetTimeout = setTimeout;
const realDateNow = Date.now;
const realPerformance = performance;
const realNow = performance.now;
/** The class of real timers, whoever wraps the function that makes them; all others are fake. */
const RealTimer = classOfTimers();

/** The latest `setTimeout` that made a fake timer while no clock was faked. */
let fakeSetTimeout: typeof setTimeout | undefined;
/** What the standing clock tells. */
let standingTime = 0;

const realClock: Clock = { now: () => realNow.call(realPerformance) };

/** Under fake timers the time does not depend on how fast the program runs. */
const standingClock: Clock = { now: () => standingTime };

/** The clock of the table above. */
export function clockInUse(): Clock {
  if (setTimeout !== realSetTimeout) {
    if (performance.now !== realNow) return performance;
    if (Date.now !== realDateNow) return Date;
    if (setTimeout === fakeSetTimeout) return standingClock;
  }
  // Real time passes: should those fake timers come again, the clock stands elsewhere.
  fakeSetTimeout = undefined;
  return realClock;
}

/** The clock that a timer goes by which has just been made, when the clock in use was this one, and showed this time. */
export function clockOf(timer: unknown, clock: Clock, time: number): Clock {
  if (clock !== realClock || mayBeReal(timer)) return clock;
  fakeSetTimeout = setTimeout;
  standingTime = time;
  return standingClock;
}

/** Whether a `setTimeout` is Node's own. */
export const isRealTimeout = (set: typeof setTimeout | undefined): boolean => set === realSetTimeout;

/** Whether time passes while the program runs. */
export const isReal = (): boolean => clockInUse() === realClock;

/** Whether time moves on by the waits that end, and by nothing else. */
export const isStanding = (): boolean => clockInUse() === standingClock;

/** Whether a timer is one of Node's, or a number, which timers by the real clock may be as well. */
export const mayBeReal = (timer: unknown): boolean => typeof timer !== 'object' || timer instanceof RealTimer;

/**
 * What changes each time that fake timers are put in place: those of node:test bring the same `setTimeout` again, which
 * knows nothing of the timers that it set before.
 */
export const placedTimers = (): unknown =>
  setTimeout === realSetTimeout ? undefined : node('node:timers/promises').setTimeout;

function classOfTimers(): AnyClass {
  const timer = setTimeout(() => {}, 0);
  clearTimeout(timer);
  return timer.constructor as unknown as AnyClass;
}
