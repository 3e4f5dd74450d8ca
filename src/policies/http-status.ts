import { isAllFailedError, isCircuitOpenError, isRejectedError, isRetryError, isTimeoutError } from '../core/guards.js';
import { peek, peekItems } from '../core/peek.js';

type Status = 429 | 503 | 504;

/** So many errors are looked at; those that hold themselves have an end there. */
const mostErrors = 100;

function ownStatusOf(error: unknown): Status | undefined {
  if (isCircuitOpenError(error)) return 503;
  if (isRejectedError(error)) return peek(error, 'policy') === 'rateLimit' ? 429 : 503;
  return isTimeoutError(error) ? 504 : undefined;
}

/** What an error of several attempts or alternatives is judged by, in this order. */
function innerOf(error: unknown): readonly unknown[] {
  if (isRetryError(error)) return [peek(error, 'cause')];
  return isAllFailedError(error) ? peekItems(peek(error, 'errors'), mostErrors) : [];
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
  const asked = new Set<unknown>();
  const ask = (each: unknown): Status | undefined => {
    if (asked.has(each) || asked.size === mostErrors) return undefined;
    asked.add(each);
    const own = ownStatusOf(each);
    if (own !== undefined) return own;
    for (const inner of innerOf(each)) {
      const status = ask(inner);
      if (status !== undefined) return status;
    }
    return undefined;
  };
  return ask(error);
}
