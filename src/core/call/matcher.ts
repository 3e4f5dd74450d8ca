import { isTagged, tagOf } from '../error-tag.js';
import { isClass, isGenerator, type Rule } from '../options.js';
import { builtInNameOf, inheritsBuiltIn, isError } from '../realm.js';
import type { ErrorClass } from '../types.js';
import type { Call } from './call.js';
import { callHook, type HookContext } from './hooks.js';
import type { SiteInfo } from './policy.js';

/**
 * Says which errors are meant: an error class, a predicate, which may be async, or an array of both. Built-in classes, as
 * Error and TypeError, mean those of whatever realm, as of `node:vm` or jest, and those of opero mean those of another copy
 * of opero, too; other classes only their own. A predicate gets the error and a `HookContext`, with the receiver of the
 * call as `this`. `Answer` is what predicates give: `boolean` where none may be async.
 *
 * @example
 * retry({ retryOn: [HttpError, TimeoutError] });
 * retry({ retryOn: (error) => error instanceof HttpError && error.status >= 500 });
 * retry({ retryOn: (error: HttpError) => error.status >= 500 });
 * retry({ retryOn: [TimeoutError, (error, { attempt }) => error instanceof HttpError && attempt < 3] });
 */
export type ErrorMatcher<This = never, Args extends readonly unknown[] = never, Answer = boolean | Promise<boolean>> =
  | ErrorClass
  | ErrorPredicate<This, Args, Answer>
  | readonly (ErrorClass | ErrorPredicate<This, Args, Answer>)[];

/**
 * Says of an error whether it is meant. It may say which errors it takes: who writes it knows what the method throws. So
 * the first half, the type of a method, is lenient, and tells the compiler of `unknown` where nothing is said; the second
 * half holds it to what it asks of the call.
 *
 * @example
 * const isEarly: ErrorPredicate = (error, { attempt }) => attempt < 3;
 */
export type ErrorPredicate<
  This = never,
  Args extends readonly unknown[] = never,
  Answer = boolean | Promise<boolean>,
> = LenientPredicate<Answer> & ((this: This, error: never, context: HookContext<Args>) => Answer);

type LenientPredicate<Answer> = { test(this: never, error: unknown, context: never): Answer }['test'];

/** Whether an error of a call is meant; a promise only where a predicate gave one. */
export type Matches = (error: unknown, call: Call, site: SiteInfo) => unknown;

/** A class: one that is or extends Error, of whatever realm, or anything written with the `class` keyword. */
export const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === 'function' && (isClass(value) || inheritsBuiltIn(value.prototype, 'Error'));

const isMatcher = (value: unknown): value is ErrorClass | ErrorPredicate =>
  typeof value === 'function' && !isGenerator(value);

/** The rule for options that take an ErrorMatcher. */
export const errorMatcher: Rule = {
  allowed: 'an error class, a predicate function, or an array of these',
  test: (value) => isMatcher(value) || (Array.isArray(value) && value.every(isMatcher)),
};

const partsOf = (matcher: ErrorMatcher): readonly (ErrorClass | ErrorPredicate)[] =>
  typeof matcher === 'function' ? [matcher] : matcher;

/** The error classes that a matcher names. */
export const classesOf = (matcher: ErrorMatcher = []): readonly ErrorClass[] => partsOf(matcher).filter(isErrorClass);

/** The matcher as one function. */
export function toMatches(matcher: ErrorMatcher): Matches {
  const tests = partsOf(matcher).map((part): Matches => {
    return isErrorClass(part) ? instanceTest(part) : (error, call, site) => callHook(part, call, site, error);
  });
  return tests.length === 1 ? (tests[0] as Matches) : anyOf(tests);
}

/** Whether an error is meant by one of several tests, which are asked one after the other. */
const anyOf =
  (tests: readonly Matches[]): Matches =>
  (error, call, site) => {
    for (const [at, test] of tests.entries()) {
      const meant = test(error, call, site);
      if (isPromise(meant)) return isMeantByNext(meant, anyOf(tests.slice(at + 1)), error, call, site);
      if (meant) return true;
    }
    return false;
  };

async function isMeantByNext(
  first: PromiseLike<unknown>,
  others: Matches,
  ...asked: Parameters<Matches>
): Promise<unknown> {
  return (await first) || others(...asked);
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';

/** Whether an error is of a class; of a built-in one or one of opero's, those of another realm are, too. */
function instanceTest(type: ErrorClass): (error: unknown) => boolean {
  const tag = tagOf(type);
  if (tag !== undefined) return (error) => isTagged(error, tag);
  const name = builtInNameOf(type);
  if (name === undefined) return (error) => error instanceof type;
  return (error) => error instanceof type || (isError(error) && inheritsBuiltIn(error, name));
}
