import { channels } from '../../core/call/channels.js';
import { Alarm, now } from '../../core/call/clock.js';
import type { Backend } from './backend.js';
import { noteDown, noteUp } from './down-stores.js';
import type { FilledOptions, StoreEvent } from './options.js';
import { limitOf, readTag } from './tags.js';

/** What a store has answered, and between which times by the clock of this process. */
export interface Reply<Answer> {
  readonly answer: Answer;
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** A limit in a store, as the link to it knows it. */
export interface Linked {
  /** Whether calls wait in it. */
  readonly isWaiting: boolean;
  /** The store is down, or is so no more. */
  changed(): void;
  /** The store was closed. */
  close(): void;
}

const probeEvery = 1000;
/** How late a timer may be before the program counts as having been held up. */
const heldUp = 5;
/** How much longer an answer may take then: it may have come meanwhile, and is read first. */
const respite = 25;
/** How many round trips count as recent. */
const recently = 16;

/** The way of one process to a store: what is asked, whether it is down, and when it can be asked again. */
export class Link {
  readonly process = newProcess();
  /** The limits in which something goes on. */
  readonly active = new Set<Linked>();
  isClosed = false;
  /** Grows with each message of leases. */
  sequence = 0;
  /** Whether it is told between its messages of what there is for it. */
  isHinted = false;
  /** Called when it has answered. */
  onTrip: (() => void) | undefined = undefined;
  /** How many processes there were at last; 0: nobody knows. */
  processes = 0;
  #downSince: number | undefined;
  #reason: unknown;
  #failedTag = '';
  readonly #trips: number[] = [];
  readonly #last: Promise<unknown>[] = [];
  #patience: Alarm | undefined;
  readonly #probe = new Alarm(() => this.#tryAgain(), false);

  constructor(
    readonly backend: Backend,
    readonly options: FilledOptions,
  ) {}

  get isDown(): boolean {
    return this.#downSince !== undefined;
  }

  /** What it is down for. */
  get reason(): unknown {
    return this.#reason;
  }

  /** The worst of the recent round trips; undefined before the first. */
  get worstTrip(): number | undefined {
    return this.#trips.length === 0 ? undefined : Math.max(...this.#trips);
  }

  /** Asks, and tells once what came of it: undefined if nothing in time, and the store is down. A late answer goes nowhere. */
  ask<Answer>(
    tag: string,
    isHeld: boolean,
    send: () => Promise<Answer>,
    told: (reply: Reply<Answer> | undefined) => void,
  ): void {
    let isOver = false;
    const sentAt = now();
    const fail = (error: unknown): void => {
      if (isOver) return;
      isOver = true;
      alarm.clear();
      this.#fail(tag, error);
      told(undefined);
    };
    let isLate = false;
    const alarm = new Alarm(() => {
      if (!isLate && now() - alarm.due > heldUp) {
        isLate = true;
        alarm.set(respite);
        return;
      }
      fail(new Error(`${this.backend.name} gave no answer within ${this.options.timeout} ms`));
    }, isHeld);
    alarm.set(this.options.timeout);
    promiseOf(send).then((answer) => {
      if (isOver) return;
      isOver = true;
      alarm.clear();
      const receivedAt = now();
      this.#succeed(tag, receivedAt - sentAt);
      told({ answer, sentAt, receivedAt });
    }, fail);
  }

  /** Somebody begins to wait, or nobody waits any more: they keep the program alive until the store is back. */
  hold(): void {
    if (this.isDown) this.#probe.hold([...this.active].some(({ isWaiting }) => isWaiting));
  }

  emit(event: StoreEvent): void {
    publish(event);
    try {
      this.options.onEvent?.(event);
    } catch {
      // Who watches harms nobody.
    }
  }

  /** Says a last thing, whose answer nobody needs; `close` waits for it as long as for any. */
  tellLast(send: () => Promise<unknown>): void {
    this.#last.push(promiseOf(send).catch(() => {}));
  }

  /** Nothing is asked from now on. Settles when all was said. */
  async close(): Promise<void> {
    this.isClosed = true;
    noteUp(this);
    this.#probe.clear();
    for (const each of [...this.active]) each.close();
    this.active.clear();
    await Promise.race([Promise.all(this.#last), this.#pauseFor(this.options.timeout)]);
    this.#patience?.clear();
  }

  #pauseFor(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.#patience = new Alarm(resolve, true);
      this.#patience.set(duration);
    });
  }

  #succeed(tag: string, duration: number): void {
    this.#trips.push(duration);
    if (this.#trips.length > recently) this.#trips.shift();
    const isHeard = this.options.onEvent !== undefined || channels.store.hasSubscribers;
    if (isHeard) this.emit({ type: 'trip', limit: limitOf(tag), duration });
    this.#up();
    this.onTrip?.();
  }

  #fail(tag: string, error: unknown): void {
    this.#failedTag = tag;
    this.#reason = error;
    if (this.isClosed) return;
    const isNews = this.#downSince === undefined;
    this.#downSince ??= now();
    this.#probe.set(probeEvery * (0.75 + Math.random() / 2));
    this.hold();
    if (!isNews) return;
    noteDown(this, this.backend.name, readTag(tag).name);
    this.emit({ type: 'down', limit: limitOf(tag), error });
    this.#tell();
  }

  #up(): void {
    if (this.#downSince === undefined) return;
    const duration = now() - this.#downSince;
    this.#downSince = undefined;
    this.#reason = undefined;
    noteUp(this);
    this.#probe.clear();
    this.emit({ type: 'up', duration });
    this.#tell();
  }

  #tell(): void {
    for (const each of [...this.active]) each.changed();
  }

  #tryAgain(): void {
    const tag = this.#failedTag;
    this.ask(
      tag,
      this.#probe.isHeld,
      () => this.backend.probe(tag),
      () => {},
    );
  }
}

/** Tells those who listen to events. */
function publish({ type: state, limit: name, error }: StoreEvent): void {
  if (state === 'lost') channels.lease.publish({ type: 'lease', name, state, error });
  else if (channels.store.hasSubscribers) channels.store.publish({ type: 'store', name, state, error });
}

/** What a client throws at once is as what it rejects with. */
const promiseOf = async <Answer>(send: () => Promise<Answer>): Promise<Answer> => await send();

/** A name that no other process has, in few characters. */
const newProcess = (): string => globalThis.crypto.randomUUID().replaceAll('-', '').slice(0, 16);
