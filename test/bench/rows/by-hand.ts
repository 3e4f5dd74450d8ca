import { plenty, service } from './service.js';

/**
 * An exact sliding window as one would write it by hand: one look at the clock for each start, and a record of the starts
 * that still count. It knows neither order nor aborts nor fake clocks.
 */
class Window {
  #starts: number[] = [];
  #head = 0;

  constructor(
    readonly rate: number,
    readonly per: number,
  ) {}

  /** Takes a start, if there is one to be had. */
  tryStart(): boolean {
    const time = performance.now();
    const since = time - this.per;
    while (this.#head < this.#starts.length && this.#starts[this.#head] <= since) this.#head++;
    if (this.#head * 2 > this.#starts.length) {
      this.#starts = this.#starts.slice(this.#head);
      this.#head = 0;
    }
    if (this.#starts.length - this.#head >= this.rate) return false;
    this.#starts.push(time);
    return true;
  }
}

/** A wrapper with a rate limit written by hand, which nobody ever waits for. */
export function byHand(): (value: number) => Promise<number> {
  const window = new Window(plenty, 1000);
  return async (value) => {
    while (!window.tryStart()) await new Promise((resolve) => setTimeout(resolve, 1));
    return await service.plain(value);
  };
}
