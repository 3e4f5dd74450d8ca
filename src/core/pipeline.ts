import { Call, enter, signalOf, takeHandoff, unwatch, watch } from './call.js';
import { now } from './clock.js';
import type { AnyFunction, Continuation, MutableStats, Next, Policy, SiteInfo } from './types.js';

/** Puts the policies around the call of the method itself; they stand in pipeline order, the outermost first. */
export function compile(policies: readonly Policy[], site: SiteInfo): Next {
  return policies.reduceRight((next, policy) => policy.wrap(next, site), callMethod(site.stats));
}

/** The innermost step: enters the method's own code, unless the call was aborted on its way. */
function callMethod(stats: MutableStats): Next {
  return function method(call, ok, fail) {
    if (call.aborted) return fail(call.signal?.reason);
    stats.attempts++;
    stats.running++;
    const { onStart } = call;
    const enteredAt = onStart === undefined ? 0 : now();
    const result = enter(call, call.fn, call.self, call.args);
    if (onStart !== undefined) {
      call.onStart = undefined;
      onStart(enteredAt);
    }
    return result.then(
      (value) => {
        stats.running--;
        return ok(value);
      },
      (error) => {
        stats.running--;
        return fail(error);
      },
    );
  };
}

const pass: Continuation = (value) => value;

/** Makes calls through a pipeline; each is governed by the signal among its arguments. Always gives a promise. */
export function runner(
  pipeline: Next,
  stats: MutableStats,
): (fn: AnyFunction, self: unknown, args: readonly unknown[]) => Promise<unknown> {
  const failed: Continuation = (error) => {
    stats.failures++;
    throw error;
  };

  const runCancellable = (call: Call, signal: AbortSignal): Promise<unknown> => {
    if (signal.aborted) {
      stats.failures++;
      return Promise.reject(signal.reason);
    }
    return new Promise((resolve, reject) => {
      call.onAbort = (reason) => {
        stats.failures++;
        reject(reason);
      };
      watch(call, signal);
      const ok: Continuation = (value) => {
        unwatch(call, signal);
        return value;
      };
      const fail: Continuation = (error) => {
        unwatch(call, signal);
        if (!call.aborted) stats.failures++;
        throw error;
      };
      settle(pipeline, call, ok, fail).then(resolve, reject);
    });
  };

  return (fn, self, args) => {
    stats.calls++;
    const given = takeHandoff();
    const signal = given === undefined ? signalOf(args) : either(signalOf(args), given.signal);
    const call = new Call(fn, self, args, signal);
    if (given !== undefined) {
      call.error = given.error;
      call.chain = given.chain;
      call.batch = given.batch;
    }
    return signal === undefined ? settle(pipeline, call, pass, failed) : runCancellable(call, signal);
  };
}

function settle(pipeline: Next, call: Call, ok: Continuation, fail: Continuation): Promise<unknown> {
  try {
    return Promise.resolve(pipeline(call, ok, fail));
  } catch (error) {
    return Promise.reject(error);
  }
}

const either = (one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined =>
  one === undefined || other === undefined || one === other ? (one ?? other) : AbortSignal.any([one, other]);
