import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConcurrencyLimiter,
  ConfigurationError,
  concurrency,
  configure,
  explain,
  Orchestrator,
  orchestrate,
  policiesOf,
  RateLimiter,
  type RejectedError,
  rateLimit,
  retry,
  statsOf,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { assertWindows } from '../support/starts.js';
import { watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';
import { Work } from '../support/work.js';

describe('stacked rate limits', () => {
  test('7.2 all must admit: in any window each holds exactly', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Api {
        @rateLimit([
          { rate: 2, per: 10 },
          { rate: 5, per: 100 },
          { rate: 8, per: 1000 },
        ])
        async get(): Promise<void> {
          starts.push(Date.now());
        }
      }
      const api = new Api();
      for (let i = 0; i < 20; i++) api.get();
      await clock.tickAsync(3000);
      assert.equal(starts.length, 20);
      assertWindows(starts, 2, 10);
      assertWindows(starts, 5, 100);
      assertWindows(starts, 8, 1000);
      // Whose turn it is in the first holds its permits there while it waits for the others, and so those behind it.
      assert.deepEqual(starts.slice(0, 10), [0, 0, 10, 10, 20, 100, 100, 110, 1000, 1000]);
    }));

  test('7.2 a tenant over its quota does not hold what all need, where the narrowest is first', () =>
    underFakeClock(async (clock) => {
      const starts: [string, number][] = [];
      class Api {
        @rateLimit([
          { rate: 1, per: 100, key: (tenant: string) => tenant },
          { rate: 3, per: 10 },
        ])
        async get(tenant: string): Promise<void> {
          starts.push([tenant, Date.now()]);
        }
      }
      const api = new Api();
      for (const tenant of ['a', 'a', 'a', 'b', 'c']) api.get(tenant);
      await clock.tickAsync(5);
      assert.deepEqual(starts, [
        ['a', 0],
        ['b', 0],
        ['c', 0],
      ]);
      await clock.tickAsync(1000);
      assert.deepEqual(starts.slice(3), [
        ['a', 100],
        ['a', 200],
      ]);
    }));

  test('7.2 what is taken first is held while the next is waited for, and goes back at an abort', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const first = new RateLimiter({ rate: 2, per: 100 });
        const second = new RateLimiter({ rate: 1, per: 500 });
        const starts: [string, number][] = [];
        class Api {
          @rateLimit([first, second])
          async get(name: string, _signal?: AbortSignal): Promise<void> {
            starts.push([name, Date.now()]);
          }
        }
        const api = new Api();
        const gone = new AbortController();
        api.get('a');
        const held = watched(api.get('b', gone.signal));
        api.get('c');
        await clock.tickAsync(50);
        assert.deepEqual([first.used, first.waiting, second.used, second.waiting], [2, 1, 1, 1]);
        await clock.tickAsync(60);
        // The permit of a has come back in the first, and is held by c; that of b is held.
        assert.deepEqual([first.used, first.waiting, second.used, second.waiting], [2, 0, 1, 2]);
        gone.abort('enough');
        await flush();
        assert.equal(held.error, 'enough');
        assert.deepEqual([first.used, second.waiting], [1, 1]);
        await clock.tickAsync(1000);
        assert.deepEqual(starts, [
          ['a', 0],
          ['c', 500],
        ]);
        assert.deepEqual([first.used, second.used], [0, 0]);
      }),
    ));

  test('7.2 one that is turned away by the second gives back what it took of the first', () =>
    underFakeClock(async (clock) => {
      const first = new RateLimiter({ rate: 2, per: 100 });
      class Api {
        @rateLimit([first, { rate: 1, per: 1000, maxQueue: 0 }])
        async get(): Promise<void> {}
      }
      const api = new Api();
      await api.get();
      for (let i = 0; i < 5; i++) {
        const error = (await rejection(api.get())) as RejectedError;
        assert.deepEqual([error.policy, error.reason, error.retryAfter], ['rateLimit', 'queue-full', 1000]);
      }
      assert.equal(first.used, 1);
      await clock.tickAsync(100);
      assert.equal(first.used, 0);
    }));

  test('7.2 each has its own options: weights, wait and queue', () =>
    underFakeClock(async (clock) => {
      const starts: [number, number][] = [];
      class Model {
        @rateLimit([
          { rate: 3, per: 100 },
          {
            rate: 100,
            per: 1000,
            weight: (tokens: number) => tokens,
            weightResult: (used: number) => used,
            maxWait: 950,
          },
        ])
        async ask(tokens: number): Promise<number> {
          starts.push([tokens, Date.now()]);
          return tokens / 2;
        }
      }
      const model = new Model();
      for (const tokens of [60, 40, 40, 80]) watched(model.ask(tokens));
      const last = watched(model.ask(100));
      await clock.tickAsync(5000);
      // 30 + 20 + 20 are really taken; the fourth waits for the second, and the fifth for what that gives back.
      assert.deepEqual(starts, [
        [60, 0],
        [40, 0],
        [40, 0],
        [80, 1000],
      ]);
      assert.equal((last.error as RejectedError).reason, 'wait-timeout');
    }));

  test('7.2 each attempt of a retry takes all of them anew', () =>
    underFakeClock(async (clock) => {
      const first = new RateLimiter({ rate: 1, per: 100 });
      const second = new RateLimiter({ rate: 1, per: 250 });
      const starts: number[] = [];
      class Api {
        @retry({ maxAttempts: 3, waitMin: 0, waitMax: 0 })
        @rateLimit([first, second])
        async get(): Promise<void> {
          starts.push(Date.now());
          throw new Error('no');
        }
      }
      watched(new Api().get());
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [0, 250, 500]);
      assert.deepEqual([first.used, second.used], [0, 0]);
    }));
});

describe('stacked concurrency limits', () => {
  test('7.2 all must admit, and give back what they gave at the end', () =>
    handled(async () => {
      const first = new ConcurrencyLimiter({ limit: 1, key: (...[tenant]: [string]) => tenant });
      const second = new ConcurrencyLimiter(2);
      const work = new Work();
      class Shop {
        @concurrency([first, second])
        async buy(tenant: string, n: number, _signal?: AbortSignal): Promise<unknown> {
          return await work.begin(tenant + n);
        }
      }
      const shop = new Shop();
      const gone = new AbortController();
      const calls = [1, 2, 3].map((n) => watched(shop.buy('a', n)));
      shop.buy('b', 1);
      const held = watched(shop.buy('c', 1, gone.signal));
      await flush();
      assert.deepEqual(work.begun, ['a1', 'b1']);
      assert.deepEqual([first.used, first.waiting, second.used, second.waiting], [3, 2, 2, 1]);
      gone.abort('enough');
      await flush();
      assert.equal(held.error, 'enough');
      assert.deepEqual([first.used, first.waiting, second.used, second.waiting], [2, 2, 2, 0]);
      work.fail('a1', new Error('no'));
      await flush();
      assert.ok(calls[0].error instanceof Error);
      assert.deepEqual(work.running, ['b1', 'a2']);
      work.endAll();
      await flush();
      work.endAll();
      await flush();
      assert.deepEqual([first.used, first.waiting, second.used, second.waiting], [0, 0, 0, 0]);
    }));

  test('7.2 weights of each', async () => {
    const work = new Work();
    class Shop {
      @concurrency([
        { limit: 4, weight: (weight: number) => weight },
        { limit: 3, weight: (_weight: number, other: number) => other },
      ])
      async buy(weight: number, other: number): Promise<unknown> {
        return await work.begin(`${weight} ${other}`);
      }
    }
    const shop = new Shop();
    shop.buy(1, 3);
    shop.buy(3, 1);
    shop.buy(4, 0);
    await flush();
    assert.deepEqual(work.begun, ['1 3']);
    work.end('1 3');
    await flush();
    assert.deepEqual(work.begun, ['1 3', '3 1']);
    work.end('3 1');
    await flush();
    assert.deepEqual(work.running, ['4 0']);
    work.endAll();
    assert.match(((await rejection(shop.buy(1, 4))) as Error).message, /`weight` .* 3, got 4/);
  });
});

describe('the places of limits', () => {
  test('7.2 the narrower is taken first: one by key or instance before one for all', () =>
    underFakeClock(async (clock) => {
      const order: string[] = [];
      class Api {
        @rateLimit({ rate: 1, per: 100 })
        @concurrency({ limit: 1, key: (tenant: string) => tenant })
        async get(_tenant: string): Promise<void> {
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
        @rateLimit({ rate: 1, per: 100, scope: 'instance' })
        @concurrency({ limit: 1, scope: 'instance' })
        async put(): Promise<void> {}
      }
      assert.deepEqual(
        policiesOf(Api, 'get').map(({ kind }) => kind),
        ['concurrency', 'rateLimit'],
      );
      assert.deepEqual(
        policiesOf(Api, 'put').map(({ kind }) => kind),
        ['rateLimit', 'concurrency'],
      );
      const api = new Api();
      for (const tenant of ['a', 'a', 'b']) api.get(tenant).then(() => order.push(`${tenant} ${Date.now()}`));
      await clock.tickAsync(1000);
      // The second of a waits for its own slot, and holds no permit meanwhile.
      assert.deepEqual(order, ['a 200', 'b 300', 'a 400']);
    }));

  test('7.2 a stack stands in the order written, each where it belongs or later', () => {
    const tenant = (name: string): string => name;
    class Api {
      @rateLimit([{ rate: 1, key: tenant }, { rate: 2 }])
      @concurrency([{ limit: 1, key: tenant }, { limit: 2 }])
      async narrow(_name: string): Promise<void> {}
      @rateLimit([{ rate: 2 }, { rate: 1, key: tenant }])
      @concurrency({ limit: 1, key: tenant })
      async wide(_name: string): Promise<void> {}
    }
    const text = explain(Api);
    assert.match(
      text,
      /narrow\(\): rateLimit\[0\] > concurrency\[0\] > rateLimit\[1\] > concurrency\[1\] > the method/,
    );
    assert.match(text, /wide\(\): concurrency > rateLimit\[0\] > rateLimit\[1\] > the method/);
  });
});

describe('stacks as options', () => {
  test('X6 policiesOf shows an array, and an array of the same length changes it', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 100 });
      const starts: number[] = [];
      class Api {
        @rateLimit([{ rate: 1, per: 100 }, 50, { limiter, maxWait: 5000 }])
        async get(): Promise<void> {
          starts.push(Date.now());
        }
      }
      const shown = (): unknown[] => policiesOf(Api, 'get')[0].options as unknown as unknown[];
      const rates = (): unknown[] => shown().map((each) => (each as { rate?: number }).rate);
      assert.deepEqual(rates(), [1, 50, undefined]);
      assert.ok(Object.isFrozen(shown()));
      const restore = configure(Api, 'get', { rateLimit: [{ rate: 3 }, {}, { maxWait: 10 }] });
      assert.deepEqual(rates(), [3, 50, undefined]);
      assert.deepEqual(shown()[2], { limiter, maxWait: 10 });
      const api = new Api();
      for (let i = 0; i < 4; i++) api.get();
      await flush();
      assert.deepEqual(starts, [0, 0, 0]);
      restore();
      await clock.tickAsync(100);
      assert.deepEqual(starts, [0, 0, 0, 100]);
      assert.deepEqual(rates(), [1, 50, undefined]);
    }));

  for (const [wrong, message] of [
    [[{ rate: 1 }], /expected `rateLimit` to be an array of 2, as it stands for so many limits, got \[/],
    [[1, 2, 3], /expected `rateLimit` to be an array of 2/],
    [{ rate: 1 }, /expected `rateLimit` to be an array of 2.*, got \{ rate: 1 \}/],
    [5, /expected `rateLimit` to be an array of 2.*, got 5/],
    [[{ rate: 1 }, { rate: -1 }], /expected `rateLimit\[1\]\.rate` to be a finite number above 0, got -1/],
    [[{ rate: 1 }, { key: () => 'a' }], /`rateLimit\[1\]\.key` stays as it was declared/],
    [[{ rate: 1 }, { nonsense: 1 }], /unknown option `rateLimit\[1\]\.nonsense`/],
  ] as const) {
    test(`10.6 configure of a stack: ${String(message).slice(1, 60)}`, () => {
      class Api {
        @rateLimit([1, 2])
        async get(): Promise<void> {}
      }
      assert.throws(
        () => configure(Api, 'get', { rateLimit: wrong as never }),
        (error: Error) => {
          assert.ok(error instanceof ConfigurationError);
          assert.match(error.message, /Api\.get/);
          assert.match(error.message, message);
          return true;
        },
      );
      assert.deepEqual(
        (policiesOf(Api, 'get')[0].options as unknown as { rate: number }[]).map(({ rate }) => rate),
        [1, 2],
      );
    });
  }

  test('X6 in orchestrate, Orchestrator and on classes', () =>
    underFakeClock(async (clock) => {
      const starts: string[] = [];
      const start = async (name: string): Promise<void> => {
        starts.push(`${name} ${Date.now()}`);
      };
      @rateLimit([5, { rate: 1, per: 100 }])
      class Api {
        async get(): Promise<void> {
          await start('get');
        }
        @orchestrate({ rateLimit: [{ rate: 1, per: 50 }, 100] })
        async put(): Promise<void> {
          await start('put');
        }
      }
      const orchestrator = new Orchestrator({ rateLimit: [100, { rate: 1, per: 25 }], concurrency: [1, 2] });
      const api = new Api();
      for (let i = 0; i < 2; i++) {
        api.get();
        api.put();
        orchestrator.execute(start, 'run');
      }
      await clock.tickAsync(200);
      assert.deepEqual(starts, ['get 0', 'put 0', 'run 0', 'run 25', 'put 50', 'get 100']);
      assert.equal(statsOf(Api, 'get').attempts, 2);
    }));

  test('10.3 a stack keeps its windows and lines when it is changed', async () => {
    const work = new Work();
    class Shop {
      @concurrency([2, { limit: 1 }])
      async buy(name: string): Promise<unknown> {
        return await work.begin(name);
      }
    }
    const shop = new Shop();
    for (const name of ['a', 'b', 'c', 'd']) shop.buy(name);
    await flush();
    assert.deepEqual(work.begun, ['a']);
    const restore = configure(Shop, 'buy', { concurrency: [{ limit: 3 }, 2] });
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    work.end('a');
    await flush();
    assert.deepEqual(work.running, ['b', 'c']);
    restore();
    work.end('b');
    await flush();
    assert.deepEqual(work.running, ['c']);
    work.end('c');
    await flush();
    assert.deepEqual(work.running, ['d']);
    work.endAll();
  });
});
