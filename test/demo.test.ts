import { strict as assert } from 'node:assert';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { install } from '@sinonjs/fake-timers';
import { frame, tellNow } from '../examples/demo/live.js';
import { paintFor } from '../examples/demo/paint.js';
import { makePlan } from '../examples/demo/plan.js';
import type { Summary } from '../examples/demo/summary.js';
import { showTexts, type TextsReport, textsLine } from '../examples/demo/texts.js';
import { deferred } from './support/deferred.js';

/** What the demo tells beyond the summary. */
interface Told {
  readonly seed: number;
  readonly quick: boolean;
  readonly seconds: number;
  readonly texts: TextsReport;
}

const main = fileURLToPath(new URL('../examples/demo/main.js', import.meta.url));
const plain = paintFor({ isTTY: false });
const texts: TextsReport = {
  files: 9,
  workers: 2,
  lines: 40,
  words: 300,
  matches: 2,
  bytes: 2000,
  packed: 900,
  pressed: 800,
  same: true,
  inlineMs: 100,
  workersMs: 52,
  processors: 1.9,
  speedUp: 1.92,
};

const isOfCalls = (line: string): boolean => !line.endsWith(': the server starts');

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
    assert.equal(summary.promises.length, 25);
    assert.equal(texts.same, true);
    assert.ok(texts.files > 20);
    assert.ok(texts.words > texts.matches && texts.matches > 0);
    assert.ok(texts.packed > 0 && texts.pressed > 0 && texts.packed + texts.pressed < texts.bytes);
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
    const kept = textsLine(texts);
    assert.deepEqual([kept.kept, kept.seen], [true, 'all 9']);
    const broken = textsLine({ ...texts, same: false });
    assert.deepEqual([broken.kept, broken.seen], [false, 'not all']);
  });

  test('says that the machine was busy where that is why the workers were slow', () => {
    assert.doesNotMatch(showTexts(texts), /busy/);
    assert.match(showTexts({ ...texts, processors: 0.7 }), /busy: 2 threads got the time of 0\.7 processors\.$/);
  });

  test('tells in plain lines that fit 80 columns how far it is and what was seen, where no terminal is', async () => {
    const { status, stdout, stderr } = await runDemo('--quick');
    assert.equal(status, 0);
    // A busy machine is told meanwhile that the server starts.
    const [title, ...lines] = stderr.trimEnd().split('\n').filter(isOfCalls);
    assert.match(String(title), /^\d+ calls to a server that fails on purpose \(seed 1\)$/);
    const told = lines.filter((line) => /^\d+\.\d s: /.test(line));
    assert.match(String(told[0]), /: \d+ of \d+ calls ended; running \d+, queued \d+, retries \d+, fallbacks \d+$/);
    assert.match(stdout, /^They hold .+\n\nOf \d+ calls .+\n\n +promised +seen\n✓ .+\n\nAll 25 promises were kept\. /s);
    for (const line of [...lines, ...stdout.split('\n')]) {
      assert.ok(line.length <= 80, line);
      assert.ok(!line.includes('\x1b'), line);
    }
  });

  test('serves a view while its calls run, and prints its address', async () => {
    const child = spawn(process.execPath, [main, '--quick', '--json', '--view'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    const lines = createInterface(child.stderr);
    const { promise, resolve } = deferred<string>();
    lines.on('line', (line) => isOfCalls(line) && resolve(line));
    const [, url = ''] = /^a live view of the calls: (http:\/\/127\.0\.0\.1:\d+)$/.exec(await promise) ?? [];
    const { methods } = (await (await fetch(`${url}/snapshot`)).json()) as {
      methods: { className: string; method: string }[];
    };
    const names = methods.map(({ className, method }) => `${className}.${method}`);
    for (const name of ['Weather.forecast', 'AlpineWeather.forecast', 'AlpineWeather.warnings'])
      assert.ok(names.includes(name), name);
    assert.match(await (await fetch(url)).text(), /^<!doctype html>/);
    // It ends although somebody listens.
    const listening = await fetch(`${url}/events`);
    listening.text().catch(() => {});
    assert.deepEqual(await ended, [0, null]);
  });

  test('tells how far it is at least every two seconds until it is stopped', () => {
    const clock = install({ now: 0, toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      const told: string[] = [];
      const teller = tellNow(
        () => 'at work',
        (line) => told.push(line),
      );
      for (let seconds = 2; seconds <= 20; seconds += 2) {
        const before = told.length;
        clock.tick(2000);
        assert.ok(told.length > before && told.length <= before + 2, `after ${seconds} s: ${told.join('; ')}`);
      }
      for (const line of told) assert.match(line, /^\d+\.\d s: at work$/);
      teller.stop();
      const before = told.length;
      clock.tick(10_000);
      assert.equal(told.length, before);
    } finally {
      clock.uninstall();
    }
  });

  test('tells as often where work that keeps the thread from its timers checks for it', () => {
    const clock = install({ now: 0, toFake: ['performance'] });
    const told: number[] = [0];
    const teller = tellNow(
      () => 'at work',
      () => told.push(performance.now()),
    );
    try {
      for (let item = 0; item < 200; item++) {
        clock.tick(90);
        teller.check();
      }
    } finally {
      teller.stop();
      clock.uninstall();
    }
    const gaps = told.slice(1).map((time, index) => time - (told[index] as number));
    assert.ok(gaps.length >= 9 && gaps.every((gap) => gap > 1000 && gap <= 2000), `told after ${gaps.join(', ')} ms`);
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
    assert.deepEqual(makePlan(5, 2, 200, lanes), makePlan(5, 2, 200, lanes));
    assert.notDeepEqual(makePlan(5, 2, 200, lanes), makePlan(6, 2, 200, lanes));
    assert.equal(makePlan(5, 2, 200, lanes).length, 67);
  });

  test('draws no line wider than the terminal, and colours only where it may', () => {
    const stats = {
      calls: 1,
      running: 1,
      abandoned: 0,
      queued: 0,
      limit: 0,
      attempts: 1,
      retries: 0,
      hedges: 0,
      hedgeWins: 0,
      budgetExceeded: 0,
      rejected: 0,
      timeouts: 0,
      circuitOpenings: 0,
      cacheHits: 0,
      cacheMisses: 0,
      staleHits: 0,
      coalesced: 0,
      refreshFailures: 0,
      fallbacks: 0,
      injected: 0,
      failures: 0,
      custom: {},
    };
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
