import { Call, enter, signalOf, takeHandoff, unwatch, watch } from './call.js';
import { now } from './clock.js';
import type { After, AnyFunction, MutableStats, Next, Policy, SiteInfo } from './types.js';

/** Links the policies, which stand in pipeline order, the outermost first, and the call of the method beneath them. */
export function compile(policies: readonly Policy[], after: After, site: SiteInfo): Next {
  const [policy, ...inner] = policies;
  if (policy === undefined) return callMethod(after, site.stats);
  let next: Next;
  const step = policy.wrap((call) => next(call), after, site);
  next = compile(inner, step, site);
  return step.enter;
}

/** The innermost step: enters the method's own code, unless the call was aborted on its way. */
function callMethod({ ok, fail }: After, stats: MutableStats): Next {
  return function method(call) {
    if (call.aborted) return fail(call.signal?.reason, call);
    stats.attempts++;
    stats.running++;
    const { permit } = call;
    const enteredAt = permit === undefined ? 0 : now();
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
      call.onFailure?.(error);
      throw error;
    },
  };
  const pipeline = compile(policies, end, site);

  /** A call with a signal of its own: at an abort it rejects at once, whatever still runs beneath. */
  const runCancellable = (call: Call, signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => {
      call.onAbort = (reason) => {
        stats.failures++;
        reject(reason);
      };
      watch(call, signal);
      settle(pipeline, call).then(resolve, reject);
    });

  /** A call under the signal of the one that makes it, which rejects at an abort itself. */
  const runGoverned = (call: Call, signal: AbortSignal): Promise<unknown> => {
    watch(call, signal);
    return settle(pipeline, call);
  };

  return (fn, self, args) => {
    stats.calls++;
    const given = takeHandoff(site.name);
    const own = signalOf(args);
    const signal = given === undefined ? own : either(own, given.signal);
    const call = new Call(fn, self, args, signal);
    if (given !== undefined) {
      call.error = given.error;
      call.chain = given.chain;
      call.batch = given.batch;
      call.onFailure = given.onFailure;
    }
    if (signal === undefined) return settle(pipeline, call);
    if (signal.aborted) {
      stats.failures++;
      return Promise.reject(signal.reason);
    }
    return signal === given?.signal ? runGoverned(call, signal) : runCancellable(call, signal);
  };
}

function settle(pipeline: Next, call: Call): Promise<unknown> {
  try {
    return Promise.resolve(pipeline(call));
  } catch (error) {
    return Promise.reject(error);
  }
}

const either = (one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined =>
  one === undefined || other === undefined || one === other ? (one ?? other) : AbortSignal.any([one, other]);
