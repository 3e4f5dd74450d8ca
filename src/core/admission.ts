import { Sema } from 'async-sema';
import { abortable, type Call } from './call.js';
import { Alarm, now, residue } from './clock.js';
import { RejectedError } from './errors.js';
import type { Continuation, MutableStats, PolicyKind, SiteInfo } from './types.js';

/** What every limiter lets its users say about waiting. */
export interface QueueConfig {
  /** How many calls may wait; one more is rejected. 0: nobody waits. Default Infinity. */
  readonly maxQueue?: number;
  /** How long a call may wait, in milliseconds; then it is rejected. 0: nobody waits. Default Infinity. */
  readonly maxWait?: number;
}

interface Waiter {
  readonly stats: MutableStats;
  readonly admit: () => void;
  readonly expire: () => void;
  /** When it has waited too long. */
  readonly deadline: number;
  previous: Waiter;
  next: Waiter;
}

/**
 * Tokens, and the line of those who wait for one, admitted strictly in order of arrival.
 *
 * The tokens are a Sema's. Its own queue cannot be left, so the line is kept here, as a ring of waiters that each leave
 * in constant time.
 */
export class Admission {
  /** Called when somebody begins to wait, or the last one stops waiting. */
  onWaiting: ((waiting: boolean) => void) | undefined = undefined;
  /** Called when every token is back and nobody waits. */
  onIdle: (() => void) | undefined = undefined;

  #returned: Sema | undefined;
  /** Tokens made so far; they are made when first needed, so that a huge limit costs nothing. */
  #made = 0;
  #out = 0;
  #waiting = 0;
  /** Those who have been admitted and have not gone on yet: a newcomer may not overtake them. */
  #admitted = 0;
  readonly #line: Waiter;
  #deadlines: Alarm | undefined;

  constructor(
    readonly tokens: number,
    readonly queue: Required<QueueConfig>,
    readonly kind: PolicyKind,
  ) {
    const line = { admit: () => {}, expire: () => {}, deadline: 0 } as unknown as Waiter;
    line.previous = line;
    line.next = line;
    this.#line = line;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Whether nobody stands in line before a newcomer. */
  get isClear(): boolean {
    return this.#waiting === 0 && this.#admitted === 0;
  }

  /** Takes a token if one is free and nobody stands in line for it. */
  tryTake(): boolean {
    return this.isClear && this.#take();
  }

  /**
   * Waits for a token in line, on behalf of a site; then goes on with `run`, or with `fail` if it got none: with a
   * RejectedError at once when the queue is full, or when the wait took too long, or with the reason of an abort.
   * `async`, so that the caller stays in the stack of what is thrown then.
   */
  async enter(
    call: Call,
    site: SiteInfo,
    run: () => unknown,
    fail: Continuation,
    maxQueue = this.queue.maxQueue,
  ): Promise<unknown> {
    try {
      await this.#wait(call, site, maxQueue);
    } catch (error) {
      return await fail(error, call);
    }
    this.#admitted--;
    return await run();
  }

  async #wait(call: Call, site: SiteInfo, maxQueue: number): Promise<void> {
    const { maxWait } = this.queue;
    // A token may be free although nobody may take it at once: those admitted before have not gone on yet.
    const isFree = this.#waiting === 0 && this.#out < this.tokens;
    if (!isFree && this.#waiting >= maxQueue) throw this.#reject(site, 'queue-full', maxQueue);
    if (!isFree && maxWait === 0) throw this.#reject(site, 'wait-timeout', maxWait);
    let expired: RejectedError | undefined;
    await abortable(call, (done) => {
      const admit = (): void => {
        this.#admitted++;
        done();
      };
      if (isFree) {
        this.#take();
        admit();
        return () => {};
      }
      const waiter = this.#join(site.stats, admit, () => {
        expired = this.#reject(site, 'wait-timeout', maxWait);
        done();
      });
      return () => this.#quit(waiter);
    });
    if (expired !== undefined) throw expired;
  }

  /** A token comes back: the first in line has it, or else it is free. */
  give(): void {
    this.#out--;
    this.#returned ??= new Sema(0);
    this.#returned.release();
    const first = this.#line.next;
    if (first !== this.#line && this.#take()) {
      this.#quit(first);
      first.admit();
    } else if (this.#out === 0) {
      this.onIdle?.();
    }
  }

  #take(): boolean {
    if (this.#returned?.tryAcquire() === undefined) {
      if (this.#made === this.tokens) return false;
      this.#made++;
    }
    this.#out++;
    return true;
  }

  #join(stats: MutableStats, admit: () => void, expire: () => void): Waiter {
    const { maxWait } = this.queue;
    const line = this.#line;
    const waiter: Waiter = { stats, admit, expire, deadline: now() + maxWait, previous: line.previous, next: line };
    line.previous.next = waiter;
    line.previous = waiter;
    stats.queued++;
    if (++this.#waiting === 1) {
      this.onWaiting?.(true);
      if (maxWait !== Number.POSITIVE_INFINITY) this.#watchDeadline(maxWait);
    }
    return waiter;
  }

  #quit(waiter: Waiter): void {
    waiter.previous.next = waiter.next;
    waiter.next.previous = waiter.previous;
    waiter.stats.queued--;
    if (--this.#waiting === 0) {
      this.#deadlines?.clear();
      this.onWaiting?.(false);
    }
  }

  /** All wait equally long at the most, so the first in line is the first to be late: one timer serves them all. */
  #watchDeadline(delay: number): void {
    this.#deadlines ??= new Alarm(() => this.#expireLate(), true);
    this.#deadlines.set(delay);
  }

  #expireLate(): void {
    const time = now();
    let first = this.#line.next;
    while (first !== this.#line && first.deadline <= time + residue) {
      this.#quit(first);
      first.expire();
      first = this.#line.next;
    }
    if (first !== this.#line) this.#watchDeadline(first.deadline - time);
  }

  #reject(site: SiteInfo, reason: 'queue-full' | 'wait-timeout', limit: number): RejectedError {
    site.stats.rejected++;
    const what = places[this.kind] ?? 'place';
    const why =
      reason === 'queue-full'
        ? `${this.waiting} calls wait for a ${what} already (maxQueue: ${limit})`
        : `the call got no ${what} within ${limit} ms (maxWait)`;
    return new RejectedError(`${site.label}: ${why}`, this.kind, reason);
  }
}

/** What a waiter waits for, for messages. */
const places: Partial<Record<PolicyKind, string>> = {
  rateLimit: 'permit of its rate limit',
  concurrency: 'slot of its concurrency limit',
  cpuBound: 'free worker',
};
