import type { Call, StartListener } from '../core/call/call.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { RejectedError } from '../core/errors.js';
import { durationOrInfinity, type Rule } from '../core/options.js';
import { askAbout } from '../limits/asked.js';
import type { RatePermit } from '../limits/rate-permit.js';
import { advanceOf, count, weightOf } from '../limits/weighing.js';
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

const pause: Rule = {
  allowed: `${durationOrInfinity.allowed}, or undefined`,
  test: (value) => value === undefined || durationOrInfinity.test(value),
};

/** Gives calls what they may ask a limit for. */
interface PermitSource {
  permitFor(
    call: Call,
    weight: number,
    advance: number,
    before: StartListener | undefined,
    mayChange: boolean,
  ): RatePermit;
  /** The most that one call could ever ask for. */
  readonly most: number;
}

/** The step of a limit that takes weights or priorities, may be paused, or stands with others. */
export function fullStep(source: PermitSource, options: () => RateLimitOptions, around: Around, site: SiteInfo): Step {
  const permitOf = (call: Call): RatePermit => call.keptAt(around.place) as RatePermit;

  function permitFor(call: Call): RatePermit {
    const given = options();
    const weight = weightOf(given, call, site, 'rateLimit', source);
    const advance = advanceOf(given, call, site, 'rateLimit');
    const mayChange = given.weightResult !== undefined;
    return source.permitFor(call, weight, advance, call.starting, mayChange);
  }

  const onward = {
    /** It got one; somebody may have paused the limit since, or it may have lapsed. */
    next(call: Call): unknown {
      const permit = permitOf(call);
      return permit.mayStart ? around.next(call) : permit.waitAgain(call, site, onward, options());
    },
    /** It got none. */
    fail(error: unknown, call: Call): unknown {
      const permit = permitOf(call);
      permit.isHeld = false;
      permit.end();
      call.starting = permit.before;
      return around.fail(error, call);
    },
  };

  /** What an attempt failed with may ask for a pause of all. An abort tells nothing of what is limited. */
  function pauseAfter(error: unknown, call: Call, permit: RatePermit): void {
    const { pauseFor, pauseMax: most = pauseMax } = options();
    if (pauseFor === undefined || call.abortedBy === 'caller' || call.abortedBy === 'policy') return;
    const duration = askAbout<number | undefined>(pauseFor as never, error, call, site, 'rateLimit', 'pauseFor', pause);
    if (duration !== undefined) permit.pause(Math.min(duration, most));
  }

  function correct(value: unknown, call: Call, permit: RatePermit): void {
    const { weightResult } = options();
    if (weightResult === undefined || !permit.isUsed) return;
    permit.correct(askAbout(weightResult as never, value, call, site, 'rateLimit', 'weightResult', count));
  }

  return {
    admit: function rateLimit(call) {
      let permit: RatePermit;
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
      if (permit.isUsed || permit.mayStart) return admitted;
      const text = `${site.label}: the rate limit was paused before the call started`;
      permit.turnedAwayBy ??= ownError(new RejectedError(text, 'rateLimit', 'wait-timeout'), site);
      return permit.turnedAwayBy;
    },
    ok(value, call) {
      const permit = permitOf(call);
      try {
        correct(value, call, permit);
      } catch (error) {
        return around.fail(error, call);
      } finally {
        permit.end();
      }
      return around.ok(value, call);
    },
    fail(error, call) {
      const permit = permitOf(call);
      if (permit.turnedAwayBy !== undefined && permit.turnedAwayBy === error && !call.aborted) {
        call.starting = permit;
        return permit.waitAgain(call, site, onward, options());
      }
      try {
        if (permit.isUsed) pauseAfter(error, call, permit);
      } catch (thrown) {
        return around.fail(thrown, call);
      } finally {
        permit.giveBack();
        permit.end();
      }
      if (!permit.isUsed) call.starting = permit.before;
      return around.fail(error, call);
    },
  };
}
