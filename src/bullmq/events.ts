import type { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import type { SiteInfo } from '../core/call/policy.js';
import { tell } from '../core/call/tell.js';

/** Whether anybody wants to be told of jobs. */
export const areJobsTold = (): boolean => channels.job.hasSubscribers;

/** Tells of the job of a call. */
export function tellOfJob(state: string, jobId: string, call: Call, site: SiteInfo, error?: unknown): void {
  if (areJobsTold()) tell('job', call, site, { jobId, state, error });
}

/** Tells of a queue, by its name: of no method. */
export function tellOfQueue(state: string, queue: string, error?: unknown): void {
  if (!areJobsTold()) return;
  const facts = { className: '', method: queue, static: false, callId: undefined, jobId: undefined };
  channels.job.publish({ type: 'job', ...facts, state, error });
}
