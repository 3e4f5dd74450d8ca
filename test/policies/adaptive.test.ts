import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Clock } from '@sinonjs/fake-timers';
import {
  type AdaptiveLimit,
  type ConcurrencyConfig,
  ConcurrencyLimiter,
  ConfigurationError,
  concurrency,
  configure,
  configureFrom,
  definePolicy,
  explain,
  Orchestrator,
  policiesOf,
  RejectedError,
  retry,
  statsOf,
  TimeoutError,
  timeout,
} from 'opero';
import { runWindow, settled, take, times, type Work } from '../support/adaptive.js';
import { advance, underFakeClock } from '../support/clock.js';
import { handled } from '../support/unhandled.js';

type Args = [work: Work, signal?: AbortSignal];

const server = (config: ConcurrencyConfig<Args> | ConcurrencyLimiter) => {
  class Server {
    entered = 0;
    @concurrency(config as ConcurrencyConfig<Args>)
    async ask(work: Work, signal?: AbortSignal): Promise<void> {
      this.entered++;
      const end = take(work);
      if (work.listens === true && signal !== undefined) {
        const aborted = new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
        end.catch(() => {});
        return Promise.race([end, aborted]);
      }
      return end;
    }
  }
  return { Server, server: new Server() };
};

type Limit = AdaptiveLimit<never, Args>;

const limit = (more: Partial<Limit> = {}): Limit => ({ targetLatency: 50, ...more });

describe('7.6 options', () => {
  const wrong = (given: unknown): string => {
    try {
      concurrency({ limit: given } as ConcurrencyConfig);
      class Server {
        @concurrency({ limit: given } as ConcurrencyConfig)
        async ask(): Promise<void> {}
      }
      return `${Server.name} is fine`;
    } catch (error) {
      assert.ok(error instanceof ConfigurationError);
      return error.message;
    }
  };

  test('7.6 has defaults, and shows them', () => {
    const { Server } = server({ limit: { targetLatency: 250 } });
    assert.deepEqual(policiesOf(Server, 'ask')[0]?.options.limit, {
      min: 1,
      max: 200,
      initial: 20,
      targetLatency: 250,
      dropOn: TimeoutError,
    });
    assert.match(
      explain(Server),
      /limit: \{ min: 1, max: 200, initial: 20, targetLatency: 250, dropOn: \[class TimeoutError/,
    );
  });

  test('7.6 begins at 20 or, by default, at the bound that is nearest to it', () => {
    const initial = (bounds: Partial<Limit>): unknown => {
      const { Server } = server({ limit: limit(bounds) });
      const [policy] = policiesOf(Server, 'ask');
      return (policy?.options.limit as Limit | undefined)?.initial;
    };
    assert.deepEqual([initial({ max: 5 }), initial({ min: 30 }), initial({ min: 2, max: 40 })], [5, 30, 20]);
  });

  test('7.6 says which option is wrong, and what is allowed', () => {
    assert.match(
      wrong({}),
      /^@concurrency on method `ask`: expected `limit\.targetLatency` to be a finite number of milliseconds above 0, got undefined$/,
    );
    assert.match(wrong({ targetLatency: 0 }), /`limit\.targetLatency` to be .* above 0, got 0$/);
    assert.match(wrong(limit({ min: 0 })), /`limit\.min` to be an integer of at least 1, got 0$/);
    assert.match(wrong(limit({ max: 2.5 })), /`limit\.max` to be an integer of at least 1, got 2\.5$/);
    assert.match(
      wrong(limit({ max: Number.POSITIVE_INFINITY })),
      /`limit\.max` to be an integer of at least 1, got Infinity$/,
    );
    assert.match(wrong(limit({ min: 9, max: 3 })), /`limit\.min` to be at most `max` \(3\), got 9$/);
    assert.match(
      wrong(limit({ initial: 9, max: 3 })),
      /`limit\.initial` to be an integer from `min` \(1\) to `max` \(3\), got 9$/,
    );
    assert.match(
      wrong(limit({ initial: 1, min: 3 })),
      /`limit\.initial` to be an integer from `min` \(3\) to `max` \(200\), got 1$/,
    );
    assert.match(
      wrong(limit({ dropOn: 'TimeoutError' as never })),
      /`limit\.dropOn` to be an error class, a predicate/,
    );
    assert.match(
      wrong({ targetLatency: 5, most: 3 }),
      /unknown option `limit\.most` \(3\); known options are min, max, initial, targetLatency, dropOn$/,
    );
    assert.match(wrong([5]), /expected `limit` to be an object, got \[ 5 \]$/);
    assert.match(wrong(null), /`limit` to be an integer of at least 1, or the options of an adaptive limit, got null$/);
    assert.match(wrong('5'), /`limit` to be an integer of at least 1, or the options of an adaptive limit, got '5'$/);
  });

  test('7.6 names the place of a wrong one in a stack, a limiter, an Orchestrator and a configuration', () => {
    const bad = { limit: { targetLatency: -1 } };
    const message = (make: () => unknown): string => {
      try {
        make();
      } catch (error) {
        assert.ok(error instanceof ConfigurationError);
        return error.message;
      }
      return 'none';
    };
    const { Server } = server({ limit: limit() });
    const named = 'expected `LIMIT.targetLatency` to be a finite number of milliseconds above 0, got -1';
    const text = (where: string, path: string): string => `${where}: ${named.replace('LIMIT', path)}`;
    assert.equal(
      message(() => new ConcurrencyLimiter(bad)),
      text('ConcurrencyLimiter', 'limit'),
    );
    assert.equal(
      message(() => new Orchestrator({ concurrency: bad })),
      text('Orchestrator', 'concurrency.limit'),
    );
    assert.equal(
      message(() => new Orchestrator({ concurrency: [5, bad] })),
      text('Orchestrator', 'concurrency[1].limit'),
    );
    assert.equal(
      message(() => configure(Server, 'ask', { concurrency: bad })),
      text('configure() of Server.ask', 'concurrency.limit'),
    );
    assert.equal(
      message(() => configureFrom({ 'Nobody.knows': { concurrency: bad } })),
      text("configureFrom() at 'Nobody.knows'", 'concurrency.limit'),
    );
    const limiter = new ConcurrencyLimiter(5);
    assert.equal(
      message(() => limiter.configure(bad)),
      text('ConcurrencyLimiter.configure()', 'limit'),
    );
    assert.equal(limiter.limit, 5);
  });
});

describe('7.6 windows', () => {
  test('7.6 grows by one where half of it was in use and nothing was slow', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await runWindow(clock, (work) => s.ask(work), 10);
      assert.equal(statsOf(Server, 'ask').limit, 21);
    }));

  test('7.6 stays where less than half of it was in use', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      await runWindow(clock, (work) => s.ask(work), 9);
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await runWindow(clock, (work) => s.ask(work), 10);
      assert.equal(statsOf(Server, 'ask').limit, 21);
      await runWindow(clock, (work) => s.ask(work), 10);
      assert.equal(statsOf(Server, 'ask').limit, 21);
    }));

  test('7.6 one that has stayed where it was has learned nothing: another `initial` is taken', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      await runWindow(clock, (work) => s.ask(work), 9);
      using _initial = configure(Server, 'ask', { concurrency: { limit: limit({ initial: 30 }) } } as never);
      assert.equal(statsOf(Server, 'ask').limit, 30);
      for (let n = 0; n < 2; n++) await runWindow(clock, (work) => s.ask(work), 20);
      using _other = configure(Server, 'ask', { concurrency: { limit: limit({ initial: 50 }) } } as never);
      assert.equal(statsOf(Server, 'ask').limit, 32);
    }));

  test('7.6 shrinks by a tenth, rounded down, where the mean is above the target', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      const ask = (work: Work): Promise<void> => s.ask(work);
      await runWindow(clock, ask, 15, { takes: 55 });
      assert.equal(statsOf(Server, 'ask').limit, 18);
      await runWindow(clock, ask, 15, { takes: 55 });
      assert.equal(statsOf(Server, 'ask').limit, 16);
    }));

  test('7.6 a mean that is the target is not above it', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      const calls = settled(times(10, () => s.ask({ takes: 50 })));
      await advance(clock, 50);
      await calls;
      const last = s.ask({ takes: 50 });
      await advance(clock, 50);
      await last;
      assert.equal(statsOf(Server, 'ask').limit, 21);
    }));

  test('7.6 ends with the first sample at least 100 ms after its first entry', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      const all = settled([...times(12, () => s.ask({ takes: 20 })), s.ask({ takes: 99 }), s.ask({ takes: 100 })]);
      await advance(clock, 99);
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await advance(clock, 1);
      assert.equal(statsOf(Server, 'ask').limit, 21);
      await all;
    }));

  test('7.6 and not before the tenth sample', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      const all = settled(times(10, (at) => s.ask({ takes: at < 9 ? 30 : 700 })));
      await advance(clock, 500);
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await advance(clock, 200);
      assert.equal(statsOf(Server, 'ask').limit, 18);
      await all;
    }));

  test('7.6 moves once per window, and the next one begins with the next entry', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit({ targetLatency: 1000 }) });
      const first = settled(times(20, () => s.ask({ takes: 100 })));
      await advance(clock, 100);
      // Ten of the twenty ended no window any more.
      assert.equal(statsOf(Server, 'ask').limit, 21);
      await first;
      await advance(clock, 5000);
      const second = settled(times(20, () => s.ask({ takes: 99 })));
      await advance(clock, 99);
      assert.equal(statsOf(Server, 'ask').limit, 21);
      await second;
      const last = s.ask({ takes: 1 });
      await advance(clock, 1);
      await last;
      assert.equal(statsOf(Server, 'ask').limit, 22);
    }));

  test('7.6 the bounds hold', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit({ min: 3, initial: 4, max: 5 }) });
      const seen: number[] = [];
      for (const takes of [20, 20, 20, 60, 60, 60, 60]) {
        const calls = settled(times(20, () => s.ask({ takes })));
        await advance(clock, 500);
        await calls;
        seen.push(statsOf(Server, 'ask').limit);
      }
      assert.ok(seen.includes(5) && seen.at(-1) === 3, String(seen));
      assert.ok(
        seen.every((each) => each >= 3 && each <= 5),
        String(seen),
      );
    }));

  test('7.6 waiting for a slot is no time in the method', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit({ initial: 1 }) });
      const calls = settled(times(11, () => s.ask({ takes: 45 })));
      await advance(clock, 45 * 11);
      await calls;
      assert.equal(statsOf(Server, 'ask').limit, 2);
    }));

  test('7.6 growing admits those in line at once', () =>
    underFakeClock(async (clock) => {
      const { server: s } = server({ limit: limit({ initial: 2 }) });
      const calls = settled([...times(10, () => s.ask({ takes: 20 })), ...times(8, () => s.ask({ takes: 400 }))]);
      await advance(clock, 100);
      // Ten have ended, by two at a time; the tenth ended the window.
      assert.equal(s.entered, 13);
      await advance(clock, 3000);
      await calls;
    }));

  test('7.6 shrinking takes no slot back', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit({ initial: 10 }) });
      const calls = settled([...times(8, () => s.ask({ takes: 60 })), ...times(2, () => s.ask({ takes: 900 }))]);
      const more = settled(times(12, () => s.ask({ takes: 900 })));
      await advance(clock, 60);
      assert.equal(statsOf(Server, 'ask').running, 10);
      await advance(clock, 845);
      // 905 ms: two ended at 900, both slow, which made the ten samples.
      assert.equal(statsOf(Server, 'ask').limit, 9);
      assert.equal(statsOf(Server, 'ask').running, 9);
      await advance(clock, 2000);
      await calls;
      await more;
    }));

  test('7.3 a weight above what the limit has shrunk to waits, and runs alone; one above its `max` is an error', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({
        limit: limit({ initial: 4, max: 6 }),
        weight: ({ key }) => Number(key ?? 1),
      });
      await runWindow(clock, (work) => s.ask(work), 10, { takes: 60 });
      assert.equal(statsOf(Server, 'ask').limit, 3);
      const light = s.ask({ takes: 20 });
      const heavy = s.ask({ takes: 30, key: '6' });
      const behind = s.ask({ takes: 5 });
      await advance(clock, 20);
      await light;
      assert.deepEqual([statsOf(Server, 'ask').running, statsOf(Server, 'ask').queued], [1, 1]);
      await advance(clock, 35);
      await Promise.all([heavy, behind]);
      await assert.rejects(s.ask({ takes: 5, key: '7' }), {
        name: 'ConfigurationError',
        message: /limit of 6, got 7$/,
      });
    }));

  test('7.6 what is in use counts by its weight', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit(), weight: ({ key }) => Number(key ?? 1) });
      const ask = (key: string) =>
        settled([s.ask({ takes: 1, key }), ...times(8, () => s.ask({ takes: 1, key: '0' }))]);
      for (const [key, expected] of [
        ['9', 20],
        ['10', 21],
      ] as const) {
        const calls = ask(key);
        await advance(clock, 100);
        await calls;
        const last = s.ask({ takes: 0, key: '0' });
        await advance(clock, 1);
        await last;
        assert.equal(statsOf(Server, 'ask').limit, expected);
      }
    }));
});

describe('7.6 drops, errors and neutral ends', () => {
  const drop = new TimeoutError('too late', 5, 'attempt');

  test('7.6 shrinks where 5 % of the ends were TimeoutErrors, and not where fewer were', () =>
    underFakeClock(async (clock) => {
      for (const [count, expected] of [
        [20, 18],
        [21, 21],
      ]) {
        const { Server, server: s } = server({ limit: limit() });
        const calls = settled(times(count - 1, (at) => s.ask({ takes: 20, ...(at === 0 && { error: drop }) })));
        await advance(clock, 100);
        await calls;
        await runLast(clock, (work) => s.ask(work));
        assert.equal(statsOf(Server, 'ask').limit, expected);
      }
    }));

  const runLast = async (clock: Clock, ask: (work: Work) => Promise<void>): Promise<void> => {
    const last = ask({ takes: 1 });
    await advance(clock, 1);
    await last;
  };

  test('7.6 `dropOn` says which errors are drops: a class, a predicate, several', () =>
    underFakeClock(async (clock) => {
      const matchers: [Limit['dropOn'], number][] = [
        [RangeError, 18],
        [TypeError, 21],
        [[TypeError, RangeError], 18],
        [(error: Error) => error.message === 'busy', 18],
        [() => false, 21],
        [[], 21],
      ];
      for (const [dropOn, expected] of matchers) {
        const { Server, server: s } = server({ limit: limit({ ...(dropOn && { dropOn }) }) });
        await runWindow(clock, (work) => s.ask(work).catch(() => {}), 12, { error: new RangeError('busy') });
        assert.equal(statsOf(Server, 'ask').limit, expected, String(dropOn));
      }
    }));

  test('7.6 a predicate gets the error and the call, with the receiver as `this`', () =>
    underFakeClock(async (clock) => {
      const seen: unknown[] = [];
      class Server {
        readonly name = 'one';
        @concurrency({
          limit: {
            targetLatency: 50,
            dropOn(this: Server, error: Error, { method, args, attempt }): boolean {
              seen.push([this.name, error.message, method, args, attempt]);
              return false;
            },
          },
        })
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const work = { takes: 1, error: new Error('busy') };
      const call = settled([new Server().ask(work)]);
      await advance(clock, 1);
      await call;
      assert.deepEqual(seen, [['one', 'busy', 'Server.ask', [work], 1]]);
    }));

  test('7.6 a predicate that throws, or gives a promise, rejects that call, gives its slot back and is no sample', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        for (const [dropOn, rejects] of [
          [
            () => {
              throw new RangeError('mine');
            },
            { name: 'RangeError', message: 'mine' },
          ],
          [
            async () => {
              throw new Error('unseen');
            },
            { name: 'ConfigurationError', message: /`dropOn` to return true or false, not a promise/ },
          ],
        ] as const) {
          class Server {
            @retry({ maxAttempts: 3, waitMin: 0 })
            @concurrency({ limit: { targetLatency: 50, dropOn: dropOn as () => boolean } })
            async ask(work: Work): Promise<void> {
              return take(work);
            }
          }
          const s = new Server();
          const failing = times(20, () => assert.rejects(s.ask({ takes: 60, error: new Error('busy') }), rejects));
          await advance(clock, 100);
          await Promise.all(failing);
          const { attempts, running } = statsOf(Server, 'ask');
          assert.deepEqual({ attempts, running }, { attempts: 20, running: 0 });
          const quick = settled(times(10, () => s.ask({ takes: 1 })));
          await advance(clock, 1);
          await quick;
          assert.equal(statsOf(Server, 'ask').limit, 21);
        }
      }),
    ));

  test('7.6 errors count among the ten, and not in the mean', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      const error = new Error('no');
      const calls = settled([...times(9, () => s.ask({ takes: 300, error })), s.ask({ takes: 20 })]);
      await advance(clock, 300);
      await calls;
      assert.equal(statsOf(Server, 'ask').limit, 21);
    }));

  test('7.6 an attempt given up by a timeout is a drop at its expiry, and no sample when it ends', () =>
    underFakeClock(async (clock) => {
      class Server {
        @timeout(40)
        @concurrency({ limit: { targetLatency: 1000, dropOn: [] } })
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      const rests = settled(times(18, () => s.ask({ takes: 20 })));
      const hangs = settled([s.ask({ takes: 500 })]);
      await advance(clock, 99);
      await rests;
      await hangs;
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await runLast(clock, (work) => s.ask(work));
      // One in twenty, while it still holds its slot.
      assert.deepEqual([statsOf(Server, 'ask').limit, statsOf(Server, 'ask').abandoned], [18, 1]);
      await advance(clock, 300);
      const calls = settled(times(9, () => s.ask({ takes: 1 })));
      await advance(clock, 100);
      await calls;
      // At 500 ms it has ended, as the tenth would have.
      assert.equal(statsOf(Server, 'ask').abandoned, 0);
      assert.equal(statsOf(Server, 'ask').limit, 18);
    }));

  test('7.6 `timeout.total` drops what runs, and not what waits', () =>
    underFakeClock(async (clock) => {
      class Server {
        @timeout({ total: 120 })
        @concurrency({ limit: { initial: 10, targetLatency: 1000 } })
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      const calls = settled(times(40, () => s.ask({ takes: 500 })));
      await advance(clock, 120);
      await calls;
      assert.equal(statsOf(Server, 'ask').limit, 9);
      assert.deepEqual([statsOf(Server, 'ask').queued, statsOf(Server, 'ask').abandoned], [0, 10]);
      await advance(clock, 500);
      assert.deepEqual([statsOf(Server, 'ask').running, statsOf(Server, 'ask').limit], [0, 9]);
    }));

  test('7.6 a caller that leaves is no sample', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      const aborter = new AbortController();
      const leaving = settled(times(20, (at) => s.ask({ takes: 40, listens: at % 2 === 0 }, aborter.signal)));
      await advance(clock, 30);
      aborter.abort(drop);
      await leaving;
      await advance(clock, 70);
      const calls = settled(times(9, () => s.ask({ takes: 1 })));
      await advance(clock, 1);
      await calls;
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await runLast(clock, (work) => s.ask(work));
      assert.equal(statsOf(Server, 'ask').limit, 21);
    }));

  test('7.6 unless that lasted beyond the target: then its time counts, at once', () =>
    underFakeClock(async (clock) => {
      for (const listens of [true, false]) {
        const { Server, server: s } = server({ limit: limit() });
        const aborter = new AbortController();
        const leaving = settled(times(11, () => s.ask({ takes: 1000, listens }, aborter.signal)));
        await advance(clock, 120);
        aborter.abort('enough');
        await leaving;
        assert.equal(statsOf(Server, 'ask').limit, 18);
        // What still runs ends outside of any window.
        await advance(clock, 1000);
        assert.equal(statsOf(Server, 'ask').limit, 18);
      }
    }));

  test('7.6 or its code went on beyond the target', () =>
    underFakeClock(async (clock) => {
      const { Server, server: s } = server({ limit: limit() });
      const aborter = new AbortController();
      const leaving = settled(times(10, () => s.ask({ takes: 200 }, aborter.signal)));
      await advance(clock, 20);
      aborter.abort('enough');
      await leaving;
      assert.equal(statsOf(Server, 'ask').limit, 20);
      await advance(clock, 180);
      assert.equal(statsOf(Server, 'ask').limit, 18);
    }));

  test("X3 what this pipeline itself rejects is no sample, another's rejection is an error like any", () =>
    underFakeClock(async (clock) => {
      const outer = new ConcurrencyLimiter({ limit: limit({ initial: 15, dropOn: RejectedError }) });
      class Server {
        @concurrency([outer, { limit: 1, maxQueue: 0 }])
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      const calls = settled(times(15, () => s.ask({ takes: 100 })));
      await advance(clock, 100);
      await calls;
      for (let at = 0; at < 9; at++) await runLast(clock, (work) => s.ask(work));
      assert.deepEqual([statsOf(Server, 'ask').rejected, outer.limit, outer.used], [14, 15, 0]);
      const { Server: Other, server: other } = server({ limit: limit({ dropOn: RejectedError }) });
      await runWindow(clock, (work) => other.ask(work).catch(() => {}), 12, {
        error: new RejectedError('full', 'concurrency', 'queue-full'),
      });
      assert.equal(statsOf(Other, 'ask').limit, 18);
    }));

  test('7.6 a synchronous throw is an error, and a retry enters anew', () =>
    underFakeClock(async (clock) => {
      let attempts = 0;
      class Server {
        @retry({ maxAttempts: 2, waitMin: 0 })
        @concurrency({ limit: { initial: 1, targetLatency: 50 } })
        ask(): Promise<void> {
          attempts++;
          throw new Error('no');
        }
      }
      const s = new Server();
      const calls = settled(times(5, () => s.ask()));
      await advance(clock, 100);
      await calls;
      assert.deepEqual([attempts, statsOf(Server, 'ask').limit], [10, 1]);
      const last = settled([s.ask()]);
      await advance(clock, 1);
      await last;
      assert.deepEqual([attempts, statsOf(Server, 'ask').limit], [12, 2]);
    }));

  test('7.6 what enters the code twice for one call is one sample, from its first entry', () =>
    underFakeClock(async (clock) => {
      const twice = definePolicy({
        kind: 'twice',
        stage: 'method',
        async around(next) {
          await next();
          return await next();
        },
      });
      class Server {
        @concurrency({ limit: { initial: 4, targetLatency: 50 } })
        @twice()
        async ask(work: Work): Promise<void> {
          return take(work);
        }
      }
      const s = new Server();
      const calls = settled(times(9, () => s.ask({ takes: 30 })));
      await advance(clock, 400);
      await calls;
      assert.equal(statsOf(Server, 'ask').limit, 4);
      const last = s.ask({ takes: 30 });
      await advance(clock, 60);
      await last;
      assert.equal(statsOf(Server, 'ask').limit, 3);
    }));
});
