import { allSites, type Site } from '../core/decoration/site.js';
import { isOwned } from '../core/decoration/sites.js';
import type { MethodEntry } from './method-entry.js';

/** Whether a site stands for a method, or for all that an Orchestrator runs, and policies were declared for it. */
const isGoverned = (site: Site): boolean => {
  if (site.inForce.length === 0 && site.declared.length === 0) return false;
  return site.member === undefined || isOwned(site);
};

const entryOf = (site: Site): MethodEntry => ({
  className: site.className ?? site.label,
  method: site.member === undefined ? '*' : String(site.name),
  static: site.member?.placement.endsWith('static') === true,
  policies: site.policies.map(({ kind }) => kind),
  stats: site.statsNow(),
  latency: undefined,
});

/**
 * Every governed method of the process, in the order in which they became known: one entry for each method of each
 * concrete class. A class is listed from its first construction on, or from when it was registered, or looked at; its
 * static methods are from its definition on. It is held weakly: once it is gone, it is not listed any more.
 *
 * @returns A picture of now.
 * @throws Nothing.
 * @example
 * for (const { className, method, stats } of methods()) console.log(`${className}.${method}: ${stats.running} run`);
 */
export const methods = (): MethodEntry[] => [...allSites()].filter(isGoverned).map(entryOf);
