import type { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { tellOfRejection } from '../core/call/tell.js';
import { RejectedError } from '../core/errors.js';
import type { PolicyKind } from '../core/policies.js';
import { pushedOut, type Waiter } from './waiter.js';

/** What a waiter waits for, for messages. */
const places = {
  rateLimit: 'permit of its rate limit',
  concurrency: 'slot of its concurrency limit',
  cpuBound: 'free worker',
} satisfies Partial<Record<PolicyKind, string>>;

/** Where one may wait for a place. */
export type PlaceKind = keyof typeof places;

/** For a call that never waits. It is skipped, which counts as nothing, and is told to nobody. */
export function noPlace(site: SiteInfo, kind: PlaceKind): RejectedError {
  const why = `there is no ${places[kind]} now, and a hedge does not wait for one`;
  return ownError(new RejectedError(`${site.label}: ${why}`, kind, 'queue-full'), site);
}

/** For one who may not wait, or not for longer, where so many others do. */
export function rejection(
  { call, site, queue, error }: Pick<Waiter, 'call' | 'site' | 'queue' | 'error'>,
  reason: 'queue-full' | 'wait-timeout',
  kind: PlaceKind,
  waiting: number,
  retryAfter: number | undefined,
): RejectedError {
  site.stats.rejected++;
  const { maxQueue, maxWait } = queue;
  const what = places[kind];
  let why = `the call got no ${what} within ${maxWait} ms (maxWait)`;
  if (reason === 'queue-full') {
    const others = waiting === 1 ? 'a call waits' : `${waiting} calls wait`;
    why = `${others} for a ${what} already (maxQueue: ${maxQueue})`;
    if (maxQueue === 0) why = `there is no ${what} now, and nobody may wait (maxQueue: 0)`;
    if (error === pushedOut) why = `one of a higher priority took its place in the full queue (maxQueue: ${maxQueue})`;
  }
  return told(ownError(new RejectedError(`${site.label}: ${why}`, kind, reason, retryAfter), site), call, site);
}

function told(rejection: RejectedError, call: Call, site: SiteInfo): RejectedError {
  if (channels.reject.hasSubscribers) tellOfRejection(rejection, call, site);
  return rejection;
}
