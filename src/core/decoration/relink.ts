import { forgetSites } from './interceptor.js';
import type { Site } from './site.js';

/** Has the next call of a site compile its pipeline anew, or find another way; those under way keep theirs. */
export function relink(site: Site): void {
  site.unlink();
  if (site.entry !== undefined) forgetSites(site.entry);
}
