import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  circuitBreaker,
  circuitOf,
  concurrency,
  definePolicy,
  fallback,
  orchestrate,
  type PolicyDecorator,
  rateLimit,
  retry,
  statsOf,
  timeout,
} from 'opero';
import { underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { never } from '../support/timed.js';

const down = new Error('down');
const wrongKey = (): never => 5 as never;
const late = (): never => Promise.resolve(true) as never;

const stateful = definePolicy({ kind: 'stateful', stage: 'method', state: () => ({}), around: (next) => next() });
const misusing = definePolicy({ kind: 'misusing', stage: 'method', around: (next) => next('no array' as never) });

describe('X3 a ConfigurationError of this very pipeline is never retried', () => {
  const cases: readonly (readonly [what: string, policy: PolicyDecorator])[] = [
    ['key of rateLimit', rateLimit({ rate: 1, key: wrongKey })],
    ['key of concurrency', concurrency({ limit: 1, key: wrongKey })],
    ['key of circuitBreaker', circuitBreaker({ consecutive: 1, key: wrongKey })],
    ['key of a policy of one’s own', stateful({ key: wrongKey })],
    ['failOn', circuitBreaker({ consecutive: 1, failOn: late })],
    ['ignore', circuitBreaker({ consecutive: 1, ignore: late })],
    ['halfOpenAfter', circuitBreaker({ consecutive: 1, halfOpenAfter: () => -1 })],
    ['next() of a policy of one’s own', misusing()],
  ];
  for (const [what, policy] of cases) {
    test(what, async () => {
      const asked: unknown[] = [];
      const retryOn = (error: unknown): boolean => asked.push(error) > 0;
      class Weather {
        @retry({ waitMin: 0, rethrow: false, retryOn, delay: () => 0 })
        @policy
        async forecast(): Promise<void> {
          throw down;
        }
      }
      const error = await rejection(new Weather().forecast());
      assert.ok(error instanceof ConfigurationError, String(error));
      const { attempts, retries, failures, running } = statsOf(Weather, 'forecast');
      assert.ok(attempts <= 1);
      assert.deepEqual([retries, failures, running], [0, 1, 0]);
      assert.deepEqual(asked, []);
    });
  }

  test('failResult', async () => {
    class Weather {
      @retry({ waitMin: 0 })
      @circuitBreaker({ consecutive: 1, failResult: late })
      async forecast(): Promise<number> {
        return 1;
      }
    }
    assert.ok((await rejection(new Weather().forecast())) instanceof ConfigurationError);
    assert.equal(statsOf(Weather, 'forecast').attempts, 1);
  });

  test('nor counted by a circuit breaker, where a policy of one’s own makes it', async () => {
    class Weather {
      @circuitBreaker(1)
      @misusing()
      async forecast(): Promise<void> {}
    }
    assert.ok((await rejection(new Weather().forecast())) instanceof ConfigurationError);
    assert.equal(circuitOf(Weather, 'forecast').state, 'closed');
  });

  test('one that the code throws, and one of another method, is retried as any error', async () => {
    class Weather {
      @concurrency({ limit: 1, key: wrongKey })
      async inner(): Promise<void> {}

      @retry({ waitMin: 0 })
      async outer(): Promise<void> {
        await this.inner();
      }

      @retry({ waitMin: 0 })
      async thrown(): Promise<void> {
        throw new ConfigurationError('mine');
      }
    }
    await rejection(new Weather().outer());
    await rejection(new Weather().thrown());
    assert.deepEqual([statsOf(Weather, 'outer').attempts, statsOf(Weather, 'thrown').attempts], [3, 3]);
  });
});

describe('X7 what a hook throws rejects its call, whatever attempts are left', () => {
  const thrown = new Error('of the hook');
  const throwing = (): never => {
    throw thrown;
  };
  const passing = definePolicy({ kind: 'passing', stage: 'attempt', around: async (next) => await next() });

  const cases: readonly (readonly [what: string, policy: PolicyDecorator])[] = [
    ['failOn', circuitBreaker({ consecutive: 1, failOn: throwing })],
    ['ignore', circuitBreaker({ consecutive: 1, ignore: throwing })],
    ['halfOpenAfter', circuitBreaker({ consecutive: 1, halfOpenAfter: throwing })],
    ['onStateChange', circuitBreaker({ consecutive: 1, onStateChange: throwing })],
    ['onTimeout', timeout({ attempt: 5, onTimeout: throwing })],
    ['X8 key of a circuit', circuitBreaker({ consecutive: 1, key: throwing })],
    ['X8 key of a limit', concurrency({ limit: 1, key: throwing })],
  ];
  for (const [what, policy] of cases) {
    for (const isWrapped of [false, true]) {
      test(`${what}${isWrapped ? ', within a policy of one’s own' : ''}`, () =>
        underFakeClock(async (clock) => {
          const wrapped: PolicyDecorator = isWrapped ? passing() : orchestrate({});
          class Weather {
            @retry({ waitMin: 0, rethrow: false })
            @wrapped
            @policy
            async forecast(): Promise<void> {
              if (what.startsWith('onTimeout')) await never();
              throw down;
            }

            @retry({ waitMin: 0 })
            async other(): Promise<void> {
              throw thrown;
            }
          }
          const call = rejection(new Weather().forecast());
          await clock.tickAsync(5);
          assert.equal(await call, thrown);
          assert.equal(statsOf(Weather, 'forecast').retries, 0);
          // The same object from somebody's code is an error like any other.
          assert.equal(await rejection(new Weather().other()), thrown);
          assert.equal(statsOf(Weather, 'other').attempts, 3);
        }));
    }
  }

  test('onStateChange as a circuit becomes half-open; the next call probes', () =>
    underFakeClock(async (clock) => {
      let throws = true;
      class Weather {
        @retry({ waitMin: 0 })
        @circuitBreaker({
          consecutive: 1,
          halfOpenAfter: 50,
          onStateChange({ to }) {
            if (to === 'half-open' && throws) throw thrown;
          },
        })
        async forecast(fails: boolean): Promise<string> {
          if (fails) throw down;
          return 'sunny';
        }
      }
      const weather = new Weather();
      await rejection(weather.forecast(true));
      await clock.tickAsync(50);
      assert.equal(await rejection(weather.forecast(false)), thrown);
      throws = false;
      assert.equal(await weather.forecast(false), 'sunny');
    }));

  test('the fallback stands in for it, as for what onRetry throws', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @fallback({ value: 'known' })
        @retry({ waitMin: 0 })
        @timeout({ attempt: 5, onTimeout: throwing })
        async forecast(): Promise<string> {
          return await never();
        }
      }
      const call = new Weather().forecast();
      await clock.tickAsync(5);
      assert.equal(await call, 'known');
    }));
});
