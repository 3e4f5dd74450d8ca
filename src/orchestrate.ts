import { clashOf, type Policy } from './core/call/policy.js';
import { readSignalPlace, type SignalPlace } from './core/call/signal-place.js';
import { clashing, policyDecorator, type Recording } from './core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from './core/decoration/decorator-types.js';
import type { NeedsOfKey } from './core/decoration/needs.js';
import type { Primitive, SomeLiteral } from './core/decoration/primitive.js';
import { ConfigurationError } from './core/errors.js';
import { entriesOf, flag, hasNames, show, type Where, wrongOption } from './core/options.js';
import type { Policies } from './core/policies.js';
import type { OneOrMore } from './core/types.js';
import type { CacheConfig } from './policies/cache-options.js';
import type { ChaosConfig } from './policies/chaos.js';
import type { CircuitBreaker } from './policies/circuit-breaker-object.js';
import type { CircuitBreakerConfig } from './policies/circuit-config.js';
import type { ConcurrencyInput } from './policies/concurrency.js';
import type { Alternative, FallbackConfig, Plain } from './policies/fallback.js';
import type { HedgeConfig } from './policies/hedge.js';
import type { HedgeDelay } from './policies/hedge-options.js';
import { builderOf, flagForKind, kinds, needsOptions, unknownKind } from './policies/kinds.js';
import type { RateLimitInput } from './policies/rate-limit.js';
import type { RetryConfig } from './policies/retry.js';
import type { NeedsOfValues, RotatedArgument, RotatedValues, ValueOf } from './policies/rotate.js';
import type { SingleFlightConfig } from './policies/single-flight.js';
import type { TimeoutConfig } from './policies/timeout.js';

/** Those of which all options may be left out, though not all of them at once. */
type Needing = 'fallback' | 'chaos';

/** True where all options of a kind have defaults: then it stands for the decorator without arguments. */
type OrDefaults<Given> = Given extends object ? (Record<never, never> extends Given ? true : never) : never;

/** The kinds of policy, each with its options, its shorthand, or `true` for its defaults. */
export type KindsConfig = {
  readonly [Kind in keyof Policies]?: Policies[Kind] | (Kind extends Needing ? never : OrDefaults<Policies[Kind]>);
};

/**
 * Several policies in one: a key per decorator, with the options or the shorthand of that decorator.
 *
 * @example
 * const config: OrchestratorConfig = { retry: { maxAttempts: 4, waitMin: 50 }, rateLimit: 5, concurrency: 3 };
 */
export interface OrchestratorConfig extends KindsConfig {
  /** False cuts off everything inherited, class-level policies of the same class included. Default true. */
  readonly inherit?: boolean;
  /**
   * Where the method takes its signal, where that is neither its last argument nor the `signal` of that. The caller's is
   * read from there, and the signal of each attempt is put there, also where the caller gave none. A call with something else
   * there rejects with a ConfigurationError. Default: see `currentCall()`.
   */
  readonly signalAt?: SignalPlace;
}

/** The same, for the compiler to find out what the options need of the method. */
interface OrchestratorOptions<
  Alternatives extends readonly Alternative[],
  Value,
  Result,
  RateArgs extends readonly unknown[],
  SlotArgs extends readonly unknown[],
  CircuitResult,
  CircuitArgs extends readonly unknown[],
  CacheResult,
  CacheArgs extends readonly unknown[],
  FlightArgs extends readonly unknown[],
  This,
  Args extends readonly unknown[],
  Place extends SignalPlace,
  Values,
  At extends RotatedArgument,
  ChaosResult,
> extends Omit<
    OrchestratorConfig,
    | 'retry'
    | 'fallback'
    | 'timeout'
    | 'chaos'
    | 'hedge'
    | 'circuitBreaker'
    | 'rateLimit'
    | 'concurrency'
    | 'cache'
    | 'singleFlight'
    | 'signalAt'
  > {
  readonly retry?: number | true | RetryConfig<Result, This, Args>;
  readonly fallback?: Alternatives | FallbackConfig<Alternatives, Value, This, Args, Values, At>;
  readonly timeout?: number | TimeoutConfig<This, Args>;
  readonly hedge?: number | HedgeDelay<This, Args> | HedgeConfig<This, Args>;
  readonly circuitBreaker?:
    | number
    | true
    | CircuitBreakerConfig<CircuitResult, This, Args, CircuitArgs>
    | CircuitBreaker;
  readonly rateLimit?: OneOrMore<RateLimitInput<RateArgs, This>>;
  readonly concurrency?: OneOrMore<ConcurrencyInput<SlotArgs, This>>;
  readonly cache?: number | CacheConfig<CacheResult, This, Args, CacheArgs>;
  readonly singleFlight?: true | SingleFlightConfig<FlightArgs, This>;
  readonly chaos?: ChaosConfig<ChaosResult, This, Args>;
  readonly signalAt?: Place;
}

/** A policy that may stand beside these. */
function besides(policies: readonly Policy[], policy: Policy, where: Where): Policy {
  const clash = clashOf(policies, policy);
  if (clash !== undefined) throw clashing(clash, policy, where);
  return policy;
}

/** The policies that the options ask for. */
export function readPolicies(config: unknown, where: Where): Recording {
  if (!hasNames(config)) {
    throw new ConfigurationError(`${where.text}: expected the options to be an object, got ${show(config)}`);
  }
  const policies: Policy[] = [];
  let inherit = true;
  let signalAt: SignalPlace | undefined;
  const keys = [...kinds(), 'signalAt', ...(where.classless ? [] : ['inherit'])];
  for (const [key, given] of entriesOf(config)) {
    if (typeof key === 'symbol' || !keys.includes(key)) throw unknownKind(where, key, given, keys);
    const build = builderOf(key);
    if (given === undefined) continue;
    if (build !== undefined) {
      if (typeof given === 'boolean' && (!given || needsOptions(key))) throw flagForKind(where, key, given);
      const built = build((given === true ? undefined : given) as never, { ...where, path: key });
      policies.push(besides(policies, built, where));
    } else if (key === 'signalAt') signalAt = readSignalPlace(given, { ...where, path: key });
    else if (typeof given === 'boolean') inherit = given;
    else throw wrongOption(where, key, given, flag.allowed);
  }
  return { policies, inherit, signalAt };
}

// Without parentheses, for the compiler to show what to write.
export function orchestrate<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@orchestrate(...)' } & WithoutContext<Second>;
/**
 * Several policies at once. Each key takes what the decorator of that name takes; the order of the pipeline is fixed.
 *
 * @param config A key for each kind of policy; for `fallback` also an array of alternatives, for `cpuBound` the module or
 * `{ module, ... }`. And `signalAt`, `inherit` (true).
 * @throws ConfigurationError at decoration, when an option is wrong.
 * @example
 * class Weather {
 *   \@orchestrate({ retry: 4, rateLimit: 5, concurrency: 3, fallback: ['cached'] })
 *   async forecast(city: string): Promise<Forecast> { ... }
 *   async cached(city: string): Promise<Forecast> { ... }
 * }
 */
export function orchestrate<
  This,
  Args extends readonly unknown[],
  Literal extends Primitive = SomeLiteral,
  Each extends Alternative<Plain<Literal>> = Alternative<Plain<Literal>>,
  Value extends Plain<Literal> = Plain<Literal>,
  Result = unknown,
  RateArgs extends readonly unknown[] = Args,
  SlotArgs extends readonly unknown[] = Args,
  CircuitResult = unknown,
  CircuitArgs extends readonly unknown[] = Args,
  CacheResult = unknown,
  CacheArgs extends readonly unknown[] = Args,
  FlightArgs extends readonly unknown[] = Args,
  const Place extends SignalPlace = SignalPlace,
  Values extends RotatedValues<Plain<Literal>, This, Args> = RotatedValues<Plain<Literal>, This, Args>,
  const At extends RotatedArgument = RotatedArgument,
  ChaosResult extends Plain<Literal> = Plain<Literal>,
>(
  config?: OrchestratorOptions<
    readonly Each[],
    Value,
    Result,
    RateArgs,
    SlotArgs,
    CircuitResult,
    CircuitArgs,
    CacheResult,
    CacheArgs,
    FlightArgs,
    This,
    Args,
    Place,
    Values,
    At,
    ChaosResult
  >,
): PolicyDecorator<
  | { alternatives: readonly Each[] }
  | { value: Value }
  | { option: 'retryResult'; result: Result }
  | { option: 'failResult'; result: CircuitResult }
  | { option: 'cacheResult'; result: CacheResult }
  | NeedsOfKey<RateArgs, Args>
  | NeedsOfKey<SlotArgs, Args>
  | NeedsOfKey<CircuitArgs, Args>
  | NeedsOfKey<CacheArgs, Args>
  | NeedsOfKey<FlightArgs, Args>
  | { option: 'hooks'; this: This; args: Args }
  | { signalAt: Place }
  | { value: ChaosResult; of: 'result' }
  | NeedsOfValues<Values, This, Args>
  | { rotate: At; values: ValueOf<Values> }
>;
export function orchestrate(...given: readonly unknown[]): unknown {
  return policyDecorator('orchestrate', given, 1, (where) =>
    readPolicies(given[0] === undefined ? {} : given[0], where),
  );
}
