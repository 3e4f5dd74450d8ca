import { ConfigurationError } from '../errors.js';
import type { Placement } from '../member.js';
import { show } from '../options.js';
import type { AnyClass } from '../types.js';
import { isInterceptor } from './interceptor.js';
import {
  type ClassInChain,
  chainOfClass,
  chainOfPrototype,
  classRecord,
  isAsync,
  isSeen,
  recordAt,
} from './metadata.js';
import { isMarked } from './replaced.js';
import { labelOf, type Site } from './site.js';
import { linkIfSeen, siteAt } from './sites.js';

/** The classes of a class or an instance, for its instance and its static members. */
export interface Chains {
  readonly instance: readonly ClassInChain[];
  readonly static: readonly ClassInChain[];
}

export const placements: readonly Placement[] = ['instance', 'static', 'private', 'private static'];

/** The chains of a class or an instance; `asked` names the function for messages. */
export function chainsOf(subject: object, asked: string): Chains {
  if (typeof subject === 'function') {
    const type = subject as unknown as AnyClass;
    return linked({
      instance: chainOfPrototype((type.prototype as object | undefined) ?? {}),
      static: chainOfClass(type),
    });
  }
  if (typeof subject !== 'object' || subject === null) {
    throw new ConfigurationError(`${asked}: expected a class or an instance, got ${show(subject)}`);
  }
  return linked({ instance: chainOfPrototype(subject), static: [] });
}

/**
 * Methods that inherit policies are known once their class is linked, which its first construction does otherwise. Where
 * constructions are not seen, nothing is changed by a look.
 */
function linked(chains: Chains): Chains {
  linkIfSeen(chains.instance);
  return chains;
}

export const chainFor = (chains: Chains, placement: Placement): readonly ClassInChain[] =>
  placement.endsWith('static') ? chains.static : chains.instance;

/** The site of a member in one place. */
export function siteOfMember(
  chain: readonly ClassInChain[],
  placement: Placement,
  name: PropertyKey,
): Site | undefined {
  const level = chain.find(
    (each) => recordAt(each, placement, name) !== undefined || isPlain(each, placement, name, chain),
  );
  if (level === undefined || recordAt(level, placement, name) === undefined) return undefined;
  const holder = level && (placement === 'instance' ? level.prototype : level.metadata);
  return holder && siteAt(chain, { name, placement, holder });
}

/**
 * An override without a decorator, which no policy reaches: a static one, or one of a class that nobody has linked. What a
 * spy put there, or left there, is none.
 */
export function isPlain(
  { type, prototype }: ClassInChain,
  placement: Placement,
  name: PropertyKey,
  chain: readonly ClassInChain[],
): boolean {
  const holder =
    placement === 'static' ? type : placement === 'instance' && !chain.some(isSeen) ? prototype : undefined;
  const property = holder && Object.getOwnPropertyDescriptor(holder, name);
  if (property === undefined) return false;
  const { value } = property;
  return typeof value !== 'function' || !(isInterceptor(value) || isMarked(value));
}

/**
 * The methods that would have policies if the class that has them were linked, with that class; none where constructions
 * are seen, as they come first.
 */
export function* unlinkedIn(chain: readonly ClassInChain[]): Generator<[name: PropertyKey, type: AnyClass]> {
  const seen = new Set<PropertyKey>(['constructor']);
  if (chain.some(isSeen)) return;
  for (const [at, level] of chain.entries()) {
    for (const name of Reflect.ownKeys(level.prototype ?? {})) {
      if (seen.has(name)) continue;
      seen.add(name);
      const isWithout = recordAt(level, 'instance', name) === undefined && isPlain(level, 'instance', name, chain);
      if (isWithout && wouldInherit(chain.slice(at), name)) yield [name, level.type as AnyClass];
    }
  }
}

function wouldInherit(chain: readonly ClassInChain[], name: PropertyKey): boolean {
  const [{ prototype = {} } = {}, ...bases] = chain;
  const value: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
  if (typeof value !== 'function') return false;
  const inherited = siteOfMember(bases, 'instance', name)?.inForce ?? [];
  return inherited.length > 0 || (isAsync(value) && chain.some(hasPolicies));
}

const hasPolicies = ({ metadata }: ClassInChain): boolean =>
  ((metadata && classRecord(metadata)?.policies) ?? []).length > 0;

/** The site of a member; undefined when no policy was ever declared for it. */
export function findSite(chains: Chains, name: PropertyKey, among = placements): Site | undefined {
  const key = typeof name === 'number' ? String(name) : name;
  for (const placement of among) {
    const site = siteOfMember(chainFor(chains, placement), placement, key);
    if (site !== undefined) return site;
  }
  return undefined;
}

/** What tells a static method from an instance one that shares its name. */
export const staticPrefix = 'static ';

/** The site of a method, by the name that `explain` gives it; undefined for a method without policies. */
export function siteOf(subject: object, chains: Chains, method: PropertyKey, asked: string): Site | undefined {
  const site = findSite(chains, method);
  if (site !== undefined || isMethod(subject, chains, method)) return site;
  if (typeof method === 'string' && method.startsWith(staticPrefix)) {
    const statics = { ...chains, instance: [] };
    const name = method.slice(staticPrefix.length);
    const found = findSite(statics, name);
    if (found !== undefined || isMethod(subject, statics, name)) return found;
  }
  throw new ConfigurationError(`${asked}: ${labelOf(typeOf(chains), method)} is not a method`);
}

function isMethod(subject: object, chains: Chains, name: PropertyKey): boolean {
  const holders = [
    ...chains.instance.map(({ prototype }) => prototype),
    ...chains.static.map(({ type }) => type),
    subject,
  ];
  return holders.some(
    (each) => each !== undefined && typeof Object.getOwnPropertyDescriptor(each, name)?.value === 'function',
  );
}

export const typeOf = (chains: Chains): AnyClass | undefined => chains.instance[0]?.type ?? chains.static[0]?.type;
