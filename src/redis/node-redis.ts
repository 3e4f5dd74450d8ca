import type { NodeRedis } from './clients.js';
import type { Connection, Listener } from './connection.js';
import { readiness } from './readiness.js';

/** A client for one server, as node-redis has it. */
interface Single extends NodeRedis {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  on(event: string, listener: () => void): unknown;
  sendCommand(args: readonly string[]): Promise<unknown>;
  duplicate(options: object): Subscriber;
}

/** A client that listens. */
interface Subscriber {
  on(event: string, listener: () => void): unknown;
  unref(): void;
  connect(): Promise<unknown>;
  subscribe(channels: readonly string[], listener: Listener): Promise<unknown>;
  destroy(): void;
}

/** A client for a cluster. */
interface Cluster extends NodeRedis {
  readonly masters: readonly object[];
  sendCommand(key: string, isReadonly: boolean, args: readonly string[]): Promise<unknown>;
  nodeClient(node: object): Promise<Single>;
}

const isCluster = (client: object): client is Cluster => 'masters' in client && 'nodeClient' in client;

/** Listens on a connection of its own, which keeps no program alive and is not made anew by itself. */
async function listen(
  client: Single,
  channels: readonly string[],
  listener: Listener,
  ended: () => void,
): Promise<() => void> {
  const subscriber = client.duplicate({ socket: { ...socketOf(client), reconnectStrategy: false } });
  for (const event of ['error', 'end']) subscriber.on(event, ended);
  subscriber.unref();
  await subscriber.connect();
  try {
    await subscriber.subscribe(channels, listener);
  } catch (error) {
    subscriber.destroy();
    throw error;
  }
  return () => subscriber.destroy();
}

/** Options are replaced whole by those of a duplicate. */
const socketOf = (client: object): object =>
  (Reflect.get(client, 'options') as { readonly socket?: object } | undefined)?.socket ?? {};

export function nodeRedis(client: NodeRedis): Connection {
  if (isCluster(client)) return clusterOf(client);
  const single = client as Single;
  const ready = readiness(single, () => single.isReady || !single.isOpen);
  return {
    send: (_, args) => single.sendCommand(args),
    ready,
    subscribe: (channels, listener, ended) => listen(single, channels, listener, ended),
  };
}

const clusterOf = (client: Cluster): Connection => ({
  send: (key, args) => client.sendCommand(key, false, args),
  ready: () => undefined,
  async subscribe(channels, listener, ended) {
    const node = client.masters[Math.floor(Math.random() * client.masters.length)];
    if (node === undefined) throw new Error('the cluster has no master that is known');
    return await listen(await client.nodeClient(node), channels, listener, ended);
  },
});
