import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import { AllFailedError, concurrency, fallback, RejectedError, rateLimit, retry, statsOf } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';

describe('retry and rateLimit', () => {
  test('every attempt takes a start of its own', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Api {
        @retry({ maxAttempts: 4, waitMin: 0 })
        @rateLimit({ rate: 1, per: 100 })
        async get(): Promise<number> {
          starts.push(performance.now());
          if (starts.length < 4) throw new Error('not yet');
          return starts.length;
        }
      }
      const call = new Api().get();
      await clock.tickAsync(1000);
      assert.equal(await call, 4);
      assert.deepEqual(starts, [0, 100, 200, 300]);
    }));

  test('a retry goes to the end of the line', () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Api {
        @retry({ maxAttempts: 2, waitMin: 0 })
        @rateLimit({ rate: 1, per: 100 })
        async get(id: number): Promise<void> {
          entered.push(id);
          if (entered.length === 1) throw new Error('not yet');
        }
      }
      const api = new Api();
      api.get(0);
      api.get(1);
      api.get(2);
      await clock.tickAsync(1000);
      assert.deepEqual(entered, [0, 1, 2, 0]);
    }));

  test('retry sees a RejectedError and tries again', () =>
    underFakeClock(async (clock) => {
      let entered = 0;
      class Api {
        @retry({ maxAttempts: 3, waitMin: 60, waitMultiplier: 1, jitter: 'none', retryOn: RejectedError })
        @rateLimit({ rate: 1, per: 100, maxQueue: 0 })
        async get(): Promise<number> {
          return ++entered;
        }
      }
      const api = new Api();
      assert.equal(await api.get(), 1);
      const second = api.get();
      await clock.tickAsync(119);
      assert.equal(entered, 1);
      await clock.tickAsync(1);
      assert.equal(await second, 2);
      assert.equal(statsOf(Api, 'get').rejected, 2);
      assert.equal(statsOf(Api, 'get').retries, 2);
    }));
});

describe('retry and concurrency', () => {
  test('no slot is held while a retry waits', () =>
    underFakeClock(async (clock) => {
      const entered: string[] = [];
      class Shop {
        @retry({ maxAttempts: 2, waitMin: 1000, jitter: 'none' })
        @concurrency(1)
        async buy(id: string): Promise<string> {
          entered.push(id);
          if (entered.length === 1) throw new Error('sold out');
          return id;
        }
      }
      const shop = new Shop();
      const first = shop.buy('a');
      assert.equal(await shop.buy('b'), 'b');
      assert.equal(clock.now, 0);
      await clock.tickAsync(1000);
      assert.equal(await first, 'a');
      assert.deepEqual(entered, ['a', 'b', 'a']);
    }));

  test('every attempt takes a slot of its own, behind those who wait', async () => {
    const entered: string[] = [];
    const gate = deferred();
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      async buy(id: string): Promise<void> {
        entered.push(id);
        await gate.promise;
        if (entered.length === 1) throw new Error('sold out');
      }
    }
    const shop = new Shop();
    const calls = ['a', 'b', 'c'].map((id) => shop.buy(id));
    gate.resolve();
    await Promise.all(calls);
    assert.deepEqual(entered, ['a', 'b', 'c', 'a']);
  });

  test('an abort during the wait for a retry leaves every slot free', () =>
    underFakeClock(async (clock) => {
      class Shop {
        @retry({ waitMin: 1000, jitter: 'none' })
        @concurrency({ limit: 1, maxQueue: 0 })
        async buy(fails: boolean, _signal?: AbortSignal): Promise<string> {
          if (fails) throw new Error('sold out');
          return 'bought';
        }
      }
      const shop = new Shop();
      const controller = new AbortController();
      const first = assert.rejects(shop.buy(true, controller.signal), (error) => error === 'enough');
      await clock.tickAsync(500);
      controller.abort('enough');
      await first;
      assert.equal(clock.countTimers(), 0);
      assert.equal(await shop.buy(false), 'bought');
    }));

  for (const apis of [['setTimeout'], ['setTimeout', 'Date']] as const) {
    test(`the mock timers of node:test drive the wait for a retry (${apis.join(', ')})`, async () => {
      let attempts = 0;
      class Shop {
        @retry({ maxAttempts: 2, waitMin: 5000, jitter: 'none' })
        async buy(): Promise<number> {
          if (++attempts === 1) throw new Error('sold out');
          return attempts;
        }
      }
      mock.timers.enable({ apis: [...apis] });
      try {
        const call = new Shop().buy();
        await flush();
        mock.timers.tick(4999);
        await flush();
        assert.equal(attempts, 1);
        mock.timers.tick(1);
        await flush();
        assert.equal(attempts, 2);
        assert.equal(await call, 2);
      } finally {
        mock.timers.reset();
      }
    });
  }
});

describe('fallback and the limiters', () => {
  test('fallback sees the RejectedError of a rate limit', async () => {
    class Api {
      @fallback('cached')
      @rateLimit({ rate: 1, maxQueue: 0 })
      async get(id: string): Promise<string> {
        return `fresh ${id}`;
      }
      async cached(id: string): Promise<string> {
        return `cached ${id}`;
      }
    }
    const api = new Api();
    assert.deepEqual(await Promise.all([api.get('a'), api.get('b')]), ['fresh a', 'cached b']);
  });

  test('fallback sees the RejectedError of a concurrency limit, and `on` can name it', async () => {
    const gate = deferred();
    class Shop {
      @fallback({ value: 'busy', on: RejectedError })
      @concurrency({ limit: 1, maxQueue: 0 })
      async buy(): Promise<string> {
        await gate.promise;
        throw new TypeError('broken');
      }
    }
    const shop = new Shop();
    const first = assert.rejects(shop.buy(), TypeError);
    assert.equal(await shop.buy(), 'busy');
    gate.resolve();
    await first;
  });

  test('a RejectedError comes first among the errors when the alternatives fail too', async () => {
    const boom = new Error('no cache');
    class Api {
      @fallback('cached')
      @rateLimit({ rate: 1, maxWait: 0 })
      async get(): Promise<void> {}
      async cached(): Promise<void> {
        throw boom;
      }
    }
    const api = new Api();
    await api.get();
    await assert.rejects(api.get(), (error) => {
      assert.ok(error instanceof AllFailedError);
      assert.equal(error.errors.length, 2);
      assert.ok(error.errors[0] instanceof RejectedError);
      assert.equal(error.errors[1], boom);
      assert.equal(error.cause, boom);
      return true;
    });
  });

  test('a fallback takes neither a start nor a slot of its method', async () => {
    const gate = deferred();
    let entered = 0;
    class Shop {
      @fallback('other')
      @rateLimit({ rate: 2, per: 60_000, maxQueue: 0 })
      @concurrency({ limit: 1, maxQueue: 0 })
      async buy(): Promise<string> {
        if (++entered === 1) throw new Error('sold out');
        return 'bought';
      }
      async other(): Promise<string> {
        await gate.promise;
        return 'other';
      }
    }
    const shop = new Shop();
    const first = shop.buy();
    await flush();
    assert.equal(await shop.buy(), 'bought');
    gate.resolve();
    assert.equal(await first, 'other');
  });
});

describe('rateLimit and concurrency', () => {
  test('the order of arrival holds through both lines', () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Shop {
        @rateLimit({ rate: 3, per: 100 })
        @concurrency(2)
        async buy(id: number): Promise<void> {
          entered.push(id);
          await new Promise<void>((resolve) => setTimeout(resolve, 70));
        }
      }
      const shop = new Shop();
      const ids = [...Array(15).keys()];
      for (const id of ids) shop.buy(id);
      await clock.tickAsync(5000);
      assert.deepEqual(entered, ids);
    }));

  test('whoever waits for a permit holds no slot', () =>
    underFakeClock(async (clock) => {
      class Shop {
        @rateLimit({ rate: 1, per: 100 })
        @concurrency(1)
        async buy(): Promise<void> {}
      }
      const shop = new Shop();
      await shop.buy();
      const second = shop.buy();
      await flush();
      assert.equal(statsOf(Shop, 'buy').running, 0);
      assert.equal(statsOf(Shop, 'buy').queued, 1);
      await clock.tickAsync(100);
      await second;
    }));

  test('the order of the decorators does not matter', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Shop {
        @concurrency(1)
        @rateLimit({ rate: 1, per: 100 })
        @retry({ maxAttempts: 2, waitMin: 0 })
        @fallback({ value: 'none' })
        async buy(): Promise<string> {
          starts.push(performance.now());
          throw new Error('sold out');
        }
      }
      const calls = [new Shop().buy(), new Shop().buy()];
      await clock.tickAsync(1000);
      assert.deepEqual(await Promise.all(calls), ['none', 'none']);
      assert.deepEqual(starts, [0, 100, 200, 300]);
    }));
});
