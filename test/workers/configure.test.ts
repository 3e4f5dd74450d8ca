import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { threadId } from 'node:worker_threads';
import { ConfigurationError, configure, policiesOf, processAll, shutdown } from 'opero';
import { One, Two } from '../fixtures/workers/pools.js';

after(() => shutdown());

describe('10 cpuBound', () => {
  test('10.1 takes other options, and finds its method in the worker', async () => {
    const one = new One();
    const first = await one.where();
    assert.notEqual(first, threadId);
    using _other = configure(One, 'where', { cpuBound: { maxWorkers: 2, idleTimeout: 50_000 } });
    const second = await one.where();
    assert.ok(second !== threadId && second !== first);
    const { module, maxWorkers } = policiesOf(One, 'where')[0]?.options ?? {};
    assert.deepEqual([String(module).endsWith('pools.js'), maxWorkers], [true, 2]);
  });

  test('10.4 taken out, the method runs here, many items too', async () => {
    const two = new Two();
    {
      using _here = configure(Two, '*', { cpuBound: false });
      assert.equal(await two.where(), threadId);
      assert.deepEqual(await processAll(two, 'elsewhere', [1, 2] as never[]), [threadId, threadId]);
    }
    assert.notEqual(await two.where(), threadId);
  });

  test('10.7 the module cannot change', () => {
    for (const cpuBound of [import.meta.url, { module: import.meta.url }] as unknown as { maxWorkers: number }[]) {
      assert.throws(() => configure(One, 'where', { cpuBound }), ConfigurationError);
    }
  });
});
