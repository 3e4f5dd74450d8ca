import type { Call, StartListener } from '../core/call/call.js';
import { Alarm, always, isReal, isStanding, now, residue } from '../core/call/clock.js';
import type { SiteInfo } from '../core/call/policy.js';
import { Admission } from './admission.js';
import type { Ask, Onward, QueueRules } from './waiter.js';

/** What a sliding window is made of. */
export interface WindowRules extends QueueRules {
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
export class Window implements StartListener {
  /** Told when somebody begins to wait, or the last one stops waiting. */
  onWaiting: ((waiting: boolean) => void) | undefined = undefined;
  beforeReturn: (() => void) | undefined = undefined;
  /** Called when every permit is back, nobody waits, and nothing is paused. */
  onIdle: (() => void) | undefined = undefined;
  #rules: WindowRules;
  #length = 0;
  #grace = 0;
  readonly #permits: Admission;
  /** When the permits in use were used, in order; those before `#head` have come back. */
  #starts: number[] = [];
  /** How many permits each start took; there once one took another number than one. */
  #weights: number[] | undefined;
  #head = 0;
  readonly #alarm = new Alarm(() => this.#reclaim(), false, always);
  /** Whether the latest start came so soon after the one before that entering the method cannot have lasted long. */
  #isQuick = false;
  /** When the pause ends; there while nobody may start. */
  #pausedUntil: number | undefined;
  /** How long it is. */
  #pause = 0;
  #pauseAlarm: Alarm | undefined;
  /** The most that a spaced start weighed. */
  #heaviest = 1;

  constructor(rules: WindowRules, isRanked = false) {
    this.#rules = rules;
    this.#permits = new Admission(startsOf(rules), rules, 'rateLimit', isRanked);
    this.#permits.returning = this.#alarm;
    this.#permits.backIn = (count) => this.#backIn(count);
    this.#permits.onWaiting = (waiting) => {
      this.#alarm.hold(waiting);
      this.#pauseAlarm?.hold(waiting);
      this.onWaiting?.(waiting);
    };
    this.#permits.onIdle = () => this.#tellIfIdle();
    this.#setLength();
  }

  /** How many may start in a window. */
  get limit(): number {
    return Math.ceil(this.#rules.rate);
  }

  /** The most that one call may ask for. */
  get most(): number {
    return this.#rules.spread ? this.limit : this.#permits.most;
  }

  get waiting(): number {
    return this.#permits.waiting;
  }

  /** How many permits are in use, or held by those who have not started yet. */
  get used(): number {
    this.#reclaim();
    return this.#permits.used;
  }

  #setLength(): void {
    this.#length = windowOf(this.#rules);
    const { least, most, share } = entryGrace;
    this.#grace = Math.min(most, Math.max(least, this.#length * share));
  }

  /** Takes other rules. The starts that still count do so for as long as the new window is; others are forgotten. */
  configure(rules: WindowRules, isRanked = false): void {
    this.#rules = rules;
    this.#setLength();
    this.#permits.configure(startsOf(rules), rules, isRanked);
    this.#reclaim();
  }

  tryTake(): boolean {
    if (this.#permits.tryTake()) return true;
    if (this.#pausedUntil !== undefined) return this.tryTakeFor(1);
    const oldest = this.#starts[this.#head];
    if (oldest === undefined || !this.#permits.isClear || this.#permits.isOver) return false;
    if (!this.#isBack(oldest, now())) return false;
    // What the clock tells is less than what the timer knows.
    if (this.#alarm.isSet && isStanding()) return false;
    // Its timer is late: a permit passes straight from the oldest start to this one.
    if (this.#weights !== undefined) {
      this.#reclaim();
      return this.#permits.tryTake();
    }
    this.#forget(1);
    return true;
  }

  /** The same for as many permits as are asked for. */
  tryTakeFor(permits: number): boolean {
    if (permits === 1 && this.#pausedUntil === undefined) return this.tryTake();
    if (this.#permits.tryTakeFor(permits)) return true;
    if (this.#alarm.isSet && isStanding()) return false;
    this.#reclaim();
    return this.#permits.tryTakeFor(permits);
  }

  /** How many permits one of a weight takes. Where starts are spaced there is but one, which a heavy one has for longer. */
  permitsFor(weight: number): number {
    return this.#rules.spread ? Math.min(weight, 1) : weight;
  }

  /** Waits for permits in line; see `Admission.wait`. */
  wait(call: Call, site: SiteInfo, onward: Onward, queue?: QueueRules, ask?: Ask): unknown {
    if (!this.#alarm.isSet) this.#schedule(now());
    return this.#permits.wait(call, site, onward, queue, ask);
  }

  /** Waits once more; see `Admission.waitAgain`. */
  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue?: QueueRules, ask?: Ask): unknown {
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

  /** A permit is used, from now on: the method has been entered. */
  afterStart(enteredAt: number | undefined): void {
    this.use(1, 1, enteredAt);
  }

  /** Permits that one of a weight took are used, from now on. Gives when that is, for `correct`. */
  use(weight: number, permits: number, enteredAt: number | undefined): number {
    const time = now();
    const grace = isReal() ? this.#grace : 0;
    const start = enteredAt === undefined ? time : Math.min(time, enteredAt + grace);
    const starts = this.#starts;
    const sinceLatest = start - (starts.length > this.#head ? (starts.at(-1) as number) : Number.NEGATIVE_INFINITY);
    this.#isQuick = grace > 0 && sinceLatest >= 0 && sinceLatest <= quick;
    this.#enter(this.#countedAt(start, weight, permits), permits, time);
    return start;
  }

  /** Where starts are spaced, a heavy one counts as one that came later. */
  #countedAt(start: number, weight: number, permits: number): number {
    if (weight === permits) return start;
    this.#heaviest = Math.max(this.#heaviest, weight);
    return start + (weight - permits) * this.#length;
  }

  /** Permits count from a start on. */
  #enter(start: number, permits: number, time: number): void {
    if (permits === 0) return;
    if (permits > 1) this.#weights ??= this.#starts.map(() => 1);
    const starts = this.#starts;
    let at = starts.length;
    // A method that calls itself as it starts is told of after the call that it makes.
    while (at > this.#head && (starts[at - 1] as number) > start) at--;
    if (at === starts.length) starts.push(start);
    else starts.splice(at, 0, start);
    this.#weights?.splice(at, 0, permits);
    if (at === this.#head) this.#schedule(time);
  }

  /**
   * A start turned out to be of another weight: what it took too much comes back, unless time has brought it back; what it
   * took too little counts from now on.
   */
  correct(start: number, weight: number, permits: number, real: number): void {
    this.#reclaim();
    const time = now();
    if (permits === weight && !this.#rules.spread) {
      if (real < weight) this.#lighten(start, weight - real);
      if (real <= weight) return;
      this.#permits.charge(real - weight);
      this.#enter(time, real - weight, time);
      return;
    }
    // It is the time of the one permit that changes.
    const counted = this.#countedAt(start, weight, permits);
    const isCounted = permits > 0 && this.#starts.includes(counted, this.#head);
    const more = isCounted ? real : real - weight;
    if (more > 0) {
      this.#permits.charge(1);
      this.#enter(this.#countedAt(isCounted ? start : time, more, 1), 1, time);
    }
    if (isCounted) this.#lighten(counted, permits);
  }

  /** Gives back what a start took too much, unless time has. */
  #lighten(start: number, permits: number): void {
    const at = this.#starts.indexOf(start, this.#head);
    if (at === -1) return;
    this.#weights ??= this.#starts.map(() => 1);
    const left = (this.#weights[at] as number) - permits;
    if (left > 0) {
      this.#weights[at] = left;
    } else {
      this.#starts.splice(at, 1);
      this.#weights.splice(at, 1);
    }
    this.#permits.giveBack(permits);
  }

  /** Nobody starts for so long, nor who has a permit and has not started yet. The longest pause counts. */
  pause(duration: number): void {
    const until = now() + duration;
    if (duration === 0 || (this.#pausedUntil ?? Number.NEGATIVE_INFINITY) >= until) return;
    this.#pausedUntil = until;
    this.#pause = duration;
    this.#pauseAlarm ??= new Alarm(() => this.resume(), false, always);
    this.#pauseAlarm.hold(this.waiting > 0);
    if (Number.isFinite(duration)) this.#pauseAlarm.set(duration);
    this.#permits.close();
  }

  /** Ends the pause. */
  resume(): void {
    if (this.#pausedUntil === undefined) return;
    this.#pausedUntil = undefined;
    this.#pauseAlarm?.clear();
    this.#permits.open();
    this.#tellIfIdle();
  }

  /** Whether nobody may start just now. */
  get isPaused(): boolean {
    this.#lookAtPause();
    return this.#pausedUntil !== undefined;
  }

  /** The timer may be late, or gone with the clock that it was of. */
  #lookAtPause(): void {
    if (this.#pausedUntil === undefined) return;
    const left = this.#pausedUntil - now();
    const isOver = left <= residue || left > this.#pause + residue;
    if (isOver && !(this.#pauseAlarm?.isSet && isStanding())) this.resume();
    else if (!isOver && Number.isFinite(left) && !this.#pauseAlarm?.isSet) this.#pauseAlarm?.set(left);
  }

  /** Of the time that the caller knows: were it read again, under fake timers a part of the wait would be over by then. */
  #schedule(time: number): void {
    const oldest = this.#starts[this.#head];
    if (oldest !== undefined) this.#alarm.set(oldest + this.#length - time);
  }

  /** Whether a start is over. One that is further off than it can be: the clock was set back, as fake timers may. */
  #isBack(start: number, time: number): boolean {
    const due = start + this.#length;
    return due <= time + residue || due > time + this.#length * this.#heaviest + residue;
  }

  /** In how many milliseconds so many permits will have come back, if that is known. */
  #backIn(count: number): number | undefined {
    const time = now();
    const pause = Math.max(0, (this.#pausedUntil ?? time) - time);
    if (count <= 0) return pause;
    let left = count;
    for (let at = this.#head; at < this.#starts.length; at++) {
      left -= this.#weights?.[at] ?? 1;
      if (left <= 0) return Math.max(pause, (this.#starts[at] as number) + this.#length - time);
    }
    return undefined;
  }

  #reclaim(): void {
    this.beforeReturn?.();
    this.#lookAtPause();
    this.#isQuick = false;
    const time = now();
    let count = 0;
    let permits = 0;
    for (let at = this.#head; at < this.#starts.length; at++) {
      if (!this.#isBack(this.#starts[at] as number, time)) break;
      count++;
      permits += this.#weights?.[at] ?? 1;
    }
    this.#forget(count);
    this.#schedule(time);
    this.#permits.giveBack(permits);
  }

  #forget(count: number): void {
    this.#head += count;
    if (this.#head * 2 < this.#starts.length) return;
    this.#starts.splice(0, this.#head);
    this.#weights?.splice(0, this.#head);
    this.#head = 0;
  }

  #tellIfIdle(): void {
    if (this.#permits.isIdle && this.#pausedUntil === undefined) this.onIdle?.();
  }
}
