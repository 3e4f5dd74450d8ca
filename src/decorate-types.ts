import type { SignalPlace } from './core/call/signal-place.js';
import type { AlternativeProblem } from './core/decoration/alternatives-problem.js';
import type { PolicyDecorator } from './core/decoration/decorator-types.js';
import type { PromiseProblem } from './core/decoration/promise-problem.js';
import type { Resolved } from './core/decoration/resolved.js';
import type { AnyFunction, OneOrMore } from './core/types.js';
import type { KindsConfig } from './orchestrate.js';
import type { CacheConfig } from './policies/cache-options.js';
import type { ChaosConfig } from './policies/chaos.js';
import type { CircuitBreaker } from './policies/circuit-breaker-object.js';
import type { CircuitBreakerConfig } from './policies/circuit-config.js';
import type { ConcurrencyInput } from './policies/concurrency.js';
import type { FallbackConfig } from './policies/fallback.js';
import type { HedgeConfig } from './policies/hedge.js';
import type { HedgeDelay } from './policies/hedge-options.js';
import type { RateLimitInput } from './policies/rate-limit.js';
import type { RetryConfig } from './policies/retry.js';
import type { SingleFlightConfig } from './policies/single-flight.js';
import type { TimeoutConfig } from './policies/timeout.js';

/** The policies whose options know the method: `this`, the arguments and the result of it. */
interface Knowing<This, Args extends readonly unknown[], Result, Alternative extends PropertyKey | AnyFunction> {
  /** `maxAttempts`, or the options of `@retry`. */
  readonly retry?: number | true | RetryConfig<Result, This, Args>;
  /** The alternatives, or the options of `@fallback`. */
  readonly fallback?: readonly Alternative[] | FallbackConfig<readonly Alternative[], Result, This, Args>;
  /** `attempt` in milliseconds, or the options of `@timeout`. */
  readonly timeout?: number | TimeoutConfig<This, Args>;
  /** So many failures in a row, or the options of `@circuitBreaker`. */
  readonly circuitBreaker?: number | true | CircuitBreakerConfig<Result, This, Args> | CircuitBreaker;
  /** `rate` in starts per second, the options of `@rateLimit`, a shared limiter, or several of these. */
  readonly rateLimit?: OneOrMore<RateLimitInput<Args, This, Result>>;
  /** `limit`, the options of `@concurrency`, a shared limiter, or several of these. */
  readonly concurrency?: OneOrMore<ConcurrencyInput<Args, This>>;
  /** The options of `@chaos`. */
  readonly chaos?: ChaosConfig<Result, This, Args>;
}

/** Those that go on methods only, as they would reach methods that change things. */
interface Naming<This, Args extends readonly unknown[], Result> {
  /** `delay` in milliseconds or as a function, or the options of `@hedge`. */
  readonly hedge?: number | HedgeDelay<This, Args> | HedgeConfig<This, Args>;
  /** `ttl` in milliseconds, or the options of `@cache`. */
  readonly cache?: number | CacheConfig<Result, This, Args>;
  /** The options of `@singleFlight`. */
  readonly singleFlight?: true | SingleFlightConfig<Args, This>;
}

/** The other kinds. */
interface Others
  extends Omit<KindsConfig, keyof Knowing<never, never, never, never> | keyof Naming<never, never, never>> {}

/** The names of the methods that may stand in for a method, and functions that may. */
type AlternativeOf<This, Fn extends AnyFunction> =
  | { [Name in keyof This]: [AlternativeProblem<This, Fn, Name>] extends [never] ? Name : never }[keyof This]
  | ((this: This, ...args: Parameters<Fn>) => Resolved<Fn> | PromiseLike<Resolved<Fn>>);

/**
 * What `decorate` takes for one method: for each kind of policy its options or its shorthand, with `this`, the arguments
 * and the result that the method has.
 *
 * @example
 * const policies: MethodPolicies<Weather, Weather['forecast']> = {
 *   retry: { maxAttempts: 3, onRetry({ args: [city] }) { console.log(this.url, city); } },
 *   timeout: 1_000,
 * };
 */
export interface MethodPolicies<This, Fn extends AnyFunction>
  extends Knowing<This, Parameters<Fn>, Resolved<Fn>, AlternativeOf<This, Fn>>,
    Naming<This, Parameters<Fn>, Resolved<Fn>>,
    Others {
  /** False cuts off everything inherited, class-level policies of the same class included. Default true. */
  readonly inherit?: boolean;
  /** Where the method takes its signal; see `OrchestratorConfig`. Default: see `currentCall()`. */
  readonly signalAt?: SignalPlace;
}

/** The same for a whole class: of the arguments and results of its methods nothing is known. */
interface SharedPolicies<This>
  extends Knowing<This, readonly unknown[], unknown, keyof This | ((...args: never[]) => unknown)>,
    Others,
    Pick<MethodPolicies<This, AnyFunction>, 'inherit' | 'signalAt'> {}

/** For a method; what is wrong with one that gives no promise. */
type ForMethod<This, Fn> = Fn extends AnyFunction
  ? [PromiseProblem<Fn>] extends [never]
    ? MethodPolicies<This, Fn> | readonly PolicyDecorator[]
    : PromiseProblem<Fn>
  : never;

type ForAll<This> = SharedPolicies<This> | readonly PolicyDecorator[];

type MethodsOf<Subject> = { [Name in keyof Subject]: Subject[Name] extends AnyFunction ? Name : never }[keyof Subject];

type StaticsOf<Class> = `static ${MethodsOf<Class> & (string | number)}`;

/** The static method of a name; as numbers are texts there. */
type StaticOf<Class, Text extends string> = Text extends keyof Class
  ? Class[Text]
  : Text extends `${infer Digits extends number}`
    ? Digits extends keyof Class
      ? Class[Digits]
      : never
    : never;

/**
 * What `decorateInstance` takes: policies for each method of an object by its name, and for `'*'`, the async methods of its
 * class.
 *
 * @example
 * const policies: InstancePolicies<Client> = { get: { retry: 3 }, '*': { concurrency: 10 } };
 */
export type InstancePolicies<Instance> = {
  readonly [Name in MethodsOf<Instance> | '*']?: Name extends keyof Instance
    ? ForMethod<Instance, Instance[Name]>
    : ForAll<Instance>;
};

/**
 * What `decorate` takes: policies for each method of a class by its name, for `'static name'`, and for `'*'`, the class.
 *
 * @example
 * const policies: ClassPolicies<typeof Client> = { get: { retry: 3 }, 'static connect': [retry(3)], '*': { timeout: 500 } };
 */
export type ClassPolicies<Class extends { readonly prototype: unknown }> = {
  readonly [Name in MethodsOf<Class['prototype']> | StaticsOf<Class> | '*']?: Name extends keyof Class['prototype']
    ? ForMethod<Class['prototype'], Class['prototype'][Name]>
    : Name extends `static ${infer Text}`
      ? ForMethod<Class, StaticOf<Class, Text>>
      : ForAll<Class['prototype']>;
};
