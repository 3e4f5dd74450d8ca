import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { concurrency, fallback, RejectedError, rateLimit, retry, statsOf } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';

const none = {
  calls: 0,
  running: 0,
  abandoned: 0,
  queued: 0,
  limit: 0,
  attempts: 0,
  retries: 0,
  hedges: 0,
  hedgeWins: 0,
  budgetExceeded: 0,
  rejected: 0,
  timeouts: 0,
  circuitOpenings: 0,
  cacheHits: 0,
  cacheMisses: 0,
  staleHits: 0,
  coalesced: 0,
  refreshFailures: 0,
  fallbacks: 0,
  injected: 0,
  failures: 0,
  custom: {},
};

describe('statsOf', () => {
  test('counts nothing before the first call', () => {
    class Shop {
      @retry()
      async buy(): Promise<void> {}
    }
    assert.deepEqual(statsOf(Shop, 'buy'), none);
    assert.deepEqual(statsOf(new Shop(), 'buy'), none);
  });

  test('counts a call that works', async () => {
    class Shop {
      @retry()
      async buy(): Promise<void> {}
    }
    await new Shop().buy();
    assert.deepEqual(statsOf(Shop, 'buy'), { ...none, calls: 1, attempts: 1 });
  });

  test('counts attempts, retries and the call that failed in the end', async () => {
    class Shop {
      @retry({ maxAttempts: 3, waitMin: 0 })
      buy(): Promise<void> {
        throw new Error('sold out');
      }
    }
    await assert.rejects(new Shop().buy());
    assert.deepEqual(statsOf(Shop, 'buy'), { ...none, calls: 1, attempts: 3, retries: 2, failures: 1 });
  });

  test('counts each alternative called, and no failure when one of them works', async () => {
    class Shop {
      @fallback('first', 'second')
      async buy(): Promise<string> {
        throw new Error('sold out');
      }
      async first(): Promise<string> {
        throw new Error('closed');
      }
      async second(): Promise<string> {
        return 'bought';
      }
    }
    assert.equal(await new Shop().buy(), 'bought');
    assert.deepEqual(statsOf(Shop, 'buy'), { ...none, calls: 1, attempts: 1, fallbacks: 2 });
  });

  test('counts who runs and who waits, for a permit and for a slot', () =>
    underFakeClock(async (clock) => {
      const gate = deferred();
      class Shop {
        @rateLimit({ rate: 3, per: 100 })
        @concurrency(2)
        async buy(): Promise<void> {
          await gate.promise;
        }
      }
      const shop = new Shop();
      const calls = Array.from({ length: 5 }, () => shop.buy());
      assert.deepEqual(statsOf(Shop, 'buy'), { ...none, limit: 2, calls: 5, running: 2, queued: 3, attempts: 2 });
      gate.resolve();
      await flush();
      assert.deepEqual(statsOf(Shop, 'buy'), {
        ...none,
        limit: 2,
        calls: 5,
        running: 0,
        abandoned: 0,
        queued: 2,
        attempts: 3,
      });
      await clock.tickAsync(100);
      await Promise.all(calls);
      assert.deepEqual(statsOf(Shop, 'buy'), { ...none, limit: 2, calls: 5, attempts: 5 });
    }));

  test('counts an attempt turned away as rejected, not as an attempt', async () => {
    const gate = deferred();
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency({ limit: 1, maxQueue: 0 })
      async buy(): Promise<void> {
        await gate.promise;
      }
    }
    const shop = new Shop();
    const first = shop.buy();
    await assert.rejects(shop.buy(), RejectedError);
    assert.deepEqual(statsOf(Shop, 'buy'), {
      ...none,
      limit: 1,
      calls: 2,
      running: 1,
      attempts: 1,
      retries: 1,
      rejected: 2,
      timeouts: 0,
      circuitOpenings: 0,
      cacheHits: 0,
      cacheMisses: 0,
      staleHits: 0,
      coalesced: 0,
      refreshFailures: 0,
      failures: 1,
    });
    gate.resolve();
    await first;
  });

  test('counts an aborted call as one failure, and as running until its work has ended', async () => {
    const gate = deferred();
    class Shop {
      @retry({ waitMin: 0 })
      @concurrency(1)
      async buy(_signal: AbortSignal): Promise<void> {
        await gate.promise;
      }
    }
    const shop = new Shop();
    const controller = new AbortController();
    const runs = shop.buy(controller.signal);
    const waits = shop.buy(controller.signal);
    controller.abort('enough');
    await assert.rejects(runs, (error) => error === 'enough');
    await assert.rejects(waits, (error) => error === 'enough');
    await flush();
    assert.deepEqual(statsOf(Shop, 'buy'), {
      ...none,
      limit: 1,
      calls: 2,
      running: 1,
      abandoned: 1,
      attempts: 1,
      failures: 2,
    });
    gate.reject(new Error('late'));
    await flush();
    assert.deepEqual(statsOf(Shop, 'buy'), { ...none, limit: 1, calls: 2, attempts: 1, failures: 2 });
    await assert.rejects(shop.buy(AbortSignal.abort('before')), (error) => error === 'before');
    assert.deepEqual(statsOf(Shop, 'buy'), { ...none, limit: 1, calls: 3, attempts: 1, failures: 3 });
  });

  test('counts a call that its own code aborts before it comes to wait as abandoned while that runs', async () => {
    const gate = deferred();
    class Shop {
      @retry()
      async buy(controller: AbortController, _signal = controller.signal): Promise<void> {
        controller.abort('enough');
        await gate.promise;
      }
    }
    const controller = new AbortController();
    await assert.rejects(new Shop().buy(controller, controller.signal), (error) => error === 'enough');
    assert.deepEqual(statsOf(Shop, 'buy'), { ...none, calls: 1, running: 1, abandoned: 1, attempts: 1, failures: 1 });
    gate.resolve();
    await flush();
    assert.deepEqual(statsOf(Shop, 'buy'), { ...none, calls: 1, attempts: 1, failures: 1 });
  });

  test('keeps a count for each concrete class, and each method', async () => {
    class Base {
      @retry()
      async buy(): Promise<void> {}
      @retry()
      async sell(): Promise<void> {}
    }
    class Sub extends Base {
      override async buy(): Promise<void> {
        await super.buy();
      }
    }
    await new Base().buy();
    await new Sub().buy();
    await new Sub().buy();
    assert.deepEqual(statsOf(Base, 'buy'), { ...none, calls: 1, attempts: 1 });
    assert.deepEqual(statsOf(Sub, 'buy'), { ...none, calls: 2, attempts: 2 });
    assert.deepEqual(statsOf(Sub, 'sell'), none);
  });

  test('gives a copy that later calls do not change', async () => {
    class Shop {
      @retry()
      async buy(): Promise<void> {}
    }
    const before = statsOf(Shop, 'buy');
    await new Shop().buy();
    assert.equal(before.calls, 0);
  });
});
