import { concurrency, RejectedError, rateLimit, retry, shutdown, WorkerError } from 'opero';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { assertPolicies, assertRefusal } from '../fixture/assertions.js';
import { Base } from '../fixture/services.js';

describe('the assertions of the other compilers', () => {
  test('hold for what happens on this side', assertPolicies);

  test('hold for a decorator in a wrong place', assertRefusal);

  // The module that a worker would import is TypeScript, which vitest alone compiles, in memory.
  test('do not hold for workers, with an error that says so', async () => {
    const error: unknown = await new Base().crunch(1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkerError);
    expect((error as Error).message).toMatch(/^Base\.crunch: a worker could not load file:.*services\.ts: /);
    await shutdown();
  });
});

describe('fake timers of vitest drive', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    ['the wait of retry', 60_000],
    ['a wait longer than a timer takes', 2 ** 31 + 5],
  ])('%s', async (_name, wait) => {
    class Shop {
      attempts = 0;

      @retry({ maxAttempts: 2, waitMin: wait, waitMax: wait, jitter: 'none' })
      async buy(): Promise<number> {
        if (++this.attempts === 1) throw new Error('sold out');
        return this.attempts;
      }
    }
    const shop = new Shop();
    const call = shop.buy();
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(shop.attempts).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call).toBe(2);
  });

  test('the starts of rateLimit', async () => {
    const starts: number[] = [];
    class Shop {
      @rateLimit({ rate: 2, per: 60_000 })
      async buy(): Promise<void> {
        starts.push(Date.now());
      }
    }
    const shop = new Shop();
    const begin = Date.now();
    const calls = Promise.all([1, 2, 3, 4, 5].map(() => shop.buy()));
    await vi.advanceTimersByTimeAsync(120_000);
    await calls;
    expect(starts.map((start) => start - begin)).toEqual([0, 0, 60_000, 60_000, 120_000]);
  });

  test('maxWait', async () => {
    class Shop {
      @concurrency({ limit: 1, maxWait: 60_000 })
      buy(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const shop = new Shop();
    void shop.buy();
    let reason = '';
    const waits = shop.buy().catch((error: RejectedError) => {
      expect(error).toBeInstanceOf(RejectedError);
      reason = error.reason;
    });
    await vi.advanceTimersByTimeAsync(59_999);
    expect(reason).toBe('');
    await vi.advanceTimersByTimeAsync(1);
    await waits;
    expect(reason).toBe('wait-timeout');
  });
});
