import { ChildCall } from '../core/call/child-call.js';
import type { SignalPlace } from '../core/call/signal-place.js';

/** A failure that had a hedge begin at once. */
export interface Failure {
  readonly error: unknown;
}

/** The race that a hedge runs in. */
interface OwnRace {
  readonly first: ChildCall;
  /** Its code is entered. */
  hasBegun(hedge: Hedge): void;
}

/** A further run of an attempt. */
export class Hedge extends ChildCall {
  private hasBegun = false;

  constructor(
    private readonly race: OwnRace,
    private readonly nth: number,
    readonly delay: number,
    /** What had it begin at once; undefined: its time had come. */
    readonly cause: Failure | undefined,
  ) {
    super(race.first.parent);
    if (cause !== undefined) this.error = cause.error;
  }

  override get signalAt(): SignalPlace | undefined {
    return this.race.first.signalAt;
  }

  override get hedge(): number {
    return this.nth;
  }

  override get neverWaits(): boolean {
    return true;
  }

  /** The method's code is entered; by a policy beneath perhaps more than once. */
  override started(): void {
    super.started();
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.race.hasBegun(this);
  }
}
