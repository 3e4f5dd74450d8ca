import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { callHook } from '../core/call/hooks.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { catchRejection } from '../core/call/thenable.js';
import { type Rule, show } from '../core/options.js';
import type { AnyFunction } from '../core/types.js';

/** The option `key`, whose arguments were checked against the method where it was given. */
export type Key = (...args: never[]) => unknown;

const text: Rule = { allowed: 'a string', test: (value) => typeof value === 'string' };

/** The key of a call. Throws what `key` throws, and a ConfigurationError where it gives no string. */
export const keyOf = (call: Call, key: Key, site: SiteInfo, kind: string): string =>
  askOf(key, call, site, kind, 'key', text);

/**
 * What an option that is a function of the call's arguments gives for a call. Throws what it throws, and a
 * ConfigurationError for what it may not give.
 */
export function askOf<Answer>(fn: Key, call: Call, site: SiteInfo, kind: string, option: string, rule: Rule): Answer {
  let given: unknown;
  try {
    given = Reflect.apply(fn, call.self, call.args);
  } catch (thrown) {
    throw finalError(thrown, call);
  }
  return checked(given, call, site, kind, option, rule);
}

/** The same of an option that is told of what came of the call, and of the call as hooks are. */
export function askAbout<Answer>(
  fn: AnyFunction,
  outcome: unknown,
  call: Call,
  site: SiteInfo,
  kind: string,
  option: string,
  rule: Rule,
): Answer {
  let given: unknown;
  try {
    given = callHook(fn, call, site, outcome);
  } catch (thrown) {
    throw finalError(thrown, call);
  }
  return checked(given, call, site, kind, option, rule);
}

function checked<Answer>(
  given: unknown,
  call: Call,
  site: SiteInfo,
  kind: string,
  option: string,
  { test, allowed }: Rule,
): Answer {
  if (test(given)) return given as Answer;
  // Of a promise, what it comes to is nobody's affair.
  catchRejection(given);
  throw finalError(misuse(kind, `expected \`${option}\` to return ${allowed}, got ${show(given)}`, site), call);
}
