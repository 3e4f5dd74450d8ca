import type { AnyFunction } from '../types.js';
import { Call } from './call.js';
import { Descent } from './descent.js';
import { Gate } from './gate.js';
import { takeHandoff } from './handoff.js';
import { type Policy, type SiteInfo, stepsOf } from './policy.js';
import { join, signalOf, unwatch, watch } from './signals.js';
import { lookAgain, onEntry, settled, startOf } from './start.js';
import type { MutableStats } from './stats.js';
import { type After, type Around, admitted, type Next, type Step } from './step.js';
import { type Observed, observe, TracedCall, takeObserved } from './trace.js';
import { hasEnded } from './under-way.js';
import { isTraced } from './watched.js';

/** A step, and what lies around it, which is completed while the steps are linked. */
interface Link {
  readonly around: { -readonly [Name in keyof Around]: Around[Name] };
  readonly step: Step;
}

/**
 * Links the steps of all policies, and the call of the method beneath them:
 *
 *     call ->  admit  ->  admit  ->  the method     linkEntries, from the inside out
 *            (retry)      (slot)          |
 *          <- ok|fail <- ok|fail <--------+         linkOutcomes, from the outside in
 */
function compile(policies: readonly Policy[], end: After, site: SiteInfo): Gate {
  const links = stepsOf(policies).map(({ wrap }, place): Link => {
    const around = { place } as Link['around'];
    return { around, step: wrap(around, site) };
  });
  return linkEntries(links, linkOutcomes(links, end), site.stats);
}

/** What a child call comes to is told to the step that made it, and to nobody else. */
const endOfChild: After = {
  ok(value, call) {
    call.ended(false);
    return value;
  },
  fail(error, call) {
    call.ended(true);
    throw error;
  },
};

/** Tells each step what follows it; gives what follows the method's code. */
function linkOutcomes(links: readonly Link[], end: After): After {
  let { ok, fail } = end;
  for (const { around, step } of links) {
    Object.assign(around, { ok, fail });
    ({ ok, fail } = step.isBoundary ? (step.beneath ?? endOfChild) : { ok: step.ok ?? ok, fail: step.fail ?? fail });
  }
  return { ok, fail };
}

/** Tells each step how calls go on beneath it; gives the gate that stands before all of them. */
function linkEntries(links: readonly Link[], after: After, stats: MutableStats): Gate {
  const steps = links.map(({ step }) => step);
  const start = startOf(steps);
  const innermost = (before: Next | undefined): Gate => new Gate(before, after, stats);
  /** For calls that come straight through; for those of a boundary, which are looked at again; and for those that waited. */
  let straight = innermost(start && onEntry(start));
  let looked = innermost(start && lookAgain(start, after));
  const first = steps.findIndex(({ recheck }) => recheck !== undefined);
  const isApart = first >= 0 && steps.slice(first + 1).some(({ isBoundary }) => isBoundary);
  let waited = isApart ? innermost(settled(enterThrough(looked))) : looked;
  for (const [at, { around, step }] of [...links.entries()].toReversed()) {
    const isBeneath = first >= 0 && at > first;
    around.entrance = isBeneath ? looked : straight;
    const lookedAt = step.isBoundary ? looked : waited;
    around.next = enterThrough(isBeneath ? lookedAt : straight);
    around.start = start;
    straight = behind(step, around, straight);
    looked = behind(step, around, looked);
    waited = behind(step, around, waited);
  }
  return straight;
}

function behind({ admit, isBoundary }: Step, around: Around, gate: Gate): Gate {
  if (isBoundary) return new Gate(admit, around, gate.stats);
  return admit === undefined ? gate : gate.behind(admit);
}

/** Takes a call that was under way already through a gate. */
function enterThrough(gate: Gate): Around['next'] {
  return function method(call) {
    try {
      const outcome = gate.admit(call);
      if (outcome !== admitted) return Promise.resolve(outcome instanceof Descent ? goDown(outcome) : outcome);
      const enteredAt = gate.enterCode(call);
      let result: Promise<unknown>;
      try {
        result = Promise.resolve(Reflect.apply(call.entry, call.self, call.passedArgs));
      } catch (error) {
        result = Promise.reject(error);
      }
      return gate.leaveCode(call, result, enteredAt);
    } catch (error) {
      // A step that refused the call has gone on with that.
      return Promise.reject(error);
    }
  };
}

/** Goes on with the call that a step made beneath, and with those that steps beneath make of that, in one frame. */
function goDown(first: Descent): unknown {
  let last = first;
  let outcome: unknown;
  let around: Descent | undefined = first;
  try {
    for (;;) {
      const { entrance } = last;
      outcome = entrance.admit(last);
      if (outcome instanceof Descent) {
        outcome.above = last;
        last = outcome;
        around = last;
        continue;
      }
      if (outcome !== admitted) break;
      const enteredAt = entrance.enterCode(last);
      let result: Promise<unknown>;
      try {
        result = Promise.resolve(Reflect.apply(last.entry, last.self, last.passedArgs));
      } catch (error) {
        result = Promise.reject(error);
      }
      entrance.leftCode(last, enteredAt);
      outcome = last.settleCode(result);
      around = last.above;
      break;
    }
  } catch (error) {
    outcome = Promise.reject(error);
  }
  for (; around !== undefined; around = around.above) outcome = around.settle(Promise.resolve(outcome));
  return outcome;
}

/** Makes calls through the policies; each is governed by the signal among its arguments. Always gives a promise. */
export function runner(
  policies: readonly Policy[],
  site: SiteInfo,
): (fn: AnyFunction, self: unknown, args: readonly unknown[]) => Promise<unknown> {
  const { stats } = site;
  const end: After = {
    ok(value, call) {
      hasEnded(stats);
      if (call.callerSignal !== undefined) unwatch(call, call.callerSignal);
      return value;
    },
    fail(error, call) {
      hasEnded(stats);
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
