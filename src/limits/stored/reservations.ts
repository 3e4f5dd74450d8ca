import { residue } from '../../core/call/clock.js';
import type { Notes } from './permit-notes.js';

/** A permit that a store has given, by the clock of this process. */
export interface Reserved {
  readonly id: string;
  /** What it counts for in the store. */
  readonly weight: number;
  /** Between these it may be used. */
  readonly from: number;
  readonly until: number;
  /** The latest that the clock of the store can show at a time. */
  readonly toStoreTime: (time: number) => number;
}

/** The permits of a process that no call has yet, in the order in which they may be used. */
export class Reservations {
  readonly #all: Reserved[] = [];
  /** Whether some were given back to the store since somebody asked. */
  #hasReleased = false;

  constructor(
    readonly notes: Notes,
    readonly newId: (weight: number) => string,
  ) {}

  get length(): number {
    return this.#all.length;
  }

  get weight(): number {
    return this.#all.reduce((sum, { weight }) => sum + weight, 0);
  }

  add(reserved: Reserved): void {
    let at = this.#all.length;
    while (at > 0 && (this.#all[at - 1] as Reserved).from > reserved.from) at--;
    this.#all.splice(at, 0, reserved);
  }

  /** When the first may be used that may not be yet. */
  next(time: number): number {
    return this.#all.find(({ from }) => from > time + residue)?.from ?? Number.POSITIVE_INFINITY;
  }

  /** When the last may be used. */
  get last(): number {
    return this.#all.at(-1)?.from ?? Number.NEGATIVE_INFINITY;
  }

  /** Takes the first, if it may be used by now, for a call that weighs so much. */
  takeDue(weight: number, time: number): Reserved | undefined {
    for (let first = this.#all[0]; first !== undefined && first.from <= time + residue; first = this.#all[0]) {
      this.#all.shift();
      if (first.weight === weight && first.until >= time) return first;
      // What is too light goes back, and is asked for anew; of what is too heavy a part does.
      if (first.weight < weight || first.until < time) this.#release(first);
      else return this.#lighter(first, weight);
    }
    return undefined;
  }

  #lighter(reserved: Reserved, weight: number): Reserved {
    const id = this.newId(weight);
    this.notes.add({ kind: 'change', id: reserved.id, to: id, shift: 0 });
    return { ...reserved, id, weight };
  }

  /** Those that may not be used any more go back: nobody has started by them. */
  dropLapsed(time: number): void {
    for (const each of [...this.#all]) if (each.until < time) this.#remove(each);
  }

  /** Keeps so many, and gives back the others. */
  keep(count: number): void {
    while (this.#all.length > count) this.#release(this.#all.pop() as Reserved);
  }

  /** Whether some went back since this was asked last. */
  takeReleased(): boolean {
    const hasReleased = this.#hasReleased;
    this.#hasReleased = false;
    return hasReleased;
  }

  #remove(reserved: Reserved): void {
    this.#all.splice(this.#all.indexOf(reserved), 1);
    this.#release(reserved);
  }

  #release({ id }: Reserved): void {
    this.notes.add({ kind: 'release', id });
    this.#hasReleased = true;
  }
}
