import { inspect } from 'node:util';
import { ConfigurationError } from './core/errors.js';
import { link, siteAt } from './core/interceptor.js';
import { type Level, levelsOfClass, levelsOfPrototype, namesAt, type Placement, recordAt } from './core/metadata.js';
import { show } from './core/options.js';
import { labelOf, type Site } from './core/site.js';
import type { AnyClass, PolicyKind, Stats } from './core/types.js';

/** A policy in force on a method. */
export interface PolicyInForce {
  /** The name of its decorator. */
  readonly kind: PolicyKind;
  /** Its options, with shorthands and defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The class that it comes from. */
  readonly declaredBy: AnyClass | undefined;
}

interface Chains {
  readonly instance: readonly Level[];
  readonly static: readonly Level[];
}

const placements: readonly Placement[] = ['instance', 'static', 'private', 'private static'];

function chainsOf(subject: object, asked: string): Chains {
  if (typeof subject === 'function') {
    const type = subject as unknown as AnyClass;
    return linked({
      instance: levelsOfPrototype((type.prototype as object | undefined) ?? {}),
      static: levelsOfClass(type),
    });
  }
  if (typeof subject !== 'object' || subject === null) {
    throw new ConfigurationError(`${asked}: expected a class or an instance, got ${show(subject)}`);
  }
  return linked({ instance: levelsOfPrototype(subject), static: [] });
}

/** Methods that inherit policies are known once their class is linked, which its first construction does otherwise. */
function linked(chains: Chains): Chains {
  link(chains.instance);
  return chains;
}

const chainFor = (chains: Chains, placement: Placement): readonly Level[] =>
  placement.endsWith('static') ? chains.static : chains.instance;

function siteFor(levels: readonly Level[], placement: Placement, name: PropertyKey): Site | undefined {
  const level = levels.find((each) => recordAt(each, placement, name) !== undefined);
  const holder = level && (placement === 'instance' ? level.prototype : level.metadata);
  return holder && siteAt(levels, { name, placement, holder });
}

/** The site of a member; undefined when no policy was ever declared for it. */
function findSite(chains: Chains, name: PropertyKey): Site | undefined {
  for (const placement of placements) {
    const site = siteFor(chainFor(chains, placement), placement, name);
    if (site !== undefined) return site;
  }
  return undefined;
}

function requireMethod(subject: object, chains: Chains, name: PropertyKey, asked: string): void {
  const holders = [
    ...chains.instance.map(({ prototype }) => prototype),
    ...chains.static.map(({ type }) => type),
    subject,
  ];
  const found = holders.some(
    (each) => each !== undefined && typeof Object.getOwnPropertyDescriptor(each, name)?.value === 'function',
  );
  if (!found) {
    const type = chains.instance[0]?.type ?? chains.static[0]?.type;
    throw new ConfigurationError(`${asked}: ${labelOf(type, name)} is not a method`);
  }
}

/**
 * The policies in force on a method, in pipeline order, the outermost first; none for a method without any.
 *
 * @param subject A class or an instance of it.
 * @param method The method's name; `'#name'` for a private one.
 * @throws ConfigurationError when there is no such method.
 * @example
 * policiesOf(AlpineWeather, 'forecast');
 * // [{ kind: 'retry', options: { maxAttempts: 4, waitMin: 100, ... }, declaredBy: Weather }, ...]
 */
export function policiesOf(subject: object, method: PropertyKey): PolicyInForce[] {
  const chains = chainsOf(subject, 'policiesOf()');
  const site = findSite(chains, method);
  if (site === undefined) requireMethod(subject, chains, method, 'policiesOf()');
  return (site?.inForce ?? []).map(({ policy, declaredBy }) => ({
    kind: policy.kind,
    options: policy.options as Readonly<Record<string, unknown>>,
    declaredBy,
  }));
}

/**
 * What a method of a concrete class has done so far.
 *
 * @param subject A class or an instance of it.
 * @param method The method's name; `'#name'` for a private one.
 * @throws ConfigurationError when there is no such method, or it has no policies.
 * @example
 * const { calls, running, queued, retries, failures } = statsOf(weather, 'forecast');
 */
export function statsOf(subject: object, method: PropertyKey): Stats {
  const chains = chainsOf(subject, 'statsOf()');
  const site = findSite(chains, method);
  if (site !== undefined) return { ...site.stats };
  requireMethod(subject, chains, method, 'statsOf()');
  const type = chains.instance[0]?.type ?? chains.static[0]?.type;
  throw new ConfigurationError(`statsOf(): ${labelOf(type, method)} has no policies, so nothing is counted`);
}

/**
 * The policies in force on every method of a class, as text.
 *
 * @param subject A class or an instance of it.
 * @example
 * console.log(explain(AlpineWeather));
 * // AlpineWeather
 * //   forecast(): retry > rateLimit > the method
 * //     retry      maxAttempts: 4, waitMin: 100, ...  (from Weather)
 */
export function explain(subject: object): string {
  const chains = chainsOf(subject, 'explain()');
  const type = chains.instance[0]?.type ?? chains.static[0]?.type;
  const lines = [type?.name || '(anonymous class)'];
  for (const placement of placements) {
    const levels = chainFor(chains, placement);
    const names = new Set(levels.flatMap((level) => [...namesAt(level, placement)]));
    for (const name of names) {
      const site = siteFor(levels, placement, name);
      if (site !== undefined && site.inForce.length > 0) lines.push(...explainSite(site, placement));
    }
  }
  if (lines.length === 1) lines.push('  no policies');
  return lines.join('\n');
}

function* explainSite(site: Site, placement: Placement): Generator<string> {
  const kinds = site.inForce.map(({ policy }) => policy.kind);
  const prefix = placement.endsWith('static') ? 'static ' : '';
  yield `  ${prefix}${String(site.name)}(): ${[...kinds, 'the method'].join(' > ')}`;
  for (const { policy, declaredBy } of site.inForce) {
    const options = Object.entries(policy.options).map(([name, value]) => `${name}: ${showOption(value)}`);
    yield `    ${policy.kind.padEnd(11)} ${options.join(', ')}  (from ${declaredBy?.name || 'an anonymous class'})`;
  }
}

const showOption = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(showOption).join(', ')}]`
    : typeof value === 'function'
      ? value.name || 'function'
      : inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
