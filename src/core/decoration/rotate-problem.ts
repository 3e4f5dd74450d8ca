import type { AnyFunction } from '../types.js';
import type { Fits, MayFit } from './fits.js';
import type { Argument, Property } from './place-problem.js';

/** What is found under names, one within the other; never where there is nothing of such a name. */
type Found<Holder, Names extends readonly unknown[]> = Names extends readonly [infer Name, ...infer Others]
  ? Found<Property<Holder, Name>, Others>
  : Holder;

/** Whether no argument stands in a place: one that stands there is more than undefined. */
type IsMissing<Each> = unknown extends Each ? false : [Each] extends [undefined] ? true : false;

/** What is wrong with the values for what stands in a place. */
type ValuesProblem<Fn, Values, Place> =
  Fits<unknown, Values> extends true
    ? never
    : MayFit<Fn, Values, Place> extends true
      ? never
      : { readonly 'rotate has values that the argument does not take': Values };

/** What is wrong with a path. */
type PathProblem<
  Fn extends AnyFunction,
  First extends number,
  Names extends readonly unknown[],
  Values,
  At,
> = number extends First
  ? never
  : IsMissing<Argument<Parameters<Fn>, First>> extends true
    ? { readonly 'rotate names an argument that the method does not take': At }
    : [Found<Argument<Parameters<Fn>, First>, Names>] extends [never]
      ? { readonly 'rotate names a property that the argument does not have': At }
      : ValuesProblem<Fn, Values, Found<Argument<Parameters<Fn>, First>, Names>>;

/** What is wrong with a method whose argument gets other values; never also where the place is not known, as in a variable. */
export type RotateProblem<Fn extends AnyFunction, At, Values> = At extends number
  ? PathProblem<Fn, At, [], Values, At>
  : At extends readonly [infer First extends number, ...infer Names]
    ? PropertyKey[] extends Names
      ? never
      : PathProblem<Fn, First, Names, Values, At>
    : never;

/** What is wrong with a class: `rotate` is for one method. */
export type ClassRotateProblem<At> = At extends number
  ? number extends At
    ? never
    : { readonly 'rotate names an argument of one method; put it on that method': At }
  : At extends readonly [infer First extends number, ...unknown[]]
    ? number extends First
      ? never
      : { readonly 'rotate names an argument of one method; put it on that method': At }
    : never;
