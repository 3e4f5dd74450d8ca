import type { Call } from '../core/call/call.js';
import { skipsWaits } from '../core/call/clock.js';
import { Deadlines, type Timed } from '../core/call/deadlines.js';
import { Descent } from '../core/call/descent.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import type { Entrance } from '../core/call/step.js';
import type { Hedged } from './hedge-options.js';
import { Race } from './hedge-race.js';

/** How the attempts of a method are hedged. */
export class Hedging {
  /** All that wait equally long share one timer; undefined where none does. */
  readonly deadlines: Deadlines | undefined;

  constructor(readonly of: Hedged) {
    const { delay } = of;
    if (typeof delay === 'number' && delay !== Number.POSITIVE_INFINITY) this.deadlines = new Deadlines(delay);
  }

  /** Takes a call on beneath. */
  admit(call: Call): unknown {
    const { around, delay, budget, isPaidByRetry } = this.of;
    const first = new FirstRun(this, call);
    if (typeof delay === 'function') {
      try {
        first.race.ask();
      } catch (thrown) {
        return around.fail(thrown, call);
      }
    }
    // By the function that told the delay, too.
    if (call.aborted) return around.fail(call.reason, call);
    if (budget !== undefined && !isPaidByRetry && call.attempt === 1 && !call.isAnother) budget.deposit();
    call.waiting = first;
    return first;
  }
}

/** The run that an attempt begins with. While it is alone there is no race. */
class FirstRun extends Descent implements Timed {
  dueAt = Number.POSITIVE_INFINITY;
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  /** Settles the promise of what comes of the attempt. */
  resolve!: (outcome: unknown) => void;
  reject!: (error: unknown) => void;
  /** Has the race attend to what is new, as a part of the call. */
  private wake: ((woken: FirstRun) => void) | undefined = undefined;
  private hasBegun = false;
  private ownRace: Race | undefined = undefined;

  constructor(
    readonly hedging: Hedging,
    parent: Call,
  ) {
    super(parent);
  }

  get race(): Race {
    this.ownRace ??= new Race(this);
    return this.ownRace;
  }

  get entrance(): Entrance {
    return this.hedging.of.around.entrance;
  }

  override get signalAt(): SignalPlace | undefined {
    return this.hedging.of.site.signalAt;
  }

  /** The method's code is entered; by a policy beneath perhaps more than once. */
  override started(): void {
    super.started();
    if (this.hasBegun) return;
    this.hasBegun = true;
    const { deadlines } = this.hedging;
    if (deadlines === undefined) this.race.schedule();
    else if (!skipsWaits()) deadlines.add(this);
  }

  settle(beneath: Promise<unknown>): Promise<unknown> {
    return this.decidedBy(
      beneath.then(
        (value) => this.succeed(value),
        (error) => this.race.lose(this, error),
      ),
    );
  }

  settleCode(result: Promise<unknown>): Promise<unknown> {
    return this.decidedBy(
      result.then(
        (value) => this.codeEnded(false, value),
        (error) => this.codeEnded(true, error),
      ),
    );
  }

  /** What comes of the attempt: what comes of this run, unless another one or an abort decides. */
  private decidedBy(own: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.listen();
      // The functions of the promise themselves, so that the caller stays tied to it.
      own.then(resolve, reject);
    });
  }

  /** From now on the race attends to what is new; at once if something is already. */
  listen(): void {
    new Promise<FirstRun>((wake) => {
      this.wake = wake;
    }).then(attend);
    if (this.ownRace?.hasNews) this.tell();
  }

  /** There is something new: whoever's timer or signal it was, the rest runs as a part of the call. */
  tell(): void {
    this.wake?.(this);
  }

  private codeEnded(hasFailed: boolean, outcome: unknown): unknown {
    const { entrance } = this;
    let value: unknown;
    try {
      // No step beneath has the code entered once more, as a retry would.
      value = hasFailed ? entrance.fail(outcome, this) : entrance.succeed(outcome, this);
    } catch (error) {
      return this.race.lose(this, error);
    }
    return this.succeed(value);
  }

  private succeed(value: unknown): unknown {
    const { hedging, parent } = this;
    if (this.ownRace !== undefined) return this.ownRace.win(this, value);
    parent.waiting = undefined;
    hedging.deadlines?.remove(this);
    return hedging.of.around.ok(value, parent);
  }

  /** The parent is aborted. */
  override leave(reason: unknown, parent: Call): void {
    super.leave(reason, parent);
    this.race.leave(reason, parent);
  }

  expire(): void {
    this.race.expire();
  }
}

const attend = (run: FirstRun): void => {
  run.race.attend().then(run.resolve, run.reject);
};
