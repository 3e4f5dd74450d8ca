import type { AnyFunction } from './types.js';

/**
 * Whether a type fits another. Both stand in objects, as the compiler puts off a comparison of bare type parameters, and
 * of `this`, for good.
 */
type Fits<Source, Target> = { is: Source } extends { is: Target } ? true : false;

/**
 * Whether a type may fit another: type parameters of the class, whose bounds do not count here, stand for anything. Where
 * the comparison of the two is put off for good, the one around it fails at once. The method stands in it to have it
 * wait until the method is known.
 */
type MayFit<Fn, Source, Target> = [Fn, { is: true }] extends [
  unknown,
  { is: Fits<Source, Target> extends true ? never : true },
]
  ? false
  : true;

/** `unknown` for a method whose return type has room for the promise that a decorated method always returns. */
export type Promised<Fn> = Fn extends (...args: infer _) => infer Result
  ? HasRoom<Fn, Result> extends true
    ? unknown
    : { readonly 'the method must return a promise, as decorated methods always do': Result }
  : never;

type HasRoom<Fn, Result> =
  Fits<Promise<Unpromised<Result>>, Result> extends true
    ? GivesBackArgument<Fn, Result> extends true
      ? false
      : true
    : false;

/** The members of a union that are not promises themselves. */
type Unpromised<Result> = Result extends unknown ? (Promise<never> extends Result ? never : Result) : never;

/**
 * Whether a method returns its bare type parameter, as in `<T>(value: T) => T`. Its result is inferred as unknown, which
 * has room for a promise; called with never, it gives never.
 */
type GivesBackArgument<Fn, Result> = [Fn, { is: [Result] extends [PromiseLike<unknown>] ? true : never }] extends [
  (...args: never[]) => Primitive | null | undefined,
  { is: never },
]
  ? true
  : false;

/**
 * What has literal types.
 *
 * @example
 * const flags: readonly Primitive[] = ['on', 1, true];
 */
export type Primitive = string | number | bigint | boolean | symbol;

// biome-ignore lint/suspicious/noExplicitAny: the constraint of ClassMethodDecoratorContext, which keeps generic methods whole
type Method<This> = (this: This, ...args: any) => unknown;

/** Any class, those with a protected or private constructor included. */
interface Constructor {
  readonly prototype: object;
}

/** What tells a class; ClassDecoratorContext itself is not to be had for a class without a public constructor. */
interface ClassContext {
  readonly kind: 'class';
  readonly name: string | undefined;
}

/**
 * A decorator for methods and classes, as `cpuBound()` makes it. It never changes the declared type.
 *
 * @example
 * const inWorker: PolicyDecorator = cpuBound(import.meta.url);
 */
// The signature for methods is the last one, as the compiler explains only why the last does not fit.
export type PolicyDecorator = {
  <Class extends Constructor>(type: Class, context: ClassContext): Class;
  <This, Fn extends Method<This>>(method: Fn & Promised<Fn>, context: ClassMethodDecoratorContext<This, Fn>): Fn;
};

/** The arguments that a `key` takes which nothing is known of, as in a variable of a config type. */
type AnyArguments = readonly never[];

type KeyFits<Fn extends AnyFunction, Args extends readonly unknown[]> = true extends
  | Fits<Args, AnyArguments>
  | MayFit<Fn, (...args: Args) => string, (...args: Parameters<Fn>) => string>
  ? unknown
  : { readonly 'key must take the arguments of the method': Args };

/**
 * A decorator whose `key` must take the arguments of the method, as `rateLimit()` and `concurrency()` make it.
 *
 * @example
 * const perTenant: LimitingDecorator<[tenant: string]> = concurrency({ limit: 3, key: (tenant: string) => tenant });
 */
export type LimitingDecorator<Args extends readonly unknown[] = never[]> = {
  <Class extends Constructor>(type: Class, context: ClassContext): Class;
  <This, Fn extends Method<This>>(
    method: Fn & Promised<Fn> & KeyFits<Fn, Args>,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Fn;
};

/**
 * A decorator whose `retryResult` must take what the method gives, as `retry()` makes it.
 *
 * @example
 * const patiently = (config: RetryConfig): RetryDecorator => retry({ maxAttempts: 10, ...config });
 */
export type RetryDecorator<Value = never> = {
  <Class extends Constructor>(type: Class, context: ClassContext): Class;
  <This, Fn extends Method<This>>(
    method: Fn & Promised<Fn> & ResultFits<Fn, Value>,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Fn;
};

/** Never: nothing is known of the values that the predicate takes, as in a variable of a config type. */
type ResultFits<Fn, Value> = true extends Fits<Value, never> | MayFit<Fn, Resolved<Fn>, Value>
  ? unknown
  : { readonly 'retryResult must take what the method returns': Value };

type Resolved<Fn> = Fn extends (...args: infer _) => infer Result ? Settled<Result> : never;

/** What a result comes to. Unlike Awaited it is known for the promise of a type parameter, too. */
type Settled<Result> = Result extends PromiseLike<infer Value> ? Value : Result;

/** The method as the class has it, where `this` is the class. One that is not public stays as it is. */
type Own<This, Name, Fn extends AnyFunction> = Name extends keyof This
  ? This[Name] extends AnyFunction
    ? This[Name]
    : Fn
  : Fn;

/** Whether a function may stand in for a method: same arguments, same result, sync or async. */
type StandsIn<This, Fn extends AnyFunction, Other> =
  MayFit<Fn, Other, (this: This, ...args: Parameters<Fn>) => unknown> extends true
    ? Fits<Other, (...args: never[]) => Resolved<Fn> | PromiseLike<Resolved<Fn>>>
    : false;

/** Whether a name may be any, as in string[]. */
type IsWide<Name extends PropertyKey> = Record<never, never> extends Record<Name, never> ? true : false;

/** Whether nothing is known of a function. One of no arguments and no result would take any in its place, too. */
type IsAnyFunction<Each> = AnyFunction extends Each
  ? Each extends (...args: infer _) => infer Result
    ? Fits<unknown, Result>
    : false
  : false;

/** Alternatives of a wide type may be anything. */
type AlternativeProblem<This, Fn extends AnyFunction, Each> = Each extends PropertyKey
  ? IsWide<Each> extends true
    ? never
    : Each extends keyof This
      ? StandsIn<This, Fn, This[Each]> extends true
        ? never
        : { readonly 'this alternative has not the signature of the method': Each }
      : { readonly 'the class has no public method of this name': Each }
  : IsAnyFunction<Each> extends true
    ? never
    : StandsIn<This, Fn, Each> extends true
      ? never
      : { readonly 'this alternative has not the signature of the method': Each };

type ValueProblem<Fn, Value> =
  Fits<unknown, Value> extends true
    ? never
    : Fits<Value, Resolved<Fn>> extends true
      ? never
      : { readonly 'value is not what the method returns': Value };

type FallbackProblem<This, Fn extends AnyFunction, Alternatives extends readonly unknown[], Value> =
  | AlternativeProblem<This, Fn, Alternatives[number]>
  | ValueProblem<Fn, Value>;

type Unless<Problem> = [Problem] extends [never] ? unknown : Problem;

type ClassNameProblem<Instance, Each> = Each extends PropertyKey
  ? IsWide<Each> extends true
    ? never
    : Each extends keyof Instance
      ? Instance[Each] extends AnyFunction
        ? never
        : { readonly 'this alternative is not a method': Each }
      : { readonly 'the class has no public method of this name': Each }
  : never;

/**
 * A decorator whose alternatives and `value` are checked against the class and the method, as `fallback()` and
 * `orchestrate()` make it.
 *
 * @example
 * const orNull: FallbackDecorator<[], null> = fallback({ value: null });
 */
export type FallbackDecorator<
  Alternatives extends readonly unknown[] = readonly PropertyKey[],
  Value = unknown,
  Result = never,
  RateArgs extends readonly unknown[] = never[],
  SlotArgs extends readonly unknown[] = never[],
> = {
  <Class extends Constructor>(
    type: Class & Unless<ClassNameProblem<Class['prototype'], Alternatives[number]>>,
    context: ClassContext,
  ): Class;
  <This, Fn extends Method<This>, Name>(
    method: Fn &
      Promised<Fn> &
      ResultFits<Fn, Result> &
      KeyFits<Fn, RateArgs> &
      KeyFits<Fn, SlotArgs> &
      Unless<FallbackProblem<This, Own<This, Name, Fn>, Alternatives, Value>>,
    context: ClassMethodDecoratorContext<This, Fn> & { readonly name: Name },
  ): Fn;
};
