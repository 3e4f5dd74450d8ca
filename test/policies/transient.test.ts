import { strict as assert } from 'node:assert';
import { createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, test } from 'node:test';
import {
  AllFailedError,
  CircuitOpenError,
  ConfigurationError,
  httpStatusOf,
  ItemError,
  isTransient,
  RejectedError,
  RetryError,
  retry,
  TimeoutError,
  WorkerError,
} from 'opero';
import { freePort } from '../support/free-port.js';
import { rejection } from '../support/rejection.js';

const withFields = (fields: object, message = 'no'): Error => Object.assign(new Error(message), fields);
const withCode = (code: unknown): Error => withFields({ code });
const fetchFailed = (cause?: unknown): TypeError => new TypeError('fetch failed', { cause });
const full = (policy: RejectedError['policy']) => new RejectedError('full', policy, 'queue-full');

describe('X11 isTransient', () => {
  for (const code of [
    ...['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'],
    ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_SOCKET'],
    ...['ECONNABORTED', 'ERR_NETWORK', 'ERR_STREAM_PREMATURE_CLOSE', '57P01', '08006'],
    ...[
      'ESOCKETTIMEDOUT',
      'ENETDOWN',
      'ENETRESET',
      'EHOSTDOWN',
      'EADDRINUSE',
      'EADDRNOTAVAIL',
      'ETIMEOUT',
      'ESERVFAIL',
    ],
    ...[
      'ERR_SOCKET_CONNECTION_TIMEOUT',
      'ERR_HTTP2_GOAWAY_SESSION',
      'UND_ERR_INFO',
      '08000',
      '08001',
      '08003',
      '53300',
    ],
    ...['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', '57P02', '57P03'],
  ]) {
    test(`${code}: itself, as a cause, and deeper`, () => {
      assert.equal(isTransient(withCode(code)), true);
      assert.equal(isTransient(new Error('no', { cause: withCode(code) })), true);
      assert.equal(isTransient(fetchFailed(new Error('no', { cause: withCode(code) }))), true);
      assert.equal(isTransient(new AggregateError([new Error('no'), withCode(code)])), true);
    });
  }

  for (const code of [
    'ENOENT',
    'EACCES',
    'ERR_INVALID_ARG_TYPE',
    'UND_ERR_INVALID_ARG',
    '23505',
    14,
    undefined,
    null,
    {},
  ]) {
    test(`not ${String(code)}`, () => assert.equal(isTransient(withCode(code)), false));
  }

  test("fetch's 'fetch failed', unless its cause has a code that says otherwise", () => {
    assert.equal(isTransient(fetchFailed()), true);
    assert.equal(isTransient(fetchFailed(new Error('bad port'))), true);
    assert.equal(isTransient(fetchFailed(withCode('CERT_HAS_EXPIRED'))), false);
    assert.equal(isTransient(new TypeError('terminated')), true);
    assert.equal(isTransient(new TypeError('x is not a function')), false);
    assert.equal(isTransient(new Error('fetch failed')), false);
  });

  test('what fetch, http and net really throw when nobody listens', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const byHttp = new Promise((_, reject) => get(url, { agent: false }).on('error', reject));
    const byNet = new Promise((_, reject) => connect(port, 'localhost').on('error', reject));
    for (const error of await Promise.all([fetch(url), byHttp, byNet].map(rejection))) {
      assert.equal(isTransient(error), true, String(error));
    }
  });

  test('what fetch and http really throw when the connection breaks off', async () => {
    const server = createServer(({ socket, url }, response) => {
      if (url === '/body') response.write('half', () => socket.destroy());
      else socket.destroy();
    }).listen(0);
    const url = `http://localhost:${(server.address() as AddressInfo).port}`;
    try {
      const byHttp = new Promise((_, reject) => get(url, { agent: false }).on('error', reject));
      const body = fetch(`${url}/body`).then((response) => response.text());
      for (const error of await Promise.all([fetch(url), byHttp, body].map(rejection))) {
        assert.equal(isTransient(error), true, String(error));
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('TimeoutErrors: of opero, of AbortSignal.timeout(), and others of that name', () => {
    assert.equal(isTransient(new TimeoutError('late', 5, 'attempt')), true);
    assert.equal(isTransient(new DOMException('late', 'TimeoutError')), true);
    assert.equal(isTransient(withFields({ name: 'TimeoutError' })), true);
    class TooSlow extends TimeoutError {
      override readonly name = 'TooSlow';
    }
    assert.equal(isTransient(new TooSlow('late', 5, 'attempt')), true);
  });

  test('not an abort, nor what it came from', () => {
    assert.equal(isTransient(new DOMException('enough', 'AbortError')), false);
    assert.equal(isTransient(withFields({ name: 'AbortError', cause: withCode('ECONNRESET') })), false);
    assert.equal(isTransient(withFields({ name: 'CanceledError', code: 'ERR_CANCELED' })), false);
  });

  for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) {
    test(`status ${status}, wherever clients put it`, () => {
      assert.equal(isTransient(withFields({ status })), true);
      assert.equal(isTransient(withFields({ statusCode: status })), true);
      assert.equal(isTransient(withFields({ response: { status } })), true);
      assert.equal(
        isTransient(withFields({ response: { statusCode: status }, code: 'ERR_NON_2XX_3XX_RESPONSE' })),
        true,
      );
    });
  }

  for (const status of [200, 301, 400, 401, 404, 409, 422, 600, '503', Number.NaN]) {
    test(`not status ${JSON.stringify(status)}`, () => {
      assert.equal(isTransient(withFields({ status })), false);
      assert.equal(isTransient(withFields({ response: { statusCode: status } })), false);
    });
  }

  test('a status says more than a code or a cause', () => {
    assert.equal(isTransient(withFields({ status: 404, code: 'ECONNRESET' })), false);
    assert.equal(isTransient(withFields({ status: 400, cause: withCode('ECONNRESET') })), false);
  });

  test('what pg, ioredis and node-redis say of a connection that went away', () => {
    for (const message of [
      'Connection terminated unexpectedly',
      'timeout exceeded when trying to connect',
      'Connection is closed.',
      'Command timed out',
      'Socket closed unexpectedly',
    ]) {
      assert.equal(isTransient(new Error(message)), true, message);
    }
    assert.equal(isTransient(withFields({ name: 'MaxRetriesPerRequestError' })), true);
    assert.equal(isTransient(withFields({ code: '42601' }, 'syntax error')), false);
  });

  test('no RejectedError and no ConfigurationError, wherever they came from', () => {
    assert.equal(isTransient(full('rateLimit')), false);
    assert.equal(isTransient(Object.assign(full('concurrency'), { cause: withCode('ECONNRESET') })), false);
    assert.equal(isTransient(new RetryError('all failed', [withCode('ECONNRESET'), full('rateLimit')])), true);
    assert.equal(isTransient(new ConfigurationError('no', { cause: withCode('ECONNRESET') })), false);
  });

  test("what opero's other errors hold", () => {
    assert.equal(isTransient(new AllFailedError('all', [withCode('ECONNRESET'), new Error('not cached')])), true);
    assert.equal(isTransient(new AllFailedError('all', [new Error('no'), full('rateLimit')])), false);
    assert.equal(isTransient(new ItemError('item', 0, withCode('EPIPE'))), true);
    assert.equal(isTransient(new WorkerError('died')), false);
  });

  test('nothing that is no object', () => {
    for (const value of [undefined, null, 'ECONNRESET', 503, true, Symbol('x'), 5n, () => {}]) {
      assert.equal(isTransient(value), false);
    }
  });

  test('ends with causes that go round or on for ever, and never throws', () => {
    const round = withFields({});
    Object.assign(round, { cause: round, errors: [round] });
    const thrower = (): never => {
      throw new Error('not to be read');
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const endless = (): object => new Proxy({}, { get: (_, key) => (key === 'cause' ? endless() : undefined) });
    for (const value of [
      round,
      proxy,
      new Proxy({}, { get: thrower, getPrototypeOf: thrower }),
      Object.defineProperties({}, { code: { get: thrower }, cause: { get: thrower }, name: { get: thrower } }),
      endless(),
      new AggregateError(Array(1000).fill(round)),
    ]) {
      assert.equal(isTransient(value), false);
      assert.equal(httpStatusOf(value), undefined);
    }
  });

  test('is an ErrorMatcher', async () => {
    let calls = 0;
    class Api {
      @retry({ maxAttempts: 5, waitMin: 0, retryOn: isTransient })
      async get(): Promise<void> {
        throw ++calls < 3 ? withCode('ECONNRESET') : withFields({ status: 404 });
      }
    }
    await rejection(new Api().get());
    assert.equal(calls, 3);
  });
});

describe('X11 httpStatusOf', () => {
  const late = new TimeoutError('late', 5, 'total');

  test('429 for a rate limit, 503 for other limits and an open circuit, 504 for a timeout', () => {
    assert.equal(httpStatusOf(full('rateLimit')), 429);
    assert.equal(httpStatusOf(new RejectedError('late', 'rateLimit', 'wait-timeout')), 429);
    assert.equal(httpStatusOf(full('concurrency')), 503);
    assert.equal(httpStatusOf(full('cpuBound')), 503);
    assert.equal(httpStatusOf(new CircuitOpenError('open', 'open', 5, undefined)), 503);
    assert.equal(httpStatusOf(late), 504);
  });

  test('undefined for any other error, its status notwithstanding', () => {
    for (const value of [
      new Error('no'),
      withFields({ status: 503 }),
      new DOMException('late', 'TimeoutError'),
      new ConfigurationError('no'),
      new WorkerError('died'),
      new AllFailedError('all', []),
      new AllFailedError('all', [new Error('no')]),
      new RetryError('all', []),
      undefined,
      null,
      'late',
      429,
    ]) {
      assert.equal(httpStatusOf(value), undefined);
    }
  });

  test('looks into an AllFailedError and a RetryError: the first failure that has one, the last attempt', () => {
    assert.equal(httpStatusOf(new AllFailedError('all', [late, full('rateLimit')])), 504);
    assert.equal(httpStatusOf(new AllFailedError('all', [new Error('no'), full('concurrency')])), 503);
    assert.equal(httpStatusOf(new RetryError('all', [late, full('rateLimit')])), 429);
    assert.equal(httpStatusOf(new RetryError('all', [late, new Error('no')])), undefined);
    assert.equal(httpStatusOf(new AllFailedError('all', [new RetryError('all', [late])])), 504);
  });

  test('ends with errors that hold themselves', () => {
    const round = new AllFailedError('all', []);
    (round.errors as unknown[]).push(round, late);
    assert.equal(httpStatusOf(round), 504);
    Object.assign(round, { errors: new Proxy([], { get: () => round }) });
    assert.equal(httpStatusOf(round), undefined);
  });
});
