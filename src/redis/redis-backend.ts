import { createHash } from 'node:crypto';
import type {
  Backend,
  Hints,
  LeaseAnswer,
  LeaseMessage,
  Note,
  PermitAnswer,
  PermitAsk,
} from '../limits/stored/backend.js';
import type { Connection } from './connection.js';
import { leaseScript } from './lease-script.js';
import { reserveScript } from './reserve-script.js';

/** A script, and what the server knows it by. */
interface Script {
  readonly text: string;
  readonly sha: string;
}

const scriptOf = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') });
const reserve = scriptOf(reserveScript);
const lease = scriptOf(leaseScript);

/** No duration is longer, in milliseconds: ten years. What the server counts in stays exact. */
const longest = 315_360_000_000;
const micros = (duration: number): string => String(Math.round(Math.min(duration, longest) * 1000));
const latestMicros = (time: number): string => String(Math.ceil(time * 1000));

/** Keeps the state of limits in a Redis. */
export class RedisBackend implements Backend {
  readonly name = 'redisStore';
  readonly label: string;
  readonly subscribe: Backend['subscribe'];

  constructor(
    readonly connection: Connection,
    readonly prefix: string,
  ) {
    this.label = `${this.name}:${prefix}`;
    if (connection.subscribe !== undefined) this.subscribe = (process, hints) => this.#listen(process, hints);
  }

  async reserve(tag: string, ask: PermitAsk): Promise<PermitAnswer> {
    const { starts, window, horizon, grace, spread, process, first, wanted, notes } = ask;
    const times = [Math.ceil(window * 1000), Math.floor(horizon * 1000), Math.ceil(grace * 1000)].map(String);
    const runs = [wanted.length, ...wanted.flat()].map(String);
    const args = [String(starts), ...times, spread ? '1' : '0', process, String(first), `${this.prefix}:pauses`, tag];
    const told = [String(notes.length), ...notes.flatMap(fieldsOf)];
    const keys = ['log', 'asked', 'waiting', 'meta', 'had'];
    const reply = numbers(await this.#run(reserve, tag, keys, [...args, ...runs, ...told]), 7);
    const [now, again, others, processes, pausedUntil, kept, allUntil, ...permits] = reply as Reservation;
    return {
      now: now / 1000,
      again: again / 1000,
      othersWait: others > 0,
      processes,
      pausedUntil: pausedUntil > now ? pausedUntil / 1000 : 0,
      allPausedUntil: allUntil > now ? allUntil / 1000 : 0,
      window: kept / 1000,
      permits: permits.map((turn) => turn / 1000),
    };
  }

  async lease(tag: string, message: LeaseMessage): Promise<LeaseAnswer> {
    const { limit, lease: length, process, sequence, held, wanted, epoch, leaves } = message;
    const runs = wanted.map(([weight, count]) => `${weight}*${count}`).join(',');
    const args = [String(limit), micros(length), process, String(sequence), String(held), runs, epoch];
    const keys = ['meta', 'ends', 'line', 'holders'];
    const reply = await this.#run(lease, tag, keys, [...args, leaves ? '1' : '0', `${this.prefix}:p:`, tag]);
    const [got, epochNow, closedFor, nextEnd, others, processes, fence] = numbers(reply, 7) as Seven;
    return {
      got,
      epoch: String(epochNow),
      closedFor: closedFor / 1000,
      nextEnd: nextEnd / 1000,
      others,
      processes,
      fence,
    };
  }

  /** A write, as one that only reads may be allowed where these are not. */
  async probe(tag: string): Promise<void> {
    const key = this.#key(tag, 'probe');
    await this.connection.ready();
    await this.connection.send(key, ['SET', key, '1', 'PX', '1000']);
  }

  /** All keys of a limit are in one slot of a cluster. */
  #key(tag: string, part: string): string {
    return `${this.prefix}:{${tag}}:${part}`;
  }

  async #run(script: Script, tag: string, parts: readonly string[], args: readonly string[]): Promise<unknown> {
    const keys = parts.map((part) => this.#key(tag, part));
    const rest = [String(keys.length), ...keys, ...args];
    const [first] = keys as [string];
    const ready = this.connection.ready();
    if (ready !== undefined) await ready;
    try {
      return await this.connection.send(first, ['EVALSHA', script.sha, ...rest]);
    } catch (error) {
      // Of this node: it has been restarted, or is another one since.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return await this.connection.send(first, ['EVAL', script.text, ...rest]);
    }
  }

  async #listen(process: string, hints: Hints): Promise<() => unknown> {
    const own = `${this.prefix}:p:${process}`;
    const pauses = `${this.prefix}:pauses`;
    const { subscribe } = this.connection as Required<Connection>;
    const listener = (message: string, channel: string): void => {
      if (channel === own) hints.look(message);
      const [by, duration, tag, all] = message.split(' ');
      const isForeign = channel === pauses && by !== process && tag !== undefined;
      if (isForeign && Number(duration) >= 0) hints.pause(tag, Number(duration) / 1000, all === 'all');
    };
    return await (subscribe as NonNullable<Connection['subscribe']>)([own, pauses], listener, () => hints.ended());
  }
}

type Reservation = [number, number, number, number, number, number, number, ...number[]];
type Seven = [number, number, number, number, number, number, number];

/** Numbers of a reply, which has so many at the least. */
function numbers(reply: unknown, least: number): number[] {
  const all = Array.isArray(reply) ? reply.map(Number) : [];
  if (all.length < least || !all.every(Number.isFinite)) {
    throw new Error('the server gave an answer that is none: is something else between the two?');
  }
  return all;
}

function fieldsOf(note: Note): string[] {
  const { kind } = note;
  if (kind === 'confirm') return [kind, note.id, latestMicros(note.latest)];
  if (kind === 'release') return [kind, note.id];
  if (kind === 'charge') return [kind, note.id, micros(note.age), micros(note.shift)];
  if (kind === 'change') return [kind, note.id, note.to, micros(note.shift)];
  const told = note.isForAll ? `${kind}All` : kind;
  if (kind === 'resume') return [told];
  const { until = Number.POSITIVE_INFINITY } = note;
  return [told, micros(note.duration), Number.isFinite(until) ? latestMicros(until) : '0'];
}
