import type { Call } from '../core/call/call.js';
import { now } from '../core/call/clock.js';
import type { SiteInfo } from '../core/call/policy.js';
import { limiters, type SharingConfig } from './limiters.js';

/** After so many milliseconds without a call, the state of a key is dropped. */
const idleAfter = 600_000;

/** How many of the keys used longest ago each call looks at: more than one, so that they go faster than new ones come. */
const looks = 2;

/** A state that calls share. */
class Shared<State> {
  onIdle: (() => void) | undefined = undefined;
  calls = 0;
  usedAt = 0;

  constructor(readonly state: State) {}
}

/** What a policy keeps from call to call: one object per limiter scope. That of a key goes when it was not used for long. */
export class States<State> {
  readonly #find: (call: Call) => Shared<State>;
  readonly #isKeyed: boolean;
  /** The one that was used longest ago comes first. */
  readonly #byUse = new Set<Shared<State>>();

  constructor(sharing: SharingConfig, site: SiteInfo, kind: string, make: () => State) {
    this.#find = limiters(sharing, site, kind, () => new Shared(make()));
    this.#isKeyed = sharing.key !== undefined;
  }

  /** The state for a call, which is in use until `leave`. Throws what `key` and `make` throw. */
  enter(call: Call): Shared<State> {
    if (this.#isKeyed) this.#dropIdle();
    const shared = this.#find(call);
    shared.calls++;
    if (this.#isKeyed) this.#touch(shared);
    return shared;
  }

  leave(shared: Shared<State>): void {
    shared.calls--;
    if (this.#isKeyed) this.#touch(shared);
  }

  #touch(shared: Shared<State>): void {
    shared.usedAt = now();
    this.#toEnd(shared);
  }

  #toEnd(shared: Shared<State>): void {
    this.#byUse.delete(shared);
    this.#byUse.add(shared);
  }

  #dropIdle(): void {
    let looked = 0;
    for (const shared of this.#byUse) {
      if (looked++ === looks) return;
      // One in use must not keep those behind it from being looked at.
      if (shared.calls > 0) this.#toEnd(shared);
      else if (now() - shared.usedAt < idleAfter) return;
      else {
        this.#byUse.delete(shared);
        shared.onIdle?.();
      }
    }
  }
}

export type { Shared };
