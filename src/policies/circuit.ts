import { catchRejection } from '../core/call/thenable.js';
import { ConfigurationError } from '../core/errors.js';
import { durationOrInfinity, show, type Where } from '../core/options.js';
import { once } from '../core/undo.js';
import { type Counts, countsBy } from './circuit-counts.js';
import type { CircuitOptions, CircuitState, EndIsolation } from './circuit-options.js';
import { Probes } from './circuit-probes.js';
import { halfOpenRefusal, isolatedRefusal, openRefusal, type Refusal } from './circuit-refusal.js';
import { isWaitOver, leftOf, now } from './circuit-time.js';

/** How long a circuit stays open whose `halfOpenAfter` did not say. */
const defaultWait = 5_000;

/**
 * A circuit: closed it lets every call through and counts how they end, open it refuses them, half-open it lets probes
 * through. It has no timer and moves on when a call looks at it.
 *
 * A call that is admitted gets a token. It ends once: with `succeed`, `fail` or `leave`, or when `recheck` refuses it.
 * What a hook throws comes out of the method that made the change; the change stands, and the call has ended. Changes by
 * hand, `isolate` and `reset`, throw nothing: who makes them, in an emergency, relies on them.
 */
export class Circuit<Context> {
  #options: CircuitOptions<Context>;
  readonly #where: Where;
  #counts: Counts;
  #state: CircuitState = 'closed';
  /** The latest token: each closed period has one for all its calls, each probe its own. They only grow. */
  #latest = 1;
  /** The token of the closed period that now is; 0 in the other states. */
  #closedToken = 1;
  /** The latest token when the state that now is began; in half-open those above it are of its probes. */
  #period = 1;
  readonly #probes = new Probes();
  #successes = 0;
  /** Tokens that are out. */
  #running = 0;
  #opening = 0;
  #openedAt = 0;
  #wait = defaultWait;
  #cause: unknown = undefined;
  #why = '';
  readonly #isolations = new Set<object>();

  /** `where` tells for messages where the options come from. */
  constructor(options: CircuitOptions<Context>, where: Where) {
    this.#options = options;
    this.#where = where;
    this.#counts = countsBy(options);
  }

  /** Read after `halfOpenAfter` it is `'half-open'`, though no call has looked at it yet. */
  get state(): CircuitState {
    return this.#state === 'open' && this.#isDue(now()) ? 'half-open' : this.#state;
  }

  /** Calls in the window; of a circuit that counts in a row, the failures. What opened it stays until it closes or ages. */
  get calls(): number {
    return this.#counts.calls;
  }

  /** Failures in the window, or in a row. */
  get failures(): number {
    return this.#counts.failures;
  }

  /** Whether a new circuit would be the same: it is closed and empty, and no call is under way that may yet fail. */
  get isIdle(): boolean {
    return this.#state === 'closed' && this.#running === 0 && this.#counts.calls === 0;
  }

  /** Whether calls are under way that count. */
  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Lets a call through, with a token to end it by; or tells why not. */
  admit(context: Context): number | Refusal {
    const token = this.#closedToken;
    if (token === 0) return this.#admitProbe(context);
    this.#running++;
    return token;
  }

  /** Whether a token is of the closed period that now is: there is nothing to ask, and its end tells nobody anything. */
  stands(token: number): boolean {
    return token === this.#closedToken;
  }

  /** Asks again for a call that waited since it was admitted: gives the token that it has from now on, or refuses it. */
  recheck(token: number, context: Context): number | Refusal {
    if (token === this.#closedToken) return token;
    this.leave(token);
    return this.admit(context);
  }

  /** A call succeeded. */
  succeed(token: number, context: Context): void {
    this.#running--;
    if (token === this.#closedToken) this.#counts.succeed();
    else if (this.#isProbe(token)) this.#probeSucceeded(token, context);
  }

  /** A call failed. */
  fail(token: number, error: unknown, context: Context): void {
    this.#running--;
    if (token === this.#closedToken) {
      if (this.#counts.fail()) this.#open(this.#counts.describe(), error, context);
    } else if (this.#isProbe(token)) this.#open('a probe failed', error, context);
  }

  /** A call ended in a way that tells nothing: it was aborted, or turned away further on. */
  leave(token: number): void {
    this.#running--;
    this.#probes.delete(token);
  }

  /** Lets nobody through until this isolation, and every other, has ended. `context` is for the hook. */
  isolate(context?: Context): EndIsolation {
    const isolation = {};
    this.#isolations.add(isolation);
    const from = this.#enter('isolated');
    this.#tellByHand(from, 'isolated', context);
    return once(() => {
      if (this.#isolations.delete(isolation) && this.#isolations.size === 0) this.#closeByHand(context);
    });
  }

  /** Makes it as new: closed and empty. Isolations end with it, and calls under way count no more. */
  reset(context?: Context): void {
    this.#isolations.clear();
    this.#closeByHand(context);
  }

  /** Takes other options; the state and what was counted stay. The circuit is judged by them at the next failure. */
  configure(options: CircuitOptions<Context>): void {
    this.#options = options;
    this.#counts = countsBy(options, this.#counts);
    if (typeof options.halfOpenAfter === 'number') this.#wait = options.halfOpenAfter;
  }

  #isDue(time: number): boolean {
    return isWaitOver(this.#openedAt, this.#wait, time);
  }

  #isProbe(token: number): boolean {
    return token > this.#period;
  }

  #admitProbe(context: Context): number | Refusal {
    if (this.#state === 'isolated') return isolatedRefusal;
    const time = now();
    if (this.#state === 'open') {
      if (this.#isDue(time)) return this.#halfOpen(time, context);
      return openRefusal(this.#why, leftOf(this.#openedAt, this.#wait, time), this.#cause);
    }
    const places = this.#options.halfOpenCalls;
    if (this.#probes.hasPlace(places, this.#wait, time)) return this.#beginProbe(time);
    return halfOpenRefusal(this.#why, places, this.#cause);
  }

  #beginProbe(time: number): number {
    const token = ++this.#latest;
    this.#running++;
    this.#probes.add(token, time);
    return token;
  }

  #probeSucceeded(token: number, context: Context): void {
    this.#probes.delete(token);
    if (++this.#successes >= this.#options.halfOpenCalls) this.#close(context);
  }

  #open(why: string, error: unknown, context: Context): void {
    const from = this.#enter('open');
    const period = this.#period;
    this.#openedAt = now();
    this.#wait = defaultWait;
    this.#cause = error;
    this.#why = why;
    try {
      const wait = this.#waitOf(++this.#opening, error, context);
      if (this.#period === period) this.#wait = wait;
    } finally {
      this.#tell(from, 'open', error, context);
    }
  }

  #waitOf(opening: number, error: unknown, context: Context): number {
    const { halfOpenAfter } = this.#options;
    if (typeof halfOpenAfter === 'number') return halfOpenAfter;
    const wait: unknown = halfOpenAfter(opening, error, context);
    if (durationOrInfinity.test(wait)) return wait as number;
    // Of a promise, what it comes to is nobody's affair.
    catchRejection(wait);
    const { allowed } = durationOrInfinity;
    throw new ConfigurationError(
      `${this.#where.text}: expected \`halfOpenAfter\` to return ${allowed}, got ${show(wait)}`,
    );
  }

  #halfOpen(time: number, context: Context): number | Refusal {
    const from = this.#enter('half-open');
    // Before the hook, which may make calls of its own: this one came first.
    const token = this.#beginProbe(time);
    try {
      this.#tell(from, 'half-open', this.#cause, context);
    } catch (error) {
      this.leave(token);
      throw error;
    }
    // What the hook did to the circuit holds for this call too.
    return this.recheck(token, context);
  }

  #close(context: Context): void {
    const from = this.#empty();
    this.#tell(from, 'closed', undefined, context);
  }

  #closeByHand(context: Context | undefined): void {
    const from = this.#empty();
    this.#tellByHand(from, 'closed', context);
  }

  #empty(): CircuitState {
    this.#counts.clear();
    this.#opening = 0;
    this.#cause = undefined;
    return this.#enter('closed');
  }

  /** Begins a state, in which calls of earlier ones count no more; gives the state before. */
  #enter(state: CircuitState): CircuitState {
    const from = this.#state;
    this.#state = state;
    this.#period = ++this.#latest;
    this.#closedToken = state === 'closed' ? this.#period : 0;
    this.#probes.clear();
    this.#successes = 0;
    return from;
  }

  #tellByHand(from: CircuitState, to: CircuitState, context: Context | undefined): void {
    try {
      this.#tell(from, to, undefined, context);
    } catch (error) {
      this.#options.onHookError?.(error);
    }
  }

  #tell(from: CircuitState, to: CircuitState, error: unknown, context: Context | undefined): void {
    if (from !== to) this.#options.onStateChange?.({ from, to, error }, context);
  }
}
