import { setTimeout as sleep } from 'node:timers/promises';
import Bottleneck from 'bottleneck';
import { Redis } from 'ioredis';
import { concurrency, rateLimit } from 'opero';
import { redisStore } from 'opero/redis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Member, mostIn } from '../../redis/support/members.js';
import { missing, RedisServer } from '../../redis/support/server.js';
import { crowd, race, sequential, type Task } from '../measure.js';
import { type Outcome, type Row, rowsOf, type Section } from '../section.js';
import type { TargetName } from '../targets.js';

/** More than any of them starts in a second. */
const plenty = 1_000_000;
const notRun = { rows: [], notes: [missing ?? ''] };

/** A Redis of the bench's own, and the limits of each kind in it. */
async function inRedis() {
  const server = await RedisServer.start();
  const client = new Redis(server.port);
  const counts = { trips: 0 };
  const store = redisStore(client, {
    timeout: 10_000,
    onEvent({ type }) {
      if (type === 'trip') counts.trips++;
    },
  });
  class Limits {
    @rateLimit({ rate: plenty, store, name: 'rate' })
    async paced(value: number): Promise<number> {
      return value;
    }

    @concurrency({ limit: 10, store, name: 'slots' })
    async limited(value: number): Promise<number> {
      return value;
    }
  }
  const flexible = new RateLimiterRedis({ storeClient: client, points: plenty, duration: 1 });
  const clustered = (options: object): Bottleneck =>
    new Bottleneck({
      id: `b${Math.random()}`,
      datastore: 'ioredis',
      Redis,
      clientOptions: { port: server.port },
      ...options,
    });
  const bottlenecks = [
    clustered({ reservoir: plenty, reservoirRefreshAmount: plenty, reservoirRefreshInterval: 1000 }),
    clustered({ maxConcurrent: 10 }),
  ] as const;
  for (const each of bottlenecks) await each.ready();
  return {
    limits: new Limits(),
    client,
    counts,
    flexible,
    bottlenecks,
    async close() {
      for (const each of bottlenecks) await each.disconnect();
      await store.close();
      client.disconnect();
      await server.stop();
    },
  };
}

type Found = Awaited<ReturnType<typeof inRedis>>;

/** Lets tasks in a Redis take turns, where there is one. */
const storeSection = (
  title: string,
  tasksOf: (found: Found) => Record<string, Task>,
  figure: TargetName,
  of: 'paced' | 'limited',
): Section => ({
  title,
  async measure({ quick }): Promise<Outcome> {
    if (missing) return notRun;
    const found = await inRedis();
    try {
      const times = await race(tasksOf(found), { rounds: quick ? 5 : 20, warmUp: 1, slice: 50 });
      found.counts.trips = 0;
      await crowd((value) => found.limits[of](value))(1000);
      const atOnce = found.counts.trips / 1000;
      found.counts.trips = 0;
      await sequential((value) => found.limits[of](value))(1000);
      const trips = found.counts.trips / 1000;
      const notes = [
        `Round trips of a call: ${trips.toFixed(2)} one after the other, ${atOnce.toFixed(2)} all at once.`,
      ];
      return { rows: rowsOf(times), notes, figures: { [figure]: trips } };
    } finally {
      await found.close();
    }
  },
});

const plain = async (value: number): Promise<number> => value;

const startSection = storeSection(
  'a rate limit in a Redis that is never reached',
  ({ limits, client, flexible, bottlenecks: [paced] }) => ({
    'a PING': sequential(async (value) => Number((await client.ping()).length) + value),
    opero: sequential((value) => limits.paced(value)),
    'rate-limiter-flexible, which counts fixed windows': sequential(async (value) => {
      await flexible.consume('all');
      return await plain(value);
    }),
    'Bottleneck clustering, by a reservoir': sequential((value) => paced.schedule(() => plain(value))),
  }),
  'storeTrips',
  'paced',
);

const slotSection = storeSection(
  'a slot of a concurrency limit in a Redis',
  ({ limits, bottlenecks: [, limited] }) => ({
    opero: sequential((value) => limits.limited(value)),
    'Bottleneck clustering': sequential((value) => limited.schedule(() => plain(value))),
  }),
  'slotTrips',
  'limited',
);

const processSection: Section = {
  title: '100 starts a second by four processes, all of which wait',
  async measure({ quick }): Promise<Outcome> {
    if (missing) return notRun;
    const server = await RedisServer.start();
    const members = await Promise.all(
      Array.from({ length: 4 }, () => Member.start(server.port, { rate: { rate: 100 }, store: { timeout: 10_000 } })),
    );
    try {
      for (const each of members) each.order({ kind: 'saturate', depth: 50 });
      await sleep(quick ? 5000 : 15_000);
      const reports = await Promise.all(members.map((each) => each.report()));
      const starts = reports.flatMap((each) => each.starts).toSorted((one, other) => one - other);
      // Of whole windows: the first starts are all at once.
      const span = (starts.at(-1) as number) - (starts[100] as number);
      const rate = ((starts.length - 100) / (span + 1000)) * 1000;
      const trips = reports.reduce((sum, each) => sum + each.trips, 0) / starts.length;
      const each = reports.map((report) => report.starts.length).join(', ');
      const rows: Row[] = [];
      return {
        rows,
        notes: [
          `${rate.toFixed(1)} starts a second, at most ${mostIn(starts, 1000)} in any second; ${trips.toFixed(2)} round trips a start; of the processes: ${each}.`,
        ],
        figures: { storeTripsSaturated: trips, storeRate: rate / 100 },
      };
    } finally {
      for (const each of members) await each.end();
      await server.stop();
    }
  },
};

export const storeSections: readonly Section[] = [startSection, slotSection, processSection];
