/** How far back the rate looks: in milliseconds, and in times the longest pause between two ends. */
const memory = { least: 15_000, pauses: 6 };
/** How long the rate is not told at first: in milliseconds, and in times the longest pause between two ends. */
const patience = { least: 5000, pauses: 4 };

/**
 * How fast items end, smoothed: what lies further back counts less and less. One slow item does not change it much, nor do
 * several that end together.
 */
export class Pace {
  readonly #startedAt: number;
  /** How many ends there are to be before it can be told. */
  readonly #wanted: number;
  #seen = 0;
  #latest: number;
  /** The ends that count, and the milliseconds that they took; of each what is left of it. */
  #ends = 0;
  #time = 0;
  /** The longest pause between one end and the next, those far back aside. */
  #longest = 0;
  #isTold = false;

  constructor(startedAt: number, atOnce: number, total = Number.POSITIVE_INFINITY) {
    this.#startedAt = startedAt;
    this.#latest = startedAt;
    // The first ones of those begun together come one upon the other, and say nothing of the rest.
    this.#wanted = Math.max(3, Math.min(atOnce, Math.ceil(total / 10), 100));
  }

  /** An item has ended. */
  add(time: number): void {
    const passed = time - this.#latest;
    const past = Math.max(memory.least, memory.pauses * Math.max(this.#longest, passed));
    const left = Math.exp(-passed / past);
    this.#ends = this.#ends * left + 1;
    this.#time = this.#time * left + past * (1 - left);
    this.#longest = Math.max(passed, this.#longest * left);
    this.#latest = time;
    this.#seen++;
  }

  /** Ends in a millisecond; undefined as long as there are too few to tell. */
  rate(time: number): number | undefined {
    const waited = time - this.#latest;
    const needed = Math.max(patience.least, patience.pauses * Math.max(this.#longest, waited));
    this.#isTold ||= this.#seen >= this.#wanted && time - this.#startedAt >= needed;
    if (!this.#isTold) return undefined;
    // Between one end and the next it stands still, until the next is overdue.
    return this.#ends / (this.#time + Math.max(0, waited - this.#longest));
  }

  /** The same over all the time. */
  mean(time: number): number {
    return this.#seen / Math.max(1, time - this.#startedAt);
  }

  /** Milliseconds until so many more have ended; undefined as long as that cannot be told. */
  left(time: number, more: number): number | undefined {
    const rate = this.rate(time);
    return rate === undefined ? undefined : more / rate;
  }
}
