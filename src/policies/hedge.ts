import { classesOf, type ErrorMatcher, errorMatcher, toMatches } from '../core/call/matcher.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import type { Around, Step } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import {
  callback,
  durationOrInfinity,
  positiveInteger,
  type Rule,
  readOptions,
  type Where,
  wrongOption,
} from '../core/options.js';
import type { HedgeDelay, HedgeEvent } from './hedge-options.js';
import { Hedging } from './hedge-run.js';
import { requireMethod } from './methods-only.js';
import { rankOf } from './order.js';
import { type RetryBudget, retryBudget } from './retry-budget.js';

/**
 * Options of `@hedge`. `delay` is required.
 *
 * @example
 * const config: HedgeConfig = { delay: 80, maxHedges: 2, on: isTransient };
 */
export interface HedgeConfig<This = never, Args extends readonly unknown[] = never> {
  /**
   * How long an attempt may run without a success before a hedge runs beside it, in milliseconds, from the entry of its
   * code; or a function that says so for the n-th hedge, from 1, from the entry of the one before. Infinity: hedges start
   * on failures alone. Required.
   */
  readonly delay: number | HedgeDelay<This, Args>;
  /** How many hedges an attempt may have. One that is kept back counts. Default 1. */
  readonly maxHedges?: number;
  /** Which errors start the next hedge at once; any other fails the attempt, whatever still runs. Default: all. */
  readonly on?: ErrorMatcher<This, Args>;
  /** What pays for the hedges, perhaps shared with retries. Without enough in it that hedge is kept back. Default: none. */
  readonly budget?: RetryBudget;
  /**
   * Called when a hedge has begun; `this` is the receiver. It is not waited for: what a promise that it returns comes to
   * goes nowhere. If it throws, the call rejects with that, without another attempt. Default: none.
   */
  readonly onHedge?: (this: This, event: HedgeEvent<Args>) => unknown;
}

declare module '../core/policies.js' {
  interface Policies {
    /** `delay`, or the options of `@hedge`. */
    readonly hedge: number | HedgeDelay | HedgeConfig;
  }
}

const delay: Rule = {
  allowed: 'a number of milliseconds of at least 0 or Infinity, or a function that gives one',
  test: (value) => durationOrInfinity.test(value) || callback.test(value),
};

const rules = { delay, maxHedges: positiveInteger, on: errorMatcher, budget: retryBudget, onHedge: callback };

const defaults = { maxHedges: 1 } as const;

type Filled = HedgeConfig & Required<Pick<HedgeConfig, 'maxHedges'>>;

export function hedgePolicy(given: number | HedgeDelay | HedgeConfig | undefined, where: Where): Policy {
  requireMethod(where, 'hedge', 'it would run those twice that change things');
  const config = typeof given === 'object' ? given : { delay: given };
  const options = readOptions<Filled>(where, config as HedgeConfig, rules, defaults);
  if (options.delay === undefined) throw wrongOption(where, 'delay', undefined, delay.allowed);
  const { on, budget } = options;
  const wanted = on && toMatches(on);
  const wrap = (around: Around, site: SiteInfo): Step => {
    const hedging = new Hedging({ ...options, around, site, wanted, isPaidByRetry: isPaidByRetry(site, budget) });
    return { isBoundary: true, admit: (call) => hedging.admit(call) };
  };
  return {
    kind: 'hedge',
    options,
    errorClasses: classesOf(on),
    steps: [{ rank: rankOf('hedge'), wrap }],
    caution: (all) => cautionOf(options, all),
    ...(budget !== undefined && { reset: () => budget.reset() }),
  };
}

const optionsOf = <Options>(all: readonly Policy[], kind: string): Options | undefined =>
  all.find((policy) => policy.kind === kind)?.options as Options | undefined;

/** Whether each call pays into the budget already, if there is one. */
const isPaidByRetry = ({ policies }: SiteInfo, budget: RetryBudget | undefined): boolean =>
  optionsOf<{ budget?: unknown }>(policies, 'retry')?.budget === budget;

function cautionOf({ delay }: Filled, all: readonly Policy[]): string | undefined {
  const { limit } = optionsOf<{ limit?: unknown }>(all, 'concurrency') ?? {};
  if (limit === 1) {
    return 'a hedge never waits for a slot, and the attempt beside it has the only one (limit: 1); give concurrency a limit of at least 2';
  }
  if (typeof delay !== 'number' || delay === Number.POSITIVE_INFINITY) return undefined;
  const { attempt, total } = optionsOf<{ attempt?: number; total?: number }>(all, 'timeout') ?? {};
  if (attempt !== undefined && attempt <= delay) return neverUp(delay, 'attempt', attempt);
  return total !== undefined && total <= delay ? neverUp(delay, 'total', total) : undefined;
}

const neverUp = (delay: number, name: string, time: number): string =>
  `delay (${delay} ms) is never over, as ${name} of timeout (${time} ms) is up before: hedges start on failures alone`;

// Without parentheses, for the compiler to show what to write.
export function hedge<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@hedge(...)' } & WithoutContext<Second>;
/**
 * **For methods that may run twice.** Where an attempt is slow, runs the method once more beside it, and takes the success
 * that comes first: so a few slow answers slow down nobody. Where an attempt fails, the next run begins at once. So what is
 * down gets twice the calls, unless `on` says which errors are worth another run, or a `budget` bounds them. Those that
 * lose are aborted by `currentCall().signal`, and keep their slots until they have ended.
 *
 * @param config `delay` in ms, or the options: `delay` (required, from the entry of the method's code; or a function that
 * gives it), `maxHedges` (1), `on` (every error), `budget` (none), `onHedge`.
 * @throws ConfigurationError at decoration, when an option is wrong or it stands on a class; from the call, when `delay`
 * gives no number of milliseconds.
 * @see https://research.google/pubs/the-tail-at-scale/
 * @example
 * class Weather {
 *   readonly url = 'https://weather.example';
 *
 *   \@hedge({ delay: 80, on: isTransient })
 *   async forecast(city: string, init?: RequestInit): Promise<string> {
 *     const response = await fetch(`${this.url}/${city}`, { ...init, signal: currentCall().signal ?? null });
 *     return await response.text(); // within the method, as the signal serves until it has ended
 *   }
 * }
 */
export function hedge<This, Args extends readonly unknown[]>(
  config: number | HedgeDelay<This, Args> | HedgeConfig<This, Args>,
): PolicyDecorator<{ option: 'hooks'; this: This; args: Args } | { methodsOnly: 'hedge' }>;
export function hedge(...given: readonly unknown[]): unknown {
  return policyDecorator('hedge', given, 1, (where) => hedgePolicy(given[0] as HedgeConfig, where));
}
