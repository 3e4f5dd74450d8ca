import type { Member } from '../member.js';
import type { AnyClass, AnyFunction } from '../types.js';
import { intercept } from './interceptor.js';
import { linkDefinition, linkMembers } from './linking.js';
import { homeOf, type Level, levelsOfClass, levelsOfPrototype, memberRecords } from './metadata.js';
import { createSite, type Site } from './site.js';

/** Puts a member behind the interceptor. */
export const govern = (member: Member, fn: AnyFunction): AnyFunction => intercept(member, fn, siteFor);

/** Puts the undecorated methods that inherit policies, or get them from a class, behind the interceptor: once a class. */
export const link = (levels: readonly Level[]): void => linkMembers(levels, govern);

/** Does so for a class that is being defined. */
export const linkDefined = (type: AnyClass): void => linkDefinition(levelsOfPrototype(type.prototype), govern);

/** The sites of a prototype (instance members) or a class (static ones), by member. */
const sites = new WeakMap<object, Map<unknown, Site>>();

/** The site of a member for a receiver, given by its prototype or, for a static member, by itself. */
function siteFor(member: Member, key: object | undefined): Site {
  const isStatic = member.placement.endsWith('static');
  const levels = key === undefined ? [] : isStatic ? levelsOfClass(key as AnyClass) : levelsOfPrototype(key);
  const isAtHome = levels.some((level) => level.metadata === member.holder || level.prototype === member.holder);
  if (isAtHome) {
    const site = siteAt(levels, member);
    // Its construction does so, if there was one.
    if (!isStatic) verify(site, levels);
    return site;
  }
  // A call without `this`, or with a foreign one: the class that declares the method stands in.
  const home = homeOf(member.holder);
  if (home !== undefined) return siteAt(isStatic ? levelsOfClass(home) : levelsOfPrototype(home.prototype), member);
  return homelessSite(member);
}

/** The sites of members that were called without a receiver of their class before that class was known. */
const homeless = new WeakMap<Member, Site>();

function homelessSite(member: Member): Site {
  let site = homeless.get(member);
  if (site === undefined) {
    site = createSite([{ type: undefined, prototype: undefined, metadata: member.holder }], member, true);
    homeless.set(member, site);
  }
  return site;
}

/** The site of a member on the class that the levels begin with. */
export function siteAt(levels: readonly Level[], member: Member): Site {
  const [concrete] = levels;
  const isStatic = member.placement.endsWith('static');
  const owner = (isStatic ? concrete?.type : concrete?.prototype) as object;
  if (!isStatic) link(levels);
  let byMember = sites.get(owner);
  if (byMember === undefined) {
    byMember = new Map();
    sites.set(owner, byMember);
  }
  // Private members of different classes may share a name: they are told apart by their records.
  const isPrivate = member.placement.startsWith('private');
  const id = isPrivate ? memberRecords(member.holder, member.placement)?.get(member.name) : member.name;
  let site = byMember.get(id);
  if (site === undefined) {
    site = createSite(levels, member);
    byMember.set(id, site);
  }
  site.refresh(levels);
  return site;
}

/** Checks what the policies of a site say of the instances of its class. */
export const verify = (site: Site, [concrete]: readonly Level[]): void => site.verify(concrete?.prototype as object);
