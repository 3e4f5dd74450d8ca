import { ConfigurationError } from '../core/errors.js';
import { type Rule, show } from '../core/options.js';
import type { Store } from '../limits/store.js';
import { readStoreOptions, type StoreOptions } from '../limits/stored/options.js';
import { StoreOn } from '../limits/stored/store-on.js';
import type { IoRedis, NodeRedis, RedisClient, RedisSender } from './clients.js';
import type { Connection } from './connection.js';
import { ioRedis } from './ioredis.js';
import { nodeRedis } from './node-redis.js';
import { RedisBackend } from './redis-backend.js';

/**
 * Options of `redisStore`.
 *
 * @example
 * const options: RedisStoreOptions = { prefix: 'shop', whenDown: 'wait' };
 */
export interface RedisStoreOptions extends StoreOptions {
  /** What all keys and channels begin with. Stores with different ones share nothing. Default `'opero'`. */
  readonly prefix?: string;
}

const prefixRule: Rule = {
  allowed: 'a string that is not empty, and without braces',
  test: (value) => typeof value === 'string' && /^[^{}]+$/.test(value),
};

const has = (client: object, name: string): boolean => typeof Reflect.get(client, name) === 'function';

/** Pools, those for sentinels, and old ones send in other ways. */
const isNodeRedis = (client: object): boolean =>
  has(client, 'sendCommand') && has(client, 'duplicate') && !has(client, 'getMasterNode');

const isSubscribe = (value: unknown): boolean => value === undefined || typeof value === 'function';

function connectionOf(client: unknown): Connection {
  if (typeof client === 'object' && client !== null) {
    if (has(client, 'defineCommand') && has(client, 'call')) return ioRedis(client as IoRedis);
    if (isNodeRedis(client)) return nodeRedis(client as NodeRedis);
    if (has(client, 'send') && isSubscribe(Reflect.get(client, 'subscribe'))) return senderOf(client as RedisSender);
  }
  const allowed =
    'a client of `redis` or `ioredis` for a server or a cluster, or an object with `send(args)`, and perhaps `subscribe(channel, listener)`';
  throw new ConfigurationError(`redisStore(): expected the client to be ${allowed}, got ${show(client)}`);
}

function senderOf(sender: RedisSender): Connection {
  const subscribe = async (
    channels: readonly string[],
    listener: (message: string, channel: string) => void,
  ): Promise<() => unknown> => {
    const ends = await Promise.all(
      channels.map((channel) => sender.subscribe?.(channel, (message) => listener(message, channel))),
    );
    return () => Promise.all(ends.map((end) => end?.()));
  };
  return {
    send: (_, args) => sender.send(args),
    ready: () => undefined,
    subscribe: sender.subscribe === undefined ? undefined : subscribe,
  };
}

/**
 * A store of limits in Redis 7, or Valkey, for all processes that use it.
 *
 * @param client A client of `redis` (from 5) or `ioredis` (from 5), a cluster's included; or `{ send(args), subscribe? }`. It stays
 * yours: you connect it, and close it after the store.
 * @param options `prefix` (`'opero'`), `timeout` in ms (500), `whenDown` (`'local'`), `lease` in ms (10 000), `processes`,
 * `onEvent`.
 * @throws ConfigurationError when an option, or the client, is wrong.
 * @example
 * const client = createClient();
 * client.on('error', () => {});
 * await client.connect();
 * const store = redisStore(client);
 * class Crm {
 *   \@rateLimit({ rate: 100, store, name: 'crm-api' }) async sync(tenant: string): Promise<Report> { ... }
 * }
 */
export function redisStore(client: RedisClient, options?: RedisStoreOptions): Store {
  const own = { rules: { prefix: prefixRule }, defaults: { prefix: 'opero' } };
  const { prefix, ...filled } = readStoreOptions<RedisStoreOptions>('redisStore()', options, own);
  return new StoreOn(new RedisBackend(connectionOf(client), prefix ?? 'opero'), filled);
}
