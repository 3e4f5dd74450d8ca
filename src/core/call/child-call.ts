import { type AbortedBy, Call, type Wait } from './call.js';
import type { SignalPlace } from './signal-place.js';
import { withSignal } from './signals.js';

/** What a step knows of a child call that it made, where it has something to say of it, or wants to be told of it. */
export interface ChildOwner {
  /** When it is going to abort the child, by `now()`; Infinity: never. */
  readonly deadline: number;
  /** The method's own code is entered, by the child or by one that was made beneath it; or its job is on its way to a worker. */
  onStart?(): void;
}

/**
 * A call that a policy makes of what lies beneath it, with a permit, a slot, waits and an abort of its own. Given up, it
 * keeps what its running code holds until that has really ended; what comes of it then goes nowhere.
 */
export class ChildCall extends Call implements Wait {
  /** The attempt in which the method's own code was entered last; 0: in none. */
  #startedIn = 0;
  #controller: AbortController | undefined = undefined;
  #reason: unknown = undefined;
  #abortedBy: AbortedBy | undefined = undefined;

  constructor(
    readonly parent: Call,
    /** Where the method takes its signal, if the site says so. */
    readonly signalAt: SignalPlace | undefined = undefined,
    readonly owner: ChildOwner | undefined = undefined,
    args: readonly unknown[] = parent.args,
    /** The signal that stands in the arguments, or that of the caller. */
    callerSignal: AbortSignal | undefined = parent.callerSignal,
  ) {
    super(parent.fn, parent.self, args, callerSignal, parent.handoff);
    this.attempt = parent.attempt;
    this.error = parent.error;
  }

  override get signal(): AbortSignal | undefined {
    return this.#ownSignal();
  }

  /** Made when it is asked for: most methods never do. */
  #ownSignal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  override get reason(): unknown {
    return this.#reason;
  }

  override get abortedBy(): AbortedBy | undefined {
    return this.#abortedBy;
  }

  override get deadline(): number {
    return Math.min(this.owner?.deadline ?? Number.POSITIVE_INFINITY, this.parent.deadline);
  }

  override get hasStarted(): boolean {
    return this.#startedIn === this.attempt;
  }

  /** The caller's, with the signal of this call in the place of the caller's own. */
  override get passedArgs(): readonly unknown[] {
    if (this.callerSignal === undefined && this.signalAt === undefined) return this.args;
    return withSignal(this.args, this.signalAt, () => this.signal ?? this.#ownSignal());
  }

  override get isWatched(): boolean {
    return true;
  }

  override get travelsAlone(): boolean {
    return true;
  }

  override ancestor(generations: number): Call {
    return generations === 0 ? this : this.parent.ancestor(generations - 1);
  }

  override started(): void {
    this.#startedIn = this.attempt;
    this.owner?.onStart?.();
    this.parent.started();
  }

  override enterCode(): void {
    super.enterCode();
    this.started();
  }

  /** Gives the call up; the second time comes too late. */
  override abort(reason: unknown, by: AbortedBy = 'policy'): void {
    if (this.aborted) return;
    this.#reason = reason;
    this.#abortedBy = by;
    super.abort(reason);
    this.#controller?.abort(reason);
  }

  /** The call that waits for this one is aborted. */
  leave(reason: unknown, parent: Call): void {
    this.abort(reason, parent.abortedBy);
  }
}
