import { relink } from '../core/decoration/relink.js';
import { allSites, type Detour, detourBy, type Site } from '../core/decoration/site.js';
import { bareRun } from './bare.js';
import { type Failures, failing, failingHere } from './failures.js';
import type { Concerns } from './scope.js';

/** What is in force now. */
const bare = new Set<Concerns>();
const failures = new Set<Failures>();

const isBare = (site: Site): boolean => [...bare].some((concerns) => concerns(site));

const detour: Detour = (site, link) => {
  const meant = [...failures].filter((each) => each.concerns(site));
  if (meant.length === 0) return isBare(site) ? bareRun(site) : link(site.policies);
  return failing(meant, isBare(site) ? bareRun(site) : link(failingHere(meant, site.policies)));
};

/** Has the sites concerned find out anew how their calls run. */
function apply(concerns: Concerns): void {
  detourBy(bare.size + failures.size > 0 ? detour : undefined);
  for (const site of allSites()) if (concerns(site)) relink(site);
}

/** Puts something in force; gives how to end that. */
function put<Item>(items: Set<Item>, item: Item, concerns: Concerns): () => void {
  items.add(item);
  apply(concerns);
  return () => {
    if (items.delete(item)) apply(concerns);
  };
}

/** Calls of these sites run without policies, until that is ended. */
export const runBare = (concerns: Concerns): (() => void) => put(bare, concerns, concerns);

/** Attempts of these sites fail, until that is ended. */
export const runFailing = (each: Failures): (() => void) => put(failures, each, each.concerns);
