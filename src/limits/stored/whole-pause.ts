import { now } from '../../core/call/clock.js';
import { Spell } from '../pause.js';
import type { RateRules } from '../store.js';
import type { PermitAnswer } from './backend.js';
import type { Link, Linked, Reply } from './link.js';
import { Notes } from './permit-notes.js';
import { termsOf } from './rate-terms.js';

/** How often it is looked at where nobody tells of it, in milliseconds. */
const lookEvery = 1000;

/**
 * The pause of all keys of a name, as it is kept in a store: with the limit of calls without a key, whose answers tell of it.
 * With keys it is asked for before the first start; from then on others tell of it.
 */
export class WholePause implements Linked {
  readonly isWaiting = false;
  readonly #spell = new Spell();
  readonly #notes = new Notes(
    () => ({ duration: Number.POSITIVE_INFINITY, starts: 0 }),
    (time) => this.link.toStoreTime(time),
  );
  #isAsking = false;
  /** When it was last asked for, and whether others have told of each change since. */
  #readAt = Number.NEGATIVE_INFINITY;
  #isUpToDate = false;
  /** When it was last told of a change. */
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly link: Link,
    /** That of the limit without a key. */
    readonly tag: string,
    readonly rules: () => RateRules,
    /** It has begun, ended, or is known from now on. */
    readonly onChange: () => void,
  ) {}

  /** In how many milliseconds it ends. */
  get left(): number {
    return this.#spell.left;
  }

  /** Whether nobody knows of it yet, and who wants to start has to wait until it is known. */
  get isUnknown(): boolean {
    return !this.link.isDown && !this.#isKnown && !this.#isReadWithin(2 * lookEvery);
  }

  get #isKnown(): boolean {
    return this.link.isHinted && this.#isUpToDate;
  }

  /** The clock may have been set back, as fake timers may. */
  #isReadWithin(duration: number): boolean {
    const age = now() - this.#readAt;
    return age >= 0 && age < duration;
  }

  /** When somebody who waits is to look again, by the clock of this process. */
  get nextLook(): number {
    return this.#isAsking || this.link.isHinted || this.link.isDown
      ? Number.POSITIVE_INFINITY
      : this.#readAt + lookEvery;
  }

  /** Nobody who shares the name starts for so long. */
  pause(duration: number): void {
    this.#notes.add({ kind: 'pause', duration, isForAll: true });
    this.told(duration);
    this.#tell();
  }

  resume(): void {
    this.#notes.add({ kind: 'resume', isForAll: true });
    this.told(0);
    this.#tell();
  }

  /** Another process says that it lasts for so long; 0: that it is over. */
  told(duration: number): void {
    this.#changedAt = now();
    if (duration > 0) this.#spell.extend(duration);
    else this.#spell.end();
    this.onChange();
  }

  /** Somebody wants to start. */
  look(): void {
    if (this.#isAsking || this.link.isDown || this.link.isClosed || this.#isKnown) return;
    // Once it is told of changes it asks once more: what was told before went nowhere.
    if (this.link.isHinted || !this.#isReadWithin(lookEvery)) this.#ask();
  }

  /** An answer for the limit without a key. Gives whether that is news. */
  answered({ answer, sentAt }: Reply<PermitAnswer>): boolean {
    // What was asked before a change may have been answered before it, too.
    if (sentAt < this.#changedAt || !this.#notes.isEmpty) return false;
    const { left } = this.#spell;
    this.#spell.end();
    if (answer.allPausedUntil > answer.now) this.#spell.extend(answer.allPausedUntil - answer.now);
    if (left > 0 !== this.#spell.left > 0) this.onChange();
    return true;
  }

  changed(): void {
    this.#isUpToDate = false;
    if (!this.#notes.isEmpty) this.#tell();
  }

  hinted(): void {
    this.#isUpToDate = false;
    this.onChange();
  }

  close(): void {
    if (this.link.isDown || this.#notes.isEmpty) return;
    const message = this.#message();
    this.link.tellLast(() => this.link.backend.reserve(this.tag, message));
  }

  #tell(): void {
    this.link.active.add(this);
    if (!this.#isAsking && !this.link.isDown && !this.link.isClosed) this.#ask();
  }

  #ask(): void {
    this.link.active.add(this);
    this.#isAsking = true;
    const { isHinted } = this.link;
    const { notes, done } = this.#notes.take();
    const message = this.#message(notes);
    this.link.ask(
      this.tag,
      false,
      () => this.link.backend.reserve(this.tag, message),
      (reply) => {
        this.#isAsking = false;
        if (reply === undefined) return;
        done();
        if (this.answered(reply)) {
          this.#readAt = reply.sentAt;
          this.#isUpToDate = isHinted;
        }
        this.onChange();
        if (!this.#notes.isEmpty) this.#tell();
      },
    );
  }

  #message(notes = this.#notes.take().notes): Parameters<Link['backend']['reserve']>[1] {
    const { starts, window, horizon, spread } = termsOf(this.rules());
    const { process } = this.link;
    return { starts, window, horizon, grace: 0, spread, process, first: 0, wanted: [], notes };
  }
}
