import { strict as assert } from 'node:assert';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { compile, compileOld, compilers, oldForms, out, run } from './compile.mjs';

after(() => rmSync(out, { recursive: true, force: true }));

describe('the fixture, compiled and run against the built package', () => {
  for (const [name, compiler] of Object.entries(compilers)) {
    test(`by ${name}`, async () => {
      const { output } = await run([join(await compile(compiler, name), 'main.js')]);
      assert.equal(output, 'all assertions hold\n');
    });
  }

  for (const [name, args] of [
    ['node --import tsx', ['--import', 'tsx']],
    ['tsx', ['node_modules/tsx/dist/cli.mjs']],
  ]) {
    test(`by ${name}`, async () => {
      const { output } = await run([...args, 'fixture/main.ts']);
      assert.equal(output, 'all assertions hold\n');
    });
  }
});

describe('the old form of decorators fails with an error that says what to do', () => {
  for (const [name, compiler] of Object.entries(oldForms)) {
    test(`by ${name}`, async () => {
      const { code, output } = await run([join(await compileOld(compiler, name), 'services.js')]);
      assert.equal(code, 1);
      assert.match(output, /ConfigurationError: @\w+ on `\w+`: it was called in the old form of decorators; remove/);
    });
  }
});

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

test('by Vite 8 and vitest 5, with the plugin of the README, where Node is new enough for them', async (t) => {
  if (major < 22 || (major === 22 && minor < 12)) {
    t.diagnostic('vitest 5 needs Node 22.12 or newer: not run here');
    return;
  }
  const { code, output } = await run(['node_modules/vitest/vitest.mjs', 'run', '--root', 'vitest', '--no-color']);
  assert.equal(code, 0, output);
  assert.match(output, /Tests\s+1 passed/);
});
