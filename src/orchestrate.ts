import type { Policy } from './core/call/policy.js';
import { policyDecorator, type Recording } from './core/decoration/decorate.js';
import type { ContextOnly, Primitive, WithoutContext } from './core/decoration/decorator-types.js';
import type { FallbackDecorator } from './core/decoration/fallback-types.js';
import { ConfigurationError } from './core/errors.js';
import { entriesOf, flag, show, unknownOption, type Where, wrongOption } from './core/options.js';
import { type ConcurrencyConfig, concurrencyPolicy } from './policies/concurrency.js';
import { type CpuBoundConfig, cpuBoundPolicy } from './policies/cpu-bound.js';
import {
  type Alternative,
  type FallbackConfig,
  fallbackPolicy,
  type Plain,
  readFallback,
} from './policies/fallback.js';
import { type RateLimitConfig, rateLimitPolicy } from './policies/rate-limit.js';
import { type RetryConfig, retryPolicy } from './policies/retry.js';

/**
 * Several policies in one: a key per decorator, with the options or the shorthand of that decorator.
 *
 * @example
 * const config: OrchestratorConfig = { retry: { maxAttempts: 4, waitMin: 50 }, rateLimit: 5, concurrency: 3 };
 */
export interface OrchestratorConfig<
  Alternatives extends readonly Alternative[] = readonly Alternative[],
  Value = unknown,
  Result = never,
  RateArgs extends readonly unknown[] = never[],
  SlotArgs extends readonly unknown[] = never[],
> {
  /** `maxAttempts`, or the options of `@retry`. Default: no retry. */
  readonly retry?: number | RetryConfig<Result>;
  /** The alternatives, or the options of `@fallback`. Default: none. */
  readonly fallback?: Alternatives | FallbackConfig<Alternatives, Value>;
  /** `rate` in starts per second, or the options of `@rateLimit`. Default: no limit. */
  readonly rateLimit?: number | RateLimitConfig<RateArgs>;
  /** `limit`, or the options of `@concurrency`. Default: no limit. */
  readonly concurrency?: number | ConcurrencyConfig<SlotArgs>;
  /** The module, or `{ module, ... }` with the options of `@cpuBound`. Default: no worker. */
  readonly cpuBound?: string | URL | (CpuBoundConfig & { readonly module: string | URL });
  /** False cuts off everything inherited, class-level policies of the same class included. Default true. */
  readonly inherit?: boolean;
}

type Build = (given: never, where: Where) => Policy;

const builders: Readonly<Record<string, Build>> = {
  retry: retryPolicy,
  fallback: (given: unknown, where) => {
    if (typeof given !== 'object' || given === null) {
      throw wrongOption(
        { text: where.text },
        'fallback',
        given,
        'an array of alternatives, or the options of @fallback',
      );
    }
    return fallbackPolicy(readFallback(Array.isArray(given) ? { alternatives: given } : given, where), where);
  },
  rateLimit: rateLimitPolicy,
  concurrency: concurrencyPolicy,
  cpuBound: cpuBoundPolicy,
};

/** The policies that the options ask for. */
export function readPolicies(config: unknown, where: Where): Recording {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new ConfigurationError(`${where.text}: expected the options to be an object, got ${show(config)}`);
  }
  const policies: Policy[] = [];
  let inherit = true;
  const keys = where.classless ? Object.keys(builders) : [...Object.keys(builders), 'inherit'];
  for (const [key, given] of entriesOf(config)) {
    if (typeof key === 'symbol' || !keys.includes(key)) throw unknownOption(where, key, given, keys);
    const build = Object.hasOwn(builders, key) ? builders[key] : undefined;
    if (given === undefined) continue;
    if (build !== undefined) policies.push(build(given as never, { ...where, path: key }));
    else if (typeof given === 'boolean') inherit = given;
    else throw wrongOption(where, key, given, flag.allowed);
  }
  return { policies, inherit };
}

// Without parentheses, for the compiler to show what to write.
export function orchestrate<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@orchestrate(...)' } & WithoutContext<Second>;
/**
 * Several policies at once. Each key takes what the decorator of that name takes; the order of the pipeline is fixed.
 *
 * @param config `retry`, `fallback` (also an array of alternatives), `rateLimit`, `concurrency`,
 * `cpuBound` (the module, or `{ module, ... }`), `inherit` (true).
 * @throws ConfigurationError at decoration, when an option is wrong.
 * @example
 * class Weather {
 *   \@orchestrate({ retry: 4, rateLimit: 5, concurrency: 3, fallback: ['cached'] })
 *   async forecast(city: string): Promise<Forecast> { ... }
 *   async cached(city: string): Promise<Forecast> { ... }
 * }
 */
export function orchestrate<
  Literal extends Primitive,
  Each extends Alternative<Plain<Literal>>,
  Value extends Plain<Literal>,
  Result,
  RateArgs extends readonly unknown[],
  SlotArgs extends readonly unknown[],
>(
  config?: OrchestratorConfig<readonly Each[], Value, Result, RateArgs, SlotArgs>,
): FallbackDecorator<readonly Each[], Value, Result, RateArgs, SlotArgs>;
export function orchestrate(...given: readonly unknown[]): unknown {
  return policyDecorator('orchestrate', given, 1, (where) =>
    readPolicies(given[0] === undefined ? {} : given[0], where),
  );
}
