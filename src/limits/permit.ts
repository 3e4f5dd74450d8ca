import type { Call, StartListener } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { Ask } from './ask.js';
import type { RatePermit } from './rate-permit.js';
import type { Taken } from './starts.js';
import type { Onward, QueueRules } from './waiter.js';
import type { Window } from './window.js';

/** What a call has of a rate limit that takes weights, may be paused, or stands with others. */
export class Permit implements RatePermit, Taken {
  tokens: number;
  stretch: number;
  /** Whether it has its tokens, and has not used them yet. */
  isHeld = true;
  /** Whether it has used them. */
  isUsed = false;
  /** What turned it away when it was about to start, as nobody may just then. */
  turnedAwayBy: unknown = undefined;
  readonly ask: Ask;
  /** Whether starts are spaced: there is but one token, which a heavy one has for longer. */
  readonly #isSpread: boolean;

  constructor(
    readonly window: Window,
    readonly weight: number,
    advance: number,
    /** What else is to be told when the attempt begins: permits that were taken before. */
    readonly before: StartListener | undefined,
    /** Whether it may turn out to be of another weight. */
    readonly mayChange: boolean,
  ) {
    this.#isSpread = window.isSpread;
    const { tokens, stretch } = this.#take(weight);
    this.tokens = tokens;
    this.stretch = stretch;
    this.ask = new Ask(this.tokens, advance);
    window.enter();
  }

  #take(weight: number): Taken {
    return this.#isSpread
      ? { tokens: Math.min(weight, 1), stretch: Math.max(weight, 1) }
      : { tokens: weight, stretch: 1 };
  }

  get mayStart(): boolean {
    return !this.window.isPaused;
  }

  pause(duration: number): void {
    this.window.pause(duration);
  }

  tryTake(): boolean {
    return this.window.tryTakeAll(this.tokens);
  }

  wait(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    return this.window.wait(call, site, onward, queue, this.ask);
  }

  /** Waits once more, ahead of those whose turn has not come, and gives back what it holds. */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    this.turnedAwayBy = undefined;
    const held = this.isHeld;
    this.isHeld = true;
    try {
      return this.window.waitAgain(call, site, onward, queue, this.ask);
    } finally {
      if (held) this.window.cancel(this.tokens);
    }
  }

  beforeStart(): number | undefined {
    const time = this.window.beforeStart();
    return this.before?.beforeStart() ?? time;
  }

  afterStart(enteredAt: number | undefined): void {
    this.before?.afterStart(enteredAt);
    this.isHeld = false;
    this.isUsed = true;
    const isPlain = this.tokens === 1 && this.stretch === 1 && !this.mayChange;
    if (this.tokens > 0) this.window.afterStart(enteredAt, isPlain ? undefined : this);
  }

  /** Neither this one nor those before it are used. */
  cancelStart(): void {
    this.before?.cancelStart();
    this.giveBack();
  }

  /** Gives back what was not used. */
  giveBack(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.window.cancel(this.tokens);
  }

  /** The call has ended, or got none. */
  end(): void {
    this.window.leave();
  }

  /**
   * What the call took was of another weight: what is too much comes back, unless time has brought it back; what is too
   * little counts from now on. Where starts are spaced, it is the time of the one token that changes.
   */
  correct(real: number): void {
    const { window, weight } = this;
    const more = real - weight;
    if (more === 0) return;
    if ((more < 0 || this.#isSpread) && window.counts(this)) window.change(this, this.#take(real));
    else if (more > 0) window.charge(this.#take(more));
  }
}
