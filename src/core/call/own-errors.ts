import { ConfigurationError } from '../errors.js';
import type { SiteInfo } from './policy.js';

/** The errors by which a pipeline itself turns calls away, and the site of the pipeline. */
const sites = new WeakMap<object, SiteInfo>();

/**
 * Marks an error as one that the pipeline of a site made of its own accord: it tells nothing of the method, which it was
 * in the way of. Gives the error.
 */
export function ownError<Own extends Error>(error: Own, site: SiteInfo): Own {
  sites.set(error, site);
  return error;
}

/**
 * Whether the pipeline of this very site made the error; one that comes from another decorated method, which was called
 * inside, it did not.
 */
export const isOwnError = (error: unknown, site: SiteInfo): boolean =>
  typeof error === 'object' && error !== null && sites.get(error) === site;

/** The error of a call for which a function among the options gave what is not allowed, or a policy was used wrongly. */
export const misuse = (kind: string, problem: string, site: SiteInfo): ConfigurationError =>
  ownError(new ConfigurationError(`@${kind} on ${site.label}: ${problem}`), site);
