import type { Call } from '../core/call/call.js';
import type { BatchPlan } from '../core/call/handoff.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Continuation } from '../core/call/step.js';
import { show } from '../core/options.js';
import { isError } from '../core/realm.js';
import { Admission } from '../limits/admission.js';
import { Batches, type Sender } from './batches.js';
import { type Cross, crossBy, describe as describeObstacle, type Obstacle } from './cloneable.js';
import { describeDeath } from './death.js';
import { WorkerDeath } from './delivery.js';
import type { Failure, Job } from './job.js';
import { move, takeMarked, transferListOf } from './move.js';
import { Pool, type Run } from './pool.js';
import type { PoolOptions } from './pool-options.js';
import type { Outcome, TaskReply } from './protocol.js';
import { assertCrosses, assertWhole, isCloneError, whyRefused } from './refused.js';

/** How calls wait for a worker, where nothing else is said. */
const queue = { maxQueue: Number.POSITIVE_INFINITY, maxWait: Number.POSITIVE_INFINITY };

/** Sends jobs to the workers of one pool, no more at a time than there may be workers; the others wait in line. */
export class Dispatcher implements Sender {
  readonly #line: Admission;
  readonly #pool: Pool;
  readonly #isProcess: boolean;
  readonly #cross: Cross;
  readonly #batches = new WeakMap<BatchPlan, Batches>();
  #jobs = 0;
  #closing = false;
  /** Stops the work under way; each entry is a worker's. */
  readonly #stops = new Set<() => void>();
  /** Set once all that has not ended must fail: the words for it. */
  #forced: string | undefined;
  #onIdle: (() => void) | undefined;
  readonly #onEnd = (): void => {
    if (--this.#jobs === 0) this.#onIdle?.();
  };

  constructor(options: PoolOptions) {
    this.#line = new Admission(options.maxWorkers, queue, 'cpuBound');
    this.#pool = new Pool(options);
    this.#isProcess = options.runtime === 'child_process';
    this.#cross = crossBy(options.runtime);
  }

  /** Runs a job; gives what came of it. Rejects when it could not be run, or its worker died. */
  run(job: Job, maxQueue: number): Promise<Outcome | Failure> {
    this.#jobs++;
    job.onEnd = this.#onEnd;
    const batch = job.call.handoff?.batch;
    // On its way here, or while the code for workers was loading.
    if (job.call.aborted) job.fail(job.call.reason);
    else if (batch === undefined || job.call.neverWaits) this.#runAlone(job, maxQueue);
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

  /** Ends what has not ended by force: those calls fail, for this reason. To be called while it closes. */
  force(reason: string): void {
    this.#forced ??= reason;
    for (const stop of this.#stops) stop();
  }

  /** Goes on with `run` on a free worker, once there is one, on behalf of a call; or with `fail` if it gave up. */
  enter(
    call: Call,
    site: SiteInfo,
    run: () => unknown,
    fail: Continuation,
    maxQueue = Number.POSITIVE_INFINITY,
  ): unknown {
    return this.#line.tryTake() ? run() : this.#line.wait(call, site, { next: run, fail }, { ...queue, maxQueue });
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
    let run: Run | undefined;
    let marked: readonly object[] = [];
    let reply: TaskReply;
    const stop = (): void => run?.stop();
    for (const job of jobs) job.hand(stop);
    this.#stops.add(stop);
    try {
      let target = targetOf(jobs);
      if (target instanceof Promise) target = await target;
      if (this.#forced !== undefined || jobs.every((job) => job.aborted)) throw new Error('aborted');
      if (this.#isProcess) assertCrosses(jobs, this.#cross);
      else assertWhole(jobs);
      marked = takeMarked(messages);
      run = this.#pool.run({ target, jobs: messages }, transferListOf(marked), () => {
        for (const job of jobs) job.start();
      });
      // A getter among the arguments may abort as they are read.
      if (jobs.some((job) => job.aborted)) run.stop();
      reply = await run.reply;
    } catch (error) {
      this.#line.give();
      const isRefused = !run?.isTaken;
      // Nothing was moved.
      if (isRefused) marked.forEach(move);
      if (this.#forced !== undefined) failAll(jobs, this.#forced);
      else this.#sortOut(jobs, error, isRefused);
      return undefined;
    } finally {
      this.#stops.delete(stop);
    }
    this.#line.give();
    jobs.forEach((job, index) => {
      job.end(reply.outcomes[index] as Outcome);
    });
    return reply;
  }

  #sortOut(jobs: readonly Job[], error: unknown, isRefused: boolean): void {
    const obstacles = new Map(isRefused ? jobs.map((job) => [job, whyRefused(job, error, this.#cross)]) : []);
    const guilty = jobs.length === 1 ? jobs : jobs.filter((job) => obstacles.get(job) !== undefined);
    const again: Job[] = [];
    for (const job of jobs) {
      if (job.aborted) job.fail(job.call.reason);
      else if (guilty.includes(job)) job.end(describe(job, error, obstacles.get(job)));
      else again.push(job);
    }
    const plan = again[0]?.call.handoff?.batch;
    if (plan === undefined) return;
    // Where it is not known whose fault it was, each that had its turn goes by itself.
    const suspects = guilty.length > 0 ? [] : suspectsAmong(jobs, error);
    const isSuspect = (job: Job): boolean => suspects.includes(job);
    const batches = this.#batchesOf(plan);
    batches.addAgain(
      again.filter((job) => !isSuspect(job)),
      false,
    );
    batches.addAgain(again.filter(isSuspect), true);
  }

  #runAlone(job: Job, maxQueue: number): void {
    const send = (): unknown => {
      if (job.isWanted()) return this.send([job]);
      this.release();
      return undefined;
    };
    const run = (): unknown => job.settled(send);
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

function failAll(jobs: readonly Job[], reason: string): void {
  for (const job of jobs) {
    if (job.aborted) job.fail(job.call.reason);
    else job.end({ failure: `${job.site.label}: ${reason}`, error: undefined });
  }
}

/** The target of jobs, which have the same one; a promise while any of them is not ready to be sent. */
function targetOf(jobs: readonly Job[]): string | Promise<string> {
  const targets = jobs.map(({ target }) => target);
  if (targets.every((each) => typeof each === 'string')) return targets[0] as string;
  return Promise.all(targets).then(([target]) => target as string);
}

/** Those of a batch that may have killed their worker: where it died before it entered one, it may have died of any. */
function suspectsAmong(jobs: readonly Job[], error: unknown): readonly Job[] {
  const entered = error instanceof WorkerDeath ? error.death.entered : 0;
  return entered === 0 ? jobs : jobs.slice(0, entered);
}

/** What to say of a job that could not be sent, or whose worker died. */
function describe(job: Job, error: unknown, obstacle: Obstacle | undefined): Failure {
  const { label } = job.site;
  if (error instanceof WorkerDeath) return describeDeath(job, error.death);
  const text = isError(error) ? String(error.message) : show(error);
  if (isCloneError(error) || obstacle !== undefined) {
    return { failure: `${label}: ${obstacle === undefined ? text : describeObstacle(obstacle)}`, error };
  }
  return { failure: `${label}: its worker could not run ${job.module}: ${text}`, error };
}
