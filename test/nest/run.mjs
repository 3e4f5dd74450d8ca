import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { jestConfig, modules as pageModules } from './page.mjs';

/*
 * Runs the program in `app` through the tests in `e2e`: as ES modules under Nest 12 and as CommonJS under Nest 11, each
 * compiled by TypeScript and by swc, with opero as `npm pack` gives it.
 */

const exec = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

const versions = [
  { folder: join(here, 'nest-12'), name: 'Nest 12', modules: 'es6' },
  { folder: join(here, 'nest-11'), name: 'Nest 11', modules: 'commonjs', hasJest: true },
];

async function run(command, args, cwd) {
  await exec(command, args, { cwd, env, maxBuffer: 2 ** 26 }).catch(({ stdout, stderr, message }) => {
    throw new Error(`${message}\n${stdout}${stderr}`);
  });
}

/** Installs what the lock file says, and the package. */
async function install(folder, tarball) {
  await run('npm', ['ci', '--no-audit', '--no-fund'], folder);
  const quiet = ['--no-save', '--no-package-lock', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...quiet, tarball], folder);
}

/** As the project that Nest's own tools make has them, but strict. */
const compilerOptions = {
  target: 'ES2023',
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  types: ['node'],
  esModuleInterop: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  strict: true,
  skipLibCheck: true,
  rootDir: 'src',
  outDir: 'out/tsc',
};

/** The program and its tests, and those of the page, as a folder of the version. */
function writeSources(folder) {
  for (const each of ['app', 'e2e']) cpSync(join(here, each), join(folder, 'src', each), { recursive: true });
  for (const [name, code] of pageModules) {
    const target = join(folder, 'src', 'page', name.endsWith('-spec.ts') ? 'test' : 'src', name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
}

async function compileByTypeScript(folder) {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  const typescript = createRequire(join(folder, 'x.js')).resolve('typescript/package.json');
  await run(process.execPath, [join(dirname(typescript), 'bin', 'tsc'), '-p', '.'], folder);
}

async function compileBySwc(folder, modules) {
  const { default: swc } = await import(createRequire(join(here, 'nest-12', 'x.js')).resolve('@swc/core'));
  const options = {
    swcrc: false,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
    },
    module: { type: modules },
  };
  const files = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((each) => each.endsWith('.ts'))) {
    const target = join(folder, 'out', 'swc', file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, swc.transformSync(readFileSync(join(folder, 'src', file), 'utf8'), options).code);
  }
}

/** Runs the tests; gives whether all passed. */
function test(name, cwd) {
  console.log(`\n${name}`);
  const files = readdirSync(join(cwd, 'e2e')).filter((each) => each.endsWith('.test.js'));
  const reporter = join(root, 'test', 'support', 'reporter.mjs');
  const args = [
    '--test',
    `--test-reporter=${reporter}`,
    '--test-timeout=120000',
    ...files.map((each) => join('e2e', each)),
  ];
  const child = spawn(process.execPath, args, { cwd, env, stdio: 'inherit' });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code === 0)));
}

/** Runs the test of the page by jest, as the page sets it up. */
async function testByJest(name, folder) {
  const config = join('src', 'page', 'test', 'jest-e2e.json');
  writeFileSync(join(folder, config), jestConfig);
  const jest = join('node_modules', 'jest', 'bin', 'jest.js');
  const { failed } = await exec(process.execPath, ['--experimental-vm-modules', jest, '--config', config], {
    cwd: folder,
    env,
  }).catch((error) => ({ failed: error }));
  console.log(`\n${name}\n${failed ? `✗ ${failed.stdout}${failed.stderr}` : '✓ the test of the page'}`);
  return !failed;
}

const packed = join(here, 'packed');
rmSync(packed, { recursive: true, force: true });
mkdirSync(packed);
try {
  await run('npm', ['pack', '--pack-destination', packed], root);
  const [tarball] = readdirSync(packed);
  if (!process.argv.includes('--installed')) {
    await Promise.all(versions.map(({ folder }) => install(folder, join(packed, tarball))));
  }
  let passed = true;
  for (const { folder, name, modules, hasJest } of versions) {
    for (const each of ['src', 'out']) rmSync(join(folder, each), { recursive: true, force: true });
    writeSources(folder);
    await compileByTypeScript(folder);
    await compileBySwc(folder, modules);
    passed = (await test(`${name}, compiled by TypeScript`, join(folder, 'out', 'tsc'))) && passed;
    passed = (await test(`${name}, compiled by swc`, join(folder, 'out', 'swc'))) && passed;
    if (hasJest) passed = (await testByJest(`${name}, by jest`, folder)) && passed;
  }
  if (!passed) process.exitCode = 1;
} finally {
  for (const { folder } of versions) {
    for (const each of ['src', 'out', 'tsconfig.json']) rmSync(join(folder, each), { recursive: true, force: true });
  }
  rmSync(packed, { recursive: true, force: true });
}
