import { type PolicyChanges, readChanges } from './changes.js';
import { Configuration, type Subject } from './core/decoration/configurations.js';
import { checkConfigured, enterConfiguration, renewSites } from './core/decoration/configuring.js';
import type { Constructor } from './core/decoration/decorator-types.js';
import { type Chains, chainFor, chainsOf, siteOf, typeOf } from './core/decoration/lookup.js';
import type { NameOfMethod, UnknownName } from './core/decoration/method-names.js';
import { labelOf, type Site } from './core/decoration/site.js';
import { ConfigurationError } from './core/errors.js';
import { isPrivate } from './core/member.js';
import { show, type Where } from './core/options.js';
import type { AnyClass } from './core/types.js';
import { once, type Undo } from './core/undo.js';
import { sitesOf } from './inspect.js';

/** The name that stands for every method. */
export const everyMethod = '*';

/** What stands for a method in the name of one: a number is a name too. */
const nameOf = (method: PropertyKey): PropertyKey => (typeof method === 'number' ? String(method) : method);

/** The configuration that the options ask for. */
export function readConfiguration(
  method: PropertyKey,
  options: unknown,
  where: Where,
  isOverride = false,
): Configuration {
  const name = method === everyMethod ? undefined : nameOf(method);
  const changes = readChanges(options, { ...where, ...(name !== undefined && { member: memberOf(name) }) });
  return new Configuration(name, changes, isOverride);
}

/** The name of the method itself: `load` of `static load`. */
const memberOf = (name: PropertyKey): PropertyKey => (typeof name === 'string' ? name.replace(/^static /, '') : name);

/** Throws where a configuration that is in force already does not fit the methods of a class that it is for. */
export function checkFit(type: AnyClass, configuration: Configuration, { text }: Where): void {
  const { method, changes } = configuration;
  const chains = chainsOf(type, text);
  if (method === undefined) {
    for (const [site] of sitesOf(chains)) checkConfigured(site, configuration);
    return;
  }
  const site = siteOf(type, chains, method, text);
  if (site !== undefined) requireOwn(site, chains, labelOf(typeOf(chains), method), text);
  for (const kind of changes.keys()) requireKind(site, kind, labelOf(typeOf(chains), method), text);
  if (site !== undefined) checkConfigured(site, configuration);
}

/** A private method has no inheritance: what was configured for a subclass would never reach it. */
function requireOwn({ member }: Site, chains: Chains, label: string, asked: string): void {
  if (member === undefined || !isPrivate(member)) return;
  const chain = chainFor(chains, member.placement);
  if (chain[0]?.metadata === member.holder) return;
  const declaring = chain.find(({ metadata }) => metadata === member.holder)?.type?.name || 'a base';
  throw new ConfigurationError(`${asked}: ${label} is private to ${declaring}; configure it there`);
}

function requireKind(site: Site | undefined, kind: string, label: string, asked: string): void {
  const declared = site?.declared.map(({ policy }) => policy.kind as string) ?? [];
  if (declared.includes(kind)) return;
  const others = declared.length === 0 ? 'it has no policies' : `it has ${declared.join(', ')}`;
  throw new ConfigurationError(`${asked}: ${label} has no ${kind} policy to configure; ${others}`);
}

/**
 * Changes the policies of a method while the program runs, from the next call on. The options that are named take the
 * place of those declared, the others stay; so do the state of limits and circuits, and who waits. Limits that grow admit
 * those in line at once, those that shrink take back no slot.
 *
 * It counts as declared by the class named: subclasses inherit it, and a decorator or a configuration of a class that is
 * nearer to the instance's wins. Of several for one class the latest counts.
 *
 * @param type The class.
 * @param method The method's name; `'#name'` for a private one, `'static name'` for a static one that shares its name
 * with an instance one; `'*'` for all methods, each as far as it has the policies. The compiler checks it; one that is private
 * or protected by TypeScript goes `as string`.
 * @param options For each kind of policy the options to change, or its shorthand; `false` takes the policy out.
 * @returns What takes the configuration back: a function, and a Disposable.
 * @throws ConfigurationError when an option is wrong, the method lacks such a policy, or `key`, `scope` or the module of
 * cpuBound is named; nothing has changed then.
 * @example
 * const restore = configure(Weather, 'forecast', { retry: { maxAttempts: 5 }, rateLimit: 20, fallback: false });
 * restore();
 */
export function configure<Class extends Constructor, Name extends PropertyKey>(
  type: Class,
  method: (Name & UnknownName<Name>) | NameOfMethod<Class> | '*',
  options: PolicyChanges,
): Undo;
export function configure(type: unknown, method: PropertyKey, options: unknown): Undo {
  if (!isSomeClass(type)) throw new ConfigurationError(`configure(): expected a class, got ${show(type)}`);
  const where: Where = { text: `configure() of ${labelOf(type, method)}` };
  if (!['string', 'symbol', 'number'].includes(typeof method)) {
    throw new ConfigurationError(`${where.text}: expected the name of a method, got ${show(method)}`);
  }
  const configuration = readConfiguration(method, options, where);
  return putInForce([[configuration, type]], () => checkFit(type, configuration, where));
}

const isSomeClass = (value: unknown): value is AnyClass =>
  typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;

/** Puts configurations in force, all or, where the check fails, none. */
export function putInForce(all: readonly (readonly [Configuration, Subject])[], check: () => void): Undo {
  const leavings = all.map(([configuration, subject]) => enterConfiguration(configuration, subject));
  const subjects = all.map(([, subject]) => subject);
  const leave = (): void => {
    for (const leaving of leavings) leaving();
    renewSites(subjects);
  };
  try {
    check();
  } catch (error) {
    leave();
    throw error;
  }
  renewSites(subjects);
  return once(leave);
}
