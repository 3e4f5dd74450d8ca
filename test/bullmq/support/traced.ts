import type { Span } from '@opentelemetry/api';
import { currentCall, retry } from 'opero';
import { queued } from 'opero/bullmq';
import { api, W3CTraceContextPropagator } from '../../otel/sdk.js';
import { SpansInMemory } from '../../otel/spans-in-memory.js';
import { connection } from './crm.js';

api.propagation.setGlobalPropagator(new W3CTraceContextPropagator());

/** What OpenTelemetry keeps of this process, as a program sets it up. */
export const spans = new SpansInMemory();

/** Where a span stands. */
export interface Place {
  readonly pid: number;
  readonly trace: string;
  readonly span: string;
  readonly parent: string | undefined;
}

export const placeOf = (span: Span): Place => ({
  pid: process.pid,
  trace: span.spanContext().traceId,
  span: span.spanContext().spanId,
  parent: (span as Span & { readonly parentSpanContext?: { readonly spanId: string } }).parentSpanContext?.spanId,
});

/** Its jobs tell where their own spans stand. */
export class Traced {
  @retry({ maxAttempts: 2, waitMin: 0 })
  @queued({ name: 'traced', connection })
  async work(failures = 0): Promise<Place[]> {
    const { attempt } = currentCall();
    await null;
    return await spans.tracer.startActiveSpan('work', async (span) => {
      await new Promise(setImmediate);
      const inner = spans.tracer.startSpan('inner');
      inner.end();
      span.end();
      if (attempt <= failures) throw new Error(JSON.stringify(placeOf(span)));
      return [placeOf(span), placeOf(inner)];
    });
  }
}
