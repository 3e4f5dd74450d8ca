import type { Call, StartListener } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { ConfigurationError } from '../core/errors.js';
import { type Rule, show } from '../core/options.js';
import type { Undo } from '../core/undo.js';
import type { Use } from './found.js';
import type { RatePermit } from './rate-permit.js';
import type { Onward, QueueRules } from './waiter.js';

/**
 * Where limits are kept that several processes share; what a limit asks of it. `redisStore()` of `opero/redis` gives one, and
 * `memoryStore()` of `opero/testing`.
 *
 * @example
 * const store: Store = memoryStore();
 * process.once('SIGTERM', () => store.close());
 */
export interface Store extends AsyncDisposable {
  /**
   * The rate limits of a name, one for each key. For opero's own use.
   *
   * @throws ConfigurationError when this process knows the name by other rules.
   */
  rates(name: string, rules: RateRules): StoredLimits<RateGate, RateRules> & Pausable;
  /**
   * The concurrency limits of a name, one for each key. For opero's own use.
   *
   * @throws ConfigurationError when this process knows the name by other rules.
   */
  slots(name: string, rules: SlotRules): StoredLimits<SlotGate, SlotRules>;
  /**
   * Gives back what this process holds. Those who wait, and calls made later, reject with a StoreError; for those that run it
   * is as if their lease was lost.
   *
   * @returns What settles once all is given back, or the store could not be told in time.
   * @throws Nothing.
   */
  close(): Promise<void>;
}

/**
 * Where a limit is kept.
 *
 * @example
 * const config: RateLimitConfig & StoreConfig = { rate: 100, store: memoryStore(), name: 'crm-api' };
 */
export interface StoreConfig {
  /**
   * Where the limit is kept, so that other processes share it; or a function that gives that, called at the first use.
   * Default: in this process alone.
   */
  readonly store?: Store | (() => Store);
  /**
   * What the limit is called in the store, where it needs a name: equal names are one limit, across methods and processes.
   * Default: none, which is a ConfigurationError beside a `store`.
   */
  readonly name?: string;
}

/** What processes that share a rate limit have to agree on. */
export interface RateRules {
  readonly rate: number;
  readonly per: number;
  readonly spread: boolean;
}

/** The same of a concurrency limit. */
export interface SlotRules {
  readonly limit: number;
}

/** The limits of a name in a store. */
export interface StoredLimits<Gate, Rules> extends Partial<Pausable> {
  /** The one of a call; made at its first call. Throws where the key of the call cannot be told. */
  find(call: Call, use: Use): Gate;
  /** Takes other rules. */
  configure(rules: Rules): void;
  /** How many calls of this process wait, over all keys. */
  readonly waiting: number;
  /** How much this process has in use, over all keys. */
  readonly used: number;
}

/** What may be paused by hand. */
export interface Pausable {
  pause(duration: number): void;
  resume(): void;
  /** Nobody of this process starts until that is ended, whatever the key; other processes go on. */
  hold(): Undo;
}

/** A rate limit in a store, as calls of this process meet it. */
export interface RateGate {
  permitFor(weight: number, advance: number, before: StartListener | undefined): RatePermit;
}

/** A slot that a call has, or waits for. */
export interface SlotGrant {
  /** Has it told once when the lease of the slot is lost. */
  onLost: ((error: Error) => void) | undefined;
  readonly fence: number | undefined;
  /** The work under it has really ended. */
  giveBack(): void;
}

/** A concurrency limit in a store, as calls of this process meet it. */
export interface SlotGate {
  /** Waits for a slot; then goes on with `onward.next`, and `grantOf(call)` gives what it has. */
  wait(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules, weight: number, advance: number): unknown;
  /** Waits once more, before all whose turn has not come yet: for one that lost its slot before it began. */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown;
  /** What a call that has waited got. */
  grantOf(call: Call): SlotGrant;
}

const isStore = (value: unknown): value is Store =>
  typeof value === 'object' &&
  value !== null &&
  ['rates', 'slots', 'close'].every((name) => typeof Reflect.get(value, name) === 'function');

/** Rules of the two options. */
export const storeRule: Rule = {
  allowed: 'a store, as redisStore() gives one, or a function that gives one',
  test: (value) => typeof value === 'function' || isStore(value),
  isFixed: true,
};
export const nameRule: Rule = {
  allowed: 'a string that is not empty',
  test: (value) => typeof value === 'string' && value !== '',
  isFixed: true,
};

/** What stands in place of every store, while something does. */
let standIn: Store | undefined;

/** Has this store stand in place of all; undefined: none does. */
export function putInPlace(store: Store | undefined): void {
  standIn = store;
}

/** What the functions have given. */
const given = new WeakMap<() => unknown, Store>();

/** The store that an option stands for by now. Throws what the function throws that it is. */
export function storeOf(option: Store | (() => Store), label: string): Store {
  if (standIn !== undefined) return standIn;
  if (typeof option !== 'function') return option;
  const known = given.get(option);
  if (known !== undefined) return known;
  const made: unknown = option();
  if (!isStore(made)) {
    throw new ConfigurationError(
      `${label}: expected \`store\` to return ${storeRule.allowed.split(',')[0]}, got ${show(made)}`,
    );
  }
  given.set(option, made);
  return made;
}
