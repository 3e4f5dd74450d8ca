import { strict as assert } from 'node:assert';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import byDefault, { type DecoratorsPlugin, opero } from 'opero/vite';
import { root } from '../support/pages.js';

const folder = mkdtempSync(join(tmpdir(), 'opero-vite-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const realEsbuild = dirname(createRequire(import.meta.url).resolve('esbuild/package.json'));

/** A project with these packages: a folder that is linked, or the text of a module. */
function project(name: string, packages: Readonly<Record<string, { link: string } | { module: string }>>): string {
  const made = join(folder, name);
  mkdirSync(join(made, 'node_modules'), { recursive: true });
  for (const [installed, given] of Object.entries(packages)) {
    const path = join(made, 'node_modules', installed);
    if ('link' in given) {
      symlinkSync(given.link, path);
      continue;
    }
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    writeFileSync(join(path, 'index.js'), given.module);
  }
  // So that the copy finds nothing of what is installed here.
  for (const part of ['vite', 'workers'])
    cpSync(join(root, 'dist', part), join(made, 'dist', part), { recursive: true });
  writeFileSync(join(made, 'dist/package.json'), '{ "type": "module" }');
  return made;
}

/** The plugin as that project has it, where vite has started. */
async function started(at: string): Promise<DecoratorsPlugin> {
  const own = (await import(pathToFileURL(join(at, 'dist/vite/index.js')).href)) as { opero: typeof opero };
  const plugin = own.opero();
  await plugin.configResolved({ root: at });
  return plugin;
}

const decorated = `import { retry } from 'opero';

interface Answer { city: string }

export class Weather {
  @retry(3)
  async forecast(city: string): Promise<Answer> {
    return { city };
  }
}
`;

describe('opero/vite', () => {
  test('is one function by both names', () => {
    assert.equal(byDefault, opero);
    const { name, enforce } = opero();
    assert.deepEqual([name, enforce], ['opero', 'pre']);
  });

  test('says at the start that esbuild is missing', async () => {
    await assert.rejects(started(project('missing', {})), {
      message: 'opero/vite compiles decorators by esbuild, which is missing: npm install --save-dev esbuild',
    });
  });

  test('says at the start that esbuild is too old', async () => {
    const old = project('old', { esbuild: { module: "export const version = '0.21.4';" } });
    await assert.rejects(started(old), {
      message: 'opero/vite needs esbuild 0.21.5 or newer, found 0.21.4: npm install --save-dev esbuild',
    });
  });

  test('has nothing to do, and needs no esbuild, under a vite that compiles decorators by itself', async () => {
    const plugin = await started(project('vite-7', { vite: { module: 'export const transformWithEsbuild = 1;' } }));
    assert.equal(await plugin.transform.handler(decorated, '/src/weather.ts'), null);
  });

  test('finds the vite of vitest, where the project does not name vite', async () => {
    const at = project('strict', { vitest: { module: '' } });
    const inner = join(at, 'node_modules/vitest/node_modules/vite');
    mkdirSync(inner, { recursive: true });
    writeFileSync(join(inner, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    writeFileSync(join(inner, 'index.js'), '');
    assert.equal(await (await started(at)).transform.handler(decorated, '/src/weather.ts'), null);
  });

  const withEsbuild = project('esbuild', { esbuild: { link: realEsbuild } });

  test('compiles decorators without vite, as under rolldown, and keeps the lines', async () => {
    const own = (await import(pathToFileURL(join(withEsbuild, 'dist/vite/index.js')).href)) as { opero: typeof opero };
    const plugin = own.opero();
    await plugin.buildStart().catch(() => assert.fail('rolldown has no folder but the current one'));
    const { code, map } = (await plugin.transform.handler(decorated, '/src/weather.ts')) ?? assert.fail('left alone');
    assert.doesNotMatch(code, /@retry|interface/);
    const { sources, sourcesContent } = JSON.parse(map) as { sources: string[]; sourcesContent: string[] };
    assert.deepEqual([sources, sourcesContent], [['/src/weather.ts'], [decorated]]);
  });

  test('leaves classes their names, and functions as they are where no class needs that', async () => {
    const plugin = await started(withEsbuild);
    const compile = async (code: string): Promise<string> =>
      (await plugin.transform.handler(code, '/src/weather.ts'))?.code ?? assert.fail('left alone');
    const code = `
      const early = [];
      const d = (method) => method;
      export class Weather { static shared = new Weather(); @d async get() {} constructor() { early.push(new.target.name); } }
      export class Tides { @d async get() {} static make() { return new Tides(); } }
      export const Moon = class { @d async get() {} };
      export default class { @d async get() {} }
      export { early };`;
    const load = async (source: string) =>
      (await import(`data:text/javascript,${encodeURIComponent(await compile(source))}`)) as Record<
        string,
        { readonly name: string }
      > & { readonly early: string[] };
    const made = await load(code);
    assert.deepEqual(
      [made.Weather?.name, made.Tides?.name, made.Moon?.name, made.default?.name, made.early],
      ['Weather', 'Tides', 'Moon', 'default', ['Weather']],
    );
    for (const name of ['$Weather', 'Wärme', '𠮷野']) {
      const alone = `const d = (method) => method; export class ${name} { static shared = new ${name}(); @d async get() {} }`;
      assert.equal((await load(alone))[name]?.name, name);
    }
    assert.doesNotMatch(
      await compile(`${decorated}export const send = () => { const inner = () => 1; };`),
      /__name\(\(\) =>/,
    );
  });

  const vite8 = `export const asked = [];
    export async function transformWithOxc(code, file, options) {
      asked.push(file);
      return { code, map: {} };
    }`;
  const withVite8 = project('vite-8', { esbuild: { link: realEsbuild }, vite: { module: vite8 } });

  test('looks at files of each kind, with and without a query', async () => {
    const plugin = await started(withVite8);
    for (const ending of ['ts', 'tsx', 'mts', 'cts', 'js', 'jsx', 'mjs', 'cjs', 'ts?v=1', 'tsx?t=1&import']) {
      const id = `/src/weather.${ending}`;
      assert.ok(plugin.transform.filter.id.test(id), id);
      const code = '@retry() class Weather { }';
      assert.match((await plugin.transform.handler(code, id))?.code ?? '', /__decorateElement/, id);
    }
  });

  test('takes a part of another file for what its query ends with, as the scripts of components do', async () => {
    const plugin = await started(withVite8);
    const code = 'const a: string = "b";\n@d() class B { c?: number }';
    for (const lang of ['ts', 'tsx', 'mts']) {
      const id = `/src/App.vue?vue&type=script&setup=true&lang.${lang}`;
      assert.match((await plugin.transform.handler(code, id))?.code ?? '', /__decorateElement/, id);
    }
  });

  test('leaves imports, JSX and newer syntax to vite', async () => {
    const plugin = await started(withVite8);
    const code = "import { A } from './a';\n@d() class B { }\nusing c = <A b={1} />;\nlet d: A;";
    const { code: compiled } = (await plugin.transform.handler(code, '/src/b.tsx')) ?? assert.fail('left alone');
    for (const kept of ['import { A } from "./a"', 'using c = <A b={1} />', 'let d;'])
      assert.ok(compiled.includes(kept));
  });

  const alone: Readonly<Record<string, readonly [id: string, code: string]>> = {
    'no @ at all': ['/a.ts', 'export const a = 1;'],
    "a package's name, an address": [
      '/a.ts',
      "import a from '@b/c';\nimport d from '@/e';\nconst f = `@g`, i = '../@j';",
    ],
    documentation: ['/a.ts', '/**\n * See {@link B}.\n * @param a b\n */\nexport const a = 1;'],
    'a comment on one line': [
      '/a.ts',
      '/** @internal */\nexport const a = 1; \n  // @ts-expect-error\n/* @__PURE__ */ a();',
    ],
    'what is installed': ['/node_modules/a/b.ts', decorated],
    'a text of vite': ['/a.ts?raw', decorated],
    'an address of vite': ['/a.ts?url', decorated],
    'another kind of file': ['/a.css', '@media print { a { b: c } }'],
  };
  for (const [what, [id, code]] of Object.entries(alone)) {
    test(`leaves alone: ${what}`, async () => {
      assert.equal(await (await started(withVite8)).transform.handler(code, id), null);
    });
  }

  test('sees a decorator wherever it stands', async () => {
    const plugin = await started(withVite8);
    for (const code of [
      '@d class A {}',
      'export @d class A {}',
      'export default@d class A {}',
      '/** @internal */ @d class A {}',
      '/* a */@d class A {}',
      'class A {@d a() {}}',
      'class A { a = 1\n@d b() {} }',
      'class A { *a() {} @d b() {} }',
      'class A {\n  *a() {} @d b() {}\n}',
      'class A {\n  *a() {}; @d b() {}\n}',
      '/** Of a\n * kind. */ @d class A {}',
      'const a = "http://b/*"; @d class A {}',
      'const A = (@(d()) class {});',
      '@ d class A {}',
      '@/* a */d class A {}',
    ]) {
      assert.match((await plugin.transform.handler(code, '/a.js'))?.code ?? '', /__decorateElement/, code);
    }
  });
});
