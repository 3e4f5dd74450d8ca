import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { type ConcurrencyConfig, ConfigurationError, concurrency, RejectedError, retry, statsOf } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { handled } from '../support/unhandled.js';

/** A limited method whose calls run until they are told to end. */
function limited(config: number | ConcurrencyConfig<[id: number]>) {
  const work: Deferred<number>[] = [];
  const ids: number[] = [];
  let running = 0;
  const peak = { value: 0 };
  class Shop {
    @concurrency<[id: number]>(config)
    async buy(id: number, _signal?: AbortSignal): Promise<number> {
      ids.push(id);
      peak.value = Math.max(peak.value, ++running);
      const mine = deferred<number>();
      work.push(mine);
      try {
        return await mine.promise;
      } finally {
        running--;
      }
    }
  }
  return { Shop, shop: new Shop(), work, ids, peak };
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('expected a rejection'),
    (error: unknown) => error,
  );

const upTo = (count: number): number[] => [...Array(count).keys()];

describe('slots of concurrency', () => {
  test('no more than `limit` run at once, and a free slot is used at once', async () => {
    const { shop, work, ids, peak } = limited(3);
    const calls = upTo(10).map((i) => shop.buy(i));
    assert.deepEqual(ids, [0, 1, 2]);
    for (let i = 0; i < 10; i++) {
      work[i].resolve(i * 2);
      await flush();
      assert.equal(ids.length, Math.min(10, i + 4));
    }
    assert.deepEqual(
      await Promise.all(calls),
      upTo(10).map((i) => i * 2),
    );
    assert.equal(peak.value, 3);
  });

  test('a rejection, a throw and a plain return give the slot back', async () => {
    let entered = 0;
    class Shop {
      @concurrency(1)
      buy(how: 'reject' | 'throw' | 'return'): Promise<string> | string {
        entered++;
        if (how === 'throw') throw new Error(how);
        return how === 'return' ? how : Promise.reject(new Error(how));
      }
    }
    const shop = new Shop();
    const ways = ['reject', 'throw', 'return', 'throw', 'reject', 'return'] as const;
    const ends = await Promise.allSettled(ways.map((how) => shop.buy(how)));
    assert.deepEqual(
      ends.map((end) => (end.status === 'fulfilled' ? end.value : (end.reason as Error).message)),
      ways,
    );
    assert.equal(entered, 6);
    assert.equal(statsOf(Shop, 'buy').running, 0);
  });

  test('a call aborted while it runs rejects at once and keeps its slot until its work has ended', async () => {
    const { Shop, shop, work, ids } = limited(1);
    const controller = new AbortController();
    const first = rejection(shop.buy(0, controller.signal));
    const second = shop.buy(1);
    controller.abort('enough');
    assert.equal(await first, 'enough');
    await flush();
    assert.deepEqual(ids, [0]);
    assert.equal(statsOf(Shop, 'buy').running, 1);
    work[0].reject(new Error('ended late'));
    await flush();
    assert.deepEqual(ids, [0, 1]);
    work[1].resolve(7);
    assert.equal(await second, 7);
    assert.equal(statsOf(Shop, 'buy').running, 0);
  });

  test('a call aborted before it is made takes no slot', async () => {
    const { shop, work, ids } = limited(1);
    assert.equal(await rejection(shop.buy(0, AbortSignal.abort('before'))), 'before');
    const next = shop.buy(1);
    assert.deepEqual(ids, [1]);
    work[0].resolve(1);
    await next;
  });

  for (const steps of upTo(8)) {
    test(`an abort ${steps} promise steps after a slot came free loses neither the slot nor the next in line`, async () => {
      const { Shop, shop, work, ids } = limited(1);
      const controller = new AbortController();
      shop.buy(0);
      const second = rejection(shop.buy(1, controller.signal));
      shop.buy(2);
      work[0].resolve(0);
      for (let i = 0; i < steps; i++) await Promise.resolve();
      controller.abort('late');
      assert.equal(await second, 'late');
      await flush();
      if (ids.includes(1)) {
        assert.deepEqual(ids, [0, 1]);
        work[1].resolve(1);
        await flush();
      }
      assert.equal(ids.at(-1), 2);
      work.at(-1)?.resolve(2);
      await flush();
      assert.equal(statsOf(Shop, 'buy').running, 0);
      assert.equal(statsOf(Shop, 'buy').queued, 0);
    });
  }

  test('a huge limit costs nothing until it is used', async () => {
    const before = process.memoryUsage().heapUsed;
    const { shop, work } = limited(Number.MAX_SAFE_INTEGER);
    const calls = upTo(100).map((i) => shop.buy(i));
    assert.ok(process.memoryUsage().heapUsed - before < 10_000_000);
    for (const [i, each] of work.entries()) each.resolve(i);
    assert.deepEqual(await Promise.all(calls), upTo(100));
  });
});

describe('the queue of concurrency', () => {
  test('admits waiters strictly in order of arrival', async () => {
    const { shop, work, ids } = limited(3);
    const calls = upTo(30).map((i) => shop.buy(i));
    // The calls that run end in an order that is not theirs.
    const open = new Set<number>();
    let seen = 0;
    let ended = 0;
    while (ended < 30) {
      for (; seen < work.length; seen++) open.add(seen);
      const pick = [...open][ended % open.size];
      open.delete(pick);
      work[pick].resolve(pick);
      ended++;
      await flush();
    }
    await Promise.all(calls);
    assert.deepEqual(ids, upTo(30));
  });

  test('a call that arrives as a slot comes free does not overtake one that waits', async () => {
    for (const steps of upTo(10)) {
      const { shop, work, ids } = limited(2);
      upTo(3).map((i) => shop.buy(i));
      work[0].resolve(0);
      work[1].resolve(1);
      for (let i = 0; i < steps; i++) await Promise.resolve();
      shop.buy(3);
      await flush();
      assert.deepEqual(ids, [0, 1, 2, 3], `a call made ${steps} promise steps later`);
      // It took the other slot, so that now both are in use.
      shop.buy(4);
      await flush();
      assert.deepEqual(ids, [0, 1, 2, 3], `a call made ${steps} promise steps later, and another`);
    }
  });

  test('10,000 waiters that gave up delay nobody', async () => {
    const { Shop, shop, work, ids } = limited(1);
    const controller = new AbortController();
    const first = shop.buy(0);
    const quitters = Promise.allSettled(upTo(10_000).map(() => shop.buy(1, controller.signal)));
    shop.buy(2);
    assert.equal(statsOf(Shop, 'buy').queued, 10_001);
    controller.abort('enough');
    assert.equal(statsOf(Shop, 'buy').queued, 1);
    for (const each of await quitters) assert.deepEqual(each, { status: 'rejected', reason: 'enough' });
    work[0].resolve(0);
    await first;
    for (let i = 0; i < 20 && ids.length < 2; i++) await Promise.resolve();
    assert.deepEqual(ids, [0, 2]);
  });

  test('one call more than `maxQueue` is rejected at once', async () => {
    const { shop, work } = limited({ limit: 1, maxQueue: 2 });
    const kept = upTo(3).map((i) => shop.buy(i));
    const error = await rejection(shop.buy(3));
    assert.ok(error instanceof RejectedError);
    assert.equal(error.policy, 'concurrency');
    assert.equal(error.reason, 'queue-full');
    const message = 'Shop.buy: 2 calls wait for a slot of its concurrency limit already (maxQueue: 2)';
    assert.equal(error.message, message);
    for (const i of upTo(3)) {
      work[i].resolve(i);
      await flush();
    }
    assert.deepEqual(await Promise.all(kept), [0, 1, 2]);
  });

  test('waiters that gave up make room in the queue', async () => {
    const { shop, work, ids } = limited({ limit: 1, maxQueue: 1 });
    const controller = new AbortController();
    shop.buy(0);
    const quitter = rejection(shop.buy(1, controller.signal));
    controller.abort('enough');
    shop.buy(2);
    await quitter;
    work[0].resolve(0);
    await flush();
    assert.deepEqual(ids, [0, 2]);
  });

  test('the error of a full queue tells of a single waiter as of one', async () => {
    const { shop, work, ids } = limited({ limit: 1, maxQueue: 1 });
    shop.buy(0);
    shop.buy(1);
    const error = await rejection(shop.buy(2));
    const message = 'Shop.buy: a call waits for a slot of its concurrency limit already (maxQueue: 1)';
    assert.equal((error as Error).message, message);
    work[0].resolve(0);
    await flush();
    assert.deepEqual(ids, [0, 1]);
  });

  test('with a `maxQueue` of 0 nobody waits, and free slots are still given out', async () => {
    const { shop, work } = limited({ limit: 1, maxQueue: 0 });
    const first = shop.buy(0);
    const error = await rejection(shop.buy(1));
    assert.ok(error instanceof RejectedError);
    assert.equal(error.reason, 'queue-full');
    const message = 'Shop.buy: there is no slot of its concurrency limit now, and nobody may wait (maxQueue: 0)';
    assert.equal(error.message, message);
    work[0].resolve(0);
    await first;
    const next = shop.buy(2);
    work[1].resolve(2);
    assert.equal(await next, 2);
  });

  test('with a `maxWait` of 0 nobody waits, and free slots are still given out', async () => {
    const { shop, work } = limited({ limit: 1, maxWait: 0 });
    const first = shop.buy(0);
    const error = await rejection(shop.buy(1));
    assert.ok(error instanceof RejectedError);
    assert.equal(error.policy, 'concurrency');
    assert.equal(error.reason, 'wait-timeout');
    work[0].resolve(0);
    assert.equal(await first, 0);
  });

  test('a call that waited for `maxWait` is rejected then, and those behind it keep their own time', () =>
    underFakeClock(async (clock) => {
      const { Shop, shop, work } = limited({ limit: 1, maxWait: 300 });
      shop.buy(0);
      const late: [number, number][] = [];
      const wait = (i: number) =>
        shop.buy(i).catch((error: unknown) => {
          assert.ok(error instanceof RejectedError);
          assert.equal(error.policy, 'concurrency');
          assert.equal(error.reason, 'wait-timeout');
          assert.equal(
            error.message,
            'Shop.buy: the call got no slot of its concurrency limit within 300 ms (maxWait)',
          );
          late.push([i, performance.now()]);
        });
      wait(1);
      await clock.tickAsync(200);
      wait(2);
      await clock.tickAsync(200);
      const kept = shop.buy(3);
      await clock.tickAsync(250);
      assert.deepEqual(late, [
        [1, 300],
        [2, 500],
      ]);
      work[0].resolve(0);
      await flush();
      // Once it runs, no wait can end it.
      await clock.tickAsync(10_000);
      work[1].resolve(3);
      assert.equal(await kept, 3);
      assert.equal(statsOf(Shop, 'buy').rejected, 2);
      assert.equal(clock.countTimers(), 0);
    }));

  test('a call that comes in the very moment that another has waited too long has its whole `maxWait`', () =>
    underFakeClock(async (clock) => {
      const { shop } = limited({ limit: 1, maxWait: 300 });
      shop.buy(0);
      const late: [number, number][] = [];
      const wait = (i: number) => shop.buy(i).catch(() => late.push([i, performance.now()]));
      // Made before the timer of the first wait, so it fires before that.
      setTimeout(() => wait(2), 300);
      wait(1);
      await clock.tickAsync(1000);
      assert.deepEqual(late, [
        [1, 300],
        [2, 600],
      ]);
    }));

  test('`maxWait` holds again after everybody in line was served', () =>
    underFakeClock(async (clock) => {
      const { shop, work } = limited({ limit: 1, maxWait: 300 });
      shop.buy(0);
      const served = shop.buy(1);
      await clock.tickAsync(100);
      work[0].resolve(0);
      await flush();
      assert.equal(clock.countTimers(), 0);
      let endedAt = 0;
      shop.buy(2).catch(() => {
        endedAt = performance.now();
      });
      await clock.tickAsync(1000);
      assert.equal(endedAt, 400);
      work[1].resolve(1);
      assert.equal(await served, 1);
    }));

  test('a thousand waiters take no timer, or one if they may wait only so long', () =>
    underFakeClock(async (clock) => {
      const free = limited(1);
      upTo(1001).map((i) => free.shop.buy(i));
      assert.equal(clock.countTimers(), 0);
      const { shop, work } = limited({ limit: 1, maxWait: 60_000 });
      const calls = upTo(1001).map((i) => shop.buy(i));
      assert.equal(clock.countTimers(), 1);
      for (const i of upTo(1001)) {
        work[i].resolve(i);
        await flush();
      }
      await Promise.all(calls);
      assert.equal(clock.countTimers(), 0);
    }));
});

describe('whom the slots are shared by', () => {
  test('each key has slots of its own', async () => {
    const { shop, work, ids } = limited({ limit: 1, key: (id) => `k${id % 2}` });
    upTo(4).map((i) => shop.buy(i));
    assert.deepEqual(ids, [0, 1]);
    work[1].resolve(1);
    await flush();
    assert.deepEqual(ids, [0, 1, 3]);
  });

  test('an idle key that comes back has its own slots, and never more', async () => {
    const { shop, work, ids, peak } = limited({ limit: 1, key: () => 'one' });
    for (let round = 0; round < 3; round++) {
      const calls = [shop.buy(0), shop.buy(1)];
      for (let i = 0; i < 2; i++) {
        work[round * 2 + i].resolve(i);
        await flush();
      }
      await Promise.all(calls);
    }
    assert.equal(ids.length, 6);
    assert.equal(peak.value, 1);
  });

  test('a key that is in use keeps its slots as some of them come free', async () => {
    const { shop, work, ids } = limited({ limit: 2, key: () => 'one' });
    upTo(2).map((i) => shop.buy(i));
    work[0].resolve(0);
    await flush();
    upTo(2).map((i) => shop.buy(2 + i));
    assert.deepEqual(ids, [0, 1, 2]);
  });

  test('a key function that throws makes the call reject with what it threw', async () => {
    const boom = new Error('no tenant');
    const { shop, ids } = limited({
      limit: 1,
      key: () => {
        throw boom;
      },
    });
    assert.equal(await rejection(shop.buy(0)), boom);
    assert.deepEqual(ids, []);
  });

  test('a key function that returns no string makes the call reject', async () => {
    const { shop, ids } = limited({ limit: 1, key: (() => undefined) as unknown as () => string });
    const error = await rejection(shop.buy(0));
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.message, '@concurrency on Shop.buy: expected `key` to return a string, got undefined');
    assert.deepEqual(ids, []);
  });

  test('an async key function makes the call reject, also where it rejects itself', () =>
    handled(async () => {
      const key = async () => {
        throw new Error('no tenant');
      };
      const { shop } = limited({ limit: 1, key: key as unknown as () => string });
      const error = await rejection(shop.buy(0));
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /expected `key` to return a string, got Promise/);
    }));

  test('the instances of a class share the slots', () => {
    const { Shop, ids } = limited(1);
    new Shop().buy(0);
    new Shop().buy(1);
    assert.deepEqual(ids, [0]);
  });

  test("with scope 'instance' each instance has its own", () => {
    const { Shop, ids } = limited({ limit: 1, scope: 'instance' });
    const one = new Shop();
    one.buy(0);
    one.buy(1);
    new Shop().buy(2);
    assert.deepEqual(ids, [0, 2]);
  });

  test("with scope 'instance' each receiver has its own, and calls without an object share them", () => {
    let entered = 0;
    class Shop {
      @concurrency({ limit: 1, scope: 'instance' })
      async buy(): Promise<void> {
        entered++;
        await new Promise(() => {});
      }
    }
    const { buy } = Shop.prototype;
    const call = (receiver: unknown) => Reflect.apply(buy, receiver, []);
    for (const receiver of [undefined, null, 'text', 7]) call(receiver);
    assert.equal(entered, 1);
    for (const receiver of [{}, () => {}, () => {}]) call(receiver);
    assert.equal(entered, 4);
  });

  test('neither two subclasses, nor base and subclass, nor two methods share slots', () => {
    const entered: string[] = [];
    const never = new Promise<void>(() => {});
    class Base {
      @concurrency(1)
      async buy(): Promise<void> {
        entered.push(`${this.constructor.name}.buy`);
        await never;
      }
      @concurrency(1)
      async sell(): Promise<void> {
        entered.push(`${this.constructor.name}.sell`);
        await never;
      }
    }
    class Left extends Base {}
    class Right extends Base {
      override async buy(): Promise<void> {
        entered.push('Right.buy');
        await never;
      }
    }
    for (const each of [new Base(), new Left(), new Right()]) {
      each.buy();
      each.sell();
      each.buy();
    }
    assert.deepEqual(entered, ['Base.buy', 'Base.sell', 'Left.buy', 'Left.sell', 'Right.buy', 'Right.sell']);
  });

  test('super.method() takes no second slot', async () => {
    class Base {
      @concurrency(1)
      async buy(): Promise<string> {
        return 'base';
      }
    }
    class Sub extends Base {
      override async buy(): Promise<string> {
        return `sub of ${await super.buy()}`;
      }
    }
    assert.equal(await new Sub().buy(), 'sub of base');
  });
});

test('a call made while another has its slot and has not gone on yet takes a slot like any other', async () => {
  const gates: Record<string, Deferred<void>> = {};
  const entered: string[] = [];
  class Shop {
    @retry({
      waitMin: 0,
      retryOn: () => {
        shop.buy('d');
        return false;
      },
    })
    @concurrency(2)
    async buy(id: string): Promise<void> {
      entered.push(id);
      gates[id] = deferred();
      await gates[id].promise;
      if (id === 'b') throw new Error('sold out');
    }
  }
  const shop = new Shop();
  shop.buy('a');
  const b = rejection(shop.buy('b'));
  shop.buy('c');
  gates.a.resolve();
  gates.b.resolve();
  await b;
  await flush();
  assert.deepEqual(entered, ['a', 'b', 'c', 'd']);
  shop.buy('e');
  await flush();
  assert.equal(entered.length, 4);
  assert.equal(statsOf(Shop, 'buy').queued, 1);
});
