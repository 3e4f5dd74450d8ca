import type { Call } from '../core/call/call.js';
import { replacedPlace } from '../core/call/places.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Stats } from '../core/call/stats.js';
import { classlessSiteOf } from '../core/decoration/classless.js';
import { chainsOf, findSite, siteOf, typeOf } from '../core/decoration/lookup.js';
import type { NameOfMethod, UnknownName } from '../core/decoration/method-names.js';
import { labelOf, type Site } from '../core/decoration/site.js';
import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';
import { isCircuitBreaker } from './circuit-breaker.js';
import type { CircuitHandle } from './circuit-handle.js';
import { CallByHand, type SiteCircuits } from './told-circuits.js';

/**
 * Which circuit of a method: the key that the option `key` gives; or, where `rotate` of `@fallback` puts values in the place
 * of an argument, such a value: as it is if it is a string, and as `{ value }` whatever it is. `{ value: undefined }` is that
 * of the calls which do not give the argument.
 *
 * @example
 * const key: CircuitKey = { value: 8080 };
 */
export type CircuitKey = string | { readonly value: unknown };

/** What runs functions through policies of its own, without a class of theirs: an `Orchestrator`. */
interface Runner {
  readonly stats: Stats;
  execute(fn: never, ...args: never): Promise<unknown>;
}

/** What the arguments name: the site of a method or an Orchestrator, the object whose circuit is meant, and the key. */
interface Named {
  readonly site: Site;
  /** Undefined where there is no object, as in an Orchestrator. */
  readonly owner: object | undefined;
  readonly key: CircuitKey | undefined;
}

/**
 * The circuit of an Orchestrator with `circuitBreaker`, which all functions share that it runs.
 *
 * @param orchestrator The Orchestrator.
 * @param key Which of its circuits, where the option `key` tells them apart, or, without that, the values of `rotate`.
 * @throws ConfigurationError when it has no such circuit.
 * @example
 * const orchestrator = new Orchestrator({ circuitBreaker: 5 });
 * using maintenance = circuitOf(orchestrator).isolate();
 */
export function circuitOf(orchestrator: Runner, key?: CircuitKey): CircuitHandle;
/**
 * The circuit of a method with `@circuitBreaker`, before its first call too. What it tells is always of now.
 *
 * @param target A class or an instance of it; an instance where each has a circuit of its own (`scope: 'instance'`).
 * @param method The method's name; `'#name'` for a private one, `'static name'` for a static one that shares its
 * name with an instance one. The compiler checks it; one that is private or protected by TypeScript goes `as string`.
 * @param key Which of its circuits, where the option `key` tells them apart; or the value of `rotate` of `@fallback`, which
 * does so without it: a string, or `{ value }`.
 * @throws ConfigurationError when the target is neither, there is no such method, or it has no such circuit, as also while
 * a configuration takes the breaker out.
 * @example
 * console.log(circuitOf(Weather, 'forecast').state); // 'closed'
 * using maintenance = circuitOf(Weather, 'forecast').isolate();
 */
export function circuitOf<Target extends object, Name extends PropertyKey>(
  target: Target,
  method: (Name & UnknownName<Name>) | NameOfMethod<Target, never>,
  key?: CircuitKey,
): CircuitHandle;
export function circuitOf(
  target: object,
  ...asked: [name?: PropertyKey | CircuitKey, key?: CircuitKey]
): CircuitHandle {
  const { site, owner, key: given } = named(target, ...asked);
  const circuits = site.policies.find(isCircuitBreaker)?.circuits(site);
  const problem = circuits === undefined ? reasonOf(site) : problemWith(circuits, owner, given);
  if (circuits === undefined || problem !== undefined) {
    throw new ConfigurationError(`circuitOf(): ${site.label} has ${problem}`);
  }
  return circuits.handle(owner, typeof given === 'object' ? given.value : given, callByHand(owner, site));
}

function named(target: object, asked?: PropertyKey | CircuitKey, key?: CircuitKey): Named {
  const name = typeof asked === 'object' ? undefined : asked;
  const chains = chainsOf(target, 'circuitOf()');
  const classless = classlessSiteOf(target);
  if (classless !== undefined && (name === undefined || findSite(chains, name) === undefined)) {
    return { site: classless, owner: undefined, key: asked as CircuitKey | undefined };
  }
  const type = typeOf(chains);
  if (name === undefined) {
    const problem = `expected the name of a method of ${type?.name || 'the class'}, got undefined`;
    throw new ConfigurationError(`circuitOf(): ${problem}`);
  }
  const site = siteOf(target, chains, name, 'circuitOf()');
  if (site !== undefined) return { site, owner: target, key };
  throw new ConfigurationError(`circuitOf(): ${labelOf(type, name)} has no circuit: put @circuitBreaker on it`);
}

/** Why there is no circuit. */
function reasonOf({ member, takenOut }: Site): string {
  const out = takenOut.find(({ kind }) => kind === 'circuitBreaker');
  if (out !== undefined) {
    return `no circuit now: its circuitBreaker is taken out by a configuration of ${out.configuredBy?.name || 'its class'}`;
  }
  const cure = member === undefined ? 'give it the option `circuitBreaker`' : 'put @circuitBreaker on it';
  return `no circuit: ${cure}`;
}

/** Why these arguments name none of the circuits; undefined if they name one. */
function problemWith(
  { key: keyed, options, site }: SiteCircuits,
  owner: object | undefined,
  key: unknown,
): string | undefined {
  const isByValue = keyed === undefined && replacedPlace(site) !== undefined;
  if (isByValue && typeof key !== 'string' && !isValue(key)) {
    return `a circuit for each value of \`rotate\`: give one, as { value }, got ${show(key)}`;
  }
  if (keyed === undefined && key !== undefined && !isByValue) {
    const ofAll = site.member === undefined ? '; one circuit is for all that it runs' : '';
    return `no circuits by key, got the key ${show(key)}${ofAll}`;
  }
  if (keyed !== undefined && typeof key !== 'string') return `a circuit for each key: give one, got ${show(key)}`;
  if (options().scope === 'instance' && typeof owner === 'function' && !isStatic(site)) {
    return `a circuit for each instance: give one, got ${show(owner)}`;
  }
  return undefined;
}

const isValue = (key: unknown): boolean => typeof key === 'object' && key !== null && Object.hasOwn(key, 'value');

/** What stands for the call in the hook of a change by hand: its receiver is the owner, unless that is the class of an instance. */
function callByHand(owner: object | undefined, site: SiteInfo): Call {
  const isOfMany = typeof owner === 'function' && !isStatic(site);
  return new CallByHand(isOfMany ? undefined : owner);
}

const isStatic = ({ member }: SiteInfo): boolean => member?.placement.endsWith('static') === true;
