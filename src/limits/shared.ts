import type { Call } from '../core/call/call.js';
import { node } from '../core/node.js';
import { once, type Undo } from '../core/undo.js';
import { Changes } from './changes.js';
import type { Found, Limiter, Use } from './found.js';
import { foundBy, type SharingConfig, watched } from './limiters.js';

/** A limiter that tells of itself. */
interface Telling extends Limiter {
  readonly waiting: number;
  readonly used: number;
}

/** What a limiter that methods share is made of. */
interface Making<L, Options> {
  readonly options: Options;
  readonly create: (options: Options) => L;
  readonly configure: (limiter: L, options: Options) => void;
  /** Told once every limiter has taken other options. */
  readonly changed?: (options: Options, before: Options) => void;
  /** How much one call may ask for. */
  readonly limitOf: (options: Options) => number;
}

/** What stands behind an object that methods share: its limiters, by key and instance. */
export class Shared<L extends Telling, Options extends SharingConfig> {
  readonly #options: Changes<Options>;
  #found: Found<L>;
  #moved: { limiter?: L } = {};
  #most = 0;
  /** What is done with limiters that are made. */
  readonly #onMade = new Set<(limiter: L) => void>();

  constructor(readonly making: Making<L, Options>) {
    this.#options = new Changes(making.options, (options, before) => this.#renew(options, before));
    this.#allow();
    this.#found = this.#find();
  }

  #allow(): void {
    this.#most = Math.max(this.#most, this.making.limitOf(this.options));
  }

  #find(): Found<L> {
    const last: { limiter?: L } = {};
    this.#moved = last;
    return foundBy(this.making.options, () => {
      const limiter = this.making.create(this.options);
      for (const act of this.#onMade) act(limiter);
      return watched(limiter, (moved) => {
        last.limiter = moved;
      });
    });
  }

  get options(): Options {
    return this.#options.current;
  }

  /** Those that it was made with. */
  get declared(): Options {
    return this.#options.declared;
  }

  /** The limiter whose limit was the last to move by itself. */
  get moved(): L | undefined {
    return this.#moved.limiter;
  }

  /** The most that one call could ever ask for. */
  get most(): number {
    return this.#most;
  }

  find(call: Call, use: Use): L {
    return this.#found.find(call, use);
  }

  get waiting(): number {
    return this.#sum(({ waiting }) => waiting);
  }

  get used(): number {
    return this.#sum(({ used }) => used);
  }

  #sum(count: (limiter: L) => number): number {
    let sum = 0;
    for (const limiter of this.#found) sum += count(limiter);
    return sum;
  }

  /** Does this with every limiter. */
  each(act: (limiter: L) => void): void {
    for (const limiter of this.#found) act(limiter);
  }

  /** Does this with every limiter, and with those that come until that is ended. */
  forAll(act: (limiter: L) => void): Undo {
    this.each(act);
    this.#onMade.add(act);
    return once(() => this.#onMade.delete(act));
  }

  /** Changes the options until that is undone; of several changes the latest counts. Throws what `change` throws. */
  configure(change: (options: Options) => Options): Undo {
    return this.#options.add(change);
  }

  #renew(options: Options, before: Options): void {
    this.#allow();
    this.#found.renew((limiter) => this.making.configure(limiter, options));
    this.making.changed?.(options, before);
  }

  /** Has later calls meet limiters that are as new; those under way end by what there was. */
  reset(): void {
    this.#most = 0;
    this.#allow();
    this.#found = this.#find();
  }
}

/** What stands behind an object that methods share. */
interface Inside {
  readonly options: object;
}

/** What stands behind the objects that methods share, and for which kind of policy these are. */
const insides = new WeakMap<object, { readonly kind: string; readonly inside: Inside }>();

/** Says what stands behind an object that methods share, and has it print its options, as `explain` does. */
export function putInside(limiter: object, kind: string, inside: Inside): void {
  insides.set(limiter, { kind, inside });
  // Here and not on the prototype, so that bundles without limiters are without their classes.
  Object.defineProperty(limiter, Symbol.for('nodejs.util.inspect.custom'), {
    value: () => printed(limiter.constructor.name, inside.options),
  });
}

const printed = (name: string, options: object): string => {
  const given = Object.entries(options).filter(([, value]) => value !== Number.POSITIVE_INFINITY);
  const text = node('node:util').inspect(Object.fromEntries(given), {
    depth: 0,
    breakLength: Number.POSITIVE_INFINITY,
  });
  return `${name} ${text}`;
};

/** What stands behind an object, and the kind of policy that it is for; undefined where it is none of those. */
export const insideOf = (value: unknown): { readonly kind: string; readonly inside: Inside } | undefined =>
  insides.get(value as object);
