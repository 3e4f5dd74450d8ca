import type { SingleBar } from 'cli-progress';

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
  readonly #total: number | undefined;
  readonly #report: ((progress: Progress) => void) | undefined;
  readonly #startedAt = performance.now();
  #done = 0;
  #failed = 0;
  #bar: SingleBar | undefined;
  #ended = false;

  constructor(total: number | undefined, report: ((progress: Progress) => void) | undefined, bar: boolean | undefined) {
    this.#total = total;
    this.#report = report;
    if (bar && process.stderr.isTTY) this.#showBar();
  }

  count(failed: boolean): void {
    this.#done++;
    if (failed) this.#failed++;
    this.#bar?.update(this.#done, { rate: this.#rate, failed: this.#failed });
    this.#report?.({
      done: this.#done,
      failed: this.#failed,
      total: this.#total,
      elapsed: performance.now() - this.#startedAt,
    });
  }

  end(): void {
    this.#ended = true;
    this.#bar?.stop();
  }

  get #rate(): string {
    return ((this.#done / (performance.now() - this.#startedAt)) * 1000).toFixed(0);
  }

  /** The library of the bar is loaded only now; the bar's timer does not keep a finished program alive. */
  async #showBar(): Promise<void> {
    const { default: progress } = await import('cli-progress');
    if (this.#ended) return;
    const known = '{bar} {percentage}% | {value}/{total} | {rate}/s | {failed} failed | {eta_formatted} left';
    const unknown = '{value} done | {rate}/s | {failed} failed | {duration_formatted}';
    const format = this.#total === undefined ? unknown : known;
    class Bar extends progress.SingleBar {
      declare timer: NodeJS.Timeout | null;

      override render(): void {
        super.render();
        this.timer?.unref();
      }
    }
    // It neither takes Ctrl-C for itself, nor hides the cursor, which a program that ends early would leave hidden.
    this.#bar = new Bar({ format, stream: process.stderr, hideCursor: false, gracefulExit: false });
    this.#bar.start(this.#total ?? 0, this.#done, { rate: this.#rate, failed: this.#failed });
  }
}

/** How many items there are, where that is known beforehand: in an array, a set or a map. */
export function totalOf(items: object | string): number | undefined {
  if (Array.isArray(items)) return items.length;
  if (ArrayBuffer.isView(items)) return (items as Uint8Array).length;
  return items instanceof Set || items instanceof Map ? items.size : undefined;
}
