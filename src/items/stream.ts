import type { Run } from './run.js';

/** The results of a run as an async iterable. */
export class ItemStream<Item, Out> implements AsyncIterableIterator<Out, undefined, undefined> {
  readonly #run: Run<Item, Out>;

  constructor(run: Run<Item, Out>) {
    this.#run = run;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    return this.#run.scope.runInAsyncScope(this.#run.next, this.#run);
  }

  return(): Promise<IteratorResult<Out, undefined>> {
    return this.#run.scope.runInAsyncScope(this.#run.leave, this.#run);
  }
}
