import type { IoRedis } from './clients.js';
import type { Connection, Listener } from './connection.js';
import { readiness } from './readiness.js';

/** A client for one server, or for a cluster, as ioredis has it. */
interface Client extends IoRedis {
  readonly status: string;
  on(event: string, listener: () => void): unknown;
  call(...args: readonly string[]): Promise<unknown>;
  duplicate(options: object): Subscriber;
  /** Those of a cluster. */
  nodes?(role: 'master'): readonly Client[];
}

/** A client that listens. */
interface Subscriber {
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'error' | 'end', listener: () => void): unknown;
  readonly stream?: { unref?(): void };
  connect(): Promise<unknown>;
  subscribe(...channels: readonly string[]): Promise<unknown>;
  disconnect(): void;
}

/** Those in which a command would wait until they are over, however long that takes. */
const underWay: readonly string[] = ['connecting', 'connect', 'reconnecting'];

/** Listens on a connection of its own, which keeps no program alive and is not made anew by itself. */
async function listen(
  client: Client,
  channels: readonly string[],
  listener: Listener,
  ended: () => void,
): Promise<() => void> {
  const subscriber = client.duplicate({
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    autoResubscribe: false,
    keyPrefix: '',
  });
  subscriber.on('error', ended);
  subscriber.on('end', ended);
  subscriber.on('message', (channel, message) => listener(message, channel));
  const connected = subscriber.connect();
  setImmediate(() => subscriber.stream?.unref?.());
  await connected;
  subscriber.stream?.unref?.();
  try {
    await subscriber.subscribe(...channels);
  } catch (error) {
    subscriber.disconnect();
    throw error;
  }
  return () => subscriber.disconnect();
}

export function ioRedis(given: IoRedis): Connection {
  const client = given as Client;
  return {
    send: (_, args) => client.call(...args),
    ready: readiness(client, () => !underWay.includes(client.status)),
    async subscribe(channels, listener, ended) {
      const nodes = client.nodes?.('master');
      const node = nodes === undefined ? client : nodes[Math.floor(Math.random() * nodes.length)];
      if (node === undefined) throw new Error('the cluster has no master that is known');
      return await listen(node, channels, listener, ended);
    },
  };
}
