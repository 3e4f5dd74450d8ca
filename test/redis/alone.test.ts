import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concurrency, RateLimiter, rateLimit, type Store } from 'opero';
import { Memory, MemoryBackend } from '../../src/limits/stored/memory-backend.js';
import { StoreOn } from '../../src/limits/stored/store-on.js';
import { advance, underFakeClock } from '../support/clock.js';

/** Four processes, of which each has a key of its own beside what they share. */
function four() {
  const memory = new Memory();
  const options = { timeout: 500, lease: 10_000, processes: undefined, onEvent: undefined } as const;
  const members = [0, 1, 2, 3].map((id) => {
    const made = new StoreOn(new MemoryBackend(memory), { ...options, whenDown: 'local' });
    const store = made as unknown as Store;
    const counts = { starts: 0, running: 0 };
    class Api {
      @rateLimit({ rate: 40, store, name: 'shared' })
      async start(): Promise<void> {
        counts.starts++;
      }

      @concurrency({ limit: 8, store, name: 'shared' })
      async hold(): Promise<void> {
        counts.running++;
        await new Promise(() => {});
      }

      @rateLimit({ rate: 40, store, name: 'own', key: (key: string) => key })
      @concurrency({ limit: 8, store, name: 'own', key: (key: string) => key })
      async own(_key: string): Promise<void> {}
    }
    const api = new Api();
    return { api, counts, own: () => api.own(`${id}`) };
  });
  return { memory, members };
}

describe("a process's share, by whenDown: 'local'", () => {
  test('is of those that share the limit, whatever was asked for last', () =>
    underFakeClock(async (clock) => {
      const { memory, members } = four();
      for (const { api } of members) void api.hold();
      await advance(clock, 10);
      for (const { api } of members) void api.hold();
      for (const { api } of [...members, ...members]) await api.start();
      await Promise.all(members.map(({ own }) => own()));
      await advance(clock, 1500);
      memory.failure = new Error('away');
      for (const { api } of members) for (let n = 0; n < 50; n++) void api.start();
      for (const { api } of members) for (let n = 0; n < 5; n++) void api.hold();
      await advance(clock, 900);
      assert.deepEqual(
        members.map(({ counts: { starts } }) => starts - 2),
        [10, 10, 10, 10],
      );
      assert.deepEqual(
        members.map(({ counts: { running } }) => running),
        [2, 2, 2, 2],
      );
    }));

  test('is not more for being looked at', () =>
    underFakeClock(async (clock) => {
      const memory = new Memory();
      const options = { timeout: 500, lease: 10_000, processes: 2, onEvent: undefined } as const;
      const store = new StoreOn(new MemoryBackend(memory), { ...options, whenDown: 'local' }) as unknown as Store;
      const limiter = new RateLimiter({ rate: 10, spread: true, store, name: 'spaced' });
      const starts: number[] = [];
      class Api {
        @rateLimit(limiter)
        async start(): Promise<void> {
          starts.push(performance.now());
        }
      }
      const api = new Api();
      memory.failure = new Error('away');
      for (let n = 0; n < 20; n++) void api.start();
      const used: number[] = [];
      for (let n = 0; n < 150; n++) {
        await advance(clock, 10);
        void api.start();
        used.push(limiter.used);
      }
      assert.deepEqual(
        starts.slice(1).map((start, at) => start - (starts[at] as number)),
        starts.slice(1).map(() => 200),
      );
      assert.equal(starts.length, 8);
      assert.deepEqual([...new Set(used)].sort(), [0, 1]);
    }));
});
