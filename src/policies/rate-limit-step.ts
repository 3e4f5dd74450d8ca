import type { Call } from '../core/call/call.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { RejectedError } from '../core/errors.js';
import { durationOrInfinity, type Rule } from '../core/options.js';
import { askAbout } from '../limits/asked.js';
import { Permit } from '../limits/permit.js';
import { advanceOf, weightOf } from '../limits/weighing.js';
import type { Window } from '../limits/window.js';
import { pauseMax, type RateLimitOptions } from './rate-limit-config.js';

type Find = (call: Call) => Window;

/** The step of the one limit of a method, where all calls weigh the same, and nothing pauses them. */
export function plainStep(find: Find, around: Around, site: SiteInfo): Step {
  return {
    admit: function rateLimit(call) {
      let window: Window;
      try {
        window = find(call);
      } catch (error) {
        return around.fail(error, call);
      }
      // Also of one that waits: it has a permit by the time that it starts.
      call.starting = window;
      return window.tryTake() ? admitted : window.wait(call, site, around);
    },
    fail(error, call) {
      call.starting?.cancelStart();
      call.starting = undefined;
      return around.fail(error, call);
    },
  };
}

const count: Rule = {
  allowed: 'an integer of at least 0',
  test: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
const pause: Rule = {
  allowed: `${durationOrInfinity.allowed}, or undefined`,
  test: (value) => value === undefined || durationOrInfinity.test(value),
};

/** The step of a limit that takes weights or priorities, may be paused, or stands with others. */
export function fullStep(find: Find, options: () => RateLimitOptions, around: Around, site: SiteInfo): Step {
  const permitOf = (call: Call): Permit => call.keptAt(around.place) as Permit;

  function permitFor(call: Call): Permit {
    const window = find(call);
    const given = options();
    const weight = weightOf(given, call, site, 'rateLimit', window.most);
    return new Permit(window, weight, advanceOf(given, call, site, 'rateLimit'), call.starting);
  }

  const onward = {
    next: (call: Call) => around.next(call),
    /** It got none. */
    fail(error: unknown, call: Call): unknown {
      const permit = permitOf(call);
      permit.isHeld = false;
      call.starting = permit.before;
      return around.fail(error, call);
    },
  };

  /** What an attempt failed with may ask for a pause of all. */
  function pauseAfter(error: unknown, call: Call, { window }: Permit): void {
    const { pauseFor, pauseMax: most = pauseMax } = options();
    if (pauseFor === undefined) return;
    const duration = askAbout<number | undefined>(pauseFor as never, error, call, site, 'rateLimit', 'pauseFor', pause);
    if (duration !== undefined) window.pause(Math.min(duration, most));
  }

  return {
    admit: function rateLimit(call) {
      let permit: Permit;
      try {
        permit = permitFor(call);
      } catch (error) {
        return around.fail(error, call);
      }
      call.keep(around.place, permit);
      call.starting = permit;
      return permit.tryTake() ? admitted : permit.wait(call, site, onward, options());
    },
    /** One that waited since it got its permit: nobody may start now. */
    recheck(call) {
      const permit = permitOf(call);
      if (!permit.window.isPaused) return admitted;
      const text = `${site.label}: the rate limit was paused before the call started`;
      permit.turnedAwayBy = ownError(new RejectedError(text, 'rateLimit', 'wait-timeout'), site);
      return permit.turnedAwayBy;
    },
    ok(value, call) {
      const permit = permitOf(call);
      const { weightResult } = options();
      if (weightResult === undefined || !permit.isUsed) return around.ok(value, call);
      try {
        permit.correct(askAbout(weightResult as never, value, call, site, 'rateLimit', 'weightResult', count));
      } catch (error) {
        return around.fail(error, call);
      }
      return around.ok(value, call);
    },
    fail(error, call) {
      const permit = permitOf(call);
      if (permit.turnedAwayBy !== undefined && permit.turnedAwayBy === error && !call.aborted) {
        call.starting = permit;
        return permit.waitAgain(call, site, onward, options());
      }
      if (!permit.isUsed) {
        permit.giveBack();
        call.starting = permit.before;
        return around.fail(error, call);
      }
      try {
        pauseAfter(error, call, permit);
      } catch (thrown) {
        return around.fail(thrown, call);
      }
      return around.fail(error, call);
    },
  };
}
