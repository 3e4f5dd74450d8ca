import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import fc from 'fast-check';
import { concurrency, currentCall, fallback, processAll, rateLimit, retry, statsOf } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';

interface Options {
  readonly signal?: AbortSignal | undefined;
}

const pending = (): Promise<never> => new Promise(() => {});

/** A controller whose signal is like an AbortSignal, and is none. */
function foreignController() {
  const target = new EventTarget();
  const signal = {
    aborted: false,
    reason: undefined as unknown,
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  };
  const abort = (reason: unknown): void => {
    Object.assign(signal, { aborted: true, reason });
    target.dispatchEvent(new Event('abort'));
  };
  return { signal, abort };
}

/** What a promise has come to by now. */
async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'fulfilled' | 'rejected'> {
  await flush();
  return await Promise.race([
    promise.then(
      () => 'fulfilled' as const,
      () => 'rejected' as const,
    ),
    flush().then(() => 'pending' as const),
  ]);
}

describe('the signal that governs a call', () => {
  class Shop {
    @retry()
    buy(..._args: unknown[]): Promise<void> {
      return pending();
    }
  }

  for (const [where, argsOf] of [
    ['the only argument', (signal: AbortSignal) => [signal]],
    ['the last argument', (signal: AbortSignal) => ['a', {}, signal]],
    ['`signal` of the only argument', (signal: AbortSignal) => [{ signal }]],
    ['`signal` of the last argument', (signal: AbortSignal) => ['a', { signal, other: 1 }]],
    ['before an undefined one', (signal: AbortSignal) => ['a', signal, undefined]],
    ['`signal` of the last that is not undefined', (signal: AbortSignal) => [{ signal }, undefined, undefined]],
    ['an inherited `signal` of the last argument', (signal: AbortSignal) => [Object.create({ signal })]],
    ['`signal` of a class instance', (signal: AbortSignal) => [new Request('http://localhost', { signal })]],
  ] as const) {
    test(`may be ${where}`, () =>
      handled(async () => {
        const controller = new AbortController();
        const call = rejection(new Shop().buy(...argsOf(controller.signal)));
        controller.abort();
        const reason = await call;
        assert.ok(reason instanceof DOMException && reason.name === 'AbortError');
      }));
  }

  for (const [where, argsOf] of [
    ['an argument before the last', (signal: AbortSignal) => [signal, 'a']],
    ['`signal` of an argument before the last', (signal: AbortSignal) => [{ signal }, {}]],
    ['before null', (signal: AbortSignal) => [{ signal }, null]],
    ['before null and an undefined one', (signal: AbortSignal) => [signal, null, undefined]],
    ['deeper inside the last argument', (signal: AbortSignal) => [{ options: { signal } }]],
    ['an element of the last argument', (signal: AbortSignal) => [[signal]]],
  ] as const) {
    test(`is not ${where}`, async () => {
      const controller = new AbortController();
      const count = countListeners(controller.signal);
      const call = new Shop().buy(...argsOf(controller.signal));
      controller.abort();
      assert.equal(await stateOf(call), 'pending');
      assert.equal(count.added, 0);
    });
  }

  test('is not a `signal` that is something else', async () => {
    const others = [undefined, null, 'SIGTERM', 9, {}, { aborted: true }, () => {}, new AbortController()];
    for (const signal of others) assert.equal(await stateOf(new Shop().buy({ signal })), 'pending');
    const target = new EventTarget();
    const call = new Shop().buy({ signal: target });
    target.dispatchEvent(new Event('abort'));
    assert.equal(await stateOf(call), 'pending');
  });

  test('may be of another class, as from another realm or a polyfill', () =>
    handled(async () => {
      const { signal, ...controller } = foreignController();
      const call = rejection(new Shop().buy(signal));
      const other = rejection(new Shop().buy({ signal }));
      assert.equal(await stateOf(new Shop().buy('a', signal, 'b')), 'pending');
      controller.abort('enough');
      assert.equal(await call, 'enough');
      assert.equal(await other, 'enough');
    }));

  test('that cannot be listened to makes the call reject with what that threw', async () => {
    const error = new Error('no listeners here');
    const signal = {
      aborted: false,
      addEventListener(): void {
        throw error;
      },
    };
    const { failures, running } = statsOf(Shop, 'buy');
    assert.equal(await rejection(new Shop().buy(signal)), error);
    assert.deepEqual([statsOf(Shop, 'buy').failures, statsOf(Shop, 'buy').running], [failures + 1, running]);
  });

  test('that cannot be read makes the call reject with what reading it threw', async () => {
    const error = new Error('no signal here');
    const options = {
      get signal(): unknown {
        throw error;
      },
    };
    const shop = new Shop();
    const { calls, failures } = statsOf(shop, 'buy');
    await assert.rejects(shop.buy(options), (thrown) => thrown === error);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    await assert.rejects(shop.buy(proxy), TypeError);
    const after = statsOf(shop, 'buy');
    assert.deepEqual([after.calls - calls, after.failures - failures], [2, 2]);
  });

  test('may be one of another realm, or one that stands in for it', async () => {
    class Signal extends EventTarget {
      aborted = false;
      reason: unknown;
      abort(reason: unknown): void {
        this.aborted = true;
        this.reason = reason;
        this.dispatchEvent(new Event('abort'));
      }
    }
    const signal = new Signal();
    const call = rejection(new Shop().buy({ signal }));
    signal.abort('enough');
    assert.equal(await call, 'enough');
    for (const other of [
      new EventTarget(),
      { aborted: 'no', addEventListener() {} },
      { aborted: true, addEventListener: 'no' },
      Object.assign(() => {}, { aborted: true, addEventListener() {} }),
    ]) {
      assert.equal(await stateOf(new Shop().buy(other)), 'pending');
    }
  });

  test('may be that of an item as well as that of the run over all items', async () => {
    for (const which of ['item', 'run'] as const) {
      const item = new AbortController();
      const run = new AbortController();
      const call = rejection(processAll(new Shop(), 'buy', [{ signal: item.signal }] as never, { signal: run.signal }));
      await flush();
      (which === 'item' ? item : run).abort(which);
      assert.equal(await call, which);
    }
  });

  test('may be one of another class for an item, beside that of the run over all items', () =>
    handled(async () => {
      class Shop {
        @retry(1)
        async buy(_options: { signal: unknown }): Promise<string> {
          return currentCall().signal?.aborted === false ? await pending() : 'no signal';
        }
      }
      const run = new AbortController();
      const count = countListeners(run.signal);
      for (const last of ['item', 'run'] as const) {
        const { signal, ...item } = foreignController();
        const call = rejection(processAll(new Shop(), 'buy', [{ signal }], { signal: run.signal }));
        await flush();
        (last === 'item' ? item : run).abort(last);
        assert.equal(await call, last);
        assert.equal(count.standing.size, 0);
      }
    }));

  test('may have been aborted before its item is begun', () =>
    handled(async () => {
      let entered = 0;
      class Shop {
        @retry(1)
        async buy(_signal: AbortSignal): Promise<void> {
          entered++;
        }
      }
      const { signal } = new AbortController();
      assert.equal(await rejection(processAll(new Shop(), 'buy', [AbortSignal.abort('early')], { signal })), 'early');
      assert.equal(entered, 0);
    }));

  test('of each of many items leaves no listener on that of the run', () =>
    handled(async () => {
      class Shop {
        @retry(1)
        async buy({ signal }: { signal: AbortSignal }): Promise<boolean> {
          return currentCall().signal !== signal;
        }
      }
      const run = new AbortController();
      const count = countListeners(run.signal);
      const items = Array.from({ length: 50 }, () => ({ signal: new AbortController().signal }));
      const counts = items.map(({ signal }) => countListeners(signal));
      const done = await processAll(new Shop(), 'buy', items, { signal: run.signal, concurrency: 5 });
      assert.ok(done.every(Boolean));
      for (const each of [count, ...counts]) assert.deepEqual([each.added > 0, each.standing.size], [true, 0]);
    }));

  test('may be one of AbortSignal.any', () =>
    handled(async () => {
      const [one, other] = [new AbortController(), new AbortController()];
      const call = rejection(new Shop().buy(AbortSignal.any([one.signal, other.signal])));
      other.abort('other');
      assert.equal(await call, 'other');
    }));

  test('may be one of AbortSignal.timeout', () =>
    handled(async () => {
      class Api {
        @retry({ waitMin: 60_000, jitter: 'none' })
        async get(_options: Options): Promise<void> {
          throw new Error('no');
        }
      }
      const signal = AbortSignal.timeout(5);
      const reason = await rejection(new Api().get({ signal }));
      assert.equal(reason, signal.reason);
      assert.ok(reason instanceof DOMException && reason.name === 'TimeoutError');
    }));
});

describe('the reason of an abort', () => {
  for (const reason of [new Error('enough'), 'text', 0, null, false, { code: 1 }, Symbol('why')]) {
    test(`arrives as it is: ${String(reason)}`, () =>
      handled(async () => {
        class Shop {
          @fallback('other')
          @retry()
          @rateLimit(100)
          @concurrency(100)
          buy(_signal: AbortSignal): Promise<string> {
            return pending();
          }
          async other(_signal: AbortSignal): Promise<string> {
            return 'other';
          }
        }
        const controller = new AbortController();
        const running = rejection(new Shop().buy(controller.signal));
        controller.abort(reason);
        assert.equal(await running, reason);
        assert.equal(await rejection(new Shop().buy(controller.signal)), reason);
      }));
  }

  test("is the signal's own AbortError when none was given", () =>
    handled(async () => {
      class Shop {
        @retry()
        buy(_signal: AbortSignal): Promise<string> {
          return pending();
        }
      }
      for (const abort of [(c: AbortController) => c.abort(), (c: AbortController) => c.abort(undefined)]) {
        const controller = new AbortController();
        const call = rejection(new Shop().buy(controller.signal));
        abort(controller);
        const reason = await call;
        assert.equal(reason, controller.signal.reason);
        assert.equal((reason as Error).name, 'AbortError');
      }
    }));
});

/** Each state in which an abort can meet a call. */
interface State {
  readonly name: string;
  /** Makes a call that gets into the state; tells of what starts, and how to let go of what runs. */
  readonly make: (signal: AbortSignal, log: string[], gate: Deferred<never>) => Promise<unknown>;
  /** What has started by then. */
  readonly started: readonly string[];
}

const fails = (log: string[], name: string): Promise<never> => {
  log.push(name);
  return Promise.reject(new Error(name));
};

const states: State[] = [
  {
    name: 'queued at a rate limit',
    started: [],
    make(governing, log, gate) {
      class Shop {
        @fallback('other')
        @retry({ waitMin: 0 })
        @rateLimit({ rate: 1, per: 60_000 })
        async buy(signal?: AbortSignal): Promise<string> {
          if (signal) log.push('own');
          return 'own';
        }
        other(...args: unknown[]): Promise<string> {
          return args.includes(governing) ? fails(log, 'other') : gate.promise;
        }
      }
      new Shop().buy();
      return new Shop().buy(governing);
    },
  },
  {
    name: 'queued at a concurrency limit, with a maxWait',
    started: [],
    make(governing, log, gate) {
      class Shop {
        @fallback('other')
        @retry({ waitMin: 0 })
        @concurrency({ limit: 1, maxWait: 60_000 })
        buy(signal?: AbortSignal): Promise<string> {
          if (signal) log.push('own');
          return gate.promise;
        }
        other(...args: unknown[]): Promise<string> {
          return args.includes(governing) ? fails(log, 'other') : gate.promise;
        }
      }
      new Shop().buy().catch(() => {});
      return new Shop().buy(governing);
    },
  },
  {
    name: 'queued at a slot, with its permit taken',
    started: [],
    make(governing, log, gate) {
      class Shop {
        @fallback('other')
        @rateLimit({ rate: 5, per: 50 })
        @concurrency(1)
        buy(signal?: AbortSignal): Promise<string> {
          if (signal) log.push('own');
          return gate.promise;
        }
        other(...args: unknown[]): Promise<string> {
          return args.includes(governing) ? fails(log, 'other') : gate.promise;
        }
      }
      new Shop().buy().catch(() => {});
      return new Shop().buy(governing);
    },
  },
  {
    name: 'queued under a key',
    started: [],
    make(governing, log, gate) {
      class Shop {
        @fallback('other')
        @concurrency({ limit: 1, key: (tenant: string) => tenant })
        buy(_tenant: string, signal?: AbortSignal): Promise<string> {
          if (signal) log.push('own');
          return gate.promise;
        }
        other(...args: unknown[]): Promise<string> {
          return args.includes(governing) ? fails(log, 'other') : gate.promise;
        }
      }
      new Shop().buy('a').catch(() => {});
      return new Shop().buy('a', governing);
    },
  },
  {
    name: 'waiting for a retry',
    started: ['own'],
    make(signal, log) {
      class Shop {
        @fallback({ alternatives: ['other'], value: 'value' })
        @retry({ waitMin: 60_000, jitter: 'none' })
        buy(_signal: AbortSignal): Promise<string> {
          return fails(log, 'own');
        }
        other(): Promise<string> {
          return fails(log, 'other');
        }
      }
      return new Shop().buy(signal);
    },
  },
  ...(['onRetry', 'retryOn', 'abortOn', 'retryResult'] as const).map(
    (option): State => ({
      name: `in ${option} of a retry`,
      started: ['own'],
      make(signal, log, gate) {
        class Shop {
          @fallback({ alternatives: ['other'], value: 'value' })
          @retry({ waitMin: 0, [option]: () => gate.promise })
          buy(_signal: AbortSignal): Promise<string> {
            if (option !== 'retryResult') return fails(log, 'own');
            log.push('own');
            return Promise.resolve('more');
          }
          other(): Promise<string> {
            return fails(log, 'other');
          }
        }
        return new Shop().buy(signal);
      },
    }),
  ),
  {
    name: 'in `on` of a fallback',
    started: ['own'],
    make(signal, log, gate) {
      class Shop {
        @fallback({ alternatives: ['other'], value: 'value', on: () => gate.promise })
        buy(_signal: AbortSignal): Promise<string> {
          return fails(log, 'own');
        }
        other(): Promise<string> {
          return fails(log, 'other');
        }
      }
      return new Shop().buy(signal);
    },
  },
  {
    name: 'running its first attempt',
    started: ['own'],
    make(signal, log, gate) {
      class Shop {
        @fallback({ alternatives: ['other'], value: 'value' })
        @retry({ waitMin: 0 })
        @rateLimit(9)
        @concurrency(9)
        buy(_signal: AbortSignal): Promise<string> {
          log.push('own');
          return gate.promise;
        }
        other(): Promise<string> {
          return fails(log, 'other');
        }
      }
      return new Shop().buy(signal);
    },
  },
  {
    name: 'running its third attempt',
    started: ['own', 'own', 'own'],
    make(signal, log, gate) {
      class Shop {
        @fallback({ alternatives: ['other'], value: 'value' })
        @retry({ maxAttempts: 5, waitMin: 0 })
        @rateLimit(9)
        @concurrency(9)
        buy(_signal: AbortSignal): Promise<string> {
          if (log.length < 2) return fails(log, 'own');
          log.push('own');
          return gate.promise;
        }
        other(): Promise<string> {
          return fails(log, 'other');
        }
      }
      return new Shop().buy(signal);
    },
  },
  {
    name: 'in a fallback',
    started: ['own', 'first', 'second'],
    make(signal, log, gate) {
      class Shop {
        @fallback({ alternatives: ['first', 'second', 'third'], value: 'value' })
        @retry(1)
        buy(_signal: AbortSignal): Promise<string> {
          return fails(log, 'own');
        }
        first(): Promise<string> {
          return fails(log, 'first');
        }
        second(): Promise<string> {
          log.push('second');
          return gate.promise;
        }
        third(): Promise<string> {
          return fails(log, 'third');
        }
      }
      return new Shop().buy(signal);
    },
  },
  {
    name: 'in the last alternative before a value',
    started: ['own', 'first'],
    make(signal, log, gate) {
      class Shop {
        @fallback({ alternatives: ['first'], value: 'value' })
        buy(_signal: AbortSignal): Promise<string> {
          return fails(log, 'own');
        }
        first(): Promise<string> {
          log.push('first');
          return gate.promise;
        }
      }
      return new Shop().buy(signal);
    },
  },
  {
    name: 'in a fallback that is decorated and waits for its own retry',
    started: ['own', 'first'],
    make(signal, log) {
      class Shop {
        @fallback('first', 'second')
        buy(_signal: AbortSignal): Promise<string> {
          return fails(log, 'own');
        }
        @retry({ waitMin: 60_000, jitter: 'none' })
        first(_signal: AbortSignal): Promise<string> {
          return fails(log, 'first');
        }
        second(): Promise<string> {
          return fails(log, 'second');
        }
      }
      return new Shop().buy(signal);
    },
  },
];

describe('an abort of a call that is', () => {
  for (const { name, make, started } of states) {
    for (const late of ['settles late with a value', 'rejects late', 'never ends'] as const) {
      test(`${name}: rejects it at once and starts nothing more, whatever runs ${late}`, () =>
        handled(() =>
          underFakeClock(async (clock) => {
            const log: string[] = [];
            const gate = deferred<never>();
            gate.promise.catch(() => {});
            const controller = new AbortController();
            const count = countListeners(controller.signal);
            let reason: unknown;
            make(controller.signal, log, gate).catch((error: unknown) => {
              reason = error;
            });
            for (let i = 0; i < 3; i++) await flush();
            assert.deepEqual(log, started);
            assert.equal(reason, undefined);

            const why = new Error('enough');
            controller.abort(why);
            assert.equal(count.standing.size, 0);
            for (let i = 0; i < 5; i++) await Promise.resolve();
            assert.equal(reason, why);

            if (late === 'settles late with a value') gate.resolve(true as never);
            if (late === 'rejects late') gate.reject(new Error('late'));
            await flush();
            await clock.tickAsync(200_000);
            await flush();
            assert.deepEqual(log, started);
            assert.equal(count.added, count.removed);
            assert.equal(clock.countTimers(), 0);
          }),
        ));
    }
  }

  test('not made yet: rejects with the reason, and nothing starts, no listener is added and no limit is touched', () =>
    handled(async () => {
      const entered = mock.fn(async (_id: string, _options?: Options) => 'ok');
      const key = mock.fn(() => 'key');
      class Shop {
        @fallback('other')
        @retry()
        @rateLimit({ rate: 1, per: 60_000, maxQueue: 0, key })
        @concurrency({ limit: 1, maxQueue: 0 })
        buy(id: string, options?: Options): Promise<string> {
          return entered(id, options);
        }
        other(id: string, options?: Options): Promise<string> {
          return entered(id, options);
        }
      }
      const signal = AbortSignal.abort('before');
      const count = countListeners(signal);
      assert.equal(await rejection(new Shop().buy('a', { signal })), 'before');
      assert.equal(entered.mock.callCount(), 0);
      assert.equal(count.added, 0);
      const { calls, attempts, failures, fallbacks } = statsOf(Shop, 'buy');
      assert.deepEqual({ calls, attempts, failures, fallbacks }, { calls: 1, attempts: 0, failures: 1, fallbacks: 0 });
      assert.equal(await new Shop().buy('b'), 'ok');
    }));

  test('over already: changes nothing', () =>
    handled(async () => {
      class Shop {
        @retry(1)
        async buy(works: boolean, _signal: AbortSignal): Promise<string> {
          if (!works) throw new Error('own');
          return 'bought';
        }
      }
      const controller = new AbortController();
      const works = new Shop().buy(true, controller.signal);
      const broken = rejection(new Shop().buy(false, controller.signal));
      await flush();
      controller.abort('late');
      assert.equal(await works, 'bought');
      assert.equal(((await broken) as Error).message, 'own');
      assert.equal(statsOf(Shop, 'buy').failures, 1);
    }));
});

describe('after an abort', () => {
  test('onRetry is not told of a retry that will not be', () =>
    handled(async () => {
      for (const option of ['retryOn', 'retryResult'] as const) {
        const gate = deferred<boolean>();
        const onRetry = mock.fn();
        class Shop {
          @retry({ waitMin: 0, [option]: () => gate.promise, onRetry })
          async buy(_signal: AbortSignal): Promise<string> {
            if (option === 'retryOn') throw new Error('no');
            return 'more';
          }
        }
        const controller = new AbortController();
        const call = rejection(new Shop().buy(controller.signal));
        await flush();
        controller.abort('enough');
        gate.resolve(true);
        await call;
        await flush();
        assert.equal(onRetry.mock.callCount(), 0, option);
      }
    }));

  test('no matcher is asked about what the work came to, and no retry is counted', () =>
    handled(async () => {
      for (const how of ['resolve', 'reject'] as const) {
        const gate = deferred<string>();
        const ask = mock.fn(() => true);
        class Shop {
          @fallback({ value: 'value', on: ask })
          @retry({ waitMin: 0, retryOn: ask, retryResult: ask })
          buy(_signal: AbortSignal): Promise<string> {
            return gate.promise;
          }
        }
        const controller = new AbortController();
        const call = rejection(new Shop().buy(controller.signal));
        controller.abort('enough');
        assert.equal(await call, 'enough');
        if (how === 'resolve') gate.resolve('late');
        else gate.reject(new Error('late'));
        await flush();
        assert.equal(ask.mock.callCount(), 0, how);
        assert.equal(statsOf(Shop, 'buy').retries, 0);
      }
    }));

  test('in the hook of a retry with a wait, no timer is left', () =>
    underFakeClock(async (clock) => {
      const controller = new AbortController();
      class Shop {
        @retry({ waitMin: 100_000, onRetry: () => controller.abort('enough') })
        async buy(_signal: AbortSignal): Promise<void> {
          throw new Error('down');
        }
      }
      assert.equal(await rejection(new Shop().buy(controller.signal)), 'enough');
      await flush();
      assert.equal(clock.countTimers(), 0);
    }));

  test('in the hook of a retry without a wait, no retry is counted', () =>
    handled(async () => {
      const controller = new AbortController();
      class Shop {
        @retry({ waitMin: 0, onRetry: () => controller.abort('enough') })
        async buy(_signal: AbortSignal): Promise<string> {
          throw new Error('no');
        }
      }
      assert.equal(await rejection(new Shop().buy(controller.signal)), 'enough');
      await flush();
      const { attempts, retries, failures } = statsOf(Shop, 'buy');
      assert.deepEqual({ attempts, retries, failures }, { attempts: 1, retries: 0, failures: 1 });
    }));

  test('in the hook of a retry, its wait is not begun', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const controller = new AbortController();
        class Shop {
          @retry({ waitMin: 60_000, jitter: 'none', onRetry: () => controller.abort('enough') })
          async buy(_signal: AbortSignal): Promise<string> {
            throw new Error('no');
          }
        }
        assert.equal(await rejection(new Shop().buy(controller.signal)), 'enough');
        await flush();
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  test('an alternative that waits for a retry of its own counts as failed', () =>
    handled(async () => {
      class Shop {
        @fallback('other')
        async buy(_signal: AbortSignal): Promise<string> {
          throw new Error('no');
        }
        @retry({ waitMin: 60_000, jitter: 'none' })
        async other(_signal: AbortSignal): Promise<string> {
          throw new Error('no');
        }
      }
      const controller = new AbortController();
      const call = rejection(new Shop().buy(controller.signal));
      await flush();
      controller.abort('enough');
      assert.equal(await call, 'enough');
      await flush();
      assert.equal(statsOf(Shop, 'other').failures, 1);
    }));

  test('no value of a fallback counts as used', () =>
    handled(async () => {
      for (const late of ['on', 'alternative'] as const) {
        const gate = deferred<boolean>();
        class Shop {
          @fallback({
            alternatives: late === 'on' ? [] : [() => gate.promise.then(() => Promise.reject(new Error('late')))],
            value: 'value',
            on: () => (late === 'on' ? gate.promise : true),
          } as { value: string })
          async buy(_signal: AbortSignal): Promise<string> {
            throw new Error('no');
          }
        }
        const controller = new AbortController();
        const call = rejection(new Shop().buy(controller.signal));
        await flush();
        controller.abort('enough');
        gate.resolve(true);
        assert.equal(await call, 'enough');
        await flush();
        assert.equal(statsOf(Shop, 'buy').fallbacks, late === 'on' ? 0 : 1, late);
      }
    }));

  test('the slot is given back only when the work has really ended, however it ends', () =>
    handled(async () => {
      for (const how of ['resolve', 'reject'] as const) {
        const work: Deferred<string>[] = [];
        class Shop {
          @retry({ waitMin: 0 })
          @concurrency(1)
          buy(_signal?: AbortSignal): Promise<string> {
            work.push(deferred<string>());
            return work[work.length - 1].promise;
          }
        }
        const controller = new AbortController();
        const first = rejection(new Shop().buy(controller.signal));
        const second = new Shop().buy();
        controller.abort('enough');
        assert.equal(await first, 'enough');
        await flush();
        assert.equal(work.length, 1);
        assert.equal(statsOf(Shop, 'buy').running, 1);
        if (how === 'resolve') work[0].resolve('late');
        else work[0].reject(new Error('late'));
        await flush();
        assert.equal(work.length, 2);
        work[1].resolve('second');
        assert.equal(await second, 'second');
        assert.equal(statsOf(Shop, 'buy').running, 0);
      }
    }));

  test('others on the same limits go on unharmed', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Shop {
          @retry({ waitMin: 100, jitter: 'none' })
          @rateLimit({ rate: 1, per: 100 })
          async buy(id: number, _options?: Options): Promise<number> {
            if (currentCall().attempt === 1) throw new Error('once');
            return id;
          }
        }
        const shop = new Shop();
        const controller = new AbortController();
        const ends = [0, 1, 2, 3, 4, 5].map((id) =>
          shop.buy(id, id % 2 ? { signal: controller.signal } : undefined).catch((reason: unknown) => reason),
        );
        await clock.tickAsync(250);
        controller.abort('enough');
        await clock.tickAsync(5000);
        assert.deepEqual(await Promise.all(ends), [0, 'enough', 2, 'enough', 4, 'enough']);
      }),
    ));

  test('an uncancellable alternative or method is left to end by itself', () =>
    handled(async () => {
      const gate = deferred<string>();
      const ended = mock.fn();
      class Shop {
        @fallback('other')
        async buy(_signal: AbortSignal): Promise<string> {
          throw new Error('no');
        }
        async other(_signal: AbortSignal): Promise<string> {
          const value = await gate.promise;
          ended(value);
          return value;
        }
      }
      const controller = new AbortController();
      const call = rejection(new Shop().buy(controller.signal));
      await flush();
      controller.abort('enough');
      assert.equal(await call, 'enough');
      assert.equal(ended.mock.callCount(), 0);
      gate.resolve('late');
      await flush();
      assert.equal(ended.mock.callCount(), 1);
    }));
});

describe('an abort that comes from', () => {
  for (const how of ['and then throws', 'and then rejects', 'and then works', 'and then never ends'] as const) {
    test(`the method itself ${how}: rejects with the reason, and starts nothing more`, () =>
      handled(async () => {
        let entered = 0;
        const controller = new AbortController();
        const count = countListeners(controller.signal);
        class Shop {
          @fallback({ value: 'value' })
          @retry({ waitMin: 0 })
          @concurrency(1)
          buy(_signal?: AbortSignal): Promise<string> {
            if (++entered > 1) return Promise.resolve('next');
            controller.abort('from inside');
            if (how === 'and then throws') throw new Error('thrown');
            if (how === 'and then rejects') return Promise.reject(new Error('rejected'));
            return how === 'and then works' ? Promise.resolve('worked') : pending();
          }
        }
        assert.equal(await rejection(new Shop().buy(controller.signal)), 'from inside');
        await flush();
        assert.equal(entered, 1);
        assert.equal(count.standing.size, 0);
        assert.equal(count.added, count.removed);
        if (how !== 'and then never ends') assert.equal(await new Shop().buy(), 'next');
        else assert.equal(statsOf(Shop, 'buy').running, 1);
      }));
  }

  test('a matcher, a hook or a key: rejects with the reason', () =>
    handled(async () => {
      for (const where of ['retryOn', 'abortOn', 'onRetry', 'on', 'key'] as const) {
        const controller = new AbortController();
        const abort = (name: string) => () => {
          if (name === where) controller.abort('from inside');
          return name === 'key' ? 'key' : name !== 'abortOn';
        };
        let entered = 0;
        class Shop {
          @fallback({ value: 'value', on: abort('on') as () => boolean })
          @retry({
            maxAttempts: 2,
            waitMin: 0,
            retryOn: abort('retryOn') as () => boolean,
            abortOn: abort('abortOn') as () => boolean,
            onRetry: () => void abort('onRetry')(),
          })
          @rateLimit({ rate: 9, key: abort('key') as () => string })
          async buy(_signal: AbortSignal): Promise<string> {
            entered++;
            throw new Error('no');
          }
        }
        assert.equal(await rejection(new Shop().buy(controller.signal)), 'from inside', where);
        await flush();
        assert.equal(entered, where === 'key' ? 0 : where === 'on' ? 2 : 1, where);
      }
    }));

  test('a key, of a call that would have to wait: it takes no place in line', () =>
    handled(async () => {
      const controller = new AbortController();
      const key = (tenant: string, signal?: AbortSignal): string => {
        if (signal) controller.abort('from inside');
        return tenant;
      };
      class Shop {
        @concurrency({ limit: 1, key })
        buy(_tenant: string, _signal?: AbortSignal): Promise<string> {
          return pending();
        }
      }
      const shop = new Shop();
      shop.buy('a');
      assert.equal(await rejection(shop.buy('a', controller.signal)), 'from inside');
      assert.equal(statsOf(Shop, 'buy').queued, 0);
    }));

  test('a listener of the same signal that makes another call: that call rejects too', () =>
    handled(async () => {
      class Shop {
        @concurrency(1)
        buy(_signal: AbortSignal): Promise<string> {
          return pending();
        }
      }
      const shop = new Shop();
      const controller = new AbortController();
      const later: Promise<unknown>[] = [];
      const again = () => later.push(rejection(shop.buy(controller.signal)));
      controller.signal.addEventListener('abort', again, { once: true });
      const first = rejection(shop.buy(controller.signal));
      controller.signal.addEventListener('abort', again, { once: true });
      controller.signal.addEventListener('abort', () => again(), { once: true });
      controller.abort('enough');
      assert.equal(await first, 'enough');
      assert.deepEqual(await Promise.all(later), ['enough', 'enough']);
    }));
});

describe('listeners on a signal', () => {
  test('are removed when calls end by themselves: as many as were added', () =>
    handled(async () => {
      let made = 0;
      class Shop {
        @fallback('other')
        @retry({ maxAttempts: 3, waitMin: 1 })
        @concurrency(2)
        async buy(_signal: AbortSignal): Promise<string> {
          if (++made % 3) throw new Error('no');
          return 'bought';
        }
        async other(_signal: AbortSignal): Promise<string> {
          if (made % 2) throw new Error('no');
          return 'other';
        }
      }
      const controller = new AbortController();
      const count = countListeners(controller.signal);
      const shop = new Shop();
      await Promise.allSettled(Array.from({ length: 20 }, () => shop.buy(controller.signal)));
      assert.ok(count.added > 0);
      assert.equal(count.added, count.removed);
      assert.equal(count.standing.size, 0);
      // One call after the other on one signal, too.
      for (let i = 0; i < 5; i++) await shop.buy(controller.signal).catch(() => {});
      assert.equal(count.added, count.removed);
      controller.abort();
      assert.equal(count.added, count.removed);
    }));

  test('do not wear out: a call made after others on the signal have ended is cancelled like them', () =>
    handled(async () => {
      class Shop {
        @retry(1)
        buy(waits: boolean, _signal: AbortSignal): Promise<string> {
          return waits ? pending() : Promise.resolve('bought');
        }
      }
      const shop = new Shop();
      const controller = new AbortController();
      for (let i = 0; i < 3; i++) assert.equal(await shop.buy(false, controller.signal), 'bought');
      const call = rejection(shop.buy(true, controller.signal));
      controller.abort('enough');
      assert.equal(await call, 'enough');
    }));

  test('stay while any call on the signal runs, whichever of the others ends', () =>
    handled(async () => {
      class Shop {
        @retry(1)
        buy(work: Promise<string>, _signal: AbortSignal): Promise<string> {
          return work;
        }
      }
      const shop = new Shop();
      const controller = new AbortController();
      const count = countListeners(controller.signal);
      const works = Array.from({ length: 3 }, () => deferred<string>());
      const calls = works.map(({ promise }) => shop.buy(promise, controller.signal));
      works[1].resolve('bought');
      assert.equal(await calls[1], 'bought');
      assert.equal(count.standing.size, 1);
      const others = [rejection(calls[0]), rejection(calls[2])];
      controller.abort('enough');
      assert.deepEqual(await Promise.all(others), ['enough', 'enough']);
      assert.equal(count.standing.size, 0);
    }));

  test('a thousand calls on one signal print no MaxListeners warning, in whatever state they are', () =>
    handled(async () => {
      class Shop {
        @rateLimit({ rate: 600, per: 60_000 })
        @concurrency(300)
        buy(_signal: AbortSignal): Promise<string> {
          return pending();
        }
        @retry({ waitMin: 60_000, jitter: 'none' })
        async sell(_signal: AbortSignal): Promise<string> {
          throw new Error('no');
        }
      }
      const controller = new AbortController();
      const count = countListeners(controller.signal);
      const shop = new Shop();
      const calls = Array.from({ length: 500 }, () => [shop.buy(controller.signal), shop.sell(controller.signal)]);
      const ends = Promise.allSettled(calls.flat());
      await flush();
      assert.ok(count.most <= 10, `${count.most} listeners`);
      controller.abort('enough');
      for (const end of await ends) assert.equal((end as PromiseRejectedResult).reason, 'enough');
      assert.equal(count.added, count.removed);
    }));

  test("listeners of others stay, and a call's own method may add some", () =>
    handled(async () => {
      const heard = mock.fn();
      class Shop {
        @retry(1)
        buy(signal: AbortSignal): Promise<string> {
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        }
      }
      const controller = new AbortController();
      controller.signal.addEventListener('abort', heard);
      const calls = [1, 2, 3].map(() => rejection(new Shop().buy(controller.signal)));
      controller.abort('enough');
      assert.deepEqual(await Promise.all(calls), ['enough', 'enough', 'enough']);
      assert.equal(heard.mock.callCount(), 1);
      assert.equal(statsOf(Shop, 'buy').failures, 3);
      assert.equal(statsOf(Shop, 'buy').running, 0);
    }));
});

type Step = { does: 'call' | 'abort' | 'resolve' | 'reject' | 'advance'; at: number };
const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom('call', 'call', 'abort', 'resolve', 'reject', 'advance'),
  at: fc.nat({ max: 100 }),
});

test('in every schedule of calls, aborts and ends, each call ends once and right, and nothing is left', () =>
  handled(() =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (schedule) =>
        underFakeClock(async (clock) => {
          interface Made {
            readonly controller: AbortController;
            readonly count: ReturnType<typeof countListeners>;
            state: 'open' | 'aborted' | 'ended';
            expected?: unknown;
            entered: number;
            enteredAtAbort?: number;
            end: Promise<unknown>;
            seen?: unknown;
          }
          const made: Made[] = [];
          const open: { id: number; work: Deferred<string> }[] = [];
          const run = (id: number): Promise<string> => {
            made[id].entered++;
            const work = deferred<string>();
            open.push({ id, work });
            return work.promise;
          };
          class Shop {
            @fallback('other')
            @retry({ maxAttempts: 2, waitMin: 5, jitter: 'none' })
            @rateLimit({ rate: 3, per: 20 })
            @concurrency(2)
            buy(id: number, _options: Options): Promise<string> {
              return run(id);
            }
            other(id: number, _options: Options): Promise<string> {
              return run(id);
            }
          }
          const shop = new Shop();
          const end = async (at: number, works: boolean) => {
            if (open.length === 0) return;
            const [{ id, work }] = open.splice(at % open.length, 1);
            const each = made[id];
            if (each.state === 'open' && (works || each.entered === 3)) {
              each.state = 'ended';
              each.expected = works ? `done ${id}` : 'all failed';
            }
            if (works) work.resolve(`done ${id}`);
            else work.reject(new Error(`failed ${id}`));
            await flush();
          };
          for (const { does, at } of schedule) {
            if (does === 'call') {
              const controller = new AbortController();
              const count = countListeners(controller.signal);
              const each: Made = { controller, count, state: 'open', entered: 0, end: Promise.resolve() };
              const id = made.push(each) - 1;
              each.end = shop.buy(id, { signal: controller.signal }).catch((error: unknown) => {
                return error instanceof AggregateError ? 'all failed' : error;
              });
              each.end.then((seen) => {
                each.seen = seen;
              });
            } else if (does === 'abort' && made.length > 0) {
              const each = made[at % made.length];
              each.controller.abort(`enough ${at % made.length}`);
              if (each.state === 'open') {
                each.state = 'aborted';
                each.expected = `enough ${at % made.length}`;
                each.enteredAtAbort = each.entered;
                await flush();
                assert.equal(each.seen, each.expected);
              }
            } else if (does === 'advance') await clock.tickAsync(at % 12);
            else await end(at, does === 'resolve');
            await flush();
          }
          for (let i = 0; i < 300 && made.some(({ state }) => state === 'open'); i++) {
            await clock.tickAsync(20);
            await end(0, i % 3 > 0);
          }
          while (open.length > 0) await end(0, true);
          assert.deepEqual(
            await Promise.all(made.map((each) => each.end)),
            made.map((each) => each.expected),
          );
          for (const { entered, enteredAtAbort, count } of made) {
            if (enteredAtAbort !== undefined) assert.equal(entered, enteredAtAbort);
            assert.equal(count.standing.size, 0);
            assert.equal(count.added, count.removed);
          }
          const { calls, running, queued, failures } = statsOf(Shop, 'buy');
          assert.deepEqual({ calls, running, queued }, { calls: made.length, running: 0, queued: 0 });
          assert.equal(failures, made.filter((each) => !String(each.expected).startsWith('done')).length);
          await clock.tickAsync(100);
          assert.equal(clock.countTimers(), 0);
          // All slots and permits are back: two run at once, and a third as soon as one ends.
          const first = made.length;
          for (let id = first; id < first + 3; id++) {
            const controller = new AbortController();
            const count = countListeners(controller.signal);
            made.push({ controller, count, state: 'open', entered: 0, end: Promise.resolve() });
            shop.buy(id, {});
          }
          await flush();
          assert.deepEqual(
            open.map(({ id }) => id),
            [first, first + 1],
          );
          await end(0, true);
          assert.deepEqual(
            open.map(({ id }) => id),
            [first + 1, first + 2],
          );
          while (open.length > 0) await end(0, true);
          await clock.tickAsync(100);
        }),
      ),
      { numRuns: 200 },
    ),
  ));
