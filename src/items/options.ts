import { isSignal } from '../core/call/signals.js';
import { ConfigurationError } from '../core/errors.js';
import { callback, countOrInfinity, flag, oneOf, type Rule, readOptions, show } from '../core/options.js';
import type { Caller } from './caller.js';
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
export interface ItemsOptions<Failure extends OnError = OnError, Entries extends boolean = false> {
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
  /** Whether each result comes as `{ index, item, value }`, an Entry. Default false: as the value alone. */
  readonly entries?: Entries;
}

/**
 * Options for a stream of results.
 *
 * @example
 * const options: StreamOptions = { ordered: false, progress: true };
 */
export interface StreamOptions<Failure extends OnError = OnError, Entries extends boolean = false>
  extends ItemsOptions<Failure, Entries> {
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
  entries: flag,
};

export const streamRules = { ...itemsRules, ordered: flag };

/** Options of any kind. */
export type AnyOptions = StreamOptions<OnError, boolean>;

/** What was asked for a run over many items, and by whom. */
export interface Asked {
  /** The function, for messages. */
  readonly text: string;
  readonly caller: Caller;
}

/** The options, with defaults filled in, and who gave them. */
export type Settings = Required<Pick<AnyOptions, 'concurrency' | 'onError' | 'ordered'>> &
  Omit<AnyOptions, 'onProgress'> & {
    readonly onProgress?: AnyOptions['onProgress'] | undefined;
    readonly caller: Caller;
  };

/** @throws ConfigurationError when these cannot be iterated over. */
function requireIterable(items: unknown, asked: string): void {
  const source = items as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  if (typeof source?.[Symbol.asyncIterator] === 'function' || typeof source?.[Symbol.iterator] === 'function') return;
  throw new ConfigurationError(`${asked}: expected the items to be an iterable or async iterable, got ${show(items)}`);
}

/**
 * The options, checked, for items that are checked too.
 * @throws ConfigurationError when one is wrong.
 */
export function readSettings(
  asked: Asked,
  items: unknown,
  options: unknown,
  concurrency: number,
  known: Readonly<Record<string, Rule>>,
): Settings {
  requireIterable(items, asked.text);
  const defaults = { concurrency, onError: 'throw', ordered: true } as const;
  const read = readOptions<Omit<Settings, 'caller'>>({ text: asked.text }, options ?? {}, known, defaults);
  return { ...read, caller: asked.caller };
}
