import type { Call } from './call.js';

/** The latest such error of each call, boxed: anything may be thrown. */
const errors = new WeakMap<Call, { readonly error: unknown }>();

/**
 * Has an error reject the call, and those that it was made for, whatever attempts are left: it is of an option of the
 * pipeline, such as what a hook threw, and tells nothing of the method. Gives the error.
 */
export function finalError<Thrown>(error: Thrown, call: Call): Thrown {
  const box = { error };
  for (let each = call; errors.get(each) !== box; each = each.ancestor(1)) errors.set(each, box);
  return error;
}

/** Whether the error with which an attempt of a call ended rejects that call. */
export function isFinal(error: unknown, call: Call): boolean {
  const box = errors.get(call);
  return box !== undefined && Object.is(box.error, error);
}
