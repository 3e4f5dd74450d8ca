import type { Call } from '../core/call/call.js';
import type { Policy, SiteInfo, State } from '../core/call/policy.js';
import type { Limit, Limited } from './given.js';
import { type Limiters, limiters, type SharingConfig } from './limiters.js';

/** Makes the limiters of a method's own. */
export interface Making<L, Options> {
  readonly kind: string;
  readonly create: (options: Options) => L;
  readonly configure: (limiter: L, options: Options) => void;
}

/** What a policy keeps of a method: its own limiters, one place for each limit; those that are shared keep themselves. */
interface Own<L> extends State {
  readonly limiters: readonly (Limiters<L> | undefined)[];
}

/** Finds the limiter of a call, for one of the limits of a policy. */
export function finder<L extends Limited, Options extends SharingConfig>(
  limits: readonly Limit<L, Options>[],
  at: number,
  policy: Policy,
  site: SiteInfo,
  making: Making<L, Options>,
): (call: Call) => L {
  const { shared, options } = limits[at] as Limit<L, Options>;
  if (shared !== undefined) {
    const use = { site, kind: making.kind, key: options().key };
    return (call) => shared.find(call, use);
  }
  return ownOf(limits, policy, site, making).limiters[at] as Limiters<L>;
}

/** Of the limiters of one of the limits of a policy, the one whose limit was the last to move by itself. */
export function movedOf<L extends Limited, Options extends SharingConfig>(
  limits: readonly Limit<L, Options>[],
  at: number,
  policy: Policy,
  site: SiteInfo,
  making: Making<L, Options>,
): L | undefined {
  const shared = limits[at]?.shared;
  return shared === undefined ? ownOf(limits, policy, site, making).limiters[at]?.moved() : shared.moved;
}

/** What the policy keeps of a method. */
const ownOf = <L extends Limited, Options extends SharingConfig>(
  limits: readonly Limit<L, Options>[],
  policy: Policy,
  site: SiteInfo,
  { kind, create, configure }: Making<L, Options>,
): Own<L> =>
  site.stateOf(policy, (): Own<L> => {
    const found = limits.map((each) =>
      each.shared === undefined ? limiters(each.options(), site, kind, create, configure) : undefined,
    );
    return {
      limiters: found,
      configure(changed) {
        const all = (Array.isArray(changed) ? changed : [changed]) as Options[];
        for (const [index, each] of found.entries()) each?.configure?.(all[index] as Options);
      },
    };
  });

/** The places of the limits of a policy in the pipeline: in the order written, each where it belongs, or later. */
export function ranksOf<L extends Limited, Options extends SharingConfig>(
  limits: readonly Limit<L, Options>[],
  rankOf: (options: Options) => number,
): number[] {
  let latest = Number.NEGATIVE_INFINITY;
  return limits.map(({ options }) => {
    latest = Math.max(latest, rankOf(options()));
    return latest;
  });
}

/** The options of a policy of limits, as they are shown. */
export const shownOf = (limits: readonly { readonly shown: object }[], given: unknown): object =>
  Array.isArray(given)
    ? Object.freeze(limits.map(({ shown }) => shown))
    : (limits[0] as { readonly shown: object }).shown;
