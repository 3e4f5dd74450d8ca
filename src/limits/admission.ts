import type { Call } from '../core/call/call.js';
import { type Alarm, now } from '../core/call/clock.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import { RejectedError } from '../core/errors.js';
import type { PolicyKind } from '../core/policies.js';
import type { Adaptive } from './adaptive.js';
import { isBefore, Line } from './line.js';
import { semaClass } from './sema.js';
import { type Ask, type Onward, oneInTurn, pushedOut, type QueueRules, tooLate, Waiter } from './waiter.js';

/**
 * Tokens, and the line of those who wait for some, admitted strictly in turn: a light one does not overtake a heavy one.
 *
 * The tokens are a Sema's. Its own queue cannot be left, so the line is kept here.
 */
export class Admission {
  /** Called when somebody begins to wait, or the last one stops waiting. */
  onWaiting: ((waiting: boolean) => void) | undefined = undefined;
  /** Called when every token is back and nobody waits. */
  onIdle: (() => void) | undefined = undefined;
  /** What brings tokens back where they come back by time, and not when work ends. */
  returning: Alarm | undefined = undefined;
  /** In how many milliseconds so many of the tokens that are out will have come back by time, if that is known. */
  backIn: ((count: number) => number | undefined) | undefined = undefined;
  /** What moves the limit by itself, where something does; see `slots.ts`. */
  adaptive: Adaptive | undefined = undefined;
  /** Called when the limit has moved by itself. */
  onMove: (() => void) | undefined = undefined;
  /** For how many milliseconds it is kept while it is idle. */
  keptFor = 0;

  readonly #Sema = semaClass();
  #returned: InstanceType<ReturnType<typeof semaClass>> | undefined;
  /** Whether the token that came back last is at hand: most calls find it here, and are spared the Sema's emitter. */
  #spare = false;
  /*
   * What always holds of the counters:
   *
   *     #made = #out + those at hand (#spare, and those in #returned), and is no more than `#tokens`, but while those who
   *             had more before still hold them
   *     while somebody waits, the first in line asks for more than is left
   *     each of #admittedNotResumed has its tokens, and they count among #out
   */
  /** Tokens made so far; they are made when first needed, so that a huge limit costs nothing. */
  #made = 0;
  /** Tokens that somebody has. */
  #out = 0;
  /** Tokens that those in line ask for, beyond one each. */
  #extra = 0;
  /** Those who got a token after a wait, and have not gone on yet: a newcomer may not overtake them. */
  #admittedNotResumed = 0;
  readonly #line: Line<Waiter>;
  /** How many tokens there are to be had: the limit, or none while it is closed. */
  #tokens: number;
  #limit: number;
  /** The most that the limit ever was, or might have been. */
  #most: number;
  #queue: QueueRules;

  constructor(
    limit: number,
    queue: QueueRules,
    readonly kind: keyof typeof places,
    /** Whether priorities may matter. */
    isRanked = false,
  ) {
    this.#tokens = limit;
    this.#limit = limit;
    this.#most = limit;
    this.#queue = queue;
    this.#line = new Line(isRanked, () => this.returning?.isSet === true);
  }

  get limit(): number {
    return this.#limit;
  }

  /** The most that one call may ask for: one that fitted once waits until it may run alone. */
  get most(): number {
    return this.#most;
  }

  /** How many tokens somebody has. */
  get used(): number {
    return this.#out;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Whether every token is back and nobody waits. */
  get isIdle(): boolean {
    return this.#out === 0 && this.#line.length === 0;
  }

  /** Whether more tokens are out than there may be by now: they were fewer made since. */
  get isOver(): boolean {
    return this.#out > this.#tokens;
  }

  /** Whether nobody stands in line before a newcomer. */
  get isClear(): boolean {
    return this.#line.length === 0 && this.#admittedNotResumed === 0;
  }

  /**
   * Takes another limit, and other rules for those who come. Where there are more tokens now, those in line have them at
   * once; where there are fewer, those that are out come back first. Who waits does so by the rules by which it came.
   * `most` is how far the limit may grow by itself.
   */
  configure(limit: number, queue = this.#queue, isRanked = false, most = limit): void {
    this.#line.isRanked ||= isRanked;
    const isClosed = this.#tokens === 0;
    this.#limit = limit;
    this.#most = Math.max(this.#most, most);
    this.#queue = queue;
    if (!isClosed) this.#setTokens(limit);
  }

  /** Nobody is admitted from now on, until it is opened; those in line keep their places. */
  close(): void {
    this.#setTokens(0);
  }

  open(): void {
    this.#setTokens(this.#limit);
  }

  #setTokens(tokens: number): void {
    this.#tokens = tokens;
    this.#dropThoseAtHand();
    this.#admitAll();
  }

  /** They are made anew when they are needed. */
  #dropThoseAtHand(): void {
    this.#spare = false;
    this.#returned = undefined;
    this.#made = this.#out;
  }

  /** Takes a token if one is free and nobody stands in line for it. */
  tryTake(): boolean {
    return this.isClear && this.#take();
  }

  /** The same for as many as are asked for. */
  tryTakeFor(weight: number): boolean {
    return this.isClear && this.#takeFor(weight);
  }

  /**
   * Waits for tokens in line, on behalf of a site; then goes on with `onward.next`, or with `onward.fail` if it got none:
   * with a RejectedError at once when the queue is full, or when the wait took too long, or with the reason of an abort.
   */
  wait(call: Call, site: SiteInfo, onward: Onward, queue = this.#queue, ask: Ask = oneInTurn): unknown {
    if (call.aborted) return onward.fail(call.reason, call);
    const { maxQueue, maxWait } = queue;
    const waiter = new Waiter(this, call, site, onward, queue, ask);
    // Some may be free although nobody may take them at once: those admitted before have not gone on yet.
    const isFree = this.#line.length === 0 && this.#takeFor(ask.weight);
    if (!isFree) {
      if (call.neverWaits) return onward.fail(this.#noPlace(site), call);
      const isFull = this.#line.length >= maxQueue && (maxWait === 0 || !this.#makeRoomFor(waiter));
      if (isFull) return onward.fail(this.#reject(waiter, 'queue-full'), call);
      if (maxWait === 0) return onward.fail(this.#reject(waiter, 'wait-timeout'), call);
    }
    const wait = promiseOf(waiter);
    if (isFree) this.#admit(waiter);
    else this.#join(waiter);
    return this.#goOn(wait);
  }

  /**
   * Waits once more, before all whose turn has not come yet: for one who could not go on when it was its turn, and gives
   * back what it had.
   */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue = this.#queue, ask: Ask = oneInTurn): unknown {
    if (call.aborted) return onward.fail(call.reason, call);
    if (call.neverWaits) return onward.fail(this.#noPlace(site), call);
    const waiter = new Waiter(this, call, site, onward, queue, ask, true);
    const wait = promiseOf(waiter);
    this.#join(waiter);
    this.#admitAll();
    return this.#goOn(wait);
  }

  /** `async` and with each `await`, so that the caller stands in the stack of what is thrown. */
  async #goOn(wait: Promise<Waiter>): Promise<unknown> {
    const waiter = await wait;
    const { call, onward } = waiter;
    if (waiter.failed) return await onward.fail(this.#errorOf(waiter), call);
    this.#admittedNotResumed--;
    return await onward.next(call);
  }

  #errorOf(waiter: Waiter): unknown {
    if (waiter.error === tooLate) return this.#reject(waiter, 'wait-timeout');
    return waiter.error === pushedOut ? this.#reject(waiter, 'queue-full') : waiter.error;
  }

  /** A token comes back: the first in line has it, or else it is free. */
  give(): void {
    const { first } = this.#line;
    if (first !== undefined && first.ask.weight === 1 && !this.isOver) {
      this.#leave(first);
      this.#admit(first);
      return;
    }
    if (first !== undefined || this.isOver) {
      this.giveBack(1);
      return;
    }
    this.#out--;
    if (this.#spare) {
      this.#returned ??= new this.#Sema(0);
      this.#returned.release();
    }
    this.#spare = true;
    if (this.#out === 0) this.onIdle?.();
  }

  /** So many tokens come back at once: those in line have them first, the rest are made anew when they are needed. */
  giveBack(count: number): void {
    this.#out -= count;
    this.#made -= count;
    this.#admitAll();
    if (count > 0 && this.isIdle) this.onIdle?.();
  }

  /** So many more are out, whatever the limit: what was taken turned out to be more. */
  charge(count: number): void {
    this.#dropThoseAtHand();
    this.#out += count;
    this.#made += count;
  }

  /** A waiter gives up: those behind it may be lighter. */
  quit(waiter: Waiter): void {
    this.#leave(waiter);
    this.#admitAll();
    if (this.isIdle) this.onIdle?.();
  }

  #admitAll(): void {
    for (;;) {
      const { first } = this.#line;
      if (first === undefined || !this.#takeFor(first.ask.weight)) return;
      this.#leave(first);
      this.#admit(first);
    }
  }

  #admit(waiter: Waiter): void {
    this.#admittedNotResumed++;
    waiter.settle();
  }

  #take(): boolean {
    if (this.#spare) {
      this.#spare = false;
    } else if (this.#returned?.tryAcquire() === undefined) {
      if (this.#made >= this.#tokens) return false;
      this.#made++;
    }
    this.#out++;
    return true;
  }

  /** One that asks for more than there ever are by now has them all to itself. */
  #takeFor(weight: number): boolean {
    if (weight === 1) return this.#take();
    if (this.#tokens === 0) return false;
    const isAlone = this.#out === 0;
    if (weight > 0 && !isAlone && this.#out + weight > this.#tokens) return false;
    this.charge(weight);
    return true;
  }

  #join(waiter: Waiter): void {
    if (waiter.hasComeBack) this.#line.rejoin(waiter, (other) => other.hasComeBack);
    else this.#line.join(waiter);
    this.#extra += waiter.ask.weight - 1;
    waiter.call.waiting = waiter;
    waiter.site.stats.queued++;
    if (this.#line.length === 1) this.onWaiting?.(true);
  }

  #leave(waiter: Waiter): void {
    this.#line.leave(waiter);
    this.#extra -= waiter.ask.weight - 1;
    waiter.site.stats.queued--;
    if (this.#line.length === 0) this.onWaiting?.(false);
  }

  /** In a full queue one of a higher rank takes the place of the last of those of its own method. */
  #makeRoomFor(newcomer: Waiter): boolean {
    if (newcomer.queue.maxQueue === 0 || !this.#line.isRanked) return false;
    newcomer.arrival = now();
    const last = this.#line.lastOf(({ site }) => site === newcomer.site);
    if (last === undefined || !isBefore(newcomer, last)) return false;
    last.leave(pushedOut);
    return true;
  }

  /** For a call that never waits. It is skipped, which counts as nothing. */
  #noPlace(site: SiteInfo): RejectedError {
    const why = `there is no ${places[this.kind]} now, and a hedge does not wait for one`;
    return ownError(new RejectedError(`${site.label}: ${why}`, this.kind, 'queue-full'), site);
  }

  #reject({ site, queue, ask }: Waiter, reason: 'queue-full' | 'wait-timeout'): RejectedError {
    site.stats.rejected++;
    const { maxQueue, maxWait } = queue;
    const what = places[this.kind];
    let why = `the call got no ${what} within ${maxWait} ms (maxWait)`;
    if (reason === 'queue-full') {
      const others = this.waiting === 1 ? 'a call waits' : `${this.waiting} calls wait`;
      why = `${others} for a ${what} already (maxQueue: ${maxQueue})`;
      if (maxQueue === 0) why = `there is no ${what} now, and nobody may wait (maxQueue: 0)`;
    }
    const missing = this.#out + this.waiting + this.#extra + ask.weight - this.#limit;
    const retryAfter = this.backIn?.(missing);
    return ownError(new RejectedError(`${site.label}: ${why}`, this.kind, reason, retryAfter), site);
  }
}

/** Settles when the wait ends, with the waiter itself. */
const promiseOf = (waiter: Waiter): Promise<Waiter> =>
  new Promise((resolve) => {
    waiter.resolve = resolve;
  });

/** What a waiter waits for, for messages. */
const places = {
  rateLimit: 'permit of its rate limit',
  concurrency: 'slot of its concurrency limit',
  cpuBound: 'free worker',
} satisfies Partial<Record<PolicyKind, string>>;
