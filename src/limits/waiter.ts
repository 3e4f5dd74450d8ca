import { Call, type Wait } from '../core/call/call.js';
import type { Timed } from '../core/call/deadlines.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Around } from '../core/call/step.js';
import { type Ask, oneInTurn } from './ask.js';
import type { Place, Standing } from './line.js';

/**
 * What every limiter lets its users say about waiting.
 *
 * @example
 * const queue: QueueConfig = { maxQueue: 100, maxWait: 5_000 };
 */
export interface QueueConfig {
  /** How many calls may wait; one more is rejected. 0: nobody waits. Default Infinity. */
  readonly maxQueue?: number;
  /** How long a call may wait, in milliseconds; then it is rejected. 0: nobody waits. Default Infinity. */
  readonly maxWait?: number;
}

/** The same, filled in. */
export type QueueRules = Required<QueueConfig>;

/** How a call goes on: with what it waited for, or without. */
export type Onward = Pick<Around, 'fail'> & { readonly next: (call: Call) => unknown };

/** Whose line a waiter stands in. */
interface Admitting {
  /** A waiter gives up. */
  quit(waiter: Waiter): void;
}

/** Stands for the error of a wait that ended well. */
const none = Symbol('none');
/** Stands for the error of a wait that took too long, until the caller is there to stand in its stack. */
export const tooLate = Symbol('too late');
/** The same for a wait that one of a higher rank put an end to. */
export const pushedOut = Symbol('pushed out');

/** A call that waits in line. The fields are what its wait needs: one object and one promise for each. */
export class Waiter implements Standing, Wait {
  /** One that never waits, for the sake of their hidden class; see `Call.idle`. */
  static readonly idle = new Waiter(
    { quit() {} },
    Call.idle,
    undefined as never,
    { next() {}, fail() {} },
    { maxQueue: Number.POSITIVE_INFINITY, maxWait: Number.POSITIVE_INFINITY },
    oneInTurn,
  );

  ahead: Place = this;
  behind: Place = this;
  /** Why the wait came to nothing, or what stands for that. */
  error: unknown = none;
  resolve!: (waiter: Waiter) => void;

  constructor(
    readonly line: Admitting,
    readonly call: Call,
    readonly site: SiteInfo,
    readonly onward: Onward,
    /** The rules by which it came. */
    readonly queue: QueueRules,
    readonly ask: Ask,
  ) {}

  get isForPlace(): boolean {
    return true;
  }

  get hasFailed(): boolean {
    return this.error !== none;
  }

  leave(reason: unknown): void {
    this.reject(reason);
    this.line.quit(this);
  }

  /** Ends the wait with an error, or with what stands for one. */
  reject(error: unknown): void {
    this.error = error;
    this.settle();
  }

  /** Ends the wait: with what it was for, if with no error. */
  settle(): void {
    this.call.waiting = undefined;
    this.resolve(this);
  }
}

/** One that may wait for so long and no longer. */
export class TimedWaiter extends Waiter implements Timed {
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  dueAt = Number.POSITIVE_INFINITY;

  expire(): void {
    this.leave(tooLate);
  }
}

/** Settles when the wait ends, with the waiter itself. */
export const promiseOf = <Each extends Waiter>(waiter: Each): Promise<Waiter> =>
  new Promise((resolve) => {
    waiter.resolve = resolve;
  });
