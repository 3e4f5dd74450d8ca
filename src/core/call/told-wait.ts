import type { PolicyKind } from '../policies.js';
import type { Call } from './call.js';
import { channels } from './channels.js';
import { now } from './clock.js';
import type { SiteInfo } from './policy.js';
import { tell } from './tell.js';

/** A wait of a call that is told of once it is over. */
export class ToldWait {
  private readonly beganAt = now();

  constructor(
    private readonly call: Call,
    private readonly site: SiteInfo,
    private readonly policy: PolicyKind,
  ) {}

  /** It is over; with an error, where it was put an end to. */
  end(error?: unknown): void {
    const { call, site, policy, beganAt } = this;
    tell('wait', call, site, { attempt: call.attempt, policy, duration: now() - beganAt, error });
  }
}

/** A wait begins; undefined where nobody listens. */
export const beginWait = (call: Call, site: SiteInfo, policy: PolicyKind): ToldWait | undefined =>
  channels.wait.hasSubscribers ? new ToldWait(call, site, policy) : undefined;
