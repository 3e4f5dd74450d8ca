import { relink } from '../core/decoration/relink.js';
import { allSites } from '../core/decoration/site.js';
import { copyOfOptions } from '../core/options.js';
import type { Undo } from '../core/undo.js';
import type { Admission } from '../limits/admission.js';
import type { sharedBy } from '../limits/brand.js';
import { readLimit } from '../limits/given.js';
import { putInside, Shared } from '../limits/shared.js';
import { configureSlots, newSlots } from '../limits/slots.js';
import type { SlotGate, SlotRules } from '../limits/store.js';
import { checkName, StoredFinder } from '../limits/stored-finder.js';
import { isAdaptive } from './adaptive-limit.js';
import {
  type ConcurrencyConfig,
  type ConcurrencyOptions,
  concurrencyKind,
  limitOf,
  mostOf,
  storedSlots,
} from './concurrency-config.js';

/**
 * A change of the options of a `ConcurrencyLimiter`.
 *
 * @example
 * const change: ConcurrencyChange = { limit: 5 };
 */
export type ConcurrencyChange = Omit<Partial<ConcurrencyConfig>, 'key' | 'scope'>;

/**
 * A concurrency limit that any methods, classes and Orchestrators share: the same slots, and one line, strictly in order of
 * arrival over all of them. To be given to `@concurrency` in place of its options, or beside them as `limiter`. Methods
 * that call each other inside must not share one, unless with a `maxWait`: they may wait for slots that they hold.
 *
 * @example
 * const connections = new ConcurrencyLimiter({ limit: 10, maxWait: 5_000 });
 * class Archive {
 *   \@concurrency(connections) async read(id: string): Promise<Data> { ... }
 *   \@concurrency({ limiter: connections, weight: (ids: string[]) => ids.length })
 *   async remove(ids: string[]): Promise<void> { ... }
 * }
 */
export class ConcurrencyLimiter {
  declare readonly [sharedBy]: 'concurrency';
  readonly #slots: Shared<Admission, ConcurrencyOptions>;
  /** What finds it in its store, if it is in one. */
  readonly #stored: StoredFinder<SlotGate, SlotRules, ConcurrencyOptions> | undefined;

  /**
   * @param config `limit`, or the options of `@concurrency`. `key`, `weight` and `priority` hold for all methods that say
   * nothing else.
   * @throws ConfigurationError when an option is wrong.
   */
  constructor(config: number | ConcurrencyConfig) {
    const declared = readLimit(config, { text: 'ConcurrencyLimiter' }, concurrencyKind);
    checkName(declared, storedSlots, 'ConcurrencyLimiter');
    this.#stored = declared.store && new StoredFinder(storedSlots, declared, 'ConcurrencyLimiter');
    this.#slots = new Shared({
      options: declared,
      create: (options) => newSlots(options, true),
      configure: (slots, options) => configureSlots(slots, options, true),
      limitOf: mostOf,
      changed: (options, before) => {
        this.#stored?.configure(options);
        if (isAdaptive(options.limit) !== isAdaptive(before.limit)) this.#relinkUsers();
      },
    });
    putInside(this, 'concurrency', this.#slots);
  }

  /** How many calls wait, over all keys. */
  get waiting(): number {
    return this.#stored?.limits().waiting ?? this.#slots.waiting;
  }

  /** How many slots are held, weights included, over all keys. */
  get used(): number {
    return this.#stored?.limits().used ?? this.#slots.used;
  }

  /** How many slots there are, for each key; of an adaptive limit, as it is now: where keys differ, the last that moved. */
  get limit(): number {
    return limitOf(this.#slots.options, this.#slots.moved);
  }

  /**
   * Changes options from the next call on; those who wait stay in line, and are admitted as soon as that is allowed.
   *
   * @param options Some of the options, save `key` and `scope`.
   * @returns What restores them; of several changes that hold the latest counts.
   * @throws ConfigurationError when an option is wrong; then nothing changes.
   * @example
   * using _ = connections.configure({ limit: 5 });
   */
  configure(options: number | ConcurrencyChange): Undo {
    const where = { text: 'ConcurrencyLimiter.configure()' };
    const given = copyOfOptions(options, where);
    return this.#slots.configure((over) => readLimit(given, { ...where, over }, concurrencyKind));
  }

  /** The methods that take from it have another step for a limit that moves by itself. */
  #relinkUsers(): void {
    for (const site of allSites()) {
      const uses = site.policies.some(({ steps }) => steps.some(({ shares }) => shares === this.#slots));
      if (uses) relink(site);
    }
  }
}
