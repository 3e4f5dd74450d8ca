import { callback, oneOf, positiveDuration, positiveInteger, readOptions } from '../../core/options.js';

/**
 * What became of a store, or of a limit in it, for who watches.
 *
 * @example
 * const onEvent = (event: StoreEvent) => console.log(event.type, event.limit);
 */
export interface StoreEvent {
  /**
   * `'down'`: it could not be asked, with the `error`; `'up'`: it can be again, after `duration`; `'trip'`: it has answered,
   * after `duration`; `'share'`: how many processes share the limit is not known while it is down, so that this one goes on by
   * one permit or slot at a time; `'window'`: another process knows the limit with a longer `per`, which is `duration`, and
   * holds for all; `'lost'`: this process could not renew its lease, under which `calls` run.
   */
  readonly type: 'down' | 'up' | 'trip' | 'share' | 'window' | 'lost';
  /** The name of the limit, and its key where it has one; undefined for `'up'`. */
  readonly limit?: string | undefined;
  /** Why it is down. */
  readonly error?: unknown;
  /** In milliseconds. */
  readonly duration?: number;
  /** How many calls run under a lease that was lost. */
  readonly calls?: number;
}

/**
 * How a process gets on with a store.
 *
 * @example
 * const options: StoreOptions = { timeout: 250, whenDown: 'reject', processes: 4 };
 */
export interface StoreOptions {
  /** How long an answer may take, in milliseconds, until the store counts as down. Default 500. */
  readonly timeout?: number;
  /**
   * What becomes of calls while it is down: `'local'`, each process goes on by its share of the limit; `'wait'`, they wait;
   * `'reject'`, they reject with a StoreError; `'open'`, nothing limits them. Default `'local'`.
   */
  readonly whenDown?: 'local' | 'wait' | 'reject' | 'open';
  /** For how long slots are a process's own without a sign of life, in milliseconds. Default 10 000. */
  readonly lease?: number;
  /** How many processes share the limits, for `'local'`. Default: as many as there were at last. */
  readonly processes?: number;
  /** Told what becomes of the store. What it throws goes nowhere. Default: none. */
  readonly onEvent?: (event: StoreEvent) => void;
}

/** The same, filled in. */
export type FilledOptions = Required<Pick<StoreOptions, 'timeout' | 'whenDown' | 'lease'>> & StoreOptions;

const rules = {
  timeout: positiveDuration,
  whenDown: oneOf('local', 'wait', 'reject', 'open'),
  lease: positiveDuration,
  processes: positiveInteger,
  onEvent: callback,
};

/** Reads the options of a store, `more` being rules and defaults of its own. */
export function readStoreOptions<Options extends StoreOptions>(
  text: string,
  given: unknown,
  more: { readonly rules: Parameters<typeof readOptions>[2]; readonly defaults: Partial<Options> },
): FilledOptions & Options {
  const defaults = { timeout: 500, whenDown: 'local', lease: 10_000, ...more.defaults } as Partial<
    FilledOptions & Options
  >;
  return readOptions<FilledOptions & Options>({ text }, given ?? {}, { ...rules, ...more.rules }, defaults);
}
