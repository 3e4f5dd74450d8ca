import type { Call, StartListener } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Onward, QueueRules } from './waiter.js';

/** What a call has of a rate limit that does more than to admit calls in turn, wherever its window is kept. */
export interface RatePermit extends StartListener {
  /** Whether it has what it asks for, and has not used it yet. */
  isHeld: boolean;
  /** Whether it has used it. */
  readonly isUsed: boolean;
  /** What turned it away when it was about to start, as it may not just then. */
  turnedAwayBy: unknown;
  /** What else is to be told when the attempt begins: permits that were taken before. */
  readonly before: StartListener | undefined;
  /** Whether it may start just now, where it has what it asked for. */
  readonly mayStart: boolean;
  /** Takes what it asks for, if that can be had at once. */
  tryTake(): boolean;
  wait(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown;
  /** Waits once more, ahead of those whose turn has not come, and gives back what it holds. */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown;
  /** Gives back what was not used. */
  giveBack(): void;
  /** The call has ended, or got none. */
  end(): void;
  /** What the call took was of another weight. */
  correct(real: number): void;
  /** Nobody who shares the limit starts for so long, in milliseconds. */
  pause(duration: number): void;
}
