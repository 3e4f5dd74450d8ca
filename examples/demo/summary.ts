/** Puts what was promised beside what the server saw. */
import type { Outcome } from './calls.js';
import { type ClientRecord, countBy, type Line } from './lines.js';
import { deadlines, outage, retryAfter } from './outage.js';
import type { Phase } from './plan.js';
import { accounts, cancelling, ending, limits, retrying } from './promises.js';
import type { ServerRecord } from './record.js';

export interface Summary {
  readonly calls: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly cancelled: Readonly<Record<Phase, number>>;
  readonly requests: number;
  /** How many requests the server ended in which way. */
  readonly answers: Readonly<Record<string, number>>;
  /** How long the server was down, in milliseconds. */
  readonly outage: number;
  readonly promises: readonly Line[];
  /** Whether every promise was kept. */
  readonly kept: boolean;
}

/** `more` are promises of other parts of the demo. */
export function summarize(client: ClientRecord, server: ServerRecord, more: readonly Line[] = []): Summary {
  const promises = [
    ...client.lanes.flatMap((lane) => limits(lane, server)),
    ...accounts(client, server),
    ...retrying(client, server),
    ...retryAfter(server),
    ...cancelling(client, server),
    ...deadlines(client, server),
    ...outage(client, server),
    ...ending(client, server),
    ...more,
  ];
  return {
    calls: client.planned,
    outcomes: { succeeded: 0, fallback: 0, cancelled: 0, failed: 0, ...countBy(client.calls, (call) => call.outcome) },
    cancelled: { queued: 0, waiting: 0, running: 0, ...countBy(client.calls, (call) => call.cancelled?.phase) },
    requests: server.requests.length,
    answers: countBy(server.requests, (request) => request.outcome),
    outage: Math.round(server.outage),
    promises,
    kept: promises.every(({ kept }) => kept),
  };
}

/** What the demo exits with: 1 if a promise was broken. */
export const exitStatus = ({ kept }: Pick<Summary, 'kept'>): number => (kept ? 0 : 1);
