import { durationOrInfinity, positiveInteger, queueLength } from '../core/options.js';
import type { LimitKind } from '../limits/given.js';
import { type SharingConfig, sharingRules } from '../limits/limiters.js';
import type { QueueConfig } from '../limits/waiter.js';
import { type WeighingConfig, weighingDefaults, weighingRules } from '../limits/weighing.js';

/**
 * Options of `@concurrency`, and of `ConcurrencyLimiter`.
 *
 * @example
 * const config: ConcurrencyConfig = { limit: 3, maxQueue: 100, maxWait: 5_000 };
 */
export interface ConcurrencyConfig<
  Args extends readonly unknown[] = never[],
  This = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
> extends QueueConfig,
    SharingConfig<Args, This>,
    WeighingConfig<WeightArgs, This, PriorityArgs> {
  /** How many may run at once. Required. */
  readonly limit: number;
}

/** The options of a concurrency limit, filled in. */
export type ConcurrencyOptions = ConcurrencyConfig & Required<QueueConfig>;

/** How `@concurrency` reads what it is given. */
export const concurrencyKind: LimitKind<ConcurrencyOptions> = {
  kind: 'concurrency',
  number: 'limit',
  sharedClass: 'ConcurrencyLimiter',
  rules: {
    limit: positiveInteger,
    maxQueue: queueLength,
    maxWait: durationOrInfinity,
    ...sharingRules,
    ...weighingRules,
  },
  defaults: (given) => ({
    maxQueue: Number.POSITIVE_INFINITY,
    maxWait: Number.POSITIVE_INFINITY,
    scope: 'class',
    ...weighingDefaults(given),
  }),
  beside: ['key', 'weight', 'priority', 'priorityAging', 'maxQueue', 'maxWait'],
};
