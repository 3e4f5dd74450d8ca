import { isOver, residue } from '../core/call/clock.js';

/** The bounds of a limit that moves by itself, and what it goes by. */
export interface AdaptiveRules {
  readonly min: number;
  readonly max: number;
  /** Where it begins. */
  readonly initial: number;
  /** The mean time in the method, in milliseconds, above which there are too many at once. */
  readonly targetLatency: number;
}

/** What a sample tells: of a value the time counts, of an error none does, and a drop says that there are too many. */
export type Sample = 'value' | 'error' | 'drop';

/** How long a window lasts at the least, in milliseconds, and with how many samples. */
const shortest = 100;
const fewest = 10;
/** The share of drops that makes a limit shrink. */
const tooManyDrops = 0.05;
/** What is left of a limit that shrinks. */
const shrinking = 0.9;
/** The share of a limit that has to be in use for it to grow. */
const inDemand = 0.5;

/**
 * Finds out how many may run at once: one more where there were not too many, a tenth less where there were. It looks at
 * what has ended in a window of time, which begins with the first entry after the last one.
 *
 *     no window --entered--> window --the first sample from the 100th ms and the 10th sample on--> no window, limit moved
 */
export class Adaptive {
  /** Undefined while it is switched off: it keeps what it has learned. */
  #rules: AdaptiveRules | undefined;
  #limit = 0;
  #hasMoved = false;
  /** How many are in the method, weights included. */
  #inUse = 0;
  /** When the window began; undefined: there is none. */
  #beganAt: number | undefined;
  #peak = 0;
  #samples = 0;
  #drops = 0;
  /** Samples whose time counts, and their times together. */
  #timed = 0;
  #time = 0;

  /** @param move Told of each limit that it comes to by itself. */
  constructor(readonly move: (limit: number) => void) {}

  get limit(): number {
    return this.#limit;
  }

  /** Takes other rules; undefined switches it off. What it has learned stays, within the bounds. */
  configure(rules: AdaptiveRules | undefined): void {
    if (rules === this.#rules) return;
    this.#rules = rules;
    this.#beganAt = undefined;
    if (rules === undefined) return;
    this.#limit = this.#hasMoved ? within(rules, this.#limit) : rules.initial;
  }

  /** So many have entered the method; `time` is the time now. */
  entered(weight: number, time: number): void {
    this.#inUse += weight;
    if (this.#beganAt === undefined) this.#begin(time);
    this.#peak = Math.max(this.#peak, this.#inUse);
  }

  /** They have really left it. */
  left(weight: number): void {
    this.#inUse -= weight;
  }

  /** One has ended, after so many milliseconds in the method. What runs on, as after a timeout, has ended all the same. */
  sample(kind: Sample, duration: number, time: number): void {
    if (this.#beganAt === undefined || this.#rules === undefined) return;
    this.#samples++;
    if (kind === 'drop') this.#drops++;
    if (kind === 'value') {
      this.#timed++;
      this.#time += duration;
    }
    if (this.#samples >= fewest && isOver(this.#beganAt, shortest, time)) this.#end(this.#rules);
  }

  #begin(time: number): void {
    this.#beganAt = time;
    this.#peak = 0;
    this.#samples = 0;
    this.#drops = 0;
    this.#timed = 0;
    this.#time = 0;
  }

  #end(rules: AdaptiveRules): void {
    this.#beganAt = undefined;
    const before = this.#limit;
    this.#limit = within(rules, this.#next(rules));
    if (this.#limit === before) return;
    this.#hasMoved = true;
    this.move(this.#limit);
  }

  #next({ targetLatency }: AdaptiveRules): number {
    const isSlow = this.#time > targetLatency * this.#timed + residue;
    if (isSlow || this.#drops >= tooManyDrops * this.#samples) return Math.floor(this.#limit * shrinking);
    return this.#peak >= inDemand * this.#limit ? this.#limit + 1 : this.#limit;
  }
}

const within = ({ min, max }: AdaptiveRules, limit: number): number => Math.min(max, Math.max(min, limit));
