import type { Call, Wait } from '../core/call/call.js';
import { ChildCall, type ChildOwner } from '../core/call/child-call.js';
import { type Alarm, now, residue } from '../core/call/clock.js';
import { Deadlines, type Timed } from '../core/call/deadlines.js';
import { type HookContext, tellHook } from '../core/call/hooks.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Around, Descent, type Entrance } from '../core/call/step.js';
import { TimeoutError } from '../core/errors.js';

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

/** What comes of a call that runs within a bound. */
class BoundRun extends Descent implements Timed, Wait, ChildOwner {
  deadline = Number.POSITIVE_INFINITY;
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  alarm: Alarm | undefined = undefined;
  readonly child: ChildCall;
  readonly #bound: Bound;
  readonly #call: Call;
  #beneath!: Promise<unknown>;
  #outcome: Promise<unknown>;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(bound: Bound, call: Call) {
    super();
    this.#bound = bound;
    this.#call = call;
    this.child = new ChildCall(call, bound.of.site.signalAt, this);
    this.#outcome = this.#newOutcome();
  }

  get entrance(): Entrance {
    return this.#bound.of.around.entrance;
  }

  settle(beneath: Promise<unknown>): Promise<unknown> {
    this.#beneath = beneath;
    // The functions of the promise themselves, so that the caller stays tied to it.
    beneath.then(this.#resolve, this.#reject);
    return this.#outcome.then(
      (value) => this.#succeed(value),
      (error) => (error === this ? this.#goOnLate() : this.#fail(error)),
    );
  }

  /** What comes of it: what settles first. */
  #newOutcome(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The method's code is entered. */
  onStart(): void {
    if (this.#bound.of.scope === 'attempt') this.#bound.deadlines.add(this);
  }

  /** The call itself is aborted. */
  leave(reason: unknown): void {
    this.child.leave(reason, this.#call);
    this.#reject(reason);
  }

  /** The rest runs as a part of the call, whoever's timer it was. */
  expire(): void {
    this.#reject(this);
  }

  #succeed(value: unknown): unknown {
    this.#end();
    return this.#bound.of.around.ok(value, this.#call);
  }

  #fail(error: unknown): unknown {
    this.#end();
    return this.#bound.of.around.fail(error, this.#call);
  }

  #end(): void {
    this.#call.waiting = undefined;
    this.#bound.deadlines.remove(this);
    // So many led to an alternative that is called now.
    this.#call.attempt = this.child.attempt;
  }

  async #goOnLate(): Promise<unknown> {
    if (this.child.aborted) return await this.#fail(this.child.reason);
    let isSettled = false;
    const outcome = this.#newOutcome();
    const settle = (): void => {
      isSettled = true;
    };
    outcome.then(settle, settle);
    this.#beneath.then(this.#resolve, this.#reject);
    for (let turn = 0; turn < grace && !isSettled; turn++) await undefined;
    if (!isSettled && !this.#isLateInAll()) return await this.#giveUp();
    let value: unknown;
    try {
      value = await outcome;
    } catch (error) {
      return await this.#fail(error);
    }
    return await this.#succeed(value);
  }

  /** Whether the time for the whole call is up as well: then it is that which counts. */
  #isLateInAll(): boolean {
    const { deadline } = this.#call;
    return deadline !== Number.POSITIVE_INFINITY && deadline <= now() + residue;
  }

  async #giveUp(): Promise<unknown> {
    const { site, scope, timeout, onTimeout } = this.#bound.of;
    const error = this.#error();
    this.#end();
    site.stats.timeouts++;
    this.child.abort(error, 'deadline');
    const { attempt } = this.child;
    try {
      if (onTimeout !== undefined) {
        await tellHook(onTimeout, this.#call, site, { scope, timeout, attempt, error });
      }
    } catch (thrown) {
      return await this.#fail(thrown);
    }
    return await this.#fail(this.#call.aborted ? this.#call.reason : error);
  }

  #error(): TimeoutError {
    const { site, scope, timeout } = this.#bound.of;
    const { attempt, error: cause } = this.child;
    if (scope === 'attempt') {
      return new TimeoutError(`${site.label}: attempt ${attempt} took longer than ${timeout} ms`, timeout, scope);
    }
    const text = `${site.label}: the whole call took longer than ${timeout} ms (total)`;
    // What led to the call itself is no attempt of it.
    const isOwn = cause !== undefined && (attempt > 1 || cause !== this.#call.error);
    return new TimeoutError(text, timeout, scope, isOwn ? { cause } : undefined);
  }
}
