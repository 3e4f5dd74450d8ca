import { Call } from '../core/call/call.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import {
  durationOrInfinity,
  positiveInteger,
  queueLength,
  readOptions,
  type Where,
  wrongOption,
} from '../core/options.js';
import { Admission } from '../limits/admission.js';
import { isShared, limiters, type SharingConfig, sharingRules } from '../limits/limiters.js';
import type { QueueConfig } from '../limits/waiter.js';
import { rankOf } from './order.js';

/**
 * Options of `@concurrency`.
 *
 * @example
 * const config: ConcurrencyConfig = { limit: 3, maxQueue: 100, maxWait: 5_000 };
 */
export interface ConcurrencyConfig<Args extends readonly unknown[] = never[], This = never>
  extends QueueConfig,
    SharingConfig<Args, This> {
  /** How many may run at once. Required. */
  readonly limit: number;
}

declare module '../core/policies.js' {
  interface Policies {
    /** `limit`, or the options of `@concurrency`. */
    readonly concurrency: number | ConcurrencyConfig;
  }
}

const rules = {
  limit: positiveInteger,
  maxQueue: queueLength,
  maxWait: durationOrInfinity,
  ...sharingRules,
};

const defaults = {
  maxQueue: Number.POSITIVE_INFINITY,
  maxWait: Number.POSITIVE_INFINITY,
  scope: 'class',
} as const;

export function concurrencyPolicy(given: number | ConcurrencyConfig | undefined, where: Where): Policy {
  const config = typeof given === 'object' ? given : { limit: given };
  const options = readOptions<ConcurrencyConfig & typeof defaults>(where, config, rules, defaults);
  if (options.limit === undefined) throw wrongOption(where, 'limit', undefined, positiveInteger.allowed);
  const wrap = (around: Around, site: SiteInfo): Step => {
    const find = site.stateOf(policy, () =>
      limiters(
        options,
        site,
        'concurrency',
        (current) => new Admission(current.limit, current, 'concurrency'),
        (slots, current) => slots.configure(current.limit, current),
      ),
    );
    /** Where there are several limits, a call has to keep of which one it holds a slot. */
    const only = isShared(options) ? find(Call.idle) : undefined;
    const { place } = around;
    const giveBack = (call: Call): void => (only ?? (call.keptAt(place) as Admission)).give();
    return {
      admit: function concurrency(call) {
        let slots = only;
        if (slots === undefined) {
          try {
            slots = find(call);
          } catch (error) {
            return around.fail(error, call);
          }
          call.keep(place, slots);
        }
        return slots.tryTake() ? admitted : slots.wait(call, site, around);
      },
      ok(value, call) {
        giveBack(call);
        return around.ok(value, call);
      },
      fail(error, call) {
        giveBack(call);
        return around.fail(error, call);
      },
    };
  };
  const rank = rankOf(isShared(options) ? 'concurrency' : 'concurrency.narrow');
  const policy: Policy = { kind: 'concurrency', options, steps: [{ rank, wrap }] };
  return policy;
}

// Without parentheses, for the compiler to show what to write.
export function concurrency<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@concurrency(...)' } & WithoutContext<Second>;
/**
 * At most `limit` attempts of the method run at once; the others wait in order of arrival. A slot is given back when the
 * work under it has really ended, not when its caller gave up.
 *
 * @param config `limit`, or the options: `limit` (required), `maxQueue` (Infinity), `maxWait` in ms (Infinity), `key`,
 * `scope` (`'class'`).
 * @throws ConfigurationError at decoration, when an option is wrong; from the call, when `key` returns no string.
 * @throws RejectedError from the call, over `maxQueue` or `maxWait`.
 * @example
 * class Shop {
 *   \@concurrency({ limit: 3, maxQueue: 100 })
 *   async buy(item: string): Promise<Receipt> { ... }
 * }
 */
export function concurrency<Args extends readonly unknown[], This = never>(
  config: number | ConcurrencyConfig<Args, This>,
): PolicyDecorator<{ option: 'key'; this: This; args: Args }>;
export function concurrency(...given: readonly unknown[]): unknown {
  return policyDecorator('concurrency', given, 1, (where) =>
    concurrencyPolicy(given[0] as ConcurrencyConfig | number, where),
  );
}
