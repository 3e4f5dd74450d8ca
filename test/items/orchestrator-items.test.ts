import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { currentCall, ItemError, Orchestrator, type Progress, shutdown, WorkerError } from 'opero';
import { cube, half, hiddenOnes, OddError } from '../fixtures/items/crunch.js';
import { flush } from '../support/clock.js';
import { all, rejection, Steps, source } from '../support/items.js';
import { watchTasks } from '../support/tasks.js';

after(() => shutdown());

const module = new URL('../fixtures/items/crunch.js', import.meta.url);
const onWorkers = { cpuBound: { module, maxWorkers: 2 } };
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('process with several functions', () => {
  test('gives the results of each over all items, one after the other, in the order of the items', async () => {
    const steps = new Steps<string>();
    const step = (name: string) => (item: number) => steps.begin(`${name}${item}`);
    const results = new Orchestrator().process([step('a'), step('b')], [1, 2]);
    await flush();
    assert.deepEqual(steps.begun, ['a1', 'a2']);
    await steps.end('a2');
    await steps.end('a1');
    assert.deepEqual(steps.begun, ['a1', 'a2', 'b1', 'b2']);
    await steps.end('b2');
    await steps.end('b1');
    assert.deepEqual(await results, ['did a1', 'did a2', 'did b1', 'did b2']);
  });

  test('works on the same item whichever the function, promises included', async () => {
    const items = [Promise.resolve(1)];
    const seen: unknown[] = [];
    const see = (item: unknown): void => {
      seen.push(item);
    };
    await new Orchestrator().process(see, items);
    await new Orchestrator().process([see, see], items);
    assert.ok(seen.length === 3 && seen.every((item) => item === items[0]));
  });

  test('takes more results than fit into the arguments of a call', async () => {
    const { length } = await new Orchestrator({ concurrency: 1000 }).process([(item: number) => item], source(200_000));
    assert.equal(length, 200_000);
  });

  test("with onError 'collect' fails items of one function alone; index and item are those of the function's own run", async () => {
    const odd = (item: number): string => {
      if (item % 2 === 1) throw new Error('odd');
      return `odd ${item}`;
    };
    const results = await new Orchestrator().process([odd, (item: number) => `any ${item}`], [1, 2], {
      onError: 'collect',
    });
    assert.ok(results[0] instanceof ItemError);
    assert.deepEqual([results[0].item, results[0].index], [1, 0]);
    assert.deepEqual(results.slice(1), ['odd 2', 'any 1', 'any 2']);
  });

  test('an abort while a slow source is taken in ends it at once, and lets the source go', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let returned = 0;
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<number>>(() => {}),
        return: async () => {
          returned++;
          return { done: true as const, value: undefined };
        },
      }),
    };
    let thrown: unknown;
    new Orchestrator().process([(item: number) => item], items, { signal: controller.signal }).catch((error) => {
      thrown = error;
    });
    await flush();
    controller.abort(reason);
    await flush();
    assert.equal(thrown, reason);
    assert.equal(returned, 1);
  });

  test('an abort during the first function starts no second', async () => {
    const controller = new AbortController();
    let second = 0;
    const first = async (): Promise<void> => controller.abort('enough');
    const next = (): void => {
      second++;
    };
    const { signal } = controller;
    assert.equal(await rejection(new Orchestrator().process([first, next], [1], { signal })), 'enough');
    assert.equal(second, 0);
  });

  test('wrong options fail before anything is pulled', async () => {
    const items = source(3);
    const wrong = { concurrency: 0 };
    const message = 'Orchestrator.process(): expected `concurrency` to be an integer of at least 1 or Infinity, got 0';
    await assert.rejects(new Orchestrator().process([(item: number) => item], items, wrong), {
      name: 'ConfigurationError',
      message,
    });
    assert.equal(items.pulled, 0);
  });

  test('tells its progress', async () => {
    const told: Progress[] = [];
    await new Orchestrator().process([(item: number) => item, (item: number) => -item], new Set([1, 2]), {
      onProgress: (progress) => told.push(progress),
    });
    assert.deepEqual(
      told.map(({ done, failed, total }) => [done, failed, total]),
      [
        [1, 0, 4],
        [2, 0, 4],
        [3, 0, 4],
        [4, 0, 4],
      ],
    );
    assert.ok(told.every(({ elapsed }, index) => elapsed >= (told[index - 1]?.elapsed ?? 0)));
  });

  test('counts the failed ones of all functions', async () => {
    const told: Progress[] = [];
    const fail = (): never => {
      throw new Error('no');
    };
    await new Orchestrator().process([fail, (item: number) => item, fail], [1, 2], {
      onError: 'collect',
      onProgress: (progress) => told.push(progress),
    });
    assert.deepEqual(
      told.map(({ done, failed, total }) => `${failed} of ${done} of ${total}`),
      ['1 of 1 of 6', '2 of 2 of 6', '2 of 3 of 6', '2 of 4 of 6', '3 of 5 of 6', '4 of 6 of 6'],
    );
  });
});

describe('many items of an orchestrator', () => {
  test('share its limiters with all else that it runs', async () => {
    const steps = new Steps<string>();
    const orchestrator = new Orchestrator({ concurrency: 2 });
    const first = orchestrator.execute((item: string) => steps.begin(item), 'alone');
    const results = orchestrator.process((item: string) => steps.begin(item), ['a', 'b']);
    const stream = all(orchestrator.stream((item: string) => steps.begin(item), ['c']));
    await flush();
    assert.deepEqual(steps.begun, ['alone', 'a']);
    for (const [index, item] of ['alone', 'a', 'b', 'c'].entries()) {
      assert.equal(steps.begun[index] !== undefined, true);
      await steps.end(steps.begun[index] as string);
      assert.ok(steps.begun.includes(item));
    }
    assert.deepEqual([await first, await results, await stream], ['did alone', ['did a', 'did b'], ['did c']]);
  });

  test('start no faster than its rate, whoever asks', async () => {
    const orchestrator = new Orchestrator({ rateLimit: { rate: 2, per: 40, maxQueue: 0 } });
    const results = await orchestrator.process((item: number) => item, [1, 2, 3, 4], {
      concurrency: 4,
      onError: 'collect',
    });
    assert.deepEqual(
      results.map((each) => each instanceof ItemError),
      [false, false, true, true],
    );
  });

  test('hear of their abort by currentCall()', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const stream = new Orchestrator().stream(
      (item: number) => {
        signals.push(currentCall().signal);
        return item === 0 ? item : new Promise<number>(() => {});
      },
      source(10),
      { concurrency: 3 },
    );
    for await (const _each of stream) break;
    assert.ok(signals.length >= 2 && signals.every((signal) => signal?.aborted));
  });
});

describe('cpuBound in an orchestrator', () => {
  test('runs an exported function in workers, sync or async, over many items in batches', async () => {
    const orchestrator = new Orchestrator(onWorkers);
    assert.equal(await orchestrator.execute(cube, 3), 27);
    const { result, tasks } = await watchTasks(() => orchestrator.process(cube, range(2000)));
    assert.deepEqual(
      result,
      range(2000).map((item) => item ** 3),
    );
    assert.ok(tasks.length < 400, `${tasks.length} messages`);
    assert.deepEqual(await orchestrator.process(half, [0, 2, 4]), [0, 1, 2]);
  });

  test('takes the module as a string, a URL or a path', async () => {
    for (const each of [module.href, module, fileURLToPath(module)]) {
      assert.deepEqual(await new Orchestrator({ cpuBound: each }).process(cube, [2]), [8]);
    }
  });

  test('runs several functions one after the other, and streams', async () => {
    const orchestrator = new Orchestrator(onWorkers);
    assert.deepEqual(await orchestrator.process([cube, half], [2, 4]), [8, 64, 1, 2]);
    assert.deepEqual(await all(orchestrator.stream(cube, new Set([1, 2, 3]))), [1, 8, 27]);
  });

  test('brings errors back as themselves, so that retry and onError know them', async () => {
    const retries: unknown[] = [];
    const orchestrator = new Orchestrator({
      ...onWorkers,
      retry: { maxAttempts: 2, waitMin: 0, retryOn: OddError, onRetry: ({ error }) => void retries.push(error) },
    });
    const results = await orchestrator.process(half, [1, 2, 3], { onError: 'collect' });
    for (const index of [0, 2]) {
      const failed = results[index];
      assert.ok(failed instanceof ItemError && failed.cause instanceof OddError);
      assert.equal(failed.cause.item, index + 1);
    }
    assert.equal(results[1], 1);
    assert.equal(retries.length, 2);
  });

  test('fails with a WorkerError for a function that the module does not export', async () => {
    const orchestrator = new Orchestrator(onWorkers);
    const [hidden] = hiddenOnes;
    for (const run of [
      () => orchestrator.execute(hidden, 1),
      () => orchestrator.process(hidden, [1]),
      () => all(orchestrator.stream(hidden, [1])),
      () => orchestrator.process((item: number) => item + 1, [1]),
    ]) {
      await assert.rejects(run(), (error) => {
        assert.ok(error instanceof WorkerError);
        assert.match(error.message, /does not export the function .*; export it, under any name/);
        return true;
      });
    }
  });

  test('keeps its other policies on this side, shared by all it runs', async () => {
    const orchestrator = new Orchestrator({ ...onWorkers, concurrency: { limit: 1, maxQueue: 0 } });
    const [first, second] = await Promise.allSettled([orchestrator.execute(cube, 1), orchestrator.process(half, [2])]);
    assert.equal(first.status, 'fulfilled');
    assert.equal(second.status, 'rejected');
    assert.deepEqual(await orchestrator.process(half, [2, 4]), [1, 2]);
  });
});
