import { strict as assert } from 'node:assert';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { concurrency, hedge, retry } from 'opero';
import { deferred } from '../support/deferred.js';
import { sdkVersion, UndiciInstrumentation } from './sdk.js';
import { SpansInMemory } from './spans-in-memory.js';

describe(`the spans of undici, by SDK ${sdkVersion}`, () => {
  const undici = new UndiciInstrumentation();
  let server: Server;
  let url = '';
  /** What the server answers, one after the other; then 200. */
  let answers: number[] = [];
  let spans: SpansInMemory;

  before(async () => {
    server = createServer((_, response) => {
      response.statusCode = answers.shift() ?? 200;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  after(() => {
    undici.disable();
    server.close();
    server.closeAllConnections();
  });

  beforeEach(() => {
    spans = new SpansInMemory();
    undici.setTracerProvider(spans.provider);
  });

  const load = async (signal?: AbortSignal): Promise<number> => {
    const response = await fetch(url, { signal: signal ?? null });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.status;
  };

  test('are within that of the call where one attempt is enough', async () => {
    using _ = spans.instrument();
    class Client {
      @retry(3)
      async get(): Promise<number> {
        return load();
      }
    }
    assert.equal(await new Client().get(), 200);
    assert.deepEqual(spans.tree, ['Client.get', '  GET']);
  });

  test('are within those of the attempts', async () => {
    using _ = spans.instrument();
    const gate = deferred();
    class Client {
      @retry({ maxAttempts: 3, waitMin: 1, jitter: 'none' })
      @concurrency(1)
      async get(isFirst = false): Promise<number> {
        if (isFirst) await gate.promise;
        return load();
      }
    }
    const client = new Client();
    answers = [200, 503, 503, 200];
    const first = client.get(true);
    // It waits for a slot, so that its first attempt has a span of its own from the beginning.
    const queued = client.get();
    gate.resolve();
    assert.deepEqual(await Promise.all([first, queued]), [200, 200]);
    const call = spans.named('Client.get').find(({ attributes }) => attributes['opero.attempts'] === 3);
    assert.ok(call);
    const attempts = spans.beneath(call);
    assert.deepEqual(
      attempts.map((span) => [
        span.name,
        span.attributes['opero.attempt'],
        spans.beneath(span).map(({ name, attributes }) => [name, attributes['http.response.status_code']]),
      ]),
      [
        ['Client.get attempt', 1, [['GET', 503]]],
        ['Client.get attempt', 2, [['GET', 503]]],
        ['Client.get attempt', 3, [['GET', 200]]],
      ],
    );
  });

  test('are within that of a hedge', async () => {
    using _ = spans.instrument();
    const hung = deferred<number>();
    class Client {
      runs = 0;
      @hedge(1)
      async get(): Promise<number> {
        return this.runs++ === 0 ? hung.promise : load();
      }
    }
    await spans.tracer.startActiveSpan('request', async (request) => {
      await new Client().get();
      hung.resolve(0);
      request.end();
    });
    const [request] = spans.named('request');
    const [get] = spans.named('GET');
    const hedged = spans.all.find((span) => spans.beneath(span).includes(get as never));
    assert.equal(hedged?.attributes['opero.hedge'], 1);
    assert.equal(get?.spanContext().traceId, request?.spanContext().traceId);
  });

  test('are within that of the call where attempts get none', async () => {
    using _ = spans.instrument('call');
    class Client {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async get(): Promise<number> {
        return load();
      }
    }
    answers = [503];
    await new Client().get();
    assert.deepEqual(spans.tree, ['Client.get', '  GET', '  GET']);
  });
});
