import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { circuitBreaker, circuitOf, definePolicy, statsOf, TimeoutError, timeout } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { sleep, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

const twiceAtOnce = definePolicy({
  kind: 'twiceAtOnce',
  stage: 'method',
  around: async (next) => (await Promise.all([next(), next()]))[0],
});

const onceMore = definePolicy({
  kind: 'onceMore',
  stage: 'method',
  async around(next) {
    await next();
    return await next();
  },
});

describe('an attempt whose code a policy enters more than once', () => {
  for (const [how, policy] of [
    ['at once', twiceAtOnce()],
    ['one after the other', onceMore()],
  ] as const) {
    test(`2.1 ${how}: attempt counts from the first entry, and ends once`, () =>
      handled(() =>
        underFakeClock(async (clock) => {
          const told: string[] = [];
          class Weather {
            @timeout({ attempt: 50, onTimeout: ({ scope }) => told.push(scope) })
            @policy
            async forecast(last: number): Promise<string> {
              await sleep(last);
              return 'sunny';
            }
          }
          const weather = new Weather();
          const calls = [5, 40, 10, 60].map((each) => watched(weather.forecast(each)));
          await clock.tickAsync(200);
          const isShort = how === 'at once';
          assert.deepEqual([calls[0]?.at, calls[2]?.at], isShort ? [5, 10] : [10, 20]);
          assert.equal(calls[1]?.at, isShort ? 40 : 50);
          assert.equal(calls[3]?.at, 50);
          assert.ok(calls[3]?.error instanceof TimeoutError);
          const { timeouts, running, abandoned, attempts } = statsOf(Weather, 'forecast');
          assert.deepEqual([timeouts, running, abandoned], isShort ? [1, 0, 0] : [2, 0, 0]);
          assert.ok(attempts >= 4);
          assert.equal(told.length, timeouts);
          const next = watched(weather.forecast(5));
          await clock.tickAsync(10);
          assert.equal(next.value, 'sunny');
          await flush();
          assert.equal(clock.countTimers(), 0);
        }),
      ));
  }

  test('3.3 slowAfter counts from the first entry', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @circuitBreaker({ consecutive: 1, slowAfter: 50 })
        @onceMore()
        async forecast(): Promise<void> {
          await sleep(30);
        }
      }
      const call = new Weather().forecast();
      await clock.tickAsync(60);
      await call;
      assert.equal(circuitOf(Weather, 'forecast').state, 'open');
    }));
});
