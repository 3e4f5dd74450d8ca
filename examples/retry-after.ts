/** `delay` with `parseRetryAfter`: a retry waits for as long as the server asks, and ends where that is too long. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isTransient, parseRetryAfter, retry, statsOf } from 'opero';

class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly headers: Headers,
  ) {
    super(`the server answered ${status}`);
  }
}

class Weather {
  constructor(readonly url: string) {}

  @retry({
    maxAttempts: 4,
    waitMin: 10,
    waitMax: 5_000, // a server that asks for more gets no further attempt
    retryOn: isTransient, // no connection, 408, 425, 429, 5xx; not a 404
    delay: parseRetryAfter, // undefined where it does not ask: the usual wait
    onRetry: ({ args: [city], error, delay }) =>
      console.log(`${city}: ${(error as HttpError).message}, again in ${delay < 1000 ? 'a moment' : `${delay} ms`}`),
  })
  async forecast(city: string): Promise<string> {
    const response = await fetch(`${this.url}/${city}`);
    if (!response.ok) throw new HttpError(response.status, response.headers);
    return response.text();
  }
}

/** What the server answers in turn: a status, and what it asks for. */
const answers: Record<string, [status: number, retryAfter?: string][]> = {
  Davos: [[503, '1'], [429, '0'], [500]],
  Chur: [[429, '3600']],
  Atlantis: [[404]],
};
const server = createServer(({ url = '' }, response) => {
  const [status, retryAfter] = answers[url.slice(1)]?.shift() ?? [200];
  response
    .writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
    .end(`sun in ${url.slice(1)}`);
}).listen(0);
const weather = new Weather(`http://localhost:${(server.address() as AddressInfo).port}`);

const began = performance.now();
console.log(await weather.forecast('Davos'), '- after a second:', performance.now() - began >= 1000);
await weather
  .forecast('Chur')
  .catch((error: HttpError) => console.log('Chur:', error.message, error.headers.get('retry-after')));
await weather.forecast('Atlantis').catch((error: HttpError) => console.log('Atlantis:', error.message));
const { calls, attempts, retries } = statsOf(Weather, 'forecast');
console.log({ calls, attempts, retries });
server.close();
