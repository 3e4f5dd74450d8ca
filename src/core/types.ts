import type { Call } from './call.js';
import type { ErrorClass } from './matcher.js';

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

/** A member as its decorators see it: its name and place, and what holds its record. */
export interface Member {
  readonly name: PropertyKey;
  readonly placement: Placement;
  /** The metadata of the class that decorates it, or the prototype whose undecorated override was linked. */
  readonly holder: object;
}

/** Where a member stands; a static and an instance member may share a name. */
export type Placement = 'instance' | 'static' | 'private' | 'private static';

/** What a policy may know of the method that it is compiled for. */
export interface SiteInfo {
  /** Where the method stands; undefined for a function without a class. */
  readonly member: Member | undefined;
  /** The method for people: `Weather.forecast`. */
  readonly label: string;
  readonly name: PropertyKey;
  readonly stats: MutableStats;
  /** The class that the policy of a kind comes from. */
  declaredBy(kind: PolicyKind): AnyClass | undefined;
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
  /** The error classes that its options name; they keep their identity when they come back from a worker. */
  readonly errorClasses?: readonly ErrorClass[];
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
