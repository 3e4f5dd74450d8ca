import type { AnyFunction } from '../types.js';
import { type AbortedBy, Call, type CallTrace, type Wait } from './call.js';
import type { SignalPlace } from './signal-place.js';
import { withSignal } from './signals.js';

/** Why a call was given up, and who did so. */
interface GivenUp {
  readonly reason: unknown;
  readonly by: AbortedBy;
}

/**
 * A call that a policy makes of what lies beneath it, with a permit, a slot, waits and an abort of its own. Given up, it
 * keeps what its running code holds until that has really ended; what comes of it then goes nowhere.
 */
export class ChildCall extends Call implements Wait {
  /** The attempt in which the method's own code was entered last; 0: in none. */
  private startedIn = 0;
  private controller: AbortController | undefined = undefined;
  private given: GivenUp | undefined = undefined;

  constructor(
    readonly parent: Call,
    args: readonly unknown[] = parent.args,
    /** The signal that stands in the arguments, or that of the caller. */
    callerSignal: AbortSignal | undefined = parent.callerSignal,
  ) {
    super(parent.fn, parent.self, args, callerSignal, parent.handoff);
    this.attempt = parent.attempt;
    this.error = parent.error;
  }

  override get root(): Call {
    return this.parent.root;
  }

  override get trace(): CallTrace | undefined {
    return this.root.trace;
  }

  override get entry(): AnyFunction {
    return this.trace?.entryOf(this) ?? this.fn;
  }

  /** Where the method takes its signal, if the site says so. */
  get signalAt(): SignalPlace | undefined {
    return undefined;
  }

  override get signal(): AbortSignal | undefined {
    return this.ownSignal();
  }

  /** Made when it is asked for: most methods never do. */
  private ownSignal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  override get hedge(): number {
    return this.parent.hedge;
  }

  override get fence(): number | undefined {
    return this.parent.fence;
  }

  override get neverWaits(): boolean {
    return this.parent.neverWaits;
  }

  override get reason(): unknown {
    return this.given?.reason;
  }

  override get abortedBy(): AbortedBy | undefined {
    return this.given?.by;
  }

  override get deadline(): number {
    return this.parent.deadline;
  }

  override get hasStarted(): boolean {
    return this.startedIn === this.attempt;
  }

  /** The caller's, with the signal of this call in the place of the caller's own. */
  override get passedArgs(): readonly unknown[] {
    if (this.callerSignal === undefined && this.signalAt === undefined) return this.args;
    return withSignal(this.args, this.signalAt, () => this.signal ?? this.ownSignal());
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
    this.startedIn = this.attempt;
    this.parent.started();
  }

  override enterCode(): void {
    super.enterCode();
    this.started();
  }

  /** Gives the call up; the second time comes too late. */
  override abort(reason: unknown, by: AbortedBy = 'policy'): void {
    if (this.aborted) return;
    this.given = { reason, by };
    super.abort(reason);
    this.controller?.abort(reason);
  }

  /** The call that waits for this one is aborted. */
  leave(reason: unknown, parent: Call): void {
    this.abort(reason, parent.abortedBy);
  }
}
