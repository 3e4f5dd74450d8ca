import { Adaptive, type AdaptiveRules } from './adaptive.js';
import { Admission } from './admission.js';
import type { QueueRules } from './waiter.js';

/** What the slots of a concurrency limit are made of. */
interface SlotRules extends QueueRules {
  /** How many there are, or how that is found out. */
  readonly limit: number | AdaptiveRules;
}

/** How long an idle key keeps what was learned for it, in milliseconds. */
const learnedFor = 60_000;

/** Slots of a concurrency limit. */
export function newSlots(rules: SlotRules, isRanked: boolean): Admission {
  const { limit } = rules;
  const slots = new Admission(typeof limit === 'number' ? limit : limit.initial, rules, 'concurrency', isRanked);
  configureSlots(slots, rules, isRanked);
  return slots;
}

/** Has slots take other rules. Where the limit does not move by itself any more, it keeps what it has learned all the same. */
export function configureSlots(slots: Admission, rules: SlotRules, isRanked: boolean): void {
  const { limit } = rules;
  if (typeof limit === 'number') {
    slots.adaptive?.configure(undefined);
    slots.keptFor = 0;
    slots.configure(limit, rules, isRanked);
    return;
  }
  slots.adaptive ??= new Adaptive((moved) => {
    slots.configure(moved);
    slots.onMove?.();
  });
  slots.adaptive.configure(limit);
  slots.keptFor = learnedFor;
  slots.configure(slots.adaptive.limit, rules, isRanked);
}
