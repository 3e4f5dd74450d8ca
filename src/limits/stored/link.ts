import { channels } from '../../core/call/channels.js';
import { Alarm, now } from '../../core/call/clock.js';
import type { Backend } from './backend.js';
import { noteDown, noteUp } from './down-stores.js';
import { type KnownStore, noteStore } from './known-stores.js';
import type { FilledOptions, StoreEvent } from './options.js';
import { limitOf, policyOf, readTag } from './tags.js';

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
  /** It is told of what there is for it from now on: what was told before went nowhere. */
  hinted?(): void;
  /** It is told of nothing any more, and has to look itself. */
  unhinted?(): void;
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
export class Link implements KnownStore {
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
  /** How many processes shared the limit that was asked for last; 0: nobody knows. */
  processes = 0;
  /** The latest that the clock of the store can show at a time; Infinity: nobody knows. */
  toStoreTime: (time: number) => number = () => Number.POSITIVE_INFINITY;
  downAt: number | undefined = undefined;
  outages = 0;
  lostLeases = 0;
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
  ) {
    noteStore(this);
  }

  get label(): string {
    return this.backend.label;
  }

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

  /** How many processes are to be reckoned with in a limit that so many shared at last; 0: nobody knows. */
  processesOf(known: number): number {
    return this.options.processes ?? (known > 0 ? known : this.processes);
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

  /** It listens to hints from now on. */
  hinted(): void {
    this.isHinted = true;
    for (const each of [...this.active]) each.hinted?.();
  }

  /** It listens to hints no more. */
  unhinted(): void {
    this.isHinted = false;
    for (const each of [...this.active]) each.unhinted?.();
  }

  /** Tells what came of the store, or of a limit in it. */
  emit(event: Omit<StoreEvent, 'limit'>, tag?: string): void {
    publish(this.label, event, tag);
    try {
      this.options.onEvent?.(tag === undefined ? event : { ...event, limit: limitOf(tag) });
    } catch {
      // Who watches harms nobody.
    }
  }

  /** This process could not renew the lease under which so many calls run. */
  lostLease(tag: string, calls: number): void {
    this.lostLeases++;
    this.emit({ type: 'lost', calls }, tag);
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
    if (isHeard) this.emit({ type: 'trip', duration }, tag);
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
    this.downAt = Date.now();
    this.outages++;
    noteDown(this, this.backend.name, readTag(tag).name);
    this.emit({ type: 'down', error }, tag);
    this.#tell();
  }

  #up(): void {
    if (this.#downSince === undefined) return;
    const duration = now() - this.#downSince;
    this.#downSince = undefined;
    this.downAt = undefined;
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
function publish(store: string, event: Omit<StoreEvent, 'limit'>, tag: string | undefined): void {
  const { type: state, error, duration } = event;
  const channel = state === 'lost' ? channels.lease : channels.store;
  if (!channel.hasSubscribers) return;
  const { name, key } = tag === undefined ? unnamed : readTag(tag);
  const policy = tag === undefined ? undefined : policyOf(tag);
  if (state === 'lost') channel.publish({ type: 'lease', store, name, key, state, error });
  else channel.publish({ type: 'store', store, name, key, policy, state, duration, error });
}

const unnamed = { name: undefined, key: undefined };

/** What a client throws at once is as what it rejects with. */
const promiseOf = async <Answer>(send: () => Promise<Answer>): Promise<Answer> => await send();

/** A name that no other process has, in few characters. */
const newProcess = (): string => globalThis.crypto.randomUUID().replaceAll('-', '').slice(0, 16);
