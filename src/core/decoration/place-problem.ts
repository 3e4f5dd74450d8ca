import type { AnyFunction } from '../types.js';
import type { MayFit } from './fits.js';

/** What stands at a place among the arguments, as far as that is known. */
export type Argument<Args extends readonly unknown[], At extends number> = `${At}` extends keyof Args
  ? Args[`${At}`]
  : number extends Args['length']
    ? Args[number]
    : undefined;

/** What stands in an argument under a name: anything, where nothing is said of what it holds. */
export type Property<Holder, Name> = unknown extends Holder
  ? unknown
  : Holder extends object
    ? [keyof Holder] extends [never]
      ? unknown
      : Name extends keyof Holder
        ? Holder[Name]
        : never
    : never;

/** What is wrong with a method where a signal is put; never also where the place is not known, as in a variable. */
export type PlaceProblem<Fn extends AnyFunction, Place> = Place extends { readonly argument: infer At extends number }
  ? number extends At
    ? never
    : Place extends { readonly name: infer Name extends PropertyKey }
      ? MayFit<Fn, AbortSignal, Property<Argument<Parameters<Fn>, At>, Name>> extends true
        ? never
        : { readonly 'signalAt names a property that takes no AbortSignal': Name }
      : MayFit<Fn, AbortSignal, Argument<Parameters<Fn>, At>> extends true
        ? never
        : { readonly 'signalAt names an argument that takes no AbortSignal': At }
  : never;
