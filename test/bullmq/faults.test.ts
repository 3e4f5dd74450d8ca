import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { Queue } from 'bullmq';
import { enqueue } from 'opero/bullmq';
import { BadNetwork } from '../redis/support/bad-network.js';
import { Crm, redisPort } from './support/crm.js';
import { Process } from './support/processes.js';
import { needsRedis, RedisServer } from './support/redis-server.js';

/** Workers that look for stalled jobs often, and lose no lock of their own, however busy the machine. */
const quick = { lockDuration: 60_000, stalledInterval: 500, concurrency: 20 };

describe('jobs over a bad network, and a Redis that keeps its data', needsRedis, () => {
  let redis: RedisServer;
  let network: BadNetwork;
  let queue: Queue;
  const crm = new Crm('caller');

  before(async () => {
    redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    network = await BadNetwork.before(redis.port);
    // That of the calls of this process; a worker has its own.
    redisPort.port = network.port;
    queue = new Queue('crm', { connection: redis.connection });
    queue.on('error', () => {});
    const worker = await workerOn(redis.port);
    assert.equal(await crm.echo('begin'), 'begin');
    await worker.kill();
  });

  after(async () => {
    await queue.close();
    await network.close();
    await redis.stop();
  });

  /** A worker that reaches Redis by this port. */
  async function workerOn(port: number, options: object = {}): Promise<Process> {
    redisPort.port = port;
    const starting = Process.worker({ name: 'w', ...quick, ...options });
    redisPort.port = network.port;
    return await starting;
  }

  test('a caller whose connections lead nowhere: calls under way, and new ones, have their answers', async () => {
    const worker = await workerOn(redis.port);
    const held = crm.hold('a');
    await worker.tells('entered a');
    network.forget();
    worker.send('leave');
    assert.equal(await held, 'a by w');
    await worker.kill();
  });

  test('a caller whose connections lead nowhere before it calls, or enqueues', async () => {
    const worker = await workerOn(redis.port);
    assert.equal(await crm.echo('reached'), 'reached');
    network.forget();
    assert.equal(await crm.echo('b'), 'b');
    network.forget();
    const id = await enqueue(crm, 'echo', ['b']);
    assert.ok(await queue.getJob(id));
    await worker.kill();
  });

  test('a worker whose connections lead nowhere has others, and its calls have their answers', async () => {
    const worker = await workerOn(network.port);
    const held = crm.hold('c');
    await worker.tells('entered c');
    network.forget();
    worker.send('leave');
    assert.deepEqual(await Promise.all([held, crm.echo('c')]), ['c by w', 'c']);
    await worker.kill();
  });

  test('J3 a stream of replies that is deleted again and again: who heard nothing asks for its job', async () => {
    const workers = await Promise.all([workerOn(redis.port), workerOn(redis.port)]);
    const client = await queue.getBackend().connection.client;
    let isOver = false;
    const deleting = (async () => {
      while (!isOver) {
        const [, keys] = await client.scan(0, { MATCH: 'opero:replies:*', COUNT: 10_000 });
        for (const key of keys) await client.del(key);
      }
    })();
    const values = Array.from({ length: 200 }, (_, at) => at);
    assert.deepEqual(await Promise.all(values.map((at) => crm.echo(at))), values);
    isOver = true;
    await deleting;
    for (const each of workers) await each.kill();
  });

  test('a Redis that keeps its data, killed twice in the middle of 200 calls: each has its answer', async () => {
    const worker = await workerOn(redis.port, { name: 'kept', concurrency: 5 });
    const values = Array.from({ length: 200 }, (_, at) => at);
    let answered = 0;
    let next = (): void => {};
    const calls = values.map(async (at) => {
      await new Promise((resolve) => setTimeout(resolve, at * 5));
      const value = await crm.echo(at);
      answered++;
      next();
      return value;
    });
    for (const count of [50, 120]) {
      while (answered < count) {
        await new Promise<void>((resolve) => {
          next = resolve;
        });
      }
      await redis.kill();
      await redis.start();
    }
    assert.deepEqual(await Promise.all(calls), values);
    await worker.kill();
  });
});
