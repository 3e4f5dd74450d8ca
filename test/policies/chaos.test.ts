import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, mock, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import {
  type ChaosConfig,
  CircuitOpenError,
  ConfigurationError,
  chaos,
  circuitBreaker,
  circuitOf,
  concurrency,
  configure,
  currentCall,
  definePolicy,
  explain,
  fallback,
  Orchestrator,
  orchestrate,
  policiesOf,
  RejectedError,
  rateLimit,
  retry,
  statsOf,
  TimeoutError,
  timeout,
} from 'opero';
import { failTimes, withoutPolicies, withoutWaits } from 'opero/testing';
import type { SiteInfo } from '../../src/core/call/policy.js';
import { newStats } from '../../src/core/call/stats.js';
import { builderOf } from '../../src/policies/kinds.js';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { seeded } from '../support/random.js';
import { rejection } from '../support/rejection.js';
import { watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

const injected = new Error('injected');

/** A class whose method counts its entries, with `@chaos` of these options. */
function weatherWith(config?: ChaosConfig) {
  class Weather {
    entered = 0;

    @chaos(config as ChaosConfig<string>)
    async forecast(city = 'Davos', ..._others: unknown[]): Promise<unknown> {
      this.entered++;
      return `sun in ${city}`;
    }
  }
  return Weather;
}

const on = (type: { readonly prototype: object }, options: ChaosConfig = {}) =>
  configure(type as never, 'forecast', { chaos: options });

describe('9 chaos is off', () => {
  test('until it is configured for the method: an empty object switches it on, and disposing off', async () => {
    const Weather = weatherWith({ error: injected });
    const weather = new Weather();
    assert.equal(await weather.forecast(), 'sun in Davos');
    const restore = on(Weather);
    assert.equal(await rejection(weather.forecast()), injected);
    restore();
    assert.equal(await weather.forecast(), 'sun in Davos');
    assert.equal(weather.entered, 2);
    assert.equal(statsOf(Weather, 'forecast').injected, 1);
  });

  test('until it is enabled for all; of several, the last to be disposed counts, and each once', async () => {
    const Weather = weatherWith({ error: injected });
    const Other = weatherWith({ result: 'rain' });
    const weather = new Weather();
    await weather.forecast();
    const one = chaos.enable();
    {
      using two = chaos.enable();
      assert.equal(await rejection(weather.forecast()), injected);
      assert.equal(await new Other().forecast(), 'rain');
      one();
      one();
      assert.equal(await rejection(weather.forecast()), injected);
      assert.equal(typeof two, 'function');
    }
    assert.equal(await weather.forecast(), 'sun in Davos');
    assert.equal(await new Other().forecast(), 'sun in Davos');
  });

  test('a class that comes later, and an Orchestrator, are enabled too', async () => {
    using _drill = chaos.enable();
    const Weather = weatherWith({ result: 'rain' });
    assert.equal(await new Weather().forecast(), 'rain');
    const orchestrator = new Orchestrator({ chaos: { result: 'rain' } });
    assert.equal(await orchestrator.execute(() => 'sun'), 'rain');
  });

  test('X1 while it is off there is no step of it', () => {
    const policy = builderOf('chaos')?.({ error: injected } as never, { text: 'a test' });
    const step = policy?.steps[0].wrap({} as never, {} as SiteInfo);
    assert.deepEqual(step, {});
  });

  test('10.2 calls under way keep their pipeline', async () => {
    const gate = deferred();
    class Weather {
      @chaos({ error: injected })
      @retry({ maxAttempts: 2, waitMin: 0 })
      async forecast(): Promise<string> {
        await gate.promise;
        if (currentAttempt++ === 0) throw new Error('own');
        return 'sun';
      }
    }
    let currentAttempt = 0;
    const before = new Weather().forecast();
    using _drill = chaos.enable();
    gate.resolve();
    assert.equal(await before, 'sun');
    assert.equal(await rejection(new Weather().forecast()), injected);
  });

  test('10.1, 10.4 it must be declared; false takes it out, also where all is enabled', async () => {
    class Plain {
      @retry()
      async forecast(): Promise<string> {
        return 'sun';
      }
    }
    assert.throws(
      () => on(Plain, { error: injected }),
      /Plain\.forecast has no chaos policy to configure; it has retry/,
    );
    const Weather = weatherWith({ error: injected });
    using _drill = chaos.enable();
    const restore = configure(Weather, 'forecast', { chaos: false });
    assert.equal(await new Weather().forecast(), 'sun in Davos');
    restore();
    assert.equal(await rejection(new Weather().forecast()), injected);
  });

  test("10 '*' switches on all methods of a class that have it; options named replace those declared", async () => {
    class Weather {
      @chaos({ error: injected, rate: 0 })
      async forecast(): Promise<string> {
        return 'sun';
      }
      @retry()
      async plain(): Promise<string> {
        return 'plain';
      }
    }
    const weather = new Weather();
    using _all = configure(Weather, '*', { chaos: {} });
    assert.equal(await weather.forecast(), 'sun');
    using _one = on(Weather, { rate: 1 });
    assert.equal(await rejection(weather.forecast()), injected);
    assert.equal(await weather.plain(), 'plain');
    const other = new Error('other');
    using _third = on(Weather, { error: other });
    assert.equal(await rejection(weather.forecast()), other);
  });

  test('explain says where it is on, policiesOf shows the options', () => {
    const Weather = weatherWith({ rate: 0.25, error: injected });
    assert.equal(explain(Weather).includes('!'), false);
    assert.deepEqual(Object.keys(policiesOf(Weather, 'forecast')[0]?.options ?? {}), ['rate', 'error', 'random']);
    {
      using _drill = chaos.enable();
      assert.match(explain(Weather), /! chaos: it is switched on: 25 % of the attempts are tampered with/);
    }
    for (const one of [{ latency: 5 }, { result: undefined }]) {
      const Other = weatherWith(one as never);
      using _other = on(Other);
      assert.match(explain(Other), /! chaos: it is switched on: 100 % of the attempts are tampered with/);
    }
    const Bare = weatherWith();
    using _bare = on(Bare);
    assert.match(explain(Bare), /! chaos: it is switched on, but has nothing to do/);
  });
});

describe('9 what chaos does to an attempt', () => {
  test('with nothing to do, nothing', async () => {
    const Weather = weatherWith();
    using _on = on(Weather);
    assert.equal(await new Weather().forecast(), 'sun in Davos');
    assert.equal(statsOf(Weather, 'forecast').injected, 0);
  });

  test('an error in place of the method, which counts as an attempt', async () => {
    const Weather = weatherWith({ error: injected, result: 'rain' });
    using _on = on(Weather);
    const weather = new Weather();
    assert.equal(await rejection(weather.forecast()), injected);
    const { attempts, running, failures, injected: count } = statsOf(Weather, 'forecast');
    assert.deepEqual([weather.entered, attempts, running, failures, count], [0, 1, 0, 1, 1]);
  });

  for (const result of ['rain', null, 0, undefined, Promise.resolve('rain')]) {
    test(`a result in place of the method: ${inspect(result)}`, async () => {
      const Weather = weatherWith({ result });
      using _on = on(Weather);
      const weather = new Weather();
      assert.equal(await weather.forecast(), await result);
      assert.deepEqual([weather.entered, statsOf(Weather, 'forecast').injected], [0, 1]);
    });
  }

  test('undefined as a result may be configured by name, too', async () => {
    const Weather = weatherWith({ result: 'rain' });
    using _on = on(Weather, { result: undefined });
    assert.equal(await new Weather().forecast(), undefined);
  });

  test('a latency, before the method, the error or the result', () =>
    underFakeClock(async (clock) => {
      const Weather = weatherWith({ latency: 10 });
      using _on = on(Weather);
      const weather = new Weather();
      const call = watched(weather.forecast());
      await flush();
      assert.deepEqual([weather.entered, statsOf(Weather, 'forecast').running], [0, 1]);
      await advance(clock, 10);
      assert.deepEqual(call, { at: 10, value: 'sun in Davos' });
      {
        using _error = on(Weather, { error: injected });
        const failing = watched(weather.forecast());
        await advance(clock, 10);
        assert.deepEqual(failing, { at: 20, error: injected });
      }
      using _result = on(Weather, { result: 'rain' });
      const other = watched(weather.forecast());
      await advance(clock, 10);
      assert.deepEqual(other, { at: 30, value: 'rain' });
      const { attempts, running, injected: count } = statsOf(Weather, 'forecast');
      assert.deepEqual([weather.entered, attempts, running, count], [1, 3, 0, 3]);
    }));

  test('X8 functions get the arguments, and the receiver as `this`', () =>
    underFakeClock(async (clock) => {
      const told: unknown[] = [];
      const tell =
        <Value>(value: Value) =>
        (...args: never[]): Value => {
          told.push(args);
          return value;
        };
      const Weather = weatherWith({ latency: tell(5), error: tell(undefined), result: tell('rain') });
      using _on = on(Weather);
      const call = watched(new Weather().forecast('Chur', 1));
      await flush();
      await advance(clock, 5);
      assert.deepEqual(call, { at: 5, value: 'rain' });
      assert.deepEqual(told, [
        ['Chur', 1],
        ['Chur', 1],
        ['Chur', 1],
      ]);

      class Shop {
        readonly price = 4;

        @chaos<Shop, [item: string]>({
          result(item) {
            return this.price + item.length;
          },
        })
        async buy(_item: string): Promise<number> {
          return 0;
        }
      }
      using _drill = configure(Shop, 'buy', { chaos: {} });
      assert.equal(await new Shop().buy('tea'), 7);
    }));

  test('an error function that gives undefined leaves that attempt alone', async () => {
    const Weather = weatherWith({ error: ((city: string) => (city === 'Chur' ? injected : undefined)) as never });
    using _on = on(Weather);
    assert.equal(await new Weather().forecast('Davos'), 'sun in Davos');
    assert.equal(await rejection(new Weather().forecast('Chur')), injected);
    assert.equal(statsOf(Weather, 'forecast').injected, 1);
  });

  for (const option of ['error', 'result'] as const) {
    test(`what the function ${option} throws is what the attempt fails with, and is retried`, async () => {
      let times = 0;
      class Weather {
        @retry({ maxAttempts: 3, waitMin: 0 })
        @chaos({
          [option]: () => {
            times++;
            throw injected;
          },
        })
        async forecast(): Promise<never> {
          throw new Error('own');
        }
      }
      using _on = on(Weather);
      assert.equal(await rejection(new Weather().forecast()), injected);
      assert.equal(times, 3);
    });
  }

  test('a result may come late, and holds its slot until then', async () => {
    const gate = deferred<string>();
    class Weather {
      @concurrency(1)
      @chaos({ result: () => gate.promise })
      async forecast(): Promise<string> {
        return 'sun';
      }
    }
    using _on = on(Weather);
    const calls = [new Weather().forecast(), new Weather().forecast()];
    await flush();
    assert.deepEqual([statsOf(Weather, 'forecast').running, statsOf(Weather, 'forecast').queued], [1, 1]);
    gate.resolve('rain');
    assert.deepEqual(await Promise.all(calls), ['rain', 'rain']);
    assert.equal(statsOf(Weather, 'forecast').running, 0);
  });

  for (const [options, text] of [
    [{ latency: () => Number.NaN }, /`latency` to give a finite number of milliseconds of at least 0, got NaN/],
    [{ latency: () => -1 }, /`latency` to give .* got -1/],
    [{ latency: () => Number.POSITIVE_INFINITY }, /`latency` to give .* got Infinity/],
    [{ latency: async () => 5 }, /`latency` to give .* got Promise/],
    [{ error: async () => Promise.reject(new Error('late')) }, /`error` to give an error or undefined, got Promise/],
    [{ random: () => Number.NaN, error: injected }, /`random` to give a number, got NaN/],
    [{ random: () => '0', error: injected }, /`random` to give a number, got '0'/],
  ] as const) {
    test(`what a function gives is checked at the call, which is not retried: ${inspect(options)}`, () =>
      handled(async () => {
        class Weather {
          @retry({ maxAttempts: 3, waitMin: 0 })
          @concurrency(1)
          @chaos(options as ChaosConfig<string>)
          async forecast(): Promise<string> {
            return 'sun';
          }
        }
        using _on = on(Weather);
        const error = await rejection(new Weather().forecast());
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /^@chaos on Weather\.forecast: expected /);
        assert.match(error.message, text);
        const { attempts, retries, running, queued } = statsOf(Weather, 'forecast');
        assert.deepEqual([attempts, retries, running, queued], [0, 0, 0, 0]);
      }));
  }

  test('what latency or random throws is what the call rejects with, without a retry', async () => {
    for (const name of ['latency', 'random'] as const) {
      const thrower = mock.fn(() => {
        throw injected;
      });
      class Weather {
        @retry({ maxAttempts: 3, waitMin: 0 })
        @chaos({ [name]: thrower })
        async forecast(): Promise<string> {
          return 'sun';
        }
      }
      using _on = on(Weather);
      assert.equal(await rejection(new Weather().forecast()), injected);
      assert.equal(thrower.mock.callCount(), 1);
    }
  });
});

describe('9 the rate', () => {
  test('0 never, 1 always, whatever is drawn; once per attempt', async () => {
    for (const rate of [0, 1]) {
      const draws = [0, 1, -1, 2, 0.5];
      const random = mock.fn(() => draws.shift() as number);
      const Weather = weatherWith({ rate, random, result: 'rain' });
      using _on = on(Weather);
      const weather = new Weather();
      // What is below 0 would be no number from 0 to 1, but is below any rate.
      const results = [];
      for (let i = 0; i < 2; i++) results.push(await weather.forecast());
      assert.deepEqual(results, Array(2).fill(rate === 0 ? 'sun in Davos' : 'rain'));
      assert.equal(random.mock.callCount(), 2);
    }
  });

  test('each attempt of a retry is drawn anew', async () => {
    const draws = [0.1, 0.4, 0.6];
    class Weather {
      @retry({ maxAttempts: 5, waitMin: 0 })
      @chaos({ rate: 0.5, random: () => draws.shift() as number, error: injected })
      async forecast(): Promise<string> {
        return `attempt ${currentCall().attempt}`;
      }
    }
    using _on = on(Weather);
    assert.equal(await new Weather().forecast(), 'attempt 3');
    const { attempts, retries, injected: count } = statsOf(Weather, 'forecast');
    assert.deepEqual([attempts, retries, count], [3, 2, 2]);
  });

  test('is Math.random by default, as it is at the time', async () => {
    const Weather = weatherWith({ rate: 0.5, result: 'rain' });
    using _on = on(Weather);
    const drawn = mock.method(Math, 'random', () => 0.4);
    assert.equal(await new Weather().forecast(), 'rain');
    drawn.mock.mockImplementation(() => 0.5);
    assert.equal(await new Weather().forecast(), 'sun in Davos');
    drawn.mock.restore();
  });

  test('as many are injected as were drawn, whatever else is there', () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        fc.boolean(),
        async (seed, rate, withError, withResult) => {
          const random = seeded(seed);
          const drawn = seeded(seed);
          const Weather = weatherWith({
            rate,
            random,
            ...(withError && { error: injected }),
            ...(withResult && { result: 'rain' }),
          });
          using _on = on(Weather);
          const weather = new Weather();
          const outcomes: unknown[] = [];
          for (let i = 0; i < 20; i++) outcomes.push(await weather.forecast().catch((error: unknown) => error));
          const does = withError || withResult;
          const expected = outcomes.map(() =>
            drawn() < rate && does ? (withError ? injected : 'rain') : 'sun in Davos',
          );
          assert.deepEqual(outcomes, expected);
          const count = expected.filter((each) => each !== 'sun in Davos').length;
          assert.equal(statsOf(Weather, 'forecast').injected, count);
          assert.equal(weather.entered, 20 - count);
        },
      ),
      { numRuns: 50 },
    ));
});

describe('9 the latency is like time in the method', () => {
  test('an abort of the caller cuts it short, and leaves no slot, timer or listener', () =>
    underFakeClock((clock) =>
      handled(async () => {
        const controller = new AbortController();
        const listeners = countListeners(controller.signal);
        class Weather {
          entered = 0;

          @concurrency(1)
          @chaos({ latency: 1_000 })
          async forecast(_signal?: AbortSignal): Promise<string> {
            this.entered++;
            return 'sun';
          }
        }
        using _on = on(Weather);
        const weather = new Weather();
        const call = rejection(weather.forecast(controller.signal));
        await advance(clock, 3);
        assert.equal(clock.countTimers(), 1);
        const reason = new Error('left');
        controller.abort(reason);
        assert.equal(await call, reason);
        await flush();
        assert.deepEqual([clock.countTimers(), listeners.standing.size, weather.entered], [0, 0, 0]);
        const { running, abandoned, queued } = statsOf(Weather, 'forecast');
        assert.deepEqual([running, abandoned, queued], [0, 0, 0]);
        const next = watched(weather.forecast());
        await advance(clock, 1_000);
        assert.equal(next.value, 'sun');
      }),
    ));

  test('it counts to timeout.attempt, and a circuit counts that', () =>
    underFakeClock(async (clock) => {
      class Weather {
        entered = 0;

        @timeout(20)
        @circuitBreaker(1)
        @concurrency(1)
        @chaos({ latency: 30, result: 'rain' })
        async forecast(): Promise<string> {
          this.entered++;
          return 'sun';
        }
      }
      using _on = on(Weather);
      const weather = new Weather();
      const call = watched(weather.forecast());
      await flush();
      await advance(clock, 40);
      assert.equal(call.at, 20);
      assert.ok(call.error instanceof TimeoutError);
      assert.equal(circuitOf(Weather, 'forecast').state, 'open');
      const { attempts, running, abandoned, timeouts, injected: count } = statsOf(Weather, 'forecast');
      assert.deepEqual([attempts, running, abandoned, timeouts, count], [0, 0, 0, 1, 1]);
      assert.equal(weather.entered, 0);
    }));

  test('the time of the method comes on top of it', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout(20)
        @chaos({ latency: 15 })
        async forecast(): Promise<string> {
          await new Promise((resolve) => setTimeout(resolve, 15));
          return 'sun';
        }
      }
      using _on = on(Weather);
      const call = watched(new Weather().forecast());
      await flush();
      await advance(clock, 40);
      assert.equal(call.at, 20);
      assert.ok(call.error instanceof TimeoutError);
    }));

  test('it makes a success slow for slowAfter, and counts in total', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @circuitBreaker({ consecutive: 1, slowAfter: 10 })
        @chaos({ latency: 15, result: 'rain' })
        async slow(): Promise<string> {
          return 'sun';
        }

        @timeout({ total: 25 })
        @retry({ maxAttempts: 5, waitMin: 0 })
        @chaos({ latency: 10, error: injected })
        async total(): Promise<string> {
          return 'sun';
        }
      }
      using _on = configure(Weather, '*', { chaos: {} });
      const slow = watched(new Weather().slow());
      const total = watched(new Weather().total());
      await flush();
      await advance(clock, 30);
      assert.deepEqual(slow, { at: 15, value: 'rain' });
      assert.equal(circuitOf(Weather, 'slow').state, 'open');
      assert.equal(total.at, 25);
      assert.equal((total.error as TimeoutError).cause, injected);
    }));

  test('it holds the slot: others wait', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @concurrency(1)
        @chaos({ latency: 10 })
        async forecast(): Promise<string> {
          return 'sun';
        }
      }
      using _on = on(Weather);
      const calls = [watched(new Weather().forecast()), watched(new Weather().forecast())];
      await flush();
      assert.deepEqual([statsOf(Weather, 'forecast').running, statsOf(Weather, 'forecast').queued], [1, 1]);
      await advance(clock, 25);
      assert.deepEqual(
        calls.map(({ at }) => at),
        [10, 20],
      );
    }));

  test('the AsyncLocalStorage of the caller is there after it', async () => {
    const storage = new AsyncLocalStorage<string>();
    class Weather {
      @chaos({ latency: 1 })
      async forecast(): Promise<string | undefined> {
        return storage.getStore();
      }
    }
    using _on = on(Weather);
    assert.equal(await storage.run('mine', () => new Weather().forecast()), 'mine');
  });

  test('0 takes no time at all', async () => {
    const Weather = weatherWith({ latency: 0 });
    using _on = on(Weather);
    const weather = new Weather();
    const call = weather.forecast();
    assert.equal(weather.entered, 1);
    await call;
    assert.equal(statsOf(Weather, 'forecast').injected, 0);
  });
});

describe('9 chaos and the other policies', () => {
  test('what is injected takes a start from the rate limit, as the method would', async () => {
    class Weather {
      @rateLimit({ rate: 1, per: 3_600_000, maxWait: 0 })
      @chaos({ error: injected })
      async forecast(): Promise<string> {
        return 'sun';
      }
    }
    using _on = on(Weather);
    assert.equal(await rejection(new Weather().forecast()), injected);
    assert.ok((await rejection(new Weather().forecast())) instanceof RejectedError);
  });

  test('opens a circuit, leads to alternatives, and is seen by policies of one’s own', async () => {
    const seen: unknown[] = [];
    const log = definePolicy({
      kind: 'chaosLog',
      stage: 'method',
      async around(next) {
        return await next().catch((error: unknown) => {
          seen.push(error);
          throw error;
        });
      },
    });
    class Weather {
      @fallback({ value: 'known' })
      @circuitBreaker(1)
      @log()
      @chaos({ error: injected })
      async forecast(): Promise<string> {
        return 'sun';
      }
    }
    using _on = on(Weather);
    assert.equal(await new Weather().forecast(), 'known');
    assert.equal(await new Weather().forecast(), 'known');
    assert.deepEqual(seen, [injected]);
    const { attempts, rejected, injected: count } = statsOf(Weather, 'forecast');
    assert.deepEqual([attempts, rejected, count], [1, 1, 1]);
  });

  test('a circuit that opens meanwhile turns away who is in the latency before the method', () =>
    underFakeClock(async (clock) => {
      const latencies = [20, 10];
      class Weather {
        entered = 0;

        @circuitBreaker(1)
        @chaos({
          latency: () => latencies.shift() as number,
          error: () => (latencies.length === 0 && !failed ? fail() : undefined),
        })
        async forecast(): Promise<string> {
          this.entered++;
          return 'sun';
        }
      }
      let failed = false;
      const fail = (): Error => {
        failed = true;
        return injected;
      };
      using _on = on(Weather);
      const weather = new Weather();
      const calls = [watched(weather.forecast()), watched(weather.forecast())];
      await flush();
      await advance(clock, 25);
      assert.equal(calls[1]?.error, injected);
      assert.ok(calls[0]?.error instanceof CircuitOpenError);
      assert.equal(weather.entered, 0);
    }));

  test('rotate: functions see the value of the run', async () => {
    class Weather {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @chaos({ error: (host: string) => (host === 'eu' ? injected : undefined) })
      async forecast(host: string): Promise<string> {
        return host;
      }
    }
    using _on = on(Weather);
    assert.equal(await new Weather().forecast('eu'), 'us');
  });

  test('withoutPolicies leaves it out, failTimes fails beneath it, and withoutWaits does not skip what stands for the method', async () => {
    const Weather = weatherWith({ latency: 5, result: 'rain' });
    using _on = on(Weather);
    {
      using _bare = withoutPolicies(Weather);
      assert.equal(await new Weather().forecast(), 'sun in Davos');
    }
    {
      using _failing = failTimes(Weather, 'forecast', 1, new Error('never entered'));
      assert.equal(await new Weather().forecast(), 'rain');
    }
    class Slow {
      @timeout(10)
      @chaos({ latency: 3_600_000 })
      async forecast(): Promise<string> {
        return 'sun';
      }
    }
    using _slow = on(Slow);
    using _waits = withoutWaits();
    assert.ok((await rejection(new Slow().forecast())) instanceof TimeoutError);
    const Late = weatherWith({ latency: 5 });
    using _late = on(Late);
    await underFakeClock(async (clock) => {
      const seen = watched(new Late().forecast());
      await flush();
      assert.deepEqual(seen, {});
      await advance(clock, 5);
      assert.deepEqual(seen, { at: 5, value: 'sun in Davos' });
    });
  });

  test('a call that is aborted already is not touched', async () => {
    const random = mock.fn(() => 0);
    const around = {
      fail: (error: unknown) => error,
      ok: (value: unknown) => value,
    };
    const policy = builderOf('chaos')?.({ error: injected, random } as never, { text: 'a test', over: {} });
    const step = policy?.steps[0].wrap(around as never, { stats: newStats() } as SiteInfo);
    const reason = new Error('left');
    assert.equal(step?.admit?.({ aborted: true, reason } as never), reason);
    assert.equal(random.mock.callCount(), 0);
  });
});

describe('X6 where chaos may stand', () => {
  test('static, private, inherited, on a class, in @orchestrate', async () => {
    @chaos({ result: () => 'whole' })
    class Base {
      async one(): Promise<string> {
        return 'one';
      }
      @chaos({ result: 'two!' })
      async two(): Promise<string> {
        return 'two';
      }
      @orchestrate({ chaos: { result: 'static!' } })
      static async three(): Promise<string> {
        return 'three';
      }
      @chaos({ result: 'private!' })
      async #four(): Promise<string> {
        return 'four';
      }
      four(): Promise<string> {
        return this.#four();
      }
    }
    class Sub extends Base {
      override async two(): Promise<string> {
        return `sub ${await super.two()}`;
      }
    }
    const all = async (): Promise<string[]> => [
      await new Sub().one(),
      await new Sub().two(),
      await Base.three(),
      await new Base().four(),
    ];
    assert.deepEqual(await all(), ['one', 'sub two', 'three', 'four']);
    {
      using _drill = chaos.enable();
      assert.deepEqual(await all(), ['whole', 'two!', 'static!', 'private!']);
    }
    using _sub = configure(Sub, 'two', { chaos: {} });
    using _private = configure(Base, '#four', { chaos: {} });
    assert.deepEqual(await all(), ['one', 'two!', 'three', 'private!']);
    assert.equal(await new Base().two(), 'two');
  });

  test('a method that calls itself is drawn for in each call', async () => {
    const draws = [1, 0];
    class Weather {
      @chaos({ rate: 0.5, random: () => draws.shift() as number, result: 'injected' })
      async forecast(): Promise<string> {
        return `own ${await this.forecast()}`;
      }
    }
    using _on = on(Weather);
    assert.equal(await new Weather().forecast(), 'own injected');
  });
});

describe('9 the options of chaos are checked', () => {
  for (const [options, text] of [
    [{ rate: -0.1 }, /`rate` to be a number from 0 to 1, got -0\.1/],
    [{ rate: 1.1 }, /`rate` to be a number from 0 to 1, got 1\.1/],
    [{ rate: Number.NaN }, /`rate` to be a number from 0 to 1, got NaN/],
    [{ rate: '1' }, /`rate` .* got '1'/],
    [{ error: 'boom' }, /`error` to be an error, or a function that gives one, got 'boom'/],
    [{ error: RangeError }, /`error` .* got the function RangeError/],
    [{ error: class HttpError extends Error {} }, /`error` .* got the function HttpError/],
    [
      { latency: -1 },
      /`latency` to be a finite number of milliseconds of at least 0, or a function that gives one, got -1/,
    ],
    [{ latency: Number.POSITIVE_INFINITY }, /`latency` .* got Infinity/],
    [{ latency: '5' }, /`latency` .* got '5'/],
    [{ random: 0.5 }, /`random` to be a function, got 0\.5/],
    [{ chance: 1 }, /unknown option `chance` \(1\); known options are rate, error, latency, result, random/],
    [5, /expected the options to be an object, got 5/],
    [null, /expected the options to be an object, got null/],
  ] as const) {
    test(inspect(options), () => {
      assert.throws(
        () => weatherWith(options as never),
        (error) => {
          assert.ok(error instanceof ConfigurationError);
          assert.match(error.message, /^@chaos on method `forecast`: /);
          assert.match(error.message, text);
          return true;
        },
      );
      if (typeof options === 'object' && options !== null) {
        const Weather = weatherWith();
        assert.throws(() => on(Weather, options as never), ConfigurationError);
      }
    });
  }
});
