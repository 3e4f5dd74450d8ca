import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { cacheOf, processAll, shutdown, statsOf, WorkerError } from 'opero';
import { Cached } from '../fixtures/workers/cached.js';
import { until } from '../support/counters.js';
import { liveWorkers } from '../support/live-workers.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';

after(() => shutdown());

describe('cache and cpuBound', () => {
  test('one job for all who ask for the same, and none for a hit', async () => {
    const cached = new Cached();
    const squares = await Promise.all([cached.square(3), cached.square(3), cached.square(4)]);
    assert.deepEqual(squares, [{ square: 9 }, { square: 9 }, { square: 16 }]);
    assert.equal(squares[0], squares[1]);
    assert.equal(await cached.square(3), squares[0]);
    const { attempts, coalesced, cacheHits } = statsOf(Cached, 'square');
    assert.deepEqual([attempts, coalesced, cacheHits], [2, 1, 1]);
  });

  test('items that are kept already travel nowhere', async () => {
    const cached = new Cached();
    const handle = cacheOf(cached, 'square');
    handle.set(handle.keyOf(1), { square: 100 });
    const { attempts } = statsOf(Cached, 'square');
    const results = await processAll(cached, 'square', [1, 2, 1, 2, 3], { concurrency: 5 });
    assert.deepEqual(
      results.map(({ square }) => square),
      [100, 4, 100, 4, 9],
    );
    assert.equal(statsOf(Cached, 'square').attempts - attempts, 2);
  });

  test('5.8 the worker is stopped when the last caller has left, and not before', () =>
    handled(async () => {
      const cached = new Cached();
      const controllers = [new AbortController(), new AbortController()] as const;
      const calls = controllers.map(({ signal }) => rejection(cached.hang(1, signal)));
      await until(() => statsOf(Cached, 'hang').running === 1);
      const workers = new Set(liveWorkers);
      controllers[0].abort('first');
      assert.equal(await calls[0], 'first');
      assert.deepEqual(new Set(liveWorkers), workers);
      controllers[1].abort('last');
      assert.equal(await calls[1], 'last');
      await until(() => [...workers].every((id) => !liveWorkers.has(id)));
      await until(() => statsOf(Cached, 'hang').running === 0);
      assert.deepEqual(await cached.square(5), { square: 25 });
    }));

  test('5.7 an error class that `staleIfError` names comes back from the worker as itself', async () => {
    const cached = new Cached();
    assert.equal(await cached.rare(false), 'value');
    assert.equal(await cached.rare(true), 'value');
    assert.equal(statsOf(Cached, 'rare').staleHits, 1);
  });

  test('a worker that dies fails all who share its run, with one error', () =>
    handled(async () => {
      const cached = new Cached();
      const errors = await Promise.all([rejection(cached.die()), rejection(cached.die())]);
      assert.ok(errors[0] instanceof WorkerError);
      assert.equal(errors[0], errors[1]);
      assert.equal(statsOf(Cached, 'die').attempts, 2);
    }));
});
