import { Alarm, now } from '../core/call/clock.js';
import type { WaitingCall } from './waiting-call.js';

/** After so long without news a call asks for its job, in milliseconds. */
export const silence = 5_000;

/** How far apart its looks are at the least, in milliseconds, and for how many calls it is asked at once. */
const pace = 500;
const most = 1_000;

/** Where calls wait. */
interface Waiting {
  readonly pending: ReadonlyMap<string, WaitingCall>;
  readReplies(): Promise<void>;
  /** Whether Redis answers just now. */
  answers(): Promise<boolean>;
}

const ignore = (): void => {};

/** Has the calls of a link ask for their jobs that have heard nothing for long: none waits for an answer that was lost. */
export class Sweep {
  readonly #link: Waiting;
  readonly #alarm = new Alarm(() => void this.#look(), false);
  #isLooking = false;
  /** The calls that ask, and have no answer yet: each asks once. */
  #asking = new Set<WaitingCall>();

  constructor(link: Waiting) {
    this.#link = link;
  }

  /** A call waits for its job from now on. */
  begin(): void {
    if (!this.#isLooking && !this.#alarm.isSet) this.#alarm.set(silence);
  }

  /** The connection is another one: what went by the one before may be lost. */
  forget(): void {
    this.#asking = new Set();
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    // To all of them at once, a Redis that is silent or away would have to answer once it is back.
    if (this.#due(1).length > 0 && (await this.#link.answers())) {
      for (const call of this.#due(most - this.#asking.size)) this.#begin(call);
    }
    this.#isLooking = false;
    if (this.#link.pending.size > 0) this.#alarm.set(pace);
  }

  /** Calls that have heard nothing for long, so many at the most. */
  #due(count: number): WaitingCall[] {
    const time = now();
    const due: WaitingCall[] = [];
    for (const call of this.#link.pending.values()) {
      if (due.length >= count) break;
      if (call.askAt <= time && !this.#asking.has(call)) due.push(call);
    }
    return due;
  }

  #begin(call: WaitingCall): void {
    const asking = this.#asking;
    asking.add(call);
    // Where Redis cannot be asked just now, the next look does.
    void this.#ask(call)
      .catch(ignore)
      .then(() => asking.delete(call));
  }

  async #ask(call: WaitingCall): Promise<void> {
    const state = await call.look();
    call.hear();
    if (call.isSettled || (state.isThere && !state.hasEnded)) return;
    // What came of it was written before it ended.
    await this.#link.readReplies();
    call.endBy(state);
  }
}
