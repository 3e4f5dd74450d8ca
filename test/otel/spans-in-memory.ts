import { randomBytes } from 'node:crypto';
import type { Tracer } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { AsyncLocalStorageContextManager, api, instrument, trace } from './sdk.js';

api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

/** A tracer provider whose spans are kept here, and what instruments opero by it. */
export class SpansInMemory {
  readonly #exporter = new trace.InMemorySpanExporter();
  readonly provider = new trace.TracerProvider({
    spanProcessors: [new trace.SimpleSpanProcessor({ exporter: this.#exporter })],
    idGenerator: {
      generateTraceId: () => randomBytes(16).toString('hex'),
      generateSpanId: () => randomBytes(8).toString('hex'),
    },
  });
  readonly tracer: Tracer = this.provider.getTracer('test');
  readonly instrument = (spans: 'attempt' | 'call' | 'none' = 'attempt') =>
    instrument({ spans, tracerProvider: this.provider });

  /** All that have ended, in the order of their beginnings. */
  get all(): ReadableSpan[] {
    const time = ({ startTime: [seconds, nanos] }: ReadableSpan): number => seconds * 1e9 + nanos;
    return this.#exporter.getFinishedSpans().toSorted((one, other) => time(one) - time(other));
  }

  /** Those of a name. */
  named(name: string): ReadableSpan[] {
    return this.all.filter((span) => span.name === name);
  }

  /** Those right beneath one. */
  beneath(span: ReadableSpan): ReadableSpan[] {
    return this.all.filter(({ parentSpanContext }) => parentSpanContext?.spanId === span.spanContext().spanId);
  }

  /** The names of all, each beneath its parent, those of one parent sorted. */
  get tree(): string[] {
    const ids = new Set(this.all.map((span) => span.spanContext().spanId));
    const lines = (spans: readonly ReadableSpan[], indent: string): string[] =>
      spans
        .toSorted((one, other) => one.name.localeCompare(other.name))
        .flatMap((span) => [`${indent}${span.name}`, ...lines(this.beneath(span), `${indent}  `)]);
    return lines(
      this.all.filter(({ parentSpanContext: parent }) => parent === undefined || !ids.has(parent.spanId)),
      '',
    );
  }
}

/** The messages of the exceptions that a span tells of. */
export const exceptionsOf = (span: ReadableSpan): unknown[] =>
  span.events.filter(({ name }) => name === 'exception').map(({ attributes }) => attributes?.['exception.message']);

/** The names of what a span tells of, exceptions aside. */
export const notesOf = (span: ReadableSpan): string[] =>
  span.events.map(({ name }) => name).filter((name) => name !== 'exception');
