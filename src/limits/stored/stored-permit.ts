import type { Call, StartListener } from '../../core/call/call.js';
import { now } from '../../core/call/clock.js';
import type { SiteInfo } from '../../core/call/policy.js';
import type { RatePermit } from '../rate-permit.js';
import type { Onward, QueueRules } from '../waiter.js';
import type { OwnStarts } from './own-starts.js';
import type { Notes } from './permit-notes.js';
import { countOf, type RateTerms } from './rate-terms.js';
import type { Reserved } from './reservations.js';
import { StoreAsk } from './store-line.js';

/** What a call asks of a rate limit in a store, and what it has got. */
export class RateAsk extends StoreAsk {
  reserved: Reserved | undefined = undefined;
  /** Whether it starts by what this process may do alone. */
  startsAlone = false;
}

/** The limit that a permit is of. */
interface Owner {
  readonly terms: RateTerms;
  readonly notes: Notes;
  readonly starts: OwnStarts;
  readonly isPaused: boolean;
  newId(weight: number): string;
  waitFor(ask: RateAsk, call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown;
  waitAgain(ask: RateAsk, call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown;
  started(reserved: Reserved | undefined): void;
  giveBack(reserved: Reserved): void;
  tellSoon(delay: number): void;
  pause(duration: number): void;
  leave(): void;
}

/** What a call has of a rate limit in a store. */
export class StoredPermit implements RatePermit {
  isHeld = true;
  isUsed = false;
  turnedAwayBy: unknown = undefined;
  readonly ask: RateAsk;
  /** By which id it counts in the store. */
  #id: string | undefined;

  constructor(
    readonly limit: Owner,
    readonly weight: number,
    advance: number,
    readonly before: StartListener | undefined,
  ) {
    this.ask = new RateAsk(weight, advance);
  }

  /** One that has lapsed is not used at all. */
  get mayStart(): boolean {
    const { reserved } = this.ask;
    return !this.limit.isPaused && (reserved === undefined || now() <= reserved.until);
  }

  /** Nobody knows at once. */
  tryTake(): boolean {
    return false;
  }

  wait(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    return this.limit.waitFor(this.ask, call, site, onward, queue);
  }

  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    this.turnedAwayBy = undefined;
    this.#return();
    this.isHeld = true;
    return this.limit.waitAgain(this.ask, call, site, onward, queue);
  }

  beforeStart(): number {
    this.before?.beforeStart();
    return now();
  }

  afterStart(enteredAt: number | undefined): void {
    this.before?.afterStart(enteredAt);
    const time = now();
    const { limit, ask } = this;
    const start = enteredAt === undefined ? time : Math.min(time, enteredAt + limit.terms.entry);
    const { weight, shift } = countOf(limit.terms, this.weight);
    this.isHeld = false;
    this.isUsed = true;
    if (weight === 0) return;
    if (ask.reserved !== undefined) {
      this.#id = ask.reserved.id;
      limit.notes.add({ kind: 'confirm', id: this.#id, latest: ask.reserved.toStoreTime(start) + shift });
      limit.starts.add(start, this.weight, limit.terms.whole);
    } else {
      this.#id = limit.newId(weight);
      limit.notes.add({ kind: 'charge', id: this.#id, age: time - start, shift });
      if (!ask.startsAlone) limit.starts.add(start, this.weight, limit.terms.whole);
    }
    limit.started(ask.reserved);
  }

  cancelStart(): void {
    this.before?.cancelStart();
    this.giveBack();
  }

  giveBack(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.#return();
  }

  #return(): void {
    const { reserved } = this.ask;
    this.ask.reserved = undefined;
    this.ask.startsAlone = false;
    if (reserved !== undefined) this.limit.giveBack(reserved);
  }

  end(): void {
    this.limit.leave();
  }

  correct(real: number): void {
    const { limit, weight } = this;
    const more = real - weight;
    if (more === 0) return;
    const { window, spread } = limit.terms;
    const isCharged = more > 0 && (!spread || weight === 0);
    if (isCharged) {
      const counted = countOf(limit.terms, more);
      limit.notes.add({ kind: 'charge', id: limit.newId(counted.weight), age: 0, shift: counted.shift });
      limit.starts.add(now(), more, limit.terms.whole);
    } else if (this.#id !== undefined) {
      const to = limit.newId(countOf(limit.terms, real).weight);
      limit.notes.add({ kind: 'change', id: this.#id, to, shift: spread ? more * window : 0 });
      this.#id = to;
    }
    limit.tellSoon(0);
  }

  pause(duration: number): void {
    this.limit.pause(duration);
  }
}
