// One of several processes that share limits: does what its parent says, and tells when its methods started and ended.
import { Redis } from 'ioredis';
import { configure, currentCall, decorate } from 'opero';
import { redisStore } from 'opero/redis';
import type { Order, Told } from '../support/members.js';

const tell = (told: Told): void => {
  process.send?.(told);
};
const time = (): number => Number(process.hrtime.bigint()) / 1e6;

const client = new Redis({ port: Number(process.argv[2]), host: '127.0.0.1', maxRetriesPerRequest: null });
client.on('error', () => {});
const settings = JSON.parse(process.argv[3] as string);
let trips = 0;
const store = redisStore(client, {
  ...settings.store,
  onEvent: ({ type }) => {
    if (type === 'trip') trips++;
    else tell({ kind: 'event', type });
  },
});

class Api {
  async start(_id: number, _signal?: AbortSignal): Promise<void> {
    const at = time();
    starts.push(at);
    if (settings.live) tell({ kind: 'start', at });
  }

  async hold(_id: number, duration: number): Promise<void> {
    const at = time();
    const { fence } = currentCall();
    if (settings.live) tell({ kind: 'held', at, fence });
    if (duration === Number.POSITIVE_INFINITY) await new Promise(() => {});
    await new Promise((resolve) => setTimeout(resolve, duration));
    holds.push([at, time()]);
    if (settings.live) tell({ kind: 'free', at: time() });
  }
}
const starts: number[] = [];
const holds: [number, number][] = [];
if (settings.rate) decorate(Api, { start: { rateLimit: { ...settings.rate, store, name: 'shared' } } });
if (settings.slots) decorate(Api, { hold: { concurrency: { ...settings.slots, store, name: 'shared' } } });
const api = new Api();

let isOver = false;
let failed = 0;
let unanswered = 0;
/** Keeps so many calls waiting until told otherwise, and gives some of them up. */
async function saturate(depth: number, aborts: number): Promise<void> {
  const one = async (): Promise<void> => {
    while (!isOver) {
      const controller = new AbortController();
      const call = api.start(0, controller.signal);
      if (Math.random() < aborts) setTimeout(() => controller.abort(), Math.random() * 100);
      unanswered++;
      await call.catch(() => failed++);
      unanswered--;
    }
  };
  await Promise.all(Array.from({ length: depth }, one));
}

/** Keeps so many calls going that hold slots. */
async function cycle(depth: number, duration: number): Promise<void> {
  const one = async (): Promise<void> => {
    while (!isOver) {
      unanswered++;
      await api.hold(0, duration).catch(() => failed++);
      unanswered--;
    }
  };
  await Promise.all(Array.from({ length: depth }, one));
}

process.on('message', (order: Order) => {
  if (order.kind === 'saturate') void saturate(order.depth, order.aborts ?? 0).then(() => tell({ kind: 'resting' }));
  else if (order.kind === 'cycle') void cycle(order.depth, order.duration).then(() => tell({ kind: 'resting' }));
  else if (order.kind === 'rest') isOver = true;
  else if (order.kind === 'start') {
    for (let n = 0; n < order.count; n++) {
      api.start(n).then(
        () => tell({ kind: 'done' }),
        (error) => tell({ kind: 'failed', name: error.name }),
      );
    }
  } else if (order.kind === 'hold') {
    for (let n = 0; n < order.count; n++) {
      api.hold(n, order.duration ?? Number.POSITIVE_INFINITY).then(
        () => tell({ kind: 'done' }),
        (error) => tell({ kind: 'failed', name: error.name }),
      );
    }
  } else if (order.kind === 'block') {
    const end = performance.now() + order.duration;
    while (performance.now() < end);
  } else if (order.kind === 'configure') {
    configure(Api, 'start', { rateLimit: { rate: order.rate } });
  } else if (order.kind === 'report') {
    isOver = true;
    tell({ kind: 'report', starts, holds, trips, failed, unanswered });
  } else if (order.kind === 'close') {
    void store.close().then(() => tell({ kind: 'closed' }));
  } else if (order.kind === 'end') process.exit();
});
process.on('disconnect', () => process.exit());
tell({ kind: 'ready' });
