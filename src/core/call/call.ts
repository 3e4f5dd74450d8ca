import type { AnyFunction } from '../types.js';
import { Alarm } from './clock.js';

/**
 * What `currentCall()` tells.
 *
 * @example
 * const { attempt, signal, error }: CurrentCall = currentCall();
 */
export interface CurrentCall {
  /** The attempt that runs, from 1; in a fallback, the number of attempts that led to it. */
  readonly attempt: number;
  /**
   * The signal to pass on; undefined when nobody can cancel. In a run over many items, it follows that of the run and the
   * item's own until the call has ended.
   */
  readonly signal: AbortSignal | undefined;
  /** The error of the attempt before, or the one that led to this fallback; undefined on a first attempt. */
  readonly error: unknown;
}

/** A permit to start, which is told of the start that it is used for, or goes back unused. */
export interface Permit {
  /** The method's own code is about to be entered. Gives the time to tell `start`; Infinity where that does not matter. */
  enter(): number;
  /** The method's own code has been entered, at this time or a little later. */
  start(enteredAt: number): void;
  give(): void;
}

/** A place to run in, which goes back once the work has ended. */
export interface Slot {
  give(): void;
}

/** How an attempt ended: with a value, or with an error. */
export interface AttemptEnd {
  readonly failed: boolean;
  readonly result: unknown;
}

/** A wait that an abort cuts short. */
export interface Wait {
  leave(reason: unknown): void;
}

/** One call on its way through a pipeline. */
export class Call implements CurrentCall {
  /** One that never ends: with the last of them the engine would drop their hidden class, and the code made for it. */
  static readonly idle = new Call(() => {}, undefined, [], undefined, undefined);

  attempt = 1;
  error: unknown = undefined;
  aborted = false;
  /** Settles the call's promise at an abort, whatever still runs beneath. */
  onAbort: ((reason: unknown) => void) | undefined = undefined;
  /** What the call waits in; it waits in one place at a time. */
  waiting: Wait | undefined = undefined;
  /** The permit of a rate limit that the attempt has and has not used yet. */
  permit: Permit | undefined = undefined;
  /** The slot of a concurrency limit that the attempt holds. */
  slot: Slot | undefined = undefined;
  /** When the call began, where a policy asked for that. */
  beganAt = 0;
  /** How the latest attempt ended, where that is not yet how the call ends. */
  attemptEnd: AttemptEnd | undefined = undefined;
  /** The call whose code this one was entered from. */
  #outer: CurrentCall | undefined = undefined;

  constructor(
    readonly fn: AnyFunction,
    readonly self: unknown,
    readonly args: readonly unknown[],
    readonly signal: AbortSignal | undefined,
    readonly handoff: Handoff | undefined,
  ) {
    if (handoff !== undefined) this.error = handoff.error;
  }

  /** The method's own code is entered: until `leave`, `currentCall()` tells of this call. */
  enter(): void {
    this.#outer = current;
    current = this;
  }

  leave(): void {
    current = this.#outer;
    this.#outer = undefined;
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.onAbort?.(reason);
    this.waiting?.leave(reason);
  }
}

/** What a caller inside opero hands to a decorated call that it makes, beyond its arguments. */
export interface Handoff {
  /** The receiver of the call that it is for. */
  readonly self: unknown;
  /** The name of its method, where foreign code may stand between; undefined for whichever is called next. */
  readonly to?: PropertyKey;
  readonly signal?: AbortSignal | undefined;
  readonly error?: unknown;
  /** What stands in for one another above the call: methods, alternatives, and where the policies were declared. */
  readonly chain?: readonly unknown[];
  /** The run over many items that the call belongs to, if its items may travel together. */
  readonly batch?: BatchPlan | undefined;
  /** Told of the error before the call rejects, and before others get on with what it held. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** How many items of one run travel to workers together; kept up to date by the side that sends them. */
export interface BatchPlan {
  /** How many workers may be at it at once. */
  readonly lanes: number;
  /** How many items may be under way. */
  readonly most: number;
  /** How many items there should be under way, so that no worker waits for work. */
  wanted: number;
}

let current: CurrentCall | undefined;
let handoff: Handoff | undefined;

/** Runs `fn`, and hands this to the call that it is for, if `fn` makes that at once. */
export function handOver<Result>(given: Handoff, fn: () => Result): Result {
  const outer = handoff;
  handoff = given;
  try {
    return fn();
  } finally {
    handoff = outer;
  }
}

/** What was handed to this call; no later one gets it. */
export function takeHandoff(self: unknown, name: PropertyKey): Handoff | undefined {
  const given = handoff;
  if (given === undefined || given.self !== self || (given.to !== undefined && given.to !== name)) return undefined;
  handoff = undefined;
  return given;
}

/** Calls `fn` with `currentCall()` telling of `frame` until its first `await`. Always gives a promise. */
export function enter(
  frame: CurrentCall | undefined,
  fn: AnyFunction,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  const outer = current;
  current = frame;
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
 *   return fetch(this.url(id, { mirror: attempt - 1 }), { signal });
 * }
 */
export function currentCall(): CurrentCall {
  if (current === undefined) {
    throw new Error(
      'currentCall() knows only the call that is being entered: call it inside a decorated method or a fallback, before the first `await`, and keep what it returns',
    );
  }
  const { attempt, signal, error } = current;
  return { attempt, signal, error };
}

/** A pause in milliseconds that an abort of the call cuts short, and that keeps the program alive. */
export function pause(call: Call, delay: number): Promise<void> {
  if (call.aborted) return Promise.reject(call.signal?.reason);
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(() => {
      call.waiting = undefined;
      resolve();
    }, true);
    alarm.set(delay);
    call.waiting = {
      leave(reason) {
        call.waiting = undefined;
        alarm.clear();
        reject(reason);
      },
    };
  });
}
