import type { Call } from '../core/call/call.js';
import type { SiteInfo, State } from '../core/call/policy.js';
import { callback, fixed, oneOf } from '../core/options.js';
import { ByInstance, ByKey, type Found, type Limiter, One } from './found.js';

/**
 * Which calls share a limiter.
 *
 * @example
 * const sharing: SharingConfig<[tenant: string]> = { key: (tenant) => tenant, scope: 'instance' };
 */
export interface SharingConfig<Args extends readonly unknown[] = never[], This = never> {
  /**
   * Gives each key a limiter of its own; called with the method's arguments, and its receiver as `this`. Limiters that
   * are idle are dropped. When it returns no string, the call rejects with a ConfigurationError; when it throws, with what
   * it threw. Default: one limiter for all.
   */
  readonly key?: (this: This, ...args: Args) => string;
  /**
   * `'class'` (default): the instances of a concrete class share a limiter; `'instance'`: each has its own.
   */
  readonly scope?: 'class' | 'instance';
}

/** Whether all calls of a method on a concrete class share one limiter: there is none narrower. */
export const isShared = ({ key, scope }: SharingConfig): boolean => key === undefined && scope !== 'instance';

/** The rules of these options. */
export const sharingRules = { key: fixed(callback), scope: fixed(oneOf('class', 'instance')) };

/** Finds the limiter of a call. As the state of a policy it takes other options. */
export interface Limiters<L> extends State {
  (call: Call): L;
}

/**
 * Finds the limiter of a call, by scope and key; makes it at the first call. `configure` has a limiter take other options,
 * which may be those that it has already.
 */
export function limiters<L extends Limiter, Options extends SharingConfig>(
  declared: Options,
  site: SiteInfo,
  kind: string,
  create: (options: Options) => L,
  configure: (limiter: L, options: Options) => void = () => {},
): Limiters<L> {
  const { key, scope } = declared;
  let current = declared;
  const own = (make: () => L): Found<L> => (key === undefined ? new One(make) : new ByKey(make, key, site, kind));
  const make = (): L => create(current);
  const all = scope === 'instance' ? new ByInstance(own, make) : own(make);
  return Object.assign((call: Call) => all.find(call), {
    configure(options: Options) {
      current = options;
      all.renew((limiter) => configure(limiter, options));
    },
  });
}
