import { type Deferred, deferred } from './deferred.js';

/** Work that lasts until it is told to end; each piece has a name. */
export class Work {
  /** What was begun, in order. */
  readonly begun: string[] = [];
  readonly #pieces = new Map<string, Deferred<unknown>>();

  /** Begins a piece, which lasts until `end` or `fail`. */
  begin(name: string): Promise<unknown> {
    this.begun.push(name);
    const piece = deferred<unknown>();
    this.#pieces.set(name, piece);
    return piece.promise;
  }

  end(name: string, value: unknown = name): void {
    this.#take(name).resolve(value);
  }

  fail(name: string, error: unknown): void {
    this.#take(name).reject(error);
  }

  endAll(): void {
    for (const name of [...this.#pieces.keys()]) this.end(name);
  }

  /** What was begun and has not ended. */
  get running(): string[] {
    return [...this.#pieces.keys()];
  }

  #take(name: string): Deferred<unknown> {
    const piece = this.#pieces.get(name);
    if (piece === undefined) throw new Error(`${name} does not run`);
    this.#pieces.delete(name);
    return piece;
  }
}
