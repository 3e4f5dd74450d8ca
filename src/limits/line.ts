import { now } from '../core/call/clock.js';
import { Deadlines, type Timed } from '../core/call/deadlines.js';

/** A place in a ring of those who wait, or the head of the ring itself. */
export interface Place {
  ahead: Place;
  behind: Place;
}

/** One who waits in line. */
export interface Standing extends Place, Timed {
  /** How long it may wait; Infinity: as long as it takes. */
  readonly maxWait: number;
  /** How much earlier than it did it counts as having come, in milliseconds: its priority. */
  readonly advance: number;
  /** When it came; known where somebody's priority may matter. */
  arrival: number;
}

/** Those of one priority, in order of arrival. */
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
  /** By how long they let one wait: one timer serves all who may wait equally long. */
  #deadlines: Map<number, Deadlines> | undefined;

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
    const { head } = this.#plain;
    if (this.#advanced === undefined) return head.behind as Each;
    let first = this.#plain.isEmpty ? undefined : (head.behind as Each);
    for (const ring of this.#advanced.values()) {
      const oldest = ring.head.behind as Each;
      if (first === undefined || isBefore(oldest, first)) first = oldest;
    }
    return first;
  }

  /** The last of those who are meant: of the lowest rank, and of several the one that came last. */
  lastOf(isMeant: (each: Each) => boolean): Each | undefined {
    let last: Each | undefined;
    for (const ring of [this.#plain, ...(this.#advanced?.values() ?? [])]) {
      const newest = newestOf(ring, isMeant);
      if (newest !== undefined && (last === undefined || !isBefore(newest, last))) last = newest;
    }
    return last;
  }

  /** One comes, and stands behind all who came before it. */
  join(each: Each): void {
    if (this.isRanked) each.arrival = now();
    this.#insert(each, this.#ringOf(each.advance).head);
  }

  /** One comes back whose turn it was: it stands before all who have not had theirs, and behind those who came back before. */
  rejoin(each: Each, hasComeBack: (other: Each) => boolean): void {
    const { head } = this.#ringOf(each.advance);
    let place = head.behind;
    while (place !== head && hasComeBack(place as Each)) place = place.behind;
    this.#insert(each, place);
  }

  /** One leaves, whose turn it is or who waits no longer. */
  leave(each: Each): void {
    each.ahead.behind = each.behind;
    each.behind.ahead = each.ahead;
    this.#length--;
    if (each.maxWait !== Number.POSITIVE_INFINITY) this.#deadlines?.get(each.maxWait)?.remove(each);
    if (each.advance !== 0 && this.#advanced?.get(each.advance)?.isEmpty) this.#advanced.delete(each.advance);
  }

  #insert(each: Each, before: Place): void {
    each.behind = before;
    each.ahead = before.ahead;
    before.ahead.behind = each;
    before.ahead = each;
    this.#length++;
    if (each.maxWait !== Number.POSITIVE_INFINITY) this.#watch(each);
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

  #watch(each: Each): void {
    this.#deadlines ??= new Map();
    let deadlines = this.#deadlines.get(each.maxWait);
    if (deadlines === undefined) {
      deadlines = new Deadlines(each.maxWait, this.isIdle);
      this.#deadlines.set(each.maxWait, deadlines);
    }
    deadlines.add(each);
  }
}

/** Whether one goes before another of a different priority. */
export function isBefore(one: Standing, other: Standing): boolean {
  const lead = other.arrival - other.advance - (one.arrival - one.advance);
  return lead > 0 || (lead === 0 && one.arrival < other.arrival);
}

function newestOf<Each extends Standing>({ head }: Ring, isMeant: (each: Each) => boolean): Each | undefined {
  for (let place = head.ahead; place !== head; place = place.ahead) {
    if (isMeant(place as Each)) return place as Each;
  }
  return undefined;
}
