import type { Call } from '../core/call/call.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';

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

/** The option `key`, whose arguments were checked against the method where it was given. */
type Key = (...args: never[]) => unknown;

/** The key of a call. Throws what `key` throws, and a ConfigurationError where it gives no string. */
export function keyOf(call: Call, key: Key, site: SiteInfo, kind: string): string {
  const name: unknown = Reflect.apply(key, call.self, call.args);
  if (typeof name === 'string') return name;
  // Of a promise, what it comes to is nobody's affair.
  if (name instanceof Promise) name.catch(() => {});
  const problem = `expected \`key\` to return a string, got ${show(name)}`;
  throw ownError(new ConfigurationError(`@${kind} on ${site.label}: ${problem}`), site);
}

/** A limiter that can say when it is idle, so that it may be dropped. */
interface Limiter {
  onIdle: (() => void) | undefined;
}

/** Finds the limiter of a call; makes it at the first one. */
type Find<L> = (call: Call) => L;

/** Finds limiters by scope and key. */
export function limiters<L extends Limiter>(
  { key, scope }: SharingConfig,
  site: SiteInfo,
  kind: string,
  create: () => L,
): Find<L> {
  const newFinder = key === undefined ? single(create) : keyed(key as Key, site, kind, create);
  if (scope !== 'instance') return newFinder();
  const forNoReceiver = newFinder();
  const byReceiver = new WeakMap<object, Find<L>>();
  return (call) => {
    const { self } = call;
    if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return forNoReceiver(call);
    let find = byReceiver.get(self);
    if (find === undefined) {
      find = newFinder();
      byReceiver.set(self, find);
    }
    return find(call);
  };
}

/** Makes finders of the one limiter that all their calls share. */
const single =
  <L>(create: () => L) =>
  (): Find<L> => {
    let limiter: L | undefined;
    return () => {
      limiter ??= create();
      return limiter;
    };
  };

/** Makes finders of a limiter for each key. */
const keyed =
  <L extends Limiter>(key: Key, site: SiteInfo, kind: string, create: () => L) =>
  (): Find<L> => {
    const byKey = new Map<string, L>();
    return (call) => {
      const name = keyOf(call, key, site, kind);
      let limiter = byKey.get(name);
      if (limiter === undefined) {
        limiter = create();
        limiter.onIdle = () => byKey.delete(name);
        byKey.set(name, limiter);
      }
      return limiter;
    };
  };
