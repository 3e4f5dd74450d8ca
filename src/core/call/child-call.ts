import { Call, type Wait } from './call.js';
import { type SignalPlace, withSignal } from './signals.js';

/**
 * A call that a policy makes of what lies beneath it, with a permit, a slot, waits and an abort of its own. Given up, it
 * keeps what its running code holds until that has really ended; what comes of it then goes nowhere.
 */
export class ChildCall extends Call implements Wait {
  /** Whether the method's own code was entered, by this call or by one that was made beneath it. */
  hasStarted = false;
  /** Told when the method's own code is entered, or its job is on its way to a worker. */
  onStart: (() => void) | undefined = undefined;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor(
    readonly parent: Call,
    /** Where the method takes its signal, if the site says so. */
    readonly signalAt: SignalPlace | undefined = undefined,
    args: readonly unknown[] = parent.args,
  ) {
    super(parent.fn, parent.self, args, parent.callerSignal, undefined);
    this.attempt = parent.attempt;
    this.error = parent.error;
  }

  /** Made when it is asked for: most methods never do. */
  override get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  override get reason(): unknown {
    return this.#reason;
  }

  /** The caller's, with the signal of this call in the place of the caller's own. */
  override get passedArgs(): readonly unknown[] {
    if (this.callerSignal === undefined && this.signalAt === undefined) return this.args;
    return withSignal(this.args, this.signalAt, () => this.signal);
  }

  override get isWatched(): boolean {
    return true;
  }

  override started(): void {
    for (let each: Call = this; each instanceof ChildCall; each = each.parent) {
      each.hasStarted = true;
      each.onStart?.();
    }
  }

  override enterCode(): void {
    super.enterCode();
    this.started();
  }

  override abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#reason = reason;
    super.abort(reason);
    this.#controller?.abort(reason);
  }

  /** The call that waits for this one is aborted. */
  leave(reason: unknown): void {
    this.abort(reason);
  }
}
