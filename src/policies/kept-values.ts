import type { LRUCache } from 'lru-cache';
import { now, residue } from '../core/call/clock.js';
import { Flights } from './flights.js';
import { lruClass } from './lru.js';

/** A value that is kept, and since when. */
export interface KeptValue {
  readonly value: unknown;
  readonly since: number;
}

/** How many of the values used longest ago each new one looks at: more than one, so that the old go faster than new ones come. */
const looks = 2;

/** Whether a value is younger than that. One that seems to be from the future is not: the clock was set back, as fake timers may. */
export function isYounger({ since }: KeptValue, than: number): boolean {
  if (than === Number.POSITIVE_INFINITY) return true;
  const age = now() - since;
  return age + residue < than && age > -residue;
}

type Values = LRUCache<string, KeptValue>;

/** So many values at the most. By size, as the package takes the memory for that many at once where it is told `max`. */
const newValues = (max: number): Values =>
  new (lruClass())<string, KeptValue>({ maxSize: max, sizeCalculation: () => 1 });

/** The values of one receiver, or of all together, by key; and the runs that are to give them. */
export class KeptValues extends Flights {
  private values: Values | undefined = undefined;

  constructor(public max: number) {
    super();
  }

  get size(): number {
    return this.values?.size ?? 0;
  }

  /** The value of a key, which counts as used now. */
  use(key: string): KeptValue | undefined {
    return this.values?.get(key);
  }

  /** The value of a key, if somebody only looks. */
  look(key: string): KeptValue | undefined {
    return this.values?.peek(key);
  }

  /** Keeps a value from now on, and none that is as old as `useless`. */
  keep(key: string, value: unknown, useless: number): void {
    this.values ??= newValues(this.max);
    this.dropUseless(this.values, useless);
    this.values.set(key, { value, since: now() });
  }

  /** Forgets the value of a key, and that a run is to give one. Gives whether there was one. */
  delete(key: string): boolean {
    const hadOne = this.values?.delete(key) ?? false;
    // At last, as whoever listens to its signal may ask for the key again.
    this.cutOff(key);
    return hadOne;
  }

  /** Forgets the value of a key alone. */
  drop(key: string): void {
    this.values?.delete(key);
  }

  clear(): void {
    this.values = undefined;
    this.cutOffAll();
  }

  /** Keeps a value that no run gave; one that is under way is to give none. */
  set(key: string, value: unknown): void {
    this.keep(key, value, Number.POSITIVE_INFINITY);
    this.cutOff(key);
  }

  /** Takes another number of values at the most; those used last stay. */
  resize(max: number): void {
    this.max = max;
    const before = this.values;
    if (before === undefined) return;
    this.values = newValues(max);
    for (const key of before.rkeys()) this.values.set(key, before.peek(key));
  }

  private dropUseless(values: Values, useless: number): void {
    const oldest = values.rkeys();
    for (let looked = 0; looked < looks; looked++) {
      const { value: key, done } = oldest.next();
      const entry = done ? undefined : values.peek(key);
      if (entry !== undefined && !isYounger(entry, useless)) values.delete(key as string);
    }
  }
}
