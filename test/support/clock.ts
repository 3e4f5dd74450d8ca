import { type Clock, install } from '@sinonjs/fake-timers';

const realSetImmediate = setImmediate;

/** Lets everything go on that waits for nothing but other promises. */
export const flush = (): Promise<void> => new Promise((resolve) => realSetImmediate(resolve));

/** Runs a test under a fake clock that stands at 0: timers, Date and performance. */
export async function underFakeClock(run: (clock: Clock) => Promise<void>): Promise<void> {
  const clock = install({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  try {
    await run(clock);
  } finally {
    clock.uninstall();
  }
}

/** Moves a fake clock on by whole milliseconds; at each of them everything settles that can. */
export async function advance(clock: Clock, milliseconds: number): Promise<void> {
  for (let i = 0; i < milliseconds; i++) {
    clock.tick(1);
    await flush();
  }
}
