import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AllFailedError,
  concurrency,
  currentCall,
  fallback,
  RetryError,
  retry,
  statsOf,
  TimeoutError,
  timeout,
} from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { never, sleep, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

const patiently = { maxAttempts: Number.POSITIVE_INFINITY, waitMin: 20, waitMultiplier: 1, jitter: 'none' } as const;

describe('total', () => {
  test('3 covers attempts and waits; no further attempt starts, and the cause is the error of the last one', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const thrown: Error[] = [];
        class Weather {
          @timeout({ total: 80 })
          @retry(patiently)
          async forecast(): Promise<void> {
            await sleep(15);
            thrown.push(new Error('its own'));
            throw thrown.at(-1);
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 300);
        // Attempts begin at 0, 35 and 70.
        assert.equal(seen.at, 80);
        const { error } = seen;
        assert.ok(error instanceof TimeoutError);
        assert.deepEqual([error.timeout, error.scope], [80, 'total']);
        assert.equal(error.message, 'Weather.forecast: the whole call took longer than 80 ms (total)');
        assert.equal(thrown.length, 3);
        assert.equal(error.cause, thrown[1]);
        const { attempts, running, timeouts, failures } = statsOf(weather, 'forecast');
        assert.deepEqual(
          { attempts, running, timeouts, failures },
          { attempts: 3, running: 0, timeouts: 1, failures: 1 },
        );
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  test('3 while retry waits: the cause is the error of the attempt before', () =>
    underFakeClock(async (clock) => {
      const thrown = new Error('its own');
      const asked = deferred<boolean>();
      class Weather {
        @timeout({ total: 80 })
        @retry({ retryOn: () => asked.promise })
        async forecast(): Promise<void> {
          throw thrown;
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 80);
      assert.ok(seen.error instanceof TimeoutError);
      assert.equal(seen.error.cause, thrown);
      asked.resolve(true);
      await flush();
      assert.equal(clock.countTimers(), 0);
    }));

  test('3 in a first attempt there is no cause, and what led to an alternative is none', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @fallback('slowly')
        async forecast(): Promise<void> {
          throw new Error('what led there');
        }

        @timeout({ total: 50 })
        async slowly(): Promise<void> {
          await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await flush();
      await advance(clock, 50);
      assert.ok(seen.error instanceof AllFailedError);
      const error: unknown = seen.error.errors[1];
      assert.ok(error instanceof TimeoutError);
      assert.ok(!('cause' in error));
    }));

  test('3 the cause is the error of the last attempt, though it is the very one that led there', () =>
    underFakeClock(async (clock) => {
      const thrown = new Error('what led there, and comes again');
      class Weather {
        @fallback('slowly')
        async forecast(): Promise<void> {
          throw thrown;
        }

        @timeout({ total: 50 })
        @retry({ maxAttempts: 2, waitMin: 0 })
        async slowly(): Promise<void> {
          if (currentCall().attempt === 1) throw thrown;
          await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await flush();
      await advance(clock, 50);
      assert.ok(seen.error instanceof AllFailedError);
      assert.equal((seen.error.errors[1] as TimeoutError).cause, thrown);
    }));

  test('3 after a value that was not wanted there is no cause', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout({ total: 50 })
        @retry({ waitMin: 0, retryResult: () => true })
        async forecast(): Promise<void> {
          if (currentCall().attempt === 2) await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 50);
      assert.ok(seen.error instanceof TimeoutError);
      assert.ok(!('cause' in seen.error));
    }));

  test('3 waiting in line counts', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout({ total: 50 })
        @concurrency(1)
        async forecast(): Promise<void> {
          await sleep(40);
        }
      }
      const weather = new Weather();
      const calls = [1, 2, 3].map(() => watched(weather.forecast()));
      await advance(clock, 100);
      assert.deepEqual(
        calls.map(({ at }) => at),
        [40, 50, 50],
      );
      // The third was not entered; the second was, and came to its end.
      const { attempts, running, queued, timeouts } = statsOf(weather, 'forecast');
      assert.deepEqual({ attempts, running, queued, timeouts }, { attempts: 2, running: 0, queued: 0, timeouts: 2 });
    }));

  test('3 the fallback still runs, and is told of the attempts and of the error', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @fallback('cached')
        @timeout({ total: 50, attempt: 20 })
        @retry({ waitMin: 0, maxAttempts: 10 })
        async forecast(): Promise<string> {
          return await never();
        }

        async cached(): Promise<string> {
          const { attempt, error, signal } = currentCall();
          assert.equal(signal, undefined);
          assert.ok(error instanceof TimeoutError);
          return `${attempt} ${error.scope} ${(error.cause as TimeoutError).scope}`;
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 50);
      assert.deepEqual(seen, { at: 50, value: '3 total attempt' });
      const { running, abandoned, timeouts, failures, fallbacks } = statsOf(weather, 'forecast');
      assert.deepEqual(
        { running, abandoned, timeouts, failures, fallbacks },
        { running: 3, abandoned: 3, timeouts: 3, failures: 0, fallbacks: 1 },
      );
    }));

  test('4 retry begins no wait that would end after it: exhausted, with the error of the attempt', () =>
    underFakeClock(async (clock) => {
      const thrown = new Error('its own');
      let delays = 0;
      class Weather {
        @timeout({ total: 100 })
        @retry({ ...patiently, onRetry: () => delays++ })
        async forecast(): Promise<void> {
          await sleep(15);
          throw thrown;
        }

        @timeout({ total: 100 })
        @retry({ ...patiently, rethrow: false })
        async collected(): Promise<void> {
          await sleep(15);
          throw thrown;
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      const collected = watched(weather.collected());
      await advance(clock, 300);
      // Attempts end at 15, 50 and 85; a wait from 85 would end at 105.
      assert.deepEqual(seen, { at: 85, error: thrown });
      assert.equal(delays, 2);
      assert.equal(collected.at, 85);
      assert.ok(collected.error instanceof RetryError);
      assert.deepEqual(collected.error.errors, [thrown, thrown, thrown]);
      assert.equal(statsOf(weather, 'forecast').timeouts, 0);
    }));

  test('4 nor after what is nearer, maxElapsed or total', () =>
    underFakeClock(async (clock) => {
      const failing = async (): Promise<never> => {
        await sleep(15);
        throw new Error('its own');
      };
      class Weather {
        @timeout({ total: 100 })
        @retry({ ...patiently, maxElapsed: 60 })
        async elapsed(): Promise<void> {
          await failing();
        }

        @timeout({ total: 60 })
        @retry({ ...patiently, maxElapsed: 100 })
        async inAll(): Promise<void> {
          await failing();
        }
      }
      const weather = new Weather();
      const both = [watched(weather.elapsed()), watched(weather.inAll())];
      await advance(clock, 300);
      assert.deepEqual(
        both.map(({ at }) => at),
        [50, 50],
      );
    }));

  test('6 at one moment it wins over attempt, whichever timer came first', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Weather {
          @timeout({ attempt: 50, total: 100 })
          @retry({ waitMin: 0 })
          async forecast(): Promise<void> {
            await never();
          }

          @timeout({ attempt: 50, total: 50 })
          async alike(): Promise<void> {
            await never();
          }
        }
        const weather = new Weather();
        const calls = [watched(weather.forecast()), watched(weather.alike())];
        await advance(clock, 10);
        // Their timers were set by those before them, in another order.
        calls.push(watched(weather.forecast()), watched(weather.alike()));
        await advance(clock, 200);
        assert.deepEqual(
          calls.map(({ at, error }) => [at, (error as TimeoutError).scope]),
          [
            [100, 'total'],
            [50, 'total'],
            [110, 'total'],
            [60, 'total'],
          ],
        );
        assert.deepEqual([statsOf(weather, 'forecast').timeouts, statsOf(weather, 'alike').timeouts], [4, 2]);
      }),
    ));

  test('6 so it does where both timers fire late, in one turn', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout({ attempt: 50, total: 70 })
        @retry(3)
        async forecast(): Promise<void> {
          await never();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      clock.tick(1_000);
      await flush();
      assert.equal((seen.error as TimeoutError).scope, 'total');
      assert.equal(statsOf(weather, 'forecast').attempts, 1);
    }));
});
