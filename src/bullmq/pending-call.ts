import type { AttemptTrace, Call, Wait } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { now } from '../core/call/clock.js';
import type { Timed } from '../core/call/deadlines.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Start } from '../core/call/step.js';
import { callIdOf, tellOfRejection } from '../core/call/tell.js';
import { JobError, RejectedError } from '../core/errors.js';
import type { CallOutcome } from '../core/events.js';
import type { JobStats } from '../telemetry/jobs.js';
import { areJobsTold, tellOfJob } from './events.js';
import { holdProgram, inTime, releaseLater } from './hold.js';
import { type JobData, type Outcome, readOutcome } from './message.js';
import type { JobState } from './scripts.js';
import { silence } from './sweep.js';
import { type Carrier, traceHere } from './trace-context.js';
import type { CallQueue, WaitingCall } from './waiting-call.js';

/** How long Redis may take to tell whether a job was taken, in milliseconds. */
const patience = 5_000;

/** What ends a call: its worker's answer, that its job is gone, that no worker came in time, or anything else. */
type EndedBy = 'done' | 'lost' | 'rejected' | 'failed';

const ignore = (): void => {};

/** A call whose job is in a queue, or on its way there, until its outcome is known. */
export class PendingCall implements Wait, Timed, WaitingCall {
  readonly outcome: Promise<Outcome>;
  /** When it asks for its job, if it hears nothing until then. */
  askAt = Number.POSITIVE_INFINITY;
  isSettled = false;
  /** What is told of the attempt, where somebody wants to know. */
  attempt: AttemptTrace | undefined;
  /** The trace that goes with its job. */
  trace: Carrier | undefined;
  /** Whether nobody waits for it any more. */
  #isLeft = false;
  /** Whether its worker knows of that. */
  #isTold = false;
  #isAdded = false;
  /** When it began, if somebody was to be told. */
  #begunAt: number | undefined;
  #endedBy: EndedBy = 'failed';
  readonly #release = holdProgram();
  #resolve!: (outcome: Outcome) => void;
  #reject!: (error: unknown) => void;

  dueAt = Number.POSITIVE_INFINITY;
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;

  constructor(
    readonly queue: CallQueue,
    readonly call: Call,
    readonly site: SiteInfo,
    /** The id of its job. */
    readonly id: string,
    readonly stats: JobStats,
    readonly data: JobData,
    /** To be told that it has ended. */
    readonly onEnd: (call: PendingCall) => void,
  ) {
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Its job is on its way, which is its start. */
  begin(start: Start | undefined): void {
    const { call, site } = this;
    site.stats.attempts++;
    site.stats.running++;
    this.stats.waiting++;
    if (areJobsTold()) this.#begunAt = now();
    call.started();
    const travel = (): void => {
      this.trace = traceHere();
    };
    this.attempt = call.trace?.enter(call);
    if (this.attempt === undefined) travel();
    else this.attempt.sent(travel);
    start?.entering(call);
    call.starting?.afterStart(now());
    call.starting = undefined;
    call.waiting = this;
  }

  /** Its job is in the queue. */
  added(): void {
    this.#isAdded = true;
    this.stats.sent++;
    this.tell('queued');
    if (this.isSettled) void this.queue.cancel(this.id, undefined).catch(ignore);
    else this.hear();
  }

  /** There was news of its job. */
  hear(): void {
    this.askAt = now() + silence;
    if (this.#isLeft && !this.#isTold && this.#isAdded) this.#cancel();
  }

  /** What its worker wrote came. */
  receive(text: string): void {
    const outcome = readOutcome(text);
    if (outcome !== undefined) {
      this.#end(() => this.#resolve(outcome), 'done');
    } else this.fail(new JobError(`${this.site.label}: the outcome of its job cannot be read`, 'malformed'));
  }

  fail(error: unknown, by: EndedBy = 'failed'): void {
    this.#end(() => this.#reject(error), by);
  }

  /** Tells of its job those who want to know. */
  tell(state: string): void {
    if (areJobsTold()) tellOfJob(state, this.stats, { callId: callIdOf(this.call), jobId: this.id });
  }

  /** Counts, and tells, what its call has come to; `error` is what it rejects with. */
  ended(error: unknown, hasFailed: boolean): void {
    const { stats, call, id: jobId } = this;
    const outcome = hasFailed ? this.#failure : 'ok';
    stats.waiting--;
    if (outcome === 'lost') stats.lost++;
    else if (hasFailed && outcome !== 'aborted') stats.failed++;
    if (!areJobsTold()) return;
    const duration = this.#begunAt === undefined ? undefined : now() - this.#begunAt;
    const state = this.#endedBy === 'rejected' ? 'failed' : this.#endedBy;
    tellOfJob(state, stats, { callId: callIdOf(call), jobId, outcome, duration, error });
  }

  get #failure(): CallOutcome | 'lost' {
    if (this.call.aborted) return 'aborted';
    return this.#endedBy === 'lost' || this.#endedBy === 'rejected' ? this.#endedBy : 'error';
  }

  look(): Promise<JobState> {
    return this.queue.look(this.id);
  }

  /** Its job is not there any more, or has ended, and nobody wrote what came of it. */
  endBy(state: JobState): void {
    const { label } = this.site;
    if (!state.isThere) {
      const problem = `the queue '${this.queue.name}' knows nothing of its job any more; it may have run`;
      const lost = new JobError(`${label}: ${problem}`, 'lost');
      this.fail(lost, 'lost');
    } else if (state.failedReason === '') this.receive(`{"value":${state.returnValue || 'null'}}`);
    else if (state.error !== '') this.receive(state.error);
    else this.fail(new JobError(`${label}: its job failed: ${textOf(state.failedReason)}`, 'failed'));
  }

  /** The call was given up; what it holds it keeps until its job has ended. */
  leave(): void {
    if (this.isSettled || this.#isLeft) return;
    this.#isLeft = true;
    this.site.stats.abandoned++;
    if (this.#isAdded) this.#cancel();
    else if (!this.queue.isOnItsWay(this.id)) this.fail(this.call.reason);
    releaseLater(this.#release);
  }

  /** No worker took it for as long as it may wait. */
  expire(): void {
    if (this.isSettled || this.#isLeft) return;
    if (this.#isAdded) void this.#giveUpWaiting();
    else this.#turnAway();
  }

  async #giveUpWaiting(): Promise<void> {
    const asking = this.#wasTaken();
    asking.catch(ignore);
    const wasTaken = await inTime(asking, patience).catch(() => undefined);
    if (!this.isSettled && wasTaken !== true) this.#turnAway();
  }

  /** Whether a worker has taken its job; if not, it is out of the queue now. */
  async #wasTaken(): Promise<boolean> {
    const state = await this.look();
    if (state.wasTaken || !state.isThere) return true;
    if (!(await this.queue.remove(this.id))) return true;
    // It may have been taken, and ended, in between.
    await this.queue.readReplies();
    return false;
  }

  #turnAway(): void {
    const { site } = this;
    site.stats.rejected++;
    const problem = `no worker of the queue '${this.queue.name}' took its job within maxWait`;
    const rejection = ownError(new RejectedError(`${site.label}: ${problem}`, 'queued', 'wait-timeout'), site);
    if (channels.reject.hasSubscribers) tellOfRejection(rejection, this.call, site);
    this.fail(rejection, 'rejected');
  }

  /** Takes its job out of the queue, or has its worker told. */
  #cancel(): void {
    this.#isTold = true;
    this.queue.cancel(this.id, this.call.reason).then(
      (wasRemoved) => {
        if (wasRemoved) this.fail(this.call.reason);
        else this.#release();
      },
      () => {
        this.#isTold = false;
      },
    );
  }

  #end(settle: () => void, by: EndedBy): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#endedBy = by;
    const { call, site } = this;
    call.waiting = undefined;
    site.stats.running--;
    if (this.#isLeft) site.stats.abandoned--;
    this.onEnd(this);
    this.#release();
    if (call.aborted) this.#reject(call.reason);
    else settle();
  }
}

/** BullMQ keeps reasons as JSON in some places, and as they are in others. */
function textOf(reason: string): string {
  try {
    const text: unknown = JSON.parse(reason);
    return typeof text === 'string' ? text : reason;
  } catch {
    return reason;
  }
}
