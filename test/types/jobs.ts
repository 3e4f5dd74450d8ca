/** What must compile of `opero/bullmq`. Compiled with the tests; nothing runs. */
import {
  type CurrentCall,
  configure,
  decorate,
  isJobError,
  type JobError,
  type OrchestratorConfig,
  orchestrate,
  type PolicyDecorator,
  policiesOf,
  processAll,
} from 'opero';
import {
  type ConnectionSource,
  type EnqueueOptions,
  enqueue,
  type QueuedConfig,
  queued,
  type ServedWorker,
  type ServeOptions,
  serve,
} from 'opero/bullmq';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

const sources: ConnectionSource[] = [
  'redis://localhost:6379',
  { host: 'localhost', port: 6379 },
  { url: 'rediss://localhost' },
  () => 'redis://localhost',
  async () => ({ host: 'localhost' }),
];
const config: QueuedConfig = {
  name: 'crm',
  connection: 'redis://localhost',
  maxWait: 1_000,
  maxBytes: 10,
  errors: [RangeError],
};
const shared: PolicyDecorator = queued(config);
const options: OrchestratorConfig = { queued: config, retry: 3 };

export class Crm {
  @queued({ name: 'crm', connection: sources[0] ?? '' })
  async sync(tenant: string, _options?: { signal?: AbortSignal }): Promise<number> {
    return tenant.length;
  }
  @shared
  static async total(first: number, second?: number): Promise<number> {
    return first + (second ?? 0);
  }
  @orchestrate(options)
  async both(): Promise<void> {}
}

@shared
export class Whole {
  async all(): Promise<void> {}
}

export class Plain {
  async sync(tenant: string): Promise<number> {
    return tenant.length;
  }
}
decorate(Plain, { sync: { queued: config, retry: 2 } });

export async function uses(crm: Crm, error: unknown, call: CurrentCall): Promise<void> {
  same<Parameters<Crm['sync']>[0], string>(true);
  const serving: ServeOptions = {
    connection: sources[1],
    concurrency: 50,
    lockDuration: 10_000,
    limiter: { max: 1, duration: 2 },
  };
  await using worker: ServedWorker = serve(crm, serving);
  serve([crm, Crm, new Plain()]);
  await worker.ready;
  await worker.closed;
  same<typeof worker.closed, Promise<void>>(true);
  const enqueuing: EnqueueOptions = { delay: 1, id: 'a', attempts: 2, backoff: { type: 'exponential', delay: 5 } };
  same<Awaited<ReturnType<typeof enqueue>>, string>(true);
  await enqueue(crm, 'sync', ['north'], enqueuing);
  await enqueue(Crm, 'sync', ['north', {}]);
  await enqueue(Crm, 'total', [1]);
  await enqueue(Crm, 'static total', [1, 2]);
  await enqueue(crm, 'hidden' as string, [1, 'two']);
  const results = await processAll(crm, 'sync', ['north']);
  same<typeof results, number[]>(true);
  configure(Crm, 'sync', { queued: { maxWait: 5 } });
  policiesOf(Crm, 'sync').some(({ kind }) => kind === 'queued');
  if (isJobError(error)) same<typeof error, JobError>(true);
  same<typeof call.jobId, string | undefined>(true);
}
