import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { babelConfig, esbuildScript, swcrc } from './readme.mjs';

const exec = promisify(execFile);
export const here = fileURLToPath(new URL('.', import.meta.url));
export const fixture = join(here, 'fixture');
export const oldFixture = join(here, 'old');
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

/** A project with the build script of the page. */
async function buildScript(from, out) {
  cpSync(from, join(out, 'src'), { recursive: true });
  writeFileSync(join(out, 'build.mjs'), esbuildScript);
  const { code, output } = await run(['build.mjs'], { cwd: out });
  if (code !== 0) throw new Error(output);
  return join(out, 'dist');
}

const withSwc = (config) => async (from, out) => {
  const { default: swc } = await import('@swc/core');
  await eachFile(from, out, (source) => swc.transformSync(source, { swcrc: false, ...config }).code);
};

const withBabel =
  (config, cwd = here, prepare = (source) => source) =>
  async (from, out) => {
    const { transformSync } = await import(createRequire(join(cwd, 'x.js')).resolve('@babel/core'));
    const options = { cwd, babelrc: false, configFile: false, ...config };
    await eachFile(from, out, (source, name) => {
      const { code } = transformSync(prepare(source), { ...options, filename: join(cwd, name) });
      return code;
    });
  };

/** As the page says: without `allowDeclareFields`. */
const babel8Config = { ...babelConfig, presets: babelConfig.presets.map(([preset]) => preset) };
const [[decorators]] = babelConfig.plugins;

/** The compilers, as the page says to set them up. */
export const compilers = {
  'TypeScript 7': (from, out) => tsc('typescript', from, out),
  'TypeScript 5.9': (from, out) => tsc('typescript-5', from, out),
  'esbuild, file by file': withEsbuild({}),
  'esbuild, bundling': buildScript,
  swc: withSwc(swcrc),
  'Babel 7': withBabel(babelConfig),
  'Babel 8': withBabel(babel8Config, join(here, 'babel-8')),
};

/** Which Node a compiler needs, where that is a newer one than opero's. */
export const needs = { 'Babel 8': [22, 18] };

const [major, minor] = process.versions.node.split('.').map(Number);

/** Why a test is skipped on this Node; false: it is not. */
export const tooOld = (name, [needed, least] = [0, 0]) =>
  major < needed || (major === needed && minor < least) ? `${name} needs Node ${needed}.${least} or newer` : false;

const oldTsc = (compiler, flags) => (from, out) => {
  const options = { target: 'ES2022', module: 'NodeNext', rootDir: '.', experimentalDecorators: true, noCheck: true };
  writeFileSync(join(from, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }));
  return tsc(compiler, from, out, flags);
};
const oldEsbuild = (useDefineForClassFields) =>
  withEsbuild({ compilerOptions: { experimentalDecorators: true, useDefineForClassFields } });
const oldSwc = (transform) => withSwc({ ...swcrc, jsc: { ...swcrc.jsc, transform } });
/** Without decorators on members of computed names, which Babel has not in this form, and their test. */
const withoutComputed = (source) =>
  source
    .replaceAll(/^ *@(?!.* class ).+$(?=\n *(?:override )?async \[)/gm, '')
    .replace("test('symbol and numeric method names", "test.skip('symbol and numeric method names");

const oldBabel = (assumptions) =>
  withBabel({ ...babelConfig, plugins: [[decorators, { version: 'legacy' }]], assumptions }, here, withoutComputed);

/** The old form of decorators, with both ways in which fields come to be. */
export const oldForms = {
  'TypeScript 7': oldTsc('typescript', ['--useDefineForClassFields', 'true']),
  'TypeScript 7, fields assigned, with metadata': oldTsc('typescript', [
    '--useDefineForClassFields',
    'false',
    '--emitDecoratorMetadata',
  ]),
  'TypeScript 5.9': oldTsc('typescript-5', ['--useDefineForClassFields', 'true', '--emitDecoratorMetadata']),
  'TypeScript 5.9, fields assigned': oldTsc('typescript-5', ['--useDefineForClassFields', 'false']),
  esbuild: oldEsbuild(true),
  'esbuild, fields assigned': oldEsbuild(false),
  'swc without decoratorVersion': oldSwc({}),
  'swc, fields assigned, with metadata': oldSwc({
    legacyDecorator: true,
    decoratorMetadata: true,
    useDefineForClassFields: false,
  }),
  'Babel, legacy': oldBabel({}),
  'Babel, legacy, fields assigned': oldBabel({ setPublicClassFields: true }),
};

/** The form of 2018, which opero refuses. */
export const oldestForm = withSwc({
  ...swcrc,
  jsc: { ...swcrc.jsc, parser: { syntax: 'ecmascript', decorators: true }, transform: {} },
});

/** What leaves decorators as they are, so that Node refuses them. */
export const leaving = {
  'TypeScript 7, target ESNext': (from, out) => tsc('typescript', from, out, ['--target', 'ESNext']),
  'TypeScript 5.9, target ESNext': (from, out) => tsc('typescript-5', from, out, ['--target', 'ESNext']),
  'esbuild without a target': async (from, out) => {
    const { transform } = await import('esbuild');
    await eachFile(from, out, async (source) => (await transform(source, { loader: 'ts' })).code);
  },
};

const withoutPlugin = { ...babelConfig, plugins: [] };
const withoutVersion = { ...babelConfig, plugins: [decorators] };
const withoutParser = { ...swcrc, jsc: { ...swcrc.jsc, parser: { syntax: 'typescript' } } };
const inBabel8 = (config) => withBabel({ ...babel8Config, plugins: config.plugins }, join(here, 'babel-8'));
const notEnabled = "Support for the experimental syntax 'decorators' isn't currently enabled";

/** What refuses decorators, as a setting is missing: the words of the page for it. */
export const refusing = {
  'swc without `decorators`': [withSwc(withoutParser), 'Unexpected token `@`. Expected identifier, string literal, '],
  'Babel 7 without the plugin': [withBabel(withoutPlugin), notEnabled],
  'Babel 8 without the plugin': [inBabel8(withoutPlugin), notEnabled],
  'Babel 7 without a version': [
    withBabel(withoutVersion),
    "The decorators plugin, when .version is '2018-09' or not specified, requires ",
  ],
  'Babel 8 without a version': [inBabel8(withoutVersion), "The decorators plugin requires a 'version' option"],
};

/** Compiles the fixture into a folder of its own; gives the folder with the result. */
export const compile = async (compiler, name) => into(compiler, fixture, name);

/** Compiles what the old form of decorators has room for. */
export const compileOld = async (compiler, name) => {
  // A copy, as each writes its own settings beside it.
  const from = join(out, `old-sources-${name.replace(/\W+/g, '-')}`);
  cpSync(oldFixture, from, { recursive: true });
  return into(compiler, from, `old-${name}`);
};

/** What a test file writes, and takes away at its end. */
export const out = join(here, 'out', basename(process.argv[1], '.test.mjs'));

async function into(compiler, from, name) {
  const folder = join(out, name.replace(/\W+/g, '-'));
  return (await compiler(from, folder)) ?? folder;
}
