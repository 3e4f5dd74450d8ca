import type { AnyFunction } from '../types.js';
import type { Call } from './call.js';
import type { SiteInfo } from './policy.js';

/**
 * What a hook, which is an option that is a function, is told of the call that it runs for.
 *
 * @example
 * retry({ retryOn: (error, { attempt, method }: HookContext) => attempt < 3 && method !== 'Weather.forecast' });
 */
export interface HookContext<Args extends readonly unknown[] = readonly unknown[]> {
  /** The method: `'Weather.forecast'`; in an Orchestrator the name of the function. */
  readonly method: string;
  /** The arguments as the caller gave them. */
  readonly args: Args;
  /** The attempt that it is about, from 1. */
  readonly attempt: number;
  /** The signal of the call, for what the hook begins; undefined when nobody can cancel. */
  readonly signal: AbortSignal | undefined;
}

/** What a call is of, for people: the label of the method; of a function without a class, its name. */
export const methodOf = ({ fn }: Call, { member, label }: SiteInfo): string =>
  (member === undefined && fn.name) || label;

/** What a hook is told of its call. Made for each hook that is called, never before; so is its signal. */
export function contextOf(call: Call, site: SiteInfo): HookContext {
  return {
    method: methodOf(call, site),
    args: call.args,
    attempt: call.attempt,
    get signal() {
      return call.signal;
    },
  };
}

/**
 * Calls a hook with the receiver as `this`, and the context as a further, last argument. Throws what it throws, which is
 * what the call is to reject with. To be called from the call's own continuation, never from a timer or a listener: so
 * the hook sees the AsyncLocalStorage of the call.
 */
export function callHook(hook: AnyFunction, call: Call, site: SiteInfo, ...given: readonly unknown[]): unknown {
  return Reflect.apply(hook, call.self, [...given, contextOf(call, site)]);
}

/** Calls a hook that takes an event: what happened, and the context in the same object. As `callHook` otherwise. */
export function tellHook(hook: AnyFunction, call: Call, site: SiteInfo, happened: object): unknown {
  return Reflect.apply(hook, call.self, [Object.assign(contextOf(call, site), happened)]);
}
