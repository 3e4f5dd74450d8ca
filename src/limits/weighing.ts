import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Rule } from '../core/options.js';
import { askOf } from './asked.js';

/**
 * How calls are told apart by those who wait for a limit.
 *
 * @example
 * const config: WeighingConfig<[prompt: string, isUrgent: boolean]> = {
 *   weight: (prompt) => prompt.length,
 *   priority: (_, isUrgent) => (isUrgent ? 1 : 0),
 * };
 */
export interface WeighingConfig<
  Args extends readonly unknown[] = never[],
  This = never,
  PriorityArgs extends readonly unknown[] = Args,
> {
  /**
   * How many permits or slots a call takes at once, an integer of at least 0; called with the method's arguments, and its
   * receiver as `this`. Calls are admitted in order: a light one does not overtake a heavy one. One that asks for more
   * than the limit rejects with a ConfigurationError. Default: one.
   */
  readonly weight?: (this: This, ...args: Args) => number;
  /**
   * How urgent a call is, a finite number; called like `weight`. One that is a step higher goes before those that came up to
   * `priorityAging` earlier. In a full queue it takes the place of the last of its method that it goes before. Default: all
   * calls go in order of arrival.
   */
  readonly priority?: (this: This, ...args: PriorityArgs) => number;
  /** How long a wait each step of priority is worth, in milliseconds. Default 10 000. */
  readonly priorityAging?: number;
}

const defaultAging = 10_000;

/** What stands in place of those that are not given. */
export const weighingDefaults = ({ priority }: WeighingConfig): WeighingConfig =>
  priority === undefined ? {} : { priorityAging: defaultAging };

/** Whether the options tell calls apart. */
export const isWeighing = ({ weight, priority }: WeighingConfig): boolean =>
  weight !== undefined || priority !== undefined;

export const count: Rule = {
  allowed: 'an integer of at least 0',
  test: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
const finite: Rule = { allowed: 'a finite number', test: (value) => Number.isFinite(value) };

/** The weight of a call. Throws a ConfigurationError where it is no weight, or more than the limit ever was. */
export function weightOf(
  { weight }: WeighingConfig,
  call: Call,
  site: SiteInfo,
  kind: string,
  { most }: { readonly most: number },
): number {
  if (weight === undefined) return 1;
  const given = askOf<number>(weight as never, call, site, kind, 'weight', count);
  if (given <= most) return given;
  const problem = `expected \`weight\` to return no more than the limit of ${most}, got ${given}`;
  throw finalError(misuse(kind, problem, site), call);
}

/** How much earlier a call counts as having come, in milliseconds. */
export function advanceOf(
  { priority, priorityAging = defaultAging }: WeighingConfig,
  call: Call,
  site: SiteInfo,
  kind: string,
): number {
  if (priority === undefined) return 0;
  // 0 for -0.
  return askOf<number>(priority as never, call, site, kind, 'priority', finite) * priorityAging + 0;
}
