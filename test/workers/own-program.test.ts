import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { bundle, makeFolder, runNoting } from '../support/bundle.js';

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
