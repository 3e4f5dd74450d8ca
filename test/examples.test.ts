import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needsRedis, RedisServer } from './bullmq/support/redis-server.js';

const run = promisify(execFile);
/** The compiled examples, beside the compiled tests; and their sources. */
const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const sources = new URL('../../examples/', import.meta.url);
/** Without what would have Node colour its output. */
const { FORCE_COLOR: _, ...env } = process.env;

/** Those in plain JavaScript, which nothing compiles. */
const plain: readonly string[] = ['decorate'];

/** What each example prints, line by line. */
const expected: Readonly<Record<string, readonly string[]>> = {
  events: [
    'attempt 1 failed: Error: no answer',
    'a line of log: retry, 1',
    'falls back on cached',
    'a line of log: fallback, 1',
    'ok by a fallback',
    'ok by the method',
    'left: 0',
    "Weather forecast [ 'fallback', 'retry', 'concurrency' ] 3 2",
  ],
  batch: [
    '25 % of 10000',
    '50 % of 10000',
    '75 % of 10000',
    '100 % of 10000',
    'first: f5201cf5 last: c5368b18',
    'item 7: RangeError: seven is not allowed',
    'attempts: 10001',
  ],
  cancelling: [
    '/page: attempt 1, the signal of the caller',
    'while it waited for a retry: the user left',
    'while it waited for a slot: TimeoutError',
    'saved one',
    'saved three',
  ],
  cache: ['1 value, 1 attempt', '9 to 5', 'the book 1 and 9 to 5', 'a new book true 1', 'no connection', 'true 1'],
  'circuit-breaker': [
    'closed -> open no answer',
    'asked 3 times of 5',
    'open -> half-open no answer',
    'half-open -> closed ',
    '4°',
    'isolated',
    '3 m/s',
  ],
  'class-level': [
    'nothing, for now',
    'item 2 from the tapes',
    'a store',
    'load: fallback of Store, retry of Store, concurrency of Archive',
    'search: fallback of Store, retry of Store, concurrency of Archive',
    'restore: fallback of Store, retry of Store, concurrency of Archive',
    'offline: retry of Store, concurrency of Archive',
    'describe: none',
  ],
  chaos: [
    'sun in Davos',
    'drill: 6 of 20 from yesterday, 35 attempts, 21 injected',
    'Davos: sun in Davos, yesterday; Chur: sun in Chur',
    'slow: TimeoutError',
    'sun in Davos',
  ],
  'llm-client': [
    '60 texts embedded by 30 requests',
    '1 request was answered 429; the last call served was patient',
    'requests beyond a quota: 0',
  ],
  concurrency: [
    'running 2, queued 3, rejected 1',
    'served soup',
    'served rice',
    'served fish',
    'served beans',
    'served cake',
    'turned away: queue-full',
    'most at once: 2',
  ],
  configure: [
    'queued: 2',
    'queued: 0',
    'sun in Bern, sun in Chur, sun in Davos',
    'no such city',
    'Weather.forecast: all 3 attempts failed',
    'retry 5 5 true',
    "not used: [ 'Tides.*' ]",
    "concurrency limit: 1, maxQueue: Infinity, maxWait: Infinity, scope: 'class'  (from Weather)",
  ],
  'cpu-bound': [
    '1229 primes, in a worker',
    'TooBigError: only up to 100000 (limit 100000)',
    "Primes.cached: `this.cache` does not travel to a worker; list 'cache' in the option `state` of @cpuBound",
    '499500 moved, so that here are left: 0',
  ],
  decorate: [
    'Weather.forecast failed 1',
    'Weather.forecast failed 2',
    'sun in Davos',
    'Arosa: as yesterday',
    'forecast(): fallback > timeout > retry > concurrency > the method',
    'cached(): concurrency > the method',
  ],
  'define-policy': [
    'Market.buy(tea), attempt 1: Error: closed',
    'Market.buy(tea), attempt 2: one tea',
    'Market.stock, attempt 1: 30',
    'price, attempt 1: 4',
    "[ 'retry', 'log' ]",
    'failed attempts: 1',
  ],
  fallback: [
    'cached() stands in: the shop is closed: no tea',
    'tea: 4',
    'cached() stands in: the shop is closed: no cake',
    'cake: 6',
    'cached() stands in: the shop is closed: no pie',
    'pie: the shop is closed: no pie; pie is not cached; no default price',
    'stock of tea: 0',
    'passed through: no article given',
  ],
  hedge: [
    'sun in Davos, by run 0',
    'hedge 1 as it is slow',
    'run 0: AbortError',
    'sun in Chur, by run 1',
    'hedge 1 as run 0 found nobody',
    'sun in Bern, by run 1',
    'calls 3, attempts 5, hedges 2, won 2, failures 0',
  ],
  inheritance: [
    '4° in Davos, 1560 m',
    'plain: no answer',
    'AlpineStation: retry from Station, concurrency from Station',
    'PatientStation: retry from PatientStation, concurrency from Station',
    'PlainStation: none',
  ],
  inspect: [
    'AlpineWeather',
    '  forecast(): retry > rateLimit > concurrency > the method',
    "    retry       maxAttempts: 4, waitMin: 5, waitMax: 30000, waitMultiplier: 2, jitter: 'none', maxElapsed: Infinity, rethrow: true  (from Weather)",
    "    rateLimit   rate: 50, per: 1000, spread: false, maxQueue: Infinity, maxWait: Infinity, scope: 'class'  (from Weather)",
    "    concurrency limit: 3, maxQueue: Infinity, maxWait: Infinity, scope: 'class'  (from AlpineWeather)",
    'retry 30000 true',
    'sun in Davos, alps',
    '{',
    '  calls: 1,',
    '  running: 0,',
    '  abandoned: 0,',
    '  queued: 0,',
    '  limit: 3,',
    '  attempts: 3,',
    '  retries: 2,',
    '  hedges: 0,',
    '  hedgeWins: 0,',
    '  budgetExceeded: 0,',
    '  rejected: 0,',
    '  timeouts: 0,',
    '  circuitOpenings: 0,',
    '  cacheHits: 0,',
    '  cacheMisses: 0,',
    '  staleHits: 0,',
    '  coalesced: 0,',
    '  refreshFailures: 0,',
    '  fallbacks: 0,',
    '  injected: 0,',
    '  failures: 0,',
    '  custom: {}',
    '}',
    'calls on the base class: 0',
  ],
  jobs: [
    '3 customers of the north, at attempt 1',
    '3 customers of the north, at attempt 1',
    '5 customers of the south, at attempt 2',
    'no tenant west (west)',
    'sync-north waits for a minute',
  ],
  orchestrate: [
    'sun in Davos',
    'sun in Chur, yesterday',
    'pipeline: fallback > retry > rateLimit > concurrency',
    'calls 2, attempts 3, retries 1, fallbacks 1',
  ],
  orchestrator: [
    "[ 'Primary: 1', 'Fallback: 2', 'Primary: 3', 'Fallback: 4' ]",
    'Fallback: 6',
    'primary Fallback: 8',
    'Primary: 1',
    'Second: 2',
    'Third: 6',
    'failures: 0',
  ],
  otel: [
    'request 200',
    '  handler - fastify -> @fastify/otel',
    '    Weather.forecast',
    '      GET 200',
    'request 200',
    '  handler - fastify -> @fastify/otel',
    '    Weather.forecast',
    '      Weather.forecast attempt 1',
    '        GET 503',
    '      Weather.forecast attempt 2',
    '        GET 503',
    '      Weather.forecast attempt 3',
    '        GET 200',
  ],
  view: ['served at 127.0.0.1: true', 'the page: text/html; charset=utf-8', 'shows: forecast'],
  'rate-limit': [
    'sent at once: Ann, Bob',
    'sent in the end: Ann, Bob, Cem, Dia, Eve',
    'took two windows: true',
    'report of north',
    'report of south',
    'turned away by rateLimit: queue-full',
  ],
  retry: [
    'attempt 1 failed: the server said 503',
    'attempt 2 failed: the server said 503',
    'sun in Davos, at attempt 3',
    'not retried: no records of 1700',
    'Weather.radar: all 2 attempts failed, 2 errors kept',
  ],
  'retry-after': [
    'Davos: the server answered 503, again in 1000 ms',
    'Davos: the server answered 429, again in a moment',
    'Davos: the server answered 500, again in a moment',
    'sun in Davos - after a second: true',
    'Chur: the server answered 429 3600',
    'Atlantis: the server answered 404',
    '{ calls: 3, attempts: 6, retries: 3 }',
  ],
  rotate: [
    'eu.example: forecast of Davos',
    'us.example: forecast of Davos',
    'sun in Davos, says us.example',
    'eu.example is open, us.example is closed',
    'us.example: forecast of Chur',
    'sun in Chur, says us.example',
    'one two three one',
    'every key is used up: two; three; one',
  ],
  'shared-limit': ['40 starts by 2 processes', 'no more than 10 in any 250 ms: true'],
  'shared-limits': [
    '8 of 10 permits are used',
    '2 wait',
    'orders 12, orders 8+9+10+11, user Bob',
    'after the pause: true',
  ],
  stream: [
    'thumbnail 0',
    'thumbnail 1',
    'thumbnail 2',
    'thumbnail 3',
    'thumbnail 4',
    'the source is let go',
    'pulled no more than needed: true',
    'as they come: thumbnail 3, thumbnail 4, thumbnail 5',
  ],
  timeout: [
    'attempt 1: TimeoutError',
    'sun in Davos, at attempt 2',
    'attempt 1: TimeoutError',
    'attempt 2: TimeoutError',
    'attempt 3: TimeoutError',
    'sun in Chur, yesterday (Weather.forecast: attempt 3 took longer than 40 ms)',
    'no answer',
    'attempts 5, timeouts 4, failures 0',
  ],
  testing: [
    'sun in Davos - attempts: 3',
    'sun in Davos, yesterday - attempts: 6',
    'sun in Davos - attempts: 1',
    'Error: offline - attempts: 1',
  ],
};

/** Those that need a Redis. */
const onRedis: readonly string[] = ['jobs', 'shared-limit'];

describe('examples', () => {
  let redis: RedisServer | undefined;
  before(async () => {
    if (!needsRedis.skip) redis = await RedisServer.start();
  });
  after(() => redis?.stop());

  for (const [name, lines] of Object.entries(expected)) {
    test(`${name} prints what it says`, onRedis.includes(name) ? needsRedis : {}, async () => {
      const file = plain.includes(name) ? fileURLToPath(new URL(`${name}.mjs`, sources)) : `${folder}${name}.js`;
      const { stdout, stderr } = await run(process.execPath, [file], {
        env: { ...env, REDIS_URL: `redis://127.0.0.1:${redis?.port}` },
        timeout: 30_000,
      });
      assert.deepEqual(stdout.trimEnd().split('\n'), lines);
      assert.equal(stderr, '');
    });
  }

  test('every example of one file is checked here', () => {
    const files = readdirSync(sources).filter((file) => /\.(ts|mjs)$/.test(file));
    assert.deepEqual(files.map((file) => file.replace(/\.\w+$/, '')).sort(), Object.keys(expected).sort());
  });
});
