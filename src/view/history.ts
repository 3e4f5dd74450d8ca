import type { TenMinutes } from './protocol.js';

/** How many seconds are kept. */
export const secondsOfHistory = 600;

/** What one second was. */
interface Second {
  readonly calls: number;
  readonly failed: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

const round = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(4)));

/** The last ten minutes, second by second, in rings of one size. */
export class History {
  readonly #calls = new Float32Array(secondsOfHistory).fill(Number.NaN);
  readonly #failed = new Float32Array(secondsOfHistory).fill(Number.NaN);
  readonly #p50 = new Float32Array(secondsOfHistory).fill(Number.NaN);
  readonly #p99 = new Float32Array(secondsOfHistory).fill(Number.NaN);
  /** Where the oldest second is. */
  #at = 0;

  /** In so many seconds up to now nothing happened; what was before is not known. */
  constructor(quiet: number) {
    this.#calls.fill(0, secondsOfHistory - quiet);
    this.#failed.fill(0, secondsOfHistory - quiet);
  }

  push({ calls, failed, p50 = Number.NaN, p99 = Number.NaN }: Second): void {
    this.#calls[this.#at] = calls;
    this.#failed[this.#at] = failed;
    this.#p50[this.#at] = p50;
    this.#p99[this.#at] = p99;
    this.#at = (this.#at + 1) % secondsOfHistory;
  }

  /** The calls of each of so many last seconds. */
  lastCalls(seconds: number): number[] {
    const first = this.#at + secondsOfHistory - seconds;
    return Array.from({ length: seconds }, (_, second) => {
      return round(this.#calls[(first + second) % secondsOfHistory] || 0);
    });
  }

  all(id: number): TenMinutes {
    const orNull = (value: number): number | null => (Number.isNaN(value) ? null : round(value));
    return {
      id,
      calls: this.#inOrder(this.#calls).map(orNull),
      failed: this.#inOrder(this.#failed).map(orNull),
      p50: this.#inOrder(this.#p50).map(orNull),
      p99: this.#inOrder(this.#p99).map(orNull),
    };
  }

  #inOrder(ring: Float32Array): number[] {
    return [...ring.subarray(this.#at), ...ring.subarray(0, this.#at)];
  }
}
