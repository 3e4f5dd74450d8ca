import { peek } from '../peek.js';

/** Whether a value is a promise, of whatever kind. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

/**
 * Has what a promise fails with come to somebody, or to nobody: whoever it is of does not wait for it. A promise of whatever
 * kind, and of whatever realm; of another value nothing comes. Never throws.
 */
export function catchRejection(value: unknown, told: (error: unknown) => void = () => {}): void {
  if (typeof peek(value, 'then') !== 'function') return;
  // Made anew, as to look at a value that resists may throw.
  new Promise((resolve) => resolve(value)).catch(told);
}
