import { stepsAmong } from './core/call/policy.js';
import type { Stats } from './core/call/stats.js';
import {
  type Chains,
  chainFor,
  chainsOf,
  placements,
  siteOf,
  siteOfMember,
  staticPrefix,
  typeOf,
  unlinkedIn,
} from './core/decoration/lookup.js';
import { namesAt } from './core/decoration/metadata.js';
import type { NameOfMethod, UnknownName } from './core/decoration/method-names.js';
import { labelOf, type Site } from './core/decoration/site.js';
import { ConfigurationError } from './core/errors.js';
import type { Placement } from './core/member.js';
import { node } from './core/node.js';
import type { PolicyKind } from './core/policies.js';
import type { AnyClass } from './core/types.js';

/**
 * A policy in force on a method.
 *
 * @example
 * const [outermost]: PolicyInForce[] = policiesOf(weather, 'forecast');
 * console.log(outermost?.kind, outermost?.options, outermost?.declaredBy);
 */
export interface PolicyInForce {
  /** The name of its decorator. */
  readonly kind: PolicyKind;
  /** Its options, with shorthands and defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The class that it comes from: of the decorator, or the nearest for which its options were configured. */
  readonly declaredBy: AnyClass | undefined;
  /** Set where some of the options come from `configure` or `configureFrom`. */
  readonly configured?: true;
}

/**
 * The policies in force on a method, in pipeline order, the outermost first; none for a method without any.
 *
 * @param subject A class or an instance of it.
 * @param method The method's name; `'#name'` for a private one, `'static name'` for a static one that shares its
 * name with an instance one. The compiler checks it; one that is private or protected by TypeScript goes `as string`.
 * @throws ConfigurationError when the subject is neither, or there is no such method.
 * @example
 * policiesOf(AlpineWeather, 'forecast');
 * // [{ kind: 'retry', options: { maxAttempts: 4, waitMin: 100, ... }, declaredBy: Weather }, ...]
 */
export function policiesOf<Subject extends object, Name extends PropertyKey>(
  subject: Subject,
  method: (Name & UnknownName<Name>) | NameOfMethod<Subject>,
): PolicyInForce[] {
  const chains = chainsOf(subject, 'policiesOf()');
  const site = siteOf(subject, chains, method, 'policiesOf()');
  return (site?.inForce ?? []).map(({ policy, declaredBy, configuredBy }) => ({
    kind: policy.kind,
    options: policy.options as Readonly<Record<string, unknown>>,
    declaredBy: configuredBy ?? declaredBy,
    ...(configuredBy && { configured: true }),
  }));
}

/**
 * What a method of a concrete class has done so far.
 *
 * @param subject A class or an instance of it.
 * @param method The method's name; `'#name'` for a private one, `'static name'` for a static one that shares its
 * name with an instance one. The compiler checks it; one that is private or protected by TypeScript goes `as string`.
 * @throws ConfigurationError when the subject is neither, there is no such method, or it has no policies.
 * @example
 * const { calls, running, retries, failures } = statsOf(weather, 'forecast');
 */
export function statsOf<Subject extends object, Name extends PropertyKey>(
  subject: Subject,
  method: (Name & UnknownName<Name>) | NameOfMethod<Subject>,
): Stats {
  const chains = chainsOf(subject, 'statsOf()');
  const site = siteOf(subject, chains, method, 'statsOf()');
  if (site !== undefined) return site.statsNow();
  throw new ConfigurationError(`statsOf(): ${labelOf(typeOf(chains), method)} has no policies, so nothing is counted`);
}

/**
 * The policies in force on every method of a class, as text.
 *
 * @param subject A class or an instance of it.
 * @throws ConfigurationError when it is neither.
 * @example
 * console.log(explain(AlpineWeather));
 * // AlpineWeather
 * //   forecast(): retry > rateLimit > the method
 * //     retry      maxAttempts: 4, waitMin: 100, ...  (from Weather)
 */
export function explain(subject: object): string {
  const chains = chainsOf(subject, 'explain()');
  const lines = [typeOf(chains)?.name || '(anonymous class)'];
  for (const [site, placement] of sitesOf(chains)) {
    if (site.declared.length > 0) lines.push(...explainSite(site, placement));
  }
  for (const [name, type] of unlinkedIn(chains.instance)) {
    const cure = `call register(${nameOf(type)}), or decorate it`;
    lines.push(`  ${String(name)}(): without policies, as nobody has linked ${nameOf(type)}; ${cure}`);
  }
  if (lines.length === 1) lines.push('  no policies');
  return lines.join('\n');
}

/** The sites of all methods that have policies. */
export function* sitesOf(chains: Chains): Generator<[site: Site, placement: Placement]> {
  for (const placement of placements) {
    const chain = chainFor(chains, placement);
    for (const name of new Set(chain.flatMap((level) => [...namesAt(level, placement)]))) {
      const site = siteOfMember(chain, placement, name);
      if (site !== undefined) yield [site, placement];
    }
  }
}

/** So wide is the column of the kinds at the least, for those of different methods to stand below each other. */
const shortestColumn = 11;

function* explainSite(site: Site, placement: Placement): Generator<string> {
  const prefix = placement.endsWith('static') ? staticPrefix : '';
  const kinds = [...site.inForce.map(({ policy }) => policy.kind), ...site.takenOut.map(({ kind }) => kind)];
  const width = Math.max(...kinds.map(({ length }) => length), shortestColumn);
  yield `  ${prefix}${String(site.name)}(): ${[...outlineOf(site), 'the method'].join(' > ')}`;
  for (const { policy, declaredBy, configuredBy } of site.inForce) {
    const from = configuredBy ? `${nameOf(configuredBy)}, configured` : nameOf(declaredBy);
    yield `    ${policy.kind.padEnd(width)} ${showOptions(policy.options)}  (from ${from})`;
  }
  for (const { kind, configuredBy } of site.takenOut) {
    yield `    ${kind.padEnd(width)} taken out  (from ${nameOf(configuredBy)}, configured)`;
  }
  if (site.signalAt !== undefined) yield `    ${'signalAt'.padEnd(width)} ${showOptions(site.signalAt)}`;
  for (const policy of site.policies) {
    const caution = policy.caution?.(site.policies);
    if (caution !== undefined) yield `    ! ${policy.kind}: ${caution}`;
  }
}

/** What a call goes through, the outermost first. */
const outlineOf = ({ policies }: Site): string[] =>
  policies
    .flatMap((policy) => {
      const [first, ...others] = stepsAmong(policy, policies);
      return [
        { rank: first.rank, name: first.name ?? policy.kind },
        ...others.flatMap(({ rank, name }) => (name === undefined ? [] : { rank, name })),
      ];
    })
    .sort((one, other) => one.rank - other.rank)
    .map(({ name }) => name);

const nameOf = (type: AnyClass | undefined): string => type?.name || 'an anonymous class';

const showOptions = (options: object): string =>
  Object.entries(options)
    .map(([name, value]) => `${name}: ${showOption(value)}`)
    .join(', ');

function showOption(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showOption).join(', ')}]`;
  if (typeof value === 'function') return value.name || 'function';
  if (value instanceof Error) return `[${value}]`;
  return node('node:util').inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
}
