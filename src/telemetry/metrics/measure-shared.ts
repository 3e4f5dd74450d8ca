import type { Events } from '../../core/events.js';
import { on } from '../events.js';
import { functionName, type Labels, type MeasuredName } from './definitions.js';
import { ErrorTypes, FewNames } from './error-types.js';
import { inSeconds, type MakeSeries, type Series } from './series.js';

/** How many names of stores make series, and of limits in each of them. */
export const mostStores = 20;
const mostLimits = 100;

/** Finds the series of a metric with certain labels, and makes it where there is none. */
function finder(make: MakeSeries): MakeSeries {
  const all = new Map<string, Series>();
  return (metric, labels) => {
    const key = JSON.stringify([metric, labels]);
    const series = all.get(key) ?? make(metric, labels);
    all.set(key, series);
    return series;
  };
}

/** What is found by a name, and made where it is not there. */
function perName<Each>(create: () => Each): (name: string) => Each {
  const all = new Map<string, Each>();
  return (name) => {
    const each = all.get(name) ?? create();
    all.set(name, each);
    return each;
  };
}

/** Records what is told of stores and of leases in them. */
function storeMeasures(series: MakeSeries) {
  const stores = new FewNames(mostStores);
  const limitsOf = perName(() => new FewNames(mostLimits));
  const errorsOf = perName(() => new ErrorTypes());
  return {
    store({ store, name, policy, state, duration, error }: Events['store']): void {
      const label = stores.of(store);
      if (state === 'down') {
        const type = errorsOf(label).of(error);
        series('opero.store.outages', { 'opero.store': label, 'error.type': type }).record(1);
      } else if (state === 'trip' && name !== undefined && policy !== undefined) {
        const limit = limitsOf(label).of(name);
        const labels = { 'opero.store': label, 'opero.policy': policy, 'opero.limit.name': limit };
        series('opero.store.trip.duration', labels).record(inSeconds(duration ?? 0));
      }
    },
    lease({ store, name, state }: Events['lease']): void {
      // From the first lease on there is a 0, or else nobody sees the first loss as one more.
      if (state !== 'taken' && state !== 'lost') return;
      const label = stores.of(store);
      const labels = { 'opero.store': label, 'opero.limit.name': limitsOf(label).of(name) };
      series('opero.store.lost_leases', labels).record(state === 'lost' ? 1 : 0);
    },
  };
}

/** Which durations are told of with which ends of a job: of those that have one. */
const durationOf = (state: string): MeasuredName => (state === 'ran' ? 'opero.job.run.duration' : 'opero.job.duration');

/** Records what is told of jobs. */
function jobMeasure(series: MakeSeries): (event: Events['job']) => void {
  const errorsOf = perName(() => new ErrorTypes());
  return (event) => {
    const { queue, state, outcome, duration, error } = event;
    const method = functionName(event);
    const labels: Labels = { 'code.function.name': method, 'messaging.destination.name': queue };
    if (state === 'queued') series('opero.jobs.sent', labels).record(1);
    if (outcome === undefined || duration === undefined) return;
    const type = outcome === 'ok' ? undefined : errorsOf(JSON.stringify([method, queue])).of(error);
    const ended = { ...labels, 'opero.outcome': outcome, ...(type !== undefined && { 'error.type': type }) };
    series(durationOf(state), ended).record(inSeconds(duration));
  };
}

/** Has what happens to stores, leases and jobs from now on recorded. Gives what ends each of it. */
export function measureShared(make: MakeSeries): (() => void)[] {
  const series = finder(make);
  const { store, lease } = storeMeasures(series);
  return [on('store', store), on('lease', lease), on('job', jobMeasure(series))];
}
