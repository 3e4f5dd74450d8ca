import type { AnyClass, AnyFunction } from './types.js';

/** `unknown` for a method whose return type has room for the promise that a decorated method always returns. */
export type Promised<Fn> = Fn extends (...args: never[]) => infer Result
  ? HasRoom<Result> extends true
    ? unknown
    : { readonly 'the method must return a promise, as decorated methods always do': Result }
  : never;

type HasRoom<Result> = [Result] extends [never]
  ? false
  : Promise<Awaited<Result>> extends Result
    ? true
    : [Unpromised<Result>] extends [never]
      ? true
      : false;

/** The members of a union that are not promises themselves. */
type Unpromised<Result> = Result extends unknown ? (Promise<Awaited<Result>> extends Result ? never : Result) : never;

// biome-ignore lint/suspicious/noExplicitAny: the constraint of ClassMethodDecoratorContext, which keeps generic methods whole
type Method<This> = (this: This, ...args: any) => unknown;

/**
 * A decorator for methods and classes; it never changes the declared type. The signature for methods is the last one,
 * as the compiler explains only why the last does not fit.
 */
export interface PolicyDecorator {
  <Class extends AnyClass>(type: Class, context: ClassDecoratorContext<Class>): Class;
  <This, Fn extends Method<This>>(method: Fn & Promised<Fn>, context: ClassMethodDecoratorContext<This, Fn>): Fn;
}

type KeyFits<Fn extends AnyFunction, Args extends readonly unknown[]> = ((...args: Args) => string) extends (
  ...args: Parameters<Fn>
) => string
  ? unknown
  : { readonly 'key must take the arguments of the method': Args };

/** A decorator whose `key` must take the arguments of the method. */
export interface LimitingDecorator<Args extends readonly unknown[]> {
  <Class extends AnyClass>(type: Class, context: ClassDecoratorContext<Class>): Class;
  <This, Fn extends Method<This>>(
    method: Fn & Promised<Fn> & KeyFits<Fn, Args>,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Fn;
}

/** A decorator whose predicate on results must take what the method gives. */
export interface RetryDecorator<Value> {
  <Class extends AnyClass>(type: Class, context: ClassDecoratorContext<Class>): Class;
  <This, Fn extends Method<This>>(
    method: Fn & Promised<Fn> & ResultFits<Fn, Value>,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Fn;
}

type ResultFits<Fn, Value> = [Resolved<Fn>] extends [Value]
  ? unknown
  : { readonly 'retryResult must take what the method returns': Value };

type Resolved<Fn> = Fn extends (...args: never[]) => infer Result ? Awaited<Result> : never;

/** What may stand in for a method: same arguments, same result, sync or async. */
type StandIn<This, Fn extends AnyFunction> = (
  this: This,
  ...args: Parameters<Fn>
) => Resolved<Fn> | PromiseLike<Resolved<Fn>>;

type MethodNamed<This, Name> = Name extends keyof This ? This[Name] : never;

type AlternativeProblem<This, Fn extends AnyFunction, Each> = Each extends PropertyKey
  ? Each extends keyof This
    ? MethodNamed<This, Each> extends StandIn<This, Fn>
      ? never
      : { readonly 'this alternative has not the signature of the method': Each }
    : { readonly 'the class has no public method of this name': Each }
  : Each extends StandIn<This, Fn>
    ? never
    : { readonly 'this alternative has not the signature of the method': Each };

type FallbackProblem<This, Fn extends AnyFunction, Alternatives extends readonly unknown[], Value> =
  | AlternativeProblem<This, Fn, Alternatives[number]>
  | ([Value] extends [Resolved<Fn>] ? never : { readonly 'value is not what the method returns': Value });

type Unless<Problem> = [Problem] extends [never] ? unknown : Problem;

type ClassNameProblem<Class extends AnyClass, Each> = Each extends PropertyKey
  ? Each extends keyof InstanceType<Class>
    ? InstanceType<Class>[Each] extends AnyFunction
      ? never
      : { readonly 'this alternative is not a method': Each }
    : { readonly 'the class has no public method of this name': Each }
  : never;

/** A decorator whose alternatives are checked against the class and the method. */
export interface FallbackDecorator<
  Alternatives extends readonly unknown[],
  Value,
  Result = unknown,
  RateArgs extends readonly unknown[] = [],
  SlotArgs extends readonly unknown[] = [],
> {
  <Class extends AnyClass>(
    type: Class & Unless<ClassNameProblem<Class, Alternatives[number]>>,
    context: ClassDecoratorContext<Class>,
  ): Class;
  <This, Fn extends Method<This>>(
    method: Fn &
      Promised<Fn> &
      ResultFits<Fn, Result> &
      KeyFits<Fn, RateArgs> &
      KeyFits<Fn, SlotArgs> &
      Unless<FallbackProblem<This, Fn, Alternatives, Value>>,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Fn;
}
