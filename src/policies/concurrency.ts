import { Call } from '../core/call/call.js';
import { classesOf } from '../core/call/matcher.js';
import type { Policy, PolicyStep, SiteInfo } from '../core/call/policy.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import type { NeedsOfOther } from '../core/decoration/needs.js';
import { ConfigurationError } from '../core/errors.js';
import type { Where } from '../core/options.js';
import type { ErrorClass, OneOrMore } from '../core/types.js';
import type { Admission } from '../limits/admission.js';
import { commonOf } from '../limits/common.js';
import { type Finder, finder, type Making, ranksOf, shownOf, storedFinder } from '../limits/finders.js';
import { type Limit, readLimits } from '../limits/given.js';
import { inStore } from '../limits/in-store.js';
import { isShared, type SharingConfig } from '../limits/limiters.js';
import { noteOrder, orderProblem, refusing } from '../limits/order.js';
import { configureSlots, newSlots } from '../limits/slots.js';
import { checkName } from '../limits/stored-finder.js';
import type { QueueConfig } from '../limits/waiter.js';
import { isWeighing, type WeighingConfig } from '../limits/weighing.js';
import { isAdaptive, type ToldArgs } from './adaptive-limit.js';
import { adaptiveStep } from './adaptive-step.js';
import {
  type ConcurrencyConfig,
  type ConcurrencyOptions,
  concurrencyKind,
  limitOf,
  mostOf,
  storedSlots,
} from './concurrency-config.js';
import type { ConcurrencyLimiter } from './concurrency-limiter.js';
import { fullStep, onlyStep } from './concurrency-step.js';
import { leasedStep } from './leased-step.js';
import { rankOf } from './order.js';

/**
 * A shared `ConcurrencyLimiter`, and what is a method's own beside it.
 *
 * @example
 * const connections = new ConcurrencyLimiter(10);
 * const use: ConcurrencyUse<[ids: string[]]> = { limiter: connections, weight: (ids) => ids.length };
 */
export interface ConcurrencyUse<
  Args extends readonly unknown[] = never[],
  This = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
> extends QueueConfig,
    WeighingConfig<WeightArgs, This, PriorityArgs>,
    Pick<SharingConfig<Args, This>, 'key'>,
    Pick<ConcurrencyConfig, 'onLost'> {
  /** The limiter. Required. */
  readonly limiter: ConcurrencyLimiter;
}

/**
 * What stands for one concurrency limit: `limit`, options, a shared limiter, or one with options beside it.
 *
 * @example
 * const stack: ConcurrencyInput[] = [{ limit: 2, key: (tenant: string) => tenant }, 10];
 */
export type ConcurrencyInput<
  Args extends readonly unknown[] = never[],
  This = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
  DropArgs extends readonly unknown[] = ToldArgs<Args>,
> =
  | number
  | ConcurrencyConfig<Args, This, WeightArgs, PriorityArgs, DropArgs>
  | ConcurrencyLimiter
  | ConcurrencyUse<Args, This, WeightArgs, PriorityArgs>;

declare module '../core/policies.js' {
  interface Policies {
    /** `limit`, the options of `@concurrency`, a shared limiter, or several of these. */
    readonly concurrency: OneOrMore<ConcurrencyInput>;
  }
}

const making: Making<Admission, ConcurrencyOptions> = {
  kind: 'concurrency',
  create: (options) => newSlots(options, options.priority !== undefined),
  configure: (slots, options) => configureSlots(slots, options, options.priority !== undefined),
  limitOf: mostOf,
};

const rank = (options: ConcurrencyOptions): number => rankOf(isShared(options) ? 'concurrency' : 'concurrency.narrow');

/** Whether there is but one limit, of the method's own, that admits calls in order of arrival, and nothing else. */
const isOnly = ({ shared, options }: Limit<Admission, ConcurrencyOptions>): boolean =>
  shared === undefined && options().store === undefined && isShared(options()) && !isWeighing(options());

const errorClassesOf = ({ limit }: ConcurrencyOptions): readonly ErrorClass[] =>
  isAdaptive(limit) ? classesOf(limit.dropOn) : [];

export function concurrencyPolicy(given: unknown, where: Where): Policy {
  const limits = readLimits<Admission, ConcurrencyOptions>(given, where, concurrencyKind);
  if (where.member === undefined && !where.classless && where.over === undefined) checkForClass(limits, where);
  if (where.over === undefined) for (const { options } of limits) checkName(options(), storedSlots, where.text);
  const ranks = ranksOf(limits, rank);
  const steps = limits.map(
    (limit, at): PolicyStep => ({
      rank: ranks[at] as number,
      shares: commonOf(limit),
      ...(limits.length > 1 && { name: `concurrency[${at}]` }),
      wrap(around, site) {
        const refusal = commonOf(limit) && orderProblem(site);
        if (refusal !== undefined) return refusing(refusal, around);
        const found = finder(limits, at, policy, site, making);
        if (limit.options().store !== undefined) {
          const stored = storedFinder(limits, at, policy, site, making, storedSlots);
          const source = {
            get most() {
              return found.most;
            },
            find: (call: Call) => stored.find(call, site, limit.options()),
          };
          return leasedStep(source, limit.options, around, site);
        }
        if (isAdaptive(limit.options().limit)) return adaptiveStep(found, limit.options, around, site);
        if (isOnly(limit)) return onlyStep(found.find(Call.idle), around, site);
        return fullStep(found, limit.options, around, site);
      },
    }),
  );
  /** Of several limits the one that lets the fewest in, its limiters, and which it is. */
  const lowestOf = (
    site: SiteInfo,
  ): { readonly limit: number; readonly found: Finder<Admission>; readonly at: number } =>
    limits
      .map(({ options }, at) => {
        const found = finder(limits, at, policy, site, making);
        return { limit: limitOf(options(), found.moved), found, at };
      })
      .reduce((lowest, each) => (each.limit < lowest.limit ? each : lowest));
  const policy: Policy = {
    kind: 'concurrency',
    options: shownOf(limits, given),
    errorClasses: limits.flatMap(({ options }) => errorClassesOf(options())),
    steps: steps as [PolicyStep, ...PolicyStep[]],
    verify: noteOrder,
    gauges: (site) => ({ limit: lowestOf(site).limit }),
    standing(site) {
      const { found, at } = lowestOf(site);
      let used = 0;
      if (limits[at]?.options().store !== undefined) {
        used = storedFinder(limits, at, policy, site, making, storedSlots).known?.used ?? 0;
      } else {
        found.each((slots) => {
          used = Math.max(used, slots.used);
        });
      }
      return { used };
    },
    reset() {
      for (const { shared } of limits) shared?.reset();
    },
  };
  return limits.some(({ options }) => options().store !== undefined) ? inStore(policy) : policy;
}

/** The methods of a class call each other, and then wait for slots that they hold themselves. */
function checkForClass(limits: readonly Limit<Admission, ConcurrencyOptions>[], where: Where): void {
  const endless = limits.find(
    (limit) => commonOf(limit) !== undefined && limit.options().maxWait === Number.POSITIVE_INFINITY,
  );
  if (endless === undefined) return;
  const what = endless.shared === undefined ? 'a limit of one `name`' : 'a ConcurrencyLimiter';
  const why = 'its methods would wait for ever where one calls another while all slots are held';
  throw new ConfigurationError(
    `${where.text}: expected \`maxWait\` to be finite where a whole class shares ${what}, got Infinity; ${why}`,
  );
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
 * @param limit `limit`, or the options: `limit` (required: a number, or `{ min, max, initial, targetLatency, dropOn }` for one
 * that finds out by itself how many may run at once), `maxQueue` (Infinity), `maxWait` in ms (Infinity), `key`,
 * `scope` (`'class'`), `weight` (one slot), `priority`, `priorityAging` (10 000 ms). Or a shared `ConcurrencyLimiter`, or
 * `{ limiter, ... }` with what is the method's own beside it. Or an array of these: all of them must admit a call, which
 * takes them in the order written.
 * @throws ConfigurationError at decoration, when an option is wrong; at construction or from the call, when shared limits
 * are taken in an order that is against that of another method; from the call, when `key`, `weight` or `priority` gives
 * what it must not, or `dropOn` a promise.
 * @throws RejectedError from the call, over `maxQueue` or `maxWait`.
 * @example
 * class Shop {
 *   \@concurrency({ limit: 3, maxQueue: 100 })
 *   async buy(item: string): Promise<Receipt> { ... }
 * }
 */
export function concurrency<
  Args extends readonly unknown[],
  This = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
  DropArgs extends readonly unknown[] = Args,
>(
  limit: OneOrMore<ConcurrencyInput<Args, This, WeightArgs, PriorityArgs, DropArgs>>,
): PolicyDecorator<
  | { option: 'key'; this: This; args: Args }
  | NeedsOfOther<'weight', WeightArgs, Args>
  | NeedsOfOther<'priority', PriorityArgs, Args>
  | NeedsOfOther<'dropOn', DropArgs, Args>
>;
/**
 * At most `limit` attempts of the method run at once; the others wait in order of arrival. A slot is given back when the
 * work under it has really ended, not when its caller gave up.
 *
 * @param limit `limit`, or the options: `limit` (required: a number, or `{ min, max, initial, targetLatency, dropOn }` for one
 * that finds out by itself how many may run at once), `maxQueue` (Infinity), `maxWait` in ms (Infinity), `key`,
 * `scope` (`'class'`), `weight` (one slot), `priority`, `priorityAging` (10 000 ms). Or a shared `ConcurrencyLimiter`, or
 * `{ limiter, ... }` with what is the method's own beside it. Or an array of these: all of them must admit a call, which
 * takes them in the order written.
 * @throws ConfigurationError at decoration, when an option is wrong; at construction or from the call, when shared limits
 * are taken in an order that is against that of another method; from the call, when `key`, `weight` or `priority` gives
 * what it must not, or `dropOn` a promise.
 * @throws RejectedError from the call, over `maxQueue` or `maxWait`.
 * @example
 * class Shop {
 *   \@concurrency({ limit: 3, maxQueue: 100 })
 *   async buy(item: string): Promise<Receipt> { ... }
 * }
 */
export function concurrency<
  Args extends readonly unknown[],
  This = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
  DropArgs extends readonly unknown[] = Args,
>(
  limit: number | ConcurrencyConfig<Args, This, WeightArgs, PriorityArgs, DropArgs>,
): PolicyDecorator<
  | { option: 'key'; this: This; args: Args }
  | NeedsOfOther<'weight', WeightArgs, Args>
  | NeedsOfOther<'priority', PriorityArgs, Args>
  | NeedsOfOther<'dropOn', DropArgs, Args>
>;
export function concurrency(...given: readonly unknown[]): unknown {
  return policyDecorator('concurrency', given, 1, (where) => concurrencyPolicy(given[0], where));
}
