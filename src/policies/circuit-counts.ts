import { CircuitWindow, type RatioOptions } from './circuit-window.js';

/** What opens a circuit: so many failures in a row, or a share of the calls in a window. */
export type Threshold = ConsecutiveOptions | RatioOptions;

interface ConsecutiveOptions {
  /** How many failures in a row open the circuit. */
  readonly consecutive: number;
}

/** What a closed circuit counts. */
export interface Counts {
  readonly calls: number;
  readonly failures: number;
  succeed(): void;
  /** Counts a failure; gives whether it opens the circuit. */
  fail(): boolean;
  clear(): void;
  /** What opened the circuit, for people. */
  describe(): string;
}

/** Failures in a row: the time plays no part, so no clock is read. */
class InARow implements Counts {
  consecutive: number;
  #failures = 0;

  constructor({ consecutive }: ConsecutiveOptions) {
    this.consecutive = consecutive;
  }

  get calls(): number {
    return this.#failures;
  }

  get failures(): number {
    return this.#failures;
  }

  succeed(): void {
    this.#failures = 0;
  }

  fail(): boolean {
    return ++this.#failures >= this.consecutive;
  }

  clear(): void {
    this.#failures = 0;
  }

  describe(): string {
    return this.#failures === 1 ? '1 failure' : `${this.#failures} failures in a row`;
  }
}

/** Counts by this threshold; what the old ones hold is kept where they are of the same kind. */
export function countsBy(threshold: Threshold, old?: Counts): Counts {
  if (threshold.consecutive !== undefined) {
    if (!(old instanceof InARow)) return new InARow(threshold);
    old.consecutive = threshold.consecutive;
    return old;
  }
  if (!(old instanceof CircuitWindow)) return new CircuitWindow(threshold);
  old.configure(threshold);
  return old;
}
