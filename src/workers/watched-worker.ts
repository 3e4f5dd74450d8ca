import type { ChildProcess } from 'node:child_process';
import { PassThrough, type Readable } from 'node:stream';
import type { Tinypool } from 'tinypool';
import type { TaskReply } from './protocol.js';

/** How a worker ended. */
export interface WorkerEnd {
  /** The exit code; null for a process that a signal killed. */
  readonly code: number | null;
  /** The signal that killed a process. */
  readonly signal: string | null;
  /** The last that a process wrote to its stderr, beginning with its last task. */
  readonly stderr: string;
}

/** What the pool gives. */
export type PoolWorker = Tinypool['threads'][number] & { readonly process?: ChildProcess };

/** What a process sends to the pool. */
interface Message {
  readonly __tinypool_worker_message__: boolean;
  readonly source: 'pool' | 'port';
  readonly result: TaskReply | null;
}

/** What a task is given to a worker with. */
export interface Channel {
  /** The task is about to be posted to this worker. */
  takenBy(worker: WatchedWorker): void;
}

/** A task was about to be posted to a worker that is being stopped. */
export class Refusal extends Error {}

/** A thread ended without saying why. */
export class WorkerExit extends Error {}

/** How long a thread may take to end before it is terminated once more, in milliseconds; doubled each time. */
const firstPatience = 50;

/** How long what a dead process said is waited for, in milliseconds: a process of its own may hold its stderr open. */
const patienceWithPipes = 500;

/** How much of what a process wrote to its stderr is kept, in bytes: enough for what V8 says without memory. */
const tailLength = 8192;

const nothing = Buffer.alloc(0);

/** Taken while they are the real ones: fake timers have no say in when a worker ends. */
const realSetTimeout = setTimeout;
const realClearTimeout = clearTimeout;

/** A worker of the pool, from its start to its end. */
export class WatchedWorker {
  readonly worker: PoolWorker;
  /** Settles once it is gone, and all is read that it said. */
  readonly end: Promise<WorkerEnd>;
  /** How many tasks it was given. */
  tasks = 0;
  hasEnded = false;
  /** The answer of a process to its task: it may die before the pool has looked at it. */
  answer: TaskReply | undefined;
  /** Whether it is being stopped. */
  #refuses = false;
  #stderr: Buffer = nothing;

  constructor(worker: PoolWorker) {
    this.worker = worker;
    // The pool calls this right before it posts a task.
    Object.assign(worker, { setChannel: (channel: Channel) => this.#take(channel) });
    const { process: child } = worker;
    const pipes = child && this.#read(child);
    this.end = new Promise((resolve) => {
      worker.once('exit', (code: number | null, signal: string | null = null) => {
        this.hasEnded = true;
        const tell = (): void => resolve({ code, signal, stderr: this.#stderr.toString().trim() });
        if (pipes === undefined || child?.pid === undefined) {
          tell();
          return;
        }
        const timer = realSetTimeout(tell, patienceWithPipes);
        void pipes.then(() => {
          realClearTimeout(timer);
          tell();
        });
      });
    });
    // One that could not be started at all does not exit either, and the pool would wait for that.
    if (child !== undefined && child.pid === undefined) worker.once('error', () => worker.emit('exit', null, null));
  }

  #take(channel: Channel): void {
    // Where its answer is under way already, tinypool takes it for a worker that is free.
    if (this.#refuses) throw new Refusal();
    // Where a process has its messages go that are not the pool's.
    Object.assign(this.worker, { channel });
    this.tasks++;
    this.answer = undefined;
    this.#stderr = nothing;
    channel.takenBy(this);
  }

  /** To be called for one that the pool is stopping: it gets no more tasks. */
  refuseTasks(): void {
    this.#refuses = true;
    this.insist();
  }

  /** Terminates a thread again until it is gone: Node 24 and 26 lose a termination that comes at a bad moment. */
  insist(): void {
    if (this.worker.runtime !== 'worker_threads') return;
    let delay = firstPatience;
    const wait = (): void => {
      const timer = realSetTimeout(() => {
        if (this.hasEnded) return;
        void this.worker.terminate();
        delay *= 2;
        wait();
      }, delay);
      void this.end.then(() => realClearTimeout(timer));
    };
    wait();
  }

  /** Listens to a process; settles once it has said all. */
  #read(child: ChildProcess): Promise<unknown> {
    child.on('message', (message: Partial<Message> | null) => {
      if (message?.__tinypool_worker_message__ && message.source === 'port') this.answer = message.result ?? undefined;
    });
    const closed = new Promise((resolve) => child.once('disconnect', resolve));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-tailLength);
    });
    return Promise.all([closed, relay(child.stdout, process.stdout), relay(child.stderr, process.stderr)]);
  }
}

/** Passes on all that a process writes. The pool would cut the pipe of one that has died, whatever is in it yet. */
async function relay(from: Readable | null, to: NodeJS.WriteStream): Promise<void> {
  if (from === null) return;
  from.unpipe(to);
  from.pipe(new PassThrough()).pipe(to);
  await new Promise((resolve) => from.once('close', resolve));
}

/** The worker processes that run. */
const children = new Set<ChildProcess>();

/** Has a worker process killed at the exit of the program: it would look for itself a little later. */
export function endWithProgram(child: ChildProcess): void {
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
