import type { Call } from '../../core/call/call.js';
import { ConfigurationError } from '../../core/errors.js';
import { once, type Undo } from '../../core/undo.js';
import { ByKey, type Limiter, type Use } from '../found.js';
import type { Pausable, RateRules, SlotRules, StoredLimits } from '../store.js';
import type { Link } from './link.js';
import { StoredRate } from './rate-gate.js';
import { StoredSlots } from './slot-gate.js';
import { readTag, tagOf } from './tags.js';
import { WholePause } from './whole-pause.js';

/** A limit in a store as a name has some: one for each key. */
interface Gate<Rules> extends Limiter {
  readonly tag: string;
  readonly waiting: number;
  readonly used: number;
  configure(rules: Rules): void;
}

/** The limits of a name. */
class Named<Rules extends object, Each extends Gate<Rules>> implements StoredLimits<Each, Rules> {
  protected readonly all: ByKey<Each>;
  #rules: Rules;

  get rules(): Rules {
    return this.#rules;
  }

  constructor(
    /** Those that this process has declared. */
    readonly declared: Rules,
    make: (key: string | undefined, rules: Rules) => Each,
  ) {
    this.#rules = declared;
    this.all = new ByKey((key) => make(key, this.#rules));
  }

  find(call: Call, use: Use): Each {
    return this.all.find(call, use);
  }

  configure(rules: Rules): void {
    if (isAlike(this.#rules, rules)) return;
    this.#rules = rules;
    this.all.renew((each) => each.configure(rules));
  }

  get waiting(): number {
    return [...this.all].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  get used(): number {
    return [...this.all].reduce((sum, { used }) => sum + used, 0);
  }

  peek(key: string | undefined): Each | undefined {
    return this.all.peek(key);
  }
}

/** Rate limits may be paused, and held, those too that come meanwhile. */
class NamedRates extends Named<RateRules, StoredRate> implements Pausable {
  readonly #pause: WholePause;
  readonly #holds: Set<object>;

  constructor(link: Link, name: string, rules: RateRules) {
    const holds = new Set<object>();
    super(rules, (key, current) => {
      const made = new StoredRate(link, tagOf('r', name, key), current, this.#pause, key !== undefined);
      if (holds.size > 0) made.hold(true);
      return made;
    });
    const tag = tagOf('r', name, undefined);
    this.#pause = new WholePause(
      link,
      tag,
      () => this.rules,
      () => {
        for (const each of this.all) each.pauseChanged();
      },
    );
    this.#holds = holds;
  }

  pause(duration: number): void {
    this.#pause.pause(duration);
  }

  resume(): void {
    this.#pause.resume();
    for (const each of this.all) each.resume();
  }

  /** Another process has paused all keys for so long; 0: it has ended every pause. */
  paused(duration: number): void {
    this.#pause.told(duration);
    if (duration > 0) return;
    // It need not know of all keys that are paused.
    for (const each of this.all) if (each.isPausedItself) each.resume();
  }

  hold(): Undo {
    const hold = {};
    this.#holds.add(hold);
    for (const each of this.all) each.hold(true);
    return once(() => {
      this.#holds.delete(hold);
      for (const each of this.all) each.hold(this.#holds.size > 0);
    });
  }
}

/** The limits of a store that this process knows, by their names. */
export class Names {
  readonly #rates = new Map<string, NamedRates>();
  readonly #slots = new Map<string, Named<SlotRules, StoredSlots>>();

  constructor(readonly link: Link) {}

  rates(name: string, rules: RateRules): NamedRates {
    return known(this.#rates, name, rules, () => new NamedRates(this.link, name, rules));
  }

  slots(name: string, rules: SlotRules): Named<SlotRules, StoredSlots> {
    return known(this.#slots, name, rules, () => {
      return new Named(rules, (key, current) => new StoredSlots(this.link, tagOf('c', name, key), current));
    });
  }

  look(tag: string): void {
    withTag(this.#slots, tag)?.look();
  }

  pause(tag: string, duration: number, isForAll: boolean): void {
    if (isForAll) this.#rates.get(readTag(tag).name)?.paused(duration);
    else withTag(this.#rates, tag)?.pauseHere(duration);
  }
}

/** The limit of a tag; undefined where there is none here. */
function withTag<Each>(
  all: ReadonlyMap<string, { peek(key: string | undefined): Each | undefined }>,
  tag: string,
): Each | undefined {
  const { name, key } = readTag(tag);
  return all.get(name)?.peek(key);
}

function known<Rules extends object, Each extends { readonly declared: Rules }>(
  all: Map<string, Each>,
  name: string,
  rules: Rules,
  make: () => Each,
): Each {
  let found = all.get(name);
  if (found !== undefined && !isAlike(found.declared, rules)) {
    const [here, there] = [rules, found.declared].map((each) => JSON.stringify(each));
    throw new ConfigurationError(
      `\`name\` '${name}' stands for one limit, but its options differ: ${here} here, ${there} elsewhere; give both the same, or other names`,
    );
  }
  if (found === undefined) {
    found = make();
    all.set(name, found);
  }
  return found;
}

const isAlike = <Rules extends object>(one: Rules, other: Rules): boolean =>
  Object.entries(one).every(([name, value]) => Reflect.get(other, name) === value);
