import type { Policy, PolicyStep } from '../core/call/policy.js';
import { admitted } from '../core/call/step.js';
import { named } from '../core/decoration/interceptor.js';
import type { Run } from '../core/decoration/site.js';
import type { AnyFunction } from '../core/types.js';
import type { Concerns } from './scope.js';

/** Attempts that are to fail. */
export class Failures {
  /** Called when all have failed. */
  onUsedUp: (() => void) | undefined = undefined;
  /** Set once no more are to fail, not even those of calls that are under way. */
  isOver = false;
  #failed = 0;

  constructor(
    readonly concerns: Concerns,
    /** Whether an attempt with this receiver is meant. */
    readonly isMeant: (self: unknown) => boolean,
    readonly times: number,
    /** What the n-th fails with, from 1. */
    readonly errorOf: (nth: number) => unknown,
  ) {}

  /** What an attempt fails with. */
  take(): unknown {
    const nth = ++this.#failed;
    if (nth === this.times) this.onUsedUp?.();
    return this.errorOf(nth);
  }
}

/** Those by which the next attempt with this receiver fails; undefined: by none. */
const nextOf = (all: readonly Failures[], self: unknown): Failures | undefined =>
  all.find((each) => !each.isOver && each.isMeant(self));

/** Runs calls so, but for the code of the method, which fails as often as it is to. */
export const failing =
  (all: readonly Failures[], run: Run): Run =>
  (fn, self, args) => {
    const standIn = function (this: unknown, ...given: unknown[]): unknown {
      const next = nextOf(all, this);
      if (next !== undefined) throw next.take();
      return Reflect.apply(fn, this, given);
    };
    return run(named(fn, standIn) as AnyFunction, self, args);
  };

/** The kinds that run the code elsewhere. */
const elsewhere: readonly string[] = ['cpuBound', 'queued'];

/** The policies, of which those that run the code elsewhere do not while it is to fail: it fails here. */
export const failingHere = (all: readonly Failures[], policies: readonly Policy[]): Policy[] =>
  policies.map((policy) => {
    if (!elsewhere.includes(policy.kind)) return policy;
    const [step] = policy.steps;
    return { ...policy, steps: [{ ...step, wrap: wrapFailing(all, step) }] };
  });

function wrapFailing(all: readonly Failures[], { wrap }: PolicyStep): PolicyStep['wrap'] {
  return (around, site) => {
    const step = wrap(around, site);
    return {
      ...step,
      // What goes on beneath enters the code here, where the stand-in fails.
      admit: (call) => (nextOf(all, call.self) === undefined && step.admit?.(call)) || admitted,
    };
  };
}
