import type { ChildCall } from '../core/call/child-call.js';
import { isFinal } from '../core/call/final-errors.js';
import { isOwnError } from '../core/call/own-errors.js';
import { isRejectedError } from '../core/guards.js';
import type { Hedged } from './hedge-options.js';

/** What it means that a run has not succeeded. */
export type Meaning = 'failed' | 'kept back' | 'the end' | 'of a hook';

/** Throws what `on` throws. */
export async function meaningOf(error: unknown, run: ChildCall, { site, wanted }: Hedged): Promise<Meaning> {
  if (isFinal(error, run)) return 'of a hook';
  if (isOwnError(error, site) && isRejectedError(error) && !run.hasStarted) return 'kept back';
  return wanted === undefined || (await wanted(error, run.parent, site)) ? 'failed' : 'the end';
}
