import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concurrency, currentCall, rateLimit, retry, statsOf, TimeoutError, timeout } from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { never, sleep, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

describe('attempt', () => {
  test('1 counts from the entry of the code: waiting for a permit or a slot does not count', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout(50)
        @concurrency(1)
        @rateLimit({ rate: 1, per: 10 })
        async forecast(): Promise<number> {
          await sleep(40);
          return Date.now();
        }
      }
      const weather = new Weather();
      const calls = Array.from({ length: 5 }, () => watched(weather.forecast()));
      await advance(clock, 200);
      assert.deepEqual(
        calls.map(({ value }) => value),
        [40, 80, 120, 160, 200],
      );
      assert.equal(statsOf(weather, 'forecast').timeouts, 0);
    }));

  test("2 at expiry the attempt fails at once with a TimeoutError, which is its signal's reason", () =>
    underFakeClock(async (clock) => {
      let signal: AbortSignal | undefined;
      class Weather {
        @timeout(50)
        async forecast(): Promise<void> {
          signal = currentCall().signal;
          await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 49);
      assert.equal(seen.at, undefined);
      assert.equal(signal?.aborted, false);
      await advance(clock, 1);
      assert.equal(seen.at, 50);
      const { error } = seen;
      assert.ok(error instanceof TimeoutError);
      assert.deepEqual(
        [error.timeout, error.scope, error.message],
        [50, 'attempt', 'Weather.forecast: attempt 1 took longer than 50 ms'],
      );
      assert.ok(!('cause' in error));
      assert.equal(signal?.reason, error);
    }));

  test('2 the next attempt starts while the old one still runs and holds its slot', () =>
    underFakeClock(async (clock) => {
      const first = deferred();
      class Weather {
        @retry({ waitMin: 0 })
        @timeout(50)
        @concurrency(2)
        async forecast(): Promise<number> {
          const { attempt } = currentCall();
          if (attempt === 1) await first.promise;
          return attempt;
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 50);
      assert.equal(seen.value, 2);
      const { running, abandoned, attempts, timeouts, failures, retries } = statsOf(weather, 'forecast');
      assert.deepEqual(
        { running, abandoned, attempts, timeouts, failures, retries },
        { running: 1, abandoned: 1, attempts: 2, timeouts: 1, failures: 0, retries: 1 },
      );
      // Of the two slots one is held yet.
      const others = [weather.forecast(), weather.forecast()].map((each) => watched(each));
      await flush();
      assert.deepEqual([statsOf(weather, 'forecast').running, statsOf(weather, 'forecast').queued], [2, 1]);
      first.resolve();
      await flush();
      assert.deepEqual(
        others.map(({ value }) => value),
        [1, 1],
      );
      assert.deepEqual([statsOf(weather, 'forecast').running, statsOf(weather, 'forecast').abandoned], [0, 0]);
    }));

  test('5 a late value or error goes nowhere', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        for (const end of ['resolve', 'reject'] as const) {
          const work = deferred<unknown>();
          class Weather {
            @timeout(50)
            async forecast(): Promise<unknown> {
              return await work.promise;
            }
          }
          const weather = new Weather();
          const seen = watched(weather.forecast());
          await advance(clock, 50);
          work[end](new Error('late'));
          await flush();
          assert.ok(seen.error instanceof TimeoutError);
          const { running, abandoned, failures } = statsOf(weather, 'forecast');
          assert.deepEqual({ running, abandoned, failures }, { running: 0, abandoned: 0, failures: 1 });
        }
      }),
    ));

  test('whatever the method gives comes through, null too', async () => {
    class Weather {
      @timeout(50)
      async forecast(value: unknown): Promise<unknown> {
        return value;
      }
    }
    const weather = new Weather();
    for (const value of [null, undefined, 0, { city: 'Davos' }]) assert.equal(await weather.forecast(value), value);
  });

  test('6 what blocks in its code and settles at once is not late', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout(50)
        async forecast(): Promise<string> {
          clock.tick(80);
          return 'fine';
        }
      }
      assert.equal(await new Weather().forecast(), 'fine');
      assert.equal(clock.countTimers(), 0);
    }));

  test('6 a result that settled before expiry wins although the timers fire late, all in one turn', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout({ attempt: 50, total: 60 })
        @retry()
        @concurrency(1)
        async forecast(wait: number, signal?: AbortSignal): Promise<string> {
          await this.#read(wait);
          assert.equal(signal?.aborted ?? false, false);
          return 'fine';
        }

        async #read(wait: number): Promise<void> {
          await (async () => await sleep(wait))();
        }
      }
      const weather = new Weather();
      for (const signal of [undefined, new AbortController().signal]) {
        const call = weather.forecast(40, signal);
        clock.tick(1_000);
        assert.equal(await call, 'fine');
      }
      assert.equal(statsOf(weather, 'forecast').timeouts, 0);
    }));

  test('6 an error that settled before expiry wins too', () =>
    underFakeClock(async (clock) => {
      const thrown = new Error('its own');
      class Weather {
        @timeout(50)
        async forecast(): Promise<void> {
          await sleep(40);
          throw thrown;
        }
      }
      const call = rejection(new Weather().forecast());
      clock.tick(1_000);
      assert.equal(await call, thrown);
    }));

  test('of many calls each has its own time', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout(50)
        async forecast(wait: number): Promise<number> {
          await sleep(wait);
          return wait;
        }
      }
      const weather = new Weather();
      const calls: ReturnType<typeof watched>[] = [];
      for (let begin = 0; begin < 20; begin++) {
        calls.push(watched(weather.forecast(begin % 2 === 0 ? 10 : 100)));
        await advance(clock, 3);
      }
      await advance(clock, 100);
      assert.deepEqual(
        calls.map(({ at }) => at),
        calls.map((_, nth) => nth * 3 + (nth % 2 === 0 ? 10 : 50)),
      );
      assert.equal(clock.countTimers(), 0);
    }));

  test('takes a time beyond the longest timer', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout(2 ** 32)
        async forecast(): Promise<void> {
          await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await clock.tickAsync(2 ** 32 - 1);
      assert.equal(seen.at, undefined);
      await clock.tickAsync(1);
      assert.equal(seen.at, 2 ** 32);
    }));
});
