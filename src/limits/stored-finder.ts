import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { ConfigurationError } from '../core/errors.js';
import { once, type Undo } from '../core/undo.js';
import type { SharingConfig } from './limiters.js';
import { type Store, type StoreConfig, type StoredLimits, storeOf } from './store.js';

/** How limits of a kind are found in a store. */
export interface StoredMaking<Gate, Rules, Options> {
  readonly kind: string;
  readonly limitsIn: (store: Store, name: string, rules: Rules) => StoredLimits<Gate, Rules>;
  readonly rulesOf: (options: Options) => Rules;
}

/** Finds a limit in its store, which may be known with the first call only, and another one where tests put that in its place. */
export class StoredFinder<Gate, Rules, Options extends StoreConfig & SharingConfig> {
  #limits: StoredLimits<Gate, Rules> | undefined;
  #applied: Options;
  /** How many hold it, and what ends that in the store that it is in by now. */
  #holds = 0;
  #release: Undo | undefined;

  constructor(
    readonly making: StoredMaking<Gate, Rules, Options>,
    /** The options that it was declared with. */
    readonly declared: Options,
    readonly label: string,
  ) {
    this.#applied = declared;
  }

  /** The limits of the name, where they were looked for by now. */
  get known(): StoredLimits<Gate, Rules> | undefined {
    return this.#limits;
  }

  /** The limits of the name. Throws where its store cannot be had, or knows the name by other rules. */
  limits(): StoredLimits<Gate, Rules> {
    const { store, name } = this.declared as Required<StoreConfig>;
    const { limitsIn, rulesOf } = this.making;
    const limits = limitsIn(storeOf(store, this.label), name, rulesOf(this.declared));
    if (limits !== this.#limits) this.#moveTo(limits);
    return limits;
  }

  #moveTo(limits: StoredLimits<Gate, Rules>): void {
    this.#applied = this.declared;
    this.#limits = limits;
    this.#release?.();
    this.#release = this.#holds > 0 ? limits.hold?.() : undefined;
  }

  /** Nobody of this process starts until that is ended: where its store cannot be had yet, from when it can be. */
  hold(): Undo {
    const limits = this.#limitsNow();
    if (this.#holds++ === 0) this.#release = limits?.hold?.();
    return once(() => {
      if (--this.#holds > 0) return;
      this.#release?.();
      this.#release = undefined;
    });
  }

  #limitsNow(): StoredLimits<Gate, Rules> | undefined {
    try {
      return this.limits();
    } catch {
      // Calls tell of it.
      return undefined;
    }
  }

  /** Takes other options, as far as the store is known by now. */
  configure(options: Options): void {
    if (this.#limits !== undefined) this.#apply(this.#limits, options);
  }

  /** The limit of a call, by these options. */
  find(call: Call, site: SiteInfo, options: Options): Gate {
    const limits = this.#limitsFor(call, site);
    this.#apply(limits, options);
    return limits.find(call, { site, kind: this.making.kind, key: options.key });
  }

  #limitsFor(call: Call, site: SiteInfo): StoredLimits<Gate, Rules> {
    try {
      return this.limits();
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw finalError(error, call);
      throw finalError(misuse(this.making.kind, error.message, site), call);
    }
  }

  #apply(limits: StoredLimits<Gate, Rules>, options: Options): void {
    if (options === this.#applied) return;
    this.#applied = options;
    limits.configure(this.making.rulesOf(options));
  }
}

/** Throws where the store of a limit, if it is there already, knows its name by other rules. */
export function checkName<Gate, Rules, Options extends StoreConfig>(
  options: Options,
  { limitsIn, rulesOf }: StoredMaking<Gate, Rules, Options>,
  text: string,
): void {
  const { store, name } = options;
  if (store === undefined || name === undefined || typeof store === 'function') return;
  try {
    limitsIn(store, name, rulesOf(options));
  } catch (error) {
    throw error instanceof ConfigurationError ? new ConfigurationError(`${text}: ${error.message}`) : error;
  }
}
