import { strict as assert } from 'node:assert';
import { flush } from './clock.js';

/** Runs a test, and fails if it leaves a rejection that nobody handles, or if anything warns on the way. */
export async function handled(run: () => Promise<void>): Promise<void> {
  const seen: unknown[] = [];
  const note = (what: unknown): void => {
    seen.push(what);
  };
  process.on('unhandledRejection', note);
  process.on('warning', note);
  try {
    await run();
    for (let i = 0; i < 3; i++) await flush();
  } finally {
    process.off('unhandledRejection', note);
    process.off('warning', note);
  }
  assert.deepEqual(seen, []);
}
