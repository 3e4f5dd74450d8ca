import type { Call } from '../../core/call/call.js';
import { now } from '../../core/call/clock.js';
import type { SiteInfo } from '../../core/call/policy.js';
import { beginWait, type ToldWait } from '../../core/call/told-wait.js';
import { Ask } from '../ask.js';
import { isBefore, Line } from '../line.js';
import { noPlace, type PlaceKind, rejection } from '../rejections.js';
import { type Onward, promiseOf, pushedOut, type QueueRules, TimedWaiter, tooLate, Waiter } from '../waiter.js';
import type { Run } from './backend.js';

/** What a call asks of a limit in a store. */
export class StoreAsk extends Ask {
  /** Whether it stands in line although an answer has come since: it waits, and is not only about to be told. */
  isLeftWaiting = false;
  /** The answer that tells whether it can go on at once. */
  toldBy = 0;
  /** The rules by which it came. */
  queue: QueueRules | undefined = undefined;
}

/** Whose line it is. */
export interface LineOwner {
  readonly kind: PlaceKind;
  /** The answer that comes next, of those that are yet to be asked for. */
  readonly nextAnswer: number;
  /** Whether it is known that there is nothing for a newcomer. */
  readonly isFull: boolean;
  /** Whether the store knows that somebody waits here, and tells when there is something. */
  readonly standsInLine: boolean;
  /** Whether nothing but time is left to pass. */
  readonly isPassing: boolean;
  /** Takes what the first in line asks for, if that is there. */
  take(waiter: Waiter): boolean;
  /** One more stands in line, or one has left without having got anything. */
  lineChanged(): void;
}

/** Makes the error for one who is to get nothing, when that one is there to stand in its stack. */
class Refusal {
  constructor(readonly errorFor: (waiter: Waiter) => unknown) {}
}

const endless = { maxWait: Number.POSITIVE_INFINITY };
/** One message tells of so many different weights at the most. */
const mostRuns = 64;

/**
 * Those of this process who wait for a limit in a store. Nobody can be told at once whether there is something: so nobody
 * counts as waiting, for `maxQueue`, `maxWait: 0` and hedges, until an answer has come that had nothing for it.
 */
export class StoreLine {
  readonly #line: Line<Waiter>;
  /** Those who have not had an answer, in the order in which they came. */
  #untold: Waiter[] = [];
  #leftWaiting = 0;
  /** How many of those in line do not weigh one. */
  #odd = 0;

  constructor(readonly owner: LineOwner) {
    this.#line = new Line(true, () => owner.isPassing);
  }

  get length(): number {
    return this.#line.length;
  }

  /** Whether somebody has had no answer yet. */
  get hasUntold(): boolean {
    this.#untold = this.#untold.filter(isIn);
    return this.#untold.length > 0;
  }

  /** What the first in line weighs; 0: nobody is there. */
  get firstWeight(): number {
    return this.#line.first?.ask.weight ?? 0;
  }

  wait(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules, ask: StoreAsk): unknown {
    if (call.aborted) return onward.fail(call.reason, call);
    const waiter = waiterFor(this, call, site, onward, queue, ask);
    const isFull = this.#leftWaiting > 0 || this.owner.isFull;
    let outranked: Waiter | undefined;
    if (isFull) {
      if (mustBeQuick(waiter) && ask.advance <= 0) return onward.fail(this.#turnAway(waiter), call);
      if (this.#leftWaiting >= queue.maxQueue) {
        outranked = this.#outrankedBy(waiter);
        if (outranked === undefined) return onward.fail(this.#reject(waiter, 'queue-full'), call);
      }
    }
    const told = beginWait(call, site, this.owner.kind);
    const wait = promiseOf(waiter);
    ask.toldBy = this.owner.nextAnswer;
    const isTold = isFull || (this.owner.standsInLine && !mustBeQuick(waiter) && queue.maxQueue > 0);
    if (isTold) this.#leaveWaiting(ask);
    else this.#untold.push(waiter);
    this.#line.join(waiter);
    this.#begin(waiter);
    outranked?.leave(pushedOut);
    this.owner.lineChanged();
    return this.#goOn(wait, told);
  }

  /** Waits once more, before all whose turn has not come yet. */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules, ask: StoreAsk): unknown {
    if (call.aborted) return onward.fail(call.reason, call);
    const waiter = waiterFor(this, call, site, onward, queue, ask);
    if (mustBeQuick(waiter)) return onward.fail(this.#turnAway(waiter), call);
    const told = beginWait(call, site, this.owner.kind);
    const wait = promiseOf(waiter);
    this.#line.rejoin(waiter);
    this.#begin(waiter);
    if (!ask.isLeftWaiting) this.#leaveWaiting(ask);
    else this.#leftWaiting++;
    this.owner.lineChanged();
    return this.#goOn(wait, told);
  }

  async #goOn(wait: Promise<Waiter>, told: ToldWait | undefined): Promise<unknown> {
    const waiter = await wait;
    const { call, onward } = waiter;
    if (waiter.hasFailed) {
      const error = this.#errorOf(waiter);
      told?.end(error);
      return await onward.fail(error, call);
    }
    told?.end();
    return await onward.next(call);
  }

  #errorOf(waiter: Waiter): unknown {
    const { error } = waiter;
    if (error === tooLate) return this.#reject(waiter, 'wait-timeout');
    if (error === pushedOut) return this.#reject(waiter, 'queue-full');
    return error instanceof Refusal ? error.errorFor(waiter) : error;
  }

  /** Admits those for whom there is something, in turn. */
  serve(): void {
    for (let { first } = this.#line; first !== undefined && this.owner.take(first); first = this.#line.first) {
      this.#end(first);
      first.settle();
    }
  }

  /** An answer has come: who had to wait for it, and got nothing, waits from now on, or is turned away. */
  answered(answer: number): void {
    const untold = this.#untold;
    this.#untold = untold.filter((each) => isIn(each) && askOf(each).toldBy > answer);
    for (const waiter of untold) {
      const ask = askOf(waiter);
      if (!isIn(waiter) || ask.toldBy > answer) continue;
      if (mustBeQuick(waiter)) this.#refuse(waiter, () => this.#turnAway(waiter));
      else if (this.#leftWaiting >= rulesOf(waiter).maxQueue) {
        this.#refuse(waiter, () => this.#reject(waiter, 'queue-full'));
      } else this.#leaveWaiting(ask);
    }
  }

  /** Nobody in line gets anything. */
  refuseAll(errorFor: (waiter: Waiter) => unknown): void {
    this.#untold = [];
    for (const waiter of [...this.#line]) this.#refuse(waiter, errorFor);
  }

  /** What those in line weigh, save the first `skipped`. */
  weights(skipped: number): Run[] {
    const count = this.length - skipped;
    if (count <= 0) return [];
    if (this.#odd === 0) return [[1, count]];
    const runs: [number, number][] = [];
    let at = 0;
    for (const { ask } of this.#line) {
      if (at++ < skipped || ask.weight === 0) continue;
      const last = runs.at(-1);
      if (last?.[0] === ask.weight) last[1]++;
      else if (runs.length === mostRuns) break;
      else runs.push([ask.weight, 1]);
    }
    return runs;
  }

  /** A waiter gives up. */
  quit(waiter: Waiter): void {
    this.#end(waiter);
    this.owner.lineChanged();
  }

  #refuse(waiter: Waiter, errorFor: (waiter: Waiter) => unknown): void {
    this.#end(waiter);
    waiter.reject(new Refusal(errorFor));
  }

  #leaveWaiting(ask: StoreAsk): void {
    ask.isLeftWaiting = true;
    this.#leftWaiting++;
  }

  #begin(waiter: Waiter): void {
    if (waiter.ask.weight !== 1) this.#odd++;
    waiter.call.waiting = waiter;
    waiter.site.stats.queued++;
  }

  #end(waiter: Waiter): void {
    this.#line.leave(waiter);
    outside.add(waiter);
    if (waiter.ask.weight !== 1) this.#odd--;
    if (askOf(waiter).isLeftWaiting) this.#leftWaiting--;
    waiter.site.stats.queued--;
  }

  #outrankedBy(waiter: Waiter): Waiter | undefined {
    const { ask, site } = waiter;
    if (rulesOf(waiter).maxQueue === 0 || mustBeQuick(waiter)) return undefined;
    ask.arrival = now();
    const last = this.#line.lastOf((each) => each.site === site);
    return last !== undefined && isBefore(ask, last.ask) ? last : undefined;
  }

  #turnAway(waiter: Waiter): unknown {
    return waiter.call.neverWaits ? noPlace(waiter.site, this.owner.kind) : this.#reject(waiter, 'wait-timeout');
  }

  #reject(waiter: Waiter, reason: 'queue-full' | 'wait-timeout'): unknown {
    const { call, site, error } = waiter;
    return rejection({ call, site, error, queue: rulesOf(waiter) }, reason, this.owner.kind, this.length, undefined);
  }
}

/** Those who stand in line no more. */
const outside = new WeakSet<Waiter>();
const isIn = (waiter: Waiter): boolean => !outside.has(waiter);

const askOf = ({ ask }: Waiter): StoreAsk => ask as StoreAsk;
const rulesOf = (waiter: Waiter): QueueRules => askOf(waiter).queue ?? waiter.queue;

/** Whether it waits for one answer, and no longer. */
const mustBeQuick = (waiter: Waiter): boolean => waiter.call.neverWaits || rulesOf(waiter).maxWait === 0;

function waiterFor(
  line: StoreLine,
  call: Call,
  site: SiteInfo,
  onward: Onward,
  queue: QueueRules,
  ask: StoreAsk,
): Waiter {
  ask.queue = queue;
  const isTimed = queue.maxWait > 0 && queue.maxWait < Number.POSITIVE_INFINITY;
  if (isTimed) return new TimedWaiter(line, call, site, onward, queue, ask);
  return new Waiter(line, call, site, onward, { ...queue, ...endless }, ask);
}
