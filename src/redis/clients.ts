/**
 * What `redisStore` needs of any other client.
 *
 * @example
 * const client: RedisSender = { send: (args) => api.command(args) };
 */
export interface RedisSender {
  /** Sends a command, its name first; gives what the server replied, strings as strings. Rejects with an error reply. */
  send(args: readonly string[]): Promise<unknown>;
  /**
   * Has a channel listened to, on a connection that does not keep the program alive; gives how to end that. Without it,
   * those who wait for a slot ask for it each third of a lease.
   */
  subscribe?(channel: string, listener: (message: string) => void): Promise<() => unknown>;
}

/**
 * The part of a client of node-redis, or of its cluster, that is used.
 *
 * @example
 * const client: NodeRedis = createClient();
 */
export interface NodeRedis {
  /** Sends a command; that of a cluster takes the first key before it. */
  sendCommand(...args: never[]): Promise<unknown>;
  /** Makes another client, which listens. */
  duplicate(...args: never[]): unknown;
}

/**
 * The part of a client of ioredis, or of its Cluster, that is used.
 *
 * @example
 * const client: IoRedis = new Redis();
 */
export interface IoRedis {
  /** Sends a command. */
  call(...args: never[]): Promise<unknown>;
  /** Only told by: not used. */
  defineCommand(...args: never[]): unknown;
  /** Makes another client, which listens. */
  duplicate(...args: never[]): unknown;
}

/**
 * The clients that `redisStore` takes.
 *
 * @example
 * const clients: RedisClient[] = [createClient(), new Redis(), { send: (args) => api.command(args) }];
 */
export type RedisClient = NodeRedis | IoRedis | RedisSender;
