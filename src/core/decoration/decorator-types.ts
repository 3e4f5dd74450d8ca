import type { AnyFunction } from '../types.js';
import type { Fits, MayFit } from './fits.js';

/** Never for a method whose return type has room for the promise that a decorated method always returns. */
export type PromiseProblem<Fn> = Fn extends (...args: infer _) => infer Result
  ? HasRoom<Fn, Result> extends true
    ? never
    : { readonly 'the method must return a promise, as decorated methods always do': Result }
  : never;

type HasRoom<Fn, Result> =
  Fits<Promise<Unpromised<Result>>, Result> extends true
    ? GivesBackArgument<Fn, Result> extends true
      ? false
      : true
    : false;

// biome-ignore lint/suspicious/noConfusingVoidType: it stands for the results that are nothing
type Nothing = null | undefined | void;

/** What a result may be beside promises, and a promise must be able to give: `T` of `T | Promise<T> | undefined`. */
type Unpromised<Result> = Result extends Nothing ? never : Promise<never> extends Result ? never : Result;

/**
 * Whether a method returns its bare type parameter, as in `<T>(value: T) => T`. Its result is inferred as unknown, which
 * has room for a promise; called with never, it gives never.
 */
type GivesBackArgument<Fn, Result> = [Fn, { is: [Result] extends [PromiseLike<unknown>] ? true : never }] extends [
  (...args: never[]) => Primitive | Nothing,
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
export type Method<This> = (this: This, ...args: any) => unknown;

/** Any class, those with a protected or private constructor included. */
export interface Constructor {
  readonly prototype: object;
}

/** What tells a class; ClassDecoratorContext itself is not to be had for a class without a public constructor. */
export interface ClassContext {
  readonly kind: 'class';
  readonly name: string | undefined;
}

/**
 * What comes of a decorator: the method or the class, or, where it may not stand there, what is wrong. The compiler
 * shows that in one line, as no member is of that type; of arguments it would go through every overload.
 */
export type Decorated<Subject, Problem> = [Problem] extends [never] ? Subject : Problem;

/** What decorators give for members that cannot have policies. */
export type OnOthers = <Kind extends 'getter' | 'setter' | 'field' | 'accessor'>(
  value: unknown,
  context: { readonly kind: Kind },
) => { readonly 'policies go on methods and classes, not on a member of this kind': Kind };

/** What tells the context that the compiler gives, to `@retry` in place of `@retry()`. */
interface AnyContext {
  readonly kind: string;
  readonly metadata: unknown;
}

/**
 * What a second argument must be where a factory of decorators takes one at the most: the context of a decorator without
 * parentheses. Anything else is shown with what is wrong.
 */
export type ContextOnly<
  Second,
  Problem = { readonly 'one argument is all it takes': Second },
> = Second extends AnyContext ? unknown : Problem;

/**
 * What the overload for `@retry` without parentheses gives beside its message. The compiler also takes that overload for
 * the result of a call with wrong options, where no context is given. There it is a decorator, so that the options are all
 * that is wrong.
 */
export type WithoutContext<Second> = [Second] extends [AnyContext] ? unknown : AnyDecorator;

/** Fits any member, and has a name, so that editors show it in one word. */
type AnyDecorator = <Subject>(subject: Subject, context: unknown) => Subject;

/**
 * A decorator for methods and classes, as `cpuBound()` makes it. It never changes the declared type.
 *
 * @example
 * const inWorker: PolicyDecorator = cpuBound(import.meta.url);
 */
export type PolicyDecorator = {
  <Class extends Constructor>(type: Class, context: ClassContext): Class;
  <This, Fn extends Method<This>>(
    method: Fn,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Decorated<Fn, PromiseProblem<Fn>>;
} & OnOthers;

/** The arguments that a `key` takes which nothing is known of, as in a variable of a config type. */
type AnyArguments = readonly never[];

export type KeyProblem<Fn extends AnyFunction, Args extends readonly unknown[]> = true extends
  | Fits<Args, AnyArguments>
  | MayFit<Fn, (...args: Args) => string, (...args: Parameters<Fn>) => string>
  ? never
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
    method: Fn,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Decorated<Fn, PromiseProblem<Fn> | KeyProblem<Fn, Args>>;
} & OnOthers;

/**
 * A decorator whose `retryResult` must take what the method gives, as `retry()` makes it.
 *
 * @example
 * const patiently = (config: RetryConfig): RetryDecorator => retry({ maxAttempts: 10, ...config });
 */
export type RetryDecorator<Value = never> = {
  <Class extends Constructor>(type: Class, context: ClassContext): Class;
  <This, Fn extends Method<This>>(
    method: Fn,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Decorated<Fn, PromiseProblem<Fn> | ResultProblem<Fn, Value>>;
} & OnOthers;

/** Never: nothing is known of the values that the predicate takes, as in a variable of a config type. */
export type ResultProblem<Fn, Value> = true extends Fits<Value, never> | MayFit<Fn, Resolved<Fn>, Value>
  ? never
  : { readonly 'retryResult must take what the method returns': Value };

export type Resolved<Fn> = Fn extends (...args: infer _) => infer Result ? Settled<Result> : never;

/** What a result comes to. Unlike Awaited it is known for the promise of a type parameter, too. */
type Settled<Result> = Result extends PromiseLike<infer Value> ? Value : Result;
