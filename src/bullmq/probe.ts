import { inTime } from './hold.js';

/** How long Redis may take to answer, in milliseconds. */
const patience = 10_000;

/**
 * Asks a Redis whether it answers: a connection may lead nowhere, and nobody is told. While it does not, no more than one
 * command waits for an answer by each connection, however often it is asked.
 */
export class Probe {
  readonly #send: () => Promise<unknown>;
  readonly #isSilent: () => void;
  readonly #patience: number;
  /** The command that is under way. */
  #asked: Promise<true> | undefined;

  /** `send` sends a command; `isSilent` is told where it is not answered in time. */
  constructor(send: () => Promise<unknown>, isSilent: () => void, patienceFor = patience) {
    this.#send = send;
    this.#isSilent = isSilent;
    this.#patience = patienceFor;
  }

  /** Whether it answers in time. */
  async answers(): Promise<boolean> {
    this.#asked ??= this.#ask();
    const asked = this.#asked;
    if ((await inTime(asked, this.#patience)) !== undefined) return true;
    // By another connection, it may.
    if (asked !== this.#asked) return await this.answers();
    this.#isSilent();
    return false;
  }

  /** The connection is another one: what went by the one before may be lost. */
  forget(): void {
    this.#asked = undefined;
  }

  #ask(): Promise<true> {
    const end = (): true => {
      if (asked === this.#asked) this.#asked = undefined;
      return true;
    };
    // An error is an answer, too.
    const asked = this.#send().then(end, end);
    return asked;
  }
}
