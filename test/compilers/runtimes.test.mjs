import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { fixture, here, oldFixture, out } from './compile.mjs';

after(() => rmSync(out, { recursive: true, force: true }));

const installed = (...paths) => paths.map((path) => join(here, 'node_modules', path)).find(existsSync);
const { platform, arch } = process;

/** What npm installs for this machine; npm may move that of bun, where it runs scripts of packages. */
const bun = installed(`@oven/bun-${platform}-${arch.replace('arm64', 'aarch64')}/bin/bun`, 'bun/bin/bun.exe');
const deno = installed(`@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}/deno`);

const missing = (program, name) => (program === undefined ? `npm has no ${name} for ${platform} ${arch}` : false);

/** A folder with these programs; in names of modules as TypeScript has them, or as the files have them. */
function project(name, { ending = 'js', files = {} } = {}) {
  const folder = join(out, name);
  for (const [to, from] of Object.entries({ fixture, old: oldFixture })) {
    cpSync(from, join(folder, to), { recursive: true });
    rmSync(join(folder, to, 'tsconfig.json'));
  }
  const written = { 'package.json': '{ "type": "module", "dependencies": { "opero": "*" } }', ...files };
  for (const [file, text] of Object.entries(written)) writeFileSync(join(folder, file), text);
  // As an install leaves it: deno looks nowhere else for what the package.json names.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(here, '../..'), join(folder, 'node_modules/opero'));
  for (const file of readdirSync(join(folder, 'fixture'))) {
    const path = join(folder, 'fixture', file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/(?<='\.\/\w+\.)js(?=')/g, ending));
  }
  return folder;
}

/** Runs a program; gives what it prints, and why it failed. */
async function run(program, args, cwd) {
  const env = { ...process.env, NO_COLOR: '1', DENO_DIR: join(out, 'cache-of-deno'), DENO_NO_UPDATE_CHECK: '1' };
  delete env.FORCE_COLOR;
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, env, timeout: 60_000 });
    return `${stdout}${stderr}`;
  } catch (error) {
    return `${error.stdout}${error.stderr}${error.message}`;
  }
}

const oldForm = (options) => JSON.stringify({ compilerOptions: { experimentalDecorators: true, ...options } });
const oldWorks =
  /^method: 3 1\nstatic method: 3 1\nnumeric method: 3 1\nclass: 3 1\nwithout parentheses: ConfigurationError/m;

describe('by bun', { skip: missing(bun, 'bun') }, () => {
  test('all assertions hold, those about workers too', async () => {
    assert.equal(await run(bun, ['fixture/main.ts'], project('bun')), 'all assertions hold\n');
  });

  for (const options of [{}, { experimentalDecorators: undefined, emitDecoratorMetadata: true }]) {
    const tsconfig = oldForm(options);
    test(`the old form, by ${tsconfig}`, async () => {
      const folder = project(options.emitDecoratorMetadata ? 'bun-metadata' : 'bun-old', {
        files: { 'tsconfig.json': tsconfig },
      });
      assert.match(await run(bun, ['old/services.ts'], folder), oldWorks);
    });
  }

  test('its test runner needs nothing', async () => {
    const test = `import { expect, test } from 'bun:test';
      import { assertPolicies } from './fixture/assertions.js';
      import { Base } from './fixture/services.js';
      test('policies', assertPolicies);
      test('workers', async () => expect((await new Base().crunch(1)).attempt).toBe(2));`;
    const output = await run(bun, ['test'], project('bun-test', { files: { 'all.test.ts': test } }));
    assert.match(output, /2 pass\n\s*0 fail/);
  });
});

describe('by deno', { skip: missing(deno, 'deno') }, () => {
  test('all assertions hold, those about workers too', async () => {
    const folder = project('deno', { ending: 'ts' });
    assert.equal(await run(deno, ['run', '-A', 'fixture/main.ts'], folder), 'all assertions hold\n');
  });

  test('the old form', async () => {
    const folder = project('deno-old', { ending: 'ts', files: { 'deno.json': oldForm({}) } });
    assert.match(await run(deno, ['run', '-A', 'old/services.ts'], folder), oldWorks);
  });

  test('its test runner needs nothing', async () => {
    const test = `import { assertPolicies } from './fixture/assertions.ts';
      Deno.test('policies', assertPolicies);`;
    const folder = project('deno-test', { ending: 'ts', files: { 'all.test.ts': test } });
    assert.match(await run(deno, ['test', '-A', '--no-check'], folder), /1 passed \| 0 failed/);
  });
});
