import { Fifo, type Slot, type Taker } from './fifo.js';

/** Where the results of a run lie until they are taken, and where those stand in line who ask for them. */
export class Outlet<Out> {
  #slots = new Fifo<Slot>();
  readonly #takers = new Fifo<Taker<Out>>();
  readonly #emit: (slot: Slot) => Out;
  /** Whether no more results can come. */
  readonly #isUsedUp: () => boolean;
  /** To be told, once, that the last result is taken. */
  readonly #onEmpty: () => void;
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;

  constructor(emit: (slot: Slot) => Out, isUsedUp: () => boolean, onEmpty: () => void) {
    this.#emit = emit;
    this.#isUsedUp = isUsedUp;
    this.#onEmpty = onEmpty;
  }

  /** How many results lie here or are on their way here. */
  get length(): number {
    return this.#slots.length;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Takes in a result, there or on its way; they are given in this order. */
  push(slot: Slot): void {
    this.#slots.push(slot);
  }

  /** Somebody stands in line for a result. */
  take(taker: Taker<Out>): void {
    this.#takers.push(taker);
  }

  /** What may be taken at once, if anything. */
  takeFirst(): IteratorResult<Out, undefined> | undefined {
    return this.#takers.length === 0 ? this.#takeReady() : undefined;
  }

  /** Gives those in line what is ready. */
  serve(): void {
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

  /** From now on there are no results; whoever asks first is told of the failure, if there is one. */
  close(failure?: { readonly error: unknown }): void {
    this.#isClosed = true;
    this.#slots = new Fifo();
    this.#failure = failure;
  }

  #takeReady(): IteratorResult<Out, undefined> | undefined {
    if (this.#failure !== undefined) return undefined;
    if (this.#isClosed) return { done: true, value: undefined };
    const slot = this.#slots.first;
    if (slot?.done) {
      this.#slots.shift();
      return { done: false, value: this.#emit(slot) };
    }
    if (slot !== undefined || !this.#isUsedUp()) return undefined;
    this.#onEmpty();
    // Where it came to an end with a failure, that goes first.
    return this.#failure === undefined ? { done: true, value: undefined } : undefined;
  }
}
