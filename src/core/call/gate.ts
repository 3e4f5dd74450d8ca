import type { Call, Wait } from './call.js';
import type { MutableStats } from './stats.js';
import { type After, admitted, type Entrance, type Next } from './step.js';
import { goesOn, wentOn } from './under-way.js';

/**
 * Where calls enter the method's own code: past the steps that admit them, one after the other. Whoever takes a call
 * through calls the code itself, between `enterCode` and `leaveCode`, so that one frame stands for all of that in a stack.
 */
export class Gate implements Wait, Entrance {
  constructor(
    readonly steps: Next | undefined,
    readonly after: After,
    readonly stats: MutableStats,
  ) {}

  /** The same gate behind one more step. */
  behind(step: Next): Gate {
    return new Gate(inTurn(step, this.steps), this.after, this.stats);
  }

  /** Gives `admitted`; or what becomes of a call that does not enter now. */
  admit(call: Call): unknown {
    const outcome = this.steps === undefined ? admitted : this.steps(call);
    if (outcome !== admitted) return outcome;
    return call.aborted ? this.after.fail(call.reason, call) : admitted;
  }

  /** The code is entered from now on. Gives the time of that, where the permit of a rate limit wants to know it. */
  enterCode(call: Call): number | undefined {
    this.stats.attempts++;
    this.stats.running++;
    call.enterCode();
    return call.starting?.beforeStart();
  }

  /** The code has been entered, and gave this promise: goes on once that settles. */
  leaveCode(call: Call, result: Promise<unknown>, enteredAt: number | undefined): Promise<unknown> {
    this.leftCode(call, enteredAt);
    return result.then(
      (value) => this.succeed(value, call),
      (error) => this.fail(error, call),
    );
  }

  /** The code has been entered: `succeed` or `fail` is to be told what came of it. */
  leftCode(call: Call, enteredAt: number | undefined): void {
    call.leaveCode();
    const { starting } = call;
    if (starting !== undefined) {
      call.starting = undefined;
      starting.afterStart(enteredAt);
    }
    if (call.isWatched) this.watch(call);
  }

  succeed(value: unknown, call: Call): unknown {
    this.stats.running--;
    if (call.waiting !== undefined) this.unwatch(call);
    return this.after.ok(value, call);
  }

  fail(error: unknown, call: Call): unknown {
    this.stats.running--;
    if (call.waiting !== undefined) this.unwatch(call);
    return this.after.fail(error, call);
  }

  /** While its code runs, a call that may be given up waits in the gate itself. */
  private watch(call: Call): void {
    call.waiting = this;
    // By its own code, before it came to its first `await`.
    if (call.aborted) this.leave(undefined, call);
  }

  private unwatch(call: Call): void {
    if (call.waiting === abandoned || call.waiting === left) this.stats.abandoned--;
    if (call.waiting === left) wentOn(call);
    call.waiting = undefined;
  }

  /** Nobody waits for the code of this call any more. */
  leave(_reason: unknown, call: Call): void {
    this.stats.abandoned++;
    call.waiting = call.abortedBy === 'caller' ? left : abandoned;
    if (call.waiting === left) goesOn(call);
  }
}

/** What a call waits in while its code runs and nobody waits for that any more. */
const abandoned: Wait = { leave() {} };
/** The same, where it was the caller who left. */
const left: Wait = { leave() {} };

/** Both steps as one. The first has returned before the second begins: neither stands in the way of a stack. */
function inTurn(first: Next, second: Next | undefined): Next {
  if (second === undefined) return first;
  return (call) => {
    const outcome = first(call);
    return outcome === admitted ? second(call) : outcome;
  };
}
