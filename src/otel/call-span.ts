import { type Context, context, createContextKey, type Link, type Span, type Tracer, trace } from '@opentelemetry/api';
import type { AttemptEvent, CallEvent, OperoEvent } from '../core/events.js';
import { functionName } from '../telemetry/metrics/definitions.js';
import { describeAttempt, describeCall, type NotedKind, note, noteError } from './span-details.js';

/** Where a context has the call that it is of. */
const key = createContextKey('opero: the call');

/** The call that the active context is of. */
export const activeCall = (): CallSpan | undefined => context.active().getValue(key) as CallSpan | undefined;

/** The first attempt of a call, while the span of the call stands for it too. */
interface Merged {
  readonly event: AttemptEvent;
  readonly beganAt: number;
}

/**
 * The span of a call, and those of its attempts. The first attempt, if it is entered at once, runs in the span of the call:
 * mostly it is the only one, and nobody knows better when it begins. Where another one follows, it gets a span of its own
 * afterwards; what has begun in it stays in that of the call, as a span cannot change its parent.
 */
export class CallSpan {
  readonly span: Span;
  readonly context: Context;
  #merged: Merged | undefined;
  /** Whether anything has happened beside one attempt, entered at once. */
  #isPlain = true;
  /** The span of the latest attempt's first run, which hedges are linked with. */
  #latest: Span | undefined;
  /** What the span of the call has told of already. */
  #noted: { readonly error: unknown } | undefined;

  constructor(
    readonly event: CallEvent,
    private readonly tracer: Tracer,
    /** The attempts whose spans have not ended. */
    private readonly open: Map<AttemptEvent, Span>,
  ) {
    const outer = context.active();
    this.span = tracer.startSpan(
      functionName(event),
      { attributes: { 'code.function.name': functionName(event) } },
      outer,
    );
    this.context = trace.setSpan(outer, this.span).setValue(key, this);
  }

  /** An attempt begins. Gives the context to run it in; undefined: the one that is active. */
  beginAttempt(event: AttemptEvent): Context | undefined {
    if (this.#isPlain && this.#merged === undefined && this.event.outcome === undefined) {
      this.#merged = { event, beganAt: Date.now() };
      return undefined;
    }
    this.#splitOff();
    // What a policy of one's own has made active around the attempt stays around it.
    const parent = activeCall() === this ? context.active() : this.context;
    const links = event.hedge > 0 && this.#latest !== undefined ? [{ context: this.#latest.spanContext() }] : [];
    const span = this.#begin(event, parent, links);
    if (event.hedge === 0) this.#latest = span;
    this.open.set(event, span);
    return trace.setSpan(parent, span);
  }

  #begin(event: AttemptEvent, parent: Context, links: Link[], startTime?: Date): Span {
    const { attempt, hedge } = event;
    const method = functionName(event);
    const attributes = {
      'code.function.name': method,
      'opero.attempt': attempt,
      ...(hedge > 0 && { 'opero.hedge': hedge }),
    };
    const when = startTime && { startTime };
    return this.tracer.startSpan(`${method} attempt`, { attributes, links, ...when }, parent);
  }

  /** Another attempt begins: the first one is no more the whole of the call. */
  #splitOff(): void {
    this.#isPlain = false;
    const merged = this.#merged;
    if (merged === undefined) return;
    this.#merged = undefined;
    const { event, beganAt } = merged;
    const span = this.#begin(event, this.context, [], new Date(beganAt));
    this.#latest = span;
    if (event.duration === undefined) this.open.set(event, span);
    else endAttempt(span, event, new Date(beganAt + event.duration));
  }

  /** Something happens in the call. */
  note(event: OperoEvent<NotedKind>): void {
    this.#isPlain = false;
    note(this.span, event);
  }

  /** An attempt without a span of its own has ended. */
  attemptEnded(event: AttemptEvent): void {
    if (event.outcome === 'error') this.#noteError(event.error);
  }

  #noteError(error: unknown): void {
    if (this.#noted !== undefined && Object.is(this.#noted.error, error)) return;
    this.#noted = { error };
    noteError(this.span, error);
  }

  end(): void {
    const { event, span } = this;
    describeCall(span, event);
    if (event.outcome !== 'ok') this.#noteError(event.error);
    span.end();
  }
}

export function endAttempt(span: Span, event: AttemptEvent, endTime?: Date): void {
  describeAttempt(span, event);
  if (event.outcome === 'error') noteError(span, event.error);
  span.end(endTime);
}
