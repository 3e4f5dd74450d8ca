/** The shortest time that is told from shorter ones, in milliseconds, and how many buckets an octave has: each is some 12 % wide. */
const least = 0.01;
const perOctave = 6;
/** Up to three hours. */
const buckets = 30 * perOctave;

/** For how many seconds a call counts. */
export const secondsKept = 10;

const bucketOf = (duration: number): number =>
  duration <= least ? 0 : Math.min(buckets - 1, Math.floor(Math.log2(duration / least) * perOctave));

/** The middle of a bucket. */
const middleOf = (bucket: number): number => least * 2 ** ((bucket + 0.5) / perOctave);

const increment = (counts: Uint32Array, at: number): void => {
  counts[at] = (counts[at] as number) + 1;
};

/** How long the calls of the last ten seconds took: a histogram for each second, and the sum of them. */
export class LatencyWindow {
  readonly #sum = new Uint32Array(buckets);
  readonly #seconds = Array.from({ length: secondsKept }, () => new Uint32Array(buckets));
  readonly #counts = new Uint32Array(secondsKept);
  #at = 0;
  /** How many calls there were. */
  count = 0;

  add(duration: number): void {
    const bucket = bucketOf(duration);
    increment(this.#seconds[this.#at] as Uint32Array, bucket);
    increment(this.#sum, bucket);
    increment(this.#counts, this.#at);
    this.count++;
  }

  /** A second is over: what came ten before is forgotten. */
  advance(): void {
    this.#at = (this.#at + 1) % secondsKept;
    const count = this.#counts[this.#at] as number;
    if (count === 0) return;
    const oldest = this.#seconds[this.#at] as Uint32Array;
    for (let bucket = 0; bucket < buckets; bucket++) (this.#sum[bucket] as number) -= oldest[bucket] as number;
    oldest.fill(0);
    this.#counts[this.#at] = 0;
    this.count -= count;
  }

  /** What this share of the calls took no longer than, in milliseconds; undefined where there were none. */
  quantile(share: number): number | undefined {
    if (this.count === 0) return undefined;
    let left = Math.ceil(share * this.count);
    for (let bucket = 0; bucket < buckets; bucket++) {
      left -= this.#sum[bucket] as number;
      if (left <= 0) return middleOf(bucket);
    }
    return middleOf(buckets - 1);
  }
}
