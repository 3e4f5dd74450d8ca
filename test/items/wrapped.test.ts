import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { ConfigurationError, ItemError, Orchestrator, shutdown } from 'opero';
import { cube } from '../fixtures/items/crunch.js';
import { flush } from '../support/clock.js';
import { all, Steps, source } from '../support/items.js';
import { watchTasks } from '../support/tasks.js';

after(() => shutdown());

describe('what Orchestrator.wrap() gives', () => {
  test('is called as the function is, and has process and stream for many items', async () => {
    const double = new Orchestrator().wrap(async (item: number) => item * 2);
    assert.equal(await double(2), 4);
    assert.deepEqual(await double.process([1, 2, 3]), [2, 4, 6]);
    assert.deepEqual(await all(double.stream(source(3, 'async'))), [0, 2, 4]);
  });

  test('applies the policies to each item, and shares the limiters of its orchestrator', async () => {
    const steps = new Steps<string>();
    const orchestrator = new Orchestrator({ concurrency: 2, retry: { maxAttempts: 2, waitMin: 0 } });
    const step = orchestrator.wrap((item: string) => steps.begin(item));
    const one = step('alone');
    const results = step.process(['a', 'b']);
    await flush();
    assert.deepEqual(steps.begun, ['alone', 'a']);
    await steps.fail('a', new Error('tried again'));
    await steps.end('alone');
    assert.deepEqual(steps.begun, ['alone', 'a', 'b', 'a']);
    await steps.end('a');
    await steps.end('b');
    assert.deepEqual([await one, await results], ['did alone', ['did a', 'did b']]);
    const { calls, attempts, retries } = orchestrator.stats;
    assert.deepEqual([calls, attempts, retries], [3, 4, 1]);
  });

  test('takes the options of processAll and processStream', async () => {
    const odd = new Orchestrator().wrap((item: number) => {
      if (item % 2 === 0) throw new Error('even');
      return item;
    });
    const [first, second] = await odd.process([1, 2], { onError: 'collect', concurrency: 1 });
    assert.equal(first, 1);
    assert.ok(second instanceof ItemError && second.index === 1);
    const entries = await all(odd.stream([1, 3], { entries: true, ordered: false }));
    assert.deepEqual(entries, [
      { index: 0, item: 1, value: 1 },
      { index: 1, item: 3, value: 3 },
    ]);
    await assert.rejects(odd.process([1, 2]), { message: 'even' });
  });

  test('sends items to workers in batches under cpuBound', async () => {
    const module = new URL('../fixtures/items/crunch.js', import.meta.url);
    const wrapped = new Orchestrator({ cpuBound: { module, maxWorkers: 2 } }).wrap(cube);
    const items = Array.from({ length: 2000 }, (_, i) => i);
    const { result, tasks } = await watchTasks(() => wrapped.process(items));
    assert.equal(result[1999], 1999 ** 3);
    assert.ok(tasks.length < 400, `${tasks.length} messages`);
  });

  test('keeps the name, the length and `this` of the function', async () => {
    function add(this: { by: number }, item: number): number {
      return item + this.by;
    }
    const wrapped = new Orchestrator().wrap(add);
    assert.deepEqual([wrapped.name, wrapped.length], ['add', 1]);
    assert.equal(await wrapped.call({ by: 2 }, 1), 3);
  });

  test('shows nothing of process and stream among its fields, and lets them be replaced as methods are', () => {
    const wrapped = new Orchestrator().wrap((item: number) => item);
    assert.deepEqual(Object.keys(wrapped), []);
    assert.deepEqual([wrapped.process.name, wrapped.stream.name], ['process', 'stream']);
    const stand = async (): Promise<never[]> => [];
    Object.assign(wrapped, { process: stand });
    assert.equal(wrapped.process, stand);
  });

  test('gives its function no `this` over many items, whatever process and stream are called on', async () => {
    const seen: unknown[] = [];
    const wrapped = new Orchestrator().wrap(function (this: unknown, _item: number): void {
      seen.push(this);
    });
    const { process } = wrapped;
    await wrapped.process([1]);
    await process([1]);
    await process.call({ process } as never, [1]);
    await all(wrapped.stream([1]));
    assert.deepEqual(seen, [undefined, undefined, undefined, undefined]);
  });

  test('refuses wrong items and options by the name of the function, before anything is pulled', async () => {
    const wrapped = new Orchestrator().wrap(function load(item: number): number {
      return item;
    });
    const none = new Orchestrator().wrap(
      (
        () => (item: number) =>
          item
      )(),
    );
    const items = source(3);
    const cases: [run: () => unknown, message: string][] = [
      [
        () => wrapped.process(5 as never),
        'load.process(): expected the items to be an iterable or async iterable, got 5',
      ],
      [
        () => wrapped.stream(5 as never),
        'load.stream(): expected the items to be an iterable or async iterable, got 5',
      ],
      [
        () => none.process(5 as never),
        'wrapped.process(): expected the items to be an iterable or async iterable, got 5',
      ],
      [
        () => wrapped.process(items, { concurrency: 0 }),
        'load.process(): expected `concurrency` to be an integer of at least 1 or Infinity, got 0',
      ],
      [
        () => wrapped.process(items, { ordered: false } as object),
        'load.process(): unknown option `ordered` (false); known options are concurrency, onError, signal, onProgress, progress, entries',
      ],
    ];
    for (const [run, message] of cases) {
      await assert.rejects(
        async () => await run(),
        (error) => {
          assert.ok(error instanceof ConfigurationError);
          assert.equal(error.message, message);
          return true;
        },
      );
    }
    assert.equal(items.opened, 0);
    assert.throws(() => wrapped.stream(items, { ordered: 1 } as object), ConfigurationError);
    assert.ok(wrapped.process(5 as never).catch(() => {}) instanceof Promise);
  });
});
