import { LatencyWindow, secondsKept } from './latency-window.js';
import { rounded } from './rounded.js';

/** How often something came in the last ten seconds, and how long it took. */
export class Pace {
  readonly #latency = new LatencyWindow();
  #age = 0;
  #last: { readonly rate: number; readonly p50?: number | undefined; readonly p99?: number | undefined } = { rate: 0 };

  add(duration: number): void {
    this.#latency.add(duration);
  }

  /** So many seconds are over. */
  advance(seconds: number): void {
    // After ten of them nothing is left of what came before.
    for (let second = 0; second < Math.min(seconds, secondsKept); second++) this.#endSecond();
  }

  #endSecond(): void {
    this.#age = Math.min(secondsKept, this.#age + 1);
    const [p50, p99] = [this.#latency.quantile(0.5), this.#latency.quantile(0.99)];
    this.#last = {
      rate: rounded(this.#latency.count / this.#age),
      p50: p50 && rounded(p50),
      p99: p99 && rounded(p99),
    };
    this.#latency.advance();
  }

  /** As it was when the last second ended. */
  get state() {
    return this.#last;
  }
}
