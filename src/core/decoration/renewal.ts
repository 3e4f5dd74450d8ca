import type { AnyClass } from '../types.js';
import { forgetSites } from './interceptor.js';
import { allSites } from './site.js';
import { chainOf, isOfClass } from './sites.js';

/**
 * To be called when what is in force may be something else now, for these classes or, with undefined, for all: the next calls
 * go by it.
 */
export function renewSitesOf(isMeant: ((type: AnyClass) => boolean) | undefined): void {
  for (const site of allSites()) {
    if (isMeant !== undefined && !isOfClass(site, isMeant)) continue;
    const { entry } = site;
    const chain = chainOf(site);
    if (chain.length === 0) continue;
    const isOther = site.renew(chain);
    if (!isOther && site.entry === entry) continue;
    for (const each of [entry, site.entry]) if (each !== undefined) forgetSites(each);
  }
}
