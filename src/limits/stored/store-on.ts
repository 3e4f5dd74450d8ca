import { now } from '../../core/call/clock.js';
import type { RateRules, SlotRules, Store } from '../store.js';
import type { Backend } from './backend.js';
import { Link } from './link.js';
import { Names } from './named.js';
import type { FilledOptions } from './options.js';

/** How often it is tried to be told of what there is, in milliseconds. */
const tryEvery = 1000;

/** A store, as this process gets on with what keeps its state. */
export class StoreOn implements Store {
  readonly #link: Link;
  readonly #names: Names;
  #unsubscribe: (() => unknown) | undefined;
  #isSubscribing = false;
  /** The latest. */
  #subscription: object | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;

  constructor(
    readonly backend: Backend,
    options: FilledOptions,
  ) {
    this.#link = new Link(backend, options);
    this.#names = new Names(this.#link);
    this.#link.onTrip = () => this.#subscribe();
  }

  rates(name: string, rules: RateRules): ReturnType<Names['rates']> {
    return this.#names.rates(name, rules);
  }

  slots(name: string, rules: SlotRules): ReturnType<Names['slots']> {
    return this.#names.slots(name, rules);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.backend.name;
  }

  /** Begins with the first answer, as nothing is connected before the first call; and again where it has failed. */
  #subscribe(): void {
    const { subscribe } = this.backend;
    if (subscribe === undefined || this.#isSubscribing || this.#link.isHinted || this.#link.isClosed) return;
    if (now() - this.#triedAt < tryEvery) return;
    this.#triedAt = now();
    this.#isSubscribing = true;
    const hints = {
      look: (tag: string) => this.#names.look(tag),
      pause: (tag: string, duration: number, isForAll: boolean) => this.#names.pause(tag, duration, isForAll),
      ended: () => {
        // What is connected after this one has ended is not this one's affair.
        if (mine === this.#subscription) this.#link.unhinted();
      },
    };
    const mine = {};
    this.#subscription = mine;
    new Promise<() => unknown>((resolve) => resolve(subscribe.call(this.backend, this.#link.process, hints))).then(
      (unsubscribe) => {
        this.#isSubscribing = false;
        this.#unsubscribe = unsubscribe;
        if (this.#link.isClosed) end(unsubscribe);
        else this.#link.hinted();
      },
      () => {
        this.#isSubscribing = false;
      },
    );
  }

  async #close(): Promise<void> {
    await this.#link.close();
    if (this.#unsubscribe !== undefined) end(this.#unsubscribe);
  }
}

/** Nobody needs to know how it ends. */
function end(unsubscribe: () => unknown): void {
  new Promise((resolve) => resolve(unsubscribe())).catch(() => {});
}
