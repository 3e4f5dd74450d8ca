import { isMainThread } from 'node:worker_threads';
import { crossBy } from './cloneable.js';
import { bareClasses, type ErrorClasses } from './error-classes.js';
import { encodeError } from './error-codec.js';
import type { LastWords, Report, TaskMessage } from './protocol.js';
import { Trace } from './trace.js';

/** In a worker: tells the side that sent a task which of its jobs were entered, and why the worker ends. */
interface Reporter {
  /** The error classes of the task, once they are known. */
  known: ErrorClasses;
  /** A task has come; none of its jobs was entered. */
  begin(task: TaskMessage): void;
  /** The next job is about to be entered; to be awaited where it gives a promise. */
  enter(): Promise<void> | undefined;
  /** The task is done with. */
  end(): void;
}

/** The frames of whoever called `process.exit()`, in the event of the exit; undefined where nobody did. */
function framesOfExit(): string | undefined {
  const stack = { stack: '' };
  // Leaves out all frames down to those of process.exit: all there are, if it is not among them.
  Error.captureStackTrace(stack, process.exit);
  const frames = stack.stack.split('\n').slice(1);
  return frames.length === 0 ? undefined : frames.join('\n');
}

/** A thread writes it down in memory that both sides have. Its uncaught errors come to the other side by themselves. */
class ThreadReporter implements Reporter {
  known = bareClasses;
  #trace: Trace | undefined;

  constructor() {
    process.on('exit', () => {
      const frames = framesOfExit();
      if (this.#trace !== undefined && frames !== undefined) this.#trace.words = frames;
    });
  }

  begin({ trace }: TaskMessage): void {
    this.#trace = trace && new Trace(trace);
  }

  enter(): undefined {
    this.#trace?.enter();
  }

  end(): void {
    this.#trace = undefined;
  }
}

/** A process sends a message when the first job is entered, and one as it ends. */
class ProcessReporter implements Reporter {
  known = bareClasses;
  #entered = 0;
  #words: LastWords | undefined;
  readonly #send = process.send?.bind(process);

  constructor() {
    process.on('uncaughtExceptionMonitor', (error) => {
      // Where somebody listens, the process may live on.
      if (process.listenerCount('uncaughtException') > 0) return;
      try {
        this.#words = { thrown: encodeError(error, this.known, crossBy('child_process')) };
      } catch {
        // It cannot be read; Node writes to stderr what it makes of it.
      }
    });
    process.on('exit', () => {
      const frames = framesOfExit();
      const end = { ...this.#words, ...(frames !== undefined && { exit: frames }) };
      // Written at once, so that it is gone before the process is; where it cannot be, stderr must do.
      if (process.connected) this.#report({ opero: 'report', entered: this.#entered, end }, () => {});
    });
  }

  begin(): void {
    this.#entered = 0;
  }

  enter(): Promise<void> | undefined {
    if (++this.#entered > 1) return undefined;
    // Once it is on its way, nothing that the job does can keep it back.
    return new Promise((resolve) => this.#report({ opero: 'report', entered: 1 }, () => resolve()));
  }

  end(): void {
    this.#entered = 0;
    this.known = bareClasses;
  }

  #report(report: Report, onSent: () => void): void {
    this.#send?.(report, undefined, undefined, onSent);
  }
}

export const newReporter = (): Reporter => (isMainThread ? new ProcessReporter() : new ThreadReporter());

const soon = setImmediate;

/**
 * Goes on with `next` once everything has had its turn that an earlier task left behind and that is due: ticks,
 * rejections, timers, immediates. A thread that sleeps between two tasks runs none of it before.
 */
export function afterLeftovers<Result>(next: () => Promise<Result>): Promise<Result> {
  // Timers come between two rounds of immediates. What `next` leaves behind in turn comes after its own promise.
  return new Promise<void>((resolve) => soon(() => soon(resolve))).then(next);
}
