import type { Policy } from '../call/policy.js';

/** Makes the policy that stands in place of another; throws where its options do not fit together with those of that. */
type Remake = (policy: Policy) => Policy;

/** What a configuration does to a policy; false takes it out. */
export type Change = Remake | false;

/** Kept, so that the same policies are known as such. */
const made = new WeakMap<Policy, WeakMap<Remake, Policy>>();
const origins = new WeakMap<Policy, Policy>();

/** The policy as it was declared, from which another was made. */
export const originOf = (policy: Policy): Policy => origins.get(policy) ?? policy;

/** Remembers that a policy was made from one that was declared. */
export const setOrigin = (policy: Policy, declared: Policy): void => {
  origins.set(policy, declared);
};

/** The policy that stands in place of another. */
export function remade(policy: Policy, remake: Remake): Policy {
  const known = made.get(policy) ?? new WeakMap<Remake, Policy>();
  made.set(policy, known);
  let result = known.get(remake);
  if (result === undefined) {
    result = remake(policy);
    known.set(remake, result);
  }
  return result;
}
