import type { Call } from './call/call.js';
import type { ErrorClass } from './matcher.js';

/**
 * Any function at all; `never` parameters keep it from being called by mistake.
 *
 * @example
 * const alternatives: readonly AnyFunction[] = [readCache, () => 0];
 */
export type AnyFunction = (...args: never[]) => unknown;

/**
 * Any class, abstract ones included.
 *
 * @example
 * const origin: AnyClass | undefined = policiesOf(AlpineWeather, 'forecast')[0]?.declaredBy;
 */
export type AnyClass = abstract new (...args: never[]) => object;

/**
 * The kinds of policy, by the name of their decorator.
 *
 * @example
 * const kinds: PolicyKind[] = policiesOf(weather, 'forecast').map(({ kind }) => kind); // ['fallback', 'retry']
 */
export type PolicyKind = 'fallback' | 'retry' | 'rateLimit' | 'concurrency' | 'cpuBound';

/** Goes on with an outcome of a call: gives what the promise before it settles with, or throws. */
export type Continuation = (outcome: unknown, call: Call) => unknown;

/** What follows once all that lies beneath has ended: with a value, or with an error. */
export interface After {
  readonly ok: Continuation;
  readonly fail: Continuation;
}

/** The rest of a pipeline: takes a call on, and gives back what the continuations after it give. */
export type Next = (call: Call) => unknown;

/** What lies around a step: the rest of the pipeline beneath it, and what follows it. Complete before the first call. */
export interface Around extends After {
  readonly next: Next;
}

/** What a step gives that lets a call on at once. */
export const admitted = Symbol('admitted');

/**
 * One step of a pipeline: how a call enters it, and how it goes on with what came of the steps beneath. The two halves
 * are apart, and what they share is kept on the call, so that a call costs one `.then` in all and no closure per policy.
 * Where a step has nothing to do it leaves that part out, and costs nothing there.
 */
export interface Step extends Partial<After> {
  /**
   * Gives `admitted`, and the call goes on beneath; or what the step came to, where it takes the call on itself, later or
   * not at all. So no frame of the step stands between the caller and the method's code, which has to fit into a stack.
   */
  readonly admit?: Next;
}

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
  /** The policy as a step of a pipeline; called once per method and concrete class. */
  wrap(around: Around, site: SiteInfo): Step;
  /** Checks what only a finished object can tell; called once per concrete class, at its first construction. */
  verify?(site: SiteInfo, target: object): void;
  /** The policy as it stands for one method when it was put on a whole class; undefined when it does not apply. */
  narrow?(name: PropertyKey): Policy | undefined;
}

/**
 * The counts of one method on one concrete class, since the class was first used.
 *
 * @example
 * const { calls, failures }: Stats = statsOf(weather, 'forecast');
 * console.log(`${failures} of ${calls} calls failed`);
 */
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
