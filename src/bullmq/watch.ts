import { Alarm } from '../core/call/clock.js';
import { inTime } from './hold.js';

/** How often it is tried whether Redis answers, and how long that may take, in milliseconds. */
const tryEvery = 5_000;
const patience = 10_000;

/** Tries, while somebody needs it, whether a Redis answers: a connection may lead nowhere, and nobody is told. */
export class Watch {
  readonly #ask: () => Promise<unknown>;
  readonly #isSilent: () => void;
  readonly #alarm = new Alarm(() => void this.#try(), false);
  #watching = 0;
  #isTrying = false;

  constructor(ask: () => Promise<unknown>, isSilent: () => void) {
    this.#ask = ask;
    this.#isSilent = isSilent;
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
    // An error is an answer, too.
    const answering = this.#ask().then(
      () => true,
      () => true,
    );
    if ((await inTime(answering, patience)) === undefined) this.#isSilent();
    this.#isTrying = false;
    if (this.#watching > 0) this.#alarm.set(tryEvery);
  }
}
