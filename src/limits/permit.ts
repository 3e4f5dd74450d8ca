import type { Call, StartListener } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Ask, Onward, QueueRules } from './waiter.js';
import type { Window } from './window.js';

/** What a call has of a rate limit that takes weights, may be paused, or stands with others. */
export class Permit implements StartListener {
  /** Whether it has its permits, and has not used them yet. */
  isHeld = true;
  /** When it used them. */
  #usedAt: number | undefined;
  /** What turned it away when it was about to start, as nobody may just then. */
  turnedAwayBy: unknown = undefined;
  readonly ask: Ask;

  constructor(
    readonly window: Window,
    readonly weight: number,
    advance: number,
    /** What else is to be told when the attempt begins: permits that were taken before. */
    readonly before: StartListener | undefined,
  ) {
    this.ask = { weight: window.permitsFor(weight), advance };
  }

  tryTake(): boolean {
    return this.window.tryTakeFor(this.ask.weight);
  }

  wait(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    return this.window.wait(call, site, onward, queue, this.ask);
  }

  /** Waits once more, ahead of those whose turn has not come, and gives back what it holds. */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    this.turnedAwayBy = undefined;
    const held = this.isHeld;
    this.isHeld = true;
    const outcome = this.window.waitAgain(call, site, onward, queue, this.ask);
    if (held) this.window.cancel(this.ask.weight);
    return outcome;
  }

  beforeStart(): number | undefined {
    const time = this.window.beforeStart();
    return this.before?.beforeStart() ?? time;
  }

  afterStart(enteredAt: number | undefined): void {
    this.before?.afterStart(enteredAt);
    this.isHeld = false;
    this.#usedAt = this.window.use(this.weight, this.ask.weight, enteredAt);
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
    this.window.cancel(this.ask.weight);
  }

  get isUsed(): boolean {
    return this.#usedAt !== undefined;
  }

  /** What the call took was of another weight. */
  correct(weight: number): void {
    if (this.#usedAt !== undefined) this.window.correct(this.#usedAt, this.weight, this.ask.weight, weight);
  }
}
