// Serves a view of limits and jobs in a Redis, and of a store that never answers. Ends when its input does.
import { Redis } from 'ioredis';
import { concurrency, rateLimit } from 'opero';
import { enqueue, queued, serve } from 'opero/bullmq';
import { redisStore } from 'opero/redis';
import { startView } from 'opero/view';

const redis = { host: '127.0.0.1', port: Number(process.argv[2]) };
const client = new Redis({ ...redis, maxRetriesPerRequest: null, retryStrategy: () => 20 });
client.on('error', () => {});
// A busy machine may take its time.
const store = redisStore(client, { prefix: 'shop', timeout: 3000 });
const legacy = redisStore(
  { send: () => Promise.reject(new RangeError('no way there')) },
  { prefix: 'legacy', whenDown: 'open' },
);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ignore = (call: Promise<unknown>): unknown => call.catch(() => {});
const connection = () => redis;

class Crm {
  @rateLimit({ rate: 200, store, name: 'crm-api' })
  @concurrency({ limit: 20, store, name: 'crm-slots' })
  async get(): Promise<void> {
    await pause(5);
  }

  @rateLimit({ rate: 50, store: legacy, name: 'old-crm' })
  async legacy(): Promise<void> {}

  @queued({ name: 'crm', connection })
  async sync(at: number): Promise<number> {
    await pause(20 + (at % 5) * 10);
    if (at % 7 === 0) throw new RangeError('no such tenant');
    return at;
  }
}

/** Nobody serves these. */
class Reports {
  @queued({ name: 'reports', connection })
  async make(): Promise<void> {}
}

/** Of these nobody waits for an end. */
class Mails {
  @queued({ name: 'mails', connection })
  async send(): Promise<void> {
    await pause(10);
  }
}

const [crm, reports, mails] = [new Crm(), new Reports(), new Mails()];
serve([crm, mails], { connection: redis, concurrency: 5 });
for (let each = 0; each < 3; each++) ignore(reports.make());

let call = 0;
setInterval(() => {
  call++;
  for (let each = 0; each < 3; each++) ignore(crm.get());
  ignore(crm.legacy());
  if (call % 2 === 0) ignore(crm.sync(call));
  if (call % 5 === 0) ignore(enqueue(mails, 'send', []));
}, 50);

const view = await startView();
console.log(view.url);
process.stdin.on('end', () => process.exit()).resume();
