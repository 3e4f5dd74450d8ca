import { retry } from 'opero';
import { expect, test, vi } from 'vitest';
import { Sub } from '../fixture/services.js';

class Shop {
  attempts = 0;

  @retry({ maxAttempts: 2, waitMin: 60_000, jitter: 'none' })
  async buy(): Promise<number> {
    if (++this.attempts === 1) throw new Error('sold out');
    return this.attempts;
  }
}

test('decorated classes work, and fake timers drive their waits', async () => {
  expect(await new Sub().load('a')).toBe('sub of base a');
  vi.useFakeTimers();
  try {
    const call = new Shop().buy();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await call).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});
