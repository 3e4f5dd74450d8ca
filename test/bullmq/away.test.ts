import { strict as assert } from 'node:assert';
import { after, before, describe, mock, test } from 'node:test';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { queued, serve } from 'opero/bullmq';
import { BadNetwork } from '../redis/support/bad-network.js';
import { redisPort } from './support/crm.js';
import { Process } from './support/processes.js';
import { needsRedis, RedisServer } from './support/redis-server.js';

const setTimeoutOfNode = setTimeout;
const turn = (): Promise<void> => new Promise((resolve) => setTimeoutOfNode(resolve, 1));

/** What a client of ioredis has sent, or is to send, and has no answer to. */
const unanswered = (client: object): number =>
  ['commandQueue', 'offlineQueue', 'prevCommandQueue'].reduce(
    (sum, name) => sum + ((Reflect.get(client, name) as { length: number } | null)?.length ?? 0),
    0,
  );

describe('while Redis is away', needsRedis, () => {
  let redis: RedisServer;
  let network: BadNetwork;

  before(async () => {
    redis = await RedisServer.start();
    network = await BadNetwork.before(redis.port);
  });

  after(async () => {
    await network.close();
    await redis.stop();
  });

  for (const way of ['is silent', 'is down'] as const) {
    test(`it ${way}: calls that wait ask once in all, and have their answers once it is back`, async (t) => {
      const client = new Redis({ host: '127.0.0.1', port: network.port, maxRetriesPerRequest: null });
      client.on('error', () => {});
      t.after(() => client.disconnect());
      const name = way.replace(' ', '-');
      class Away {
        @queued({ name, connection: client })
        async double(value: number): Promise<number> {
          return 2 * value;
        }
      }
      const away = new Away();
      const queue = new Queue(name, { connection: redis.connection });
      queue.on('error', () => {});
      mock.timers.enable({ apis: ['setTimeout'] });
      t.after(() => mock.timers.reset());
      const values = Array.from({ length: 50 }, (_, at) => at);
      const calls = Promise.all(values.map((at) => away.double(at)));
      while ((await queue.getWaitingCount()) < 50) await turn();
      // All that was sent is answered: their jobs are in the queue.
      while (unanswered(client) > 0) await turn();
      if (way === 'is silent') network.swallows = 'all';
      else {
        network.target = 1;
        network.cut();
      }
      let most = 0;
      for (let look = 0; look < 300; look++) {
        mock.timers.tick(500);
        await turn();
        most = Math.max(most, unanswered(client));
      }
      // One that asks whether it answers, and those by which a connection begins.
      assert.ok(most > 0 && most <= 8, `${most} commands without an answer`);
      network.swallows = 'nothing';
      network.target = redis.port;
      network.cut();
      const worker = serve(new Away(), { connection: { ...redis.connection }, concurrency: 50 });
      let isOver = false;
      const results = calls.finally(() => {
        isOver = true;
      });
      while (!isOver) {
        mock.timers.tick(500);
        await turn();
      }
      assert.deepEqual(
        await results,
        values.map((at) => 2 * at),
      );
      mock.timers.reset();
      await worker.close();
      await queue.close();
    });
  }

  test('a first connection that is never greeted is replaced: caller and worker go on', async () => {
    network.swallows = 'all';
    const connection = () => ({ host: '127.0.0.1', port: network.port });
    class Late {
      @queued({ name: 'late', connection })
      async double(value: number): Promise<number> {
        return 2 * value;
      }
    }
    const reached = network.swallowsData();
    const worker = serve(new Late(), { connection });
    const call = new Late().double(2);
    await reached;
    network.swallows = 'nothing';
    assert.equal(await call, 4);
    await worker.close();
  });

  test('one that is silent from the beginning keeps no finished program alive', async () => {
    network.swallows = 'all';
    redisPort.port = network.port;
    const caller = Process.caller('leave');
    await caller.tells('TimeoutError');
    assert.equal(await caller.ends(), 0);
    network.swallows = 'nothing';
  });
});
