import { isOver } from './circuit-time.js';

/** The places of the probes in a half-open circuit. A probe that grows too old gives up its place, though not its vote. */
export class Probes {
  /** When each began, by its token. */
  readonly #begins = new Map<number, number>();

  /** Whether one more may go: fewer than `places` are there that began less than `age` ago. */
  hasPlace(places: number, age: number, time: number): boolean {
    for (const [token, begin] of this.#begins) {
      // Where `age` is 0, the probes of one moment are still at once.
      if (begin !== time && isOver(begin, age, time)) this.#begins.delete(token);
    }
    return this.#begins.size < places;
  }

  add(token: number, time: number): void {
    this.#begins.set(token, time);
  }

  /** Frees the place of a probe, if it still has one. */
  delete(token: number): void {
    this.#begins.delete(token);
  }

  clear(): void {
    this.#begins.clear();
  }
}
