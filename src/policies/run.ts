import type { Call } from '../core/call/call.js';
import { ChildCall } from '../core/call/child-call.js';
import type { SignalPlace } from '../core/call/signal-place.js';

/** Whoever does not wait for a run has nothing to do with how it fails. */
export const ignore = (): void => {};

/** What begins runs, for a call, and is told of their ends. */
export interface RunOwner {
  readonly call: Call;
  readonly signalAt: SignalPlace | undefined;
  endOf(run: Run): void;
}

/** One run of what lies beneath. */
export class Run extends ChildCall {
  /** What `next` gave for it. */
  private shown: Promise<unknown> | undefined = undefined;
  private hasFailed = false;

  constructor(
    readonly startedBy: RunOwner,
    args: readonly unknown[],
    /** A signal of its own among the arguments. */
    readonly givenSignal: AbortSignal | undefined,
  ) {
    super(startedBy.call, args, givenSignal);
  }

  override get signalAt(): SignalPlace | undefined {
    return this.startedBy.signalAt;
  }

  /** Without a signal of its own it ends with the call that it is a part of, and needs none beyond that of the call. */
  override get signal(): AbortSignal | undefined {
    return this.givenSignal === undefined ? this.parent.signal : super.signal;
  }

  override get passedArgs(): readonly unknown[] {
    const { parent } = this;
    if (this.givenSignal === undefined && !(parent instanceof ChildCall)) return this.args;
    return super.passedArgs;
  }

  override get isWatched(): boolean {
    return this.givenSignal !== undefined || this.parent.isWatched;
  }

  override ended(hasFailed: boolean): void {
    this.hasFailed = hasFailed;
    this.startedBy.endOf(this);
    if (hasFailed) this.shown?.catch(ignore);
  }

  /**
   * Tells which promise stands for it. Only when it has failed is that marked as seen: while it is pending, whoever awaits it
   * must be the only one, or else is not in the stacks of errors.
   */
  show(promise: Promise<unknown>): Promise<unknown> {
    this.shown = promise;
    if (this.hasFailed) promise.catch(ignore);
    return promise;
  }
}
