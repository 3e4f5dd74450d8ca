import type { Call } from '../../core/call/call.js';
import { channels } from '../../core/call/channels.js';
import { now, residue } from '../../core/call/clock.js';
import type { SiteInfo } from '../../core/call/policy.js';
import type { Limiter } from '../found.js';
import type { SlotGate, SlotGrant, SlotRules } from '../store.js';
import type { Onward, QueueRules, Waiter } from '../waiter.js';
import type { LeaseAnswer, LeaseMessage } from './backend.js';
import type { Link, Linked, Reply } from './link.js';
import { Sharers } from './sharers.js';
import { SlotAsk, SlotLease } from './slot-lease.js';
import { closed, down } from './store-errors.js';
import { type LineOwner, StoreLine } from './store-line.js';
import { readTag } from './tags.js';
import { Turns } from './turns.js';

/** How long a slot that nobody wants is kept, in milliseconds: the next call here may have it without a trip. */
const lingering = 20;

/**
 * A concurrency limit in a store, as this process has it: those who wait here, and the slots that it holds for its calls. It
 * says what it holds in one message at a time; what it does not say any more is free.
 */
export class StoredSlots implements SlotGate, Limiter, Linked, LineOwner {
  readonly kind = 'concurrency';
  readonly isPassing = false;
  onIdle: (() => void) | undefined = undefined;
  readonly line = new StoreLine(this);
  readonly #asks = new WeakMap<Call, SlotAsk>();
  readonly #lease = new SlotLease(this);
  readonly #sharers = new Sharers(this);
  /** How many slots are in use, and how many it holds. */
  #inUse = 0;
  #held = 0;
  #limit: number;
  #epoch = '';
  #fence: number | undefined;
  #others = 0;
  #isAsking = false;
  #asked = 0;
  /** Whether something has changed that the store is to know at once. */
  #isDirty = false;
  /** Whether the store knows that somebody waits here. */
  #isInLine = false;
  /** What the store counts as held here. */
  #told = 0;
  /** When it is told of what is not needed any more; and when it wants a sign of life at the latest. */
  #giveAt = Number.POSITIVE_INFINITY;
  #beatAt = Number.POSITIVE_INFINITY;
  readonly #turns = new Turns(this, () => this.#act());

  constructor(
    readonly link: Link,
    readonly tag: string,
    { limit }: SlotRules,
  ) {
    this.#limit = limit;
  }

  get waiting(): number {
    return this.line.length;
  }

  get used(): number {
    return this.#inUse;
  }

  get isWaiting(): boolean {
    return this.waiting > 0;
  }

  get isIdle(): boolean {
    return this.#inUse === 0 && this.#told === 0 && !this.isWaiting && !this.#isAsking && !this.#isInLine;
  }

  get nextAnswer(): number {
    return this.#asked + 1;
  }

  /** Nobody can tell, as a slot may come back at any time. */
  get isFull(): boolean {
    return false;
  }

  get standsInLine(): boolean {
    return this.#isInLine;
  }

  configure({ limit }: SlotRules): void {
    this.#limit = limit;
    this.#say();
  }

  wait(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules, weight: number, advance: number): unknown {
    if (this.link.isClosed) return onward.fail(closed(site), call);
    const ask = new SlotAsk(this, weight, advance);
    this.#asks.set(call, ask);
    return this.line.wait(call, site, onward, queue, ask);
  }

  waitAgain(call: Call, site: SiteInfo, onward: Onward, queue: QueueRules): unknown {
    if (this.link.isClosed) return onward.fail(closed(site), call);
    const { weight, advance } = this.#asks.get(call) as SlotAsk;
    const ask = new SlotAsk(this, weight, advance);
    this.#asks.set(call, ask);
    return this.line.waitAgain(call, site, onward, queue, ask);
  }

  grantOf(call: Call): SlotGrant {
    return this.#asks.get(call) as SlotAsk;
  }

  /** Takes for the first in line what it asks for. */
  take({ ask }: Waiter): boolean {
    if (!this.#mayTake(ask.weight)) return false;
    const taken = ask as SlotAsk;
    taken.isRunning = true;
    taken.isLeased = !this.link.isDown;
    taken.fence = taken.isLeased ? this.#fence : undefined;
    this.#inUse += ask.weight;
    this.#lease.begin(taken);
    return true;
  }

  #mayTake(weight: number): boolean {
    if (weight === 0) return true;
    if (this.link.isDown) return this.#mayTakeAlone(weight);
    return this.#inUse + weight <= this.#held && now() < this.#lease.until - residue;
  }

  #mayTakeAlone(weight: number): boolean {
    const { whenDown } = this.link.options;
    if (whenDown !== 'local') return whenDown === 'open';
    const share = this.#share();
    return this.#inUse === 0 || this.#inUse + weight <= share;
  }

  /** What this process may do alone. */
  #share(): number {
    const processes = this.#sharers.count();
    return processes === 0 ? 1 : Math.max(1, Math.floor(this.#limit / processes));
  }

  giveBack(ask: SlotAsk): void {
    if (!ask.isRunning) return;
    ask.isRunning = false;
    this.#inUse -= ask.weight;
    if (this.#mustPassOn()) this.#held = Math.max(this.#inUse, this.#held - ask.weight);
    this.#lease.end(ask);
    this.wake();
  }

  /** Whether a slot that comes back is for others: they stand in line, and this process has more than its part. */
  #mustPassOn(): boolean {
    return this.#others > 0 && this.#held > Math.floor(this.#limit / (this.#others + 1));
  }

  /** Whether the store takes this process to hold or want what it does not. */
  get #hasTooMuch(): boolean {
    return this.#told > this.#inUse || (this.#isInLine && !this.isWaiting);
  }

  /** How long it may take until the store is told of that. */
  get #patience(): number {
    return this.#others > 0 || this.isWaiting || !this.link.isHinted ? 0 : lingering;
  }

  lineChanged(): void {
    this.wake();
  }

  /** There may be something for this process, or somebody waits for what it does not use. */
  look(): void {
    this.#say();
  }

  hinted(): void {
    if (this.#inUse > 0 || this.isWaiting) this.#say();
  }

  changed(): void {
    this.#isInLine = false;
    this.#say();
  }

  close(): void {
    this.line.refuseAll(({ site }) => closed(site));
    this.#turns.clear();
    if (!this.link.isDown) {
      const message = { ...this.#message(), held: 0, wanted: [], leaves: true };
      this.link.tellLast(() => this.link.backend.lease(this.tag, message));
    }
    this.#lease.close();
  }

  #say(): void {
    this.#isDirty = true;
    this.wake();
  }

  wake(): void {
    this.#turns.soon();
  }

  #act(): void {
    const time = now();
    this.line.serve();
    if (this.link.isDown) {
      this.line.answered(this.nextAnswer);
      if (this.link.options.whenDown === 'reject') this.line.refuseAll(({ site }) => down(site, this.link));
    }
    this.#giveAt = this.#hasTooMuch ? Math.min(this.#giveAt, time + this.#patience) : Number.POSITIVE_INFINITY;
    this.link.hold();
    if (!this.#isAsking && !this.link.isDown && this.#hasToSay(time)) this.#ask(time);
    this.#schedule();
    this.#rest();
  }

  #hasToSay(time: number): boolean {
    if (this.#isDirty || this.line.hasUntold || (this.isWaiting && !this.#isInLine)) return true;
    return Math.min(this.#giveAt, this.#beatAt) <= time + residue;
  }

  /** Nothing is to be done until a call comes. */
  #rest(): void {
    if (!this.isIdle || this.#isDirty) return;
    this.link.active.delete(this);
    this.onIdle?.();
  }

  #message(): LeaseMessage {
    return {
      limit: this.#limit,
      lease: this.link.options.lease,
      process: this.link.process,
      sequence: ++this.link.sequence,
      held: this.#inUse,
      wanted: this.line.weights(0),
      epoch: this.#epoch,
      leaves: false,
    };
  }

  #ask(time: number): void {
    const { lease } = this.link.options;
    if (time >= this.#lease.until) this.#lease.lose();
    // Who was silent for so long is as new.
    if (time > this.#lease.until + lease) this.#epoch = '';
    const message = this.#message();
    const no = ++this.#asked;
    this.#isAsking = true;
    this.#isDirty = false;
    this.#giveAt = Number.POSITIVE_INFINITY;
    this.#beatAt = Number.POSITIVE_INFINITY;
    this.#held = this.#inUse;
    this.link.ask(
      this.tag,
      this.isWaiting,
      () => this.link.backend.lease(this.tag, message),
      (reply) => {
        this.#isAsking = false;
        if (reply !== undefined) this.#answered(reply, message, no);
        this.#turns.now();
      },
    );
  }

  #answered({ answer, sentAt, receivedAt }: Reply<LeaseAnswer>, message: LeaseMessage, no: number): void {
    const { lease } = this.link.options;
    const { got, epoch, closedFor, nextEnd, others, processes, fence } = answer;
    this.#epoch = epoch;
    this.#lease.renew(sentAt + lease);
    this.#held += got;
    this.#tellOfLease(message.held + got);
    if (fence > 0) this.#fence = fence;
    this.#others = others;
    this.#sharers.told(processes);
    let wanted = 0;
    for (const [weight, count] of message.wanted) wanted += weight * count;
    this.#isInLine = wanted > got;
    this.line.serve();
    // It decides nothing for those who are left where all who were told of have got theirs: one message tells of so many only.
    if (wanted === 0 || wanted > got) this.line.answered(no);
    if (!this.#isBusy) return;
    this.#beatAt = receivedAt + lease / 3;
    if (this.isWaiting && nextEnd > 0) this.#beatAt = Math.min(this.#beatAt, receivedAt + nextEnd);
    if (this.isWaiting && closedFor > 0) this.#beatAt = Math.min(this.#beatAt, receivedAt + closedFor);
  }

  /** Tells those who listen whether this process holds any. */
  #tellOfLease(told: number): void {
    const isNews = told > 0 !== this.#told > 0;
    this.#told = told;
    if (!isNews || !channels.lease.hasSubscribers) return;
    const state = told > 0 ? 'taken' : 'released';
    const { label: store } = this.link;
    channels.lease.publish({ type: 'lease', store, ...readTag(this.tag), state, error: undefined });
  }

  get #isBusy(): boolean {
    return this.#held > 0 || this.isWaiting || this.#isInLine;
  }

  #schedule(): void {
    const isQuiet = this.link.isDown || this.#isAsking;
    const next = isQuiet ? Number.POSITIVE_INFINITY : Math.min(this.#giveAt, this.#beatAt);
    this.#turns.at(next, now());
    this.#lease.schedule();
  }
}
