import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import {
  ConcurrencyLimiter,
  ConfigurationError,
  concurrency,
  configure,
  definePolicy,
  parseRetryAfter,
  policiesOf,
  type RateLimitConfig,
  RateLimiter,
  RejectedError,
  rateLimit,
  retry,
  statsOf,
  timeout,
} from 'opero';
import { resetState, withoutWaits } from 'opero/testing';
import { flush, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { never, sleep, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';
import { Work } from '../support/work.js';

/** What a server says that wants to be left alone for so long. */
class Busy extends Error {
  constructor(readonly wait: number) {
    super('busy');
  }
}
const waitOf = (error: unknown): number | undefined => (error instanceof Busy ? error.wait : undefined);

/** A method under a rate limit that an error may pause; a number makes it fail with a wait of so long. */
function pausable(config: Partial<RateLimitConfig<[wait?: number, key?: string]>> = {}) {
  const starts: number[] = [];
  class Api {
    @rateLimit<[wait?: number, key?: string]>({ rate: 10, per: 100, pauseFor: waitOf, ...config })
    async get(wait?: number, _key?: string, _signal?: AbortSignal): Promise<void> {
      starts.push(Date.now());
      if (wait !== undefined) throw new Busy(wait);
    }
  }
  const api = new Api();
  /** A call that asks for a pause, and rejects. */
  const fail = async (wait: number, key?: string): Promise<void> => {
    assert.ok((await rejection(api.get(wait, key))) instanceof Busy);
  };
  return { Api, api, fail, starts };
}

describe('pauseFor', () => {
  test('7.4 nobody starts before the end of the pause that an error asks for, then all that may', () =>
    underFakeClock(async (clock) => {
      const { api, fail, starts } = pausable({ rate: 3 });
      await fail(250);
      for (let i = 0; i < 4; i++) api.get();
      await clock.tickAsync(249);
      assert.deepEqual(starts, [0]);
      await clock.tickAsync(1);
      assert.deepEqual(starts, [0, 250, 250, 250]);
      await clock.tickAsync(100);
      assert.deepEqual(starts, [0, 250, 250, 250, 350]);
      await clock.tickAsync(1000);
      assert.equal(clock.countTimers(), 0);
    }));

  test('7.4 those in line before it wait as well, and keep their places', () =>
    underFakeClock(async (clock) => {
      const starts: [number, number][] = [];
      class Api {
        @rateLimit({ rate: 1, per: 100, pauseFor: waitOf })
        async get(id: number): Promise<void> {
          starts.push([id, Date.now()]);
          if (id === 0) throw new Busy(150);
        }
      }
      const api = new Api();
      watched(api.get(0));
      for (let id = 1; id < 4; id++) api.get(id);
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [
        [0, 0],
        [1, 150],
        [2, 250],
        [3, 350],
      ]);
    }));

  test('7.4 undefined and 0 ask for no pause', () =>
    underFakeClock(async () => {
      const { api, fail, starts } = pausable();
      await fail(0);
      await api.get();
      class Other {
        @rateLimit({ rate: 10, pauseFor: () => undefined })
        async get(): Promise<void> {
          starts.push(-1);
          throw new Error('no');
        }
      }
      await rejection(new Other().get());
      await rejection(new Other().get());
      assert.deepEqual(starts, [0, 0, -1, -1]);
    }));

  test('7.4 the longest pause wins, whichever comes first', () =>
    underFakeClock(async (clock) => {
      for (const [first, second] of [
        [300, 100],
        [100, 300],
      ]) {
        const { api, starts } = pausable();
        const begun = Date.now();
        watched(api.get(first));
        watched(api.get(second));
        await flush();
        api.get();
        await clock.tickAsync(299);
        assert.equal(starts.length, 2);
        await clock.tickAsync(1);
        assert.equal(starts[2], begun + 300);
      }
    }));

  test('7.4 a later one counts from its own time', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter(10);
      const starts: number[] = [];
      class Api {
        @rateLimit(limiter)
        async get(): Promise<void> {
          starts.push(Date.now());
        }
      }
      limiter.pause(100);
      await clock.tickAsync(50);
      limiter.pause(40);
      new Api().get();
      await clock.tickAsync(30);
      limiter.pause(30);
      await clock.tickAsync(29);
      assert.deepEqual(starts, []);
      await clock.tickAsync(1);
      assert.deepEqual(starts, [110]);
    }));

  for (const [pauseMax, asked, ends] of [
    [undefined, 3_600_000, 60_000],
    [undefined, Number.POSITIVE_INFINITY, 60_000],
    [500, 3_600_000, 500],
    [500, 400, 400],
    [3_600_000, 100_000, 100_000],
  ]) {
    test(`7.4 pauseMax ${pauseMax} cuts a pause of ${asked}`, () =>
      underFakeClock(async (clock) => {
        const { api, fail, starts } = pausable(pauseMax === undefined ? {} : { pauseMax });
        await fail(asked as number);
        api.get();
        await clock.tickAsync((ends as number) - 1);
        assert.equal(starts.length, 1);
        await clock.tickAsync(1);
        assert.deepEqual(starts, [0, ends]);
      }));
  }

  test('7.4 pauseMax is shown with pauseFor, and may stand beside a shared limiter', async () => {
    const limiter = new RateLimiter(5);
    class Api {
      @rateLimit({ rate: 5, pauseFor: waitOf })
      async own(): Promise<void> {}
      @rateLimit({ limiter, pauseFor: waitOf, pauseMax: 5 })
      async shared(): Promise<void> {}
    }
    assert.equal(policiesOf(Api, 'own')[0]?.options.pauseMax, 60_000);
    assert.equal(policiesOf(Api, 'shared')[0]?.options.pauseMax, 5);
  });

  test('7.4 pauseMax does not cut a pause by hand', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 10, pauseMax: 10 });
      let started = 0;
      class Api {
        @rateLimit(limiter)
        async get(): Promise<void> {
          started = Date.now();
        }
      }
      limiter.pause(100_000);
      new Api().get();
      await clock.tickAsync(200_000);
      assert.equal(started, 100_000);
    }));

  for (const wrong of [Number.NaN, -1, '100', null, {}, Promise.resolve(1), 'rejected']) {
    test(`7.4 ${String(wrong)} is a ConfigurationError from the call, which is not tried again`, () =>
      handled(() =>
        underFakeClock(async () => {
          let entered = 0;
          const limiter = new RateLimiter(10);
          class Api {
            @retry(3)
            @rateLimit({
              limiter,
              pauseFor: () => (wrong === 'rejected' ? Promise.reject(new Error('no')) : wrong) as number,
            })
            async get(): Promise<void> {
              entered++;
              throw new Error('no');
            }
          }
          const error = await rejection(new Api().get());
          assert.ok(error instanceof ConfigurationError);
          assert.match(error.message, /@rateLimit on Api\.get: expected `pauseFor` to return .*milliseconds/);
          assert.equal(entered, 1);
        }),
      ));
  }

  test('7.4 what it throws rejects the call', () =>
    underFakeClock(async () => {
      const thrown = new Error('hook');
      class Api {
        @retry(3)
        @rateLimit({
          rate: 10,
          pauseFor() {
            throw thrown;
          },
        })
        async get(): Promise<void> {
          throw new Error('no');
        }
      }
      assert.equal(await rejection(new Api().get()), thrown);
      assert.equal(statsOf(Api, 'get').attempts, 1);
    }));

  test('X7 it gets the error and the call, and the receiver as `this`', () =>
    underFakeClock(async () => {
      const told: unknown[] = [];
      const failure = new Error('no');
      class Api {
        @rateLimit({
          rate: 10,
          pauseFor(this: Api, error, { method, args, attempt }) {
            told.push(this, error, method, args, attempt);
            return undefined;
          },
        })
        async get(_id: string): Promise<void> {
          throw failure;
        }
      }
      const api = new Api();
      await rejection(api.get('a'));
      assert.deepEqual(told, [api, failure, 'Api.get', ['a'], 1]);
    }));

  test('7.4 it is asked about attempts that started only: not about those that were turned away', () =>
    underFakeClock(async () => {
      const asked: unknown[] = [];
      const work = new Work();
      class Api {
        @rateLimit({
          rate: 2,
          maxQueue: 0,
          pauseFor: (error) => {
            asked.push(error);
            return undefined;
          },
        })
        @concurrency({ limit: 1, maxQueue: 0 })
        async get(): Promise<unknown> {
          return await work.begin('a');
        }
      }
      const api = new Api();
      const first = watched(api.get());
      assert.equal(((await rejection(api.get())) as RejectedError).policy, 'concurrency');
      work.fail('a', 'really');
      await flush();
      assert.equal(first.error, 'really');
      watched(api.get());
      assert.equal(((await rejection(api.get())) as RejectedError).policy, 'rateLimit');
      assert.deepEqual(asked, ['really']);
      work.endAll();
    }));

  test('X3 an abort of the caller asks for no pause, whatever the method makes of it; a deadline may', () =>
    underFakeClock(async (clock) => {
      const asked: unknown[] = [];
      class Api {
        @timeout(50)
        @rateLimit({
          rate: 10,
          pauseFor: (error) => {
            asked.push(error);
            return 100;
          },
        })
        async get(signal: AbortSignal): Promise<void> {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject('cut off')));
        }
      }
      const api = new Api();
      const gone = new AbortController();
      const call = watched(api.get(gone.signal));
      await flush();
      gone.abort('enough');
      await flush();
      assert.deepEqual([call.error, asked], ['enough', []]);
      watched(api.get(new AbortController().signal));
      await clock.tickAsync(60);
      assert.deepEqual(asked, ['cut off']);
    }));

  test('7.4 a retry waits for the end of the pause, and parseRetryAfter tells it', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Api {
        @retry({ maxAttempts: 2, waitMin: 0, waitMax: 0 })
        @rateLimit({ rate: 10, pauseFor: (error) => parseRetryAfter(error as { headers: object }) })
        async get(): Promise<string> {
          starts.push(Date.now());
          if (starts.length === 1) throw Object.assign(new Error('429'), { headers: { 'retry-after': '2' } });
          return 'done';
        }
      }
      const call = watched(new Api().get());
      await clock.tickAsync(5000);
      assert.deepEqual([starts, call.value], [[0, 2000], 'done']);
    }));

  test('7.4 with key it holds for that key, though the permit that was used has come back', () =>
    underFakeClock(async (clock) => {
      const { api, fail, starts } = pausable({ key: (_wait, key) => key as string });
      await fail(500, 'a');
      await api.get(undefined, 'b');
      assert.deepEqual(starts, [0, 0]);
      await clock.tickAsync(300);
      // X4: the window of 100 is over, and the key still paused.
      api.get(undefined, 'a');
      await api.get(undefined, 'b');
      await clock.tickAsync(199);
      assert.deepEqual(starts, [0, 0, 300]);
      await clock.tickAsync(1);
      assert.deepEqual(starts, [0, 0, 300, 500]);
      await clock.tickAsync(1000);
      assert.equal(clock.countTimers(), 0);
    }));

  test('7.4 with key, an attempt that outlasted its window pauses its key', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Api {
        @rateLimit({ rate: 10, per: 100, key: (key: string) => key, pauseFor: waitOf })
        async get(_key: string, last: number): Promise<void> {
          starts.push(Date.now());
          await sleep(last);
          if (last > 0) throw new Busy(200);
        }
      }
      const api = new Api();
      watched(api.get('a', 500));
      await clock.tickAsync(500);
      api.get('a', 0);
      await clock.tickAsync(199);
      assert.deepEqual(starts, [0]);
      await clock.tickAsync(1);
      assert.deepEqual(starts, [0, 700]);
    }));

  test('7.4 the pause of one method holds for all who share its limiter', () =>
    underFakeClock(async (clock) => {
      const quota = new RateLimiter(100);
      const starts: string[] = [];
      class Api {
        @rateLimit({ limiter: quota, pauseFor: waitOf })
        async get(): Promise<void> {
          throw new Busy(100);
        }
        @rateLimit(quota)
        async put(): Promise<void> {
          starts.push(`put ${Date.now()}`);
        }
      }
      const api = new Api();
      await rejection(api.get());
      api.put();
      await clock.tickAsync(200);
      assert.deepEqual(starts, ['put 100']);
    }));
});

describe('pause and resume of a RateLimiter', () => {
  /** A method by key under a shared limiter. */
  function shared(config: number | RateLimitConfig = 10) {
    const limiter = new RateLimiter(config);
    const starts: [string, number][] = [];
    class Api {
      @rateLimit({ limiter, key: (key: string) => key })
      async get(key: string, _signal?: AbortSignal): Promise<void> {
        starts.push([key, Date.now()]);
      }
    }
    return { limiter, api: new Api(), Api, starts };
  }

  test('7.4 a pause by hand holds for all keys, those too that come later', () =>
    underFakeClock(async (clock) => {
      const { limiter, api, starts } = shared();
      await api.get('old');
      await clock.tickAsync(10);
      limiter.pause(100);
      await clock.tickAsync(50);
      for (const key of ['old', 'new']) api.get(key);
      await clock.tickAsync(49);
      assert.deepEqual([starts.length, limiter.waiting], [1, 2]);
      await clock.tickAsync(1);
      assert.deepEqual(starts.slice(1), [
        ['old', 110],
        ['new', 110],
      ]);
    }));

  test('7.4 resume ends it, for all keys, and those that errors asked for', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 10, pauseFor: waitOf });
      const starts: number[] = [];
      class Api {
        @rateLimit({ limiter, key: (key: string) => key })
        async get(_key: string, fails = false): Promise<void> {
          if (fails) throw new Busy(5000);
          starts.push(Date.now());
        }
      }
      const api = new Api();
      await rejection(api.get('a', true));
      limiter.pause(Number.POSITIVE_INFINITY);
      api.get('a');
      api.get('b');
      await clock.tickAsync(100);
      assert.deepEqual(starts, []);
      limiter.resume();
      await flush();
      assert.deepEqual(starts, [100, 100]);
      await api.get('c');
      limiter.resume();
      await clock.tickAsync(5000);
      assert.equal(clock.countTimers(), 0);
    }));

  test('7.4 resume where nothing is paused changes nothing', async () => {
    const limiter = new RateLimiter(5);
    class Api {
      @rateLimit(limiter)
      async get(): Promise<void> {}
    }
    await new Api().get();
    limiter.resume();
    await new Api().get();
    assert.equal(limiter.used, 2);
  });

  test('7.4 a pause without end outlasts one with an end', () =>
    underFakeClock(async (clock) => {
      const { limiter, api, starts } = shared();
      await api.get('a');
      limiter.pause(100);
      limiter.pause(Number.POSITIVE_INFINITY);
      limiter.pause(200);
      api.get('a');
      await clock.tickAsync(100_000);
      assert.equal(starts.length, 1);
      limiter.resume();
      await flush();
      assert.equal(starts.length, 2);
    }));

  test('7.4 the end of a pause does not drop a key that is in use', () =>
    underFakeClock(async (clock) => {
      const { limiter, api, starts } = shared({ rate: 1, per: 100 });
      await api.get('a');
      await clock.tickAsync(200);
      api.get('a');
      // The limit of that key was dropped, and made anew; the pause is told to both.
      limiter.pause(50);
      await clock.tickAsync(60);
      api.get('a');
      await clock.tickAsync(1000);
      assert.deepEqual(
        starts.map(([, at]) => at),
        [0, 200, 300],
      );
    }));

  for (const wrong of [Number.NaN, -1, '5', undefined, null]) {
    test(`7.4 a pause of ${wrong} is a ConfigurationError`, () => {
      const limiter = new RateLimiter(1);
      assert.throws(
        () => limiter.pause(wrong as number),
        (error: Error) =>
          error instanceof ConfigurationError && /RateLimiter\.pause\(\).*`duration`/.test(error.message),
      );
    });
  }

  test('7.4 a call under way goes on, and its permit comes back by time', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const limiter = new RateLimiter({ rate: 2, per: 100 });
      class Api {
        @rateLimit(limiter)
        async get(): Promise<unknown> {
          return await work.begin(`call ${work.begun.length}`);
        }
      }
      const api = new Api();
      const call = watched(api.get());
      limiter.pause(1000);
      assert.equal(limiter.used, 1);
      await clock.tickAsync(150);
      assert.equal(limiter.used, 0);
      work.end('call 0');
      await flush();
      assert.equal(call.value, 'call 0');
    }));

  test('7.4 another rate during a pause lets nobody go before its end', () =>
    underFakeClock(async (clock) => {
      const { limiter, api, starts } = shared({ rate: 1, per: 100 });
      api.get('a');
      limiter.pause(500);
      for (let i = 0; i < 3; i++) api.get('a');
      limiter.configure({ rate: 3 });
      await clock.tickAsync(499);
      assert.equal(starts.length, 1);
      await clock.tickAsync(1);
      assert.deepEqual(
        starts.map(([, at]) => at),
        [0, 500, 500, 500],
      );
    }));

  test('7.4 who got a permit in the same turn as another, which pauses the limit as it starts, waits', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 3, per: 100 });
      const starts: [number, number][] = [];
      class Api {
        @rateLimit(limiter)
        get(id: number): Promise<void> {
          starts.push([id, Date.now()]);
          if (id === 3) limiter.pause(500);
          return Promise.resolve();
        }
      }
      const api = new Api();
      for (let id = 0; id < 8; id++) api.get(id);
      await clock.tickAsync(599);
      assert.deepEqual(starts.slice(3), [[3, 100]]);
      await clock.tickAsync(1);
      assert.deepEqual(starts.slice(4), [
        [4, 600],
        [5, 600],
        [6, 600],
      ]);
      await clock.tickAsync(100);
      assert.deepEqual(starts.slice(7), [[7, 700]]);
      assert.deepEqual([limiter.used, limiter.waiting], [1, 0]);
    }));
});

describe('calls that hold a permit when their limit is paused', () => {
  /** Permits are plenty; there is one slot. */
  function withSlot(config: Partial<RateLimitConfig> = {}) {
    const limiter = new RateLimiter({ rate: 5, per: 100, ...config });
    const work = new Work();
    class Api {
      @rateLimit(limiter)
      @concurrency(1)
      async get(name: string, _signal?: AbortSignal): Promise<unknown> {
        return await work.begin(name);
      }
    }
    return { Api, api: new Api(), limiter, work };
  }

  test('7.4 they do not start before the end, keep their places, and lose no permit', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const { Api, api, limiter, work } = withSlot();
        for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) api.get(name);
        await flush();
        limiter.pause(500);
        work.end('a');
        await clock.tickAsync(499);
        assert.deepEqual(work.begun, ['a']);
        assert.equal(statsOf(Api, 'get').queued, 6);
        await clock.tickAsync(1);
        for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) {
          assert.deepEqual(work.running, [name]);
          work.end(name);
          await clock.tickAsync(30);
        }
        await clock.tickAsync(200);
        assert.deepEqual([limiter.used, limiter.waiting, work.running.length], [0, 0, 0]);
        const { attempts, running, queued, rejected } = statsOf(Api, 'get');
        assert.deepEqual([attempts, running, queued, rejected], [7, 0, 0, 0]);
      }),
    ));

  test('7.4 an abort ends the wait, and gives back what was held', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const { Api, api, limiter, work } = withSlot();
        const gone = [new AbortController(), new AbortController(), new AbortController()];
        api.get('a');
        const calls = gone.map(({ signal }, i) => watched(api.get(`gone ${i}`, signal)));
        const last = watched(api.get('last'));
        await flush();
        limiter.pause(500);
        // Before it was turned away, after that, and in the turn in which that happens.
        gone[0].abort(0);
        work.end('a');
        gone[1].abort(1);
        await flush();
        gone[2].abort(2);
        await flush();
        assert.deepEqual(
          calls.map(({ error }) => error),
          [0, 1, 2],
        );
        await clock.tickAsync(1000);
        assert.deepEqual(work.running, ['last']);
        work.endAll();
        await flush();
        assert.equal(last.value, 'last');
        assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
        const { running, queued } = statsOf(Api, 'get');
        assert.deepEqual([running, queued], [0, 0]);
      }),
    ));

  test('7.4 maxWait holds for that wait too', () =>
    underFakeClock(async (clock) => {
      const { api, limiter, work } = withSlot({ maxWait: 100 });
      api.get('a');
      const held = watched(api.get('b'));
      await flush();
      limiter.pause(500);
      work.end('a');
      await flush();
      await clock.tickAsync(99);
      assert.equal(held.at, undefined);
      await clock.tickAsync(1);
      assert.ok(held.error instanceof RejectedError);
      assert.deepEqual(
        [held.error.policy, held.error.reason, held.error.retryAfter],
        ['rateLimit', 'wait-timeout', 400],
      );
      assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
    }));

  test('7.4 where nobody is to wait, it is turned away', () =>
    underFakeClock(async (clock) => {
      const { api, limiter, work } = withSlot({ maxWait: 0 });
      api.get('a');
      const held = watched(api.get('b'));
      await flush();
      limiter.pause(500);
      work.end('a');
      await flush();
      assert.ok(held.error instanceof RejectedError);
      assert.equal(held.error.reason, 'wait-timeout');
      await clock.tickAsync(100);
      assert.equal(limiter.used, 0);
    }));

  for (const outer of ['first', 'second'] as const) {
    test(`7.4 in a stack, the ${outer} limit is paused while another is waited for`, () =>
      handled(() =>
        underFakeClock(async (clock) => {
          const first = new RateLimiter({ rate: 10, per: 100 });
          const second = new RateLimiter({ rate: 10, per: 100 });
          const last = new RateLimiter({ rate: 1, per: 100 });
          const starts: [string, number][] = [];
          class Api {
            @rateLimit([first, second, last])
            async get(name: string): Promise<void> {
              starts.push([name, Date.now()]);
            }
          }
          const api = new Api();
          for (const name of ['a', 'b', 'c']) api.get(name);
          await clock.tickAsync(50);
          (outer === 'first' ? first : second).pause(250);
          await clock.tickAsync(249);
          assert.deepEqual(starts, [['a', 0]]);
          await clock.tickAsync(1000);
          assert.deepEqual(starts, [
            ['a', 0],
            ['b', 300],
            ['c', 400],
          ]);
          for (const { used, waiting } of [first, second, last]) assert.deepEqual([used, waiting], [0, 0]);
        }),
      ));
  }

  test("7.4 a policy of one's own right around the method is looked at as well, the first time it goes on", () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const limiter = new RateLimiter({ rate: 10, per: 100 });
        const starts: number[] = [];
        const later = definePolicy({
          kind: 'later',
          stage: 'method',
          async around(next) {
            await sleep(20);
            await next();
            await sleep(20);
            return await next();
          },
        });
        class Api {
          @rateLimit(limiter)
          @later()
          async get(): Promise<void> {
            starts.push(Date.now());
          }
        }
        const call = watched(new Api().get());
        await clock.tickAsync(10);
        limiter.pause(100);
        await clock.tickAsync(120);
        // It began anew at the end of the pause, and entered at 130; the second time is of the same start.
        limiter.pause(100);
        await clock.tickAsync(1000);
        assert.deepEqual(starts, [130, 150]);
        assert.equal(call.at, 150);
        assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
      }),
    ));

  test('7.4 one that never goes on gives its permit back', () =>
    underFakeClock(async () => {
      const limiter = new RateLimiter({ rate: 1, per: 100 });
      const instead = definePolicy({ kind: 'instead', stage: 'method', around: async () => 'instead' });
      class Api {
        @rateLimit(limiter)
        @instead()
        async get(): Promise<string> {
          return 'method';
        }
      }
      const api = new Api();
      assert.deepEqual([await api.get(), await api.get(), limiter.used], ['instead', 'instead', 0]);
    }));
});

describe('waiting while a limit is paused', () => {
  test('7.4 an abort ends the wait at once, and leaves nothing', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const { Api, api, fail, starts } = pausable({ key: (_wait, key) => String(key) });
        await fail(500, 'a');
        const gone = new AbortController();
        const call = watched(api.get(undefined, 'a', gone.signal));
        await clock.tickAsync(100);
        gone.abort('enough');
        await flush();
        assert.deepEqual([call.error, statsOf(Api, 'get').queued], ['enough', 0]);
        await clock.tickAsync(1000);
        assert.deepEqual([starts, clock.countTimers()], [[0], 0]);
      }),
    ));

  test('7.4 maxWait stays exact, and retryAfter tells what is left of the pause', () =>
    underFakeClock(async (clock) => {
      const { api, fail } = pausable({ maxWait: 100 });
      await fail(500);
      const call = watched(api.get());
      await clock.tickAsync(100);
      assert.equal(call.at, 100);
      const error = call.error as RejectedError;
      assert.deepEqual([error.reason, error.policy, error.retryAfter], ['wait-timeout', 'rateLimit', 400]);
    }));

  test('7.4 a queue that is full turns away, with what is left of the pause', () =>
    underFakeClock(async (clock) => {
      const { api, fail } = pausable({ rate: 2, maxQueue: 1 });
      await fail(500);
      await clock.tickAsync(50);
      const waiting = watched(api.get());
      const error = (await rejection(api.get())) as RejectedError;
      assert.deepEqual([error.reason, error.retryAfter], ['queue-full', 450]);
      await clock.tickAsync(450);
      assert.equal(waiting.at, 500);
    }));

  test('X5 retryAfter is not known while the permit is held by who has not started', async () => {
    const slots = new ConcurrencyLimiter(1);
    const work = new Work();
    class Api {
      @rateLimit({ rate: 1, maxQueue: 0 })
      @concurrency(slots)
      async get(): Promise<void> {}
      @concurrency(slots)
      async hold(): Promise<unknown> {
        return await work.begin('hold');
      }
    }
    const api = new Api();
    api.hold();
    const waiting = api.get();
    const error = await rejection(api.get());
    assert.ok(error instanceof RejectedError);
    assert.equal(error.retryAfter, undefined);
    work.endAll();
    await waiting;
  });

  test('X5 retryAfter is the later of the pause and the permit', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 1, per: 1000, maxQueue: 0 });
      class Api {
        @rateLimit(limiter)
        async get(): Promise<void> {}
      }
      const api = new Api();
      const retryAfter = async () => ((await rejection(api.get())) as RejectedError).retryAfter;
      await api.get();
      await clock.tickAsync(300);
      assert.equal(await retryAfter(), 700);
      limiter.pause(400);
      assert.equal(await retryAfter(), 700);
      limiter.pause(900);
      assert.equal(await retryAfter(), 900);
      limiter.pause(Number.POSITIVE_INFINITY);
      assert.equal(await retryAfter(), Number.POSITIVE_INFINITY);
      limiter.resume();
      assert.equal(await retryAfter(), 700);
    }));

  test('X4 the pause of fake timers that are gone holds nobody, and one that is in force under them ends', () => {
    const run = async (): Promise<void> => {
      const limiter = new RateLimiter(1000);
      class Api {
        @rateLimit(limiter)
        async get(): Promise<number> {
          return 1;
        }
      }
      const api = new Api();
      await underFakeClock(async (clock) => {
        clock.tick(1e9);
        limiter.pause(1e8);
      });
      assert.equal(await api.get(), 1);
      await underFakeClock(async (clock) => {
        limiter.pause(100);
        const call = watched(api.get());
        await clock.tickAsync(99);
        assert.equal(call.at, undefined);
        await clock.tickAsync(1);
        assert.equal(call.at, 100);
      });
    };
    return run();
  });

  test('X4 those that fake timers leave waiting go on once somebody comes by the real clock', async () => {
    const limiter = new RateLimiter(1000);
    class Api {
      @rateLimit(limiter)
      async get(): Promise<number> {
        return 1;
      }
    }
    const api = new Api();
    let left: Promise<number> | undefined;
    await underFakeClock(async (clock) => {
      clock.tick(1e9);
      limiter.pause(1e8);
      left = api.get();
      await flush();
    });
    assert.equal(await api.get(), 1);
    assert.equal(await left, 1);
  });

  test('X4 a pause goes by fake timers that bring no clock', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { api, fail, starts } = pausable();
      await fail(100);
      api.get();
      mock.timers.tick(99);
      await flush();
      assert.equal(starts.length, 1);
      mock.timers.tick(1);
      await flush();
      assert.equal(starts.length, 2);
      await api.get();
    } finally {
      mock.timers.reset();
    }
  });

  test('11 withoutWaits skips pauses, and what holds no longer than they do is rejected at once', async () => {
    using _ = withoutWaits();
    const { api, fail, starts } = pausable();
    await fail(50_000);
    await api.get();
    assert.equal(starts.length, 2);
    const other = pausable({ maxWait: 20_000 });
    await other.fail(50_000);
    assert.ok((await rejection(other.api.get())) instanceof RejectedError);
  });

  test('11 withoutWaits: a pause by hand, too, ends no later than maxWait', async () => {
    using _ = withoutWaits();
    const limiter = new RateLimiter({ rate: 5, maxWait: 20_000 });
    class Api {
      @rateLimit(limiter)
      async get(): Promise<void> {}
    }
    limiter.pause(50_000);
    assert.ok((await rejection(new Api().get())) instanceof RejectedError);
  });

  test('7.4 a pause that is over holds up nobody, though its timer be late', () => {
    const limiter = new RateLimiter(5);
    let starts = 0;
    class Api {
      @rateLimit(limiter)
      async get(): Promise<void> {
        starts++;
      }
    }
    const api = new Api();
    limiter.pause(5);
    const began = performance.now();
    while (performance.now() - began < 10);
    api.get();
    assert.equal(starts, 1);
  });

  test('7.4 a permit that was had once more goes back too, where the call gets no slot then', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 5, per: 10 });
      const slots = new ConcurrencyLimiter(1);
      const work = new Work();
      class Api {
        @rateLimit(limiter)
        @concurrency(slots)
        async get(name: string, _signal?: AbortSignal): Promise<void> {
          await work.begin(name);
        }
        @concurrency(slots)
        async hold(): Promise<void> {
          await work.begin('hold');
        }
      }
      const api = new Api();
      const controller = new AbortController();
      api.get('first');
      const second = watched(api.get('second', controller.signal));
      await flush();
      limiter.pause(100);
      work.end('first');
      await clock.tickAsync(50);
      api.hold();
      await clock.tickAsync(60);
      assert.deepEqual([work.begun, limiter.used], [['first', 'hold'], 1]);
      controller.abort('bye');
      await flush();
      assert.equal(second.error, 'bye');
      assert.equal(limiter.used, 0);
      work.endAll();
    }));

  test('11 withoutWaits does not skip what a pause without end lets nobody have: maxWait takes its time', () =>
    underFakeClock(async (clock) => {
      using _ = withoutWaits();
      const limiter = new RateLimiter({ rate: 5, maxWait: 50 });
      class Api {
        @rateLimit(limiter)
        async get(): Promise<void> {}
      }
      limiter.pause(Number.POSITIVE_INFINITY);
      const call = watched(new Api().get());
      for (let n = 0; n < 3; n++) await flush();
      assert.deepEqual(call, {});
      await clock.tickAsync(50);
      assert.ok(call.error instanceof RejectedError);
    }));

  test('11 resetState ends a pause; who waits goes on', () =>
    underFakeClock(async () => {
      const limiter = new RateLimiter(10);
      class Api {
        @rateLimit(limiter)
        async get(): Promise<string> {
          return 'done';
        }
      }
      const api = new Api();
      limiter.pause(Number.POSITIVE_INFINITY);
      const waiting = watched(api.get());
      resetState(Api);
      assert.equal(await api.get(), 'done');
      await flush();
      assert.equal(waiting.value, 'done');
    }));

  test('10.3 a limit can be made one that pauses, and again one that does not', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Api {
        @rateLimit({ rate: 5, per: 100 })
        async get(fails = false): Promise<void> {
          starts.push(Date.now());
          if (fails) throw new Busy(300);
        }
      }
      const api = new Api();
      await rejection(api.get(true));
      await api.get();
      const restore = configure(Api, 'get', { rateLimit: { pauseFor: waitOf } });
      await rejection(api.get(true));
      api.get();
      restore();
      api.get();
      await clock.tickAsync(299);
      assert.equal(starts.length, 3);
      await clock.tickAsync(1);
      assert.deepEqual(starts, [0, 0, 0, 300, 300]);
      await rejection(api.get(true));
      await api.get();
      assert.equal(starts.length, 7);
    }));

  test('7.4 a pause keeps the program alive only while somebody waits', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = timers();
    const limiter = new RateLimiter(10);
    limiter.pause(1e6);
    class Api {
      @rateLimit(limiter)
      async get(_signal: AbortSignal): Promise<never> {
        return await never();
      }
    }
    assert.equal(timers(), before);
    const gone = new AbortController();
    const call = rejection(new Api().get(gone.signal));
    assert.equal(timers(), before + 1);
    gone.abort('enough');
    await call;
    assert.equal(timers(), before);
    limiter.resume();
  });
});
