import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  concurrency,
  currentCall,
  definePolicy,
  fallback,
  Orchestrator,
  processAll,
  RejectedError,
  retry,
  statsOf,
  type TimeoutConfig,
  TimeoutError,
  timeout,
} from 'opero';
import { runner } from '../../src/core/call/pipeline.js';
import type { Policy, SiteInfo } from '../../src/core/call/policy.js';
import { newStats } from '../../src/core/call/stats.js';
import { admitted } from '../../src/core/call/step.js';
import { builderOf } from '../../src/policies/kinds.js';
import { rankOf } from '../../src/policies/order.js';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { never, sleep, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

describe('8 a TimeoutError is seen like any error', () => {
  test('by retry and by fallback', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @retry({ waitMin: 0, abortOn: TimeoutError })
        @timeout(20)
        async aborted(): Promise<void> {
          await never();
        }

        @fallback({ value: 'known', on: RejectedError })
        @timeout(20)
        async passed(): Promise<string> {
          return await never();
        }

        @fallback({ value: 'known', on: [TimeoutError] })
        @retry({ waitMin: 0, retryOn: TimeoutError, maxAttempts: 2 })
        @timeout(20)
        async meant(): Promise<string> {
          return await never();
        }
      }
      const weather = new Weather();
      const calls = [weather.aborted(), weather.passed(), weather.meant()].map((each) => watched(each));
      await advance(clock, 60);
      assert.deepEqual([calls[0]?.at, calls[1]?.at], [20, 20]);
      assert.ok(calls[0]?.error instanceof TimeoutError && calls[1]?.error instanceof TimeoutError);
      assert.deepEqual(calls[2], { at: 40, value: 'known' });
    }));

  /** What a policy between the two bounds sees of the end of its call. */
  async function endSeen(
    config: TimeoutConfig,
    run: (call: (...args: unknown[]) => Promise<unknown>, tick: (ms: number) => Promise<void>) => Promise<unknown>,
  ): Promise<unknown[]> {
    const seen: unknown[] = [];
    const probe: Policy = {
      kind: 'retry',
      options: {},
      steps: [
        {
          rank: rankOf('retry'),
          wrap: (around) => ({
            admit(call) {
              call.watchAbort(() => seen.push(['abort', call.abortedBy, call.hasStarted]));
              return admitted;
            },
            fail(error, call) {
              seen.push(['fail', call.abortedBy, error instanceof Error]);
              return around.fail(error, call);
            },
          }),
        },
      ],
    };
    const made = (kind: string, given: unknown): Policy => {
      const build = builderOf(kind);
      assert.ok(build);
      return build(given as never, { text: 'test' });
    };
    const policies = [made('timeout', config), probe, made('concurrency', 1)];
    const states = new Map<Policy, unknown>();
    const site: SiteInfo = {
      member: undefined,
      label: 'test',
      name: 'test',
      stats: newStats(),
      signalAt: undefined,
      stateOf<State>(policy: Policy, make: () => State): State {
        if (!states.has(policy)) states.set(policy, make());
        return states.get(policy) as State;
      },
      declaredBy: () => undefined,
      policies,
    };
    const go = runner(policies, site);
    await underFakeClock(async (clock) => {
      await run(
        (...args) => go(never, undefined, args).catch(() => {}),
        (ms) => advance(clock, ms),
      );
    });
    return seen;
  }

  test('an abort by total is told as one of a deadline, at once, with whether the code was entered', async () => {
    const seen = await endSeen({ total: 20 }, async (call, tick) => {
      const calls = [call(), call()];
      await tick(20);
      await Promise.all(calls);
    });
    // The first never ends; the second left the line.
    assert.deepEqual(seen, [
      ['abort', 'deadline', true],
      ['abort', 'deadline', false],
      ['fail', 'deadline', true],
    ]);
  });

  test('an abort by the caller is told as such, with total or without', async () => {
    for (const config of [{ total: 20 }, { attempt: 20 }]) {
      const seen = await endSeen(config, async (call) => {
        const stop = new AbortController();
        const ended = call(stop.signal);
        stop.abort('enough');
        await ended;
      });
      assert.deepEqual(seen[0], ['abort', 'caller', 'total' in config ? true : undefined]);
    }
  });

  test('one of an attempt is no abort of what is around it', async () => {
    const seen = await endSeen({ attempt: 20, total: 100 }, async (call, tick) => {
      const ended = call();
      await tick(20);
      await ended;
    });
    assert.deepEqual(seen, [['fail', undefined, true]]);
  });
});

test('a timeout aborts no neighbour, and a second call gets a fresh signal', () =>
  underFakeClock(async (clock) => {
    const signals: AbortSignal[] = [];
    class Weather {
      @timeout({ attempt: 50, total: 60 })
      async forecast(wait: number): Promise<string> {
        const { signal } = currentCall();
        if (signal !== undefined) signals.push(signal);
        await sleep(wait);
        return 'fine';
      }
    }
    const weather = new Weather();
    const late = watched(weather.forecast(1_000));
    await advance(clock, 10);
    const neighbour = watched(weather.forecast(45));
    await advance(clock, 45);
    assert.ok(late.error instanceof TimeoutError);
    assert.deepEqual(neighbour, { at: 55, value: 'fine' });
    const next = watched(weather.forecast(10));
    await advance(clock, 10);
    assert.equal(next.value, 'fine');
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false, false],
    );
    assert.equal(new Set(signals).size, 3);
  }));

test('total ends a call whose next attempt waits in line behind the one that was given up', () =>
  handled(() =>
    underFakeClock(async (clock) => {
      const work = deferred();
      class Weather {
        @timeout({ attempt: 20, total: 50 })
        @retry({ waitMin: 0 })
        @concurrency(1)
        async forecast(): Promise<void> {
          await work.promise;
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 30);
      assert.equal(statsOf(weather, 'forecast').queued, 1);
      await advance(clock, 20);
      assert.equal(seen.at, 50);
      const { error } = seen;
      assert.ok(error instanceof TimeoutError && error.scope === 'total');
      assert.equal((error.cause as TimeoutError).scope, 'attempt');
      const { queued, running, abandoned, attempts } = statsOf(weather, 'forecast');
      assert.deepEqual({ queued, running, abandoned, attempts }, { queued: 0, running: 1, abandoned: 1, attempts: 1 });
      work.resolve();
      await flush();
      assert.equal(statsOf(weather, 'forecast').running, 0);
      assert.equal(clock.countTimers(), 0);
    }),
  ));

test('an alternative that is decorated has a time of its own', () =>
  underFakeClock(async (clock) => {
    class Weather {
      @fallback('cached')
      @timeout({ total: 20 })
      async forecast(): Promise<string> {
        return await never();
      }

      @timeout(30)
      async cached(): Promise<string> {
        await sleep(25);
        return 'cached';
      }
    }
    const seen = watched(new Weather().forecast());
    await advance(clock, 60);
    assert.deepEqual(seen, { at: 45, value: 'cached' });
  }));

test('the items of a run each have their own time, and an abort of the run reaches them', () =>
  handled(() =>
    underFakeClock(async (clock) => {
      const aborted: unknown[] = [];
      class Weather {
        @timeout({ attempt: 50, total: 60 })
        @retry(2)
        async forecast(wait: number): Promise<number> {
          const { signal } = currentCall();
          signal?.addEventListener('abort', () => aborted.push([wait, (signal.reason as Error).name]));
          await sleep(wait);
          return wait;
        }
      }
      const weather = new Weather();
      const collected = watched(processAll(weather, 'forecast', [10, 1_000, 20], { onError: 'collect' }));
      await advance(clock, 60);
      const results = collected.value as unknown[];
      assert.deepEqual([results[0], (results[1] as Error).cause instanceof TimeoutError, results[2]], [10, true, 20]);
      aborted.length = 0;
      const failed = watched(processAll(weather, 'forecast', [900, 1_000], { concurrency: 2 }));
      await advance(clock, 120);
      assert.ok(failed.error instanceof TimeoutError);
      assert.ok(aborted.length >= 2);
      assert.equal(statsOf(weather, 'forecast').calls, 5);
    }),
  ));

test('an Orchestrator bounds plain functions, which may throw at once', () =>
  underFakeClock(async (clock) => {
    const orchestrator = new Orchestrator({
      timeout: { attempt: 20, total: 50 },
      retry: { maxAttempts: 2, waitMin: 0 },
    });
    const thrown = new Error('at once');
    const fails = (): never => {
      throw thrown;
    };
    assert.equal(await orchestrator.execute(() => 5), 5);
    await assert.rejects(orchestrator.execute(fails), (error) => error === thrown);
    const seen = watched(orchestrator.execute(never));
    await advance(clock, 40);
    assert.ok(seen.error instanceof TimeoutError);
    assert.equal(seen.error.message, 'Orchestrator: attempt 2 took longer than 20 ms');
    assert.equal(clock.countTimers(), 0);
  }));

describe('2.1 timeout and a policy right around the method that has it run twice', () => {
  for (const [name, again] of [
    ['one after the other', async (next: () => Promise<unknown>) => next().catch(() => next())],
    ['side by side', (next: () => Promise<unknown>) => Promise.any([next(), next()])],
  ] as const) {
    test(`2.1 the attempt counts from the first entry: ${name}`, { timeout: 10_000 }, () =>
      underFakeClock(async (clock) => {
        const twice = definePolicy({ kind: 'twice', stage: 'method', around: again });
        class Api {
          entries = 0;

          @timeout(100)
          @twice()
          async get(first: number, second: number): Promise<void> {
            const isFirst = ++this.entries % 2 === 1;
            await new Promise((resolve) => setTimeout(resolve, isFirst ? first : second));
            if (isFirst) throw new Error('down');
          }
        }
        const api = new Api();
        const ends = Promise.allSettled([api.get(60, 300)]);
        await advance(clock, 99);
        assert.equal(statsOf(api, 'get').timeouts, 0);
        await advance(clock, 1);
        assert.equal(statsOf(api, 'get').timeouts, 1);
        await advance(clock, 300);
        assert.ok(((await ends)[0] as PromiseRejectedResult).reason instanceof TimeoutError);
        const quick = api.get(10, 10);
        await advance(clock, 150);
        await quick;
        assert.equal(statsOf(api, 'get').timeouts, 1);
        assert.equal(clock.countTimers(), 0);
      }),
    );
  }
});
