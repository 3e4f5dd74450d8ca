import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import fc from 'fast-check';
import { concurrency, type RetryConfig, RetryError, type RetryEvent, rateLimit, retry, statsOf } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { seeded } from '../support/random.js';
import { rejection } from '../support/rejection.js';

class Busy extends Error {}
class VeryBusy extends Busy {}
class Broken extends Error {}

const upTo = (count: number): number[] => [...Array(count).keys()];

/** A method that throws what it is given, attempt by attempt, and returns the number of the attempt after that. */
function flaky(config: Parameters<typeof retry>[0], errors: readonly unknown[]) {
  const startedAt: number[] = [];
  class Api {
    @retry(config)
    async get(): Promise<number> {
      startedAt.push(performance.now());
      if (startedAt.length <= errors.length) throw errors[startedAt.length - 1];
      return startedAt.length;
    }
  }
  return { Api, api: new Api(), startedAt };
}

/** The same with errors that never end. */
const failing = (config: Parameters<typeof retry>[0]) => flaky(config, Array(1000).fill(new Error('no')));

/** Lets Math.random() give these values in turn, again and again. */
async function withRandom(values: readonly number[], run: () => Promise<void>): Promise<void> {
  let drawn = 0;
  const random = mock.method(Math, 'random', () => values[drawn++ % values.length]);
  try {
    await run();
  } finally {
    random.mock.restore();
  }
}

describe('maxAttempts of retry', () => {
  test('is 3 unless it is given', () =>
    withRandom([0], async () => {
      for (const config of [undefined, {}]) {
        const { api, startedAt } = failing(config);
        await rejection(api.get());
        assert.equal(startedAt.length, 3);
      }
    }));

  for (const maxAttempts of [1, 2, 5]) {
    test(`${maxAttempts}: the first call counts`, async () => {
      const { api, startedAt } = failing({ maxAttempts, waitMin: 0 });
      await rejection(api.get());
      assert.equal(startedAt.length, maxAttempts);
    });
  }

  test('may stand alone', () =>
    withRandom([0], async () => {
      const { api, startedAt } = failing(4);
      await rejection(api.get());
      assert.equal(startedAt.length, 4);
    }));

  test('Infinity: tries until it works', async () => {
    const { Api, api } = flaky({ maxAttempts: Number.POSITIVE_INFINITY, waitMin: 0 }, Array(2500).fill(new Busy()));
    assert.equal(await api.get(), 2501);
    assert.equal(statsOf(Api, 'get').retries, 2500);
  });

  test('counts for each call by itself', async () => {
    const { api, startedAt } = failing({ maxAttempts: 2, waitMin: 0 });
    await Promise.all([rejection(api.get()), rejection(api.get()), rejection(api.get())]);
    assert.equal(startedAt.length, 6);
  });
});

describe('a call under retry', () => {
  test('that works at once is made once, and sets no timer', () =>
    underFakeClock(async (clock) => {
      const { api, startedAt } = flaky(5, []);
      assert.equal(await api.get(), 1);
      assert.equal(startedAt.length, 1);
      assert.equal(clock.countTimers(), 0);
    }));

  test('keeps `this` and the arguments in every attempt', async () => {
    const seen: unknown[][] = [];
    class Api {
      @retry({ maxAttempts: 3, waitMin: 0 })
      async get(...args: unknown[]): Promise<void> {
        seen.push([this, ...args]);
        throw new Error('no');
      }
    }
    const api = new Api();
    const token = {};
    await rejection(api.get('a', token, undefined));
    assert.equal(seen.length, 3);
    for (const [self, ...args] of seen) {
      assert.equal(self, api);
      assert.equal(args.length, 3);
      assert.equal(args[0], 'a');
      assert.equal(args[1], token);
    }
  });

  test('tries a synchronous throw again like a rejection', async () => {
    let attempts = 0;
    class Api {
      @retry({ maxAttempts: 2, waitMin: 0 })
      get(): Promise<string> {
        if (++attempts === 1) throw new Busy();
        return Promise.resolve('ok');
      }
    }
    assert.equal(await new Api().get(), 'ok');
  });

  test('counts attempts and retries, and one failure when all is lost', async () => {
    const { Api, api } = failing({ maxAttempts: 4, waitMin: 0 });
    await rejection(api.get());
    const { calls, attempts, retries, failures, running } = statsOf(Api, 'get');
    assert.deepEqual(
      { calls, attempts, retries, failures, running },
      {
        calls: 1,
        attempts: 4,
        retries: 3,
        failures: 1,
        running: 0,
      },
    );
  });

  for (const [how, config] of [
    ['attempts ran out', { maxAttempts: 1 }],
    ['attempts ran out with rethrow: false', { maxAttempts: 2, waitMin: 0, rethrow: false }],
    ['the error is not to be retried', { retryOn: Broken }],
    ['the error is in abortOn', { abortOn: Busy }],
    ['the budget is spent', { maxElapsed: 1, waitMin: 1000, jitter: 'none' }],
    [
      'a matcher throws',
      {
        retryOn: () => {
          throw new Broken();
        },
      },
    ],
    [
      'onRetry throws',
      {
        onRetry: () => {
          throw new Broken();
        },
      },
    ],
  ] as const) {
    test(`counts one failure when ${how}`, async () => {
      const { Api, api } = flaky(config, Array(10).fill(new Busy()));
      await rejection(api.get());
      assert.equal(statsOf(Api, 'get').failures, 1);
    });
  }

  test('counts no failure when a later attempt works', async () => {
    const { Api, api } = flaky({ waitMin: 0 }, [new Busy(), new Busy()]);
    assert.equal(await api.get(), 3);
    assert.equal(statsOf(Api, 'get').failures, 0);
  });
});

describe('the waits of retry', () => {
  const waitsOf = async (config: Parameters<typeof retry>[0], count: number): Promise<number[]> => {
    let startedAt: number[] = [];
    await underFakeClock(async (clock) => {
      const flakyApi = flaky(config, Array(count).fill(new Busy()));
      startedAt = flakyApi.startedAt;
      const call = flakyApi.api.get();
      while (startedAt.length <= count) {
        await clock.nextAsync();
        await flush();
      }
      await call;
      assert.equal(clock.countTimers(), 0);
    });
    return startedAt.slice(1).map((time, i) => time - startedAt[i]);
  };

  test('are 100 ms doubled each time and at most 30,000, unless it is said', async () => {
    assert.deepEqual(
      await waitsOf({ maxAttempts: 12, jitter: 'none' }, 11),
      [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000],
    );
  });

  test('are min(waitMax, waitMin * waitMultiplier ** (n - 1))', async () => {
    const config = { maxAttempts: 6, waitMin: 10, waitMax: 500, waitMultiplier: 3, jitter: 'none' } as const;
    assert.deepEqual(await waitsOf(config, 5), [10, 30, 90, 270, 500]);
  });

  test('stay the same with a multiplier of 1', async () => {
    const config = { maxAttempts: 4, waitMin: 70, waitMultiplier: 1, jitter: 'none' } as const;
    assert.deepEqual(await waitsOf(config, 3), [70, 70, 70]);
  });

  test('shrink with a multiplier below 1', async () => {
    const config = { maxAttempts: 4, waitMin: 80, waitMultiplier: 0.5, jitter: 'none' } as const;
    assert.deepEqual(await waitsOf(config, 3), [80, 40, 20]);
  });

  test('are waitMax when waitMin is above it', async () => {
    assert.deepEqual(await waitsOf({ maxAttempts: 3, waitMin: 900, waitMax: 50, jitter: 'none' }, 2), [50, 50]);
  });

  test('are none with waitMax 0', async () => {
    await underFakeClock(async () => {
      const { api } = flaky({ waitMax: 0 }, [new Busy(), new Busy()]);
      assert.equal(await api.get(), 3);
    });
  });

  test('go on growing with waitMax Infinity', async () => {
    const config = { maxAttempts: 4, waitMin: 30_000, waitMax: Number.POSITIVE_INFINITY, jitter: 'none' } as const;
    assert.deepEqual(await waitsOf(config, 3), [30_000, 60_000, 120_000]);
  });

  test('are none with waitMin 0, whatever the multiplier', () =>
    underFakeClock(async (clock) => {
      const { api } = flaky({ maxAttempts: 10, waitMin: 0, waitMultiplier: 1e308, waitMax: 5000 }, Array(9).fill(1));
      assert.equal(await api.get(), 10);
      assert.equal(clock.now, 0);
      assert.equal(clock.countTimers(), 0);
    }));

  test('let timers of the program come in between when they are 0 and the attempts many', async () => {
    const controller = new AbortController();
    class Api {
      @retry({ maxAttempts: Number.POSITIVE_INFINITY, waitMin: 0 })
      async get(_signal: AbortSignal): Promise<void> {
        throw new Busy();
      }
    }
    setTimeout(() => controller.abort('enough'), 1);
    assert.equal(await rejection(new Api().get(controller.signal)), 'enough');
  });

  test('are 0 with waitMin 0, however far a multiplier takes it', async () => {
    const delays: number[] = [];
    const onRetry = ({ delay }: RetryEvent) => void delays.push(delay);
    const { api } = failing({ maxAttempts: 5, waitMin: 0, waitMultiplier: 1e200, onRetry });
    await rejection(api.get());
    assert.deepEqual(delays, [0, 0, 0, 0]);
  });

  test('start anew with each call', () =>
    underFakeClock(async (clock) => {
      const { api, startedAt } = failing({ maxAttempts: 3, waitMin: 10, jitter: 'none' });
      for (const _ of upTo(2)) {
        const call = rejection(api.get());
        await clock.tickAsync(30);
        await call;
      }
      assert.deepEqual(startedAt, [0, 10, 30, 30, 40, 60]);
    }));

  test('are counted from the end of the attempt', () =>
    underFakeClock(async (clock) => {
      const startedAt: number[] = [];
      class Api {
        @retry({ maxAttempts: 2, waitMin: 50, jitter: 'none' })
        async get(): Promise<void> {
          startedAt.push(performance.now());
          await new Promise((resolve) => setTimeout(resolve, 1000));
          throw new Busy();
        }
      }
      const call = rejection(new Api().get());
      await clock.tickAsync(3000);
      await call;
      assert.deepEqual(startedAt, [0, 1050]);
    }));

  for (const wait of [2 ** 31 - 1, 2 ** 31, 2 ** 33 + 5]) {
    test(`may be ${wait} ms long`, () =>
      underFakeClock(async (clock) => {
        const { api, startedAt } = flaky({ waitMin: wait, waitMax: Number.POSITIVE_INFINITY, jitter: 'none' }, [
          new Busy(),
        ]);
        const call = api.get();
        await clock.tickAsync(wait - 1);
        assert.equal(startedAt.length, 1);
        await clock.tickAsync(1);
        assert.equal(await call, 2);
        assert.equal(startedAt[1], wait);
      }));
  }

  test('are over at once when the call is aborted, and leave no timer', () =>
    underFakeClock(async (clock) => {
      const controller = new AbortController();
      class Api {
        @retry({ waitMin: 2 ** 33, waitMax: 2 ** 34, jitter: 'none' })
        async get(_signal: AbortSignal): Promise<void> {
          throw new Busy();
        }
      }
      const call = rejection(new Api().get(controller.signal));
      await clock.tickAsync(2 ** 32);
      assert.equal(clock.countTimers(), 1);
      controller.abort('enough');
      assert.equal(clock.countTimers(), 0);
      assert.equal(await call, 'enough');
    }));
});

describe('jitter of retry', () => {
  test("'full': each wait is its length times a random number, drawn anew", () =>
    withRandom([0.5, 0.25, 0.75], async () => {
      await underFakeClock(async (clock) => {
        const { api, startedAt } = flaky({ maxAttempts: 4, waitMin: 100, jitter: 'full' }, Array(3).fill(new Busy()));
        const call = api.get();
        await clock.tickAsync(1000);
        await call;
        assert.deepEqual(startedAt, [0, 50, 100, 400]);
      });
    }));

  test('is full unless it is said, and taken after waitMax', () =>
    withRandom([0.5], async () => {
      await underFakeClock(async (clock) => {
        const { api, startedAt } = flaky({ maxAttempts: 3, waitMin: 400, waitMax: 200 }, Array(2).fill(new Busy()));
        const call = api.get();
        await clock.tickAsync(1000);
        await call;
        assert.deepEqual(startedAt, [0, 100, 200]);
      });
    }));

  test("'full': goes from no wait at all to nearly the whole", () =>
    withRandom([0, 1 - Number.EPSILON], async () => {
      const delays: number[] = [];
      await underFakeClock(async (clock) => {
        const onRetry = ({ delay }: RetryEvent) => void delays.push(delay);
        const { api } = flaky({ waitMin: 100, waitMultiplier: 1, onRetry }, Array(2).fill(new Busy()));
        const call = api.get();
        await clock.tickAsync(1000);
        await call;
      });
      assert.equal(delays[0], 0);
      assert.ok(delays[1] > 99 && delays[1] <= 100, `${delays[1]}`);
    }));

  test("'none': draws no random number", () =>
    withRandom([0], async () => {
      const { api } = flaky({ maxAttempts: 2, waitMin: 1, jitter: 'none' }, [new Busy()]);
      await api.get();
      assert.equal((Math.random as unknown as { mock: { callCount(): number } }).mock.callCount(), 0);
    }));
});

const boom = new Error('the predicate threw');
const later = async <T>(value: T): Promise<T> => {
  await flush();
  return value;
};

describe('retryOn and abortOn', () => {
  const isBusy = (error: unknown) => error instanceof Busy;
  /** Each form of a matcher that means Busy. */
  const forms = [
    ['a class', Busy],
    ['an array of classes', [Broken, Busy].slice(1)],
    ['an array of several classes', [TypeError, Busy]],
    ['a predicate', isBusy],
    ['an async predicate', (error: unknown) => later(isBusy(error))],
  ] as const;

  for (const [form, matcher] of forms) {
    test(`retryOn as ${form}: retries the errors meant, subclasses too, and no others`, async () => {
      for (const [error, attempts] of [
        [new Busy(), 2],
        [new VeryBusy(), 2],
        [new Broken(), 1],
        ['a string', 1],
        [undefined, 1],
        [null, 1],
      ] as const) {
        const { api, startedAt } = flaky({ maxAttempts: 2, waitMin: 0, retryOn: matcher }, [error, error]);
        assert.equal(await rejection(api.get()), error);
        assert.equal(startedAt.length, attempts);
      }
    });

    test(`abortOn as ${form}: does not retry the errors meant, and retries all others`, async () => {
      for (const [error, attempts] of [
        [new Busy(), 1],
        [new VeryBusy(), 1],
        [new Broken(), 2],
        [undefined, 2],
      ] as const) {
        const { api, startedAt } = flaky({ maxAttempts: 2, waitMin: 0, abortOn: matcher }, [error, error]);
        assert.equal(await rejection(api.get()), error);
        assert.equal(startedAt.length, attempts);
      }
    });
  }

  test('an abstract class and a built-in class are matchers', async () => {
    abstract class Remote extends Error {}
    class Timeout extends Remote {}
    for (const [retryOn, error] of [
      [Remote, new Timeout()],
      [TypeError, new TypeError()],
    ] as const) {
      const { api } = flaky({ waitMin: 0, retryOn }, [error]);
      assert.equal(await api.get(), 2);
    }
  });

  test('Error itself means errors, and nothing else that is thrown, in an array too', async () => {
    for (const retryOn of [Error, [Error]]) {
      assert.equal(await flaky({ waitMin: 0, retryOn }, [new TypeError()]).api.get(), 2);
      const { api, startedAt } = flaky({ waitMin: 0, retryOn }, ['text']);
      assert.equal(await rejection(api.get()), 'text');
      assert.equal(startedAt.length, 1);
    }
  });

  test('a predicate may speak of a class', async () => {
    const { api } = flaky({ waitMin: 0, retryOn: (error) => (error as { of?: string }).of !== 'a class of its own' }, [
      new Busy(),
    ]);
    assert.equal(await api.get(), 2);
  });

  test('an empty array means no error', async () => {
    const { api, startedAt } = flaky({ waitMin: 0, retryOn: [] }, [new Busy()]);
    await rejection(api.get());
    assert.equal(startedAt.length, 1);
    const other = flaky({ waitMin: 0, abortOn: [] }, [new Busy()]);
    assert.equal(await other.api.get(), 2);
  });

  test('abortOn wins over retryOn', async () => {
    const { api, startedAt } = flaky({ waitMin: 0, retryOn: Busy, abortOn: VeryBusy }, [new Busy(), new VeryBusy()]);
    assert.ok((await rejection(api.get())) instanceof VeryBusy);
    assert.equal(startedAt.length, 2);
  });

  test('each error is asked about anew, and the predicate is given the very error', async () => {
    const asked: unknown[] = [];
    const errors = [new Busy(), 'text', undefined, { code: 4 }];
    const retryOn = (error: unknown) => {
      asked.push(error);
      return true;
    };
    const { api } = flaky({ maxAttempts: 5, waitMin: 0, retryOn }, errors);
    assert.equal(await api.get(), 5);
    assert.equal(asked.length, 4);
    for (const [i, each] of asked.entries()) assert.equal(each, errors[i]);
  });

  for (const option of ['retryOn', 'abortOn'] as const) {
    for (const [how, predicate] of [
      [
        'throws',
        () => {
          throw boom;
        },
      ],
      ['rejects', () => Promise.reject(boom)],
    ] as const) {
      test(`when the predicate of ${option} ${how}, so does the call, without another attempt`, async () => {
        const { api, startedAt } = flaky({ waitMin: 0, [option]: predicate }, [new Busy()]);
        assert.equal(await rejection(api.get()), boom);
        assert.equal(startedAt.length, 1);
      });
    }
  }

  test('an error that is not to be retried comes as it is, with rethrow: false too', async () => {
    const error = new Broken();
    const { api } = flaky({ waitMin: 0, rethrow: false, retryOn: Busy }, [error]);
    assert.equal(await rejection(api.get()), error);
  });
});

describe('retryResult', () => {
  const polling = (config: RetryConfig<number>, values: readonly (number | Error)[]) => {
    let calls = 0;
    class Job {
      @retry(config)
      async poll(): Promise<number> {
        const value = values[calls++];
        if (value instanceof Error) throw value;
        return value;
      }
    }
    return { Job, job: new Job(), made: () => calls };
  };

  for (const [kind, retryResult] of [
    ['a predicate', (value: number) => value < 3],
    ['an async predicate', (value: number) => later(value < 3)],
  ] as const) {
    test(`${kind}: retries while it says so`, async () => {
      const { job, made } = polling({ maxAttempts: 9, waitMin: 0, retryResult }, [1, 2, 3, 4]);
      assert.equal(await job.poll(), 3);
      assert.equal(made(), 3);
    });

    test(`${kind}: the last value is returned when attempts run out`, async () => {
      const { Job, job, made } = polling({ maxAttempts: 3, waitMin: 0, retryResult, rethrow: false }, [0, 1, 2, 3]);
      assert.equal(await job.poll(), 2);
      assert.equal(made(), 3);
      const { failures, retries } = statsOf(Job, 'poll');
      assert.deepEqual({ failures, retries }, { failures: 0, retries: 2 });
    });
  }

  test('is not asked about errors, which are retried by their own rules', async () => {
    const asked: number[] = [];
    const retryResult = (value: number) => {
      asked.push(value);
      return value < 3;
    };
    const { job } = polling({ maxAttempts: 9, waitMin: 0, retryResult }, [1, new Busy(), 2, new Busy(), 3]);
    assert.equal(await job.poll(), 3);
    assert.deepEqual(asked, [1, 2, 3]);
  });

  test('the last error is thrown when attempts run out on one, values before it or not', async () => {
    const last = new Busy();
    const given = { maxAttempts: 3, waitMin: 0, retryResult: (value: number) => value < 3 };
    assert.equal(await rejection(polling(given, [1, 2, last]).job.poll()), last);
    for (const errors of [[last], [new Broken(), last]]) {
      const values = [1, 2, ...errors].slice(-3);
      const error = await rejection(polling({ ...given, rethrow: false }, values).job.poll());
      assert.ok(error instanceof RetryError);
      assert.deepEqual(error.errors, errors);
      assert.equal(error.cause, last);
      assert.equal(error.message, `Job.poll: ${errors.length} of 3 attempts failed`);
    }
  });

  test('the last value is returned after errors, too', async () => {
    const { job } = polling({ maxAttempts: 3, waitMin: 0, retryResult: () => true }, [new Busy(), new Busy(), 7]);
    assert.equal(await job.poll(), 7);
  });

  test('the last value is returned when the budget is spent', async () => {
    const { job, made } = polling({ waitMin: 1000, jitter: 'none', maxElapsed: 500, retryResult: () => true }, [7, 8]);
    assert.equal(await job.poll(), 7);
    assert.equal(made(), 1);
  });

  test('waits as after an error', () =>
    underFakeClock(async (clock) => {
      const { job, made } = polling({ waitMin: 100, jitter: 'none', retryResult: (n: number) => n < 3 }, [1, 2, 3]);
      const call = job.poll();
      await clock.tickAsync(99);
      assert.equal(made(), 1);
      await clock.tickAsync(1);
      assert.equal(made(), 2);
      await clock.tickAsync(199);
      assert.equal(made(), 2);
      await clock.tickAsync(1);
      assert.equal(await call, 3);
    }));

  for (const [how, retryResult] of [
    [
      'throws',
      () => {
        throw boom;
      },
    ],
    ['rejects', () => Promise.reject(boom)],
  ] as const) {
    test(`when it ${how}, so does the call, without another attempt`, async () => {
      const { Job, job, made } = polling({ waitMin: 0, retryResult }, [1, 2]);
      assert.equal(await rejection(job.poll()), boom);
      assert.equal(made(), 1);
      assert.equal(statsOf(Job, 'poll').failures, 1);
    });
  }

  test('takes undefined and other falsy values as they are', async () => {
    let calls = 0;
    class Job {
      @retry({ waitMin: 0, retryResult: (value: unknown) => value === undefined })
      async poll(): Promise<null | undefined> {
        return ++calls === 1 ? undefined : null;
      }
    }
    assert.equal(await new Job().poll(), null);
    assert.equal(calls, 2);
  });
});

describe('maxElapsed of retry', () => {
  test('a wait that would end beyond it is not begun', () =>
    underFakeClock(async (clock) => {
      const config = { maxAttempts: 9, waitMin: 100, jitter: 'none', maxElapsed: 699 } as const;
      const { api, startedAt } = failing(config);
      const call = rejection(api.get());
      await clock.tickAsync(300);
      await flush();
      assert.deepEqual(startedAt, [0, 100, 300]);
      assert.equal(clock.countTimers(), 0);
      assert.equal(((await call) as Error).message, 'no');
      assert.equal(clock.now, 300);
    }));

  test('a wait that ends with it is begun', () =>
    underFakeClock(async (clock) => {
      const { api, startedAt } = failing({ maxAttempts: 9, waitMin: 100, jitter: 'none', maxElapsed: 700 });
      const call = rejection(api.get());
      await clock.tickAsync(700);
      await call;
      assert.deepEqual(startedAt, [0, 100, 300, 700]);
    }));

  test('counts the attempts as well as the waits', () =>
    underFakeClock(async (clock) => {
      const startedAt: number[] = [];
      class Api {
        @retry({ maxAttempts: 9, waitMin: 10, waitMultiplier: 1, jitter: 'none', maxElapsed: 200 })
        async get(): Promise<void> {
          startedAt.push(performance.now());
          await new Promise((resolve) => setTimeout(resolve, 90));
          throw new Busy();
        }
      }
      const call = rejection(new Api().get());
      await clock.tickAsync(1000);
      await call;
      assert.deepEqual(startedAt, [0, 100, 200]);
    }));

  test('does not cut an attempt that runs', () =>
    underFakeClock(async (clock) => {
      class Api {
        @retry({ maxElapsed: 10 })
        async get(): Promise<string> {
          await new Promise((resolve) => setTimeout(resolve, 5000));
          return 'late';
        }
      }
      const call = new Api().get();
      await clock.tickAsync(5000);
      assert.equal(await call, 'late');
    }));

  test('holds for waits of 0 too', () =>
    underFakeClock(async (clock) => {
      let attempts = 0;
      class Api {
        @retry({ maxAttempts: Number.POSITIVE_INFINITY, waitMin: 0, maxElapsed: 100 })
        async get(): Promise<void> {
          attempts++;
          await new Promise((resolve) => setTimeout(resolve, 40));
          throw new Busy();
        }
      }
      const call = rejection(new Api().get());
      await clock.tickAsync(1000);
      await call;
      assert.equal(attempts, 3);
    }));

  test('a wait after an async hook is not begun when it would end beyond it', () =>
    underFakeClock(async (clock) => {
      const onRetry = () => new Promise<void>((resolve) => setTimeout(resolve, 60));
      const { api, startedAt } = failing({ waitMin: 50, jitter: 'none', maxElapsed: 100, onRetry });
      const call = rejection(api.get());
      await clock.tickAsync(1000);
      await call;
      assert.deepEqual(startedAt, [0]);
    }));

  test('is unlimited unless it is given, and for each call by itself', () =>
    underFakeClock(async (clock) => {
      const { api, startedAt } = failing({ maxAttempts: 2, waitMin: 100, jitter: 'none', maxElapsed: 100 });
      for (const _ of upTo(3)) {
        const call = rejection(api.get());
        await clock.tickAsync(100);
        await call;
      }
      assert.equal(startedAt.length, 6);
      const endless = flaky({ waitMin: 1e6, waitMax: 1e7, jitter: 'none' }, [new Busy(), new Busy()]);
      const call = endless.api.get();
      await clock.tickAsync(3e6);
      assert.equal(await call, 3);
    }));
});

describe('rethrow of retry', () => {
  test('true, as when not given: the last error itself', async () => {
    for (const given of [{}, { rethrow: true }]) {
      const errors = [new Busy(), new Broken(), new TypeError('last')];
      const { api } = flaky({ waitMin: 0, ...given }, errors);
      assert.equal(await rejection(api.get()), errors[2]);
    }
  });

  test('false: a RetryError with every error in order, and the last as its cause', async () => {
    const errors = [new Busy(), 'text', undefined, new TypeError('last')];
    const { api } = flaky({ maxAttempts: 4, waitMin: 0, rethrow: false }, errors);
    const error = await rejection(api.get());
    assert.ok(error instanceof RetryError);
    assert.equal(error.errors.length, 4);
    for (const [i, each] of error.errors.entries()) assert.equal(each, errors[i]);
    assert.equal(error.cause, errors[3]);
    assert.equal(error.name, 'RetryError');
    assert.equal(error.message, 'Api.get: all 4 attempts failed');
  });

  test('false: a RetryError for a single attempt and for a spent budget too', async () => {
    const only = new Busy();
    const once = await rejection(flaky({ maxAttempts: 1, rethrow: false }, [only]).api.get());
    assert.ok(once instanceof RetryError);
    assert.equal(once.message, 'Api.get: its only attempt failed');
    assert.equal(once.errors[0], only);
    assert.equal(once.errors.length, 1);
    const spent = await rejection(
      flaky({ maxElapsed: 1, waitMin: 1000, jitter: 'none', rethrow: false }, [only]).api.get(),
    );
    assert.ok(spent instanceof RetryError);
    assert.equal(spent.cause, only);
  });

  test('false: a RetryError for a budget that the hook spent, too', () =>
    underFakeClock(async (clock) => {
      const onRetry = () => new Promise<void>((resolve) => setTimeout(resolve, 60));
      const { api } = failing({ waitMin: 50, jitter: 'none', maxElapsed: 100, onRetry, rethrow: false });
      const call = rejection(api.get());
      await clock.tickAsync(1000);
      const error = await call;
      assert.ok(error instanceof RetryError);
      assert.equal(error.errors.length, 1);
    }));

  test('false: calls at once do not mix their errors', async () => {
    class Api {
      @retry({ maxAttempts: 2, waitMin: 0, rethrow: false })
      async get(id: number): Promise<void> {
        await flush();
        throw id;
      }
    }
    const api = new Api();
    const errors = await Promise.all([1, 2, 3].map((id) => rejection(api.get(id))));
    assert.deepEqual(
      errors.map((error) => (error as RetryError).errors),
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    );
  });
});

describe('onRetry', () => {
  test('is told before each wait which attempt failed, with what, and how long the wait is', () =>
    underFakeClock(async (clock) => {
      const events: { attempt: number; error: unknown; delay: number; at: number }[] = [];
      const errors = [new Busy(), 'text', undefined];
      const onRetry = ({ attempt, error, delay }: RetryEvent) =>
        void events.push({ attempt, error, delay, at: performance.now() });
      const { api } = flaky({ maxAttempts: 4, waitMin: 10, jitter: 'none', onRetry }, errors);
      const call = api.get();
      await clock.tickAsync(100);
      await call;
      assert.deepEqual(events, [
        { attempt: 1, error: errors[0], delay: 10, at: 0 },
        { attempt: 2, error: 'text', delay: 20, at: 10 },
        { attempt: 3, error: undefined, delay: 40, at: 30 },
      ]);
      assert.equal(events[0].error, errors[0]);
    }));

  test('is told the wait with its jitter', () =>
    withRandom([0.25], async () => {
      const delays: number[] = [];
      await underFakeClock(async (clock) => {
        const onRetry = ({ delay }: RetryEvent) => void delays.push(delay);
        const { api, startedAt } = flaky({ waitMin: 100, onRetry }, [new Busy(), new Busy()]);
        const call = api.get();
        await clock.tickAsync(1000);
        await call;
        assert.deepEqual(startedAt, [0, 25, 75]);
      });
      assert.deepEqual(delays, [25, 50]);
    }));

  test('is not called when no attempt follows', async () => {
    const onRetry = mock.fn();
    for (const config of [
      { maxAttempts: 1 },
      { retryOn: Broken },
      { abortOn: Busy },
      { maxElapsed: 10, waitMin: 1000, jitter: 'none' },
    ] as const) {
      await rejection(flaky({ ...config, onRetry }, [new Busy()]).api.get());
    }
    await flaky({ onRetry }, []).api.get();
    assert.equal(onRetry.mock.callCount(), 0);
    await rejection(failing({ maxAttempts: 3, waitMin: 0, onRetry }).api.get());
    assert.equal(onRetry.mock.callCount(), 2);
  });

  test('is told undefined where a value was refused', async () => {
    const events: unknown[] = [];
    const onRetry = ({ attempt, error, delay }: RetryEvent) => void events.push({ attempt, error, delay });
    class Job {
      @retry({ maxAttempts: 2, waitMin: 0, retryResult: () => true, onRetry })
      async poll(): Promise<string> {
        return 'more';
      }
    }
    await new Job().poll();
    assert.deepEqual(events, [{ attempt: 1, error: undefined, delay: 0 }]);
  });

  test('is awaited before the wait begins', () =>
    underFakeClock(async (clock) => {
      const hook = deferred();
      const { api, startedAt } = flaky({ waitMin: 10, jitter: 'none', onRetry: () => hook.promise }, [new Busy()]);
      const call = api.get();
      await clock.tickAsync(500);
      assert.equal(startedAt.length, 1);
      hook.resolve();
      await flush();
      await clock.tickAsync(9);
      assert.equal(startedAt.length, 1);
      await clock.tickAsync(1);
      assert.equal(await call, 2);
    }));

  for (const [how, onRetry] of [
    [
      'throws',
      () => {
        throw boom;
      },
    ],
    ['rejects', () => Promise.reject(boom)],
  ] as const) {
    test(`when it ${how}, the call rejects with that, without another attempt`, async () => {
      for (const rethrow of [true, false]) {
        const { api, startedAt } = failing({ waitMin: 0, rethrow, onRetry });
        assert.equal(await rejection(api.get()), boom);
        assert.equal(startedAt.length, 1);
      }
    });

    test(`when it ${how} after a refused value, the call rejects with that`, async () => {
      class Job {
        @retry({ waitMin: 0, retryResult: () => true, onRetry })
        async poll(): Promise<string> {
          return 'more';
        }
      }
      assert.equal(await rejection(new Job().poll()), boom);
    });
  }

  test('a hook that throws undefined rejects the call with undefined', async () => {
    const { api, startedAt } = failing({ waitMin: 0, onRetry: () => Promise.reject(undefined) });
    assert.equal(await rejection(api.get()), undefined);
    assert.equal(startedAt.length, 1);
  });
});

describe('retry over limits', () => {
  test('no slot is held while the hook and the matchers of a retry are awaited', async () => {
    for (const option of ['onRetry', 'retryOn', 'abortOn'] as const) {
      const gate = deferred<boolean>();
      const entered: string[] = [];
      class Shop {
        @retry({ maxAttempts: 2, waitMin: 0, [option]: () => gate.promise })
        @concurrency({ limit: 1, maxQueue: 0 })
        async buy(id: string): Promise<string> {
          entered.push(id);
          if (entered.length === 1) throw new Busy();
          return id;
        }
      }
      const shop = new Shop();
      const first = shop.buy('a');
      await flush();
      assert.equal(await shop.buy('b'), 'b', option);
      gate.resolve(option !== 'abortOn');
      assert.equal(await first, 'a');
    }
  });

  test('every attempt takes a permit and a slot of its own', () =>
    underFakeClock(async (clock) => {
      const entered: [string, number][] = [];
      class Shop {
        @retry({ maxAttempts: 3, waitMin: 0 })
        @rateLimit({ rate: 1, per: 100 })
        @concurrency(1)
        async buy(id: string): Promise<void> {
          entered.push([id, performance.now()]);
          await new Promise((resolve) => setTimeout(resolve, 10));
          if (id === 'a') throw new Busy();
        }
      }
      const shop = new Shop();
      const a = rejection(shop.buy('a'));
      const b = shop.buy('b');
      await clock.tickAsync(1000);
      await Promise.all([a, b]);
      assert.deepEqual(entered, [
        ['a', 0],
        ['b', 100],
        ['a', 200],
        ['a', 300],
      ]);
    }));
});

const plan = fc.record({
  maxAttempts: fc.constantFrom(1, 2, 3, 6, Number.POSITIVE_INFINITY),
  waitMin: fc.constantFrom(0, 1, 7, 40),
  waitMax: fc.constantFrom(0, 5, 60, Number.POSITIVE_INFINITY),
  waitMultiplier: fc.constantFrom(1, 2, 3),
  maxElapsed: fc.constantFrom(1, 30, 100, 400, Number.POSITIVE_INFINITY),
  rethrow: fc.boolean(),
  jitter: fc.constantFrom('full', 'none'),
  seed: fc.integer(),
  /** How long each attempt takes, and what comes of it; after the last one it works. */
  attempts: fc.array(fc.tuple(fc.nat({ max: 20 }), fc.constantFrom('fail', 'refuse', 'forbid')), { maxLength: 7 }),
});

test('retry starts every attempt at the moment its model does, and ends the same way, whatever its options', () =>
  fc.assert(
    fc.asyncProperty(plan, ({ attempts, seed, ...config }) =>
      underFakeClock(async (clock) => {
        const random = mock.method(Math, 'random', seeded(seed));
        const drawn = seeded(seed);
        const startedAt: number[] = [];
        const delays: number[] = [];
        const step = (nth: number): readonly [number, string] => attempts[nth] ?? [0, 'work'];
        class Api {
          @retry({
            ...config,
            retryResult: (value: string) => value.startsWith('refuse'),
            abortOn: (error) => String(error).startsWith('forbid'),
            onRetry: ({ delay }) => void delays.push(delay),
          })
          async get(): Promise<string> {
            const nth = startedAt.push(performance.now()) - 1;
            const [lasts, does] = step(nth);
            if (lasts > 0) await new Promise((resolve) => setTimeout(resolve, lasts));
            if (does === 'work' || does === 'refuse') return `${does} ${nth}`;
            throw `${does} ${nth}`;
          }
        }

        let time = 0;
        let expected = '';
        const expectedStarts: number[] = [];
        const expectedDelays: number[] = [];
        const errors: string[] = [];
        for (let nth = 0; ; nth++) {
          expectedStarts.push(time);
          const [lasts, does] = step(nth);
          time += lasts;
          const made = `${does} ${nth}`;
          if (does !== 'refuse' && does !== 'work') errors.push(made);
          let isLast = nth + 1 >= config.maxAttempts;
          let wait = Math.min(config.waitMax, config.waitMin * config.waitMultiplier ** nth);
          // Each wait that is thought of is drawn: not after the last attempt, and none where there is none to wait.
          const isThoughtOf = (does === 'fail' || does === 'refuse') && !isLast;
          if (config.jitter === 'full' && isThoughtOf && config.waitMin > 0) wait = Math.round(wait * drawn());
          isLast ||= time + wait > config.maxElapsed;
          if (does === 'work' || does === 'forbid' || isLast) {
            expected = does === 'fail' && !config.rethrow ? errors.join() : made;
            break;
          }
          expectedDelays.push(wait);
          time += wait;
        }

        const end = new Api().get().catch((error: unknown) => {
          return error instanceof RetryError ? error.errors.join() : (error as string);
        });
        // Longer than any of them takes.
        await clock.tickAsync(60_000);
        await flush();
        random.mock.restore();
        assert.equal(await end, expected);
        assert.deepEqual(startedAt, expectedStarts);
        assert.deepEqual(delays, expectedDelays);
        const { running, retries, failures } = statsOf(Api, 'get');
        assert.equal(running, 0);
        assert.equal(retries, expectedDelays.length);
        assert.equal(failures, /^(work|refuse)/.test(expected) ? 0 : 1);
        assert.equal(clock.countTimers(), 0);
      }),
    ),
    { numRuns: 300 },
  ));
