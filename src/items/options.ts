import { ConfigurationError } from '../core/errors.js';
import { callback, countOrInfinity, flag, oneOf, type Rule, readOptions, show } from '../core/options.js';
import { isSignal } from '../core/signals.js';
import type { Progress } from './progress.js';

/**
 * Items to work on, pulled one by one, no faster than results are taken.
 *
 * @example
 * const seeds: Items<number> = new Set([1, 2, 3]);
 * const lines: Items<string> = createInterface({ input: createReadStream('words.txt') });
 */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

/**
 * What becomes of a failure: it ends it all, or stands as an ItemError in the place of its result.
 *
 * @example
 * const onError: OnError = 'collect';
 */
export type OnError = 'throw' | 'collect';

/**
 * Options for working on many items.
 *
 * @example
 * const options: ItemsOptions = { concurrency: 8, onError: 'collect', signal: AbortSignal.timeout(60_000) };
 */
export interface ItemsOptions<Failure extends OnError = OnError> {
  /**
   * How many items are worked on at once. Default: the method's own concurrency limit, or the number of workers of a
   * cpuBound method, or 16.
   */
  readonly concurrency?: number;
  /**
   * `'throw'` (default): the first failure ends it all, with its own error; the rest is aborted and nothing more starts.
   * `'collect'`: a failure stands as an ItemError in the place of its result.
   */
  readonly onError?: Failure;
  /** Aborts everything, waits and retries included. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each item. If it throws, the work ends with what it threw. Default: none. */
  readonly onProgress?: (progress: Progress) => void;
  /** Whether to show a bar with rate and time left on stderr, if that is a terminal. Default false. */
  readonly progress?: boolean;
}

/**
 * Options for a stream of results.
 *
 * @example
 * const options: StreamOptions = { ordered: false, progress: true };
 */
export interface StreamOptions<Failure extends OnError = OnError> extends ItemsOptions<Failure> {
  /** Whether results come in the order of the items (default), or each as soon as it is there. */
  readonly ordered?: boolean;
}

const signalRule: Rule = { allowed: 'an AbortSignal', test: isSignal };

/** What each option may be. */
export const itemsRules = {
  concurrency: countOrInfinity,
  onError: oneOf('throw', 'collect'),
  signal: signalRule,
  onProgress: callback,
  progress: flag,
};

export const streamRules = { ...itemsRules, ordered: flag };

/** The options, with defaults filled in. */
export type Settings = Required<Pick<StreamOptions, 'concurrency' | 'onError' | 'ordered'>> & StreamOptions;

/** @throws ConfigurationError when these cannot be iterated over; `asked` names the function for messages. */
export function requireIterable(items: unknown, asked: string): void {
  const source = items as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  if (typeof source?.[Symbol.asyncIterator] === 'function' || typeof source?.[Symbol.iterator] === 'function') return;
  throw new ConfigurationError(`${asked}: expected the items to be an iterable or async iterable, got ${show(items)}`);
}

/**
 * The options, checked, for items that are checked too.
 * @throws ConfigurationError when one is wrong.
 */
export function readSettings(
  asked: string,
  items: unknown,
  options: unknown,
  concurrency: number,
  known: Readonly<Record<string, Rule>>,
): Settings {
  requireIterable(items, asked);
  return readOptions<Settings>({ text: asked }, options ?? {}, known, { concurrency, onError: 'throw', ordered: true });
}
