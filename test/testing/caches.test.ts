import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { cache, cacheOf, Orchestrator, singleFlight, statsOf } from 'opero';
import { failTimes, resetState, withoutPolicies, withoutWaits } from 'opero/testing';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';

function makeApi() {
  const gate = deferred();
  class Api {
    entered = 0;
    @cache({ ttl: 3_600_000, staleWhileRevalidate: 1, staleIfError: 1 })
    async get(): Promise<number> {
      return ++this.entered;
    }
    @cache(3_600_000)
    async slow(): Promise<number> {
      await gate.promise;
      return ++this.entered;
    }
    @singleFlight()
    async one(): Promise<number> {
      await gate.promise;
      return ++this.entered;
    }
  }
  return { Api, api: new Api(), gate };
}

describe('11 resetState and caches', () => {
  test('nothing is kept, of a class and of an Orchestrator, and handles tell of what there is then', async () => {
    const { Api, api } = makeApi();
    const handle = cacheOf(api, 'get');
    await api.get();
    resetState(Api);
    assert.equal(handle.size, 0);
    assert.deepEqual([await api.get(), await api.get(), handle.size], [2, 2, 1]);
    const { cacheMisses, cacheHits } = statsOf(Api, 'get');
    assert.deepEqual([cacheMisses, cacheHits], [1, 1]);
    const orchestrator = new Orchestrator({ cache: 3_600_000 });
    let runs = 0;
    const run = orchestrator.wrap(() => ++runs);
    await run();
    resetState();
    assert.equal(await run(), 2);
  });

  test('those who wait for a run get what it gives; it fills nothing that later calls meet', async () => {
    const { Api, api, gate } = makeApi();
    const before = [api.slow(), api.slow(), api.one(), api.one()];
    resetState(Api);
    const after = [api.slow(), api.one()];
    gate.resolve();
    assert.deepEqual(await Promise.all(before), [1, 1, 2, 2]);
    assert.deepEqual(await Promise.all(after), [3, 4]);
    assert.equal(await api.slow(), 3);
    assert.equal(statsOf(Api, 'slow').running, 0);
  });
});

describe('11 other helpers and caches', () => {
  test('withoutPolicies keeps nothing, and shares nothing', async () => {
    const { Api, api, gate } = makeApi();
    gate.resolve();
    {
      using _ = withoutPolicies(Api);
      assert.deepEqual([await api.get(), await api.get()], [1, 2]);
      assert.equal((await Promise.all([api.one(), api.one()])).length, 2);
      assert.equal(api.entered, 4);
    }
    assert.deepEqual([await api.get(), await api.get()], [5, 5]);
  });

  test('withoutWaits makes no value older', async () => {
    const { api } = makeApi();
    using _ = withoutWaits();
    assert.deepEqual([await api.get(), await api.get()], [1, 1]);
  });

  test('failTimes fails the runs, and no hit', async () => {
    const { Api, api } = makeApi();
    using _ = failTimes(Api, 'get', 1, new Error('down'));
    await rejection(api.get());
    assert.deepEqual([await api.get(), await api.get()], [1, 1]);
    using _again = failTimes(Api, 'get', 1, new Error('down'));
    assert.equal(await api.get(), 1);
  });
});
