import type { Call } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import type { Admission } from '../limits/admission.js';
import { Ask } from '../limits/ask.js';
import type { Finder } from '../limits/finders.js';
import { advanceOf, weightOf } from '../limits/weighing.js';
import type { ConcurrencyOptions } from './concurrency-config.js';

/** The step of a limit of which there is but one, where all calls weigh the same. */
export function onlyStep(slots: Admission, around: Around, site: SiteInfo): Step {
  return {
    admit: function concurrency(call) {
      return slots.tryTake() ? admitted : slots.wait(call, site, around);
    },
    ok(value, call) {
      slots.give();
      return around.ok(value, call);
    },
    fail(error, call) {
      slots.give();
      return around.fail(error, call);
    },
  };
}

/** What a call holds. */
export interface Held {
  readonly slots: Admission;
  readonly weight: number;
}

/** The step of a limit that takes weights or priorities, or of which there are several. */
export function fullStep(
  finder: Finder<Admission>,
  options: () => ConcurrencyOptions,
  around: Around,
  site: SiteInfo,
): Step {
  const giveBack = (call: Call): void => {
    const { slots, weight } = call.keptAt(around.place) as Held;
    if (weight === 1) slots.give();
    else slots.giveBack(weight);
  };
  return {
    admit: function concurrency(call) {
      const given = options();
      let slots: Admission;
      let weight: number;
      let advance: number;
      try {
        weight = weightOf(given, call, site, 'concurrency', finder);
        advance = advanceOf(given, call, site, 'concurrency');
        slots = finder.find(call);
      } catch (error) {
        return around.fail(error, call);
      }
      call.keep(around.place, { slots, weight } satisfies Held);
      const isAdmitted = weight === 1 ? slots.tryTake() : slots.tryTakeAll(weight);
      return isAdmitted ? admitted : slots.wait(call, site, around, given, new Ask(weight, advance));
    },
    ok(value, call) {
      giveBack(call);
      return around.ok(value, call);
    },
    fail(error, call) {
      giveBack(call);
      return around.fail(error, call);
    },
  };
}
