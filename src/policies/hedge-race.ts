import { type Call, tieCaller } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import type { ChildCall } from '../core/call/child-call.js';
import { Alarm, skipsWaits } from '../core/call/clock.js';
import type { Deadlines, Timed } from '../core/call/deadlines.js';
import { finalError } from '../core/call/final-errors.js';
import { tellHook } from '../core/call/hooks.js';
import type { Continuation } from '../core/call/step.js';
import { tell } from '../core/call/tell.js';
import { type Failure, Hedge } from './hedge-call.js';
import { type Meaning, meaningOf } from './hedge-judge.js';
import { delayOf, type Hedged } from './hedge-options.js';
import { ignore } from './run.js';

/** The run that an attempt begins with. */
interface First extends ChildCall, Timed {
  readonly hedging: { readonly of: Hedged; readonly deadlines: Deadlines | undefined };
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
  listen(): void;
  tell(): void;
}

/**
 * How many turns of microtasks pass before a hedge begins by time: the promise decides, not the clock, and where timers
 * fire late, a success may still be on its way here through some `await`s.
 */
const grace = 16;

/** A promise for those who decide nothing. It goes with them. */
const undecided = (): Promise<never> => new Promise(() => {});

/** The runs of one attempt, once there is something to say of another than the first. */
export class Race {
  /** Those that have not ended. */
  readonly #running: Set<ChildCall>;
  /** How many have failed of which it is being asked what that means. */
  #judged = 0;
  /** How many hedges are used up. */
  #used = 0;
  /** How long the latest run has until the next begins; undefined: nobody was asked. */
  #delay: number | undefined;
  #alarm: Alarm | undefined;
  /** What is to be attended to: the time for the next hedge has come, hedges have begun. */
  #isDue = false;
  #begun: Hedge[] = [];
  #firstFailure: Failure | undefined;
  #isOver = false;
  readonly #of: Hedged;

  constructor(readonly first: First) {
    this.#running = new Set([first]);
    this.#of = first.hedging.of;
  }

  get #parent(): Call {
    return this.first.parent;
  }

  get hasNews(): boolean {
    return this.#isDue || this.#parent.aborted;
  }

  /** The time for the next hedge has come. */
  expire(): void {
    this.#isDue = true;
    this.first.tell();
  }

  /** The code of a hedge is entered. */
  hasBegun(hedge: Hedge): void {
    const { site } = this.#of;
    site.stats.hedges++;
    if (channels.hedge.hasSubscribers) {
      const { attempt, hedge: nth, delay, cause } = hedge;
      tell('hedge', hedge, site, { attempt, policy: 'hedge', hedge: nth, delay, error: cause?.error });
    }
    this.#begun.push(hedge);
    this.first.tell();
  }

  /** The call is aborted, and so was the first run. */
  leave(reason: unknown, parent: Call): void {
    for (const run of this.#running) if (run !== this.first) run.leave(reason, parent);
    this.first.tell();
  }

  /** Gives what comes of the attempt, where it is the news that decide. */
  async attend(): Promise<unknown> {
    const { fail } = this.#of.around;
    if (this.#isOver) return await undecided();
    if (this.#parent.aborted) return await this.#decide(fail, this.#parent.reason);
    const begun = this.#begun;
    const isDue = this.#isDue;
    this.#begun = [];
    this.#isDue = false;
    this.first.listen();
    try {
      for (const hedge of begun) this.#tell(hedge);
      if (begun.length > 0) this.schedule();
      if (isDue) await this.#startInTime();
    } catch (thrown) {
      return await this.#decide(fail, finalError(thrown, this.#parent));
    }
    return await undecided();
  }

  #tell({ hedge, delay, cause }: Hedge): void {
    const { site, onHedge } = this.#of;
    if (onHedge === undefined) return;
    const told = tellHook(onHedge, this.#parent, site, { hedge, delay, error: cause?.error });
    // Nobody waits for what it has begun, nor has anything to do with how that fails.
    Promise.resolve(told).catch(ignore);
  }

  async #startInTime(): Promise<void> {
    const used = this.#used;
    for (let turn = 0; turn < grace; turn++) await undefined;
    if (this.#isOver || this.#parent.aborted || this.#used > used) return;
    if (!this.#start(undefined)) this.schedule();
  }

  /** Has the next hedge begin once its time has come, which counts from now. Throws what `delay` throws. */
  schedule(): void {
    this.#unschedule();
    if (this.#used === this.#of.maxHedges || skipsWaits()) return;
    const { deadlines } = this.first.hedging;
    if (deadlines !== undefined) {
      deadlines.add(this.first);
      return;
    }
    const delay = this.ask();
    if (delay === Number.POSITIVE_INFINITY) return;
    this.#alarm ??= new Alarm(() => this.expire(), true);
    this.#alarm.set(delay);
  }

  #unschedule(): void {
    this.#isDue = false;
    this.first.hedging.deadlines?.remove(this.first);
    this.#alarm?.clear();
  }

  /** How long the latest run has until the next hedge begins. Throws what `delay` throws. */
  ask(): number {
    this.#delay ??= delayOf(this.#of, this.#parent, this.#used + 1);
    return this.#delay;
  }

  /** Begins the next hedge; false where the budget keeps it back. Throws what `delay` throws. */
  #start(cause: Failure | undefined): boolean {
    const { around, site, budget } = this.#of;
    this.#unschedule();
    const delay = this.ask();
    this.#delay = undefined;
    this.#used++;
    if (budget !== undefined && !budget.withdraw()) {
      site.stats.budgetExceeded++;
      return false;
    }
    const hedge = new Hedge(this, this.#used, delay, cause);
    this.#running.add(hedge);
    const own = around.next(hedge).then(
      (value) => this.win(hedge, value),
      (error) => this.lose(hedge, error),
    );
    own.then(this.first.resolve, this.first.reject);
    return true;
  }

  /** A run has succeeded. Gives what comes of the attempt. */
  win(run: ChildCall, value: unknown): unknown {
    if (this.#isOver) return undecided();
    this.#running.delete(run);
    if (run !== this.first) this.#of.site.stats.hedgeWins++;
    return this.#decide(this.#of.around.ok, value);
  }

  /** A run has not succeeded. Gives what comes of the attempt, if that decides. */
  async lose(run: ChildCall, error: unknown): Promise<unknown> {
    const { fail } = this.#of.around;
    if (this.#isOver) return await undecided();
    this.#running.delete(run);
    if (run === this.first) this.#firstFailure = { error };
    this.#judged++;
    let meaning: Meaning;
    let reason = error;
    await tieCaller();
    try {
      meaning = await meaningOf(error, run, this.#of);
    } catch (thrown) {
      meaning = 'of a hook';
      reason = thrown;
    }
    this.#judged--;
    // Of an abort it is told apart.
    if (this.#isOver || this.#parent.aborted) return await undecided();
    if (meaning === 'the end') return await this.#decide(fail, reason);
    // Of all that hooks threw in the runs, it is this that counts.
    if (meaning === 'of a hook') return await this.#decide(fail, finalError(reason, this.#parent));
    try {
      if (this.#goesOn(run, meaning, error)) return await undecided();
    } catch (thrown) {
      return await this.#decide(fail, finalError(thrown, this.#parent));
    }
    return await this.#decide(fail, this.#firstFailure?.error);
  }

  /** Whether nothing runs, and of no failure it is asked what it means. */
  get #isIdle(): boolean {
    return this.#running.size === 0 && this.#judged === 0;
  }

  /** Has the next hedge begin, at once or in time; gives whether any run may yet succeed. */
  #goesOn(run: ChildCall, meaning: Meaning, error: unknown): boolean {
    // What turned the first away would turn away the others.
    if (run === this.first && meaning === 'kept back') return !this.#isIdle;
    const cause = meaning === 'failed' ? { error } : this.#firstFailure;
    if (meaning === 'failed' || this.#isIdle) {
      while (this.#used < this.#of.maxHedges) {
        if (this.#start(cause)) return true;
        if (!this.#isIdle) break;
      }
    }
    if (this.#isIdle) return false;
    this.schedule();
    return true;
  }

  #decide(goOn: Continuation, outcome: unknown): unknown {
    this.#isOver = true;
    this.#unschedule();
    this.#parent.waiting = undefined;
    this.#giveUp();
    return goOn(outcome, this.#parent);
  }

  /** Those that still run have lost. */
  #giveUp(): void {
    if (this.#running.size === 0) return;
    const reason = new DOMException(`${this.#of.site.label}: another run of the attempt decided it`, 'AbortError');
    for (const run of this.#running) run.abort(reason, 'policy');
  }
}
