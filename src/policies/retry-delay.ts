import type { Call } from '../core/call/call.js';
import { type HookContext, tellHook } from '../core/call/hooks.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { show } from '../core/options.js';

/**
 * What `delay` is told.
 *
 * @example
 * const delay = ({ attempt, error }: DelayEvent) => parseRetryAfter(error) ?? attempt * 100;
 */
export interface DelayEvent<Args extends readonly unknown[] = readonly unknown[]> extends HookContext<Args> {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  /** What it failed with; undefined when `retryResult` refused its value. */
  readonly error: unknown;
}

/** What `delay` gives: a wait in milliseconds; false for no further attempt; undefined for the wait that is due anyway. */
type Asked = number | false | undefined;

/** The option `delay`. */
export type DelayHook<This = never, Args extends readonly unknown[] = never> = (
  this: This,
  event: DelayEvent<Args>,
) => Asked | Promise<Asked>;

/**
 * Asks the hook how long to wait after an attempt that failed with this error.
 *
 * @throws ConfigurationError when it gives what is no wait; and what the hook throws.
 */
export async function askDelay(hook: DelayHook, call: Call, site: SiteInfo, error: unknown): Promise<Asked> {
  const asked = await tellHook(hook, call, site, { error });
  if (asked === undefined || asked === false || (typeof asked === 'number' && asked >= 0)) return asked;
  const allowed = 'a number of milliseconds of at least 0, false or undefined';
  throw misuse('retry', `expected \`delay\` to return ${allowed}, got ${show(asked)}`, site);
}
