/** A whole client of an HTTP service: what `fetch` needs around it to be relied upon, in one class. */
import { realpathSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  circuitBreaker,
  circuitOf,
  concurrency,
  currentCall,
  fallback,
  isTransient,
  parseRetryAfter,
  RejectedError,
  rateLimit,
  retry,
  statsOf,
  timeout,
} from 'opero';

/** `isTransient` goes by the status, `parseRetryAfter` by the headers. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly headers: Headers,
  ) {
    super(`the server answered ${status}`);
  }
}

export class Client {
  /** The last answers, those in front the oldest. */
  readonly #known = new Map<string, string>();

  constructor(readonly base: string) {}

  /** A signal in `init` cancels the whole call, its waits included. */
  @fallback({ alternatives: ['lastKnown'], on: [isTransient, RejectedError] })
  @timeout({ attempt: 500, total: 10_000 }) // half a second for each attempt, ten for all of them and their waits
  @retry({ maxAttempts: 4, retryOn: isTransient, delay: parseRetryAfter })
  @circuitBreaker({ consecutive: 5, halfOpenAfter: 1_000, failOn: isTransient, scope: 'instance' })
  @rateLimit({ rate: 50, maxQueue: 500, key: (tenant: string) => tenant }) // fifty a second for each tenant
  @concurrency({ limit: 20, maxQueue: 500 }) // twenty at once for all of them
  async get(tenant: string, path: string, init: RequestInit = {}): Promise<string> {
    const { signal = null } = currentCall(); // aborts with the caller's, and when the time is up
    const response = await fetch(new URL(`${tenant}/${path}`, this.base), { ...init, signal });
    const body = await response.text(); // read here, so that the slot is held until the last byte
    if (!response.ok) throw new HttpError(response.status, response.headers);
    this.#remember(`${tenant}/${path}`, body);
    return body;
  }

  async lastKnown(tenant: string, path: string): Promise<string> {
    const known = this.#known.get(`${tenant}/${path}`);
    if (known === undefined) throw new Error(`nothing known of ${path}`);
    return `${known}, a while ago`;
  }

  #remember(key: string, body: string): void {
    this.#known.delete(key);
    this.#known.set(key, body);
    for (const oldest of this.#known.keys()) if (this.#known.size > 1000) this.#known.delete(oldest);
  }

  stats(): string {
    const { calls, attempts, timeouts, rejected, fallbacks, failures } = statsOf(this, 'get');
    const counts = { calls, attempts, timeouts, rejected, fallbacks, failures };
    const texts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    return `${texts.join(', ')}; the circuit is ${circuitOf(this, 'get').state}`;
  }
}

/** A server to try it with. */
async function tryIt(): Promise<void> {
  const log: string[] = [];
  let isDown = false;
  const server = createServer((request, response) => {
    const { url = '' } = request;
    log.push(url);
    const times = log.filter((each) => each === url).length;
    if (url === '/north/missing') response.writeHead(404).end();
    else if (url === '/north/late' && times === 1)
      return; // no answer, ever
    else if (isDown || times === 1) response.writeHead(503, isDown ? {} : { 'retry-after': '1' }).end();
    else if (times === 2) request.socket.destroy();
    else response.end('sun');
  }).listen(0);
  const client = new Client(`http://localhost:${(server.address() as AddressInfo).port}`);
  const get = async (path: string, signal: AbortSignal | null = null): Promise<void> => {
    const before = log.length;
    const text = await client.get('north', path, { signal }).catch((error: Error) => error.message);
    console.log(`${path}: ${text} - requests: ${log.length - before}`);
  };

  await get('weather');
  await get('missing');
  await get('late');
  isDown = true;
  for (let call = 0; call < 3; call++) await get('weather');
  isDown = false;
  await sleep(1_000);
  await get('weather');
  const leaving = new AbortController();
  server.once('request', () => leaving.abort(new Error('the user left')));
  await get('storms', leaving.signal);
  console.log(client.stats());
  server.close();
  server.closeAllConnections();
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await tryIt();
