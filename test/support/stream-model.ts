import type { Sort } from './items.js';

/** How a stream is set up. */
export interface Setting {
  readonly count: number;
  readonly sort: Sort;
  /** Whether each pull of an async source ends only when it is told to. */
  readonly gated: boolean;
  /** The pull at which the source throws. */
  readonly breaksAt: number | undefined;
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly collect: boolean;
  readonly entries: boolean;
  /** Whether the item that began last ends first. */
  readonly lastFirst: boolean;
}

/** What became of a `next()`: a result, by its item; the end; or a rejection. */
export type Outcome =
  | `item ${number}`
  | `failed ${number}`
  | `rejected ${number | 'abort' | 'broken'}`
  | 'end'
  | undefined;

/** What a stream must do, written down plainly. */
export class StreamModel {
  readonly outcomes: Outcome[] = [];
  readonly running: number[] = [];
  /** Items that the source gave. */
  pulled = 0;
  begun = 0;
  taken = 0;
  done = 0;
  failed = 0;
  returned = 0;
  opened = false;
  isPulling = false;
  #started = false;
  #aborted = false;
  #drained = false;
  #broken = false;
  #over = false;
  #failure: Outcome;
  readonly #takers: number[] = [];
  /** What is under way or ready: in order all that began, else what has ended. */
  readonly #slots: { item: number; outcome: Outcome }[] = [];

  constructor(readonly setting: Setting) {}

  get isOver(): boolean {
    return this.#over;
  }

  take(): void {
    this.#takers.push(this.outcomes.push(undefined) - 1);
    if (!this.#started && !this.#over) {
      this.#started = true;
      if (this.#aborted) this.#fail('rejected abort');
      else this.opened = true;
    }
    this.#go();
  }

  settle(item: number, works: boolean): void {
    this.running.splice(this.running.indexOf(item), 1);
    if (this.#over) return;
    this.done++;
    if (!works) this.failed++;
    if (!works && !this.setting.collect) {
      this.#fail(`rejected ${item}`);
      return;
    }
    const outcome: Outcome = works ? `item ${item}` : `failed ${item}`;
    const slot = this.#slots.find((each) => each.item === item);
    if (slot) slot.outcome = outcome;
    else this.#slots.push({ item, outcome });
    this.#go();
  }

  /** The pull that is under way ends. */
  give(): void {
    this.isPulling = false;
    this.#arrive();
    this.#go();
  }

  abort(): void {
    this.#aborted = true;
    if (this.#started && !this.#over) this.#fail('rejected abort');
  }

  end(): void {
    this.#failure = undefined;
    if (!this.#over) this.#endEarly();
    this.#serve();
  }

  #fail(outcome: Outcome): void {
    this.#failure = outcome;
    this.#endEarly();
    this.#serve();
  }

  #endEarly(): void {
    this.#over = true;
    if (this.#drained) return;
    this.opened = true;
    this.returned++;
  }

  /** An item, the end, or an error comes from the source. */
  #arrive(): void {
    const { count, breaksAt, collect } = this.setting;
    if (this.pulled === breaksAt) {
      this.#drained = true;
      if (collect) this.#broken = true;
      else if (!this.#over) this.#fail('rejected broken');
    } else if (this.pulled === count) this.#drained = true;
    else this.pulled++;
  }

  #go(): void {
    this.#serve();
    const { concurrency, ordered, sort, gated } = this.setting;
    while (!this.#over) {
      const hasRoom = this.running.length < concurrency;
      if (this.begun < this.pulled) {
        if (!hasRoom) break;
        if (ordered) this.#slots.push({ item: this.begun, outcome: undefined });
        this.running.push(this.begun++);
        continue;
      }
      const inHand = this.#slots.length + (ordered ? 0 : this.running.length);
      if (this.#drained || this.isPulling || inHand >= 4 * concurrency) break;
      if (!hasRoom && sort === 'sync') break;
      if (sort === 'async' && gated) this.isPulling = true;
      else this.#arrive();
    }
    this.#serve();
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const [first] = this.#slots;
      let outcome: Outcome;
      if (this.#failure !== undefined) {
        outcome = this.#failure;
        this.#failure = undefined;
      } else if (this.#over) outcome = 'end';
      else if (first?.outcome !== undefined) {
        outcome = first.outcome;
        this.#slots.shift();
        this.taken++;
      } else if (this.#drained && this.running.length === 0 && first === undefined) {
        this.#over = true;
        outcome = this.#broken ? 'rejected broken' : 'end';
      } else return;
      this.outcomes[this.#takers.shift() as number] = outcome;
    }
  }
}
