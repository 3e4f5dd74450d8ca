import { channel } from 'node:diagnostics_channel';

/**
 * What is told of jobs on the channel `opero:job`.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('opero:job', (message) => console.log((message as JobEvent).state));
 */
export interface JobEvent {
  /** Of what it tells. */
  readonly type: 'job';
  /** `'no-worker'`: a job was queued, and no worker is there to take it. */
  readonly state: 'no-worker' | 'error';
  /** The name of the queue. */
  readonly queue: string;
  /** With `'error'`: what the connection, or BullMQ, says. */
  readonly error?: unknown;
}

const jobs = channel('opero:job');

/** Whether anybody wants to be told. */
export const isTold = (): boolean => jobs.hasSubscribers;

export function tell(event: JobEvent): void {
  if (jobs.hasSubscribers) jobs.publish(event);
}
