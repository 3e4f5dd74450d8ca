import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import { type Clock, install } from '@sinonjs/fake-timers';
import { ConfigurationError, concurrency, type RateLimitConfig, RejectedError, rateLimit, statsOf } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { assertWindows } from '../support/starts.js';

/** A limited method that tells when it was entered, and with what. */
function limited(config: number | RateLimitConfig<[id?: number]>) {
  const starts: number[] = [];
  const ids: (number | undefined)[] = [];
  class Api {
    @rateLimit<[id?: number]>(config)
    async get(id?: number, _signal?: AbortSignal): Promise<number | undefined> {
      starts.push(performance.now());
      ids.push(id);
      return id;
    }
  }
  return { Api, api: new Api(), starts, ids };
}

const times = (count: number, make: (i: number) => Promise<unknown>): Promise<unknown>[] =>
  Array.from({ length: count }, (_, i) => make(i));

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('expected a rejection'),
    (error: unknown) => error,
  );

/** Counts the timers that are set on the global `setTimeout` and have neither fired nor been cleared. */
const outstanding = (clock: Clock): number => clock.countTimers();

const realSetTimeout = setTimeout;

describe('windows of rateLimit', () => {
  test('a burst starts `rate` calls at once and `rate` more in each window after', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 3, per: 100 });
      const calls = times(8, (i) => api.get(i));
      await clock.tickAsync(1000);
      await Promise.all(calls);
      assert.deepEqual(starts, [0, 0, 0, 100, 100, 100, 200, 200]);
    }));

  test('`per` is a second unless it is given', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited(1);
      times(3, (i) => api.get(i));
      await clock.tickAsync(5000);
      assert.deepEqual(starts, [0, 1000, 2000]);
    }));

  test('the window slides: each start opens the place of the one `rate` before it, no later', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 2, per: 100 });
      for (const pause of [30, 30, 0, 0, 25, 400, 0, 99, 0, 1, 0, 0]) {
        api.get();
        await clock.tickAsync(pause);
      }
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [0, 30, 100, 130, 200, 230, 485, 485, 585, 585, 685, 685]);
      assertWindows(starts, 2, 100);
    }));

  test('idle time saves up no more than one window of starts', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 2, per: 100 });
      await api.get();
      await clock.tickAsync(10_000);
      times(5, (i) => api.get(i));
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [0, 10_000, 10_000, 10_100, 10_100, 10_200]);
    }));

  for (const [rate, count, window] of [
    [0.5, 1, 2000],
    [2.5, 3, 1200],
    [1 / 3, 1, 3000],
    [1.5, 2, 2000 / 1.5],
  ] as const) {
    test(`a rate of ${rate} means ${count} in any ${window} ms`, () =>
      underFakeClock(async (clock) => {
        const { api, starts } = limited({ rate });
        times(count * 4, (i) => api.get(i));
        await clock.tickAsync(window * 5);
        const expected = Array.from({ length: count * 4 }, (_, i) => Math.floor(i / count) * window);
        assert.equal(starts.length, expected.length);
        assertWindows(starts, count, window);
        // Timers know whole milliseconds only, so each window may end up to one late.
        for (const [i, start] of starts.entries())
          assert.ok(start - expected[i] < 1 + Math.floor(i / count), `${start}`);
      }));
  }

  test('spread spaces the starts evenly', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 4, per: 1000, spread: true });
      times(5, (i) => api.get(i));
      await clock.tickAsync(600);
      api.get();
      await clock.tickAsync(5000);
      api.get();
      api.get();
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [0, 250, 500, 750, 1000, 1250, 5600, 5850]);
    }));

  test('spread works with a fractional rate', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 2.5, spread: true });
      times(4, (i) => api.get(i));
      await clock.tickAsync(5000);
      assert.deepEqual(starts, [0, 400, 800, 1200]);
    }));

  test('a method that throws has used its start all the same', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Api {
        @rateLimit({ rate: 1, per: 100 })
        get(): Promise<void> {
          starts.push(performance.now());
          throw new Error('no');
        }
      }
      const api = new Api();
      const calls = Promise.allSettled(times(3, () => api.get()));
      await clock.tickAsync(1000);
      await calls;
      assert.deepEqual(starts, [0, 100, 200]);
    }));
});

describe('permits of rateLimit', () => {
  /** One slot, held until told; the permits are plenty for a while. */
  function withSlot(rate: number) {
    const starts: number[] = [];
    const work = [deferred(), deferred(), deferred(), deferred(), deferred()];
    class Api {
      @rateLimit({ rate, per: 100 })
      @concurrency(1)
      async get(_signal?: AbortSignal): Promise<void> {
        starts.push(performance.now());
        await work[starts.length - 1].promise;
      }
    }
    return { api: new Api(), starts, work };
  }

  test('a permit counts from its start, not from its grant', () =>
    underFakeClock(async (clock) => {
      const { api, starts, work } = withSlot(2);
      api.get();
      api.get();
      await clock.tickAsync(95);
      work[0].resolve();
      await clock.tickAsync(1);
      // At 95 the second started. The first's place opens at 100, the second's only at 195.
      assert.deepEqual(starts, [0, 95]);
      work[1].resolve();
      work[2].resolve();
      work[3].resolve();
      api.get();
      api.get();
      await clock.tickAsync(500);
      assert.deepEqual(starts, [0, 95, 100, 195]);
      assertWindows(starts, 2, 100);
    }));

  test('a permit that waits for a slot much longer than a window still counts from its start', () =>
    underFakeClock(async (clock) => {
      const { api, starts, work } = withSlot(2);
      times(4, () => api.get());
      await clock.tickAsync(1000);
      work.forEach(({ resolve }) => {
        resolve();
      });
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [0, 1000, 1000, 1100]);
    }));

  test('an attempt aborted between its permit and its start gives the permit back at once', () =>
    underFakeClock(async (clock) => {
      const { api, starts, work } = withSlot(2);
      const { signal, abort } = abortable();
      const first = api.get();
      const quitter = rejection(api.get(signal));
      const third = api.get();
      await flush();
      abort('enough');
      assert.equal(await quitter, 'enough');
      work[0].resolve();
      work[1].resolve();
      await first;
      await third;
      assert.equal(clock.now, 0);
      assert.deepEqual(starts, [0, 0]);
    }));

  test('an attempt that found no slot gives its permit back at once', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      const work = deferred();
      class Api {
        @rateLimit({ rate: 3, per: 100 })
        @concurrency({ limit: 1, maxQueue: 0 })
        async get(): Promise<void> {
          starts.push(performance.now());
          await work.promise;
        }
      }
      const api = new Api();
      const first = api.get();
      for (let i = 0; i < 20; i++) {
        const error = await rejection(api.get());
        assert.ok(error instanceof RejectedError);
        assert.equal(error.policy, 'concurrency');
      }
      work.resolve();
      await first;
      await Promise.all([await api.get(), await api.get()]);
      assert.deepEqual(starts, [0, 0, 0]);
      const late = api.get();
      await clock.tickAsync(99);
      assert.equal(starts.length, 3);
      await clock.tickAsync(1);
      await late;
      assert.deepEqual(starts, [0, 0, 0, 100]);
    }));

  test('an attempt whose concurrency key throws gives its permit back at once', () =>
    underFakeClock(async () => {
      const key = (id: number): string => {
        if (id < 0) throw new RangeError('below zero');
        return 'all';
      };
      let entered = 0;
      class Api {
        @rateLimit({ rate: 1, per: 100 })
        @concurrency({ limit: 1, key })
        async get(_id: number): Promise<number> {
          return ++entered;
        }
      }
      const api = new Api();
      assert.ok((await rejection(api.get(-1))) instanceof RangeError);
      assert.equal(await api.get(1), 1);
    }));

  test('a call aborted right after its admission starts nothing, and the next in line starts in its place', () =>
    underFakeClock(async (clock) => {
      const { api, starts, ids } = limited({ rate: 1, per: 100 });
      const { signal, abort } = abortable();
      await api.get(0);
      const quitter = rejection(api.get(1, signal));
      const next = api.get(2);
      clock.tick(100);
      abort('late');
      assert.equal(await quitter, 'late');
      await next;
      assert.deepEqual(starts, [0, 100]);
      assert.deepEqual(ids, [0, 2]);
    }));
});

function abortable(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}

describe('the queue of rateLimit', () => {
  test('admits waiters strictly in order of arrival', () =>
    underFakeClock(async (clock) => {
      const { api, ids } = limited({ rate: 3, per: 100 });
      for (let i = 0; i < 20; i++) {
        api.get(i);
        if (i % 4 === 3) await clock.tickAsync(50);
      }
      await clock.tickAsync(2000);
      assert.deepEqual(
        ids,
        Array.from({ length: 20 }, (_, i) => i),
      );
    }));

  test('a call that arrives as the window opens does not overtake one that waits', () =>
    underFakeClock(async (clock) => {
      const { api, ids } = limited({ rate: 2, per: 100 });
      api.get(0);
      api.get(1);
      api.get(2);
      setTimeout(() => api.get(3), 100);
      clock.tick(100);
      await flush();
      assert.deepEqual(ids, [0, 1, 2, 3]);
    }));

  test('a call that arrives when the window is open but its timer is late starts at once', async () => {
    const { api, ids } = limited({ rate: 1, per: 5, maxQueue: 0 });
    await api.get(0);
    const since = performance.now();
    while (performance.now() - since < 10);
    await api.get(1);
    assert.deepEqual(ids, [0, 1]);
  });

  test('a call that arrives when the window is open but its timer is late does not overtake one that waits', () =>
    underFakeClock(async (clock) => {
      const { api, ids } = limited({ rate: 2, per: 100 });
      setTimeout(() => api.get(3), 100);
      api.get(0);
      api.get(1);
      api.get(2);
      clock.tick(100);
      await flush();
      assert.deepEqual(ids, [0, 1, 2, 3]);
    }));

  test('10,000 waiters that gave up delay nobody', () =>
    underFakeClock(async (clock) => {
      const { Api, api, starts, ids } = limited({ rate: 1, per: 100 });
      const { signal, abort } = abortable();
      await api.get(0);
      const quitters = Promise.allSettled(times(10_000, () => api.get(1, signal)));
      const last = api.get(2);
      assert.equal(statsOf(Api, 'get').queued, 10_001);
      abort('enough');
      assert.equal(statsOf(Api, 'get').queued, 1);
      for (const each of await quitters) assert.deepEqual(each, { status: 'rejected', reason: 'enough' });
      await clock.tickAsync(100);
      await last;
      assert.deepEqual(starts, [0, 100]);
      assert.deepEqual(ids, [0, 2]);
    }));

  test('waiters that gave up make room in the queue', () =>
    underFakeClock(async (clock) => {
      const { api, ids } = limited({ rate: 1, per: 100, maxQueue: 1 });
      const { signal, abort } = abortable();
      await api.get(0);
      const quitter = rejection(api.get(1, signal));
      abort('enough');
      const next = api.get(2);
      await quitter;
      await clock.tickAsync(100);
      await next;
      assert.deepEqual(ids, [0, 2]);
    }));

  test('one call more than `maxQueue` is rejected at once', () =>
    underFakeClock(async (clock) => {
      const { api } = limited({ rate: 1, per: 100, maxQueue: 2 });
      const kept = times(3, (i) => api.get(i));
      const error = await rejection(api.get(3));
      assert.ok(error instanceof RejectedError);
      assert.equal(error.name, 'RejectedError');
      assert.equal(error.policy, 'rateLimit');
      assert.equal(error.reason, 'queue-full');
      const message = 'Api.get: 2 calls wait for a permit of its rate limit already (maxQueue: 2)';
      assert.equal(error.message, message);
      await clock.tickAsync(200);
      assert.deepEqual(await Promise.all(kept), [0, 1, 2]);
    }));

  test('with a `maxQueue` of 0 nobody waits, and free permits are still given out', () =>
    underFakeClock(async (clock) => {
      const { api } = limited({ rate: 2, per: 100, maxQueue: 0 });
      assert.deepEqual(await Promise.all([api.get(1), api.get(2)]), [1, 2]);
      const error = await rejection(api.get(3));
      assert.ok(error instanceof RejectedError);
      assert.equal(error.reason, 'queue-full');
      await clock.tickAsync(100);
      assert.equal(await api.get(4), 4);
    }));

  test('a call that waited for `maxWait` is rejected then, and those behind it keep their own time', () =>
    underFakeClock(async (clock) => {
      const { Api, api } = limited({ rate: 1, per: 1000, maxWait: 300 });
      await api.get(0);
      const late: [number, number][] = [];
      const note = (i: number) => (error: unknown) => {
        assert.ok(error instanceof RejectedError);
        assert.equal(error.policy, 'rateLimit');
        assert.equal(error.reason, 'wait-timeout');
        assert.equal(error.message, 'Api.get: the call got no permit of its rate limit within 300 ms (maxWait)');
        late.push([i, performance.now()]);
      };
      api.get(1).catch(note(1));
      await clock.tickAsync(200);
      api.get(2).catch(note(2));
      await clock.tickAsync(600);
      const kept = api.get(3);
      await clock.tickAsync(200);
      assert.equal(await kept, 3);
      assert.deepEqual(late, [
        [1, 300],
        [2, 500],
      ]);
      assert.equal(statsOf(Api, 'get').rejected, 2);
      assert.equal(statsOf(Api, 'get').queued, 0);
    }));

  test('with a `maxWait` of 0 nobody waits, and free permits are still given out', () =>
    underFakeClock(async () => {
      const { api } = limited({ rate: 1, per: 100, maxWait: 0 });
      assert.equal(await api.get(1), 1);
      const error = await rejection(api.get(2));
      assert.ok(error instanceof RejectedError);
      assert.equal(error.reason, 'wait-timeout');
    }));

  test('a `maxWait` beyond the longest timer is not cut short', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 1, per: 2 ** 32, maxWait: 2 ** 33 });
      api.get();
      const second = api.get();
      await clock.tickAsync(2 ** 32 - 1);
      assert.equal(starts.length, 1);
      await clock.tickAsync(1);
      await second;
      assert.deepEqual(starts, [0, 2 ** 32]);
    }));

  test('a thousand waiters take one timer', () =>
    underFakeClock(async (clock) => {
      const { api } = limited({ rate: 1, per: 1000 });
      times(1001, (i) => api.get(i));
      await flush();
      assert.equal(outstanding(clock), 1);
    }));

  test('a thousand waiters with a `maxWait` take two timers at the most, and none is left once they are gone', () =>
    underFakeClock(async (clock) => {
      const { api } = limited({ rate: 1, per: 1000, maxWait: 500 });
      const calls = Promise.allSettled(times(1001, (i) => api.get(i)));
      await flush();
      assert.ok(outstanding(clock) <= 2, `${outstanding(clock)} timers`);
      await clock.tickAsync(1000);
      await calls;
      assert.equal(outstanding(clock), 0);
    }));
});

describe('whom a rateLimit is shared by', () => {
  test('each key has a limiter of its own', () =>
    underFakeClock(async (clock) => {
      const { api, starts, ids } = limited({ rate: 1, per: 100, key: (id) => `k${(id ?? 0) % 2}` });
      times(4, (i) => api.get(i));
      await clock.tickAsync(100);
      assert.deepEqual(ids, [0, 1, 2, 3]);
      assert.deepEqual(starts, [0, 0, 100, 100]);
    }));

  test('`key` is called with the arguments of the call', () =>
    underFakeClock(async () => {
      const seen: unknown[] = [];
      class Api {
        @rateLimit({
          rate: 1,
          key: (...args: [a: string, b: number]) => {
            seen.push(args);
            return args[0];
          },
        })
        async get(a: string, b: number): Promise<string> {
          return `${a}${b}`;
        }
      }
      assert.equal(await new Api().get('x', 7), 'x7');
      assert.deepEqual(seen, [['x', 7]]);
    }));

  test('an idle key that comes back has its full rate, and never more', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 1, per: 100, key: () => 'one' });
      for (let i = 0; i < 4; i++) {
        times(2, () => api.get());
        await clock.tickAsync(1000);
      }
      assert.deepEqual(starts, [0, 100, 1000, 1100, 2000, 2100, 3000, 3100]);
    }));

  test('a key of which some starts still count keeps its limiter when others are over', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 2, per: 1000, key: () => 'one' });
      api.get();
      await clock.tickAsync(500);
      api.get();
      await clock.tickAsync(500);
      times(3, () => api.get());
      await clock.tickAsync(2000);
      assert.deepEqual(starts, [0, 500, 1000, 1500, 2000]);
    }));

  test('a key whose limiter was dropped, with a timer left, keeps the one that came after it', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      const gate = deferred();
      class Api {
        @rateLimit({ rate: 1, per: 100, key: () => 'one' })
        @concurrency({ limit: 1, maxQueue: 0 })
        async get(): Promise<void> {
          starts.push(performance.now());
          await gate.promise;
        }
      }
      const api = new Api();
      setTimeout(async () => {
        await assert.rejects(api.get(), RejectedError);
        gate.resolve();
        for (let turn = 0; turn < 20; turn++) await undefined;
        api.get();
      }, 100);
      api.get();
      await clock.tickAsync(150);
      api.get();
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [0, 100, 200]);
    }));

  test('a key whose window has just ended, its timer being late, still has one limiter', () =>
    underFakeClock(async (clock) => {
      const { api, starts } = limited({ rate: 1, per: 100, key: () => 'one' });
      setTimeout(() => times(2, () => api.get()), 100);
      api.get();
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [0, 100, 200]);
    }));

  test('a key function that throws makes the call reject with what it threw', async () => {
    const boom = new Error('no tenant');
    const { api, starts } = limited({
      rate: 1,
      key: () => {
        throw boom;
      },
    });
    assert.equal(await rejection(api.get()), boom);
    assert.equal(starts.length, 0);
  });

  test('a key function that returns no string makes the call reject', async () => {
    const { api, starts } = limited({ rate: 1, key: (() => 7) as unknown as () => string });
    const error = await rejection(api.get());
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.message, '@rateLimit on Api.get: expected `key` to return a string, got 7');
    assert.equal(starts.length, 0);
  });

  test('the instances of a class share one limiter', () =>
    underFakeClock(async (clock) => {
      const { Api, starts } = limited({ rate: 1, per: 100 });
      new Api().get();
      new Api().get();
      await clock.tickAsync(100);
      assert.deepEqual(starts, [0, 100]);
    }));

  test("with scope 'instance' each instance has its own", () =>
    underFakeClock(async (clock) => {
      const { Api, starts } = limited({ rate: 1, per: 100, scope: 'instance' });
      const one = new Api();
      times(2, () => one.get());
      new Api().get();
      await clock.tickAsync(100);
      assert.deepEqual(starts, [0, 0, 100]);
    }));

  test("with scope 'instance' and a key each instance has one limiter for each key", () =>
    underFakeClock(async (clock) => {
      const { Api, starts, ids } = limited({ rate: 1, per: 100, scope: 'instance', key: (id) => String(id) });
      for (const api of [new Api(), new Api()]) for (const id of [1, 2, 1]) api.get(id);
      await clock.tickAsync(100);
      assert.deepEqual(ids, [1, 2, 1, 2, 1, 1]);
      assert.deepEqual(starts, [0, 0, 0, 0, 100, 100]);
    }));

  test('neither two subclasses, nor base and subclass, nor two methods share a limiter', () =>
    underFakeClock(async (clock) => {
      const entered: string[] = [];
      class Base {
        @rateLimit({ rate: 1, per: 100 })
        async get(): Promise<void> {
          entered.push(`${this.constructor.name}.get`);
        }
        @rateLimit({ rate: 1, per: 100 })
        async put(): Promise<void> {
          entered.push(`${this.constructor.name}.put`);
        }
      }
      class Left extends Base {}
      class Right extends Base {
        override async get(): Promise<void> {
          entered.push('Right.get');
        }
      }
      for (const each of [new Base(), new Left(), new Right()]) {
        each.get();
        each.put();
        each.get();
      }
      await flush();
      assert.deepEqual(entered, ['Base.get', 'Base.put', 'Left.get', 'Left.put', 'Right.get', 'Right.put']);
      await clock.tickAsync(100);
      assert.deepEqual(entered.slice(6), ['Base.get', 'Left.get', 'Right.get']);
    }));

  test('static and private methods are limited as well', () =>
    underFakeClock(async (clock) => {
      const starts: [string, number][] = [];
      class Api {
        @rateLimit({ rate: 1, per: 100 })
        static async all(): Promise<void> {
          starts.push(['all', performance.now()]);
        }
        @rateLimit({ rate: 1, per: 100 })
        async #one(): Promise<void> {
          starts.push(['one', performance.now()]);
        }
        one(): Promise<void> {
          return this.#one();
        }
      }
      const api = new Api();
      for (let i = 0; i < 2; i++) {
        Api.all();
        api.one();
      }
      await clock.tickAsync(100);
      assert.deepEqual(starts, [
        ['all', 0],
        ['one', 0],
        ['all', 100],
        ['one', 100],
      ]);
    }));
});

describe('clocks of rateLimit', () => {
  test('a huge rate costs nothing until it is used', async () => {
    const before = process.memoryUsage().heapUsed;
    const { api } = limited({ rate: Number.MAX_SAFE_INTEGER, per: 10 });
    assert.deepEqual(await Promise.all(times(100, (i) => api.get(i))), [...Array(100).keys()]);
    assert.ok(process.memoryUsage().heapUsed - before < 10_000_000);
  });

  for (const apis of [['setTimeout'], ['setTimeout', 'Date']] as const) {
    test(`the mock timers of node:test drive windows and maxWait (${apis.join(', ')})`, async () => {
      const waits = limited({ rate: 2, per: 60_000 });
      const expires = limited({ rate: 1, per: 60_000, maxWait: 45_000 });
      mock.timers.enable({ apis: [...apis] });
      try {
        const calls = times(6, (i) => waits.api.get(i));
        await expires.api.get();
        const error = rejection(expires.api.get());
        await flush();
        assert.equal(waits.ids.length, 2);
        mock.timers.tick(45_000);
        const expired = await error;
        assert.ok(expired instanceof RejectedError);
        assert.equal(expired.reason, 'wait-timeout');
        mock.timers.tick(14_999);
        await flush();
        assert.equal(waits.ids.length, 2);
        mock.timers.tick(1);
        await flush();
        assert.equal(waits.ids.length, 4);
        mock.timers.tick(59_999);
        await flush();
        assert.equal(waits.ids.length, 4);
        mock.timers.tick(1);
        await flush();
        assert.deepEqual(waits.ids, [0, 1, 2, 3, 4, 5]);
        await Promise.all(calls);
      } finally {
        mock.timers.reset();
      }
    });
  }

  for (const hour of [3_600_000, -3_600_000]) {
    test(`a jump of the faked wall clock by ${hour} ms opens no window early and keeps none shut`, () =>
      underFakeClock(async (clock) => {
        const { api, starts } = limited({ rate: 2, per: 1000 });
        await clock.tickAsync(5_000_000);
        starts.length = 0;
        const began = performance.now();
        times(2, () => api.get());
        await clock.tickAsync(300);
        clock.setSystemTime(Date.now() + hour);
        times(3, () => api.get());
        await clock.tickAsync(300);
        clock.setSystemTime(Date.now() + hour);
        await clock.tickAsync(2000);
        assert.deepEqual(
          starts.map((each) => Math.round(each - began)),
          [0, 0, 1000, 1000, 2000],
        );
      }));
  }

  test('a method that blocks as it starts is charged from its entry', () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Api {
        @rateLimit({ rate: 1, per: 100 })
        async get(): Promise<void> {
          entered.push(performance.now());
          clock.tick(50);
        }
      }
      const api = new Api();
      for (let i = 0; i < 3; i++) api.get();
      await clock.tickAsync(1000);
      assert.deepEqual(entered, [0, 100, 200]);
    }));

  test('a method that blocks after quick starts of the window before is charged no more', () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Api {
        @rateLimit({ rate: 2, per: 100 })
        async get(blocks: boolean): Promise<void> {
          entered.push(performance.now());
          if (blocks) clock.tick(50);
        }
      }
      const api = new Api();
      for (let i = 0; i < 2; i++) api.get(false);
      await clock.tickAsync(1000);
      for (let i = 0; i < 3; i++) api.get(true);
      await clock.tickAsync(1000);
      assert.deepEqual(entered, [0, 0, 1000, 1050, 1100]);
    }));

  test('a method that blocks right after quick starts is charged from its entry', () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Api {
        @rateLimit({ rate: 3, per: 100 })
        async get(blocks: boolean): Promise<void> {
          entered.push(performance.now());
          if (blocks) clock.tick(50);
        }
      }
      const api = new Api();
      for (let i = 0; i < 6; i++) api.get(i === 2);
      await clock.tickAsync(1000);
      assert.deepEqual(entered, [0, 0, 0, 100, 100, 100]);
    }));

  test('a method that always blocks is charged from its entry as well, however far apart its starts are', () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Api {
        @rateLimit({ rate: 2, per: 200 })
        async get(): Promise<void> {
          entered.push(performance.now());
          clock.tick(50);
        }
      }
      const api = new Api();
      api.get();
      await clock.tickAsync(50);
      for (let i = 0; i < 3; i++) api.get();
      await clock.tickAsync(1000);
      assert.deepEqual(entered, [0, 100, 200, 300]);
    }));

  test('a method that calls itself as it starts is charged for both starts, each from its own', () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Api {
        @rateLimit({ rate: 2, per: 100 })
        async get(depth: number): Promise<void> {
          entered.push(performance.now());
          if (depth > 0) {
            clock.tick(20);
            this.get(depth - 1);
          }
        }
      }
      const api = new Api();
      api.get(1);
      assert.equal(clock.countTimers(), 1);
      for (let i = 0; i < 3; i++) api.get(0);
      await clock.tickAsync(1000);
      assert.deepEqual(entered, [0, 20, 100, 120, 200]);
    }));

  test('a window left over from the real clock does not move a fake one', async () => {
    const leftOver = limited({ rate: 1, per: 20 });
    const { api, starts } = limited({ rate: 1, per: 100 });
    await leftOver.api.get();
    await underFakeClock(async (clock) => {
      api.get();
      const rung = deferred();
      realSetTimeout(rung.resolve, 40);
      await rung.promise;
      await clock.tickAsync(60);
      api.get();
      await clock.tickAsync(500);
    });
    assert.deepEqual(starts, [0, 100]);
  });
});

// These come last: the timers that they leave behind are real ones.
describe('rateLimit on the real clock', () => {
  for (const [rate, per] of [
    [1, 30],
    [3, 40],
    [5, 33.3],
  ] as const) {
    test(`on the real clock no window of ${per} ms holds more than ${rate}`, async () => {
      const { api, starts } = limited({ rate, per });
      await Promise.all(times(rate * 3 + 1, (i) => api.get(i)));
      assert.equal(starts.length, rate * 3 + 1);
      assertWindows(starts, rate, per);
    });
  }

  test('on the real clock calls that arrive one by one keep to the window', async () => {
    const { api, starts } = limited({ rate: 2, per: 30 });
    for (let i = 0; i < 8; i++) await api.get(i);
    assertWindows(starts, 2, 30);
  });

  test('on the real clock a method that blocks as it starts keeps to the window', async () => {
    const starts: number[] = [];
    class Api {
      @rateLimit({ rate: 1, per: 400 })
      async get(): Promise<void> {
        const began = performance.now();
        starts.push(began);
        while (performance.now() - began < 30);
      }
    }
    const api = new Api();
    await Promise.all(times(2, () => api.get()));
    assertWindows(starts, 1, 400);
  });

  test('on the real clock no window holds too many where something wraps setTimeout, and timers fire early', async () => {
    const { setTimeout: unwrapped } = globalThis;
    const wrapped = (ring: () => void, delay: number): unknown => {
      const began = performance.now();
      const timer = unwrapped(ring, 2 * delay);
      const poll = (): void => {
        if (performance.now() - began < delay - 0.6) return void setImmediate(poll);
        clearTimeout(timer);
        ring();
      };
      // Never at once, as no timer does, however little is left.
      setImmediate(poll);
      return timer;
    };
    globalThis.setTimeout = wrapped as typeof setTimeout;
    try {
      const { api, starts } = limited({ rate: 1, per: 3 });
      await Promise.all(times(10, (i) => api.get(i)));
      assertWindows(starts, 1, 3);
    } finally {
      globalThis.setTimeout = unwrapped;
    }
  });

  test('a patched Date.now that jumps does not reach windows on real timers', async () => {
    const { api, starts } = limited({ rate: 1, per: 30 });
    const real = Date.now;
    let jump = 0;
    Date.now = () => real() + jump;
    try {
      await api.get();
      for (jump of [3_600_000, -3_600_000, 0]) await api.get();
    } finally {
      Date.now = real;
    }
    assert.equal(starts.length, 4);
    assertWindows(starts, 1, 30);
  });

  test('a Date that stands still does not stop windows on real timers', async () => {
    const { api, starts } = limited({ rate: 1, per: 30 });
    const clock = install({ now: 0, toFake: ['Date'] });
    try {
      await Promise.all(times(3, () => api.get()));
    } finally {
      clock.uninstall();
    }
    assertWindows(starts, 1, 30);
  });
});

test('a key that is no string fails the call, and says so', async () => {
  class Shop {
    @rateLimit({ rate: 1, per: 1e6, key: (id: unknown) => id as string })
    async buy(_id: unknown): Promise<void> {}
  }
  await assert.rejects(new Shop().buy(5), {
    name: 'ConfigurationError',
    message: '@rateLimit on Shop.buy: expected `key` to return a string, got 5',
  });
});
