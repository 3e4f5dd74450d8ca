// What one request to a Fastify server leads to, as OpenTelemetry shows it: the request, the governed call in it, its
// attempts, and what each of them sends. In a program of your own the first part stands in a module loaded by `--import`.
import FastifyOtel from '@fastify/otel';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import fastify from 'fastify';
import { concurrency, retry } from 'opero';
import { instrument } from 'opero/otel';

// OpenTelemetry. The exporter keeps spans in memory, so that they can be printed; others send them to a collector.
const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(provider);
const undici = new UndiciInstrumentation();
const incoming = new FastifyOtel.FastifyOtelInstrumentation();
const stop = instrument({ spans: 'attempt' });

// A service that is busy at first, and the client of it.
const statuses = [200, 503, 503, 200];
const service = fastify();
service.get('/*', (_, reply) => reply.code(statuses.shift() ?? 500).send('sun'));
const address = await service.listen({ port: 0, host: '127.0.0.1' });

class Weather {
  @retry({ maxAttempts: 3, waitMin: 10 })
  @concurrency(1)
  async forecast(city: string): Promise<string> {
    const response = await fetch(`${address}/${city}`);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.text();
  }
}

// The server, whose two requests come at the same time: the second one waits for the first.
const weather = new Weather();
const app = fastify();
await app.register(incoming.plugin());
app.get<{ Params: { city: string } }>('/forecast/:city', async ({ params }) => weather.forecast(params.city));
await app.ready();
await Promise.all(['Davos', 'Chur'].map((city) => app.inject(`/forecast/${city}`)));

/** A span in few words, and those in it. */
function print(span: ReadableSpan, indent = ''): void {
  const { 'opero.attempt': attempt = '', 'http.response.status_code': status = '' } = span.attributes;
  console.log([indent + span.name, attempt, status].filter((word) => word !== '').join(' '));
  for (const each of exporter.getFinishedSpans()) {
    if (each.parentSpanContext?.spanId === span.spanContext().spanId) print(each, `${indent}  `);
  }
}
for (const span of exporter.getFinishedSpans()) if (span.parentSpanContext === undefined) print(span);

stop();
undici.disable();
await app.close();
await service.close();
