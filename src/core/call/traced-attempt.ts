import type { AttemptEvent, CallEvent } from '../events.js';
import type { AttemptTrace, Call } from './call.js';
import { traced } from './channels.js';
import { now } from './clock.js';
import type { SiteInfo } from './policy.js';
import type { Wanted } from './watched.js';

/** An event that is filled in on its way. */
export type Mutable<Event> = { -readonly [Name in keyof Event]: Event[Name] };

/** The call that an attempt is of, as it is traced. */
interface TraceOfCall {
  readonly site: SiteInfo;
  readonly event: CallEvent;
  readonly wanted: Wanted;
}

/** What is noted of an attempt, and told of it. */
export class TracedAttempt implements AttemptTrace {
  private readonly event: Mutable<AttemptEvent>;
  private readonly beganAt = now();

  constructor(
    private readonly trace: TraceOfCall,
    private readonly call: Call,
  ) {
    const { className, method, static: isStatic, callId } = trace.event;
    this.event = {
      type: 'attempt',
      className,
      method,
      static: isStatic,
      callId,
      attempt: call.attempt,
      hedge: call.hedge,
      duration: undefined,
      outcome: undefined,
      abandoned: false,
      error: undefined,
      ...(trace.wanted.capture && { args: call.passedArgs }),
    };
  }

  /** Enters code here. Gives what it comes to. */
  within(run: () => unknown): Promise<unknown> {
    const { event } = this;
    const { start, end } = traced.attempt;
    let go = (): Promise<unknown> => {
      // Not beside the promise but in its chain, so that the caller stands in the stack of what is thrown.
      const outcome = settled(run).then(
        (value) => this.succeed(value),
        (error) => this.fail(error),
      );
      end.publish(event);
      return outcome;
    };
    for (const { attempt } of this.trace.wanted.surroundings) {
      const inner = go;
      if (attempt !== undefined) go = () => attempt(event, inner);
    }
    return start.runStores(event, go);
  }

  /** The code is entered elsewhere. */
  sent(send?: () => void): void {
    const { event } = this;
    const { start, end } = traced.attempt;
    let go = (): void => {
      send?.();
      end.publish(event);
    };
    for (const { attempt } of this.trace.wanted.surroundings) {
      const inner = go;
      if (attempt !== undefined) go = () => attempt(event, inner);
    }
    start.runStores(event, go);
  }

  succeed(value: unknown): unknown {
    if (this.trace.wanted.capture) this.event.result = value;
    this.end('ok');
    return value;
  }

  fail(error: unknown): never {
    this.event.error = error;
    this.end('error');
    throw error;
  }

  private end(outcome: 'ok' | 'error'): void {
    const { event, trace, call } = this;
    const duration = now() - this.beganAt;
    event.duration = duration;
    event.outcome = outcome;
    event.abandoned = call.aborted;
    trace.wanted.timing?.(trace.site.stats, 'attempts', duration);
    const { asyncStart, asyncEnd, error } = traced.attempt;
    if (outcome !== 'ok') error.publish(event);
    asyncStart.publish(event);
    asyncEnd.publish(event);
  }
}

/** Always a promise. */
function settled(run: () => unknown): Promise<unknown> {
  try {
    return Promise.resolve(run());
  } catch (error) {
    return Promise.reject(error);
  }
}
