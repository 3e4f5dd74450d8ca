import type { Call } from '../core/call/call.js';
import { now } from '../core/call/clock.js';
import type { SiteInfo } from '../core/call/policy.js';
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

  /** The job goes to a worker, which is its start. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.site.stats.attempts++;
    this.site.stats.running++;
    this.call.started();
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
