import type { Call } from './call.js';

/** Any function at all; `never` parameters keep it from being called by mistake. */
export type AnyFunction = (...args: never[]) => unknown;

/** Any class, abstract ones included. */
export type AnyClass = abstract new (...args: never[]) => object;

/** The kinds of policy, by the name of their decorator. */
export type PolicyKind = 'fallback' | 'retry' | 'rateLimit' | 'concurrency' | 'cpuBound';

/** What follows an outcome: gives the value that the promise before it settles with, or throws. */
export type Continuation = (outcome: unknown) => unknown;

/**
 * The rest of a pipeline. It calls `ok` with the value or `fail` with the error once all that lies beneath has ended,
 * and gives back what they give: a value, a promise, or a throw. Handing the two down, instead of chaining one `.then`
 * per policy, is what keeps the happy path at a single `.then`.
 */
export type Next = (call: Call, ok: Continuation, fail: Continuation) => unknown;

/** What a policy may know of the method that it is compiled for. */
export interface SiteInfo {
  /** The method for people: `Weather.forecast`. */
  readonly label: string;
  readonly name: PropertyKey;
  readonly stats: MutableStats;
  /** Every policy in force on the method, in pipeline order. */
  readonly policies: readonly Policy[];
}

/** One policy, as a decorator records it. */
export interface Policy {
  readonly kind: PolicyKind;
  /** Its place in the pipeline: the lowest is the outermost. */
  readonly rank: number;
  /** The options, frozen, with shorthands and defaults filled in. */
  readonly options: object;
  /** Puts the policy around the rest of the pipeline; called once per method and concrete class. */
  wrap(next: Next, site: SiteInfo): Next;
  /** Checks what only a finished object can tell; called once per concrete class, at its first construction. */
  verify?(site: SiteInfo, target: object): void;
  /** The policy as it stands for one method when it was put on a whole class; undefined when it does not apply. */
  narrow?(name: PropertyKey): Policy | undefined;
}

/** The counts of one method on one concrete class. */
export interface Stats {
  /** Calls made. */
  readonly calls: number;
  /** Attempts whose work has not ended yet. */
  readonly running: number;
  /** Attempts that wait for a permit or a slot. */
  readonly queued: number;
  /** Times the method's own code was entered. */
  readonly attempts: number;
  /** Attempts begun after a failed one. */
  readonly retries: number;
  /** Attempts turned away over `maxQueue` or `maxWait`. */
  readonly rejected: number;
  /** Alternatives called and last-resort values used. */
  readonly fallbacks: number;
  /** Calls that rejected. */
  readonly failures: number;
}

export type MutableStats = { -readonly [Key in keyof Stats]: Stats[Key] };

export const newStats = (): MutableStats => ({
  calls: 0,
  running: 0,
  queued: 0,
  attempts: 0,
  retries: 0,
  rejected: 0,
  fallbacks: 0,
  failures: 0,
});
