import type { IRedisClient } from 'bullmq';
import { outcomesStay } from './message.js';

/**
 * Appends entries to a stream, which is gone when nothing was added for so long: `[key, ttl, most, field, other, value,
 * value, …]`, two values for each entry; most 0: any number of them is kept.
 */
const append = `
for at = 5, #ARGV, 2 do
  if ARGV[2] == '0' then
    redis.call('XADD', KEYS[1], '*', ARGV[3], ARGV[at], ARGV[4], ARGV[at + 1])
  else
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', ARGV[3], ARGV[at], ARGV[4], ARGV[at + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])`;

/** Drops what a reader has read. */
const trim = `return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])`;

/** Keeps the error of a job beside what BullMQ keeps of it, as long as that is there. */
const note = `
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('HSET', KEYS[1], 'opero', ARGV[1]) end
return 0`;

/** Gives 1 to the first who asks for a job, and 0 to the others: of those who add one of the same id, one has added it. */
const claim = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 1 end
return redis.call('HSETNX', KEYS[1], 'operoAdded', '1')`;

/** What is known of a job: whether it is there, when a worker took it, when it ended, and what came of it. */
const look = `
local found = redis.call('HMGET', KEYS[1], 'timestamp', 'processedOn', 'finishedOn', 'returnvalue', 'failedReason', 'opero')
for at = 1, 6 do found[at] = found[at] or '' end
return found`;

const scripts = { append, trim, note, claim, look } as const;

const nameOf = (script: keyof typeof scripts): string => `operoJob:${script}:1`;

/** Makes the scripts known to a client. */
export function defineScripts(client: IRedisClient): void {
  for (const [name, lua] of Object.entries(scripts)) {
    const command = nameOf(name as keyof typeof scripts);
    if (!(command in client)) client.defineCommand(command, { numberOfKeys: 1, lua });
  }
}

const ignore = (): void => {};

/**
 * Settles once what was sent is ahead of all that the client sends from then on, whatever comes of it: at once, as a
 * connection keeps the order, and nobody needs to wait for a trip. The nodes of a cluster have a connection each.
 */
export async function inOrder(client: IRedisClient, sent: Promise<unknown>): Promise<void> {
  const done = sent.then(ignore, ignore);
  if (client.isCluster) await done;
}

/** Appends the outcomes of jobs, each behind its id, to the stream of a caller. */
export const appendOutcomes = (client: IRedisClient, key: string, outcomes: readonly string[]): Promise<unknown> =>
  client.runCommand(nameOf('append'), [key, outcomesStay, 0, 'job', 'outcome', ...outcomes]);

/** How many aborts are kept for workers that come later. */
const mostAborts = 10_000;

/** Appends the abort of a job, with its reason, to the stream for its workers. */
export const appendAbort = (client: IRedisClient, key: string, id: string, reason: string): Promise<unknown> =>
  client.runCommand(nameOf('append'), [key, outcomesStay, mostAborts, 'job', 'reason', id, reason]);

/** Drops the entries of a stream that are older than this one. */
export const trimTo = (client: IRedisClient, key: string, id: string): Promise<unknown> =>
  client.runCommand(nameOf('trim'), [key, id]);

/** Keeps the error of a job with the job. */
export const noteError = (client: IRedisClient, jobKey: string, error: string): Promise<unknown> =>
  client.runCommand(nameOf('note'), [jobKey, error]);

/** Whether it was this one who added the job, of all that did so by its id. */
export const claimJob = async (client: IRedisClient, jobKey: string): Promise<boolean> =>
  (await client.runCommand(nameOf('claim'), [jobKey])) === 1;

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
