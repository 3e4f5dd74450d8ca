import type { Call, StartListener } from '../core/call/call.js';
import { Alarm, always, isReal, isStanding, now, residue } from '../core/call/clock.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import {
  durationOrInfinity,
  flag,
  positive,
  positiveDuration,
  queueLength,
  readOptions,
  type Where,
  wrongOption,
} from '../core/options.js';
import { Admission, type QueueConfig } from '../limits/admission.js';
import { isShared, limiters, type SharingConfig, sharingRules } from '../limits/limiters.js';
import { rankOf } from './order.js';

/**
 * Options of `@rateLimit`.
 *
 * @example
 * const config: RateLimitConfig = { rate: 100, per: 60_000, spread: true, maxWait: 5_000 };
 */
export interface RateLimitConfig<Args extends readonly unknown[] = never[], This = never>
  extends QueueConfig,
    SharingConfig<Args, This> {
  /**
   * How many starts there may be in any window of `per`. Required. A fractional rate `r` means `ceil(r)` starts in any
   * window of `per * ceil(r) / r`: 0.5 is one in two seconds, 2.5 is three in 1.2 seconds.
   */
  readonly rate: number;
  /** The length of the window in milliseconds. Default 1000. */
  readonly per?: number;
  /** Whether to space the starts evenly, at least `per / rate` apart. Default false. */
  readonly spread?: boolean;
}

declare module '../core/policies.js' {
  interface Policies {
    /** `rate` in starts per second, or the options of `@rateLimit`. */
    readonly rateLimit: number | RateLimitConfig;
  }
}

const rules = {
  rate: positive,
  per: positiveDuration,
  spread: flag,
  maxQueue: queueLength,
  maxWait: durationOrInfinity,
  ...sharingRules,
};

const defaults = {
  per: 1000,
  spread: false,
  maxQueue: Number.POSITIVE_INFINITY,
  maxWait: Number.POSITIVE_INFINITY,
  scope: 'class',
} as const;

type Filled = RateLimitConfig & Required<Pick<RateLimitConfig, 'per' | 'spread' | 'maxQueue' | 'maxWait'>>;

/**
 * The longest that entering a method is taken to last by a real clock, in milliseconds: what its own code may see as its
 * start. The machine may hold the program up just then, and up to this long no window holds too many all the same; but
 * what the method blocks shall not cost more than a small part of one.
 */
const entryGrace = { least: 5, most: 50, share: 1 / 20 };
/** Starts at most this far apart, in milliseconds, come one upon the other. */
const quick = 5;

const startsOf = ({ rate, spread }: Filled): number => (spread ? 1 : Math.ceil(rate));
const windowOf = (options: Filled): number => options.per * (startsOf(options) / options.rate);

/**
 * A sliding window: a permit is taken, counts from the start that it was used for, and comes back a window later.
 * One timer brings back the oldest; it keeps the program alive only while somebody waits.
 */
class RateLimiter implements StartListener {
  #window = 0;
  #grace = 0;
  /** Told when somebody begins to wait, or the last one stops waiting. */
  onWaiting: ((waiting: boolean) => void) | undefined = undefined;
  beforeReturn: (() => void) | undefined = undefined;
  readonly #permits: Admission;
  /** When the permits in use come back, in order; those before `#head` have. */
  #returns: number[] = [];
  #head = 0;
  readonly #alarm = new Alarm(() => this.#reclaim(), false, always);
  /** Whether the latest start came so soon after the one before that entering the method cannot have lasted long. */
  #isQuick = false;

  constructor(options: Filled) {
    this.#permits = new Admission(startsOf(options), options, 'rateLimit');
    this.#permits.returning = this.#alarm;
    this.#permits.onWaiting = (waiting) => {
      this.#alarm.hold(waiting);
      this.onWaiting?.(waiting);
    };
    this.#setWindow(options);
  }

  #setWindow(options: Filled): void {
    this.#window = windowOf(options);
    const { least, most, share } = entryGrace;
    this.#grace = Math.min(most, Math.max(least, this.#window * share));
  }

  /** Takes other options. The starts that still count do so for as long as the new window is; others are forgotten. */
  configure(options: Filled): void {
    const before = this.#window;
    this.#setWindow(options);
    const later = this.#window - before;
    if (later !== 0) this.#returns = this.#returns.map((due) => due + later);
    this.#permits.configure(startsOf(options), options);
    this.#reclaim();
  }

  set onIdle(onIdle: () => void) {
    this.#permits.onIdle = onIdle;
  }

  tryTake(): boolean {
    if (this.#permits.tryTake()) return true;
    const oldest = this.#returns[this.#head];
    if (oldest === undefined || !this.#permits.isClear || this.#permits.isOver) return false;
    if (!this.#isBack(oldest, now())) return false;
    // What the clock tells is less than what the timer knows.
    if (this.#alarm.isSet && isStanding()) return false;
    // Its timer is late: the permit passes straight from the oldest start to this one.
    this.#forget(1);
    return true;
  }

  /** Waits for a permit in line; see `Admission.wait`. */
  wait(call: Call, site: SiteInfo, { next, fail }: Around): unknown {
    if (!this.#alarm.isSet) this.#schedule(now());
    return this.#permits.wait(call, site, next, fail);
  }

  /** A permit comes back unused. */
  cancelStart(): void {
    this.#permits.give();
  }

  /** After a quick start the next is taken to be one too: reading the clock is half of what a start costs. */
  beforeStart(): number | undefined {
    return this.#isQuick ? undefined : now();
  }

  /** A permit is used, from now on: the method has been entered. */
  afterStart(enteredAt: number | undefined): void {
    const time = now();
    const grace = isReal() ? this.#grace : 0;
    const start = enteredAt === undefined ? time : Math.min(time, enteredAt + grace);
    const due = start + this.#window;
    const returns = this.#returns;
    let at = returns.length;
    const sinceLatest = at > this.#head ? due - (returns[at - 1] as number) : Number.POSITIVE_INFINITY;
    this.#isQuick = grace > 0 && sinceLatest >= 0 && sinceLatest <= quick;
    // A method that calls itself as it starts is told of after the call that it makes.
    while (at > this.#head && (returns[at - 1] as number) > due) at--;
    if (at === returns.length) returns.push(due);
    else returns.splice(at, 0, due);
    if (at === this.#head) this.#schedule(time);
  }

  /** Of the time that the caller knows: were it read again, under fake timers a part of the wait would be over by then. */
  #schedule(time: number): void {
    const oldest = this.#returns[this.#head];
    if (oldest !== undefined) this.#alarm.set(oldest - time);
  }

  /** Whether a permit is back. One that is further off than a window: the clock was set back, as fake timers may. */
  #isBack(due: number, time: number): boolean {
    return due <= time + residue || due > time + this.#window + residue;
  }

  #reclaim(): void {
    this.beforeReturn?.();
    this.#isQuick = false;
    const time = now();
    let count = 0;
    for (let at = this.#head; at < this.#returns.length; at++) {
      if (!this.#isBack(this.#returns[at] as number, time)) break;
      count++;
    }
    this.#forget(count);
    this.#schedule(time);
    this.#permits.giveBack(count);
  }

  #forget(count: number): void {
    this.#head += count;
    if (this.#head * 2 < this.#returns.length) return;
    this.#returns.splice(0, this.#head);
    this.#head = 0;
  }
}

export function rateLimitPolicy(given: number | RateLimitConfig | undefined, where: Where): Policy {
  const config = typeof given === 'object' ? given : { rate: given };
  const options = readOptions<Filled>(where, config, rules, defaults);
  if (options.rate === undefined) throw wrongOption(where, 'rate', undefined, positive.allowed);
  const wrap = (around: Around, site: SiteInfo): Step => {
    const find = site.stateOf(policy, () =>
      limiters(
        options,
        site,
        'rateLimit',
        (current) => new RateLimiter(current),
        (limiter, current) => limiter.configure(current),
      ),
    );
    return {
      admit: function rateLimit(call) {
        let limiter: RateLimiter;
        try {
          limiter = find(call);
        } catch (error) {
          return around.fail(error, call);
        }
        // Also of one that waits: it has a permit by the time that it starts.
        call.starting = limiter;
        return limiter.tryTake() ? admitted : limiter.wait(call, site, around);
      },
      fail(error, call) {
        call.starting?.cancelStart();
        call.starting = undefined;
        return around.fail(error, call);
      },
    };
  };
  const rank = rankOf(isShared(options) ? 'rateLimit' : 'rateLimit.narrow');
  const policy: Policy = { kind: 'rateLimit', options, steps: [{ rank, wrap }] };
  return policy;
}

// Without parentheses, for the compiler to show what to write.
export function rateLimit<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@rateLimit(...)' } & WithoutContext<Second>;
/**
 * At most `rate` attempts of the method start in any `per` milliseconds; the others wait in order of arrival. A start is
 * the moment the method's own code is entered, also when the attempt had to wait for a concurrency slot before.
 *
 * @param config `rate`, or the options: `rate` (required), `per` in ms (1000), `spread` (false), `maxQueue` (Infinity),
 * `maxWait` in ms (Infinity), `key`, `scope` (`'class'`).
 * @throws ConfigurationError at decoration, when an option is wrong; from the call, when `key` returns no string.
 * @throws RejectedError from the call, over `maxQueue` or `maxWait`.
 * @example
 * class Api {
 *   \@rateLimit({ rate: 100, per: 60_000, key: (tenant: string) => tenant })
 *   async get(tenant: string): Promise<Data> { ... }
 * }
 */
export function rateLimit<Args extends readonly unknown[], This = never>(
  config: number | RateLimitConfig<Args, This>,
): PolicyDecorator<{ option: 'key'; this: This; args: Args }>;
export function rateLimit(...given: readonly unknown[]): unknown {
  return policyDecorator('rateLimit', given, 1, (where) =>
    rateLimitPolicy(given[0] as RateLimitConfig | number, where),
  );
}
