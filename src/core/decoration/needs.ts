import type { SignalPlace } from '../call/signal-place.js';
import type { AnyFunction } from '../types.js';
import type { AlternativeProblem, ClassNameProblem, Own, ValueProblem } from './alternatives-problem.js';
import type { Fits, MayFit } from './fits.js';
import type { PlaceProblem } from './place-problem.js';
import type { Resolved } from './resolved.js';
import type { ClassRotateProblem, RotateProblem } from './rotate-problem.js';

/** An option is a function that takes the arguments of the method: `{ option: 'key'; args: [tenant: string] }`. */
interface NeedsArgs<Args = readonly unknown[], Option = string> {
  readonly args: Args;
  readonly option: Option;
}

/** Options are functions that are told of the call: `{ option: 'hooks'; this: Weather; args: [city: string] }`. */
interface NeedsCall<This = unknown, Args = readonly unknown[], Option = string> extends NeedsArgs<Args, Option> {
  readonly this: This;
}

/** An option is a function that takes what the method gives: `{ option: 'retryResult'; result: Forecast }`. */
interface NeedsResult<Result = unknown, Option = string> {
  readonly result: Result;
  readonly option: Option;
}

/** Others stand in for the method: `{ alternatives: ['cached'] }`. */
interface NeedsAlternatives<Alternatives = readonly unknown[]> {
  readonly alternatives: Alternatives;
}

/** A value is given in place of what the method gives: `{ value: null }`; by another option, `{ value: null; of: 'result' }`. */
interface NeedsValue<Value = unknown> {
  readonly value: Value;
  readonly of?: string;
}

/** The signal of an attempt is put in the place of an argument: `{ signalAt: { argument: 1, name: 'abortSignal' } }`. */
interface NeedsPlace<Place = SignalPlace> {
  readonly signalAt: Place;
}

/** Other values are put in the place of an argument: `{ rotate: 0; values: 'eu.example' }`. */
interface NeedsRotation<At = number | readonly [number, ...PropertyKey[]], Values = unknown> {
  readonly rotate: At;
  readonly values: Values;
}

/** It is for methods, and not for all those of a class: `{ methodsOnly: 'cache' }`. */
interface NeedsMethod<Kind = string> {
  readonly methodsOnly: Kind;
}

/**
 * What a decorator needs of the method that it is put on, beyond that it returns a promise; a union where it needs several
 * things.
 *
 * @example
 * const need: Need = { option: 'key', args: ['north'] };
 */
export type Need =
  | NeedsArgs
  | NeedsCall
  | NeedsResult
  | NeedsAlternatives
  | NeedsValue
  | NeedsPlace
  | NeedsRotation
  | NeedsMethod;

/** What a `key` needs; nothing where it takes what the hooks take, of whom as much is said. */
export type NeedsOfKey<Own extends readonly unknown[], Args> = [Own, Args] extends [Args, Own]
  ? never
  : { option: 'key'; args: Own };

/** The same for an option that takes what another one takes, of which as much is said. */
export type NeedsOfOther<Option extends string, Own extends readonly unknown[], Args> = [Own, Args] extends [Args, Own]
  ? never
  : { option: Option; args: Own };

/** What is wrong with a method for a decorator that needs this; never if nothing is. */
export type Problem<This, Fn extends AnyFunction, Name, Needs> =
  Needs extends NeedsArgs<infer Args extends readonly unknown[], infer Option extends string>
    ?
        | ArgsProblem<Fn, Args, Option>
        | (Needs extends NeedsCall<infer Other> ? ThisProblem<Fn, This, Other, Option> : never)
    : Needs extends NeedsResult<infer Result, infer Option extends string>
      ? ResultProblem<Fn, Result, Option>
      : Needs extends NeedsAlternatives<infer Alternatives extends readonly unknown[]>
        ? AlternativeProblem<This, Own<This, Name, Fn>, Alternatives[number]>
        : Needs extends NeedsValue<infer Value>
          ? ValueProblem<
              Own<This, Name, Fn>,
              Value,
              Needs extends { of: infer Option extends string } ? Option : 'value'
            >
          : Needs extends NeedsPlace<infer Place>
            ? PlaceProblem<Fn, Place>
            : Needs extends NeedsRotation<infer At, infer Values>
              ? RotateProblem<Fn, At, Values>
              : never;

/** What is wrong with a class for such a decorator: of its methods, nothing is known there. */
export type ClassProblem<Instance, Needs> =
  Needs extends NeedsAlternatives<infer Alternatives extends readonly unknown[]>
    ? ClassNameProblem<Instance, Alternatives[number]>
    : Needs extends NeedsCall<infer This, readonly unknown[], infer Option extends string>
      ? ThisProblem<Instance, Instance, This, Option>
      : Needs extends NeedsRotation<infer At>
        ? ClassRotateProblem<At>
        : Needs extends NeedsMethod<infer Kind extends string>
          ? { readonly [Text in `${Kind} goes on methods, not on a class`]: Instance }
          : never;

/** Nothing is known of what an option takes, as in a variable of a config type; or it takes anything. */
type TakesAnyArgs<Args> =
  Fits<Args, readonly never[]> extends true ? true : Fits<readonly unknown[], Args> extends true ? true : false;

type ArgsProblem<Fn extends AnyFunction, Args extends readonly unknown[], Option extends string> =
  TakesAnyArgs<Args> extends true
    ? never
    : MayFit<Fn, (...args: Args) => unknown, (...args: Parameters<Fn>) => unknown> extends true
      ? never
      : { readonly [Text in `${Option} must take the arguments of the method`]: Args };

/** Never also where nothing is known of the values that the option takes, as in a variable of a config type. */
type ResultProblem<Fn, Value, Option extends string> =
  Fits<Value, never> extends true
    ? never
    : MayFit<Fn, Resolved<Fn>, Value> extends true
      ? never
      : { readonly [Text in `${Option} must take what the method returns`]: Value };

/**
 * Never also where nothing is known of what the options take as `this`, or of the class, as with a method whose name is a
 * number, or where they take anything.
 */
type ThisProblem<Subject, Receiver, This, Option extends string> =
  Fits<This, never> extends true
    ? never
    : Fits<unknown, This> extends true
      ? never
      : MayFit<Subject, Receiver, This> extends true
        ? never
        : unknown extends Receiver
          ? never
          : { readonly [Text in `${Option} must take the class of the method as \`this\``]: This };
