/** What must compile of adaptive limits. Compiled with the tests; nothing runs. */
import {
  type AdaptiveLimit,
  type ConcurrencyChange,
  type ConcurrencyConfig,
  ConcurrencyLimiter,
  concurrency,
  configure,
  configureFrom,
  type HookContext,
  Orchestrator,
  orchestrate,
  RejectedError,
  statsOf,
  TimeoutError,
} from 'opero';

class HttpError extends Error {
  readonly status: number = 500;
}

const bounds: AdaptiveLimit = { min: 2, max: 50, initial: 5, targetLatency: 250 };
const config: ConcurrencyConfig = { limit: bounds, maxQueue: 100 };
const ofNumber: ConcurrencyConfig = { limit: 5 };
const ofCalls: ConcurrencyConfig<[id: string]> = {
  limit: { targetLatency: 250, dropOn: (error, { args: [id] }) => error instanceof HttpError && id !== '' },
  key: (id) => id,
};
const change: ConcurrencyChange = { limit: bounds };
const shared = new ConcurrencyLimiter({
  limit: { targetLatency: 250, dropOn: (error: HttpError, { method }) => error.status === 429 && method !== 'Api.put' },
  key: (id: string) => id,
});

@concurrency(config)
export class Api {
  readonly name = 'api';
  @concurrency({ limit: { targetLatency: 250 } })
  async small(): Promise<void> {}
  @concurrency(ofNumber)
  async number(_id: number): Promise<void> {}
  @concurrency(ofCalls)
  async calls(_id: string): Promise<void> {}
  @concurrency({ limit: bounds, key: (id: string) => id, weight: (_id, count: number) => count })
  async weighed(_id: string, _count: number): Promise<void> {}
  @concurrency({
    limit: { ...bounds, dropOn: [TimeoutError, RejectedError, (error: HttpError) => error.status === 503] },
  })
  async several(): Promise<void> {}
  @concurrency({
    limit: {
      ...bounds,
      dropOn(this: Api, error: Error, { args: [id] }: HookContext<[id: string]>): boolean {
        return error.message === this.name + id;
      },
    },
  })
  async told(_id: string): Promise<void> {}
  @concurrency([shared, { limit: bounds }, 5])
  async stacked(_id: string): Promise<void> {}
  @concurrency({ limiter: shared, maxQueue: 0 })
  async beside(_id: string): Promise<void> {}
  @orchestrate({ concurrency: { limit: { targetLatency: 250, dropOn: HttpError } } })
  async orchestrated(): Promise<void> {}
}

export const orchestrator = new Orchestrator({ concurrency: { limit: bounds } });
export const changes = (): number => {
  configure(Api, 'small', { concurrency: { limit: { targetLatency: 250 } } });
  configure(Api, 'small', { concurrency: { limit: 5 } });
  configureFrom({ 'Api.small': { concurrency: { limit: { min: 1, targetLatency: 250 } } } });
  shared.configure(change);
  return statsOf(Api, 'small').limit + shared.limit;
};
