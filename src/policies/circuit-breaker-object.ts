import type { Call } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { newStats } from '../core/call/stats.js';
import { ConfigurationError } from '../core/errors.js';
import { copyOfOptions, show, type Where } from '../core/options.js';
import type { Undo } from '../core/undo.js';
import { Changes } from '../limits/changes.js';
import { insideOf, putInside } from '../limits/shared.js';
import { type CircuitBreakerConfig, readCircuit } from './circuit-config.js';
import { type CircuitHandle, handleOf } from './circuit-handle.js';
import type { Circuits } from './circuit-keys.js';
import type { CircuitState, EndIsolation } from './circuit-options.js';
import { type CallCircuits, type Filled, toldCircuits } from './told-circuits.js';

/** Whose call it was that a shared circuit is told of. */
interface Caller {
  readonly call: Call | undefined;
  readonly site: SiteInfo;
}

const text = 'CircuitBreaker';

/** Stands for the method where a circuit is changed by hand. */
const nobody = (): Caller => ({
  call: undefined,
  site: {
    member: undefined,
    label: text,
    name: text,
    stats: newStats(),
    signalAt: undefined,
    policies: [],
    stateOf: (_policy, make) => make(),
    declaredBy: () => undefined,
  },
});

/** What stands behind a CircuitBreaker. */
export class SharedCircuits {
  readonly #options: Changes<Filled>;
  #circuits: Circuits<Caller, Filled>;

  constructor(
    readonly breaker: CircuitBreaker,
    readonly declared: Filled,
  ) {
    this.#options = new Changes(declared, (options) => this.#circuits.configure(options));
    this.#circuits = this.#make();
  }

  #make(): Circuits<Caller, Filled> {
    return toldCircuits<Caller>(this.options, text, (caller) => caller ?? nobody());
  }

  get options(): Filled {
    return this.#options.current;
  }

  get circuits(): Circuits<Caller, Filled> {
    return this.#circuits;
  }

  /** As they are for the calls of a method. */
  for(site: SiteInfo): CallCircuits<Caller> {
    return {
      site,
      key: this.declared.key,
      options: () => this.options,
      circuits: () => this.#circuits,
      only: undefined,
      contextOf: (call) => ({ call, site }),
      isolate: () => this.#circuits.isolate({ call: undefined, site }),
      handle: (owner, key, call) => handleOf(() => this.#circuits.byKeyOf(owner), key, call && { call, site }),
      states: () => this.#circuits.states(),
    };
  }

  configure(change: (options: Filled) => Filled): Undo {
    return this.#options.add(change);
  }

  /** Later calls meet circuits that are as new. */
  reset(): void {
    this.#circuits = this.#make();
  }
}

/**
 * A circuit breaker that any methods, classes and Orchestrators share: one circuit, which the failures of all of them open for
 * all. To be given to `@circuitBreaker` in place of its options.
 *
 * @example
 * const backend = new CircuitBreaker({ consecutive: 5, halfOpenAfter: 10_000 });
 * class Api {
 *   \@circuitBreaker(backend) async get(id: string): Promise<Data> { ... }
 *   \@circuitBreaker(backend) async put(id: string, data: Data): Promise<void> { ... }
 * }
 */
export class CircuitBreaker {
  readonly #inside: SharedCircuits;

  /**
   * @param config So many failures in a row, or the options of `@circuitBreaker`; `key` takes the arguments of all the methods.
   * @throws ConfigurationError when an option is wrong.
   */
  constructor(config: number | CircuitBreakerConfig = {}) {
    this.#inside = new SharedCircuits(this, readCircuit(config, { text }));
    putInside(this, 'circuitBreaker', this.#inside);
  }

  /** What the circuit is now; with `key` see `circuit()`. */
  get state(): CircuitState {
    return this.circuit().state;
  }

  /** Failures in the window, or in a row; with `key` see `circuit()`. */
  get failures(): number {
    return this.circuit().failures;
  }

  /** Attempts that ended in the window; with `consecutive`, the failures in a row. With `key` see `circuit()`. */
  get calls(): number {
    return this.circuit().calls;
  }

  /**
   * One of its circuits, to look at and to set by hand.
   *
   * @param key Which one, where the option `key` tells them apart.
   * @throws ConfigurationError when there is no such circuit.
   * @example
   * hosts.circuit('eu.example').isolate();
   */
  circuit(key?: string): CircuitHandle {
    const { declared } = this.#inside;
    const isKeyed = declared.key !== undefined;
    if (isKeyed ? typeof key !== 'string' : key !== undefined) {
      const problem = isKeyed ? 'a circuit for each key: give one' : 'no circuits by key';
      throw new ConfigurationError(`${text}: it has ${problem}, got ${show(key)}`);
    }
    if (declared.scope === 'instance') {
      throw new ConfigurationError(`${text}: it has a circuit for each instance: ask circuitOf(instance, method)`);
    }
    return handleOf(() => this.#inside.circuits.byKeyOf(undefined), key, undefined);
  }

  /**
   * Rejects all calls from now on, until what it returns is called or disposed; with `key` see `circuit()`.
   *
   * @throws ConfigurationError when the option `key` tells several circuits apart.
   * @example
   * using maintenance = backend.isolate();
   */
  isolate(): EndIsolation {
    return this.circuit().isolate();
  }

  /**
   * Makes every circuit as new: closed and empty. Attempts under way do not count.
   *
   * @throws Nothing.
   */
  reset(): void {
    if (this.#inside.declared.key === undefined && this.#inside.declared.scope !== 'instance') this.circuit().reset();
    else this.#inside.reset();
  }

  /**
   * Changes options from the next call on; the state stays.
   *
   * @param options Some of the options, save `key` and `scope`.
   * @returns What restores them; of several changes that hold the latest counts.
   * @throws ConfigurationError when an option is wrong; then nothing changes.
   * @example
   * using _ = backend.configure({ halfOpenAfter: 1000 });
   */
  configure(options: number | Partial<Omit<CircuitBreakerConfig, 'key' | 'scope'>>): Undo {
    const where: Where = { text: 'CircuitBreaker.configure()' };
    const given = copyOfOptions(options, where);
    return this.#inside.configure((over) => readCircuit(given, { ...where, over }));
  }
}

/** What stands behind a shared circuit breaker that was given to the decorator; undefined where options were. */
export function sharedCircuitsOf(given: unknown, where: Where): SharedCircuits | undefined {
  const over = where.over as { readonly limiter?: unknown } | undefined;
  if (over?.limiter !== undefined) {
    const cure = 'change it by its own `configure()`';
    throw new ConfigurationError(`${where.text}: the circuit breaker is shared with other methods; ${cure}`);
  }
  const inside = insideOf(given);
  if (inside === undefined) return undefined;
  if (inside.kind === 'circuitBreaker') return inside.inside as SharedCircuits;
  throw new ConfigurationError(`${where.text}: expected a CircuitBreaker, got ${show(given)}`);
}
