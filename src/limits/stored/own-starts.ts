/** The starts of this process, for what it may do alone while the store is down. */
export class OwnStarts {
  readonly #times: number[] = [];
  readonly #weights: number[] = [];
  /** How much has started, of what was not forgotten. */
  #weight = 0;
  /** When there are so many, the old ones are looked for: so that costs no more than the adding did. */
  #full = 64;

  /** How much has started within a window; nothing is forgotten, as what may start alone goes by a longer one. */
  weightWithin(window: number, time: number): number {
    let weight = 0;
    for (let at = this.#times.length - 1; at >= 0 && (this.#times[at] as number) > time - window; at--) {
      weight += this.#weights[at] as number;
    }
    return weight;
  }

  /** One more; those that were longer ago than a window are forgotten now and then. */
  add(time: number, weight: number, window: number): void {
    if (weight === 0) return;
    if (this.#times.length >= this.#full) {
      this.trim(window, time);
      this.#full = Math.max(64, 2 * this.#times.length);
    }
    this.#times.push(time);
    this.#weights.push(weight);
    this.#weight += weight;
  }

  /** Forgets those that were longer ago. */
  trim(window: number, time: number): void {
    let old = 0;
    while (old < this.#times.length && (this.#times[old] as number) <= time - window) {
      this.#weight -= this.#weights[old++] as number;
    }
    if (old === 0) return;
    this.#times.splice(0, old);
    this.#weights.splice(0, old);
  }

  /** When so much more may start, where there may be `share` in a window. */
  turnOf(weight: number, share: number, window: number): number {
    let left = this.#weight + weight - share;
    let at = 0;
    while (at < this.#times.length && left > 0) left -= this.#weights[at++] as number;
    return at === 0 ? Number.NEGATIVE_INFINITY : (this.#times[at - 1] as number) + window;
  }
}
