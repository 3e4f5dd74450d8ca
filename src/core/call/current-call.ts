import type { AnyFunction } from '../types.js';

/**
 * What `currentCall()` tells.
 *
 * @example
 * const { attempt, signal, error }: CurrentCall = currentCall();
 */
export interface CurrentCall {
  /** The attempt that runs, from 1; in a fallback, the number of attempts that led to it. */
  readonly attempt: number;
  /** Which run of this attempt it is: 0 for the first, n for its n-th hedge; 0 in a fallback. */
  readonly hedge: number;
  /**
   * The signal to pass on; undefined when nobody can cancel. In a run over many items, it follows that of the run and the
   * item's own until the call has ended.
   */
  readonly signal: AbortSignal | undefined;
  /**
   * A number that has grown each time that a slot of a concurrency limit in a store came to a process, for what is guarded by
   * it to turn away those that are late; undefined without such a limit, and where the store could not be asked.
   */
  readonly fence?: number | undefined;
  /** The error of the attempt before, or the one that led to this fallback; undefined on a first attempt. */
  readonly error: unknown;
  /** The id of the job that the method runs as, where `serve` of `opero/bullmq` runs it. */
  readonly jobId?: string | undefined;
}

/** The call whose code is being entered. */
let current: CurrentCall | undefined;

/** From now on `currentCall()` tells of this call. Gives what it told of before. */
export function setCurrent(frame: CurrentCall | undefined): CurrentCall | undefined {
  const outer = current;
  current = frame;
  return outer;
}

/** Calls `fn` with `currentCall()` telling of `frame` until its first `await`. Always gives a promise. */
export function enter(
  frame: CurrentCall | undefined,
  fn: AnyFunction,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  const outer = setCurrent(frame);
  try {
    return Promise.resolve(Reflect.apply(fn, self, args));
  } catch (error) {
    return Promise.reject(error);
  } finally {
    current = outer;
  }
}

/** Calls `fn` as it is, as a part of the call that is being entered, if one is. Always gives a promise. */
export const callThrough = (fn: AnyFunction, self: unknown, args: readonly unknown[]): Promise<unknown> =>
  enter(current, fn, self, args);

/**
 * Tells a decorated method or a fallback, before its first `await`, which attempt it is, which signal to pass on, and
 * which error led here.
 *
 * @throws Error when called anywhere else: after an `await`, or outside a decorated call.
 * @example
 * \@retry(3)
 * async load(id: string, options?: { signal?: AbortSignal }) {
 *   const { attempt, signal } = currentCall();
 *   return fetch(this.url(id, { mirror: attempt - 1 }), { signal: signal ?? null });
 * }
 */
export function currentCall(): CurrentCall {
  if (current === undefined) {
    throw new Error(
      'currentCall() knows only the call that is being entered: call it inside a decorated method or a fallback, before the first `await`, and keep what it returns',
    );
  }
  const frame = current;
  const { attempt, hedge, error, jobId } = frame;
  return {
    attempt,
    hedge,
    // Some have none until somebody asks.
    get signal() {
      return frame.signal;
    },
    ...(frame.fence !== undefined && { fence: frame.fence }),
    error,
    ...(jobId !== undefined && { jobId }),
  };
}
