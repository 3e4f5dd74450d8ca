import { node } from '../node.js';
import type { AnyClass } from '../types.js';

const realSetTimeout = setTimeout;
const realDateNow = Date.now;
const realPerformance = performance;
const realNow = performance.now;
/** The class of real timers, whoever wraps the function that makes them; all others are fake. */
const RealTimer = classOfTimers();
/** The longest delay a timer takes; a longer one would fire at once. */
export const longestDelay = 2 ** 31 - 1;
/** Real timers count whole milliseconds and may fire up to this much early; fake ones never do. */
const rounding = 1;
/** What is left over from sums of fractions; a wait shorter than this is over. */
export const residue = 1e-6;

/** How far the clock lags behind timers that fired without it: fake timers over a clock that nobody faked. */
let lag = 0;
/** The latest `setTimeout` that made a fake timer while no clock was faked. */
let fakeSetTimeout: typeof setTimeout | undefined;
/** Where the clock stands that these timers alone move on, by their lag. */
let standsAt = 0;

/** What the time is read from. */
interface Clock {
  now(): number;
}

const realClock: Clock = { now: () => realNow.call(realPerformance) };

/** Under fake timers the time does not depend on how fast the program runs. */
const standingClock: Clock = { now: () => standsAt };

/** The real clock with real timers; with fake ones the clock that they faked, if any. */
function clockInUse(): Clock {
  if (setTimeout !== realSetTimeout) {
    if (performance.now !== realNow) return performance;
    if (Date.now !== realDateNow) return Date;
    if (setTimeout === fakeSetTimeout) return standingClock;
  }
  // Real time passes: should those fake timers come again, the clock stands elsewhere.
  fakeSetTimeout = undefined;
  return realClock;
}

/** Whether time passes while the program runs. */
export const isReal = (): boolean => clockInUse() === realClock;

/** Whether time moves on by the waits that end, and by nothing else. */
export const isStanding = (): boolean => clockInUse() === standingClock;

/** Whether a timer is one of Node's, or a number, which timers by the real clock may be as well. */
const mayBeReal = (timer: unknown): boolean => typeof timer !== 'object' || timer instanceof RealTimer;

/**
 * What changes each time that fake timers come: those of node:test bring the same `setTimeout` again, which knows nothing
 * of the timers that it set before.
 */
const era = (): unknown => (setTimeout === realSetTimeout ? undefined : node('node:timers/promises').setTimeout);

/**
 * The time in milliseconds, for differences only. It is monotonic, follows fake timers whether or not they fake a clock
 * as well, and does not jump with the wall clock.
 */
export const now = (): number => clockInUse().now() + lag;

/**
 * One timer on the global `setTimeout`, which is looked up at each use so that fake timers drive it. Never fires early,
 * takes delays of any length, and keeps the program alive only while it is told to.
 */
export class Alarm {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #setBy: typeof setTimeout | undefined;
  #setIn: unknown;
  #left = 0;
  #held: boolean;
  readonly #ring: () => void;

  constructor(ring: () => void, held: boolean) {
    this.#ring = ring;
    this.#held = held;
  }

  /** Whether it is going to ring: not by a clock that has been taken away, as fake timers are. */
  get isSet(): boolean {
    return this.#timer !== undefined && this.#setBy === setTimeout && this.#setIn === era();
  }

  /** Rings once after the delay, in place of what was set before. */
  set(delay: number): void {
    this.clear();
    this.#left = delay;
    this.#arm();
  }

  clear(): void {
    // Timers of a clock that has been taken away, or hidden by a fake one, may not bear to be asked again: fake ones may
    // take another timer for it.
    if (this.isSet) clearTimeout(this.#timer);
    else this.#timer?.unref?.();
    this.#timer = undefined;
  }

  /** Whether a pending ring keeps the program alive. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#timer?.ref?.();
    else this.#timer?.unref?.();
  }

  #arm(): void {
    const step = Math.min(Math.max(0, Math.ceil(this.#left - residue)), longestDelay);
    let clock = clockInUse();
    const armedAt = now();
    this.#setBy = setTimeout;
    this.#setIn = era();
    const timer = setTimeout(() => {
      if (this.#timer !== timer) return;
      this.#timer = undefined;
      const early = mayBeReal(timer) ? rounding : residue;
      this.#left -= clock === clockInUse() ? elapsedSince(armedAt, step, early) : step;
      if (this.#left > residue) this.#arm();
      else this.#ring();
    }, step);
    this.#timer = timer;
    if (clock === realClock && !mayBeReal(timer)) {
      fakeSetTimeout = setTimeout;
      standsAt = armedAt - lag;
      clock = standingClock;
    }
    if (!this.#held) timer.unref?.();
  }
}

/**
 * How long ago a timer was armed that has just fired: after `step`, as it should, or up to `early` before. A clock that
 * stood still catches up.
 */
function elapsedSince(armedAt: number, step: number, early: number): number {
  const missing = step - (now() - armedAt);
  if (missing > early) lag += missing;
  return now() - armedAt;
}

function classOfTimers(): AnyClass {
  const timer = setTimeout(() => {}, 0);
  clearTimeout(timer);
  return timer.constructor as unknown as AnyClass;
}
