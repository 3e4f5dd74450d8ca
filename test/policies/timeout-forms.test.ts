import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  concurrency,
  cpuBound,
  explain,
  Orchestrator,
  orchestrate,
  policiesOf,
  retry,
  statsOf,
  TimeoutError,
  type TimeoutEvent,
  timeout,
} from 'opero';
import { advance, underFakeClock } from '../support/clock.js';
import { never, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

/** When a call ends that never would by itself. */
async function endOf(call: () => Promise<unknown>): Promise<number | undefined> {
  let at: number | undefined;
  await underFakeClock(async (clock) => {
    const seen = watched(call());
    await advance(clock, 100);
    assert.ok(seen.error === undefined || seen.error instanceof TimeoutError);
    at = seen.at;
  });
  return at;
}

describe('X6 timeout', () => {
  test('is inherited, replaced whole, and cut off', async () => {
    class Base {
      @timeout({ attempt: 30, total: 20 })
      async get(): Promise<void> {
        await never();
      }
    }
    class Heir extends Base {
      override async get(): Promise<void> {
        await super.get();
      }
    }
    class Own extends Base {
      @timeout(40)
      override async get(): Promise<void> {
        await super.get();
      }
    }
    class Cut extends Base {
      @orchestrate({ inherit: false })
      override async get(): Promise<void> {
        await super.get();
      }
    }
    const ends: unknown[] = [];
    for (const each of [new Base(), new Heir(), new Own(), new Cut()]) ends.push(await endOf(() => each.get()));
    assert.deepEqual(ends, [20, 20, 40, undefined]);
    assert.deepEqual(
      policiesOf(Own, 'get').map(({ options, declaredBy }) => [options, declaredBy]),
      [[{ attempt: 40 }, Own]],
    );
    assert.equal(statsOf(Heir, 'get').timeouts, 1);
    assert.equal(statsOf(Base, 'get').timeouts, 1);
  });

  test('holds on a class, on static and on private methods', async () => {
    @timeout(20)
    class Whole {
      async get(): Promise<void> {
        await never();
      }
    }
    class Some {
      @timeout(30)
      static async get(): Promise<void> {
        await never();
      }

      @timeout(40)
      async #get(): Promise<void> {
        await never();
      }

      get(): Promise<void> {
        return this.#get();
      }
    }
    const ends: unknown[] = [];
    for (const call of [() => new Whole().get(), () => Some.get(), () => new Some().get()])
      ends.push(await endOf(call));
    assert.deepEqual(ends, [20, 30, 40]);
  });

  test('is a key of orchestrate and of Orchestrator', async () => {
    class Shop {
      @orchestrate({ timeout: 20 })
      async get(): Promise<void> {
        await never();
      }
    }
    const orchestrator = new Orchestrator({ timeout: { total: 30 }, retry: 3 });
    assert.equal(await endOf(() => new Shop().get()), 20);
    assert.equal(await endOf(() => orchestrator.execute(never)), 30);
    assert.equal(await endOf(() => orchestrator.process(never, [1, 2])), 30);
    assert.equal(orchestrator.stats.timeouts, 3);
  });

  test('is told by policiesOf and explain, in the order in force', () => {
    class Shop {
      @concurrency({ limit: 1, maxWait: 10 })
      @retry(4)
      @timeout({ attempt: 20, total: 30 })
      async both(): Promise<void> {}

      @retry(4)
      @timeout(20)
      async one(): Promise<void> {}

      @retry(4)
      @timeout({ total: 20 })
      async whole(): Promise<void> {}
    }
    const kinds = (name: string): string[] => policiesOf(Shop, name).map(({ kind }) => kind);
    assert.deepEqual(
      [kinds('both'), kinds('one'), kinds('whole')],
      [
        ['timeout', 'retry', 'concurrency'],
        ['retry', 'timeout'],
        ['timeout', 'retry'],
      ],
    );
    const text = explain(Shop);
    assert.match(text, / both\(\): timeout\.total > retry > timeout\.attempt > concurrency > the method\n/);
    assert.match(text, / one\(\): retry > timeout > the method\n/);
    assert.match(text, / whole\(\): timeout > retry > the method\n/);
    assert.match(text, /timeout {5}attempt: 20, total: 30 {2}\(from Shop\)\n/);
  });

  test('X10 explain warns of an attempt beside slots that may be held for ever', () => {
    class Shop {
      @timeout(20)
      @concurrency(1)
      async forEver(): Promise<void> {}

      @timeout({ attempt: 20, total: 30 })
      @concurrency(1)
      async inAll(): Promise<void> {}

      @timeout(20)
      @concurrency({ limit: 1, maxWait: 30 })
      async briefly(): Promise<void> {}

      @timeout(20)
      @concurrency(1)
      @cpuBound(import.meta.url)
      async stopped(): Promise<void> {}

      @timeout(20)
      async alone(): Promise<void> {}
    }
    const warnings = explain(Shop)
      .split('\n')
      .filter((line) => line.startsWith('    ! '));
    assert.deepEqual(warnings, [
      '    ! timeout: an attempt that was given up and never ends keeps its slot for ever, and calls wait for it; give timeout a total, or concurrency a maxWait',
    ]);
  });
});

describe('explain, of a timeout', () => {
  test('warns of an attempt that total never lets come to its end', () => {
    class Shop {
      @timeout({ attempt: 50, total: 20 })
      async longer(): Promise<void> {}

      @timeout({ attempt: 20, total: 20 })
      async asLong(): Promise<void> {}

      @timeout({ attempt: 20, total: 21 })
      async shorter(): Promise<void> {}

      @timeout({ total: 20 })
      async inAll(): Promise<void> {}
    }
    const warnings = explain(Shop)
      .split('\n')
      .filter((line) => line.startsWith('    ! '));
    assert.deepEqual(warnings, [
      '    ! timeout: attempt (50 ms) never counts, as total (20 ms) is up before; give attempt less than total',
      '    ! timeout: attempt (20 ms) never counts, as total (20 ms) is up before; give attempt less than total',
    ]);
  });
});

describe('onTimeout', () => {
  test('is told of the scope, the time, the attempt and the error, with the receiver as this, once all is aborted', () =>
    underFakeClock(async (clock) => {
      const told: [unknown, TimeoutEvent][] = [];
      class Weather {
        @timeout({
          attempt: 20,
          total: 50,
          onTimeout(this: unknown, event: TimeoutEvent) {
            told.push([this, event]);
          },
        })
        @retry({ waitMin: 0 })
        async forecast(_city: string): Promise<void> {
          await never();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast('Davos'));
      await advance(clock, 50);
      assert.deepEqual(
        told.map(([, { method, args }]) => [method, args]),
        Array(3).fill(['Weather.forecast', ['Davos']]),
      );
      assert.deepEqual(
        told.map(([self, { scope, timeout, attempt }]) => [self === weather, scope, timeout, attempt]),
        [
          [true, 'attempt', 20, 1],
          [true, 'attempt', 20, 2],
          [true, 'total', 50, 3],
        ],
      );
      assert.equal(told[2]?.[1].error, seen.error);
      assert.equal((seen.error as TimeoutError).cause, told[1]?.[1].error);
    }));

  test('X7 is told of its call in the event: method, args, attempt and signal', () =>
    underFakeClock(async (clock) => {
      const told: TimeoutEvent[] = [];
      const { signal } = new AbortController();
      class Weather {
        @timeout({ attempt: 20, total: 50, onTimeout: (event) => told.push(event) })
        @retry({ waitMin: 0 })
        async forecast(_city: string, _signal?: AbortSignal): Promise<void> {
          await never();
        }
      }
      const seen = watched(new Weather().forecast('Davos', signal));
      await advance(clock, 50);
      assert.ok(seen.error instanceof TimeoutError);
      assert.deepEqual(
        told.map(({ scope, method, attempt }) => [scope, method, attempt]),
        [
          ['attempt', 'Weather.forecast', 1],
          ['attempt', 'Weather.forecast', 2],
          ['total', 'Weather.forecast', 3],
        ],
      );
      for (const { args } of told) assert.deepEqual(args, ['Davos', signal]);
      assert.equal(told[2]?.signal, signal);
      // That of an attempt is the signal of all attempts, for what the hook begins.
      assert.equal(told[0]?.signal?.reason, seen.error);
    }));

  test('that throws fails the attempt, or the call, with that', () =>
    underFakeClock(async (clock) => {
      const thrown = new Error('of the hook');
      const fail = (): never => {
        throw thrown;
      };
      class Weather {
        @timeout({ attempt: 20, onTimeout: fail })
        async once(): Promise<void> {
          await never();
        }

        @timeout({ total: 20, onTimeout: fail })
        async inAll(): Promise<void> {
          await never();
        }
      }
      const weather = new Weather();
      const seen = [weather.once(), weather.inAll()].map((each) => watched(each));
      await advance(clock, 30);
      assert.deepEqual(seen, Array(2).fill({ at: 20, error: thrown }));
    }));

  test('2 is not waited for: what a promise that it gives comes to is nothing to the call, nor unhandled', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Weather {
          @timeout({ attempt: 20, onTimeout: () => never() })
          async slowly(): Promise<void> {
            await never();
          }

          @timeout({ total: 20, onTimeout: () => Promise.reject(new Error('of the hook')) })
          async rejects(): Promise<void> {
            await never();
          }

          @timeout({
            total: 20,
            onTimeout: () => ({
              // biome-ignore lint/suspicious/noThenProperty: as it may come from a library of promises
              then: (_: unknown, reject: (error: Error) => void) => reject(new Error('of the hook')),
            }),
          })
          async thenable(): Promise<void> {
            await never();
          }
        }
        const weather = new Weather();
        const seen = [weather.slowly(), weather.rejects(), weather.thenable()].map((each) => watched(each));
        await advance(clock, 20);
        for (const { at, error } of seen) assert.deepEqual([at, error instanceof TimeoutError], [20, true]);
      }),
    ));
});
