import { chainsOf, siteOf } from '../core/decoration/lookup.js';
import type { Site } from '../core/decoration/site.js';
import { ConfigurationError } from '../core/errors.js';
import { isPrivate } from '../core/member.js';
import { show } from '../core/options.js';

/**
 * Any class, those with a protected or private constructor included.
 *
 * @example
 * const types: AnyConstructor[] = [Weather, AlpineWeather];
 * for (const type of types) resetState(type);
 */
export interface AnyConstructor {
  /** What its instances inherit. */
  readonly prototype: object;
}

/** Whether something is about a site. */
export type Concerns = (site: Site) => boolean;

const isConstructor = (value: unknown): value is AnyConstructor & object =>
  typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;

/** Whether a site is of a class or of a subclass. */
export const isOf = ({ type }: Site, { prototype }: AnyConstructor): boolean =>
  type !== undefined &&
  (type.prototype === prototype || Object.prototype.isPrototypeOf.call(prototype, type.prototype ?? {}));

/**
 * The sites of a class and its subclasses, or of one method there; all there are where no class is given. `asked` names
 * the function for messages.
 */
export function concerning(asked: string, type?: unknown, method?: PropertyKey): Concerns {
  if (type === undefined && method === undefined) return () => true;
  if (!isConstructor(type)) throw new ConfigurationError(`${asked}: expected a class, got ${show(type)}`);
  if (method === undefined) return (site) => isOf(site, type);
  const isMeant = named(type, method, asked);
  return (site) => isOf(site, type) && isMeant(site);
}

/** Those of a method, by the name that `statsOf` takes. */
function named(type: AnyConstructor & object, method: PropertyKey, asked: string): Concerns {
  const member = siteOf(type, chainsOf(type, asked), method, asked)?.member;
  // Where it has no policies, those of subclasses may have some.
  if (member === undefined) {
    const name = typeof method === 'number' ? String(method) : method;
    return (site) => site.member?.name === name && !isPrivate(site.member);
  }
  const { name, placement, holder } = member;
  return ({ member: other }) =>
    other?.name === name && other.placement === placement && (!isPrivate(member) || other.holder === holder);
}
