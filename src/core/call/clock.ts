import { clockInUse, clockOf, isRealTimeout, mayBeReal, placedTimers } from './fake-timers.js';

export { isReal, isStanding } from './fake-timers.js';

/** The longest delay a timer takes; a longer one would fire at once. */
export const longestDelay = 2 ** 31 - 1;
/** Real timers count whole milliseconds and may fire up to this much early; fake ones never do. */
const rounding = 1;
/** What is left over from sums of fractions; a wait shorter than this is over. */
export const residue = 1e-6;

/** How much time timers have told of by firing that the clock in use did not see: fake ones over a clock that nobody faked. */
let unseenTime = 0;

/**
 * The time in milliseconds, for differences only. It is monotonic, follows fake timers whether or not they fake a clock
 * as well, and does not jump with the wall clock.
 */
export const now = (): number => clockInUse().now() + unseenTime;

/**
 * Whether so much time has passed since then; `time` is the time now. A moment that is yet to come is long past: the clock
 * was set back, as fake timers may.
 */
export function isOver(since: number, duration: number, time: number): boolean {
  const elapsed = time - since;
  return elapsed >= duration - residue || elapsed < -residue;
}

/** Told of each alarm that is set or cleared, or that holds the program alive from now on or no more. */
type AlarmListener = (alarm: Alarm) => void;

/** Set while waits are skipped. */
let listener: AlarmListener | undefined;

/** Has somebody told of alarms from now on, who ends waits before their time; undefined: nobody. */
export const listenToAlarms = (told: AlarmListener | undefined): void => {
  listener = told;
};

/** Whether waits by time alone are skipped just now. */
export const skipsWaits = (): boolean => listener !== undefined;

/** Moves the clock on by what has not passed. */
export const moveOn = (duration: number): void => {
  unseenTime += duration;
};

/** Tells of an alarm that it ends a wait by time alone, which may be skipped. */
export const always = (): boolean => true;

/** Tells of an alarm that it is a deadline, before which something else may end: no time is skipped beyond it. */
const never = (): boolean => false;

/**
 * One timer on the global `setTimeout`, which is looked up at each use so that fake timers drive it. Never fires early,
 * takes delays of any length, and keeps the program alive only while it is told to.
 */
export class Alarm {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #setBy: typeof setTimeout | undefined;
  #setAmong: unknown;
  #left = 0;
  #due = 0;
  #held: boolean;
  readonly #ring: () => void;

  constructor(
    ring: () => void,
    held: boolean,
    /** Whether it may ring before its time where waits are skipped: nothing but time can end what it is for. */
    readonly mayBeSkipped: () => boolean = never,
  ) {
    this.#ring = ring;
    this.#held = held;
  }

  /** When it is going to ring, by `now()`. */
  get due(): number {
    return this.#due;
  }

  /** Whether a pending ring keeps the program alive. */
  get isHeld(): boolean {
    return this.#held;
  }

  /** Whether it is going to ring: not by a clock that has been taken away, as fake timers are. */
  get isSet(): boolean {
    return this.#timer !== undefined && this.#setBy === setTimeout && this.#setAmong === placedTimers();
  }

  /** Whether it was going to ring by a clock that has been taken away. */
  get isLost(): boolean {
    return this.#timer !== undefined && !this.isSet;
  }

  /** The same as `isSet` where nobody has put fake timers in the place of Node's own: quicker to tell. */
  get isSetForReal(): boolean {
    return this.#timer !== undefined && this.#setBy === setTimeout && isRealTimeout(this.#setBy);
  }

  /** Rings once after the delay, in place of what was set before. */
  set(delay: number): void {
    this.#disarm();
    this.#left = delay;
    this.#arm();
    listener?.(this);
  }

  clear(): void {
    this.#disarm();
    listener?.(this);
  }

  /** Rings at once, in place of when it is due. */
  ringNow(): void {
    this.#disarm();
    this.#ring();
  }

  /** The clock was moved on: what is left until it is due is less. */
  catchUp(): void {
    this.#disarm();
    this.#left = Math.max(0, this.#due - now());
    this.#arm();
  }

  #disarm(): void {
    // Timers of a clock that has been taken away, or hidden by a fake one, may not bear to be asked again: fake ones may
    // take another timer for it.
    if (this.isSet) clearTimeout(this.#timer);
    else this.#timer?.unref?.();
    this.#timer = undefined;
  }

  /** What it was set for is over. One of Node's own stays, as to set it costs more than to let it ring; a fake one goes. */
  rest(): void {
    if (isRealTimeout(this.#setBy)) this.hold(false);
    else this.clear();
  }

  /** Whether a pending ring is to keep the program alive. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#timer?.ref?.();
    else this.#timer?.unref?.();
    listener?.(this);
  }

  #arm(): void {
    const step = Math.min(Math.max(0, Math.ceil(this.#left - residue)), longestDelay);
    let clock = clockInUse();
    const armedAt = now();
    this.#due = armedAt + this.#left;
    this.#setBy = setTimeout;
    this.#setAmong = placedTimers();
    const timer = setTimeout(() => {
      if (this.#timer !== timer) return;
      this.#timer = undefined;
      const early = mayBeReal(timer) ? rounding : residue;
      this.#left -= clock === clockInUse() ? elapsedSince(armedAt, step, early) : step;
      if (this.#left > residue) this.#arm();
      else this.#ring();
      listener?.(this);
    }, step);
    this.#timer = timer;
    clock = clockOf(timer, clock, armedAt - unseenTime);
    if (!this.#held) timer.unref?.();
  }
}

/**
 * How long ago a timer was armed that has just fired: after `step`, as it should, or up to `early` before. A clock that
 * has not seen that time pass is told of it.
 */
function elapsedSince(armedAt: number, step: number, early: number): number {
  const missing = step - (now() - armedAt);
  if (missing > early) unseenTime += missing;
  return now() - armedAt;
}
