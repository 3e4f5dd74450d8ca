import { setTimeout as sleep } from 'node:timers/promises';
import Bottleneck from 'bottleneck';
import { Redis } from 'ioredis';
import { concurrency, rateLimit } from 'opero';
import { redisStore } from 'opero/redis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Member, mostIn, type Order, type Report, type Settings } from '../../redis/support/members.js';
import { missing, RedisServer } from '../../redis/support/server.js';
import { crowd, race, sequential, type Task } from '../measure.js';
import { type Outcome, rowsOf, type Section } from '../section.js';
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

/** Four processes on one Redis, which do something for so long; gives what each of them tells then. */
async function byFour(settings: Settings, order: Order, duration: number): Promise<Report[]> {
  const server = await RedisServer.start();
  const members = await Promise.all(
    Array.from({ length: 4 }, () => Member.start(server.port, { ...settings, store: { timeout: 10_000 } })),
  );
  try {
    for (const each of members) each.order(order);
    await sleep(duration);
    return await Promise.all(members.map((each) => each.report()));
  } finally {
    for (const each of members) await each.end();
    await server.stop();
  }
}

const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);

/** What four processes that wait came to, of a limit of so many starts a second. */
async function startsOfFour(rate: number, depth: number, duration: number) {
  const reports = await byFour({ rate: { rate } }, { kind: 'saturate', depth }, duration);
  const starts = reports.flatMap((each) => each.starts).toSorted((one, other) => one - other);
  // Of whole windows: the first starts are all at once.
  const span = (starts.at(-1) as number) - (starts[rate] as number);
  const perSecond = ((starts.length - rate) / (span + 1000)) * 1000;
  const trips = sum(reports.map((each) => each.trips)) / starts.length;
  const each = reports.map((report) => report.starts.length).join(', ');
  const note = `${perSecond.toFixed(1)} starts a second, at most ${mostIn(starts, 1000)} in any second; ${trips.toFixed(2)} round trips a start; of the processes: ${each}.`;
  return { share: perSecond / rate, trips, note };
}

const processSection: Section = {
  title: '100 starts a second by four processes, all of which wait',
  async measure({ quick }): Promise<Outcome> {
    if (missing) return notRun;
    const { share, trips, note } = await startsOfFour(100, 50, quick ? 4000 : 15_000);
    return { rows: [], notes: [note], figures: { storeTripsSaturated: trips, storeRate: share } };
  },
};

const fastSection: Section = {
  title: '5,000 starts a second by four processes, all of which wait',
  async measure({ quick }): Promise<Outcome> {
    if (missing) return notRun;
    const { note } = await startsOfFour(5000, 1000, quick ? 3000 : 10_000);
    return { rows: [], notes: [note] };
  },
};

const contendedSection: Section = {
  title: '10 slots for four processes, all of which wait',
  async measure({ quick }): Promise<Outcome> {
    if (missing) return notRun;
    const order: Order = { kind: 'cycle', depth: 20, duration: 20 };
    const reports = await byFour({ slots: { limit: 10 } }, order, quick ? 3000 : 10_000);
    const calls = sum(reports.map(({ holds }) => holds.length));
    const trips = sum(reports.map((each) => each.trips)) / calls;
    const each = reports.map(({ holds }) => holds.length).join(', ');
    const note = `${trips.toFixed(2)} round trips a slot that is held for 20 ms; of the processes: ${each}.`;
    return { rows: [], notes: [note], figures: { slotTripsContended: trips } };
  },
};

export const storeSections: readonly Section[] = [
  startSection,
  slotSection,
  contendedSection,
  processSection,
  fastSection,
];
