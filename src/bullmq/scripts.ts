import type { IRedisClient } from 'bullmq';
import { outcomesStay } from './message.js';

/** Appends to a stream, which is gone when nothing was added for so long: `[key, ttl, most, field, value, …]`; most 0: any. */
const append = `
local id
if ARGV[2] == '0' then
  id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
else
  id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 3))
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return id`;

/** Drops what a reader has read. */
const trim = `return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])`;

/** Keeps the error of a job beside what BullMQ keeps of it, as long as that is there. */
const note = `
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('HSET', KEYS[1], 'opero', ARGV[1]) end
return 0`;

/** What is known of a job: whether it is there, when a worker took it, when it ended, and what came of it. */
const look = `
local found = redis.call('HMGET', KEYS[1], 'timestamp', 'processedOn', 'finishedOn', 'returnvalue', 'failedReason', 'opero')
for at = 1, 6 do found[at] = found[at] or '' end
return found`;

const scripts = { append, trim, note, look } as const;

const nameOf = (script: keyof typeof scripts): string => `operoJob:${script}:1`;

/** Makes the scripts known to a client. */
export function defineScripts(client: IRedisClient): void {
  for (const [name, lua] of Object.entries(scripts)) {
    const command = nameOf(name as keyof typeof scripts);
    if (!(command in client)) client.defineCommand(command, { numberOfKeys: 1, lua });
  }
}

/** Appends an entry to a stream; to one that keeps about so many entries at the most, if that is given. */
export const appendTo = (client: IRedisClient, key: string, fields: readonly string[], most = 0): Promise<unknown> =>
  client.runCommand(nameOf('append'), [key, outcomesStay, most, ...fields]);

/** Drops the entries of a stream that are older than this one. */
export const trimTo = (client: IRedisClient, key: string, id: string): Promise<unknown> =>
  client.runCommand(nameOf('trim'), [key, id]);

/** Keeps the error of a job with the job. */
export const noteError = (client: IRedisClient, jobKey: string, error: string): Promise<unknown> =>
  client.runCommand(nameOf('note'), [jobKey, error]);

/** What a queue knows of a job. */
export interface JobState {
  readonly isThere: boolean;
  readonly wasTaken: boolean;
  readonly hasEnded: boolean;
  readonly returnValue: string;
  readonly failedReason: string;
  /** Its error as opero noted it; empty: it did not. */
  readonly error: string;
}

/** Looks at a job by its key. */
export async function lookAt(client: IRedisClient, jobKey: string): Promise<JobState> {
  const found = (await client.runCommand(nameOf('look'), [jobKey])) as readonly string[];
  const [timestamp = '', processedOn = '', finishedOn = '', returnValue = '', failedReason = '', error = ''] = found;
  return {
    isThere: timestamp !== '',
    wasTaken: processedOn !== '',
    hasEnded: finishedOn !== '',
    returnValue,
    failedReason,
    error,
  };
}
