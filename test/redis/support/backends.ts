import { Cluster, Redis } from 'ioredis';
import type { Store } from 'opero';
import { type NodeRedis, redisStore } from 'opero/redis';
import { type MemoryStoreOptions, memoryStore } from 'opero/testing';
import { createClient, createCluster } from 'redis';
import { missing, RedisServer } from './server.js';

export type Options = Omit<MemoryStoreOptions, 'sharedWith'>;

/** Where the state of limits is, as the tests see it. */
export interface Place {
  /** A store of another process, as it were, that shares its limits with the others of this test. */
  store(options?: Options): Promise<Store>;
  /** Forgets all; undefined where that cannot be. */
  readonly flush: (() => Promise<void>) | undefined;
  /** The time that is left to each key, in milliseconds; -1: it does not end. */
  readonly timesToLive: (() => Promise<number[]>) | undefined;
  /** Another name that no test has had. */
  name(): string;
  close(): Promise<void>;
}

/** A busy machine is no store that is down. */
const patient = { timeout: 10_000 };

let names = 0;

async function inMemory(): Promise<Place> {
  let first: Store | undefined;
  return {
    async store(options = {}) {
      const store = memoryStore(first === undefined ? options : { ...options, sharedWith: first });
      first ??= store;
      return store;
    },
    flush: undefined,
    timesToLive: undefined,
    name: () => `n${++names}`,
    close: async () => {},
  };
}

/** Clients that are closed with their place. */
class Clients {
  readonly ends: (() => unknown)[] = [];

  io(port: number): Redis {
    const client = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
    client.on('error', () => {});
    this.ends.push(() => client.disconnect());
    return client;
  }

  async node(port: number): Promise<NodeRedis> {
    const client = createClient({ socket: { port, host: '127.0.0.1' } });
    client.on('error', () => {});
    await client.connect();
    this.ends.push(() => client.destroy());
    return client;
  }
}

const single =
  (connect: (clients: Clients, port: number) => Promise<Parameters<typeof redisStore>[0]>) =>
  async (): Promise<Place> => {
    const server = await RedisServer.start();
    const clients = new Clients();
    const own = clients.io(server.port);
    return {
      store: async (options = {}) => redisStore(await connect(clients, server.port), { ...patient, ...options }),
      flush: async () => void (await own.flushall()),
      timesToLive: async () => Promise.all((await own.keys('*')).map((key) => own.pttl(key))),
      name: () => `n${++names}`,
      async close() {
        for (const end of clients.ends) end();
        await server.stop();
      },
    };
  };

/** Starts a cluster of three, and waits until it is one. */
export async function startCluster(): Promise<RedisServer[]> {
  const servers = await Promise.all(
    [0, 1, 2].map(() => RedisServer.start('--cluster-enabled', 'yes', '--cluster-node-timeout', '2000')),
  );
  const clients = servers.map(({ port }) => new Redis({ port, host: '127.0.0.1' }));
  const bounds = [0, 5461, 10_923, 16_384];
  for (const [at, client] of clients.entries()) {
    await client.call('CLUSTER', 'ADDSLOTSRANGE', String(bounds[at]), String((bounds[at + 1] as number) - 1));
    if (at > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', String(servers[0]?.port));
  }
  for (const client of clients) {
    let info = '';
    while (!info.includes('cluster_state:ok') || !info.includes('cluster_size:3')) {
      info = String(await client.call('CLUSTER', 'INFO'));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    client.disconnect();
  }
  return servers;
}

const clustered =
  (connect: (ports: readonly number[], ends: (() => unknown)[]) => Promise<Parameters<typeof redisStore>[0]>) =>
  async (): Promise<Place> => {
    const servers = await startCluster();
    const ends: (() => unknown)[] = [];
    const ports = servers.map(({ port }) => port);
    return {
      store: async (options = {}) => redisStore(await connect(ports, ends), { ...patient, ...options }),
      flush: undefined,
      timesToLive: undefined,
      name: () => `n${++names}`,
      async close() {
        for (const end of ends) end();
        for (const server of servers) await server.stop();
      },
    };
  };

/** All the stores that there are; each is to do the same. */
export const places: readonly { readonly name: string; readonly skip: string | undefined; open(): Promise<Place> }[] = [
  { name: 'memoryStore', skip: undefined, open: inMemory },
  { name: 'ioredis', skip: missing, open: single(async (clients, port) => clients.io(port)) },
  { name: 'node-redis', skip: missing, open: single((clients, port) => clients.node(port)) },
  {
    name: '{ send }',
    skip: missing,
    open: single(async (clients, port) => {
      const client = clients.io(port);
      return { send: ([command, ...args]) => client.call(command as string, ...args) };
    }),
  },
  {
    name: '{ send, subscribe }',
    skip: missing,
    open: single(async (clients, port) => {
      const client = clients.io(port);
      return {
        send: ([command, ...args]) => client.call(command as string, ...args),
        async subscribe(channel, listener) {
          const subscriber = clients.io(port);
          subscriber.on('message', (_, message) => listener(message));
          await subscriber.subscribe(channel);
          return () => subscriber.disconnect();
        },
      };
    }),
  },
  {
    name: 'a cluster of ioredis',
    skip: missing,
    open: clustered(async (ports, ends) => {
      const client = new Cluster(ports.map((port) => ({ port, host: '127.0.0.1' })));
      client.on('error', () => {});
      ends.push(() => client.disconnect());
      return client;
    }),
  },
  {
    name: 'a cluster of node-redis',
    skip: missing,
    open: clustered(async (ports, ends) => {
      const client = createCluster({ rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) });
      client.on('error', () => {});
      await client.connect();
      ends.push(() => client.destroy());
      return client;
    }),
  },
];
