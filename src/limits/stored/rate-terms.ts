import { isReal } from '../../core/call/clock.js';
import type { RateRules } from '../store.js';

/** The times of a rate limit in a store, in milliseconds. */
export interface RateTerms {
  /** How many starts there may be in a window. */
  readonly starts: number;
  readonly window: number;
  /** The window of all starts, where they are spaced. */
  readonly whole: number;
  /** How far ahead a process takes permits: what it takes with it when it is killed. */
  readonly horizon: number;
  readonly spread: boolean;
  /** How long a start may last: what the method's own code may see as its start. */
  readonly entry: number;
  /** The least time for which a permit may be used. */
  readonly grace: number;
}

const furthest = 1000;
const shortest = 5;
const longest = 50;

/** Works out the times. Spaced starts are one in a window each; its permit is taken right after the one before. */
export function termsOf({ rate, per, spread }: RateRules): RateTerms {
  const starts = spread ? 1 : Math.ceil(rate);
  const window = per * (starts / rate);
  const horizon = Math.min(spread ? window * 1.5 : window / 2, furthest);
  const grace = Math.min(longest, Math.max(shortest, window / 20));
  const whole = per * (Math.ceil(rate) / rate);
  return { starts, window, whole, horizon, spread, entry: grace, grace };
}

/** What counts for a start in the store: where starts are spaced, one, and for so much longer. */
export function countOf(
  { spread, window }: RateTerms,
  weight: number,
): { readonly weight: number; readonly shift: number } {
  if (!spread) return { weight, shift: 0 };
  return { weight: Math.min(weight, 1), shift: Math.max(0, weight - 1) * window };
}

/** How much may start in a window by the share of one process of so many; 0: nobody knows of how many. */
export function aloneOf(
  { starts, window, whole, spread }: RateTerms,
  processes: number,
): { readonly share: number; readonly window: number } {
  if (processes === 0) return { share: 1, window: whole };
  if (spread) return { share: 1, window: Math.min(whole, window * processes) };
  return { share: Math.max(1, Math.floor(starts / processes)), window };
}

/** How long a permit may be used before the first answer has come, in milliseconds: nobody knows how long one takes. */
const unknownTrip = 250;

/** How long a permit may be used: longer than a round trip, in which most of it may be over. */
export const graceOf = ({ grace }: RateTerms, worstTrip: number | undefined): number =>
  worstTrip === undefined ? Math.max(unknownTrip, grace) : Math.max(grace, 1.5 * worstTrip);

/**
 * How much before its end a permit is not used any more, in milliseconds: the machine may hold the program up just as the
 * method is entered.
 */
export const marginOf = (grace: number): number => (isReal() ? Math.min(5, grace / 5) : 0);
