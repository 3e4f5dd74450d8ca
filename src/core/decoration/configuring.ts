import type { Policy } from '../call/policy.js';
import { ConfigurationError } from '../errors.js';
import type { Member } from '../member.js';
import type { AnyClass } from '../types.js';
import { type Configuration, enter, meantBy, type Subject } from './configurations.js';
import { configured } from './configured.js';
import { renewSitesOf } from './renewal.js';
import type { Site } from './site.js';
import { chainOf, ownerOf } from './sites.js';
import { chainOfMember, countIn } from './standing.js';

/** Puts a configuration in force; then the sites are to be renewed. Gives how to take it back. */
export function enterConfiguration(configuration: Configuration, subject: Subject): () => void {
  countIn(configured);
  return enter(configuration, subject);
}

/** To be called when something was configured for these, or is so no more: what is in force may be something else now. */
export const renewSites = (subjects: readonly Subject[]): void => renewSitesOf(meantByAny(subjects));

/** Whether a class is one of these; undefined where every class is. */
function meantByAny(subjects: readonly Subject[]): ((type: AnyClass) => boolean) | undefined {
  const tests: ReturnType<typeof meantBy>[] = [];
  for (const each of new Set(subjects)) {
    if (each === undefined) return undefined;
    tests.push(meantBy(each));
  }
  return (type) => tests.some((test) => test(type));
}

/**
 * Throws where a configuration that is in force already does not fit a policy of a site, or its class. Others may come to
 * fit no more by it: those are out until they fit again.
 */
export function checkConfigured(site: Site, configuration: Configuration): void {
  const { declared } = site;
  // It is a site of a class, so both are there.
  const member = site.member as Member;
  const target = ownerOf(site) as object;
  const { inForce } = configured(declared, chainOfMember(chainOf(site), member), member, (error, misfit) => {
    if (misfit === configuration) throw located(error, site, configuration);
  });
  for (const { policy } of inForce) {
    if (!declared.some((each) => each.policy === policy)) verifyConfigured(site, policy, target);
  }
}

/** Where the configuration is for many methods, the error tells of which one it speaks. */
const located = (error: unknown, { label }: Site, { method }: Configuration): unknown =>
  method === undefined && error instanceof ConfigurationError
    ? new ConfigurationError(`${error.message} (on ${label})`)
    : error;

/** An abstract class may lack what a policy asks for, as it was declared already. */
function verifyConfigured(site: Site, policy: Policy, target: object): void {
  try {
    policy.verify?.(site, target);
  } catch (error) {
    const before = site.declared.find(({ policy: { kind } }) => kind === policy.kind)?.policy;
    if (before === undefined || isVerified(site, before, target)) throw error;
  }
}

function isVerified(site: Site, policy: Policy, target: object): boolean {
  try {
    policy.verify?.(site, target);
    return true;
  } catch {
    return false;
  }
}
