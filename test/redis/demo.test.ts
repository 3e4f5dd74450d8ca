import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RedisSummary } from '../../examples/demo/redis/summary.js';
import { missing } from './support/server.js';

const main = fileURLToPath(new URL('../../examples/demo/main.js', import.meta.url));

describe('the demo on Redis', { skip: missing }, () => {
  /** Where it puts what Redis keeps. */
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'opero-demo-test-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const start = (...args: string[]) =>
    spawn(process.execPath, [main, '--redis', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder },
    });
  /** Its processes and its Redis write where it writes: that is closed when all of them are gone. */
  const gone = async (child: ChildProcess): Promise<number | null> => {
    await once(child, 'close');
    assert.deepEqual(readdirSync(folder), []);
    return child.exitCode;
  };

  test('keeps every promise, prints nothing but the summary as JSON, exits with 0, and leaves nothing', async () => {
    const child = start('--json');
    const ended = gone(child);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    assert.equal(stderr, '');
    const summary = JSON.parse(stdout) as RedisSummary;
    assert.deepEqual(
      summary.promises.filter(({ kept }) => !kept),
      [],
    );
    assert.equal(await ended, 0);
    assert.equal(summary.kept, true);
    assert.equal(summary.promises.length, 15);
    assert.ok(summary.requests > 100);
    assert.ok(summary.outage >= 1000 && summary.still > 0);
  });

  test('tells what it does, and takes all that it started with it at Ctrl-C', async () => {
    const child = start();
    const ended = gone(child);
    for await (const line of createInterface(child.stderr)) {
      if (!line.includes('a rush')) continue;
      assert.match(line, /^\d+\.\d s: a rush: all want more starts than there are$/);
      break;
    }
    assert.equal(readdirSync(folder).length, 1);
    child.stdout.resume();
    child.stderr.resume();
    child.kill('SIGINT');
    assert.equal(await ended, 130);
  });
});

describe('the demo on Redis, of which there is none', () => {
  const run = async (env: NodeJS.ProcessEnv, ...args: string[]): Promise<readonly [number | null, string]> => {
    const child = spawn(process.execPath, [main, '--redis', ...args], { stdio: ['ignore', 'ignore', 'pipe'], env });
    const told = await text(child.stderr);
    if (child.exitCode === null) await once(child, 'exit');
    return [child.exitCode, told];
  };

  test('says what to install', async () => {
    const [status, told] = await run({ ...process.env, PATH: tmpdir() });
    assert.equal(status, 2);
    assert.match(told, /there is no redis-server on this machine\. Install one, 7 or later:\n.+apt-get install/);
  });

  test('turns options down that do not go with it', async () => {
    for (const other of [['--quick'], ['--view'], ['--seed', '2']]) {
      const [status, told] = await run(process.env, ...other);
      assert.equal(status, 2);
      assert.match(told, /--redis goes with --json alone\nusage: npm run demo/);
    }
  });
});
