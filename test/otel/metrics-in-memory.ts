import type { DataPoint, Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import { instrument, metrics } from './sdk.js';

/** A reader that is asked by hand. */
class Reader extends metrics.MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** A meter provider that is read here, and what instruments opero by it, without spans. */
export class MetricsInMemory {
  readonly #reader = new Reader();
  readonly provider = new metrics.MeterProvider({ readers: [this.#reader] });
  readonly instrument = () => instrument({ spans: 'none', meterProvider: this.provider });

  /** Everything by its name, as it is now. */
  async read(): Promise<Map<string, MetricData>> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw new AggregateError(errors);
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(all.map((each) => [each.descriptor.name, each]));
  }

  /** What a metric says: its attributes, and its value or its count. */
  async points(name: string): Promise<readonly (readonly [DataPoint<unknown>['attributes'], number])[]> {
    const points = ((await this.read()).get(name)?.dataPoints ?? []) as DataPoint<number | Histogram>[];
    return points.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : value.count]);
  }

  /** The same of one method, but for the name of it. */
  async of(name: string, method: string): Promise<readonly (readonly [object, number])[]> {
    const points = await this.points(name);
    return points
      .filter(([attributes]) => attributes['code.function.name'] === method)
      .map(([{ 'code.function.name': _, ...rest }, value]) => [rest, value]);
  }
}
