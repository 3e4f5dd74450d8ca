import { serialize } from 'node:v8';
import { show } from '../core/options.js';
import { isError } from '../core/realm.js';
import { type Cross, findObstacle, isPlain, type Obstacle } from './cloneable.js';
import { holdsHollow } from './hollow.js';
import type { Job } from './job.js';
import { takeMarked } from './move.js';

/** Whether structured clone refused what was to be sent, so that no worker saw it. */
export const isCloneError = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'DataCloneError';

/** What goes to a process is written, and read on the way, at a time when nobody could be told that it cannot be. */
export function assertCrosses(jobs: readonly Job[], cross: Cross): void {
  for (const job of jobs) {
    const obstacle = obstacleOf(job, cross);
    if (obstacle !== undefined) throw new DOMException(obstacle.reason, 'DataCloneError');
  }
  try {
    serialize(jobs.map(({ message }) => message));
  } catch (error) {
    throw new DOMException(isError(error) ? error.message : show(error), 'DataCloneError');
  }
}

/** Threads clone what is sent at once; some of it, on some Nodes, into something empty. */
export function assertWhole(jobs: readonly Job[]): void {
  const isHollow = ({ message: { args, state } }: Job): boolean =>
    (!args.every(isPlain) && holdsHollow(args)) || (state !== undefined && holdsHollow(state));
  if (jobs.some(isHollow)) throw new DOMException('it would arrive empty', 'DataCloneError');
}

const obstacleOf = ({ message }: Job, cross: Cross): Obstacle | undefined =>
  findObstacle(message.args, 'args', cross) ?? findObstacle(message.state, 'this', cross);

/** What kept a job from being sent; where nothing else did, it is what was to be moved with it. */
export function whyRefused(job: Job, error: unknown, cross: Cross): Obstacle | undefined {
  const found = obstacleOf(job, cross);
  if (found !== undefined || !isCloneError(error) || takeMarked(job.message).length === 0) return found;
  return obstacleOf(job, cross);
}
