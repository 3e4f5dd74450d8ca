import type { HookContext } from '../core/call/hooks.js';
import { type ErrorMatcher, errorMatcher } from '../core/call/matcher.js';
import { ConfigurationError } from '../core/errors.js';
import {
  callback,
  durationOrInfinity,
  entriesOf,
  positiveInteger,
  type Rule,
  readOptions,
  type Where,
  wrongOption,
} from '../core/options.js';
import { keyRule, scopeRule } from '../limits/limiters.js';
import type { ResultSharingConfig } from './flight-options.js';

/**
 * When a stale value stands in for a run that failed.
 *
 * @example
 * const config: StaleIfErrorConfig = { for: 600_000, on: isTransient };
 */
export interface StaleIfErrorConfig<This = never, Args extends readonly unknown[] = never> {
  /** How long after `ttl`, in milliseconds. Infinity is allowed. Required. */
  readonly for: number;
  /** Which errors. Default: all. */
  readonly on?: ErrorMatcher<This, Args>;
}

/**
 * Options of `@cache`, for methods of `This` that take `Args` and give `Value`; `KeyArgs` are those that `key` takes.
 *
 * @example
 * const config: CacheConfig = { ttl: 60_000, max: 500, staleWhileRevalidate: 30_000, staleIfError: 600_000 };
 */
export interface CacheConfig<
  Value = never,
  This = never,
  Args extends readonly unknown[] = never,
  KeyArgs extends readonly unknown[] = Args,
> extends ResultSharingConfig<KeyArgs, This> {
  /**
   * How long a value is good, in milliseconds from the end of the run that gave it; at that age it is stale. Infinity is
   * allowed; 0 beside `staleIfError` or `staleWhileRevalidate`: every value is stale. Required.
   */
  readonly ttl: number;
  /** How many values are kept for a method, of each instance with `scope: 'instance'`: those used last. Default 1000. */
  readonly max?: number;
  /**
   * How long after `ttl` a stale value is given at once, in milliseconds, while one run behind it gets a new one. Infinity is
   * allowed. Default 0.
   */
  readonly staleWhileRevalidate?: number;
  /**
   * How long after `ttl` a stale value is given in place of the error of a run that failed, in milliseconds; or that, and for
   * which errors. Infinity is allowed. Default 0.
   */
  readonly staleIfError?: number | StaleIfErrorConfig<This, Args>;
  /**
   * Whether to keep this value; if not, the next call runs anew. Must not be async. If it throws, the run rejects with that.
   * Default: all values are kept.
   */
  readonly cacheResult?: (this: This, value: Value, context: HookContext<Args>) => boolean;
}

/** The options as they are once they were read. */
export interface Filled extends ResultSharingConfig {
  readonly ttl: number;
  readonly max: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number | StaleIfErrorConfig;
  readonly cacheResult?: (...given: never[]) => unknown;
}

const staleIfErrorRules = new Map<unknown, Rule>([
  ['for', durationOrInfinity],
  ['on', errorMatcher],
]);

const isStaleIfError = (value: object): boolean =>
  durationOrInfinity.test(Reflect.get(value, 'for')) &&
  entriesOf(value).every(([name, each]) => {
    const rule = staleIfErrorRules.get(name);
    return rule !== undefined && (each === undefined || rule.test(each));
  });

const staleIfError: Rule = {
  allowed: `${durationOrInfinity.allowed}, or { for, on }: such a number, and ${errorMatcher.allowed}`,
  test: (value) =>
    typeof value === 'object' && value !== null ? isStaleIfError(value) : durationOrInfinity.test(value),
};

const rules = {
  ttl: durationOrInfinity,
  max: positiveInteger,
  key: keyRule,
  scope: scopeRule,
  staleWhileRevalidate: durationOrInfinity,
  staleIfError,
  cacheResult: callback,
};

const defaults = { max: 1000, scope: 'instance', staleWhileRevalidate: 0, staleIfError: 0 } as const;

/** How long after `ttl` a value may stand in for an error, in milliseconds. */
export const graceOf = ({ staleIfError: given }: Pick<Filled, 'staleIfError'>): number =>
  typeof given === 'number' ? given : given.for;

export function readCache(given: unknown, where: Where): Filled {
  const config = typeof given === 'object' && given !== null ? given : { ttl: given };
  const options = readOptions<Filled>(where, config, rules, defaults);
  const { ttl, staleWhileRevalidate } = options;
  if (ttl === undefined) throw wrongOption(where, 'ttl', undefined, durationOrInfinity.allowed);
  const grace = graceOf(options);
  if (ttl === 0 && staleWhileRevalidate === 0 && grace === 0) {
    const problem = 'expected `ttl` to be above 0, or beside `staleIfError` or `staleWhileRevalidate`, got 0';
    throw new ConfigurationError(`${where.text}: ${problem}; to share runs and keep nothing, take singleFlight`);
  }
  if (typeof options.staleIfError === 'number') return options;
  // A copy: what becomes of the object that was given is its owner's affair.
  return Object.freeze({ ...options, staleIfError: Object.freeze({ ...options.staleIfError }) });
}
