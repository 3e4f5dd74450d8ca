import type { Call } from '../core/call/call.js';
import { type ArgumentPlace, valueAt } from '../core/call/places.js';
import type { SiteInfo, State } from '../core/call/policy.js';
import { once, type Undo } from '../core/undo.js';
import { WeakList } from '../core/weak-list.js';
import { type Key, keyOf } from '../limits/asked.js';
import { isShared, type SharingConfig } from '../limits/limiters.js';
import type { Circuit } from './circuit.js';
import type { CircuitState } from './circuit-options.js';
import { isOver, now } from './circuit-time.js';

/**
 * How long a circuit is kept, in milliseconds, that nobody calls and that is not as new: one that waits for a probe,
 * and a closed one that remembers failures in a row, which do not age. A new one lets a call through, as these would.
 */
const keptFor = { 'half-open': 60_000, closed: 600_000 };

/** The circuit of a key. */
class Kept<C> {
  /** Since when it was seen to be without calls; undefined from a call on. */
  unusedSince: number | undefined = undefined;

  constructor(readonly circuit: C) {}
}

/** The circuits of one owner, by key, or by what stands in one for the other; undefined stands for a method without keys. */
export class CircuitsByKey<Context> {
  readonly #kept = new Map<unknown, Kept<Circuit<Context>>>();
  /** Goes round the keys. */
  #hand = this.#kept.entries();
  /** One that was dropped and is as new, for the next key: where few keys are called in turn, each is soon dropped. */
  #spare: Circuit<Context> | undefined;

  constructor(readonly create: () => Circuit<Context>) {}

  /** The circuit for a call; made where there is none. Looks at two others, so that those of one-off keys do not pile up. */
  use(key: unknown): Circuit<Context> {
    this.#lookBesides(key);
    this.#lookBesides(key);
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      kept = new Kept(this.#spare ?? this.create());
      this.#spare = undefined;
      this.#kept.set(key, kept);
    }
    kept.unusedSince = undefined;
    return kept.circuit;
  }

  /** The circuit that there is. */
  find(key: unknown): Circuit<Context> | undefined {
    return this.#kept.get(key)?.circuit;
  }

  /** What its circuits are now. */
  *states(): Generator<CircuitState> {
    for (const { circuit } of this.#kept.values()) yield circuit.state;
  }

  /** Does this with every circuit. */
  renew(renew: (circuit: Circuit<Context>) => void): void {
    this.#spare = undefined;
    for (const { circuit } of this.#kept.values()) renew(circuit);
  }

  #lookBesides(key: unknown): void {
    const { done, value } = this.#hand.next();
    if (done) {
      this.#hand = this.#kept.entries();
      return;
    }
    const [name, kept] = value;
    if (name === key || !isSpent(kept)) return;
    this.#kept.delete(name);
    if (kept.circuit.isIdle) this.#spare = kept.circuit;
  }
}

/** Whether nothing is lost without it, or little that is long ago. */
function isSpent<Context>(kept: Kept<Circuit<Context>>): boolean {
  const { circuit } = kept;
  if (circuit.isIdle) return true;
  const { state, isBusy } = circuit;
  if (isBusy || state === 'open' || state === 'isolated') return false;
  const time = now();
  kept.unusedSince ??= time;
  return isOver(kept.unusedSince, keptFor[state], time);
}

/** The circuits of an instance, and how often all had taken other options when they did. */
interface Owned<Context> {
  readonly circuits: CircuitsByKey<Context>;
  times: number;
}

/** An isolation of all circuits, those too that come while it lasts. */
class Isolation<Context> {
  readonly #ends = new Map<Circuit<Context>, () => void>();

  constructor(readonly context: Context | undefined) {}

  isolate(circuit: Circuit<Context>): void {
    if (!this.#ends.has(circuit)) this.#ends.set(circuit, circuit.isolate(this.context));
  }

  end(): void {
    for (const end of this.#ends.values()) end();
  }
}

/** The circuits of a method on a concrete class, or of methods that share them, by instance and key as far as told apart. */
export class Circuits<Context, Options extends SharingConfig> implements State {
  readonly #create: () => Circuit<Context>;
  readonly #configure: (circuit: Circuit<Context>, options: Options) => void;
  #options: Options;
  /** How often they took other options. */
  #times = 0;
  readonly #isolations = new Set<Isolation<Context>>();
  readonly #shared: CircuitsByKey<Context>;
  readonly #own = new WeakMap<object, Owned<Context>>();
  /** The same, for who goes through all of them. */
  readonly #everyOwn = new WeakList<Owned<Context>>();
  /** The only one, where there are no others. */
  readonly only: Circuit<Context> | undefined;

  constructor(
    readonly sharing: Options,
    create: (options: Options) => Circuit<Context>,
    configure: (circuit: Circuit<Context>, options: Options) => void,
  ) {
    this.#options = sharing;
    this.#create = () => {
      const circuit = create(this.#options);
      for (const isolation of this.#isolations) isolation.isolate(circuit);
      return circuit;
    };
    this.#configure = configure;
    this.#shared = new CircuitsByKey(this.#create);
    if (isShared(sharing)) this.only = this.#shared.use(undefined);
  }

  /** What the circuits are now, of all receivers and keys. */
  *states(): Generator<CircuitState> {
    yield* this.#shared.states();
    for (const { circuits } of this.#everyOwn) yield* circuits.states();
  }

  /** Has every circuit take other options; those of an instance when they are next looked at. */
  configure(options: Options): void {
    this.#options = options;
    this.#times++;
    this.#shared.renew((circuit) => this.#configure(circuit, options));
  }

  /** Isolates every circuit, those too that come meanwhile, until that is ended. `context` is for the hooks. */
  isolate(context: Context | undefined): Undo {
    const isolation = new Isolation(context);
    this.#isolations.add(isolation);
    const own = Array.from(this.#everyOwn, ({ circuits }) => circuits);
    for (const circuits of [this.#shared, ...own]) circuits.renew((circuit) => isolation.isolate(circuit));
    return once(() => {
      this.#isolations.delete(isolation);
      isolation.end();
    });
  }

  /**
   * The circuit that a call goes through. Without a `key`, a place where other values than the caller's are put has one for
   * each of them. Throws where the key of the call cannot be told.
   */
  of(call: Call, key: Key | undefined, replaced: ArgumentPlace | undefined, site: SiteInfo): Circuit<Context> {
    const own = key === undefined ? replaced && valueAt(call.args, replaced) : keyOf(call, key, site, 'circuitBreaker');
    return this.byKeyOf(call.self).use(own);
  }

  /** The circuits of a receiver; of all together, unless each instance has its own. */
  byKeyOf(self: unknown): CircuitsByKey<Context> {
    if (this.sharing.scope !== 'instance' || !isObject(self)) return this.#shared;
    let own = this.#own.get(self);
    if (own === undefined) {
      own = { circuits: new CircuitsByKey(this.#create), times: this.#times };
      this.#own.set(self, own);
      this.#everyOwn.add(own);
    }
    if (own.times !== this.#times) {
      own.times = this.#times;
      own.circuits.renew((circuit) => this.#configure(circuit, this.#options));
    }
    return own.circuits;
  }
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';
