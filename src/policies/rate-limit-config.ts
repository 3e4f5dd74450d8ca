import type { HookContext } from '../core/call/hooks.js';
import { callback, durationOrInfinity, flag, positive, positiveDuration, queueLength } from '../core/options.js';
import type { NotShared } from '../limits/brand.js';
import type { LimitKind } from '../limits/given.js';
import { keyRule, type SharingConfig, scopeRule } from '../limits/limiters.js';
import { nameRule, type RateGate, type RateRules, type StoreConfig, storeRule } from '../limits/store.js';
import type { StoredMaking } from '../limits/stored-finder.js';
import { checkStored } from '../limits/stored-options.js';
import type { QueueConfig } from '../limits/waiter.js';
import { type WeighingConfig, weighingDefaults } from '../limits/weighing.js';

/**
 * Options of `@rateLimit`, and of `RateLimiter`.
 *
 * @example
 * const config: RateLimitConfig = { rate: 100, per: 60_000, spread: true, maxWait: 5_000 };
 */
export interface RateLimitConfig<
  Args extends readonly unknown[] = never[],
  This = never,
  Result = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
> extends NotShared,
    QueueConfig,
    SharingConfig<Args, This>,
    StoreConfig,
    WeighingConfig<WeightArgs, This, PriorityArgs> {
  /**
   * How many starts there may be in any window of `per`. Required. A fractional rate `r` means `ceil(r)` starts in any
   * window of `per * ceil(r) / r`: 0.5 is one in two seconds, 2.5 is three in 1.2 seconds.
   */
  readonly rate: number;
  /** The length of the window in milliseconds. Default 1000. */
  readonly per?: number;
  /** Whether to space the starts evenly, at least `per / rate` apart. Default false. */
  readonly spread?: boolean;
  /**
   * What a call really took, an integer of at least 0, known by its result: the difference to `weight` goes back, or is taken
   * too, when the call ends. Default: what `weight` said.
   */
  readonly weightResult?: (this: This, value: Result, context: HookContext) => number;
  /**
   * For how many milliseconds nobody may start after an attempt failed with this error; undefined: no pause. With `key` that
   * holds for the key of the call. `parseRetryAfter` is such a function. Default: none.
   */
  readonly pauseFor?: (this: This, error: unknown, context: HookContext) => number | undefined;
  /** The longest pause that `pauseFor` may ask for, in milliseconds; a longer one is cut. Default 60 000. */
  readonly pauseMax?: number;
}

/** The options of a rate limit, filled in. */
export type RateLimitOptions = RateLimitConfig &
  Required<Pick<RateLimitConfig, 'per' | 'spread' | 'maxQueue' | 'maxWait'>>;

/** How long a pause may be, in milliseconds, where nothing is said. */
export const pauseMax = 60_000;

/** How `@rateLimit` reads what it is given. */
export const rateLimitKind: LimitKind<RateLimitOptions> = {
  kind: 'rateLimit',
  number: 'rate',
  sharedClass: 'RateLimiter',
  rules: {
    rate: positive,
    per: positiveDuration,
    spread: flag,
    maxQueue: queueLength,
    maxWait: durationOrInfinity,
    key: keyRule,
    scope: scopeRule,
    weight: callback,
    priority: callback,
    priorityAging: positiveDuration,
    weightResult: callback,
    pauseFor: callback,
    pauseMax: durationOrInfinity,
    store: storeRule,
    name: nameRule,
  },
  defaults: (given) => ({
    per: 1000,
    spread: false,
    maxQueue: Number.POSITIVE_INFINITY,
    maxWait: Number.POSITIVE_INFINITY,
    scope: 'class',
    ...weighingDefaults(given),
    ...(given.pauseFor !== undefined && { pauseMax }),
  }),
  complete: checkStored,
  beside: ['key', 'weight', 'priority', 'priorityAging', 'maxQueue', 'maxWait', 'weightResult', 'pauseFor', 'pauseMax'],
};

/** How a rate limit is found in its store. */
export const storedRates: StoredMaking<RateGate, RateRules, RateLimitOptions> = {
  kind: 'rateLimit',
  limitsIn: (store, name, rules) => store.rates(name, rules),
  rulesOf: ({ rate, per, spread }) => ({ rate, per, spread }),
};
