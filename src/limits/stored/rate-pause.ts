import { now, residue } from '../../core/call/clock.js';
import { Spell } from '../pause.js';
import type { PermitAnswer } from './backend.js';
import type { Link, Reply } from './link.js';
import type { Notes } from './permit-notes.js';
import type { WholePause } from './whole-pause.js';

/** How often those who wait look whether a pause is over, in milliseconds, where nobody tells them. */
const lookEvery = 1000;

/** The limit that a pause is of. */
interface Owner {
  readonly link: Link;
  readonly notes: Notes;
  readonly isWaiting: boolean;
  readonly isAsking: boolean;
}

/** Why nobody starts in a rate limit in a store: its own pause, that of all keys, or a hold of this process. */
export class RatePause {
  /** Whether nobody starts here, whatever the store says. */
  isHeld = false;
  readonly #own = new Spell();
  /** When it was last told of a change. */
  #changedAt = Number.NEGATIVE_INFINITY;
  /** When those who wait look whether it is over. */
  #lookAt = Number.POSITIVE_INFINITY;

  constructor(
    readonly limit: Owner,
    /** The pause of all keys. */
    readonly whole: WholePause,
    readonly hasKey: boolean,
  ) {}

  get isOn(): boolean {
    return this.isHeld || this.#left > 0;
  }

  /** Whether it is so for its own sake, whatever becomes of other keys. */
  get isOwn(): boolean {
    return this.#own.left > 0;
  }

  /** Whether nobody knows if it is paused: an answer of its own tells where it has no key. */
  get isUnknown(): boolean {
    return this.hasKey && this.whole.isUnknown;
  }

  get #left(): number {
    return Math.max(this.#own.left, this.whole.left);
  }

  /** Whether nobody tells that its pause is over. That of all keys is looked at for all of them. */
  get #hasToLook(): boolean {
    return !this.limit.link.isHinted && (this.hasKey ? this.#own.left : this.#left) > 0;
  }

  /** It lasts for so long from now on; 0: it is over. */
  told(duration: number): void {
    this.#changedAt = now();
    if (duration > 0) this.#own.extend(duration);
    else this.#own.end();
  }

  /** Sees to it that those who wait hear of its end. */
  look(time: number): void {
    if (this.hasKey && this.limit.isWaiting) this.whole.look();
    // It may have been told until now.
    if (this.#hasToLook && !this.limit.isAsking) this.#lookAt = Math.min(this.#lookAt, time + lookEvery);
  }

  isLookDue(time: number): boolean {
    return this.#lookAt <= time + residue;
  }

  /** The store is asked, and tells of it too. */
  asked(): void {
    this.#lookAt = Number.POSITIVE_INFINITY;
  }

  answered(reply: Reply<PermitAnswer>): void {
    const { answer, sentAt, receivedAt } = reply;
    // What was asked before may have been answered before the pause, too.
    if (sentAt >= this.#changedAt && !this.limit.notes.tellsOfPause) {
      this.#own.end();
      if (answer.pausedUntil > answer.now) this.#own.extend(answer.pausedUntil - answer.now);
    }
    if (!this.hasKey) this.whole.answered(reply);
    if (this.#hasToLook) this.#lookAt = receivedAt + lookEvery;
  }

  /** When those who wait have something to do for its sake: it ends, or they look at it. */
  next(time: number): number {
    if (this.isHeld) return Number.POSITIVE_INFINITY;
    const look = this.hasKey ? this.whole.nextLook : Number.POSITIVE_INFINITY;
    const left = this.#left;
    if (left === 0) return look;
    return Math.min(time + left, look, this.limit.link.isDown ? Number.POSITIVE_INFINITY : this.#lookAt);
  }
}
