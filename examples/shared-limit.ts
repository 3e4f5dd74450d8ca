/** One limit for two processes, by a Redis (`REDIS_URL`, else that of this machine): together they start no more than it says. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { concurrency, rateLimit } from 'opero';
import { redisStore } from 'opero/redis';
import { createClient } from 'redis';

const client = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' });
client.on('error', (error) => console.error(error.message));
const store = redisStore(client, { prefix: `example-${process.env.RUN ?? process.pid}` });

const starts: number[] = [];

class Crm {
  @rateLimit({ rate: 10, per: 250, store, name: 'crm-api' }) // 10 starts in any 250 ms, over all processes
  @concurrency({ limit: 4, store, name: 'crm-api' }) // 4 at once, over all processes
  async sync(_tenant: string): Promise<void> {
    starts.push(Number(process.hrtime.bigint()) / 1e6);
  }
}

/** What each of the two does. */
async function work(): Promise<void> {
  await client.connect();
  const crm = new Crm();
  await Promise.all(Array.from({ length: 20 }, (_, n) => crm.sync(`tenant ${n}`)));
  await store.close();
  client.destroy();
  process.send?.(starts);
}

/** The most starts in any window. */
function mostIn(times: readonly number[], window: number): number {
  return Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + window).length));
}

if (process.send) await work();
else {
  const file = fileURLToPath(import.meta.url);
  const both = [1, 2].map(() => fork(file, { env: { ...process.env, RUN: String(process.pid) } }));
  const all = (await Promise.all(both.map((each) => once(each, 'message')))).flatMap(([times]) => times as number[]);
  console.log(`${all.length} starts by ${both.length} processes`);
  console.log(`no more than 10 in any 250 ms: ${mostIn(all, 250) <= 10}`);
}
