import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { CircuitOpenError, circuitOf, processAll, shutdown, statsOf } from 'opero';
import { Guarded } from '../fixtures/workers/breaker.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());

describe('circuitBreaker and cpuBound', () => {
  for (const method of ['work', 'bounded'] as const) {
    test(`3.4 ${method}: a call that waits for a worker when it opens is not sent`, async () => {
      const guarded = new Guarded();
      const calls = [true, false, false].map((fails) => rejection(guarded[method](fails)));
      const [first, ...others] = await Promise.all(calls);
      assert.ok(first instanceof RangeError);
      for (const each of others) assert.ok(each instanceof CircuitOpenError && each.cause === first);
      const { attempts, running, queued, rejected } = statsOf(Guarded, method);
      assert.deepEqual([attempts, running, queued, rejected], [1, 0, 0, 2]);
      circuitOf(Guarded, method).reset();
      assert.equal(await guarded[method](false), 'done');
    });
  }

  test('3.4 items of a batch too', async () => {
    const guarded = new Guarded();
    const items = [true, ...Array.from({ length: 50 }, () => false)];
    const results = await processAll(guarded, 'work', items, { concurrency: 50, onError: 'collect' });
    const { attempts, running, queued } = statsOf(Guarded, 'work');
    assert.deepEqual([running, queued], [0, 0]);
    assert.ok(attempts < items.length, `${attempts} attempts`);
    assert.equal(results.length, items.length);
    assert.equal(circuitOf(Guarded, 'work').state, 'open');
    circuitOf(Guarded, 'work').reset();
    assert.equal(await guarded.work(false), 'done');
  });

  test('3.3 errors that ignore and failOn name come back as themselves', async () => {
    const guarded = new Guarded();
    await rejection(guarded.ignored());
    assert.equal(circuitOf(Guarded, 'ignored').state, 'closed');
    await rejection(guarded.meant());
    assert.equal(circuitOf(Guarded, 'meant').failures, 1);
  });

  test('3.3 slowAfter counts from when the job goes to a worker that is up, failResult gets what came back', async () => {
    const guarded = new Guarded();
    assert.equal(await guarded.value('right'), 'right');
    assert.equal(circuitOf(Guarded, 'value').state, 'closed');
    assert.equal(await guarded.value('wrong'), 'wrong');
    assert.equal(circuitOf(Guarded, 'value').state, 'open');
  });
});
