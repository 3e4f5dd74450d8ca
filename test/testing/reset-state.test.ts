import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { ConfigurationError, concurrency, Orchestrator, RetryBudget, rateLimit, retry, statsOf } from 'opero';
import { resetState } from 'opero/testing';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';

class Api {
  @rateLimit({ rate: 1, per: 60_000, maxQueue: 0 })
  async get(): Promise<void> {}

  @rateLimit({ rate: 1, per: 60_000, maxQueue: 0 })
  async #secret(): Promise<void> {}

  tell(): Promise<void> {
    return this.#secret();
  }

  @rateLimit({ rate: 1, per: 60_000, maxQueue: 0 })
  static async get(): Promise<void> {}
}
class Sub extends Api {}
class Other {
  @rateLimit({ rate: 1, per: 60_000, maxQueue: 0 })
  async get(): Promise<void> {}
}

const turnedAway = { name: 'RejectedError', reason: 'queue-full' };

describe('11 resetState', () => {
  test('a rate limit has an empty window, and statsOf counts from 0', async () => {
    resetState();
    const api = new Api();
    await api.get();
    await assert.rejects(api.get(), turnedAway);
    resetState();
    const { custom, ...counts } = statsOf(api, 'get');
    assert.deepEqual([custom, new Set(Object.values(counts))], [{}, new Set([0])]);
    await api.get();
    assert.equal(statsOf(api, 'get').attempts, 1);
  });

  test('gives nothing', () => {
    assert.equal(resetState(), undefined);
  });

  test('of a class: its subclasses, statics and private methods too, and no other class', async () => {
    resetState();
    const calls = [
      () => new Api().get(),
      () => new Sub().get(),
      () => new Api().tell(),
      () => new Sub().tell(),
      () => Api.get(),
    ];
    const other = new Other();
    for (const call of [...calls, () => other.get()]) await call();
    for (const call of calls) await assert.rejects(call(), turnedAway);
    resetState(Api);
    for (const call of calls) await call();
    await assert.rejects(other.get(), turnedAway);
    resetState(Sub);
    await new Sub().get();
    await assert.rejects(new Api().get(), turnedAway);
  });

  test('an Orchestrator, and limits by key and by instance', async () => {
    const orchestrator = new Orchestrator({ rateLimit: { rate: 1, per: 60_000, maxQueue: 0 } });
    class Keyed {
      @rateLimit({ rate: 1, per: 60_000, maxQueue: 0, key: (key: string) => key, scope: 'instance' })
      async get(_key: string): Promise<void> {}
    }
    const keyed = new Keyed();
    const wrapped = orchestrator.wrap(() => 1);
    await wrapped();
    await keyed.get('a');
    resetState(Keyed);
    await keyed.get('a');
    await assert.rejects(wrapped(), turnedAway);
    resetState();
    await wrapped();
    await keyed.get('a');
    assert.equal(orchestrator.stats.calls, 1);
  });

  test('those who run or wait end by what there was; those who come meet none of it', async () => {
    const work = [deferred(), deferred(), deferred()];
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      async buy(n: number): Promise<number> {
        await work[n]?.promise;
        return n;
      }
    }
    const shop = new Shop();
    const [running, waiting] = [shop.buy(0), shop.buy(1)];
    assert.equal(statsOf(shop, 'buy').queued, 1);
    resetState(Shop);
    const fresh = shop.buy(2);
    const line = shop.buy(3);
    const { calls, queued, attempts } = statsOf(shop, 'buy');
    assert.deepEqual([calls, running !== waiting, attempts, queued], [2, true, 1, 1]);
    work[0]?.resolve();
    assert.equal(await running, 0);
    work[1]?.resolve();
    assert.equal(await waiting, 1);
    work[2]?.resolve();
    assert.deepEqual(await Promise.all([fresh, line]), [2, 3]);
    const end = statsOf(shop, 'buy');
    assert.deepEqual([end.calls, end.running, end.queued, end.attempts], [2, 0, 0, 2]);
  });

  test('who waits for a permit of a dropped window still gets one', async () => {
    await underFakeClock(async (clock) => {
      let served = 0;
      class Slow {
        @rateLimit({ rate: 1, per: 1000 })
        async get(): Promise<void> {
          served++;
        }
      }
      const slow = new Slow();
      const calls = [slow.get(), slow.get(), slow.get()];
      resetState(Slow);
      await flush();
      assert.equal(served, 1);
      await slow.get();
      await clock.tickAsync(2000);
      await Promise.all(calls);
      assert.equal(served, 4);
    });
  });

  test('a budget that methods share is as new for all of them', async () => {
    const budget = new RetryBudget({ ratio: 0.001, minPerSecond: 0.2, ttl: 10_000 });
    const options = { maxAttempts: 9, waitMin: 0, budget };
    class Shop {
      attempts = 0;

      @retry(options)
      async buy(): Promise<void> {
        this.attempts++;
        throw new Error('sold out');
      }
    }
    class Market {
      @retry(options)
      async sell(): Promise<void> {}
    }
    await new Market().sell();
    const shop = new Shop();
    await assert.rejects(shop.buy(), { message: 'sold out' });
    assert.deepEqual([shop.attempts, budget.balance], [3, 0]);
    resetState(Market);
    assert.equal(budget.balance, 2);
    await assert.rejects(shop.buy(), { message: 'sold out' });
    assert.equal(shop.attempts, 6);
  });

  test('before a first call, and twice, it is the same', async () => {
    class Fresh {
      @concurrency(1)
      async get(): Promise<number> {
        return 1;
      }
    }
    resetState(Fresh);
    resetState(Fresh);
    assert.equal(await new Fresh().get(), 1);
  });

  test('what is no class is told of', () => {
    assert.throws(() => resetState({} as never), ConfigurationError);
  });
});
