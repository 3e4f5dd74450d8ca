import type { JobState, Shared, StoreState } from '../protocol.js';
import { ago, count, nameOf, rate, time } from '../words.js';
import { type ColumnOf, linesOf, type Paint, type Style, type TableKind } from './table.js';

/** A column of a number; what is not 0 may look so. */
const counted = <Row>(head: string, priority: number, value: (row: Row) => number, look?: Style): ColumnOf<Row> => ({
  head,
  width: Math.max(7, head.length),
  priority,
  isNumeric: true,
  text: (row) => count(value(row)),
  style: (row) => (value(row) > 0 ? look : undefined),
});

const timed = <Row extends { readonly p50?: number | undefined; readonly p99?: number | undefined }>(
  head: 'p50' | 'p99',
  priority: number,
): ColumnOf<Row> => ({ head, width: 7, priority, isNumeric: true, text: (row) => time(row[head]) });

const paced = <Row extends { readonly rate: number }>(head: string): ColumnOf<Row> => ({
  head,
  width: 7,
  priority: 1,
  isNumeric: true,
  text: (row) => rate(row.rate),
});

const stores: TableKind<StoreState> = {
  head: 'store',
  name: ({ name }) => name,
  columns: [
    {
      head: 'state',
      width: 12,
      priority: 0,
      text: ({ downAt }, now) => (downAt === undefined ? 'up' : `down ${ago(now - downAt)}`),
      style: ({ downAt }) => (downAt === undefined ? 'good' : 'bad'),
    },
    paced('trips/s'),
    timed('p50', 3),
    timed('p99', 2),
    counted('outages', 2, ({ outages }) => outages, 'warn'),
    counted('leases lost', 0, ({ lostLeases }) => lostLeases, 'bad'),
    { head: 'limits', width: 30, priority: 4, text: ({ limits }) => limits.join(' ') || '–' },
  ],
};

const jobs: TableKind<JobState> = {
  head: 'jobs',
  name: (job) => `${job.queue}: ${job.static ? 'static ' : ''}${nameOf(job)}`,
  columns: [
    counted('sent', 2, ({ sent }) => sent),
    counted('waiting', 0, ({ waiting }) => waiting),
    paced('ended/s'),
    timed('p50', 3),
    timed('p99', 2),
    counted('failed', 1, ({ failed }) => failed, 'warn'),
    counted('lost', 0, ({ lost }) => lost, 'bad'),
    counted('run here', 1, ({ running }) => running),
    counted('ran here', 3, ({ ran }) => ran),
    counted('failed here', 3, ({ ranFailed }) => ranFailed, 'warn'),
  ],
};

/** Stores and jobs as lines of two tables, of so many lines at the most; none where there is none of it. */
export function sharedLinesOf(
  shared: Shared,
  now: number,
  width: number,
  most: number,
  paint: Paint,
): readonly string[] {
  const tables = [
    ...(shared.stores.length > 0 ? [linesOf(stores, shared.stores, now, width, paint), ['']] : []),
    ...(shared.jobs.length > 0 ? [linesOf(jobs, shared.jobs, now, width, paint), ['']] : []),
  ];
  const lines = tables.flat();
  const more = shared.moreJobs > 0 ? [`${count(shared.moreJobs)} further methods with jobs`, ''] : [];
  const all = shared.moreJobs > 0 ? [...lines.slice(0, -1), ...more] : lines;
  if (all.length <= most) return all;
  return most < 3 ? [] : [...all.slice(0, most - 2), paint('dim', '…'), ''];
}
