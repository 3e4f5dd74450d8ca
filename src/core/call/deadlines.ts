import { Alarm, isStanding, now, residue } from './clock.js';

/** What may last so long and no longer. */
export interface Timed {
  /** When its time is up, by `now()`; Infinity: it has not begun. */
  dueAt: number;
  /** Its neighbours in line; undefined: it is in none. */
  previous: Timed | undefined;
  next: Timed | undefined;
  /** Its time is up; what this runs in is nobody's. */
  expire(): void;
}

/**
 * The deadlines of what all may last equally long. They fall due in the order in which they were set, so one timer serves
 * all. It keeps the program alive while there are any; in between it is left as it is, as to set one costs more than a call.
 */
export class Deadlines {
  /** The ends of the line. */
  #first: Timed | undefined;
  #last: Timed | undefined;
  readonly #alarm = new Alarm(
    () => this.#expireLate(),
    true,
    () => this.#mayBeSkipped(),
  );
  /** The timers of those that one cannot serve. */
  #alone: Map<Timed, Alarm> | undefined;

  constructor(
    /** How long each may last, in milliseconds. */
    readonly duration: number,
    /** Whether nothing works that may yet be in time: all that is left to pass is time. */
    readonly isIdle: () => boolean = () => false,
  ) {}

  /** Its time begins now. */
  add(timed: Timed): void {
    const time = now();
    timed.dueAt = time + this.duration;
    const isSet = this.#alarm.isSetForReal;
    if (!isSet && isStanding()) {
      this.#addAlone(timed);
    } else {
      if (!isSet && this.#alarm.isLost) this.#beginAnew(time);
      if (this.#alone !== undefined) this.#takeIn([...this.#alone], time);
      this.#join(timed);
      if (!isSet && !this.#alarm.isSet) this.#schedule(time);
    }
  }

  /** By a clock that knows of no time but that of the timers which fired, a newcomer seems to begin with those before it. */
  #addAlone(timed: Timed): void {
    const alarm = new Alarm(() => timed.expire(), true, this.isIdle);
    this.#alone ??= new Map();
    this.#alone.set(timed, alarm);
    alarm.set(this.duration);
  }

  /** The timer went with its clock, by which those in line are due: their time begins anew. */
  #beginAnew(time: number): void {
    for (let timed = this.#first; timed !== undefined; timed = timed.next) timed.dueAt = time + this.duration;
  }

  /** The same for those whose own timer went with its clock: they join the line. */
  #takeIn(alone: readonly [Timed, Alarm][], time: number): void {
    for (const [timed, alarm] of alone) {
      if (alarm.isSet) continue;
      this.#removeAlone(timed);
      timed.dueAt = time + this.duration;
      this.#join(timed);
    }
  }

  #join(timed: Timed): void {
    const last = this.#last;
    this.#last = timed;
    if (last === undefined) {
      this.#first = timed;
      this.#alarm.hold(true);
    } else {
      timed.previous = last;
      last.next = timed;
    }
  }

  /** It has ended in time, or never began. */
  remove(timed: Timed): void {
    if (this.#alone !== undefined) this.#removeAlone(timed);
    const { previous, next } = timed;
    if (previous !== undefined) previous.next = next;
    else if (this.#first === timed) this.#first = next;
    else return;
    if (next !== undefined) next.previous = previous;
    else this.#last = previous;
    timed.previous = undefined;
    timed.next = undefined;
    if (this.#first === undefined) this.#alarm.rest();
  }

  /** The alarm may be for one that has ended in time. */
  #mayBeSkipped(): boolean {
    const first = this.#first;
    if (first === undefined) return true;
    return first.dueAt > this.#alarm.due + residue || this.isIdle();
  }

  #removeAlone(timed: Timed): void {
    this.#alone?.get(timed)?.clear();
    this.#alone?.delete(timed);
    if (this.#alone?.size === 0) this.#alone = undefined;
  }

  #schedule(time: number): void {
    if (this.#first !== undefined) this.#alarm.set(Math.min(this.#first.dueAt - time, this.duration));
  }

  #expireLate(): void {
    const time = now();
    for (let first = this.#first; first !== undefined && this.#isLate(first, time); first = this.#first) {
      this.remove(first);
      first.expire();
    }
    this.#schedule(time);
  }

  /** One whose deadline is further off than that of a newcomer: the clock was set back, as fake timers may. */
  #isLate({ dueAt }: Timed, time: number): boolean {
    return dueAt <= time + residue || dueAt > time + this.duration + residue;
  }
}
