import { isTagged, tagOf } from './error-tag.js';
import { isClass, isGenerator, type Rule } from './options.js';
import { builtInNameOf, inheritsBuiltIn, isError } from './realm.js';

/**
 * A class of errors, abstract ones included.
 *
 * @example
 * const transient: readonly ErrorClass[] = [HttpError, TimeoutError];
 */
export type ErrorClass = abstract new (...args: never[]) => object;

/**
 * Says which errors are meant: an error class, an array of error classes, or a predicate, which may be async. Built-in
 * classes, as Error and TypeError, mean those of whatever realm, as of `node:vm` or jest, and those of opero
 * mean those of another copy of opero, too; other classes only their own.
 *
 * @example
 * retry({ retryOn: [HttpError, TimeoutError] });
 * retry({ retryOn: (error) => error instanceof HttpError && error.status >= 500 });
 * retry({ retryOn: (error: HttpError) => error.status >= 500 });
 */
export type ErrorMatcher = ErrorClass | readonly ErrorClass[] | ErrorPredicate;

/** The type of a method, so that a predicate may say which errors it takes: who writes it knows what the method throws. */
type ErrorPredicate = { test(error: unknown): boolean | Promise<boolean> }['test'];

/** Whether an error is meant; a promise only where the predicate gave one. */
export type Matches = (error: unknown) => boolean | PromiseLike<boolean>;

/** A class: one that is or extends Error, of whatever realm, or anything written with the `class` keyword. */
export const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === 'function' &&
  (value === Error || value.prototype instanceof Error || isClass(value) || inheritsBuiltIn(value.prototype, 'Error'));

/** The rule for options that take an ErrorMatcher. */
export const errorMatcher: Rule = {
  allowed: 'an error class, an array of error classes, or a predicate function',
  test: (value) =>
    (typeof value === 'function' && !isGenerator(value)) || (Array.isArray(value) && value.every(isErrorClass)),
};

/** The error classes that a matcher names. */
export function classesOf(matcher: ErrorMatcher | undefined): readonly ErrorClass[] {
  if (matcher === undefined) return [];
  if (typeof matcher !== 'function') return matcher;
  return isErrorClass(matcher) ? [matcher] : [];
}

/** The matcher as one function. */
export function toMatches(matcher: ErrorMatcher): Matches {
  if (typeof matcher === 'function' && !isErrorClass(matcher)) return matcher;
  const tests = classesOf(matcher).map(instanceTest);
  return (error) => tests.some((test) => test(error));
}

/** Whether an error is of a class; of a built-in one or one of opero's, those of another realm are, too. */
function instanceTest(type: ErrorClass): (error: unknown) => boolean {
  const tag = tagOf(type);
  if (tag !== undefined) return (error) => isTagged(error, tag);
  const name = builtInNameOf(type);
  if (name === undefined) return (error) => error instanceof type;
  return (error) => error instanceof type || (isError(error) && inheritsBuiltIn(error, name));
}
