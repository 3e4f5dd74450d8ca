import { type Call, tieCaller } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { finalError, isFinal } from '../core/call/final-errors.js';
import type { Matches } from '../core/call/matcher.js';
import { isOwnError } from '../core/call/own-errors.js';
import { placeText, valueAt, withValueAt } from '../core/call/places.js';
import type { Policy, PolicyStep, SiteInfo, State } from '../core/call/policy.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import type { Around, Step } from '../core/call/step.js';
import { tellOfFallback } from '../core/call/tell.js';
import { AllFailedError, ConfigurationError } from '../core/errors.js';
import { rankOf } from './order.js';
import { placeOf, type Rotate, valuesFor } from './rotate.js';
import { Run, type RunOwner } from './run.js';

/** Which value a call with `start: 'next'` begins with. */
class Ring implements State {
  #next = 0;

  /** The values in the order in which this call takes them; those that were first come again at the end. There is one at least. */
  turn(values: readonly unknown[]): readonly unknown[] {
    const first = this.#next % values.length;
    this.#next = first + 1;
    return [...values.slice(first), ...values];
  }

  /** With other values it goes on from where it stands. */
  configure(): void {}
}

/** How a call ended with none of its values. */
interface End {
  readonly error: unknown;
  /** Of each run, in order. */
  readonly errors: readonly unknown[];
  /** Whether `on` means the last of them, so that the alternatives come next. */
  readonly isMeant: boolean;
}

const ends = new WeakMap<Call, End>();

/** How the values of a call ended, where that is what its error tells of. */
export function endOfRotation(call: Call, error: unknown): End | undefined {
  const end = ends.get(call);
  return end !== undefined && Object.is(end.error, error) ? end : undefined;
}

/** Tells the fallback around, which knows the call from which this one was made. */
function keepEnd(end: End, call: Call): void {
  for (let each = call; ends.get(each) !== end; each = each.ancestor(1)) ends.set(each, end);
}

/** What the runs of one method have in common. */
interface Standing {
  readonly rotate: Rotate;
  readonly matches: Matches | undefined;
  readonly around: Around;
  readonly site: SiteInfo;
}

/** The step that runs what lies beneath with one value after the other, until a run succeeds. */
export function rotateStep(rotate: Rotate, matches: Matches | undefined, policy: () => Policy): PolicyStep {
  return {
    rank: rankOf('fallback.rotate'),
    name: 'fallback.rotate',
    wrap(around, site): Step {
      const standing = { rotate, matches, around, site };
      const ring = rotate.start === 'next' ? site.stateOf(policy(), () => new Ring()) : undefined;
      return {
        isBoundary: true,
        admit: function rotated(call) {
          let values: readonly unknown[];
          try {
            values = orderFor(call, standing, ring);
          } catch (thrown) {
            // What is wrong with the option itself rejects the call.
            if (isMisuse(thrown, site)) keepEnd({ error: thrown, errors: [thrown], isMeant: false }, call);
            return around.fail(thrown, call);
          }
          // By the function that gave the values, too.
          if (call.aborted) return around.fail(call.reason, call);
          return new Rotation(call, standing, values).begin();
        },
      };
    },
  };
}

const isMisuse = (error: unknown, site: SiteInfo): boolean =>
  error instanceof ConfigurationError && isOwnError(error, site);

/** The values in the order in which they are tried, each once. */
function orderFor(call: Call, { rotate, site }: Standing, ring: Ring | undefined): readonly unknown[] {
  const given = valueAt(call.args, placeOf(rotate));
  const values = valuesFor(call, rotate, site);
  if (ring === undefined || values.length === 0) return [...new Set([given, ...values])];
  // Any value stands in for an argument that is not given.
  return [...new Set([...ring.turn(values), ...(given === undefined ? [] : [given])])];
}

/** One call on its way through the values. */
class Rotation implements RunOwner {
  /** How many attempts were made in the runs that have ended. */
  attempts = 0;
  private readonly errors: unknown[] = [];

  constructor(
    readonly call: Call,
    private readonly standing: Standing,
    private readonly values: readonly unknown[],
  ) {}

  get signalAt(): SignalPlace | undefined {
    return this.standing.site.signalAt;
  }

  begin(): Promise<unknown> {
    const run = this.newRun();
    return this.standing.around.next(run).then(
      (value) => this.standing.around.ok(value, this.call),
      (error) => this.goOn(run, error),
    );
  }

  private newRun(): RotatedRun {
    const { call, errors, standing } = this;
    const place = placeOf(standing.rotate);
    const value = this.values[errors.length];
    const isGiven = Object.is(value, valueAt(call.args, place));
    const run = new RotatedRun(this, isGiven ? call.args : withValueAt(call.args, place, value));
    if (call.isWatched) call.waiting = run;
    return run;
  }

  endOf(run: Run): void {
    const { call } = this;
    this.attempts += run.attempt;
    call.attempt = this.attempts;
    call.waiting = undefined;
  }

  /** From the first failure on. */
  private async goOn(first: Run, failure: unknown): Promise<unknown> {
    const { call, errors } = this;
    const { around, site } = this.standing;
    await tieCaller();
    let run = first;
    let error = failure;
    for (;;) {
      errors.push(error);
      call.endAttempt(error);
      if (call.aborted || isFinal(error, run)) return await around.fail(error, call);
      let isMeant: boolean;
      try {
        isMeant = await this.isMeant(error);
      } catch (thrown) {
        return await this.fail(finalError(thrown, call), false);
      }
      if (call.aborted) return await around.fail(error, call);
      if (!isMeant) return await this.fail(error, false);
      if (errors.length === this.values.length) return await this.fail(this.allFailed(error), true);
      site.stats.fallbacks++;
      if (channels.fallback.hasSubscribers) tellOfFallback('rotate', error, call, site);
      run = this.newRun();
      let value: unknown;
      try {
        value = await around.next(run);
      } catch (thrown) {
        error = thrown;
        continue;
      }
      call.trace?.answeredByFallback();
      return await around.ok(value, call);
    }
  }

  private async isMeant(error: unknown): Promise<boolean> {
    const { matches, site } = this.standing;
    return matches === undefined || Boolean(await matches(error, this.call, site));
  }

  private allFailed(last: unknown): unknown {
    const { errors } = this;
    if (errors.length === 1) return last;
    const { rotate, site } = this.standing;
    return new AllFailedError(`${site.label}: it failed with every value of ${placeText(placeOf(rotate))}`, errors);
  }

  private fail(error: unknown, isMeant: boolean): unknown {
    keepEnd({ error, errors: this.errors, isMeant }, this.call);
    return this.standing.around.fail(error, this.call);
  }
}

/** A run of what lies beneath with one of the values. */
class RotatedRun extends Run {
  constructor(
    private readonly rotation: Rotation,
    args: readonly unknown[],
  ) {
    super(rotation, args, undefined);
    this.attempt = 1;
    this.isFurther = rotation.attempts > 0;
  }

  /** Whether another run came before. */
  private readonly isFurther: boolean;

  override get isAnother(): boolean {
    return this.isFurther;
  }

  override started(): void {
    this.parent.attempt = this.rotation.attempts + this.attempt;
    super.started();
  }

  override endAttempt(error: unknown): void {
    super.endAttempt(error);
    this.parent.endAttempt(error);
  }
}
