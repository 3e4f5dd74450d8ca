import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { blockIn, printsOf, root } from '../support/pages.js';
import { type Ended, runNode } from '../support/run-program.js';

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const example = blockIn('A first example', 'ts');

describe('what `tsc --init` writes', () => {
  let folder = '';
  let written = '';

  before(async () => {
    mkdirSync(join(root, 'build'), { recursive: true });
    // Within the package, so that its name and the types of Node are found.
    folder = mkdtempSync(join(root, 'build', 'tsc-init-'));
    await promisify(execFile)(process.execPath, [tsc, '--init'], { cwd: folder });
    written = readFileSync(join(folder, 'tsconfig.json'), 'utf8');
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src', 'weather.ts'), example);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Compiles the first example with a tsconfig, and runs what comes of it. */
  async function compileAndRun(tsconfig: string, result: string): Promise<{ compiled: Ended; ran: Ended }> {
    writeFileSync(join(folder, 'tsconfig.json'), tsconfig);
    const compiled = await runNode([tsc, '-p', folder]);
    return { compiled, ran: await runNode([join(folder, result)]) };
  }

  test('has the lines that the front page says to change and to uncomment', () => {
    assert.match(written, /^ *"target": "esnext",$/m);
    assert.match(written, /^ *"types": \[\],$/m);
    assert.match(written, /^ *\/\/ "rootDir": "\.\/src",$/m);
    assert.match(written, /^ *\/\/ "outDir": "\.\/dist",$/m);
  });

  test('does not know the modules of Node, and leaves the @ in', async () => {
    const { compiled, ran } = await compileAndRun(written, 'src/weather.js');
    assert.match(compiled.stdout, /Cannot find name 'node:http'/);
    assert.match(ran.stderr, /SyntaxError: Invalid or unexpected token/);
  });

  test('does with two lines changed and two uncommented', async () => {
    const changed = written
      .replace('"esnext",', '"ES2022",')
      .replace('"types": []', '"types": ["node"]')
      .replace('// "rootDir"', '"rootDir"')
      .replace('// "outDir"', '"outDir"');
    const { compiled, ran } = await compileAndRun(changed, 'dist/weather.js');
    assert.equal(compiled.stdout, '');
    assert.deepEqual(ran.stdout.trimEnd().split('\n'), printsOf(example));
  });
});
