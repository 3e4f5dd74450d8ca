import type { Call } from '../core/call/call.js';
import type { Policy } from '../core/call/policy.js';
import { type Around, admitted, type Next } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { LimitingDecorator } from '../core/decoration/decorator-types.js';
import {
  callback,
  durationOrInfinity,
  oneOf,
  positiveInteger,
  queueLength,
  readOptions,
  type Where,
  wrongOption,
} from '../core/options.js';
import { Admission, type QueueConfig } from '../limits/admission.js';
import { limiters, type SharingConfig } from '../limits/limiters.js';

/**
 * Options of `@concurrency`.
 *
 * @example
 * const config: ConcurrencyConfig = { limit: 3, maxQueue: 100, maxWait: 5_000 };
 */
export interface ConcurrencyConfig<Args extends readonly unknown[] = never[]> extends QueueConfig, SharingConfig<Args> {
  /** How many may run at once. Required. */
  readonly limit: number;
}

const rules = {
  limit: positiveInteger,
  maxQueue: queueLength,
  maxWait: durationOrInfinity,
  key: callback,
  scope: oneOf('class', 'instance'),
};

const defaults = {
  maxQueue: Number.POSITIVE_INFINITY,
  maxWait: Number.POSITIVE_INFINITY,
  scope: 'class',
} as const;

/** The slots of a limit, and what a call that had to wait for one goes on with. */
class Slots extends Admission {
  readonly run: Next;

  constructor(options: ConcurrencyConfig & Required<QueueConfig>, around: Around) {
    super(options.limit, options, 'concurrency');
    this.run = (call) => {
      call.slot = this;
      return around.next(call);
    };
  }
}

export function concurrencyPolicy(given: number | ConcurrencyConfig | undefined, where: Where): Policy {
  const config = typeof given === 'object' ? given : { limit: given };
  const options = readOptions<ConcurrencyConfig & typeof defaults>(where, config, rules, defaults);
  if (options.limit === undefined) throw wrongOption(where, 'limit', undefined, positiveInteger.allowed);
  return {
    kind: 'concurrency',
    rank: 400,
    options,
    wrap(around, site) {
      const find = limiters(options, site, 'concurrency', () => new Slots(options, around));
      /** Gives the slot back, once what lies beneath has ended. */
      const leave = (call: Call): void => {
        call.slot?.give();
        call.slot = undefined;
      };
      return {
        admit: function concurrency(call) {
          let slots: Slots;
          try {
            slots = find(call);
          } catch (error) {
            return around.fail(error, call);
          }
          if (!slots.tryTake()) return slots.wait(call, site, slots.run, around.fail);
          call.slot = slots;
          return admitted;
        },
        ok(value, call) {
          leave(call);
          return around.ok(value, call);
        },
        fail(error, call) {
          leave(call);
          return around.fail(error, call);
        },
      };
    },
  };
}

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
export function concurrency<Args extends readonly unknown[]>(
  ...given: [config: number | ConcurrencyConfig<Args>]
): LimitingDecorator<Args> {
  return policyDecorator('concurrency', given, 1, (where) =>
    concurrencyPolicy(given[0] as ConcurrencyConfig | number, where),
  );
}
