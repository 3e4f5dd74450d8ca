import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { bundle, makeFolder, runNoting, write } from '../support/bundle.js';
import { root } from '../support/pages.js';

const folder = makeFolder();
after(folder.rm);

const says = 'the worker is importing your program; guard it, or give @cpuBound a module of its own';

/** A program of one file; `note` counts what is run, wherever that is. */
const program = (runtime: string, main: string): string => `
  import { appendFileSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  import { fileURLToPath } from 'node:url';
  import { isMainThread } from 'node:worker_threads';
  import { concurrency, cpuBound, FallbackChain, Orchestrator, processAll, processStream, retry } from 'opero';

  const note = (line: string) => appendFileSync(process.env.LINES!, line + '\\n');

  export class Work {
    @cpuBound(import.meta.url, { runtime: '${runtime}', maxWorkers: 2 })
    async crunch(n: number) {
      note('crunched ' + n);
      return n * 2;
    }

    @cpuBound(import.meta.url, { runtime: '${runtime}', maxWorkers: 2 })
    async slow(n: number) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return this.buy(n);
    }

    @retry(2)
    async buy(n: number) {
      note('bought ' + n);
      return n;
    }

    async plain(n: number) {
      note('plain ' + n);
      return n;
    }
  }

  export const double = (n: number) => {
    note('doubled ' + n);
    return n * 2;
  };
  const work = new Work();
  const items = Array.from({ length: 200 }, (_, i) => i);
  const onWorkers = new Orchestrator({ cpuBound: { module: import.meta.url, runtime: '${runtime}', maxWorkers: 2 } });
  ${main}
`;

let bundles = 0;
const run = async (runtime: string, main: string) =>
  runNoting(folder.path, [await bundle(folder.path, `bundle-${bundles++}.mjs`, program(runtime, main))]);

const count = (lines: readonly string[], word: string): number => lines.filter((line) => line.startsWith(word)).length;

/** What differs where a worker has an exit of its own. */
const forProcesses = /processAll|nobody|no call|exits|failures/;

for (const runtime of ['worker_threads', 'child_process']) {
  describe(`a program of one file that nothing guards, with workers of ${runtime},`, () => {
    for (const [name, main] of Object.entries({
      'that awaits processAll': `await processAll(work, 'crunch', items);`,
      'that collects failures': `
        const results = await processAll(work, 'crunch', items, { onError: 'collect' });
        throw (results.find((each) => each instanceof Error) as Error).cause;`,
      'that reads a stream': `for await (const each of processStream(work, 'crunch', items)) console.log(each);`,
      'that awaits a call': `console.log(await work.crunch(1));`,
      'that awaits no call': `work.crunch(1).then(console.log);`,
      'that calls in a function which nobody awaits': `
        async function main() { console.log(await work.crunch(1)); }
        main();`,
      'that exits when it fails': `
        async function main() { console.log(await work.crunch(1)); }
        main().catch((error) => { console.error(error.message); process.exit(1); });`,
      'that makes nothing of a failure in a worker': `
        const results = await Promise.allSettled([1, 2, 3].map((n) => work.crunch(n)));
        throw (results[2] as PromiseRejectedResult).reason;`,
      'with an Orchestrator': `console.log(await onWorkers.execute(double, 1));`,
      'with an Orchestrator over items': `console.log(await onWorkers.process(double, items));`,
      'with an Orchestrator over items, as a stream': `for await (const each of onWorkers.stream(double, items)) note('got');`,
      'with a wrapped function': `console.log(await onWorkers.wrap(double)(1));`,
    })) {
      if (runtime === 'child_process' && !forProcesses.test(name)) continue;
      test(`${name}, fails at once, and runs nothing`, async () => {
        const { code, stdout, stderr, lines } = await run(runtime, main);
        assert.match(stderr, new RegExp(`(Work\\.crunch|Orchestrator): ${says}`));
        assert.equal(stdout, '');
        assert.equal(code, 1);
        assert.deepEqual(lines, []);
      });
    }

    for (const [name, first, line] of [
      ['a decorated method', 'await work.buy(1);', 'bought'],
      ['processAll over a plain method', `await processAll(work, 'plain', [1]);`, 'plain'],
      ['processStream over a plain method', `await processStream(work, 'plain', [1]).next();`, 'plain'],
      ['a FallbackChain', 'await new FallbackChain(double, [() => 0]).execute(1);', 'doubled'],
      ['an Orchestrator without a worker', 'await new Orchestrator({ retry: 3 }).execute(double, 1);', 'doubled'],
    ] as const) {
      if (runtime === 'child_process') continue;
      test(`that calls ${name} first, runs that once`, async () => {
        const { code, stderr, lines } = await run(runtime, `${first} await work.crunch(1);`);
        assert.match(stderr, new RegExp(`Work\\.crunch: ${says}`));
        assert.equal(code, 1);
        assert.deepEqual([lines.length, count(lines, line)], [1, 1]);
      });
    }

    test('that waits for something else first, runs no item twice', async () => {
      const main = `
        async function main() {
          await readFile(fileURLToPath(import.meta.url));
          await processAll(work, 'crunch', items);
        }
        main().catch((error) => { console.error(error.message); process.exit(1); });`;
      const { code, stderr, lines } = await run(runtime, main);
      assert.equal(new Set(lines).size, lines.length);
      // A thread that is asleep does not go on with the program.
      if (code === 0) assert.equal(lines.length, 200);
      else assert.match(stderr, new RegExp(`^Work\\.crunch: ${says}$`, 'm'));
    });

    test('that calls while a job waits, fails that', async () => {
      const main = `
        async function main() {
          await new Promise((resolve) => setTimeout(resolve, 20));
          await work.slow(1);
        }
        main().catch((error) => { console.error(error.message); process.exit(1); });`;
      const { code, stderr, lines } = await run(runtime, main);
      assert.match(stderr, new RegExp(`Work\\.slow: ${says}`));
      assert.deepEqual([code, lines], [1, []]);
    });

    test('tells where it calls', async () => {
      const main = `
        try {
          await work.crunch(1);
        } catch (error) {
          if (isMainThread && process.env.TINYPOOL_WORKER_ID === undefined) console.log(error.cause.stack);
        }`;
      const { stdout } = await run(runtime, main);
      assert.match(stdout, new RegExp(`WorkerError: ${says}\\n[^]*bundle-\\d+\\.mjs:\\d+`));
    });
  });

  describe(`a program of one file that is guarded, with workers of ${runtime},`, () => {
    for (const [name, guard] of Object.entries({
      isMainThread: 'isMainThread && process.argv[1] === fileURLToPath(import.meta.url)',
      'import.meta.main':
        '(import.meta as { main?: boolean }).main ?? process.argv[1] === fileURLToPath(import.meta.url)',
    })) {
      test(`by ${name}, works, with decorated calls in its jobs`, async () => {
        const main = `if (${guard}) {
          console.log(await work.crunch(2), await work.slow(3), await onWorkers.execute(double, 4));
          console.log((await processAll(work, 'slow', [5, 6])).join());
        }`;
        const { code, stdout, stderr, lines } = await run(runtime, main);
        assert.deepEqual([code, stdout], [0, '4 3 8\n5,6\n'], stderr);
        assert.deepEqual(lines.toSorted(), ['bought 3', 'bought 5', 'bought 6', 'crunched 2', 'doubled 4']);
      });
    }
  });
}

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
