import type { AnyFunction } from '../types.js';
import { type CurrentCall, setCurrent } from './current-call.js';
import type { Handoff } from './handoff.js';

/** Told when the method's own code is entered, as the permit of a rate limit is, which counts from there. */
export interface StartListener {
  /** The code is about to be entered. Gives the time to tell `afterStart`; undefined where that does not matter. */
  beforeStart(): number | undefined;
  /** The code has been entered, at this time or a little later. */
  afterStart(enteredAt: number | undefined): void;
  /** The code is not entered after all. */
  cancelStart(): void;
}

/** A wait that an abort cuts short; or code that runs, which nobody waits for after an abort. */
export interface Wait {
  leave(reason: unknown, call: Call): void;
  /** Whether it is for a place among those who may go on, so that nothing beneath has begun. */
  readonly isForPlace?: boolean;
}

/**
 * Who ended a call before its time: its caller; a deadline of this pipeline, which is a failure of what lies beneath; or a
 * policy that has no use for it any more, which says nothing of it.
 */
export type AbortedBy = 'caller' | 'deadline' | 'policy';

/** What is noted of an attempt of a call that somebody watches; see `trace.ts`. */
export interface AttemptTrace {
  /** Its code is entered elsewhere, from now on; `send` runs within the attempt, as what travels of a trace is its. */
  sent(send?: () => void): void;
  succeed(value: unknown): unknown;
  /** Throws the error. */
  fail(error: unknown): never;
}

/** What is noted of a call that somebody watches; see `trace.ts`. */
export interface CallTrace {
  readonly callId: number;
  /** What is to be called in place of the code of a call, its own or one made beneath, which is entered now. */
  entryOf(call: Call): AnyFunction;
  /** The code of such a call is entered elsewhere; undefined where nobody wants to know of that. */
  enter(call: Call): AttemptTrace | undefined;
  /** What stands in for the method has given the value that the caller gets. */
  answeredByFallback(): void;
}

/**
 * One call on its way through a pipeline. Neither it nor what extends it has #private fields: many are made, and V8 is slow
 * to define those where a base class has several kinds of children.
 */
export class Call implements CurrentCall {
  /** Kept for ever: V8 drops the code that it optimised for a class of objects when the last of them is collected. */
  static readonly idle = new Call(() => {}, undefined, [], undefined, undefined);

  attempt = 1;
  error: unknown = undefined;
  aborted = false;
  /** Whether its outcome is known, whatever goes on beneath: that is told of a caller's own call. */
  hasOutcome = false;
  /** Told of an abort at once, whatever still runs beneath. */
  onAbort: ((reason: unknown) => void) | undefined = undefined;
  /** What the call waits in; it waits in one place at a time. */
  waiting: Wait | undefined = undefined;
  /** What is to be told when the attempt begins. */
  starting: StartListener | undefined = undefined;
  /** What the steps of the pipeline keep of this call, each in its own place; there once one of them keeps something. */
  private kept: unknown[] | undefined = undefined;
  /** The call whose code this one was entered from. */
  private outerCall: CurrentCall | undefined = undefined;

  constructor(
    readonly fn: AnyFunction,
    readonly self: unknown,
    /** The caller's arguments. */
    readonly args: readonly unknown[],
    /** The signal that the caller gave. */
    readonly callerSignal: AbortSignal | undefined,
    readonly handoff: Handoff | undefined,
  ) {
    if (handoff !== undefined) this.error = handoff.error;
  }

  /** The same call once more, for whoever goes on with it while something beneath still runs on with this one. */
  copy(): Call {
    const copy: Call = new CopiedCall(this);
    copy.kept = this.kept?.slice();
    return copy;
  }

  /** The caller's own call, of which it is a part. */
  get root(): Call {
    return this;
  }

  /** There while somebody watches it: that is decided when it begins. */
  get trace(): CallTrace | undefined {
    return undefined;
  }

  /** What is called as the code is entered: the method, or what stands before it where somebody watches. */
  get entry(): AnyFunction {
    return this.fn;
  }

  /** The signal to pass on. */
  get signal(): AbortSignal | undefined {
    return this.callerSignal;
  }

  /** Which run of its attempt it is: 0 for the first, n for the n-th hedge. */
  get hedge(): number {
    return 0;
  }

  /** The fence of the slot that it holds, of a limit in a store. */
  get fence(): number | undefined {
    return undefined;
  }

  /** Whether it would rather be turned away than wait in line, as a hedge would. */
  get neverWaits(): boolean {
    return false;
  }

  /** Why the call was aborted. */
  get reason(): unknown {
    return this.callerSignal?.reason;
  }

  /** Who aborted it; undefined while nobody has. Known before anybody is told of the abort. */
  get abortedBy(): AbortedBy | undefined {
    return this.aborted ? 'caller' : undefined;
  }

  /** When it is going to be aborted by a policy around, by `now()`; Infinity: never. No wait beyond it is worth its while. */
  get deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Whether the method's own code was entered in this attempt, if that is known: it is of a `ChildCall`. */
  get hasStarted(): boolean | undefined {
    return undefined;
  }

  /** The call that this one was made beneath, so many generations up. */
  ancestor(_generations: number): Call {
    return this;
  }

  /** What the method's code gets. */
  get passedArgs(): readonly unknown[] {
    return this.args;
  }

  /** Whether it may be given up while its code runs. */
  get isWatched(): boolean {
    return this.callerSignal !== undefined;
  }

  /** Whether its job must travel to a worker by itself, as an abort stops that worker for its neighbours too. */
  get travelsAlone(): boolean {
    return false;
  }

  /** Whether the same call has gone on beneath before, with other arguments: what each call pays once is paid. */
  get isAnother(): boolean {
    return false;
  }

  /** The method's own code is entered, or its job is on its way to a worker. */
  started(): void {}

  /** An attempt has failed with this; undefined where it gave a value. */
  endAttempt(error: unknown): void {
    this.error = error;
  }

  /** All that lies beneath the step which made this call has ended; for those that a step made. */
  ended(_hasFailed: boolean): void {}

  /** The method's own code is entered: until `leaveCode`, `currentCall()` tells of this call. */
  enterCode(): void {
    this.outerCall = setCurrent(this);
  }

  leaveCode(): void {
    setCurrent(this.outerCall);
    this.outerCall = undefined;
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.onAbort?.(reason);
    this.waiting?.leave(reason, this);
  }

  /** Keeps something for a step, in that step's place. */
  keep(place: number, value: unknown): void {
    this.kept ??= [undefined, undefined, undefined];
    this.kept[place] = value;
  }

  /** What a step has kept in its place; undefined if nothing. */
  keptAt(place: number): unknown {
    return this.kept?.[place];
  }

  /**
   * Has a step told of an abort at once, for what cannot wait until the code has ended. Gives how to have it told no
   * more; the one that came last leaves first, as the steps do.
   */
  watchAbort(told: (reason: unknown) => void): () => void {
    const before = this.onAbort;
    this.onAbort = (reason) => {
      told(reason);
      before?.(reason);
    };
    return () => {
      this.onAbort = before;
    };
  }
}

/** The same call once more; see `copy`. */
class CopiedCall extends Call {
  constructor(private readonly original: Call) {
    super(original.fn, original.self, original.args, original.callerSignal, original.handoff);
  }

  override get root(): Call {
    return this.original.root;
  }

  override get trace(): CallTrace | undefined {
    return this.root.trace;
  }

  override get entry(): AnyFunction {
    return this.trace?.entryOf(this) ?? this.fn;
  }
}

/**
 * To be awaited at the beginning of an async function that goes on with a call: only then is the caller tied to the promise
 * of that function, and so stands in the stack of what it throws.
 */
export async function tieCaller(): Promise<void> {
  await undefined;
}
