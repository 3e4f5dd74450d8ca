import type { Site } from './site.js';

const sites = new WeakMap<object, Site>();

/** Remembers the site of what runs functions through policies without a class of theirs, as an `Orchestrator`. */
export function setClasslessSite(owner: object, site: Site): void {
  sites.set(owner, site);
}

/** The site of such an object; undefined for any other. */
export const classlessSiteOf = (owner: object): Site | undefined => sites.get(owner);
