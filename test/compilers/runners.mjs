import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture, here, out, run } from './compile.mjs';
import { babelConfig, jestConfig, swcrc, vitestConfig } from './readme.mjs';

const bin = (path) => join(here, 'node_modules', path);

/** A project in a folder of its own: files of ours, and what is written there. */
function project(name, copies, files) {
  const folder = join(out, name);
  for (const [to, from] of Object.entries(copies)) cpSync(from, join(folder, to), { recursive: true });
  mkdirSync(folder, { recursive: true });
  const written = { 'package.json': '{ "type": "module" }', ...files };
  for (const [file, text] of Object.entries(written)) writeFileSync(join(folder, file), text);
  return folder;
}

const testing = { fixture, test: join(here, 'vitest') };

/** Runs vitest 5 over the fixture, set up by the page's configuration or by another. */
export const vitest = (name, config = vitestConfig, copies = testing) =>
  vitestIn(project(name, copies, { 'vitest.config.js': config }), 'vitest/vitest.mjs');

/** Runs vitest 4, on vite 8, over the fixture. */
export async function vitest4(name, copies = testing) {
  const folder = project(name, copies, { 'vitest.config.js': vitestConfig });
  // So that tests and configuration find this one.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(here, 'vitest-4/node_modules/vitest'), join(folder, 'node_modules/vitest'));
  return vitestIn(folder, join(here, 'vitest-4/node_modules/vitest/vitest.mjs'));
}

const vitestIn = (folder, file) =>
  run([file.startsWith(here) ? file : bin(file), 'run', '--root', folder, '--no-color']);

/** A program with a class that fails, and its test. */
export const failing = { '.': join(here, 'vite') };

/** As an application with JSX has it; opero is a link here, which vite would take for a part of the program. */
const viteConfig = (plugins) => `
import opero from 'opero/vite';
export default {
  plugins: [${plugins}],
  oxc: { jsx: { runtime: 'classic', pragma: 'h', development: false } },
  ssr: { external: ['opero'] },
  build: { ssr: 'main.ts', sourcemap: true },
};
`;

/** Builds the program by vite, and runs what came of it; gives what the program prints. */
export async function viteBuild(name, compilerOptions, plugins = 'opero()') {
  const folder = viteProject(name, compilerOptions, plugins);
  const { code, output } = await run([bin('vite/bin/vite.js'), 'build'], { cwd: folder });
  if (code !== 0) throw new Error(output);
  return run(['--enable-source-maps', 'built.mjs'], { cwd: folder });
}

/** Runs the program in vite's dev server. */
export const viteServe = (name, compilerOptions) =>
  run(['serve.mjs'], { cwd: viteProject(name, compilerOptions, 'opero()') });

const viteProject = (name, compilerOptions, plugins) =>
  project(name, failing, {
    'vite.config.js': viteConfig(plugins),
    'tsconfig.json': JSON.stringify({ compilerOptions }),
  });

/** Checks the plugin against the types of vite and vitest, as a project with strict settings does. */
export function typesOf(compiler) {
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(here, '../../node_modules/@types')],
  };
  const tsconfig = { compilerOptions, files: ['types.ts'] };
  const folder = project(`types-${compiler}`, failing, { 'tsconfig.json': JSON.stringify(tsconfig) });
  return run([bin(`${compiler}/bin/tsc`), '-p', folder]);
}

/** What jest compiles by, as the page says: the settings of the compiler, and what they add to the configuration. */
export const jestCompilers = {
  Babel: { file: 'babel.config.json', settings: babelConfig, added: {} },
  swc: { file: '.swcrc', settings: swcrc, added: { transform: { '\\.ts$': '@swc/jest' } } },
};

/** Runs jest over the fixture, compiled by one of these. */
export async function jest({ file, settings, added }, name, flags = ['--experimental-vm-modules']) {
  const files = { [file]: JSON.stringify(settings), 'jest.config.json': JSON.stringify({ ...jestConfig, ...added }) };
  const folder = project(name, { fixture, test: join(here, 'jest') }, files);
  return run([...flags, bin('jest/bin/jest.js')], { cwd: folder });
}
