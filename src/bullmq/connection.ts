import type { ClusterOptions, IRedisClient, RedisConnectionClient, RedisOptions } from 'bullmq';
import { ConfigurationError } from '../core/errors.js';
import { show, type Where } from '../core/options.js';

export type BullMQ = typeof import('bullmq');

/**
 * How Redis is reached: options of ioredis as BullMQ takes them, a `redis:` URL, or a client of ioredis or node-redis.
 *
 * @example
 * const connection: QueueConnection = { host: 'localhost', port: 6379 };
 */
export type QueueConnection = string | RedisOptions | ClusterOptions | IRedisClient | RedisConnectionClient;

/**
 * The same, or a function that gives it when it is first needed.
 *
 * @example
 * const connection: ConnectionSource = () => process.env.REDIS_URL ?? 'redis://localhost:6379';
 */
export type ConnectionSource = QueueConnection | (() => QueueConnection | Promise<QueueConnection>);

const allowed =
  'options of a Redis connection, a redis: URL, a client of ioredis or node-redis, or a function that gives one';

const isRedisUrl = (value: string): boolean => /^rediss?:/.test(value) && URL.canParse(value);

/** Whether an object is a client, of whatever driver. */
export const isClient = (value: QueueConnection | object): boolean =>
  typeof value !== 'string' &&
  ['defineCommand', 'sendCommand', 'runCommand', 'send'].some((name) => typeof Reflect.get(value, name) === 'function');

/** BullMQ takes it for a client of one server, and its calls would hang. */
const isNodeRedisCluster = (value: object): boolean =>
  ['sendCommand', 'nodeClient'].every((name) => typeof Reflect.get(value, name) === 'function');

/** Whether something may stand for a connection to Redis: what BullMQ takes for other databases may not. */
function isConnection(value: unknown): boolean {
  if (typeof value === 'string') return isRedisUrl(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (isClient(value)) return !isNodeRedisCluster(value);
  const { url, connectionString, query } = value as Readonly<Record<string, unknown>>;
  return connectionString === undefined && query === undefined && (typeof url !== 'string' || isRedisUrl(url));
}

/** A value that may hold a password, for people. */
function hint(value: unknown): string {
  if (typeof value === 'string') return `a text that begins with '${value.slice(0, value.indexOf(':') + 1)}'`;
  if (typeof value !== 'object' || value === null) return show(value);
  if (isNodeRedisCluster(value)) return 'a cluster of node-redis, which BullMQ cannot use: take the Cluster of ioredis';
  return `an object with ${Object.keys(value).join(', ') || 'nothing in it'}`;
}

/**
 * Checks what is given for a connection.
 *
 * @throws ConfigurationError when it is none to Redis.
 */
export function requireConnection(value: unknown, { text, path }: Where): ConnectionSource {
  if (typeof value === 'function' || isConnection(value)) return value as ConnectionSource;
  const name = path === undefined ? 'connection' : `${path}.connection`;
  throw new ConfigurationError(`${text}: expected \`${name}\` to be ${allowed}, got ${hint(value)}`);
}

/** The connection that a function gave, once it has; what it gives is asked for once. */
const given = new WeakMap<object, Promise<QueueConnection>>();

/**
 * What a source gives.
 *
 * @throws ConfigurationError when that is no connection to Redis.
 */
export async function resolveConnection(source: ConnectionSource): Promise<QueueConnection> {
  if (typeof source !== 'function') return source;
  const known = given.get(source);
  if (known !== undefined) return known;
  const asking = Promise.resolve(source()).then((connection) => {
    if (isConnection(connection)) return connection;
    throw new ConfigurationError(`@queued: expected \`connection\` to give ${allowed}, got ${hint(connection)}`);
  });
  given.set(source, asking);
  // What failed is asked for anew.
  asking.catch(() => given.delete(source));
  return asking;
}

/** Commands wait until Redis is there, as calls may have it, and BullMQ's workers must. */
const patient = { maxRetriesPerRequest: null };

/** What BullMQ takes for a connection. */
export const optionsOf = (connection: QueueConnection): RedisOptions | IRedisClient =>
  (typeof connection === 'string'
    ? { url: connection, ...patient }
    : isClient(connection)
      ? connection
      : { ...connection, ...patient }) as RedisOptions | IRedisClient;

/** What of a client of ioredis says for how long its commands wait. */
interface Retries {
  readonly maxRetriesPerRequest?: number | null;
}

/**
 * A client like the one that is given, whose commands wait until Redis is there; undefined where those of this one do.
 *
 * @throws ConfigurationError when this is a cluster whose commands do not wait.
 */
export function patientLike(client: object): IRedisClient | undefined {
  const { options = {}, isCluster } = client as {
    readonly options?: Retries & { readonly redisOptions?: Retries };
    readonly isCluster?: boolean;
  };
  if (isCluster === true) {
    if (typeof options.redisOptions?.maxRetriesPerRequest !== 'number') return undefined;
    const cure = 'give the `redisOptions` of the cluster `maxRetriesPerRequest: null`';
    throw new ConfigurationError(`@queued: the commands of \`connection\` do not wait until Redis is there; ${cure}`);
  }
  return typeof options.maxRetriesPerRequest === 'number' ? (client as IRedisClient).duplicate(patient) : undefined;
}

/** What tells two connections apart: options that are alike are one. */
export function identityOf(connection: QueueConnection): unknown {
  if (typeof connection === 'string' || isClient(connection)) return connection;
  const values = Object.values(connection);
  const isPlain = values.every((each) => each === null || (typeof each !== 'object' && typeof each !== 'function'));
  return isPlain
    ? JSON.stringify(Object.entries(connection).sort(([one], [other]) => (one < other ? -1 : 1)))
    : connection;
}

let loading: Promise<BullMQ> | undefined;

/**
 * BullMQ, loaded when it is first needed.
 *
 * @throws ConfigurationError when it is missing, too old, or set to work on something other than Redis.
 */
export async function loadBullMQ(): Promise<BullMQ> {
  loading ??= import('bullmq');
  let bullmq: BullMQ;
  try {
    bullmq = await loading;
  } catch (cause) {
    loading = undefined;
    const problem =
      'opero/bullmq needs the package bullmq, of version 6 or later, and ioredis: npm install bullmq ioredis';
    throw Object.assign(new ConfigurationError(problem), { cause });
  }
  if (typeof bullmq.createRedisBackend !== 'function') {
    throw new ConfigurationError('opero/bullmq needs version 6 or later of the package bullmq');
  }
  if ((bullmq.getDefaultBackendFactory as () => unknown)() !== bullmq.createRedisBackend) {
    const problem = 'setDefaultBackendFactory() was called, and opero/bullmq works on Redis alone';
    throw new ConfigurationError(`opero/bullmq: ${problem}`);
  }
  return bullmq;
}
