import {
  callback,
  durationOrInfinity,
  oneOf,
  positiveDuration,
  positiveInteger,
  queueLength,
  type Rule,
  wrongOption,
} from '../core/options.js';
import type { NotShared } from '../limits/brand.js';
import type { LimitKind } from '../limits/given.js';
import { keyRule, type SharingConfig, scopeRule } from '../limits/limiters.js';
import { nameRule, type SlotGate, type SlotRules, type StoreConfig, storeRule } from '../limits/store.js';
import type { StoredMaking } from '../limits/stored-finder.js';
import { checkStored } from '../limits/stored-options.js';
import type { QueueConfig } from '../limits/waiter.js';
import { type WeighingConfig, weighingDefaults } from '../limits/weighing.js';
import { type AdaptiveLimit, type AdaptiveOptions, isAdaptive, readAdaptive, type ToldArgs } from './adaptive-limit.js';

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
  DropArgs extends readonly unknown[] = ToldArgs<Args>,
> extends NotShared,
    QueueConfig,
    SharingConfig<Args, This>,
    StoreConfig,
    WeighingConfig<WeightArgs, This, PriorityArgs> {
  /** How many may run at once; or the options of a limit that finds that out by itself. Required. */
  readonly limit: number | AdaptiveLimit<This, DropArgs>;
  /**
   * What becomes of running calls when this process could not renew the lease of their slots in `store`, so that others may have
   * them: `'abort'`, they fail with a LeaseLostError, which is the reason of their signals; `'continue'`, they run on.
   * Default `'abort'`.
   */
  readonly onLost?: 'abort' | 'continue';
}

/** The options of a concurrency limit, filled in. */
export type ConcurrencyOptions = Omit<ConcurrencyConfig, 'limit'> &
  Required<QueueConfig> & { readonly limit: number | AdaptiveOptions };

/** The limit in force, `moved` being what it comes to where it has moved by itself. */
export const limitOf = ({ limit }: ConcurrencyOptions, moved: { readonly limit: number } | undefined): number =>
  isAdaptive(limit) ? (moved?.limit ?? limit.initial) : limit;

/** The most that it may come to. */
export const mostOf = ({ limit }: ConcurrencyOptions): number => (isAdaptive(limit) ? limit.max : limit);

const limit: Rule = {
  allowed: 'an integer of at least 1, or the options of an adaptive limit',
  test: (value) => positiveInteger.test(value) || (typeof value === 'object' && value !== null),
};

/** How `@concurrency` reads what it is given. */
export const concurrencyKind: LimitKind<ConcurrencyOptions> = {
  kind: 'concurrency',
  number: 'limit',
  sharedClass: 'ConcurrencyLimiter',
  rules: {
    limit,
    maxQueue: queueLength,
    maxWait: durationOrInfinity,
    key: keyRule,
    scope: scopeRule,
    weight: callback,
    priority: callback,
    priorityAging: positiveDuration,
    store: storeRule,
    name: nameRule,
    onLost: oneOf('abort', 'continue'),
  },
  defaults: (given) => ({
    maxQueue: Number.POSITIVE_INFINITY,
    maxWait: Number.POSITIVE_INFINITY,
    scope: 'class',
    ...weighingDefaults(given),
  }),
  complete: (options, where) => {
    if (!isAdaptive(options.limit)) return checkStored(options, where);
    const limit = readAdaptive(options.limit, where);
    if (options.store === undefined) return Object.freeze({ ...options, limit });
    throw wrongOption(
      where,
      'limit',
      options.limit,
      'a number where there is a `store`: each process would find another',
    );
  },
  beside: ['onLost', 'key', 'weight', 'priority', 'priorityAging', 'maxQueue', 'maxWait'],
};

/** How a concurrency limit is found in its store; there it never moves by itself. */
export const storedSlots: StoredMaking<SlotGate, SlotRules, ConcurrencyOptions> = {
  kind: 'concurrency',
  limitsIn: (store, name, rules) => store.slots(name, rules),
  rulesOf: (options) => ({ limit: mostOf(options) }),
};
