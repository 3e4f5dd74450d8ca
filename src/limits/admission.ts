import { Call, type Wait } from '../core/call/call.js';
import { Alarm, now, residue } from '../core/call/clock.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Continuation, Next } from '../core/call/step.js';
import { RejectedError } from '../core/errors.js';
import type { PolicyKind } from '../core/policies.js';
import { semaClass } from './sema.js';

/**
 * What every limiter lets its users say about waiting.
 *
 * @example
 * const queue: QueueConfig = { maxQueue: 100, maxWait: 5_000 };
 */
export interface QueueConfig {
  /** How many calls may wait; one more is rejected. 0: nobody waits. Default Infinity. */
  readonly maxQueue?: number;
  /** How long a call may wait, in milliseconds; then it is rejected. 0: nobody waits. Default Infinity. */
  readonly maxWait?: number;
}

/** Stands for the error of a wait that took too long, until the caller is there to stand in its stack. */
const tooLate = Symbol('too late');

/** A call in line, or the head of the line itself. */
interface Link {
  previous: Link;
  next: Link;
}

/** A call that waits in line. The fields are what its wait needs: one object and one promise for each. */
class Waiter implements Link, Wait {
  /** One that never waits, for the sake of their hidden class; see `Call.idle`. */
  static readonly idle = new Waiter(
    undefined as never,
    Call.idle,
    undefined as never,
    () => {},
    () => {},
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  );

  previous: Link = this;
  next: Link = this;
  failed = false;
  error: unknown = undefined;
  resolve!: (waiter: Waiter) => void;

  constructor(
    readonly line: Admission,
    readonly call: Call,
    readonly site: SiteInfo,
    readonly run: Next,
    readonly fail: Continuation,
    /** How long it may wait. */
    readonly maxWait: number,
    /** When it has waited too long. */
    readonly deadline: number,
  ) {}

  leave(reason: unknown): void {
    this.line.quit(this);
    this.reject(reason);
  }

  /** Ends the wait with an error, or with `tooLate`. */
  reject(error: unknown): void {
    this.failed = true;
    this.error = error;
    this.settle();
  }

  /** Ends the wait: with a token, if with no error. */
  settle(): void {
    this.call.waiting = undefined;
    this.resolve(this);
  }
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
  /** What brings tokens back where they come back by time, and not when work ends. */
  returning: Alarm | undefined = undefined;

  readonly #Sema = semaClass();
  #returned: InstanceType<ReturnType<typeof semaClass>> | undefined;
  /** Whether the token that came back last is at hand: most calls find it here, and are spared the Sema's emitter. */
  #spare = false;
  /*
   * What always holds of the counters:
   *
   *     #made = #out + those at hand (#spare, and those in #returned), and is no more than `tokens`
   *     #waiting is the length of the line; while it is above 0, every token is out
   *     each of #admittedNotResumed has a token, and counts among #out
   */
  /** Tokens made so far; they are made when first needed, so that a huge limit costs nothing. */
  #made = 0;
  /** Tokens that somebody has. */
  #out = 0;
  #waiting = 0;
  /** Those who got a token after a wait, and have not gone on yet: a newcomer may not overtake them. */
  #admittedNotResumed = 0;
  readonly #line: Link = headOfLine();
  #deadlines: Alarm | undefined;
  /** When that alarm is to ring. */
  #earliest = Number.POSITIVE_INFINITY;
  /** Set while those in line came under different rules, so that the first in line need not be the first to be late. */
  #isMixed = false;
  /** The longest that anybody in a mixed line may wait. */
  #longest = 0;
  #tokens: number;
  #queue: Required<QueueConfig>;

  constructor(
    tokens: number,
    queue: Required<QueueConfig>,
    readonly kind: keyof typeof places,
  ) {
    this.#tokens = tokens;
    this.#queue = queue;
  }

  get tokens(): number {
    return this.#tokens;
  }

  get queue(): Required<QueueConfig> {
    return this.#queue;
  }

  /** Whether more tokens are out than there may be by now: they were fewer made since. */
  get isOver(): boolean {
    return this.#out > this.#tokens;
  }

  /**
   * Takes another number of tokens, and other rules for those who come. Where there are more now, those in line have them
   * at once; where there are fewer, those that are out come back first. Who waits does so by the rules by which it came.
   */
  configure(tokens: number, queue: Required<QueueConfig>): void {
    if (this.#waiting > 0 && queue.maxWait !== this.#queue.maxWait) {
      this.#longest = Math.max(this.#isMixed ? this.#longest : this.#queue.maxWait, queue.maxWait);
      this.#isMixed = true;
    }
    this.#tokens = tokens;
    this.#queue = queue;
    // Those that are at hand may be too many: they are made anew when they are needed.
    this.#spare = false;
    this.#returned = undefined;
    this.#made = this.#out;
    for (let first = this.#first; first !== undefined && this.#take(); first = this.#first) {
      this.quit(first);
      this.#admit(first);
    }
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Whether nobody stands in line before a newcomer. */
  get isClear(): boolean {
    return this.#waiting === 0 && this.#admittedNotResumed === 0;
  }

  /** Takes a token if one is free and nobody stands in line for it. */
  tryTake(): boolean {
    return this.isClear && this.#take();
  }

  /**
   * Waits for a token in line, on behalf of a site; then goes on with `run`, or with `fail` if it got none: with a
   * RejectedError at once when the queue is full, or when the wait took too long, or with the reason of an abort.
   */
  wait(call: Call, site: SiteInfo, run: Next, fail: Continuation, maxQueue = this.#queue.maxQueue): unknown {
    if (call.aborted) return fail(call.reason, call);
    const { maxWait } = this.#queue;
    // A token may be free although nobody may take it at once: those admitted before have not gone on yet.
    const isFree = this.#out < this.#tokens;
    if (!isFree && this.#waiting >= maxQueue) return fail(this.#reject(site, 'queue-full', maxQueue), call);
    if (!isFree && maxWait === 0) return fail(this.#reject(site, 'wait-timeout', maxWait), call);
    const deadline = maxWait === Number.POSITIVE_INFINITY ? maxWait : now() + maxWait;
    const waiter = new Waiter(this, call, site, run, fail, maxWait, deadline);
    const wait = new Promise<Waiter>((resolve) => {
      waiter.resolve = resolve;
    });
    if (isFree) {
      this.#take();
      this.#admit(waiter);
    } else {
      this.#join(waiter);
    }
    return this.#goOn(wait);
  }

  /** `async` and with each `await`, so that the caller stands in the stack of what is thrown. */
  async #goOn(wait: Promise<Waiter>): Promise<unknown> {
    const waiter = await wait;
    if (waiter.failed) return await waiter.fail(this.#errorOf(waiter), waiter.call);
    this.#admittedNotResumed--;
    return await waiter.run(waiter.call);
  }

  #errorOf({ error, site, maxWait }: Waiter): unknown {
    return error === tooLate ? this.#reject(site, 'wait-timeout', maxWait) : error;
  }

  /** A token comes back: the first in line has it, or else it is free. */
  give(): void {
    if (this.isOver) {
      this.#out--;
      this.#made--;
      return;
    }
    const first = this.#first;
    if (first !== undefined) {
      this.quit(first);
      this.#admit(first);
      return;
    }
    this.#out--;
    if (this.#spare) {
      this.#returned ??= new this.#Sema(0);
      this.#returned.release();
    }
    this.#spare = true;
    if (this.#out === 0) this.onIdle?.();
  }

  /** So many tokens come back at once: those in line have them first, the rest are made anew when they are needed. */
  giveBack(count: number): void {
    let left = count;
    for (; left > 0 && this.#waiting > 0; left--) this.give();
    this.#out -= left;
    this.#made -= left;
    if (left > 0 && this.#out === 0) this.onIdle?.();
  }

  get #first(): Waiter | undefined {
    return this.#waiting === 0 ? undefined : (this.#line.next as Waiter);
  }

  #admit(waiter: Waiter): void {
    this.#admittedNotResumed++;
    waiter.settle();
  }

  #take(): boolean {
    if (this.#spare) {
      this.#spare = false;
    } else if (this.#returned?.tryAcquire() === undefined) {
      if (this.#made >= this.#tokens) return false;
      this.#made++;
    }
    this.#out++;
    return true;
  }

  #join(waiter: Waiter): void {
    const line = this.#line;
    waiter.previous = line.previous;
    waiter.next = line;
    line.previous.next = waiter;
    line.previous = waiter;
    waiter.call.waiting = waiter;
    waiter.site.stats.queued++;
    if (++this.#waiting === 1) this.onWaiting?.(true);
    const { deadline } = waiter;
    if (deadline === Number.POSITIVE_INFINITY) return;
    if (!this.#deadlines?.isSet || (this.#isMixed && deadline < this.#earliest)) {
      this.#watchDeadline(waiter.maxWait, deadline);
    }
  }

  /** Takes a waiter out of the line. */
  quit(waiter: Waiter): void {
    waiter.previous.next = waiter.next;
    waiter.next.previous = waiter.previous;
    waiter.site.stats.queued--;
    if (--this.#waiting === 0) {
      this.#isMixed = false;
      this.#deadlines?.clear();
      this.onWaiting?.(false);
    }
  }

  /** All wait equally long at the most, so the first in line is the first to be late: one timer serves them all. */
  #watchDeadline(delay: number, deadline: number): void {
    this.#deadlines ??= new Alarm(
      () => this.#expireLate(),
      true,
      () => this.returning?.isSet === true,
    );
    this.#deadlines.set(delay);
    this.#earliest = deadline;
  }

  #expireLate(): void {
    const time = now();
    let earliest = Number.POSITIVE_INFINITY;
    for (let link = this.#line.next; link !== this.#line; ) {
      const waiter = link as Waiter;
      link = link.next;
      if (this.#isLate(waiter, time)) {
        this.quit(waiter);
        waiter.reject(tooLate);
        continue;
      }
      earliest = Math.min(earliest, waiter.deadline);
      if (!this.#isMixed) break;
    }
    if (earliest !== Number.POSITIVE_INFINITY) this.#watchDeadline(earliest - time, earliest);
  }

  /** One whose deadline is further off than that of a newcomer: the clock was set back, as fake timers may. */
  #isLate({ deadline }: Waiter, time: number): boolean {
    const longest = this.#isMixed ? this.#longest : this.#queue.maxWait;
    return deadline <= time + residue || deadline > time + longest + residue;
  }

  #reject(site: SiteInfo, reason: 'queue-full' | 'wait-timeout', limit: number): RejectedError {
    site.stats.rejected++;
    const what = places[this.kind];
    let why = `the call got no ${what} within ${limit} ms (maxWait)`;
    if (reason === 'queue-full') {
      const others = this.waiting === 1 ? 'a call waits' : `${this.waiting} calls wait`;
      why = `${others} for a ${what} already (maxQueue: ${limit})`;
      if (limit === 0) why = `there is no ${what} now, and nobody may wait (maxQueue: 0)`;
    }
    return ownError(new RejectedError(`${site.label}: ${why}`, this.kind, reason), site);
  }
}

function headOfLine(): Link {
  const head = {} as Link;
  head.previous = head;
  head.next = head;
  return head;
}

/** What a waiter waits for, for messages. */
const places = {
  rateLimit: 'permit of its rate limit',
  concurrency: 'slot of its concurrency limit',
  cpuBound: 'free worker',
} satisfies Partial<Record<PolicyKind, string>>;
