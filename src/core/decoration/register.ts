import { onConstruction } from './construction.js';
import type { Constructor } from './decorator-types.js';
import { requireClass } from './require-class.js';

/** Functions that can be called have a prototype for the compiler, too. */
type Registrable<Class> = Class extends (...args: never[]) => unknown
  ? { readonly 'register() takes a class': Class }
  : unknown;

/**
 * Does for a class what its first construction does: puts the methods of the class and its bases that inherit policies
 * behind them, and checks the names of its fallbacks. For objects that are made without a constructor, as ORMs and
 * `Object.create` make them, and for a wrapper or a spy that is put on a method before anything was constructed. May be
 * called any number of times.
 *
 * @param type A class of which objects are made; not an abstract one, which may lack what its fallbacks name.
 * @returns The class.
 * @throws ConfigurationError when it is no class, when it lacks a method that `@fallback` names, or when it was frozen
 * before its methods could be put behind their policies.
 * @example
 * register(AlpineWeather);
 * const weather: AlpineWeather = Object.create(AlpineWeather.prototype);
 */
export function register<Class extends Constructor>(type: Class & Registrable<Class>): Class;
export function register(type: unknown): unknown {
  onConstruction(requireClass(type, 'register()').prototype as object);
  return type;
}
