import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CallRecord } from '../examples/demo/calls.js';
import { frame } from '../examples/demo/live.js';
import { paintFor } from '../examples/demo/paint.js';
import { makePlan } from '../examples/demo/plan.js';
import { type ClientRecord, mostWithin } from '../examples/demo/promises.js';
import type { SeenRequest, ServerRecord } from '../examples/demo/server.js';
import { exitStatus, type Summary, summarize } from '../examples/demo/summary.js';
import { showSummary } from '../examples/demo/table.js';
import { type TextsReport, textsLine } from '../examples/demo/texts.js';

/** What the demo tells beyond the summary. */
interface Told {
  readonly seed: number;
  readonly quick: boolean;
  readonly seconds: number;
  readonly texts: TextsReport;
}

const main = fileURLToPath(new URL('../examples/demo/main.js', import.meta.url));
const plain = paintFor({ isTTY: false });

const runDemo = (...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { timeout: 30_000 }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
  });

describe('the demo', () => {
  test('keeps every promise, prints nothing but the summary as JSON, and exits with 0', async () => {
    const { status, stdout, stderr } = await runDemo('--quick', '--json', '--seed', '7');
    assert.equal(stderr, '');
    const { seed, quick, seconds, texts, ...summary } = JSON.parse(stdout) as Summary & Told;
    const broken = summary.promises.filter(({ kept }) => !kept);
    assert.deepEqual(broken, []);
    assert.equal(status, 0);
    assert.equal(summary.kept, true);
    assert.deepEqual([seed, quick, typeof seconds], [7, true, 'number']);
    assert.equal(summary.promises.length, 18);
    assert.equal(texts.same, true);
    assert.ok(texts.files > 50);
    assert.ok(texts.words > texts.matches && texts.matches > 0);
    assert.ok(texts.packed > 0 && texts.packed < texts.bytes);
    assert.ok(texts.inlineMs > 0 && texts.workersMs > 0 && texts.speedUp > 0);
    for (const each of summary.promises) {
      assert.deepEqual(Object.keys(each), ['what', 'promised', 'seen', 'note', 'kept']);
    }
    const { succeeded, fallback, cancelled, failed } = summary.outcomes;
    assert.equal(succeeded + fallback + cancelled + failed, summary.calls);
    assert.ok(succeeded > 0 && fallback > 0 && failed > 0);
    assert.deepEqual(summary.cancelled, { queued: 3, waiting: 3, running: 3 });
    const { requests, answers } = summary;
    assert.equal(
      Object.values(answers).reduce((sum, count) => sum + count, 0),
      requests,
    );
  });

  test('breaks a promise when the workers give another result', () => {
    const report = { same: true } as TextsReport;
    assert.equal(textsLine(report).kept, true);
    const broken = textsLine({ ...report, same: false });
    assert.deepEqual([broken.kept, broken.seen], [false, 'another result']);
  });

  test('turns options down that it does not know', async () => {
    for (const args of [
      ['--sed', '1'],
      ['--seed', 'x'],
    ]) {
      const { status, stdout, stderr } = await runDemo(...args);
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /usage: npm run demo/);
    }
  });

  test('plans the same for the same seed, and something else for another', () => {
    const lanes = [{ lane: 'A.a', perWave: 30, slots: 2 }];
    assert.deepEqual(makePlan(5, 2, lanes), makePlan(5, 2, lanes));
    assert.notDeepEqual(makePlan(5, 2, lanes), makePlan(6, 2, lanes));
    assert.equal(makePlan(5, 2, lanes).length, 62);
  });

  test('draws no line wider than the terminal, and colours only where it may', () => {
    const stats = { calls: 1, running: 1, queued: 0, attempts: 1, retries: 0, rejected: 0, fallbacks: 0, failures: 0 };
    const lanes = [{ name: 'Shop.buy', limit: 3, stats: () => stats }];
    const outcomes = { succeeded: 0, fallback: 0, cancelled: 0, failed: 0 };
    const state = { title: 'a demo', total: 4, lanes, outcomes };
    for (const columns of [10, 40, 80]) {
      for (const line of frame(state, 1, columns, plain)) assert.ok(line.length < columns, `${columns}: ${line}`);
    }
    assert.equal(paintFor({ isTTY: true }, {})('red', 'x'), '\x1b[31mx\x1b[39m');
    assert.equal(paintFor({ isTTY: true }, { NO_COLOR: '1' })('red', 'x'), 'x');
    assert.equal(paintFor({ isTTY: true }, { TERM: 'dumb' })('red', 'x'), 'x');
    assert.equal(paintFor({ isTTY: false }, {})('red', 'x'), 'x');
  });
});

/** Two calls to a method with one slot: the first was retried, the second cancelled. All promises were kept. */
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
  });
  const calls: CallRecord[] = [
    { id: 0, lane, outcome: 'succeeded' },
    { id: 1, lane, outcome: 'cancelled', cancelled: { phase: 'running', at: 25, delay: 0.1, ownReason: true } },
  ];
  const stats = { calls: 2, running: 0, queued: 0, attempts: 3, retries: 1, rejected: 0, fallbacks: 0, failures: 1 };
  const policies = [
    { kind: 'retry', options: { maxAttempts: 2, waitMin: 40, waitMultiplier: 2 } },
    { kind: 'rateLimit', options: { rate: 2, per: 1000 } },
    { kind: 'concurrency', options: { limit: 1 } },
  ] as const;
  return {
    client: { calls, planned: 2, lanes: [{ name: lane, policies, stats }], hungUp: { timeout: 0, cancel: 1 } },
    server: {
      requests: [request(0, 1, 0, '503'), request(1, 1, 20, 'hung up'), request(0, 2, 1000, 'ok')],
      mostAtOnce: { [lane]: 1 },
      gathered: { [lane]: 1 },
      open: 0,
    },
  };
}

describe('the summary', () => {
  const [first, second, third] = records().server.requests as [SeenRequest, SeenRequest, SeenRequest];
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
    assert.match(showSummary(summary, 80, plain), /All 13 promises were kept\.$/);
  });

  const falsified: readonly (readonly [broken: string, server: Partial<ServerRecord>])[] = [
    ['Shop.buy: at once', { mostAtOnce: { 'Shop.buy': 2 } }],
    ['Shop.buy: starts in any second', { requests: [first, second, { ...third, started: 999.9 }] }],
    ['Shop.buy: starts in any second', { requests: [first, second, { ...third, started: 0, arrived: 5003 }] }],
    ['requests = attempts by statsOf', { requests: [first, second] }],
    ['requests = attempts by statsOf', { requests: [first, second, { ...third, lane: 'Shop.sell' }] }],
    ['calls that succeeded got a 200', { requests: [first, second, { ...third, outcome: '429' }] }],
    ['requests for one call', { requests: [first, second, third, { ...third, attempt: 3, started: 3000 }] }],
    ['shortest waits before the retries', { requests: [{ ...first, ended: 5961.1 }, second, third] }],
    ['requests after their call was cancelled', { requests: [first, { ...second, started: 25.1 }, third] }],
    ['requests the client hung up on', { requests: [first, { ...second, outcome: 'stall' }, third] }],
    ['slots free at the end', { gathered: {} }],
    ['running, queued or open at the end', { open: 1 }],
  ];
  for (const [index, [broken, part]] of falsified.entries()) {
    test(`sees when the server saw otherwise, ${index + 1}: ${broken}`, () => {
      const { client, server } = records();
      expectBroken(summarize(client, { ...server, ...part }), broken);
    });
  }

  const misled: readonly (readonly [broken: string, client: (given: ClientRecord) => Partial<ClientRecord>])[] = [
    ['calls accounted for', ({ calls }) => ({ calls: calls.slice(0, 1) })],
    [
      'calls, fallbacks, failures by statsOf',
      ({ lanes }) => ({ lanes: lanes.map((lane) => ({ ...lane, stats: { ...stats, failures: 2 } })) }),
    ],
    [
      'running, queued or open at the end',
      ({ lanes }) => ({ lanes: lanes.map((lane) => ({ ...lane, stats: { ...stats, queued: 1 } })) }),
    ],
    [
      'cancelled calls got their own reason',
      ({ calls: [kept, lost] }) => ({
        calls: [kept as CallRecord, { ...lost, cancelled: { ...lost?.cancelled, ownReason: false } } as CallRecord],
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
