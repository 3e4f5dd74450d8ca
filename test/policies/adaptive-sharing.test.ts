import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  type AdaptiveLimit,
  CircuitOpenError,
  type ConcurrencyConfig,
  ConcurrencyLimiter,
  circuitBreaker,
  concurrency,
  configure,
  Orchestrator,
  orchestrate,
  rateLimit,
  statsOf,
  timeout,
} from 'opero';
import { resetState, withoutPolicies, withoutWaits } from 'opero/testing';
import { runWindow, settled, take, times, type Work } from '../support/adaptive.js';
import { advance, flush, underFakeClock } from '../support/clock.js';

type Args = [work: Work];

const limit = (more: Partial<AdaptiveLimit<never, Args>> = {}): AdaptiveLimit<never, Args> => ({
  targetLatency: 50,
  ...more,
});

const slow = { takes: 60 };

function serverOf(config: ConcurrencyConfig<Args> | ConcurrencyLimiter) {
  class Server {
    @concurrency(config as ConcurrencyConfig<Args>)
    async ask(work: Work): Promise<void> {
      return take(work);
    }
    @concurrency(config as ConcurrencyConfig<Args>)
    async tell(work: Work): Promise<void> {
      return take(work);
    }
  }
  const server = new Server();
  return { Server, server, ask: (work: Work) => server.ask(work), tell: (work: Work) => server.tell(work) };
}

const keyOf = ({ key = '' }: Work): string => key;

const minute = 60_000;

describe('7.6 keys and instances', () => {
  test('7.6 each key has a limit of its own; the statistics show the one that moved last', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: limit(), key: keyOf });
      await runWindow(clock, ask, 12, { key: 'north', ...slow });
      assert.equal(statsOf(Server, 'ask').limit, 18);
      await runWindow(clock, ask, 12, { key: 'south' });
      assert.equal(statsOf(Server, 'ask').limit, 21);
      await runWindow(clock, ask, 12, { key: 'north', ...slow });
      assert.equal(statsOf(Server, 'ask').limit, 16);
      assert.equal(statsOf(Server, 'tell').limit, 20);
    }));

  test('7.6 each instance has a limit of its own, with its scope', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: limit(), scope: 'instance' });
      await runWindow(clock, ask, 12, slow);
      assert.equal(statsOf(Server, 'ask').limit, 18);
      const other = new Server();
      await runWindow(clock, (work) => other.ask(work), 12);
      assert.equal(statsOf(Server, 'ask').limit, 21);
      await runWindow(clock, ask, 12, slow);
      assert.equal(statsOf(Server, 'ask').limit, 16);
    }));

  test('X4 what was learned for a key outlives idleness, by a minute', () =>
    underFakeClock(async (clock) => {
      for (const [idle, expected] of [
        [minute - 1, 16],
        [minute, 18],
      ] as const) {
        const { Server, ask } = serverOf({ limit: limit(), key: keyOf });
        const north = { key: 'north', ...slow };
        await runWindow(clock, ask, 12, north);
        clock.tick(idle);
        await runWindow(clock, ask, 12, north);
        assert.equal(statsOf(Server, 'ask').limit, expected);
      }
    }));

  test('X4 a key in use loses nothing, however long it runs', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: limit({ max: 20 }), key: keyOf });
      await runWindow(clock, ask, 12, { key: 'north', ...slow });
      await runWindow(clock, ask, 12, { key: 'south', ...slow });
      const long = ask({ takes: 3 * minute, key: 'north' });
      clock.tick(2 * minute);
      // These look at both.
      await settledAfter(clock, [ask({ takes: 1, key: 'east' }), ask({ takes: 1, key: 'west' })]);
      await runWindow(clock, ask, 12, { key: 'north', ...slow });
      assert.equal(statsOf(Server, 'ask').limit, 16);
      await runWindow(clock, ask, 12, { key: 'south', ...slow });
      assert.equal(statsOf(Server, 'ask').limit, 18);
      clock.tick(2 * minute);
      await long;
    }));

  const settledAfter = async (clock: Parameters<typeof advance>[0], calls: readonly Promise<unknown>[]) => {
    const all = settled(calls);
    await advance(clock, 1);
    await all;
  };

  test('X4 keys used once leave no memory: each call drops two that have expired, and no timer stays', () =>
    underFakeClock(async (clock) => {
      const limiter = new ConcurrencyLimiter({ limit: limit(), key: keyOf });
      const { ask } = serverOf(limiter);
      const seen = watchMaps();
      try {
        for (let at = 0; at < 100; at++) await settledAfter(clock, [ask({ takes: 1, key: `once ${at}` })]);
        const [limits] = seen.maps((key) => String(key).startsWith('once'));
        assert.equal(limits?.size, 100);
        clock.tick(minute);
        for (let at = 0; at < 50; at++) await settledAfter(clock, [ask({ takes: 1, key: 'often' })]);
        assert.deepEqual([...(limits?.keys() ?? [])], ['often']);
        assert.equal(clock.countTimers(), 0);
      } finally {
        seen.end();
      }
    }));

  test('a limit that never moves by itself is dropped as soon as its key is idle', () =>
    underFakeClock(async (clock) => {
      const { ask } = serverOf({ limit: 5, key: keyOf });
      const seen = watchMaps();
      try {
        await settledAfter(clock, [ask({ takes: 1, key: 'once' })]);
        assert.deepEqual(
          seen.maps(() => true).map(({ size }) => size),
          [0],
        );
      } finally {
        seen.end();
      }
    }));
});

/** The maps by key that are filled from now on. */
function watchMaps() {
  const { set } = Map.prototype;
  const found = new Map<Map<unknown, unknown>, unknown[]>();
  Map.prototype.set = function (this: Map<unknown, unknown>, key, value) {
    const keys = found.get(this) ?? [];
    if (typeof key === 'string' && typeof value === 'object') {
      keys.push(key);
      set.call(found, this, keys);
    }
    return set.call(this, key, value) as never;
  };
  return {
    maps: (means: (key: unknown) => boolean) => [...found].filter(([, keys]) => keys.some(means)).map(([map]) => map),
    end() {
      Map.prototype.set = set;
    },
  };
}

describe('7.6 shared limits', () => {
  test('7.6 several methods move one limit, which a `ConcurrencyLimiter` shows', () =>
    underFakeClock(async (clock) => {
      const limiter = new ConcurrencyLimiter({ limit: limit({ initial: 12 }) });
      const { Server, ask, tell } = serverOf(limiter);
      assert.equal(limiter.limit, 12);
      const both = (at: number): Promise<void> => (at % 2 === 0 ? ask : tell)({ takes: 20 });
      const calls = settled(times(6, both));
      await advance(clock, 100);
      await calls;
      const more = settled(times(4, both));
      await advance(clock, 20);
      await more;
      assert.deepEqual([limiter.limit, statsOf(Server, 'ask').limit, statsOf(Server, 'tell').limit], [13, 13, 13]);
      assert.equal(limiter.used, 0);
    }));

  test('7.6 beside a shared limiter a method has its own weight and queue, `dropOn` is called for each', () =>
    underFakeClock(async (clock) => {
      const seen: unknown[] = [];
      const limiter = new ConcurrencyLimiter({
        limit: {
          initial: 10,
          targetLatency: 50,
          dropOn: (error, { method }) => {
            seen.push(method);
            return error instanceof RangeError;
          },
        },
      });
      class Server {
        @concurrency({ limiter, weight: ({ key }: Work) => Number(key), maxQueue: 0 })
        async ask(work: Work): Promise<void> {
          return take(work);
        }
        @concurrency(limiter)
        async tell(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      const heavy = s.ask({ takes: 10, key: '10' });
      await assert.rejects(s.ask({ takes: 10, key: '1' }), { reason: 'queue-full' });
      await advance(clock, 10);
      await heavy;
      await runWindow(clock, (work) => s.tell(work), 9, { error: new RangeError('busy') });
      assert.equal(limiter.limit, 9);
      assert.deepEqual(new Set(seen), new Set(['Server.tell']));
    }));

  test('7.6 in a stack each limit learns by itself; the statistics show the lowest', () =>
    underFakeClock(async (clock) => {
      const all = new ConcurrencyLimiter({ limit: limit({ initial: 40 }) });
      class Server {
        @concurrency([{ limit: limit({ initial: 10, targetLatency: 30 }), key: keyOf }, all])
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      assert.equal(statsOf(Server, 'ask').limit, 10);
      const calls = settled(times(20, (at) => s.ask({ takes: 40, key: at % 2 === 0 ? 'north' : 'south' })));
      await advance(clock, 99);
      await calls;
      const more = settled(times(2, (at) => s.ask({ takes: 40, key: at % 2 === 0 ? 'north' : 'south' })));
      await advance(clock, 40);
      await more;
      assert.deepEqual([statsOf(Server, 'ask').limit, all.limit], [9, 41]);
    }));

  test('7.6 on a class each method has its own, in an Orchestrator all functions share one', () =>
    underFakeClock(async (clock) => {
      @concurrency({ limit: limit() })
      class Server {
        async ask(work: Work): Promise<void> {
          return take(work);
        }
        @orchestrate({ concurrency: { limit: { initial: 3, targetLatency: 50 } } })
        async tell(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      await runWindow(clock, (work) => s.ask(work), 12, slow);
      assert.deepEqual([statsOf(s, 'ask').limit, statsOf(s, 'tell').limit], [18, 3]);
      const orchestrator = new Orchestrator({ concurrency: { limit: limit() } });
      await runWindow(clock, (work) => orchestrator.execute(take, work), 12, slow);
      assert.equal(orchestrator.stats.limit, 18);
      assert.equal(new Orchestrator({ retry: 2 }).stats.limit, 0);
    }));
});

describe('7.6 configuration', () => {
  test('7.6 a fixed limit in its place holds at once; taken back, what was learned is there again', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: limit() });
      await runWindow(clock, ask, 12, slow);
      assert.equal(statsOf(Server, 'ask').limit, 18);
      const restore = configure(Server, 'ask', { concurrency: { limit: 5 } });
      assert.equal(statsOf(Server, 'ask').limit, 5);
      await runWindow(clock, ask, 12, slow);
      assert.equal(statsOf(Server, 'ask').limit, 5);
      restore();
      assert.equal(statsOf(Server, 'ask').limit, 18);
      await runWindow(clock, ask, 12, slow);
      assert.equal(statsOf(Server, 'ask').limit, 16);
    }));

  test('7.6 a fixed limit becomes an adaptive one; those who wait stay in line, and none is lost', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: 2 });
      const before = settled(times(5, () => ask(slow)));
      const restore = configure(Server, 'ask', { concurrency: { limit: { initial: 4, max: 8, targetLatency: 50 } } });
      await flush();
      assert.deepEqual([statsOf(Server, 'ask').running, statsOf(Server, 'ask').queued], [4, 1]);
      await advance(clock, 200);
      await before;
      await runWindow(clock, ask, 12, slow);
      assert.equal(statsOf(Server, 'ask').limit, 3);
      restore();
      assert.equal(statsOf(Server, 'ask').limit, 2);
      const after = settled(times(3, () => ask(slow)));
      assert.equal(statsOf(Server, 'ask').running, 2);
      await advance(clock, 200);
      await after;
    }));

  test('7.6 what it has learned stays within other bounds; what has not moved begins where they say', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: limit() });
      const change = (initial: number, max: number): Disposable =>
        configure(Server, 'ask', { concurrency: { limit: { initial, max, targetLatency: 50 } } });
      {
        using _ = change(30, 40);
        assert.equal(statsOf(Server, 'ask').limit, 30);
      }
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await runWindow(clock, ask, 12, slow);
      {
        using _ = change(5, 10);
        assert.equal(statsOf(Server, 'ask').limit, 10);
      }
      {
        using _ = change(30, 40);
        assert.equal(statsOf(Server, 'ask').limit, 10);
      }
    }));

  test('7.6 calls under way when it changes end by what there was', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: limit() });
      const calls = settled(times(12, () => ask({ takes: 150 })));
      const restore = configure(Server, 'ask', { concurrency: { limit: 5 } });
      await advance(clock, 150);
      await calls;
      assert.deepEqual([statsOf(Server, 'ask').limit, statsOf(Server, 'ask').running], [5, 0]);
      restore();
      assert.equal(statsOf(Server, 'ask').limit, 20);
      // What is in use counts from none again.
      await runWindow(clock, ask, 9);
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await runWindow(clock, ask, 10);
      assert.equal(statsOf(Server, 'ask').limit, 21);
    }));

  test('7.6 a shared limiter changes from a fixed limit to an adaptive one and back, for all who use it', () =>
    underFakeClock(async (clock) => {
      const limiter = new ConcurrencyLimiter(5);
      const { Server, ask, tell } = serverOf(limiter);
      await runWindow(clock, ask, 12, slow);
      const running = ask({ takes: 1000 });
      const restore = limiter.configure({ limit: limit() });
      assert.deepEqual([limiter.limit, statsOf(Server, 'tell').limit], [20, 20]);
      await runWindow(clock, ask, 12, slow);
      await runWindow(clock, tell, 12, slow);
      assert.deepEqual([limiter.limit, statsOf(Server, 'tell').limit], [16, 16]);
      restore();
      assert.deepEqual([limiter.limit, statsOf(Server, 'tell').limit], [5, 5]);
      await runWindow(clock, ask, 12, slow);
      assert.equal(limiter.limit, 5);
      await advance(clock, 1000);
      await running;
      assert.equal(limiter.used, 0);
    }));
});

describe('7.6 pairs', () => {
  test('7.6 what a circuit or a rate limit turns away is no sample, and their waits are no time in the method', () =>
    underFakeClock(async (clock) => {
      class Server {
        @circuitBreaker(3)
        @rateLimit({ rate: 5, per: 100 })
        @concurrency({ limit: { initial: 6, targetLatency: 50, dropOn: [] } })
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      const calls = settled(times(15, () => s.ask({ takes: 20 })));
      await advance(clock, 300);
      await calls;
      assert.equal(statsOf(Server, 'ask').limit, 7);
      const failing = settled(times(3, () => s.ask({ takes: 20, error: new Error('down') })));
      await advance(clock, 20);
      await failing;
      for (let at = 0; at < 20; at++) await assert.rejects(s.ask({ takes: 1 }), CircuitOpenError);
      await advance(clock, 200);
      assert.equal(statsOf(Server, 'ask').limit, 7);
    }));

  test('7.6 the end of an attempt that a timeout gave up gives its slot back, and no listener stays', () =>
    underFakeClock(async (clock) => {
      class Server {
        @timeout({ attempt: 10, total: 2000 })
        @concurrency({ limit: { initial: 2, targetLatency: 50 } })
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      const calls = settled(times(12, () => s.ask({ takes: 100 })));
      await advance(clock, 1500);
      await calls;
      const { running, abandoned, timeouts, limit: now } = statsOf(Server, 'ask');
      assert.deepEqual({ running, abandoned, timeouts, now }, { running: 0, abandoned: 0, timeouts: 12, now: 1 });
      assert.equal(clock.countTimers(), 0);
    }));

  test('11 resetState begins anew, for shared limiters too; those under way end by what there was', () =>
    underFakeClock(async (clock) => {
      const limiter = new ConcurrencyLimiter({ limit: limit() });
      const shared = serverOf(limiter);
      const own = serverOf({ limit: limit() });
      await runWindow(clock, shared.ask, 12, slow);
      await runWindow(clock, own.ask, 12, slow);
      const running = settled([
        ...times(12, () => shared.ask({ takes: 150 })),
        ...times(12, () => own.ask({ takes: 150 })),
      ]);
      resetState(shared.Server);
      resetState(own.Server);
      assert.deepEqual([limiter.limit, statsOf(own.Server, 'ask').limit], [20, 20]);
      await advance(clock, 150);
      await running;
      assert.deepEqual([limiter.limit, statsOf(own.Server, 'ask').limit], [20, 20]);
      await runWindow(clock, own.ask, 12, slow);
      assert.equal(statsOf(own.Server, 'ask').limit, 18);
    }));

  test('11 it moves as ever where waits are skipped, and not where policies are', () =>
    underFakeClock(async (clock) => {
      const { Server, ask } = serverOf({ limit: limit() });
      {
        using _ = withoutWaits();
        await runWindow(clock, ask, 12, slow);
        assert.equal(statsOf(Server, 'ask').limit, 18);
      }
      {
        using _ = withoutPolicies(Server);
        await runWindow(clock, ask, 12, slow);
        assert.equal(statsOf(Server, 'ask').limit, 18);
      }
      await runWindow(clock, ask, 12, slow);
      assert.equal(statsOf(Server, 'ask').limit, 16);
    }));
});
