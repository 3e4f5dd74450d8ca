import type { Call, Wait } from '../core/call/call.js';
import { now, residue } from '../core/call/clock.js';
import { Deadlines, type Timed } from '../core/call/deadlines.js';
import { Descent } from '../core/call/descent.js';
import { finalError } from '../core/call/final-errors.js';
import { type HookContext, tellHook } from '../core/call/hooks.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import type { Around, Entrance } from '../core/call/step.js';
import { isThenable } from '../core/call/thenable.js';
import { TimeoutError } from '../core/errors.js';
import { ignore } from './run.js';

/** What a time is given for: one attempt, or all of them with their waits. */
export type Scope = 'attempt' | 'total';

/**
 * What `onTimeout` is told.
 *
 * @example
 * const onTimeout = ({ scope, timeout }: TimeoutEvent) => console.log(`${scope}: over ${timeout} ms`);
 */
export interface TimeoutEvent<Args extends readonly unknown[] = readonly unknown[]> extends HookContext<Args> {
  /** Whether the time was for one attempt, or for the whole call. */
  readonly scope: 'attempt' | 'total';
  /** The time that was allowed, in milliseconds. */
  readonly timeout: number;
  /** What the attempt, or the call, fails with. */
  readonly error: TimeoutError;
}

/** What one of the two bounds on a method knows of it. */
interface Bounded {
  readonly around: Around;
  readonly site: SiteInfo;
  readonly scope: Scope;
  readonly timeout: number;
  /** What it takes was checked against the method where it was given. */
  readonly onTimeout: ((event: never) => unknown) | undefined;
}

/**
 * How many turns of microtasks pass before somebody is given up: the promise decides, not the clock, and where timers
 * fire late, what settled before may still be on its way here through some `await`s.
 */
const grace = 16;

/** How long what lies beneath may take. */
export class Bound {
  readonly deadlines: Deadlines;

  constructor(readonly of: Bounded) {
    this.deadlines = new Deadlines(of.timeout, () => of.scope === 'total' && of.site.stats.running === 0);
  }

  /** Takes a call on beneath. */
  admit(call: Call): unknown {
    if (call.aborted) return this.of.around.fail(call.reason, call);
    const run = new BoundRun(this, call);
    call.waiting = run;
    if (this.of.scope === 'total') this.deadlines.add(run);
    return run;
  }
}

/** A call that runs within a bound. */
class BoundRun extends Descent implements Timed, Wait {
  dueAt = Number.POSITIVE_INFINITY;
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  /** Has it end at once, once something is waited for. */
  private cut: ((by: this) => void) | undefined = undefined;
  /** Whether it is to end at once. */
  private isCut = false;

  constructor(
    private readonly bound: Bound,
    parent: Call,
  ) {
    super(parent);
  }

  get entrance(): Entrance {
    return this.bound.of.around.entrance;
  }

  override get signalAt(): SignalPlace | undefined {
    return this.bound.of.site.signalAt;
  }

  override get deadline(): number {
    return Math.min(this.dueAt, this.parent.deadline);
  }

  /** The method's code is entered; by a policy beneath perhaps more than once. The time of the whole call has begun before. */
  override started(): void {
    if (this.dueAt === Number.POSITIVE_INFINITY) this.bound.deadlines.add(this);
    super.started();
  }

  settle(beneath: Promise<unknown>): Promise<unknown> {
    return this.orCut(beneath).then(
      (value) => this.succeed(value),
      (error) => (error === this ? this.goOnLate(beneath) : this.fail(error)),
    );
  }

  settleCode(result: Promise<unknown>): Promise<unknown> {
    return this.orCut(result).then(
      (value) => this.codeEnded(false, value),
      (error) => (error === this ? this.goOnLate(this.endOfCode(result)) : this.codeEnded(true, error)),
    );
  }

  /** What comes of a promise, or a rejection with this very run as soon as that is cut. */
  private orCut(beneath: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.cut = reject;
      if (this.isCut) reject(this);
      // The functions of the promise themselves, so that the caller stays tied to it.
      beneath.then(resolve, reject);
    });
  }

  /** Lets go of what the code held, whenever it ends. */
  private endOfCode(result: Promise<unknown>): Promise<unknown> {
    const { entrance } = this;
    return result.then(
      (value) => entrance.succeed(value, this),
      (error) => entrance.fail(error, this),
    );
  }

  private codeEnded(hasFailed: boolean, outcome: unknown): unknown {
    const { entrance } = this;
    let beneath: unknown;
    try {
      beneath = hasFailed ? entrance.fail(outcome, this) : entrance.succeed(outcome, this);
    } catch (error) {
      return this.fail(error);
    }
    // A step beneath may go on, as a retry does.
    return isThenable(beneath) ? this.settle(Promise.resolve(beneath)) : this.succeed(beneath);
  }

  /** The parent is aborted. */
  override leave(reason: unknown, parent: Call): void {
    // The call waits in its own place beneath.
    super.leave(reason, parent);
    this.expire();
  }

  /** The rest runs as a part of the call, whoever's timer it was. */
  expire(): void {
    this.isCut = true;
    this.cut?.(this);
  }

  private succeed(value: unknown): unknown {
    this.end();
    return this.bound.of.around.ok(value, this.parent);
  }

  private fail(error: unknown): unknown {
    this.end();
    return this.bound.of.around.fail(error, this.parent);
  }

  private end(): void {
    const { parent } = this;
    parent.waiting = undefined;
    this.bound.deadlines.remove(this);
    // So many led to an alternative that is called now.
    parent.attempt = this.attempt;
  }

  private async goOnLate(beneath: Promise<unknown>): Promise<unknown> {
    this.isCut = this.aborted;
    const outcome = this.orCut(beneath);
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    outcome.then(settle, settle);
    if (this.aborted) return await this.fail(this.reason);
    for (let turn = 0; turn < grace && !isSettled; turn++) await undefined;
    if (!isSettled && !this.isLateInAll()) return await this.giveUp();
    let value: unknown;
    try {
      value = await outcome;
    } catch (error) {
      return await this.fail(error === this ? this.reason : error);
    }
    return await this.succeed(value);
  }

  /** Whether the time for the whole call is up as well: then it is that which counts. */
  private isLateInAll(): boolean {
    return this.parent.deadline <= now() + residue;
  }

  private async giveUp(): Promise<unknown> {
    const { site, scope, timeout, onTimeout } = this.bound.of;
    const error = this.timeoutError();
    site.stats.timeouts++;
    this.abort(error, 'deadline');
    const { attempt } = this;
    try {
      if (onTimeout !== undefined) {
        const told = tellHook(onTimeout, this.parent, site, { scope, timeout, attempt, error });
        // The time is up: nobody waits for what it has begun, nor has anything to do with how that fails.
        Promise.resolve(told).catch(ignore);
      }
    } catch (thrown) {
      return await this.fail(finalError(thrown, this.parent));
    }
    return await this.fail(this.parent.aborted ? this.parent.reason : error);
  }

  private timeoutError(): TimeoutError {
    const { site, scope, timeout } = this.bound.of;
    const { attempt, error: cause } = this;
    if (scope === 'attempt') {
      return new TimeoutError(`${site.label}: attempt ${attempt} took longer than ${timeout} ms`, timeout, scope);
    }
    const text = `${site.label}: the whole call took longer than ${timeout} ms (total)`;
    // What led to the call itself is no attempt of it.
    const isOwn = cause !== undefined && (attempt > 1 || cause !== this.parent.error);
    return new TimeoutError(text, timeout, scope, isOwn ? { cause } : undefined);
  }
}
