import { callThrough } from '../call/current-call.js';
import { takeHandoff } from '../call/handoff.js';
import type { Member } from '../member.js';
import type { AnyFunction } from '../types.js';
import type { Site } from './site.js';

/** What is known of each interceptor: the function it stands in front of, and how to have it ask for its sites anew. */
const interceptors = new WeakMap<object, { readonly fn: AnyFunction; readonly forget: () => void }>();

/** Whether a function is an interceptor of ours. */
export const isInterceptor = (fn: object): boolean => interceptors.has(fn);

/** What stands behind a function, if it is an interceptor; else the function itself. */
export const behind = (fn: AnyFunction): AnyFunction => interceptors.get(fn)?.fn ?? fn;

/** Has an interceptor ask for the sites of its receivers anew: what they hold may be out of date. */
export const forgetSites = (interceptor: object): void => interceptors.get(interceptor)?.forget();

/** Gives a function that stands in for another the name and the length of that. */
export function named<StandIn extends object>(fn: AnyFunction, standIn: StandIn): StandIn {
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(standIn, key, { value: fn[key], configurable: true });
  }
  return standIn;
}

/** Finds the site of a member for a receiver, given by its prototype or, for a static member, by itself. */
export type SiteFinder = (member: Member, key: object | undefined) => Site;

/** Is the key of no receiver. */
const nobody = Symbol('nobody');

/**
 * Puts the interceptor in front of a method. It finds the site of its receiver's class, and runs the pipeline there if
 * it is the one that calls of that class begin with. If not, the pipeline runs already (a `super` call, or a foreign
 * decorator between two of ours), and the method is called as it is.
 */
export function intercept(member: Member, fn: AnyFunction, siteForReceiver: SiteFinder): AnyFunction {
  const isStatic = member.placement.endsWith('static');
  let known = new WeakMap<object, Site>();
  let lastKey: unknown = nobody;
  let lastRun: Site['run'] | undefined;

  /** How calls with this key begin; undefined where the pipeline runs already. */
  const find = (key: unknown): Site['run'] | undefined => {
    const owner = typeof key === 'object' || typeof key === 'function' ? (key ?? undefined) : undefined;
    let site = owner && known.get(owner);
    if (site === undefined) {
      try {
        site = siteForReceiver(member, owner);
      } catch (error) {
        // There is none to be had: the call fails, and the next one asks again.
        return () => Promise.reject(error);
      }
      // Only until the class is known.
      if (site.isForNow) return site.entry === interceptor ? site.run : undefined;
      if (owner !== undefined) known.set(owner, site);
    }
    lastKey = key;
    lastRun = site.entry === interceptor ? site.run : undefined;
    return lastRun;
  };

  const forget = (): void => {
    known = new WeakMap();
    lastKey = nobody;
  };

  const interceptor = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const key =
      isStatic || this === undefined || this === null ? (this as object | undefined) : Object.getPrototypeOf(this);
    const run = key === lastKey ? lastRun : find(key);
    if (run !== undefined) return run(fn, this, args);
    // What was handed over is for this call, not for the next one that its code makes.
    takeHandoff(this, member.name);
    return callThrough(fn, this, args);
  };
  interceptors.set(interceptor, { fn, forget });
  return named(fn, interceptor);
}
