import type { Call } from '../core/call/call.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { ConfigurationError } from '../core/errors.js';
import type { PolicyKind } from '../core/policies.js';
import { type Key, keyOf } from '../limits/asked.js';
import { implicitKeys } from './implicit-key.js';

/**
 * Which calls share what comes of one.
 *
 * @example
 * const sharing: ResultSharingConfig<[id: number]> = { key: (id) => String(id), scope: 'class' };
 */
export interface ResultSharingConfig<Args extends readonly unknown[] = never[], This = never> {
  /**
   * Tells what is asked for: calls of one key get the same. Called with the method's arguments, and its receiver as `this`.
   * When it returns no string, the call rejects with a ConfigurationError; when it throws, with what it threw. Default: the
   * arguments, which must be primitives then; a signal at the end, or an object that holds nothing but a signal, does not
   * count.
   */
  readonly key?: (this: This, ...args: Args) => string;
  /**
   * `'instance'` (default): each instance has its own; `'class'`: the instances of a concrete class share, as where results
   * do not depend on `this`.
   */
  readonly scope?: 'class' | 'instance';
}

/** The kinds of which a method may have one, as both have calls share a run. */
type Kind = 'cache' | 'singleFlight';

/** What both kinds say about where they may stand. */
export const placing = (kind: Kind, excludes: Kind): Pick<Policy, 'excludes' | 'verify'> => ({
  excludes,
  verify(site) {
    if (!site.policies.some((each) => each.kind === excludes)) return;
    const from = (each: Kind): string => `${each} (from ${site.declaredBy(each)?.name || 'an anonymous class'})`;
    const cure = 'it can have one of the two; `inherit: false` cuts off what is inherited';
    throw new ConfigurationError(`@${kind} on ${site.label}: it has ${from(excludes)} and ${from(kind)}; ${cure}`);
  },
});

/** Tells the key of a call. Throws what has the call reject. */
export const keysOf = (key: Key | undefined, site: SiteInfo, kind: PolicyKind): ((call: Call) => string) =>
  key === undefined ? implicitKeys(site, kind) : (call) => keyOf(call, key, site, kind);
