// The client of examples/client.ts, which the handbook shows too, against real servers.
import { strict as assert } from 'node:assert';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { AllFailedError, circuitOf, isCircuitOpenError, isTimeoutError } from 'opero';
import { Client, HttpError } from '../examples/client.js';
import { mostWithin } from '../examples/demo/lines.js';
import { blocks, root } from './support/pages.js';
import { rejection } from './support/rejection.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

/** A server that answers its requests so in turn, the last way for all that follow, and a client of it. */
async function serve(t: TestContext, ...answers: readonly [Answer, ...Answer[]]) {
  const requests: { readonly at: number }[] = [];
  const server = createServer((request, response) => {
    requests.push({ at: performance.now() });
    const answer = answers[Math.min(requests.length, answers.length) - 1] as Answer;
    answer(response, request);
  }).listen(0);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const client = new Client(`http://localhost:${(server.address() as AddressInfo).port}`);
  return { client, server, requests };
}

const sun: Answer = (response) => response.end('sun');
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();
const cut: Answer = (_response, request) => request.socket.destroy();

describe('the client of the examples', () => {
  test('has at most 60 lines of code, and stands in the handbook as it is', () => {
    const text = readFileSync(join(root, 'examples', 'client.ts'), 'utf8');
    const [imports = ''] = /^import \{[^}]+\} from 'opero';$/m.exec(text) ?? [];
    const [classes = ''] = /^\/\*\* `isTransient` goes.+^}(?=\n\n\/\*\* A server)/ms.exec(text) ?? [];
    const code = `${imports}\n${classes}`.split('\n').filter((line) => !/^ *($|\/\/|\/?\*)/.test(line));
    assert.ok(code.length > 40 && code.length <= 60, `${code.length} lines`);
    const shown = blocks.find(({ chapter }) => chapter === 'Recipe: an HTTP client');
    assert.ok(shown?.code.includes(classes));
  });

  test('waits for as long as the server asks, and goes on after a lost connection', async (t) => {
    const { client, requests } = await serve(t, status(503, { 'retry-after': '1' }), cut, sun);
    assert.equal(await client.get('retrying', 'weather'), 'sun');
    const [first, second] = requests;
    assert.equal(requests.length, 3);
    assert.ok(first && second && second.at - first.at >= 1000);
  });

  test('ends an attempt that gets no answer, with its connection, and tries again', async (t) => {
    const left = new EventEmitter();
    const { client, requests } = await serve(t, (_, request) => request.once('close', () => left.emit('closed')), sun);
    const closed = once(left, 'closed');
    assert.equal(await client.get('stalled', 'weather'), 'sun');
    await closed;
    assert.equal(requests.length, 2);
  });

  test('begins no wait that would end after the time for the whole call', async (t) => {
    const { client, requests } = await serve(t, sun, status(429, { 'retry-after': '11' }));
    await client.get('patient', 'weather');
    assert.equal(await client.get('patient', 'weather'), 'sun, a while ago');
    assert.equal(requests.length, 2);
  });

  test('tries a lasting failure once, gives it to the caller, and keeps the circuit closed', async (t) => {
    const { client, requests } = await serve(t, status(404));
    for (let call = 1; call <= 6; call++) {
      const error = await rejection(client.get('lasting', 'missing'));
      assert.ok(error instanceof HttpError && error.status === 404);
      assert.equal(requests.length, call);
    }
    assert.equal(circuitOf(client, 'get').state, 'closed');
  });

  test('leaves a server alone that is down, and finds out that it is back', async (t) => {
    const down = status(503);
    const { client, requests } = await serve(t, down, down, down, down, down, sun);
    const error = await rejection(client.get('down', 'weather'));
    assert.ok(error instanceof AllFailedError);
    assert.equal(requests.length, 4);
    await rejection(client.get('down', 'weather'));
    const refused = await rejection(client.get('down', 'weather'));
    assert.ok(refused instanceof AllFailedError && isCircuitOpenError(refused.errors[0]));
    assert.equal(requests.length, 5);
    circuitOf(client, 'get').reset();
    assert.equal(await client.get('down', 'weather'), 'sun');
    assert.match(client.stats(), /rejected \d+.*; the circuit is closed$/);
  });

  test('starts at most fifty requests of a tenant in any second, and lets another one pass', async (t) => {
    const { client } = await serve(t, sun);
    const starts: { readonly tenant: string; readonly at: number }[] = [];
    const { fetch } = globalThis;
    t.mock.method(globalThis, 'fetch', (url: URL, init: RequestInit) => {
      starts.push({ tenant: url.pathname.split('/')[1] ?? '', at: performance.now() });
      return fetch(url, init);
    });
    const many = Array.from({ length: 60 }, () => client.get('many', 'weather'));
    await Promise.all([...many, client.get('one', 'weather')]);
    const ofMany = starts.filter(({ tenant }) => tenant === 'many').map(({ at }) => at);
    assert.equal(ofMany.length, 60);
    assert.equal(mostWithin(ofMany, 1000), 50);
    assert.equal(
      starts.findIndex(({ tenant }) => tenant === 'one'),
      50,
    );
  });

  test('has at most twenty requests under way', async (t) => {
    const waiting: ServerResponse[] = [];
    let most = 0;
    const { client } = await serve(t, (response) => {
      most = Math.max(most, waiting.push(response));
      if (waiting.length === 20) for (const each of waiting.splice(0)) each.end('sun');
    });
    await Promise.all(Array.from({ length: 40 }, () => client.get('crowd', 'weather')));
    assert.equal(most, 20);
  });

  test('ends a call whose caller aborts, with the reason given, and lets go of its connection', async (t) => {
    const leaving = new AbortController();
    const reason = new Error('the user left');
    const left = new EventEmitter();
    const { client, requests } = await serve(t, (_, request) => {
      request.once('close', () => left.emit('closed'));
      leaving.abort(reason);
    });
    const closed = once(left, 'closed');
    assert.equal(await rejection(client.get('leaving', 'weather', { signal: leaving.signal })), reason);
    await closed;
    assert.equal(requests.length, 1);
    assert.equal(circuitOf(client, 'get').failures, 0);
  });

  test('tells of the time that was up where nothing is known', async (t) => {
    const { client } = await serve(t, () => {});
    const error = await rejection(client.get('silent', 'weather'));
    assert.ok(error instanceof AllFailedError && isTimeoutError(error.errors[0]));
  });

  test('keeps the last thousand answers', async (t) => {
    const { client } = await serve(t, sun);
    const pages = Array.from({ length: 1001 }, (_, page) => page);
    for (let first = 0; first < pages.length; first += 91) {
      await Promise.all(
        pages.slice(first, first + 91).map((page) => client.get(`tenant ${page % 91}`, `page ${page}`)),
      );
    }
    const known = await Promise.allSettled(
      pages.map((page) => client.lastKnown(`tenant ${page % 91}`, `page ${page}`)),
    );
    assert.equal(known[0]?.status, 'rejected');
    assert.equal(known.filter((each) => each.status === 'fulfilled').length, 1000);
  });
});
