import { type Call, tieCaller } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { now } from '../core/call/clock.js';
import { finalError, isFinal } from '../core/call/final-errors.js';
import { callHook, tellHook } from '../core/call/hooks.js';
import { type ErrorMatcher, toMatches } from '../core/call/matcher.js';
import { pause } from '../core/call/pause.js';
import type { PolicyStep, SiteInfo } from '../core/call/policy.js';
import { admitted } from '../core/call/step.js';
import { tell } from '../core/call/tell.js';
import { beginWait } from '../core/call/told-wait.js';
import { RetryError } from '../core/errors.js';
import { type Backoff, backoff, type Waits } from './backoff.js';
import type { RetryBudget } from './retry-budget.js';
import { askDelay, type DelayHook } from './retry-delay.js';

/** How an attempt ended: with a value, or with an error. */
interface AttemptEnd {
  readonly failed: boolean;
  readonly result: unknown;
  /** What goes on from there: a copy of the call where something beneath still runs on with the call itself. */
  readonly call: Call;
}

/** An attempt after the first; copies of the call have the same one. */
interface LaterAttempt {
  end: AttemptEnd | undefined;
}

/** What comes after an attempt; undefined: nothing more, as another one is not wanted. */
type Verdict = 'again' | 'exhausted' | undefined;

/** How often a retry without a wait lets timers and I/O of the program come in between. */
const breathEvery = 100;

/** A pause between two attempts, which is told of once it is over. */
async function waitFor(call: Call, site: SiteInfo, delay: number): Promise<void> {
  const wait = beginWait(call, site, 'retry');
  try {
    await pause(call, delay);
  } catch (error) {
    wait?.end(error);
    throw error;
  }
  wait?.end();
}

/** The options of `@retry`, checked and filled in. What its functions take was checked against the method. */
export interface Filled extends Backoff {
  readonly maxAttempts: number;
  readonly maxElapsed: number;
  readonly rethrow: boolean;
  readonly delay?: DelayHook;
  readonly budget?: RetryBudget;
  readonly retryOn?: ErrorMatcher;
  readonly abortOn?: ErrorMatcher;
  readonly retryResult?: (...given: never[]) => unknown;
  readonly onRetry?: (...given: never[]) => unknown;
}

/** Has attempts follow one that failed, or whose value is not wanted. */
export function retryStep(options: Filled): PolicyStep['wrap'] {
  const { maxAttempts, maxElapsed, waitMax, rethrow, retryResult, onRetry, delay: delayHook, budget } = options;
  const hasDeadline = maxElapsed !== Number.POSITIVE_INFINITY;
  const canRunOut =
    maxAttempts !== Number.POSITIVE_INFINITY || hasDeadline || budget !== undefined || delayHook !== undefined;
  // The library's own loop sleeps where no abort reaches it, so only its jitter serves.
  const newWaits = backoff(options);
  const wanted = options.retryOn && toMatches(options.retryOn);
  const unwanted = options.abortOn && toMatches(options.abortOn);

  const isWanted = async (call: Call, site: SiteInfo, { failed, result }: AttemptEnd): Promise<unknown> => {
    if (!failed) return retryResult && callHook(retryResult, call, site, result);
    if (isFinal(result, call)) return false;
    if (unwanted !== undefined && (await unwanted(result, call, site))) return false;
    return wanted === undefined || (await wanted(result, call, site));
  };

  /** What comes after an attempt; where that is another one, the wait for it is over. Throws what a hook throws. */
  const decide = async (
    call: Call,
    site: SiteInfo,
    end: AttemptEnd,
    beganAt: number,
    waits: Waits,
  ): Promise<Verdict> => {
    if (call.aborted || !(await isWanted(call, site, end)) || call.aborted) return undefined;
    const { attempt } = call;
    if (attempt >= maxAttempts) return 'exhausted';
    const error = end.failed ? end.result : undefined;
    const asked = delayHook && (await askDelay(delayHook, call, site, error));
    if (asked === false || call.aborted) return undefined;
    const delay = asked ?? waits(attempt);
    if (delay > waitMax || delay === Number.POSITIVE_INFINITY) return 'exhausted';
    const until = Math.min(hasDeadline ? beganAt + maxElapsed : Number.POSITIVE_INFINITY, call.deadline);
    const endsLate = () => until !== Number.POSITIVE_INFINITY && now() + delay > until;
    if (endsLate()) return 'exhausted';
    if (budget !== undefined && !budget.withdraw()) {
      site.stats.budgetExceeded++;
      return 'exhausted';
    }
    if (onRetry !== undefined) {
      await tellHook(onRetry, call, site, { error, delay });
      if (endsLate()) return 'exhausted';
    }
    if (channels.retry.hasSubscribers) tell('retry', call, site, { attempt, policy: 'retry', delay, error });
    if (delay > 0 || attempt % breathEvery === 0) await waitFor(call, site, delay);
    return call.aborted ? undefined : 'again';
  };

  return (around, site) => {
    const { place } = around;

    const finish = ({ failed, result, call }: AttemptEnd, verdict: Verdict, errors: readonly unknown[]): unknown => {
      if (!failed) return around.ok(result, call);
      const isCollected = verdict === 'exhausted' && !rethrow;
      return around.fail(isCollected ? exhausted(site, call.attempt, errors) : result, call);
    };

    /** From the end of the first attempt on: one after the other in a loop, so that any number takes no more memory. */
    const retryLoop = async (first: AttemptEnd, beganAt: number): Promise<unknown> => {
      const errors: unknown[] = [];
      const waits = newWaits();
      // Attempts that cannot run out would only pile up their errors.
      const collects = !rethrow && (canRunOut || first.call.deadline !== Number.POSITIVE_INFINITY);
      await tieCaller();
      for (let attempt = first; ; ) {
        const { call } = attempt;
        if (attempt.failed && collects) errors.push(attempt.result);
        // While it waits, too, it is known what the last attempt came to.
        call.endAttempt(attempt.failed ? attempt.result : undefined);
        let verdict: Verdict;
        try {
          verdict = await decide(call, site, attempt, beganAt, waits);
        } catch (thrown) {
          return await around.fail(finalError(thrown, call), call);
        }
        if (verdict !== 'again') return await finish(attempt, verdict, errors);
        site.stats.retries++;
        call.attempt++;
        const later: LaterAttempt = { end: undefined };
        call.keep(place, later);
        const value = await around.next(call);
        if (later.end === undefined) return value;
        attempt = later.end;
      }
    };

    /**
     * Begins the loop after the first attempt. Later ones end within the loop: it is told how, and gets `undefined` back
     * through `around.next`.
     */
    const onAttemptEnd = (failed: boolean, result: unknown, call: Call): unknown => {
      if (call.attempt === 1) return retryLoop({ failed, result, call }, Number(call.keptAt(place)));
      (call.keptAt(place) as LaterAttempt).end = { failed, result, call };
      return undefined;
    };

    return {
      ...((hasDeadline || budget !== undefined) && {
        admit(call) {
          if (hasDeadline) call.keep(place, now());
          if (budget !== undefined && !call.isAnother) budget.deposit();
          return admitted;
        },
      }),
      ...(retryResult !== undefined && { ok: (value, call) => onAttemptEnd(false, value, call) }),
      fail: (error, call) => onAttemptEnd(true, error, call),
    };
  };
}

/** What an attempt came to that `retryResult` refused stands among the attempts, but not among the errors. */
const exhausted = (site: SiteInfo, attempts: number, errors: readonly unknown[]): RetryError => {
  const some = errors.length < attempts ? `${errors.length} of ${attempts} attempts` : `all ${attempts} attempts`;
  return new RetryError(`${site.label}: ${attempts === 1 ? 'its only attempt' : some} failed`, errors);
};
