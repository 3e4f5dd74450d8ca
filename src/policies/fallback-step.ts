import { type Call, tieCaller } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { enter } from '../core/call/current-call.js';
import { handOver } from '../core/call/handoff.js';
import type { Matches } from '../core/call/matcher.js';
import type { PolicyStep, SiteInfo } from '../core/call/policy.js';
import type { After } from '../core/call/step.js';
import { tellOfFallback } from '../core/call/tell.js';
import { isInterceptor } from '../core/decoration/interceptor.js';
import { AllFailedError } from '../core/errors.js';
import { show } from '../core/options.js';
import type { AnyFunction } from '../core/types.js';
import type { Rotate } from './rotate.js';
import { endOfRotation } from './rotation.js';

/** What stands in for a method: the name of another one, or a function. */
type StandIn = PropertyKey | AnyFunction;

/** The options that its step goes by. */
interface FallbackOptions {
  readonly alternatives: readonly StandIn[];
  readonly value?: unknown;
  readonly rotate?: Rotate;
}

/**
 * Has the alternatives, and then the last resort, stand in for a method that failed with an error that `matches`. `family`
 * is what the policies have in common that come from one decorator.
 */
export function fallbackStep(
  options: FallbackOptions,
  matches: Matches | undefined,
  family: object,
): PolicyStep['wrap'] {
  const { alternatives, rotate } = options;
  const hasValue = Object.hasOwn(options, 'value');

  const recover = async (call: Call, error: unknown, { ok, fail }: After, site: SiteInfo): Promise<unknown> => {
    await tieCaller();
    if (call.aborted) return fail(error, call);
    const above = call.handoff?.chain ?? [site.name];
    // One policy of a class for both calls: the outer one goes on with the other alternatives itself.
    if (above.includes(family)) return fail(error, call);
    // Once the values of an argument were tried it is known already.
    const rotated = rotate && endOfRotation(call, error);
    let meant: unknown = rotated?.isMeant;
    try {
      meant ??= matches === undefined || (await matches(error, call, site));
    } catch (thrown) {
      return fail(thrown, call);
    }
    if (!meant) return fail(error, call);
    const errors = rotated === undefined ? [error] : [...rotated.errors];
    const before = errors.length;
    const chain = [...above, family];
    for (const alternative of alternatives) {
      if (call.aborted) return fail(error, call);
      if (chain.includes(alternative)) continue;
      site.stats.fallbacks++;
      if (channels.fallback.hasSubscribers) tellOfFallback(nameOf(alternative), errors.at(-1), call, site);
      let value: unknown;
      try {
        value = await take(call, alternative, [...chain, alternative], errors.at(-1));
      } catch (thrown) {
        errors.push(thrown);
        continue;
      }
      call.trace?.answeredByFallback();
      return ok(value, call);
    }
    if (call.aborted) return fail(error, call);
    if (hasValue) {
      site.stats.fallbacks++;
      if (channels.fallback.hasSubscribers) tellOfFallback('value', errors.at(-1), call, site);
      call.trace?.answeredByFallback();
      return ok(options.value, call);
    }
    return fail(
      errors.length === before
        ? error
        : new AllFailedError(`${site.label}: it failed, and so did every alternative`, errors),
      call,
    );
  };

  return (around, site) => ({
    fail: (error, call) => (call.aborted ? around.fail(error, call) : recover(call, error, around, site)),
  });
}

/** What an alternative is called in events. */
const nameOf = (alternative: StandIn): string =>
  typeof alternative === 'function' ? alternative.name || '(anonymous function)' : String(alternative);

/** Calls one alternative. One that is decorated makes a call of its own, and is told what led to it. */
function take(call: Call, alternative: StandIn, chain: readonly unknown[], error: unknown): Promise<unknown> {
  const { attempt, signal, self, args } = call;
  const fn = typeof alternative === 'function' ? alternative : (self as Record<PropertyKey, AnyFunction>)[alternative];
  if (typeof fn !== 'function') throw new TypeError(`no method ${show(alternative)} to fall back on`);
  const run = (): Promise<unknown> => enter({ attempt, hedge: 0, signal, error }, fn, self, args);
  // A method may stand behind a foreign decorator; a function of which that is not known is called as it is.
  if (fn !== alternative) return handOver({ self, to: alternative as PropertyKey, signal, error, chain }, run);
  return isInterceptor(fn) ? handOver({ self, signal, error, chain }, run) : run();
}
