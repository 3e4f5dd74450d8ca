import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import {
  CircuitOpenError,
  cache,
  chaos,
  circuitBreaker,
  circuitOf,
  concurrency,
  currentCall,
  definePolicy,
  fallback,
  hedge,
  Orchestrator,
  processAll,
  RejectedError,
  RetryBudget,
  RetryError,
  rateLimit,
  retry,
  statsOf,
  TimeoutError,
  timeout,
} from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { rejection } from '../support/rejection.js';
import { never, sleep, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

describe('hedge and circuitBreaker', () => {
  test('X3 a hedge that lost is neutral, as is a first that lost', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Weather {
          @hedge(10)
          @circuitBreaker({ failureRatio: 0.1, window: 60_000, minCalls: 1 })
          async forecast(winner: number): Promise<string> {
            const { hedge: nth } = currentCall();
            if (nth === winner) {
              await sleep(20);
              return 'sun';
            }
            await sleep(100);
            throw new Error('late');
          }
        }
        const weather = new Weather();
        for (const winner of [0, 1]) {
          const seen = watched(weather.forecast(winner));
          await advance(clock, 200);
          assert.equal(seen.value, 'sun');
        }
        const { state, calls, failures } = circuitOf(Weather, 'forecast');
        assert.deepEqual({ state, calls, failures }, { state: 'closed', calls: 2, failures: 0 });
      }),
    ));

  test('3.11 each run that fails counts once; an open circuit keeps back that hedge only', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge({ delay: 40, maxHedges: 3 })
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 60, key: String })
        async forecast(_key: string, fails = false): Promise<string> {
          if (fails) throw new Error('down');
          const { hedge: nth } = currentCall();
          if (nth === 0) await never();
          return `by ${nth}`;
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast('a'));
      await advance(clock, 10);
      const down = (await rejection(weather.forecast('a', true))) as Error;
      // The hedges of that call met the circuit that its first run had opened.
      assert.equal(down.message, 'down');
      assert.equal(circuitOf(Weather, 'forecast', 'a').state, 'open');
      const { hedges, rejected } = statsOf(Weather, 'forecast');
      assert.deepEqual({ hedges, rejected }, { hedges: 0, rejected: 3 });
      await advance(clock, 30);
      assert.equal(statsOf(Weather, 'forecast').rejected, 4);
      assert.equal(seen.at, undefined);
      // 40 later the circuit is half-open, and the second hedge is its probe.
      await advance(clock, 40);
      assert.deepEqual(seen, { at: 80, value: 'by 2' });
      assert.equal(circuitOf(Weather, 'forecast', 'a').state, 'closed');
    }));

  test('4.6 a first that an open circuit turns away starts no hedge', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge({ delay: 10, maxHedges: 3 })
        @circuitBreaker(1)
        async forecast(): Promise<string> {
          throw new Error('down');
        }
      }
      const weather = new Weather();
      await rejection(weather.forecast());
      const { rejected } = statsOf(Weather, 'forecast');
      assert.ok((await rejection(weather.forecast())) instanceof CircuitOpenError);
      assert.equal(statsOf(Weather, 'forecast').rejected, rejected + 1);
      assert.equal(statsOf(Weather, 'forecast').attempts, 1);
      assert.equal(clock.countTimers(), 0);
    }));

  test('a RejectedError out of the code of the method is a failure like any, though it comes from this very method', () =>
    underFakeClock(async () => {
      const refusal = deferred<never>();
      class Weather {
        @hedge({ delay: 10, maxHedges: 2 })
        @concurrency({ limit: 1, maxQueue: 0 })
        async forecast(inner?: () => Promise<string>): Promise<string> {
          if (currentCall().hedge === 0 && inner !== undefined) return await inner();
          return await refusal.promise.catch(() => 'sun');
        }
      }
      const weather = new Weather();
      const call = weather.forecast(() => weather.forecast());
      await flush();
      refusal.reject(new Error());
      assert.equal(await call, 'sun');
      assert.equal(statsOf(Weather, 'forecast').hedges, 1);
    }));
});

describe('hedge and timeout', () => {
  test('4.8 attempt holds for each run; one that it ends starts the next at once', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const starts: unknown[] = [];
        class Weather {
          @hedge({ delay: 30, maxHedges: 2 })
          @timeout(50)
          async forecast(): Promise<string> {
            starts.push([currentCall().hedge, Date.now()]);
            return await never();
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 200);
        assert.deepEqual(starts, [
          [0, 0],
          [1, 30],
          [2, 50],
        ]);
        // The last one began at 50, when the first was over.
        assert.equal(seen.at, 100);
        assert.ok(seen.error instanceof TimeoutError);
        const { timeouts, hedges, running, abandoned } = statsOf(weather, 'forecast');
        assert.deepEqual(
          { timeouts, hedges, running, abandoned },
          { timeouts: 3, hedges: 2, running: 3, abandoned: 3 },
        );
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  test('4.7 none starts after total, which ends all runs', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const signals: (AbortSignal | undefined)[] = [];
        class Weather {
          @fallback({ value: 'unknown' })
          @timeout({ total: 45 })
          @retry(3)
          @hedge({ delay: 20, maxHedges: 9 })
          @circuitBreaker({ failureRatio: 1, window: 60_000, minCalls: 100 })
          async forecast(): Promise<string> {
            signals.push(currentCall().signal);
            return await never();
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 200);
        assert.deepEqual(seen, { at: 45, value: 'unknown' });
        assert.equal(signals.length, 3);
        for (const signal of signals) assert.ok(signal?.reason instanceof TimeoutError);
        const { timeouts, hedges, abandoned } = statsOf(weather, 'forecast');
        assert.deepEqual({ timeouts, hedges, abandoned }, { timeouts: 1, hedges: 2, abandoned: 3 });
        // Each was entered, and ended by a deadline.
        assert.equal(circuitOf(Weather, 'forecast').failures, 3);
        assert.equal(clock.countTimers(), 0);
      }),
    ));
});

describe('hedge and retry, fallback', () => {
  test('4.3 each attempt has hedges of its own; a RetryError holds one error for each attempt', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @retry({ maxAttempts: 2, waitMin: 0, rethrow: false })
        @hedge(10)
        async forecast(): Promise<string> {
          const { attempt, hedge: nth } = currentCall();
          throw new Error(`${attempt}, ${nth}`);
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 5);
      assert.ok(seen.error instanceof RetryError);
      assert.deepEqual(
        seen.error.errors.map((each) => (each as Error).message),
        ['1, 0', '2, 0'],
      );
    }));

  test('the fallback comes when all runs have failed, and is no hedge', () =>
    underFakeClock(async () => {
      class Weather {
        @fallback('cached')
        @hedge({ delay: 10, maxHedges: 2 })
        async forecast(): Promise<string> {
          throw new Error(`down ${currentCall().hedge}`);
        }
        async cached(): Promise<string> {
          const { hedge: nth, error } = currentCall();
          return `cached, as ${(error as Error).message}, ${nth}`;
        }
      }
      assert.equal(await new Weather().forecast(), 'cached, as down 0, 0');
    }));

  test('a hedged method may stand in for another, as a call of its own', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @fallback('other')
        async forecast(): Promise<string> {
          throw new Error('down');
        }
        @hedge(10)
        async other(): Promise<string> {
          const { hedge: nth } = currentCall();
          return nth === 1 ? 'by 1' : await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await flush();
      await advance(clock, 20);
      assert.deepEqual(seen, { at: 10, value: 'by 1' });
    }));
});

describe('hedge and cache, rotate, chaos', () => {
  test('5.2 a run that calls share is hedged once, and its winner is kept', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @cache(1_000)
        @hedge(10)
        async forecast(city: string): Promise<string> {
          const { hedge: nth } = currentCall();
          return nth === 1 ? `${city}, by 1` : await never();
        }
      }
      const weather = new Weather();
      const calls = [weather.forecast('Davos'), weather.forecast('Davos')].map((each) => watched(each));
      await advance(clock, 20);
      assert.deepEqual(
        calls.map(({ at, value }) => [at, value]),
        [
          [10, 'Davos, by 1'],
          [10, 'Davos, by 1'],
        ],
      );
      assert.equal(await weather.forecast('Davos'), 'Davos, by 1');
      assert.equal(statsOf(Weather, 'forecast').attempts, 2);
      assert.equal(clock.countTimers(), 0);
    }));

  test('8 each value of rotate has hedges of its own, and a budget is paid into once', () =>
    underFakeClock(async () => {
      const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0 });
      const hosts: unknown[] = [];
      class Weather {
        @fallback({ rotate: { argument: 0, values: ['eu', 'us'] } })
        @hedge({ delay: 10, budget })
        async forecast(host: string): Promise<string> {
          hosts.push([host, currentCall().hedge]);
          throw new Error('down');
        }
      }
      budget.deposit();
      await rejection(new Weather().forecast('eu'));
      assert.deepEqual(hosts, [
        ['eu', 0],
        ['eu', 1],
        ['us', 0],
      ]);
      assert.equal(budget.balance, 0);
      budget.deposit();
      assert.equal(budget.balance, 0);
    }));

  test('9 latency of chaos counts towards the delay, and a hedge has its own draw', () =>
    underFakeClock(async (clock) => {
      const draws = [0.1, 0.9];
      class Weather {
        @hedge(10)
        @chaos({ rate: 0.5, latency: 100, random: () => draws.shift() ?? 1 })
        async forecast(): Promise<string> {
          return `by ${currentCall().hedge}`;
        }
      }
      using _ = chaos.enable();
      const seen = watched(new Weather().forecast());
      await advance(clock, 20);
      assert.deepEqual(seen, { at: 10, value: 'by 1' });
      await advance(clock, 100);
      assert.equal(statsOf(Weather, 'forecast').running, 0);
      assert.equal(clock.countTimers(), 0);
    }));
});

describe('hedge and limits', () => {
  test('2.1 in any window there are no more starts than may be, hedges included', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Weather {
        @hedge({ delay: 5, maxHedges: 3 })
        @rateLimit({ rate: 3, per: 100 })
        async forecast(): Promise<void> {
          starts.push(Date.now());
          await sleep(30);
        }
      }
      const weather = new Weather();
      const calls = Array.from({ length: 6 }, () => watched(weather.forecast()));
      await advance(clock, 1_000);
      assert.ok(calls.every(({ at }) => at !== undefined));
      starts.forEach((at, i) => {
        const later = starts[i + 3];
        assert.ok(later === undefined || later - at >= 100);
      });
      assert.equal(clock.countTimers(), 0);
    }));

  test('4.5 a hedge takes the slot of its own key', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge(10)
        @concurrency({ limit: 2, key: (city: string) => city })
        async forecast(city: string): Promise<string> {
          const { hedge: nth } = currentCall();
          return nth === 1 ? city : await never();
        }
      }
      const weather = new Weather();
      const calls = ['Davos', 'Chur'].map((city) => watched(weather.forecast(city)));
      await advance(clock, 20);
      assert.deepEqual(
        calls.map(({ value }) => value),
        ['Davos', 'Chur'],
      );
    }));
});

describe('hedge and policies of your own', () => {
  const seen: unknown[] = [];
  const watchful = definePolicy({
    kind: 'watchfulOfHedges',
    stage: 'attempt',
    async around(next, { attempt, signal }) {
      const { hedge: nth } = currentCall();
      seen.push(['in', attempt, nth, signal !== undefined]);
      try {
        return await next();
      } catch (error) {
        seen.push(['out', nth, (error as Error).name, (error as { reason?: string }).reason]);
        if (error instanceof RejectedError) seen.push(error.message);
        throw error;
      }
    },
  });
  const method = definePolicy({ kind: 'methodOfHedges', stage: 'method', around: async (next) => await next() });
  const methodTwice = definePolicy({
    kind: 'methodTwiceOfHedges',
    stage: 'method',
    async around(next) {
      await next();
      return await next();
    },
  });
  const late = definePolicy({
    kind: 'lateOfHedges',
    stage: 'attempt',
    async around(next) {
      if (currentCall().hedge === 1) await sleep(100);
      return await next();
    },
  });
  let refusal: unknown;
  const refusing = definePolicy({
    kind: 'refusingOfHedges',
    stage: 'attempt',
    async around(next) {
      if (currentCall().hedge === 0) throw refusal;
      return await next();
    },
  });
  const call = definePolicy({
    kind: 'twiceOfHedges',
    stage: 'call',
    around: async (next) => [await next(), await next()],
  });

  test("the stage 'attempt' stands around each run, and sees one that is skipped as turned away", () =>
    handled(() =>
      underFakeClock(async (clock) => {
        seen.length = 0;
        class Weather {
          @hedge({ delay: 10, maxHedges: 2 })
          @watchful()
          @method()
          @concurrency(2)
          async forecast(): Promise<string> {
            await sleep(100);
            return 'sun';
          }
        }
        const weather = new Weather();
        const first = watched(weather.forecast());
        await advance(clock, 100);
        assert.equal(first.value, 'sun');
        await advance(clock, 100);
        assert.deepEqual(seen, [
          ['in', 1, 0, true],
          ['in', 1, 1, true],
          ['in', 1, 2, true],
          ['out', 2, 'RejectedError', 'queue-full'],
          'Weather.forecast: there is no slot of its concurrency limit now, and a hedge does not wait for one',
          ['out', 1, 'AbortError', undefined],
        ]);
        const { hedges, rejected, running } = statsOf(weather, 'forecast');
        assert.deepEqual({ hedges, rejected, running }, { hedges: 1, rejected: 0, running: 0 });
      }),
    ));

  for (const delay of [50, () => 50]) {
    test(`a run whose code is entered twice has begun once, with delay ${typeof delay === 'number' ? delay : 'by a function'}`, () =>
      underFakeClock(async (clock) => {
        const starts: unknown[] = [];
        const told: unknown[] = [];
        class Weather {
          @hedge({ delay, onHedge: ({ hedge: nth }) => told.push(nth) })
          @methodTwice()
          async forecast(): Promise<string> {
            const { hedge: nth } = currentCall();
            starts.push([nth, Date.now()]);
            if (nth === 0 && starts.length > 1) return await never();
            await sleep(40);
            return 'sun';
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 150);
        assert.deepEqual(seen, { at: 130, value: 'sun' });
        assert.deepEqual(starts, [
          [0, 0],
          [0, 40],
          [1, 50],
          [1, 90],
        ]);
        assert.deepEqual(told, [1]);
        assert.equal(statsOf(weather, 'forecast').hedges, 1);
      }));
  }

  test('delay counts from the entry of a hedge that a failure began, however long a policy holds that up', () =>
    underFakeClock(async (clock) => {
      const starts: unknown[] = [];
      class Weather {
        @hedge({ delay: 50, maxHedges: 2 })
        @late()
        async forecast(): Promise<string> {
          const { hedge: nth } = currentCall();
          starts.push([nth, Date.now()]);
          if (nth > 0) return await never();
          await sleep(10);
          throw new Error('down');
        }
      }
      watched(new Weather().forecast());
      await advance(clock, 200);
      assert.deepEqual(starts, [
        [0, 0],
        [1, 110],
        [2, 160],
      ]);
    }));

  test('what a policy throws before the code is entered is a failure like any, a RejectedError of another method too', async () => {
    class Other {
      @concurrency({ limit: 1, maxQueue: 0 })
      async wait(): Promise<void> {
        await never();
      }
    }
    const other = new Other();
    watched(other.wait());
    for (const thrown of [new Error('no'), await rejection(other.wait())]) {
      refusal = thrown;
      class Weather {
        @hedge(Number.POSITIVE_INFINITY)
        @refusing()
        async forecast(): Promise<number> {
          return currentCall().hedge;
        }
      }
      assert.equal(await new Weather().forecast(), 1);
    }
  });

  test('a call that goes on twice is hedged twice', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @call()
        @hedge(10)
        async forecast(): Promise<number> {
          const { hedge: nth } = currentCall();
          return nth === 1 ? nth : await never();
        }
      }
      const weather = new Weather();
      const call2 = watched(weather.forecast());
      await advance(clock, 30);
      assert.deepEqual(call2, { at: 20, value: [1, 1] });
      const { hedges, hedgeWins } = statsOf(weather, 'forecast');
      assert.deepEqual({ hedges, hedgeWins }, { hedges: 2, hedgeWins: 2 });
    }));
});

describe('hedge and the rest', () => {
  test('no listener on the signal of the caller beyond one, and none is left of 1,000 calls', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge(10)
        async forecast(_signal: AbortSignal): Promise<string> {
          const { hedge: nth } = currentCall();
          return nth === 1 ? 'sun' : await never();
        }
      }
      const weather = new Weather();
      const { signal } = new AbortController();
      const count = countListeners(signal);
      const calls = Array.from({ length: 1_000 }, () => watched(weather.forecast(signal)));
      await advance(clock, 10);
      assert.ok(calls.every(({ value }) => value === 'sun'));
      assert.equal(count.most, 1);
      assert.equal(count.standing.size, 0);
      assert.equal(clock.countTimers(), 0);
    }));

  test('one timer serves all calls of a method', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge(100)
        async forecast(): Promise<string> {
          return await never();
        }
      }
      const weather = new Weather();
      for (let i = 0; i < 50; i++) {
        watched(weather.forecast());
        await advance(clock, 1);
      }
      assert.equal(clock.countTimers(), 1);
      await advance(clock, 150);
      assert.equal(statsOf(weather, 'forecast').hedges, 50);
      assert.equal(clock.countTimers(), 0);
    }));

  test('X7 hedges, hooks and aborts have the AsyncLocalStorage of their call, whoever set the timer', () =>
    underFakeClock(async (clock) => {
      const storage = new AsyncLocalStorage<string>();
      const told: unknown[] = [];
      const tell = (what: string): void => {
        told.push(`${what} ${storage.getStore()}`);
      };
      class Weather {
        @hedge<Weather, [string]>({
          delay: (n) => {
            tell(`delay ${n}`);
            return 10;
          },
          onHedge: ({ hedge: nth }) => tell(`onHedge ${nth}`),
          on: (error) => {
            tell(`on ${(error as Error).message}`);
            return true;
          },
          maxHedges: 2,
        })
        async byFunction(_name: string): Promise<string> {
          return await this.#run();
        }

        @hedge({ delay: 10, onHedge: ({ hedge: nth }) => tell(`onHedge ${nth}`), maxHedges: 2 })
        async byNumber(_name: string): Promise<string> {
          return await this.#run();
        }

        async #run(): Promise<string> {
          const { hedge: nth } = currentCall();
          tell(`in ${nth}`);
          if (nth === 0) return await never();
          if (nth === 1) throw new Error('down');
          return 'sun';
        }
      }
      const weather = new Weather();
      for (const method of ['byFunction', 'byNumber'] as const) {
        told.length = 0;
        const calls = ['Ann', 'Bob'].map((name) => storage.run(name, () => watched(weather[method](name))));
        await storage.run('nobody', () => advance(clock, 10));
        assert.deepEqual(
          calls.map(({ value }) => value),
          ['sun', 'sun'],
        );
        for (const name of ['Ann', 'Bob']) {
          const own = told.filter((each) => String(each).endsWith(name));
          const hooks = method === 'byFunction';
          assert.deepEqual(own, [
            ...(hooks ? [`delay 1 ${name}`] : []),
            `in 0 ${name}`,
            `in 1 ${name}`,
            `onHedge 1 ${name}`,
            ...(hooks ? [`delay 2 ${name}`, `on down ${name}`] : []),
            `in 2 ${name}`,
            `onHedge 2 ${name}`,
          ]);
        }
        assert.ok(!told.some((each) => String(each).includes('nobody')));
      }
    }));

  test('processAll and an Orchestrator', () =>
    underFakeClock(async (clock) => {
      const nth = async (value: number): Promise<string> => {
        const { hedge: which } = currentCall();
        if (value === 2 && which === 0) await never();
        return `${value} by ${which}`;
      };
      class Weather {
        @hedge(10)
        async forecast(value: number): Promise<string> {
          return await nth(value);
        }
      }
      const orchestrator = new Orchestrator({ hedge: { delay: 10 }, concurrency: 9 });
      for (const run of [
        () => processAll(new Weather(), 'forecast', [1, 2, 3]),
        () => orchestrator.process(nth, [1, 2, 3]),
      ]) {
        const seen = watched(run());
        await advance(clock, 20);
        assert.deepEqual(seen.value, ['1 by 0', '2 by 1', '3 by 0']);
      }
      assert.equal(clock.countTimers(), 0);
    }));

  test('a method that calls itself: each call is hedged by itself', () =>
    underFakeClock(async (clock) => {
      class Tree {
        @hedge(10)
        async depth(left: number): Promise<number> {
          const { hedge: nth } = currentCall();
          if (nth === 0) await never();
          return left === 0 ? 0 : 1 + (await this.depth(left - 1));
        }
      }
      const tree = new Tree();
      const seen = watched(tree.depth(3));
      await advance(clock, 100);
      // Each level waits 10 for its own hedge; those further out have begun no more meanwhile.
      assert.deepEqual(seen, { at: 40, value: 3 });
      assert.equal(statsOf(tree, 'depth').hedges, 4);
    }));
});
