import { now } from '../core/call/clock.js';
import { Deadlines, type Timed } from '../core/call/deadlines.js';
import type { Ask } from './ask.js';

/** A place in a ring of those who wait, or the head of the ring itself. */
export interface Place {
  ahead: Place;
  behind: Place;
}

/** One who waits in line; a `Timed` one where it may not do so for ever. */
export interface Standing extends Place {
  readonly ask: Ask;
  readonly queue: { readonly maxWait: number };
}

/** Some who wait, in the order in which they are to go. */
class Ring {
  readonly head: Place;

  constructor() {
    const head = {} as Place;
    head.ahead = head;
    head.behind = head;
    this.head = head;
  }

  get isEmpty(): boolean {
    return this.head.behind === this.head;
  }

  add(place: Place): void {
    const { head } = this;
    place.behind = head;
    place.ahead = head.ahead;
    head.ahead.behind = place;
    head.ahead = place;
  }
}

/**
 * Those who wait, each of whom can leave in constant time. They go in order of arrival; where there are priorities, each
 * counts as having come as much earlier as its priority is worth, so that the first is the oldest of one of them.
 */
export class Line<Each extends Standing> {
  #length = 0;
  /** Those without an advance: in most lines, all. */
  readonly #plain = new Ring();
  /** The others by their advance; there once somebody has come with one. */
  #advanced: Map<number, Ring> | undefined;
  /** Those whose turn it was, and who could not go on then; there once somebody has come back. */
  #returned: Ring | undefined;
  /** By how long they let one wait: one timer serves all who may wait equally long. */
  #deadlines: Map<number, Deadlines> | undefined;
  /** The ones that were asked for last: mostly they are meant again. */
  #latest: Deadlines | undefined;

  constructor(
    /** Whether priorities may matter from now on. */
    public isRanked: boolean,
    /** Whether nothing works that may yet end a wait in time: all that is left to pass is time. */
    readonly isIdle: () => boolean,
  ) {}

  get length(): number {
    return this.#length;
  }

  /** The one whose turn is next. */
  get first(): Each | undefined {
    if (this.#length === 0) return undefined;
    if (this.#returned?.isEmpty === false) return this.#returned.head.behind as Each;
    const { head } = this.#plain;
    if (this.#advanced === undefined) return head.behind as Each;
    let first = this.#plain.isEmpty ? undefined : (head.behind as Each);
    for (const ring of this.#advanced.values()) {
      const oldest = ring.head.behind as Each;
      if (first === undefined || isBefore(oldest.ask, first.ask)) first = oldest;
    }
    return first;
  }

  /** All of them: of one rank in turn. */
  *[Symbol.iterator](): Generator<Each> {
    for (const ring of [this.#returned, this.#plain, ...(this.#advanced?.values() ?? [])]) {
      if (ring === undefined) continue;
      for (let place = ring.head.behind; place !== ring.head; place = place.behind) yield place as Each;
    }
  }

  /** The last of those who are meant: of the lowest rank, and of several the one that came last. */
  lastOf(isMeant: (each: Each) => boolean): Each | undefined {
    let last: Each | undefined;
    for (const ring of [this.#plain, ...(this.#advanced?.values() ?? [])]) {
      const newest = newestOf(ring, isMeant);
      if (newest !== undefined && (last === undefined || !isBefore(newest.ask, last.ask))) last = newest;
    }
    return last;
  }

  /** One comes, and stands behind all who came before it. */
  join(each: Each): void {
    if (this.isRanked) each.ask.arrival = now();
    this.#enter(each, this.#ringOf(each.ask.advance));
  }

  /** One comes back whose turn it was: it stands before all who have not had theirs, and behind those who came back before. */
  rejoin(each: Each): void {
    this.#returned ??= new Ring();
    this.#enter(each, this.#returned);
  }

  /** One leaves, whose turn it is or who waits no longer. */
  leave(each: Each): void {
    each.ahead.behind = each.behind;
    each.behind.ahead = each.ahead;
    this.#length--;
    if (isTimed(each)) this.#deadlinesOf(each.queue.maxWait).remove(each);
    const { advance } = each.ask;
    if (advance !== 0 && this.#advanced?.get(advance)?.isEmpty) this.#advanced.delete(advance);
  }

  #enter(each: Each, ring: Ring): void {
    ring.add(each);
    this.#length++;
    if (isTimed(each)) this.#deadlinesOf(each.queue.maxWait).add(each);
  }

  #ringOf(advance: number): Ring {
    if (advance === 0) return this.#plain;
    this.#advanced ??= new Map();
    let ring = this.#advanced.get(advance);
    if (ring === undefined) {
      ring = new Ring();
      this.#advanced.set(advance, ring);
    }
    return ring;
  }

  #deadlinesOf(maxWait: number): Deadlines {
    if (this.#latest?.duration === maxWait) return this.#latest;
    this.#deadlines ??= new Map();
    let deadlines = this.#deadlines.get(maxWait);
    if (deadlines === undefined) {
      deadlines = new Deadlines(maxWait, this.isIdle);
      this.#deadlines.set(maxWait, deadlines);
    }
    this.#latest = deadlines;
    return deadlines;
  }
}

const isTimed = <Each extends Standing>(each: Each): each is Each & Timed =>
  each.queue.maxWait !== Number.POSITIVE_INFINITY;

/** Whether who asks so goes before one of a different priority. */
export function isBefore(one: Ask, other: Ask): boolean {
  const lead = other.arrival - other.advance - (one.arrival - one.advance);
  return lead > 0 || (lead === 0 && one.arrival < other.arrival);
}

function newestOf<Each extends Standing>({ head }: Ring, isMeant: (each: Each) => boolean): Each | undefined {
  for (let place = head.ahead; place !== head; place = place.ahead) {
    if (isMeant(place as Each)) return place as Each;
  }
  return undefined;
}
