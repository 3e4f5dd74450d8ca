import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import fc from 'fast-check';
import {
  ConfigurationError,
  type DelayEvent,
  explain,
  fallback,
  Orchestrator,
  parseRetryAfter,
  RetryBudget,
  type RetryConfig,
  RetryError,
  type RetryEvent,
  rateLimit,
  retry,
  statsOf,
} from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { copyOfOpero } from '../support/copy.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';

const busy = new Error('busy');

/** A method that always fails, and when it was entered. */
function failing(config: RetryConfig<number>, error: unknown = busy) {
  const startedAt: number[] = [];
  class Api {
    @retry(config)
    async get(_signal?: AbortSignal): Promise<number> {
      startedAt.push(performance.now());
      throw error;
    }
  }
  return { Api, api: new Api(), startedAt };
}

/** The waits of a method that always fails, as onRetry is told of them, where Math.random() gives these in turn. */
async function waitsOf(config: RetryConfig<number>, random: readonly number[] = [0.5]): Promise<number[]> {
  const waits: number[] = [];
  let drawn = 0;
  const stub = mock.method(Math, 'random', () => random[drawn++ % random.length]);
  try {
    await underFakeClock(async (clock) => {
      const onRetry = ({ delay }: RetryEvent): void => void waits.push(delay);
      const ended = rejection(failing({ ...config, onRetry }).api.get());
      for (let attempt = 0; attempt < (config.maxAttempts ?? 3); attempt++) {
        await flush();
        clock.runToLast();
      }
      await ended;
    });
  } finally {
    stub.mock.restore();
  }
  return waits;
}

describe('delay of retry', () => {
  test('parseRetryAfter itself may be it', async () => {
    const error = Object.assign(new Error('busy'), { headers: new Headers({ 'retry-after': '3' }) });
    let delay: number | undefined;
    class Api {
      @retry({
        delay: parseRetryAfter,
        onRetry: (event) => {
          delay = event.delay;
          throw event.error;
        },
      })
      async get(): Promise<void> {
        throw error;
      }
    }
    assert.equal(await rejection(new Api().get()), error);
    assert.equal(delay, 3000);
  });

  test('6.1 undefined: the computed wait', async () => {
    const config = { maxAttempts: 4, jitter: 'none', delay: () => undefined } as const;
    assert.deepEqual(await waitsOf(config), [100, 200, 400]);
  });

  test('6.1 false: no further attempt, and the error itself, as with one that is not retried', async () => {
    const { Api, api, startedAt } = failing({ rethrow: false, delay: () => false });
    assert.equal(await rejection(api.get()), busy);
    assert.equal(startedAt.length, 1);
    assert.equal(statsOf(Api, 'get').retries, 0);
  });

  test('6.1 a number: exactly that wait, without jitter, below waitMin too', async () => {
    const asked = [0, 7, 1234.5, 30_000];
    const config = { maxAttempts: 5, delay: ({ attempt }: DelayEvent) => asked[attempt - 1] };
    assert.deepEqual(await waitsOf(config), asked);
  });

  test('6.1 the wait that it gives is waited', () =>
    underFakeClock(async (clock) => {
      const { api, startedAt } = failing({ maxAttempts: 3, delay: ({ attempt }) => attempt * 10 });
      const ended = rejection(api.get());
      await flush();
      await advance(clock, 40);
      assert.equal(await ended, busy);
      assert.deepEqual(startedAt, [0, 10, 30]);
    }));

  for (const [what, config] of [
    ['above waitMax', { waitMax: 50, delay: () => 51 }],
    ['above waitMax 0', { waitMax: 0, delay: () => 1 }],
    ['without end', { waitMax: Number.POSITIVE_INFINITY, delay: () => Number.POSITIVE_INFINITY }],
    ['beyond maxElapsed', { maxElapsed: 50, delay: () => 51 }],
  ] as const) {
    test(`6.1 one ${what} is not begun: exhausted`, async () => {
      const told: RetryEvent[] = [];
      const { api, startedAt } = failing({ rethrow: false, ...config, onRetry: (event) => told.push(event) });
      const error = await rejection(api.get());
      assert.ok(error instanceof RetryError);
      assert.deepEqual([error.errors, startedAt.length, told], [[busy], 1, []]);
    });
  }

  test('6.1 exhausted with attempts without end: a RetryError that holds the errors', async () => {
    const delay = ({ attempt }: DelayEvent) => (attempt < 3 ? 0 : Number.POSITIVE_INFINITY);
    const { api } = failing({ maxAttempts: Number.POSITIVE_INFINITY, rethrow: false, delay });
    const error = await rejection(api.get());
    assert.ok(error instanceof RetryError);
    assert.deepEqual(error.errors, [busy, busy, busy]);
  });

  for (const given of [Number.NaN, -1, Number.NEGATIVE_INFINITY, '5', null, true, 5n, {}, new Date(0)]) {
    test(`6.1 ${typeof given} ${String(given)}: a ConfigurationError from the call`, async () => {
      const { api, startedAt } = failing({ delay: () => given as never });
      const error = await rejection(api.get());
      assert.ok(error instanceof ConfigurationError);
      assert.match(
        error.message,
        /^@retry on Api\.get: expected `delay` to return a number of milliseconds of at least 0, false or undefined, got /,
      );
      assert.equal(startedAt.length, 1);
    });
  }

  test('6.1 may be async', async () => {
    assert.deepEqual(await waitsOf({ maxAttempts: 3, delay: async ({ attempt }) => attempt }), [1, 2]);
    const { api, startedAt } = failing({ delay: async ({ attempt }) => (attempt === 1 ? false : 0) });
    assert.equal(await rejection(api.get()), busy);
    assert.equal(startedAt.length, 1);
  });

  test('6.1 is asked once per retry, with the attempt and its error, after the matchers and before onRetry', async () => {
    const seen: unknown[] = [];
    const config: RetryConfig<number> = {
      maxAttempts: 3,
      retryOn: () => seen.push('retryOn') > 0,
      delay: ({ attempt, error }) => {
        seen.push({ attempt, error });
        return 0;
      },
      onRetry: () => seen.push('onRetry'),
    };
    await rejection(failing(config).api.get());
    const round = (attempt: number) => ['retryOn', { attempt, error: busy }, 'onRetry'];
    assert.deepEqual(seen, [...round(1), ...round(2), 'retryOn']);
  });

  test('6.1 is not asked for an error that is not retried', async () => {
    const { api } = failing({ retryOn: TypeError, delay: () => assert.fail('asked') });
    assert.equal(await rejection(api.get()), busy);
  });

  test('6.1 is asked for a value that retryResult refuses, without an error; false returns that value', async () => {
    const seen: Pick<DelayEvent, 'attempt' | 'error'>[] = [];
    class Api {
      @retry({
        retryResult: () => true,
        delay: ({ attempt, error }) => {
          seen.push({ attempt, error });
          return seen.length < 2 ? 0 : false;
        },
      })
      async get(): Promise<string> {
        return 'pending';
      }
    }
    assert.equal(await new Api().get(), 'pending');
    assert.deepEqual(seen, [
      { attempt: 1, error: undefined },
      { attempt: 2, error: undefined },
    ]);
  });

  test('6.1 runs with the receiver as `this`; without one in an Orchestrator', async () => {
    const seen: unknown[] = [];
    function delay(this: unknown): number {
      seen.push(this);
      return 0;
    }
    const { api } = failing({ maxAttempts: 2, delay });
    await rejection(api.get());
    await rejection(new Orchestrator({ retry: { maxAttempts: 2, delay } }).execute(() => Promise.reject(busy)));
    assert.deepEqual(seen, [api, undefined]);
  });

  test('X7 is told of its call: the method, the arguments, the attempt and the signal', async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    const delay = ({ method, args, attempt, signal: own }: DelayEvent): false => {
      seen.push(method, args, attempt, own);
      return false;
    };
    await rejection(failing({ delay }).api.get(signal));
    assert.deepEqual(seen, ['Api.get', [signal], 1, signal]);
  });

  test('6.1 what it throws rejects the call, and no other', async () => {
    const boom = new Error('boom');
    let calls = 0;
    const delay = (): number => {
      if (++calls === 1) throw boom;
      return 0;
    };
    const { api } = failing({ maxAttempts: 2, delay });
    assert.deepEqual(await Promise.all([rejection(api.get()), rejection(api.get())]), [boom, busy]);
  });

  test('6.1 an abort while it is awaited rejects at once, and no attempt follows', async () => {
    const controller = new AbortController();
    const answer = deferred<number>();
    const { api, startedAt } = failing({ delay: () => answer.promise });
    const ended = rejection(api.get(controller.signal));
    await flush();
    controller.abort('enough');
    assert.equal(await ended, 'enough');
    answer.resolve(0);
    await flush();
    assert.equal(startedAt.length, 1);
  });

  test('6.1 no slot is held, and other calls go on, while it is awaited', async () => {
    const answer = deferred<number>();
    const { api, startedAt } = failing({ maxAttempts: 2, delay: () => answer.promise });
    const first = rejection(api.get());
    await flush();
    const second = rejection(api.get());
    await flush();
    assert.equal(startedAt.length, 2);
    answer.resolve(0);
    await Promise.all([first, second]);
    assert.equal(startedAt.length, 4);
  });

  test('6.1 waits as long as a server asks, with parseRetryAfter', async () => {
    const error = Object.assign(new Error('busy'), { headers: new Headers({ 'retry-after': '3' }) });
    await underFakeClock(async (clock) => {
      const { api, startedAt } = failing({ maxAttempts: 2, delay: (event) => parseRetryAfter(event.error) }, error);
      const ended = rejection(api.get());
      await flush();
      clock.tick(2999);
      await flush();
      assert.equal(startedAt.length, 1);
      clock.tick(1);
      assert.equal(await ended, error);
      assert.equal(startedAt.length, 2);
    });
  });

  test('refuses what is no function', () => {
    assert.throws(() => failing({ delay: 5 as never }), {
      name: 'ConfigurationError',
      message: '@retry on method `get`: expected `delay` to be a function, got 5',
    });
  });
});

describe('jitter of retry', () => {
  test('6.5 equal: half, and half random', async () => {
    const config = { maxAttempts: 4, jitter: 'equal' } as const;
    assert.deepEqual(await waitsOf(config, [0]), [50, 100, 200]);
    assert.deepEqual(await waitsOf(config, [0.5]), [75, 150, 300]);
    assert.deepEqual(await waitsOf({ ...config, waitMax: 150 }, [0, 0.5]), [50, 112.5, 75]);
  });

  test('6.5 decorrelated: random between waitMin and 3 × the last', async () => {
    const config = { maxAttempts: 4, jitter: 'decorrelated' } as const;
    assert.deepEqual(await waitsOf(config, [0]), [100, 100, 100]);
    assert.deepEqual(await waitsOf(config, [0.5]), [200, 350, 575]);
    assert.deepEqual(await waitsOf({ ...config, waitMax: 300 }, [0.5]), [200, 300, 300]);
    assert.deepEqual(await waitsOf({ ...config, waitMin: 500, waitMax: 300 }, [0.5]), [300, 300, 300]);
  });

  test('6.5 decorrelated: each call has a last wait of its own', async () => {
    const waits: number[] = [];
    const random = mock.method(Math, 'random', () => 0.5);
    try {
      await underFakeClock(async (clock) => {
        const { api } = failing({
          maxAttempts: 3,
          jitter: 'decorrelated',
          onRetry: ({ delay }) => waits.push(delay),
        });
        const ended = [rejection(api.get()), rejection(api.get())];
        await advance(clock, 1000);
        await Promise.all(ended);
      });
    } finally {
      random.mock.restore();
    }
    assert.deepEqual(waits, [200, 200, 350, 350]);
  });

  for (const jitter of ['decorrelated', 'equal', 'full', 'none'] as const) {
    test(`6.5 ${jitter}: never NaN in 2,000 attempts, whatever is drawn`, async () => {
      for (const random of [[0], [1 - Number.EPSILON], [0, 0.999, 0.5]]) {
        const waits = await waitsOf({ maxAttempts: 2000, jitter }, random);
        assert.equal(waits.length, 1999);
        for (const wait of waits) assert.ok(wait >= 0 && wait <= 30_000, `${wait}`);
      }
    });

    test(`6.5 ${jitter}: never NaN nor Infinity where a wait would be beyond all numbers`, async () => {
      for (const random of [0, 0.5, 1 - Number.EPSILON]) {
        const waits: number[] = [];
        const controller = new AbortController();
        const { api } = failing({
          maxAttempts: Number.POSITIVE_INFINITY,
          jitter,
          waitMin: 1e308,
          waitMax: Number.POSITIVE_INFINITY,
          delay: ({ attempt }) => (attempt < 2000 ? 0 : undefined),
          onRetry: ({ attempt, delay }) => {
            if (attempt < 2000) return;
            waits.push(delay);
            controller.abort('enough');
          },
        });
        const stub = mock.method(Math, 'random', () => random);
        assert.equal(await rejection(api.get(controller.signal)), 'enough');
        stub.mock.restore();
        assert.equal(waits.length, 1);
        for (const wait of waits) assert.ok(wait >= 0 && Number.isFinite(wait), `${wait}`);
      }
    });
  }

  test('6.6 no wait exceeds waitMax after jitter', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('full', 'none', 'equal', 'decorrelated'),
        fc.double({ min: 0, max: 2000, noNaN: true }),
        fc.double({ min: 0, max: 2000, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
        async (jitter, waitMin, waitMax, random) => {
          const waits = await waitsOf({ maxAttempts: 8, jitter, waitMin, waitMax }, random);
          assert.equal(waits.length, 7);
          for (const wait of waits) assert.ok(wait >= 0 && wait <= waitMax, `${wait}`);
        },
      ),
      { numRuns: 60 },
    ));

  test('6.6 nor by being rounded to whole milliseconds', async () => {
    assert.deepEqual(await waitsOf({ waitMin: 10, waitMax: 0.6 }, [0.99]), [0.6, 0.6]);
  });

  test('none without waitMin, whatever the jitter', async () => {
    for (const jitter of ['equal', 'decorrelated'] as const) {
      assert.deepEqual(await waitsOf({ waitMin: 0, jitter }), [0, 0]);
    }
  });
});

describe('budget of retry', () => {
  const small = (retries: number) => new RetryBudget({ ratio: 1e-9, minPerSecond: retries, ttl: 1000 });

  test('6.2 refused: exhausted at once, never a wait; counted in stats', () =>
    underFakeClock(async (clock) => {
      const { Api, api, startedAt } = failing({ maxAttempts: 5, waitMin: 0, budget: small(2), rethrow: false });
      const error = await rejection(api.get());
      assert.ok(error instanceof RetryError);
      assert.equal(error.errors.length, 3);
      assert.equal(startedAt.length, 3);
      assert.equal((await rejection(api.get())) instanceof RetryError, true);
      const { retries, budgetExceeded, failures } = statsOf(Api, 'get');
      assert.deepEqual({ retries, budgetExceeded, failures }, { retries: 2, budgetExceeded: 2, failures: 2 });
      assert.equal(clock.now, 0);
    }));

  test('6.2 refused: the last error itself with rethrow, and the last value with retryResult', async () => {
    assert.equal(await rejection(failing({ budget: small(0) }).api.get()), busy);
    class Api {
      @retry({ retryResult: () => true, budget: small(0) })
      async get(): Promise<string> {
        return 'pending';
      }
    }
    assert.equal(await new Api().get(), 'pending');
    assert.equal(statsOf(Api, 'get').budgetExceeded, 1);
  });

  test('6.2 with attempts without end, it is the budget that ends them, and all errors are told', async () => {
    const { api } = failing({
      maxAttempts: Number.POSITIVE_INFINITY,
      waitMin: 0,
      budget: new RetryBudget({ ratio: 4, minPerSecond: 0 }),
      rethrow: false,
    });
    const error = await rejection(api.get());
    assert.ok(error instanceof RetryError);
    assert.equal(error.errors.length, 5);
  });

  test('6.2 each call that enters puts in one, however many attempts it makes, and one that works too', async () => {
    const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0 });
    class Api {
      @retry({ maxAttempts: 2, waitMin: 0, budget })
      async get(works: boolean): Promise<void> {
        if (!works) throw busy;
      }
    }
    const api = new Api();
    for (let call = 0; call < 5; call++) await api.get(true);
    assert.equal(budget.balance, 2);
    await rejection(api.get(false));
    assert.equal(budget.balance, 2);
    assert.equal(statsOf(Api, 'get').retries, 1);
  });

  test('6.2 a call that is aborted before it begins puts in nothing', async () => {
    const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 });
    await rejection(failing({ budget }).api.get(AbortSignal.abort('enough')));
    assert.equal(budget.balance, 0);
  });

  test('6.2 may be shared by methods, classes and Orchestrators', async () => {
    const budget = small(3);
    const one = failing({ waitMin: 0, maxAttempts: 3, budget });
    const other = failing({ waitMin: 0, maxAttempts: 3, budget });
    await rejection(one.api.get());
    await rejection(other.api.get());
    assert.deepEqual([one.startedAt.length, other.startedAt.length], [3, 2]);
    let attempts = 0;
    const orchestrator = new Orchestrator({ retry: { waitMin: 0, budget } });
    await rejection(
      orchestrator.execute(() => {
        attempts++;
        return Promise.reject(busy);
      }),
    );
    assert.equal(attempts, 1);
  });

  test('6.3 taken once the error was found worth a retry, before the wait', () =>
    underFakeClock(async (clock) => {
      const budget = small(5);
      const balances: number[] = [];
      const read = (): void => void balances.push(budget.balance);
      const { api } = failing({
        maxAttempts: 2,
        jitter: 'none',
        waitMax: 50,
        retryOn: () => {
          read();
          return true;
        },
        delay: () => read() as undefined,
        onRetry: read,
        budget,
      });
      const ended = rejection(api.get());
      await flush();
      assert.deepEqual(balances, [5, 5, 4]);
      clock.tick(50);
      await ended;
    }));

  test('6.3 nothing is taken for an error that is not retried, a last attempt, or a wait that is not begun', async () => {
    for (const config of [
      { retryOn: TypeError },
      { maxAttempts: 1 },
      { delay: () => false as const },
      { delay: () => 31_000 },
      { maxElapsed: 10, delay: () => 11 },
    ]) {
      const budget = small(5);
      await rejection(failing({ ...config, budget }).api.get());
      assert.equal(budget.balance, 5);
    }
  });

  test('6.3 an abort during the wait gives nothing back', () =>
    underFakeClock(async () => {
      const budget = small(2);
      const controller = new AbortController();
      const { api, startedAt } = failing({ jitter: 'none', budget });
      const ended = rejection(api.get(controller.signal));
      await flush();
      controller.abort('enough');
      assert.equal(await ended, 'enough');
      assert.deepEqual([startedAt.length, budget.balance], [1, 1]);
    }));

  test('6.3 a hook that throws, or is still awaited at an abort, leaves the budget as it is', async () => {
    const boom = new Error('boom');
    const answer = deferred<number>();
    const controller = new AbortController();
    const budget = small(2);
    const delay = ({ error }: DelayEvent) => (error === boom ? answer.promise : Promise.reject(boom));
    assert.equal(await rejection(failing({ delay, budget }).api.get()), boom);
    const ended = rejection(failing({ delay, budget }, boom).api.get(controller.signal));
    await flush();
    controller.abort('enough');
    assert.equal(await ended, 'enough');
    answer.resolve(0);
    await flush();
    assert.equal(budget.balance, 2);
  });

  test('a fallback still runs when it is refused; so does one for a call that a limit turned away', async () => {
    class Api {
      @fallback({ value: 'cached' })
      @retry({ budget: small(0) })
      @rateLimit({ rate: 1, maxQueue: 0 })
      async get(): Promise<string> {
        throw busy;
      }
    }
    assert.deepEqual(await Promise.all([new Api().get(), new Api().get()]), ['cached', 'cached']);
    assert.equal(statsOf(Api, 'get').budgetExceeded, 2);
  });

  test('is one of another copy of opero, too', async () => {
    const copy = await copyOfOpero('retry-delay');
    assert.notEqual(copy.RetryBudget, RetryBudget);
    const { api, startedAt } = failing({
      waitMin: 0,
      budget: new copy.RetryBudget({ ratio: 1e-9, minPerSecond: 1, ttl: 1000 }),
    });
    await rejection(api.get());
    assert.equal(startedAt.length, 2);
  });

  test('shows in explain', () => {
    assert.match(explain(failing({ budget: small(0) }).Api), /budget: RetryBudget/);
  });

  for (const budget of [0.2, {}, { deposit() {}, withdraw: () => true, balance: 1 }, RetryBudget, null]) {
    test(`refuses ${typeof budget} ${JSON.stringify(budget)}`, () => {
      assert.throws(() => failing({ budget: budget as never }), {
        name: 'ConfigurationError',
        message: /^@retry on method `get`: expected `budget` to be a RetryBudget, got /,
      });
    });
  }
});
