import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import type { Clock } from '@sinonjs/fake-timers';
import {
  ConfigurationError,
  cache,
  cacheOf,
  circuitBreaker,
  concurrency,
  configure,
  currentCall,
  fallback,
  type HookContext,
  isTimeoutError,
  Orchestrator,
  orchestrate,
  policiesOf,
  rateLimit,
  register,
  retry,
  statsOf,
  timeout,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';

/** The runs of a method that each wait to be settled by hand. */
class Runs {
  readonly all: {
    readonly args: readonly unknown[];
    readonly signal: AbortSignal | undefined;
    end: Deferred<unknown>;
  }[] = [];

  begin(...args: unknown[]): Promise<unknown> {
    const end = deferred<unknown>();
    this.all.push({ args, signal: currentCall().signal, end });
    return end.promise;
  }

  end(at: number, value: unknown): void {
    this.all[at]?.end.resolve(value);
  }

  fail(at: number, error: unknown): void {
    this.all[at]?.end.reject(error);
  }

  get count(): number {
    return this.all.length;
  }

  isAborted(at: number): boolean | undefined {
    return this.all[at]?.signal?.aborted;
  }
}

class Weather extends Runs {
  @cache({ ttl: 100 })
  async get(..._args: unknown[]): Promise<unknown> {
    return this.begin(..._args);
  }

  @cache({ ttl: 100, staleWhileRevalidate: 50 })
  async swr(..._args: unknown[]): Promise<unknown> {
    return this.begin(..._args);
  }

  @cache({ ttl: 100, staleIfError: 50 })
  async sie(..._args: unknown[]): Promise<unknown> {
    return this.begin(..._args);
  }

  @cache({ ttl: 0, staleIfError: Number.POSITIVE_INFINITY })
  async last(..._args: unknown[]): Promise<unknown> {
    return this.begin(..._args);
  }
}

const down = new Error('down');

/** A test in which no time passes but what the clock is moved on by. */
const still = (name: string, run: (clock: Clock) => Promise<void>): void => {
  test(name, () => underFakeClock(run));
};

/** Has a value kept, by one run. */
async function filled(weather: Weather, method: 'get' | 'swr' | 'sie' | 'last', value: unknown): Promise<void> {
  const at = weather.count;
  const call = weather[method]('a');
  weather.end(at, value);
  assert.equal(await call, value);
}

/** Those of a cache among the counts. */
function counts(subject: object, method: string): Record<string, number> {
  const { calls, attempts, failures, cacheHits, cacheMisses, staleHits, coalesced, refreshFailures } = statsOf(
    subject,
    method,
  );
  return { calls, attempts, failures, cacheHits, cacheMisses, staleHits, coalesced, refreshFailures };
}

const none = {
  calls: 0,
  attempts: 0,
  failures: 0,
  cacheHits: 0,
  cacheMisses: 0,
  staleHits: 0,
  coalesced: 0,
  refreshFailures: 0,
};

describe('5.2 misses of one key share one run', () => {
  still('10,000 misses at once make one attempt', async () => {
    class Own extends Weather {}
    const weather = new Own();
    const calls = Array.from({ length: 10_000 }, () => weather.get('a'));
    const other = weather.get('b');
    assert.equal(weather.count, 2);
    const value = {};
    weather.end(0, value);
    for (const each of await Promise.all(calls)) assert.equal(each, value);
    weather.end(1, 'b');
    assert.equal(await other, 'b');
    assert.deepEqual(counts(Own, 'get'), { ...none, calls: 10_001, attempts: 2, cacheMisses: 2, coalesced: 9999 });
    assert.equal(await weather.get('a'), value);
    assert.equal(statsOf(Own, 'get').cacheHits, 1);
  });

  still('two tenants’ instances are apart, unless the scope is the class', async () => {
    class Tenants {
      entered = 0;
      @cache(1000)
      async own(): Promise<number> {
        return ++this.entered;
      }
      @cache({ ttl: 1000, scope: 'class' })
      async shared(): Promise<number> {
        return ++this.entered;
      }
      @cache(1000)
      static async make(): Promise<object> {
        return {};
      }
      @cache(1000)
      async #hidden(): Promise<object> {
        return {};
      }
      hidden(): Promise<object> {
        return this.#hidden();
      }
    }
    class Sub extends Tenants {}
    const [one, other, sub] = [new Tenants(), new Tenants(), new Sub()];
    assert.deepEqual([await one.own(), await other.own(), await one.own()], [1, 1, 1]);
    assert.deepEqual([await one.shared(), await other.shared(), other.entered], [2, 2, 1]);
    assert.deepEqual([await sub.shared(), await sub.shared(), sub.entered], [1, 1, 1]);
    assert.equal(await Tenants.make(), await Tenants.make());
    assert.notEqual(await Tenants.make(), await Sub.make());
    assert.equal(await one.hidden(), await one.hidden());
    assert.notEqual(await one.hidden(), await other.hidden());
  });

  still('a run is registered before its code is entered', async () => {
    class Nested {
      readonly inner: Promise<unknown>[] = [];
      @cache(1000)
      async get(): Promise<number> {
        if (this.inner.length === 0) this.inner.push(this.get());
        return 1;
      }
    }
    const nested = new Nested();
    assert.deepEqual([await nested.get(), await nested.inner[0]], [1, 1]);
    assert.deepEqual(counts(Nested, 'get'), { ...none, calls: 2, attempts: 1, cacheMisses: 1, coalesced: 1 });
  });
});

describe('5.3 rejections are never stored', () => {
  still('all who joined get the same error, the next call runs anew', () =>
    handled(async () => {
      class Own extends Weather {}
      const weather = new Own();
      const calls = [weather.get('a'), weather.get('a'), weather.get('a')];
      weather.fail(0, down);
      for (const each of calls) assert.equal(await rejection(each), down);
      await filled(weather, 'get', 'again');
      assert.deepEqual(counts(Own, 'get'), {
        ...none,
        calls: 4,
        attempts: 2,
        failures: 3,
        cacheMisses: 2,
        coalesced: 2,
      });
    }),
  );

  still('nor is what the code throws at once', async () => {
    class Thrower {
      entered = 0;
      @cache(1000)
      get(): Promise<void> {
        this.entered++;
        throw down;
      }
    }
    const thrower = new Thrower();
    assert.equal(await rejection(thrower.get()), down);
    assert.equal(await rejection(thrower.get()), down);
    assert.equal(thrower.entered, 2);
  });
});

still('5.4 any value is stored, by reference', async () => {
  for (const value of [undefined, null, 0, '', Number.NaN, {}, [], () => {}, new Error('a value')]) {
    const weather = new Weather();
    const call = weather.get();
    weather.end(0, value);
    assert.ok(Object.is(await call, value));
    assert.ok(Object.is(await weather.get(), value));
    assert.equal(weather.count, 1);
  }
});

describe('5.5 age', () => {
  test('counts from the end of the run; at age ≥ ttl it is stale', () =>
    underFakeClock(async (clock) => {
      const weather = new Weather();
      const call = weather.get();
      clock.tick(500);
      weather.end(0, 1);
      await call;
      clock.tick(99);
      assert.equal(await weather.get(), 1);
      clock.tick(1);
      const second = weather.get();
      assert.equal(weather.count, 2);
      weather.end(1, 2);
      assert.equal(await second, 2);
      assert.equal(await weather.get(), 2);
      assert.equal(clock.countTimers(), 0);
    }));

  test('a hit makes nothing younger', () =>
    underFakeClock(async (clock) => {
      const weather = new Weather();
      await filled(weather, 'get', 1);
      for (let i = 0; i < 3; i++) {
        clock.tick(33);
        assert.equal(await weather.get('a'), 1);
      }
      clock.tick(1);
      weather.get('a');
      assert.equal(weather.count, 2);
    }));

  test('Infinity is never stale', () =>
    underFakeClock(async (clock) => {
      class Forever extends Runs {
        @cache(Number.POSITIVE_INFINITY)
        async get(): Promise<unknown> {
          return this.begin();
        }
      }
      const forever = new Forever();
      clock.tick(10_000);
      const call = forever.get();
      forever.end(0, 1);
      await call;
      clock.tick(2 ** 40);
      assert.equal(await forever.get(), 1);
      clock.setSystemTime(0);
      assert.equal(await forever.get(), 1);
      clock.uninstall();
      // By a clock that was set back.
      await underFakeClock(async () => assert.equal(await forever.get(), 1));
    }));

  test('where the clock is set back, a value from the future is none', async () => {
    const weather = new Weather();
    await underFakeClock(async (clock) => {
      clock.tick(10_000);
      await filled(weather, 'get', 'get');
      await filled(weather, 'swr', 'swr');
      await filled(weather, 'sie', 'sie');
    });
    await underFakeClock(async () => {
      const calls = [weather.get('a'), weather.swr('a'), weather.sie('a')];
      assert.equal(weather.count, 6);
      assert.equal(cacheOf(weather, 'get').get(cacheOf(weather, 'get').keyOf('a')), undefined);
      weather.end(3, 1);
      weather.end(4, 2);
      weather.fail(5, down);
      assert.deepEqual([await calls[0], await calls[1], await rejection(calls[2] as Promise<unknown>)], [1, 2, down]);
      assert.equal(await weather.get('a'), 1);
    });
  });
});

describe('5.6 staleWhileRevalidate', () => {
  test('gives the stale value at once, with one run behind it per key', () =>
    underFakeClock(async (clock) => {
      class Own extends Weather {}
      const weather = new Own();
      await filled(weather, 'swr', 'old');
      clock.tick(100);
      assert.deepEqual(await Promise.all([weather.swr('a'), weather.swr('a'), weather.swr('a')]), [
        'old',
        'old',
        'old',
      ]);
      assert.equal(weather.count, 2);
      clock.tick(49);
      assert.equal(await weather.swr('a'), 'old');
      weather.end(1, 'new');
      await flush();
      assert.equal(await weather.swr('a'), 'new');
      clock.tick(99);
      assert.equal(await weather.swr('a'), 'new');
      assert.deepEqual(counts(Own, 'swr'), {
        ...none,
        calls: 7,
        attempts: 2,
        cacheMisses: 1,
        staleHits: 4,
        cacheHits: 2,
      });
    }));

  test('beyond it, a call waits for the run, the one that is under way behind included', () =>
    underFakeClock(async (clock) => {
      class Own extends Weather {}
      const weather = new Own();
      await filled(weather, 'swr', 'old');
      clock.tick(120);
      assert.equal(await weather.swr('a'), 'old');
      clock.tick(30);
      const waiting = weather.swr('a');
      assert.equal(weather.count, 2);
      weather.end(1, 'new');
      assert.equal(await waiting, 'new');
      assert.equal(statsOf(Own, 'swr').coalesced, 1);
      clock.tick(150);
      const miss = weather.swr('a');
      weather.end(2, 'newer');
      assert.equal(await miss, 'newer');
      assert.equal(statsOf(Own, 'swr').cacheMisses, 2);
    }));

  test('a failure of that run is counted, and goes nowhere', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Own extends Weather {}
        const weather = new Own();
        await filled(weather, 'swr', 'old');
        clock.tick(100);
        assert.equal(await weather.swr('a'), 'old');
        weather.fail(1, down);
        await flush();
        assert.equal(await weather.swr('a'), 'old');
        assert.equal(weather.count, 3);
        weather.fail(2, down);
        await flush();
        const { failures, refreshFailures } = statsOf(Own, 'swr');
        assert.deepEqual([failures, refreshFailures], [0, 2]);
      }),
    ));

  test('the run behind has a signal of its own: it goes on when the caller who began it aborts, or who joined it', () =>
    underFakeClock(async (clock) => {
      const weather = new Weather();
      await filled(weather, 'swr', 'old');
      clock.tick(100);
      const controller = new AbortController();
      assert.equal(await weather.swr('a', controller.signal), 'old');
      controller.abort();
      clock.tick(50);
      const joining = new AbortController();
      const joined = weather.swr('a', joining.signal);
      joining.abort('bye');
      assert.equal(await rejection(joined), 'bye');
      assert.equal(weather.isAborted(1), false);
      weather.end(1, 'new');
      await flush();
      assert.equal(await weather.swr('a'), 'new');
      assert.equal(weather.count, 2);
    }));

  test('delete and clear abort it, as nobody waits for it; that is no failure', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Own extends Weather {}
        for (const end of ['delete', 'clear', 'set'] as const) {
          const weather = new Own();
          const handle = cacheOf(weather, 'swr');
          const key = handle.keyOf('a');
          await filled(weather, 'swr', 'old');
          clock.tick(100);
          assert.equal(await weather.swr('a'), 'old');
          handle[end](key, 'by hand');
          assert.equal(weather.isAborted(1), true);
          assert.equal(
            `${weather.all[1]?.signal?.reason}`,
            'AbortError: what it was to give was deleted or set meanwhile',
          );
          weather.fail(1, weather.all[1]?.signal?.reason);
          await flush();
          assert.equal(handle.get(key), end === 'set' ? 'by hand' : undefined);
        }
        assert.equal(statsOf(Own, 'swr').refreshFailures, 0);
        assert.equal(statsOf(Own, 'swr').abandoned, 0);
      }),
    ));
});

describe('5.7 staleIfError', () => {
  test('a run that fails gives the stale value, to all who joined; its age stays', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Own extends Weather {}
        const weather = new Own();
        await filled(weather, 'sie', 'old');
        clock.tick(100);
        const calls = [weather.sie('a'), weather.sie('a')];
        weather.fail(1, down);
        assert.deepEqual(await Promise.all(calls), ['old', 'old']);
        clock.tick(49);
        const late = weather.sie('a');
        weather.fail(2, down);
        assert.equal(await late, 'old');
        assert.deepEqual(counts(Own, 'sie'), {
          ...none,
          calls: 4,
          attempts: 3,
          cacheMisses: 3,
          coalesced: 1,
          staleHits: 3,
          refreshFailures: 2,
        });
        const tooLate = weather.sie('a');
        clock.tick(1);
        weather.fail(3, down);
        assert.equal(await rejection(tooLate), down);
      }),
    ));

  still('with ttl 0: always runs, and falls back on the last value', async () => {
    const weather = new Weather();
    await filled(weather, 'last', 1);
    await filled(weather, 'last', 2);
    const call = weather.last('a');
    weather.fail(2, down);
    assert.equal(await call, 2);
    assert.equal(weather.count, 3);
  });

  still('as an object without `on` it holds for every error', async () => {
    class Objects extends Runs {
      @cache({ ttl: 0, staleIfError: { for: 100, on: undefined as never } })
      async last(): Promise<unknown> {
        return this.begin();
      }
    }
    const objects = new Objects();
    const first = objects.last();
    objects.end(0, 1);
    await first;
    const call = objects.last();
    objects.fail(1, down);
    assert.equal(await call, 1);
  });

  still('without it what was set meanwhile stands in for no error', async () => {
    const weather = new Weather();
    const handle = cacheOf(weather, 'get');
    const call = weather.get('a');
    handle.set(handle.keyOf('a'), 'by hand');
    weather.fail(0, down);
    assert.equal(await rejection(call), down);
    assert.equal(await weather.get('a'), 'by hand');
  });

  still('not for an abort', () =>
    handled(async () => {
      const weather = new Weather();
      await filled(weather, 'last', 1);
      const before = statsOf(weather, 'last');
      const controller = new AbortController();
      const aborted = weather.last('a', controller.signal);
      controller.abort('bye');
      assert.equal(await rejection(aborted), 'bye');
      assert.equal(weather.isAborted(1), true);
      weather.fail(1, 'bye');
      await flush();
      assert.equal(statsOf(weather, 'last').staleHits, before.staleHits);
      assert.equal(statsOf(weather, 'last').refreshFailures, before.refreshFailures);
      // A caller who is aborted once the run has failed, and before the outcome has come to it.
      const late = new AbortController();
      const call = weather.last('a', late.signal);
      const other = weather.last('a');
      weather.all[2]?.end.promise.catch(() => late.abort('late'));
      weather.fail(2, down);
      assert.equal(await rejection(call), 'late');
      assert.equal(await other, 1);
    }),
  );

  still('an error of the name AbortError that no abort has led to is one', async () => {
    const weather = new Weather();
    await filled(weather, 'last', 1);
    const call = weather.last('a');
    weather.fail(1, new DOMException('not ours', 'AbortError'));
    assert.equal(await call, 1);
  });

  still('`on` says for which errors, of each caller; it may be async, and gets the call', () =>
    handled(async () => {
      const seen: unknown[] = [];
      class Chosen extends Runs {
        @cache<Chosen, [id: string, n: number]>({
          ttl: 0,
          key: (id) => id,
          staleIfError: {
            for: 1000,
            async on(error, { args: [, n], attempt, method }) {
              seen.push([this instanceof Chosen, n, attempt, method]);
              await undefined;
              if (n === 3) throw new Error('hook');
              return error === down;
            },
          },
        })
        async get(id: string, n: number): Promise<unknown> {
          return this.begin(id, n);
        }
        @cache({ ttl: 0, staleIfError: { for: 1000, on: TypeError } })
        async typed(): Promise<unknown> {
          return this.begin();
        }
      }
      const chosen = new Chosen();
      const first = chosen.get('a', 0);
      chosen.end(0, 'old');
      await first;
      const calls = [chosen.get('a', 1), chosen.get('a', 2), chosen.get('a', 3)];
      chosen.fail(1, down);
      assert.deepEqual([await calls[0], await calls[1]], ['old', 'old']);
      assert.match(String(await rejection(calls[2] as Promise<unknown>)), /hook/);
      assert.deepEqual(new Set(seen.map(String)), new Set([1, 2, 3].map((n) => String([true, n, 1, 'Chosen.get']))));
      const other = chosen.get('a', 4);
      chosen.fail(2, 'other');
      assert.equal(await rejection(other), 'other');

      const typed = chosen.typed();
      chosen.end(3, 'old');
      await typed;
      const failing = [chosen.typed(), 0] as const;
      chosen.fail(4, new TypeError('no'));
      assert.equal(await failing[0], 'old');
      const untyped = chosen.typed();
      chosen.fail(5, down);
      assert.equal(await rejection(untyped), down);
      assert.deepEqual(policiesOf(Chosen, 'typed')[0]?.options.staleIfError, { for: 1000, on: TypeError });
    }),
  );

  still('an abort while `on` is asked rejects that caller', () =>
    handled(async () => {
      const asked = deferred<boolean>();
      class Slow extends Runs {
        @cache({ ttl: 0, staleIfError: { for: 1000, on: () => asked.promise } })
        async get(_signal?: AbortSignal): Promise<unknown> {
          return this.begin();
        }
      }
      const slow = new Slow();
      const first = slow.get();
      slow.end(0, 1);
      await first;
      const controller = new AbortController();
      const call = slow.get(controller.signal);
      slow.fail(1, down);
      await flush();
      controller.abort('bye');
      assert.equal(await rejection(call), 'bye');
      asked.resolve(true);
      await flush();
      const { failures, staleHits } = statsOf(Slow, 'get');
      assert.deepEqual([failures, staleHits], [1, 0]);
    }),
  );

  still('a hook beneath that throws rejects the call all the same', async () => {
    class Hooked {
      entered = 0;
      @cache({ ttl: 0, staleIfError: 1000 })
      @retry({
        waitMin: 0,
        onRetry: () => {
          throw new Error('hook');
        },
      })
      async get(): Promise<number> {
        if (++this.entered === 2) throw down;
        return this.entered;
      }
    }
    const hooked = new Hooked();
    await hooked.get();
    await assert.rejects(hooked.get(), /hook/);
  });

  still('the error stands where the stale value went meanwhile', async () => {
    const weather = new Weather();
    await filled(weather, 'last', 1);
    const call = weather.last('a');
    cacheOf(weather, 'last').clear();
    weather.fail(1, down);
    assert.equal(await rejection(call), down);
  });
});

describe('5.8 the shared run has a signal of its own', () => {
  still('a caller’s abort rejects that caller alone; when the last has left, the run is aborted and forgotten', () =>
    handled(async () => {
      class Own extends Weather {}
      const weather = new Own();
      const controllers = Array.from({ length: 3 }, () => new AbortController());
      const calls = controllers.map(({ signal }) => weather.get('a', { signal }));
      const passed = weather.all[0]?.args[1] as { signal: AbortSignal };
      assert.equal(passed.signal, weather.all[0]?.signal);
      assert.notEqual(passed.signal, controllers[0]?.signal);
      for (const at of [0, 2]) {
        controllers[at]?.abort(at);
        assert.equal(await rejection(calls[at] as Promise<unknown>), at);
        assert.equal(weather.isAborted(0), false);
      }
      controllers[1]?.abort('last');
      assert.equal(weather.isAborted(0), true);
      assert.equal(passed.signal.reason, 'last');
      const next = weather.get('a');
      assert.equal(weather.count, 2);
      assert.equal(statsOf(Own, 'get').abandoned, 1);
      assert.equal(await rejection(calls[1] as Promise<unknown>), 'last');
      weather.end(0, 'too late');
      await flush();
      weather.end(1, 'next');
      assert.equal(await next, 'next');
      assert.equal(await weather.get('a'), 'next');
      const { running, abandoned, failures } = statsOf(Own, 'get');
      assert.deepEqual([running, abandoned, failures], [0, 0, 3]);
    }),
  );

  still('who leaves once the run has ended aborts nothing', async () => {
    const controller = new AbortController();
    class Late extends Runs {
      @cache({
        ttl: 0,
        staleIfError: {
          for: 1000,
          on: () => {
            controller.abort('late');
            return true;
          },
        },
      })
      async get(_signal?: AbortSignal): Promise<unknown> {
        return this.begin();
      }
    }
    const late = new Late();
    const filling = late.get();
    late.end(0, 1);
    await filling;
    // It is the other one who is told first.
    const calls = [late.get(controller.signal), late.get()];
    late.fail(1, down);
    assert.deepEqual([await rejection(calls[0] as Promise<unknown>), await calls[1]], ['late', 1]);
    assert.equal(late.isAborted(1), false);
  });

  still('the first caller may leave, and the others get what the run gives', async () => {
    const weather = new Weather();
    const controller = new AbortController();
    const first = weather.get('a', controller.signal);
    const others = [weather.get('a'), weather.get('a')];
    controller.abort('bye');
    assert.equal(await rejection(first), 'bye');
    weather.end(0, 1);
    assert.deepEqual(await Promise.all(others), [1, 1]);
    assert.equal(await weather.get('a'), 1);
  });

  still('callers who share a signal leave together', async () => {
    const weather = new Weather();
    const controller = new AbortController();
    const count = countListeners(controller.signal);
    const calls = Array.from({ length: 100 }, () => weather.get('a', controller.signal));
    assert.equal(count.most, 1);
    controller.abort('bye');
    for (const each of calls) assert.equal(await rejection(each), 'bye');
    assert.equal(weather.isAborted(0), true);
    assert.equal(count.standing.size, 0);
  });

  still('a hit, a miss and a call that joined leave no listener', async () => {
    const weather = new Weather();
    const { signal } = new AbortController();
    const count = countListeners(signal);
    const calls = [weather.get('a', signal), weather.get('a', signal)];
    weather.end(0, 1);
    await Promise.all(calls);
    await weather.get('a', signal);
    assert.equal(count.standing.size, 0);
  });

  still('a signal that is aborted before, and one that the code itself aborts', () =>
    handled(async () => {
      const weather = new Weather();
      assert.equal(await rejection(weather.get('a', AbortSignal.abort('before'))), 'before');
      assert.equal(weather.count, 0);
      const controller = new AbortController();
      class Rash {
        signal: AbortSignal | undefined;
        @cache(1000)
        async get(_signal?: AbortSignal): Promise<number> {
          this.signal = currentCall().signal;
          controller.abort('own');
          return 1;
        }
      }
      const rash = new Rash();
      assert.equal(await rejection(rash.get(controller.signal)), 'own');
      assert.equal(rash.signal?.aborted, true);
      assert.equal(cacheOf(rash, 'get').size, 0);
      assert.equal(await rash.get(), 1);
    }),
  );

  still('the reason of a signal that the method got by its place is that of the last who left', async () => {
    class Placed extends Runs {
      @orchestrate({ cache: 1000, signalAt: { argument: 1, name: 'abortSignal' } })
      async get(_id: string, options?: { abortSignal?: AbortSignal }): Promise<unknown> {
        return this.begin(options?.abortSignal);
      }
    }
    const placed = new Placed();
    const controller = new AbortController();
    const call = placed.get('a', { abortSignal: controller.signal });
    assert.equal(placed.all[0]?.args[0], placed.all[0]?.signal);
    controller.abort('bye');
    assert.equal(await rejection(call), 'bye');
    assert.equal(placed.isAborted(0), true);
  });
});

function receiver(this: unknown): string {
  return typeof this;
}

describe('5.9 cacheOf', () => {
  test('size, keyOf, get, set, delete, clear', () =>
    underFakeClock(async (clock) => {
      const weather = new Weather();
      const handle = cacheOf(weather, 'get');
      const key = handle.keyOf('a');
      assert.deepEqual([handle.size, handle.get(key), handle.delete(key)], [0, undefined, false]);
      await filled(weather, 'get', 1);
      assert.deepEqual([handle.size, handle.get(key)], [1, 1]);
      clock.tick(99);
      handle.set(key, 2);
      handle.set(handle.keyOf('b'), undefined);
      assert.equal(handle.size, 2);
      clock.tick(99);
      assert.deepEqual([await weather.get('a'), await weather.get('b')], [2, undefined]);
      assert.equal(weather.count, 1);
      clock.tick(1);
      assert.deepEqual([handle.size, handle.get(key)], [2, undefined]);
      assert.equal(handle.delete(key), true);
      assert.equal(handle.size, 1);
      handle.clear();
      assert.equal(handle.size, 0);
    }));

  still('delete, clear and set cut off runs under way: they fill nothing, and go on for their callers', () =>
    handled(async () => {
      for (const cut of ['delete', 'clear', 'set'] as const) {
        const weather = new Weather();
        const handle = cacheOf(weather, 'get');
        const key = handle.keyOf('a');
        const controller = new AbortController();
        const before = [weather.get('a'), weather.get('a', controller.signal)];
        handle[cut](key, 'by hand');
        const after = weather.get('a');
        assert.equal(weather.count, cut === 'set' ? 1 : 2);
        controller.abort('bye');
        assert.equal(await rejection(before[1] as Promise<unknown>), 'bye');
        assert.equal(weather.isAborted(0), false);
        weather.end(0, 'old');
        assert.equal(await before[0], 'old');
        assert.equal(handle.get(key), cut === 'set' ? 'by hand' : undefined);
        weather.end(1, 'new');
        assert.equal(await after, cut === 'set' ? 'by hand' : 'new');
        assert.equal(await weather.get('a'), cut === 'set' ? 'by hand' : 'new');
      }
    }),
  );

  still('so is one behind a stale value, which somebody has joined', async (clock) => {
    class Own extends Weather {}
    const weather = new Own();
    await filled(weather, 'swr', 'old');
    clock.tick(100);
    await weather.swr('a');
    clock.tick(50);
    const controller = new AbortController();
    const joined = weather.swr('a', controller.signal);
    cacheOf(weather as Weather, 'swr').clear();
    assert.equal(weather.isAborted(1), false);
    controller.abort('bye');
    assert.equal(await rejection(joined), 'bye');
    assert.equal(weather.isAborted(1), true);
    weather.fail(1, 'bye');
    await flush();
    assert.equal(statsOf(Own, 'swr').refreshFailures, 0);
  });

  still('a run that was cut off is aborted when the last of its callers has left, and no other', async () => {
    const weather = new Weather();
    const controller = new AbortController();
    const call = weather.get('a', controller.signal);
    cacheOf(weather, 'get').clear();
    const after = weather.get('a');
    controller.abort('bye');
    assert.equal(await rejection(call), 'bye');
    assert.deepEqual([weather.isAborted(0), weather.isAborted(1)], [true, false]);
    const joined = weather.get('a');
    assert.equal(weather.count, 2);
    weather.end(1, 1);
    assert.deepEqual([await after, await joined], [1, 1]);
  });

  still('who hears of the abort by delete, clear or set may ask again at once', async (clock) => {
    for (const cut of ['delete', 'clear', 'set'] as const) {
      const weather = new Weather();
      const handle = cacheOf(weather, 'swr');
      const key = handle.keyOf('a');
      await filled(weather, 'swr', 'old');
      clock.tick(100);
      await weather.swr('a');
      let again: Promise<unknown> | undefined;
      weather.all[1]?.signal?.addEventListener('abort', () => {
        again = weather.swr('a');
      });
      handle[cut](key, 'by hand');
      assert.equal(weather.count, cut === 'set' ? 2 : 3);
      weather.end(1, 'late');
      weather.end(2, 'new');
      assert.equal(await again, cut === 'set' ? 'by hand' : 'new');
      assert.equal(handle.get(key), cut === 'set' ? 'by hand' : 'new');
    }
  });

  test('keyOf asks `key`, with the receiver', () => {
    class Keyed {
      readonly prefix = 'p';
      @cache({
        ttl: 1,
        key(this: Keyed, id: number) {
          return `${this.prefix}${id}`;
        },
      })
      async get(_id: number): Promise<void> {}
      @cache({ ttl: 1, key: (() => 5) as never })
      async wrong(): Promise<void> {}
    }
    const keyed = new Keyed();
    assert.equal(cacheOf(keyed, 'get').keyOf(7), 'p7');
    class Shared {
      @cache({ ttl: 1, scope: 'class', key: receiver })
      async get(): Promise<void> {}
      @cache({ ttl: 1, scope: 'class', key: receiver })
      static async make(): Promise<void> {}
    }
    assert.deepEqual([cacheOf(Shared, 'get').keyOf(), cacheOf(Shared, 'make').keyOf()], ['undefined', 'function']);
    assert.throws(
      () => cacheOf(keyed, 'wrong').keyOf(),
      /^ConfigurationError: @cache on Keyed\.wrong: expected `key` to return a string, got 5/,
    );
    assert.throws(() => cacheOf(new Weather(), 'get').keyOf([]), ConfigurationError);
  });

  still('of the class, of static and private methods, and of subclasses', async () => {
    const symbol = Symbol('method');
    class Base {
      @cache({ ttl: 1000, scope: 'class' })
      async all(): Promise<number> {
        return 1;
      }
      @cache(1000)
      static async make(): Promise<number> {
        return 2;
      }
      @cache(1000)
      async #hidden(): Promise<number> {
        return 3;
      }
      hidden(): Promise<number> {
        return this.#hidden();
      }
      @cache(1000)
      static async #own(): Promise<number> {
        return 4;
      }
      static own(): Promise<number> {
        return Base.#own();
      }
      @cache(1000)
      async [symbol](): Promise<void> {}
      @cache(1000)
      async '7'(): Promise<void> {}
    }
    class Sub extends Base {
      override async all(): Promise<number> {
        return (await super.all()) + 10;
      }
    }
    const [base, sub] = [new Base(), new Sub()];
    for (const each of [base, sub]) {
      await each.all();
      await each.hidden();
    }
    await Base.make();
    assert.equal(cacheOf(Base, 'all').get(cacheOf(Base, 'all').keyOf()), 1);
    assert.equal(cacheOf(sub, 'all').get(''), 11);
    assert.equal(cacheOf(Sub, 'all').size, 1);
    await Base.own();
    for (const name of ['make', 'static make'] as const) assert.equal(cacheOf(Base, name).size, 1);
    assert.deepEqual(
      [cacheOf(Base, '#own' as string).size, cacheOf(base, symbol).size, cacheOf(base as object, 7).size],
      [1, 0, 0],
    );
    assert.equal(cacheOf(Sub, 'make').size, 0);
    assert.deepEqual([cacheOf(base, '#hidden').size, cacheOf(sub, '#hidden').size], [1, 1]);
  });

  still('what it is asked wrongly', async () => {
    class Plain {
      async get(): Promise<void> {}
      @retry()
      async other(): Promise<void> {}
    }
    const weather = new Weather();
    const cases: [() => unknown, RegExp][] = [
      [
        () => cacheOf(Weather, 'get'),
        /Weather\.get has a cache for each instance: give one, got the function Weather|class/,
      ],
      [() => cacheOf(weather, 'none' as never), /Weather\.none is not a method/],
      [() => cacheOf(new Plain(), 'get'), /Plain\.get has no cache: put @cache on it/],
      [() => cacheOf(new Plain(), 'other'), /Plain\.other has no cache: put @cache on it/],
      [() => cacheOf(weather, undefined as never), /expected the name of a method of Weather, got undefined/],
      [() => cacheOf(weather, (() => {}) as never), /expected the name of a method, got a function/],
      [() => cacheOf(new Orchestrator(), () => 1), /has no cache: give it the option `cache`/],
      [() => cacheOf(new Orchestrator({ cache: 1 }), 'x' as never), /expected a function that the Orchestrator runs/],
      [() => cacheOf(5 as never, 'get' as never), /expected a class or an instance, got 5/],
      [() => cacheOf(Plain, 'other'), /Plain\.other has no cache: put @cache on it/],
      [() => cacheOf(Plain, 'get'), /Plain\.get has no cache: put @cache on it/],
      [
        () => cacheOf(new (class {})(), undefined as never),
        /expected the name of a method of the class, got undefined/,
      ],
      [
        () => cacheOf(weather, 'get').get(5 as never),
        /\(\)\.get\(\): expected the key to be a string, got 5; `keyOf\(\.\.\.\)` gives the one of some arguments/,
      ],
      [
        () => cacheOf(weather, 'get').set(5 as never, 1),
        /cacheOf\(\)\.set\(\): expected the key to be a string, got 5/,
      ],
      [() => cacheOf(weather, 'get').delete(5 as never), /cacheOf\(\)\.delete\(\): expected the key to be a string/],
      [() => cacheOf(weather, 'get').set('a', Promise.resolve(1)), /expected a value, got Promise/],
    ];
    for (const [ask, message] of cases) {
      assert.throws(ask, (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /^cacheOf\(\)/);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});

describe('5.10 over `max`', () => {
  class Small extends Runs {
    @cache({ ttl: 1000, max: 2 })
    async get(id: string): Promise<unknown> {
      return this.begin(id);
    }
    async fill(...ids: string[]): Promise<void> {
      for (const id of ids) {
        const call = this.get(id);
        this.end(this.count - 1, id);
        await call;
      }
    }
    kept(...ids: string[]): boolean[] {
      const handle = cacheOf(this as Small, 'get');
      return ids.map((id) => handle.get(handle.keyOf(id)) !== undefined);
    }
  }

  still('the least recently used go; to look by hand is no use', async () => {
    const small = new Small();
    await small.fill('a', 'b');
    small.kept('b');
    await small.get('a');
    small.kept('b');
    await small.fill('c');
    assert.deepEqual(small.kept('a', 'b', 'c'), [true, false, true]);
    assert.equal(cacheOf(small as Small, 'get').size, 2);
  });

  still('never a run under way', async () => {
    const small = new Small();
    const calls = ['a', 'b', 'c', 'd'].map((id) => small.get(id));
    const joined = ['a', 'b', 'c', 'd'].map((id) => small.get(id));
    assert.equal(small.count, 4);
    cacheOf(small as Small, 'get').set('x', 1);
    cacheOf(small as Small, 'get').set('y', 1);
    cacheOf(small as Small, 'get').set('z', 1);
    for (const at of [0, 1, 2, 3]) small.end(at, at);
    assert.deepEqual(await Promise.all([...calls, ...joined]), [0, 1, 2, 3, 0, 1, 2, 3]);
    assert.deepEqual(small.kept('a', 'b', 'c', 'd'), [false, false, true, true]);
  });

  test('what is too old for anything goes as new values come', () =>
    underFakeClock(async (clock) => {
      class Old {
        @cache({ ttl: 10, staleIfError: 10, max: 100 })
        async get(id: number): Promise<number> {
          return id;
        }
      }
      const old = new Old();
      for (let id = 0; id < 10; id++) await old.get(id);
      clock.tick(19);
      await old.get(10);
      assert.equal(cacheOf(old, 'get').size, 11);
      clock.tick(1);
      for (let id = 11; id < 16; id++) await old.get(id);
      assert.equal(cacheOf(old, 'get').size, 6);
    }));

  test('what is too old for anything goes when its key is asked for, whatever the run comes to', () =>
    underFakeClock(async (clock) => {
      class Old {
        isDown = false;
        @cache({ ttl: 10, staleIfError: 10 })
        async get(_id: string): Promise<number> {
          if (this.isDown) throw down;
          return 1;
        }
      }
      const old = new Old();
      for (const id of ['a', 'b']) await old.get(id);
      old.isDown = true;
      clock.tick(19);
      assert.equal(await old.get('a'), 1);
      assert.equal(cacheOf(old, 'get').size, 2);
      clock.tick(1);
      assert.equal(await rejection(old.get('a')), down);
      assert.equal(cacheOf(old, 'get').size, 1);
    }));

  still('memory is taken for the values that there are', async () => {
    class Huge {
      @cache({ ttl: 1000, max: 2 ** 40 })
      async get(): Promise<number> {
        return 1;
      }
    }
    assert.equal(await new Huge().get(), 1);
  });
});

test('5.11 a hit enters no limit, breaker, budget or retry', () =>
  underFakeClock(async (clock) => {
    class Guarded {
      entered = 0;
      @cache(1000)
      @retry({ maxAttempts: 2, waitMin: 1, jitter: 'none' })
      @circuitBreaker({ consecutive: 1 })
      @rateLimit({ rate: 1, per: 1e9, maxQueue: 0 })
      @concurrency({ limit: 1, maxQueue: 0 })
      @timeout({ total: 50 })
      async get(id: string): Promise<number> {
        this.entered++;
        if (id === 'down') throw down;
        return this.entered;
      }
    }
    const guarded = new Guarded();
    assert.equal(await guarded.get('a'), 1);
    const failing = rejection(guarded.get('down'));
    await clock.tickAsync(100);
    await failing;
    for (let i = 0; i < 10; i++) assert.equal(await guarded.get('a'), 1);
    const { attempts, cacheHits, rejected } = statsOf(Guarded, 'get');
    assert.deepEqual([attempts, cacheHits], [1, 10]);
    assert.ok(rejected > 0);
  }));

describe('5.12 each caller keeps its own', () => {
  still('fallback', async () => {
    class Own extends Runs {
      @cache({ ttl: 1000, key: (id: string) => id })
      @fallback('other')
      async get(id: string, n: number): Promise<unknown> {
        return this.begin(id, n);
      }
      async other(_id: string, n: number): Promise<unknown> {
        return n;
      }
    }
    const own = new Own();
    const calls = [own.get('a', 1), own.get('a', 2)];
    own.fail(0, down);
    assert.deepEqual(await Promise.all(calls), [1, 2]);
    assert.equal(cacheOf(own as Own, 'get').size, 0);
    assert.equal(statsOf(Own, 'get').fallbacks, 2);
  });

  still('AsyncLocalStorage: the run has that of the first caller, what follows has that of each', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    class Stored extends Runs {
      @cache({
        ttl: 0,
        staleIfError: 1000,
        cacheResult: () => seen.push(['cacheResult', storage.getStore()]) > 0,
      })
      @fallback({
        alternatives: [
          () => {
            seen.push(['fallback', storage.getStore()]);
          },
        ],
      })
      async get(): Promise<unknown> {
        const end = this.begin();
        await undefined;
        seen.push(['run', storage.getStore()]);
        return end;
      }
    }
    const stored = new Stored();
    const failing = [storage.run('a', () => stored.get()), storage.run('b', () => stored.get())];
    storage.run('c', () => stored.fail(0, down));
    await Promise.all(failing);
    const filling = [storage.run('a', () => stored.get()), storage.run('b', () => stored.get())];
    storage.run('c', () => stored.end(1, 1));
    await Promise.all(filling);
    assert.deepEqual(seen, [
      ['run', 'a'],
      ['fallback', 'b'],
      ['fallback', 'a'],
      ['run', 'a'],
      ['cacheResult', 'a'],
    ]);
  });

  still('a fallback is told of the attempts that led to it', async () => {
    const told: unknown[] = [];
    class Told extends Runs {
      @cache(1000)
      @retry({ maxAttempts: 3, waitMin: 0 })
      @fallback('other')
      async get(): Promise<unknown> {
        throw down;
      }
      async other(): Promise<unknown> {
        const { attempt, error } = currentCall();
        told.push(attempt, error);
        return 1;
      }
    }
    const tell = new Told();
    await Promise.all([tell.get(), tell.get()]);
    assert.deepEqual(told, [3, down, 3, down]);
    assert.equal(statsOf(Told, 'get').attempts, 3);
  });
});

describe('cacheResult', () => {
  still('says which values are kept; the next call runs anew; what was kept before stays', async () => {
    class Choosy extends Runs {
      @cache<Choosy, [id: string], number>({
        ttl: 0,
        staleIfError: 1000,
        cacheResult(value, { args: [id], attempt, method, signal }) {
          assert.deepEqual([this.count > 0, id, attempt, method], [true, 'a', 1, 'Choosy.get']);
          assert.ok(signal);
          return value > 1;
        },
      })
      async get(id: string): Promise<number> {
        return (await this.begin(id)) as number;
      }
    }
    const choosy = new Choosy();
    const handle = cacheOf(choosy, 'get');
    const first = choosy.get('a');
    choosy.end(0, 1);
    assert.equal(await first, 1);
    assert.equal(handle.size, 0);
    const second = choosy.get('a');
    choosy.end(1, 2);
    await second;
    const third = choosy.get('a');
    choosy.end(2, 0);
    assert.equal(await third, 0);
    const failing = choosy.get('a');
    choosy.fail(3, down);
    assert.equal(await failing, 2);
  });

  still('if it throws, or gives a promise, the run rejects with that, whatever is stale, and no attempt follows', () =>
    handled(async () => {
      for (const wrong of [
        () => {
          throw new Error('hook');
        },
        () => Promise.reject(new Error('late')) as never,
      ]) {
        let answer: () => boolean = () => true;
        class Wrong {
          entered = 0;
          @cache({ ttl: 0, staleIfError: 1000, cacheResult: () => answer() })
          @retry({ waitMin: 0 })
          async get(): Promise<number> {
            return ++this.entered;
          }
        }
        const object = new Wrong();
        await object.get();
        answer = wrong;
        const errors = [await Promise.all([rejection(object.get()), rejection(object.get())])].flat();
        assert.match(
          String(errors[0]),
          /hook|@cache on \w+\.\w+: expected `cacheResult` to return true or false, not a promise/,
        );
        assert.equal(errors[0], errors[1]);
        assert.equal(object.entered, 2);
      }
    }),
  );

  test('behind a stale value what it throws is counted, and goes nowhere', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        let fails = false;
        class Wrong {
          @cache({
            ttl: 10,
            staleWhileRevalidate: 100,
            cacheResult: () => {
              if (fails) throw new Error('hook');
              return true;
            },
          })
          async get(): Promise<number> {
            return 1;
          }
        }
        const object = new Wrong();
        await object.get();
        fails = true;
        clock.tick(10);
        assert.equal(await object.get(), 1);
        await flush();
        assert.equal(statsOf(Wrong, 'get').refreshFailures, 1);
      }),
    ));

  still('of a run that was cut off it is not asked', async () => {
    let asked = 0;
    class Asked extends Runs {
      @cache({ ttl: 1000, cacheResult: () => ++asked > 0 })
      async get(): Promise<unknown> {
        return this.begin();
      }
    }
    const object = new Asked();
    const call = object.get();
    cacheOf(object as Asked, 'get').clear();
    object.end(0, 1);
    await call;
    assert.equal(asked, 0);
  });
});

still('what `cacheResult` deletes is not kept', async () => {
  class Deleting {
    @cache({
      ttl: 1000,
      cacheResult(this: Deleting) {
        cacheOf(this, 'get').clear();
        return true;
      },
    })
    async get(): Promise<number> {
      return 1;
    }
  }
  const deleting = new Deleting();
  await deleting.get();
  assert.equal(cacheOf(deleting, 'get').size, 0);
});

describe('options', () => {
  const wrong: [unknown, RegExp][] = [
    [undefined, /expected `ttl` to be a number of milliseconds of at least 0 or Infinity, got undefined/],
    [{}, /expected `ttl`/],
    [null, /expected `ttl`/],
    [-1, /expected `ttl`.*got -1/],
    [Number.NaN, /expected `ttl`.*got NaN/],
    ['1', /expected `ttl`.*got '1'/],
    [0, /expected `ttl` to be above 0, or beside `staleIfError`/],
    [{ ttl: 0, staleIfError: { for: 0 } }, /expected `ttl` to be above 0/],
    [{ ttl: 1, max: 0 }, /expected `max` to be an integer of at least 1, got 0/],
    [{ ttl: 1, max: Number.POSITIVE_INFINITY }, /expected `max`/],
    [{ ttl: 1, key: 'a' }, /expected `key` to be a function/],
    [{ ttl: 1, scope: 'all' }, /expected `scope` to be 'class' or 'instance'/],
    [{ ttl: 1, staleWhileRevalidate: -1 }, /expected `staleWhileRevalidate`/],
    [{ ttl: 1, staleIfError: null }, /expected `staleIfError` to be .*\{ for, on \}.*got null/],
    [{ ttl: 1, staleIfError: {} }, /expected `staleIfError` to be .*\{ for, on \}/],
    [{ ttl: 1, staleIfError: { for: 1, on: 5 } }, /expected `staleIfError`/],
    [{ ttl: 1, staleIfError: { for: 1, when: 5 } }, /expected `staleIfError`/],
    [{ ttl: 1, cacheResult: true }, /expected `cacheResult` to be a function/],
    [{ ttl: 1, size: 5 }, /unknown option `size`/],
  ];
  test('that are wrong are told of at decoration, and by an Orchestrator', () => {
    for (const [given, message] of wrong) {
      const decorate = (): void => {
        class Wrong {
          @cache(given as never)
          async get(): Promise<void> {}
        }
        register(Wrong);
      };
      assert.throws(decorate, (error) => error instanceof ConfigurationError && message.test(error.message));
    }
    assert.throws(() => new Orchestrator({ cache: { ttl: -1 } }), /expected `cache\.ttl`/);
  });

  test('policiesOf shows them, with defaults; later changes of what was given are of no matter', () => {
    const staleIfError = { for: 5 };
    class Shown {
      @cache(5)
      async short(): Promise<void> {}
      @cache({ ttl: 1, staleIfError })
      async long(): Promise<void> {}
    }
    staleIfError.for = 6;
    const defaults = { max: 1000, scope: 'instance', staleWhileRevalidate: 0 };
    assert.deepEqual(policiesOf(Shown, 'short')[0]?.options, { ttl: 5, ...defaults, staleIfError: 0 });
    assert.deepEqual(policiesOf(Shown, 'long')[0]?.options, { ttl: 1, ...defaults, staleIfError: { for: 5 } });
  });

  test('X11 on a class they are a ConfigurationError at decoration', () => {
    const onClass = (): void => {
      // @ts-expect-error
      @cache(5)
      class All {
        async get(): Promise<void> {}
      }
      register(All);
    };
    assert.throws(onClass, /@cache on class `All`: cache goes on methods, each by itself: it would keep /);
    const orchestrated = (): void => {
      @orchestrate({ cache: 5 })
      class All {
        async get(): Promise<void> {}
      }
      register(All);
    };
    assert.throws(orchestrated, /@orchestrate on class `All`: cache goes on methods, each by itself: /);
  });
});

describe('10 configure', () => {
  test('takes effect at the next call; what is kept stays; key and scope are fixed', () =>
    underFakeClock(async (clock) => {
      const weather = new Weather();
      await filled(weather, 'get', 1);
      clock.tick(500);
      {
        using _ = configure(Weather, 'get', { cache: { ttl: 1000, max: 1 } });
        assert.equal(await weather.get('a'), 1);
        cacheOf(weather, 'get').set('b', 2);
        assert.equal(cacheOf(weather, 'get').size, 1);
      }
      const handle = cacheOf(weather, 'get');
      handle.set(handle.keyOf('a'), 1);
      {
        using _ = configure(Weather, 'get', { cache: false });
        const call = weather.get('a');
        assert.equal(weather.count, 2);
        weather.end(1, 3);
        assert.equal(await call, 3);
        assert.equal(handle.size, 2);
      }
      assert.equal(await weather.get('a'), 1);
      for (const options of [{ key: () => 'a' }, { scope: 'class' }]) {
        const asked = () => configure(Weather, 'get', { cache: options as never });
        assert.throws(asked, /stays as it was declared/);
      }
      assert.throws(() => configure(Weather, 'get', { cache: 0 }), /expected `ttl` to be above 0/);
      assert.throws(() => configure(Weather, 'get', { singleFlight: {} }), /has no singleFlight policy/);
      using _ = configure(Weather, '*', { cache: { ttl: 5 } });
      assert.equal(policiesOf(Weather, 'sie')[0]?.options.ttl, 5);
    }));

  still(
    'a smaller `max` keeps those used last, and those under way fill by what is in force at their end',
    async () => {
      class Shrunk extends Runs {
        @cache({ ttl: 1000, max: 5 })
        async get(id: string): Promise<unknown> {
          return this.begin(id);
        }
      }
      const shrunk = new Shrunk();
      const handle = cacheOf(shrunk as Shrunk, 'get');
      for (const id of ['a', 'b', 'c', 'd']) handle.set(handle.keyOf(id), id);
      await shrunk.get('a');
      const call = shrunk.get('e');
      using _ = configure(Shrunk, 'get', { cache: { max: 2 } });
      assert.deepEqual(
        ['a', 'b', 'c', 'd'].map((id) => handle.get(handle.keyOf(id))),
        ['a', undefined, undefined, 'd'],
      );
      const joined = shrunk.get('e');
      assert.equal(shrunk.count, 1);
      shrunk.end(0, 'e');
      assert.deepEqual([await call, await joined, handle.size], ['e', 'e', 2]);
    },
  );

  still('who joins a run goes on through the policies that are in force when it calls', async () => {
    class Own extends Runs {
      @cache(1000)
      @fallback({ value: 'before' })
      async get(): Promise<unknown> {
        return this.begin();
      }
    }
    const own = new Own();
    const before = own.get();
    using _ = configure(Own, 'get', { fallback: { value: 'after' } });
    const after = own.get();
    own.fail(0, down);
    assert.deepEqual([own.count, await before, await after], [1, 'before', 'after']);
  });
});

describe('with other policies', () => {
  test('timeout.total is the run’s: all who wait get its TimeoutError, and the next call runs anew', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Bounded extends Runs {
          @cache(1000)
          @timeout({ total: 50 })
          async get(): Promise<unknown> {
            return this.begin();
          }
        }
        const bounded = new Bounded();
        const first = rejection(bounded.get());
        await clock.tickAsync(40);
        const second = rejection(bounded.get());
        await clock.tickAsync(10);
        const error = await first;
        assert.ok(isTimeoutError(error));
        assert.equal(await second, error);
        assert.equal(bounded.isAborted(0), true);
        bounded.end(0, 'late');
        await flush();
        const next = bounded.get();
        bounded.end(1, 1);
        assert.equal(await next, 1);
        assert.equal(statsOf(Bounded, 'get').timeouts, 1);
      }),
    ));

  test('the last who leaves takes the run out of a queue, and a retry out of its wait', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Queued extends Runs {
          @cache(1000)
          @concurrency(1)
          async get(_id: string, _signal?: AbortSignal): Promise<unknown> {
            return this.begin();
          }
          @cache(1000)
          @retry({ waitMin: 1000, jitter: 'none' })
          async again(_signal?: AbortSignal): Promise<unknown> {
            throw down;
          }
        }
        const queued = new Queued();
        const running = queued.get('a');
        const controllers = [new AbortController(), new AbortController()] as const;
        const waiting = controllers.map(({ signal }) => rejection(queued.get('b', signal)));
        assert.equal(statsOf(Queued, 'get').queued, 1);
        controllers[0].abort(0);
        assert.equal(statsOf(Queued, 'get').queued, 1);
        controllers[1].abort(1);
        assert.equal(statsOf(Queued, 'get').queued, 0);
        assert.deepEqual(await Promise.all(waiting), [0, 1]);
        queued.end(0, 1);
        await running;
        const controller = new AbortController();
        const again = rejection(queued.again(controller.signal));
        await flush();
        controller.abort('bye');
        assert.equal(await again, 'bye');
        await flush();
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  still('an abandoned run keeps its slot until its work has ended; a storm of aborts leaves the circuit closed', () =>
    handled(async () => {
      class Slotted extends Runs {
        @cache(1000)
        @circuitBreaker({ consecutive: 1 })
        @concurrency({ limit: 1, maxQueue: 0 })
        async get(_id: string, _signal?: AbortSignal): Promise<unknown> {
          return this.begin();
        }
      }
      const slotted = new Slotted();
      const controller = new AbortController();
      const call = slotted.get('a', controller.signal);
      controller.abort('bye');
      assert.equal(await rejection(call), 'bye');
      await assert.rejects(slotted.get('b'), { reason: 'queue-full' });
      slotted.fail(0, 'bye');
      await flush();
      const next = slotted.get('b');
      slotted.end(1, 2);
      assert.equal(await next, 2);
    }),
  );

  still('a hook of the context of the call is typed and called', async () => {
    const contexts: HookContext[] = [];
    class Hooked {
      @cache({ ttl: 5, cacheResult: (_value: number, context: HookContext) => contexts.push(context) > 0 })
      async get(_id: string): Promise<number> {
        return 1;
      }
    }
    await new Hooked().get('a');
    assert.deepEqual(contexts[0]?.args, ['a']);
  });
});
