import type { Policy } from '../core/call/policy.js';

/** The policies of which a limit is in a store. */
const known = new WeakSet<Policy>();

/** Whether a limit of a policy is in a store. */
export const isInStore = (policy: Policy): boolean => known.has(policy);

/** Notes that one of its limits is. Gives the policy. */
export function inStore(policy: Policy): Policy {
  known.add(policy);
  return policy;
}
