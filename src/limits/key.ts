import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { show } from '../core/options.js';

/** The option `key`, whose arguments were checked against the method where it was given. */
export type Key = (...args: never[]) => unknown;

/** The key of a call. Throws what `key` throws, and a ConfigurationError where it gives no string. */
export function keyOf(call: Call, key: Key, site: SiteInfo, kind: string): string {
  let name: unknown;
  try {
    name = Reflect.apply(key, call.self, call.args);
  } catch (thrown) {
    throw finalError(thrown, call);
  }
  if (typeof name === 'string') return name;
  // Of a promise, what it comes to is nobody's affair.
  if (name instanceof Promise) name.catch(() => {});
  throw finalError(misuse(kind, `expected \`key\` to return a string, got ${show(name)}`, site), call);
}
