import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chaos, concurrency, decorate, definePolicy, explain, policiesOf, rateLimit } from 'opero';
import { memoryStore } from 'opero/testing';
import { advance, underFakeClock } from '../support/clock.js';
import { assertWindows } from '../support/starts.js';

let begun = 0;
/** Takes longer than a permit lasts before it goes on, and hides what fails. */
const slow = definePolicy({
  kind: 'slow',
  stage: 'method',
  async around(next) {
    begun++;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return await next().catch((error) => error);
  },
});

/** Goes on twice. */
const twice = definePolicy({
  kind: 'twice',
  stage: 'method',
  async around(next) {
    await next();
    return await next();
  },
});

describe('a rate limit in a store, of a method with policies right around it', () => {
  for (const others of ['alone', 'beside slots in memory', 'beside slots in the store'] as const) {
    test(`gives permits last, ${others}: each policy runs once, however long it takes`, () =>
      underFakeClock(async (clock) => {
        const store = memoryStore();
        const starts: number[] = [];
        const slots = { limit: 5, ...(others === 'beside slots in the store' && { store, name: 'api' }) };
        class Api {
          async get(): Promise<string> {
            starts.push(Date.now());
            return 'got';
          }
        }
        const rate = rateLimit({ rate: 2, store, name: 'api' });
        decorate(Api, { get: others === 'alone' ? [slow(), rate] : [slow(), concurrency(slots), rate] });
        const api = new Api();
        const get = () => api.get();
        begun = 0;
        const first = get();
        await advance(clock, 2500);
        assert.equal(await first, 'got');
        const calls = [get(), get(), get(), get()];
        await advance(clock, 5000);
        assert.deepEqual(await Promise.all(calls), ['got', 'got', 'got', 'got']);
        assert.equal(begun, 5);
        assert.equal(starts.length, 5);
        assertWindows(starts, 2, 1000);
      }));
  }

  test('is taken after the latency of chaos', () =>
    underFakeClock(async (clock) => {
      class Api {
        @rateLimit({ rate: 5, store: memoryStore(), name: 'api' })
        @chaos({ rate: 1, latency: 3000 })
        async get(): Promise<string> {
          return 'got';
        }
      }
      const undo = chaos.enable();
      const calls = [new Api().get(), new Api().get()];
      await advance(clock, 3500);
      undo();
      assert.deepEqual(await Promise.all(calls), ['got', 'got']);
    }));

  test('is taken by each `next`', () =>
    underFakeClock(async (clock) => {
      const starts: number[] = [];
      class Api {
        @rateLimit({ rate: 1, store: memoryStore(), name: 'api' })
        @twice()
        async get(): Promise<void> {
          starts.push(Date.now());
        }
      }
      const call = new Api().get();
      await advance(clock, 1500);
      await call;
      assert.equal(starts.length, 2);
      assertWindows(starts, 1, 1000);
    }));

  test('shows where it stands', () => {
    const store = memoryStore();
    class Api {
      @rateLimit({ rate: 1, store, name: 'api' })
      @concurrency(1)
      @twice()
      async get(): Promise<void> {}

      @rateLimit({ rate: 1, store, name: 'api' })
      @concurrency(1)
      async plain(): Promise<void> {}
    }
    const kinds = (name: 'get' | 'plain') => policiesOf(Api, name).map(({ kind }) => kind);
    assert.deepEqual(kinds('get'), ['concurrency', 'twice', 'rateLimit']);
    assert.deepEqual(kinds('plain'), ['rateLimit', 'concurrency']);
    assert.match(explain(Api), /concurrency.*twice.*rateLimit/s);
  });
});
