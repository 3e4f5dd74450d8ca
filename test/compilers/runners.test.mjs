import { strict as assert } from 'node:assert';
import { rmSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { out, tooOld } from './compile.mjs';
import { failing, jest, jestCompilers, typesOf, viteBuild, viteServe, vitest, vitest4 } from './runners.mjs';

after(() => rmSync(out, { recursive: true, force: true }));

/** A failing test, as a runner shows it. */
const pointsToSource = /Error: no answer for Chur[\s\S]*❯ Weather\.forecast weather\.ts:11:11/;

describe('by vitest 5 on vite 8', { skip: tooOld('vitest 5', [22, 12]) }, () => {
  test('with the configuration of the page', async () => {
    const { code, output } = await vitest('vitest');
    assert.equal(code, 0, output);
    assert.match(output, /Tests\s+9 passed/);
  });

  test('a stack names the line of the source', async () => {
    const { code, output } = await vitest('vitest-failing', undefined, failing);
    assert.equal(code, 1);
    assert.match(output, /Tests\s+1 failed \| 1 passed/);
    assert.match(output, pointsToSource);
  });

  test('without the plugin: a SyntaxError', async () => {
    const { code, output } = await vitest('vitest-without-plugin', 'export default {};\n');
    assert.equal(code, 1, output);
    assert.match(output, /SyntaxError: Invalid or unexpected token/);
  });
});

describe('by vitest 4 on vite 8', () => {
  test('with the same configuration', async () => {
    const { code, output } = await vitest4('vitest-4');
    assert.equal(code, 0, output);
    assert.match(output, /Tests\s+9 passed/);
  });

  test('a stack names the line of the source', async () => {
    const { code, output } = await vitest4('vitest-4-failing', failing);
    assert.equal(code, 1);
    assert.match(output, /Tests\s+1 failed \| 1 passed/);
    assert.match(output, pointsToSource);
  });
});

describe('by vite 8, with opero/vite', () => {
  const told = { policies: [1, 1, 2, 3], element: 'b {"title":"a"} sun' };
  /** Where fields are defined, one that is declared again has no value; in the old form a decorator is given a descriptor. */
  const settings = {
    'new form, with fields defined': [{ target: 'ES2022' }, { arguments: 2, parameters: 'undefined' }],
    'new form, with fields assigned': [
      { target: 'ES2022', useDefineForClassFields: false },
      { arguments: 2, parameters: 'undefined', city: 'Davos' },
    ],
    'old form, with metadata': [
      { experimentalDecorators: true, emitDecoratorMetadata: true },
      { arguments: 3, parameters: String(String), city: 'Davos' },
    ],
  };

  function assertProgram({ code, output }, expected) {
    assert.equal(code, 0, output);
    const [first, ...stack] = output.split('\n');
    assert.deepEqual(JSON.parse(first), { ...told, ...expected });
    assert.match(
      stack.slice(0, 2).join('\n'),
      /^Error: no answer for Davos\n.*Weather\.forecast \(.*weather\.ts:11:11\)/,
    );
  }

  for (const [name, [compilerOptions, expected]] of Object.entries(settings)) {
    test(`a build, in the ${name}`, async () => {
      assertProgram(await viteBuild(`build-${name.replace(/\W+/g, '-')}`, compilerOptions), expected);
    });

    test(`the dev server, in the ${name}`, async () => {
      assertProgram(await viteServe(`serve-${name.replace(/\W+/g, '-')}`, compilerOptions), expected);
    });
  }

  for (const compiler of ['typescript', 'typescript-5']) {
    test(`its types are those of a plugin, by ${compiler}`, async () => {
      assert.deepEqual(await typesOf(compiler), { code: 0, output: '' });
    });
  }

  test('without the plugin a build says nothing, and Node a SyntaxError', async () => {
    const { code, output } = await viteBuild('build-without-plugin', { target: 'ES2022' }, '');
    assert.equal(code, 1);
    assert.match(output, /SyntaxError: Invalid or unexpected token/);
  });
});

describe('by jest 30, with the configuration of the page', () => {
  for (const [name, compiler] of Object.entries(jestCompilers)) {
    test(`and ${name}`, async () => {
      const { code, output } = await jest(compiler, `jest-${name}`);
      assert.equal(code, 0, output);
      assert.match(output, /Tests: +7 passed, 7 total/);
    });
  }

  test('without the flag for ES modules: an error that says so', async () => {
    const { code, output } = await jest(jestCompilers.swc, 'jest-without-flag', []);
    assert.equal(code, 1);
    assert.match(output, /Must use import to load ES Module/);
  });
});
