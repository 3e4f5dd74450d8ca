import { Redis } from 'ioredis';
import { concurrency, rateLimit, type Store, type StoreEvent, type StoreOptions } from 'opero';
import { type RedisClient, redisStore } from 'opero/redis';
import { createClient } from 'redis';

/** Connects a client; gives what ends it, too. */
export type Connect = (port: number) => Promise<readonly [RedisClient, () => unknown]>;

/** The clients that are tried; each is closed by what it comes with. */
export const clients: Readonly<Record<string, Connect>> = {
  async ioredis(port) {
    const client = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on('error', () => {});
    return [client, () => client.disconnect()];
  },
  async 'node-redis'(port) {
    const client = createClient({ socket: { port, host: '127.0.0.1', reconnectStrategy: 20 } });
    client.on('error', () => {});
    await client.connect();
    return [client, () => client.destroy()];
  },
};

/** One process, as it were: a store, what that tells, and methods whose limits are in it. */
export async function processOf(connect: Connect, port: number, prefix: string, options: StoreOptions) {
  const [client, end] = await connect(port);
  const events: StoreEvent[] = [];
  const waiting = new Set<() => void>();
  const store: Store = redisStore(client, {
    prefix,
    timeout: 10_000,
    ...options,
    onEvent(event) {
      events.push(event);
      for (const each of [...waiting]) each();
    },
  });
  const starts: number[] = [];
  class Api {
    @rateLimit({ rate: 8, per: 60_000, store, name: 'quick', maxWait: 0 })
    async get(): Promise<void> {}

    @rateLimit({ rate: 8, per: 60_000, store, name: 'slow' })
    async wait(): Promise<void> {}

    @rateLimit({ rate: 10, per: 1500, store, name: 'windows' })
    async start(): Promise<void> {
      starts.push(performance.now());
    }

    @concurrency({ limit: 1, store, name: 'slots' })
    async hold(until: Promise<unknown>): Promise<void> {
      await until;
    }
  }
  /** The first event of a kind that it tells from now on. */
  const tells = (type: StoreEvent['type']): Promise<StoreEvent> => {
    const from = events.length;
    return new Promise((resolve) => {
      const look = (): void => {
        const found = events.slice(from).find((each) => each.type === type);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
    });
  };
  const close = async (): Promise<void> => {
    await store.close();
    await end();
  };
  return { api: new Api(), events, starts, tells, close };
}
