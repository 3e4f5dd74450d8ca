import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const fixture = join(here, 'fixture');
const oldFixture = join(here, 'old');
const bin = (path) => join(here, 'node_modules', path);

/** Runs a program of Node's; gives what it prints, whether it fails or not. */
export async function run(args, options = {}) {
  try {
    const { stdout, stderr } = await exec(process.execPath, args, { cwd: here, timeout: 120_000, ...options });
    return { code: 0, output: `${stdout}${stderr}` };
  } catch (error) {
    return { code: error.code, output: `${error.stdout}${error.stderr}` };
  }
}

async function tsc(compiler, from, out, flags = []) {
  const result = await run([bin(`${compiler}/bin/tsc`), '-p', from, '--outDir', out, ...flags]);
  if (result.code !== 0) throw new Error(result.output);
}

/** Compiles each file of a folder by itself. */
async function eachFile(from, out, compile) {
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(from).filter((each) => each.endsWith('.ts'))) {
    const code = await compile(readFileSync(join(from, name), 'utf8'), name);
    writeFileSync(join(out, name.replace(/\.ts$/, '.js')), code);
  }
}

const withEsbuild = (tsconfigRaw) => async (from, out) => {
  const { transform } = await import('esbuild');
  const options = { loader: 'ts', target: 'es2022', tsconfigRaw };
  await eachFile(from, out, async (source) => (await transform(source, options)).code);
};

const withSwc = (transform) => async (from, out) => {
  const { default: swc } = await import('@swc/core');
  const jsc = { parser: { syntax: 'typescript', decorators: true }, target: 'es2022', transform };
  await eachFile(from, out, (source) => swc.transformSync(source, { swcrc: false, jsc, module: { type: 'es6' } }).code);
};

const withBabel = (decorators) => async (from, out) => {
  const { default: babel } = await import('@babel/core');
  const plugins = [
    ['@babel/plugin-transform-typescript', { allowDeclareFields: true }],
    ['@babel/plugin-proposal-decorators', decorators],
  ];
  const options = { cwd: here, babelrc: false, configFile: false, plugins };
  await eachFile(from, out, (source, filename) => babel.transformSync(source, { ...options, filename }).code);
};

/** The compilers, as the README says to set them up. */
export const compilers = {
  'TypeScript 7': (from, out) => tsc('typescript', from, out),
  'TypeScript 5.9': (from, out) => tsc('typescript-5', from, out),
  esbuild: withEsbuild({}),
  swc: withSwc({ decoratorVersion: '2023-11' }),
  Babel: withBabel({ version: '2023-11' }),
};

const oldFlags = ['--experimentalDecorators', '--noCheck'];

/** The same in the old form of decorators, which opero refuses. */
export const oldForms = {
  'TypeScript 7, experimentalDecorators': (from, out) => tsc('typescript', from, out, oldFlags),
  'TypeScript 5.9, experimentalDecorators': (from, out) => tsc('typescript-5', from, out, oldFlags),
  'esbuild, experimentalDecorators': withEsbuild({ compilerOptions: { experimentalDecorators: true } }),
  'swc without decoratorVersion': withSwc({}),
  'Babel, legacy': withBabel({ version: 'legacy' }),
};

/** Compiles the fixture into a folder of its own; gives that. */
export const compile = async (compiler, name) => into(compiler, fixture, name);

/** Compiles what the old form of decorators has room for. */
export const compileOld = async (compiler, name) => into(compiler, oldFixture, name);

export const out = join(here, 'out');

async function into(compiler, from, name) {
  const folder = join(out, name.replace(/\W+/g, '-'));
  await compiler(from, folder);
  return folder;
}
