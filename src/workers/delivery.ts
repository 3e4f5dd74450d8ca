import { Attempt } from './attempt.js';
import { letGo, type Post, takeCopy } from './post.js';
import type { LastWords, TaskReply } from './protocol.js';
import type { Trace } from './trace.js';
import { Refusal, type WatchedWorker, type WorkerEnd } from './watched-worker.js';

/** What carries tasks to workers. */
export interface Carrier {
  /** So many workers may die on a task that they have not begun. */
  readonly maxDeaths: number;
  /** Sends it to a worker, which may have to start before. */
  send(post: Post, attempt: Attempt): Promise<TaskReply | null>;
  /** Whether the pool still counts on a worker. */
  isLive(worker: WatchedWorker): boolean;
  /** The delivery waits for a worker to start, which would not keep the program alive. */
  hold(delivery: Delivery): void;
  /** The delivery is over; its trace may serve another one. */
  forget(delivery: Delivery, trace?: Trace): void;
  /** Looks which workers are new. */
  observe(): void;
}

/** How a task came to nothing. */
export interface Death {
  /** What the pool made of it. */
  readonly error: unknown;
  readonly end: WorkerEnd;
  readonly words: LastWords;
  /** How many jobs of the task may have been entered. */
  readonly entered: number;
  /** Whether the worker had been given no task before. */
  readonly isFresh: boolean;
  /** Whether it died as it started, before it was given this one. */
  readonly isUnborn: boolean;
  /** How many workers died on the task. */
  readonly count: number;
  /** Whether something was moved to it, which is gone. */
  readonly isMovedGone: boolean;
}

/** A worker died with a task. */
export class WorkerDeath extends Error {
  constructor(readonly death: Death) {
    super();
  }
}

/** How many new workers may die on a task that they have not begun: what they import is likely to kill the next one too. */
const maxStillborn = 2;

/** A task on its way, to as many workers as it takes until one has begun it. */
export class Delivery {
  /** Rejects, where a worker was at it, once that is gone: with a WorkerDeath if nobody stopped it. */
  readonly reply: Promise<TaskReply>;
  readonly #carrier: Carrier;
  readonly #post: Post;
  readonly #trace: Trace | undefined;
  readonly #onSent: () => void;
  #attempt!: Attempt;
  #isTold = false;
  #isCopied = false;
  #isStopped = false;
  #isOver = false;
  #deaths = 0;
  #stillborn = 0;
  #resolve!: (reply: TaskReply) => void;
  #reject!: (error: unknown) => void;

  /** `onSent` is called once it is posted to its first worker. */
  constructor(carrier: Carrier, post: Post, trace: Trace | undefined, onSent: () => void) {
    this.#carrier = carrier;
    this.#post = post;
    this.#trace = trace;
    this.#onSent = onSent;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Whether it went to a worker, or is ready to: nothing in it kept it from being sent. */
  get isTaken(): boolean {
    return this.#isCopied || this.#isTold;
  }

  /** The worker that it was posted to. */
  get worker(): WatchedWorker | undefined {
    return this.#attempt.worker;
  }

  /** Whether it waits for a worker that starts. */
  get isWaiting(): boolean {
    return this.#attempt.worker === undefined && this.#attempt.lost === undefined;
  }

  send(): void {
    // Whether it could be posted is known two turns later.
    const told = (): unknown => attempt === this.#attempt && !this.#isOver && this.#tell();
    const attempt = new Attempt(() => queueMicrotask(() => queueMicrotask(told)));
    this.#attempt = attempt;
    let answered: Promise<TaskReply | null>;
    try {
      answered = this.#carrier.send(this.#post, attempt);
    } catch (error) {
      this.#fail(error);
      return;
    }
    answered.then(
      // A worker died of an error that is null, which stands for none here.
      (answer) => (answer === null ? this.#onFailure(attempt, answer) : this.#succeed(answer)),
      (error) => this.#onFailure(attempt, error),
    );
    this.#carrier.observe();
    if (attempt.worker === undefined) this.#wait();
  }

  #wait(): void {
    this.#carrier.hold(this);
    if (this.#isCopied) return;
    try {
      takeCopy(this.#post);
      this.#isCopied = true;
    } catch (error) {
      this.#fail(error);
      this.#attempt.stop();
    }
  }

  /** Takes it back: from the queue, or by stopping its worker. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const { worker } = this.#attempt;
    this.#attempt.stop();
    this.#carrier.observe();
    // One that has just answered, or could not be sent the task, stays, and may have the next one.
    if (worker === undefined || this.#carrier.isLive(worker)) return;
    this.#tell();
    worker.refuseTasks();
  }

  /** The worker that was starting for it has died. */
  lose(worker: WatchedWorker, error: unknown): void {
    const attempt = this.#attempt;
    attempt.lost = worker;
    // Out of the queue; the pool then says that it was aborted.
    attempt.stop();
    this.#judgeAtEnd(worker, error);
  }

  #onFailure(attempt: Attempt, error: unknown): void {
    const { worker } = attempt;
    if (attempt.lost !== undefined || attempt !== this.#attempt) return;
    if (error instanceof Refusal && !this.#isStopped) {
      this.send();
    } else if (worker === undefined || this.#carrier.isLive(worker)) {
      // It could not be posted.
      if (worker !== undefined) worker.tasks--;
      this.#fail(error);
    } else {
      this.#judgeAtEnd(worker, error);
    }
  }

  #judgeAtEnd(worker: WatchedWorker, error: unknown): void {
    void worker.end.then((end) => {
      if (this.#isStopped) this.#fail(error);
      else if (worker.answer !== undefined) this.#succeed(worker.answer);
      else this.#judge(worker, error, end);
    });
  }

  /** Sends it to another worker, unless a job was entered, or there is reason to believe that it would end like this one. */
  #judge(worker: WatchedWorker, error: unknown, end: WorkerEnd): void {
    const isUnborn = this.#attempt.lost !== undefined;
    const isFresh = isUnborn || worker.tasks === 1;
    const isMovedGone = !isUnborn && this.#post.transferList.length > 0;
    const entered = this.#entered;
    this.#deaths++;
    if (isFresh) this.#stillborn++;
    const isHopeless = this.#stillborn === maxStillborn || this.#deaths === this.#carrier.maxDeaths || isMovedGone;
    const words = this.#words;
    this.#trace?.clear();
    if (entered === 0 && !isHopeless) this.send();
    else
      this.#fail(new WorkerDeath({ error, end, words, entered, isFresh, isUnborn, count: this.#deaths, isMovedGone }));
  }

  /** How many jobs may have been entered: where a process could not say it at its end, all of them, if one was. */
  get #entered(): number {
    if (this.#trace !== undefined) return this.#trace.entered;
    const { report, hasEntered } = this.#attempt;
    if (!hasEntered) return 0;
    return (report?.end && report.entered) || this.#post.task.jobs.length;
  }

  get #words(): LastWords {
    if (this.#trace === undefined) return this.#attempt.report?.end ?? {};
    return this.#trace.words === '' ? {} : { exit: this.#trace.words };
  }

  #tell(): void {
    if (!this.#isTold) this.#onSent();
    this.#isTold = true;
  }

  #succeed(answer: TaskReply): void {
    // A quick answer may come before those turns are over.
    this.#tell();
    this.#isOver = true;
    this.#carrier.forget(this, this.#trace);
    this.#resolve(answer);
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.#carrier.forget(this);
    this.#carrier.observe();
    // The copy is all that there is of what was moved, and no worker has it.
    if (this.#isCopied && !this.#isTold) this.#post.transferList.forEach(letGo);
    this.#reject(error);
  }
}
