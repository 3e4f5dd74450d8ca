/** How far the work on many items is. */
export interface Progress {
  /** Items that have ended, the failed ones included. */
  readonly done: number;
  /** Items that failed. */
  readonly failed: number;
  /** How many there are; undefined where that is not known. */
  readonly total: number | undefined;
  /** Milliseconds since the first item was asked for. */
  readonly elapsed: number;
}

/** Counts the items that ended. */
export class Tally {
  readonly #startedAt = performance.now();
  #done = 0;
  #failed = 0;

  constructor(
    readonly total: number | undefined,
    readonly report: ((progress: Progress) => void) | undefined,
  ) {}

  count(failed: boolean): void {
    this.#done++;
    if (failed) this.#failed++;
    this.report?.({
      done: this.#done,
      failed: this.#failed,
      total: this.total,
      elapsed: performance.now() - this.#startedAt,
    });
  }

  end(): void {}
}

/** How many items there are, where their holder says so: the `length` of an array, the `size` of a set or a map. */
export function totalOf(items: object | string): number | undefined {
  const { length, size } = items as { length?: unknown; size?: unknown };
  const count = length ?? size;
  return typeof count === 'number' ? count : undefined;
}
