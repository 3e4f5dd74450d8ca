import type { Transferable } from 'node:worker_threads';
import type { TaskMessage } from './protocol.js';

/** What is posted for a task. */
export interface Post {
  readonly task: TaskMessage;
  readonly transferList: object[];
}

/**
 * Puts a copy in the place of what waits for a worker, with what is moved, so that it cannot fail to be posted: a worker
 * whose post fails is left idle by tinypool, with no timer, whatever else waits.
 *
 * @throws what posting it throws.
 */
export function takeCopy(post: Post): void {
  const { task, transferList } = structuredClone(post, { transfer: post.transferList as Transferable[] });
  // The pool holds these very objects.
  Object.assign(post.task, task);
  post.transferList.splice(0, post.transferList.length, ...transferList);
}

/** Ends what nobody can reach any more: a port would keep the program alive, a file stay open. */
export function letGo(moved: object): void {
  if (moved instanceof TransformStream) for (const side of [moved.readable, moved.writable]) letGo(side);
  const { abort, cancel, close } = moved as Record<string, (() => unknown) | undefined>;
  Promise.resolve((abort ?? cancel ?? close)?.call(moved)).catch(() => {});
}
