import { Admission } from '../core/admission.js';
import { type BatchPlan, Call } from '../core/call.js';
import { now } from '../core/clock.js';
import type { Continuation, SiteInfo } from '../core/types.js';
import { findObstacle } from './cloneable.js';
import { holdsMoved, takeMoved } from './move.js';
import { Pool, type PoolOptions, type WorkerEnd, WorkerExit } from './pool.js';
import type { JobMessage, Outcome, Target, TaskReply } from './protocol.js';

/** How long a batch should take, in milliseconds: long enough to hide what sending costs, short enough to spread well. */
const batchTime = 5;
const longestBatch = 1024;
/** How much longer a batch may be than the one before. */
const growth = 4;

/** The call did not end, for a reason on this side: the words for a WorkerError, and its cause. */
export interface Failure {
  readonly failure: string;
  readonly error: unknown;
}

/** A target as it is sent, and for messages. */
export interface Address extends Pick<Target, 'label' | 'module'> {
  readonly json: string;
}

/** One call on its way to a worker. */
export class Job {
  readonly outcome: Promise<Outcome | Failure>;
  aborted = false;
  /** It shared a batch that came to nothing, and goes to a worker by itself now. */
  alone = false;
  onEnd: (() => void) | undefined;
  #started = false;
  #resolve!: (outcome: Outcome | Failure) => void;
  #reject!: (error: unknown) => void;

  constructor(
    readonly call: Call,
    readonly site: SiteInfo,
    readonly target: Address,
    readonly message: JobMessage,
  ) {
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
    this.call.permit?.start(now());
    this.call.permit = undefined;
  }

  /** The job waits to be sent; an abort from now on takes it out. */
  wait(): void {
    this.#leaveBy(() => this.fail(this.call.signal?.reason));
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

/** Sends jobs to the workers of one pool, no more at a time than there may be workers; the others wait in line. */
export class Dispatcher {
  readonly #line: Admission;
  readonly #pool: Pool;
  readonly #batches = new WeakMap<BatchPlan, Batches>();
  #jobs = 0;
  #closing = false;
  #onIdle: (() => void) | undefined;
  readonly #onEnd = (): void => {
    if (--this.#jobs === 0) this.#onIdle?.();
  };

  constructor(options: PoolOptions) {
    const queue = { maxQueue: Number.POSITIVE_INFINITY, maxWait: Number.POSITIVE_INFINITY };
    this.#line = new Admission(options.maxWorkers, queue, 'cpuBound');
    this.#pool = new Pool(options);
  }

  /** Runs a job; gives what came of it. Rejects when it could not be run, or its worker died. */
  run(job: Job, maxQueue: number): Promise<Outcome | Failure> {
    this.#jobs++;
    job.onEnd = this.#onEnd;
    const { batch } = job.call;
    if (batch === undefined) this.#runAlone(job, maxQueue);
    else this.#batchesOf(batch).add(job);
    return job.outcome;
  }

  /** Whether it takes no more jobs. */
  get isClosing(): boolean {
    return this.#closing;
  }

  /** Lets all jobs end, then ends the workers. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#jobs > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#pool.destroy();
  }

  /** Goes on with `run` on a free worker, once there is one, on behalf of a call; or with `fail` if it gave up. */
  enter(
    call: Call,
    site: SiteInfo,
    run: () => unknown,
    fail: Continuation,
    maxQueue = Number.POSITIVE_INFINITY,
  ): unknown {
    return this.#line.tryTake() ? run() : this.#line.wait(call, site, run, fail, maxQueue);
  }

  /** Gives a worker back that was not used. */
  release(): void {
    this.#line.give();
  }

  /**
   * Runs jobs of one target together, on a worker that was acquired. Jobs whose neighbour stopped or killed the worker
   * run again, each alone, so that only the one at fault fails.
   */
  async send(jobs: readonly Job[]): Promise<TaskReply | undefined> {
    const messages = jobs.map(({ message }) => message);
    const moved = takeMoved(messages);
    const target = (jobs[0] as Job).target.json;
    const run = this.#pool.run({ target, jobs: messages }, moved, () => {
      for (const job of jobs) job.start();
    });
    for (const job of jobs) job.hand(run.stop);
    try {
      const reply = await run.reply;
      this.#line.give();
      jobs.forEach((job, index) => {
        job.end(reply.outcomes[index] as Outcome);
      });
      return reply;
    } catch (error) {
      const isRefused = error instanceof DOMException && error.name === 'DataCloneError';
      const end = isRefused ? undefined : await run.gone();
      this.#line.give();
      this.#sortOut(jobs, error, end);
      return undefined;
    }
  }

  #sortOut(jobs: readonly Job[], error: unknown, end: WorkerEnd | undefined): void {
    const again: Job[] = [];
    for (const job of jobs) {
      if (job.aborted) job.fail(job.call.signal?.reason);
      else if (jobs.length === 1) job.end(describe(job, error, end));
      else again.push(job);
    }
    const plan = again[0]?.call.batch;
    if (plan !== undefined) this.#batchesOf(plan).addAgain(again);
  }

  #runAlone(job: Job, maxQueue: number): void {
    const run = (): unknown => {
      if (!job.call.aborted) return this.send([job]);
      this.release();
      return job.fail(job.call.signal?.reason);
    };
    this.enter(job.call, job.site, run, (error) => job.fail(error), maxQueue);
  }

  #batchesOf(plan: BatchPlan): Batches {
    let batches = this.#batches.get(plan);
    if (batches === undefined) {
      batches = new Batches(this, plan);
      this.#batches.set(plan, batches);
    }
    return batches;
  }
}

/** The jobs of one run over many items: sent together, as many as take about `batchTime` by what the last ones took. */
class Batches {
  readonly #dispatcher: Dispatcher;
  readonly #plan: BatchPlan;
  #jobs: Job[] = [];
  #lanes = 0;
  #size = 1;
  #cost: number | undefined;

  constructor(dispatcher: Dispatcher, plan: BatchPlan) {
    this.#dispatcher = dispatcher;
    this.#plan = plan;
  }

  add(job: Job): void {
    job.wait();
    this.#jobs.push(job);
    this.#openLane();
  }

  /** Jobs that shared a batch, and go each alone now, before the others. */
  addAgain(jobs: readonly Job[]): void {
    for (const job of jobs) {
      job.alone = true;
      job.wait();
      this.#openLane();
    }
    this.#jobs.unshift(...jobs);
  }

  #openLane(): void {
    if (this.#lanes < this.#plan.lanes) {
      this.#lanes++;
      queueMicrotask(() => this.#runLane());
    }
  }

  /** One worker's share: batch after batch, as long as there are jobs. */
  async #runLane(): Promise<void> {
    for (;;) {
      const first = this.#jobs[0];
      if (first === undefined) break;
      const line = new Call(first.call.fn, undefined, [], undefined);
      await this.#dispatcher.enter(line, first.site, () => this.#sendBatch(), unreachable);
    }
    this.#lanes--;
  }

  async #sendBatch(): Promise<void> {
    const jobs = this.#take();
    if (jobs.length === 0) this.#dispatcher.release();
    else this.#learn(jobs.length, await this.#dispatcher.send(jobs));
  }

  /** The next batch; what is left is shared among all workers, so that the last batches end together. */
  #take(): Job[] {
    this.#jobs = this.#jobs.filter((job) => !job.aborted);
    const share = Math.ceil(this.#jobs.length / this.#plan.lanes);
    const count = Math.min(this.#size, share);
    // What was moved is gone with its worker, so that such a job could not run again for a neighbour.
    const single = this.#jobs.slice(0, count).findIndex(({ alone, message }) => alone || holdsMoved(message.args));
    return this.#jobs.splice(0, single < 0 ? count : Math.max(1, single));
  }

  #learn(count: number, reply: TaskReply | undefined): void {
    if (reply === undefined) return;
    const cost = reply.elapsed / count;
    this.#cost = this.#cost === undefined ? cost : (this.#cost + cost) / 2;
    const fitting = this.#cost === 0 ? longestBatch : Math.floor(batchTime / this.#cost);
    this.#size = Math.max(1, Math.min(fitting, this.#size * growth, longestBatch));
    this.#plan.wanted = Math.min(this.#plan.most, this.#plan.lanes * this.#size * 2);
  }
}

/** Nobody can abort the wait of a batch. */
const unreachable: Continuation = (error) => {
  throw error;
};

/** What to say of a job that could not be sent, or whose worker died. */
function describe({ target: { label, module }, message }: Job, error: unknown, end: WorkerEnd | undefined): Failure {
  const { message: text, name, code } = error as Error & { code?: string };
  if (name === 'DataCloneError') {
    const obstacle = findObstacle(message.args, 'args') ?? findObstacle(message.state, 'this');
    const what = obstacle === undefined ? text : `${obstacle.path} cannot be cloned: it is ${obstacle.reason}`;
    return { failure: `${label}: ${what}`, error };
  }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return { failure: `${label}: its worker ran out of memory (see \`resourceLimits\`)`, error };
  }
  if (error instanceof WorkerExit || (end !== undefined && /exited unexpectedly/.test(text))) {
    const how = end?.signal ? `was killed by ${end.signal}` : `exited with code ${end?.code}`;
    return { failure: `${label}: its worker ${how} before the call had ended`, error: undefined };
  }
  const what = end === undefined ? `could not run ${module}` : 'died of an uncaught error';
  return { failure: `${label}: its worker ${what}: ${text}`, error };
}
