import { knownStores } from '../../limits/stored/known-stores.js';
import { allJobStats, type JobStats } from '../jobs.js';
import { functionName, type Labels, type SharedGaugeName } from './definitions.js';
import { FewNames } from './error-types.js';
import { mostStores } from './measure-shared.js';

/** What a gauge shows of one store, or of one method in a queue. */
interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

const storeNames = new FewNames(mostStores);
/** Told of for ever: some SDKs show what they are told of no more as it was at last. */
const seen = new Set<string>();

/** How many stores of each name are down; none of those that are closed. */
function readStores(): Reading[] {
  const stores = knownStores().map(({ label, downAt }) => ({
    name: storeNames.of(label),
    isDown: downAt !== undefined,
  }));
  for (const { name } of stores) seen.add(name);
  return [...seen].map((name) => ({
    labels: { 'opero.store': name },
    value: stores.filter((each) => each.isDown && each.name === name).length,
  }));
}

/** What is counted of each method in each queue; those of one full name are one. */
function readJobs(count: (stats: Readonly<JobStats>) => number): Reading[] {
  const readings = new Map<string, Reading>();
  for (const stats of allJobStats()) {
    const labels = { 'code.function.name': functionName(stats), 'messaging.destination.name': stats.queue };
    const key = JSON.stringify(labels);
    const value = (readings.get(key)?.value ?? 0) + count(stats);
    readings.set(key, { labels, value });
  }
  return [...readings.values()];
}

const readers: { readonly [Name in SharedGaugeName]: () => Reading[] } = {
  'opero.store.down': readStores,
  'opero.jobs.waiting': () => readJobs(({ waiting }) => waiting),
  'opero.jobs.running': () => readJobs(({ running }) => running),
};

/** What a gauge shows now. */
export const readShared = (name: SharedGaugeName): Reading[] => readers[name]();
