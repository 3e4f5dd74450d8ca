import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { needsRedis, RedisServer } from './bullmq/support/redis-server.js';
import { blockIn, blocks, printsOf, root } from './support/pages.js';

const run = promisify(execFile);
const folder = join(root, 'build', 'readme');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
/** Without what would have Node colour its output, or take a child for a part of this test run. */
const { FORCE_COLOR: _, NODE_TEST_CONTEXT: __, ...env } = process.env;

interface Example {
  /** The page and the line that it begins in. */
  readonly place: string;
  readonly file: string;
  readonly code: string;
  /** What it says that it prints; undefined where it says nothing. */
  readonly prints: readonly string[] | undefined;
}

/** Its modules make a program of Nest, in the old form of decorators: `npm run test:nest` compiles and runs them. */
const pageOfNest = 'src/nestjs/README.md';

const examples: readonly Example[] = blocks
  .filter(({ page }) => page !== pageOfNest)
  .filter(({ language, code }) => language === 'ts' && /^\/\/ \S+\.ts\n|from '(opero['/]|\.\/)/.test(code))
  .map(({ page, line, code }) => ({
    place: `${page}:${line}`,
    // A block that begins with a file's name is a module that others import.
    file: /^\/\/ (\S+)\.ts\n/.exec(code)?.[1] ?? `${page.replaceAll('/', '-').replace('.md', '')}-${line}`,
    code,
    prints: printsOf(code),
  }));

/** The blocks that tests beside this suite use. */
const usedBy = async (file: string): Promise<readonly string[]> => {
  const { used } = (await import(new URL(`../../test/${file}`, import.meta.url).href)) as { used: readonly string[] };
  return used;
};

/** Commands and texts: all that a test need not use. */
const excluded = ['sh', 'text'];

/** Whether an example needs a Redis, of which REDIS_URL tells. */
const isOnRedis = ({ code }: Example): boolean => code.includes('REDIS_URL');

describe('the pages', () => {
  let redis: RedisServer | undefined;
  before(async () => {
    if (!needsRedis.skip) redis = await RedisServer.start();
  });
  after(() => redis?.stop());

  before(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const { file, code } of examples) writeFileSync(join(folder, `${file}.ts`), code);
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

  test('have examples to run, most of which say what they print', () => {
    const saying = examples.filter(({ prints }) => prints !== undefined);
    assert.ok(examples.length >= 10, `found ${examples.length}`);
    assert.ok(saying.length > examples.length / 2, `${saying.length} of ${examples.length} say it`);
  });

  test('close every parenthesis that their texts open', () => {
    const texts = blocks.filter(({ language }) => language === 'text').map(({ code }) => code);
    const counted = texts.map((text) => ['(', ')'].map((each) => text.split(each).length - 1));
    assert.ok(counted.some(([opened = 0]) => opened > 9));
    assert.deepEqual(
      texts.filter((_, at) => counted[at]?.[0] !== counted[at]?.[1]),
      [],
    );
  });

  test('name each module once', () => {
    assert.equal(new Set(examples.map(({ file }) => file)).size, examples.length);
  });

  test('have no block that no test uses', async () => {
    const [compilers, nest] = await Promise.all(['compilers/readme.mjs', 'nest/page.mjs'].map(usedBy));
    // The first tsconfig is what the package is tried with in an empty project.
    const used = [...examples.map(({ code }) => code), ...compilers, ...nest, blockIn('A first example', 'json')];
    assert.deepEqual(
      blocks.filter(({ language, code }) => !used.includes(code) && !excluded.includes(language)),
      [],
    );
    assert.equal(compilers.length, 12);
    assert.equal(nest.length, 8);
  });

  for (const example of examples) {
    const { place, file, prints } = example;
    const needs = isOnRedis(example) ? needsRedis : {};
    test(`the example at ${place} runs${prints ? ' and prints what it says' : ''}`, needs, async () => {
      const args = ['--enable-source-maps', join(folder, 'out', `${file}.js`)];
      const { stdout } = await run(process.execPath, args, {
        env: { ...env, REDIS_URL: `redis://127.0.0.1:${redis?.port}` },
        timeout: 30_000,
      });
      if (prints !== undefined) assert.deepEqual(stdout.trimEnd().split('\n'), prints);
    });
  }
});
