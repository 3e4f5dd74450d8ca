/** A client of Open-Meteo, https://open-meteo.com/en/docs, that a service can rely upon. */
import { cache, circuitBreaker, concurrency, isTransient, parseRetryAfter, rateLimit, retry, timeout } from 'opero';

/** `isTransient` goes by the status, `parseRetryAfter` by the headers. */
const httpError = (status: number, headers?: Headers): Error =>
  Object.assign(new Error(`the server answered ${status}`), { status, headers });

/** What is of use in an answer, if it is one. */
type Answer = { readonly current?: { readonly temperature_2m?: unknown } } | null;

export class Weather {
  constructor(readonly base: string) {}

  /** Degrees Celsius. What the signal aborts is the whole call, its waits included; what `fetch` gets is the attempt's. */
  @cache({ ttl: 60_000, staleIfError: 3_600_000 }) // for a minute, and where there is no other for an hour
  @timeout({ attempt: 1_000, total: 8_000 }) // a second for each attempt, eight for all of them and their waits
  @retry({ maxAttempts: 4, retryOn: isTransient, delay: parseRetryAfter })
  @circuitBreaker({ consecutive: 5, halfOpenAfter: 5_000, failOn: isTransient, scope: 'instance' })
  @rateLimit([
    { rate: 10, maxQueue: 50, key: (tenant: string) => tenant },
    { rate: 600, per: 60_000, maxQueue: 500 },
  ])
  @concurrency({ limit: 20, maxQueue: 500 }) // twenty at once for all tenants together, as are those 600 a minute
  async temperature(_tenant: string, lat: number, lon: number, signal: AbortSignal): Promise<number> {
    const url = `${this.base}/v1/forecast?latitude=${lat}&longitude=${lon}&current=temperature_2m`;
    const response = await fetch(url, { signal });
    const body = (await response.json().catch(() => null)) as Answer; // read here: the slot is held until the last byte
    if (!response.ok) throw httpError(response.status, response.headers);
    const degrees = body?.current?.temperature_2m;
    if (typeof degrees !== 'number') throw httpError(502); // what makes no sense is tried again
    return degrees;
  }
}
