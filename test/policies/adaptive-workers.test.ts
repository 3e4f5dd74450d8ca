import { strict as assert } from 'node:assert';
import { after, test } from 'node:test';
import { shutdown, statsOf } from 'opero';
import { Measured } from '../fixtures/workers/measured.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());

test('7.6 with cpuBound the time in a worker counts, and no slot is lost', async () => {
  const measured = new Measured();
  const limit = (): number => statsOf(measured, 'square').limit;
  assert.equal(limit(), 4);
  // Each job takes longer than the target; how many it takes to fill a window is the machine's affair.
  for (let n = 0; limit() === 4 && n < 100_000; n++) assert.equal(await measured.square(n), n * n);
  assert.equal(limit(), 3);
  const { running, queued, attempts, calls } = statsOf(measured, 'square');
  assert.deepEqual({ running, queued, attempts }, { running: 0, queued: 0, attempts: calls });
});

test('7.6 an error class that `dropOn` names comes back from the worker as itself', async () => {
  const error = await rejection(new Measured().rare());
  assert.equal((error as Error).constructor.name, 'Rare');
});
