import type { AnyFunction } from '../types.js';
import type { Site } from './site.js';

const sites = new WeakMap<object, Site>();

/** Remembers the site of what runs functions through policies without a class of theirs, as an `Orchestrator`. */
export function setClasslessSite(owner: object, site: Site): void {
  sites.set(owner, site);
}

/** The site of such an object; undefined for any other. */
export const classlessSiteOf = (owner: object): Site | undefined => sites.get(owner);

const wrapped = new WeakMap<AnyFunction, AnyFunction>();

/** Remembers that a function runs another through the policies of such an object. */
export function setWrapped(wrapper: AnyFunction, fn: AnyFunction): void {
  wrapped.set(wrapper, fn);
}

/** The function that runs in the end, where one stands in for it. */
export const behindWrapped = (fn: AnyFunction): AnyFunction => wrapped.get(fn) ?? fn;
