import { strict as assert } from 'node:assert';
import { type ChildProcess, execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = 'test/fixtures/reporter';
const patient = './test/support/reporter.mjs';

interface Run {
  readonly flags?: readonly string[];
  readonly reporter?: string;
  /** Where the files are and how they end. */
  readonly from?: string;
  readonly ending?: string;
  readonly watch?: (child: ChildProcess) => void;
}

/** Runs test files under a reporter; gives the exit code and what was printed, without folders and times. */
function report(names: readonly string[], { flags = [], reporter = patient, ...given }: Run = {}) {
  const { from = folder, ending = 'mjs', watch = () => {} } = given;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // else it would take itself for a file of this run
  const files = names.map((name) => `${from}/${name}.${ending}`);
  return new Promise<{ code: number | null; lines: string[] }>((resolve) => {
    const args = ['--test', `--test-reporter=${reporter}`, ...flags, ...files];
    const child = execFile(process.execPath, args, { cwd: root, env, timeout: 60_000 }, (_error, stdout, stderr) => {
      const lines = `${stdout}${stderr}`
        .replaceAll(`${from}/`, '')
        .replaceAll(`${folder}/`, '')
        .replace(/\d+\.\d s$/gm, 'N s')
        .replace(/^(# duration_ms) [\d.]+$/m, '$1 N')
        .trimEnd()
        .split('\n');
      resolve({ code: child.exitCode, lines });
    });
    watch(child);
  });
}

/** The closing lines, as the TAP of Node's own runner has them. */
const closing = ({ tests = 0, suites = 0, pass = 0, fail = 0, cancelled = 0, skipped = 0, todo = 0 }): string[] => [
  `# tests ${tests}`,
  `# suites ${suites}`,
  `# pass ${pass}`,
  `# fail ${fail}`,
  `# cancelled ${cancelled}`,
  `# skipped ${skipped}`,
  `# todo ${todo}`,
  '# duration_ms N',
];

/** The lines from the one that starts so to the next that is not indented. */
function partOf(lines: readonly string[], start: string): string {
  const first = lines.findIndex((line) => line.startsWith(start));
  assert.ok(first >= 0, `"${start}" in:\n${lines.join('\n')}`);
  const length = lines.slice(first + 1).findIndex((line) => /^\S/.test(line));
  return lines.slice(first, first + 1 + length).join('\n');
}

describe('the reporter of the tests', () => {
  test('gives a file that passes one line and its notes, then the closing lines', async () => {
    assert.deepEqual(await report(['passes', 'left-out']), {
      code: 0,
      lines: [
        '✓ left-out.mjs  3 tests, 1 skipped, 1 todo, N s',
        '✓ passes.mjs  3 tests, N s',
        '    worth a note',
        '',
        ...closing({ tests: 6, suites: 1, pass: 4, skipped: 1, todo: 1 }),
      ],
    });
  });

  test('ends with what the TAP of the runner ends with', async () => {
    const names = ['crashes', 'fails', 'left-out', 'passes'];
    const own = await report(names);
    const tap = await report(names, { reporter: 'tap' });
    assert.deepEqual(own.lines.slice(-8), tap.lines.slice(-8));
    assert.deepEqual([own.code, tap.code], [1, 1]);
  });

  test('shows each failure whole: its path, differences, cause and stack, and what its file printed', async () => {
    const { code, lines } = await report(['fails']);
    assert.equal(code, 1);
    assert.equal(lines[0], '✗ fails.mjs  3 tests, 2 failed, N s');
    const compared = partOf(lines, 'Failure 1 of 2: ');
    assert.match(compared, /^Failure 1 of 2: fails\.mjs:8:5 > a group > a group in it > compares\n/);
    assert.match(compared, /AssertionError.+\n +\+ +2\n +- +3\n.+ at .+fails\.mjs:8:/s);
    const thrown = partOf(lines, 'Failure 2 of 2: ');
    assert.match(thrown, /^Failure 2 of 2: fails\.mjs:10:3 > a group > throws\n/);
    assert.match(thrown, /out of range\n.+ at .+fails\.mjs:11:.+\[cause\]: Error: the deeper reason/s);
    assert.match(partOf(lines, 'The end of what fails.mjs printed:'), /\n {4}printed before the failure\n/);
    assert.deepEqual(lines.slice(-8), closing({ tests: 3, suites: 2, pass: 1, fail: 2 }));
  });

  test('shows a failure that takes other tests with it once, and the others by name', async () => {
    const { code, lines } = await report(['hook']);
    assert.equal(code, 1);
    assert.match(
      partOf(lines, 'Failure 1 of 1: hook.mjs:3:1 > a group'),
      /\n {4}Error: nothing is ready\n {8}at .+hook\.mjs:/,
    );
    assert.equal(
      partOf(lines, 'Given up').trimEnd(),
      [
        'Given up with what failed around them, or because their file ended:',
        '',
        '    hook.mjs:7:3 > a group > one',
        '    hook.mjs:8:3 > a group > two',
      ].join('\n'),
    );
  });

  test('shows files that crash, that end their process, and that leave an error behind', async () => {
    const { code, lines } = await report(['crashes', 'exits', 'late']);
    assert.equal(code, 1);
    assert.deepEqual(
      lines.filter((line) => /^[✓✗]/.test(line)),
      [
        '✗ crashes.mjs  1 test, 1 failed, N s',
        '✗ exits.mjs  1 test, 1 failed, N s',
        '✗ late.mjs  2 tests, 1 failed, N s',
      ],
    );
    assert.match(partOf(lines, 'Failure 1 of 3: crashes.mjs'), /\n {4}its process ended with code 1\n/);
    assert.match(partOf(lines, 'The end of what crashes.mjs printed:'), /Error: this file cannot be loaded\n/);
    assert.match(partOf(lines, 'Failure 2 of 3: exits.mjs'), /\n {4}its process ended with code 3\n/);
    assert.match(partOf(lines, '✗ late.mjs'), /\n {4}.*"leaves something behind".+"Error: too late"/);
    assert.deepEqual(lines.slice(-8), closing({ tests: 4, pass: 1, fail: 3 }));
  });

  test('kills a file that never ends, says so, and goes on', async () => {
    const { code, lines } = await report(['never-ends', 'passes'], { reporter: `./${folder}/impatient.mjs` });
    assert.equal(code, 1);
    assert.match(partOf(lines, '✗ never-ends.mjs'), /failed, N s\n {4}killed: it had not ended after 2 s$/);
    assert.match(partOf(lines, 'Failure 1 of '), /never-ends\.mjs\n\n {4}its process was ended by SIGKILL\n/);
    assert.match(String(lines.at(-5)), /^# fail [1-9]$/);
  });

  test('knows the files of tests that source maps place in other files', async () => {
    const from = `build/${folder}`;
    const entryPoints = ['fails', 'left-out', 'passes'].map((name) => `${root}/${folder}/${name}.mjs`);
    for (const outdir of ['one', 'other']) {
      await build({ entryPoints, outdir: `${root}/${from}/${outdir}`, sourcemap: 'inline' });
    }
    const names = ['one/fails', 'one/left-out', 'one/passes', 'other/left-out', 'other/passes'];
    for (const concurrency of [1, 5]) {
      const flags = ['--enable-source-maps', `--test-concurrency=${concurrency}`];
      const { lines } = await report(names, { from, ending: 'js', flags });
      assert.deepEqual(
        lines.filter((line) => /^[✓✗F]/.test(line)),
        [
          '✗ one/fails.js  3 tests, 2 failed, N s',
          '✓ one/left-out.js  3 tests, 1 skipped, 1 todo, N s',
          '✓ one/passes.js  3 tests, N s',
          '✓ other/left-out.js  3 tests, 1 skipped, 1 todo, N s',
          '✓ other/passes.js  3 tests, N s',
          'Failure 1 of 2: fails.mjs:8:5 > a group > a group in it > compares',
          'Failure 2 of 2: fails.mjs:10:3 > a group > throws',
        ],
      );
    }
  });

  test('says which file ran when a signal ends the run, and leaves no process of it', async () => {
    const watch = (child: ChildProcess): void => {
      child.stdout?.on('data', (text) => String(text).includes('left-out') && child.kill('SIGTERM'));
    };
    const { code, lines } = await report(['left-out', 'never-ends'], { watch });
    assert.notEqual(code, 0);
    assert.match(
      lines.join('\n'),
      /^✓ left-out.+\n✗ never-ends\.mjs {2}\d+ tests?, has not ended\n\n# the run was cut short$/,
    );
  });

  test('tells files apart that run at once', async () => {
    const names = ['crashes', 'fails', 'late', 'left-out', 'passes'];
    const [one, many] = await Promise.all([
      report(names, { flags: ['--test-concurrency=1'] }),
      report(names, { flags: ['--test-concurrency=5'] }),
    ]);
    const counts = ({ lines }: typeof one): string[] => lines.filter((line) => /^[✓✗#]/.test(line));
    assert.deepEqual(counts(many), counts(one));
  });
});
