import type { Call } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Key, keyOf } from './key.js';

/** A limiter that can say when it is idle, so that it may be dropped, and when somebody waits in it. */
export interface Limiter {
  onIdle: (() => void) | undefined;
  onWaiting?: ((waiting: boolean) => void) | undefined;
  /** Called before it looks at what time has brought back, which may depend on what it was renewed for. */
  beforeReturn?: (() => void) | undefined;
}

/** Limiters by what tells which one a call has. */
export interface Found<L> {
  /** The limiter of a call; made at its first call. */
  find(call: Call): L;
  /** Does this with every limiter: at once where somebody waits, else before its next call, or what comes back to it. */
  renew(renew: (limiter: L) => void): void;
}

/** One limiter for all calls. */
export class One<L> implements Found<L> {
  #limiter: L | undefined;

  constructor(readonly create: () => L) {}

  find(): L {
    this.#limiter ??= this.create();
    return this.#limiter;
  }

  renew(renew: (limiter: L) => void): void {
    if (this.#limiter !== undefined) renew(this.#limiter);
  }
}

/** One for each key; those that are idle are dropped. */
export class ByKey<L extends Limiter> implements Found<L> {
  readonly #limiters = new Map<string, L>();

  constructor(
    readonly create: () => L,
    readonly key: Key,
    readonly site: SiteInfo,
    readonly kind: string,
  ) {}

  find(call: Call): L {
    const name = keyOf(call, this.key, this.site, this.kind);
    let limiter = this.#limiters.get(name);
    if (limiter === undefined) {
      limiter = this.create();
      limiter.onIdle = () => this.#limiters.delete(name);
      this.#limiters.set(name, limiter);
    }
    return limiter;
  }

  renew(renew: (limiter: L) => void): void {
    for (const limiter of this.#limiters.values()) renew(limiter);
  }
}

/** What an instance has, and how often all had been renewed when that was. */
interface Owned<L> {
  readonly limiters: Found<L>;
  times: number;
}

/** Some for each instance, which they do not keep alive. Calls without one share theirs. */
export class ByInstance<L extends Limiter> implements Found<L> {
  readonly #own: (beforeReturn: () => void) => Found<L>;
  readonly #shared: Found<L>;
  readonly #owners = new WeakMap<object, Owned<L>>();
  /** Limiters in which somebody waits. */
  readonly #busy = new Set<L>();
  #renew: (limiter: L) => void = () => {};
  #times = 0;

  constructor(own: (create: () => L) => Found<L>, create: () => L) {
    this.#own = (beforeReturn) => own(() => this.#watched(create(), beforeReturn));
    this.#shared = own(create);
  }

  find(call: Call): L {
    const { self } = call;
    if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return this.#shared.find(call);
    let owned = this.#owners.get(self);
    if (owned === undefined) {
      const made: Owned<L> = { limiters: this.#own(() => this.#catchUp(made)), times: this.#times };
      owned = made;
      this.#owners.set(self, owned);
    }
    this.#catchUp(owned);
    return owned.limiters.find(call);
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

  #watched(limiter: L, beforeReturn: () => void): L {
    if ('beforeReturn' in limiter) limiter.beforeReturn = beforeReturn;
    limiter.onWaiting = (waiting) => {
      if (waiting) this.#busy.add(limiter);
      else this.#busy.delete(limiter);
    };
    return limiter;
  }
}
