import { isOver } from './circuit-time.js';

/** The places of the probes in a half-open circuit. A probe that grows too old gives up its place, though not its vote. */
export class Probes {
  #tokens: number[] = [];
  #begins: number[] = [];

  /** Whether one more may go: fewer than `places` are there that began less than `age` ago. */
  hasPlace(places: number, age: number, time: number): boolean {
    this.#dropOld(age, time);
    return this.#tokens.length < places;
  }

  add(token: number, time: number): void {
    this.#tokens.push(token);
    this.#begins.push(time);
  }

  /** Frees the place of a probe, if it still has one. */
  delete(token: number): void {
    const at = this.#tokens.indexOf(token);
    if (at !== -1) this.#remove(at);
  }

  clear(): void {
    this.#tokens = [];
    this.#begins = [];
  }

  #dropOld(age: number, time: number): void {
    for (let at = this.#begins.length - 1; at >= 0; at--) {
      const begin = this.#begins[at] as number;
      // Where `age` is 0, the probes of one moment are still at once.
      if (begin !== time && isOver(begin, age, time)) this.#remove(at);
    }
  }

  #remove(at: number): void {
    this.#tokens.splice(at, 1);
    this.#begins.splice(at, 1);
  }
}
