import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../support/run-program.js';
import { rowsOf } from '../support/terminal.js';

const fileOf = (program: string): string =>
  fileURLToPath(new URL(`../support/programs/${program}.js`, import.meta.url));

/** What a program writes to a real pseudo terminal. */
async function onTerminal(args: string, program = 'bars'): Promise<string> {
  const command = `stty cols 80; ${process.execPath} ${fileOf(program)} ${args}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, output);
  return output;
}

const isBar = (row: string): boolean => /[=-]{40} \d+% \| \d\/\d \|/.test(row);
const isDone = (row: string): boolean => /^={40} 100% \| (\d)\/\1 \| .*\/s \| 0 failed \| \d+s$/.test(row);

const skip = process.platform !== 'linux' || spawnSync('script', ['--version']).status !== 0;

describe('on a terminal', { skip: skip && 'there is no pseudo terminal to be had' }, () => {
  test('what the program writes goes by above the bar, line by line', async () => {
    const rows = rowsOf(await onTerminal('lines'));
    const lines = [1, 2, 3, 4].flatMap((item) => [`out ${item}`, `error ${item}`, `bytes ${item}`]);
    assert.deepEqual(
      rows.filter((row) => !isDone(row)),
      [...lines, 'all done', 'put back: true', 'the end'],
    );
    assert.ok(isDone(rows[12] as string), rows.join('\n'));
  });

  test('the bar is drawn again below what the program writes', async () => {
    const output = await onTerminal('lines');
    for (const [one, next] of [
      ['out 2', 'error 2'],
      ['error 2', 'bytes 2'],
      ['bytes 2', 'out 3'],
    ] as const) {
      const between = output.slice(output.indexOf(one), output.indexOf(next));
      assert.ok(between.split('\n').some(isBar), between);
    }
  });

  test('a part of a line stays whole, and no bar is drawn behind it', async () => {
    const output = await onTerminal('parts');
    const rows = rowsOf(output);
    const lines = [1, 2, 3, 4].map((item) => `begun ${item}, ended ${item}`);
    assert.deepEqual(
      rows.filter((row) => !isDone(row)),
      [...lines, 'all done', 'put back: true', 'the end'],
    );
    for (const item of [1, 2, 3, 4]) {
      const part = output.slice(output.indexOf(`begun ${item}`), output.indexOf(` ended ${item}`));
      assert.equal(part, `begun ${item},`);
    }
  });

  test('lines that fill several rows stay whole too', async () => {
    const rows = rowsOf(await onTerminal('wide'));
    const wide = 'wide '.repeat(60).trim();
    assert.equal(rows.slice(0, 16).join(''), wide.repeat(4));
    assert.ok(isDone(rows[16] as string), rows.join('\n'));
  });

  test('two bars have a line each; the one that ends first stays above the other', async () => {
    const output = await onTerminal('two lines');
    const rows = rowsOf(output);
    const bars = rows.filter(isBar);
    assert.equal(bars.length, 2, rows.join('\n'));
    assert.ok(bars.every(isDone));
    assert.match(bars[0] as string, /4\/4/);
    assert.match(bars[1] as string, /7\/7/);
    for (const item of [5, 6, 7]) assert.ok(rows.indexOf(`out ${item}`) > rows.indexOf(bars[0] as string));
    const frames = output.split('\x1B[J').map((each) => each.split('\n').filter(isBar).length);
    assert.ok(frames.includes(2), output);
    assert.ok(frames.every((count) => count <= 2));
  });

  test("somebody else's write stays in force, and everything passes it", async () => {
    const rows = rowsOf(await onTerminal('lines patched'));
    assert.deepEqual(
      rows.filter((row) => /^out/.test(row)),
      ['out 1', 'out 2', 'out 3', 'out 4'],
    );
    assert.match(rows.join('\n'), /through theirs: [3-9]/);
    assert.deepEqual(rows.at(-1), 'the end');
  });

  test('a program that ends before its bar leaves it in a line of its own', async () => {
    const rows = rowsOf(await onTerminal('progress left', 'bar'));
    assert.equal(rows.filter(isBar).length, 1, rows.join('\n'));
    assert.equal(JSON.parse(rows.find((row) => !isBar(row)) as string).loaded, true);
    assert.equal(rows.length, 2, rows.join('\n'));
  });

  test('where stdout goes elsewhere it holds what the program wrote, and nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'opero-bars-'));
    try {
      const path = join(folder, 'out.txt');
      const rows = rowsOf(await onTerminal(`lines > ${path}`));
      const lines = [1, 2, 3, 4].flatMap((item) => [`out ${item}`, `bytes ${item}`]);
      assert.deepEqual(readFileSync(path, 'utf8').trim().split('\n'), [
        ...lines,
        'all done',
        'put back: true',
        'the end',
      ]);
      assert.deepEqual(rows.slice(0, 4), ['error 1', 'error 2', 'error 3', 'error 4']);
      assert.ok(isDone(rows[4] as string));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('where there is no terminal nothing is shown, and nothing is changed', async () => {
  const { code, stdout, stderr } = await runProgram('bars', { args: ['lines', 'two'] });
  assert.equal(code, 0);
  assert.doesNotMatch(stdout + stderr, /%/);
  assert.equal((stdout + stderr).includes('\x1B'), false);
  assert.match(stdout, /put back: true\nthe end\n$/);
});
