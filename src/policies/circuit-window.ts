import { now } from './circuit-time.js';

export interface RatioOptions {
  readonly consecutive?: undefined;
  /** The share of failures among the calls in the window that opens the circuit, above 0 and up to 1. */
  readonly failureRatio: number;
  /** How far back the window reaches, in milliseconds. */
  readonly window: number;
  /** How many calls must have ended within the window before the circuit opens. */
  readonly minCalls: number;
}

/** In how many steps the window slides. */
const buckets = 10;

/** The slot of a bucket, which is counted from the clock's 0. */
const slotOf = (bucket: number): number => ((bucket % buckets) + buckets) % buckets;

const empty = (): number[] => new Array<number>(buckets).fill(0);

/**
 * Calls and failures of the last `window` milliseconds, the bucket that has just begun included. It slides when it is
 * looked at. When the clock was set back, as fake timers may, what it holds is of another time: it empties.
 */
export class CircuitWindow {
  #options: RatioOptions;
  /** The length of a bucket in milliseconds. */
  #width: number;
  /** The latest bucket, counted from the clock's 0. */
  #latest = 0;
  #slot = 0;
  #callsIn = empty();
  #failuresIn = empty();
  #calls = 0;
  #failures = 0;

  constructor(options: RatioOptions) {
    this.#options = options;
    this.#width = options.window / buckets;
  }

  get calls(): number {
    // The clock is read only where it matters: those that look for what can be dropped ask often.
    if (this.#calls > 0) this.#slide(now());
    return this.#calls;
  }

  get failures(): number {
    if (this.#failures > 0) this.#slide(now());
    return this.#failures;
  }

  succeed(): void {
    this.#slide(now());
    this.#count(1, 0);
  }

  /** Counts a failure; gives whether it opens the circuit. */
  fail(): boolean {
    this.#slide(now());
    this.#count(1, 1);
    const { minCalls, failureRatio } = this.#options;
    return this.#calls >= minCalls && this.#failures / this.#calls >= failureRatio;
  }

  clear(): void {
    this.#callsIn.fill(0);
    this.#failuresIn.fill(0);
    this.#calls = 0;
    this.#failures = 0;
  }

  describe(): string {
    return `${this.#failures} of ${this.#calls} calls failed`;
  }

  /** Takes other options; what was counted stays, for as long as the new window reaches back. */
  configure(options: RatioOptions): void {
    const width = options.window / buckets;
    if (width !== this.#width) this.#rearrange(width);
    this.#options = options;
  }

  #count(calls: number, failures: number): void {
    this.#callsIn[this.#slot] = (this.#callsIn[this.#slot] as number) + calls;
    this.#calls += calls;
    if (failures === 0) return;
    this.#failuresIn[this.#slot] = (this.#failuresIn[this.#slot] as number) + failures;
    this.#failures += failures;
  }

  #slide(time: number): void {
    const bucket = Math.floor(time / this.#width);
    if (bucket !== this.#latest) this.#slideTo(bucket);
  }

  #slideTo(bucket: number): void {
    const steps = bucket - this.#latest;
    if (steps < 0 || steps >= buckets) this.clear();
    else for (let past = this.#latest + 1; past <= bucket; past++) this.#drop(slotOf(past));
    this.#latest = bucket;
    this.#slot = slotOf(bucket);
  }

  #drop(slot: number): void {
    this.#calls -= this.#callsIn[slot] as number;
    this.#failures -= this.#failuresIn[slot] as number;
    this.#callsIn[slot] = 0;
    this.#failuresIn[slot] = 0;
  }

  /** Puts what each bucket holds where its last moment lies among buckets of another length. */
  #rearrange(width: number): void {
    const time = now();
    this.#slide(time);
    const [oldWidth, last] = [this.#width, this.#latest];
    const [calls, failures] = [this.#callsIn, this.#failuresIn];
    [this.#callsIn, this.#failuresIn, this.#width] = [empty(), empty(), width];
    this.clear();
    for (let bucket = last - buckets + 1; bucket <= last; bucket++) {
      this.#slide(Math.min(time, (bucket + 1) * oldWidth));
      this.#count(calls[slotOf(bucket)] as number, failures[slotOf(bucket)] as number);
    }
  }
}
