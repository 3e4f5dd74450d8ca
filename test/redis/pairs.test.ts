import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  circuitBreaker,
  circuitOf,
  concurrency,
  currentCall,
  definePolicy,
  hedge,
  isTimeoutError,
  parseRetryAfter,
  processAll,
  rateLimit,
  retry,
  type Store,
  statsOf,
  timeout,
} from 'opero';
import { memoryStore } from 'opero/testing';
import { advance, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { assertWindows } from '../support/starts.js';
import { sleep } from '../support/timed.js';
import { handled } from '../support/unhandled.js';
import { Work } from '../support/work.js';

/** The order in which the two limits of a method are taken, by where they are. */
const places: readonly { readonly title: string; readonly rate?: Store; readonly slots?: Store }[] = [
  { title: 'the rate in a store', rate: memoryStore() },
  { title: 'the slots in a store', slots: memoryStore() },
  { title: 'both in a store', rate: memoryStore(), slots: memoryStore() },
];
let names = 0;

describe('limits in a store beside other policies', () => {
  for (const { title, rate, slots } of places) {
    test(`a rate and slots, ${title}: no window and no moment holds too many, in order`, () =>
      underFakeClock(async (clock) => {
        const name = `n${++names}`;
        const starts: number[] = [];
        const order: number[] = [];
        const counts = { running: 0, most: 0 };
        class Api {
          @rateLimit({ rate: 4, per: 100, ...(rate && { store: rate, name }) })
          @concurrency({ limit: 2, ...(slots && { store: slots, name }) })
          async get(id: number): Promise<void> {
            starts.push(Date.now());
            order.push(id);
            counts.most = Math.max(counts.most, ++counts.running);
            await sleep(20);
            counts.running--;
          }
        }
        const api = new Api();
        const calls = Promise.all(Array.from({ length: 12 }, (_, id) => api.get(id)));
        await advance(clock, 800);
        await calls;
        assertWindows(starts, 4, 100);
        assert.equal(counts.most, 2);
        assert.deepEqual(
          order,
          order.toSorted((one, other) => one - other),
        );
        const { running, queued, abandoned } = statsOf(api, 'get');
        assert.deepEqual({ running, queued, abandoned }, { running: 0, queued: 0, abandoned: 0 });
      }));

    test(`aborts in every place, ${title}: what was taken comes back`, () =>
      underFakeClock((clock) =>
        handled(async () => {
          const name = `n${++names}`;
          const work = new Work();
          class Api {
            @rateLimit({ rate: 3, per: 100, ...(rate && { store: rate, name }) })
            @concurrency({ limit: 2, ...(slots && { store: slots, name }) })
            async get(id: string, _signal?: AbortSignal): Promise<unknown> {
              return await work.begin(id);
            }
          }
          const api = new Api();
          for (let at = 0; at < 5; at++) {
            const controllers = ['a', 'b', 'c', 'd', 'e'].map(() => new AbortController());
            const calls = controllers.map(({ signal }, nth) => api.get(`${at}${nth}`, signal).catch((error) => error));
            await advance(clock, at * 9);
            for (const each of controllers) each.abort(new Error('enough'));
            await Promise.all(calls);
            work.endAll();
            await advance(clock, 150);
            assert.equal(statsOf(api, 'get').running, 0);
          }
          // All are there again.
          const both = [api.get('one'), api.get('two')];
          await advance(clock, 300);
          work.endAll();
          await Promise.all(both);
          assert.equal(statsOf(api, 'get').queued, 0);
        }),
      ));
  }

  test('an attempt that was given up keeps its slot until its code has ended', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Api {
        @timeout(50)
        @concurrency({ limit: 1, store: memoryStore(), name: 'api' })
        async get(name: string): Promise<unknown> {
          return await work.begin(name);
        }
      }
      const api = new Api();
      const first = rejection(api.get('first'));
      await advance(clock, 60);
      assert.ok(isTimeoutError(await first));
      const second = api.get('second');
      await advance(clock, 100);
      assert.deepEqual(work.begun, ['first']);
      work.end('first');
      await advance(clock, 30);
      assert.deepEqual(work.begun, ['first', 'second']);
      work.end('second');
      assert.equal(await second, 'second');
    }));

  test('each attempt of a retry takes a permit and a slot of its own', () =>
    underFakeClock(async (clock) => {
      const store = memoryStore();
      const starts: number[] = [];
      class Api {
        @retry({ maxAttempts: 3, waitMin: 1, waitMax: 1 })
        @rateLimit({ rate: 1, per: 100, store, name: 'api' })
        @concurrency({ limit: 1, store, name: 'api' })
        async get(): Promise<number> {
          starts.push(Date.now());
          if (currentCall().attempt < 3) throw new Error('no');
          return starts.length;
        }
      }
      const call = new Api().get();
      await advance(clock, 700);
      assert.equal(await call, 3);
      assertWindows(starts, 1, 100);
    }));

  test('a hedge does not wait: where no slot is free it is skipped', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Api {
        @hedge(20)
        @concurrency({ limit: 1, store: memoryStore(), name: 'api' })
        async get(): Promise<unknown> {
          return await work.begin(`${currentCall().hedge}`);
        }
      }
      const call = new Api().get();
      await advance(clock, 100);
      assert.deepEqual(work.begun, ['0']);
      work.end('0');
      await call;
    }));

  test('pauseFor keeps all processes from starting', () =>
    underFakeClock(async (clock) => {
      const one = memoryStore();
      const starts: number[] = [];
      const [first, second] = [one, memoryStore({ sharedWith: one })].map((store) => {
        class Api {
          @rateLimit({ rate: 100, store, name: 'api', pauseFor: (error) => parseRetryAfter((error as Error).message) })
          async get(wait?: string): Promise<void> {
            starts.push(Date.now());
            if (wait !== undefined) throw new Error(wait);
          }
        }
        return new Api();
      });
      await second?.get();
      await rejection(first?.get('2') as Promise<void>);
      await advance(clock, 5);
      const calls = Promise.all([first?.get(), second?.get()]);
      await advance(clock, 2100);
      await calls;
      for (const start of starts.slice(2)) assert.ok(start >= 2000, `${start}`);
    }));

  test('a StoreError of its own pipeline says nothing to a circuit', () =>
    handled(async () => {
      const store = memoryStore();
      await store.close();
      class Api {
        @circuitBreaker(1)
        @rateLimit({ rate: 1, store, name: 'api' })
        async get(): Promise<void> {}
      }
      const api = new Api();
      await rejection(api.get());
      assert.equal(circuitOf(api, 'get').state, 'closed');
    }));

  test('policies of your own, and many items, go through', async () => {
    const seen: string[] = [];
    const audit = definePolicy({
      kind: 'auditOfStores',
      stage: 'method',
      around: async (next) => {
        seen.push('in');
        return await next();
      },
    });
    const store = memoryStore();
    class Api {
      @audit()
      @rateLimit({ rate: 1000, store, name: 'api' })
      @concurrency({ limit: 3, store, name: 'api' })
      async get(id: number): Promise<number> {
        assert.ok(Number(currentCall().fence) > 0);
        return id * 2;
      }
    }
    assert.deepEqual(await processAll(new Api(), 'get', [1, 2, 3, 4, 5]), [2, 4, 6, 8, 10]);
    // A permit that lapsed on its way, as on a busy machine, is asked for anew: what stands beneath it is gone through again.
    assert.ok(seen.length >= 5);
  });
});
