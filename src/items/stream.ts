import type { AsyncResource } from 'node:async_hooks';
import { ItemError } from '../core/errors.js';
import { node } from '../core/node.js';
import { unwatch, type Watcher, watch } from '../core/signals.js';
import { Fifo, type Slot, type Taker } from './fifo.js';
import type { Items, Settings } from './options.js';
import { Tally, totalOf } from './progress.js';
import { type Pulled, Source } from './source.js';
import type { Work } from './work.js';

/** How many results may lie ready or be under way, for each item that is worked on at once. */
const ahead = 4;

/** Works on items as their results are taken; begins at the first `next()`. */
export class ItemStream<Item, Result, Out> implements AsyncIterableIterator<Out, undefined, undefined> {
  /**
   * One that never begins, made with the first that does, for the sake of their hidden class; see `Call.idle`. It holds
   * nothing of anybody's, and no stores.
   */
  static #idle: object | undefined;

  readonly #source: Source<Item>;
  readonly #total: number | undefined;
  readonly #work: Work<Item, Result>;
  readonly #emit: (slot: Slot<Result | ItemError<Item>>) => Out;
  readonly #options: Settings;
  /** Whoever asks for results, the source and the method run with the stores of whoever made the stream. */
  readonly #scope: AsyncResource;
  #tally: Tally | undefined;
  readonly #abort = new AbortController();
  readonly #watcher: Watcher = { abort: (reason) => this.#scope.runInAsyncScope(this.#fail, this, reason) };
  readonly #slots = new Fifo<Slot<Result | ItemError<Item>>>();
  readonly #takers = new Fifo<Taker<Out>>();
  #begun = false;
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  #running = 0;
  #index = 0;

  constructor(
    items: Items<Item>,
    work: Work<Item, Result>,
    options: Settings,
    emit: (slot: Slot<Result | ItemError<Item>>) => Out,
    scope: AsyncResource = new (node('node:async_hooks').AsyncResource)('ItemStream'),
  ) {
    this.#scope = scope;
    this.#source = new Source(items);
    this.#total = totalOf(items);
    this.#work = work;
    this.#options = options;
    this.#emit = emit;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    return this.#scope.runInAsyncScope(this.#next, this);
  }

  return(): Promise<IteratorResult<Out, undefined>> {
    return this.#scope.runInAsyncScope(this.#return, this);
  }

  #next(): Promise<IteratorResult<Out, undefined>> {
    if (!this.#begun) this.#begin();
    const ready = this.#takers.length === 0 ? this.#takeReady() : undefined;
    if (ready !== undefined) {
      this.#pump();
      return Promise.resolve(ready);
    }
    return new Promise((resolve, reject) => this.#take({ resolve, reject }));
  }

  /** Gives each result to `use`, at less cost than a promise for each. */
  drain(use: (out: Out) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const taker: Taker<Out> = {
        resolve: (result) => {
          if (result.done) return resolve();
          use(result.value);
          this.#takers.push(taker);
        },
        reject,
      };
      this.#begin();
      this.#take(taker);
    });
  }

  /** A taker stands in line before anything is started, which may ask for a result itself. */
  #take(taker: Taker<Out>): void {
    this.#takers.push(taker);
    this.#pump();
    this.#serve();
  }

  async #return(): Promise<IteratorResult<Out, undefined>> {
    this.#failure = undefined;
    if (!this.#over) {
      const released = this.#end(new DOMException('The results are no longer wanted', 'AbortError'), true);
      this.#serve();
      await released;
    }
    return { done: true, value: undefined };
  }

  #begin(): void {
    if (this.#over) return;
    this.#begun = true;
    const none = undefined as never;
    ItemStream.#idle ??= new ItemStream([], none, none, none, null as never);
    const { signal } = this.#options;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return;
    }
    const { onProgress, progress } = this.#options;
    this.#tally = new Tally(this.#total, onProgress, progress);
    if (signal !== undefined) watch(this.#watcher, signal);
    try {
      this.#source.open();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Pulls and starts items as far as the limits allow. */
  #pump(): void {
    const { plan } = this.#work;
    while (!this.#over && this.#source.isReady) {
      const concurrency = plan?.wanted ?? this.#options.concurrency;
      if (this.#running >= concurrency) return;
      const unordered = this.#options.ordered ? 0 : this.#running;
      if (this.#slots.length + unordered >= concurrency * ahead) return;
      this.#source.pull(this.#got, this.#broke);
    }
  }

  readonly #got = (pulled: Pulled<Item>, late: boolean): void => {
    if (this.#over) {
      // It was the source itself that ended it all, while it was being pulled.
      if (!late) this.#source.release(false).catch(() => {});
      return;
    }
    if (!pulled.done) this.#start(pulled.value);
    if (!late) return;
    this.#pump();
    this.#serve();
  };

  readonly #broke = (error: unknown): void => this.#fail(error);

  #start(item: Item): void {
    const slot: Slot<Result | ItemError<Item>> = { index: this.#index++, value: undefined, done: false };
    if (this.#options.ordered) this.#slots.push(slot);
    this.#running++;
    this.#call(item).then(
      (value) => this.#settle(slot, value, false),
      (error) => {
        if (this.#over) return;
        if (this.#options.onError === 'collect') this.#settle(slot, new ItemError(item, slot.index, error), true);
        else this.#failAt(error);
      },
    );
  }

  #call(item: Item): Promise<Result> {
    try {
      return this.#work.run(item, this.#abort.signal, this.#onFailure);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #settle(slot: Slot<Result | ItemError<Item>>, value: Result | ItemError<Item>, failed: boolean): void {
    if (this.#over) return;
    this.#running--;
    slot.value = value;
    slot.done = true;
    if (!this.#options.ordered) this.#slots.push(slot);
    this.#count(failed);
    // What is taken makes room for more; and the source may turn out to be used up.
    this.#serve();
    this.#pump();
    this.#serve();
  }

  /** An item is about to fail: where that ends it all, the others are aborted before any gets on with what it held. */
  readonly #onFailure = (error: unknown): void => {
    if (!this.#over && this.#options.onError === 'throw') this.#failAt(error);
  };

  /** An item failed, which ends it all; the hook is told, but what it throws comes second. */
  #failAt(error: unknown): void {
    try {
      this.#tally?.count(true);
    } catch {
      // The first failure is the one to tell of.
    }
    this.#fail(error);
  }

  #count(failed: boolean): void {
    try {
      this.#tally?.count(failed);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Gives those who wait what is ready. */
  #serve(): void {
    while (this.#takers.length > 0) {
      if (this.#failure !== undefined) {
        const { error } = this.#failure;
        this.#failure = undefined;
        this.#takers.shift()?.reject(error);
        continue;
      }
      const ready = this.#takeReady();
      if (ready === undefined) return;
      this.#takers.shift()?.resolve(ready);
    }
  }

  #takeReady(): IteratorResult<Out, undefined> | undefined {
    if (this.#failure !== undefined) return undefined;
    if (this.#over) return { done: true, value: undefined };
    const slot = this.#slots.first;
    if (slot?.done) {
      this.#slots.shift();
      return { done: false, value: this.#emit(slot) };
    }
    if (this.#source.isDrained && this.#running === 0 && slot === undefined) {
      this.#finish();
      return { done: true, value: undefined };
    }
    return undefined;
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#failure = { error };
    this.#end(error, false).catch(() => {});
    this.#serve();
  }

  #finish(): void {
    this.#over = true;
    if (this.#options.signal !== undefined) unwatch(this.#watcher, this.#options.signal);
    this.#tally?.end();
  }

  /** An early end: aborts what runs, and lets the source go. */
  async #end(reason: unknown, wait: boolean): Promise<void> {
    this.#finish();
    this.#abort.abort(reason);
    await this.#source.release(wait);
  }
}
