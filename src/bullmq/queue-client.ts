import type { JobsOptions, Queue } from 'bullmq';
import { now } from '../core/call/clock.js';
import { ConfigurationError, JobError } from '../core/errors.js';
import { isError } from '../core/realm.js';
import type { ConnectionSource } from './connection.js';
import { areJobsTold, tellOfQueue } from './events.js';
import { nextTurn } from './hold.js';
import { type Link, linkTo } from './link.js';
import { abortsKey, encodeFailure, type JobData, labelOf } from './message.js';
import type { PendingCall } from './pending-call.js';
import { appendAbort, claimJob, type JobState, lookAt } from './scripts.js';
import type { CallQueue } from './waiting-call.js';

/** How many jobs go in one message to Redis. */
const mostAtOnce = 1_000;

/** How often it is looked whether there are workers, in milliseconds at the least. */
const lookForWorkersEvery = 10_000;

const ignore = (): void => {};

/** A job that was to be added. */
interface AddedJob {
  readonly id: string;
  /** Whether it was: one of its id may wait or run already. */
  readonly isNew: boolean;
}

interface Opened {
  readonly link: Link;
  readonly queue: Queue;
}

/** One queue, as this process puts jobs into it. It connects when the first one comes. */
export class QueueClient implements CallQueue {
  #batch: PendingCall[] = [];
  readonly #onTheWay = new Set<string>();
  #opening: Promise<Opened> | undefined;
  #lookedForWorkersAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly name: string,
    readonly prefix: string,
    readonly source: ConnectionSource,
  ) {}

  /** Sends the job of a call, with those of all calls that come in this turn. */
  send(call: PendingCall): void {
    this.#batch.push(call);
    if (this.#batch.length === 1) nextTurn(() => void this.#flush());
  }

  isOnItsWay(id: string): boolean {
    return this.#onTheWay.has(id);
  }

  /**
   * Puts a job into the queue for which nobody waits.
   *
   * @throws JobError when it cannot be put there.
   */
  async add(name: string, data: JobData, options: JobsOptions): Promise<AddedJob> {
    try {
      const { link, queue } = await this.#open();
      const unwatch = link.watch.begin();
      try {
        const added = await this.#addOne(link, queue, name, data, options);
        this.#lookForWorkers(queue, (state) => tellOfQueue(state, this.name));
        return added;
      } finally {
        unwatch();
      }
    } catch (error) {
      throw notQueued(name, this.name, error);
    }
  }

  async #addOne({ client }: Link, queue: Queue, name: string, data: JobData, options: JobsOptions): Promise<AddedJob> {
    const { jobId } = options;
    if (jobId === undefined) return { id: (await queue.add(name, data, options)).id as string, isNew: true };
    const { isThere, hasEnded } = await this.look(jobId);
    if (isThere && !hasEnded) return { id: jobId, isNew: false };
    // One that has ended is in nobody's way.
    if (hasEnded) await queue.remove(jobId);
    await queue.add(name, data, options);
    return { id: jobId, isNew: await claimJob(client, queue.toKey(jobId)) };
  }

  async look(id: string): Promise<JobState> {
    const { link, queue } = await this.#open();
    return lookAt(link.client, queue.toKey(id));
  }

  async remove(id: string): Promise<boolean> {
    const { queue } = await this.#open();
    return (await queue.remove(id)) === 1;
  }

  async readReplies(): Promise<void> {
    await (await this.#open()).link.readReplies();
  }

  async cancel(id: string, reason: unknown): Promise<boolean> {
    if (await this.remove(id)) return true;
    const { link, queue } = await this.#open();
    const terms = { label: this.name, classes: [], maxBytes: 10_000 };
    const told = JSON.stringify(encodeFailure(reason, terms));
    await appendAbort(link.client, abortsKey(queue.qualifiedName), id, told);
    return false;
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#connect().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #connect(): Promise<Opened> {
    const link = await linkTo(this.source);
    link.requireSlot(this.prefix, this.name);
    const queue = new link.bullmq.Queue(this.name, { connection: link.client, prefix: this.prefix });
    queue.on('error', (error) => tellOfQueue('error', this.name, error));
    return { link, queue };
  }

  async #flush(): Promise<void> {
    const calls = this.#batch.splice(0, mostAtOnce).filter(({ isSettled }) => !isSettled);
    if (this.#batch.length > 0) nextTurn(() => void this.#flush());
    try {
      await this.#add(calls);
    } catch (error) {
      for (const call of calls) call.fail(notQueued(call.site.label, this.name, error));
    }
  }

  async #add(given: readonly PendingCall[]): Promise<void> {
    const { link, queue } = await this.#open();
    const calls = given.filter(({ isSettled }) => !isSettled);
    if (calls.length === 0) return;
    link.listen();
    for (const call of calls) {
      link.pending.set(call.id, call);
      this.#onTheWay.add(call.id);
    }
    const unwatch = link.watch.begin();
    try {
      await queue.addBulk(
        calls.map(({ id, data, trace }) => ({
          name: labelOf(data),
          data: { ...data, reply: link.replyKey, ...(trace !== undefined && { trace }) },
          opts: { jobId: id, attempts: 1 },
        })),
      );
    } catch (error) {
      // Some of them may be in the queue.
      for (const { id } of calls) queue.remove(id).catch(ignore);
      throw error;
    } finally {
      unwatch();
      for (const { id } of calls) this.#onTheWay.delete(id);
    }
    for (const call of calls) call.added();
    link.sweep.begin();
    const [first] = calls;
    this.#lookForWorkers(queue, (state) => first?.tell(state));
  }

  /** Tells at once, where anybody wants to know, that there is no worker to take the jobs. */
  #lookForWorkers(queue: Queue, told: (state: string) => void): void {
    if (!areJobsTold() || now() - this.#lookedForWorkersAt < lookForWorkersEvery) return;
    this.#lookedForWorkersAt = now();
    queue.getWorkersCount().then((count) => {
      if (count === 0) told('no-worker');
    }, ignore);
  }

  /** The call has ended: nobody asks for its job any more. */
  forget(call: PendingCall): void {
    void this.#opening?.then(({ link }) => link.pending.delete(call.id), ignore);
  }
}

function notQueued(label: string, queue: string, cause: unknown): unknown {
  if (cause instanceof ConfigurationError) return cause;
  const why = isError(cause) ? cause.message : String(cause);
  return new JobError(`${label}: its job could not be put into the queue '${queue}': ${why}`, 'not-queued', { cause });
}

/** The queues that there are, by where they are reached. */
const queues = new Map<unknown, Map<string, QueueClient>>();

/** The queue of a name. */
export function queueOf(name: string, prefix: string, source: ConnectionSource): QueueClient {
  const byName = queues.get(source) ?? new Map<string, QueueClient>();
  queues.set(source, byName);
  const key = `${prefix}:${name}`;
  const queue = byName.get(key) ?? new QueueClient(name, prefix, source);
  byName.set(key, queue);
  return queue;
}
