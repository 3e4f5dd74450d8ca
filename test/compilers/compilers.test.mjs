import { strict as assert } from 'node:assert';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  compile,
  compileOld,
  compilers,
  leaving,
  needs,
  oldestForm,
  oldForms,
  out,
  refusing,
  run,
  tooOld,
} from './compile.mjs';
import { page } from './readme.mjs';
import { compileOldSuites, compileSuites, runSuites, suiteFiles } from './suites.mjs';

after(() => rmSync(out, { recursive: true, force: true }));

describe('the fixture, compiled and run against the built package', () => {
  for (const [name, compiler] of Object.entries(compilers)) {
    test(`by ${name}`, { skip: tooOld(name, needs[name]) }, async () => {
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

    // tsx takes the name of what the file compiles to as well.
    for (const file of ['fixture/unguarded.ts', 'fixture/unguarded.js']) {
      if (name !== 'tsx' && file.endsWith('.js')) continue;
      test(`by ${name}: ${file} fails at once where its worker imports it, and runs nothing twice`, async () => {
        const { code, output } = await run([...args, file]);
        assert.equal(code, 1);
        assert.match(output, /Work\.crunch: the worker is importing your program; guard it/);
        assert.deepEqual(output.match(/^(loaded|crunched)$/gm), ['loaded']);
      });
    }
  }
});

describe('the suites about what is in force where', () => {
  for (const name of ['swc', 'Babel 7', 'Babel 8']) {
    test(`compiled by ${name}`, { skip: tooOld(name, needs[name]) }, async () => {
      assert.equal(await runSuites(await compileSuites(compilers[name], name)), '');
    });
  }

  test('run by tsx', async () => {
    assert.equal(await runSuites(suiteFiles, [`--import=${import.meta.resolve('tsx')}`]), '');
  });
});

describe('the old form of decorators', () => {
  const write = 'with parentheses';
  const onField = 'expected a method or a class, got a';
  const told = {
    method: '3 1',
    'static method': '3 1',
    'numeric method': '3 1',
    class: '3 1',
    'without parentheses': `ConfigurationError: @retry on method \`buy\`: write @retry(...), ${write}`,
    'static, without parentheses': `ConfigurationError: @orchestrate on static method \`buy\`: write @orchestrate(...), ${write}`,
    'field, without parentheses': `ConfigurationError: @retry on field \`buy\`: write @retry(...), ${write}`,
    field: `ConfigurationError: @retry on field \`buy\`: ${onField} field; policies go on methods`,
    'static field': `ConfigurationError: @retry on static field \`buy\`: ${onField} field; policies go on methods`,
    getter: `ConfigurationError: @retry on getter \`price\`: ${onField} getter; policies go on methods`,
  };
  const expected = Object.entries(told).map(([way, text]) => `${way}: ${text}`);
  const withReflect = `--import=${import.meta.resolve('reflect-metadata')}`;

  for (const [name, compiler] of Object.entries(oldForms)) {
    for (const [how, args] of [
      ['', []],
      [', with Reflect.decorate', [withReflect]],
    ]) {
      test(`works by ${name}${how}, and tells what does not`, async () => {
        const { code, output } = await run([...args, join(await compileOld(compiler, name), 'services.js')]);
        assert.equal(code, 0, output);
        assert.deepEqual(output.trim().split('\n'), expected);
      });

      test(`holds what the suites say, compiled by ${name}${how}`, async () => {
        assert.equal(await runSuites(await compileOldSuites(compiler, name), args), '');
      });
    }
  }

  test('that of 2018, which swc makes of JavaScript, fails with an error that says so', async () => {
    const { code, output } = await run([join(await compileOld(oldestForm, 'oldest'), 'services.js')]);
    assert.equal(code, 0, output);
    const lines = output.trim().split('\n');
    assert.equal(lines.length, expected.length, output);
    for (const line of lines) {
      assert.match(line, /: ConfigurationError: @\w+ on (`\w+`|a class): a compiler called it in the form of 2018/);
    }
  });
});

describe('decorators that are left as they are fail with a SyntaxError, before opero is there', () => {
  for (const [name, compiler] of Object.entries(leaving)) {
    test(`by ${name}`, async () => {
      const { code, output } = await run([join(await compile(compiler, name), 'main.js')]);
      assert.equal(code, 1);
      assert.match(output, /SyntaxError: Invalid or unexpected token/);
    });
  }
});

describe('what a compiler says where its setting is missing', () => {
  for (const [name, [compiler, words]] of Object.entries(refusing)) {
    test(`${name}, as the page has it`, { skip: tooOld(name, needs[name.slice(0, 7)]) }, async () => {
      await assert.rejects(
        compile(compiler, name),
        (error) => error.message.includes(words) || assert.fail(error.message),
      );
      assert.ok(page.includes(words), words);
    });
  }
});
