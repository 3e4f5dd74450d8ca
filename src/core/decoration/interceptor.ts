import { callThrough } from '../call/current-call.js';
import { takeHandoff } from '../call/handoff.js';
import type { Member } from '../member.js';
import type { AnyFunction } from '../types.js';
import { copyMetadata } from './metadata.js';
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

/** What every function has of its own; the rest was put there. */
const ofEveryFunction: readonly PropertyKey[] = ['length', 'name', 'prototype', 'arguments', 'caller'];

/** Gives what stands in for a function what others have kept on that, as the routes of a framework; and its name and length. */
export function carryOn(fn: AnyFunction, interceptor: AnyFunction): AnyFunction {
  for (const key of Reflect.ownKeys(fn)) {
    if (ofEveryFunction.includes(key)) continue;
    Object.defineProperty(interceptor, key, Object.getOwnPropertyDescriptor(fn, key) as PropertyDescriptor);
  }
  copyMetadata(fn, interceptor);
  return named(fn, interceptor);
}

/** Finds the site of a member for a receiver, given by its prototype or, for a static member, by itself. */
type SiteFinder = (member: Member, key: object | undefined) => Site;

/** Is the key of no receiver. */
const nobody = Symbol('nobody');

/**
 * How calls of one interceptor begin, by what tells the class of their receiver: its prototype, or, for a static member,
 * the class itself. Most calls come for the class of the one before.
 */
class Beginnings {
  lastKey: unknown = nobody;
  /** Undefined where the pipeline runs already: the method is called as it is. */
  lastRun: Site['run'] | undefined;
  #sites = new WeakMap<object, Site>();

  constructor(
    readonly interceptor: AnyFunction,
    readonly member: Member,
    readonly siteFor: SiteFinder,
  ) {}

  find(key: unknown): Site['run'] | undefined {
    const owner = typeof key === 'object' || typeof key === 'function' ? (key ?? undefined) : undefined;
    let site = owner && this.#sites.get(owner);
    if (site === undefined) {
      try {
        site = this.siteFor(this.member, owner);
      } catch (error) {
        // There is none to be had: the call fails, and the next one asks again.
        return () => Promise.reject(error);
      }
      // Only until the class is known.
      if (site.isForNow) return this.#runOf(site);
      if (owner !== undefined) this.#sites.set(owner, site);
    }
    this.lastKey = key;
    this.lastRun = this.#runOf(site);
    return this.lastRun;
  }

  #runOf(site: Site): Site['run'] | undefined {
    return site.entry === this.interceptor ? site.run : undefined;
  }

  forget(): void {
    this.#sites = new WeakMap();
    this.lastKey = nobody;
  }
}

/**
 * Puts the interceptor in front of a method. It finds the site of its receiver's class, and runs the pipeline there if
 * it is the one that calls of that class begin with. If not, the pipeline runs already (a `super` call, or a foreign
 * decorator between two of ours), and the method is called as it is.
 */
export function intercept(member: Member, fn: AnyFunction, siteFor: SiteFinder): AnyFunction {
  const isStatic = member.placement.endsWith('static');
  const interceptor = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const key =
      isStatic || this === undefined || this === null ? (this as object | undefined) : Object.getPrototypeOf(this);
    const run = key === beginnings.lastKey ? beginnings.lastRun : beginnings.find(key);
    if (run !== undefined) return run(fn, this, args);
    // What was handed over is for this call, not for the next one that its code makes.
    takeHandoff(this, member.name);
    return callThrough(fn, this, args);
  };
  const beginnings = new Beginnings(interceptor, member, siteFor);
  interceptors.set(interceptor, { fn, forget: () => beginnings.forget() });
  return carryOn(fn, interceptor);
}
