import type { ChildProcess } from 'node:child_process';
import { MessageChannel, type Transferable } from 'node:worker_threads';
import { Tinypool } from 'tinypool';
import { longestDelay } from '../core/clock.js';
import { execArgvOf } from './exec-argv.js';
import type { TaskMessage, TaskReply } from './protocol.js';

/**
 * Limits of a worker thread, in megabytes; one over a limit is ended, and only its call fails.
 *
 * @see https://nodejs.org/api/worker_threads.html#new-workerfilename-options
 * @example
 * const resourceLimits: ResourceLimits = { maxOldGenerationSizeMb: 256 };
 */
export interface ResourceLimits {
  /** The heap, in megabytes. Default: Node's own. */
  readonly maxOldGenerationSizeMb?: number;
  /** The part of the heap for what was made a moment ago, in megabytes. Default: Node's own. */
  readonly maxYoungGenerationSizeMb?: number;
  /** The memory for generated code, in megabytes. Default: Node's own. */
  readonly codeRangeSizeMb?: number;
  /** The stack, in megabytes. Default: Node's own, 4. */
  readonly stackSizeMb?: number;
}

/** What makes one pool differ from another. */
export interface PoolOptions {
  readonly maxWorkers: number;
  readonly minWorkers: number;
  readonly idleTimeout: number;
  readonly runtime: 'worker_threads' | 'child_process';
  readonly resourceLimits?: ResourceLimits;
}

/** How a worker ended: the exit code, or the signal that killed a process. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A task on its way. */
export interface Run {
  readonly reply: Promise<TaskReply>;
  /** For a task whose reply rejected: settles once its worker is gone; at once when it had none, or that one lives on. */
  readonly gone: () => Promise<WorkerEnd | undefined>;
  /** Whether the task went to a worker, or is ready to: nothing in it kept it from being sent. */
  readonly taken: () => boolean;
  /** Takes the task back: from the queue, or by stopping its worker. The reply rejects. */
  readonly stop: () => void;
}

/** What the pool gives; a worker holds the channel of its last task. */
type PoolWorker = Tinypool['threads'][number] & { readonly channel?: Channel; readonly process?: ChildProcess };
type RunOptions = NonNullable<Parameters<Tinypool['run']>[1]>;

/** How long a thread may take to end before it is terminated once more, in milliseconds; doubled each time. */
const firstPatience = 50;

/** Taken while it is the real one: fake timers have no say in when a thread ends. */
const realSetTimeout = setTimeout;

/** A task was about to be posted to a worker that is being stopped. */
class Refusal extends Error {}

/** A worker ended without saying why. */
export class WorkerExit extends Error {}

/** The part of an AbortSignal that tinypool listens to, without the cost of a real one for each task. */
class StopSignal {
  aborted = false;
  #listener: (() => void) | undefined;

  once(_event: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  off(): void {
    this.#listener = undefined;
  }

  /** Once is enough: tinypool fails an assertion when a task is taken back twice. */
  stop(): void {
    this.aborted = true;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.();
  }
}

/** Tells the tasks apart. A worker that is idle still holds that of its last one, which must hold nothing else by then. */
class Channel {
  #onAsked: (() => void) | undefined;

  constructor(onAsked: () => void) {
    this.#onAsked = onAsked;
  }

  /** The pool asks for this right before it posts the task. */
  get onMessage(): undefined {
    this.#onAsked?.();
    return undefined;
  }

  release(): void {
    this.#onAsked = undefined;
  }
}

/** What is posted for a task. */
interface Post {
  task: TaskMessage;
  transferList: object[];
}

/**
 * A tinypool, and what it does not do by itself: see a worker that exits without an error, tell when a stopped worker is
 * gone, keep the program alive while a worker starts for a task, and survive a worker that fails to start.
 */
export class Pool {
  readonly #pool: Tinypool;
  /** Every worker that has not exited, with the promise of its end. */
  readonly #workers = new Map<PoolWorker, Promise<WorkerEnd>>();
  /** The tasks under way, by the channel that their worker holds. */
  readonly #tasks = new Map<Channel, (error: unknown) => void>();
  /** The ends of workers that have exited, by the channel of their last task. */
  readonly #ends = new WeakMap<Channel, Promise<WorkerEnd>>();
  /** The tasks for which a worker was started. */
  readonly #held = new Set<Channel>();
  readonly #alive = new MessageChannel().port1;

  constructor(options: PoolOptions) {
    const isProcess = options.runtime === 'child_process';
    this.#pool = new Tinypool({
      filename: new URL('./entry.js', import.meta.url).href,
      runtime: options.runtime,
      minThreads: options.minWorkers,
      maxThreads: options.maxWorkers,
      idleTimeout: Math.min(options.idleTimeout, longestDelay),
      ...execArgvOf(isProcess),
      // A child process gets what is given and nothing else, and would speak JSON.
      ...(isProcess && { env: { ...process.env } as Record<string, string>, serialization: 'advanced' as const }),
      ...(options.resourceLimits !== undefined && { resourceLimits: options.resourceLimits }),
    });
    this.#pool.on('error', (error) => this.#onIdleDeath(error));
    // A port with a listener keeps the program alive while it is held.
    this.#alive.on('message', () => {});
    this.#alive.unref();
    this.#observe();
  }

  /** Runs a task; `onSent` is called once it is posted to its worker, which may have to start before. */
  run(task: TaskMessage, transferList: readonly object[], onSent: () => void): Run {
    const signal = new StopSignal();
    const tasks = this.#tasks;
    let isTold = false;
    let isCopied = false;
    const tell = (): void => {
      if (!isTold) onSent();
      isTold = true;
    };
    // Whether the task could be posted is known two turns later.
    const channel = new Channel(() => queueMicrotask(() => queueMicrotask(() => tasks.has(channel) && tell())));
    const post: Post = { task: { ...task }, transferList: [...transferList] };
    const reply = new Promise<TaskReply>((resolve, reject) => {
      const fail = (error: unknown): void => {
        this.#forget(channel);
        this.#observe();
        // The copy is all that there is of what was moved, and no worker has it.
        if (isCopied && !isTold) post.transferList.forEach(letGo);
        reject(error);
      };
      this.#tasks.set(channel, (error) => {
        fail(error);
        signal.stop();
      });
      const send = (): void => {
        const options = { signal, channel, transferList: post.transferList } as unknown as RunOptions;
        let answered: Promise<TaskReply | null>;
        try {
          answered = this.#pool.run(post.task, options);
        } catch (error) {
          fail(error);
          return;
        }
        answered.then(
          (answer) => {
            // A worker died of an error that is null, which stands for none here.
            if (answer === null) return fail(answer);
            // A quick answer may come before those turns are over.
            tell();
            this.#forget(channel);
            resolve(answer);
          },
          (error) => (error instanceof Refusal ? send() : fail(error)),
        );
        this.#observe();
        if (this.#workerOf(channel) !== undefined) return;
        this.#hold(channel);
        try {
          takeCopy(post);
          isCopied = true;
        } catch (error) {
          fail(error);
          signal.stop();
        }
      };
      send();
    });
    let stopped = false;
    let end: Promise<WorkerEnd> | undefined;
    return {
      reply,
      taken: () => isCopied || isTold,
      gone: async () => end ?? this.#endOf(channel, true),
      stop: () => {
        if (stopped) return;
        stopped = true;
        const worker = this.#workerOf(channel);
        const ended = this.#endOf(channel);
        signal.stop();
        this.#observe();
        // One that has just answered, or could not be sent the task, stays, and may have the next one.
        if (worker !== undefined && this.#pool.threads.includes(worker)) return;
        end = ended;
        if (worker === undefined) return;
        tell();
        refuseTasks(worker);
        this.#insist(worker);
      },
    };
  }

  /** Ends all workers; to be called when no task is under way. */
  async destroy(): Promise<void> {
    const ended = this.#pool.destroy();
    for (const worker of this.#workers.keys()) this.#insist(worker);
    await ended;
    this.#alive.close();
  }

  /** Terminates a thread again until it is gone: Node 24 and 26 lose a termination that comes at a bad moment. */
  #insist(worker: PoolWorker): void {
    if (worker.runtime !== 'worker_threads') return;
    let delay = firstPatience;
    const wait = (): void => {
      const timer = realSetTimeout(() => {
        if (!this.#workers.has(worker)) return;
        void worker.terminate();
        delay *= 2;
        wait();
      }, delay);
      this.#workers.get(worker)?.then(() => clearTimeout(timer));
    };
    wait();
  }

  /** A worker starts for the task, and would not keep the program alive for that. */
  #hold(channel: Channel): void {
    this.#held.add(channel);
    this.#alive.ref();
  }

  #forget(channel: Channel): void {
    channel.release();
    this.#tasks.delete(channel);
    if (this.#held.delete(channel) && this.#held.size === 0) this.#alive.unref();
  }

  #endOf(channel: Channel, isDying = false): Promise<WorkerEnd> | undefined {
    const worker = this.#workerOf(channel);
    if (isDying && worker !== undefined && this.#pool.threads.includes(worker)) return undefined;
    return worker === undefined ? this.#ends.get(channel) : this.#workers.get(worker);
  }

  #workerOf(channel: Channel): PoolWorker | undefined {
    return [...this.#workers.keys()].find((worker) => worker.channel === channel);
  }

  /** Watches the workers that were not there at the last look. */
  #observe(): void {
    for (const worker of this.#pool.threads as PoolWorker[]) {
      if (this.#workers.has(worker)) continue;
      if (worker.process !== undefined) endWithProgram(worker.process);
      const end = new Promise<WorkerEnd>((resolve) => {
        worker.once('exit', (code: number | null, signal: string | null = null) => {
          resolve({ code, signal });
          this.#workers.delete(worker);
          if (worker.channel !== undefined) this.#ends.set(worker.channel, end);
          // A thread that exits says so to nobody: its task would wait for ever.
          if (this.#pool.threads.includes(worker)) worker.emit('error', new WorkerExit());
        });
      });
      this.#workers.set(worker, end);
    }
  }

  /** A worker died without a task: if it was starting for one, that task has nobody left to run it. */
  #onIdleDeath(error: unknown): void {
    const workers = this.#pool.threads.length;
    const waiting = [...this.#tasks].filter(([channel]) => this.#workerOf(channel) === undefined);
    const excess = Math.min(this.#tasks.size - workers, waiting.length);
    for (const [, fail] of waiting.slice(0, Math.max(0, excess))) fail(error);
  }
}

/** The worker processes that run. */
const children = new Set<ChildProcess>();

/** Has a worker process killed at the exit of the program: a busy one would hear of it only once it is idle. */
function endWithProgram(child: ChildProcess): void {
  if (children.size === 0) process.on('exit', killChildren);
  children.add(child);
  child.once('exit', () => {
    children.delete(child);
    if (children.size === 0) process.off('exit', killChildren);
  });
}

function killChildren(): void {
  for (const child of children) child.kill('SIGKILL');
}

/**
 * Puts a copy in the place of what waits for a worker, with what is moved, so that it cannot fail to be posted: a worker
 * whose post fails is left idle by tinypool, with no timer, whatever else waits.
 *
 * @throws what posting it throws.
 */
function takeCopy(post: Post): void {
  const { task, transferList } = structuredClone(post, { transfer: post.transferList as Transferable[] });
  Object.assign(post.task, task);
  post.transferList.splice(0, post.transferList.length, ...transferList);
}

/** Ends what nobody can reach any more: a port would keep the program alive, a file stay open. */
function letGo(moved: object): void {
  if (moved instanceof TransformStream) for (const side of [moved.readable, moved.writable]) letGo(side);
  const { abort, cancel, close } = moved as Record<string, (() => unknown) | undefined>;
  Promise.resolve((abort ?? cancel ?? close)?.call(moved)).catch(() => {});
}

/**
 * Where the answer of a worker that is being stopped is under way already, tinypool takes it for a worker that is free,
 * and posts the next task in its queue there. It asks for the channel right before it does.
 */
function refuseTasks(worker: PoolWorker): void {
  Object.assign(worker, {
    setChannel() {
      throw new Refusal();
    },
  });
}
