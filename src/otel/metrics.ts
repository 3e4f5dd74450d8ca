import type { Counter, Histogram, Meter, ObservableGauge, ObservableResult } from '@opentelemetry/api';
import { once, type Undo } from '../core/undo.js';
import {
  bucketBoundaries,
  definitions,
  type GaugeName,
  isGauge,
  isMeasured,
  type MeasuredName,
  metricNames,
} from '../telemetry/metrics/definitions.js';
import { gaugeNow } from '../telemetry/metrics/gauges.js';
import { type MakeSeries, measure } from '../telemetry/metrics/measure.js';

/** How an instrument takes a value. */
type Take = (value: number, attributes: Parameters<Histogram['record']>[1]) => void;

function instrumentOf(meter: Meter, name: MeasuredName): Take {
  const { kind, unit, description } = definitions[name];
  if (kind === 'counter') {
    const counter: Counter = meter.createCounter(name, { unit, description });
    return (value, attributes) => counter.add(value, attributes);
  }
  const advice = { explicitBucketBoundaries: [...bucketBoundaries] };
  const histogram = meter.createHistogram(name, { unit, description, advice });
  return (value, attributes) => histogram.record(value, attributes);
}

/** Has a gauge show what it shows of each method when a reader asks. */
function observe(meter: Meter, name: GaugeName): Undo {
  const { unit, description } = definitions[name];
  const gauge: ObservableGauge = meter.createObservableGauge(name, { unit, description });
  const show = (result: ObservableResult): void => {
    for (const { value, labels } of gaugeNow(name)) result.observe(value, { ...labels });
  };
  gauge.addCallback(show);
  return once(() => gauge.removeCallback(show));
}

/** Has what happens from now on recorded by a meter. */
export function recordMetrics(meter: Meter): Undo {
  const instruments = new Map(metricNames.filter(isMeasured).map((name) => [name, instrumentOf(meter, name)]));
  const make: MakeSeries = (name, labels) => {
    const take = instruments.get(name);
    // One object for all values, so that none is made for each.
    const attributes = Object.freeze({ ...labels });
    return { record: (value) => take?.(value, attributes) };
  };
  const stops = [measure(make), ...metricNames.filter(isGauge).map((name) => observe(meter, name))];
  return once(() => {
    for (const stop of stops) stop();
  });
}
