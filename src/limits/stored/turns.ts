import { Alarm, residue } from '../../core/call/clock.js';
import type { Link, Linked } from './link.js';

/** When a limit in a store does what is to be done: behind what calls do, and when a time has come. */
export class Turns {
  readonly #alarm: Alarm;
  #isSoon = false;

  constructor(
    readonly limit: Linked & { readonly link: Link },
    readonly act: () => void,
    mayBeSkipped?: () => boolean,
  ) {
    this.#alarm = new Alarm(() => this.now(), false, mayBeSkipped);
  }

  /** Whether it waits for a time. */
  get isSet(): boolean {
    return this.#alarm.isSet;
  }

  /** Once all that calls do in this turn is done. */
  soon(): void {
    this.limit.link.active.add(this.limit);
    if (this.#isSoon) return;
    this.#isSoon = true;
    queueMicrotask(() => this.now());
  }

  now(): void {
    this.#isSoon = false;
    if (!this.limit.link.isClosed) this.act();
  }

  /** At this time, by `now()`, and no other; Infinity: at none; `time` is the time now. It keeps the program alive while calls wait. */
  at(next: number, time: number): void {
    const alarm = this.#alarm;
    if (next === Number.POSITIVE_INFINITY) alarm.clear();
    else if (!alarm.isSet || Math.abs(alarm.due - next) > residue) alarm.set(Math.max(0, next - time));
    const { isWaiting } = this.limit;
    if (alarm.isHeld !== isWaiting) alarm.hold(isWaiting);
  }

  clear(): void {
    this.#alarm.clear();
  }
}
