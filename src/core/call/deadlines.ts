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

/** The ends of the line. */
function headOfLine(): Timed {
  const head: Timed = { dueAt: 0, previous: undefined, next: undefined, expire() {} };
  head.previous = head;
  head.next = head;
  return head;
}

/**
 * The deadlines of what all may last equally long. They fall due in the order in which they were set, so one timer serves
 * all. It keeps the program alive while there are any; in between it is left as it is, as to set one costs more than a call.
 */
export class Deadlines {
  readonly #line = headOfLine();
  #count = 0;
  #alarm: Alarm | undefined;
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
    if (isStanding()) this.#addAlone(timed);
    else this.#join(timed, time);
  }

  /** By a clock that knows of no time but that of the timers which fired, a newcomer seems to begin with those before it. */
  #addAlone(timed: Timed): void {
    const alarm = new Alarm(() => timed.expire(), true, this.isIdle);
    this.#alone ??= new Map();
    this.#alone.set(timed, alarm);
    alarm.set(this.duration);
  }

  #join(timed: Timed, time: number): void {
    const line = this.#line;
    const last = line.previous as Timed;
    timed.previous = last;
    timed.next = line;
    last.next = timed;
    line.previous = timed;
    this.#alarm ??= new Alarm(
      () => this.#expireLate(),
      true,
      () => this.#mayBeSkipped(),
    );
    if (++this.#count === 1) this.#alarm.hold(true);
    if (!this.#alarm.isSet) this.#schedule(time);
  }

  /** It has ended in time, or never began. */
  remove(timed: Timed): void {
    if (this.#alone !== undefined) this.#removeAlone(timed);
    const { previous, next } = timed;
    if (next === undefined || previous === undefined) return;
    previous.next = next;
    next.previous = previous;
    timed.previous = undefined;
    timed.next = undefined;
    if (--this.#count === 0) this.#alarm?.rest();
  }

  /** The alarm may be for one that has ended in time. */
  #mayBeSkipped(): boolean {
    const first = this.#first;
    if (first === undefined || this.#alarm === undefined) return true;
    return first.dueAt > this.#alarm.due + residue || this.isIdle();
  }

  #removeAlone(timed: Timed): void {
    this.#alone?.get(timed)?.clear();
    this.#alone?.delete(timed);
    if (this.#alone?.size === 0) this.#alone = undefined;
  }

  get #first(): Timed | undefined {
    return this.#count === 0 ? undefined : this.#line.next;
  }

  #schedule(time: number): void {
    if (this.#first !== undefined) this.#alarm?.set(Math.min(this.#first.dueAt - time, this.duration));
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
