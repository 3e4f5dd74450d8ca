import type { Call } from './call.js';

/** Goes on with an outcome of a call: gives what the promise before it settles with, or throws. */
export type Continuation = (outcome: unknown, call: Call) => unknown;

/** What follows once all that lies beneath has ended: with a value, or with an error. */
export interface After {
  readonly ok: Continuation;
  readonly fail: Continuation;
}

/** The rest of a pipeline: takes a call on, and gives back what the continuations after it give. */
export type Next = (call: Call) => unknown;

/** Where calls enter the method's own code, past the steps that admit them; see `Gate`. */
export interface Entrance {
  admit(call: Call): unknown;
  enterCode(call: Call): number | undefined;
  leftCode(call: Call, enteredAt: number | undefined): void;
  succeed(value: unknown, call: Call): unknown;
  fail(error: unknown, call: Call): unknown;
}

/** What lies around a step: the rest of the pipeline beneath it, and what follows it. Complete before the first call. */
export interface Around extends After {
  /** Takes a call on; always gives a promise, and never throws. */
  readonly next: (call: Call) => Promise<unknown>;
  /** The same for a `Descent`. */
  readonly entrance: Entrance;
  /** Where the step may keep what it has to know of a call; see `Call.keep`. No other step of the pipeline has it. */
  readonly place: number;
  /** For a step that has the code run elsewhere, and so stands innermost: what is to be done there as the code is entered. */
  readonly start: Start | undefined;
}

/** What the steps that ask for it do where the method's code is entered. */
export interface Start {
  /** Looks at the call once more: gives `admitted`, or the error that turns it away after all. */
  readonly recheck: Next;
  /** The code is entered now. */
  readonly entering: (call: Call) => void;
}

/** What a step gives that lets a call on at once. */
export const admitted = Symbol('admitted');

/**
 * One step of a pipeline: how a call enters it, and how it goes on with what came of the steps beneath. The two halves
 * are apart, and what they share is kept on the call, so that a call costs one `.then` in all and no closure per policy.
 * Where a step has nothing to do it leaves that part out, and costs nothing there.
 *
 * `ok` or `fail` runs once for each time that the call went on beneath, be that by `admitted` or by `around.next`. What
 * they give, or throw, is what came of the call. Between `admitted` and the code of the method the call may be aborted,
 * or turned away by a step beneath: `fail` tells of that too. So what a step takes in `admit`, it gives back in these two.
 */
export interface Step extends Partial<After> {
  /**
   * Gives `admitted`, and the call goes on beneath; or what the step came to, where it takes the call on itself, later or
   * not at all. So no frame of the step stands between the caller and the method's code, which has to fit into a stack.
   * It must not throw, as the steps around it may hold something by then: what fails it hands to `around.fail`.
   */
  readonly admit?: Next;
  /**
   * Set where the step runs what lies beneath by calls of its own, as often and as long as it likes: it gives each, a
   * `ChildCall`, to `around.next`, which always gives a promise of what came of that one, and never throws. Of the call
   * itself the step tells by `around.ok` and `around.fail`, once. Its `admit` never gives `admitted`; where one such call
   * follows at once, it may give a `Descent`.
   */
  readonly isBoundary?: true;
  /**
   * What follows what lies beneath a boundary; left out, it is the child call that is told of its end. A step with one of
   * its own may also go on beneath with the call itself, where that is no child of another, and nobody can abort it.
   */
  readonly beneath?: After;
  /**
   * Looks once more at a call that went on through `around.next` of a step beneath, as after a wait, right before its code
   * is entered. Gives `admitted`, or the error that turns it away after all; the steps beneath then give back what they
   * took. Gets the call that `admit` got, perhaps more than once; must not throw.
   */
  readonly recheck?: Next;
  /** The code is entered now, or its job goes to a worker. Gets the call as `admit` got it; must not throw. */
  readonly entering?: (call: Call) => void;
}
