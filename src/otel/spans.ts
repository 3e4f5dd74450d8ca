import { type Context, context, diag, type Span, type Tracer } from '@opentelemetry/api';
import { surround } from '../core/call/watched.js';
import type { AttemptEvent, CallEvent } from '../core/events.js';
import { once, type Undo } from '../core/undo.js';
import { on } from '../telemetry/events.js';
import { activeCall, CallSpan, endAttempt } from './call-span.js';
import { notedKinds } from './span-details.js';

/** Has the calls that begin from now on run within spans; their attempts too, if they are to have some. */
export function recordSpans(tracer: Tracer, ofAttempts: boolean): Undo {
  const calls = new Map<number, CallSpan>();
  const attempts = new Map<AttemptEvent, Span>();
  let isOver = false;

  const beginCall = (event: CallEvent): Context => {
    const call = new CallSpan(event, tracer, attempts);
    calls.set(event.callId, call);
    return call.context;
  };

  const beginAttempt = (event: AttemptEvent): Context | undefined => {
    // A call whose caller has had its outcome may have attempts yet, as behind a stale value.
    const call = calls.get(event.callId) ?? activeCall();
    return call?.event.callId === event.callId ? call.beginAttempt(event) : undefined;
  };

  const end = surround({
    call: <Result>(event: CallEvent, run: () => Result) => within(() => beginCall(event), run),
    ...(ofAttempts && {
      attempt: <Result>(event: AttemptEvent, run: () => Result) => within(() => beginAttempt(event), run),
    }),
  });

  const listeners = [
    on('call', ({ callId }) => {
      const call = calls.get(callId);
      calls.delete(callId);
      call?.end();
      stopWhenDone();
    }),
    on('attempt', (event) => {
      const span = attempts.get(event);
      attempts.delete(event);
      if (span === undefined) calls.get(event.callId)?.attemptEnded(event);
      else endAttempt(span, event);
      stopWhenDone();
    }),
    ...notedKinds.map((kind) =>
      on(kind, (event) => {
        if (event.callId !== undefined) calls.get(event.callId)?.note(event);
      }),
    ),
  ];

  /** Spans that have begun are to end as their calls do. */
  function stopWhenDone(): void {
    if (!isOver || calls.size > 0 || attempts.size > 0) return;
    for (const stop of listeners) stop();
  }

  return once(() => {
    end();
    isOver = true;
    stopWhenDone();
  });
}

/** Runs something in the context that a span has begun with, if it gives one. A tracer that throws harms no call. */
function within<Result>(begin: () => Context | undefined, run: () => Result): Result {
  let begun: Context | undefined;
  try {
    begun = begin();
  } catch (error) {
    diag.error('opero: a span could not begin', error);
  }
  return begun === undefined ? run() : context.with(begun, run);
}
