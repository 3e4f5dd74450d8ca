import type { CallEvent, CallOutcome } from '../events.js';
import { isRejectedError } from '../guards.js';
import type { AnyFunction } from '../types.js';
import { Call, type CallTrace } from './call.js';
import { traced } from './channels.js';
import { now } from './clock.js';
import { type Handoff, takeHandoff } from './handoff.js';
import { isOwnError } from './own-errors.js';
import type { SiteInfo } from './policy.js';
import { factsOf, nextCallId } from './tell.js';
import { type Mutable, TracedAttempt } from './traced-attempt.js';
import { areAttemptsTraced, setTraced, type Wanted, wantedNow } from './watched.js';

/** What a traced call begins with. */
export interface Observed {
  readonly trace: Trace;
  readonly handoff: Handoff | undefined;
}

/** Runs a call; see `runner`. */
type Run = (fn: AnyFunction, self: unknown, args: readonly unknown[]) => Promise<unknown>;

/** What the call that is run next begins with. It comes this way, as a further parameter would cost every call. */
let observed: Observed | undefined;

/** What this call begins with, if that was made ready; to be asked where calls are traced. */
export function takeObserved(): Observed | undefined {
  const taken = observed;
  if (taken === undefined) return undefined;
  observed = undefined;
  setTraced(false);
  return taken;
}

/** A call that somebody watches. */
export class TracedCall extends Call {
  constructor(
    private readonly ownTrace: Trace,
    ...given: ConstructorParameters<typeof Call>
  ) {
    super(...given);
    ownTrace.call = this;
  }

  override get trace(): Trace {
    return this.ownTrace;
  }

  override get entry(): AnyFunction {
    return this.ownTrace.entryOf(this);
  }
}

/** Makes a call, and tells of it. Whoever comes to listen later hears what is still to be told. */
export function observe(
  site: SiteInfo,
  fn: AnyFunction,
  self: unknown,
  args: readonly unknown[],
  run: Run,
): Promise<unknown> {
  // Before anybody is told, who may make calls of his own.
  const handoff = takeHandoff(self, site.name);
  const trace = new Trace(site, fn, args);
  return trace.within(() => {
    observed = { trace, handoff };
    setTraced(true);
    return run(fn, self, args);
  });
}

/** What is noted of a call that somebody watches, and told of it. */
class Trace implements CallTrace {
  call: Call | undefined = undefined;
  /** Whether its signal was aborted before it could begin. */
  isRefused = false;
  readonly event: Mutable<CallEvent>;
  readonly wanted: Wanted = wantedNow();
  private readonly tellsAttempts = areAttemptsTraced();
  private readonly beganAt = now();

  constructor(
    readonly site: SiteInfo,
    fn: AnyFunction,
    args: readonly unknown[],
  ) {
    this.event = {
      type: 'call',
      ...factsOf(site, fn),
      callId: nextCallId(),
      attempts: 0,
      duration: undefined,
      outcome: undefined,
      fallback: false,
      error: undefined,
      ...(this.wanted.capture && { args }),
    };
  }

  get callId(): number {
    return this.event.callId;
  }

  within(run: () => Promise<unknown>): Promise<unknown> {
    const { event } = this;
    const { start, end } = traced.call;
    let go = (): Promise<unknown> => {
      const outcome = run().then(
        (value) => this.succeed(value),
        (error) => this.fail(error),
      );
      end.publish(event);
      return outcome;
    };
    for (const { call } of this.wanted.surroundings) {
      const inner = go;
      if (call !== undefined) go = () => call(event, inner);
    }
    return start.runStores(event, go);
  }

  private succeed(value: unknown): unknown {
    if (this.wanted.capture) this.event.result = value;
    this.end('ok');
    return value;
  }

  private fail(error: unknown): never {
    this.event.error = error;
    this.event.fallback = false;
    this.end(this.outcomeOf(error));
    throw error;
  }

  private outcomeOf(error: unknown): CallOutcome {
    if (this.isRefused || this.call?.aborted) return 'aborted';
    return isRejectedError(error) && isOwnError(error, this.site) ? 'rejected' : 'error';
  }

  private end(outcome: CallOutcome): void {
    const { event, wanted, site } = this;
    const duration = now() - this.beganAt;
    event.duration = duration;
    event.outcome = outcome;
    wanted.timing?.(site.stats, 'calls', duration);
    const { asyncStart, asyncEnd, error } = traced.call;
    if (outcome !== 'ok') error.publish(event);
    asyncStart.publish(event);
    asyncEnd.publish(event);
  }

  answeredByFallback(): void {
    // Behind a stale value the caller has its outcome already.
    if (this.event.outcome === undefined) this.event.fallback = true;
  }

  /** What stands for the code of a call, its own or one that a policy made beneath it, which is entered now. */
  entryOf(call: Call): AnyFunction {
    const { fn } = call;
    const attempt = this.enter(call);
    if (attempt === undefined) return fn;
    return function method(this: unknown, ...args: unknown[]) {
      return attempt.within(() => Reflect.apply(fn, this, args));
    };
  }

  enter(call: Call): TracedAttempt | undefined {
    const { event } = this;
    // It may yet be entered when its caller has got its outcome.
    if (event.outcome === undefined) event.attempts++;
    return this.tellsAttempts ? new TracedAttempt(this, call) : undefined;
  }
}
