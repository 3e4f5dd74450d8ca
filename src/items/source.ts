import { Alarm } from '../core/call/clock.js';
import { show } from '../core/options.js';
import type { Items } from './options.js';

/** What was pulled, read once. */
export type Pulled<Item> = { readonly done: true } | { readonly done: false; readonly value: Item };

/**
 * How long a pull under way is waited for when the source is let go, in milliseconds. In turns, as a program that stands
 * still for a while has lost but one of them, and gets what came meanwhile before the next.
 */
const patience = { turns: 10, turn: 100 };

/** The items of a run: opened once, pulled one at a time, and let go once. */
export class Source<Item> {
  readonly #items: Items<Item>;
  #iterator: Iterator<Item> | AsyncIterator<Item> | undefined;
  #isAsync = false;
  #isOpening = false;
  #isPulling = false;
  #isDrained = false;

  constructor(items: Items<Item>) {
    this.#items = items;
  }

  /** Whether it has come to its end, failed, or been let go. */
  get isDrained(): boolean {
    return this.#isDrained;
  }

  /** Whether it may be pulled now. */
  get isReady(): boolean {
    return !this.#isDrained && !this.#isOpening && !this.#isPulling;
  }

  /** Whether its items come late, each in its own time. */
  get isAsync(): boolean {
    return this.#isAsync;
  }

  /** @throws What the items throw when they are asked for an iterator. */
  open(): void {
    const items = this.#items as AsyncIterable<Item> & Iterable<Item>;
    this.#isOpening = true;
    try {
      this.#isAsync = typeof items[Symbol.asyncIterator] === 'function';
      this.#iterator = this.#isAsync ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    } catch (error) {
      this.#isDrained = true;
      throw error;
    } finally {
      this.#isOpening = false;
    }
  }

  /** Pulls once. Tells `got` what came, at once or late, or `broke` what the source threw, which ends it. */
  pull(got: (pulled: Pulled<Item>, late: boolean) => void, broke: (error: unknown) => void): void {
    this.#isPulling = true;
    const failed = (error: unknown): void => {
      this.#isPulling = false;
      this.#isDrained = true;
      broke(error);
    };
    if (this.#isAsync) {
      this.#nextLate().then((pulled) => got(this.#take(pulled), true), failed);
      return;
    }
    let pulled: Pulled<Item>;
    try {
      pulled = this.#take(read((this.#iterator as Iterator<Item>).next()));
    } catch (error) {
      failed(error);
      return;
    }
    got(pulled, false);
  }

  /** Lets the source go early, also where nothing was pulled yet: it may hold on to something already. */
  async release(wait: boolean): Promise<void> {
    // It cannot be let go while it is opened, nor a generator while it runs; that is done once it is there, or its item.
    if (this.#isDrained || this.#isOpening || (this.#isPulling && !this.#isAsync)) return;
    const released = this.#return();
    if (wait) await this.#inPatience(released);
    else released.catch(() => {});
  }

  /**
   * Waits for a source to be let go. One that is busy may answer its return() only after the pull that is under way,
   * which may never end: that is waited for with patience, the rest for as long as it takes.
   */
  #inPatience(released: Promise<void>): Promise<void> {
    if (!this.#isPulling) return released;
    return new Promise((resolve, reject) => {
      let turns = patience.turns;
      const alarm = new Alarm(() => {
        if (!this.#isPulling) return;
        if (--turns === 0) resolve();
        else alarm.set(patience.turn);
      }, true);
      alarm.set(patience.turn);
      released.finally(() => alarm.clear()).then(resolve, reject);
    });
  }

  async #nextLate(): Promise<Pulled<Item>> {
    return read(await (this.#iterator as AsyncIterator<Item>).next());
  }

  #take(pulled: Pulled<Item>): Pulled<Item> {
    this.#isPulling = false;
    if (pulled.done) this.#isDrained = true;
    return pulled;
  }

  async #return(): Promise<void> {
    if (this.#iterator === undefined) this.open();
    this.#isDrained = true;
    await this.#iterator?.return?.();
  }
}

function read<Item>(result: IteratorResult<Item>): Pulled<Item> {
  if (typeof result !== 'object' || result === null) {
    throw new TypeError(`the source of the items gave ${show(result)} in place of an iterator's result`);
  }
  return result.done ? { done: true } : { done: false, value: result.value };
}
