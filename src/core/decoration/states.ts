import type { Policy, State } from '../call/policy.js';
import { originOf } from './remade.js';

/** What a policy keeps of a method, and which one used it last of those that were made of one. */
interface Kept {
  policy: Policy;
  readonly state: State;
}

/** What the policies of a site keep of it. */
export class States {
  readonly #states = new WeakMap<Policy, Kept>();

  /** A policy that was made of another has the state of that one, which takes its options. */
  of<Each extends State>(policy: Policy, make: () => Each): Each {
    const origin = originOf(policy);
    let kept = this.#states.get(origin);
    if (kept === undefined) {
      kept = { policy, state: make() };
      this.#states.set(origin, kept);
    } else if (kept.policy !== policy) {
      kept.policy = policy;
      kept.state.configure?.(policy.options);
    }
    return kept.state as Each;
  }
}
