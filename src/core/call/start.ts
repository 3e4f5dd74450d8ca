import type { Call } from './call.js';
import { type After, admitted, type Next, type Start, type Step } from './step.js';

const lookAtNothing: Next = () => admitted;
const doNothing = (): void => {};

/** Has the steps look at each call where its code is entered; undefined where none of them asks for that. */
export function startOf(steps: readonly Step[]): Start | undefined {
  let recheck = lookAtNothing;
  let entering: Start['entering'] = doNothing;
  let boundaries = 0;
  for (const step of steps.toReversed()) {
    // What goes on beneath a boundary is a child of the call that the step knows.
    if (step.isBoundary) boundaries++;
    if (step.recheck !== undefined) recheck = inTurn(ofAncestor(step.recheck, boundaries), recheck);
    if (step.entering !== undefined) entering = bothOf(ofAncestor(step.entering, boundaries), entering);
  }
  return recheck === lookAtNothing && entering === doNothing ? undefined : { recheck, entering };
}

/** What stands right before the method's code, for calls that come straight through. */
export function onEntry({ entering }: Start): Next | undefined {
  if (entering === doNothing) return undefined;
  return function start(call) {
    entering(call);
    return admitted;
  };
}

/** What stands right before the method's code, for calls that did not come straight through. */
export const lookAgain = ({ recheck, entering }: Start, { fail }: After): Next =>
  function start(call) {
    const refusal = recheck(call);
    if (refusal !== admitted) return fail(refusal, call);
    entering(call);
    return admitted;
  };

/** In how many turns of microtasks what came of a call beneath has come to the steps above, from a worker too. */
const turns = 16;

/** Lets what has ended come to all the steps that wait for it. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
}

/**
 * For a call that waited for what another one, beneath a boundary, gave back at its end: it goes on once what came of that
 * one is known above the boundary, too.
 */
export const settled = (next: Next): Next =>
  async function start(call) {
    await settle();
    return await next(call);
  };

function inTurn(first: Next, second: Next): Next {
  if (second === lookAtNothing) return first;
  return (call) => {
    const refusal = first(call);
    return refusal === admitted ? second(call) : refusal;
  };
}

function bothOf(first: Start['entering'], second: Start['entering']): Start['entering'] {
  if (second === doNothing) return first;
  return (call) => {
    first(call);
    second(call);
  };
}

function ofAncestor<Result>(look: (call: Call) => Result, generations: number): (call: Call) => Result {
  if (generations === 0) return look;
  return (call) => look(call.ancestor(generations));
}
