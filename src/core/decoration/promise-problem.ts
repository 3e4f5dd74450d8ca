import type { Fits } from './fits.js';
import type { Primitive } from './primitive.js';

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
