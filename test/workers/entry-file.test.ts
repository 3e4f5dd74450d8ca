import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { bundle, makeFolder, runNoting, write } from '../support/bundle.js';
import { root } from '../support/pages.js';

const folder = makeFolder();
after(folder.rm);

const says = 'the worker is importing your program; guard it, or give @cpuBound a module of its own';
const count = (lines: readonly string[], word: string): number => lines.filter((line) => line.startsWith(word)).length;

describe('the file that a program was started with', () => {
  const service = `
    import { appendFileSync } from 'node:fs';
    import { cpuBound, retry } from 'opero';
    const note = (line: string) => appendFileSync(process.env.LINES!, line + '\\n');
    export class Service {
      @cpuBound(import.meta.url, { maxWorkers: 1 })
      async crunch(n: number) { note('crunched ' + n); return n; }
      @retry(2)
      async load() { note('loaded'); return 1; }
    }
    export const service = new Service();`;
  const unguarded = `${service} console.log(await service.crunch(1));`;
  const refused = new RegExp(`Service\\.crunch: ${says}`);
  let number = 0;
  const subfolder = (): string => join(folder.path, `${number++}`);
  /** Makes a package of the repository one of the programs. */
  const link = (name: string): void => {
    const at = join(folder.path, 'node_modules', name);
    if (!existsSync(at)) symlinkSync(join(root, 'node_modules', name), at, 'junction');
  };

  for (const [name, start] of Object.entries({
    'without its extension': (at: string) => [join(at, 'main')],
    'as the main file of its folder': (at: string) => {
      write(at, { 'package.json': '{ "type": "module", "main": "main.js" }' });
      return [at];
    },
    'by a link': (at: string) => {
      symlinkSync(join(at, 'main.js'), join(at, 'link.js'));
      return [join(at, 'link.js')];
    },
    'behind flags': (at: string) => ['--no-warnings', '--stack-trace-limit=0', join(at, 'main.js'), 'an argument'],
  })) {
    test(`is known when it is given ${name}`, async () => {
      const at = subfolder();
      await bundle(at, 'main.js', unguarded);
      const { code, stdout, stderr, lines } = await runNoting(folder.path, start(at));
      assert.match(stderr, refused);
      assert.deepEqual([code, stdout, lines], [1, '', []]);
    });
  }

  const takesUrls = process.allowedNodeEnvironmentFlags.has('--entry-url');
  test(`is known when it is given as a URL${takesUrls ? '' : ', which this Node does not take'}`, async () => {
    const file = await bundle(subfolder(), 'main.js', unguarded);
    for (const url of [pathToFileURL(file).href, `${relative(process.cwd(), file)}?query`]) {
      const { stderr, lines } = await runNoting(folder.path, ['--entry-url', url]);
      assert.match(stderr, takesUrls ? refused : /bad option: --entry-url/);
      assert.deepEqual(lines, []);
    }
  });

  test('is known by a module given with a query, or as a path', async () => {
    for (const given of ["import.meta.url + '?again'", 'import.meta.filename ?? new URL(import.meta.url).pathname']) {
      const code = unguarded.replace('import.meta.url', given);
      const { stderr, lines } = await runNoting(folder.path, [await bundle(subfolder(), 'main.js', code)]);
      assert.match(stderr, refused);
      assert.deepEqual(lines, []);
    }
  });

  test('is known in a CommonJS bundle, which can await nothing', async () => {
    const code = `
      import { pathToFileURL } from 'node:url';
      ${service.replace('import.meta.url', 'pathToFileURL(__filename)')}
      service.load().then(() => service.crunch(1)).then(console.log);`;
    const file = await bundle(subfolder(), 'main.cjs', code, { format: 'cjs' });
    const { stderr, lines } = await runNoting(folder.path, [file]);
    assert.match(stderr, refused);
    assert.deepEqual(lines, ['loaded']);
  });

  test('is known when it comes with a module that imports it', async () => {
    const at = subfolder();
    await bundle(at, 'service.js', `import './main.js'; ${service}`, { bundle: false });
    await bundle(at, 'other.js', service);
    const main = `
      import { service } from './service.js';
      import { service as other } from './other.js';
      await other.load();
      console.log(await service.crunch(1));`;
    const { stderr, lines } = await runNoting(folder.path, [write(at, { 'main.js': main })]);
    assert.match(stderr, refused);
    assert.deepEqual(lines, ['loaded']);
  });

  test('is not a module of its own, which may call opero at its top level', async () => {
    const at = subfolder();
    const file = await bundle(at, 'service.js', `${service} await service.load(); await service.crunch(0);`);
    const main = `import { service } from './service.js'; console.log(await service.crunch(1));`;
    const importing = `import('${pathToFileURL(file)}').then(({ service }) => service.crunch(1)).then(console.log)`;
    const text = readFileSync(file, 'utf8').replace('"opero"', `"${import.meta.resolve('opero')}"`);
    const data = `import(${JSON.stringify(`data:text/javascript,${encodeURIComponent(text)}`)})`;
    for (const [args, input] of [
      [[write(at, { 'main.js': main })], ''],
      [['-e', importing], ''],
      [['-e', importing, file], ''],
      [['--input-type=module', '--eval', importing], ''],
      [['-'], importing],
      [['-e', `${data}.then(({ service }) => service.crunch(1)).then(console.log)`], ''],
    ] as const) {
      const { code, stdout, stderr, lines } = await runNoting(folder.path, [...args], input);
      assert.deepEqual([code, stdout], [0, '1\n'], stderr);
      // In the program and in its worker.
      assert.deepEqual([count(lines, 'loaded'), count(lines, 'crunched 0'), count(lines, 'crunched 1')], [2, 2, 1]);
    }
  });

  test('runs nowhere else where opero itself is a part of it', async () => {
    // Whatever the name of the bundle, be it that of opero's own file for workers.
    for (const name of ['main.js', 'entry.js']) {
      const file = await bundle(subfolder(), name, unguarded, {
        packages: 'bundle',
        external: ['tinypool', 'async-sema'],
      });
      for (const each of ['tinypool', 'async-sema']) link(each);
      const { code, stderr, lines } = await runNoting(folder.path, [file]);
      assert.match(stderr, /WorkerError: Service\.crunch: opero is a part of your bundle, .*; keep it outside/);
      assert.deepEqual([code, lines], [1, []]);
    }
  });

  test('is none for a program of text, whose class no worker finds', async () => {
    const file = await bundle(subfolder(), 'main.js', unguarded);
    for (const [args, input] of [
      [['--input-type=module', '-e', readFileSync(file, 'utf8')], ''],
      [['--input-type=module'], readFileSync(file, 'utf8')],
    ] as const) {
      const { code, stderr, lines } = await runNoting(folder.path, [...args], input);
      assert.match(stderr, /Service\.crunch: a worker could not load file:.*\[eval1\]: /);
      assert.deepEqual([code, lines], [1, []]);
    }
  });
});
