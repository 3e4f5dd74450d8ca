import { Worker } from 'node:worker_threads';

/** The ids of the worker threads that have not exited; of those that somebody listened to since this was imported. */
export const liveWorkers = new Set<number>();

const { on } = Worker.prototype;
Worker.prototype.on = function (this: Worker, ...args: Parameters<typeof on>) {
  const { threadId } = this;
  if (threadId > 0 && !liveWorkers.has(threadId)) {
    liveWorkers.add(threadId);
    Reflect.apply(on, this, ['exit', () => liveWorkers.delete(threadId)]);
  }
  return Reflect.apply(on, this, args) as Worker;
} as typeof on;
