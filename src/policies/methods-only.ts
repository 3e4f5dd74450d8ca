import { ConfigurationError } from '../core/errors.js';
import type { Where } from '../core/options.js';

/** Refuses a whole class: the policy is for methods that are named. */
export function requireMethod(where: Where, kind: string, why: string): void {
  const isClass = where.member === undefined && where.classless !== true && where.over === undefined;
  if (isClass) throw new ConfigurationError(`${where.text}: ${kind} goes on methods, each by itself: ${why}`);
}
