import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConcurrencyLimiter,
  ConfigurationError,
  concurrency,
  configure,
  explain,
  Orchestrator,
  policiesOf,
  RateLimiter,
  RejectedError,
  rateLimit,
  retry,
  type Store,
  statsOf,
} from 'opero';
import { memoryStore, useStore, withoutWaits } from 'opero/testing';
import { underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';

describe('limits with a store', () => {
  test('need a name', () => {
    const store = memoryStore();
    for (const make of [
      () => new RateLimiter({ rate: 1, store }),
      () => new ConcurrencyLimiter({ limit: 1, store }),
      () => new Orchestrator({ rateLimit: { rate: 1, store } }),
      () => {
        class Api {
          @concurrency({ limit: 1, store }) async get(): Promise<void> {}
        }
        return new Api();
      },
    ]) {
      assert.throws(make, /name` to be a string that is not empty where there is a `store`/);
    }
  });

  test('are of no instance, do not move by themselves, and have a store for a store', () => {
    const store = memoryStore();
    const name = 'api';
    assert.throws(() => new RateLimiter({ rate: 1, store, name, scope: 'instance' }), /expected `scope` to be 'class'/);
    assert.throws(
      () => new ConcurrencyLimiter({ limit: { targetLatency: 1 }, store, name }),
      /expected `limit` to be a number/,
    );
    assert.throws(() => new RateLimiter({ rate: 1, store: {} as Store, name }), /expected `store` to be a store/);
  });

  test('equal names are one limit, across methods and kinds of use', async () => {
    const store = memoryStore();
    const quota = new RateLimiter({ rate: 2, per: 60_000, store, name: 'api' });
    class Api {
      @rateLimit({ rate: 2, per: 60_000, store, name: 'api', maxWait: 0 }) async one(): Promise<void> {}
      @rateLimit({ limiter: quota, maxWait: 0 }) async two(): Promise<void> {}
    }
    const api = new Api();
    await api.one();
    await api.two();
    assert.equal(quota.used, 2);
    assert.ok((await rejection(api.one())) instanceof RejectedError);
  });

  test('a name has one set of options in a process', async () => {
    const store = memoryStore();
    new RateLimiter({ rate: 2, store, name: 'api' });
    assert.throws(() => new RateLimiter({ rate: 3, store, name: 'api' }), /`name` 'api' stands for one limit/);
    const late = new Orchestrator({ rateLimit: { rate: 3, store: () => store, name: 'api' } });
    assert.ok((await rejection(late.execute(async () => {}))) instanceof ConfigurationError);
    // Of another kind it is another limit.
    new ConcurrencyLimiter({ limit: 3, store, name: 'api' });
  });

  test('a store may be a function, called at the first use, once', async () => {
    let calls = 0;
    const store = () => {
      calls++;
      return memoryStore();
    };
    class Api {
      @retry(3)
      @rateLimit({ rate: 100, store, name: 'api' })
      async get(): Promise<void> {}
      @rateLimit({ rate: 100, store: (() => 5) as never, name: 'other' }) async wrong(): Promise<void> {}
    }
    const api = new Api();
    assert.equal(calls, 0);
    await api.get();
    await api.get();
    assert.equal(calls, 1);
    assert.match(String(await rejection(api.wrong())), /expected `store` to return a store/);
  });

  test('configure changes the limit in place', () =>
    underFakeClock(async (clock) => {
      class Api {
        starts = 0;
        @rateLimit({ rate: 1, per: 1000, store: memoryStore(), name: 'api' }) async get(): Promise<void> {
          this.starts++;
        }
      }
      const api = new Api();
      for (let n = 0; n < 3; n++) void api.get();
      await clock.tickAsync(10);
      assert.equal(api.starts, 1);
      using _ = configure(Api, 'get', { rateLimit: { rate: 3 } });
      await clock.tickAsync(100);
      assert.equal(api.starts, 3);
    }));

  test('explain shows the order in force, and the store by its name', () => {
    const store = memoryStore();
    class Both {
      @rateLimit({ rate: 1, store, name: 'api' })
      @concurrency({ limit: 1, store, name: 'api' })
      async get(): Promise<void> {}
    }
    class One {
      @rateLimit({ rate: 1, store, name: 'api' }) @concurrency(1) async get(): Promise<void> {}
    }
    assert.match(explain(Both), /concurrency > rateLimit > the method/);
    assert.deepEqual(
      policiesOf(Both, 'get').map(({ kind }) => kind),
      ['concurrency', 'rateLimit'],
    );
    assert.match(explain(One), /rateLimit > concurrency > the method/);
    assert.match(explain(One), /store: memoryStore/);
  });
});

describe('useStore', () => {
  test('stands in place of every store, until it is ended', async () => {
    const broken = memoryStore({ whenDown: 'reject' });
    await broken.close();
    class Api {
      @rateLimit({ rate: 100, store: broken, name: 'api' }) async get(): Promise<string> {
        return 'got';
      }
    }
    const api = new Api();
    await rejection(api.get());
    {
      using _ = useStore(memoryStore());
      assert.equal(await api.get(), 'got');
    }
    await rejection(api.get());
    assert.throws(() => useStore({} as Store), ConfigurationError);
  });

  test('waits for a memoryStore are skipped', async () => {
    using _ = withoutWaits();
    class Api {
      @rateLimit({ rate: 1, per: 3_600_000, store: memoryStore(), name: 'api' }) async get(): Promise<void> {}
    }
    const api = new Api();
    for (let n = 0; n < 3; n++) await api.get();
    assert.equal(statsOf(api, 'get').attempts, 3);
  });
});
