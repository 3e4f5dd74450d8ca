import { type Call, tieCaller } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { now } from '../core/call/clock.js';
import { finalError, isFinal } from '../core/call/final-errors.js';
import { callHook, type HookContext, tellHook } from '../core/call/hooks.js';
import { classesOf, type ErrorMatcher, errorMatcher, toMatches } from '../core/call/matcher.js';
import { pause } from '../core/call/pause.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { tell } from '../core/call/tell.js';
import { beginWait } from '../core/call/told-wait.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import { RetryError } from '../core/errors.js';
import {
  callback,
  countOrInfinity,
  duration,
  durationOrInfinity,
  flag,
  oneOf,
  positive,
  readOptions,
  budget as timeBudget,
  type Where,
} from '../core/options.js';
import { backoff, type Jitter, type Waits } from './backoff.js';
import { rankOf } from './order.js';
import { type RetryBudget, retryBudget } from './retry-budget.js';
import { askDelay, type DelayHook } from './retry-delay.js';

/**
 * What `onRetry` is told.
 *
 * @example
 * const onRetry = ({ attempt, delay }: RetryEvent) => console.log(`attempt ${attempt} failed, next in ${delay} ms`);
 */
export interface RetryEvent<Args extends readonly unknown[] = readonly unknown[]> extends HookContext<Args> {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  /** What it failed with; undefined when `retryResult` refused its value. */
  readonly error: unknown;
  /** The wait before the next attempt, in milliseconds, jitter included. */
  readonly delay: number;
}

/**
 * Options of `@retry`, for methods of `This` that take `Args` and give `Value`. Its hooks have the receiver as `this`.
 *
 * @example
 * const config: RetryConfig = { maxAttempts: 5, waitMin: 50, waitMax: 2_000, retryOn: [HttpError] };
 */
export interface RetryConfig<Value = never, This = never, Args extends readonly unknown[] = never> {
  /** How many attempts there may be, the first one included. Infinity is allowed. Default 3. */
  readonly maxAttempts?: number;
  /** The first wait, in milliseconds. Default 100. */
  readonly waitMin?: number;
  /** The longest wait, in milliseconds. Default 30 000. */
  readonly waitMax?: number;
  /** The n-th wait is `min(waitMax, waitMin * waitMultiplier ** (n - 1))`, before jitter. Default 2. */
  readonly waitMultiplier?: number;
  /**
   * `'full'` (default): each wait is random between 0 and its length; `'equal'`: half of it, and half random; `'none'`:
   * exact. `'decorrelated'`: the wait is `min(waitMax, random between waitMin and 3 × the last)`, without `waitMultiplier`.
   * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
   */
  readonly jitter?: Jitter;
  /**
   * How long to wait after this error, such as a server asks: a number is exactly that wait in milliseconds, without
   * jitter, and one above `waitMax` or beyond `maxElapsed` ends the retry as exhausted; false: no further attempt;
   * undefined: the wait that is due anyway. May be async. If it throws, or gives anything else, the call rejects.
   * Default: none.
   */
  readonly delay?: DelayHook<This, Args>;
  /** What pays for the retries, shared with others as a rule. Without enough in it the retry is exhausted. Default: none. */
  readonly budget?: RetryBudget;
  /** Which errors to retry. Default: all. */
  readonly retryOn?: ErrorMatcher<This, Args>;
  /** Which errors not to retry, whatever `retryOn` says. Default: none. */
  readonly abortOn?: ErrorMatcher<This, Args>;
  /**
   * Whether to retry although the method returned this value. When attempts run out, the last value is returned.
   * Default: values are not looked at.
   */
  readonly retryResult?: (this: This, value: Value, context: HookContext<Args>) => boolean | Promise<boolean>;
  /** Budget in milliseconds for all attempts and waits; a wait that would end beyond it is not begun. Default Infinity. */
  readonly maxElapsed?: number;
  /** When attempts run out: true (default) throws the last error itself, false a RetryError with all of them. */
  readonly rethrow?: boolean;
  /** Called before each wait, which a promise that it returns holds up. If it throws, the call rejects with that. Default: none. */
  readonly onRetry?: (this: This, event: RetryEvent<Args>) => unknown;
}

declare module '../core/policies.js' {
  interface Policies {
    /** `maxAttempts`, or the options of `@retry`. */
    readonly retry: number | RetryConfig;
  }
}

const rules = {
  maxAttempts: countOrInfinity,
  waitMin: duration,
  waitMax: durationOrInfinity,
  waitMultiplier: positive,
  jitter: oneOf('full', 'none', 'equal', 'decorrelated'),
  delay: callback,
  budget: retryBudget,
  retryOn: errorMatcher,
  abortOn: errorMatcher,
  retryResult: callback,
  maxElapsed: timeBudget,
  rethrow: flag,
  onRetry: callback,
};

const defaults = {
  maxAttempts: 3,
  waitMin: 100,
  waitMax: 30_000,
  waitMultiplier: 2,
  jitter: 'full',
  maxElapsed: Number.POSITIVE_INFINITY,
  rethrow: true,
} as const;

type Filled = RetryConfig & Required<Pick<RetryConfig, keyof typeof defaults>>;

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

export function retryPolicy(given: number | RetryConfig | undefined, where: Where): Policy {
  const config = typeof given === 'object' ? given : { maxAttempts: given };
  const options = readOptions<Filled>(where, config, rules, defaults);
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

  const wrap = (around: Around, site: SiteInfo): Step => {
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

  return {
    kind: 'retry',
    options,
    errorClasses: [...classesOf(options.retryOn), ...classesOf(options.abortOn)],
    steps: [{ rank: rankOf('retry'), wrap }],
    ...(budget !== undefined && { reset: () => budget.reset() }),
  };
}

/** What an attempt came to that `retryResult` refused stands among the attempts, but not among the errors. */
const exhausted = (site: SiteInfo, attempts: number, errors: readonly unknown[]): RetryError => {
  const some = errors.length < attempts ? `${errors.length} of ${attempts} attempts` : `all ${attempts} attempts`;
  return new RetryError(`${site.label}: ${attempts === 1 ? 'its only attempt' : some} failed`, errors);
};

// Without parentheses, for the compiler to show what to write.
export function retry<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@retry()' } & WithoutContext<Second>;
/**
 * Calls the method again when it fails, with exponential backoff and full jitter between the attempts.
 *
 * @param config `maxAttempts`, or the options: `maxAttempts` (3), `waitMin` (100 ms), `waitMax` (30 000 ms),
 * `waitMultiplier` (2), `jitter` (`'full'`), `delay`, `budget`, `retryOn`, `abortOn`, `retryResult`, `maxElapsed` (Infinity, in ms),
 * `rethrow` (true), `onRetry`.
 * @throws ConfigurationError at decoration, when an option is wrong.
 * @throws RetryError from the call, when attempts ran out and `rethrow` is false; otherwise the last error itself.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @example
 * class Weather {
 *   \@retry({ maxAttempts: 4, waitMin: 100, retryOn: [HttpError] })
 *   async forecast(city: string): Promise<Forecast> { ... }
 *
 *   \@retry<Weather, [city: string]>({ onRetry({ args: [city] }) { console.log(this, city); } })
 *   async warnings(city: string): Promise<string[]> { ... }
 * }
 */
export function retry<This, Args extends readonly unknown[], Value = unknown>(
  config?: number | RetryConfig<Value, This, Args>,
): PolicyDecorator<{ option: 'retryResult'; result: Value } | { option: 'hooks'; this: This; args: Args }>;
export function retry(...given: readonly unknown[]): unknown {
  return policyDecorator('retry', given, 1, (where) =>
    retryPolicy(given[0] as RetryConfig | number | undefined, where),
  );
}
