import { node } from '../core/node.js';

/** Node's own, which no fake timers stand for: what keeps a program alive is no wait. */
const { setInterval, clearInterval, setImmediate, setTimeout, clearTimeout } = node('node:timers');

let holders = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Keeps the program alive until what it gives is called. */
export function holdProgram(): () => void {
  if (holders++ === 0) timer = setInterval(() => {}, 2 ** 30);
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (--holders === 0) clearInterval(timer);
  };
}

/** Lets the program go in a while, as what is still to be sent may take no longer. */
export const releaseLater = (release: () => void): void => {
  setTimeout(release, 5_000).unref();
};

/** Runs `fn` once this turn of the event loop is over. */
export const nextTurn = (fn: () => void): void => {
  setImmediate(fn);
};

/** What a promise of the network's gives, if it does so in time; else undefined. It keeps no program alive. */
export async function inTime<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined).unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** In how many milliseconds a cluster is tried again. */
type RetryStrategy = (times: number, reason?: Error) => unknown;

/** A cluster of ioredis holds the program for 2 s after each try: where nobody waits for it, tries are further apart. */
const idleRetry = 5_000;

/** What a client of Redis has that may keep a program alive, as far as that is known of it. */
interface Holding {
  readonly status?: string;
  /** ioredis: its socket, and the timer until it connects again. */
  readonly stream?: { unref?(): unknown };
  readonly reconnectTimeout?: { unref?(): unknown } | null;
  /** node-redis, behind BullMQ's adapter. */
  readonly raw?: { unref?(): unknown };
  readonly isCluster?: boolean;
  readonly options?: { clusterRetryStrategy?: RetryStrategy };
  nodes?(): readonly Holding[];
  on(event: string, listener: (...args: never[]) => void): unknown;
}

/** From now on a client that opero made keeps no program alive, while it waits to connect again neither. */
export function holdNothing(given: unknown): void {
  const client = given as Holding;
  const free = (): void => {
    client.stream?.unref?.();
    client.reconnectTimeout?.unref?.();
    client.raw?.unref?.();
  };
  for (const event of ['connect', 'ready']) client.on(event, free);
  // The timer is set behind the event.
  client.on('reconnecting', () => queueMicrotask(free));
  free();
  if (client.isCluster !== true) return;
  const retry = client.options?.clusterRetryStrategy;
  if (client.options !== undefined && typeof retry === 'function') {
    client.options.clusterRetryStrategy = (times, reason) => {
      const delay = retry(times, reason);
      return holders === 0 && typeof delay === 'number' ? Math.max(delay, idleRetry) : delay;
    };
  }
  for (const each of client.nodes?.() ?? []) holdNothing(each);
  client.on('+node', (each: never) => holdNothing(each));
}
