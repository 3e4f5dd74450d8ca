import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'build', 'readme');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
/** Without what would have Node colour its output, or take a child for a part of this test run. */
const { FORCE_COLOR: _, NODE_TEST_CONTEXT: __, ...env } = process.env;

interface Block {
  readonly name: string;
  readonly code: string;
  /** What it says that it prints; undefined where it says nothing. */
  readonly prints: readonly string[] | undefined;
}

const mark = '// prints: ';

/** The comment lines at the end of a block that tell what it prints. */
function printsOf(code: string): readonly string[] | undefined {
  const lines = code.trimEnd().split('\n');
  const last = lines.findLastIndex((line) => !line.startsWith(mark));
  const said = lines.slice(last + 1).map((line) => line.slice(mark.length));
  return said.length === 0 ? undefined : said;
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const { 1: code = '', index } of markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    if (!/from 'opero'/.test(code)) continue;
    const line = markdown.slice(0, index).split('\n').length;
    blocks.push({ name: `line-${line}`, code, prints: printsOf(code) });
  }
  return blocks;
}

const blocks = blocksOf(readFileSync(join(root, 'README.md'), 'utf8'));

describe('README.md', () => {
  before(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const { name, code } of blocks) writeFileSync(join(folder, `${name}.ts`), code);
    const compilerOptions = {
      rootDir: '.',
      outDir: 'out',
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      sourceMap: true,
    };
    const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(process.execPath, [tsc, '-p', folder], { env }).catch(({ stdout }: { stdout: string }) => {
      assert.fail(`the examples do not compile:\n${stdout}`);
    });
  });

  test('has examples to run, most of which say what they print', () => {
    const saying = blocks.filter(({ prints }) => prints !== undefined);
    assert.ok(blocks.length >= 10, `found ${blocks.length}`);
    assert.ok(saying.length > blocks.length / 2, `${saying.length} of ${blocks.length} say it`);
  });

  for (const { name, prints } of blocks) {
    test(`the example at ${name.replace('-', ' ')} runs${prints ? ' and prints what it says' : ''}`, async () => {
      const args = ['--enable-source-maps', join(folder, 'out', `${name}.js`)];
      const { stdout } = await run(process.execPath, args, { env, timeout: 30_000 });
      if (prints !== undefined) assert.deepEqual(stdout.trimEnd().split('\n'), prints);
    });
  }
});
