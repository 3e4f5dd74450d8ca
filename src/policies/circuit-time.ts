import { isOver, residue, skipsWaits } from '../core/call/clock.js';

export { isOver, now } from '../core/call/clock.js';

/** What is left of a duration that began then, in whole milliseconds: a timer set to it does not fire early. */
export const leftOf = (since: number, duration: number, time: number): number =>
  Math.ceil(since + duration - time - residue);

/** Whether a wait that nobody is held up by is over, one that never ends aside: at once where waits are skipped. */
export const isWaitOver = (since: number, duration: number, time: number): boolean =>
  isOver(since, duration, time) || (skipsWaits() && duration !== Number.POSITIVE_INFINITY);
