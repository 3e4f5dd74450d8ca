import { isErrorClass } from '../core/call/matcher.js';
import { chainsOf, siteOf, typeOf } from '../core/decoration/lookup.js';
import type { NameOfMethod, UnknownName } from '../core/decoration/method-names.js';
import { labelOf, type Site } from '../core/decoration/site.js';
import { ConfigurationError } from '../core/errors.js';
import { positiveInteger, show } from '../core/options.js';
import { runFailing } from './detours.js';
import { Failures } from './failures.js';
import { type Restore, restoring } from './restore.js';
import { type AnyConstructor, type Concerns, isOf } from './scope.js';

/**
 * What attempts fail with: a value, or a function that gives one for the n-th attempt that fails, from 1.
 *
 * @example
 * const failure: Failure = (n) => new Error(`failure ${n}`);
 */
export type Failure =
  | ((n: number) => unknown)
  | object
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined;

const asked = 'failTimes()';

/**
 * The next `n` attempts of a method fail, beneath its policies, and do not enter its code; those after them do. Each
 * counts as an attempt. One that is cpuBound, or queued, fails in this thread. Calls that are under way go on with the code. Where
 * `withoutPolicies` leaves the policies out, the next `n` calls fail.
 *
 * @param target An instance; or a class, for all its instances and those of its subclasses that do not override the
 * method, or for a static method.
 * @param method The method's name; `'#name'` for a private one, `'static name'` for a static one that shares its name with
 * an instance one. The compiler checks it; one that is private or protected by TypeScript goes `as string`.
 * @param n How many attempts fail; with several helpers on one method, those of the first come first.
 * @param error What each fails with; or a function that gives that for the n-th, from 1.
 * @returns What lets attempts enter the code again before `n` have failed.
 * @throws ConfigurationError when the target is neither, there is no such method, it has no policies, `n` is no integer
 * of at least 1, or `error` is a class.
 * @example
 * failTimes(weather, 'forecast', 2, new Error('offline'));
 * await weather.forecast('Davos'); // the third attempt enters the method
 */
export function failTimes<Target extends object, Name extends PropertyKey>(
  target: Target,
  method: (Name & UnknownName<Name>) | NameOfMethod<Target>,
  n: number,
  error: Failure,
): Restore {
  const chains = chainsOf(target, asked);
  const site = siteOf(target, chains, method, asked);
  if (site === undefined) {
    const label = labelOf(typeOf(chains), method);
    throw new ConfigurationError(`${asked}: ${label} has no policies, so its code is entered without opero`);
  }
  if (!positiveInteger.test(n)) {
    throw new ConfigurationError(`${asked}: expected \`n\` to be ${positiveInteger.allowed}, got ${show(n)}`);
  }
  if (isErrorClass(error)) {
    const problem = `expected \`error\` to be an error or a function that gives one, got ${show(error)}`;
    throw new ConfigurationError(`${asked}: ${problem}; write \`(n) => new ${error.name}(...)\``);
  }
  const errorOf = (nth: number): unknown => (typeof error === 'function' ? error(nth) : error);
  const isClass = typeof target === 'function';
  const concerns: Concerns = isClass
    ? sharesCode(site, target as unknown as AnyConstructor)
    : (other) => other === site;
  const failures = new Failures(concerns, isClass ? () => true : (self) => self === target, n, errorOf);
  const end = runFailing(failures);
  const restore = restoring(() => {
    failures.isOver = true;
    end();
  });
  failures.onUsedUp = restore;
  return restore;
}

/** The sites of a class and its subclasses where the code of the method is the same as on this one. */
const sharesCode =
  ({ member, entry }: Site, type: AnyConstructor): Concerns =>
  (other) =>
    isOf(other, type) && other.member?.name === member?.name && other.entry === entry;
