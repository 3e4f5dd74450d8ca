import { type BatchPlan, unwatch, type Watcher, watch } from '../core/call.js';
import { ItemError } from '../core/errors.js';
import { show } from '../core/options.js';
import { Fifo } from './fifo.js';
import type { Items, Settings } from './options.js';
import { Tally, totalOf } from './progress.js';

/** How many results may lie ready or be under way, for each item that is worked on at once. */
const ahead = 4;

/** How the items are worked on. */
export interface Work<Item, Result> {
  /** Works on one item; the signal governs it. */
  readonly run: (item: Item, signal: AbortSignal) => Promise<Result>;
  /** How many at once where the caller does not say. */
  readonly concurrency: number;
  /** For items that travel to workers in batches: how many there should be under way. */
  readonly plan?: BatchPlan | undefined;
}

/** A result, on its way or there. */
interface Slot<Result> {
  readonly index: number;
  value: Result | undefined;
  done: boolean;
}

interface Taker<Out> {
  readonly resolve: (result: IteratorResult<Out, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** Works on items as their results are taken; begins at the first `next()`. */
export class ItemStream<Item, Result, Out> implements AsyncIterableIterator<Out, undefined, undefined> {
  readonly #source: Items<Item>;
  readonly #work: Work<Item, Result>;
  readonly #emit: (slot: Slot<Result | ItemError<Item>>) => Out;
  readonly #options: Settings;
  #tally: Tally | undefined;
  readonly #abort = new AbortController();
  readonly #watcher: Watcher = { abort: (reason) => this.#fail(reason) };
  readonly #slots = new Fifo<Slot<Result | ItemError<Item>>>();
  readonly #takers = new Fifo<Taker<Out>>();
  #iterator: Iterator<Item> | AsyncIterator<Item> | undefined;
  #isAsync = false;
  #pulling = false;
  #drained = false;
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  #running = 0;
  #index = 0;

  constructor(
    source: Items<Item>,
    work: Work<Item, Result>,
    options: Settings,
    emit: (slot: Slot<Result | ItemError<Item>>) => Out,
  ) {
    this.#source = source;
    this.#work = work;
    this.#options = options;
    this.#emit = emit;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    if (this.#iterator === undefined && !this.#over) this.#begin();
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

  async return(): Promise<IteratorResult<Out, undefined>> {
    this.#failure = undefined;
    if (!this.#over) {
      const released = this.#end(new DOMException('The results are no longer wanted', 'AbortError'), true);
      this.#serve();
      await released;
    }
    return { done: true, value: undefined };
  }

  #begin(): void {
    const { signal } = this.#options;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return;
    }
    const { onProgress, progress } = this.#options;
    this.#tally = new Tally(totalOf(this.#source), onProgress, progress);
    if (signal !== undefined) watch(this.#watcher, signal);
    try {
      this.#open();
    } catch (error) {
      this.#drained = true;
      this.#fail(error);
    }
  }

  #open(): void {
    const source = this.#source as AsyncIterable<Item> & Iterable<Item>;
    this.#isAsync = typeof source[Symbol.asyncIterator] === 'function';
    this.#iterator = this.#isAsync ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** Pulls and starts items as far as the limits allow. */
  #pump(): void {
    const { plan } = this.#work;
    while (!this.#over && !this.#drained && !this.#pulling) {
      const concurrency = plan?.wanted ?? this.#options.concurrency;
      if (this.#running >= concurrency) return;
      const unordered = this.#options.ordered ? 0 : this.#running;
      if (this.#slots.length + unordered >= concurrency * ahead) return;
      if (this.#isAsync) this.#pullAsync();
      else this.#pull();
    }
  }

  #pull(): void {
    let pulled: Pulled<Item>;
    this.#pulling = true;
    try {
      pulled = read((this.#iterator as Iterator<Item>).next());
    } catch (error) {
      this.#break(error);
      return;
    } finally {
      this.#pulling = false;
    }
    // The source itself may have ended it all; a generator cannot be let go while it runs.
    if (this.#over && !pulled.done) this.#release().catch(() => {});
    this.#accept(pulled);
  }

  #pullAsync(): void {
    this.#pulling = true;
    const pulled = (async () => read(await (this.#iterator as AsyncIterator<Item>).next()))();
    pulled.then(
      (result) => {
        this.#pulling = false;
        if (this.#over) return;
        this.#accept(result);
        this.#pump();
        this.#serve();
      },
      (error) => {
        this.#pulling = false;
        this.#break(error);
      },
    );
  }

  /** The source failed, which ends it. */
  #break(error: unknown): void {
    this.#drained = true;
    this.#fail(error);
  }

  #accept(pulled: Pulled<Item>): void {
    if (pulled.done) this.#drained = true;
    else if (!this.#over) this.#start(pulled.value);
  }

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
      return this.#work.run(item, this.#abort.signal);
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
    if (this.#drained && this.#running === 0 && slot === undefined) {
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
    if (this.#drained) return;
    const busy = this.#pulling;
    if (busy && !this.#isAsync) return;
    const released = this.#release();
    // A source that is busy answers its return() after the pull that is under way, which may never end.
    if (wait && !busy) await released;
    else released.catch(() => {});
  }

  /** Calls the source's return(), also where nothing was pulled yet: it may hold on to something already. */
  async #release(): Promise<void> {
    this.#drained = true;
    if (this.#iterator === undefined) this.#open();
    await this.#iterator?.return?.();
  }
}

/** What was pulled, read once. */
type Pulled<Item> = { readonly done: true } | { readonly done: false; readonly value: Item };

function read<Item>(result: IteratorResult<Item>): Pulled<Item> {
  if (typeof result !== 'object' || result === null) {
    throw new TypeError(`the source of the items gave ${show(result)} in place of an iterator's result`);
  }
  return result.done ? { done: true } : { done: false, value: result.value };
}
