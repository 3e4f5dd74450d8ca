import type { AttemptTrace, Call } from '../core/call/call.js';
import { now } from '../core/call/clock.js';
import type { SiteInfo } from '../core/call/policy.js';
import { settle } from '../core/call/start.js';
import { admitted, type Start } from '../core/call/step.js';
import type { EncodedError, JobMessage, Outcome } from './protocol.js';

/** The call did not end, for a reason on this side: the words for a WorkerError, and its cause. */
export interface Failure {
  readonly failure: string;
  readonly error: unknown;
  /** The cause in place of `error`, where it comes from a worker. */
  readonly thrown?: EncodedError;
}

/** One call on its way to a worker. */
export class Job {
  readonly outcome: Promise<Outcome | Failure>;
  aborted = false;
  /** It goes to a worker by itself: it may be given up, or shared a batch that came to nothing. */
  alone: boolean;
  onEnd: (() => void) | undefined;
  /** What is told of the attempt, once it is the worker's. */
  attempt: AttemptTrace | undefined;
  #started = false;
  #resolve!: (outcome: Outcome | Failure) => void;
  #reject!: (error: unknown) => void;

  constructor(
    readonly call: Call,
    readonly site: SiteInfo,
    readonly module: string,
    /** The Target as JSON. */
    readonly target: string | Promise<string>,
    readonly message: JobMessage,
    /** What steps around want done as the code is entered. */
    readonly atStart?: Start | undefined,
  ) {
    this.alone = call.travelsAlone;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The job is the pool's; an abort from now on stops its worker. */
  hand(stop: () => void): void {
    this.#leaveBy(stop);
  }

  /** Goes on after a wait for what another job gave back: where that matters, once it is known what came of that one. */
  settled(run: () => unknown): unknown {
    return this.atStart === undefined ? run() : settle().then(run);
  }

  /** Whether it may go to the worker that is free now. If not, it has failed. */
  isWanted(): boolean {
    if (this.aborted) return false;
    const { call, atStart } = this;
    const refusal = atStart === undefined ? admitted : atStart.recheck(call);
    if (refusal !== admitted) this.fail(refusal);
    else if (call.aborted && !this.aborted) this.fail(call.reason);
    return refusal === admitted && !call.aborted;
  }

  /** The job goes to a worker, which is its start. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.site.stats.attempts++;
    this.site.stats.running++;
    this.call.started();
    this.attempt = this.call.trace?.enter(this.call);
    this.attempt?.sent();
    this.atStart?.entering(this.call);
    this.call.starting?.afterStart(now());
    this.call.starting = undefined;
  }

  /** The job waits to be sent; an abort from now on takes it out, and calls `onLeave`. */
  wait(onLeave: () => void): void {
    this.#leaveBy(() => {
      this.fail(this.call.reason);
      onLeave();
    });
  }

  #leaveBy(leave: () => void): void {
    this.call.waiting = {
      leave: () => {
        this.aborted = true;
        leave();
      },
    };
  }

  end(outcome: Outcome | Failure): void {
    this.#close();
    this.#resolve(outcome);
  }

  fail(error: unknown): void {
    this.#close();
    this.#reject(error);
  }

  #close(): void {
    this.call.waiting = undefined;
    if (this.#started) this.site.stats.running--;
    this.#started = false;
    this.onEnd?.();
    this.onEnd = undefined;
  }
}
