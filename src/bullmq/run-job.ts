import type { IRedisClient, Job } from 'bullmq';
import { enter } from '../core/call/current-call.js';
import { withSignal } from '../core/call/signals.js';
import { JobError } from '../core/errors.js';
import { show } from '../core/options.js';
import { isError } from '../core/realm.js';
import type { BullMQ } from './connection.js';
import {
  decodeArgs,
  decodeFailure,
  encodeFailure,
  encodeResult,
  type JobData,
  readJob,
  replyOf,
  type Terms,
} from './message.js';
import { ReplyWriter } from './reply-writer.js';
import type { RunningJob, RunningJobs } from './running-jobs.js';
import { inJob, queueKey } from './scope.js';
import { inOrder, noteError } from './scripts.js';
import type { ServedMethod, ServedMethods } from './served-methods.js';
import { withTrace } from './trace-context.js';
import { watched } from './watched-run.js';

/** What jobs that cannot be read are told with. */
const unread: Terms = { label: 'a job', classes: [], maxBytes: 2 ** 20 };

/** Runs the jobs of one queue. */
export class JobRunner {
  /** The jobs that came here: of others it is the worker that tells what became of them. */
  readonly #seen = new WeakSet<Job>();
  readonly #queue: string;
  readonly #replies: ReplyWriter;

  constructor(
    readonly bullmq: BullMQ,
    readonly client: IRedisClient,
    readonly methods: ServedMethods,
    readonly running: RunningJobs,
    /** The key of a job in Redis. */
    readonly keyOf: (id: string) => string,
  ) {
    this.#replies = new ReplyWriter(client);
    this.#queue = queueKey(methods.prefix, methods.name);
  }

  /** Runs a job; gives, or throws, what BullMQ is to keep of it. Whoever waits is told first. */
  async run(job: Job): Promise<unknown> {
    this.#seen.add(job);
    const id = String(job.id);
    const reply = replyOf(job.data);
    const running = this.running.begin(id, reply !== undefined);
    let terms = unread;
    try {
      const data = readJob(job.data);
      const method = this.methods.find(data);
      terms = method.terms;
      const value = await watched(method.stats, id, () => this.#enter(job, data, method, running));
      const encoded = encodeResult(value, terms);
      await this.#tell(reply, id, { value: encoded });
      return encoded;
    } catch (error) {
      await this.#fail(job, error, terms, running);
      throw this.#forBullMQ(error, reply !== undefined);
    } finally {
      this.running.end(id, running);
    }
  }

  /** BullMQ has failed a job that never came here, as it stalled again and again. */
  async failed(job: Job | undefined, error: Error): Promise<void> {
    if (job === undefined || this.#seen.has(job)) return;
    const { message } = error;
    const failure = new JobError(`${job.name}: its job failed before it was run: ${message}`, 'failed');
    await this.#tell(replyOf(job.data), String(job.id), { error: encodeFailure(failure, unread) });
  }

  #enter(job: Job, data: JobData, method: ServedMethod, running: RunningJob): Promise<unknown> {
    const { self, fn, terms, signalAt } = method;
    running.throwIfAborted();
    const signal = (): AbortSignal => running.signal;
    const given = decodeArgs(data.args, terms.label, signal);
    const args = signalAt === undefined ? given : withSignal(given, signalAt, signal);
    const frame = {
      attempt: data.attempt ?? job.attemptsMade + 1,
      hedge: data.hedge ?? 0,
      get signal() {
        return running.signal;
      },
      error: data.error === undefined ? undefined : decodeFailure(data.error, terms, ''),
      jobId: String(job.id),
    };
    return inJob(this.#queue, () => withTrace(data.trace, () => enter(frame, fn, self, args)));
  }

  async #fail(job: Job, error: unknown, terms: Terms, { hasLostLock }: RunningJob): Promise<void> {
    const reply = replyOf(job.data);
    if (reply === undefined) return;
    const id = String(job.id);
    const encoded = { error: encodeFailure(error, terms) };
    await inOrder(this.client, noteError(this.client, this.keyOf(id), JSON.stringify(encoded)));
    // It may run elsewhere now: what comes of that counts, and not that it was aborted here.
    if (!hasLostLock) await this.#tell(reply, id, encoded);
  }

  /** Writes what came of a job to whoever waits for it. */
  async #tell(reply: string | undefined, id: string, outcome: object): Promise<void> {
    if (reply !== undefined) await this.#replies.write(reply, id, outcome);
  }

  /** What BullMQ keeps of an error: some names and messages mean something to it. */
  #forBullMQ(error: unknown, isCall: boolean): Error {
    const { message, stack, isOver } = factsOf(error);
    const text = /^bullmq:/.test(message) ? `the method threw: ${message}` : message;
    const kept = isOver && !isCall ? new this.bullmq.UnrecoverableError(text) : new Error(text);
    if (typeof stack === 'string' && stack !== '') Object.defineProperty(kept, 'stack', { value: stack });
    return kept;
  }
}

/** What counts for BullMQ of anything thrown; `isOver`: to try again would be in vain. A proxy may refuse to be asked. */
function factsOf(error: unknown): { readonly message: string; readonly stack?: string; readonly isOver: boolean } {
  try {
    if (!isError(error)) return { message: show(error), isOver: false };
    const { message, stack = '', name } = error;
    return { message: String(message), stack, isOver: error instanceof JobError || name === 'UnrecoverableError' };
  } catch {
    return { message: 'something that cannot be read', isOver: false };
  }
}
