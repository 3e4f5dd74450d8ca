import type { Call } from '../core/call/call.js';
import type { SiteInfo, State } from '../core/call/policy.js';
import { callback, fixed, oneOf } from '../core/options.js';
import { ByInstance, ByKey, type Found, type Limiter, type Use } from './found.js';

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
export const keyRule = /* @__PURE__ */ fixed(callback);
export const scopeRule = /* @__PURE__ */ fixed(/* @__PURE__ */ oneOf('class', 'instance'));

/** Finds the limiter of a call. As the state of a policy it takes other options. */
export interface Limiters<L> extends State {
  (call: Call): L;
  /** The one whose limit was the last to move by itself. */
  readonly moved: () => L | undefined;
  /** Does this with every one. */
  readonly each: (act: (limiter: L) => void) => void;
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
  let current = declared;
  const use: Use = { site, kind, key: declared.key };
  let moved: L | undefined;
  const all = foundBy(declared, () =>
    watched(create(current), (limiter) => {
      moved = limiter;
    }),
  );
  return Object.assign((call: Call) => all.find(call, use), {
    moved: () => moved,
    each(act: (limiter: L) => void) {
      for (const limiter of all) act(limiter);
    },
    configure(options: Options) {
      current = options;
      all.renew((limiter) => configure(limiter, options));
    },
  });
}

/** Has it told when the limit of a limiter moves by itself. */
export function watched<L extends Limiter>(limiter: L, moved: (limiter: L) => void): L {
  if ('onMove' in limiter) limiter.onMove = () => moved(limiter);
  return limiter;
}

/** Limiters as a scope tells them apart. */
export const foundBy = <L extends Limiter>({ scope }: SharingConfig, create: () => L): Found<L> =>
  scope === 'instance' ? new ByInstance(create) : new ByKey(create);
