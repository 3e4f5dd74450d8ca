import { Call } from '../core/call/call.js';
import { isThenable } from '../core/call/thenable.js';
import { behindWrapped, classlessSiteOf } from '../core/decoration/classless.js';
import { chainsOf, siteOf, typeOf } from '../core/decoration/lookup.js';
import type { NameOfMethod, UnknownName } from '../core/decoration/method-names.js';
import { labelOf, type Site } from '../core/decoration/site.js';
import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';
import type { AnyFunction } from '../core/types.js';
import { type CachePolicy, isCache } from './cache.js';
import type { Caches } from './cache-step.js';
import { keysOf } from './flight-options.js';
import { isYounger, type KeptValues } from './kept-values.js';

/**
 * What is kept of a method that takes `Args` and gives `Value`, to look at and to change by hand.
 *
 * @example
 * const forecasts: CacheHandle<[city: string], Forecast> = cacheOf(weather, 'forecast');
 */
export interface CacheHandle<Args extends readonly unknown[] = readonly unknown[], Value = unknown> {
  /** How many values are kept, stale ones included. */
  readonly size: number;
  /**
   * The key of a call with these arguments.
   *
   * @throws ConfigurationError when the option `key` returns no string, or there is none and an object among the arguments.
   */
  keyOf(...args: Args): string;
  /** The value of a key while it is not stale; undefined otherwise. It does not count as used. */
  get(key: string): Value | undefined;
  /**
   * Keeps a value, as if a run had just given it, whatever `cacheResult` says. A run under way fills nothing more.
   *
   * @throws ConfigurationError when it is a promise.
   */
  set(key: string, value: Value): void;
  /** Forgets the value of a key, and gives whether there was one. A run under way goes on for its callers, and fills nothing. */
  delete(key: string): boolean;
  /** Does so for all keys. */
  clear(): void;
}

/** What runs functions through policies of its own, without a class of theirs: an `Orchestrator`. */
interface Runner {
  execute(fn: never, ...args: never): Promise<unknown>;
  wrap(fn: never): unknown;
}

type HandleOf<Fn> = Fn extends (...args: infer Args) => infer Result
  ? CacheHandle<Args, Awaited<Result>>
  : CacheHandle<readonly unknown[], unknown>;

/** A member by its name; unknown where the compiler knows of none. */
type Named<Holder, Name> = Name extends keyof Holder ? Holder[Name] : unknown;

/** The method of a class or an instance, by the name that `explain` gives it. */
type MethodOf<Target, Name> = Target extends { readonly prototype: infer Instance }
  ? Name extends keyof Instance
    ? Instance[Name]
    : Name extends `static ${infer Static}`
      ? Named<Target, Static>
      : Named<Target, Name>
  : Named<Target, Name>;

/**
 * What an Orchestrator with `cache` keeps of one of the functions that it runs.
 *
 * @param orchestrator The Orchestrator.
 * @param fn The function.
 * @throws ConfigurationError when it has no cache, or `fn` is no function.
 * @example
 * const orchestrator = new Orchestrator({ cache: 60_000 });
 * const users = cacheOf(orchestrator, fetchUser);
 * users.delete(users.keyOf(42));
 */
export function cacheOf<Fn extends AnyFunction>(orchestrator: Runner, fn: Fn): HandleOf<Fn>;
/**
 * What `@cache` keeps of a method, before its first call too. What it tells is always of now.
 *
 * @param target An instance; a class for a static method, and where all instances share (`scope: 'class'`).
 * @param method The method's name; `'#name'` for a private one, `'static name'` for a static one that shares its
 * name with an instance one. The compiler checks it; one that is private or protected by TypeScript goes `as string`.
 * @throws ConfigurationError when the target is neither, there is no such method, or it has no such cache.
 * @example
 * const forecasts = cacheOf(weather, 'forecast');
 * forecasts.delete(forecasts.keyOf('Davos'));
 */
export function cacheOf<Target extends object, Name extends PropertyKey>(
  target: Target,
  method: Name & (NameOfMethod<Target, never> | UnknownName<Name>),
): HandleOf<MethodOf<Target, Name>>;
export function cacheOf(target: object, method: PropertyKey | AnyFunction): CacheHandle {
  const { site, fn, self } = named(target, method);
  const policyOf = (): CachePolicy | undefined =>
    // Taken out by a configuration, it keeps what it has.
    site.policies.find(isCache) ?? site.declared.map(({ policy }) => policy).find(isCache);
  const policy = policyOf();
  if (policy === undefined) throw new ConfigurationError(`cacheOf(): ${site.label} has no cache: ${cureOf(site)}`);
  if (policy.options.scope === 'instance' && typeof target === 'function' && !isStatic(site)) {
    const problem = `has a cache for each instance: give one, got ${show(target)}`;
    throw new ConfigurationError(`cacheOf(): ${site.label} ${problem}`);
  }
  // Looked up each time: another may be in force by now, and what is kept be as new.
  const caches = (): Caches => (policyOf() ?? policy).caches(site);
  const values = (): KeptValues => caches().of(fn, self);
  return {
    get size() {
      return values().size;
    },
    keyOf: (...args) => keysOf(policy.options.key, site, 'cache')(new Call(fn, self, args, undefined, undefined)),
    get(key) {
      const kept = values().look(requireKey(key, 'get'));
      return kept !== undefined && isYounger(kept, caches().options.ttl) ? kept.value : undefined;
    },
    set(key, value) {
      requireKey(key, 'set');
      if (isThenable(value)) {
        throw new ConfigurationError(`cacheOf().set(): expected a value, got ${show(value)}; await it before`);
      }
      values().set(key, value);
    },
    delete: (key) => values().delete(requireKey(key, 'delete')),
    clear: () => values().clear(),
  };
}

function requireKey(key: unknown, asked: string): string {
  if (typeof key === 'string') return key;
  const cure = '`keyOf(...)` gives the one of some arguments';
  throw new ConfigurationError(`cacheOf().${asked}(): expected the key to be a string, got ${show(key)}; ${cure}`);
}

/** What the arguments name: where the policy stands, and whose values are meant. */
interface Meant {
  readonly site: Site;
  readonly fn: AnyFunction;
  readonly self: unknown;
}

const noFunction = (): void => {};

function named(target: object, method: PropertyKey | AnyFunction): Meant {
  const chains = chainsOf(target, 'cacheOf()');
  if (typeof method === 'function') {
    const site = classlessSiteOf(target);
    if (site !== undefined) return { site, fn: behindWrapped(method), self: undefined };
    throw new ConfigurationError(`cacheOf(): expected the name of a method, got ${show(method)}`);
  }
  const type = typeOf(chains);
  if (classlessSiteOf(target) !== undefined || !['string', 'symbol', 'number'].includes(typeof method)) {
    const expected =
      classlessSiteOf(target) === undefined
        ? `the name of a method of ${type?.name || 'the class'}`
        : 'a function that the Orchestrator runs';
    throw new ConfigurationError(`cacheOf(): expected ${expected}, got ${show(method)}`);
  }
  const site = siteOf(target, chains, method, 'cacheOf()');
  // A class is no receiver of its instance methods.
  const self = typeof target === 'function' && site !== undefined && !isStatic(site) ? undefined : target;
  if (site !== undefined) return { site, fn: noFunction, self };
  throw new ConfigurationError(`cacheOf(): ${labelOf(type, method)} has no cache: put @cache on it`);
}

const cureOf = ({ member }: Site): string => (member === undefined ? 'give it the option `cache`' : 'put @cache on it');

const isStatic = ({ member }: Site): boolean => member?.placement.endsWith('static') === true;
