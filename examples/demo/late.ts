/** How often it is looked, in milliseconds. */
const often = 5;

/**
 * Watches how late the timers of this process come, which is how long it had no time for them. What ends at a deadline may
 * end so much later, and the process need not be at fault. Gives the worst so far, in milliseconds.
 */
export function watchTimers(): () => number {
  let looked = performance.now();
  let worst = 0;
  const look = (): void => {
    const now = performance.now();
    worst = Math.max(worst, now - looked - often);
    looked = now;
    setTimeout(look, often).unref();
  };
  look();
  return () => worst;
}
