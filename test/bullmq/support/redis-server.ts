import { test } from 'node:test';
import { whyNoRedis } from '../../support/redis-program.js';

export { RedisServer } from '../../redis/support/server.js';

const loud = whyNoRedis === undefined ? undefined : `!!! ${whyNoRedis} !!!`;
if (loud !== undefined) {
  process.stderr.write(`\n${loud}\n\n`);
  // What a file prints is shown where it fails: this is told in any case.
  test('what needs a Redis', (t) => {
    t.diagnostic(loud);
    t.skip(loud);
  });
}

/** What suites that need Redis are given: they are skipped where it is missing; in CI that is an error. */
export const needsRedis = { skip: loud ?? false };
