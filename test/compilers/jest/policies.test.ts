import { expect, jest, test } from '@jest/globals';
import { retry, shutdown, WorkerError } from 'opero';
import { assertPolicies, assertRefusal } from '../fixture/assertions.js';
import { Base } from '../fixture/services.js';

test('the assertions of the other compilers hold for what happens on this side', assertPolicies);

test('they hold for a decorator in a wrong place', assertRefusal);

// The module that a worker would import is TypeScript, which jest alone compiles, in memory.
test('they do not hold for workers, with an error that says so', async () => {
  const error: unknown = await new Base().crunch(1).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WorkerError);
  expect((error as Error).message).toMatch(/^Base\.crunch: a worker could not load file:.*services\.ts: /);
  await shutdown();
});

test('fake timers of jest drive the wait of retry', async () => {
  jest.useFakeTimers();
  class Shop {
    attempts = 0;

    @retry({ maxAttempts: 2, waitMin: 60_000, waitMax: 60_000, jitter: 'none' })
    async buy(): Promise<number> {
      if (++this.attempts === 1) throw new Error('sold out');
      return this.attempts;
    }
  }
  const shop = new Shop();
  const call = shop.buy();
  await jest.advanceTimersByTimeAsync(59_999);
  expect(shop.attempts).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(await call).toBe(2);
  jest.useRealTimers();
});

test('a spy sees one call, however many attempts it takes', async () => {
  const spy = jest.spyOn(Base.prototype, 'load');
  const base = new Base();
  expect(await base.load('a')).toBe('base a');
  expect(base.seen).toHaveLength(3);
  expect(spy).toHaveBeenCalledTimes(1);
  spy.mockRestore();
});
