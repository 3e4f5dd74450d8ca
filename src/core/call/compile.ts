import { Descent } from './descent.js';
import { Gate } from './gate.js';
import { type Policy, type SiteInfo, stepsOf } from './policy.js';
import { lookAgain, onEntry, settled, startOf } from './start.js';
import type { MutableStats } from './stats.js';
import { type After, type Around, admitted, type Next, type Step } from './step.js';

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
export function compile(policies: readonly Policy[], end: After, site: SiteInfo): Gate {
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
export function goDown(first: Descent): unknown {
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
