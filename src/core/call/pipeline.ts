import type { AnyFunction } from '../types.js';
import { Call, takeHandoff } from './call.js';
import type { Policy, SiteInfo } from './policy.js';
import { join, signalOf, unwatch, watch } from './signals.js';
import type { MutableStats } from './stats.js';
import { type After, type Around, admitted, type Next } from './step.js';

/** Links the policies, which stand in pipeline order, the outermost first, and the call of the method beneath them. */
function compile(policies: readonly Policy[], end: After, site: SiteInfo): Gate {
  const links = policies.map((policy) => {
    const around = {} as { -readonly [Name in keyof Around]: Around[Name] };
    return { around, step: policy.wrap(around, site) };
  });
  let { ok, fail } = end;
  for (const { around, step } of links) {
    Object.assign(around, { ok, fail });
    ok = step.ok ?? ok;
    fail = step.fail ?? fail;
  }
  let gate = new Gate(undefined, { ok, fail }, site.stats);
  for (const { around, step } of links.reverse()) {
    around.next = enterThrough(gate);
    if (step.admit !== undefined) gate = new Gate(inTurn(step.admit, gate.steps), gate.after, gate.stats);
  }
  return gate;
}

/** Both steps as one. The first has returned before the second begins: neither stands in the way of a stack. */
function inTurn(first: Next, second: Next | undefined): Next {
  if (second === undefined) return first;
  return (call) => {
    const outcome = first(call);
    return outcome === admitted ? second(call) : outcome;
  };
}

/**
 * Where calls enter the method's own code: past the steps that admit them, one after the other. Whoever takes a call
 * through calls the code itself, between `enter` and `leave`, so that one frame stands for all of that in a stack.
 */
class Gate {
  constructor(
    readonly steps: Next | undefined,
    readonly after: After,
    readonly stats: MutableStats,
  ) {}

  /** Gives `admitted`; or what becomes of a call that does not enter now. */
  admit(call: Call): unknown {
    const outcome = this.steps === undefined ? admitted : this.steps(call);
    if (outcome !== admitted) return outcome;
    return call.aborted ? this.after.fail(call.signal?.reason, call) : admitted;
  }

  /** The code is entered from now on. Gives the time of that, where the permit of a rate limit wants to know it. */
  enter(call: Call): number {
    this.stats.attempts++;
    this.stats.running++;
    call.enter();
    return call.permit === undefined ? 0 : call.permit.enter();
  }

  /** The code has been entered, and gave this promise: goes on once that settles. */
  leave(call: Call, result: Promise<unknown>, enteredAt: number): Promise<unknown> {
    call.leave();
    const { permit } = call;
    if (permit !== undefined) {
      call.permit = undefined;
      permit.start(enteredAt);
    }
    const { stats, after } = this;
    return result.then(
      (value) => {
        stats.running--;
        return after.ok(value, call);
      },
      (error) => {
        stats.running--;
        return after.fail(error, call);
      },
    );
  }
}

/** Takes a call that was under way already through a gate. */
function enterThrough(gate: Gate): Next {
  return function method(call) {
    const outcome = gate.admit(call);
    if (outcome !== admitted) return outcome;
    const enteredAt = gate.enter(call);
    let result: Promise<unknown>;
    try {
      result = Promise.resolve(Reflect.apply(call.fn, call.self, call.args));
    } catch (error) {
      result = Promise.reject(error);
    }
    return gate.leave(call, result, enteredAt);
  };
}

/** Makes calls through the policies; each is governed by the signal among its arguments. Always gives a promise. */
export function runner(
  policies: readonly Policy[],
  site: SiteInfo,
): (fn: AnyFunction, self: unknown, args: readonly unknown[]) => Promise<unknown> {
  const { stats } = site;
  const end: After = {
    ok(value, call) {
      if (call.signal !== undefined) unwatch(call, call.signal);
      return value;
    },
    fail(error, call) {
      if (call.signal !== undefined) unwatch(call, call.signal);
      if (call.onAbort === undefined || !call.aborted) stats.failures++;
      call.handoff?.onFailure?.(error);
      throw error;
    },
  };
  const gate = compile(policies, end, site);

  return function run(fn, self, args) {
    stats.calls++;
    const given = takeHandoff(self, site.name);
    let signal: AbortSignal | undefined;
    try {
      signal = signalOf(args);
      if (given !== undefined) signal = either(signal, given.signal);
    } catch (error) {
      stats.failures++;
      return Promise.reject(error);
    }
    const call = new Call(fn, self, args, signal, given);
    let early: Early | undefined;
    if (signal !== undefined) {
      if (signal.aborted) {
        stats.failures++;
        return Promise.reject(signal.reason);
      }
      // Under the signal of the call that makes it, it is that call which rejects at an abort.
      if (signal !== given?.signal) early = endAtAbort(call, stats);
      try {
        watch(call, signal);
      } catch (error) {
        stats.failures++;
        return Promise.reject(error);
      }
    }
    // In this very function, so that few frames stand between the caller and the method's code.
    let result: unknown;
    try {
      result = gate.admit(call);
      if (result === admitted) {
        const enteredAt = gate.enter(call);
        let entered: Promise<unknown>;
        try {
          entered = Promise.resolve(Reflect.apply(fn, self, args));
        } catch (error) {
          entered = Promise.reject(error);
        }
        result = gate.leave(call, entered, enteredAt);
      }
    } catch (error) {
      result = Promise.reject(error);
    }
    const outcome = Promise.resolve(result);
    if (early === undefined) return outcome;
    outcome.then(early.resolve, early.reject);
    return early.promise;
  };
}

/** A promise that rejects once the call is aborted, whatever still runs beneath. */
interface Early {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

function endAtAbort(call: Call, stats: MutableStats): Early {
  const early = {} as Early;
  early.promise = new Promise((resolve, reject) => {
    early.resolve = resolve;
    early.reject = reject;
  });
  call.onAbort = (reason) => {
    stats.failures++;
    early.reject(reason);
  };
  return early;
}

function either(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  if (one === undefined || other === undefined || one === other) return one ?? other;
  if (one.aborted || other.aborted) return one.aborted ? one : other;
  return join(one, other);
}
