import { ConfigurationError } from '../errors.js';
import type { Placement } from '../member.js';
import { show } from '../options.js';
import type { AnyClass } from '../types.js';
import { isInterceptor } from './interceptor.js';
import { type ClassInChain, chainOfClass, chainOfPrototype, recordAt } from './metadata.js';
import { isMarked } from './replaced.js';
import { labelOf, type Site } from './site.js';
import { link, siteAt } from './sites.js';

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

/** Methods that inherit policies are known once their class is linked, which its first construction does otherwise. */
function linked(chains: Chains): Chains {
  link(chains.instance);
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
    (each) => recordAt(each, placement, name) !== undefined || isPlainStatic(each, placement, name),
  );
  if (level === undefined || recordAt(level, placement, name) === undefined) return undefined;
  const holder = level && (placement === 'instance' ? level.prototype : level.metadata);
  return holder && siteAt(chain, { name, placement, holder });
}

/** A static override without a decorator, which no policy reaches; what a spy put there, or left there, is none. */
function isPlainStatic({ type }: ClassInChain, placement: Placement, name: PropertyKey): boolean {
  if (placement !== 'static' || type === undefined || !Object.hasOwn(type, name)) return false;
  const value: unknown = Object.getOwnPropertyDescriptor(type, name)?.value;
  return typeof value !== 'function' || !(isInterceptor(value) || isMarked(value));
}

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
