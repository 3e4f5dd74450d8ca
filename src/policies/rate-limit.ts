import type { Call, StartListener } from '../core/call/call.js';
import type { Policy, PolicyStep, SiteInfo } from '../core/call/policy.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import type { NeedsOfOther } from '../core/decoration/needs.js';
import type { Where } from '../core/options.js';
import type { OneOrMore } from '../core/types.js';
import { once, type Undo } from '../core/undo.js';
import { finder, type Making, ranksOf, shownOf, storedFinder } from '../limits/finders.js';
import { type Limit, readLimits } from '../limits/given.js';
import { inStore, isInStore } from '../limits/in-store.js';
import { isShared, type SharingConfig } from '../limits/limiters.js';
import { noteOrder, orderProblem, refusing } from '../limits/order.js';
import { Permit } from '../limits/permit.js';
import type { RatePermit } from '../limits/rate-permit.js';
import type { RateGate, RateRules } from '../limits/store.js';
import { checkName, type StoredFinder } from '../limits/stored-finder.js';
import type { QueueConfig } from '../limits/waiter.js';
import { isWeighing, type WeighingConfig } from '../limits/weighing.js';
import { Window } from '../limits/window.js';
import { rankOf } from './order.js';
import { type RateLimitConfig, type RateLimitOptions, rateLimitKind, storedRates } from './rate-limit-config.js';
import { fullStep, plainStep } from './rate-limit-step.js';
import type { RateLimiter } from './rate-limiter.js';
import { pauseAll } from './rate-pause.js';

/**
 * A shared `RateLimiter`, and what is a method's own beside it.
 *
 * @example
 * const tokens = new RateLimiter({ rate: 90_000, per: 60_000 });
 * const use: RateLimitUse<[tenant: string, prompt: string]> = { limiter: tokens, weight: (_, prompt) => prompt.length };
 */
export interface RateLimitUse<
  Args extends readonly unknown[] = never[],
  This = never,
  Result = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
> extends QueueConfig,
    WeighingConfig<WeightArgs, This, PriorityArgs>,
    Pick<SharingConfig<Args, This>, 'key'>,
    Pick<RateLimitConfig<Args, This, Result>, 'weightResult' | 'pauseFor' | 'pauseMax'> {
  /** The limiter. Required. */
  readonly limiter: RateLimiter;
}

/**
 * What stands for one rate limit: `rate` in starts per second, options, a shared limiter, or one with options beside it.
 *
 * @example
 * const stack: RateLimitInput[] = [{ rate: 500, per: 60_000 }, 10];
 */
export type RateLimitInput<
  Args extends readonly unknown[] = never[],
  This = never,
  Result = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
> =
  | number
  | RateLimitConfig<Args, This, Result, WeightArgs, PriorityArgs>
  | RateLimiter
  | RateLimitUse<Args, This, Result, WeightArgs, PriorityArgs>;

declare module '../core/policies.js' {
  interface Policies {
    /** `rate` in starts per second, the options of `@rateLimit`, a shared limiter, or several of these. */
    readonly rateLimit: OneOrMore<RateLimitInput>;
  }
}

const making: Making<Window, RateLimitOptions> = {
  kind: 'rateLimit',
  create: (options) => new Window(options, options.priority !== undefined),
  configure: (window, options) => window.configure(options, options.priority !== undefined),
  limitOf: ({ rate }) => Math.ceil(rate),
};

const rank = (options: RateLimitOptions): number => rankOf(isShared(options) ? 'rateLimit' : 'rateLimit.narrow');

/** Whether one limit admits calls in order of arrival, and nothing else. */
const isPlain = ({ shared, options }: Limit<Window, RateLimitOptions>): boolean => {
  const { weightResult, pauseFor, store } = options();
  const isPlainlyTaken = !isWeighing(options()) && weightResult === undefined && pauseFor === undefined;
  return shared === undefined && store === undefined && isPlainlyTaken;
};

/** The policy of rate limits; it can have all of a method's wait. */
interface RateLimitPolicy extends Policy {
  /**
   * Nobody starts until that is ended, whatever the key; of limits that methods share, nobody of any of them; of limits in a
   * store, nobody of this process: another one could not be told if this one dies.
   */
  pause(site: SiteInfo): Undo;
}

export const isRateLimit = (policy: Policy): policy is RateLimitPolicy => 'pause' in policy;

const isStored = ({ options }: Limit<Window, RateLimitOptions>): boolean => options().store !== undefined;

export function rateLimitPolicy(given: unknown, where: Where): RateLimitPolicy {
  const limits = readLimits<Window, RateLimitOptions>(given, where, rateLimitKind);
  if (where.over === undefined) for (const { options } of limits) checkName(options(), storedRates, where.text);
  const steps = stepsFor(limits, rank, () => policy);
  const policy: RateLimitPolicy = {
    kind: 'rateLimit',
    options: shownOf(limits, given),
    steps,
    verify: noteOrder,
    reset() {
      for (const { shared } of limits) shared?.reset();
    },
    pause(site) {
      const pauses = limits.map((limit, at) =>
        isStored(limit)
          ? storedFinder(limits, at, policy, site, making, storedRates).hold()
          : pauseAll(finder(limits, at, policy, site, making)),
      );
      return once(() => {
        for (const end of pauses) end();
      });
    },
  };
  if (!limits.some(isStored)) return policy;
  // A permit of a store would lapse while its call waits for a slot of one, or while what is right around the method works.
  const last = stepsFor(
    limits,
    (options) => (options.store ? rankOf('rateLimit.last') : rank(options)),
    () => policy,
  );
  policy.stepsBeside = (all) => (all.some(mayTakeLong) ? last : steps);
  inStore(policy);
  return policy;
}

/** Whether calls may be held up by it once they have their permits. */
const mayTakeLong = (policy: Policy): boolean =>
  (policy.kind === 'concurrency' && isInStore(policy)) ||
  policy.steps.some(({ rank: at }) => at >= rankOf('*.method') && at < rankOf('rateLimit.last'));

function stepsFor(
  limits: readonly Limit<Window, RateLimitOptions>[],
  rankFor: (options: RateLimitOptions) => number,
  policyOf: () => Policy,
): Policy['steps'] {
  const ranks = ranksOf(limits, rankFor);
  const steps = limits.map((limit, at): PolicyStep => {
    const isAlone = limits.length === 1 && isPlain(limit);
    return {
      rank: ranks[at] as number,
      shares: limit.shared,
      ...(limits.length > 1 && { name: `rateLimit[${at}]` }),
      wrap(around, site) {
        const refusal = limit.shared && orderProblem(site);
        if (refusal !== undefined) return refusing(refusal, around);
        const found = finder(limits, at, policyOf(), site, making);
        if (isAlone) return plainStep(found.find, around, site);
        const stored = isStored(limit) ? storedFinder(limits, at, policyOf(), site, making, storedRates) : undefined;
        const source = {
          get most() {
            return found.most;
          },
          permitFor: stored
            ? storedPermits(stored, limit.options, site)
            : (call: Call, ...asked: AskedOfWindow): RatePermit => new Permit(found.find(call), ...asked),
        };
        return fullStep(source, limit.options, around, site);
      },
    };
  });
  return steps as [PolicyStep, ...PolicyStep[]];
}

type AskedOfWindow = ConstructorParameters<typeof Permit> extends [Window, ...infer Rest] ? Rest : never;

const storedPermits =
  (stored: StoredFinder<RateGate, RateRules, RateLimitOptions>, options: () => RateLimitOptions, site: SiteInfo) =>
  (call: Call, weight: number, advance: number, before: StartListener | undefined): RatePermit =>
    stored.find(call, site, options()).permitFor(weight, advance, before);

// Without parentheses, for the compiler to show what to write.
export function rateLimit<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@rateLimit(...)' } & WithoutContext<Second>;
/**
 * At most `rate` attempts of the method start in any `per` milliseconds; the others wait in order of arrival. A start is
 * the moment the method's own code is entered, also when the attempt had to wait for a concurrency slot before.
 *
 * @param limit `rate`, or the options: `rate` (required), `per` in ms (1000), `spread` (false), `maxQueue` (Infinity),
 * `maxWait` in ms (Infinity), `key`, `scope` (`'class'`), `weight` (one permit), `weightResult`, `pauseFor`, `pauseMax`
 * (60 000 ms), `priority`, `priorityAging` (10 000 ms). Or a shared `RateLimiter`, or `{ limiter, ... }` with what is the
 * method's own beside it. Or an array of these: all of them must admit a call, which takes them in the order written.
 * @throws ConfigurationError at decoration, when an option is wrong; at construction or from the call, when shared limits
 * are taken in an order that is against that of another method; from the call, when `key`, `weight`, `priority`,
 * `weightResult` or `pauseFor` gives what it must not.
 * @throws RejectedError from the call, over `maxQueue` or `maxWait`.
 * @example
 * class Api {
 *   \@rateLimit([{ rate: 500, per: 60_000, key: (tenant: string) => tenant }, { rate: 10 }])
 *   async get(tenant: string): Promise<Data> { ... }
 * }
 */
export function rateLimit<
  Args extends readonly unknown[],
  This = never,
  Result = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
>(
  limit: OneOrMore<RateLimitInput<Args, This, Result, WeightArgs, PriorityArgs>>,
): PolicyDecorator<
  | { option: 'key'; this: This; args: Args }
  | NeedsOfOther<'weight', WeightArgs, Args>
  | NeedsOfOther<'priority', PriorityArgs, Args>
  | { option: 'weightResult'; result: Result }
>;
/**
 * At most `rate` attempts of the method start in any `per` milliseconds; the others wait in order of arrival. A start is
 * the moment the method's own code is entered, also when the attempt had to wait for a concurrency slot before.
 *
 * @param limit `rate`, or the options: `rate` (required), `per` in ms (1000), `spread` (false), `maxQueue` (Infinity),
 * `maxWait` in ms (Infinity), `key`, `scope` (`'class'`), `weight` (one permit), `weightResult`, `pauseFor`, `pauseMax`
 * (60 000 ms), `priority`, `priorityAging` (10 000 ms). Or a shared `RateLimiter`, or `{ limiter, ... }` with what is the
 * method's own beside it. Or an array of these: all of them must admit a call, which takes them in the order written.
 * @throws ConfigurationError at decoration, when an option is wrong; at construction or from the call, when shared limits
 * are taken in an order that is against that of another method; from the call, when `key`, `weight`, `priority`,
 * `weightResult` or `pauseFor` gives what it must not.
 * @throws RejectedError from the call, over `maxQueue` or `maxWait`.
 * @example
 * class Api {
 *   \@rateLimit([{ rate: 500, per: 60_000, key: (tenant: string) => tenant }, { rate: 10 }])
 *   async get(tenant: string): Promise<Data> { ... }
 * }
 */
export function rateLimit<
  Args extends readonly unknown[],
  This = never,
  Result = never,
  WeightArgs extends readonly unknown[] = Args,
  PriorityArgs extends readonly unknown[] = Args,
>(
  limit: number | RateLimitConfig<Args, This, Result, WeightArgs, PriorityArgs>,
): PolicyDecorator<
  | { option: 'key'; this: This; args: Args }
  | NeedsOfOther<'weight', WeightArgs, Args>
  | NeedsOfOther<'priority', PriorityArgs, Args>
  | { option: 'weightResult'; result: Result }
>;
export function rateLimit(...given: readonly unknown[]): unknown {
  return policyDecorator('rateLimit', given, 1, (where) => rateLimitPolicy(given[0], where));
}
