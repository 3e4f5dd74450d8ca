import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import { concurrency, type RejectedError, rateLimit, retry, statsOf } from 'opero';
import { withoutWaits } from 'opero/testing';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';

/** A wait that no test would sit out. */
const hour = 3_600_000;

class Flaky {
  attempts = 0;

  constructor(readonly failures: number) {}

  @retry({ maxAttempts: 10, waitMin: hour, waitMax: hour, jitter: 'none' })
  async load(): Promise<number> {
    if (++this.attempts <= this.failures) throw new Error(`failure ${this.attempts}`);
    return this.attempts;
  }
}

/** Runs a test with real timers, and with each kind of fake ones, which nobody moves on. */
function withAnyTimers(name: string, run: () => Promise<void>): void {
  test(`${name}, with real timers`, run);
  test(`${name}, with fake timers and a fake clock`, () => underFakeClock(run));
  test(`${name}, with fake timers of node:test and no fake clock`, async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    try {
      await run();
    } finally {
      mock.timers.reset();
    }
  });
}

describe('11 withoutWaits: retries', () => {
  withAnyTimers('take no time', async () => {
    using _ = withoutWaits();
    assert.equal(await new Flaky(3).load(), 4);
  });

  withAnyTimers('count what they skip towards maxElapsed', async () => {
    class Shop {
      @retry({
        maxAttempts: 10,
        waitMin: hour,
        waitMultiplier: 1,
        waitMax: hour,
        jitter: 'none',
        maxElapsed: 2.5 * hour,
      })
      async buy(): Promise<void> {
        throw new Error('sold out');
      }
    }
    using _ = withoutWaits();
    await assert.rejects(new Shop().buy(), { message: 'sold out' });
    assert.equal(statsOf(Shop, 'buy').attempts, 3);
  });

  withAnyTimers('of several calls end in the order in which time would end them, side by side', async () => {
    const ends: string[] = [];
    class Shop {
      @retry({
        maxAttempts: 4,
        waitMin: hour,
        waitMultiplier: 1,
        jitter: 'none',
        waitMax: hour,
        maxElapsed: 3.5 * hour,
      })
      async slow(): Promise<void> {
        ends.push('slow');
        throw new Error();
      }

      @retry({ maxAttempts: 3, waitMin: 0.6 * hour, waitMax: hour, waitMultiplier: 1, jitter: 'none' })
      async quick(): Promise<void> {
        ends.push('quick');
        throw new Error();
      }
    }
    using _ = withoutWaits();
    const shop = new Shop();
    await Promise.allSettled([shop.slow(), shop.quick(), shop.slow()]);
    const expected = 'slow quick slow quick slow slow quick slow slow slow slow';
    assert.equal(ends.join(' '), expected);
  });

  test('are cut short by an abort as ever', async () => {
    using _ = withoutWaits();
    const controller = new AbortController();
    class Shop {
      @retry({ maxAttempts: Number.POSITIVE_INFINITY, waitMin: hour, waitMax: hour })
      async buy(_options: { signal: AbortSignal }): Promise<void> {
        if (statsOf(Shop, 'buy').attempts === 50) controller.abort(new Error('enough'));
        throw new Error('sold out');
      }
    }
    await assert.rejects(new Shop().buy({ signal: controller.signal }), { message: 'enough' });
    assert.equal(statsOf(Shop, 'buy').attempts, 50);
  });

  test('leave other clocks as they are', async () => {
    const beganAt = Date.now();
    using _ = withoutWaits();
    await new Flaky(9).load();
    assert.ok(Date.now() - beganAt < hour);
  });

  test('a thousand calls at once end, each with its attempts', async () => {
    using _ = withoutWaits();
    const calls = Array.from({ length: 1000 }, () => new Flaky(3).load());
    assert.deepEqual(new Set(await Promise.all(calls)), new Set([4]));
  });
});

describe('11 withoutWaits: rate limits', () => {
  withAnyTimers('admit in order, and count', async () => {
    class Api {
      readonly served: number[] = [];
      @rateLimit({ rate: 2, per: hour })
      async get(n: number): Promise<void> {
        this.served.push(n);
      }
    }
    using _ = withoutWaits();
    const api = new Api();
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map((n) => api.get(n)));
    assert.deepEqual(api.served, [1, 2, 3, 4, 5, 6, 7]);
    assert.equal(statsOf(Api, 'get').attempts, 7);
    await api.get(8);
    await api.get(9);
    await api.get(10);
    assert.equal(api.served.length, 10);
  });

  test('admit no more at once than the window holds', async () => {
    const open = deferred();
    class Api {
      @rateLimit({ rate: 2, per: hour, maxQueue: 1 })
      async get(): Promise<void> {
        await open.promise;
      }
    }
    using _ = withoutWaits();
    const api = new Api();
    const calls = [api.get(), api.get(), api.get()];
    assert.equal(((await rejection(api.get())) as RejectedError).reason, 'queue-full');
    open.resolve();
    await Promise.all(calls);
  });

  withAnyTimers('end one in each turn of the event loop, so that others have their turns in between', async () => {
    class Api {
      starts = 0;

      @rateLimit({ rate: 1 })
      async get(): Promise<void> {
        this.starts++;
      }
    }
    const api = new Api();
    using _ = withoutWaits();
    const calls = Promise.all(Array.from({ length: 50 }, () => api.get()));
    let most = 0;
    for (let seen = 0; seen < 50; ) {
      await flush();
      most = Math.max(most, api.starts - seen);
      seen = api.starts;
    }
    assert.equal(most, 1);
    await calls;
  });

  withAnyTimers('turn away at once who would wait longer than maxWait', async () => {
    class Api {
      @rateLimit({ rate: 1, per: hour, maxWait: 1.5 * hour })
      async get(): Promise<void> {}
    }
    using _ = withoutWaits();
    const api = new Api();
    const ends = await Promise.allSettled([api.get(), api.get(), api.get()]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
  });

  test('keep a window that nobody waits for', async () => {
    class Api {
      @rateLimit({ rate: 1, per: hour, maxQueue: 0 })
      async get(): Promise<void> {}
    }
    using _ = withoutWaits();
    const api = new Api();
    await api.get();
    for (let turn = 0; turn < 20; turn++) await flush();
    assert.equal(((await rejection(api.get())) as RejectedError).reason, 'queue-full');
  });

  test('whose window was filled before admit without a wait too', async () => {
    class Api {
      @rateLimit({ rate: 1, per: hour })
      async get(): Promise<void> {}
    }
    const api = new Api();
    await api.get();
    using _ = withoutWaits();
    await api.get();
  });
});

describe('11 withoutWaits: deadlines', () => {
  test('a slot that work holds is waited for, whatever maxWait has been skipped elsewhere', async () => {
    const work = deferred();
    class Shop {
      @concurrency({ limit: 1, maxWait: 1.5 * hour })
      async buy(): Promise<void> {
        await work.promise;
      }
    }
    using _ = withoutWaits();
    const shop = new Shop();
    const calls = Promise.all([shop.buy(), shop.buy()]);
    const flaky = new Flaky(4);
    const end = flaky.load();
    for (let turn = 0; turn < 20; turn++) await flush();
    // One hour was skipped; the next would be beyond the deadline.
    assert.equal(flaky.attempts, 2);
    work.resolve();
    await calls;
    assert.equal(await end, 5);
    assert.equal(statsOf(Shop, 'buy').rejected, 0);
  });

  test('a deadline sees what was skipped', async () => {
    await underFakeClock(async (clock) => {
      const work = deferred();
      class Shop {
        @concurrency({ limit: 1, maxWait: 3.5 * hour })
        async buy(): Promise<void> {
          await work.promise;
        }
      }
      using _ = withoutWaits();
      const shop = new Shop();
      const first = shop.buy();
      const second = rejection(shop.buy());
      assert.equal(await new Flaky(3).load(), 4);
      await clock.tickAsync(0.5 * hour - 1);
      assert.equal(statsOf(Shop, 'buy').rejected, 0);
      await clock.tickAsync(1);
      assert.equal(((await second) as RejectedError).reason, 'wait-timeout');
      work.resolve();
      await first;
    });
  });
});

describe('11 withoutWaits: its end', () => {
  test('waits take their time again, those that are under way too', async () => {
    await underFakeClock(async (clock) => {
      const waits = withoutWaits();
      const flaky = new Flaky(1);
      const call = flaky.load();
      await Promise.resolve();
      waits.restore();
      await clock.tickAsync(hour - 1);
      assert.equal(flaky.attempts, 1);
      await clock.tickAsync(1);
      assert.equal(await call, 2);
    });
  });

  test('what is left of a wait is less by what was skipped', async () => {
    await underFakeClock(async (clock) => {
      class Slow {
        attempts = 0;

        @retry({ maxAttempts: 2, waitMin: 3 * hour, waitMax: 3 * hour, jitter: 'none' })
        async load(): Promise<void> {
          if (++this.attempts === 1) throw new Error('not yet');
        }
      }
      const waits = withoutWaits();
      const slow = new Slow();
      const end = slow.load();
      await new Flaky(2).load();
      waits.restore();
      await clock.tickAsync(hour - 1);
      assert.equal(slow.attempts, 1);
      await clock.tickAsync(1);
      await end;
    });
  });

  test('of several the last counts; each ends once, called, by name or disposed of', async () => {
    await underFakeClock(async (clock) => {
      const one = withoutWaits();
      const other = withoutWaits();
      one();
      one.restore();
      one[Symbol.dispose]();
      assert.equal(await new Flaky(1).load(), 2);
      other();
      const flaky = new Flaky(1);
      const call = flaky.load();
      await clock.tickAsync(hour - 1);
      assert.equal(flaky.attempts, 1);
      await clock.tickAsync(1);
      await call;
    });
  });
});
