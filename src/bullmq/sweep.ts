import { Alarm, now } from '../core/call/clock.js';
import { inTime } from './hold.js';
import type { JobState } from './scripts.js';
import type { WaitingCall } from './waiting-call.js';

/** After so long without news a call asks for its job, in milliseconds. */
export const silence = 5_000;

/** How long Redis may take to answer, in milliseconds. */
const patience = 10_000;

/** How far apart its looks are at the least, and how many calls ask at once. */
const pace = 500;
const most = 1_000;

/** Where calls wait. */
interface Waiting {
  readonly pending: ReadonlyMap<string, WaitingCall>;
  readReplies(): Promise<void>;
  /** Redis has not answered for long. */
  isSilent(): void;
}

/** Has the calls of a link ask for their jobs that have heard nothing for long: none waits for an answer that was lost. */
export class Sweep {
  readonly #link: Waiting;
  readonly #alarm = new Alarm(() => void this.#look(), false);
  #isLooking = false;

  constructor(link: Waiting) {
    this.#link = link;
  }

  /** A call waits for its job from now on. */
  begin(): void {
    if (!this.#isLooking && !this.#alarm.isSet) this.#alarm.set(silence);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const time = now();
    const due: WaitingCall[] = [];
    for (const call of this.#link.pending.values()) {
      if (call.askAt <= time && due.push(call) === most) break;
    }
    try {
      const isDone = await inTime(
        this.#ask(due).then(() => true),
        patience,
      );
      if (isDone === undefined) this.#link.isSilent();
    } catch {
      // Redis cannot be asked just now: the next look does.
    }
    this.#isLooking = false;
    if (this.#link.pending.size > 0) this.#alarm.set(pace);
  }

  async #ask(calls: readonly WaitingCall[]): Promise<void> {
    const states = await Promise.all(
      calls.map(async (call): Promise<[WaitingCall, JobState]> => {
        const state = await call.look();
        call.hear();
        return [call, state];
      }),
    );
    const over = states.filter(([call, state]) => !call.isSettled && (state.hasEnded || !state.isThere));
    if (over.length === 0) return;
    // What came of them was written before they ended.
    await this.#link.readReplies();
    for (const [call, state] of over) call.endBy(state);
  }
}
