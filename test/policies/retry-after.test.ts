import { strict as assert } from 'node:assert';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseRetryAfter } from 'opero';
import { underFakeClock } from '../support/clock.js';

/** What it gives at a time of the wall clock. */
async function at(time: string, value: unknown): Promise<number | undefined> {
  let given: number | undefined;
  await underFakeClock(async (clock) => {
    clock.setSystemTime(new Date(time));
    given = parseRetryAfter(value);
  });
  return given;
}

const before = '1994-11-06T08:49:07Z';

describe('6.4 parseRetryAfter', () => {
  for (const [value, expected] of [
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['007', 7000],
    ['9'.repeat(20), 1e23],
    ['9'.repeat(400), Number.MAX_VALUE],
    [0, 0],
    [2, 2000],
    [1.5, 1500],
    [1e308, Number.MAX_VALUE],
  ] as const) {
    test(`digits are seconds: ${String(value).slice(0, 30)}`, () => assert.equal(parseRetryAfter(value), expected));
  }

  for (const value of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
    test(`a date by the wall clock: ${value}`, async () => {
      assert.equal(await at(before, value), 30_000);
      assert.equal(await at('1994-11-06T08:49:36.500Z', value), 500);
      assert.equal(await at('1994-11-06T08:49:37Z', value), 0);
      assert.equal(await at('1994-11-06T08:49:37.001Z', value), undefined);
    });
  }

  test('of an event, as delay gets it, its error counts', () => {
    const event = { method: 'Weather.forecast', args: [], attempt: 1, signal: undefined };
    const error = Object.assign(new Error('busy'), { headers: { 'Retry-After': '2' } });
    assert.equal(parseRetryAfter({ ...event, error }), 2000);
    assert.equal(parseRetryAfter({ ...event, error: new Headers({ 'retry-after': '2' }) }), 2000);
    assert.equal(parseRetryAfter({ headers: { 'retry-after': '1' }, error }), 1000);
    for (const none of [undefined, null, 5, '5', new Error('down'), { error }]) {
      assert.equal(parseRetryAfter({ ...event, error: none }), undefined);
    }
    const itself: { error?: unknown } = {};
    itself.error = itself;
    assert.equal(parseRetryAfter(itself), undefined);
  });

  test('a date with a leap second, a leap day, and two digits in asctime', async () => {
    assert.equal(await at('2016-12-31T23:59:59Z', 'Sat, 31 Dec 2016 23:59:60 GMT'), 1000);
    assert.equal(await at('2024-02-29T00:00:00Z', 'Thu, 29 Feb 2024 00:00:01 GMT'), 1000);
    assert.equal(await at('1994-11-16T08:49:36Z', 'Wed Nov 16 08:49:37 1994'), 1000);
  });

  test('a year of two digits is the latest that is not more than 50 years ahead', async () => {
    assert.equal(await at('2026-01-01T00:00:00Z', 'Friday, 02-Jan-26 00:00:00 GMT'), 86_400_000);
    assert.equal(await at('2099-12-31T23:59:59Z', 'Friday, 01-Jan-00 00:00:00 GMT'), 1000);
    assert.equal(await at('2026-01-01T00:00:00Z', 'Sunday, 06-Nov-94 08:49:37 GMT'), undefined);
    const inFiftyYears = Date.UTC(2076, 0, 1) - Date.UTC(2026, 0, 1);
    assert.equal(await at('2026-01-01T00:00:00Z', 'Wednesday, 01-Jan-76 00:00:00 GMT'), inFiftyYears);
    assert.equal(await at('2026-01-01T00:00:00Z', 'Wednesday, 01-Jan-76 00:00:01 GMT'), undefined);
    assert.equal((await at('2026-01-01T00:00:00Z', 'Monday, 29-Feb-28 00:00:00 GMT')) !== undefined, true);
  });

  for (const value of [
    '',
    ' ',
    ' 120',
    '120 ',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    '١٢',
    '120, 120',
    '120\n',
    'soon',
    '2994-11-06T08:49:37Z',
    'Sun, 6 Nov 2994 08:49:37 GMT',
    'sun, 06 Nov 2994 08:49:37 GMT',
    'Sun, 06 nov 2994 08:49:37 GMT',
    'Sun, 06 Nov 2994 08:49:37 UTC',
    'Sun, 06 Nov 2994 08:49:37 +0000',
    'Sun, 06 Nov 2994 08:49:37',
    'Sun, 06 Nov 2994 24:00:00 GMT',
    'Sun, 06 Nov 2994 08:60:00 GMT',
    'Sun, 06 Nov 2994 08:49:61 GMT',
    'Sun, 31 Feb 2994 08:49:37 GMT',
    'Sun, 00 Nov 2994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 06 Nov 0050 08:49:37 GMT',
    'Sunday, 06-Nov-2994 08:49:37 GMT',
    'Sun, 06-Nov-43 08:49:37 GMT',
    'Sun Nov 6 08:49:37 2994',
    'Sun Nov 06 08:49:37 2994 GMT',
    'Sun, 06 Nov 2994 08:49:37 GMT ',
    ' Sun, 06 Nov 2994 08:49:37 GMT',
    'Sunday, 06-Nov-43 08:49:37 GMT ',
    ' Sunday, 06-Nov-43 08:49:37 GMT',
    ' Sun Nov  6 08:49:37 2994',
    'Sun, 06 Nox 2994 08:49:37 GMT',
    'Sun, 06 Nov 2994 0:8:49:3 GMT',
  ]) {
    test(`anything else is undefined: ${JSON.stringify(value)}`, async () => {
      assert.equal(await at(before, value), undefined);
    });
  }

  for (const value of [
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    5n,
    true,
    null,
    undefined,
    Symbol('5'),
    () => '5',
    [],
    {},
  ]) {
    test(`anything else is undefined: a ${typeof value}, ${String(value)}`, () => {
      assert.equal(parseRetryAfter(value), undefined);
      assert.equal(parseRetryAfter({ headers: value }), undefined);
      if (typeof value !== 'number') assert.equal(parseRetryAfter({ headers: { 'retry-after': value } }), undefined);
    });
  }

  test('takes a Headers, and what holds one', () => {
    const headers = new Headers({ 'Retry-After': '3' });
    assert.equal(parseRetryAfter(headers), 3000);
    assert.equal(parseRetryAfter({ headers }), 3000);
    assert.equal(parseRetryAfter(new Response(null, { status: 503, headers })), 3000);
    assert.equal(parseRetryAfter(Object.assign(new Error('busy'), { headers })), 3000);
    assert.equal(parseRetryAfter(new Headers()), undefined);
  });

  test('what has only one method of a Headers is a record', () => {
    const headers = { 'retry-after': '3' };
    assert.equal(parseRetryAfter({ headers: { ...headers, get: () => '9' } }), 3000);
    assert.equal(parseRetryAfter({ headers: { ...headers, has: () => true } }), 3000);
    assert.equal(parseRetryAfter({ ...headers, get: () => '9' }), undefined);
  });

  test('headers that are null are none, so that its error counts', () => {
    assert.equal(parseRetryAfter({ headers: null, error: { headers: { 'retry-after': '3' } } }), 3000);
  });

  test('takes a record in any case, and the first of several values', () => {
    for (const headers of [
      { 'retry-after': '3' },
      { 'Retry-After': '3' },
      { 'RETRY-AFTER': 3 },
      { age: '9', 'retry-After': ['3', '4'] },
      Object.assign(Object.create(null), { 'retry-after': '3' }),
    ]) {
      assert.equal(parseRetryAfter({ headers }), 3000);
    }
    assert.equal(parseRetryAfter({ headers: { 'retry-after': [] } }), undefined);
    assert.equal(parseRetryAfter({ 'retry-after': '3' }), undefined);
  });

  test("takes the response of Node's http", async () => {
    const server = createServer((_, response) => response.setHeader('Retry-After', '3').end()).listen(0);
    try {
      const { port } = server.address() as AddressInfo;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        get(`http://localhost:${port}`, { agent: false }, resolve).on('error', reject);
      });
      response.resume();
      assert.equal(parseRetryAfter(response), 3000);
      assert.equal(parseRetryAfter({ headers: response.headersDistinct }), 3000);
    } finally {
      server.close();
    }
  });

  test('never throws on getters and proxies that do', () => {
    const thrower = (): never => {
      throw new Error('not to be read');
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const handlers = { get: thrower, has: thrower, ownKeys: thrower, getPrototypeOf: thrower };
    for (const value of [
      proxy,
      new Proxy({}, handlers),
      new Proxy(() => {}, handlers),
      Object.defineProperty({}, 'headers', { get: thrower }),
      { get: thrower, has: thrower },
      { get: () => ({ toString: thrower }), has: thrower },
      Object.defineProperty({}, 'Retry-After', { get: thrower, enumerable: true }),
      { [Symbol.toPrimitive]: thrower },
    ]) {
      assert.equal(parseRetryAfter(value), undefined);
      assert.equal(parseRetryAfter({ headers: value }), undefined);
      assert.equal(parseRetryAfter({ headers: { 'retry-after': value } }), undefined);
    }
  });

  test('gives a finite number of at least 0 or undefined for anything at all', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
          fc.string(),
        ),
        (value) => {
          for (const each of [value, { headers: value }, { headers: { 'Retry-After': value } }]) {
            const given = parseRetryAfter(each);
            assert.ok(given === undefined || (Number.isFinite(given) && given >= 0));
          }
        },
      ),
    ));

  test('reads what toUTCString() writes, of any moment to come', () =>
    fc.assert(
      fc.property(fc.integer({ min: 3_000_000_000, max: 250_000_000_000 }), (seconds) => {
        const given = parseRetryAfter(new Date(seconds * 1000).toUTCString());
        assert.ok(given !== undefined && Math.abs(Date.now() + given - seconds * 1000) < 10_000);
      }),
    ));
});
