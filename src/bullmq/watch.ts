import { Alarm } from '../core/call/clock.js';

/** How often it is tried whether Redis answers, in milliseconds. */
const tryEvery = 5_000;

/** Tries, while somebody needs it, whether a Redis answers. */
export class Watch {
  readonly #answers: () => Promise<boolean>;
  readonly #alarm = new Alarm(() => void this.#try(), false);
  #watching = 0;
  #isTrying = false;

  constructor(answers: () => Promise<boolean>) {
    this.#answers = answers;
  }

  /** Tries until what it gives is called. */
  begin(): () => void {
    if (++this.#watching === 1 && !this.#isTrying) this.#alarm.set(tryEvery);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#watching === 0) this.#alarm.clear();
    };
  }

  async #try(): Promise<void> {
    this.#isTrying = true;
    await this.#answers();
    this.#isTrying = false;
    if (this.#watching > 0) this.#alarm.set(tryEvery);
  }
}
