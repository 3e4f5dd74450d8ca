import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import { type FakeMethod, install } from '@sinonjs/fake-timers';
import { concurrency, RejectedError, rateLimit, retry, statsOf, TimeoutError, timeout } from 'opero';
import { flush } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { assertWindows } from '../support/starts.js';

interface Fake {
  readonly name: string;
  /** Runs with faked timers, and a function that moves them on. */
  readonly run: (body: (tick: (milliseconds: number) => Promise<void>) => Promise<void>) => Promise<void>;
}

/** Moves a clock on, between turns in which everything settles that can. */
const ticking = (clock: { tick(milliseconds: number): unknown }) => async (milliseconds: number) => {
  await flush();
  clock.tick(milliseconds);
  await flush();
};

const ofNode = (...apis: ('setTimeout' | 'Date' | 'setInterval')[]): Fake => ({
  name: `node:test (${apis.join(', ')})`,
  async run(body) {
    mock.timers.enable({ apis });
    try {
      await body(ticking(mock.timers));
    } finally {
      mock.timers.reset();
    }
  },
});

/** What the test runner's own streams need; a tick that goes by a fake clock is lost with it. */
const toNotFake: FakeMethod[] = ['nextTick', 'queueMicrotask'];

const ofSinon = (...toFake: FakeMethod[]): Fake => ({
  name: `sinon (${toFake.join(', ') || 'all'})`,
  async run(body) {
    const clock = install(toFake.length > 0 ? { toFake } : { toNotFake });
    try {
      await body(ticking(clock));
    } finally {
      clock.uninstall();
    }
  },
});

/** Fake timers of the browsers' kind: numbers, which know nothing of programs that they could keep alive. */
const ofNumbers: Fake = {
  name: 'numbers',
  async run(body) {
    const clock = install({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const setFake = setTimeout;
    globalThis.setTimeout = ((ring: () => void, delay: number) => Number(setFake(ring, delay))) as never;
    try {
      await body(ticking(clock));
    } finally {
      clock.uninstall();
    }
  },
};

const fakes: Fake[] = [
  ofNode('setTimeout'),
  ofNode('setTimeout', 'Date'),
  ofNode('setTimeout', 'Date', 'setInterval'),
  ofSinon('setTimeout', 'clearTimeout'),
  ofSinon('setTimeout', 'clearTimeout', 'Date'),
  ofSinon('setTimeout', 'clearTimeout', 'performance'),
  ofSinon('setTimeout', 'clearTimeout', 'Date', 'performance'),
  ofSinon(),
  ofNumbers,
];

for (const { name, run } of fakes) {
  describe(`fake timers of ${name} drive`, () => {
    test('the waits of retry', () =>
      run(async (tick) => {
        let attempts = 0;
        class Api {
          @retry({ maxAttempts: 3, waitMin: 100_000, waitMax: 1e6, jitter: 'none' })
          async get(): Promise<number> {
            if (++attempts < 3) throw new Error('no');
            return attempts;
          }
        }
        const call = new Api().get();
        await tick(100_000 - 1);
        assert.equal(attempts, 1);
        await tick(1);
        assert.equal(attempts, 2);
        await tick(200_000 - 1);
        assert.equal(attempts, 2);
        await tick(1);
        assert.equal(await call, 3);
      }));

    test('waits longer than a timer takes', () =>
      run(async (tick) => {
        let attempts = 0;
        class Api {
          @retry({ maxAttempts: 2, waitMin: 2 ** 32, waitMax: 2 ** 33, jitter: 'none' })
          async get(): Promise<number> {
            if (++attempts < 2) throw new Error('no');
            return attempts;
          }
        }
        const call = new Api().get();
        for (let i = 0; i < 2; i++) await tick(2 ** 31 - 1);
        assert.equal(attempts, 1);
        await tick(2);
        assert.equal(await call, 2);
      }));

    test('the budget of retry', () =>
      run(async (tick) => {
        let attempts = 0;
        class Api {
          @retry({
            maxAttempts: 9,
            waitMin: 100_000,
            waitMultiplier: 1,
            waitMax: 1e6,
            jitter: 'none',
            maxElapsed: 250_000,
          })
          async get(): Promise<void> {
            attempts++;
            throw new Error('no');
          }
        }
        const call = assert.rejects(new Api().get(), /no/);
        for (let i = 0; i < 4; i++) await tick(100_000);
        await call;
        assert.equal(attempts, 3);
      }));

    for (const spread of [false, true]) {
      test(`the starts of rateLimit (spread: ${spread})`, () =>
        run(async (tick) => {
          const entered: number[] = [];
          class Api {
            @rateLimit({ rate: 2, per: 200_000, spread })
            async get(id: number): Promise<void> {
              entered.push(id);
            }
          }
          const api = new Api();
          const calls = [0, 1, 2, 3, 4].map((id) => api.get(id));
          const counts = [entered.length];
          for (let i = 0; i < 4; i++) {
            await tick(100_000 - 1);
            counts.push(entered.length);
            await tick(1);
            counts.push(entered.length);
          }
          await Promise.all(calls);
          assert.deepEqual(counts, spread ? [1, 1, 2, 2, 3, 3, 4, 4, 5] : [2, 2, 2, 2, 4, 4, 4, 4, 5]);
        }));
    }

    test('a rate limit that has been idle', () =>
      run(async (tick) => {
        class Api {
          @rateLimit({ rate: 1, per: 100_000, maxQueue: 0 })
          async get(): Promise<string> {
            return 'got';
          }
        }
        const api = new Api();
        for (let i = 0; i < 3; i++) {
          assert.equal(await api.get(), 'got');
          await assert.rejects(api.get(), RejectedError);
          await tick(100_000);
        }
      }));

    test('maxWait of rateLimit and of concurrency', () =>
      run(async (tick) => {
        let entered = 0;
        class Api {
          @rateLimit({ rate: 1, per: 1e6, maxWait: 100_000 })
          async rate(): Promise<void> {}
          @concurrency({ limit: 1, maxWait: 100_000 })
          slot(): Promise<void> {
            entered++;
            return new Promise(() => {});
          }
        }
        const api = new Api();
        for (const method of ['rate', 'slot'] as const) {
          api[method]();
          let reason: unknown;
          const waits = api[method]().catch((error: unknown) => {
            reason = (error as RejectedError).reason;
          });
          await tick(100_000 - 1);
          assert.equal(reason, undefined, method);
          await tick(1);
          await waits;
          assert.equal(reason, 'wait-timeout', method);
        }
        assert.equal(entered, 1);
      }));

    for (const scope of ['attempt', 'total'] as const) {
      test(`the time of timeout: ${scope}, of each call its own`, () =>
        run(async (tick) => {
          const ended: unknown[] = [];
          class Api {
            @timeout(scope === 'total' ? { total: 100_000 } : 100_000)
            async get(wait: number): Promise<number> {
              await new Promise((resolve) => setTimeout(resolve, wait));
              return wait;
            }
          }
          const api = new Api();
          const call = (id: string, wait: number): unknown =>
            api.get(wait).then(
              (value) => ended.push([id, value]),
              (error: TimeoutError) => ended.push([id, error.scope]),
            );
          // Twice, as timers may be left from before.
          for (let round = 0; round < 2; round++) {
            ended.length = 0;
            call('a', 1e6);
            await tick(40_000);
            call('b', 1e6);
            call('c', 50_000);
            await tick(50_000);
            assert.deepEqual(ended, [['c', 50_000]]);
            await tick(10_000 - 1);
            assert.equal(ended.length, 1);
            await tick(1);
            assert.deepEqual(ended.slice(1), [['a', scope]]);
            await tick(40_000 - 1);
            assert.equal(ended.length, 2);
            await tick(1);
            assert.deepEqual(ended.slice(2), [['b', scope]]);
            await tick(30_000);
          }
        }));
    }

    test('a tick past all deadlines ends each, and leaves what had settled before', () =>
      run(async (tick) => {
        class Api {
          @timeout({ attempt: 100_000, total: 150_000 })
          @retry({ waitMin: 0 })
          async get(wait: number): Promise<number> {
            await new Promise((resolve) => setTimeout(resolve, wait));
            return wait;
          }
        }
        const api = new Api();
        const late = api.get(1e6).catch((error: TimeoutError) => error.scope);
        const inTime = api.get(90_000);
        await tick(1e5);
        await tick(1e5);
        assert.equal(await inTime, 90_000);
        assert.equal(await late, 'total');
        assert.equal(statsOf(api, 'get').timeouts, 2);
      }));
  });
}

for (const { name, run } of fakes.filter(({ name }) => /Date|performance|all|numbers/.test(name))) {
  test(`the budget of retry counts what the attempts take by the clock of ${name}`, () =>
    run(async (tick) => {
      let attempts = 0;
      class Api {
        @retry({ maxAttempts: 9, waitMin: 10_000, waitMultiplier: 1, jitter: 'none', maxElapsed: 250_000 })
        async get(): Promise<void> {
          attempts++;
          await new Promise((resolve) => setTimeout(resolve, 90_000));
          throw new Error('no');
        }
      }
      const call = assert.rejects(new Api().get(), /no/);
      for (let i = 0; i < 9 * 10; i++) await tick(10_000);
      await call;
      assert.equal(attempts, 3);
    }));
}

test('time that really passes under fake timers over a real clock counts for nothing', async () => {
  const busy = () => {
    const since = performance.now();
    while (performance.now() - since < 10);
  };
  for (const fake of [ofNode('setTimeout'), ofSinon('setTimeout', 'clearTimeout')]) {
    await fake.run(async (tick) => {
      let starts = 0;
      let attempts = 0;
      class Api {
        @retry({ maxAttempts: 2, waitMin: 1.5, jitter: 'none' })
        async get(): Promise<number> {
          if (++attempts < 2) throw new Error('no');
          return attempts;
        }
        @rateLimit({ rate: 2, per: 4 })
        async start(): Promise<void> {
          starts++;
        }
      }
      const api = new Api();
      const calls: Promise<unknown>[] = [];
      for (let i = 0; i < 5; i++) {
        calls.push(api.start());
        busy();
      }
      calls.push(api.get());
      await tick(1);
      assert.deepEqual([attempts, starts], [1, 2], fake.name);
      busy();
      await tick(1);
      assert.deepEqual([attempts, starts], [2, 2], fake.name);
      await tick(1);
      assert.deepEqual([attempts, starts], [2, 2], fake.name);
      await tick(1);
      assert.deepEqual([attempts, starts], [2, 4], fake.name);
      await tick(3);
      assert.deepEqual([attempts, starts], [2, 4], fake.name);
      await tick(1);
      assert.deepEqual([attempts, starts], [2, 5], fake.name);
      await Promise.all(calls);
    });
  }
});

test('under fake timers over a real clock a permit comes back when a window has passed by their ticks', async () => {
  for (const fake of [ofNode('setTimeout'), ofSinon('setTimeout', 'clearTimeout'), ofNode('setTimeout', 'Date')]) {
    await fake.run(async (tick) => {
      let attempts = 0;
      let starts = 0;
      class Api {
        @retry({ maxAttempts: 2, waitMin: 100, jitter: 'none' })
        async get(): Promise<void> {
          if (++attempts < 2) throw new Error('no');
        }
        @rateLimit({ rate: 1, per: 100 })
        async start(): Promise<void> {
          starts++;
        }
      }
      const api = new Api();
      const calls: Promise<void>[] = [api.get()];
      await tick(90);
      calls.push(api.start());
      // Here a wait ends that has nothing to do with the limit.
      await tick(10);
      calls.push(api.start());
      await tick(89);
      assert.deepEqual([attempts, starts], [2, 1], fake.name);
      await tick(1);
      assert.equal(starts, 2, fake.name);
      await Promise.all(calls);
    });
  }
});

test('timers of another kind that run by the real clock keep to it', async () => {
  const entered: number[] = [];
  class Api {
    @rateLimit({ rate: 2, per: 60 })
    async start(): Promise<void> {
      entered.push(performance.now());
    }
  }
  const api = new Api();
  const setReal = setTimeout;
  const pass = (delay: number) => new Promise((resolve) => setReal(resolve, delay));
  globalThis.setTimeout = ((ring: () => void, delay: number) => Number(setReal(ring, delay))) as never;
  try {
    await api.start();
    await pass(50);
    await Promise.all([1, 2, 3, 4].map(() => api.start()));
  } finally {
    globalThis.setTimeout = setReal;
  }
  assertWindows(entered, 2, 60);
});

test('a call that began under timers which are gone is not lost, and its successors keep to the time', async () => {
  for (const fake of fakes) {
    class Api {
      @timeout(50)
      async get(): Promise<never> {
        return await new Promise(() => {});
      }
    }
    const api = new Api();
    const ends: Promise<unknown>[] = [];
    const call = () => ends.push(api.get().catch((error: unknown) => error));
    await fake.run(async () => {
      call();
    });
    call();
    for (const end of await Promise.all(ends.slice(1))) assert.ok(end instanceof TimeoutError, fake.name);
    await fake.run(async (tick) => {
      call();
      await tick(50);
      assert.ok((await ends.at(-1)) instanceof TimeoutError, fake.name);
    });
  }
});

test('the time does not go back as fake timers come for a second time', async () => {
  for (const fake of [ofNode('setTimeout'), ofSinon('setTimeout', 'clearTimeout')]) {
    let starts = 0;
    class Api {
      @rateLimit({ rate: 1, per: 100_000 })
      async first(): Promise<void> {}
      @rateLimit({ rate: 1, per: 100_000 })
      async second(): Promise<void> {
        starts++;
      }
    }
    const api = new Api();
    await fake.run(async (tick) => {
      const calls = [api.first(), api.first()];
      await tick(100_000);
      await Promise.all(calls);
    });
    await new Promise((resolve) => setTimeout(resolve, 2));
    await api.second();
    await fake.run(async (tick) => {
      const call = api.second();
      await tick(99_000);
      assert.equal(starts, 1, fake.name);
      await tick(1_000);
      assert.equal(starts, 2, fake.name);
      await call;
    });
  }
});

for (const options of [undefined, { apis: ['setTimeout'] as 'setTimeout'[] }]) {
  // They come with the very same setTimeout again, and have forgotten the timers of before.
  describe(`as fake timers of node:test (${options?.apis ?? 'all'}) are reset and come again`, () => {
    test('a rate limit opens again', async () => {
      class Api {
        tries = 0;
        @rateLimit({ rate: 1, per: 100 })
        async limited(): Promise<void> {}
        @retry({ maxAttempts: 2, waitMin: 100, jitter: 'none' })
        async retried(): Promise<void> {
          if (this.tries++ % 2 === 0) throw new Error('no');
        }
      }
      const api = new Api();
      const tick = ticking(mock.timers);
      try {
        for (const passing of [false, false, true, false]) {
          mock.timers.enable(options);
          if (passing) {
            const retried = api.retried();
            await tick(100);
            await retried;
          }
          let isDone = false;
          api.limited().then(() => {
            isDone = true;
          });
          for (let i = 0; i < 3; i++) await tick(100);
          assert.equal(isDone, true, `passing: ${passing}`);
          mock.timers.reset();
        }
      } finally {
        mock.timers.reset();
      }
    });

    test('no timer of anybody is lost', async () => {
      class Api {
        @rateLimit({ rate: 1, per: 50 })
        async get(): Promise<void> {}
      }
      const api = new Api();
      const tick = ticking(mock.timers);
      try {
        mock.timers.enable(options);
        await api.get();
        mock.timers.reset();
        mock.timers.enable(options);
        let fired = 0;
        for (let i = 0; i < 3; i++) setTimeout(() => fired++, 10 * i);
        api.get();
        for (let i = 0; i < 3; i++) await tick(50);
        assert.equal(fired, 3);
        assert.equal(statsOf(Api, 'get').attempts, 2);
      } finally {
        mock.timers.reset();
      }
    });
  });
}

describe('real timers after fake ones', () => {
  test('wait as long as they should', async () => {
    class Api {
      @retry({ maxAttempts: 2, waitMin: 20, jitter: 'none' })
      async get(): Promise<void> {
        startedAt.push(performance.now());
        if (startedAt.length === 1) throw new Error('no');
      }
      @rateLimit({ rate: 1, per: 20 })
      async limited(): Promise<void> {
        startedAt.push(performance.now());
      }
    }
    const startedAt: number[] = [];
    const api = new Api();
    await api.get();
    assert.ok(startedAt[1] - startedAt[0] >= 20, `${startedAt[1] - startedAt[0]}`);
    startedAt.length = 0;
    await Promise.all([api.limited(), api.limited()]);
    assert.ok(startedAt[1] - startedAt[0] >= 20, `${startedAt[1] - startedAt[0]}`);
  });

  test('open a rate limit that fake ones have filled, at the latest after a window', async () => {
    class Api {
      @rateLimit({ rate: 1, per: 20 })
      async get(): Promise<string> {
        return 'got';
      }
    }
    const api = new Api();
    for (const { run } of fakes) {
      await run(async (tick) => {
        await tick(5e6);
        const call = api.get();
        await tick(20);
        await call;
      });
    }
    assert.equal(await api.get(), 'got');
  });
});

for (const { name, run } of fakes) {
  describe(`as fake timers of ${name} come and go`, () => {
    test('a rate limit whose window is open goes on by the clock in use', async () => {
      class Api {
        @rateLimit({ rate: 1, per: 20 })
        async get(): Promise<void> {}
      }
      const api = new Api();
      await run(async () => api.get());
      for (let i = 0; i < 3; i++) await api.get();
      await run(async (tick) => {
        const calls = [api.get(), api.get()];
        for (let i = 0; i < 4; i++) await tick(20);
        await Promise.all(calls);
      });
      assert.equal(statsOf(Api, 'get').attempts, 6);
    });

    test('a call that waited before they came is turned away with the next one', async () => {
      class Api {
        @concurrency({ limit: 1, maxWait: 20 })
        slot(): Promise<void> {
          return new Promise(() => {});
        }
      }
      const api = new Api();
      api.slot();
      const waits = [rejection(api.slot())];
      await run(async (tick) => {
        waits.push(rejection(api.slot()));
        for (let i = 0; i < 3; i++) await tick(20);
        for (const wait of waits) assert.equal(((await wait) as RejectedError).reason, 'wait-timeout');
      });
    });

    test('a call that waits with a maxWait is turned away, at the latest with the next one', async () => {
      class Api {
        @concurrency({ limit: 1, maxWait: 20 })
        slot(): Promise<void> {
          return new Promise(() => {});
        }
      }
      const api = new Api();
      const waits: Promise<unknown>[] = [];
      await run(async (tick) => {
        // Now it may be later by their clock than by the real one.
        await tick(5e6);
        api.slot();
        waits.push(rejection(api.slot()));
      });
      waits.push(rejection(api.slot()));
      for (const wait of waits) assert.equal(((await wait) as RejectedError).reason, 'wait-timeout');
    });
  });
}
