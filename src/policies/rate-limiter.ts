import { copyOfOptions, durationOrInfinity, type Where, wrongOption } from '../core/options.js';
import type { Undo } from '../core/undo.js';
import type { sharedBy } from '../limits/brand.js';
import { readLimit } from '../limits/given.js';
import { Spell } from '../limits/pause.js';
import { putInside, Shared } from '../limits/shared.js';
import type { RateGate, RateRules, StoredLimits } from '../limits/store.js';
import { checkName, StoredFinder } from '../limits/stored-finder.js';
import { Window } from '../limits/window.js';
import { type RateLimitConfig, type RateLimitOptions, rateLimitKind, storedRates } from './rate-limit-config.js';

/**
 * A change of the options of a `RateLimiter`.
 *
 * @example
 * const change: RateLimitChange = { rate: 100 };
 */
export type RateLimitChange = Omit<Partial<RateLimitConfig>, 'key' | 'scope'>;

/** What stands behind a RateLimiter. */
class SharedWindows extends Shared<Window, RateLimitOptions> {
  /** The pause of all, those too that come meanwhile. */
  readonly #pause = new Spell();
  /** What finds it in its store, if it is in one. */
  readonly #stored: StoredFinder<RateGate, RateRules, RateLimitOptions> | undefined;

  constructor(options: RateLimitOptions) {
    super({
      options,
      create: (current) => this.#create(current),
      configure: (window, current) => window.configure(current, true),
      limitOf: ({ rate }) => Math.ceil(rate),
      changed: (current) => this.#stored?.configure(current),
    });
    this.#stored = options.store && new StoredFinder(storedRates, options, 'RateLimiter');
  }

  get #inStore(): StoredLimits<RateGate, RateRules> | undefined {
    return this.#stored?.limits();
  }

  override get waiting(): number {
    return this.#inStore?.waiting ?? super.waiting;
  }

  override get used(): number {
    return this.#inStore?.used ?? super.used;
  }

  #create(options: RateLimitOptions): Window {
    const window = new Window(options, true);
    window.pause(this.#pause.left);
    return window;
  }

  pause(duration: number): void {
    const stored = this.#inStore;
    if (stored !== undefined) {
      stored.pause?.(duration);
      return;
    }
    this.#pause.extend(duration);
    this.each((window) => window.pause(duration));
  }

  resume(): void {
    this.#inStore?.resume?.();
    this.#pause.end();
    this.each((window) => window.resume());
  }

  /** Nobody could end a pause of those that there were. */
  override reset(): void {
    this.resume();
    super.reset();
  }
}

/**
 * A rate limit that any methods, classes and Orchestrators share: one window, and one line, strictly in order of arrival
 * over all of them. To be given to `@rateLimit` in place of its options, or beside them as `limiter`.
 *
 * @example
 * const quota = new RateLimiter({ rate: 500, per: 60_000, pauseFor: parseRetryAfter });
 * class Api {
 *   \@rateLimit(quota) async get(id: string): Promise<Data> { ... }
 *   \@rateLimit(quota) async put(id: string, data: Data): Promise<void> { ... }
 * }
 */
export class RateLimiter {
  declare readonly [sharedBy]: 'rateLimit';
  readonly #windows: SharedWindows;

  /**
   * @param config `rate`, or the options of `@rateLimit`. `key`, `weight`, `priority`, `weightResult` and `pauseFor` hold for
   * all methods that say nothing else.
   * @throws ConfigurationError when an option is wrong.
   */
  constructor(config: number | RateLimitConfig) {
    const options = readLimit(config, { text: 'RateLimiter' }, rateLimitKind);
    checkName(options, storedRates, 'RateLimiter');
    this.#windows = new SharedWindows(options);
    putInside(this, 'rateLimit', this.#windows);
  }

  /** How many calls wait, over all keys. */
  get waiting(): number {
    return this.#windows.waiting;
  }

  /** How many permits are in use, or held by calls that have not started yet, weights included, over all keys. */
  get used(): number {
    return this.#windows.used;
  }

  /** How many starts there may be in a window, for each key. */
  get limit(): number {
    return this.#windows.options.rate;
  }

  /**
   * Nobody starts for so long, whatever the key; of several pauses the longest counts. With a store that holds for every
   * process that shares it, those included that start later.
   *
   * @param duration In milliseconds; Infinity: until `resume()`.
   * @throws ConfigurationError when that is no duration.
   * @example
   * quota.pause(30_000);
   */
  pause(duration: number): void {
    if (!durationOrInfinity.test(duration)) {
      throw wrongOption({ text: 'RateLimiter.pause()' }, 'duration', duration, durationOrInfinity.allowed);
    }
    this.#windows.pause(duration);
  }

  /**
   * Ends every pause, of each key.
   *
   * @throws Nothing.
   */
  resume(): void {
    this.#windows.resume();
  }

  /**
   * Changes options from the next call on; those who wait stay in line, and are admitted as soon as that is allowed.
   *
   * @param options Some of the options, save `key` and `scope`.
   * @returns What restores them; of several changes that hold the latest counts.
   * @throws ConfigurationError when an option is wrong; then nothing changes.
   * @example
   * using _ = quota.configure({ rate: 100 });
   */
  configure(options: number | RateLimitChange): Undo {
    const where: Where = { text: 'RateLimiter.configure()' };
    const given = copyOfOptions(options, where);
    return this.#windows.configure((over) => readLimit(given, { ...where, over }, rateLimitKind));
  }
}
