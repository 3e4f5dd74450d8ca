import { now } from '../core/call/clock.js';
import { Pace } from './pace.js';

/**
 * How far the work on many items is.
 *
 * @example
 * const onProgress = ({ done, total, elapsed }: Progress) => console.log(`${done} of ${total} in ${elapsed} ms`);
 */
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

/** Counts the items that ended, and tells of it. */
export class Tally {
  readonly #items: object | string;
  readonly #atFirst: number | undefined;
  readonly #report: ((progress: Progress) => void) | undefined;
  readonly #startedAt = now();
  #done = 0;
  #failed = 0;
  #pace: Pace | undefined;
  #hideBar: (() => void) | undefined;
  #isOver = false;

  /** @param bar How many items are worked on at once, where a bar is to tell of them. */
  constructor(items: object | string, report: ((progress: Progress) => void) | undefined, bar: number | undefined) {
    this.#items = items;
    this.#atFirst = totalOf(items);
    this.#report = report;
    // A dumb terminal cannot take back what stands there.
    if (bar === undefined || !process.stderr.isTTY || process.env.TERM === 'dumb') return;
    this.#showBar(new Pace(this.#startedAt, bar, this.#atFirst));
  }

  /** Items may come in while others are worked on; those that are taken away once they are done still count. */
  get #total(): number | undefined {
    return this.#atFirst === undefined ? undefined : Math.max(this.#atFirst, totalOf(this.#items) ?? 0);
  }

  count(failed: boolean): void {
    this.#done++;
    if (failed) this.#failed++;
    this.#pace?.add(now());
    this.#report?.({
      done: this.#done,
      failed: this.#failed,
      total: this.#total,
      elapsed: now() - this.#startedAt,
    });
  }

  end(): void {
    this.#isOver = true;
    this.#hideBar?.();
  }

  /** The code of the bar is loaded only now. */
  async #showBar(pace: Pace): Promise<void> {
    this.#pace = pace;
    const { showBar } = await import('./bar.js');
    if (this.#isOver) return;
    this.#hideBar = showBar(() => ({
      done: this.#done,
      failed: this.#failed,
      total: this.#total,
      startedAt: this.#startedAt,
      isOver: this.#isOver,
      pace,
    }));
  }
}

/** How many items there are, where that is known beforehand: in an array, a set or a map. */
function totalOf(items: object | string): number | undefined {
  if (Array.isArray(items)) return items.length;
  if (ArrayBuffer.isView(items)) return (items as Uint8Array).length;
  return items instanceof Set || items instanceof Map ? items.size : undefined;
}
