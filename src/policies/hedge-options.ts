import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { callHook, type HookContext } from '../core/call/hooks.js';
import type { Matches } from '../core/call/matcher.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Around } from '../core/call/step.js';
import { catchRejection } from '../core/call/thenable.js';
import { durationOrInfinity, show } from '../core/options.js';
import type { AnyFunction } from '../core/types.js';
import type { RetryBudget } from './retry-budget.js';

/**
 * Says how long to wait for the n-th hedge of an attempt, from 1: in milliseconds, from the entry of the run before.
 *
 * @example
 * const delay: HedgeDelay = (n) => 50 * n;
 */
export type HedgeDelay<This = never, Args extends readonly unknown[] = never> = (
  this: This,
  n: number,
  context: HookContext<Args>,
) => number;

/**
 * What `onHedge` is told.
 *
 * @example
 * const onHedge = ({ hedge, error, method }: HedgeEvent) => console.log(`${method}: hedge ${hedge}`, error);
 */
export interface HedgeEvent<Args extends readonly unknown[] = readonly unknown[]> extends HookContext<Args> {
  /** Which hedge of the attempt has begun, from 1. */
  readonly hedge: number;
  /** How long the run before it had, in milliseconds: what `delay` is, or gave. */
  readonly delay: number;
  /** What a run before it failed with, which had this one begin at once; undefined where the time was over. */
  readonly error: unknown;
}

/** What the hedges of a method know of it. What its functions take was checked against the method where they were given. */
export interface Hedged {
  readonly around: Around;
  readonly site: SiteInfo;
  readonly delay: number | ((...given: never[]) => number);
  readonly maxHedges: number;
  readonly wanted: Matches | undefined;
  readonly budget?: RetryBudget;
  /** Whether each call pays into the budget by a retry around. */
  readonly isPaidByRetry: boolean;
  readonly onHedge?: (...given: never[]) => unknown;
}

/**
 * How long a run has until the n-th hedge begins.
 *
 * @throws ConfigurationError when `delay` gives no number of milliseconds; and what `delay` throws.
 */
export function delayOf({ delay, site }: Hedged, call: Call, nth: number): number {
  if (typeof delay === 'number') return delay;
  let given: unknown;
  try {
    given = callHook(delay as AnyFunction, call, site, nth);
  } catch (thrown) {
    throw finalError(thrown, call);
  }
  if (durationOrInfinity.test(given)) return given as number;
  // Of a promise, what it comes to is nobody's affair.
  catchRejection(given);
  const problem = `expected \`delay\` to return ${durationOrInfinity.allowed}, got ${show(given)}`;
  throw finalError(misuse('hedge', problem, site), call);
}
