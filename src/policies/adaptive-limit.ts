import { type ErrorMatcher, errorMatcher } from '../core/call/matcher.js';
import { TimeoutError } from '../core/errors.js';
import { positiveDuration, positiveInteger, readOptions, type Where, wrongOption } from '../core/options.js';
import type { AdaptiveRules } from '../limits/adaptive.js';

/**
 * Options of a concurrency limit that finds out by itself how many may run at once, for methods of `This` that take `Args`.
 *
 * @example
 * const limit: AdaptiveLimit = { min: 2, max: 100, initial: 10, targetLatency: 250 };
 */
export interface AdaptiveLimit<This = never, Args extends readonly unknown[] = never> {
  /** The lowest that it comes to, at least 1. Default 1. */
  readonly min?: number;
  /** The highest that it comes to. Default 200. */
  readonly max?: number;
  /** Where it begins, from `min` to `max`. Default 20, or what of these is nearest to it. */
  readonly initial?: number;
  /**
   * The mean time in the method, in milliseconds, that is still right: a good deal more than it takes where it is alone.
   * Above it the limit shrinks. Required.
   */
  readonly targetLatency: number;
  /**
   * Which errors say that too many run at once; where 5 % of the attempts end so, the limit shrinks. A predicate must not be
   * async. An attempt that `@timeout` gives up says so in any case. Default: TimeoutErrors.
   */
  readonly dropOn?: ErrorMatcher<This, Args, boolean>;
}

/** The arguments that a hook is told of; where nothing is known of those that other options take, it may say so itself. */
export type ToldArgs<Args extends readonly unknown[]> = [Args] extends [never[]] ? never : Args;

/** The options of an adaptive limit, filled in. */
export type AdaptiveOptions = AdaptiveRules & { readonly dropOn: ErrorMatcher };

/** Whether a limit moves by itself. */
export const isAdaptive = <Limit extends object>(limit: number | Limit): limit is Limit => typeof limit === 'object';

const rules = {
  min: positiveInteger,
  max: positiveInteger,
  initial: positiveInteger,
  targetLatency: positiveDuration,
  dropOn: errorMatcher,
};

const defaults = { min: 1, max: 200, dropOn: TimeoutError };
const usualInitial = 20;

/** Those that were read: where other options are changed, they are given again. */
const known = new WeakSet<object>();

/** Checks the options of an adaptive limit, and fills them in. */
export function readAdaptive(given: object, { text, path }: Where): AdaptiveOptions {
  if (known.has(given)) return given as AdaptiveOptions;
  const where: Where = { text, path: path === undefined ? 'limit' : `${path}.limit` };
  const options = readOptions<AdaptiveOptions>(where, given, rules, { ...defaults, initial: usualInitial });
  const { min, max, targetLatency } = options;
  if (targetLatency === undefined) {
    throw wrongOption(where, 'targetLatency', undefined, positiveDuration.allowed);
  }
  if (min > max) throw wrongOption(where, 'min', min, `at most \`max\` (${max})`);
  const isGiven = Reflect.get(given, 'initial') !== undefined;
  const initial = isGiven ? options.initial : Math.min(max, Math.max(min, usualInitial));
  if (initial < min || initial > max) {
    throw wrongOption(where, 'initial', initial, `an integer from \`min\` (${min}) to \`max\` (${max})`);
  }
  const read = Object.freeze({ ...options, initial });
  known.add(read);
  return read;
}
