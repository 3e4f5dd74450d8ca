import { bucketBoundaries, type Labels } from '../telemetry/metrics/definitions.js';
import type { Series } from '../telemetry/metrics/series.js';

/** Labels as Prometheus has them. */
export type PrometheusLabels = Readonly<Record<string, string>>;

/** One line of a metric. */
export interface Sample {
  /** What follows the name of the metric. */
  readonly suffix: '' | '_bucket' | '_sum' | '_count';
  /** The same object for all lines of a series. */
  readonly labels: PrometheusLabels;
  /** The bound of a bucket, which is one more label. */
  readonly le?: string;
  readonly value: number;
}

/** A series that gives its lines when it is asked. */
export interface SampledSeries extends Series {
  samples(): Sample[];
  /** Begins at 0 again. */
  reset(): void;
}

/** The name of a metric or a label of OpenTelemetry, as Prometheus has it. */
export const nameOf = (name: string): string => name.replaceAll('.', '_');

export const labelsOf = (labels: Labels): PrometheusLabels =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [nameOf(name), String(value)]));

/** How often something happened. */
export class CounterSeries implements SampledSeries {
  #value = 0;

  constructor(private readonly labels: PrometheusLabels) {}

  record(value: number): void {
    this.#value += value;
  }

  samples(): Sample[] {
    return [{ suffix: '', labels: this.labels, value: this.#value }];
  }

  reset(): void {
    this.#value = 0;
  }
}

const bounds = [...bucketBoundaries.map(String), '+Inf'];

/** How long something took, in seconds, in buckets. */
export class HistogramSeries implements SampledSeries {
  /** Of each bucket by itself, without those below; the last one has no bound. */
  readonly #counts = bounds.map(() => 0);
  #sum = 0;

  constructor(private readonly labels: PrometheusLabels) {}

  record(value: number): void {
    const found = bucketBoundaries.findIndex((bound) => value <= bound);
    const at = found === -1 ? bounds.length - 1 : found;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  samples(): Sample[] {
    const { labels } = this;
    let count = 0;
    const buckets = bounds.map((le, at): Sample => {
      count += this.#counts[at] ?? 0;
      return { suffix: '_bucket', labels, le, value: count };
    });
    return [...buckets, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: count }];
  }

  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }
}
