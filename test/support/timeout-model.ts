/** How a call ended, and when. */
export interface ModelledEnd {
  readonly how: 'ok' | 'failed' | 'attempt' | 'total' | 'aborted';
  readonly at: number;
}

interface ModelledCall {
  readonly began: number;
  attempt: number;
  state: 'waits' | 'runs' | 'pauses' | 'ended';
  /** When its attempt is late, or its pause is over. */
  due: number;
  end?: ModelledEnd;
}

interface ModelOptions {
  readonly attempt: number;
  readonly total: number;
  readonly limit: number;
  readonly maxAttempts: number;
  readonly wait: number;
}

/** An attempt that runs; given up, it still holds its slot. */
export interface ModelledRun {
  readonly id: number;
  isAbandoned: boolean;
}

/** What `@timeout({ attempt, total })`, `@retry` and `@concurrency` have to do together; one thing at a time. */
export class TimeoutModel {
  readonly calls: ModelledCall[] = [];
  readonly starts: number[] = [];
  readonly runs: ModelledRun[] = [];
  readonly line: number[] = [];
  #pauses: number[] = [];
  now = 0;
  /**
   * Whether a first attempt and a later one were late at one moment. Their waits begin in the same turn, and end so: which of
   * them is first is nobody's promise.
   */
  isUnclear = false;

  constructor(readonly options: ModelOptions) {}

  call(): void {
    this.calls.push({ began: this.now, attempt: 1, state: 'waits', due: Number.POSITIVE_INFINITY });
    this.#arrive(this.calls.length - 1);
  }

  settle(run: ModelledRun, works: boolean): void {
    this.runs.splice(this.runs.indexOf(run), 1);
    const first = this.line.shift();
    if (first !== undefined) this.#start(first);
    if (run.isAbandoned) return;
    if (works) this.#end(run.id, 'ok');
    else this.#fail(run.id, 'failed');
  }

  abort(id: number): void {
    if (this.calls[id]?.state !== 'ended') this.#giveUp(id, 'aborted');
  }

  /** A millisecond passes. */
  tick(): void {
    this.now++;
    this.calls.forEach(({ state, began }, id) => {
      if (state !== 'ended' && began + this.options.total === this.now) this.#giveUp(id, 'total');
    });
    const late = this.runs.filter(({ id, isAbandoned }) => !isAbandoned && this.calls[id]?.due === this.now);
    const isFirst = late.map(({ id }) => this.#of(id).attempt === 1);
    if (isFirst.includes(true) && isFirst.includes(false)) this.isUnclear = true;
    for (const { id } of late) {
      this.#abandon(id);
      this.#fail(id, 'attempt');
    }
    for (const id of this.#pauses.filter((each) => this.calls[each]?.due === this.now)) {
      this.#resume(id);
      this.#of(id).attempt++;
      this.#arrive(id);
    }
  }

  #of(id: number): ModelledCall {
    return this.calls[id] as ModelledCall;
  }

  #arrive(id: number): void {
    if (this.runs.length < this.options.limit) {
      this.#start(id);
      return;
    }
    this.#of(id).state = 'waits';
    this.line.push(id);
  }

  #start(id: number): void {
    this.runs.push({ id, isAbandoned: false });
    Object.assign(this.#of(id), { state: 'runs', due: this.now + this.options.attempt });
    this.starts.push(id);
  }

  #fail(id: number, how: 'failed' | 'attempt'): void {
    const { attempt, began } = this.#of(id);
    const { maxAttempts, wait, total } = this.options;
    if (attempt === maxAttempts || this.now + wait > began + total) {
      this.#end(id, how);
      return;
    }
    Object.assign(this.#of(id), { state: 'pauses', due: this.now + wait });
    this.#pauses.push(id);
  }

  #giveUp(id: number, how: 'total' | 'aborted'): void {
    const { state } = this.#of(id);
    if (state === 'runs') this.#abandon(id);
    else if (state === 'waits') this.line.splice(this.line.indexOf(id), 1);
    else this.#resume(id);
    this.#end(id, how);
  }

  #abandon(id: number): void {
    const run = this.runs.find((each) => each.id === id && !each.isAbandoned);
    if (run !== undefined) run.isAbandoned = true;
  }

  #resume(id: number): void {
    this.#pauses = this.#pauses.filter((each) => each !== id);
  }

  #end(id: number, how: ModelledEnd['how']): void {
    Object.assign(this.#of(id), { state: 'ended', end: { how, at: this.now } });
  }
}
