import { relink } from '../core/decoration/relink.js';
import { allSites } from '../core/decoration/site.js';
import { type AnyConstructor, concerning } from './scope.js';

/**
 * Makes what the policies keep as new: the windows and lines of limits, circuits, caches, budgets, the counts of `statsOf`, the
 * state of policies of your own. Calls that run or wait go on by what there was, and end; later ones meet none of it. A
 * budget or limit that methods share is as new for all of them.
 *
 * @param type The class whose methods are meant, in its subclasses too. Default: every class, and every Orchestrator.
 * @throws ConfigurationError when it is no class.
 * @example
 * afterEach(() => resetState());
 */
export function resetState(type?: AnyConstructor): void {
  const concerns = concerning('resetState()', type);
  for (const site of allSites()) {
    if (!concerns(site)) continue;
    site.reset();
    for (const policy of site.policies) policy.reset?.();
    relink(site);
  }
}
