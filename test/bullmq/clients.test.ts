import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { Cluster, Redis } from 'ioredis';
import { ConfigurationError, JobError } from 'opero';
import { type ConnectionSource, enqueue, queued, serve } from 'opero/bullmq';
import { createClient, createCluster } from 'redis';
import { patientLike } from '../../src/bullmq/connection.js';
import { startCluster } from '../redis/support/backends.js';
import { RedisServer } from '../redis/support/server.js';
import { rejection } from '../support/rejection.js';
import { monitor } from './support/monitor.js';
import { needsRedis } from './support/redis-server.js';

/** An object whose calls go by this connection. */
function crmOn(connection: ConnectionSource, prefix?: string) {
  class Crm {
    @queued({ name: 'crm', connection, ...(prefix !== undefined && { prefix }) })
    async double(value: number): Promise<number> {
      if (Number.isNaN(value)) throw new RangeError('no number');
      return 2 * value;
    }

    @queued({ name: 'crm', connection, ...(prefix !== undefined && { prefix }) })
    async hang(_options: { signal: AbortSignal }): Promise<never> {
      return await new Promise((_, reject) => {
        const { signal } = _options;
        signal.addEventListener('abort', () => reject(signal.reason));
        entered();
      });
    }
  }
  let entered = (): void => {};
  const entering = new Promise<void>((resolve) => {
    entered = resolve;
  });
  return { crm: new Crm(), entering };
}

/** Results, errors, aborts and jobs that nobody waits for. */
async function works({ crm, entering }: ReturnType<typeof crmOn>): Promise<void> {
  await using worker = serve(crm, { concurrency: 10 });
  await worker.ready;
  const values = Array.from({ length: 100 }, (_, at) => at);
  assert.deepEqual(
    await Promise.all(values.map((at) => crm.double(at))),
    values.map((at) => 2 * at),
  );
  assert.ok((await rejection(crm.double(Number.NaN))) instanceof RangeError);
  const controller = new AbortController();
  const hanging = rejection(crm.hang({ signal: controller.signal }));
  await entering;
  controller.abort(new Error('left'));
  assert.equal(String(await hanging), 'Error: left');
  assert.equal(await enqueue(crm, 'double', [1], { id: 'one' }), 'one');
}

describe('the connections that @queued takes', needsRedis, () => {
  const ends: (() => unknown)[] = [];
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  test('a client of node-redis', async () => {
    const redis = await RedisServer.start();
    // The timer of node-redis would hold this program without it.
    redis.leaveToEnd();
    const client = createClient({ socket: { host: '127.0.0.1', port: redis.port } });
    client.on('error', () => {});
    await client.connect();
    ends.push(() => client.destroy());
    await works(crmOn(client));
  });

  test('a client of ioredis whose commands do not wait, as those of `new Redis()`: answers come at once', async () => {
    const redis = await RedisServer.start();
    const client = new Redis(redis.port);
    client.on('error', () => {});
    ends.push(
      () => redis.stop(),
      () => client.disconnect(),
    );
    const { crm } = crmOn(client);
    let looks = 0;
    const endMonitor = await monitor(redis.port, ([command = '', ...args]) => {
      if (command.toLowerCase() === 'hmget' && args.includes('opero')) looks++;
    });
    ends.push(endMonitor);
    await using worker = serve(crm);
    await worker.ready;
    assert.equal(await crm.double(1), 2);
    assert.equal(looks, 0);
  });

  test('a client of ioredis whose commands give up after any number of tries is a model for one whose commands wait', () => {
    for (const maxRetriesPerRequest of [undefined, 20, 0, -1]) {
      const like = patientLike(new Redis({ lazyConnect: true, maxRetriesPerRequest }));
      assert.equal((like as unknown as Redis).options.maxRetriesPerRequest, null);
    }
    assert.equal(patientLike(new Redis({ lazyConnect: true, maxRetriesPerRequest: null })), undefined);
    const cluster = new Cluster([], { lazyConnect: true, redisOptions: { maxRetriesPerRequest: 0 } });
    assert.throws(() => patientLike(cluster), /give the `redisOptions` of the cluster `maxRetriesPerRequest: null`/);
    assert.equal(patientLike(new Cluster([], { lazyConnect: true })), undefined);
  });

  test('one that Redis lets in nowhere, for its password or its database: calls, enqueue() and serve() reject', async () => {
    const redis = await RedisServer.start('--requirepass', 'secret');
    ends.push(() => redis.stop());
    const at = { host: '127.0.0.1', port: redis.port };
    const wrong: [ConnectionSource, RegExp][] = [
      [at, /NOAUTH/],
      [{ ...at, password: 'wrong' }, /WRONGPASS/],
      [{ ...at, password: 'secret', db: 99 }, /ERR DB index is out of range/],
    ];
    for (const [connection, message] of wrong) {
      const { crm } = crmOn(connection);
      for (const error of await Promise.all([crm.double(1), enqueue(crm, 'double', [1])].map(rejection))) {
        assert.ok(error instanceof JobError && error.reason === 'not-queued', String(error));
        assert.match(error.message, message);
      }
      assert.match(String(await rejection(serve(crm).closed)), message);
    }
    await works(crmOn({ ...at, password: 'secret' }));
  });

  test('a Cluster of ioredis, with a hash tag in the prefix', async () => {
    const servers = await startCluster();
    ends.push(() => Promise.all(servers.map((each) => each.stop())));
    const nodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
    const client = new Cluster(nodes);
    client.on('error', () => {});
    ends.push(() => client.disconnect());
    await works(crmOn(client, '{opero}'));
    const untagged = crmOn(client).crm;
    const message = /in a cluster all keys of a queue are in one slot.*`prefix: '\{bull\}'`/;
    const calls: Promise<unknown>[] = [untagged.double(1), enqueue(untagged, 'double', [1]), serve(untagged).closed];
    for (const error of await Promise.all(calls.map(rejection))) {
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.match(error.message, message);
    }
  });

  test('a cluster of node-redis is a ConfigurationError, at once or once it is given', async () => {
    const cluster = createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] });
    const message = /got a cluster of node-redis, which BullMQ cannot use: take the Cluster of ioredis/;
    assert.throws(() => crmOn(cluster as never), message);
    const error = await rejection(crmOn(() => cluster as never).crm.double(1));
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, message);
  });
});
