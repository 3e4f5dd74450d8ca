import { flush } from './clock.js';

/** Counters that threads share. */
export const counters = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * 8));

/** Waits until a condition holds, turn by turn; the test runner's own time limit ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await flush();
}
