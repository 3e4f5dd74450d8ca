import { channels } from '../core/call/channels.js';
import type { Events } from '../core/events.js';
import type { JobKind } from '../telemetry/jobs.js';

/** Whether anybody wants to be told of jobs. */
export const areJobsTold = (): boolean => channels.job.hasSubscribers;

/** What may be said of a job beside its method. */
type Details = Partial<Pick<Events['job'], 'callId' | 'jobId' | 'outcome' | 'duration' | 'error'>>;

const nothing = { callId: undefined, jobId: undefined, outcome: undefined, duration: undefined, error: undefined };

/** Tells of a job of a method. To be asked only where somebody is told, as its details are made for that. */
export function tellOfJob(
  state: string,
  { queue, className, method, static: isStatic }: JobKind,
  details: Details,
): void {
  const event: Events['job'] = {
    type: 'job',
    className,
    method,
    static: isStatic,
    queue,
    state,
    ...nothing,
    ...details,
  };
  channels.job.publish(event);
}

/** Tells of a queue, by its name: of no method. */
export function tellOfQueue(state: string, queue: string, error?: unknown): void {
  if (areJobsTold()) tellOfJob(state, { queue, className: '', method: queue, static: false }, { error });
}
