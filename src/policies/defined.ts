import type { Policy } from '../core/call/policy.js';
import type { Where } from '../core/options.js';

/** Makes a policy of what stands under its kind in a config; checks that. */
export type Build = (given: never, where: Where) => Policy;

interface Defined {
  readonly build: Build;
  readonly nth: number;
}

/** The kinds that `definePolicy` made. Apart from opero's own kinds, so that a program that uses one need not load them all. */
const defined = new Map<string, Defined>();

/**
 * From now on policies of this kind are made so. Gives the how-manieth kind it is: one that was defined before, as by a
 * module that is loaded anew, keeps its number.
 */
export function define(kind: string, build: Build): number {
  const nth = defined.get(kind)?.nth ?? defined.size;
  defined.set(kind, { build, nth });
  return nth;
}

export const definedKinds = (): readonly string[] => [...defined.keys()];

export const definedBuilder = (kind: string): Build | undefined => defined.get(kind)?.build;
