import type { CircuitChange, CircuitOptions, CircuitState } from '../../src/policies/circuit-options.js';

/** A call as the reference keeps it. */
export interface ReferenceCall {
  /** Which state of all it began in. */
  readonly era: number;
  readonly begunAt: number;
  ended: boolean;
  /** Whether it was found too old as another came: its place is lost, though the clock be set back. */
  gaveUp: boolean;
}

export type Answer = ReferenceCall | `refused: ${string}`;

/** What a circuit has to do, slow and plain: it keeps every call and every sample, and looks through all of them. */
export class CircuitReference {
  time = 0;
  state: CircuitState = 'closed';
  readonly changes: CircuitChange[] = [];
  /** Whether the hook throws at the next change. */
  hookThrows = false;
  #era = 0;
  #calls: ReferenceCall[] = [];
  #samples: { readonly at: number; readonly failed: boolean }[] = [];
  #successes = 0;
  #opening = 0;
  #openedAt = 0;
  #wait = 0;
  #error: unknown;
  #isolations = new Set<object>();

  constructor(public options: CircuitOptions<unknown>) {}

  /** What a reader sees. */
  get shown(): CircuitState {
    return this.state === 'open' && this.#isDue ? 'half-open' : this.state;
  }

  get counted(): { readonly failed: boolean }[] {
    const { options } = this;
    if (options.consecutive !== undefined) {
      return this.#samples.slice(this.#samples.findLastIndex(({ failed }) => !failed) + 1);
    }
    const bucketOf = (at: number): number => Math.floor(at / (options.window / 10));
    return this.#samples.filter(({ at }) => bucketOf(this.time) - bucketOf(at) < 10);
  }

  get isIdle(): boolean {
    return this.state === 'closed' && this.counted.length === 0 && this.#calls.every(({ ended }) => ended);
  }

  admit(): Answer {
    if (this.state === 'isolated') return 'refused: isolated Infinity undefined';
    if (this.state === 'open') {
      if (!this.#isDue) return `refused: open ${this.#openedAt + this.#wait - this.time} ${this.#error}`;
      this.#begin('half-open');
      const call = this.#beginCall();
      try {
        this.#tell('open', this.#error);
      } catch (error) {
        call.ended = true;
        throw error;
      }
      return call;
    }
    if (this.state === 'half-open') {
      const probes = this.#calls.filter((call) => call.era === this.#era && !call.ended);
      for (const each of probes) each.gaveUp ||= this.#isOld(each);
      if (probes.filter(({ gaveUp }) => !gaveUp).length >= this.options.halfOpenCalls)
        return `refused: half-open 0 ${this.#error}`;
    }
    return this.#beginCall();
  }

  recheck(call: ReferenceCall): Answer {
    if (this.state === 'closed' && call.era === this.#era) return call;
    call.ended = true;
    return this.admit();
  }

  leave(call: ReferenceCall): void {
    call.ended = true;
  }

  succeed(call: ReferenceCall): void {
    call.ended = true;
    if (call.era !== this.#era) return;
    if (this.state === 'closed') this.#samples.push({ at: this.time, failed: false });
    if (this.state === 'half-open' && ++this.#successes >= this.options.halfOpenCalls) this.#close();
  }

  fail(call: ReferenceCall, error: unknown): void {
    call.ended = true;
    if (call.era !== this.#era) return;
    if (this.state === 'closed') {
      this.#samples.push({ at: this.time, failed: true });
      if (!this.#isTooMuch) return;
    }
    const from = this.state;
    const { halfOpenAfter } = this.options;
    this.#error = error;
    this.#openedAt = this.time;
    this.#opening++;
    this.#wait = typeof halfOpenAfter === 'number' ? halfOpenAfter : halfOpenAfter(this.#opening, error, undefined);
    this.#begin('open');
    this.#tell(from, error);
  }

  isolate(): () => void {
    const isolation = {};
    const from = this.state;
    this.#isolations.add(isolation);
    this.#begin('isolated');
    this.#tellByHand(from);
    return () => {
      if (this.#isolations.delete(isolation) && this.#isolations.size === 0) this.#closeByHand();
    };
  }

  reset(): void {
    this.#isolations.clear();
    this.#closeByHand();
  }

  /** The clock is set back: samples of buckets to come are dropped. */
  setBack(time: number): void {
    const { options } = this;
    if (options.consecutive === undefined) {
      const width = options.window / 10;
      if (Math.floor(time / width) < Math.floor(this.time / width)) this.#samples = [];
    }
    this.time = time;
  }

  get #isTooMuch(): boolean {
    const { options, counted } = this;
    if (options.consecutive !== undefined) return counted.length >= options.consecutive;
    const failures = counted.filter(({ failed }) => failed).length;
    return counted.length >= options.minCalls && failures / counted.length >= options.failureRatio;
  }

  get #isDue(): boolean {
    return this.time >= this.#openedAt + this.#wait || this.time < this.#openedAt;
  }

  #isOld({ begunAt }: ReferenceCall): boolean {
    return this.time !== begunAt && (this.time >= begunAt + this.#wait || this.time < begunAt);
  }

  #beginCall(): ReferenceCall {
    const call = { era: this.#era, begunAt: this.time, ended: false, gaveUp: false };
    this.#calls.push(call);
    return call;
  }

  #begin(state: CircuitState): void {
    this.#era++;
    this.state = state;
    this.#successes = 0;
  }

  #clear(): void {
    this.#samples = [];
    this.#opening = 0;
    this.#error = undefined;
    this.#begin('closed');
  }

  #close(): void {
    const from = this.state;
    this.#clear();
    this.#tell(from);
  }

  #closeByHand(): void {
    const from = this.state;
    this.#clear();
    this.#tellByHand(from);
  }

  /** What the hook throws is for no call. */
  #tellByHand(from: CircuitState): void {
    try {
      this.#tell(from);
    } catch {}
  }

  #tell(from: CircuitState, error?: unknown): void {
    const to = this.state;
    if (from === to) return;
    this.changes.push({ from, to, error });
    if (this.hookThrows) throw new Error('the hook');
  }
}
