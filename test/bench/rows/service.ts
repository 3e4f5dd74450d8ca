import {
  cache,
  circuitBreaker,
  concurrency,
  definePolicy,
  fallback,
  hedge,
  RetryBudget,
  rateLimit,
  retry,
  singleFlight,
  timeout,
} from 'opero';

/** So many starts that nobody ever waits. */
export const plenty = 1e9;
/** So long that nothing is ever late, in milliseconds. */
export const minute = 60_000;

/** The least that a policy of one's own does. */
const through = definePolicy({
  kind: 'through',
  stage: 'call',
  async around(next) {
    return await next();
  },
});

/** One method, under more and more policies. All do the same: an async method that gives back its argument. */
export class Service {
  async plain(value: number): Promise<number> {
    return value;
  }

  @retry(3)
  async retried(value: number): Promise<number> {
    return value;
  }

  @concurrency(10)
  async limited(value: number): Promise<number> {
    return value;
  }

  @circuitBreaker(5)
  async guarded(value: number): Promise<number> {
    return value;
  }

  @circuitBreaker({ failureRatio: 0.5, window: 10_000, minCalls: 20 })
  async watched(value: number): Promise<number> {
    return value;
  }

  @cache(minute)
  async cached(value: number): Promise<number> {
    return value;
  }

  @cache(Number.POSITIVE_INFINITY)
  async kept(value: number): Promise<number> {
    return value;
  }

  @singleFlight()
  async flown(value: number): Promise<number> {
    return value;
  }

  @fallback('other')
  async backed(value: number): Promise<number> {
    return value;
  }

  @through()
  async passed(value: number): Promise<number> {
    return value;
  }

  @rateLimit(plenty)
  async paced(value: number): Promise<number> {
    return value;
  }

  @timeout(minute)
  async bounded(value: number): Promise<number> {
    return value;
  }

  @timeout({ attempt: minute, total: minute })
  async boundedTwice(value: number): Promise<number> {
    return value;
  }

  @hedge(minute)
  async hedged(value: number): Promise<number> {
    return value;
  }

  @retry(3)
  @hedge(minute)
  async retriedHedged(value: number): Promise<number> {
    return value;
  }

  /** Settles when the gate does. */
  @timeout(minute)
  async pending(value: number, gate: Promise<void>): Promise<number> {
    await gate;
    return value;
  }

  @retry(3)
  @timeout(minute)
  async retriedBounded(value: number): Promise<number> {
    return value;
  }

  @retry(3)
  @circuitBreaker(5)
  async retriedGuarded(value: number): Promise<number> {
    return value;
  }

  @retry(3)
  @circuitBreaker({ failureRatio: 0.5, window: 10_000, minCalls: 20 })
  async retriedWatched(value: number): Promise<number> {
    return value;
  }

  @retry({ maxAttempts: 3, budget: new RetryBudget() })
  async retriedWithin(value: number): Promise<number> {
    return value;
  }

  @through()
  @retry(3)
  async retriedThrough(value: number): Promise<number> {
    return value;
  }

  @fallback('other')
  @retry(3)
  @circuitBreaker(5)
  @timeout(minute)
  async resilient(value: number): Promise<number> {
    return value;
  }

  @fallback('other')
  @retry(3)
  @concurrency(10)
  async three(value: number): Promise<number> {
    return value;
  }

  @fallback('other')
  @retry(3)
  @rateLimit(plenty)
  @concurrency(10)
  async four(value: number, _signal?: AbortSignal): Promise<number> {
    return value;
  }

  async other(value: number): Promise<number> {
    return -value;
  }
}

export const service = new Service();
