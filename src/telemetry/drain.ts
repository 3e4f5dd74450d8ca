import { Alarm } from '../core/call/clock.js';
import { settle } from '../core/call/start.js';
import { onEveryEnd, underWay } from '../core/call/under-way.js';
import { durationOrInfinity, readOptions } from '../core/options.js';

/** Those who wait for the next end of a call. */
const waiting = new Set<() => void>();

const wakeAll = (): void => {
  for (const wake of [...waiting]) wake();
};

function onNextEnd(wake: () => void): void {
  waiting.add(wake);
  onEveryEnd(wakeAll);
}

function forget(wake: () => void): void {
  waiting.delete(wake);
  if (waiting.size === 0) onEveryEnd(undefined);
}

const forEver = { timeout: Number.POSITIVE_INFINITY };

/**
 * Waits until no governed call of the process is under way, those included that wait in line or for a retry: before a
 * program ends, once it takes no more work. A call whose caller has left counts until its code has ended, and one that a stale
 * value answered until the run behind that has; an attempt that a timeout or a hedge gave up does not. Calls that begin
 * meanwhile are waited for too.
 *
 * @param options `timeout` (Infinity): for how many milliseconds at the most.
 * @returns How many calls are still under way: 0, unless the time was up.
 * @throws ConfigurationError, as a rejection, when an option is wrong.
 * @example
 * process.once('SIGTERM', async () => {
 *   const left = await drain({ timeout: 10_000 });
 *   if (left > 0) console.error(`${left} calls have not ended`);
 *   await shutdown({ timeout: 1_000 });
 * });
 */
export async function drain(options: { readonly timeout?: number } = {}): Promise<number> {
  const { timeout } = readOptions<typeof forEver>(
    { text: 'drain()' },
    options,
    { timeout: durationOrInfinity },
    forEver,
  );
  let isUp = timeout === 0;
  let wake = (): void => {};
  const alarm = new Alarm(() => {
    isUp = true;
    wake();
  }, true);
  if (timeout > 0 && timeout < Number.POSITIVE_INFINITY) alarm.set(timeout);
  try {
    // Who awaits a call may make the next one then; and of many that end at once it is asked once.
    for (await settle(); underWay() > 0 && !isUp; await settle()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        onNextEnd(wake);
      });
      forget(wake);
    }
  } finally {
    alarm.clear();
  }
  return underWay();
}
