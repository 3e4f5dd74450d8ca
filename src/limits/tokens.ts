import { semaClass } from './sema.js';

/**
 * Tokens, of which somebody has some. They are a Sema's, made when they are first needed, so that a huge number of them
 * costs nothing.
 */
export class Tokens {
  readonly #Sema = semaClass();
  #returned: InstanceType<ReturnType<typeof semaClass>> | undefined;
  /** Whether the token that came back last is at hand: most calls find it here, and are spared the Sema's emitter. */
  #spare = false;
  /**
   * Tokens made so far: those out and those at hand (#spare, and those in #returned). No more than there may be, but while
   * those who had more before still hold them.
   */
  #made = 0;
  #out = 0;

  constructor(
    /** How many there may be. */
    private count: number,
  ) {}

  /** How many somebody has. */
  get out(): number {
    return this.#out;
  }

  /** Whether more are out than there may be by now. */
  get isOver(): boolean {
    return this.#out > this.count;
  }

  /** There may be another number from now on. Those at hand are made anew when they are needed. */
  set(count: number): void {
    this.count = count;
    this.#dropThoseAtHand();
  }

  #dropThoseAtHand(): void {
    this.#spare = false;
    this.#returned = undefined;
    this.#made = this.#out;
  }

  /** Takes one, if there is one. */
  take(): boolean {
    if (this.#spare) {
      this.#spare = false;
    } else if (this.#returned?.tryAcquire() === undefined) {
      if (this.#made >= this.count) return false;
      this.#made++;
    }
    this.#out++;
    return true;
  }

  /** Takes so many at once. Who asks for more than there ever are by now has them all to itself. */
  takeAll(weight: number): boolean {
    if (weight === 1) return this.take();
    if (this.count === 0) return false;
    if (weight > 0 && this.#out > 0 && this.#out + weight > this.count) return false;
    this.charge(weight);
    return true;
  }

  /** So many more are out, however many there may be. */
  charge(count: number): void {
    this.#dropThoseAtHand();
    this.#out += count;
    this.#made += count;
  }

  /** One comes back. */
  give(): void {
    if (this.isOver) {
      this.giveAll(1);
      return;
    }
    this.#out--;
    if (this.#spare) {
      this.#returned ??= new this.#Sema(0);
      this.#returned.release();
    }
    this.#spare = true;
  }

  /** So many come back at once. */
  giveAll(count: number): void {
    this.#out -= count;
    this.#made -= count;
  }
}
