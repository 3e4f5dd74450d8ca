import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { concurrency, fallback, Orchestrator, processAll, processStream, rateLimit, retry, shutdown } from 'opero';
import { Stores, store } from '../fixtures/items/stores.js';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { all } from '../support/items.js';
import { rejection } from '../support/rejection.js';

const names = ['a', 'b', 'c', 'd'];

after(() => shutdown());

describe('an AsyncLocalStorage store reaches', () => {
  test('a method that starts at once, and what it does after an await', async () => {
    class Shop {
      @fallback('other')
      @retry()
      @rateLimit(9)
      @concurrency(9)
      async buy(): Promise<unknown[]> {
        const before = store.getStore();
        await flush();
        return [before, store.getStore()];
      }
      async other(): Promise<unknown[]> {
        return [];
      }
    }
    assert.deepEqual(await store.run('a', () => new Shop().buy()), ['a', 'a']);
    assert.equal(store.getStore(), undefined);
  });

  test('a method that queued for a slot, each waiter its own', async () => {
    const gates = names.map(() => deferred());
    let entered = 0;
    class Shop {
      @concurrency(1)
      async buy(): Promise<unknown[]> {
        const before = store.getStore();
        await gates[entered++].promise;
        return [before, store.getStore()];
      }
    }
    const shop = new Shop();
    const calls = names.map((name) => store.run(name, () => shop.buy()));
    // Whoever ends a call, and with that starts the next one, has a store of its own.
    for (const gate of gates) {
      store.run('other', () => gate.resolve());
      await flush();
    }
    assert.deepEqual(
      await Promise.all(calls),
      names.map((name) => [name, name]),
    );
  });

  for (const spread of [false, true]) {
    test(`a method that queued at a rate limit, each waiter its own (spread: ${spread})`, () =>
      underFakeClock(async (clock) => {
        class Shop {
          @rateLimit({ rate: 1, per: 100, spread, maxWait: 10_000 })
          async buy(): Promise<unknown> {
            await undefined;
            return store.getStore();
          }
        }
        const shop = new Shop();
        const calls = names.map((name) => store.run(name, () => shop.buy()));
        const without = shop.buy();
        await store.run('other', () => clock.tickAsync(1000));
        assert.deepEqual(await Promise.all(calls), names);
        assert.equal(await without, undefined);
      }));
  }

  test('a method that queued at a rate limit, then for a slot, under a key', () =>
    underFakeClock(async (clock) => {
      const key = (tenant: string) => `${tenant} ${store.getStore() === undefined}`;
      class Shop {
        @rateLimit({ rate: 2, per: 100, key })
        @concurrency({ limit: 1, key })
        async buy(_tenant: string): Promise<unknown> {
          await new Promise((resolve) => setTimeout(resolve, 30));
          return store.getStore();
        }
      }
      const shop = new Shop();
      const calls = names.map((name) => store.run(name, () => shop.buy('tenant')));
      await clock.tickAsync(1000);
      assert.deepEqual(await Promise.all(calls), names);
    }));

  test('every attempt, the matchers and the hook of a retry', () =>
    underFakeClock(async (clock) => {
      const seen: unknown[] = [];
      const note = () => {
        seen.push(store.getStore());
        return true;
      };
      class Shop {
        @retry({ maxAttempts: 3, waitMin: 100, jitter: 'none', retryOn: note, onRetry: () => void note() })
        async buy(): Promise<void> {
          note();
          throw new Error('no');
        }
      }
      const shop = new Shop();
      const calls = store.run('a', () => rejection(shop.buy()));
      await store.run('other', () => clock.tickAsync(1000));
      await calls;
      assert.ok(seen.length >= 7);
      assert.deepEqual([...new Set(seen)], ['a']);
    }));

  test('every alternative of a fallback, after retries and queues, each call its own', () =>
    underFakeClock(async (clock) => {
      class Shop {
        @fallback('first', () => store.getStore())
        @retry({ maxAttempts: 2, waitMin: 50, jitter: 'none' })
        @rateLimit({ rate: 1, per: 100 })
        async buy(): Promise<unknown> {
          throw new Error('no');
        }
        @concurrency(1)
        async first(): Promise<unknown> {
          await new Promise((resolve) => setTimeout(resolve, 200));
          throw store.getStore();
        }
      }
      const shop = new Shop();
      const calls = names.map((name) => store.run(name, () => shop.buy()));
      await store.run('other', () => clock.tickAsync(5000));
      assert.deepEqual(await Promise.all(calls), names);
    }));

  test('`on` of a fallback, and what comes after an async one', async () => {
    const seen: unknown[] = [];
    class Shop {
      @fallback({
        alternatives: [() => store.getStore()],
        on: async () => {
          await flush();
          seen.push(store.getStore());
          return true;
        },
      })
      async buy(): Promise<unknown> {
        throw new Error('no');
      }
    }
    assert.equal(await store.run('a', () => new Shop().buy()), 'a');
    assert.deepEqual(seen, ['a']);
  });

  test('the next in line when the one before it is aborted', async () => {
    const gate = deferred();
    class Shop {
      @concurrency(1)
      async buy(_signal?: AbortSignal): Promise<unknown> {
        await gate.promise;
        return store.getStore();
      }
    }
    const shop = new Shop();
    const controller = new AbortController();
    const first = store.run('first', () => rejection(shop.buy(controller.signal)));
    const second = store.run('second', () => rejection(shop.buy(controller.signal)));
    const third = store.run('third', () => shop.buy());
    store.run('aborter', () => controller.abort('enough'));
    assert.equal(await first, 'enough');
    assert.equal(await second, 'enough');
    store.run('other', () => gate.resolve());
    assert.equal(await third, 'third');
  });

  test('the caller who goes on after a call, however it ended', () =>
    underFakeClock(async (clock) => {
      class Shop {
        @retry({ maxAttempts: 2, waitMin: 50, jitter: 'none' })
        @concurrency(1)
        async buy(how: string, _signal: AbortSignal): Promise<void> {
          if (how !== 'works') throw new Error('no');
        }
      }
      const shop = new Shop();
      const seen: unknown[] = [];
      const controller = new AbortController();
      const ends = ['works', 'fails', 'aborted'].map((how) =>
        store.run(how, async () => {
          const { signal } = how === 'aborted' ? controller : new AbortController();
          await shop.buy(how, signal).catch(() => {});
          seen.push(store.getStore());
        }),
      );
      await flush();
      store.run('aborter', () => controller.abort());
      await store.run('other', () => clock.tickAsync(1000));
      await Promise.all(ends);
      assert.deepEqual(seen.sort(), ['aborted', 'fails', 'works']);
    }));

  test('the hook and the alternative of a method that waited for a worker, each call its own', async () => {
    Stores.noted.length = 0;
    const stores = new Stores();
    const calls = names.map((name, item) => store.run(name, () => stores.fail(item)));
    assert.deepEqual(await Promise.all(calls), names);
    assert.deepEqual(Stores.noted.sort(), names);
  });

  test('the hook and the alternatives of items that travel to a worker', async () => {
    Stores.noted.length = 0;
    const stores = new Stores();
    const calls = names.map((name) => store.run(name, () => processAll(stores, 'fail', [1, 2, 3])));
    assert.deepEqual(
      await Promise.all(calls),
      names.map((name) => [name, name, name]),
    );
    assert.deepEqual(
      Stores.noted.sort(),
      names.flatMap((name) => [name, name, name]),
    );
  });

  for (const sort of ['sync', 'async'] as const) {
    /** A source of four items, which notes the stores that it sees, also as it is let go. */
    const seenBy = (seen: unknown[]): Iterable<number> | AsyncIterable<number> => {
      const note = (): unknown => seen.push(store.getStore());
      const sources = {
        *sync() {
          try {
            for (let i = 0; i < 4; note()) yield i++;
          } finally {
            note();
          }
        },
        async *async() {
          try {
            for (let i = 0; i < 4; note()) {
              await flush();
              yield i++;
            }
          } finally {
            note();
          }
        },
      };
      return sources[sort]();
    };
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      async buy(item: number): Promise<unknown> {
        const before = store.getStore();
        await flush();
        if (item === 2) throw new Error('no');
        return [before, store.getStore()];
      }
    }

    test(`the method, the source and onProgress of processAll, each run its own (${sort} source)`, async () => {
      const shop = new Shop();
      const runs = names.map((name) =>
        store.run(name, async () => {
          const seen: unknown[] = [];
          const onProgress = () => void seen.push(store.getStore());
          const results = await processAll(shop, 'buy', seenBy(seen), { onError: 'collect', onProgress });
          return [...results.filter(Array.isArray), seen, [store.getStore()]].flat();
        }),
      );
      for (const [index, run] of runs.entries()) assert.deepEqual(new Set(await run), new Set([names[index]]));
    });

    for (const ordered of [true, false]) {
      test(`those of processStream as it is called, whoever reads (${sort} source, ordered: ${ordered})`, async () => {
        const shop = new Shop();
        const streams = names.map((name) => {
          const seen: unknown[] = [];
          const onProgress = () => void seen.push(store.getStore());
          const options = { onError: 'collect', onProgress, concurrency: 2, ordered } as const;
          return { seen, stream: store.run(name, () => processStream(shop, 'buy', seenBy(seen), options)) };
        });
        for (const [index, { seen, stream }] of streams.entries()) {
          const first = await stream.next();
          const rest = await store.run('reader', async () => {
            const results = await all(stream);
            assert.equal(store.getStore(), 'reader');
            return results;
          });
          const results = [first.value, ...rest].filter(Array.isArray);
          assert.equal(results.length, 3);
          assert.deepEqual(new Set([...results, seen].flat()), new Set([names[index]]));
        }
      });
    }

    test(`a source of processStream that is let go early (${sort} source)`, async () => {
      const seen: unknown[] = [];
      const stream = store.run('maker', () => processStream(new Shop(), 'buy', seenBy(seen), { concurrency: 1 }));
      await store.run('reader', async () => {
        for await (const _each of stream) break;
      });
      assert.ok(seen.length >= 1);
      assert.deepEqual(new Set(seen), new Set(['maker']));
    });
  }

  test('a source of processStream that an abort lets go', async () => {
    class Shop {
      @retry()
      async buy(item: number): Promise<number> {
        return item;
      }
    }
    const seen: unknown[] = [];
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: 1 }),
        async return() {
          seen.push(store.getStore());
          return { done: true, value: undefined };
        },
      }),
    };
    const cancel = new AbortController();
    const options = { concurrency: 1, signal: cancel.signal };
    const stream = store.run('maker', () => processStream(new Shop(), 'buy', source, options));
    await stream.next();
    store.run('aborter', () => cancel.abort());
    await assert.rejects(stream.next(), { name: 'AbortError' });
    assert.deepEqual(seen, ['maker']);
  });

  test('functions that an Orchestrator runs', async () => {
    const orchestrator = new Orchestrator({ retry: { maxAttempts: 2, waitMin: 0 }, concurrency: 1 });
    let made = 0;
    const fn = async () => {
      await flush();
      if (made++ % 2 === 0) throw new Error('no');
      return store.getStore();
    };
    const calls = names.map((name) => store.run(name, () => orchestrator.execute(fn)));
    assert.deepEqual((await Promise.allSettled(calls)).map((end) => end.status === 'fulfilled').length, 4);
    made = 1;
    assert.equal(await store.run('z', () => orchestrator.execute(fn)), 'z');
  });
});
