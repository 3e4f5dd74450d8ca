import { residue } from '../core/call/clock.js';

/** What a start has taken, where that is not one token for one window. */
export interface Taken {
  /** How many tokens. */
  tokens: number;
  /** For how many windows. */
  stretch: number;
}

/** The starts that count in a sliding window, the oldest first. */
export class Starts {
  /** How long each counts. */
  length = 0;
  /** When they were; those before `#head` count no more. */
  #times: number[] = [];
  /** What each has taken, undefined for a plain one; there once one was not plain. */
  #taken: (Taken | undefined)[] | undefined;
  #head = 0;

  /** Whether each has taken one token for one window. */
  get arePlain(): boolean {
    return this.#taken === undefined;
  }

  get isEmpty(): boolean {
    return this.#head === this.#times.length;
  }

  /** When the oldest ceases to count. */
  get due(): number {
    return this.#dueOf(this.#head);
  }

  /** When the latest was. */
  get latest(): number {
    return this.isEmpty ? Number.NEGATIVE_INFINITY : (this.#times.at(-1) as number);
  }

  /** One more. Gives whether it is the oldest. */
  add(time: number, taken?: Taken): boolean {
    const times = this.#times;
    if (taken !== undefined) this.#taken ??= times.map(() => undefined);
    let at = times.length;
    // A method that calls itself as it starts is told of after the call that it makes.
    while (at > this.#head && (times[at - 1] as number) > time) at--;
    if (at === times.length) times.push(time);
    else times.splice(at, 0, time);
    this.#taken?.splice(at, 0, taken);
    return at === this.#head;
  }

  /** Whether this one still counts. */
  has(taken: Taken): boolean {
    return this.#taken?.includes(taken, this.#head) === true;
  }

  /** Whether the oldest counts no more. */
  isDue(time: number): boolean {
    return !this.isEmpty && this.#isDueAt(this.#head, time);
  }

  /** One that is still to come counts no more either: the clock was set back, as fake timers may. */
  #isDueAt(at: number, time: number): boolean {
    return this.#dueOf(at) <= time + residue || (this.#times[at] as number) > time + residue;
  }

  /** Drops those that count no more. Gives how many tokens they took. */
  dropDue(time: number): number {
    let tokens = 0;
    let at = this.#head;
    for (; at < this.#times.length && this.#isDueAt(at, time); at++) tokens += this.#tokensOf(at);
    this.#dropTo(at);
    return tokens;
  }

  /** Drops the oldest. */
  dropFirst(): void {
    this.#dropTo(this.#head + 1);
  }

  #dropTo(head: number): void {
    this.#head = head;
    if (head * 2 < this.#times.length) return;
    this.#times.splice(0, head);
    this.#taken?.splice(0, head);
    this.#head = 0;
  }

  /** When so many tokens will have come back; undefined where fewer are out. */
  backAt(count: number): number | undefined {
    let left = count;
    for (let at = this.#head; at < this.#times.length; at++) {
      left -= this.#tokensOf(at);
      if (left <= 0) return this.#dueOf(at);
    }
    return undefined;
  }

  #tokensOf(at: number): number {
    return this.#taken === undefined ? 1 : (this.#taken[at]?.tokens ?? 1);
  }

  #dueOf(at: number): number {
    const windows = this.#taken === undefined ? 1 : (this.#taken[at]?.stretch ?? 1);
    return (this.#times[at] as number) + this.length * windows;
  }
}
