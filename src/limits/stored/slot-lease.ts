import { Alarm, now, residue } from '../../core/call/clock.js';
import { LeaseLostError } from '../../core/errors.js';
import type { SlotGrant } from '../store.js';
import type { Link } from './link.js';
import { StoreAsk } from './store-line.js';
import { limitOf } from './tags.js';

/** What a call asks of a concurrency limit in a store, and what it has got. */
export class SlotAsk extends StoreAsk implements SlotGrant {
  onLost: ((error: Error) => void) | undefined = undefined;
  fence: number | undefined = undefined;
  isRunning = false;
  /** Whether the store knows that it has it: not of one that began while the store was down. */
  isLeased = false;

  constructor(
    readonly limit: { giveBack(ask: SlotAsk): void },
    weight: number,
    advance: number,
  ) {
    super(weight, advance);
  }

  giveBack(): void {
    this.limit.giveBack(this);
  }
}

/** The lease of the slots that this process holds of a limit: until when they are its own, and what runs by them. */
export class SlotLease {
  /** By the clock of this process. */
  until = Number.NEGATIVE_INFINITY;
  readonly #running = new Set<SlotAsk>();
  readonly #alarm = new Alarm(() => this.#end(), false);

  constructor(readonly limit: { readonly link: Link; readonly tag: string }) {}

  begin(ask: SlotAsk): void {
    this.#running.add(ask);
  }

  end(ask: SlotAsk): void {
    this.#running.delete(ask);
    if (this.#running.size === 0) this.#alarm.clear();
  }

  /** The store knows of all that runs. */
  renew(until: number): void {
    this.until = until;
    for (const each of this.#running) each.isLeased = true;
  }

  /** Sets the timer to its end, while something runs by it. */
  schedule(): void {
    const time = now();
    const end = this.#hasLeased ? this.until : Number.NEGATIVE_INFINITY;
    if (end > time && (!this.#alarm.isSet || Math.abs(this.#alarm.due - end) > residue)) this.#alarm.set(end - time);
  }

  #end(): void {
    if (now() < this.until - residue) this.schedule();
    else this.lose();
  }

  /** It could not be renewed in time. */
  lose(): void {
    const lost = [...this.#running].filter(({ isLeased }) => isLeased);
    if (lost.length === 0) return;
    this.limit.link.lostLease(this.limit.tag, lost.length);
    this.#abort(lost, 'this process could not renew the lease of its slot in time');
  }

  /** The store was closed. */
  close(): void {
    this.#alarm.clear();
    this.#abort([...this.#running], 'the store of its limit was closed');
  }

  get #hasLeased(): boolean {
    for (const { isLeased } of this.#running) if (isLeased) return true;
    return false;
  }

  #abort(asks: readonly SlotAsk[], why: string): void {
    for (const each of asks) {
      each.isLeased = false;
      each.onLost?.(new LeaseLostError(`${limitOf(this.limit.tag)}: ${why}`));
    }
  }
}
