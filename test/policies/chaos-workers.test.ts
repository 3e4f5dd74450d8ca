import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { configure, processAll, shutdown, statsOf, WorkerError } from 'opero';
import { Chaotic } from '../fixtures/workers/chaotic.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());

describe('9 chaos and cpuBound', () => {
  test('it stands around the worker: a latency before the job, an error or a result in place of it', async () => {
    const chaotic = new Chaotic();
    assert.equal(await chaotic.work('done'), 'done');
    const injected = new Error('injected');
    {
      using _latency = configure(Chaotic, 'work', { chaos: {} });
      assert.equal(await chaotic.work('late'), 'late');
    }
    {
      using _error = configure(Chaotic, 'work', { chaos: { error: injected } });
      assert.equal(await rejection(chaotic.work('exit')), injected);
    }
    using _result = configure(Chaotic, 'work', { chaos: { latency: 0, result: 'made up' } });
    assert.deepEqual(await processAll(chaotic, 'work', ['exit', 'exit']), ['made up', 'made up']);
    const { attempts, running, injected: count } = statsOf(Chaotic, 'work');
    assert.deepEqual([attempts, running, count], [6, 0, 5]);
  });

  test('a worker that dies after a latency fails that attempt alone', async () => {
    using _latency = configure(Chaotic, 'work', { chaos: {} });
    assert.ok((await rejection(new Chaotic().work('exit'))) instanceof WorkerError);
    assert.equal(await new Chaotic().work('done'), 'done');
    assert.equal(statsOf(Chaotic, 'work').running, 0);
  });
});
