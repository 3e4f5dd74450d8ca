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

  /** Tells what is kept for a policy, if anything is, that this one is in force now. */
  renew(policy: Policy): void {
    const kept = this.#states.get(originOf(policy));
    if (kept === undefined || kept.policy === policy) return;
    kept.policy = policy;
    kept.state.configure?.(policy.options);
  }

  /** A policy that was made of another has the state of that one, which takes its options. */
  of<Each extends State>(policy: Policy, make: () => Each): Each {
    this.renew(policy);
    const origin = originOf(policy);
    let kept = this.#states.get(origin);
    if (kept === undefined) {
      kept = { policy, state: make() };
      this.#states.set(origin, kept);
    }
    return kept.state as Each;
  }
}
