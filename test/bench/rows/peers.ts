import Bottleneck from 'bottleneck';
import * as mollitia from 'mollitia';
import pLimit from 'p-limit';
import pThrottle from 'p-throttle';
import { CircuitBreaker, cockatiel, pRetry } from '../newest.js';
import { minute, plenty, service } from './service.js';

const { handleAll } = cockatiel;
const other = (value: number): Promise<number> => service.other(value);
const plain = (value: number): Promise<number> => service.plain(value);
const backoff = new cockatiel.ConstantBackoff(1);
const endless = Number.MAX_SAFE_INTEGER;

export type Caller = (value: number) => Promise<number>;

/** The peers with one policy each, where they have it. */
export function onePolicy() {
  const retry = cockatiel.retry(handleAll, { maxAttempts: 2, backoff });
  const bulkhead = cockatiel.bulkhead(10, endless);
  const fallback = cockatiel.fallback(handleAll, () => 0);
  const limit = pLimit(10);
  const bottleneck = new Bottleneck({ maxConcurrent: 10 });
  const capacity = new CircuitBreaker(plain, { timeout: false, capacity: 10 });
  const backed = new CircuitBreaker(plain, { timeout: false });
  backed.fallback(other);
  const throttled = pThrottle({ limit: plenty, interval: 1000, strict: true })(plain);
  const bounded = boundedBy(plain);
  const molRetry = circuit(new mollitia.Retry({ attempts: 2, interval: 1 }));
  const molBulkhead = circuit(new mollitia.Bulkhead({ concurrentSize: 10, queueSize: endless }));
  const molFallback = circuit(new mollitia.Fallback({ callback: () => 0 }));
  return {
    retry: {
      cockatiel: (value) => retry.execute(() => plain(value)),
      'p-retry': (value) => pRetry(() => plain(value), { retries: 2 }),
      mollitia: (value) => molRetry.execute(value),
    },
    concurrency: {
      cockatiel: (value) => bulkhead.execute(() => plain(value)),
      'p-limit': (value) => limit(plain, value),
      opossum: (value) => capacity.fire(value),
      Bottleneck: (value) => bottleneck.schedule(plain, value),
      mollitia: (value) => molBulkhead.execute(value),
    },
    fallback: {
      cockatiel: (value) => fallback.execute(() => plain(value)),
      opossum: (value) => backed.fire(value),
      mollitia: (value) => molFallback.execute(value),
    },
    timeout: {
      cockatiel: (value) => bounded.cockatiel(value),
      opossum: (value) => bounded.opossum(value),
      mollitia: (value) => bounded.mollitia(value),
    },
    rateLimit: {
      'p-throttle (strict)': (value) => throttled(value),
    },
  } satisfies Record<string, Record<string, Caller>>;
}

/** A function under a timeout of each peer. */
export function boundedBy<Args extends unknown[]>(fn: (...args: Args) => Promise<number>) {
  const timeout = cockatiel.timeout(minute, cockatiel.TimeoutStrategy.Aggressive);
  const breaker = new CircuitBreaker(fn, { timeout: minute });
  const timed = new mollitia.Circuit({ func: fn, options: { modules: [new mollitia.Timeout({ delay: minute })] } });
  return {
    cockatiel: (...args: Args) => timeout.execute(() => fn(...args)),
    opossum: (...args: Args) => breaker.fire(...args),
    mollitia: (...args: Args): Promise<number> => timed.execute(...args),
  };
}

const circuit = (...modules: mollitia.Module[]): mollitia.Circuit =>
  new mollitia.Circuit({ func: plain, options: { modules } });

/** Fallback, retry and concurrency, or what comes nearest to them. */
export function threePolicies() {
  const { cockatielThree, limited } = shared();
  const mol = circuit(...threeModules());
  const breaker = new CircuitBreaker(plain, { timeout: false, capacity: 10 });
  breaker.fallback(other);
  const bottleneck = retrying(new Bottleneck({ maxConcurrent: 10 }));
  return {
    cockatiel: (value) => cockatielThree.execute(() => plain(value)),
    'p-limit + p-retry': async (value) => {
      try {
        return await pRetry(() => limited(plain, value), { retries: 2 });
      } catch {
        return await other(value);
      }
    },
    'opossum (no retry)': (value) => breaker.fire(value),
    'Bottleneck (no fallback)': (value) => bottleneck.schedule(plain, value),
    mollitia: (value) => mol.execute(value),
  } satisfies Record<string, Caller>;
}

/** The same with a rate limit that nobody ever waits for, where they have one. */
export function fourPolicies() {
  const { cockatielThree, limited } = shared();
  const [molFallback, molRetry, molBulkhead] = threeModules();
  const molRate = new mollitia.Ratelimit({ limitPeriod: 1000, limitForPeriod: plenty });
  const mol = circuit(molFallback, molRetry, molRate, molBulkhead);
  const breaker = new CircuitBreaker(plain, { timeout: false, capacity: 10 });
  breaker.fallback(other);
  const throttled = pThrottle({ limit: plenty, interval: 1000, strict: true })(plain);
  const bottleneck = retrying(
    new Bottleneck({
      maxConcurrent: 10,
      reservoir: plenty,
      reservoirRefreshAmount: plenty,
      reservoirRefreshInterval: 1000,
    }),
  );
  return {
    'p-limit + p-retry + p-throttle': async (value) => {
      try {
        return await pRetry(() => limited(throttled, value), { retries: 2 });
      } catch {
        return await other(value);
      }
    },
    'Bottleneck (no fallback)': (value) => bottleneck.schedule(plain, value),
    mollitia: (value) => mol.execute(value),
    'cockatiel (no rate limit)': (value) => cockatielThree.execute(() => plain(value)),
    'opossum (no retry, no rate limit)': (value) => breaker.fire(value),
  } satisfies Record<string, Caller>;
}

/** Fallback, retry, a circuit breaker and a timeout, or what comes nearest to them. */
export function resilientPolicies() {
  const cockatielFour = cockatiel.wrap(
    cockatiel.fallback(handleAll, () => 0),
    cockatiel.retry(handleAll, { maxAttempts: 2, backoff }),
    cockatiel.circuitBreaker(handleAll, { halfOpenAfter: minute, breaker: new cockatiel.ConsecutiveBreaker(5) }),
    cockatiel.timeout(minute, cockatiel.TimeoutStrategy.Aggressive),
  );
  const [molFallback, molRetry] = threeModules();
  const molBreaker = new mollitia.SlidingCountBreaker({ failureRateThreshold: 50 });
  const mol = circuit(molFallback, molRetry, molBreaker, new mollitia.Timeout({ delay: minute }));
  const breaker = new CircuitBreaker(plain, { timeout: minute });
  breaker.fallback(other);
  return {
    cockatiel: (value) => cockatielFour.execute(() => plain(value)),
    mollitia: (value) => mol.execute(value),
    'opossum (no retry)': (value) => breaker.fire(value),
  } satisfies Record<string, Caller>;
}

function shared() {
  const cockatielThree = cockatiel.wrap(
    cockatiel.fallback(handleAll, () => 0),
    cockatiel.retry(handleAll, { maxAttempts: 2, backoff }),
    cockatiel.bulkhead(10, endless),
  );
  return { cockatielThree, limited: pLimit(10) };
}

const threeModules = (): [mollitia.Fallback, mollitia.Retry, mollitia.Bulkhead] => [
  new mollitia.Fallback({ callback: () => 0 }),
  new mollitia.Retry({ attempts: 2, interval: 1 }),
  new mollitia.Bulkhead({ concurrentSize: 10, queueSize: endless }),
];

function retrying(limiter: Bottleneck): Bottleneck {
  limiter.on('failed', (_error, { retryCount }) => (retryCount < 2 ? 1 : undefined));
  return limiter;
}
