import type { Call } from '../core/call/call.js';
import { isOver, now } from '../core/call/clock.js';
import type { SiteInfo } from '../core/call/policy.js';
import { WeakList } from '../core/weak-list.js';
import { type Key, keyOf } from './asked.js';

/** A limiter that can say when it is idle, so that it may be dropped, and when somebody waits in it. */
export interface Limiter {
  onIdle: (() => void) | undefined;
  onWaiting?: ((waiting: boolean) => void) | undefined;
  /** Called before it looks at what time has brought back, which may depend on what it was renewed for. */
  beforeReturn?: (() => void) | undefined;
  /** Called when its limit has moved by itself. */
  onMove?: (() => void) | undefined;
  /** For how many milliseconds it is kept while it is idle, as it has learned something. Left out: for none. */
  readonly keptFor?: number;
  /** Whether it is idle; there where it may be kept. */
  readonly isIdle?: boolean;
}

/** For which method a limiter is looked for, and by which key. */
export interface Use {
  readonly site: SiteInfo;
  readonly kind: string;
  readonly key: Key | undefined;
}

/** Limiters by what tells which one a call has. */
export interface Found<L> extends Iterable<L> {
  /** The limiter of a call; made at its first call. Throws where the key of the call cannot be told. */
  find(call: Call, use: Use): L;
  /** Does this with every limiter: at once where somebody waits, else before its next call, or what comes back to it. */
  renew(renew: (limiter: L) => void): void;
}

/** How many of those that are idle each call looks at: more than one, so that they go faster than new ones come. */
const looks = 2;

/**
 * One for all calls without a key, and one for each key; of these, those that are idle are dropped: at once, or when they
 * have been so for as long as they are to be kept.
 */
export class ByKey<L extends Limiter> implements Found<L> {
  #keyless: L | undefined;
  #byKey: Map<string, L> | undefined;
  /** Since when those rest that were idle and are kept: the one that was used longest ago first. It may be in use again. */
  #resting: Map<string, number> | undefined;

  constructor(readonly create: (key?: string) => L) {}

  find(call: Call, use: Use): L {
    if (use.key !== undefined) return this.#findByKey(keyOf(call, use.key, use.site, use.kind));
    this.#keyless ??= this.create();
    return this.#keyless;
  }

  /** The one of a key, or that of calls without; undefined where there is none by now. */
  peek(name: string | undefined): L | undefined {
    return name === undefined ? this.#keyless : this.#byKey?.get(name);
  }

  #findByKey(name: string): L {
    this.#byKey ??= new Map();
    const limiters = this.#byKey;
    if (this.#resting !== undefined) this.#dropRested(limiters, this.#resting);
    let limiter = limiters.get(name);
    if (limiter === undefined) {
      const made = this.create(name);
      limiter = made;
      // One that was dropped may be told of once more.
      made.onIdle = () => {
        if (made.keptFor) this.#rest(name);
        else if (limiters.get(name) === made) limiters.delete(name);
      };
      limiters.set(name, made);
      // A call that takes nothing never makes it idle.
      if (made.keptFor) this.#rest(name);
    }
    return limiter;
  }

  #rest(name: string): void {
    this.#resting ??= new Map();
    this.#resting.delete(name);
    this.#resting.set(name, now());
  }

  /** Looks at those that were used longest ago. */
  #dropRested(limiters: Map<string, L>, resting: Map<string, number>): void {
    let looked = 0;
    for (const [name, since] of resting) {
      const limiter = limiters.get(name);
      const isBusy = limiter?.isIdle === false;
      if (looked++ === looks || !(isBusy || isOver(since, limiter?.keptFor ?? 0, now()))) return;
      resting.delete(name);
      if (!isBusy) limiters.delete(name);
    }
  }

  renew(renew: (limiter: L) => void): void {
    if (this.#keyless !== undefined) renew(this.#keyless);
    for (const limiter of this.#byKey?.values() ?? []) renew(limiter);
  }

  *[Symbol.iterator](): Generator<L> {
    if (this.#keyless !== undefined) yield this.#keyless;
    yield* this.#byKey?.values() ?? [];
  }
}

/** What an instance has, and how often all had been renewed when that was. */
interface Owned<L> {
  readonly limiters: Found<L>;
  times: number;
}

/** Some for each instance, which they do not keep alive. Calls without one share theirs. */
export class ByInstance<L extends Limiter> implements Found<L> {
  readonly #shared: Found<L>;
  readonly #owners = new WeakMap<object, Owned<L>>();
  /** The same of all instances. */
  readonly #all = new WeakList<Found<L>>();
  /** Limiters in which somebody waits. */
  readonly #busy = new Set<L>();
  #renew: (limiter: L) => void = () => {};
  #times = 0;

  constructor(readonly create: () => L) {
    this.#shared = new ByKey(create);
  }

  find(call: Call, use: Use): L {
    const { self } = call;
    if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return this.#shared.find(call, use);
    let owned = this.#owners.get(self);
    if (owned === undefined) {
      const limiters = new ByKey(() => this.#watched(this.create(), () => this.#catchUp(made)));
      const made: Owned<L> = { limiters, times: this.#times };
      owned = made;
      this.#owners.set(self, owned);
      this.#all.add(limiters);
    }
    this.#catchUp(owned);
    return owned.limiters.find(call, use);
  }

  #catchUp(owned: Owned<L>): void {
    if (owned.times === this.#times) return;
    owned.times = this.#times;
    owned.limiters.renew(this.#renew);
  }

  renew(renew: (limiter: L) => void): void {
    this.#times++;
    this.#renew = renew;
    this.#shared.renew(renew);
    for (const limiter of this.#busy) renew(limiter);
  }

  *[Symbol.iterator](): Generator<L> {
    yield* this.#shared;
    for (const limiters of this.#all) yield* limiters;
  }

  #watched(limiter: L, beforeReturn: () => void): L {
    if ('beforeReturn' in limiter) limiter.beforeReturn = beforeReturn;
    limiter.onWaiting = (waiting) => {
      if (waiting) this.#busy.add(limiter);
      else this.#busy.delete(limiter);
    };
    return limiter;
  }
}
