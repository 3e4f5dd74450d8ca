import { Call, enter, takeHandoff } from './call.js';
import { join, signalOf, unwatch, watch } from './signals.js';
import type { After, AnyFunction, Around, MutableStats, Next, Policy, SiteInfo } from './types.js';

/** Links the policies, which stand in pipeline order, the outermost first, and the call of the method beneath them. */
export function compile(policies: readonly Policy[], end: After, site: SiteInfo): Next {
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
  let next = callMethod({ ok, fail }, site.stats);
  for (const { around, step } of links.reverse()) {
    around.next = next;
    next = step.enter ?? next;
  }
  return next;
}

/** The innermost step: enters the method's own code, unless the call was aborted on its way. */
function callMethod({ ok, fail }: After, stats: MutableStats): Next {
  return function method(call) {
    if (call.aborted) return fail(call.signal?.reason, call);
    stats.attempts++;
    stats.running++;
    const { permit } = call;
    const enteredAt = permit === undefined ? 0 : permit.enter();
    const result = enter(call, call.fn, call.self, call.args);
    if (permit !== undefined) {
      call.permit = undefined;
      permit.start(enteredAt);
    }
    return result.then(
      (value) => {
        stats.running--;
        return ok(value, call);
      },
      (error) => {
        stats.running--;
        return fail(error, call);
      },
    );
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
  const pipeline = compile(policies, end, site);

  return (fn, self, args) => {
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
    let result: Promise<unknown>;
    try {
      result = Promise.resolve(pipeline(call));
    } catch (error) {
      result = Promise.reject(error);
    }
    if (early === undefined) return result;
    result.then(early.resolve, early.reject);
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
