// Prints what one call through retry takes, in nanoseconds, while it is seen in some way.
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { on } from 'opero';
import { keep, median, sequential, timeOf } from '../measure.js';
import { service } from '../rows/service.js';

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** Has calls measured, and given spans that go nowhere. */
async function byOpenTelemetry(spans: 'attempt' | 'call' | 'none'): Promise<void> {
  const { instrument } = await import('opero/otel');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = {
    export: (_: unknown, done: (result: { code: number }) => void): void => done({ code: 0 }),
    async shutdown(): Promise<void> {},
  };
  instrument({
    spans,
    meterProvider: new MeterProvider({ readers: [new Reader()] }),
    tracerProvider: new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] }),
  });
}

const ways: Record<string, () => unknown> = {
  not: () => undefined,
  events() {
    on('call', ({ duration }) => keep(duration));
  },
  prometheus: () => import('opero/prometheus'),
  metrics: () => byOpenTelemetry('none'),
  calls: () => byOpenTelemetry('call'),
  attempts: () => byOpenTelemetry('attempt'),
};

await ways[process.argv[2]]();
const task = sequential((value) => service.retried(value));
const count = 2000;
const rounds = Number(process.argv[3]);
for (let i = 0; i < 10; i++) await task(count);
const times: number[] = [];
for (let i = 0; i < rounds; i++) times.push((await timeOf(task, count)) * (1e6 / count));
console.log(median(times));
process.exit();
