/** What the demo and its server say to each other. */
import type { Answer, PlannedCall } from './plan.js';

/** One request, as the server saw it. Its own times are milliseconds since 1970. */
export interface SeenRequest {
  readonly lane: string;
  readonly call: number;
  readonly attempt: number;
  /** When the method was entered, by the client's clock, as the request says. */
  readonly started: number;
  readonly arrived: number;
  /** When it was answered or broken off, or its client hung up; undefined while it is open. */
  ended?: number;
  /** What became of it. */
  outcome: Answer | 'hung up' | 'open';
  /** Whether the server was down when it came. */
  readonly down: boolean;
  /** How long its answer asked to wait, in milliseconds; undefined where it did not. */
  retryAfter?: number;
}

export interface ServerRecord {
  readonly requests: readonly SeenRequest[];
  /** The most open requests at any moment, by lane. */
  readonly mostAtOnce: Readonly<Record<string, number>>;
  /** How many calls of the last wave were there together, by lane. */
  readonly gathered: Readonly<Record<string, number>>;
  /** Requests that are still open. */
  readonly open: number;
  /** How long the server was down, in milliseconds. */
  readonly outage: number;
  /** How late its timers came, in milliseconds. */
  readonly late: number;
}

/** What the server is told: what shall happen, that it is down from now on, or up again, and that it shall report. */
export type Order = { readonly plan: readonly PlannedCall[] } | 'down' | 'up' | 'report';

/** What the server says to its parent: where it listens, that it is done, or, when asked, what it saw. */
export type ServerMessage = { readonly port: number } | 'done' | { readonly record: ServerRecord };
