import {
  definitions,
  isGauge,
  type MeasuredName,
  type MetricName,
  metricNames,
} from '../telemetry/metrics/definitions.js';
import { readGauges } from '../telemetry/metrics/gauges.js';
import { measure } from '../telemetry/metrics/measure.js';
import { CounterSeries, HistogramSeries, labelsOf, nameOf, type Sample, type SampledSeries } from './samples.js';

/** A metric with all of its lines. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram' | 'counter' | 'gauge';
  /** How the values of several processes are joined. */
  readonly aggregator: 'sum' | 'max';
  samples(): Sample[];
  /** Has what it has counted begin at 0 again. */
  reset(): void;
}

/** What the names of each kind end with. */
const endings = { histogram: '_seconds', counter: '_total', gauge: '' } as const;

/** What events have added to, of each metric. */
const measured = new Map<MetricName, SampledSeries[]>();

const seriesOf = (metric: MetricName): SampledSeries[] => {
  let series = measured.get(metric);
  if (series === undefined) {
    series = [];
    measured.set(metric, series);
  }
  return series;
};

// Counters of Prometheus are of a process, from its beginning: whoever loads this module wants them, and one count serves
// all who ask.
measure((metric: MeasuredName, labels) => {
  const Series = definitions[metric].kind === 'counter' ? CounterSeries : HistogramSeries;
  const series = new Series(labelsOf(labels));
  seriesOf(metric).push(series);
  return series;
});

/** What all methods show of a metric now. */
function samplesOf(metric: MetricName): Sample[] {
  if (!isGauge(metric)) return seriesOf(metric).flatMap((series) => series.samples());
  const readings = readGauges([metric]).get(metric) ?? [];
  return readings.map(({ labels, value }) => ({ suffix: '', labels: labelsOf(labels), value }));
}

/** Every metric, under its name in Prometheus. */
export const families: readonly Family[] = metricNames.map((metric) => {
  const { kind, description } = definitions[metric];
  return {
    name: `${nameOf(metric)}${endings[kind]}`,
    help: description,
    type: kind,
    aggregator: metric === 'opero.circuit.state' ? 'max' : 'sum',
    samples: () => samplesOf(metric),
    reset: () => {
      for (const series of seriesOf(metric)) series.reset();
    },
  };
});
