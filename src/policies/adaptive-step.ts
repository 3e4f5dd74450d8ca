import type { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { now } from '../core/call/clock.js';
import { finalError } from '../core/call/final-errors.js';
import { type Matches, toMatches } from '../core/call/matcher.js';
import { isOwnError, misuse } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Around, Step } from '../core/call/step.js';
import { tell } from '../core/call/tell.js';
import { catchRejection, isThenable } from '../core/call/thenable.js';
import { show } from '../core/options.js';
import type { Adaptive, Sample } from '../limits/adaptive.js';
import type { Admission } from '../limits/admission.js';
import type { Finder } from '../limits/finders.js';
import { type AdaptiveOptions, isAdaptive } from './adaptive-limit.js';
import type { ConcurrencyOptions } from './concurrency-config.js';
import { fullStep, type Held } from './concurrency-step.js';

/** What a call holds that has entered the method. */
class Entered implements Held {
  readonly slots: Admission;
  readonly weight: number;
  /** Whether it has given its sample, or none. */
  isCounted = false;
  unwatch: (() => void) | undefined = undefined;

  constructor(
    { slots, weight }: Held,
    readonly adaptive: Adaptive,
    /** When it entered it first. */
    readonly at: number,
    /** The options that held then. */
    readonly options: AdaptiveOptions,
  ) {
    this.slots = slots;
    this.weight = weight;
  }
}

/** The step of a limit that moves by itself: it tells what moves it of those who enter the method, and of how they end. */
export function adaptiveStep(
  finder: Finder<Admission>,
  options: () => ConcurrencyOptions,
  around: Around,
  site: SiteInfo,
): Step {
  const { place } = around;
  const step = fullStep(finder, options, around, site);
  const isDrop = dropTest(site);

  /** Undefined for one that has not entered the method. */
  const enteredBy = (call: Call): Entered | undefined => {
    const held = call.keptAt(place);
    return held instanceof Entered ? held : undefined;
  };

  const count = (call: Call, entered: Entered, sample: Sample | undefined): void => {
    const time = now();
    const duration = time - entered.at;
    entered.isCounted = true;
    // How long it took says something although its end does not.
    const kind = sample ?? (duration > entered.options.targetLatency ? 'value' : undefined);
    if (kind === undefined) return;
    const from = entered.adaptive.limit;
    entered.adaptive.sample(kind, duration, time);
    const to = entered.adaptive.limit;
    if (from !== to && channels.limit.hasSubscribers) tell('limit', call, site, { policy: 'concurrency', from, to });
  };

  /** One that is given up counts at once: who knows when its code ends. */
  const giveUp = (call: Call, entered: Entered): void => {
    if (call.abortedBy === 'deadline') count(call, entered, 'drop');
    else if (now() - entered.at > entered.options.targetLatency) count(call, entered, undefined);
  };

  /** Throws what `dropOn` throws; such an end counts for nothing. */
  const sampleOf = (call: Call, entered: Entered, failed: boolean, error: unknown): Sample | undefined => {
    if (call.aborted || (failed && isOwnError(error, site))) return undefined;
    if (!failed) return 'value';
    return isDrop(entered.options, error, call) ? 'drop' : 'error';
  };

  const end = (call: Call, failed: boolean, outcome: unknown): void => {
    const entered = enteredBy(call);
    if (entered === undefined) return;
    entered.unwatch?.();
    entered.adaptive.left(entered.weight);
    if (!entered.isCounted) count(call, entered, sampleOf(call, entered, failed, outcome));
  };

  return {
    ...step,
    entering(call) {
      const { limit } = options();
      const held = call.keptAt(place) as Held;
      const { adaptive } = held.slots;
      // What stands beneath may enter it more than once.
      if (held instanceof Entered || adaptive === undefined || !isAdaptive(limit)) return;
      const entered = new Entered(held, adaptive, now(), limit);
      call.keep(place, entered);
      adaptive.entered(held.weight, entered.at);
      if (call.isWatched) entered.unwatch = call.watchAbort(() => giveUp(call, entered));
    },
    ok(value, call) {
      end(call, false, value);
      return (step.ok as NonNullable<Step['ok']>)(value, call);
    },
    fail(error, call) {
      const fail = step.fail as NonNullable<Step['fail']>;
      try {
        end(call, true, error);
      } catch (thrown) {
        return fail(finalError(thrown, call), call);
      }
      return fail(error, call);
    },
  };
}

/** Whether an error says that too many run at once, by the options that hold. */
function dropTest(site: SiteInfo): (options: AdaptiveOptions, error: unknown, call: Call) => boolean {
  let matcher: AdaptiveOptions['dropOn'] | undefined;
  let matches: Matches = () => false;
  return ({ dropOn }, error, call) => {
    if (dropOn !== matcher) matches = toMatches(dropOn);
    matcher = dropOn;
    const answer = matches(error, call, site);
    if (!isThenable(answer)) return Boolean(answer);
    catchRejection(answer);
    const problem = `expected \`dropOn\` to return true or false, not a promise, got ${show(answer)}`;
    throw misuse('concurrency', problem, site);
  };
}
