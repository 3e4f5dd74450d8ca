/** A client of a language model: quotas of requests and tokens that two methods share, several keys, urgent calls first. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cache, currentCall, fallback, isTransient, parseRetryAfter, RateLimiter, rateLimit, retry } from 'opero';

type Options = { readonly apiKey?: string; readonly isUrgent?: boolean };
type Answer = { readonly text: string; readonly tokens: number };

const key = (_text: string, { apiKey = '' }: Options): string => apiKey; // quotas are per key
const priority = (_text: string, { isUrgent }: Options): number => (isUrgent ? 1 : 0);
const weight = (text: string): number => Math.ceil(text.length / 3) + 40; // tokens at most
const weightResult = ({ tokens }: Answer): number => tokens; // what it really was
const requests = new RateLimiter({ rate: 20, key, priority, pauseFor: parseRetryAfter });
const tokens = new RateLimiter({ rate: 1_000, key, priority, weight, weightResult });
const limited = rateLimit([requests, tokens]);
const retried = retry({ maxAttempts: 3, retryOn: isTransient, delay: parseRetryAfter });
const keys = { argument: [1, 'apiKey'], values: ['one', 'two'], start: 'next' } as const;
const rotated = fallback({ rotate: keys, on: isTransient });

class Model {
  constructor(readonly base: string) {}
  @rotated
  @retried
  @limited
  async complete(text: string, options: Options): Promise<Answer> {
    return this.#ask('complete', text, options);
  }

  @cache({ ttl: 3_600_000, key: (text: string) => text })
  @rotated
  @retried
  @limited
  async embed(text: string, options: Options): Promise<Answer> {
    return this.#ask('embed', text, options);
  }

  async #ask(what: string, body: string, { apiKey = '' }: Options): Promise<Answer> {
    const init = { method: 'POST', body, headers: { 'sent-at': `${performance.now()}` } };
    const response = await fetch(`${this.base}/${what}/${apiKey}`, { ...init, signal: currentCall().signal ?? null });
    const { status, headers } = response;
    if (!response.ok) throw Object.assign(new Error(`the server answered ${status}`), { status, headers });
    return (await response.json()) as Answer;
  }
}

// A server to try it with. It counts what its quotas do not allow, by the time at which each request says it was sent: on a
// busy machine some travel for long.
const sent = new Map<string, { at: number; tokens: number }[]>();
let embeddings = 0;
let refused = 0;
const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const [, what = '', apiKey = ''] = request.url?.split('/') ?? [];
  const used = Math.ceil(text.length / 4) + (what === 'complete' ? 30 : 0);
  const all = sent.get(apiKey) ?? [];
  sent.set(apiKey, all);
  all.push({ at: Number(request.headers['sent-at']), tokens: used });
  if (apiKey === 'two' && all.length === 15) {
    refused++;
    response.writeHead(429, { 'retry-after': '1' }).end();
  } else {
    if (what === 'embed') embeddings++;
    response.end(JSON.stringify({ text: text.toUpperCase(), tokens: used }));
  }
}).listen(0);

/** How many requests were sent while a second before them already held all that the quotas allow. */
function violations(): number {
  const beyond = [...sent.values()].flatMap((all) =>
    all.filter(({ at }) => {
      const within = all.filter((each) => each.at > at - 1_000 && each.at <= at);
      return within.length > 20 || within.reduce((sum, each) => sum + each.tokens, 0) > 1_000;
    }),
  );
  return beyond.length;
}

const model = new Model(`http://localhost:${(server.address() as AddressInfo).port}`);
const order: string[] = [];
const complete = async (text: string, isUrgent: boolean): Promise<void> => {
  await model.complete(text, { isUrgent });
  order.push(isUrgent ? 'urgent' : 'patient');
};
await Promise.all([
  ...Array.from({ length: 60 }, (_, index) => model.embed(`chapter ${index % 30}`, {})),
  ...Array.from({ length: 60 }, (_, index) => complete(`tell of ${index}`, false)),
  ...Array.from({ length: 10 }, (_, index) => complete(`at once: ${index}`, true)),
]);
console.log(`60 texts embedded by ${embeddings} requests`);
console.log(`${refused} request was answered 429; the last call served was ${order.at(-1)}`);
console.log(`requests beyond a quota: ${violations()}`);
server.close();
server.closeAllConnections();
