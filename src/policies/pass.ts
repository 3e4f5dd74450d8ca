import type { Call, Wait } from '../core/call/call.js';
import { ChildCall } from '../core/call/child-call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { signalOf, unwatch, watch } from '../core/call/signals.js';
import type { Around, Continuation } from '../core/call/step.js';
import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';
import type { Shared, States } from '../limits/states.js';

/** Whoever does not wait for a run has nothing to do with how it fails. */
const ignore = (): void => {};

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

/** One call on its way through the `around` of a policy, and the runs of what lies beneath that it began. */
export class Pass implements Wait {
  /** What lies beneath runs as calls of their own: those that have not ended. */
  readonly #running: ChildCall[] = [];
  /** The attempts that were made beneath. */
  #attempts: number;
  #isOver = false;
  #onLastEnd: (() => void) | undefined;

  constructor(
    readonly call: Call,
    readonly standing: Standing,
    readonly shared: Shared<unknown> | undefined,
  ) {
    this.#attempts = call.attempt;
    call.waiting = this;
  }

  /** The call is aborted, and with it all that runs beneath. */
  leave(reason: unknown): void {
    for (const child of [...this.#running]) child.abort(reason);
  }

  /** Calls what lies beneath. The promise rejects at once when that run is aborted. */
  next(args?: readonly unknown[]): Promise<unknown> {
    const { call } = this;
    const { signalAt } = this.standing.site;
    if (call.aborted) return refused(call.reason);
    if (this.#isOver) return refused(new ConfigurationError(this.#says('next() was called after `around` had ended')));
    if (args !== undefined && !Array.isArray(args)) {
      return refused(new ConfigurationError(this.#says(`expected next() to be given an array, got ${show(args)}`)));
    }
    if (args === undefined) return this.#run(new ChildCall(call, signalAt), undefined);
    let signal: AbortSignal | undefined;
    try {
      signal = signalOf(args, signalAt);
      if (signal?.aborted) return refused(signal.reason);
      const child = new ChildCall(call, signalAt, args, signal);
      // One that is the caller's own aborts the call, and that its runs.
      const own = signal === call.callerSignal ? undefined : signal;
      if (own !== undefined) watch(child, own);
      return this.#run(child, own);
    } catch (error) {
      return refused(error);
    }
  }

  /** Runs a child call, under a signal that is not the caller's, if there is one. */
  #run(child: ChildCall, signal: AbortSignal | undefined): Promise<unknown> {
    const { call } = this;
    // The permit of a rate limit counts from when the code is first entered, whichever run enters it.
    child.starting = call.starting;
    call.starting = undefined;
    this.#running.push(child);
    if (!call.isWatched && signal === undefined) {
      const outcome: Promise<unknown> = this.#outcomeOf(child, signal, () => outcome);
      return outcome;
    }
    let resolve!: (value: unknown) => void;
    let reject!: (reason: unknown) => void;
    const early = new Promise<unknown>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    child.onAbort = (reason) => {
      early.catch(ignore);
      reject(reason);
    };
    this.#outcomeOf(child, signal, () => early).then(resolve, reject);
    return early;
  }

  /**
   * What comes of a child call. Only when it fails is that marked as seen on the promise that stands for it: while it is
   * pending, whoever awaits it must be the only one, or else is not in the stacks of errors.
   */
  #outcomeOf(child: ChildCall, signal: AbortSignal | undefined, shown: () => Promise<unknown>): Promise<unknown> {
    return (this.standing.around.next(child) as Promise<unknown>).then(
      (value) => {
        this.#endOf(child, signal);
        return value;
      },
      (error) => {
        this.#endOf(child, signal);
        shown().catch(ignore);
        throw error;
      },
    );
  }

  #endOf(child: ChildCall, signal: AbortSignal | undefined): void {
    this.#running.splice(this.#running.indexOf(child), 1);
    if (signal !== undefined) unwatch(child, signal);
    if (child.attempt > this.#attempts) this.#attempts = child.attempt;
    // Its code was not entered: the permit is there for another run, or goes back in the end.
    if (child.starting !== undefined) this.call.starting = child.starting;
    child.starting = undefined;
    if (this.#running.length === 0) this.#onLastEnd?.();
  }

  /** `around` has ended, and nothing more begins: goes on with what it gave or threw. */
  end(goOn: Continuation, outcome: unknown): unknown {
    this.#isOver = true;
    if (!this.standing.waitsForAll || this.#running.length === 0) return this.#leave(goOn, outcome);
    return new Promise<void>((resolve) => {
      this.#onLastEnd = resolve;
    }).then(() => this.#leave(goOn, outcome));
  }

  #leave(goOn: Continuation, outcome: unknown): unknown {
    const { call, shared } = this;
    call.waiting = undefined;
    call.attempt = this.#attempts;
    call.starting?.cancelStart();
    call.starting = undefined;
    if (shared !== undefined) this.standing.states?.leave(shared);
    return goOn(outcome, call);
  }

  #says(problem: string): string {
    const { kind, site } = this.standing;
    return `@${kind} on ${site.label}: ${problem}`;
  }
}
