import type { BatchObservableResult, Counter, Histogram, Meter } from '@opentelemetry/api';
import { once, type Undo } from '../core/undo.js';
import {
  bucketBoundaries,
  definitions,
  isMeasured,
  type MeasuredName,
  metricNames,
} from '../telemetry/metrics/definitions.js';
import { gaugeNames, readGauges } from '../telemetry/metrics/gauges.js';
import { measure } from '../telemetry/metrics/measure.js';
import type { MakeSeries } from '../telemetry/metrics/series.js';

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

/** Has the gauges show what they show of each method when a reader asks, all of one moment. */
function observe(meter: Meter): Undo {
  const gauges = new Map(
    gaugeNames.map((name) => {
      const { unit, description } = definitions[name];
      return [name, meter.createObservableGauge(name, { unit, description })];
    }),
  );
  const show = (result: BatchObservableResult): void => {
    for (const [name, readings] of readGauges()) {
      const gauge = gauges.get(name);
      for (const { value, labels } of readings) if (gauge !== undefined) result.observe(gauge, value, { ...labels });
    }
  };
  const all = [...gauges.values()];
  meter.addBatchObservableCallback(show, all);
  return once(() => meter.removeBatchObservableCallback(show, all));
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
  // The meter may throw, so it is asked first.
  const stops = [observe(meter), measure(make)];
  return once(() => {
    for (const stop of stops) stop();
  });
}
