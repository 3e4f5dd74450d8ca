import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConcurrencyLimiter,
  ConfigurationError,
  concurrency,
  configure,
  fallback,
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

/** A method under a concurrency limit whose calls tell their weights, and which last until they are told to end. */
function slots(limit: number, more: { maxQueue?: number; maxWait?: number; key?: (weight: number) => string } = {}) {
  const work = new Work();
  class Shop {
    @concurrency({ limit, weight: (weight: number) => weight, ...more })
    async take(_weight: number, name: string, _signal?: AbortSignal): Promise<unknown> {
      return await work.begin(name);
    }
  }
  return { Shop, shop: new Shop(), work };
}

/** The same under a rate limit; the calls end at once, and say what they really took where that is asked. */
function permits(config: { rate: number; per?: number; spread?: boolean; maxWait?: number; maxQueue?: number }) {
  const starts: [name: string, at: number][] = [];
  class Model {
    @rateLimit({ ...config, weight: (weight: number) => weight })
    async ask(_weight: number, name = 'call', _signal?: AbortSignal): Promise<void> {
      starts.push([name, Date.now()]);
    }
  }
  return { Model, model: new Model(), starts };
}

/** A method of calls that take `weight` at first, last `duration`, and have really taken `real`. */
function metered(config: { rate: number; per?: number; spread?: boolean; key?: () => string }) {
  const starts: number[] = [];
  class Model {
    @rateLimit({ ...config, weight: (weight: number) => weight, weightResult: (real: number) => real })
    async ask(_weight: number, real: number, duration = 0): Promise<number> {
      starts.push(Date.now());
      if (duration > 0) await new Promise((resolve) => setTimeout(resolve, duration));
      return real;
    }
  }
  return { Model, model: new Model(), starts };
}

describe('weights of concurrency', () => {
  test('7.3 a call takes as many slots as it weighs, and gives them back at its end', async () => {
    const { Shop, shop, work } = slots(5);
    const calls = [shop.take(3, 'a'), shop.take(2, 'b'), shop.take(4, 'c'), shop.take(1, 'd')];
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.end('b');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.fail('a', new Error('no'));
    await rejection(calls[0]);
    await flush();
    assert.deepEqual(work.begun, ['a', 'b', 'c', 'd']);
    work.endAll();
    await Promise.all(calls.slice(1));
    assert.equal(statsOf(Shop, 'take').running, 0);
  });

  test('7.3 one that weighs nothing takes no slot, and stands in line as others do', async () => {
    const { shop, work } = slots(1);
    shop.take(1, 'a');
    shop.take(0, 'b');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    shop.take(1, 'c');
    shop.take(0, 'd');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.end('b');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.end('a');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b', 'c', 'd']);
    work.endAll();
  });

  test('7.3 one as heavy as the limit has all slots to itself', async () => {
    const { shop, work } = slots(3);
    shop.take(1, 'a');
    shop.take(3, 'b');
    shop.take(1, 'c');
    await flush();
    assert.deepEqual(work.begun, ['a']);
    work.end('a');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.end('b');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b', 'c']);
    work.endAll();
  });

  test('7.3 no lighter one overtakes a heavy one, however many slots are free', async () => {
    const { shop, work } = slots(10);
    shop.take(1, 'a');
    shop.take(10, 'b');
    for (let i = 0; i < 20; i++) shop.take(1, `light ${i}`);
    await flush();
    assert.deepEqual(work.begun, ['a']);
    work.end('a');
    await flush();
    work.end('b');
    await flush();
    assert.equal(work.begun.length, 12);
    work.endAll();
    await flush();
    assert.equal(work.begun.length, 22);
    work.endAll();
  });

  test('7.3 a heavy head that gives up lets the lighter behind it go', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const { Shop, shop, work } = slots(3, { maxWait: 100 });
        const gone = new AbortController();
        shop.take(1, 'a');
        const heavy = watched(shop.take(3, 'b', gone.signal));
        shop.take(1, 'c');
        await flush();
        gone.abort('enough');
        await flush();
        assert.equal(heavy.error, 'enough');
        assert.deepEqual(work.begun, ['a', 'c']);
        const late = watched(shop.take(3, 'd'));
        await clock.tickAsync(50);
        shop.take(1, 'e');
        await clock.tickAsync(50);
        assert.ok(late.error instanceof RejectedError);
        assert.deepEqual(work.begun, ['a', 'c', 'e']);
        work.endAll();
        await flush();
        assert.deepEqual([statsOf(Shop, 'take').running, statsOf(Shop, 'take').queued], [0, 0]);
        shop.take(3, 'f');
        await flush();
        assert.equal(work.begun.at(-1), 'f');
        work.endAll();
      }),
    ));

  test('7.3 a weight above the limit is a ConfigurationError from the call, which is not tried again', async () => {
    let asked = 0;
    class Shop {
      @retry(3)
      @fallback({ value: 'none' })
      @concurrency({
        limit: 2,
        weight: (weight: number) => {
          asked++;
          return weight;
        },
      })
      async take(_weight: number): Promise<string> {
        return 'done';
      }
    }
    const shop = new Shop();
    for (const call of [configure(Shop, 'take', { fallback: false }), undefined]) {
      asked = 0;
      const outcome = await shop.take(3).catch((error: unknown) => error);
      if (call !== undefined) {
        assert.ok(outcome instanceof ConfigurationError);
        assert.match(outcome.message, /@concurrency on Shop\.take: .*`weight`.* 2, got 3/);
      } else assert.equal(outcome, 'none');
      assert.equal(asked, 1);
      call?.();
    }
    assert.equal(await shop.take(2), 'done');
    assert.equal(statsOf(Shop, 'take').attempts, 1);
  });

  for (const wrong of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, '1', undefined, null, 1n, () => 1, 'promise']) {
    test(`7.3 a weight of ${String(wrong)} is a ConfigurationError from the call`, () =>
      handled(async () => {
        const weight = () => (wrong === 'promise' ? Promise.reject(new Error('no')) : wrong) as number;
        class Shop {
          @concurrency({ limit: 2, weight })
          async take(): Promise<void> {}
          @rateLimit({ rate: 2, weight })
          async ask(): Promise<void> {}
        }
        const shop = new Shop();
        for (const error of [await rejection(shop.take()), await rejection(shop.ask())]) {
          assert.ok(error instanceof ConfigurationError);
          assert.match(error.message, /Shop\.(take|ask): expected `weight` to return an integer of at least 0/);
        }
      }));
  }

  test('7.3 where the limit has shrunk below a weight that it once allowed, such a call waits and runs alone', async () => {
    const { Shop, shop, work } = slots(5);
    configure(Shop, 'take', { concurrency: { limit: 2 } });
    shop.take(1, 'a');
    shop.take(5, 'b');
    shop.take(1, 'c');
    await flush();
    assert.deepEqual(work.begun, ['a']);
    work.end('a');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.end('b');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b', 'c']);
    work.endAll();
    await flush();
    assert.ok((await rejection(shop.take(6, 'd'))) instanceof ConfigurationError);
  });

  for (const [what, sharing] of [
    ['a key', { key: () => 'one' }],
    ['an instance', { scope: 'instance' }],
  ] as const) {
    test(`7.3 that holds for the limit of ${what} too, though it be made anew`, async () => {
      class Shop {
        @concurrency({ limit: 5, weight: (weight: number) => weight, ...sharing })
        async take(weight: number): Promise<number> {
          return weight;
        }
      }
      await new Shop().take(5);
      const restore = configure(Shop, 'take', { concurrency: { limit: 2 } });
      assert.equal(await new Shop().take(5), 5);
      restore();
      assert.equal(await new Shop().take(5), 5);
      assert.ok((await rejection(new Shop().take(6))) instanceof ConfigurationError);
    });
  }

  test('7.3 the same for a shared limiter, for those who wait already, too', async () => {
    const limiter = new ConcurrencyLimiter(4);
    const work = new Work();
    class Shop {
      @concurrency({ limiter, weight: (weight: number) => weight })
      async take(_weight: number, name: string): Promise<unknown> {
        return await work.begin(name);
      }
    }
    const shop = new Shop();
    shop.take(2, 'a');
    shop.take(4, 'b');
    shop.take(3, 'c');
    await flush();
    const restore = limiter.configure({ limit: 1 });
    assert.deepEqual([limiter.used, limiter.waiting, limiter.limit], [2, 2, 1]);
    work.end('a');
    await flush();
    assert.deepEqual([work.running, limiter.used], [['b'], 4]);
    work.end('b');
    await flush();
    assert.deepEqual(work.running, ['c']);
    restore();
    shop.take(1, 'd');
    await flush();
    assert.deepEqual(work.running, ['c', 'd']);
    work.endAll();
    await flush();
    assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
  });

  test('10.3 slots that come back to fewer than there were are gone: a newcomer waits', async () => {
    const { Shop, shop, work } = slots(3);
    for (const name of ['a', 'b', 'c']) shop.take(1, name);
    using _fewer = configure(Shop, 'take', { concurrency: { limit: 1 } });
    work.end('a');
    await flush();
    shop.take(1, 'd');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b', 'c']);
    work.end('b');
    work.end('c');
    await flush();
    assert.deepEqual(work.begun, ['a', 'b', 'c', 'd']);
    work.endAll();
  });

  test('7.3 slots that grow go to a heavy head once there are enough', async () => {
    const { Shop, shop, work } = slots(4);
    const restore = configure(Shop, 'take', { concurrency: { limit: 2 } });
    shop.take(2, 'a');
    shop.take(2, 'b');
    await flush();
    configure(Shop, 'take', { concurrency: { limit: 3 } });
    await flush();
    assert.deepEqual(work.begun, ['a']);
    configure(Shop, 'take', { concurrency: { limit: 4 } });
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.endAll();
    restore();
  });

  test('X8 weight gets the arguments, and the receiver as `this`, and nothing else', async () => {
    const told: unknown[] = [];
    class Shop {
      @concurrency({
        limit: 2,
        weight(this: Shop, ...args: [string]): number {
          told.push(this, ...args);
          return 1;
        },
      })
      async take(name: string): Promise<string> {
        return name;
      }
    }
    const shop = new Shop();
    await shop.take('a');
    assert.deepEqual(told, [shop, 'a']);
    const toldThere: unknown[] = [];
    const orchestrator = new Orchestrator({
      concurrency: {
        limit: 2,
        weight(this: unknown, ...args: unknown[]): number {
          toldThere.push(this, ...args);
          return 1;
        },
      },
    });
    await orchestrator.execute((n: number) => n, 7);
    assert.deepEqual(toldThere, [undefined, 7]);
  });

  test('7.3 what weight throws rejects the call, whatever attempts are left', async () => {
    const error = new Error('no weight');
    let asked = 0;
    class Shop {
      @retry(3)
      @concurrency({
        limit: 2,
        weight() {
          asked++;
          throw error;
        },
      })
      async take(): Promise<void> {}
    }
    assert.equal(await rejection(new Shop().take()), error);
    assert.equal(asked, 1);
  });

  test('7.3 each attempt takes its own, and has given them back when it is tried again, or an alternative runs', async () => {
    const work = new Work();
    const limiter = new ConcurrencyLimiter(3);
    const used: number[] = [];
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0, waitMax: 0 })
      @fallback((_weight: number) => used.push(limiter.used))
      @concurrency({ limiter, weight: (weight: number) => weight })
      async take(_weight: number): Promise<number> {
        used.push(limiter.used);
        return (await work.begin(`attempt ${used.length}`)) as number;
      }
    }
    const call = new Shop().take(3);
    await flush();
    work.fail('attempt 1', new Error('no'));
    while (work.running.length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    work.fail('attempt 2', new Error('no'));
    await call;
    assert.deepEqual(used, [3, 3, 0]);
  });

  test('7.3 a queue that is full, or is not to be, turns away by the number of calls, not by their weight', async () => {
    const { shop, work } = slots(3, { maxQueue: 1 });
    shop.take(3, 'a');
    shop.take(3, 'b');
    const error = await rejection(shop.take(0, 'c'));
    assert.ok(error instanceof RejectedError);
    assert.equal(error.reason, 'queue-full');
    assert.equal(error.retryAfter, undefined);
    work.endAll();
    await flush();
    work.endAll();
  });
});

describe('weights of rateLimit', () => {
  test('7.3 a call takes as many permits as it weighs: no window holds more', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = permits({ rate: 10, per: 100 });
      model.ask(4, 'a');
      model.ask(4, 'b');
      await clock.tickAsync(30);
      model.ask(2, 'c');
      model.ask(8, 'd');
      model.ask(1, 'e');
      model.ask(2, 'f');
      await clock.tickAsync(1000);
      // The window that begins at 100 holds d; e needs the two of c, which come back at 130.
      assert.deepEqual(starts, [
        ['a', 0],
        ['b', 0],
        ['c', 30],
        ['d', 100],
        ['e', 130],
        ['f', 200],
      ]);
    }));

  test('X5 retryAfter counts what those in line ask for, and no more once they have had it', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = permits({ rate: 4, per: 1000, maxQueue: 1 });
      const retryAfter = async (): Promise<number | undefined> => {
        const error = await rejection(model.ask(1, 'rejected'));
        assert.ok(error instanceof RejectedError);
        return error.retryAfter;
      };
      for (let n = 0; n < 4; n++) {
        model.ask(1, `${n}`);
        if (n < 3) await clock.tickAsync(100);
      }
      model.ask(2, 'heavy');
      // Two go to the heavy one, so that it is the third to come back, at 1200.
      assert.equal(await retryAfter(), 900);
      await clock.tickAsync(800);
      assert.deepEqual(starts.at(-1), ['heavy', 1100]);
      model.ask(1, 'light');
      // Those of 200 and 300 come back next.
      assert.equal(await retryAfter(), 200);
    }));

  test('7.3 a quota of tokens: 90,000 a minute', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = permits({ rate: 90_000, per: 60_000 });
      for (const weight of [50_000, 30_000, 10_000, 1, 89_999, 90_000]) model.ask(weight, String(weight));
      await clock.tickAsync(200_000);
      assert.deepEqual(starts, [
        ['50000', 0],
        ['30000', 0],
        ['10000', 0],
        ['1', 60_000],
        ['89999', 60_000],
        ['90000', 120_000],
      ]);
    }));

  test('7.3 one that weighs nothing takes no permit, and does not overtake', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = permits({ rate: 1, per: 100 });
      model.ask(1, 'a');
      model.ask(0, 'b');
      await flush();
      model.ask(1, 'c');
      model.ask(0, 'd');
      await clock.tickAsync(100);
      assert.deepEqual(starts, [
        ['a', 0],
        ['b', 0],
        ['c', 100],
        ['d', 100],
      ]);
      await clock.tickAsync(1000);
      assert.equal(clock.countTimers(), 0);
    }));

  test('7.3 a heavy head that gives up lets the lighter behind it go', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const { Model, model, starts } = permits({ rate: 10, per: 1000, maxWait: 50 });
        const gone = new AbortController();
        model.ask(5, 'a');
        const aborted = watched(model.ask(10, 'b', gone.signal));
        model.ask(1, 'c');
        await clock.tickAsync(10);
        gone.abort('enough');
        await flush();
        const late = watched(model.ask(10, 'd'));
        await clock.tickAsync(20);
        model.ask(1, 'e');
        await clock.tickAsync(100);
        assert.equal(aborted.error, 'enough');
        assert.ok(late.error instanceof RejectedError);
        assert.equal(late.at, 60);
        assert.deepEqual(starts, [
          ['a', 0],
          ['c', 10],
          ['e', 60],
        ]);
        assert.equal(statsOf(Model, 'ask').queued, 0);
      }),
    ));

  test('7.3 above the rate is a ConfigurationError from the call; a fractional rate allows what starts in its window', async () => {
    for (const [rate, most] of [
      [3, 3],
      [2.5, 3],
      [0.5, 1],
    ]) {
      for (const spread of [false, true]) {
        const { model, starts } = permits({ rate, spread });
        const error = await rejection(model.ask(most + 1));
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, new RegExp(`@rateLimit on Model\\.ask: .*${most}, got ${most + 1}`));
        await model.ask(most);
        assert.equal(starts.length, 1);
      }
    }
  });

  test('7.3 a fractional rate: weights fill its longer window', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = permits({ rate: 2.5 });
      for (const weight of [1, 2, 3, 2]) model.ask(weight, String(weight));
      await clock.tickAsync(5000);
      assert.deepEqual(
        starts.map(([, at]) => at),
        [0, 0, 1200, 2400],
      );
    }));

  for (const [spread, at] of [
    [false, [0, 100, 200]],
    [true, [0, 20, 270]],
  ] as const) {
    test(`7.3 where the rate has shrunk below a weight that it once allowed, it starts alone: spread ${spread}`, () =>
      underFakeClock(async (clock) => {
        const { Model, model, starts } = permits({ rate: 5, per: 100, spread });
        await model.ask(1);
        configure(Model, 'ask', { rateLimit: { rate: 2 } });
        if (spread) configure(Model, 'ask', { rateLimit: { per: 40 } });
        model.ask(5);
        model.ask(1);
        await clock.tickAsync(1000);
        assert.deepEqual(
          starts.map(([, start]) => start),
          spread ? [0, 20, 120] : at,
        );
      }));
  }

  test('7.3 with spread a heavy one keeps those behind it away for as long as so many light ones would', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = permits({ rate: 10, spread: true });
      for (const weight of [1, 5, 1, 0, 10, 1]) model.ask(weight, String(weight));
      await clock.tickAsync(10_000);
      assert.deepEqual(
        starts.map(([, at]) => at),
        [0, 100, 600, 600, 700, 1700],
      );
    }));

  test('7.3 with spread the starts that still count do so by the rate that holds now', () =>
    underFakeClock(async (clock) => {
      const { Model, model, starts } = permits({ rate: 10, spread: true });
      await model.ask(10);
      configure(Model, 'ask', { rateLimit: { rate: 100 } });
      model.ask(1);
      await clock.tickAsync(99);
      assert.equal(starts.length, 1);
      await clock.tickAsync(1);
      assert.equal(starts.length, 2);
      configure(Model, 'ask', { rateLimit: { rate: 1 } });
      model.ask(1);
      await clock.tickAsync(999);
      assert.equal(starts.length, 2);
      await clock.tickAsync(1);
      assert.equal(starts.length, 3);
    }));

  test('7.3 a heavy call that waits for a slot holds its permits, and gives them back if it never starts', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const limiter = new RateLimiter({ rate: 10, per: 100 });
      class Model {
        @rateLimit({ limiter, weight: (weight: number) => weight })
        @concurrency({ limit: 1, maxWait: 500 })
        async ask(_weight: number, name: string, _signal?: AbortSignal): Promise<unknown> {
          return await work.begin(name);
        }
      }
      const model = new Model();
      const gone = new AbortController();
      model.ask(2, 'a');
      const held = watched(model.ask(8, 'b', gone.signal));
      const next = watched(model.ask(7, 'c'));
      await clock.tickAsync(90);
      assert.deepEqual([limiter.used, limiter.waiting], [10, 1]);
      await clock.tickAsync(100);
      assert.deepEqual([limiter.used, limiter.waiting], [8, 1]);
      gone.abort('enough');
      await flush();
      assert.equal(held.error, 'enough');
      assert.deepEqual([limiter.used, limiter.waiting], [7, 0]);
      await clock.tickAsync(500);
      assert.ok(next.error instanceof RejectedError);
      assert.equal(next.error.policy, 'concurrency');
      assert.equal(limiter.used, 0);
      work.endAll();
    }));
});

describe('weightResult', () => {
  test('7.3 what the call took less goes back at its end', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 10, per: 1000 });
      model.ask(10, 4, 100);
      model.ask(6, 6);
      model.ask(4, 4);
      await clock.tickAsync(3000);
      assert.deepEqual(starts, [0, 100, 1000]);
    }));

  test('7.3 what it took more is charged at its end, and comes back a window later', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 10, per: 1000 });
      model.ask(2, 9, 100);
      await clock.tickAsync(200);
      model.ask(2, 2);
      await clock.tickAsync(3000);
      // The two come back at 1000, the seven at 1100: three are free at 200, and two at once.
      assert.deepEqual(starts, [0, 1000]);
    }));

  test('7.3 what it took beyond the whole limit lets nobody start until enough has come back', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 10, per: 1000 });
      model.ask(1, 35, 500);
      await clock.tickAsync(600);
      model.ask(1, 1);
      await clock.tickAsync(5000);
      assert.deepEqual(starts, [0, 1500]);
    }));

  test('7.3 nothing at all: the whole weight goes back', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 10, per: 1000 });
      model.ask(10, 0, 100);
      model.ask(10, 10);
      await clock.tickAsync(3000);
      assert.deepEqual(starts, [0, 100]);
    }));

  test('7.3 one that weighed nothing is charged what it took', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 10, per: 1000 });
      model.ask(0, 10, 100);
      await clock.tickAsync(200);
      model.ask(1, 1);
      await clock.tickAsync(3000);
      assert.deepEqual(starts, [0, 1100]);
    }));

  test('7.3 after the window has passed nothing goes back twice, and what is more is charged', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 10, per: 1000 });
      model.ask(10, 0, 1500);
      model.ask(10, 10);
      await clock.tickAsync(1600);
      model.ask(1, 1);
      await clock.tickAsync(3000);
      assert.deepEqual(starts, [0, 1000, 2000]);
      starts.length = 0;
      model.ask(1, 10, 2000);
      await clock.tickAsync(2100);
      model.ask(2, 2);
      model.ask(1, 1);
      await clock.tickAsync(3000);
      assert.deepEqual(
        starts.map((at) => at - starts[0]),
        [0, 3000, 3000],
      );
    }));

  test('7.3 of several that started in one moment each corrects its own', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 20, per: 1000 });
      model.ask(1, 1);
      model.ask(19, 5, 100);
      await clock.tickAsync(100);
      const restarts: number[] = [];
      for (let i = 0; i < 3; i++) model.ask(14, 14).then(() => restarts.push(Date.now()));
      await clock.tickAsync(5000);
      // Six are used until 1000, so that fourteen fit at once, and each further fourteen a second later.
      assert.deepEqual(starts, [0, 0, 100, 1100, 2100]);
      for (let i = 0; i < 3; i++) model.ask(20, 20).then(() => restarts.push(Date.now()));
      await clock.tickAsync(5000);
      assert.deepEqual(restarts.slice(3), [5100, 6100, 7100]);
    }));

  test('7.3 where another rate holds by then, the correction is of what is left', () =>
    underFakeClock(async (clock) => {
      const { Model, model, starts } = metered({ rate: 10, per: 1000 });
      model.ask(8, 2, 500);
      await clock.tickAsync(100);
      configure(Model, 'ask', { rateLimit: { rate: 4, per: 2000 } });
      model.ask(2, 2);
      await clock.tickAsync(399);
      assert.deepEqual(starts, [0]);
      await clock.tickAsync(1);
      assert.deepEqual(starts, [0, 500]);
      model.ask(2, 2);
      await clock.tickAsync(5000);
      assert.deepEqual(starts, [0, 500, 2000]);
    }));

  test('7.3 with spread the correction moves the next start', () =>
    underFakeClock(async (clock) => {
      const { model, starts } = metered({ rate: 10, spread: true });
      model.ask(10, 3, 100);
      model.ask(1, 4, 50);
      model.ask(1, 1);
      model.ask(0, 2, 10);
      await clock.tickAsync(5000);
      // Three are over at 300, and the four of the next at 700, when one that weighs nothing goes along.
      assert.deepEqual(starts, [0, 300, 700, 700]);
      model.ask(1, 1);
      await clock.tickAsync(5000);
      model.ask(1, 8, 500);
      await clock.tickAsync(600);
      model.ask(1, 1);
      await clock.tickAsync(5000);
      // Its own place was over at 100, so that the other seven count from its end.
      assert.deepEqual(starts.slice(4), [5000, 10_000, 11_200]);
    }));

  test('7.3 a call that failed has taken what it weighed', () =>
    underFakeClock(async (clock) => {
      let asked = 0;
      const starts: number[] = [];
      class Model {
        @rateLimit({
          rate: 2,
          weight: () => 2,
          weightResult: () => {
            asked++;
            return 0;
          },
        })
        async ask(): Promise<void> {
          starts.push(Date.now());
          throw new Error('no');
        }
      }
      const model = new Model();
      watched(model.ask());
      watched(model.ask());
      await clock.tickAsync(3000);
      assert.deepEqual([starts, asked], [[0, 1000], 0]);
    }));

  for (const wrong of [Number.NaN, -1, 0.5, '1', undefined, Promise.resolve(1)]) {
    test(`7.3 a weightResult of ${String(wrong)} is a ConfigurationError from the call, and changes nothing`, () =>
      underFakeClock(async (clock) => {
        const limiter = new RateLimiter({ rate: 5, weight: () => 3 });
        class Model {
          @retry(3)
          @rateLimit({ limiter, weightResult: () => wrong as number })
          async ask(): Promise<void> {}
        }
        const error = await rejection(new Model().ask());
        assert.ok(error instanceof ConfigurationError);
        assert.match(
          error.message,
          /@rateLimit on Model\.ask: expected `weightResult` to return an integer of at least 0/,
        );
        assert.deepEqual([limiter.used, statsOf(Model, 'ask').attempts], [3, 1]);
        await clock.tickAsync(1000);
        assert.equal(limiter.used, 0);
      }));
  }

  test('X7 it gets the value and the call, and the receiver as `this`', () =>
    underFakeClock(async () => {
      const told: unknown[] = [];
      class Model {
        @rateLimit({
          rate: 5,
          weightResult(this: Model, value: string, { method, args, attempt }) {
            told.push(this, value, method, args, attempt);
            return 1;
          },
        })
        async ask(prompt: string): Promise<string> {
          return prompt.toUpperCase();
        }
      }
      const model = new Model();
      await model.ask('hi');
      assert.deepEqual(told, [model, 'HI', 'Model.ask', ['hi'], 1]);
    }));

  for (const weight of [1, 0]) {
    test(`7.3 by key, what a call that outlasted the window took more counts for those of its key: weight ${weight}`, () =>
      underFakeClock(async (clock) => {
        const { model, starts } = metered({ rate: 10, per: 100, key: () => 'one' });
        model.ask(weight, 15, 500);
        await clock.tickAsync(510);
        model.ask(1, 1);
        await clock.tickAsync(1000);
        assert.deepEqual(starts, [0, 600]);
        await clock.tickAsync(1000);
        assert.equal(clock.countTimers(), 0);
      }));
  }

  test('7.3 a call without a weight of its own weighs one', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Model {
        @rateLimit({ rate: 10, weightResult: (value: number) => value })
        async ask(tokens: number): Promise<number> {
          starts.push(Date.now());
          return tokens;
        }
      }
      const model = new Model();
      await model.ask(8);
      await model.ask(8);
      model.ask(1);
      await clock.tickAsync(3000);
      assert.deepEqual(starts, [0, 0, 1000]);
    }));

  test('7.3 a call whose caller has gone is corrected by what it gave all the same', () =>
    underFakeClock(async () => {
      const limiter = new RateLimiter({ rate: 10, weight: () => 10 });
      const work = new Work();
      class Model {
        @rateLimit({ limiter, weightResult: (value: number) => value })
        async ask(_signal: AbortSignal): Promise<number> {
          return (await work.begin('a')) as number;
        }
      }
      const gone = new AbortController();
      const call = watched(new Model().ask(gone.signal));
      gone.abort('enough');
      await flush();
      assert.deepEqual([call.error, limiter.used], ['enough', 10]);
      work.end('a', 3);
      await flush();
      assert.equal(limiter.used, 3);
    }));
});

describe('a timer that is late', () => {
  /** Has so many milliseconds pass in which no timer rings. */
  const block = (milliseconds: number): void => {
    const began = performance.now();
    while (performance.now() - began < milliseconds);
  };

  test('holds up nobody: what time has brought back is there at once, of a shared limit too', () => {
    const limiter = new RateLimiter({ rate: 1, per: 5 });
    let starts = 0;
    class Api {
      @rateLimit(limiter)
      async get(): Promise<void> {
        starts++;
      }
    }
    const api = new Api();
    for (let n = 1; n <= 3; n++) {
      api.get();
      assert.equal(starts, n);
      block(10);
      assert.equal(limiter.used, 0);
    }
  });

  test('and all that a heavy start took comes back, where calls have no weight any more', () => {
    let starts = 0;
    class Api {
      @rateLimit({ rate: 3, per: 5 })
      async get(): Promise<void> {
        starts++;
      }
    }
    const api = new Api();
    const weighed = configure(Api, 'get', { rateLimit: { weight: () => 3 } });
    api.get();
    weighed();
    block(10);
    for (let n = 0; n < 3; n++) api.get();
    assert.equal(starts, 4);
  });
});
