import type { AsyncResource } from 'node:async_hooks';
import { unwatch, type Watcher, watch } from '../core/call/signals.js';
import { node } from '../core/node.js';
import type { Slot, Taker } from './fifo.js';
import type { Items, Settings } from './options.js';
import { Outlet } from './outlet.js';
import { Tally } from './progress.js';
import { type Pulled, Source } from './source.js';
import type { Work } from './work.js';

/** How many results may lie ready or be under way, for each item that is worked on at once. */
const ahead = 4;

/** One run over many items: pulls them, works on them, and gives the results to those who ask. Begins at the first asking. */
export class Run<Item, Out> {
  /**
   * One that never begins, made with the first that does, for the sake of their hidden class; see `Call.idle`. It holds
   * nothing of anybody's, and no stores.
   */
  static #idle: object | undefined;

  /** Whoever asks for results, the source and the method run with the stores of whoever made the run. */
  readonly scope: AsyncResource;
  readonly #source: Source<Item>;
  readonly #items: Items<Item>;
  readonly #work: Work<Item, unknown>;
  readonly #options: Settings;
  #tally: Tally | undefined;
  readonly #abort = new AbortController();
  readonly #watcher: Watcher = { abort: (reason) => this.scope.runInAsyncScope(this.#stop, this, reason) };
  readonly #outlet: Outlet<Out>;
  /** An item that came while as many were worked on as may be. */
  #kept: { readonly value: Item } | undefined;
  #begun = false;
  /** What ends the run once all results before it are taken. */
  #lastly: { readonly error: unknown } | undefined;
  #running = 0;
  #index = 0;

  constructor(
    items: Items<Item>,
    work: Work<Item, unknown>,
    options: Settings,
    emit: (slot: Slot) => Out,
    scope: AsyncResource = new (node('node:async_hooks').AsyncResource)('ItemStream'),
  ) {
    this.scope = scope;
    this.#source = new Source(items);
    this.#items = items;
    this.#work = work;
    this.#options = options;
    this.#outlet = new Outlet(
      emit,
      () => this.#source.isDrained && this.#running === 0,
      () => (this.#lastly === undefined ? this.#finish() : this.#fail(this.#lastly.error)),
    );
  }

  /** The next result, or the end. */
  next(): Promise<IteratorResult<Out, undefined>> {
    if (!this.#begun) this.#begin();
    const ready = this.#outlet.takeFirst();
    if (ready !== undefined) {
      this.#pump();
      // The source may have asked for a result itself, and turned out to be used up.
      this.#outlet.serve();
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
          this.#outlet.take(taker);
        },
        reject,
      };
      this.#begin();
      this.#take(taker);
    });
  }

  /** Ends it early, as its results are no longer wanted. */
  async leave(): Promise<IteratorResult<Out, undefined>> {
    const unwanted = new DOMException('The results are no longer wanted', 'AbortError');
    const released = this.#outlet.isClosed ? undefined : this.#end(true, unwanted);
    // Whatever failed before, and was not taken, does not matter any more.
    this.#outlet.close();
    this.#outlet.serve();
    await released;
    return { done: true, value: undefined };
  }

  /** A taker stands in line before anything is started, which may ask for a result itself. */
  #take(taker: Taker<Out>): void {
    this.#outlet.take(taker);
    this.#pump();
    this.#outlet.serve();
  }

  #begin(): void {
    if (this.#outlet.isClosed) return;
    this.#begun = true;
    const none = undefined as never;
    Run.#idle ??= new Run([], none, none, none, null as never);
    const { signal } = this.#options;
    if (signal?.aborted) {
      this.#stop(signal.reason);
      return;
    }
    const { onProgress, progress, concurrency } = this.#options;
    this.#tally = new Tally(this.#items, onProgress, progress ? concurrency : undefined);
    if (signal !== undefined) watch(this.#watcher, signal);
    try {
      this.#source.open();
    } catch (error) {
      this.#fail(error);
    }
    // It was the source itself that ended it all, while it was opened.
    if (this.#outlet.isClosed) this.#source.release(false).catch(() => {});
  }

  /** Pulls and starts items as far as the limits allow. */
  #pump(): void {
    while (!this.#outlet.isClosed) {
      const atOnce = this.#work.plan?.wanted ?? this.#options.concurrency;
      const hasRoom = this.#running < atOnce;
      const kept = this.#kept;
      if (kept !== undefined) {
        if (!hasRoom) return;
        this.#kept = undefined;
        this.#start(kept.value);
        continue;
      }
      // Of a source that takes its time, the next item is on its way while the others are worked on.
      if (!this.#source.isReady || !(hasRoom || this.#source.isAsync)) return;
      const unordered = this.#options.ordered ? 0 : this.#running;
      if (this.#outlet.length + unordered >= atOnce * ahead) return;
      this.#source.pull(this.#got, this.#broke);
    }
  }

  readonly #got = (pulled: Pulled<Item>, late: boolean): void => {
    if (this.#outlet.isClosed) {
      // It was the source itself that ended it all, while it was being pulled.
      if (!late) this.#source.release(false).catch(() => {});
      return;
    }
    if (!late) {
      if (!pulled.done) this.#start(pulled.value);
      return;
    }
    if (!pulled.done) this.#kept = pulled;
    this.#pump();
    this.#outlet.serve();
  };

  /** The source failed. Where failures are collected, what it gave before is worked on and taken first. */
  readonly #broke = (error: unknown): void => {
    if (this.#options.onError === 'throw') this.#fail(error);
    else this.#lastly = { error };
    this.#outlet.serve();
  };

  #start(item: Item): void {
    const slot: Slot = { index: this.#index++, value: undefined, done: false };
    if (this.#options.ordered) this.#outlet.push(slot);
    this.#running++;
    this.#call(item).then(
      (value) => this.#settle(slot, item, value, false),
      (error) => {
        if (this.#outlet.isClosed) return;
        if (this.#options.onError === 'throw') this.#failAt(error);
        else this.#settle(slot, item, this.#options.caller.itemError(item, slot.index, error), true);
      },
    );
  }

  #call(item: Item): Promise<unknown> {
    try {
      return this.#work.run(item, this.#abort.signal, this.#onFailure);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #settle(slot: Slot, item: Item, value: unknown, failed: boolean): void {
    if (this.#outlet.isClosed) return;
    this.#running--;
    slot.value = this.#options.entries ? { index: slot.index, item, value } : value;
    slot.done = true;
    if (!this.#options.ordered) this.#outlet.push(slot);
    this.#count(failed);
    // What is taken makes room for more; and the source may turn out to be used up.
    this.#outlet.serve();
    this.#pump();
    this.#outlet.serve();
  }

  /** An item is about to fail: where that ends it all, the others are aborted before any gets on with what it held. */
  readonly #onFailure = (error: unknown): void => {
    if (!this.#outlet.isClosed && this.#options.onError === 'throw') this.#failAt(error);
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

  #fail(error: unknown): void {
    if (!this.#outlet.isClosed) this.#options.caller.addTo(error);
    this.#stop(error);
  }

  #stop(error: unknown): void {
    if (this.#outlet.isClosed) return;
    this.#end(false, error, { error }).catch(() => {});
    this.#outlet.serve();
  }

  #finish(failure?: { readonly error: unknown }): void {
    this.#outlet.close(failure);
    this.#kept = undefined;
    if (this.#options.signal !== undefined) unwatch(this.#watcher, this.#options.signal);
    this.#tally?.end();
  }

  /** An early end: aborts what runs, and lets the source go. */
  async #end(wait: boolean, reason: unknown, failure?: { readonly error: unknown }): Promise<void> {
    this.#finish(failure);
    this.#abort.abort(reason);
    await this.#source.release(wait);
  }
}
