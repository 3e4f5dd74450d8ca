import type { Policy } from '../call/policy.js';
import type { PolicyKind } from '../policies.js';
import type { AnyClass } from '../types.js';

/** A policy in force, and the class that it comes from. */
export interface InForce {
  readonly policy: Policy;
  /** The class that the decorator stands in. */
  readonly declaredBy: AnyClass | undefined;
  /** The class for which its options were configured, the nearest; undefined where they are as declared. */
  readonly configuredBy?: AnyClass | undefined;
}

/** What is in force on a method once what was configured is counted in. */
export interface Configured {
  readonly inForce: readonly InForce[];
  readonly takenOut: readonly TakenOut[];
}

/** A policy that a configuration has taken out, and the class for which it did so. */
export interface TakenOut {
  readonly kind: PolicyKind;
  readonly configuredBy: AnyClass | undefined;
}
