import { tagError } from './error-tag.js';
import { node } from './node.js';
import { isError } from './realm.js';
import type { ErrorClass } from './types.js';

/**
 * A decorator, an option or a call of opero's API was used wrongly. The message names the member, the option, the value
 * given and what is allowed.
 *
 * @example
 * class Shop { \@retry({ maxAttempts: 0 }) async buy() {} }
 * // ConfigurationError: \@retry on method `buy`: expected `maxAttempts` to be an integer of at least 1 or Infinity, got 0
 */
export class ConfigurationError extends Error {}

/**
 * Every attempt failed; thrown in place of the last error when `rethrow` is false.
 * `errors` holds the error of each failed attempt in order, `cause` the last one.
 *
 * @example
 * try { await shop.buy(); } catch (error) { if (error instanceof RetryError) console.log(error.errors.length); }
 */
export class RetryError extends Error {
  /** The error of each failed attempt, in order. */
  readonly errors: readonly unknown[];
  /** The error of the last failed attempt. */
  declare readonly cause: unknown;

  /**
   * @param message What happened, for people.
   * @param errors The error of each failed attempt, in order; the last becomes the `cause`.
   */
  constructor(message: string, errors: readonly unknown[]) {
    super(message, { cause: errors.at(-1) });
    this.errors = errors;
  }
}

/**
 * The method and every alternative failed. `errors` holds what each threw in the order tried, the method's own first;
 * `cause` is the last of them.
 *
 * @example
 * try { await weather.forecast('Davos'); } catch (error) { if (error instanceof AllFailedError) log(error.errors); }
 */
export class AllFailedError extends AggregateError {
  /** What each threw, in the order tried, the method's own first. */
  declare readonly errors: AggregateError['errors'];
  /** What the last of them threw. */
  declare readonly cause: unknown;

  /**
   * @param message What happened, for people.
   * @param errors What each threw, in the order tried; the last becomes the `cause`.
   */
  constructor(message: string, errors: readonly unknown[]) {
    super(errors, message, { cause: errors.at(-1) });
  }
}

/**
 * A policy turned the call away: a limiter whose queue is full (`maxQueue`), or in which the call waited too long
 * (`maxWait`), or a circuit that lets nobody through (see `CircuitOpenError`).
 *
 * @example
 * try { await api.get(id); } catch (error) {
 *   if (error instanceof RejectedError && error.reason === 'queue-full') return busy();
 * }
 */
export class RejectedError extends Error {
  /** In how many milliseconds a call may get through; absent where that is not known. */
  declare readonly retryAfter?: number;

  /**
   * @param message What happened, for people.
   * @param policy The kind of the policy that turned the call away.
   * @param reason Why it did.
   * @param retryAfter In how many milliseconds a call may get through, where that is known.
   */
  constructor(
    message: string,
    /** The kind of the policy that turned the call away: `'rateLimit'`, `'concurrency'` … */
    readonly policy: string,
    /** Why it did. */
    readonly reason: 'queue-full' | 'wait-timeout' | 'open' | 'half-open' | 'isolated',
    retryAfter?: number,
  ) {
    super(message);
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/**
 * A circuit breaker turned the call away: the circuit is open, half-open with every probe under way, or isolated by hand.
 * `cause` holds the error that opened it, where one did.
 *
 * @example
 * try { await weather.forecast('Davos'); } catch (error) {
 *   if (error instanceof CircuitOpenError) console.log(`again in ${error.retryAfter} ms, as`, error.cause);
 * }
 */
export class CircuitOpenError extends RejectedError {
  /** What the circuit is: open, half-open with every probe under way, or isolated by hand. */
  declare readonly reason: 'open' | 'half-open' | 'isolated';
  /** What is left until a call may probe, in milliseconds; 0 when half-open, Infinity when isolated. */
  declare readonly retryAfter: number;
  /** The error that opened the circuit; undefined where none did. */
  declare readonly cause: unknown;

  /**
   * @param message What happened, for people.
   * @param reason What the circuit is.
   * @param retryAfter What is left until a call may probe, in milliseconds.
   * @param cause The error that opened the circuit.
   */
  constructor(message: string, reason: 'open' | 'half-open' | 'isolated', retryAfter: number, cause: unknown) {
    super(message, 'circuitBreaker', reason, retryAfter);
    // Hidden, as an error's cause is elsewhere.
    Object.defineProperty(this, 'cause', { value: cause, writable: true, configurable: true });
  }
}

/**
 * A call could not run in its worker, or its worker died under it: the class is not exported, an argument cannot be
 * cloned, the process exited, ran out of memory or crashed. `cause` holds what the worker said, where it said something.
 *
 * @example
 * try { await weather.simulate(42); } catch (error) { if (error instanceof WorkerError) console.log(error.message); }
 */
export class WorkerError extends Error {
  /** What the worker said, where it said something. */
  declare readonly cause?: unknown;
}

/**
 * A method that runs as a job, by `@queued` of `opero/bullmq`, did not come to an end of its own: `reason` tells what kept
 * it from that. What the method itself throws comes back as it is.
 *
 * @example
 * try { await crm.sync('north'); } catch (error) {
 *   if (error instanceof JobError && error.reason === 'lost') console.log('nobody knows whether it ran');
 * }
 */
export class JobError extends Error {
  /** What was thrown, where something was. */
  declare readonly cause?: unknown;

  /**
   * @param message What happened, for people.
   * @param reason What kept the job from its end.
   * @param options `cause`: what was thrown, where something was.
   */
  constructor(
    message: string,
    /**
     * `'not-serializable'`, `'too-large'`: what should have travelled cannot. `'not-queued'`: Redis did not take it. `'lost'`:
     * the queue knows nothing of it any more. `'malformed'`, `'unknown-method'`: who got it cannot read it, or does not
     * serve that method. `'failed'`: it failed without its method, as one that stalls again and again. `'lock-lost'`: the
     * worker that ran it has lost its lock, so that it may run elsewhere too.
     */
    readonly reason:
      | 'not-serializable'
      | 'too-large'
      | 'not-queued'
      | 'lost'
      | 'malformed'
      | 'unknown-method'
      | 'failed'
      | 'lock-lost',
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * An attempt, or a whole call, took longer than `@timeout` allows. What still runs then comes to nothing.
 *
 * @example
 * try { await weather.forecast('Davos'); } catch (error) {
 *   if (error instanceof TimeoutError) console.log(`${error.scope}: over ${error.timeout} ms`);
 * }
 */
export class TimeoutError extends Error {
  /** With `total`, the error of the last attempt, where one had failed. */
  declare readonly cause?: unknown;

  /**
   * @param message What happened, for people.
   * @param timeout The time that was allowed, in milliseconds.
   * @param scope Whether that was for one attempt or for the whole call.
   * @param options `cause`: the error of the last attempt, where one had failed.
   */
  constructor(
    message: string,
    /** The time that was allowed, in milliseconds. */
    readonly timeout: number,
    /** Whether that was for one attempt or for the whole call. */
    readonly scope: 'attempt' | 'total',
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * A store that many processes share, as Redis, could not be asked, and the call may not go on without it; or it was closed.
 * `cause` holds what went wrong, where something did.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (error instanceof StoreError) return log(error.cause); }
 */
export class StoreError extends Error {
  /** What went wrong, where something did. */
  declare readonly cause?: unknown;
}

/**
 * A running call held a slot of a limit in a store, and this process could not renew its lease in time: another process may
 * have the slot by now. It is the reason of `currentCall().signal`.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (error instanceof LeaseLostError) return log('undone'); }
 */
export class LeaseLostError extends Error {}

/**
 * One item failed; stands in the place of its result under `onError: 'collect'`.
 *
 * @example
 * const results = await processAll(shop, 'buy', items, { onError: 'collect' });
 * for (const each of results) if (each instanceof ItemError) console.log(each.index, each.item, each.cause);
 */
export class ItemError<Item = unknown> extends Error {
  /**
   * @param item The item that failed.
   * @param index Its place among the items, from 0.
   * @param cause What it failed with.
   */
  constructor(
    /** The item that failed. */
    readonly item: Item,
    /** Its place among the items, from 0. */
    readonly index: number,
    /** What it failed with. */
    override readonly cause: unknown,
  ) {
    super(`item ${index} failed: ${describe(cause)}`);
  }
}

/** What was thrown, in a few words; an object that is no error may lack a way to become text. */
const describe = (thrown: unknown): string => {
  try {
    if (isError(thrown)) return String(thrown.message);
    return typeof thrown === 'object' ? node('node:util').inspect(thrown, { depth: 0 }) : String(thrown);
  } catch {
    return 'with something that cannot be read';
  }
};

// On the prototypes, so that an error has no field of that name; and not in the classes, which bundlers would rename.
const named = {
  ConfigurationError,
  RetryError,
  AllFailedError,
  RejectedError,
  CircuitOpenError,
  WorkerError,
  JobError,
  TimeoutError,
  ItemError,
  StoreError,
  LeaseLostError,
};
for (const [name, type] of Object.entries(named)) {
  type.prototype.name = name;
  tagError(type, name);
}

/** The error classes of opero, in an order of their own. */
export const ownErrors: readonly ErrorClass[] = Object.values<unknown>(named) as ErrorClass[];
