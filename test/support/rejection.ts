import { strict as assert } from 'node:assert';

/** What a promise rejects with; fails if it does not. */
export const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('expected a rejection'),
    (error: unknown) => error,
  );
