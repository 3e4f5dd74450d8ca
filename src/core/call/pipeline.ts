import type { AnyFunction } from '../types.js';
import { Call } from './call.js';
import { compile, goDown } from './compile.js';
import { Descent } from './descent.js';
import { takeHandoff } from './handoff.js';
import type { Policy, SiteInfo } from './policy.js';
import { join, signalOf, unwatch, watch } from './signals.js';
import type { MutableStats } from './stats.js';
import { type After, admitted } from './step.js';
import { type Observed, observe, TracedCall, takeObserved } from './trace.js';
import { hasEnded } from './under-way.js';
import { isTraced } from './watched.js';

/** Makes calls through the policies; each is governed by the signal among its arguments. Always gives a promise. */
export function runner(
  policies: readonly Policy[],
  site: SiteInfo,
): (fn: AnyFunction, self: unknown, args: readonly unknown[]) => Promise<unknown> {
  const { stats } = site;
  const end: After = {
    ok(value, call) {
      hasEnded(stats, call);
      if (call.callerSignal !== undefined) unwatch(call, call.callerSignal);
      return value;
    },
    fail(error, call) {
      hasEnded(stats, call);
      if (call.callerSignal !== undefined) unwatch(call, call.callerSignal);
      if (!call.aborted || isHandedOver(call)) stats.failures++;
      call.handoff?.onFailure?.(error);
      throw error;
    },
  };
  const gate = compile(policies, end, site);

  return function run(fn, self, args) {
    let observed: Observed | undefined;
    if (isTraced()) {
      observed = takeObserved();
      if (observed === undefined) return observe(site, fn, self, args, run);
    }
    stats.calls++;
    const given = observed === undefined ? takeHandoff(self, site.name) : observed.handoff;
    let signal: AbortSignal | undefined;
    try {
      signal = signalOf(args, site.signalAt, site);
      if (given !== undefined) signal = joinSignals(signal, given.signal);
    } catch (error) {
      stats.failures++;
      hasEnded(stats);
      return Promise.reject(error);
    }
    const call =
      observed === undefined
        ? new Call(fn, self, args, signal, given)
        : new TracedCall(observed.trace, fn, self, args, signal, given);
    let abortable: Abortable | undefined;
    if (signal !== undefined) {
      if (signal.aborted) {
        stats.failures++;
        hasEnded(stats);
        if (observed !== undefined) observed.trace.isRefused = true;
        return Promise.reject(signal.reason);
      }
      // Under the signal of the call that makes it, it is that call which rejects at an abort.
      if (signal !== given?.signal) abortable = abortableOutcome(call, stats);
      try {
        watch(call, signal);
      } catch (error) {
        stats.failures++;
        hasEnded(stats);
        return Promise.reject(error);
      }
    }
    // In this very function, so that few frames stand between the caller and the method's code.
    let result: unknown;
    try {
      result = gate.admit(call);
      if (result === admitted) {
        const enteredAt = gate.enterCode(call);
        let entered: Promise<unknown>;
        try {
          entered = Promise.resolve(Reflect.apply(observed === undefined ? fn : call.entry, self, args));
        } catch (error) {
          entered = Promise.reject(error);
        }
        result = gate.leaveCode(call, entered, enteredAt);
      } else if (result instanceof Descent) {
        result = goDown(result);
      }
    } catch (error) {
      result = Promise.reject(error);
    }
    const outcome = Promise.resolve(result);
    if (abortable === undefined) return outcome;
    outcome.then(abortable.resolve, abortable.reject);
    return abortable.promise;
  };
}

/** Whether it is the call that makes this one which rejects at an abort. */
const isHandedOver = ({ callerSignal, handoff }: Call): boolean =>
  handoff !== undefined && callerSignal === handoff.signal;

/** What comes of a call: once that is known, or once the call is aborted, whatever still runs beneath. */
interface Abortable {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

function abortableOutcome(call: Call, stats: MutableStats): Abortable {
  const outcome = {} as Abortable;
  outcome.promise = new Promise((resolve, reject) => {
    outcome.resolve = resolve;
    outcome.reject = reject;
  });
  call.onAbort = (reason) => {
    stats.failures++;
    outcome.reject(reason);
  };
  return outcome;
}

function joinSignals(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  if (one === undefined || other === undefined || one === other) return one ?? other;
  if (one.aborted || other.aborted) return one.aborted ? one : other;
  return join(one, other);
}
