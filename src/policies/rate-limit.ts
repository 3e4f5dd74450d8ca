import type { Policy, SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import {
  durationOrInfinity,
  flag,
  positive,
  positiveDuration,
  queueLength,
  readOptions,
  type Where,
  wrongOption,
} from '../core/options.js';
import { isShared, limiters, type SharingConfig, sharingRules } from '../limits/limiters.js';
import type { QueueConfig } from '../limits/waiter.js';
import { Window } from '../limits/window.js';
import { rankOf } from './order.js';

/**
 * Options of `@rateLimit`.
 *
 * @example
 * const config: RateLimitConfig = { rate: 100, per: 60_000, spread: true, maxWait: 5_000 };
 */
export interface RateLimitConfig<Args extends readonly unknown[] = never[], This = never>
  extends QueueConfig,
    SharingConfig<Args, This> {
  /**
   * How many starts there may be in any window of `per`. Required. A fractional rate `r` means `ceil(r)` starts in any
   * window of `per * ceil(r) / r`: 0.5 is one in two seconds, 2.5 is three in 1.2 seconds.
   */
  readonly rate: number;
  /** The length of the window in milliseconds. Default 1000. */
  readonly per?: number;
  /** Whether to space the starts evenly, at least `per / rate` apart. Default false. */
  readonly spread?: boolean;
}

declare module '../core/policies.js' {
  interface Policies {
    /** `rate` in starts per second, or the options of `@rateLimit`. */
    readonly rateLimit: number | RateLimitConfig;
  }
}

const rules = {
  rate: positive,
  per: positiveDuration,
  spread: flag,
  maxQueue: queueLength,
  maxWait: durationOrInfinity,
  ...sharingRules,
};

const defaults = {
  per: 1000,
  spread: false,
  maxQueue: Number.POSITIVE_INFINITY,
  maxWait: Number.POSITIVE_INFINITY,
  scope: 'class',
} as const;

type Filled = RateLimitConfig & Required<Pick<RateLimitConfig, 'per' | 'spread' | 'maxQueue' | 'maxWait'>>;

export function rateLimitPolicy(given: number | RateLimitConfig | undefined, where: Where): Policy {
  const config = typeof given === 'object' ? given : { rate: given };
  const options = readOptions<Filled>(where, config, rules, defaults);
  if (options.rate === undefined) throw wrongOption(where, 'rate', undefined, positive.allowed);
  const wrap = (around: Around, site: SiteInfo): Step => {
    const find = site.stateOf(policy, () =>
      limiters(
        options,
        site,
        'rateLimit',
        (current) => new Window(current),
        (limiter, current) => limiter.configure(current),
      ),
    );
    return {
      admit: function rateLimit(call) {
        let limiter: Window;
        try {
          limiter = find(call);
        } catch (error) {
          return around.fail(error, call);
        }
        // Also of one that waits: it has a permit by the time that it starts.
        call.starting = limiter;
        return limiter.tryTake() ? admitted : limiter.wait(call, site, around);
      },
      fail(error, call) {
        call.starting?.cancelStart();
        call.starting = undefined;
        return around.fail(error, call);
      },
    };
  };
  const rank = rankOf(isShared(options) ? 'rateLimit' : 'rateLimit.narrow');
  const policy: Policy = { kind: 'rateLimit', options, steps: [{ rank, wrap }] };
  return policy;
}

// Without parentheses, for the compiler to show what to write.
export function rateLimit<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@rateLimit(...)' } & WithoutContext<Second>;
/**
 * At most `rate` attempts of the method start in any `per` milliseconds; the others wait in order of arrival. A start is
 * the moment the method's own code is entered, also when the attempt had to wait for a concurrency slot before.
 *
 * @param config `rate`, or the options: `rate` (required), `per` in ms (1000), `spread` (false), `maxQueue` (Infinity),
 * `maxWait` in ms (Infinity), `key`, `scope` (`'class'`).
 * @throws ConfigurationError at decoration, when an option is wrong; from the call, when `key` returns no string.
 * @throws RejectedError from the call, over `maxQueue` or `maxWait`.
 * @example
 * class Api {
 *   \@rateLimit({ rate: 100, per: 60_000, key: (tenant: string) => tenant })
 *   async get(tenant: string): Promise<Data> { ... }
 * }
 */
export function rateLimit<Args extends readonly unknown[], This = never>(
  config: number | RateLimitConfig<Args, This>,
): PolicyDecorator<{ option: 'key'; this: This; args: Args }>;
export function rateLimit(...given: readonly unknown[]): unknown {
  return policyDecorator('rateLimit', given, 1, (where) =>
    rateLimitPolicy(given[0] as RateLimitConfig | number, where),
  );
}
