import type { Call } from '../core/call/call.js';
import { now } from '../core/call/clock.js';
import type { SiteInfo } from '../core/call/policy.js';
import { beginWait, type ToldWait } from '../core/call/told-wait.js';
import type { RejectedError } from '../core/errors.js';
import type { Adaptive } from './adaptive.js';
import { Ask, oneInTurn } from './ask.js';
import { isBefore, Line } from './line.js';
import { noPlace, type PlaceKind, rejection } from './rejections.js';
import { Tokens } from './tokens.js';
import { type Onward, promiseOf, pushedOut, type QueueRules, TimedWaiter, tooLate, Waiter } from './waiter.js';

/** What brings tokens back where they come back by time, and not when work ends. */
export interface Returning {
  /** Whether it is going to bring some, or to open what is closed. */
  readonly isUnderWay: boolean;
  /** In how many milliseconds so many of the tokens that are out will have come back, if that is known. */
  backIn(count: number): number | undefined;
}

/**
 * Tokens, and the line of those who wait for some, admitted strictly in turn: a light one does not overtake a heavy one.
 * While somebody waits, the first in line asks for more than is left.
 */
export class Admission {
  /** Called when somebody begins to wait, or the last one stops waiting. */
  onWaiting: ((waiting: boolean) => void) | undefined = undefined;
  /** Called when every token is back and nobody waits. */
  onIdle: (() => void) | undefined = undefined;
  returning: Returning | undefined = undefined;
  /** What moves the limit by itself, where something does; see `slots.ts`. */
  adaptive: Adaptive | undefined = undefined;
  /** Called when the limit has moved by itself. */
  onMove: (() => void) | undefined = undefined;
  /** For how many milliseconds it is kept while it is idle. */
  keptFor = 0;

  readonly #tokens: Tokens;
  readonly #line: Line<Waiter>;
  /** Tokens that those in line ask for, beyond one each. */
  #extra = 0;
  /** Whether somebody in line has asked for another number than one. */
  #isWeighed = false;
  /** Those who got tokens after a wait, and have not gone on yet: a newcomer may not overtake them. */
  #admittedNotResumed = 0;
  #limit: number;
  #isClosed = false;
  #queue: QueueRules;

  constructor(
    limit: number,
    queue: QueueRules,
    readonly kind: PlaceKind,
    /** Whether priorities may matter. */
    isRanked = false,
  ) {
    this.#tokens = new Tokens(limit);
    this.#limit = limit;
    this.#queue = queue;
    this.#line = new Line(isRanked, () => this.returning?.isUnderWay === true);
  }

  get limit(): number {
    return this.#limit;
  }

  /** How many tokens somebody has. */
  get used(): number {
    return this.#tokens.out;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Whether every token is back and nobody waits. */
  get isIdle(): boolean {
    return this.#tokens.out === 0 && this.#line.length === 0;
  }

  /** Whether more tokens are out than there may be by now: they were fewer made since. */
  get isOver(): boolean {
    return this.#tokens.isOver;
  }

  /** Whether nobody stands in line before a newcomer. */
  get isClear(): boolean {
    return this.#line.length === 0 && this.#admittedNotResumed === 0;
  }

  /**
   * Takes another limit, and other rules for those who come. Where there are more tokens now, those in line have them at
   * once; where there are fewer, those that are out come back first. Who waits does so by the rules by which it came.
   */
  configure(limit: number, queue = this.#queue, isRanked = false): void {
    this.#line.isRanked ||= isRanked;
    this.#limit = limit;
    this.#queue = queue;
    if (!this.#isClosed) this.open();
  }

  /** Nobody is admitted from now on, until it is opened; those in line keep their places. */
  close(): void {
    this.#isClosed = true;
    this.#tokens.set(0);
  }

  open(): void {
    this.#isClosed = false;
    this.#tokens.set(this.#limit);
    this.#admitAll();
  }

  /** Takes a token if one is free and nobody stands in line for it. */
  tryTake(): boolean {
    return this.isClear && this.#tokens.take();
  }

  /** The same for as many as are asked for. */
  tryTakeAll(weight: number): boolean {
    return this.isClear && this.#tokens.takeAll(weight);
  }

  /**
   * Waits for tokens in line, on behalf of a site; then goes on with `onward.next`, or with `onward.fail` if it got none:
   * with a RejectedError at once when the queue is full, or when the wait took too long, or with the reason of an abort.
   */
  wait(call: Call, site: SiteInfo, onward: Onward, queue = this.#queue, ask = this.#plainAsk()): unknown {
    if (call.aborted) return onward.fail(call.reason, call);
    const waiter = this.#waiterFor(call, site, onward, queue, ask);
    // Some may be free although nobody may take them at once: those admitted before have not gone on yet.
    const isFree = this.#line.length === 0 && this.#tokens.takeAll(ask.weight);
    let outranked: Waiter | undefined;
    if (!isFree) {
      if (call.neverWaits) return onward.fail(this.#noPlace(site), call);
      if (this.#line.length >= queue.maxQueue) {
        outranked = this.#outrankedBy(waiter);
        if (outranked === undefined) return onward.fail(this.#reject(waiter, 'queue-full'), call);
      }
      if (queue.maxWait === 0) return onward.fail(this.#reject(waiter, 'wait-timeout'), call);
    }
    const told = isFree ? undefined : beginWait(call, site, this.kind);
    const wait = promiseOf(waiter);
    if (isFree) {
      this.#admit(waiter);
    } else {
      this.#line.join(waiter);
      this.#begin(waiter);
      outranked?.leave(pushedOut);
      // One of a higher rank stands before a heavier one that nothing can be given to yet.
      if (this.#line.isRanked) this.#admitAll();
    }
    return this.#goOn(wait, told);
  }

  /**
   * Waits once more, before all whose turn has not come yet: for one who could not go on when it was its turn, and gives
   * back what it had.
   */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules, ask: Ask): unknown {
    if (call.aborted) return onward.fail(call.reason, call);
    if (call.neverWaits) return onward.fail(this.#noPlace(site), call);
    const waiter = this.#waiterFor(call, site, onward, queue, ask);
    if (queue.maxWait === 0) return onward.fail(this.#reject(waiter, 'wait-timeout'), call);
    const told = beginWait(call, site, this.kind);
    const wait = promiseOf(waiter);
    this.#line.rejoin(waiter);
    this.#begin(waiter);
    this.#admitAll();
    return this.#goOn(wait, told);
  }

  #plainAsk(): Ask {
    return this.#line.isRanked ? new Ask(1, 0) : oneInTurn;
  }

  #waiterFor(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules, ask: Ask): Waiter {
    return queue.maxWait === Number.POSITIVE_INFINITY
      ? new Waiter(this, call, site, onward, queue, ask)
      : new TimedWaiter(this, call, site, onward, queue, ask);
  }

  /** `async` and with each `await`, so that the caller stands in the stack of what is thrown. */
  async #goOn(wait: Promise<Waiter>, told: ToldWait | undefined): Promise<unknown> {
    const waiter = await wait;
    const { call, onward } = waiter;
    if (waiter.hasFailed) {
      const error = this.#errorOf(waiter);
      told?.end(error);
      return await onward.fail(error, call);
    }
    told?.end();
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
    if (first === undefined) {
      this.#tokens.give();
      if (this.#tokens.out === 0) this.onIdle?.();
    } else if (first.ask.weight === 1 && !this.#tokens.isOver) {
      this.#end(first);
      this.#admit(first);
      // One that weighs nothing goes along.
      if (this.#isWeighed) this.#admitAll();
    } else {
      this.giveBack(1);
    }
  }

  /** So many tokens come back at once: those in line have them first. */
  giveBack(count: number): void {
    this.#tokens.giveAll(count);
    this.#admitAll();
    if (this.isIdle) this.onIdle?.();
  }

  /** So many more are out, whatever the limit: what was taken turned out to be more. */
  charge(count: number): void {
    this.#tokens.charge(count);
  }

  /** A waiter gives up: those behind it may be lighter. */
  quit(waiter: Waiter): void {
    this.#end(waiter);
    this.#admitAll();
    if (this.isIdle) this.onIdle?.();
  }

  #admitAll(): void {
    for (let { first } = this.#line; first !== undefined; first = this.#line.first) {
      if (!this.#tokens.takeAll(first.ask.weight)) return;
      this.#end(first);
      this.#admit(first);
    }
  }

  #admit(waiter: Waiter): void {
    this.#admittedNotResumed++;
    waiter.settle();
  }

  /** One stands in line from now on. */
  #begin(waiter: Waiter): void {
    const { weight } = waiter.ask;
    if (weight !== 1) this.#isWeighed = true;
    this.#extra += weight - 1;
    waiter.call.waiting = waiter;
    waiter.site.stats.queued++;
    if (this.#line.length === 1) this.onWaiting?.(true);
  }

  /** One stands in line no more. */
  #end(waiter: Waiter): void {
    this.#line.leave(waiter);
    this.#extra -= waiter.ask.weight - 1;
    waiter.site.stats.queued--;
    if (this.#line.length === 0) this.onWaiting?.(false);
  }

  /** The last of those of its own method, whose place in a full queue is for one of a higher rank. */
  #outrankedBy({ queue, ask, site }: Waiter): Waiter | undefined {
    if (queue.maxQueue === 0 || !this.#line.isRanked) return undefined;
    ask.arrival = now();
    const last = this.#line.lastOf((each) => each.site === site);
    return last !== undefined && isBefore(ask, last.ask) ? last : undefined;
  }

  #noPlace(site: SiteInfo): RejectedError {
    return noPlace(site, this.kind);
  }

  #reject(waiter: Waiter, reason: 'queue-full' | 'wait-timeout'): RejectedError {
    const missing = this.used + this.waiting + this.#extra + waiter.ask.weight - this.#limit;
    return rejection(waiter, reason, this.kind, this.waiting, this.returning?.backIn(missing));
  }
}
