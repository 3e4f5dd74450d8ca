import type { HookContext } from '../core/call/hooks.js';
import { classesOf, type ErrorMatcher, errorMatcher } from '../core/call/matcher.js';
import type { Policy } from '../core/call/policy.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import {
  callback,
  countOrInfinity,
  duration,
  durationOrInfinity,
  flag,
  oneOf,
  positive,
  readOptions,
  budget as timeBudget,
  type Where,
} from '../core/options.js';
import type { Jitter } from './backoff.js';
import { rankOf } from './order.js';
import { type RetryBudget, retryBudget } from './retry-budget.js';
import type { DelayHook } from './retry-delay.js';
import { type Filled, retryStep } from './retry-step.js';

/**
 * What `onRetry` is told.
 *
 * @example
 * const onRetry = ({ attempt, delay }: RetryEvent) => console.log(`attempt ${attempt} failed, next in ${delay} ms`);
 */
export interface RetryEvent<Args extends readonly unknown[] = readonly unknown[]> extends HookContext<Args> {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  /** What it failed with; undefined when `retryResult` refused its value. */
  readonly error: unknown;
  /** The wait before the next attempt, in milliseconds, jitter included. */
  readonly delay: number;
}

/**
 * Options of `@retry`, for methods of `This` that take `Args` and give `Value`. Its hooks have the receiver as `this`.
 *
 * @example
 * const config: RetryConfig = { maxAttempts: 5, waitMin: 50, waitMax: 2_000, retryOn: [HttpError] };
 */
export interface RetryConfig<Value = never, This = never, Args extends readonly unknown[] = never> {
  /** How many attempts there may be, the first one included. Infinity is allowed. Default 3. */
  readonly maxAttempts?: number;
  /** The first wait, in milliseconds. Default 100. */
  readonly waitMin?: number;
  /** The longest wait, in milliseconds. Default 30 000. */
  readonly waitMax?: number;
  /** The n-th wait is `min(waitMax, waitMin * waitMultiplier ** (n - 1))`, before jitter. Default 2. */
  readonly waitMultiplier?: number;
  /**
   * `'full'` (default): each wait is random between 0 and its length; `'equal'`: half of it, and half random; `'none'`:
   * exact. `'decorrelated'`: the wait is `min(waitMax, random between waitMin and 3 × the last)`, without `waitMultiplier`.
   * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
   */
  readonly jitter?: Jitter;
  /**
   * How long to wait after this error, such as a server asks: a number is exactly that wait in milliseconds, without
   * jitter, and one above `waitMax` or beyond `maxElapsed` ends the retry as exhausted; false: no further attempt;
   * undefined: the wait that is due anyway. May be async. If it throws, or gives anything else, the call rejects.
   * Default: none.
   */
  readonly delay?: DelayHook<This, Args>;
  /** What pays for the retries, shared with others as a rule. Without enough in it the retry is exhausted. Default: none. */
  readonly budget?: RetryBudget;
  /** Which errors to retry. Default: all. */
  readonly retryOn?: ErrorMatcher<This, Args>;
  /** Which errors not to retry, whatever `retryOn` says. Default: none. */
  readonly abortOn?: ErrorMatcher<This, Args>;
  /**
   * Whether to retry although the method returned this value. When attempts run out, the last value is returned.
   * Default: values are not looked at.
   */
  readonly retryResult?: (this: This, value: Value, context: HookContext<Args>) => boolean | Promise<boolean>;
  /** Budget in milliseconds for all attempts and waits; a wait that would end beyond it is not begun. Default Infinity. */
  readonly maxElapsed?: number;
  /** When attempts run out: true (default) throws the last error itself, false a RetryError with all of them. */
  readonly rethrow?: boolean;
  /** Called before each wait, which a promise that it returns holds up. If it throws, the call rejects with that. Default: none. */
  readonly onRetry?: (this: This, event: RetryEvent<Args>) => unknown;
}

declare module '../core/policies.js' {
  interface Policies {
    /** `maxAttempts`, or the options of `@retry`. */
    readonly retry: number | RetryConfig;
  }
}

const rules = {
  maxAttempts: countOrInfinity,
  waitMin: duration,
  waitMax: durationOrInfinity,
  waitMultiplier: positive,
  jitter: oneOf('full', 'none', 'equal', 'decorrelated'),
  delay: callback,
  budget: retryBudget,
  retryOn: errorMatcher,
  abortOn: errorMatcher,
  retryResult: callback,
  maxElapsed: timeBudget,
  rethrow: flag,
  onRetry: callback,
};

const defaults = {
  maxAttempts: 3,
  waitMin: 100,
  waitMax: 30_000,
  waitMultiplier: 2,
  jitter: 'full',
  maxElapsed: Number.POSITIVE_INFINITY,
  rethrow: true,
} as const;

export function retryPolicy(given: number | RetryConfig | undefined, where: Where): Policy {
  const config = typeof given === 'object' ? given : { maxAttempts: given };
  const options = readOptions<Filled>(where, config, rules, defaults);
  const { budget } = options;
  return {
    kind: 'retry',
    options,
    errorClasses: [...classesOf(options.retryOn), ...classesOf(options.abortOn)],
    steps: [{ rank: rankOf('retry'), wrap: retryStep(options) }],
    ...(budget !== undefined && { reset: () => budget.reset() }),
  };
}

// Without parentheses, for the compiler to show what to write.
export function retry<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@retry()' } & WithoutContext<Second>;
/**
 * Calls the method again when it fails, with exponential backoff and full jitter between the attempts.
 *
 * @param config `maxAttempts`, or the options: `maxAttempts` (3), `waitMin` (100 ms), `waitMax` (30 000 ms),
 * `waitMultiplier` (2), `jitter` (`'full'`), `delay`, `budget`, `retryOn`, `abortOn`, `retryResult`, `maxElapsed` (Infinity, in ms),
 * `rethrow` (true), `onRetry`.
 * @throws ConfigurationError at decoration, when an option is wrong.
 * @throws RetryError from the call, when attempts ran out and `rethrow` is false; otherwise the last error itself.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @example
 * class Weather {
 *   \@retry({ maxAttempts: 4, waitMin: 100, retryOn: [HttpError] })
 *   async forecast(city: string): Promise<Forecast> { ... }
 *
 *   \@retry<Weather, [city: string]>({ onRetry({ args: [city] }) { console.log(this, city); } })
 *   async warnings(city: string): Promise<string[]> { ... }
 * }
 */
export function retry<This, Args extends readonly unknown[], Value = unknown>(
  config?: number | RetryConfig<Value, This, Args>,
): PolicyDecorator<{ option: 'retryResult'; result: Value } | { option: 'hooks'; this: This; args: Args }>;
export function retry(...given: readonly unknown[]): unknown {
  return policyDecorator('retry', given, 1, (where) =>
    retryPolicy(given[0] as RetryConfig | number | undefined, where),
  );
}
