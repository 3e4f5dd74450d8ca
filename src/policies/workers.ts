import { Alarm } from '../core/call/clock.js';
import { durationOrInfinity, readOptions } from '../core/options.js';

/** The code that runs workers. */
export type Workers = typeof import('../workers/remote.js');

let loading: Promise<Workers> | undefined;
/** Loaded at the first call, so that a program that uses no worker loads none of it. */
export let workers: Workers | undefined;

export function loadWorkers(): Promise<Workers> {
  loading ??= import('../workers/remote.js').then((loaded) => {
    workers = loaded;
    return loaded;
  });
  return loading;
}

const untilTheyEnd = { timeout: Number.POSITIVE_INFINITY };

/** Ends the workers of all pools; see `shutdown`. Calls made from now on, in this very turn too, get new ones. */
async function endWorkers(options: { readonly timeout?: number } = {}): Promise<void> {
  const rules = { timeout: durationOrInfinity };
  const { timeout } = readOptions<typeof untilTheyEnd>({ text: 'shutdown()' }, options, rules, untilTheyEnd);
  const over = new AbortController();
  const alarm = new Alarm(() => over.abort(`the call had not ended ${timeout} ms after shutdown() was called`), true);
  if (timeout === 0) over.abort('the call had not ended when shutdown({ timeout: 0 }) was called');
  else if (timeout < Number.POSITIVE_INFINITY) alarm.set(timeout);
  try {
    // Where their code cannot be loaded, the call says so.
    if (workers === undefined) await loading?.catch(() => {});
    await workers?.closeAll(over.signal);
  } finally {
    alarm.clear();
  }
}

/**
 * Lets running and queued cpuBound calls end, then ends the workers. A call made later starts new ones. A program need
 * not call it to finish: idle workers do not keep it alive.
 *
 * @param options `timeout` (Infinity): for how many milliseconds the calls may go on. Those that have not ended then
 * reject with a WorkerError, and their workers are stopped. A retry of such a call starts a new worker.
 * @returns A promise for the end of the workers: what becomes of a call is told to its caller.
 * @throws ConfigurationError, as a rejection, when an option is wrong.
 * @example
 * await shutdown();
 * await shutdown({ timeout: 5_000 });
 * // or, at the end of a block:
 * await using workers = shutdown;
 */
export const shutdown: {
  (options?: { readonly timeout?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
} = Object.assign(endWorkers, { [Symbol.asyncDispose]: () => endWorkers() });
