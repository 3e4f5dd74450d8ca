import type { Policy } from '../call/policy.js';

/** Kept, so that the same policies are known as such. */
const narrowings = new WeakMap<Policy, Map<PropertyKey, Policy | undefined>>();

/** A policy that was put on a whole class, as it stands for one method; undefined when it does not apply. */
export function narrowed(policy: Policy, name: PropertyKey): Policy | undefined {
  if (policy.narrow === undefined) return policy;
  const known = narrowings.get(policy) ?? new Map<PropertyKey, Policy | undefined>();
  narrowings.set(policy, known);
  if (!known.has(name)) known.set(name, policy.narrow(name));
  return known.get(name);
}
