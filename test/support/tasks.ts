import { MessagePort } from 'node:worker_threads';

/** A task that went to a worker thread: the arguments of its jobs, and when it was sent. */
interface SentTask {
  readonly args: readonly unknown[][];
  readonly at: number;
}

/** Watches the tasks that go to worker threads while `run` runs. */
export async function watchTasks<T>(run: () => Promise<T>): Promise<{ result: T; tasks: SentTask[] }> {
  const tasks: SentTask[] = [];
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (this: MessagePort, ...given: unknown[]) {
    const { task, taskId } = (given[0] ?? {}) as { task?: { jobs?: readonly { args: unknown[] }[] }; taskId?: number };
    if (task?.jobs !== undefined && taskId !== undefined)
      tasks.push({ args: task.jobs.map(({ args }) => args), at: performance.now() });
    Reflect.apply(postMessage, this, given);
  };
  try {
    return { result: await run(), tasks };
  } finally {
    MessagePort.prototype.postMessage = postMessage;
  }
}
