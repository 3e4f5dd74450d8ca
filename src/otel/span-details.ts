import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';
import type { AttemptEvent, CallEvent, OperoEvent } from '../core/events.js';
import { show } from '../core/options.js';
import { peek } from '../core/peek.js';
import { errorTypeOf } from '../telemetry/metrics/error-types.js';

/** The kinds of event that the span of a call tells of as they happen. */
export type NotedKind = 'wait' | 'retry' | 'reject' | 'fallback' | 'hedge' | 'circuit';

export const notedKinds: readonly NotedKind[] = ['wait', 'retry', 'reject', 'fallback', 'hedge', 'circuit'];

/** What such an event says; durations in seconds, as all that OpenTelemetry gets. */
function attributesOf(event: OperoEvent<NotedKind>): Attributes {
  switch (event.type) {
    case 'wait':
      return { 'opero.policy': event.policy, 'opero.duration': event.duration / 1000 };
    case 'retry':
      return { 'opero.attempt': event.attempt, 'opero.delay': event.delay / 1000 };
    case 'reject':
      return { 'opero.policy': event.policy, 'opero.reason': event.reason };
    case 'fallback':
      return { 'opero.alternative': event.alternative };
    case 'hedge':
      return { 'opero.attempt': event.attempt, 'opero.hedge': event.hedge };
    case 'circuit':
      return { 'opero.circuit.state': event.to, 'opero.circuit.previous_state': event.from };
  }
}

/** Notes on the span of a call what happens in it. */
export const note = (span: Span, event: OperoEvent<NotedKind>): void => {
  span.addEvent(`opero.${event.type}`, attributesOf(event));
};

/** Notes an error as an exception. What is thrown may be anything, and may throw when it is looked at. */
export function noteError(span: Span, error: unknown): void {
  const [name, message, stack] = ['name', 'message', 'stack'].map((key) => peek(error, key));
  span.recordException({
    name: typeof name === 'string' ? name : errorTypeOf(error),
    message: typeof message === 'string' ? message : show(error),
    ...(typeof stack === 'string' && { stack }),
  });
}

/** What the caller left is no error: nobody waits for it. */
const isFailure = (outcome: string | undefined): boolean => outcome === 'error' || outcome === 'rejected';

/** What became of a call, on its span. */
export function describeCall(span: Span, { attempts, outcome, fallback, error }: CallEvent): void {
  span.setAttribute('opero.attempts', attempts);
  if (fallback) span.setAttribute('opero.fallback', true);
  describeOutcome(span, outcome, error);
}

/** What became of an attempt, on its span. */
export function describeAttempt(span: Span, { outcome, abandoned, error }: AttemptEvent): void {
  if (abandoned) span.setAttribute('opero.abandoned', true);
  describeOutcome(span, outcome, error);
}

function describeOutcome(span: Span, outcome: string | undefined, error: unknown): void {
  if (outcome !== undefined) span.setAttribute('opero.outcome', outcome);
  if (outcome !== 'ok') span.setAttribute('error.type', errorTypeOf(error));
  if (!isFailure(outcome)) return;
  const message = peek(error, 'message');
  span.setStatus({ code: SpanStatusCode.ERROR, ...(typeof message === 'string' && { message }) });
}
