import type { Policy } from '../call/policy.js';

/** What the policies of a site keep of it. */
export class States {
  readonly #states = new WeakMap<Policy, unknown>();

  of<State>(policy: Policy, make: () => State): State {
    if (!this.#states.has(policy)) this.#states.set(policy, make());
    return this.#states.get(policy) as State;
  }
}
