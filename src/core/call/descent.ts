import { ChildCall } from './child-call.js';
import type { Entrance } from './step.js';

/**
 * A call that goes on beneath a step at once, once, as that step gives it: whoever asked the step takes it on, so that no
 * frame of the step stands between the caller and the method's code.
 */
export abstract class Descent extends ChildCall {
  /** The one around it, on the way of one call. */
  above: Descent | undefined = undefined;
  abstract readonly entrance: Entrance;
  /** What becomes of the parent, as this comes of the call. */
  abstract settle(beneath: Promise<unknown>): unknown;
  /** The same where the code was entered at once, and gave this: the entrance is still to be told of its end. */
  abstract settleCode(result: Promise<unknown>): unknown;
}
