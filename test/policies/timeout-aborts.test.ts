import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import {
  circuitBreaker,
  concurrency,
  currentCall,
  fallback,
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
import { never, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

interface Options {
  readonly signal?: AbortSignal | undefined;
  readonly other?: number;
}

describe('the caller aborts', () => {
  test('7 first: the reason of its signal, and no TimeoutError', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const inner: (AbortSignal | undefined)[] = [];
        class Weather {
          @timeout({ attempt: 50, total: 100 })
          @retry(3)
          async forecast(_signal: AbortSignal): Promise<void> {
            inner.push(currentCall().signal);
            await never();
          }
        }
        const weather = new Weather();
        const stop = new AbortController();
        const seen = watched(weather.forecast(stop.signal));
        await advance(clock, 20);
        stop.abort('enough');
        await flush();
        assert.deepEqual(seen, { at: 20, error: 'enough' });
        assert.deepEqual(
          inner.map((each) => each?.reason),
          ['enough'],
        );
        assert.equal(clock.countTimers(), 0);
        await advance(clock, 200);
        const { timeouts, failures, attempts, running, abandoned } = statsOf(weather, 'forecast');
        assert.deepEqual(
          { timeouts, failures, attempts, running, abandoned },
          { timeouts: 0, failures: 1, attempts: 1, running: 1, abandoned: 1 },
        );
      }),
    ));

  test('7 in the turn of the expiry, before it is told', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Weather {
          @timeout({ attempt: 50, total: 70 })
          @retry(3)
          async forecast(_signal: AbortSignal): Promise<void> {
            await never();
          }
        }
        const weather = new Weather();
        for (const ticks of [50, 70]) {
          for (const turns of [0, 1, 2, 5]) {
            const stop = new AbortController();
            const call = rejection(weather.forecast(stop.signal));
            clock.tick(ticks);
            for (let turn = 0; turn < turns; turn++) await undefined;
            stop.abort('enough');
            assert.equal(await call, 'enough');
            await flush();
            assert.equal(clock.countTimers(), 0);
          }
        }
        assert.equal(statsOf(weather, 'forecast').timeouts, 0);
      }),
    ));

  test('7 by onTimeout itself: the reason of the signal is what it rejects with', () =>
    underFakeClock(async (clock) => {
      const stop = new AbortController();
      class Weather {
        @timeout({ attempt: 50, onTimeout: () => stop.abort('enough') })
        async forecast(_signal: AbortSignal): Promise<void> {
          await never();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast(stop.signal));
      await advance(clock, 50);
      assert.deepEqual(seen, { at: 50, error: 'enough' });
      assert.equal(statsOf(weather, 'forecast').failures, 1);
    }));

  test('a call whose signal is aborted already is not made', async () => {
    class Weather {
      @timeout(50)
      async forecast(_signal: AbortSignal): Promise<void> {}
    }
    const weather = new Weather();
    assert.equal(await rejection(weather.forecast(AbortSignal.abort('enough'))), 'enough');
    assert.equal(statsOf(weather, 'forecast').attempts, 0);
  });

  test('in a hook of the circuit, as that lets it through: the code is not entered', async () => {
    const stop = new AbortController();
    class Weather {
      @circuitBreaker({
        consecutive: 1,
        halfOpenAfter: 0,
        onStateChange: ({ to }) => to === 'half-open' && stop.abort(),
      })
      @timeout({ attempt: 50 })
      async forecast(_signal?: AbortSignal): Promise<void> {
        throw new Error('opens it');
      }
    }
    const weather = new Weather();
    await rejection(weather.forecast());
    assert.equal(await rejection(weather.forecast(stop.signal)), stop.signal.reason);
    await flush();
    assert.equal(statsOf(weather, 'forecast').attempts, 1);
  });

  test('by its own code, before that came to its first await', () =>
    underFakeClock(async (clock) => {
      const stop = new AbortController();
      class Weather {
        @timeout({ attempt: 50, total: 70 })
        async forecast(_signal: AbortSignal): Promise<void> {
          stop.abort('enough');
          await never();
        }
      }
      assert.equal(await rejection(new Weather().forecast(stop.signal)), 'enough');
      assert.equal(clock.countTimers(), 0);
    }));

  test('a thousand calls and retries on one signal add one listener at a time, and leave none', () =>
    handled(async () => {
      const { signal } = new AbortController();
      const count = countListeners(signal);
      class Weather {
        @timeout({ attempt: 1_000, total: 100_000 })
        @retry({ maxAttempts: 1_001, waitMin: 0 })
        async forecast(_options: Options): Promise<number> {
          const { attempt } = currentCall();
          if (attempt <= 1_000) throw new Error('again');
          return attempt;
        }
      }
      const weather = new Weather();
      assert.equal(await weather.forecast({ signal }), 1_001);
      await Promise.all(Array.from({ length: 5 }, () => weather.forecast({ signal })));
      assert.deepEqual([count.most, count.standing.size], [1, 0]);
    }));
});

describe('the signal of an attempt', () => {
  test("11 stands in the place of the caller's, as an argument or in a plain object, which is copied", async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    class Weather {
      @timeout(1_000)
      async forecast(_city: string, last?: unknown): Promise<void> {
        seen.push(last, currentCall().signal);
      }
    }
    const weather = new Weather();
    await weather.forecast('Davos', signal);
    assert.notEqual(seen[0], signal);
    assert.equal(seen[0], seen[1]);
    const options = { signal, other: 5 };
    const bare = Object.assign(Object.create(null), options) as Options;
    for (const each of [options, bare]) {
      seen.length = 0;
      await weather.forecast('Davos', each);
      const passed = seen[0] as Options;
      assert.notEqual(passed, each);
      assert.equal(passed.signal, seen[1]);
      assert.equal(passed.other, 5);
      assert.equal(Object.getPrototypeOf(passed), Object.getPrototypeOf(each));
      assert.equal(each.signal, signal);
    }
    class Settings {
      readonly signal = signal;
    }
    for (const each of [
      new Settings(),
      new Request('http://localhost/', { signal }),
      { other: 5 },
      'text',
      undefined,
    ]) {
      seen.length = 0;
      await weather.forecast('Davos', each);
      assert.equal(seen[0], each);
    }
  });

  test('11 is made only when somebody asks for it', async () => {
    const original = globalThis.AbortController;
    let made = 0;
    globalThis.AbortController = class extends original {
      constructor() {
        super();
        made++;
      }
    };
    try {
      let ask: (() => AbortSignal | undefined) | undefined;
      class Weather {
        @timeout({ attempt: 1_000, total: 2_000 })
        async forecast(): Promise<number> {
          const call = currentCall();
          ask = () => call.signal;
          return call.attempt;
        }
      }
      assert.equal(await new Weather().forecast(), 1);
      assert.equal(made, 0);
      assert.equal(ask?.(), ask?.());
      assert.equal(made, 1);
    } finally {
      globalThis.AbortController = original;
    }
  });

  test('11 asked for when all is over, it is aborted as the attempt was', () =>
    underFakeClock(async (clock) => {
      const calls: { signal: AbortSignal | undefined }[] = [];
      class Weather {
        @retry({ maxAttempts: 2, waitMin: 0 })
        @timeout(50)
        async forecast(): Promise<void> {
          calls.push(currentCall());
          if (calls.length === 1) await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 50);
      assert.equal(seen.at, 50);
      assert.deepEqual(
        calls.map(({ signal }) => signal?.aborted),
        [true, false],
      );
      assert.ok(calls[0]?.signal?.reason instanceof TimeoutError);
    }));

  test('an attempt that waits in line leaves it at the end of the time in all, and costs no permit', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @timeout({ total: 50 })
        @rateLimit({ rate: 1, per: 1_000 })
        async forecast(): Promise<void> {}
      }
      const weather = new Weather();
      await weather.forecast();
      const seen = watched(weather.forecast());
      assert.equal(statsOf(weather, 'forecast').queued, 1);
      await advance(clock, 50);
      assert.ok(seen.error instanceof TimeoutError);
      assert.equal(statsOf(weather, 'forecast').queued, 0);
      await clock.tickAsync(950);
      const next = watched(weather.forecast());
      await flush();
      assert.equal(next.at, 1_000);
    }));
});

describe('AsyncLocalStorage', () => {
  test("in listeners for the abort, in onTimeout and in the fallback it is the call's, whoever set the timer", () =>
    underFakeClock(async (clock) => {
      const storage = new AsyncLocalStorage<number>();
      const seen: unknown[] = [];
      class Weather {
        @fallback('cached')
        @timeout({ attempt: 50, total: 60, onTimeout: ({ scope }) => seen.push(`${scope} ${storage.getStore()}`) })
        @retry({ waitMin: 0 })
        async forecast(): Promise<void> {
          currentCall().signal?.addEventListener('abort', () => seen.push(`abort ${storage.getStore()}`));
          await never();
        }

        async cached(): Promise<void> {
          seen.push(`fallback ${storage.getStore()}`);
        }
      }
      const weather = new Weather();
      const first = storage.run(1, () => weather.forecast());
      const second = storage.run(2, () => weather.forecast());
      await advance(clock, 60);
      await Promise.all([first, second]);
      const told = ['abort', 'attempt', 'abort', 'total', 'fallback'];
      for (const store of [1, 2])
        assert.deepEqual(
          seen.filter((each) => String(each).endsWith(` ${store}`)),
          told.map((each) => `${each} ${store}`),
        );
    }));
});

describe('concurrency', () => {
  test('X10 what was given up holds its slot until it has ended', () =>
    underFakeClock(async (clock) => {
      const work = deferred();
      class Weather {
        @timeout(50)
        @concurrency({ limit: 1, maxWait: 500 })
        async forecast(): Promise<void> {
          await work.promise;
        }
      }
      const weather = new Weather();
      const first = watched(weather.forecast());
      const second = watched(weather.forecast());
      await advance(clock, 100);
      assert.equal(first.at, 50);
      assert.equal(second.at, undefined);
      work.resolve();
      await flush();
      assert.equal(second.at, 100);
      const { running, abandoned } = statsOf(weather, 'forecast');
      assert.deepEqual({ running, abandoned }, { running: 0, abandoned: 0 });
    }));
});
