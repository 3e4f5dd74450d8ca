import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import * as opero from 'opero';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { blockIn } from '../support/readme.js';

const exec = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, ...env } = process.env;

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly hasInstallScript?: boolean; readonly dependencies?: Readonly<Record<string, string>> }>
  >;
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
const manifest = readJson<Manifest>('package.json');
const lock = readJson<Lock>('package-lock.json');

let folder = '';
let tarball = '';
let packed: readonly string[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'opero-package-'));
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, env });
  const told = JSON.parse(stdout) as unknown;
  const [{ filename, files }] = (Array.isArray(told) ? told : Object.values(told as object)) as {
    filename: string;
    files: { path: string }[];
  }[];
  tarball = join(folder, filename);
  packed = files.map(({ path }) => path);
});

after(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  test('exports these names, and no others', () => {
    assert.deepEqual(Object.keys(opero).sort(), [
      'AllFailedError',
      'ConfigurationError',
      'FallbackChain',
      'ItemError',
      'Orchestrator',
      'RejectedError',
      'RetryError',
      'WorkerError',
      'concurrency',
      'cpuBound',
      'currentCall',
      'explain',
      'fallback',
      'move',
      'orchestrate',
      'policiesOf',
      'processAll',
      'processStream',
      'rateLimit',
      'retry',
      'shutdown',
      'statsOf',
    ]);
  });

  test('holds what a user needs, and nothing else', () => {
    const wanted = ['dist/index.js', 'dist/index.d.ts', 'dist/index.js.map', 'dist/workers/entry.js', 'src/index.ts'];
    for (const file of [...wanted, 'README.md', 'LICENSE', 'CHANGELOG.md', 'package.json']) {
      assert.ok(packed.includes(file), file);
    }
    const other = packed.filter(
      (file) => !/^(dist|src)\/|^(README|LICENSE|CHANGELOG|package)(\.md|\.json)?$/.test(file),
    );
    assert.deepEqual(other, []);
  });

  test('is clean by publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: root, strict: true, pack: false });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
  });

  test('has types that resolve, by attw', async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    assert.ok(result.types);
    // It is a package of ES modules: that CommonJS cannot require it on old Nodes is meant.
    const problems = result.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM');
    assert.deepEqual(
      problems.filter((each) => !('resolutionKind' in each && each.resolutionKind === 'node10')),
      [],
    );
  });

  test('depends on what its code imports, and on nothing else', () => {
    const code = packed
      .filter((file) => /^dist\/.*\.js$/.test(file))
      .map((file) => readFileSync(join(root, file), 'utf8'));
    const specifiers = code.flatMap((text) =>
      [...text.matchAll(/(?:from|import)\s*\(?["']([^"'.][^"']*)["']/g)].map(([, specifier = '']) => specifier),
    );
    const names = specifiers
      .filter((each) => !each.startsWith('node:'))
      .map((each) => /^(@[^/]+\/)?[^/]+/.exec(each)?.[0]);
    assert.deepEqual([...new Set(names)].sort(), Object.keys(manifest.dependencies).sort());
  });

  test('brings no install script with it', () => {
    const seen = new Set<string>();
    const visit = (name: string): void => {
      const path = `node_modules/${name}`;
      if (seen.has(path)) return;
      seen.add(path);
      const entry = lock.packages[path];
      assert.ok(entry, path);
      assert.notEqual(entry.hasInstallScript, true, path);
      for (const each of Object.keys(entry.dependencies ?? {})) visit(each);
    };
    for (const name of Object.keys(manifest.dependencies)) visit(name);
    assert.ok(seen.size >= 5);
  });
});

describe('a bundle that imports retry alone', () => {
  let size = 0;
  let code = '';
  before(async () => {
    const { outputFiles } = await build({
      stdin: { contents: "export { retry } from 'opero';", resolveDir: join(root, 'build') },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
    });
    code = outputFiles[0]?.text ?? '';
    size = code.length;
  });

  test('is small', () => {
    assert.ok(size > 10_000 && size < 33_000, `${size} bytes`);
  });

  test('holds neither tinypool, nor worker code, nor the progress bar', () => {
    for (const absent of ['tinypool', 'cli-progress', 'node:worker_threads', 'structuredClone', 'async-sema']) {
      assert.equal(code.includes(absent), false, absent);
    }
  });
});

describe('the package, installed into an empty project', () => {
  const project = (): string => join(folder, 'project');
  const run = (file: string, args: readonly string[]): Promise<{ stdout: string }> =>
    exec(process.execPath, [file, ...args], { cwd: project(), env });

  before(async () => {
    const modules = join(folder, 'project', 'node_modules');
    mkdirSync(modules, { recursive: true });
    await exec('tar', ['-xzf', tarball, '-C', folder]);
    cpSync(join(folder, 'package'), join(modules, 'opero'), { recursive: true });
    for (const name of [...Object.keys(manifest.dependencies), '@types']) {
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
    }
    writeFileSync(join(project(), 'package.json'), '{ "type": "module" }');
    writeFileSync(join(project(), 'tsconfig.json'), blockIn('A first example', 'json'));
    mkdirSync(join(project(), 'src'));
    writeFileSync(join(project(), 'src', 'weather.ts'), blockIn('A first example', 'ts'));
  });

  test('compiles the first example of the README strictly, and runs it', async () => {
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
    await run(tsc, ['-p', '.']).catch(({ stdout }: { stdout: string }) => assert.fail(stdout));
    const { stdout } = await run('dist/weather.js', []);
    assert.equal(stdout, 'sun in Davos\nAtlantis: nothing known\n');
  });

  test('runs a cpuBound method in a worker', async () => {
    const decorated = `
      import { Orchestrator, shutdown } from 'opero';
      const module = new URL('./double.mjs', import.meta.url);
      const { double } = await import(module);
      console.log(await new Orchestrator({ cpuBound: module.href }).execute(double, 21));
      await shutdown();
    `;
    writeFileSync(join(project(), 'double.mjs'), 'export const double = (n) => n * 2;');
    writeFileSync(join(project(), 'program.mjs'), decorated);
    assert.equal((await run('program.mjs', [])).stdout, '42\n');
  });
});
