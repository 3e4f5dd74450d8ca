import type { Call, StartListener } from '../core/call/call.js';
import { Alarm, always, isReal, isStanding, now } from '../core/call/clock.js';
import type { SiteInfo } from '../core/call/policy.js';
import { Admission, type Returning } from './admission.js';
import type { Ask } from './ask.js';
import { Pause } from './pause.js';
import { Starts, type Taken } from './starts.js';
import type { Onward, QueueRules } from './waiter.js';

/** What a sliding window is made of. */
interface WindowRules extends QueueRules {
  readonly rate: number;
  readonly per: number;
  readonly spread: boolean;
}

/**
 * The longest that entering a method is taken to last by a real clock, in milliseconds: what its own code may see as its
 * start. The machine may hold the program up just then, and up to this long no window holds too many all the same; but
 * what the method blocks shall not cost more than a small part of one.
 */
const entryGrace = { least: 5, most: 50, share: 1 / 20 };
/** Starts at most this far apart, in milliseconds, come one upon the other. */
const quick = 5;

const startsOf = ({ rate, spread }: WindowRules): number => (spread ? 1 : Math.ceil(rate));
const windowOf = (rules: WindowRules): number => rules.per * (startsOf(rules) / rules.rate);

/**
 * A sliding window: a permit is taken, counts from the start that it was used for, and comes back a window later.
 * One timer brings back the oldest; it keeps the program alive only while somebody waits.
 */
export class Window implements StartListener, Returning {
  /** Told when somebody begins to wait, or the last one stops waiting. */
  onWaiting: ((waiting: boolean) => void) | undefined = undefined;
  beforeReturn: (() => void) | undefined = undefined;
  /** Called when every permit is back, nobody waits, nothing is paused, and nobody uses it who may yet change that. */
  onIdle: (() => void) | undefined = undefined;
  #rules: WindowRules;
  #grace = 0;
  readonly #permits: Admission;
  readonly #starts = new Starts();
  readonly #alarm = new Alarm(() => this.#reclaim(), false, always);
  /** Whether the latest start came so soon after the one before that entering the method cannot have lasted long. */
  #isQuick = false;
  /** There once it was paused. */
  #pause: Pause | undefined;
  #users = 0;

  constructor(rules: WindowRules, isRanked = false) {
    this.#rules = rules;
    this.#permits = new Admission(startsOf(rules), rules, 'rateLimit', isRanked);
    this.#permits.returning = this;
    this.#permits.onWaiting = (waiting) => {
      this.#alarm.hold(waiting);
      this.#pause?.hold(waiting);
      this.onWaiting?.(waiting);
    };
    this.#permits.onIdle = () => this.#tellIfIdle();
    this.#setLength();
  }

  get waiting(): number {
    return this.#permits.waiting;
  }

  /** How many permits are in use, or held by those who have not started yet. */
  get used(): number {
    this.#lookAtTime();
    return this.#permits.used;
  }

  /** Whether starts are spaced: there is but one permit then, which a heavy one has for longer. */
  get isSpread(): boolean {
    return this.#rules.spread;
  }

  #setLength(): void {
    const length = windowOf(this.#rules);
    const { least, most, share } = entryGrace;
    this.#starts.length = length;
    this.#grace = Math.min(most, Math.max(least, length * share));
  }

  /** Takes other rules. The starts that still count do so for as long as the new window is; others are forgotten. */
  configure(rules: WindowRules, isRanked = false): void {
    this.#rules = rules;
    this.#setLength();
    this.#permits.configure(startsOf(rules), rules, isRanked);
    this.#reclaim();
  }

  /** Somebody begins to use it: until `leave` it is not idle. */
  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.#tellIfIdle();
  }

  tryTake(): boolean {
    const permits = this.#permits;
    if (permits.tryTake()) return true;
    if (!this.#starts.arePlain || this.#pause !== undefined) return this.tryTakeAll(1);
    if (!permits.isClear || permits.isOver || !this.#starts.isDue(now())) return false;
    if (this.#isByTimer()) return false;
    // Its timer is late: a permit passes straight from the oldest start to this one.
    this.#starts.dropFirst();
    return true;
  }

  /** The same for as many permits as are asked for. */
  tryTakeAll(permits: number): boolean {
    if (this.#permits.tryTakeAll(permits)) return true;
    if (!this.#permits.isClear) return false;
    this.enter();
    this.#lookAtTime();
    const isTaken = this.#permits.tryTakeAll(permits);
    this.#users--;
    return isTaken;
  }

  /** Waits for permits in line; see `Admission.wait`. */
  wait(call: Call, site: SiteInfo, onward: Onward, queue?: QueueRules, ask?: Ask): unknown {
    if (!this.#alarm.isSet) this.#schedule(now());
    this.#pause?.look();
    return this.#permits.wait(call, site, onward, queue, ask);
  }

  /** Waits once more; see `Admission.waitAgain`. */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules, ask: Ask): unknown {
    return this.#permits.waitAgain(call, site, onward, queue, ask);
  }

  /** A permit comes back unused. */
  cancelStart(): void {
    this.#permits.give();
  }

  /** So many permits come back unused. */
  cancel(permits: number): void {
    this.#permits.giveBack(permits);
  }

  /** After a quick start the next is taken to be one too: reading the clock is half of what a start costs. */
  beforeStart(): number | undefined {
    return this.#isQuick ? undefined : now();
  }

  /** Permits are used, from now on: the method has been entered. */
  afterStart(enteredAt: number | undefined, taken?: Taken): void {
    const time = now();
    const grace = isReal() ? this.#grace : 0;
    const start = enteredAt === undefined ? time : Math.min(time, enteredAt + grace);
    const sinceLatest = start - this.#starts.latest;
    this.#isQuick = grace > 0 && sinceLatest >= 0 && sinceLatest <= quick;
    if (this.#starts.add(start, taken)) this.#schedule(time);
  }

  /** Whether what a start has taken still counts. */
  counts(taken: Taken): boolean {
    this.#lookAtTime();
    return this.#starts.has(taken);
  }

  /** What was taken turned out to be more: it counts from now on. */
  charge(taken: Taken): void {
    const time = now();
    this.#permits.charge(taken.tokens);
    if (this.#starts.add(time, taken)) this.#schedule(time);
  }

  /** What was taken, and still counts, turned out to be something else. */
  change(taken: Taken, { tokens, stretch }: Taken): void {
    const back = taken.tokens - tokens;
    taken.tokens = tokens;
    taken.stretch = stretch;
    this.#permits.giveBack(back);
    this.#reclaim();
  }

  /** Nobody starts for so long, nor who has a permit and has not started yet. The longest pause counts. */
  pause(duration: number): void {
    this.#pause ??= new Pause((isOn) => {
      if (isOn) this.#permits.close();
      else this.#permits.open();
      this.#tellIfIdle();
    });
    this.#pause.hold(this.waiting > 0);
    this.#pause.begin(duration);
  }

  /** Ends the pause. */
  resume(): void {
    this.#pause?.end();
  }

  /** Whether nobody may start just now. */
  get isPaused(): boolean {
    return this.#pause?.look() === true;
  }

  get isUnderWay(): boolean {
    return this.#alarm.isSet || this.#pause?.isUnderWay === true;
  }

  backIn(count: number): number | undefined {
    const pause = this.#pause?.left ?? 0;
    if (count <= 0) return pause;
    const backAt = this.#starts.backAt(count);
    return backAt === undefined ? undefined : Math.max(pause, backAt - now());
  }

  /** Of the time that the caller knows: were it read again, under fake timers a part of the wait would be over by then. */
  #schedule(time: number): void {
    if (!this.#starts.isEmpty) this.#alarm.set(this.#starts.due - time);
  }

  /** Whether what the clock tells is less than what the timer knows. */
  #isByTimer(): boolean {
    return this.#alarm.isSet && isStanding();
  }

  /** What time has brought back or opened comes at once, though a timer be late. */
  #lookAtTime(): void {
    this.#pause?.look();
    if (!this.#isByTimer()) this.#reclaim();
  }

  #reclaim(): void {
    this.beforeReturn?.();
    this.#isQuick = false;
    const time = now();
    const permits = this.#starts.dropDue(time);
    this.#schedule(time);
    this.#permits.giveBack(permits);
  }

  #tellIfIdle(): void {
    if (this.#users === 0 && this.#permits.isIdle && !this.isPaused) this.onIdle?.();
  }
}
