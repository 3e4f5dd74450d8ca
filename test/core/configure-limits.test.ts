import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  type ConcurrencyConfig,
  concurrency,
  configure,
  type PolicyChanges,
  type RateLimitConfig,
  RejectedError,
  rateLimit,
  retry,
  statsOf,
  type Undo,
} from 'opero';
import { failTimes, withoutPolicies } from 'opero/testing';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';

/** A class whose calls run until they are told to end; each tells when it was entered. */
function makeShop(slots: ConcurrencyConfig<[id: number]>) {
  const entered: number[] = [];
  const work = new Map<number, Deferred<void>>();
  class Shop {
    @concurrency<[id: number]>(slots)
    async buy(id: number, _signal?: AbortSignal): Promise<void> {
      entered.push(id);
      const mine = deferred();
      work.set(id, mine);
      await mine.promise;
    }
  }
  const end = async (...ids: number[]): Promise<void> => {
    for (const id of ids) work.get(id)?.resolve();
    await flush();
  };
  return { Shop, shop: new Shop(), entered, end };
}

/** A class whose calls are over at once; each tells when it was entered. */
function makeApi(limit: RateLimitConfig<[id: number]>) {
  const starts: [id: number, at: number][] = [];
  class Api {
    @rateLimit<[id: number]>(limit)
    async get(id: number, _signal?: AbortSignal): Promise<void> {
      starts.push([id, performance.now()]);
    }
  }
  return { Api, api: new Api(), starts };
}

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof RejectedError ? error.reason : error),
  );

const even = (id: number): string => (id % 2 === 0 ? 'even' : 'odd');

describe('10.3 slots', () => {
  test('10.3 a limit that grows admits those in line at once, in order', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 1 });
    const calls = [1, 2, 3, 4, 5].map((id) => shop.buy(id));
    configure(Shop, 'buy', { concurrency: 3 });
    calls.push(shop.buy(6));
    await flush();
    assert.deepEqual(entered, [1, 2, 3]);
    await end(1, 2, 3);
    assert.deepEqual(entered, [1, 2, 3, 4, 5, 6]);
    await end(4, 5, 6);
    await Promise.all(calls);
    assert.equal(statsOf(Shop, 'buy').queued, 0);
  });

  test('10.3 those in line are admitted whatever the next call is to go through', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 1 });
    const calls = [1, 2, 3, 4, 5].map((id) => shop.buy(id));
    withoutPolicies(Shop).restore();
    const grow = (limit: number): Undo => configure(Shop, 'buy', { concurrency: limit });
    grow(2);
    await flush();
    assert.deepEqual(entered, [1, 2]);
    const bare = withoutPolicies(Shop);
    grow(3);
    await flush();
    assert.deepEqual(entered, [1, 2, 3]);
    bare.restore();
    failTimes(Shop, 'buy', 1, new Error('none')).restore();
    grow(4);
    await flush();
    assert.deepEqual(entered, [1, 2, 3, 4]);
    await end(1, 2, 3, 4);
    await end(5);
    await Promise.all(calls);
  });

  test('10.3 newcomers do not overtake those who are being admitted', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 1 });
    const calls = [1, 2, 3].map((id) => shop.buy(id));
    configure(Shop, 'buy', { concurrency: 9 });
    calls.push(shop.buy(4));
    await flush();
    assert.deepEqual(entered, [1, 2, 3, 4]);
    await end(1, 2, 3, 4);
    await Promise.all(calls);
  });

  test('10.3 a limit that shrinks takes no slot back; the next goes in when fewer run than may', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 3 });
    const calls = [1, 2, 3, 4, 5].map((id) => shop.buy(id));
    const restore = configure(Shop, 'buy', { concurrency: 1 });
    await end(1);
    await end(2);
    assert.deepEqual(entered, [1, 2, 3]);
    await end(3);
    assert.deepEqual(entered, [1, 2, 3, 4]);
    restore();
    await flush();
    assert.deepEqual(entered, [1, 2, 3, 4, 5]);
    await end(4, 5);
    await Promise.all(calls);
  });

  test('10.3 slots that were free when it shrank are gone', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 3 });
    const calls = [1, 2, 3].map((id) => shop.buy(id));
    await end(1, 2, 3);
    configure(Shop, 'buy', { concurrency: 1 });
    calls.push(shop.buy(4), shop.buy(5));
    await flush();
    assert.deepEqual(entered, [1, 2, 3, 4]);
    await end(4);
    await end(5);
    await Promise.all(calls);
    assert.deepEqual(entered, [1, 2, 3, 4, 5]);
  });

  test('10.3 a call that gave up in line costs nothing when it grows', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 1 });
    const aborter = new AbortController();
    const calls = [shop.buy(1), reasonOf(shop.buy(2, aborter.signal)), shop.buy(3)];
    aborter.abort('left');
    configure(Shop, 'buy', { concurrency: 2 });
    await flush();
    assert.deepEqual(entered, [1, 3]);
    await end(1, 3);
    assert.deepEqual(await Promise.all(calls), [undefined, 'left', undefined]);
  });

  test('10.3 a call that is aborted between its admission and its entry gives the slot on', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 1 });
    const aborter = new AbortController();
    const calls = [shop.buy(1), reasonOf(shop.buy(2, aborter.signal)), shop.buy(3)];
    configure(Shop, 'buy', { concurrency: 2 });
    aborter.abort('left');
    await flush();
    assert.deepEqual(entered, [1, 3]);
    await end(1, 3);
    await Promise.all(calls);
  });

  test('10.3 maxQueue holds for those who come', async () => {
    const { Shop, shop, end } = makeShop({ limit: 1 });
    const calls = [1, 2, 3].map((id) => reasonOf(shop.buy(id)));
    configure(Shop, 'buy', { concurrency: { maxQueue: 1 } });
    assert.equal(await reasonOf(shop.buy(4)), 'queue-full');
    configure(Shop, 'buy', { concurrency: { maxQueue: 3 } });
    calls.push(reasonOf(shop.buy(5)));
    for (const id of [1, 2, 3, 5]) await end(id);
    assert.deepEqual(await Promise.all(calls), ['ok', 'ok', 'ok', 'ok']);
  });

  test('10.3 maxWait holds for those who come; each waits as long as it came to', () =>
    underFakeClock(async (clock) => {
      const { Shop, shop, end } = makeShop({ limit: 1, maxWait: 100 });
      const ended: [id: number, reason: unknown, at: number][] = [];
      const buy = (id: number): void => {
        shop.buy(id).then(
          () => ended.push([id, 'ok', clock.now]),
          (error: Error) => ended.push([id, error.message, clock.now]),
        );
      };
      buy(1);
      buy(2);
      const short = configure(Shop, 'buy', { concurrency: { maxWait: 10 } });
      buy(3);
      await advance(clock, 5);
      buy(4);
      configure(Shop, 'buy', { concurrency: { maxWait: Number.POSITIVE_INFINITY } });
      buy(5);
      short();
      await advance(clock, 200);
      await end(1);
      await end(5);
      const text = (wait: number) =>
        `Shop.buy: the call got no slot of its concurrency limit within ${wait} ms (maxWait)`;
      assert.deepEqual(ended, [
        [3, text(10), 10],
        [4, text(10), 15],
        [2, text(100), 100],
        [1, 'ok', 205],
        [5, 'ok', 205],
      ]);
    }));

  test('10.3 a line that has emptied goes by the new rule alone', () =>
    underFakeClock(async (clock) => {
      const { Shop, shop, end } = makeShop({ limit: 1, maxWait: 100 });
      const calls = [1, 2].map((id) => reasonOf(shop.buy(id)));
      configure(Shop, 'buy', { concurrency: { maxWait: 10 } });
      await end(1);
      await end(2);
      calls.push(reasonOf(shop.buy(3)), reasonOf(shop.buy(4)));
      await advance(clock, 10);
      await end(3);
      assert.deepEqual(await Promise.all(calls), ['ok', 'ok', 'ok', 'wait-timeout']);
    }));

  test('10.3 limits by key, those that are there and new ones', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 1, key: even });
    const calls = [1, 2, 3, 4, 5].map((id) => shop.buy(id));
    configure(Shop, 'buy', { concurrency: 2 });
    await flush();
    assert.deepEqual(entered, [1, 2, 3, 4]);
    await end(1, 2, 3, 4);
    await end(5);
    await Promise.all(calls);
    for (const id of [10, 12, 14]) calls.push(shop.buy(id));
    assert.deepEqual(entered, [1, 2, 3, 4, 5, 10, 12]);
    await end(10, 12);
    await end(14);
    await Promise.all(calls);
  });

  for (const [name, key] of [
    ['one each', {}],
    ['by key', { key: even }],
  ] as const) {
    test(`10.3 limits of instances, ${name}: at once where somebody waits, else at the next use`, async () => {
      const { Shop, entered, end } = makeShop({ limit: 1, scope: 'instance', ...key });
      const [busy, idle, fresh] = [new Shop(), new Shop(), new Shop()];
      const calls = [busy.buy(2), busy.buy(4), idle.buy(6)];
      assert.deepEqual(entered, [2, 6]);
      const restore = configure(Shop, 'buy', { concurrency: 2 });
      await flush();
      assert.deepEqual(entered, [2, 6, 4]);
      calls.push(idle.buy(8), idle.buy(10), fresh.buy(12), fresh.buy(14), fresh.buy(16));
      assert.deepEqual(entered, [2, 6, 4, 8, 12, 14]);
      restore();
      await end(12, 6, 2);
      assert.deepEqual(entered, [2, 6, 4, 8, 12, 14]);
      await end(14, 8, 4);
      assert.deepEqual(entered, [2, 6, 4, 8, 12, 14, 16, 10]);
      await end(16, 10);
      await Promise.all(calls);
    });
  }

  test('10.3 each concrete class has its own, and all of them take the options', async () => {
    const { Shop, shop, entered, end } = makeShop({ limit: 1 });
    class Bakery extends Shop {}
    const bakery = new Bakery();
    const calls = [shop.buy(1), shop.buy(2), bakery.buy(3), bakery.buy(4)];
    configure(Bakery, 'buy', { concurrency: 2 });
    await flush();
    assert.deepEqual(entered, [1, 3, 4]);
    configure(Shop, 'buy', { concurrency: 3 });
    await flush();
    assert.deepEqual(entered, [1, 3, 4, 2]);
    calls.push(bakery.buy(5));
    await flush();
    assert.equal(statsOf(Bakery, 'buy').queued, 1);
    await end(1, 2, 3, 4);
    await end(5);
    await Promise.all(calls);
  });

  test('10.3 a retry under way takes its next slot by the new limit', async () => {
    const entered: number[] = [];
    const gate = deferred();
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(2)
      async buy(id: number): Promise<void> {
        entered.push(id);
        await gate.promise;
        if (entered.length <= 2) throw new Error('down');
      }
    }
    const shop = new Shop();
    const calls = [shop.buy(1), shop.buy(2)];
    configure(Shop, 'buy', { concurrency: 1, retry: 1 });
    gate.resolve();
    await Promise.allSettled(calls);
    assert.deepEqual(entered, [1, 2, 1, 2]);
    assert.equal(statsOf(Shop, 'buy').running, 0);
  });
});

describe('10.3 permits', () => {
  const startsAfter = (
    limit: RateLimitConfig<[id: number]>,
    changes: readonly [at: number, changes: PolicyChanges][],
    calls = 12,
    time = 3_000,
  ): Promise<[id: number, at: number][]> => {
    const { Api, api, starts } = makeApi(limit);
    return (async () => {
      await underFakeClock(async (clock) => {
        for (let id = 1; id <= calls; id++) api.get(id);
        for (const [at, each] of changes) {
          await clock.tickAsync(at - clock.now);
          configure(Api, 'get', each);
        }
        await clock.tickAsync(time);
      });
      return starts;
    })();
  };
  const times = (starts: [id: number, at: number][]): number[] => starts.map(([, at]) => at);
  const inOrder = (starts: [id: number, at: number][]): void =>
    assert.deepEqual(
      starts.map(([id]) => id),
      starts.map((_, index) => index + 1),
    );

  test('10.3 a rate that grows admits those in line at once, in order', async () => {
    const starts = await startsAfter({ rate: 2 }, [[300, { rateLimit: 5 }]]);
    inOrder(starts);
    assert.deepEqual(times(starts), [0, 0, 300, 300, 300, 1000, 1000, 1300, 1300, 1300, 2000, 2000]);
  });

  test('10.3 a rate that shrinks counts the starts that were', async () => {
    const starts = await startsAfter({ rate: 4 }, [[300, { rateLimit: 1 }]], 7, 5_000);
    inOrder(starts);
    assert.deepEqual(times(starts), [0, 0, 0, 0, 1000, 2000, 3000]);
  });

  test('10.3 a longer window holds from the starts that still count', async () => {
    const starts = await startsAfter({ rate: 2 }, [[300, { rateLimit: { per: 2_000 } }]], 6, 5_000);
    assert.deepEqual(times(starts), [0, 0, 2000, 2000, 4000, 4000]);
  });

  test('10.3 a shorter window lets those go at once whose time has come', async () => {
    const starts = await startsAfter({ rate: 2 }, [[300, { rateLimit: { per: 200 } }]], 6, 5_000);
    assert.deepEqual(times(starts), [0, 0, 300, 300, 500, 500]);
  });

  test('10.3 `spread` comes and goes', async () => {
    const spread = await startsAfter({ rate: 4 }, [[100, { rateLimit: { spread: true } }]], 7);
    assert.deepEqual(times(spread), [0, 0, 0, 0, 250, 500, 750]);
    const burst = await startsAfter({ rate: 4, spread: true }, [[300, { rateLimit: { spread: false } }]], 8);
    // Of the start at 0 nothing was known any more.
    assert.deepEqual(times(burst), [0, 250, 300, 300, 300, 1250, 1300, 1300]);
  });

  test('10.3 a fractional rate', async () => {
    const starts = await startsAfter({ rate: 1 }, [[100, { rateLimit: 0.5 }]], 3, 5_000);
    assert.deepEqual(times(starts), [0, 2000, 4000]);
  });

  test('10.3 maxWait and maxQueue hold for those who come', () =>
    underFakeClock(async (clock) => {
      const { Api, api } = makeApi({ rate: 1, maxWait: 5_000 });
      const calls = [reasonOf(api.get(1)), reasonOf(api.get(2))];
      configure(Api, 'get', { rateLimit: { maxWait: 10, maxQueue: 2 } });
      calls.push(reasonOf(api.get(3)), reasonOf(api.get(4)));
      await advance(clock, 10);
      assert.equal(statsOf(Api, 'get').queued, 1);
      await clock.tickAsync(2_000);
      assert.deepEqual(await Promise.all(calls), ['ok', 'ok', 'wait-timeout', 'queue-full']);
    }));

  test('10.3 by key, and of instances', () =>
    underFakeClock(async (clock) => {
      const { Api, api, starts } = makeApi({ rate: 1, key: even });
      for (const id of [1, 2, 3, 4]) api.get(id);
      configure(Api, 'get', { rateLimit: 2 });
      await flush();
      assert.deepEqual(
        starts.map(([id]) => id),
        [1, 2, 3, 4],
      );
      const other = makeApi({ rate: 1, scope: 'instance' });
      const [busy, idle] = [new other.Api(), new other.Api()];
      for (const id of [1, 2]) busy.get(id);
      idle.get(3);
      configure(other.Api, 'get', { rateLimit: 2 });
      for (const id of [4, 5]) idle.get(id);
      await flush();
      assert.deepEqual(
        other.starts.map(([id]) => id),
        [1, 3, 4, 2],
      );
      await clock.tickAsync(2_000);
    }));

  for (const [name, key] of [
    ['by instance', {}],
    ['by instance and key', { key: even }],
  ] as const) {
    test(`10.3 a longer window holds from the starts that still count, ${name}, where nobody waits for it`, () =>
      underFakeClock(async (clock) => {
        const { Api, api, starts } = makeApi({ rate: 1, scope: 'instance', ...key });
        await api.get(2);
        configure(Api, 'get', { rateLimit: { per: 3_000 } });
        await advance(clock, 1_500);
        const late = api.get(4);
        await advance(clock, 1_500);
        await late;
        assert.deepEqual(starts, [
          [2, 0],
          [4, 3_000],
        ]);
      }));
  }

  test('10.3 no permit too many passes on where the timer is late', () =>
    underFakeClock(async (clock) => {
      const { Api, api, starts } = makeApi({ rate: 3 });
      for (const id of [1, 2, 3]) api.get(id);
      configure(Api, 'get', { rateLimit: 1 });
      const { now } = performance;
      performance.now = () => 1000;
      for (const id of [4, 5, 6]) api.get(id);
      performance.now = now;
      await clock.tickAsync(3_000);
      assert.deepEqual(times(starts), [0, 0, 0, 1000, 2000, 3000]);
    }));

  test('10.3 calls that hold a permit and wait for a slot keep it', () =>
    underFakeClock(async (clock) => {
      const gates: Deferred<void>[] = [];
      class Api {
        @rateLimit(3)
        @concurrency(1)
        async get(): Promise<number> {
          const at = clock.now;
          const gate = deferred();
          gates.push(gate);
          await gate.promise;
          return at;
        }
      }
      const api = new Api();
      const calls = [1, 2, 3, 4].map(() => api.get());
      configure(Api, 'get', { rateLimit: { rate: 1, per: 100 } });
      for (let i = 0; i < 4; i++) {
        gates[i]?.resolve();
        await clock.tickAsync(100);
      }
      assert.deepEqual(await Promise.all(calls), [0, 0, 100, 200]);
    }));
});

describe('10.2 who waits in the line of a limit that is taken out', () => {
  for (const [name, sharing] of [
    ['one limit', {}],
    ['by key', { key: () => 'one' }],
    ['of an instance', { scope: 'instance' }],
  ] as const) {
    test(`10.2 keeps its time and its turn, and 10.3 the window is the same afterwards: ${name}`, () =>
      underFakeClock(async (clock) => {
        const { Api, api, starts } = makeApi({ rate: 1, ...sharing });
        for (const id of [1, 2, 3, 4]) api.get(id);
        await advance(clock, 300);
        const restore = configure(Api, 'get', { rateLimit: false });
        await api.get(50);
        assert.equal(statsOf(Api, 'get').queued, 3);
        await advance(clock, 800);
        restore();
        const last = api.get(5);
        await advance(clock, 4_000);
        await last;
        assert.deepEqual(starts, [
          [1, 0],
          [50, 300],
          [2, 1_000],
          [3, 2_000],
          [4, 3_000],
          [5, 4_000],
        ]);
        assert.equal(statsOf(Api, 'get').queued, 0);
        assert.equal(clock.countTimers(), 0);
      }));

    test(`10.2 gets the slots that come free, in order, and 10.3 they are as many afterwards: ${name}`, async () => {
      const { Shop, shop, entered, end } = makeShop({ limit: 2, ...sharing });
      const calls = [1, 2, 3, 4, 5].map((id) => shop.buy(id));
      const restore = configure(Shop, 'buy', { concurrency: false });
      calls.push(shop.buy(50), shop.buy(51));
      assert.deepEqual(entered, [1, 2, 50, 51]);
      assert.equal(statsOf(Shop, 'buy').queued, 3);
      await end(50);
      assert.deepEqual(entered, [1, 2, 50, 51], 'a call without a slot gives none back');
      await end(2);
      assert.deepEqual(entered, [1, 2, 50, 51, 3]);
      restore();
      calls.push(shop.buy(6));
      await end(1);
      await end(51);
      assert.deepEqual(entered, [1, 2, 50, 51, 3, 4]);
      await end(3, 4);
      assert.deepEqual(entered, [1, 2, 50, 51, 3, 4, 5, 6]);
      await end(5, 6);
      await Promise.all(calls);
      const { running, queued } = statsOf(Shop, 'buy');
      assert.deepEqual([running, queued], [0, 0]);
    });
  }

  test('10.2 is turned away when its maxWait is over, and leaves when it is aborted', () =>
    underFakeClock(async (clock) => {
      const { Shop, shop, entered, end } = makeShop({ limit: 1, maxWait: 100 });
      const { Api, api } = makeApi({ rate: 1, maxWait: 1_500 });
      const aborter = new AbortController();
      const calls = [shop.buy(1), shop.buy(2), shop.buy(3, aborter.signal)].map(reasonOf);
      calls.push(...[api.get(1), api.get(2, aborter.signal), api.get(3), api.get(4)].map(reasonOf));
      using _slots = configure(Shop, 'buy', { concurrency: false });
      using _permits = configure(Api, 'get', { rateLimit: false });
      aborter.abort('left');
      await advance(clock, 1_500);
      assert.deepEqual(entered, [1]);
      await end(1);
      assert.deepEqual(await Promise.all(calls), ['ok', 'wait-timeout', 'left', 'ok', 'left', 'ok', 'wait-timeout']);
      await advance(clock, 1_000);
      assert.equal(clock.countTimers(), 0);
    }));

  test('10.2 keeps the permit that it has, and waits for its slot, though both limits are out', () =>
    underFakeClock(async (clock) => {
      const entered: [id: number, at: number][] = [];
      const gates: Deferred<void>[] = [];
      class Api {
        @rateLimit({ rate: 2 })
        @concurrency(1)
        async get(id: number): Promise<void> {
          entered.push([id, clock.now]);
          const gate = deferred();
          gates.push(gate);
          await gate.promise;
        }
      }
      const api = new Api();
      const calls = [1, 2, 3].map((id) => api.get(id));
      const restore = configure(Api, 'get', { rateLimit: false, concurrency: false });
      calls.push(api.get(4));
      await advance(clock, 500);
      restore();
      calls.push(api.get(5));
      for (let i = 0; i < 5; i++) {
        gates[i]?.resolve();
        await advance(clock, 400);
      }
      await Promise.all(calls);
      assert.deepEqual(
        entered.map(([id]) => id),
        [1, 4, 2, 3, 5],
      );
      assert.equal(statsOf(Api, 'get').running + statsOf(Api, 'get').queued, 0);
    }));

  test('10.2 is retried through the limits that its call began with', async () => {
    const entered: number[] = [];
    const gate = deferred();
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      async buy(id: number): Promise<void> {
        entered.push(id);
        await gate.promise;
        if (entered.filter((each) => each === id).length === 1) throw new Error('down');
      }
    }
    const shop = new Shop();
    const calls = [shop.buy(1), shop.buy(2)];
    using _out = configure(Shop, '*', { concurrency: false });
    gate.resolve();
    await Promise.all(calls);
    assert.deepEqual(entered, [1, 2, 1, 2]);
  });
});
