import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { concurrency, LeaseLostError, on, rateLimit } from 'opero';
import { metricsText } from 'opero/prometheus';
import { redisStore } from 'opero/redis';
import { memoryStore } from 'opero/testing';
import { MetricsInMemory } from '../otel/metrics-in-memory.js';
import { readMetrics } from '../prometheus/reader.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { missing, RedisServer } from './support/server.js';

/** What Prometheus is told of a metric: of a histogram the counts. */
function scraped(name: string): (readonly [object, number])[] {
  const family = readMetrics(metricsText()).get(name);
  assert.ok(family, name);
  const end = family.type === 'histogram' ? '_count' : '';
  return family.samples.filter((each) => each.name === `${name}${end}`).map(({ labels, value }) => [labels, value]);
}

describe('the metrics of a Redis', { skip: missing }, () => {
  test('tell of its trips, its outages and lost leases, by limits and never by keys', {
    timeout: 60_000,
  }, async (t) => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    const server = await RedisServer.start();
    const client = new Redis({ port: server.port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on('error', () => {});
    const store = redisStore(client, { prefix: 'shop', whenDown: 'reject', timeout: 2000, lease: 1500 });
    t.after(async () => {
      await store.close();
      client.disconnect();
      await server.stop();
    });
    const entered = deferred();
    const end = deferred();
    class Crm {
      @rateLimit({ rate: 1000, store, name: 'crm-api', key: (tenant: string) => tenant })
      async get(_tenant: string): Promise<void> {}
      @concurrency({ limit: 1, store, name: 'crm-slots', key: (tenant: string) => tenant })
      async hold(_tenant: string): Promise<void> {
        entered.resolve();
        await end.promise;
      }
    }
    const crm = new Crm();
    for (const tenant of ['acme', 'umbrella']) await crm.get(tenant);
    const label = { 'opero.store': 'redisStore:shop' };
    const limit = { ...label, 'opero.policy': 'rateLimit', 'opero.limit.name': 'crm-api' };
    const of = async (name: string) =>
      (await metrics.points(name)).filter(([attributes]) => attributes['opero.store'] === 'redisStore:shop');
    assert.deepEqual(await of('opero.store.down'), [[label, 0]]);
    const trips = await of('opero.store.trip.duration');
    assert.deepEqual(
      trips.map(([attributes]) => attributes),
      [limit],
    );
    assert.ok((trips[0]?.[1] ?? 0) >= 2);

    const holding = rejection(crm.hold('acme'));
    await entered.promise;
    const slots = { ...label, 'opero.limit.name': 'crm-slots' };
    assert.deepEqual(await of('opero.store.lost_leases'), [[slots, 0]]);
    const told = { down: deferred(), up: deferred() };
    t.after(on('store', ({ state }) => (state === 'down' || state === 'up') && told[state].resolve()));
    await server.kill();
    assert.ok((await holding) instanceof LeaseLostError);
    end.resolve();
    await told.down.promise;
    assert.deepEqual(await of('opero.store.lost_leases'), [[slots, 1]]);
    assert.deepEqual(await of('opero.store.down'), [[label, 1]]);
    const outages = await of('opero.store.outages');
    assert.deepEqual(
      outages.map(([{ 'error.type': type, ...rest }, count]) => [typeof type, rest, count]),
      [['string', label, 1]],
    );
    await server.start();
    await told.up.promise;
    assert.deepEqual(await of('opero.store.down'), [[label, 0]]);

    assert.deepEqual(scraped('opero_store_lost_leases_total'), [
      [{ opero_store: 'redisStore:shop', opero_limit_name: 'crm-slots' }, 1],
    ]);
    assert.deepEqual(scraped('opero_store_down'), [[{ opero_store: 'redisStore:shop' }, 0]]);
    const [[labels]] = scraped('opero_store_trip_duration_seconds') as [[object, number]];
    assert.deepEqual(labels, {
      opero_store: 'redisStore:shop',
      opero_policy: 'rateLimit',
      opero_limit_name: 'crm-api',
    });
    assert.doesNotMatch(metricsText(), /acme|umbrella/);
  });
});

describe('the metrics of stores', () => {
  test('keep a hundred names of limits apart in each store, and then those of the others together', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    for (let at = 0; at < 120; at++) {
      const name = `limit-${at}`;
      const event = {
        type: 'store',
        store: 'redisStore:many',
        name,
        key: undefined,
        policy: 'rateLimit',
        state: 'trip',
      };
      channel('opero:store').publish({ ...event, duration: 2, error: undefined });
    }
    const points = (await metrics.points('opero.store.trip.duration')).filter(
      ([attributes]) => attributes['opero.store'] === 'redisStore:many',
    );
    assert.equal(points.length, 101);
    assert.deepEqual([points.at(-1)?.[0]['opero.limit.name'], points.at(-1)?.[1]], ['_OTHER', 20]);
  });

  test('add up what stores of one name do, and none of them is down once it is closed', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    const down = async (store: string) =>
      (await metrics.points('opero.store.down')).flatMap(([each, count]) =>
        each['opero.store'] === store ? [count] : [],
      );
    const stores = [memoryStore(), memoryStore()];
    for (const store of stores) {
      class Api {
        @rateLimit({ rate: 1000, store, name: 'twin' }) async get(): Promise<void> {}
      }
      await new Api().get();
    }
    const trips = (await metrics.points('opero.store.trip.duration')).filter(
      ([attributes]) => attributes['opero.limit.name'] === 'twin',
    );
    assert.deepEqual(trips, [
      [{ 'opero.store': 'memoryStore', 'opero.policy': 'rateLimit', 'opero.limit.name': 'twin' }, 2],
    ]);
    assert.deepEqual(await down('memoryStore'), [0]);
    for (const store of stores) await store.close();
    const broken = redisStore({ send: () => Promise.reject(new RangeError('no')) }, { prefix: 'broken' });
    class Broken {
      @rateLimit({ rate: 1000, store: broken, name: 'broken' }) async get(): Promise<void> {}
    }
    await new Broken().get();
    assert.deepEqual(await down('redisStore:broken'), [1]);
    assert.deepEqual(
      (await metrics.points('opero.store.outages')).filter(([each]) => each['error.type'] === 'RangeError'),
      [[{ 'opero.store': 'redisStore:broken', 'error.type': 'RangeError' }, 1]],
    );
    await broken.close();
    assert.deepEqual(await down('redisStore:broken'), [0]);
  });
});
