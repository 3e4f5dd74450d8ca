import type { ErrorClass } from '../matcher.js';
import type { Member } from '../member.js';
import type { PolicyKind } from '../policies.js';
import type { AnyClass } from '../types.js';
import type { MutableStats } from './stats.js';
import type { Around, Step } from './step.js';

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
