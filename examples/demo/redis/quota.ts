/** A quota of starts: no window of `per` milliseconds may hold more than `rate` of them. It is exact, in whatever order they are told. */
export class Quota {
  /** In order. */
  readonly #starts: number[] = [];

  constructor(
    readonly rate: number,
    readonly per: number,
  ) {}

  /** Counts a start, and says whether every window that holds it keeps to the quota. */
  allows(start: number): boolean {
    const starts = this.#starts;
    let at = starts.length;
    while (at > 0 && (starts[at - 1] as number) > start) at--;
    starts.splice(at, 0, start);
    // One more than may be, from the first to the last of them.
    for (let first = Math.max(0, at - this.rate); first <= at && first + this.rate < starts.length; first++) {
      if ((starts[first + this.rate] as number) - (starts[first] as number) < this.per) return false;
    }
    return true;
  }
}
