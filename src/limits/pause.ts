import { Alarm, always, isStanding, now, residue } from '../core/call/clock.js';

/** A time of some length; of several the one that ends last counts. */
export class Spell {
  #end = Number.NEGATIVE_INFINITY;
  #duration = 0;

  /** It lasts for so long from now on, unless it does for longer anyhow. Gives whether it does not. */
  extend(duration: number): boolean {
    if (duration <= this.left) return false;
    this.#end = now() + duration;
    this.#duration = duration;
    return true;
  }

  end(): void {
    this.#end = Number.NEGATIVE_INFINITY;
  }

  /** In how many milliseconds it ends; 0 when it is over, or when the clock was set back, as fake timers may. */
  get left(): number {
    const left = this.#end - now();
    return left <= residue || left > this.#duration + residue ? 0 : left;
  }
}

/** While it lasts, nobody may start. Its timer keeps the program alive only while somebody waits. */
export class Pause {
  readonly #spell = new Spell();
  readonly #alarm: Alarm;
  #isOn = false;

  constructor(
    /** Called when one begins or grows longer, and when it ends; perhaps more than once. */
    readonly onChange: (isOn: boolean) => void,
  ) {
    this.#alarm = new Alarm(() => this.end(), false, always);
  }

  /** Whether one lasts that ends by itself. */
  get isUnderWay(): boolean {
    return this.#isOn && this.#alarm.isSet;
  }

  /** In how many milliseconds it ends. */
  get left(): number {
    return this.#spell.left;
  }

  begin(duration: number): void {
    if (!this.#spell.extend(duration)) return;
    if (duration === Number.POSITIVE_INFINITY) this.#alarm.clear();
    else this.#alarm.set(duration);
    this.#isOn = true;
    this.onChange(true);
  }

  end(): void {
    this.#isOn = false;
    this.#spell.end();
    this.#alarm.clear();
    this.onChange(false);
  }

  hold(held: boolean): void {
    this.#alarm.hold(held);
  }

  /** Whether one lasts: its timer may be late, or gone with the clock that it was of. */
  look(): boolean {
    if (!this.#isOn) return false;
    const { left } = this.#spell;
    // What the clock tells is less than what the timer knows.
    if (this.#alarm.isSet && (left > 0 || isStanding())) return true;
    if (left === 0) this.end();
    else if (Number.isFinite(left)) this.#alarm.set(left);
    return this.#isOn;
  }
}
