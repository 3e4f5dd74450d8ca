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

  /** This one does not count any more. */
  remove(taken: Taken): void {
    const at = this.#taken?.indexOf(taken, this.#head) ?? -1;
    if (at === -1) return;
    this.#times.splice(at, 1);
    this.#taken?.splice(at, 1);
  }

  /** Whether the oldest counts no more. One that is still to come: the clock was set back, as fake timers may. */
  isDue(time: number): boolean {
    return !this.isEmpty && (this.due <= time + residue || (this.#times[this.#head] as number) > time + residue);
  }

  /** The oldest counts no more. Gives how many tokens it took. */
  drop(): number {
    const tokens = this.#tokensOf(this.#head);
    this.#head++;
    if (this.#head * 2 < this.#times.length) return tokens;
    this.#times.splice(0, this.#head);
    this.#taken?.splice(0, this.#head);
    this.#head = 0;
    return tokens;
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
    return this.#taken?.[at]?.tokens ?? 1;
  }

  #dueOf(at: number): number {
    return (this.#times[at] as number) + this.length * (this.#taken?.[at]?.stretch ?? 1);
  }
}
