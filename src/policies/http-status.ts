import type { RejectedError, TimeoutError } from '../core/errors.js';
import { isAllFailedError, isRejectedError, isRetryError, isTimeoutError } from '../core/guards.js';
import { peek, peekItems } from '../core/peek.js';

type Status = 429 | 503 | 504;

/** So many errors are looked at; those that hold themselves have an end there. */
const mostErrors = 100;

/** What an error of several attempts or alternatives is judged by, in this order. */
function innerOf(error: unknown): readonly unknown[] {
  if (isRetryError(error)) return [peek(error, 'cause')];
  return isAllFailedError(error) ? peekItems(peek(error, 'errors'), mostErrors) : [];
}

/**
 * The error of opero's own by which a server may tell what to answer: the one given, of a `RetryError` that of the last
 * attempt, of an `AllFailedError` the first there is. Never throws.
 */
export function refusalIn(error: unknown): RejectedError | TimeoutError | undefined {
  const asked = new Set<unknown>();
  const ask = (each: unknown): RejectedError | TimeoutError | undefined => {
    if (asked.has(each) || asked.size === mostErrors) return undefined;
    asked.add(each);
    if (isRejectedError(each) || isTimeoutError(each)) return each;
    for (const inner of innerOf(each)) {
      const found = ask(inner);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return ask(error);
}

/**
 * The HTTP status that a server may answer with for an error of opero's own: 429 for what a rate limit turned away, 503
 * for what another limit or an open circuit did, 504 for a `TimeoutError`; undefined for any other error. Of a
 * `RetryError` it is that of the last attempt, of an `AllFailedError` that of the first failure that has one.
 *
 * @param error Anything thrown.
 * @throws Nothing, whatever it is given.
 * @example
 * const answer = (error: unknown) => new Response('', { status: httpStatusOf(error) ?? 500 });
 */
export function httpStatusOf(error: unknown): Status | undefined {
  const refusal = refusalIn(error);
  if (refusal === undefined) return undefined;
  if (isRejectedError(refusal)) return peek(refusal, 'policy') === 'rateLimit' ? 429 : 503;
  return 504;
}
