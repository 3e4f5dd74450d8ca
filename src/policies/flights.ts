import type { Call, Wait } from '../core/call/call.js';
import { Descent } from '../core/call/descent.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import type { Around, Entrance } from '../core/call/step.js';
import { goesOn, wentOn } from '../core/call/under-way.js';

/** Why a run is given up whose value nobody is going to get. */
const cutOff = (): DOMException => new DOMException('what it was to give was deleted or set meanwhile', 'AbortError');

/** One who waits for a run, and goes on in a continuation of its own. */
class Caller implements Wait {
  private resolve: ((value: unknown) => void) | undefined = undefined;
  private reject: ((error: unknown) => void) | undefined = undefined;
  private hasLeft = false;

  constructor(
    readonly call: Call,
    readonly run: SharedRun,
    /** Of the pipeline that it came through, which may be another than that of the run. */
    readonly sharing: Sharing,
  ) {
    call.waiting = this;
  }

  /** Waits until the run tells of its end; of the one who began it, until what lies beneath settles. */
  wait(beneath?: Promise<unknown>): Promise<unknown> {
    const outcome = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (this.hasLeft) reject(this.call.reason);
      // The functions of the promise themselves, so that the caller stays tied to it.
      beneath?.then(resolve, reject);
    });
    return outcome.then(
      (value) => {
        this.goOn();
        return this.sharing.around.ok(value, this.call);
      },
      (error) => {
        this.goOn();
        return this.sharing.failed(error, this.call, this.run);
      },
    );
  }

  /** The caller is aborted, and it alone. */
  leave(reason: unknown): void {
    this.hasLeft = true;
    this.reject?.(reason);
    this.run.left(this, reason);
  }

  tell(hasFailed: boolean, outcome: unknown): void {
    if (hasFailed) this.reject?.(outcome);
    else this.resolve?.(outcome);
  }

  private goOn(): void {
    this.call.waiting = undefined;
    // So many led to an alternative that is called now.
    this.call.attempt = this.run.attempt;
  }
}

/** What all the runs beneath one step have in common. */
export interface Sharing {
  readonly site: SiteInfo;
  readonly around: Around;
  /** Goes on with a caller whose run has failed, or who has left. */
  failed(error: unknown, call: Call, run: SharedRun): unknown;
}

/** Runs of what lies beneath that are under way, by key. They are those of one receiver, or of all together. */
export class Flights {
  private readonly runs = new Map<string, SharedRun>();

  /** The run of a key that is under way. */
  find(key: string): SharedRun | undefined {
    return this.runs.get(key);
  }

  /** Begins a run for a call, which waits for it. It goes on beneath as it is given. */
  begin(key: string, call: Call, sharing: Sharing): SharedRun {
    const run = new SharedRun(call, this, key, sharing);
    this.runs.set(key, run);
    run.begin(call);
    return run;
  }

  /** Begins a run that nobody waits for. */
  beginBehind(key: string, call: Call, sharing: Sharing): void {
    const run = new SharedRun(call, this, key, sharing);
    run.isBehind = true;
    this.runs.set(key, run);
    goesOn(run);
    const over = (): void => wentOn(run);
    sharing.around.next(run).then(over, over);
  }

  /** Has those who ask for its key join a run no more. Gives whether they did. */
  remove(run: SharedRun): boolean {
    return this.runs.get(run.key) === run && this.runs.delete(run.key);
  }

  /** Forgets the run of a key: it goes on for those who wait for it. */
  cutOff(key: string): void {
    this.runs.get(key)?.cutOff();
  }

  cutOffAll(): void {
    for (const run of [...this.runs.values()]) run.cutOff();
  }
}

/** A run of what lies beneath, for all who wait for it. It has a signal of its own, and is aborted when the last has left. */
export class SharedRun extends Descent {
  /** The one who began it. */
  private first: Caller | undefined = undefined;
  /** Whether it goes on although nobody waits for it. */
  isBehind = false;
  /** Whether it was counted that it failed. */
  isCounted = false;
  private isOver = false;
  /** How many wait for it. */
  private callers = 0;
  /** Those of them who did not begin it. */
  private joined: Set<Caller> | undefined = undefined;

  constructor(
    parent: Call,
    readonly flights: Flights,
    readonly key: string,
    readonly sharing: Sharing,
  ) {
    super(parent);
  }

  get entrance(): Entrance {
    return this.sharing.around.entrance;
  }

  override get signalAt(): SignalPlace | undefined {
    return this.sharing.site.signalAt;
  }

  /** The call that begins it waits for it, once it has gone on beneath. */
  begin(call: Call): void {
    this.callers++;
    this.first = new Caller(call, this, this.sharing);
  }

  /** Has one more call wait for it; gives what comes of that call. */
  join(call: Call, sharing: Sharing): Promise<unknown> {
    const caller = new Caller(call, this, sharing);
    this.callers++;
    this.joined ??= new Set();
    this.joined.add(caller);
    return caller.wait();
  }

  settle(beneath: Promise<unknown>): unknown {
    return (this.first as Caller).wait(beneath);
  }

  settleCode(result: Promise<unknown>): unknown {
    const { entrance } = this;
    return (this.first as Caller).wait(
      result.then(
        (value) => entrance.succeed(value, this),
        (error) => entrance.fail(error, this),
      ),
    );
  }

  /** Whether those who ask for its key join it. */
  get isCurrent(): boolean {
    return this.flights.find(this.key) === this;
  }

  /**
   * What lies beneath has ended; the one who began it is told by the promise that it waits for. Gives whether it was
   * still what those who asked for its key joined.
   */
  end(hasFailed: boolean, outcome: unknown): boolean {
    this.isOver = true;
    for (const caller of this.joined ?? []) caller.tell(hasFailed, outcome);
    return this.flights.remove(this);
  }

  /** A caller has left: with the last one the run is aborted, and forgotten at that moment. */
  left(caller: Caller, reason: unknown): void {
    this.joined?.delete(caller);
    if (--this.callers > 0 || this.isBehind || this.isOver) return;
    this.flights.remove(this);
    this.abort(reason, caller.call.abortedBy);
  }

  /** Its key is free for another. Whoever waits for it does so on; where nobody does, nobody is going to. */
  cutOff(): void {
    this.flights.remove(this);
    this.isBehind = false;
    if (this.callers === 0) this.abort(cutOff());
  }
}
