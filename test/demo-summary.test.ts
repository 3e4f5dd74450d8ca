import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { CallRecord } from '../examples/demo/calls.js';
import { type ClientRecord, type Lane, mostWithin } from '../examples/demo/lines.js';
import { paintFor } from '../examples/demo/paint.js';

import type { SeenRequest, ServerRecord } from '../examples/demo/record.js';
import { exitStatus, type Summary, summarize } from '../examples/demo/summary.js';
import { showSummary } from '../examples/demo/table.js';

const plain = paintFor({ isTTY: false });

/**
 * Three calls to a method with one slot: the first was asked to wait and retried, the second cancelled, the third came while
 * the server was down for 100 ms, had the one attempt that opened the circuit, and got the fallback; a fourth was the probe
 * that closed it. All promises were kept.
 */
function records(): { client: ClientRecord; server: ServerRecord } {
  const lane = 'Shop.buy';
  const request = (call: number, attempt: number, started: number, outcome: SeenRequest['outcome']): SeenRequest => ({
    lane,
    call,
    attempt,
    started,
    arrived: 5000 + started + 1,
    ended: 5000 + started + 11,
    outcome,
    down: call === 2,
    ...(call === 0 && attempt === 1 && { retryAfter: 900 }),
  });
  const cancelled = { phase: 'running', at: 25, delay: 0.1, ownReason: true } as const;
  const calls: CallRecord[] = [
    { id: 0, lane, act: 'storm', outcome: 'succeeded', ended: 1020, took: 1020 },
    { id: 1, lane, act: 'storm', outcome: 'cancelled', ended: 25.1, took: 5.1, cancelled },
    { id: 2, lane, act: 'outage', outcome: 'fallback', ended: 2020, took: 20 },
    { id: 3, lane, act: 'recovery', outcome: 'succeeded', ended: 3020, took: 20 },
  ];
  const circuits = [
    { lane, to: 'open', at: 2015 },
    { lane, to: 'half-open', at: 2999 },
    { lane, to: 'closed', at: 3015 },
  ] as const;
  const stats = {
    calls: 4,
    running: 0,
    abandoned: 0,
    queued: 0,
    limit: 0,
    attempts: 5,
    retries: 1,
    hedges: 0,
    hedgeWins: 0,
    budgetExceeded: 0,
    rejected: 0,
    timeouts: 0,
    circuitOpenings: 1,
    cacheHits: 0,
    cacheMisses: 0,
    staleHits: 0,
    coalesced: 0,
    refreshFailures: 0,
    fallbacks: 1,
    injected: 0,
    failures: 1,
    custom: {},
  };
  const policies = [
    { kind: 'retry', options: { maxAttempts: 2, waitMin: 40, waitMultiplier: 2 } },
    { kind: 'rateLimit', options: { rate: 2, per: 1000 } },
    { kind: 'concurrency', options: { limit: 1 } },
    { kind: 'timeout', options: { attempt: 50, total: 1020 } },
    { kind: 'circuitBreaker', options: { consecutive: 1, halfOpenAfter: 150 } },
  ] as const;
  return {
    client: {
      calls,
      planned: 4,
      lanes: [{ name: lane, policies, stats, circuit: 'closed' }],
      hungUp: { timeout: 0, cancel: 1 },
      circuits,
      late: 5,
    },
    server: {
      requests: [
        request(0, 1, 0, '503'),
        request(1, 1, 20, 'hung up'),
        request(0, 2, 1000, 'ok'),
        request(2, 1, 2000, '503'),
        request(3, 1, 3000, 'ok'),
      ],
      mostAtOnce: { [lane]: 1 },
      gathered: { [lane]: 1 },
      open: 0,
      outage: 100,
      late: 1,
    },
  };
}

describe('the summary', () => {
  const [first, second, third, fourth, fifth] = records().server.requests as [
    SeenRequest,
    SeenRequest,
    SeenRequest,
    SeenRequest,
    SeenRequest,
  ];
  const stats = records().client.lanes[0]?.stats;
  assert.ok(stats);

  test('finds that true records keep every promise: exit status 0', () => {
    const { client, server } = records();
    const summary = summarize(client, server);
    assert.deepEqual(
      summary.promises.filter(({ kept }) => !kept),
      [],
    );
    assert.equal(exitStatus(summary), 0);
    assert.match(showSummary(summary, 80, plain), /All 20 promises were kept\.$/);
  });

  const last = [fourth, fifth];
  const falsified: readonly (readonly [broken: string, server: Partial<ServerRecord>])[] = [
    ['Shop.buy: concurrent requests', { mostAtOnce: { 'Shop.buy': 2 } }],
    ['Shop.buy: requests in any second', { requests: [first, second, { ...third, started: 999.9 }, ...last] }],
    ['Shop.buy: requests in any second', { requests: [first, second, { ...third, started: 0, arrived: 5003 }] }],
    ['requests, as many as attempts in statsOf()', { requests: [first, second] }],
    ['requests, as many as attempts in statsOf()', { requests: [first, second, { ...third, lane: 'Shop.sell' }] }],
    ['successful calls that the server answered', { requests: [first, second, { ...third, outcome: '429' }] }],
    ['attempts for one call', { requests: [first, second, third, { ...third, attempt: 3, started: 3000 }] }],
    ['shortest pause before attempt 2', { requests: [{ ...first, ended: 5961.1 }, second, third] }],
    ['requests before their Retry-After', { requests: [{ ...first, ended: 5101.1 }, second, third] }],
    ['requests for calls already over or cancelled', { requests: [first, { ...second, started: 25.1 }, third] }],
    ['requests for calls already over or cancelled', { requests: [first, second, { ...third, started: 1020.1 }] }],
    ['unanswered requests closed by the client', { requests: [first, { ...second, outcome: 'stall' }, third] }],
    ['longest request', { requests: [first, second, { ...third, ended: third.arrived + 62.1 }] }],
    ['requests in an outage of 0.1 s, at most', { requests: [first, second, { ...third, down: true }, ...last] }],
    ['requests while a circuit was not closed', { requests: [...last, { ...fifth, started: 2500 }] }],
    ['slots free at the end, method by method', { gathered: {} }],
    ['calls or requests left open at the end', { open: 1 }],
  ];
  for (const [index, [broken, part]] of falsified.entries()) {
    test(`sees when the server saw otherwise, ${index + 1}: ${broken}`, () => {
      const { client, server } = records();
      expectBroken(summarize(client, { ...server, ...part }), broken);
    });
  }

  /** The same lanes, each with something else. */
  const inEach = (lanes: readonly Lane[], other: Partial<Lane>): readonly Lane[] =>
    lanes.map((lane) => ({ ...lane, ...other }));

  const misled: readonly (readonly [broken: string, client: (given: ClientRecord) => Partial<ClientRecord>])[] = [
    ['calls that ended', ({ calls }) => ({ calls: calls.slice(0, 1) })],
    ['longest call', ({ calls }) => ({ calls: calls.map((call) => ({ ...call, took: 1032.1 })) })],
    [
      'calls in the outage that got the fallback',
      ({ calls }) => ({ calls: calls.map((call) => ({ ...call, outcome: 'succeeded' })) }),
    ],
    ['circuits closed at the end', ({ lanes }) => ({ lanes: inEach(lanes, { circuit: 'half-open' }) })],
    ['requests while a circuit was not closed', ({ circuits }) => ({ circuits: circuits.slice(0, 1) })],
    [
      'calls, fallbacks, failures in statsOf()',
      ({ lanes }) => ({ lanes: inEach(lanes, { stats: { ...stats, failures: 2 } }) }),
    ],
    [
      'calls or requests left open at the end',
      ({ lanes }) => ({ lanes: inEach(lanes, { stats: { ...stats, queued: 1 } }) }),
    ],
    [
      'cancelled calls rejected with their reason',
      ({ calls: [kept, lost, ...others] }) => ({
        calls: [
          kept as CallRecord,
          { ...lost, cancelled: { ...lost?.cancelled, ownReason: false } } as CallRecord,
          ...others,
        ],
      }),
    ],
  ];
  for (const [broken, change] of misled) {
    test(`sees when the client saw otherwise: ${broken}`, () => {
      const { client, server } = records();
      expectBroken(summarize({ ...client, ...change(client) }, server), broken);
    });
  }

  test('finds the most starts in any window, whatever their order', () => {
    assert.equal(mostWithin([], 10), 0);
    assert.equal(mostWithin([20, 0, 10], 10), 1);
    assert.equal(mostWithin([20, 0, 9.9, 29, 25], 10), 3);
  });
});

function expectBroken(summary: Summary, broken: string): void {
  const names = summary.promises.filter(({ kept }) => !kept).map(({ what }) => what);
  assert.ok(names.includes(broken), `broken: ${names.join('; ') || 'none'}`);
  assert.equal(summary.kept, false);
  assert.equal(exitStatus(summary), 1);
  assert.match(showSummary(summary, 80, plain), /✗ .+promises were broken\.$/s);
}
