import { MessageChannel } from 'node:worker_threads';
import { Tinypool } from 'tinypool';
import { longestDelay } from '../core/call/clock.js';
import type { Attempt } from './attempt.js';
import { type Carrier, Delivery } from './delivery.js';
import { execArgvOf } from './exec-argv.js';
import type { PoolOptions } from './pool-options.js';
import type { Post } from './post.js';
import type { TaskMessage, TaskReply } from './protocol.js';
import { Trace } from './trace.js';
import { endWithProgram, type PoolWorker, WatchedWorker, WorkerExit } from './watched-worker.js';

/** A task on its way. */
export interface Run {
  /** Rejects, where a worker was at it, once that is gone: with a WorkerDeath if nobody stopped it. */
  readonly reply: Promise<TaskReply>;
  /** Whether the task went to a worker, or is ready to: nothing in it kept it from being sent. */
  readonly isTaken: boolean;
  /** Takes the task back: from the queue, or by stopping its worker. The reply rejects. */
  stop(): void;
}

type RunOptions = NonNullable<Parameters<Tinypool['run']>[1]>;

/** How many more workers than there may be at once may die on a task that they have not begun. */
const spareDeaths = 8;

/**
 * A tinypool, and what it does not do by itself: see a worker that exits without an error, tell when a stopped worker is
 * gone, keep the program alive while a worker starts for a task, survive a worker that fails to start, and give a task
 * to another worker where one dies that has not begun it.
 */
export class Pool implements Carrier {
  readonly maxDeaths: number;
  readonly #pool: Tinypool;
  readonly #isProcess: boolean;
  /** Every worker that has not exited. */
  readonly #workers = new Map<PoolWorker, WatchedWorker>();
  /** The tasks under way. */
  readonly #deliveries = new Set<Delivery>();
  /** Those for which a worker was started. */
  readonly #held = new Set<Delivery>();
  /** Those that no thread writes to any more. */
  readonly #traces: Trace[] = [];
  readonly #alive = new MessageChannel().port1;

  constructor(options: PoolOptions) {
    this.#isProcess = options.runtime === 'child_process';
    this.maxDeaths = options.maxWorkers + spareDeaths;
    this.#pool = new Tinypool({
      filename: new URL('./entry.js', import.meta.url).href,
      runtime: options.runtime,
      minThreads: options.minWorkers,
      maxThreads: options.maxWorkers,
      idleTimeout: Math.min(options.idleTimeout, longestDelay),
      // On deno a thread that waits by `Atomics` does not get what is posted to it, and waits for ever.
      useAtomics: !('Deno' in globalThis),
      ...execArgvOf(this.#isProcess),
      // A child process gets what is given and nothing else, and would speak JSON. The environment is copied at its start.
      ...(this.#isProcess && { env: process.env as Record<string, string>, serialization: 'advanced' as const }),
      ...(options.resourceLimits !== undefined && { resourceLimits: options.resourceLimits }),
    });
    // Each worker is listened to by itself.
    this.#pool.on('error', () => {});
    // A port with a listener keeps the program alive while it is held.
    this.#alive.on('message', () => {});
    this.#alive.unref();
    this.observe();
  }

  /** Runs a task; `onSent` is called once it is posted to its worker, which may have to start before. */
  run(task: TaskMessage, transferList: readonly object[], onSent: () => void): Run {
    const trace = this.#isProcess ? undefined : (this.#traces.pop() ?? new Trace());
    const post = { task: { ...task, ...(trace && { trace: trace.memory }) }, transferList: [...transferList] };
    const delivery = new Delivery(this, post, trace, onSent);
    this.#deliveries.add(delivery);
    delivery.send();
    return delivery;
  }

  /** Ends all workers; to be called when no task is under way. */
  async destroy(): Promise<void> {
    const ended = this.#pool.destroy();
    for (const worker of this.#workers.values()) worker.insist();
    await ended;
    this.#alive.close();
  }

  send({ task, transferList }: Post, attempt: Attempt): Promise<TaskReply | null> {
    return this.#pool.run(task, { signal: attempt, channel: attempt, transferList } as unknown as RunOptions);
  }

  isLive({ worker }: WatchedWorker): boolean {
    return this.#pool.threads.includes(worker);
  }

  hold(delivery: Delivery): void {
    this.#held.add(delivery);
    this.#alive.ref();
  }

  forget(delivery: Delivery, trace?: Trace): void {
    trace?.clear();
    if (trace !== undefined) this.#traces.push(trace);
    this.#deliveries.delete(delivery);
    if (this.#held.delete(delivery) && this.#held.size === 0) this.#alive.unref();
  }

  /** Watches the workers that were not there at the last look. */
  observe(): void {
    for (const worker of this.#pool.threads as PoolWorker[]) {
      if (this.#workers.has(worker)) continue;
      if (worker.process !== undefined) endWithProgram(worker.process);
      const watched = new WatchedWorker(worker);
      this.#workers.set(worker, watched);
      worker.on('error', (error: unknown) => this.#onError(watched, error));
      void watched.end.then(() => this.#workers.delete(worker));
      worker.once('exit', () => {
        // A thread that exits says so to nobody: its task would wait for ever.
        if (this.isLive(watched)) worker.emit('error', new WorkerExit());
      });
    }
  }

  /** A worker died. If it was starting for a task, that has nobody left to run it. */
  #onError(worker: WatchedWorker, error: unknown): void {
    this.observe();
    const waiting = [...this.#deliveries].filter((each) => each.isWaiting);
    const busy = [...this.#deliveries].filter((each) => each.worker !== undefined && this.isLive(each.worker));
    const excess = waiting.length - (this.#pool.threads.length - busy.length);
    for (const delivery of waiting.slice(0, Math.max(0, excess))) delivery.lose(worker, error);
  }
}
