import type { Call } from './call.js';
import { Alarm, always } from './clock.js';

/**
 * A pause in milliseconds that an abort of the call cuts short, and that keeps the program alive. `mayBeSkipped` tells
 * whether it may be where waits are skipped.
 */
export function pause(call: Call, delay: number, mayBeSkipped = always): Promise<void> {
  if (call.aborted) return Promise.reject(call.reason);
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(
      () => {
        call.waiting = undefined;
        resolve();
      },
      true,
      mayBeSkipped,
    );
    alarm.set(delay);
    call.waiting = {
      leave(reason) {
        call.waiting = undefined;
        alarm.clear();
        reject(reason);
      },
    };
  });
}
