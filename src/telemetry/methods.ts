import { allKnown } from '../core/decoration/known.js';
import { siteOfMember } from '../core/decoration/lookup.js';
import { chainOfClass, namesAt } from '../core/decoration/metadata.js';
import { allSites, type Site } from '../core/decoration/site.js';
import { isOwned } from '../core/decoration/sites.js';
import { latencyBy } from './latency.js';
import type { MethodEntry } from './method-entry.js';

/** Whether a site stands for a method, or for all that an Orchestrator runs, and policies were declared for it. */
const isGoverned = (site: Site): boolean => {
  if (site.inForce.length === 0 && site.declared.length === 0) return false;
  return site.member === undefined || isOwned(site);
};

/** Static methods have no construction: they are found by their classes. */
function findStatics(): void {
  for (const type of allKnown()) {
    const chain = chainOfClass(type);
    const [own] = chain;
    if (own === undefined) continue;
    for (const placement of ['static', 'private static'] as const) {
      for (const name of namesAt(own, placement)) siteOfMember(chain, placement, name);
    }
  }
}

/** What is told of a site. */
export const entryOf = (site: Site): MethodEntry => ({
  className: site.className ?? site.label,
  method: site.member === undefined ? '*' : String(site.name),
  static: site.member?.placement.endsWith('static') === true,
  policies: site.policies.map(({ kind }) => kind),
  stats: { ...site.statsNow(), ...site.standingNow() },
  latency: latencyBy(site.stats),
});

/** The sites of every governed method of the process. */
export function governedSites(): Site[] {
  findStatics();
  return [...allSites()].filter(isGoverned);
}

/**
 * Every governed method of the process, in the order in which they became known: one entry for each method of each
 * concrete class. A class is listed from its first construction on, or from when it was registered, given to
 * `decorate()`, or looked at; its static methods are from its definition on. It is held weakly: once it is gone, it is not
 * listed any more.
 *
 * @returns A picture of now.
 * @throws Nothing.
 * @example
 * for (const { className, method, stats } of methods()) console.log(`${className}.${method}: ${stats.running} run`);
 */
export const methods = (): MethodEntry[] => governedSites().map(entryOf);
