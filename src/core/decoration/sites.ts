import { isPrivate, type Member } from '../member.js';
import type { AnyClass, AnyFunction } from '../types.js';
import { intercept } from './interceptor.js';
import { linkDefinition, linkMembers } from './linking.js';
import {
  type ClassInChain,
  chainOfClass,
  chainOfPrototype,
  classOfHolder,
  hasClass,
  isSeen,
  memberRecords,
} from './metadata.js';
import { createSite, type Site } from './site.js';

/** Puts a member behind the interceptor. */
export const govern = (member: Member, fn: AnyFunction): AnyFunction => intercept(member, fn, siteForReceiver);

/** Puts the undecorated methods that inherit policies, or get them from a class, behind the interceptor: once a class. */
export const link = (chain: readonly ClassInChain[]): void => linkMembers(chain, govern);

/**
 * Does so for a class that was looked at, or called, if its constructions are seen: then this comes in any case. Where they
 * are not, an override that nobody has linked stays as it is, whatever else is called.
 */
export const linkIfSeen = (chain: readonly ClassInChain[]): void => {
  if (chain.some(isSeen)) link(chain);
};

/** Does so for a class that is being defined. */
export const linkDefined = (type: AnyClass): void => linkDefinition(chainOfPrototype(type.prototype), govern);

/** The sites of a prototype (instance members) or a class (static ones), by member. */
const sites = new WeakMap<object, Map<unknown, Site>>();

/** The site of a member for a receiver, given by its prototype or, for a static member, by itself. */
function siteForReceiver(member: Member, key: object | undefined): Site {
  const isStatic = member.placement.endsWith('static');
  const chain = key === undefined ? [] : isStatic ? chainOfClass(key as AnyClass) : chainOfPrototype(key);
  const isAtHome = chain.some((level) => level.metadata === member.holder || level.prototype === member.holder);
  if (isAtHome) {
    const site = siteAt(chain, member);
    // Its construction does so, if there was one.
    if (!isStatic) verify(site, chain);
    return site;
  }
  // A call without `this`, or with a foreign one: the class that declares the method stands in.
  const declaring = classOfHolder(member.holder);
  if (declaring === undefined) return siteBeforeClassKnown(member);
  return siteAt(isStatic ? chainOfClass(declaring) : chainOfPrototype(declaring.prototype), member);
}

/** The sites of members that were called without a receiver of their class before that class was known. */
const sitesBeforeClassKnown = new WeakMap<Member, Site>();

function siteBeforeClassKnown(member: Member): Site {
  let site = sitesBeforeClassKnown.get(member);
  if (site === undefined) {
    site = createSite([{ type: undefined, prototype: undefined, metadata: member.holder }], member, true);
    sitesBeforeClassKnown.set(member, site);
  }
  return site;
}

/** The site of a member on the class that the chain begins with. */
export function siteAt(chain: readonly ClassInChain[], member: Member): Site {
  const [concrete] = chain;
  const isStatic = member.placement.endsWith('static');
  const owner = (isStatic ? concrete?.type : concrete?.prototype) as object;
  if (!isStatic) linkIfSeen(chain);
  let byMember = sites.get(owner);
  if (byMember === undefined) {
    byMember = new Map();
    sites.set(owner, byMember);
  }
  // Private members of different classes may share a name: they are told apart by their records.
  const id = isPrivate(member) ? memberRecords(member.holder, member.placement)?.get(member.name) : member.name;
  let site = byMember.get(id);
  if (site === undefined) {
    site = createSite(chain, member);
    byMember.set(id, site);
    owners.set(site, owner);
  }
  site.refresh(chain);
  return site;
}

/** What the receivers of a site are told by. */
const owners = new WeakMap<Site, object>();

/** The prototype of the receivers of a site or, for a static member, their class; undefined where it serves no class. */
export const ownerOf = (site: Site): object | undefined => owners.get(site);

/** The classes of the receivers of a site, the most derived first; none where it serves no class. */
export const chainOf = (site: Site): readonly ClassInChain[] => {
  const owner = ownerOf(site);
  if (owner === undefined) return [];
  return typeof owner === 'function' ? chainOfClass(owner as AnyClass) : chainOfPrototype(owner);
};

/** Whether a site is that of all receivers of its kind, and no passing one. */
export const isOwned = (site: Site): boolean => owners.has(site);

/** Whether the receivers of a site are of a class that is meant, or of a subclass. */
export function isOfClass(site: Site, isMeant: (type: AnyClass) => boolean): boolean {
  const owner = ownerOf(site);
  return owner !== undefined && hasClass(owner, isMeant);
}

/** Checks what the policies of a site say of the instances of its class. */
export const verify = (site: Site, [concrete]: readonly ClassInChain[]): void =>
  site.verify(concrete?.prototype as object);
