import { Alarm, now } from '../core/call/clock.js';
import { JobError } from '../core/errors.js';
import { decodeFailure } from './message.js';
import type { Entry } from './stream-reader.js';

/** How many aborts are remembered of jobs that do not run here, or not yet. */
const mostRemembered = 10_000;

/** One job that runs here. */
export class RunningJob {
  hasLostLock = false;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(
    /** Whether somebody waits for it, who may abort it. */
    readonly isCall: boolean,
    /** Until when its lock holds, by this side's own clock. */
    public lockedUntil: number,
  ) {}

  /** Made when it is first asked for: most methods never do, and it costs more than all else of a job here. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }

  throwIfAborted(): void {
    if (this.#aborted !== undefined) this.signal.throwIfAborted();
  }
}

/** The jobs of one queue that run in this process: each has a signal, which aborts with its call, and with its lock. */
export class RunningJobs {
  readonly #running = new Map<string, RunningJob>();
  readonly #aborted = new Map<string, unknown>();
  readonly #alarm = new Alarm(() => this.#lookAtLocks(), false);
  #onIdle: (() => void)[] = [];
  readonly #label: string;
  readonly #lockDuration: number;

  constructor(queue: string, lockDuration: number) {
    this.#label = `the queue '${queue}'`;
    this.#lockDuration = lockDuration;
  }

  begin(id: string, isCall: boolean): RunningJob {
    const job = new RunningJob(isCall, now() + this.#lockDuration);
    this.#running.set(id, job);
    // Its caller may have left before it began.
    if (isCall && this.#aborted.has(id)) job.abort(this.#aborted.get(id));
    if (!this.#alarm.isSet) this.#alarm.set(this.#lockDuration);
    return job;
  }

  end(id: string, job: RunningJob): void {
    // It may run here again, after it was taken for dead.
    if (this.#running.get(id) === job) this.#running.delete(id);
    if (!this.isIdle) return;
    this.#alarm.clear();
    for (const told of this.#onIdle.splice(0)) told();
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Settles once no job runs here. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Callers have left their jobs. */
  abort(entries: readonly Entry[]): void {
    for (const { fields } of entries) {
      const id = fields.get('job');
      if (id === undefined) continue;
      const reason = reasonOf(fields.get('reason'), this.#label);
      this.#aborted.set(id, reason);
      const [oldest] = this.#aborted.keys();
      if (this.#aborted.size > mostRemembered && oldest !== undefined) this.#aborted.delete(oldest);
      const job = this.#running.get(id);
      if (job?.isCall) job.abort(reason);
    }
  }

  /** The locks of these jobs were renewed. */
  renewed(ids: readonly string[]): void {
    const until = now() + this.#lockDuration;
    for (const id of ids) {
      const job = this.#running.get(id);
      if (job !== undefined) job.lockedUntil = until;
    }
  }

  /** The locks of these jobs are lost: others may run them now. */
  lost(ids: readonly string[]): void {
    for (const id of ids) {
      const job = this.#running.get(id);
      if (job === undefined || job.hasLostLock) continue;
      job.hasLostLock = true;
      const problem = 'its worker has lost the lock of the job, so that it may run elsewhere too';
      job.abort(new JobError(`a job of ${this.#label}: ${problem}`, 'lock-lost'));
    }
  }

  #lookAtLocks(): void {
    const time = now();
    const all = [...this.#running];
    this.lost(all.filter(([, { lockedUntil }]) => lockedUntil <= time).map(([id]) => id));
    const held = all.map(([, { lockedUntil }]) => lockedUntil).filter((until) => until > time);
    if (held.length > 0) this.#alarm.set(Math.min(...held) - time);
  }
}

function reasonOf(text: string | undefined, label: string): unknown {
  try {
    return decodeFailure(JSON.parse(text ?? ''), { label, classes: [], maxBytes: 0 }, '');
  } catch {
    return new DOMException('This operation was aborted', 'AbortError');
  }
}
