import { classesOf } from '../core/call/matcher.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import type { NeedsOfKey } from '../core/decoration/needs.js';
import type { Where } from '../core/options.js';
import { type CacheConfig, type Filled, readCache } from './cache-options.js';
import { Caches, stepOf } from './cache-step.js';
import { placing } from './flight-options.js';
import { requireMethod } from './methods-only.js';
import { rankOf } from './order.js';

declare module '../core/policies.js' {
  interface Policies {
    /** `ttl` in milliseconds, or the options of `@cache`. */
    readonly cache: number | CacheConfig;
  }
}

/** The policy of a cache; it gives access to what it keeps of a method. */
export interface CachePolicy extends Policy {
  readonly options: Filled;
  caches(site: SiteInfo): Caches;
}

export const isCache = (policy: Policy): policy is CachePolicy => policy.kind === 'cache';

export function cachePolicy(given: unknown, where: Where): CachePolicy {
  requireMethod(where, 'cache', 'it would keep what those give that change things');
  const options = readCache(given, where);
  const { staleIfError } = options;
  const caches = (site: SiteInfo): Caches => site.stateOf(policy, () => new Caches(options, site));
  const policy: CachePolicy = {
    kind: 'cache',
    options,
    errorClasses: typeof staleIfError === 'object' ? classesOf(staleIfError.on) : [],
    steps: [{ rank: rankOf('cache'), wrap: (around, site) => stepOf(options, caches(site), around, site) }],
    ...placing('cache', 'singleFlight'),
    caches,
  };
  return policy;
}

// Without parentheses, for the compiler to show what to write.
export function cache<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@cache(...)' } & WithoutContext<Second>;
/**
 * Keeps what the method gives, and gives it again to calls that ask for the same while it is good. Calls that ask for the
 * same while it is not there share one run. Values are kept by reference: whoever changes one changes it for all. Errors are
 * never kept. For methods that only read.
 *
 * @param config `ttl` in ms, or the options: `ttl` (required, in ms), `max` (1000), `key` (default: the arguments, all
 * primitives), `scope` (`'instance'`), `staleWhileRevalidate` (0, in ms), `staleIfError` (0; in ms, or `{ for, on }`),
 * `cacheResult` (all).
 * @throws ConfigurationError at decoration, when an option is wrong, it stands on a class, or beside `@singleFlight`; from
 * the call, when `key` returns no string, there is none and an object among the arguments, or `cacheResult` gives a promise.
 * @example
 * class Weather {
 *   \@cache({ ttl: 60_000, staleWhileRevalidate: 30_000, staleIfError: 3_600_000 })
 *   async forecast(city: string, options?: { signal?: AbortSignal }): Promise<Forecast> { ... }
 * }
 * const weather = new Weather();
 * cacheOf(weather, 'forecast').clear();
 */
export function cache<
  This,
  Args extends readonly unknown[],
  Value = unknown,
  KeyArgs extends readonly unknown[] = Args,
>(
  config: number | CacheConfig<Value, This, Args, KeyArgs>,
): PolicyDecorator<
  | { methodsOnly: 'cache' }
  | { option: 'cacheResult'; result: Value }
  | NeedsOfKey<KeyArgs, Args>
  | { option: 'hooks'; this: This; args: Args }
>;
export function cache(...given: readonly unknown[]): unknown {
  return policyDecorator('cache', given, 1, (where) => cachePolicy(given[0], where));
}
