import { AsyncLocalStorage } from 'node:async_hooks';

/** The queue of the job that runs here, once this process serves any. */
let jobs: AsyncLocalStorage<string> | undefined;

/** What tells a queue from others. */
export const queueKey = (prefix: string, name: string): string => `${prefix}:${name}`;

/** Runs what belongs to a job of a queue. */
export function inJob<Result>(queue: string, fn: () => Result): Result {
  jobs ??= new AsyncLocalStorage();
  return jobs.run(queue, fn);
}

/** Whether a job of this queue runs here: one more would wait for it. */
export const isInJobOf = (queue: string): boolean => jobs !== undefined && jobs.getStore() === queue;
