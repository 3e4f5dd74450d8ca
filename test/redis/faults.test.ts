import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  concurrency,
  currentCall,
  isLeaseLostError,
  type RejectedError,
  rateLimit,
  StoreError,
  type StoreEvent,
} from 'opero';
import { type RedisStoreOptions, redisStore } from 'opero/redis';
import { createClient } from 'redis';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { assertWindows } from '../support/starts.js';
import { BadNetwork } from './support/bad-network.js';
import { missing, RedisServer } from './support/server.js';

const sorted = (times: readonly number[]): number[] => times.toSorted((one, other) => one - other);

describe('faults', { skip: missing }, () => {
  let server: RedisServer;
  let network: BadNetwork;
  let direct: Redis;
  let ends: (() => unknown)[] = [];
  let prefixes = 0;
  before(async () => {
    server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    network = await BadNetwork.before(server.port);
    direct = new Redis(server.port);
    direct.on('error', () => {});
  });
  afterEach(async () => {
    Object.assign(network, { delay: 0, jitter: 0, swallows: 'nothing' });
    for (const end of ends) await end();
    ends = [];
  });
  after(async () => {
    direct?.disconnect();
    await network?.close();
    await server?.stop();
  });

  /** A store behind the network, what it tells, and until when it is waited for. */
  function storeOf(options: RedisStoreOptions = {}) {
    const client = new Redis({ port: network.port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on('error', () => {});
    const events: StoreEvent[] = [];
    const waiting = new Set<() => void>();
    const store = redisStore(client, {
      prefix: `f${prefixes}`,
      timeout: 10_000,
      ...options,
      onEvent(event) {
        events.push(event);
        for (const each of waiting) each();
      },
    });
    ends.push(
      () => store.close(),
      () => client.disconnect(),
    );
    const told = (type: StoreEvent['type']): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!events.some((each) => each.type === type)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    return { store, client, events, told };
  }

  function limited(options: RedisStoreOptions = {}, config: { rate?: number; per?: number; maxWait?: number } = {}) {
    const { store, ...rest } = storeOf(options);
    const starts: number[] = [];
    class Api {
      @rateLimit({ rate: 10, per: 200, ...config, store, name: 'api' })
      async get(): Promise<void> {
        starts.push(performance.now());
      }
    }
    return { api: new Api(), store, starts, ...rest };
  }

  function slotted(limit: number, options: RedisStoreOptions = {}, onLost: 'abort' | 'continue' = 'abort') {
    const { store, ...rest } = storeOf(options);
    const ends: (() => void)[] = [];
    const signals: AbortSignal[] = [];
    const counts = { running: 0, most: 0 };
    class Api {
      @concurrency({ limit, store, name: 'api', onLost })
      async hold(): Promise<void> {
        signals.push(currentCall().signal as AbortSignal);
        counts.most = Math.max(counts.most, ++counts.running);
        const end = deferred();
        ends.push(end.resolve);
        begun();
        await end.promise;
        counts.running--;
      }
    }
    let begun: () => void = () => {};
    const has = (count: number): Promise<void> =>
      new Promise((resolve) => {
        begun = () => {
          if (ends.length >= count) resolve();
        };
        begun();
      });
    return { api: new Api(), store, slots: ends, signals, counts, has, ...rest };
  }

  const fresh = (): void => {
    prefixes++;
  };

  test('R6 a delay of 40 ms each way, with jitter: permits do not lapse for ever', async () => {
    fresh();
    network.delay = 40;
    network.jitter = 20;
    const { api, starts } = limited();
    await Promise.all(Array.from({ length: 30 }, () => api.get()));
    assertWindows(sorted(starts), 10, 200);
  });

  test('R11 an answer that takes longer than its permit lasts turns nobody away', async () => {
    fresh();
    network.delay = 300;
    const { store } = storeOf();
    class Api {
      @rateLimit({ rate: 1, per: 60_000, store, name: 'quick', maxWait: 0 })
      async get(): Promise<string> {
        return 'got';
      }
    }
    const api = new Api();
    assert.equal(await api.get(), 'got');
    assert.equal(((await rejection(api.get())) as RejectedError).reason, 'wait-timeout');
  });

  test('SCRIPT FLUSH goes unnoticed', async () => {
    fresh();
    const { api, events } = limited();
    await api.get();
    await direct.script('FLUSH');
    await api.get();
    assert.ok(events.every(({ type }) => type === 'trip'));
  });

  test('CLIENT KILL: those who wait go on, and no window holds too many', async () => {
    fresh();
    const { api, starts } = limited({ whenDown: 'wait', timeout: 200 });
    const calls = Promise.all(Array.from({ length: 30 }, () => api.get()));
    await sleep(100);
    await direct.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await calls;
    assertWindows(sorted(starts), 10, 200);
  });

  test('CLIENT PAUSE: down after the timeout, then up, by whenDown: wait', async () => {
    fresh();
    const { api, starts, told } = limited({ whenDown: 'wait', timeout: 100 });
    await api.get();
    await direct.call('CLIENT', 'PAUSE', '600', 'ALL');
    const calls = Promise.all(Array.from({ length: 15 }, () => api.get()));
    await told('down');
    await told('up');
    await calls;
    assertWindows(sorted(starts), 10, 200);
  });

  test('a Redis that keeps its data is killed and comes back: no window holds too many', async () => {
    fresh();
    const { api, starts, told } = limited({ whenDown: 'wait', timeout: 200 }, { rate: 10, per: 1500 });
    await Promise.all(Array.from({ length: 10 }, () => api.get()));
    await server.kill();
    const calls = Promise.all(Array.from({ length: 10 }, () => api.get()));
    await told('down');
    await server.start();
    await calls;
    assertWindows(sorted(starts), 10, 1500);
  });

  test('a black hole: each call waits for the timeout at most, and rejects by whenDown: reject', async () => {
    fresh();
    const { api, told } = limited({ whenDown: 'reject', timeout: 1_000 });
    network.swallows = 'all';
    const error = await rejection(api.get());
    assert.ok(error instanceof StoreError && error.cause instanceof Error);
    // Known to be down: at once.
    assert.ok((await rejection(api.get())) instanceof StoreError);
    network.swallows = 'nothing';
    network.cut();
    await told('up');
    await api.get();
  });

  test('by whenDown: local, this process goes on by its share, and tells of it when the store is back', async () => {
    fresh();
    const { api, starts, told } = limited({ timeout: 100, processes: 5 }, { rate: 10, per: 2000 });
    network.swallows = 'all';
    await Promise.all([api.get(), api.get()]);
    const third = api.get();
    await sleep(50);
    assert.equal(starts.length, 2);
    network.swallows = 'nothing';
    network.cut();
    await told('up');
    await third;
    // Eight are left.
    const other = limited({}, { rate: 10, per: 2000 });
    await Promise.all(Array.from({ length: 8 }, () => other.api.get()));
    assertWindows(sorted([...starts, ...other.starts]), 10, 2000);
  });

  test('by whenDown: local where nobody knows of how many processes, one at a time, with an event', async () => {
    fresh();
    network.swallows = 'all';
    const { api, counts, slots, told, has } = slotted(5, { timeout: 100 });
    const calls = [api.hold(), api.hold()];
    await told('share');
    await has(1);
    await sleep(20);
    assert.equal(counts.running, 1);
    slots[0]?.();
    await has(2);
    slots[1]?.();
    await Promise.all(calls);
    assert.equal(counts.most, 1);
  });

  test('by whenDown: open, nothing limits', async () => {
    fresh();
    const { api, starts } = limited({ timeout: 100, whenDown: 'open' }, { rate: 1, per: 60_000 });
    network.swallows = 'all';
    await Promise.all([api.get(), api.get(), api.get()]);
    assert.equal(starts.length, 3);
  });

  test('down at the start: decorating connects to nothing', async () => {
    fresh();
    const client = createClient({ socket: { port: network.port, host: '127.0.0.1' } });
    client.on('error', () => {});
    const store = redisStore(client, { whenDown: 'reject' });
    class Api {
      @rateLimit({ rate: 10, store, name: 'api' }) async get(): Promise<void> {}
    }
    assert.equal(client.isOpen, false);
    assert.ok((await rejection(new Api().get())) instanceof StoreError);
    await store.close();
  });

  test('C2 a reply that is lost: the slot that it gave is not', async () => {
    fresh();
    const one = slotted(1, { timeout: 100, whenDown: 'wait', lease: 3000 });
    const first = one.api.hold();
    await one.has(1);
    one.slots[0]?.();
    await first;
    await sleep(50);
    network.swallows = 'replies';
    const second = one.api.hold();
    await one.told('down');
    network.swallows = 'nothing';
    network.cut();
    await one.has(2);
    one.slots[1]?.();
    await second;
    assert.equal(one.counts.most, 1);
  });

  test('R8 a reply that is lost: the permits that it gave go back', async () => {
    fresh();
    const { api, told, events } = limited(
      { timeout: 1_000, whenDown: 'reject' },
      { rate: 5, per: 60_000, maxWait: 10_000 },
    );
    await api.get();
    network.swallows = 'replies';
    const lost = await Promise.allSettled(Array.from({ length: 4 }, () => api.get()));
    assert.ok(lost.every((each) => each.status === 'rejected' && each.reason instanceof StoreError));
    network.swallows = 'nothing';
    network.cut();
    await told('up');
    await Promise.all(Array.from({ length: 4 }, () => api.get()));
    assert.equal(events.filter(({ type }) => type === 'down').length, 1);
  });

  test('R8 a reply that is lost: what it gave is there for others, though nobody asks here any more', {
    timeout: 20_000,
  }, async () => {
    fresh();
    const rules = { rate: 5, per: 60_000 };
    const { api, told } = limited({ timeout: 1_000, whenDown: 'reject' }, rules);
    await api.get();
    const other = redisStore(direct, { prefix: `f${prefixes}`, timeout: 10_000 });
    ends.push(() => other.close());
    class Other {
      @rateLimit({ ...rules, store: other, name: 'api', maxWait: 10_000 })
      async get(): Promise<void> {}
    }
    network.swallows = 'replies';
    await Promise.allSettled(Array.from({ length: 4 }, () => api.get()));
    const [log] = await direct.keys(`f${prefixes}:*:log`);
    assert.equal(await direct.zcard(log as string), 5);
    network.swallows = 'nothing';
    network.cut();
    await told('up');
    while ((await direct.zcard(log as string)) > 1);
    const elsewhere = new Other();
    await Promise.all(Array.from({ length: 4 }, () => elsewhere.get()));
  });

  test('C2 a hint from before a process listened: it looks once it does', { timeout: 20_000 }, async () => {
    fresh();
    const lease = 100_000;
    const early = slotted(1, { lease });
    const first = early.api.hold();
    await early.has(1);
    const listening = deferred();
    const stands = deferred();
    const late = redisStore(
      {
        send: ([command = '', ...args]) => direct.call(command, ...args),
        async subscribe(channel, listener) {
          await listening.promise;
          const subscriber = direct.duplicate();
          ends.push(() => subscriber.disconnect());
          subscriber.on('message', (_, message) => listener(message));
          await subscriber.subscribe(channel);
          return () => subscriber.disconnect();
        },
      },
      { prefix: `f${prefixes}`, lease, timeout: 10_000, onEvent: ({ type }) => type === 'trip' && stands.resolve() },
    );
    ends.push(() => late.close());
    class Api {
      @concurrency({ limit: 1, store: late, name: 'api' })
      async hold(): Promise<void> {}
    }
    const second = new Api().hold();
    await stands.promise;
    early.slots[0]?.();
    await first;
    const [key] = await direct.keys(`f${prefixes}:*:holders`);
    // Granted, and the hint goes nowhere.
    while (!(await direct.hkeys(key as string)).some((name) => name.startsWith('g:')));
    listening.resolve();
    await second;
  });

  test('C6 a lease that cannot be renewed: the signals of running calls abort, and their calls fail', async () => {
    fresh();
    const { api, signals, has, counts, slots } = slotted(1, { timeout: 100, whenDown: 'wait', lease: 500 });
    const call = rejection(api.hold());
    await has(1);
    network.swallows = 'all';
    assert.ok(isLeaseLostError(await call));
    assert.ok(signals[0]?.aborted && isLeaseLostError(signals[0].reason));
    // Its code runs on, and holds what it holds.
    assert.equal(counts.running, 1);
    slots[0]?.();
  });

  test("C6 by onLost: 'continue' they run on", async () => {
    fresh();
    const { api, signals, has, slots, told } = slotted(1, { timeout: 100, whenDown: 'wait', lease: 500 }, 'continue');
    const call = api.hold();
    await has(1);
    network.swallows = 'all';
    await told('lost');
    assert.equal(signals[0]?.aborted, false);
    slots[0]?.();
    await call;
  });

  test('C5 a Redis that comes back empty: at most the limit runs, once holders have said what they hold', async () => {
    fresh();
    const one = slotted(2, { timeout: 200, whenDown: 'wait', lease: 9000 });
    const two = slotted(2, { timeout: 200, whenDown: 'wait', lease: 9000 });
    const calls = [one.api.hold(), one.api.hold()];
    await one.has(2);
    const other = two.api.hold();
    await sleep(100);
    await server.kill();
    await Promise.all([one.told('down'), two.told('down')]);
    await server.start();
    await direct.flushall();
    await Promise.all([one.told('up'), two.told('up')]);
    await sleep(700);
    assert.equal(two.counts.running, 0);
    for (const end of one.slots) end();
    await Promise.all(calls);
    await two.has(1);
    two.slots[0]?.();
    await other;
  });

  test('R10 a clock that was set back by more than a window: all starts are held for one', async () => {
    fresh();
    const { api, starts } = limited({}, { rate: 5, per: 400 });
    await Promise.all(Array.from({ length: 5 }, () => api.get()));
    const [meta] = await direct.keys(`f${prefixes}:*meta`);
    const ahead = String((Date.now() + 3_600_000) * 1000);
    await direct.hset(meta as string, 'last', ahead);
    await Promise.all(Array.from({ length: 5 }, () => api.get()));
    assertWindows(sorted(starts), 5, 400);
  });
});
