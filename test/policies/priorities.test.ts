import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConcurrencyLimiter,
  ConfigurationError,
  concurrency,
  configure,
  Orchestrator,
  RateLimiter,
  RejectedError,
  rateLimit,
  retry,
  statsOf,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';
import { Work } from '../support/work.js';

interface Rules {
  limit?: number;
  priorityAging?: number;
  maxQueue?: number;
  maxWait?: number;
  weight?: (priority: number, name: string) => number;
}

/** Slots that go by priority. */
function ranked({ limit = 1, ...more }: Rules = {}) {
  const work = new Work();
  class Shop {
    @concurrency({ limit, priority: (priority: number, _name: string) => priority, ...more })
    async take(_priority: number, name: string, _signal?: AbortSignal): Promise<unknown> {
      return await work.begin(name);
    }
  }
  return { Shop, shop: new Shop(), work };
}

/** Ends what runs, one after the other, until nothing runs; gives the order in which all was begun. */
async function drain(work: Work): Promise<string[]> {
  while (work.running.length > 0) {
    work.end(work.running[0]);
    await flush();
  }
  return work.begun;
}

describe('priority', () => {
  test('7.5 of those who came together the highest goes first, equal ones in order of arrival', () =>
    underFakeClock(async () => {
      const { shop, work } = ranked();
      shop.take(0, 'first');
      for (const [priority, name] of [
        [0, 'a'],
        [2, 'b'],
        [-1, 'c'],
        [2, 'd'],
        [0.5, 'e'],
        [0, 'f'],
        [-0, 'g'],
        [-1, 'h'],
      ] as const) {
        shop.take(priority, name);
      }
      assert.deepEqual(await drain(work), ['first', 'b', 'd', 'e', 'a', 'f', 'g', 'c', 'h']);
    }));

  for (const [aging, wait] of [
    [undefined, 10_000],
    [50, 50],
  ] as const) {
    test(`7.5 each step is worth a wait of priorityAging, ${wait}`, () =>
      underFakeClock(async (clock) => {
        const { shop, work } = ranked(aging === undefined ? {} : { priorityAging: aging });
        shop.take(0, 'first');
        shop.take(0, 'old');
        await clock.tickAsync(wait);
        shop.take(2, 'as early by two');
        shop.take(1, 'just as early');
        await clock.tickAsync(1);
        shop.take(1, 'a little later');
        await clock.tickAsync(wait);
        shop.take(2, 'later by as much');
        assert.deepEqual(await drain(work), [
          'first',
          'as early by two',
          // Of two that count the same the one that came first.
          'old',
          'just as early',
          'a little later',
          'later by as much',
        ]);
      }));
  }

  test('7.5 a low one is not starved: those that came so much later wait for it', () =>
    underFakeClock(async (clock) => {
      const { shop, work } = ranked({ priorityAging: 10 });
      shop.take(5, 'first');
      shop.take(0, 'low');
      for (let i = 0; i < 10; i++) {
        shop.take(5, `urgent at ${Date.now()}`);
        await clock.tickAsync(10);
      }
      const order = await drain(work);
      // One at 50 counts as come at 0, as the low one does, which was there before.
      assert.equal(order.indexOf('low'), order.indexOf('urgent at 50') - 1);
      assert.equal(order.indexOf('urgent at 40'), order.indexOf('low') - 1);
    }));

  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '1', undefined, 1n, null]) {
    test(`7.5 a priority of ${String(wrong)} is a ConfigurationError from the call, which is not tried again`, () =>
      handled(async () => {
        let asked = 0;
        const priority = () => {
          asked++;
          return wrong as number;
        };
        class Shop {
          @retry(3)
          @concurrency({ limit: 1, priority })
          async take(): Promise<void> {}
          @retry(3)
          @rateLimit({ rate: 1, priority })
          async ask(): Promise<void> {}
        }
        const shop = new Shop();
        for (const error of [await rejection(shop.take()), await rejection(shop.ask())]) {
          assert.ok(error instanceof ConfigurationError);
          assert.match(error.message, /Shop\.(take|ask): expected `priority` to return a finite number/);
        }
        assert.equal(asked, 2);
      }));
  }

  test('X8 it gets the arguments, and the receiver as `this`, and nothing else', async () => {
    const told: unknown[] = [];
    class Shop {
      @rateLimit({
        rate: 5,
        priority(this: Shop, ...args: [string, boolean]): number {
          told.push(this, ...args);
          return 1;
        },
      })
      async take(name: string, _urgent: boolean): Promise<string> {
        return name;
      }
    }
    const shop = new Shop();
    await shop.take('a', true);
    assert.deepEqual(told, [shop, 'a', true]);
  });

  test('7.5 a rate limit goes by it too', () =>
    underFakeClock(async (clock) => {
      const starts: [number, number][] = [];
      class Api {
        @rateLimit({ rate: 1, per: 100, priority: (priority: number) => priority })
        async get(priority: number): Promise<void> {
          starts.push([priority, Date.now()]);
        }
      }
      const api = new Api();
      for (const priority of [0, 1, 3, 2, 3]) api.get(priority);
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [
        [0, 0],
        [3, 100],
        [3, 200],
        [2, 300],
        [1, 400],
      ]);
    }));

  test('7.5 a rate limit, and slots that methods share, have those of a higher rank push out others, too', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const limiter = new ConcurrencyLimiter({ limit: 1, maxQueue: 1 });
        const priority = (rank: number): number => rank;
        class Api {
          @rateLimit({ rate: 1, per: 100, maxQueue: 1, priority })
          async get(_rank: number): Promise<void> {}

          @concurrency({ limiter, priority })
          async hold(_rank: number): Promise<void> {
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
        const api = new Api();
        for (const method of ['get', 'hold'] as const) {
          const calls = [0, 0, 1].map((rank) => watched(api[method](rank)));
          await clock.tickAsync(300);
          assert.ok(calls[1]?.error instanceof RejectedError);
          assert.equal('error' in (calls[2] ?? {}), false);
        }
      }),
    ));

  test('10.3 a rate limit that was without may be given priorities', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Api {
          @rateLimit({ rate: 1, per: 100, maxQueue: 1 })
          async get(_rank: number): Promise<void> {}
        }
        const api = new Api();
        api.get(0);
        using _ranked = configure(Api, 'get', { rateLimit: { priority: (rank: number) => rank } });
        const calls = [0, 1].map((rank) => watched(api.get(rank)));
        await clock.tickAsync(300);
        assert.ok(calls[0]?.error instanceof RejectedError);
        assert.equal(calls[1]?.at, 100);
      }),
    ));

  test('10.3 where nobody may wait any more, nobody takes the place of one who waits', () =>
    underFakeClock(async () => {
      const { Shop, shop, work } = ranked({ maxQueue: 1 });
      shop.take(0, 'first');
      const waiting = watched(shop.take(0, 'waiting'));
      using _nobody = configure(Shop, 'take', { concurrency: { maxQueue: 0 } });
      assert.equal(((await rejection(shop.take(1, 'urgent'))) as RejectedError).reason, 'queue-full');
      assert.deepEqual(waiting, {});
      assert.deepEqual(await drain(work), ['first', 'waiting']);
    }));

  test('7.5 maxWait stays exact, whoever goes before', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const { Shop, shop, work } = ranked({ maxWait: 100 });
        shop.take(0, 'first');
        await clock.tickAsync(5);
        const low = watched(shop.take(-5, 'low'));
        for (let i = 0; i < 9; i++) {
          await clock.tickAsync(10);
          shop.take(9, `urgent ${i}`).catch(() => {});
          work.end(work.running[0]);
          await flush();
        }
        await clock.tickAsync(10);
        assert.equal(low.at, 105);
        assert.ok(low.error instanceof RejectedError);
        assert.equal(low.error.reason, 'wait-timeout');
        await drain(work);
        assert.equal(statsOf(Shop, 'take').queued, 0);
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  test('7.5 one that outranks a heavy one, which waits for more, has what is free at once', () =>
    underFakeClock(async () => {
      const { shop, work } = ranked({ limit: 3, weight: (_, name) => Number(name.at(-1)) });
      shop.take(0, 'a1');
      shop.take(0, 'heavy3');
      shop.take(1, 'urgent1');
      shop.take(0, 'light1');
      await flush();
      assert.deepEqual(work.begun, ['a1', 'urgent1']);
      assert.deepEqual(await drain(work), ['a1', 'urgent1', 'heavy3', 'light1']);
    }));
});

describe('priority in a full queue', () => {
  test('7.5 one that outranks the lowest pushes out the newest of those', () =>
    handled(() =>
      underFakeClock(async () => {
        const { Shop, shop, work } = ranked({ maxQueue: 3 });
        shop.take(0, 'first');
        const calls = [shop.take(0, 'a'), shop.take(1, 'b'), shop.take(0, 'c')].map(watched);
        shop.take(1, 'urgent');
        await flush();
        const error = calls[2].error as RejectedError;
        assert.ok(error instanceof RejectedError);
        assert.deepEqual([error.reason, error.policy], ['queue-full', 'concurrency']);
        assert.match(error.message, /: one of a higher priority took its place in the full queue \(maxQueue: 3\)$/);
        // Now the lowest is a; then there is none that this one outranks.
        shop.take(1, 'again');
        await flush();
        assert.ok(calls[0].error instanceof RejectedError);
        const refused = (await rejection(shop.take(1, 'equal'))) as RejectedError;
        assert.equal(refused.reason, 'queue-full');
        assert.equal(((await rejection(shop.take(-1, 'lower'))) as RejectedError).reason, 'queue-full');
        assert.deepEqual(await drain(work), ['first', 'b', 'urgent', 'again']);
        const { rejected, queued, running } = statsOf(Shop, 'take');
        assert.deepEqual([rejected, queued, running], [4, 0, 0]);
      }),
    ));

  test('7.5 its wait counts: one of a lower rank that came long before is not pushed out', () =>
    underFakeClock(async (clock) => {
      const { shop, work } = ranked({ maxQueue: 1, priorityAging: 100 });
      shop.take(0, 'first');
      const old = watched(shop.take(0, 'old'));
      await clock.tickAsync(100);
      assert.ok((await rejection(shop.take(1, 'one step'))) instanceof RejectedError);
      assert.equal(old.at, undefined);
      shop.take(2, 'two steps');
      await flush();
      assert.ok(old.error instanceof RejectedError);
      assert.deepEqual(await drain(work), ['first', 'two steps']);
    }));

  test('7.5 only those of its own method: others on one shared limiter keep their places', () =>
    handled(() =>
      underFakeClock(async () => {
        const limiter = new ConcurrencyLimiter({ limit: 1, maxQueue: 2 });
        const work = new Work();
        class Shop {
          @concurrency(limiter)
          async plain(name: string): Promise<unknown> {
            return await work.begin(name);
          }
          @concurrency({ limiter, priority: (_name: string, priority: number) => priority })
          async ranked(name: string, _priority: number): Promise<unknown> {
            return await work.begin(name);
          }
        }
        const shop = new Shop();
        shop.plain('first');
        const plain = watched(shop.plain('plain'));
        const own = watched(shop.ranked('own', 0));
        shop.ranked('urgent', 5);
        await flush();
        assert.equal(plain.at, undefined);
        assert.equal((own.error as RejectedError).reason, 'queue-full');
        // There is none of its own that it outranks.
        assert.ok((await rejection(shop.ranked('as urgent', 5))) instanceof RejectedError);
        assert.ok((await rejection(shop.plain('another'))) instanceof RejectedError);
        assert.deepEqual(await drain(work), ['first', 'urgent', 'plain']);
        assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
      }),
    ));

  test('7.5 where nobody may wait, nobody is pushed out', () =>
    underFakeClock(async () => {
      for (const none of [{ maxQueue: 0 }, { maxWait: 0 }]) {
        const { shop, work } = ranked(none);
        shop.take(0, 'first');
        assert.ok((await rejection(shop.take(9, 'urgent'))) instanceof RejectedError);
        assert.deepEqual(await drain(work), ['first']);
      }
    }));

  test('7.5 one that pushed out a heavy head has what is free at once, before those behind that', () =>
    handled(() =>
      underFakeClock(async () => {
        const limiter = new ConcurrencyLimiter({ limit: 3, maxQueue: 2 });
        const work = new Work();
        class Shop {
          @concurrency({
            limiter,
            weight: (name: string) => Number(name.at(-1)),
            priority: (_name: string, priority: number) => priority,
          })
          async take(name: string, _priority: number): Promise<unknown> {
            return await work.begin(name);
          }
          @concurrency(limiter)
          async other(name: string): Promise<unknown> {
            return await work.begin(name);
          }
        }
        const shop = new Shop();
        shop.take('a2', 0);
        const heavy = watched(shop.take('heavy3', 0));
        shop.other('light');
        shop.take('urgent1', 1);
        await flush();
        assert.ok(heavy.error instanceof RejectedError);
        assert.deepEqual(work.begun, ['a2', 'urgent1']);
        assert.deepEqual(await drain(work), ['a2', 'urgent1', 'light']);
        assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
      }),
    ));
});

describe('priorities on a shared limiter', () => {
  test('7.5 calls of methods without count as of 0, and go in order of arrival among each other', () =>
    underFakeClock(async (clock) => {
      const limiter = new ConcurrencyLimiter(1);
      const work = new Work();
      class Shop {
        @concurrency(limiter)
        async plain(name: string): Promise<unknown> {
          return await work.begin(name);
        }
        @concurrency({ limiter, priority: (_name: string, priority: number) => priority, priorityAging: 100 })
        async ranked(name: string, _priority: number): Promise<unknown> {
          return await work.begin(name);
        }
      }
      const orchestrator = new Orchestrator({ concurrency: limiter });
      const shop = new Shop();
      shop.plain('first');
      shop.plain('a');
      await clock.tickAsync(50);
      shop.ranked('b', 1);
      shop.ranked('c', -1);
      await clock.tickAsync(49);
      shop.plain('d');
      await clock.tickAsync(2);
      shop.ranked('e', 1);
      orchestrator.execute((name: string) => work.begin(name), 'f');
      await clock.tickAsync(60);
      shop.plain('g');
      // b counts as come at -50, a at 0, e at 1, d at 99, f at 101, c at 150, g at 161.
      assert.deepEqual(await drain(work), ['first', 'b', 'a', 'e', 'd', 'f', 'c', 'g']);
    }));

  test('7.5 it may be given to the limiter itself, for all', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 1, per: 10, priority: (...[priority]: [number]) => priority });
      const starts: string[] = [];
      class Api {
        @rateLimit(limiter)
        async get(priority: number): Promise<void> {
          starts.push(`get ${priority}`);
        }
        @rateLimit({ limiter, priority: (priority: number) => -priority })
        async put(priority: number): Promise<void> {
          starts.push(`put ${priority}`);
        }
      }
      const api = new Api();
      for (const priority of [0, 1, 2]) {
        api.get(priority);
        api.put(priority);
      }
      await clock.tickAsync(100);
      assert.deepEqual(starts, ['get 0', 'get 2', 'get 1', 'put 0', 'put 1', 'put 2']);
    }));

  test('7.5 those who hold a permit at a pause go before all others at its end', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 2, per: 100 });
      const work = new Work();
      class Api {
        @rateLimit({ limiter, priority: (_name: string, priority: number) => priority })
        @concurrency(1)
        async get(name: string, _priority: number): Promise<unknown> {
          return await work.begin(name);
        }
      }
      const api = new Api();
      api.get('a', 0);
      api.get('held', -3);
      api.get('low', 0);
      api.get('high', 3);
      await flush();
      limiter.pause(200);
      work.end('a');
      await clock.tickAsync(200);
      assert.deepEqual(work.running, ['held']);
      work.end('held');
      await clock.tickAsync(100);
      work.endAll();
      await clock.tickAsync(100);
      assert.deepEqual(work.begun, ['a', 'held', 'high', 'low']);
      work.endAll();
    }));

  test('10.3 a line that was without may be given priorities, while somebody waits', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Shop {
        @concurrency(1)
        async take(name: string, _priority = 0): Promise<unknown> {
          return await work.begin(name);
        }
      }
      const shop = new Shop();
      shop.take('first');
      shop.take('a', 0);
      shop.take('b', 5);
      await clock.tickAsync(10);
      const restore = configure(Shop, 'take', {
        concurrency: { priority: (_name: string, priority = 0) => priority },
      });
      shop.take('c', 0);
      shop.take('d', 5);
      restore();
      await clock.tickAsync(10);
      shop.take('e', 9);
      assert.deepEqual(await drain(work), ['first', 'a', 'b', 'd', 'c', 'e']);
    }));
});
