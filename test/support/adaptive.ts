import type { Clock } from '@sinonjs/fake-timers';
import { advance } from './clock.js';

/** What a call comes to: after so long, with an error or without one. */
export interface Work {
  readonly takes: number;
  readonly error?: unknown;
  readonly key?: string | undefined;
  /** Whether it ends at once when its signal aborts. */
  readonly listens?: boolean;
}

/** What does some work. */
export const take = (work: Work): Promise<void> =>
  new Promise((resolve, reject) => {
    setTimeout(() => (work.error === undefined ? resolve() : reject(work.error)), work.takes);
  });

/** Lets calls be whatever they come to. */
export const settled = (calls: readonly Promise<unknown>[]): Promise<unknown> => Promise.allSettled(calls);

/** So many of something. */
export const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

/** A window of `count` calls at once, the last of which ends it. */
export async function runWindow(
  clock: Clock,
  ask: (work: Work) => Promise<unknown>,
  count = 10,
  work: Omit<Work, 'takes'> & { takes?: number } = {},
): Promise<void> {
  const { takes = 20, key, ...rest } = work;
  const calls = times(count, () => ask({ takes, key, ...rest }));
  const all = settled(calls);
  await advance(clock, Math.max(takes, 100));
  while (!(await isSettled(all))) await advance(clock, 1);
  const last = settled([ask({ takes: 0, key })]);
  await advance(clock, 1);
  await all;
  await last;
}
