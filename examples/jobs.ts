/** `@queued` runs a method as a BullMQ job, in whichever process serves it. It needs a Redis; REDIS_URL says where. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { currentCall, processAll, retry } from 'opero';
import { enqueue, queued, serve } from 'opero/bullmq';

const connection = () => process.env.REDIS_URL ?? 'redis://localhost:6379';

export class TenantError extends Error {
  constructor(readonly tenant: string) {
    super(`no tenant ${tenant}`);
  }
}

export class Crm {
  constructor(readonly customers: ReadonlyMap<string, number>) {}

  @retry({ maxAttempts: 3, waitMin: 1, abortOn: TenantError })
  @queued({ name: 'crm', connection, maxWait: 30_000 })
  async sync(tenant: string): Promise<string> {
    const { attempt } = currentCall();
    const count = this.customers.get(tenant);
    if (count === undefined) throw new TenantError(tenant);
    if (tenant === 'south' && attempt === 1) throw new Error('the south is busy');
    return `${count} customers of the ${tenant}, at attempt ${attempt}`;
  }
}

if (process.argv[2] === 'worker') {
  // Where the work is done, and what it needs is there.
  const customers = new Map([
    ['north', 3],
    ['south', 5],
  ]);
  const worker = serve(new Crm(customers), { concurrency: 10 });
  process.once('SIGTERM', () => worker.close());
  await worker.closed;
} else {
  const worker = fork(fileURLToPath(import.meta.url), ['worker']);
  const crm = new Crm(new Map()); // anywhere: called normally
  console.log(await crm.sync('north'));
  for (const line of await processAll(crm, 'sync', ['north', 'south'])) console.log(line);
  const error: unknown = await crm.sync('west').catch((thrown: unknown) => thrown);
  console.log(error instanceof TenantError && `${error.message} (${error.tenant})`);
  console.log(await enqueue(crm, 'sync', ['north'], { delay: 60_000, id: 'sync-north' }), 'waits for a minute');
  worker.kill('SIGTERM');
  await once(worker, 'exit');
}
