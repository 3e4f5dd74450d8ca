import type { Call } from '../core/call/call.js';
import { callHook } from '../core/call/hooks.js';
import { type ErrorMatcher, toMatches } from '../core/call/matcher.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { catchRejection, isThenable } from '../core/call/thenable.js';
import { show } from '../core/options.js';
import { now } from './circuit-time.js';

/** What a circuit takes the end of an attempt for; undefined: for neither. */
type Verdict = 'success' | 'failure' | undefined;

/** The options that say which ends are failures. */
interface JudgeOptions {
  readonly failOn?: ErrorMatcher;
  readonly ignore?: ErrorMatcher;
  readonly failResult?: (...given: never[]) => unknown;
  readonly slowAfter: number;
}

/** Judges how attempts ended: with an error or a value, `enteredAt` being when the code was entered, where that matters. */
export function judgeOf(
  { failOn, ignore, failResult, slowAfter }: JudgeOptions,
  site: SiteInfo,
): (call: Call, failed: boolean, result: unknown, enteredAt: number) => Verdict {
  const isTimed = slowAfter !== Number.POSITIVE_INFINITY;
  const isFailure = failOn && toMatches(failOn);
  const isIgnored = ignore && toMatches(ignore);

  /** What a function of the options said, which has to be said at once. */
  const said = (option: string, answer: unknown): boolean => {
    if (!isThenable(answer)) return Boolean(answer);
    catchRejection(answer);
    const problem = `expected \`${option}\` to return true or false, not a promise, got ${show(answer)}`;
    throw misuse('circuitBreaker', problem, site);
  };

  return (call, failed, result, enteredAt) => {
    if (failed) {
      if (isIgnored !== undefined && said('ignore', isIgnored(result, call, site))) return undefined;
      if (isFailure === undefined || said('failOn', isFailure(result, call, site))) return 'failure';
    } else if (failResult !== undefined && said('failResult', callHook(failResult, call, site, result)))
      return 'failure';
    return isTimed && now() - enteredAt > slowAfter ? 'failure' : 'success';
  };
}
