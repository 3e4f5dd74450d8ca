/** How a call ended, by which of its runs, and when. */
export interface ModelledEnd {
  readonly how: 'ok' | 'failed' | 'aborted';
  readonly by?: number;
  readonly at: number;
}

interface ModelledCall {
  used: number;
  end?: ModelledEnd;
}

interface HedgeOptions {
  readonly delay: number;
  readonly maxHedges: number;
  readonly limit: number;
}

/** A run of an attempt; given up, it still holds its slot. */
export interface ModelledRun {
  readonly id: number;
  readonly nth: number;
  isAbandoned: boolean;
}

/** What `@hedge` and `@concurrency` have to do together; one thing at a time. */
export class HedgeModel {
  readonly calls: ModelledCall[] = [];
  readonly starts: [id: number, nth: number, at: number][] = [];
  readonly runs: ModelledRun[] = [];
  readonly line: number[] = [];
  hedges = 0;
  now = 0;
  /** Whether more hedges were due at one moment than there were slots: which of them is first is nobody's promise. */
  isUnclear = false;
  #due: { readonly id: number; readonly at: number }[] = [];

  constructor(readonly options: HedgeOptions) {}

  get #isFree(): boolean {
    return this.runs.length < this.options.limit && this.line.length === 0;
  }

  call(): void {
    const id = this.calls.push({ used: 0 }) - 1;
    if (this.#isFree) this.#start(id, 0);
    else this.line.push(id);
  }

  /** A run succeeds, fails so that the next hedge begins, or fails the call. */
  settle(run: ModelledRun, how: 'succeeds' | 'fails' | 'ends'): void {
    this.runs.splice(this.runs.indexOf(run), 1);
    const first = this.line.shift();
    if (first !== undefined) this.#start(first, 0);
    if (run.isAbandoned) return;
    if (how === 'succeeds') this.#end(run.id, { how: 'ok', by: run.nth, at: this.now });
    else if (how === 'ends') this.#end(run.id, { how: 'failed', by: run.nth, at: this.now });
    else this.#fail(run);
  }

  abort(id: number): void {
    if (this.#of(id).end !== undefined) return;
    const at = this.line.indexOf(id);
    if (at >= 0) this.line.splice(at, 1);
    this.#end(id, { how: 'aborted', at: this.now });
  }

  /** A millisecond passes. */
  tick(): void {
    this.now++;
    const due = this.#due.filter(({ at }) => at === this.now);
    if (due.length > 1 && due.length > this.options.limit - this.runs.length) this.isUnclear = true;
    for (const { id } of due) this.#hedge(id);
  }

  #of(id: number): ModelledCall {
    return this.calls[id] as ModelledCall;
  }

  #start(id: number, nth: number): void {
    this.runs.push({ id, nth, isAbandoned: false });
    this.starts.push([id, nth, this.now]);
    if (nth > 0) this.hedges++;
    this.#schedule(id);
  }

  #schedule(id: number): void {
    this.#unschedule(id);
    if (this.#of(id).used < this.options.maxHedges) this.#due.push({ id, at: this.now + this.options.delay });
  }

  #unschedule(id: number): void {
    this.#due = this.#due.filter((each) => each.id !== id);
  }

  /** The next hedge of a call is used up; gives whether it began. */
  #hedge(id: number): boolean {
    const call = this.#of(id);
    call.used++;
    const { used } = call;
    if (this.#isFree) this.#start(id, used);
    else this.#schedule(id);
    return this.runs.some((run) => run.id === id && run.nth === used);
  }

  #fail({ id }: ModelledRun): void {
    const isAlone = !this.runs.some((run) => run.id === id && !run.isAbandoned);
    while (this.#of(id).used < this.options.maxHedges) {
      if (this.#hedge(id) || !isAlone) return;
    }
    if (isAlone) this.#end(id, { how: 'failed', by: 0, at: this.now });
    else this.#unschedule(id);
  }

  #end(id: number, end: ModelledEnd): void {
    this.#of(id).end = end;
    this.#unschedule(id);
    for (const run of this.runs) if (run.id === id) run.isAbandoned = true;
  }
}
