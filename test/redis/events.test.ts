import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { concurrency, isRejectedError, methods, type OperoEvent, on, rateLimit, StoreError } from 'opero';
import { OperoHealthIndicator } from 'opero/nestjs';
import { redisStore } from 'opero/redis';
import { memoryStore } from 'opero/testing';
import { underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { missing, RedisServer } from './support/server.js';

/** The events of a kind from now on, until they are heard no more. */
function heard<Kind extends 'store' | 'lease' | 'wait' | 'reject'>(kind: Kind) {
  const events: OperoEvent<Kind>[] = [];
  const undo = on(kind, (event: unknown) => {
    events.push(event as OperoEvent<Kind>);
  });
  return { events, [Symbol.dispose]: () => undo() };
}

const usedBy = (className: string): number | undefined =>
  methods().find((each) => each.className === className)?.stats.used;

describe('the events of limits in a store', () => {
  test('a lease is taken with the first slot, and released when nobody here wants one', () =>
    underFakeClock(async (clock) => {
      using leases = heard('lease');
      class Ledger {
        @concurrency({ limit: 2, store: memoryStore(), name: 'ledger' })
        async hold(): Promise<void> {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
      const ledger = new Ledger();
      const calls = Promise.all([ledger.hold(), ledger.hold()]);
      await clock.tickAsync(50);
      const store = 'memoryStore';
      const taken = { type: 'lease', store, name: 'ledger', key: undefined, state: 'taken', error: undefined };
      assert.deepEqual(leases.events, [taken]);
      assert.equal(usedBy('Ledger'), 2);
      await clock.tickAsync(1000);
      await calls;
      assert.deepEqual(leases.events, [taken, { ...taken, state: 'released' }]);
      assert.equal(usedBy('Ledger'), 0);
    }));

  test('have the name of a limit and its key apart', () =>
    underFakeClock(async (clock) => {
      using leases = heard('lease');
      using stores = heard('store');
      class Ledger {
        @concurrency({ limit: 1, store: memoryStore(), name: 'led:ger', key: (tenant: string) => tenant })
        async hold(_tenant: string): Promise<void> {}
      }
      const call = new Ledger().hold('a:b');
      await clock.tickAsync(1000);
      await call;
      const [lease, trip] = [leases.events[0], stores.events[0]];
      assert.deepEqual([lease?.name, lease?.key], ['led:ger', 'a:b']);
      assert.deepEqual([trip?.name, trip?.key, trip?.policy], ['led:ger', 'a:b', 'concurrency']);
    }));

  test('a wait is told of when it is over, whatever ends it', () =>
    underFakeClock(async (clock) => {
      using waits = heard('wait');
      class Api {
        @rateLimit({ rate: 1, per: 1000, store: memoryStore(), name: 'api', maxWait: 5000 })
        async get(_options?: { signal: AbortSignal }): Promise<void> {}
      }
      const api = new Api();
      const leaving = new AbortController();
      const calls = Promise.allSettled([api.get(), api.get(), api.get({ signal: leaving.signal })]);
      await clock.tickAsync(500);
      leaving.abort(new Error('left'));
      await clock.tickAsync(2000);
      await calls;
      const told = waits.events.map(({ method, policy, error }) => [method, policy, (error as Error)?.message]);
      assert.deepEqual(told, [
        ['get', 'rateLimit', undefined],
        ['get', 'rateLimit', 'left'],
        ['get', 'rateLimit', undefined],
      ]);
      const { duration } = waits.events.at(-1) as OperoEvent<'wait'>;
      assert.ok(duration >= 1000 && duration < 1500, String(duration));
    }));

  test('a rejection is told of once, of either limit', () =>
    underFakeClock(async (clock) => {
      using rejections = heard('reject');
      const store = memoryStore();
      const end = deferred();
      class Api {
        @rateLimit({ rate: 1, per: 60_000, store, name: 'api', maxWait: 100 }) async get(): Promise<void> {}
        @concurrency({ limit: 1, store, name: 'api', maxQueue: 0 })
        async hold(): Promise<void> {
          await end.promise;
        }
      }
      const api = new Api();
      const calls = Promise.allSettled([api.get(), api.get(), api.hold(), api.hold()]);
      await clock.tickAsync(1000);
      end.resolve();
      await clock.tickAsync(1000);
      const errors = (await calls).flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      assert.equal(errors.length, 2);
      assert.ok(errors.every(isRejectedError));
      const told = rejections.events.map(({ method, policy, reason }) => [method, policy, reason]);
      assert.deepEqual(told.sort(), [
        ['get', 'rateLimit', 'wait-timeout'],
        ['hold', 'concurrency', 'queue-full'],
      ]);
      assert.deepEqual(new Set(rejections.events.map(({ error }) => error)), new Set(errors));
    }));
});

describe('the events of a Redis', { skip: missing }, () => {
  test('tell that it is down, why, and that it is back, and of each trip', { timeout: 60_000 }, async (t) => {
    const server = await RedisServer.start();
    const client = new Redis({ port: server.port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on('error', () => {});
    const store = redisStore(client, { prefix: 'shop', whenDown: 'reject' });
    t.after(async () => {
      await store.close();
      client.disconnect();
      await server.stop();
    });
    const isBack = deferred();
    const events: OperoEvent<'store'>[] = [];
    t.after(
      on('store', (event) => {
        events.push(event);
        if (event.state === 'up') isBack.resolve();
      }),
    );
    class Api {
      @rateLimit({ rate: 1000, store, name: 'api' }) async get(): Promise<void> {}
    }
    const api = new Api();
    await api.get();
    const { duration: trip, ...first } = events[0] as OperoEvent<'store'>;
    const limit = { name: 'api', key: undefined, policy: 'rateLimit' };
    const told = { type: 'store', store: 'redisStore:shop', ...limit, state: 'trip', error: undefined };
    assert.deepEqual(first, told);
    assert.ok(trip !== undefined && trip > 0 && trip < 500, String(trip));
    await server.kill();
    assert.ok((await rejection(api.get())) instanceof StoreError);
    const down = events.filter(({ state }) => state === 'down');
    assert.deepEqual(
      down.map(({ name, error }) => [name, error instanceof Error]),
      [['api', true]],
    );
    const health = (): unknown[] => [...(new OperoHealthIndicator().isHealthy('opero').opero.downStores ?? [])];
    assert.equal(health().length, 1);
    await server.start();
    await isBack.promise;
    const up = events.find(({ state }) => state === 'up') as OperoEvent<'store'>;
    assert.deepEqual([up.store, up.name, up.policy, up.error], ['redisStore:shop', undefined, undefined, undefined]);
    assert.ok((up.duration ?? 0) > 0);
    assert.deepEqual(health(), []);
    await api.get();
  });
});
