import type { Call, Wait } from '../core/call/call.js';
import { ChildCall } from '../core/call/child-call.js';
import { finalError } from '../core/call/final-errors.js';
import { isOwnError, misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import { signalOf, unwatch, watch } from '../core/call/signals.js';
import type { Around, Continuation } from '../core/call/step.js';
import { show } from '../core/options.js';
import type { Shared, States } from '../limits/states.js';
import { ignore, Run, type RunOwner } from './run.js';

function refused(reason: unknown): Promise<never> {
  const refusal = Promise.reject(reason);
  refusal.catch(ignore);
  return refusal;
}

/** Where a policy stands in the pipeline of a method, and how it does. */
export interface Standing {
  readonly kind: string;
  readonly site: SiteInfo;
  readonly around: Around;
  /** Whether the end of a call waits for all that was begun beneath: inside the limits, which hold a slot until then. */
  readonly waitsForAll: boolean;
  readonly states: States<unknown> | undefined;
}

/** Whether a call may go on beneath as it is: none above it, and nobody can abort it. */
const isFree = (call: Call): boolean => !call.isWatched && !(call instanceof ChildCall);

/** One call on its way through the `around` of a policy, and the runs of what lies beneath that it began. */
export class Pass implements Wait, RunOwner {
  /** How many have not ended. */
  private running = 0;
  /** Those among them, where an abort may have to reach them. */
  private abortable: Set<Run> | undefined = undefined;
  /** The attempts that were made beneath. */
  private attempts: number;
  private isOver = false;
  /** What the call itself came to beneath, if it is that which went on there. */
  private itself: 'not' | 'running' | 'ended' = 'not';
  /** What `next` gave for that. */
  private shown: Promise<unknown> | undefined = undefined;
  private hasFailed = false;
  private readonly attempt: number;
  private readonly error: unknown;
  private onLastEnd: (() => void) | undefined = undefined;

  constructor(
    public call: Call,
    readonly standing: Standing,
    readonly shared: Shared<unknown> | undefined,
  ) {
    this.attempts = call.attempt;
    this.attempt = call.attempt;
    this.error = call.error;
    if (call.isWatched) call.waiting = this;
  }

  get signalAt(): SignalPlace | undefined {
    return this.standing.site.signalAt;
  }

  /** The call is aborted, and with it all that runs beneath. */
  leave(reason: unknown, call: Call): void {
    for (const run of this.abortable ?? []) run.leave(reason, call);
  }

  /** Runs what lies beneath. The promise rejects at once when that run is aborted. */
  next(args?: readonly unknown[]): Promise<unknown> {
    const { call } = this;
    if (call.aborted) return refused(call.reason);
    if (this.isOver) return refused(this.misuse('next() was called after `around` had ended'));
    if (args === undefined) return this.itself === 'not' && isFree(call) ? this.goOnItself() : this.goOnAs(call.args);
    if (!Array.isArray(args)) {
      return refused(this.misuse(`expected next() to be given an array, got ${show(args)}`));
    }
    try {
      const signal = signalOf(args, this.signalAt, this.standing.site);
      // That of the caller aborts the call, and so its runs.
      if (signal === undefined || signal === call.callerSignal) return this.goOnAs(args);
      if (signal.aborted) return refused(signal.reason);
      return this.goOnAs(args, signal);
    } catch (error) {
      return refused(isOwnError(error, this.standing.site) ? finalError(error, call) : error);
    }
  }

  /** The first time, no other call needs to be told apart from this one. */
  private goOnItself(): Promise<unknown> {
    const { call, standing } = this;
    this.itself = 'running';
    this.running++;
    call.keep(standing.around.place, this);
    const shown = standing.around.next(call);
    this.shown = shown;
    if (this.hasFailed) shown.catch(ignore);
    return shown;
  }

  /** What lies beneath the call itself has ended. */
  endOfItself(call: Call, hasFailed: boolean): void {
    this.itself = 'ended';
    this.running--;
    if (call.attempt > this.attempts) this.attempts = call.attempt;
    call.attempt = this.attempt;
    call.error = this.error;
    this.call = call;
    this.hasFailed = hasFailed;
    if (hasFailed) this.shown?.catch(ignore);
    if (this.running === 0) this.onLastEnd?.();
  }

  private goOnAs(args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const { call } = this;
    const run = new Run(this, args, signal);
    run.attempt = this.attempt;
    run.error = this.error;
    if (signal !== undefined) watch(run, signal);
    // The permit of a rate limit counts from when the code is first entered, whichever run enters it.
    if (this.itself !== 'running') {
      run.starting = call.starting;
      call.starting = undefined;
    }
    return this.begin(run);
  }

  private begin(run: Run): Promise<unknown> {
    const { around } = this.standing;
    this.running++;
    if (!run.isWatched) return run.show(around.next(run));
    this.abortable ??= new Set();
    this.abortable.add(run);
    let resolve!: (value: unknown) => void;
    let reject!: (reason: unknown) => void;
    const early = new Promise<unknown>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    run.onAbort = (reason) => {
      early.catch(ignore);
      reject(reason);
    };
    around.next(run).then(resolve, reject);
    return run.show(early);
  }

  endOf(run: Run): void {
    const { call } = this;
    this.running--;
    this.abortable?.delete(run);
    if (run.givenSignal !== undefined) unwatch(run, run.givenSignal);
    if (run.attempt > this.attempts) this.attempts = run.attempt;
    // Its code was not entered: the permit is there for another run, or goes back in the end.
    if (run.starting !== undefined) call.starting = run.starting;
    run.starting = undefined;
    if (this.running === 0) this.onLastEnd?.();
  }

  /** `around` has ended, and nothing more begins: goes on with what it gave or threw. */
  end(goOn: Continuation, outcome: unknown): unknown {
    this.isOver = true;
    if (!this.standing.waitsForAll || this.running === 0) return this.goOn(goOn, outcome);
    return new Promise<void>((resolve) => {
      this.onLastEnd = resolve;
    }).then(() => this.goOn(goOn, outcome));
  }

  private goOn(how: Continuation, outcome: unknown): unknown {
    const { shared } = this;
    // What still runs beneath has the old one.
    if (this.itself === 'running') this.call = this.copyOfCall();
    const { call } = this;
    call.waiting = undefined;
    call.attempt = this.attempts;
    call.starting?.cancelStart();
    call.starting = undefined;
    if (shared !== undefined) this.standing.states?.leave(shared);
    return how(outcome, call);
  }

  private copyOfCall(): Call {
    const copy = this.call.copy();
    copy.error = this.error;
    return copy;
  }

  private misuse(problem: string): Error {
    const { kind, site } = this.standing;
    return finalError(misuse(kind, problem, site), this.call);
  }
}
