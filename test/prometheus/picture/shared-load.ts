import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { concurrency, rateLimit, retry } from 'opero';
import { queued, serve } from 'opero/bullmq';
import { redisStore } from 'opero/redis';
import { RedisServer } from '../../redis/support/server.js';
import { seeded } from '../../support/random.js';

const random = seeded(2);

/** A Redis of the picture's own, and what processes share in it: limits of an API, and jobs. */
export interface SharedLoad {
  /** Calls that take a permit and a slot, long ones that may hold theirs while Redis is away, and calls that run as jobs. */
  readonly calls: Readonly<Record<'sync' | 'export' | 'send', () => Promise<unknown>>>;
  /** Has Redis gone for so many seconds. */
  outage(seconds: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts all of it. */
export async function shareLoad(): Promise<SharedLoad> {
  const redis = await RedisServer.start('--appendonly', 'yes');
  const connection = { host: '127.0.0.1', port: redis.port };
  const client = new Redis({ ...connection, maxRetriesPerRequest: null, retryStrategy: () => 200 });
  client.on('error', () => {});
  const store = redisStore(client, { whenDown: 'local', lease: 5_000 });

  class Crm {
    @rateLimit({ rate: 12, store, name: 'crm-api' })
    @concurrency({ limit: 4, store, name: 'crm-slots' })
    async sync(): Promise<void> {
      await sleep(60 + random() * 200);
    }

    @concurrency({ limit: 1, store, name: 'crm-exports' })
    async export(): Promise<void> {
      await sleep(12_000);
    }
  }

  class Mails {
    @retry({ maxAttempts: 2, waitMin: 100 })
    @queued({ name: 'mails', connection: () => connection })
    async send(): Promise<string> {
      await sleep(100 + random() ** 3 * 900);
      if (random() < 0.06) throw new RangeError('no such mailbox');
      return 'sent';
    }
  }

  const [crm, mails] = [new Crm(), new Mails()];
  const served = serve(mails, { connection, concurrency: 8 });
  return {
    calls: { sync: () => crm.sync(), export: () => crm.export(), send: () => mails.send() },
    async outage(seconds) {
      await redis.kill();
      await sleep(seconds * 1000);
      await redis.start();
    },
    async [Symbol.asyncDispose]() {
      await served.close();
      await store.close();
      client.disconnect();
      await redis.stop();
    },
  };
}
