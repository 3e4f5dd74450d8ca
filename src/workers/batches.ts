import { Call } from '../core/call/call.js';
import type { BatchPlan } from '../core/call/handoff.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Continuation } from '../core/call/step.js';
import type { Job } from './job.js';
import { holdsMoved } from './move.js';
import type { TaskReply } from './protocol.js';

/** How long a batch should take, in milliseconds: long enough to hide what sending costs, short enough to spread well. */
const batchTime = 5;
const longestBatch = 1024;
/** How much longer a batch may be than the one before. */
const growth = 4;

/** What a batch needs of the side that sends it. */
export interface Sender {
  /** Goes on with `run` on a free worker, once there is one. */
  enter(call: Call, site: SiteInfo, run: () => unknown, fail: Continuation): unknown;
  /** Gives a worker back that was not used. */
  release(): void;
  /** Runs jobs together, on a worker that was acquired. */
  send(jobs: readonly Job[]): Promise<TaskReply | undefined>;
}

/** The jobs of one run over many items: sent together, as many as take about `batchTime` by what the last ones took. */
export class Batches {
  readonly #dispatcher: Sender;
  readonly #plan: BatchPlan;
  /** Those to be sent, and those that were aborted meanwhile. */
  #jobs: Job[] = [];
  #left = 0;
  #lanes = 0;
  /** The lanes that wait for a worker. */
  readonly #waiting = new Set<Call>();
  #size = 1;
  #cost: number | undefined;

  constructor(dispatcher: Sender, plan: BatchPlan) {
    this.#dispatcher = dispatcher;
    this.#plan = plan;
  }

  add(job: Job): void {
    this.#expect(job);
    this.#jobs.push(job);
  }

  /** Jobs that shared a batch which came to nothing, before the others; `alone`: each by itself. */
  addAgain(jobs: readonly Job[], alone: boolean): void {
    for (const job of jobs) {
      job.alone ||= alone;
      this.#expect(job);
    }
    this.#jobs.unshift(...jobs);
  }

  #expect(job: Job): void {
    this.#left++;
    job.wait(this.#onLeave);
    this.#openLane();
  }

  readonly #onLeave = (): void => {
    if (--this.#left > 0) return;
    for (const lane of this.#waiting) lane.abort(undefined);
  };

  #openLane(): void {
    if (this.#lanes < this.#plan.lanes) {
      this.#lanes++;
      queueMicrotask(() => this.#runLane());
    }
  }

  /** One worker's share: batch after batch, as long as there are jobs. */
  async #runLane(): Promise<void> {
    while (this.#left > 0) {
      const { call, site } = this.#jobs[0] as Job;
      const lane = new Call(call.fn, undefined, [], undefined, undefined);
      const leave = (): boolean => this.#waiting.delete(lane);
      this.#waiting.add(lane);
      const run = (): unknown => {
        leave();
        const [first] = this.#jobs;
        return first === undefined ? this.#sendBatch() : first.settled(() => this.#sendBatch());
      };
      await this.#dispatcher.enter(lane, site, run, leave);
    }
    this.#jobs = [];
    this.#lanes--;
  }

  async #sendBatch(): Promise<void> {
    const jobs = wantedAmong(this.#take());
    if (jobs.length === 0) this.#dispatcher.release();
    else this.#learn(jobs, await this.#dispatcher.send(jobs));
  }

  /** The next batch; what is left is shared among all workers, so that the last batches end together. */
  #take(): Job[] {
    this.#jobs = this.#jobs.filter((job) => !job.aborted);
    this.#left = this.#jobs.length;
    const share = Math.ceil(this.#jobs.length / this.#plan.lanes);
    const count = Math.min(this.#size, share);
    // What was moved is gone with its worker, so that such a job could not run again for a neighbour.
    const single = this.#jobs.slice(0, count).findIndex(({ alone, message }) => alone || holdsMoved(message.args));
    const taken = this.#jobs.splice(0, single < 0 ? count : Math.max(1, single));
    this.#left -= taken.length;
    return taken;
  }

  #learn(jobs: readonly Job[], reply: TaskReply | undefined): void {
    // More of those that go by themselves would only wait here, and for some of them that counts.
    if (reply === undefined || jobs[0]?.alone) return;
    const cost = reply.elapsed / jobs.length;
    this.#cost = this.#cost === undefined ? cost : (this.#cost + cost) / 2;
    const fitting = this.#cost === 0 ? longestBatch : Math.floor(batchTime / this.#cost);
    this.#size = Math.max(1, Math.min(fitting, this.#size * growth, longestBatch));
    this.#plan.wanted = Math.min(this.#plan.most, this.#plan.lanes * this.#size * 2);
  }
}

/** Those that may still go to a worker; each is asked, as one may be turned away, and what does so may abort others. */
function wantedAmong(jobs: readonly Job[]): readonly Job[] {
  for (const job of jobs) job.wait(() => {});
  return jobs.filter((job) => job.isWanted()).filter(({ aborted }) => !aborted);
}
