import { randomUUID } from 'node:crypto';
import type { IRedisClient, RedisQueueBackend } from 'bullmq';
import { ConfigurationError } from '../core/errors.js';
import {
  type BullMQ,
  type ConnectionSource,
  identityOf,
  isClient,
  loadBullMQ,
  optionsOf,
  patientLike,
  type QueueConnection,
  resolveConnection,
} from './connection.js';
import { boundGreeting } from './greeting.js';
import { holdNothing } from './hold.js';
import { replyKey } from './message.js';
import { Probe } from './probe.js';
import { defineScripts, lookAt, trimTo } from './scripts.js';
import { beginning, type Entry, readBehind, StreamReader } from './stream-reader.js';
import { Sweep } from './sweep.js';
import type { WaitingCall } from './waiting-call.js';
import { Watch } from './watch.js';

/** After so many outcomes that were read they are dropped from Redis. */
const trimEvery = 1_000;

const ignore = (): void => {};

/** One Redis as this process is linked to it: a connection for commands, and, once a call is made, one that waits for outcomes. */
export class Link {
  /** The stream that workers write the outcomes of this process's calls to. */
  readonly replyKey = replyKey(randomUUID().replaceAll('-', ''));
  /** The calls that wait for an outcome, by the ids of their jobs. */
  readonly pending = new Map<string, WaitingCall>();
  readonly sweep = new Sweep(this);
  readonly watch = new Watch(() => this.answers());
  readonly #probe = new Probe(
    () => lookAt(this.client, this.replyKey),
    () => this.#isSilent(),
  );
  readonly #isOurs: boolean;
  /** Drops those that were read, every so often. */
  #readSinceTrim = 0;
  #replies: StreamReader | undefined;
  #listening: Promise<void> | undefined;
  #reading: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  constructor(
    readonly bullmq: BullMQ,
    /** For commands. */
    readonly client: IRedisClient,
    isOurs: boolean,
  ) {
    this.#isOurs = isOurs;
    client.on('ready', () => {
      this.#probe.forget();
      this.#reading = undefined;
      this.#following = undefined;
      this.sweep.forget();
    });
  }

  /** Whether Redis answers just now. */
  answers(): Promise<boolean> {
    return this.#probe.answers();
  }

  /** Whether Redis is away, be it down or silent: a new connection does not reach it either. */
  async isAway(): Promise<boolean> {
    if (await this.answers()) return false;
    return this.client.status !== 'ready' || !(await this.answers());
  }

  /**
   * Checks that a queue may be here.
   *
   * @throws ConfigurationError when this is a cluster, and its keys have no hash tag.
   */
  requireSlot(prefix: string, name: string): void {
    if (!this.client.isCluster || /\{[^}]+\}/.test(`${prefix}:${name}`)) return;
    const cure = `give @queued a prefix with a hash tag, as \`prefix: '{${prefix}}'\``;
    throw new ConfigurationError(`the queue '${name}': in a cluster all keys of a queue are in one slot; ${cure}`);
  }

  /** A connection of its own, for what blocks. */
  connectApart(): Promise<IRedisClient> {
    return connect(this.bullmq, this.client, true, true);
  }

  /** Waits for outcomes from now on. */
  listen(): void {
    this.#listening ??= this.connectApart().then(
      (client) => {
        this.#replies = new StreamReader(client, this.replyKey, (entries) => this.#receive(entries));
      },
      () => {
        this.#listening = undefined;
      },
    );
  }

  /**
   * Has read all outcomes that were there when it was called, by the connection for commands: the other one may hang. Those
   * who ask while it reads share one look more.
   */
  readReplies(): Promise<void> {
    if (this.#reading === undefined) return this.#beginReading();
    this.#following ??= this.#reading.catch(ignore).then(() => this.#beginReading());
    return this.#following;
  }

  #beginReading(): Promise<void> {
    const reading = this.#readNow().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    this.#following = undefined;
    return reading;
  }

  #readNow(): Promise<void> {
    return readBehind(this.client, this.replyKey, this.#replies?.last ?? beginning, (entries) => this.#tell(entries));
  }

  /** A connection that is silent may be dead, which nobody is told of: a new one tells. That of the user is his affair. */
  #isSilent(): void {
    if (this.#isOurs && this.client.status === 'ready') this.client.disconnect(true);
  }

  #tell(entries: readonly Entry[]): void {
    for (const { fields } of entries) this.pending.get(fields.get('job') ?? '')?.receive(fields.get('outcome') ?? '');
  }

  #receive(entries: readonly Entry[]): void {
    this.#tell(entries);
    this.#readSinceTrim += entries.length;
    if (this.#readSinceTrim < trimEvery || this.#replies === undefined) return;
    this.#readSinceTrim = 0;
    trimTo(this.client, this.replyKey, this.#replies.last).catch(ignore);
  }
}

/** What Redis says to those that it never lets in, or not into that database. */
const refusal = /^(WRONGPASS|NOAUTH|NOPERM|ERR DB index|ERR invalid password|ERR AUTH)/;

/**
 * A client for a connection; one of its own if that is asked for. What is not the user's keeps no program alive. Rejects
 * where Redis refuses it.
 */
async function connect(
  bullmq: BullMQ,
  connection: QueueConnection,
  isOurs: boolean,
  isApart: boolean,
): Promise<IRedisClient> {
  const options = optionsOf(connection);
  const backend: RedisQueueBackend = bullmq.createRedisBackend('opero', { connection: options }, { blocking: isApart });
  const refused = new Promise<never>((_, reject) => {
    backend.connection.on('error', (error: Error) => {
      // Of other errors the commands tell; without a listener each would end the program.
      if (refusal.test(error.message)) reject(error);
    });
  });
  backend.on('error', ignore);
  const raw = Reflect.get(backend.connection, '_client') as IRedisClient | undefined;
  if (isOurs && raw !== undefined) {
    holdNothing(raw);
    boundGreeting(raw);
  }
  try {
    return await Promise.race([backend.connection.client, refused]);
  } catch (error) {
    if (isOurs) raw?.disconnect();
    throw error;
  }
}

/** The links that there are, by what tells connections apart. */
const links = new Map<unknown, Promise<Link>>();

/** The link to a Redis, made when it is first asked for. Rejects where it cannot be had, and is then asked for anew. */
export async function linkTo(source: ConnectionSource): Promise<Link> {
  const connection = await resolveConnection(source);
  const identity = identityOf(connection);
  let link = links.get(identity);
  if (link === undefined) {
    link = loadBullMQ().then(async (bullmq) => {
      const like = isClient(connection) ? patientLike(connection as object) : undefined;
      const isOurs = like !== undefined || !isClient(connection);
      const client = await connect(bullmq, like ?? connection, isOurs, false);
      defineScripts(client);
      return new Link(bullmq, client, isOurs);
    });
    links.set(identity, link);
    link.catch(() => links.delete(identity));
  }
  return link;
}
