import { ownError } from '../../core/call/own-errors.js';
import type { SiteInfo } from '../../core/call/policy.js';
import { StoreError } from '../../core/errors.js';

/** For one whose limit is in a store that was closed. */
export const closed = (site: SiteInfo): StoreError => errorOf(site, 'the store of its limit was closed');

/** For one who may not go on while the store is down. */
export const down = (site: SiteInfo, { reason }: { readonly reason: unknown }): StoreError =>
  errorOf(site, 'the store of its limit cannot be reached', reason);

function errorOf(site: SiteInfo, why: string, cause?: unknown): StoreError {
  site.stats.rejected++;
  return ownError(new StoreError(`${site.label}: ${why}`, cause === undefined ? undefined : { cause }), site);
}
