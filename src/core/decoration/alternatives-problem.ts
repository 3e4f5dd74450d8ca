import type { AnyFunction } from '../types.js';
import type { Fits, MayFit } from './fits.js';
import type { IsWide } from './method-names.js';
import type { Resolved } from './resolved.js';

/** The method as the class has it, where `this` is the class. One that is not public stays as it is. */
export type Own<This, Name, Fn extends AnyFunction> = Name extends keyof This
  ? This[Name] extends AnyFunction
    ? This[Name]
    : Fn
  : Fn;

/** Whether a function may stand in for a method: same arguments, same result, sync or async. */
type StandsIn<This, Fn extends AnyFunction, Other> =
  MayFit<Fn, Other, (this: This, ...args: Parameters<Fn>) => unknown> extends true
    ? Fits<Other, (...args: never[]) => Resolved<Fn> | PromiseLike<Resolved<Fn>>>
    : false;

/** Whether nothing is known of a function. One of no arguments and no result would take any in its place, too. */
type IsAnyFunction<Each> = AnyFunction extends Each
  ? Each extends (...args: infer _) => infer Result
    ? Fits<unknown, Result>
    : false
  : false;

/** Alternatives of a wide type may be anything. */
export type AlternativeProblem<This, Fn extends AnyFunction, Each> = Each extends PropertyKey
  ? IsWide<Each> extends true
    ? never
    : Each extends keyof This
      ? StandsIn<This, Fn, This[Each]> extends true
        ? never
        : This[Each] extends AnyFunction
          ? { readonly 'this alternative has not the signature of the method': Each }
          : { readonly 'this alternative is not a method': Each }
      : NameProblem<This, Each>
  : IsAnyFunction<Each> extends true
    ? never
    : StandsIn<This, Fn, Each> extends true
      ? never
      : { readonly 'this alternative has not the signature of the method': Each };

export type ValueProblem<Fn, Value, Option extends string> =
  Fits<unknown, Value> extends true
    ? never
    : Fits<Value, Resolved<Fn>> extends true
      ? never
      : { readonly [Text in `${Option} is not what the method returns`]: Value };

/**
 * Whether a class has a member of this name that is private or protected: such a one fits no public one, not even one
 * that may be missing. What every object has stands beside it, as nothing fits a type whose members may all be missing.
 */
type IsHidden<This, Name extends PropertyKey> =
  Fits<This, { toString: unknown } & { readonly [Each in Name]?: unknown }> extends true ? false : true;

/** What is wrong with the name of no public method. Of a method whose name is a number the compiler does not tell the class. */
type NameProblem<This, Name extends PropertyKey> = Name extends `#${string}`
  ? { readonly 'a #private method cannot be named; give a function that calls it': Name }
  : unknown extends This
    ? never
    : IsHidden<This, Name> extends true
      ? { readonly 'this method is private or protected; make it public, or give a function that calls it': Name }
      : { readonly 'the class has no public method of this name': Name };

export type ClassNameProblem<Instance, Each> = Each extends PropertyKey
  ? IsWide<Each> extends true
    ? never
    : Each extends keyof Instance
      ? Instance[Each] extends AnyFunction
        ? never
        : { readonly 'this alternative is not a method': Each }
      : NameProblem<Instance, Each>
  : never;
