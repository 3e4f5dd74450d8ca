import type { Call, StartListener } from '../../core/call/call.js';
import { always, now, residue } from '../../core/call/clock.js';
import type { SiteInfo } from '../../core/call/policy.js';
import type { Limiter } from '../found.js';
import type { RateGate, RateRules } from '../store.js';
import type { Onward, QueueRules, Waiter } from '../waiter.js';
import type { Run } from './backend.js';
import type { Link, Linked } from './link.js';
import { OwnStarts } from './own-starts.js';
import { Notes } from './permit-notes.js';
import { type Granted, PermitRequests } from './permit-requests.js';
import { RatePause } from './rate-pause.js';
import { aloneOf, countOf, type RateTerms, termsOf } from './rate-terms.js';
import { Reservations, type Reserved } from './reservations.js';
import { Sharers } from './sharers.js';
import { closed, down } from './store-errors.js';
import { type LineOwner, StoreLine } from './store-line.js';
import { type RateAsk, StoredPermit } from './stored-permit.js';
import { Turns } from './turns.js';
import type { WholePause } from './whole-pause.js';

/** How long what others may wait for is kept back, in milliseconds, so that one command tells of all. */
const gathering = 20;

/**
 * A rate limit in a store, as this process has it: those who wait here, and the permits that it has for them, which it asks for
 * in one command at a time.
 */
export class StoredRate implements RateGate, Limiter, Linked, LineOwner {
  readonly kind = 'rateLimit';
  onIdle: (() => void) | undefined = undefined;
  readonly notes = new Notes(
    () => {
      const { window, horizon, starts } = this.terms;
      return { duration: window + horizon, starts };
    },
    (time) => this.link.toStoreTime(time),
  );
  readonly starts = new OwnStarts();
  readonly line = new StoreLine(this);
  terms: RateTerms;
  readonly #requests = new PermitRequests(this, (granted) => {
    if (granted !== undefined) this.#answered(granted);
    this.#turns.now();
    if (this.isIdle) this.onIdle?.();
  });
  readonly #reserved = new Reservations(this.notes, (weight) => this.newId(weight));
  readonly #turns = new Turns(this, () => this.#act(), always);
  readonly #pause: RatePause;
  readonly #sharers = new Sharers(this);
  /** When it is worth asking again, by the clock of this process. */
  #againAt = Number.NEGATIVE_INFINITY;
  /** When what is to be told is told, whoever asks or not. */
  #tellAt = Number.POSITIVE_INFINITY;
  #othersWait = false;
  /** The permit that a call got last, and has not started by; where starts are spaced, nothing is known before it has. */
  #starting: Reserved | undefined;
  #longestWindow = 0;
  #users = 0;

  constructor(
    readonly link: Link,
    readonly tag: string,
    rules: RateRules,
    /** The pause of all keys. */
    whole: WholePause,
    hasKey: boolean,
  ) {
    this.terms = termsOf(rules);
    this.#pause = new RatePause(this, whole, hasKey);
  }

  get waiting(): number {
    return this.line.length;
  }

  /** Permits that are held, or were used within a window, weights included. */
  get used(): number {
    return this.starts.weightWithin(this.terms.window, now()) + this.#reserved.weight;
  }

  get isWaiting(): boolean {
    return this.waiting > 0;
  }

  get isIdle(): boolean {
    return this.#users === 0 && !this.isWaiting && !this.isAsking;
  }

  /** What it tells of starts counts for so long. */
  get keptFor(): number {
    return this.terms.window + 1000;
  }

  get nextAnswer(): number {
    return this.#requests.nextAnswer;
  }

  /** The last answer has told when there is something next. */
  get isFull(): boolean {
    return this.#againAt > now() + residue && this.#reserved.length <= this.waiting;
  }

  get standsInLine(): boolean {
    return false;
  }

  get isPassing(): boolean {
    return !this.isAsking && this.#turns.isSet;
  }

  get isPaused(): boolean {
    return this.#pause.isOn;
  }

  /** Whether it is so for its own sake, whatever becomes of other keys. */
  get isPausedItself(): boolean {
    return this.#pause.isOwn;
  }

  get isAsking(): boolean {
    return this.#requests.isUnderWay;
  }

  configure(rules: RateRules): void {
    this.terms = termsOf(rules);
    this.#againAt = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  permitFor(weight: number, advance: number, before: StartListener | undefined): StoredPermit {
    this.#users++;
    return new StoredPermit(this, weight, advance, before);
  }

  leave(): void {
    this.#users--;
    if (this.isIdle) this.onIdle?.();
  }

  newId(weight: number): string {
    return this.#requests.newId(weight);
  }

  /** Nobody who shares it starts for so long. */
  pause(duration: number): void {
    this.pauseHere(duration);
    this.notes.add({ kind: 'pause', duration, isForAll: false });
    this.tellSoon(0);
  }

  resume(): void {
    this.#pause.told(0);
    this.notes.add({ kind: 'resume', isForAll: false });
    this.tellSoon(0);
  }

  /** The same for this process alone, as it was told of a pause; 0: it was told of its end. */
  pauseHere(duration: number): void {
    this.#pause.told(duration);
    this.#againAt = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** Something has become of the pause of all keys. */
  pauseChanged(): void {
    this.#againAt = Number.NEGATIVE_INFINITY;
    if (this.isWaiting) this.wake();
  }

  /** Nobody starts here until it is held no more; nobody else needs to know. */
  hold(isHeld: boolean): void {
    this.#pause.isHeld = isHeld;
    this.#againAt = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  waitFor(ask: RateAsk, call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    if (this.link.isClosed) return onward.fail(closed(site), call);
    return this.line.wait(call, site, onward, queue, ask);
  }

  waitAgain(ask: RateAsk, call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    if (this.link.isClosed) return onward.fail(closed(site), call);
    return this.line.waitAgain(call, site, onward, queue, ask);
  }

  /** A permit that was not used is there for the next here, or goes back with what is told next. */
  giveBack(reserved: Reserved): void {
    if (this.#starting === reserved) this.#starting = undefined;
    this.#reserved.add(reserved);
    this.tellSoon(gathering);
  }

  /** Something started, by a permit or alone. */
  started(reserved: Reserved | undefined): void {
    if (this.#starting === reserved) this.#starting = undefined;
    if (!this.isWaiting && !this.#othersWait && this.notes.isOfStarts) return;
    const { window, horizon } = this.terms;
    // Nobody needs to know of this start before half a window is over; what is asked until then tells of it.
    const mayRide = this.isWaiting && this.notes.isOfStarts;
    // Where starts are spaced the next is known by this one.
    if (this.isWaiting && this.terms.spread) this.tellSoon(0);
    else this.tellSoon(mayRide ? Math.max(gathering, (window - horizon) / 2) : gathering);
  }

  tellSoon(delay: number): void {
    this.#tellAt = Math.min(this.#tellAt, now() + delay);
    this.wake();
  }

  lineChanged(): void {
    this.wake();
  }

  changed(): void {
    this.#againAt = Number.NEGATIVE_INFINITY;
    if (!this.link.isDown && !this.notes.isEmpty) this.#tellAt = now();
    this.wake();
  }

  unhinted(): void {
    this.wake();
  }

  close(): void {
    this.line.refuseAll(({ site }) => closed(site));
    this.#turns.clear();
    this.#reserved.keep(0);
    this.#requests.close();
  }

  wake(): void {
    this.#turns.soon();
  }

  #act(): void {
    const time = now();
    this.#pause.look(time);
    this.#reserved.dropLapsed(time);
    this.line.serve();
    if (this.link.isDown && this.link.options.whenDown === 'reject')
      this.line.refuseAll(({ site }) => down(site, this.link));
    const isSurplus = this.#reserved.takeReleased() || this.#reserved.length > this.waiting;
    if (isSurplus) this.#tellAt = Math.min(this.#tellAt, time + gathering);
    this.link.hold();
    if (!this.isAsking && !this.link.isDown) this.#askIfNeeded(time);
    // Where nothing is asked, nobody needs to wait for an answer.
    if (!this.isAsking && !this.#pause.isUnknown && this.line.hasUntold) this.line.answered(this.nextAnswer);
    this.#schedule(time);
    if (!this.isWaiting && this.#tellAt === Number.POSITIVE_INFINITY && !this.isAsking) this.link.active.delete(this);
  }

  /** Takes for the first in line what it asks for. */
  take(waiter: Waiter): boolean {
    const ask = waiter.ask as RateAsk;
    if (this.isPaused || this.#pause.isUnknown) return false;
    const { weight } = countOf(this.terms, ask.weight);
    if (weight === 0) return true;
    const reserved = this.#reserved.takeDue(weight, now());
    if (reserved !== undefined) {
      ask.reserved = reserved;
      this.#starting = reserved;
      return true;
    }
    return this.link.isDown && this.#takeAlone(ask);
  }

  #takeAlone(ask: RateAsk): boolean {
    const { whenDown } = this.link.options;
    if (whenDown !== 'open' && (whenDown !== 'local' || this.#turnAlone(ask.weight) > now() + residue)) return false;
    // Counted from now on, so that others in this turn find it taken.
    ask.startsAlone = true;
    this.starts.add(now(), ask.weight, this.terms.whole);
    return true;
  }

  /** When so much may start by the share of this process alone. */
  #turnAlone(weight: number): number {
    const { share, window } = aloneOf(this.terms, this.#sharers.count());
    this.starts.trim(window, now());
    return this.starts.turnOf(Math.min(weight, share), share, window);
  }

  /** What the waiters want that is worth asking for now. */
  #wanted(time: number, tells: boolean): Run[] {
    if (!this.isWaiting || this.isPaused || this.#pause.isUnknown || (this.#askAt > time + residue && !tells))
      return [];
    if (!this.terms.spread) return this.line.weights(this.#reserved.length);
    // The next one is known once the one before has started.
    const isKnown = this.#reserved.length === 0 && (this.#starting === undefined || this.#starting.until < time);
    const [first] = isKnown ? this.line.weights(0) : [];
    return first === undefined ? [] : [[first[0], 1]];
  }

  /** When it is worth asking for more: while half of what was had ahead is left. */
  get #askAt(): number {
    const { horizon, spread } = this.terms;
    if (spread || this.#againAt === Number.NEGATIVE_INFINITY) return this.#againAt;
    const lead = Math.max(horizon / 2, 2 * (this.link.worstTrip ?? 0));
    return Math.max(this.#againAt, this.#reserved.last - lead);
  }

  #askIfNeeded(time: number): void {
    const tells = this.#tellAt <= time + residue;
    const wanted = this.#wanted(time, tells);
    const looks = this.isWaiting && this.#pause.isLookDue(time);
    if (tells || looks || wanted.length > 0) {
      // Those for which nobody is left here.
      this.#reserved.keep(this.waiting);
      this.#reserved.takeReleased();
      this.#tellAt = Number.POSITIVE_INFINITY;
    }
    if (wanted.length > 0 || looks || (tells && !this.notes.isEmpty)) {
      this.#pause.asked();
      this.#requests.ask(wanted);
    }
  }

  #answered({ reply, ask, no, permits }: Granted): void {
    const { answer, receivedAt } = reply;
    const { now: storeNow, again } = answer;
    this.#againAt = again === 0 ? Number.NEGATIVE_INFINITY : receivedAt + (again - storeNow);
    this.#othersWait = answer.othersWait;
    this.#sharers.told(answer.processes);
    for (const each of permits) this.#reserved.add(each);
    this.#pause.answered(reply);
    this.#tellOfWindow(answer.window, ask.window);
    this.line.serve();
    // What had lapsed on its way decides nothing: it goes back, and is asked for anew, to last for longer than that took.
    if (permits.some(({ until }) => until <= receivedAt)) this.#againAt = Number.NEGATIVE_INFINITY;
    // Nor does it for those who are left where all who were asked for have gone: one message does not ask for any number.
    else if (again > 0 || this.#reserved.length > 0) this.line.answered(no);
  }

  #tellOfWindow(window: number, own: number): void {
    if (window <= own + 1 || window === this.#longestWindow) return;
    this.#longestWindow = window;
    this.link.emit({ type: 'window', duration: window }, this.tag);
  }

  /** Sets the timer to when there is something to do next. */
  #schedule(time: number): void {
    const next = Math.min(this.link.isDown ? Number.POSITIVE_INFINITY : this.#tellAt, this.#nextForWaiters(time));
    this.#turns.at(next, time);
  }

  #nextForWaiters(time: number): number {
    if (!this.isWaiting) return Number.POSITIVE_INFINITY;
    const pause = this.#pause.next(time);
    if (this.isPaused) return pause;
    const times = [this.#reserved.next(time), pause];
    if (this.link.isDown) {
      if (this.link.options.whenDown === 'local') times.push(this.#turnAlone(this.line.firstWeight));
    } else if (!this.isAsking) {
      times.push(...[this.#askAt, this.#starting?.until ?? 0].filter((each) => each > time + residue));
    }
    return Math.min(...times);
  }
}
