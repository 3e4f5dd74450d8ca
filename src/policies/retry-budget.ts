import { isReal, now } from '../core/call/clock.js';
import { positive, positiveDuration, type Rule, readOptions } from '../core/options.js';
import { peek } from '../core/peek.js';

/**
 * Options of `RetryBudget`.
 *
 * @example
 * const config: RetryBudgetConfig = { ratio: 0.1, minPerSecond: 1 };
 */
export interface RetryBudgetConfig {
  /** How many retries each call pays for: with 0.2, five calls pay for one. Default 0.2. */
  readonly ratio?: number;
  /** How many retries a second there may be whatever the calls, for methods that are seldom called. 0: none. Default 10. */
  readonly minPerSecond?: number;
  /** How long what a call put in stays there, in milliseconds. Default 10 000. */
  readonly ttl?: number;
}

const rules = {
  ratio: positive,
  minPerSecond: {
    allowed: 'a finite number of at least 0',
    test: (value) => Number.isFinite(value) && (value as number) >= 0,
  } satisfies Rule,
  ttl: positiveDuration,
};

const defaults = { ratio: 0.2, minPerSecond: 10, ttl: 10_000 };

/** Tells budgets of every copy of opero. */
const brand = Symbol.for('opero.RetryBudget');

const buckets = 10;
/** What is left over from sums of fractions. */
const residue = 1e-9;
/** So many calls in a row are put in without a look at the clock, at the most, where they come quickly. */
const mostUnread = 7;

/**
 * How many retries may be made for the calls that there are, so that those of a service that is down do not multiply its
 * load. Any methods, classes, Orchestrators and hedges may share one. Each call that enters puts one in, and a retry costs
 * 1 / `ratio`; what was put in lapses after `ttl`. Beside that, `minPerSecond * ttl / 1000` retries stand in reserve, and
 * come back by time, `minPerSecond` a second.
 *
 * @example
 * const budget = new RetryBudget({ ratio: 0.2 });
 * class Weather {
 *   \@retry({ maxAttempts: 4, budget })
 *   async forecast(city: string): Promise<Forecast> { ... }
 * }
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #perMs: number;
  readonly #width: number;
  readonly #most: number;
  /** Retries in reserve, at `#readAt`. */
  #reserve = 0;
  #readAt = 0;
  /** What was put in, and not taken out since, by the time when it was; the one at `#head` is the latest. */
  readonly #buckets = new Float64Array(buckets);
  #head = 0;
  /** When the latest bucket began. */
  #beganAt = 0;
  /** How many calls may still be put in without a look at the clock. */
  #unread = 0;
  #stride = 0;

  /**
   * @param config `ratio` (0.2), `minPerSecond` (10), `ttl` (10 000 ms).
   * @throws ConfigurationError when an option is wrong.
   */
  constructor(config: RetryBudgetConfig = {}) {
    const where = { text: 'RetryBudget' };
    const { ratio, minPerSecond, ttl } = readOptions<Required<RetryBudgetConfig>>(where, config, rules, defaults);
    // Here and not on the prototype, so that bundles without budgets are without this class.
    Object.defineProperty(this, brand, { value: true });
    this.#ratio = ratio;
    this.#perMs = minPerSecond / 1000;
    this.#width = ttl / buckets;
    this.#most = this.#perMs * ttl;
    this.reset();
  }

  /**
   * Makes it as new: nothing put in, and the whole reserve.
   *
   * @throws Nothing.
   */
  reset(): void {
    this.#buckets.fill(0);
    this.#reserve = this.#most;
    this.#beganAt = now();
    this.#readAt = this.#beganAt;
    this.#unread = 0;
  }

  /** How many retries there are to be had now. */
  get balance(): number {
    this.#moveTo(now());
    return Math.floor(this.#sum() * this.#ratio + this.#reserve + residue);
  }

  /**
   * Puts in what one call pays.
   *
   * @throws Nothing.
   */
  deposit(): void {
    if (this.#unread > 0 && isReal()) this.#unread--;
    else this.#begin();
    this.#buckets[this.#head] = (this.#buckets[this.#head] as number) + 1;
  }

  /**
   * Takes out what one retry costs, what lapses first before the rest, and the reserve last; false where there is too little.
   *
   * @throws Nothing.
   */
  withdraw(): boolean {
    this.#moveTo(now());
    const held = this.#sum();
    if (held * this.#ratio + this.#reserve + residue < 1) return false;
    let left = Math.min(held, 1 / this.#ratio);
    this.#reserve = Math.max(0, this.#reserve - Math.max(0, 1 - left * this.#ratio));
    for (let each = 1; each <= buckets; each++) {
      const index = (this.#head + each) % buckets;
      const taken = Math.min(left, this.#buckets[index] as number);
      this.#buckets[index] = (this.#buckets[index] as number) - taken;
      left -= taken;
    }
    return true;
  }

  /**
   * Looks at the clock for a call that puts something in. To read it takes longer than all the rest: where calls come so
   * quickly that many share a bucket, only one in eight does.
   */
  #begin(): void {
    const time = now();
    const isQuick = time >= this.#readAt && (time - this.#readAt) * buckets < this.#width;
    this.#stride = isQuick ? Math.min(2 * this.#stride + 1, mostUnread) : 0;
    this.#unread = this.#stride;
    this.#moveTo(time);
    if (this.#sum() < residue) this.#beganAt = time;
  }

  /** Time has come to this: buckets lapse, and the reserve fills. Where a clock was set back, all stays, and goes on from there. */
  #moveTo(time: number): void {
    const passed = time - this.#readAt;
    if (passed > 0) this.#reserve = Math.min(this.#most, this.#reserve + passed * this.#perMs);
    this.#readAt = time;
    const steps = Math.floor((time - this.#beganAt + residue) / this.#width);
    if (steps === 0) return;
    this.#beganAt += steps * this.#width;
    for (let step = Math.min(steps, buckets); step > 0; step--) {
      this.#head = (this.#head + 1) % buckets;
      this.#buckets[this.#head] = 0;
    }
  }

  #sum(): number {
    let sum = 0;
    for (const each of this.#buckets) sum += each;
    return sum;
  }
}

/** The rule for options that take a RetryBudget, of whatever copy of opero. */
export const retryBudget: Rule = { allowed: 'a RetryBudget', test: (value) => peek(value, brand) === true };
