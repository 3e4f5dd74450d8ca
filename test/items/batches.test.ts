import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { ItemError, move, processAll, processStream, shutdown, statsOf, WorkerError } from 'opero';
import { Crunch, OddError, onKey, type Task } from '../fixtures/items/crunch.js';
import { flush } from '../support/clock.js';
import { all, rejection, source } from '../support/items.js';
import { assertWindows } from '../support/starts.js';
import { watchTasks } from '../support/tasks.js';

const warnings: Error[] = [];
process.on('warning', (warning) => warnings.push(warning));

after(async () => {
  await shutdown();
  assert.deepEqual(warnings, []);
});

const crunch = new Crunch();
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const counters = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * (2 + count)));
/** How often each task was entered. */
const entered = (counts: Int32Array): number[] => [...counts.subarray(2)];

/** Ends once the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('items of a cpuBound method', () => {
  test('give their results in order', async () => {
    assert.deepEqual(
      await processAll(crunch, 'square', range(300)),
      range(300).map((i) => i * i),
    );
    assert.deepEqual(
      await all(processStream(crunch, 'square', source(300, 'async'))),
      await processAll(crunch, 'square', range(300)),
    );
    const unordered = await all(processStream(crunch, 'square', range(300), { ordered: false }));
    assert.deepEqual(
      unordered.sort((a, b) => a - b),
      range(300).map((i) => i * i),
    );
  });

  test('may be those of a static method, or take fields of `this` along', async () => {
    assert.deepEqual(await processAll(Crunch, 'negate', [1, 2, 3]), [-1, -2, -3]);
    assert.deepEqual(await processAll(crunch, 'scale', [1, 2, 3]), [3, 6, 9]);
  });

  test('travel in batches when they are tiny: far fewer messages than items', async () => {
    await processAll(crunch, 'square', range(200));
    const { result, tasks } = await watchTasks(() => processAll(crunch, 'square', range(5000)));
    assert.equal(result[4999], 4999 * 4999);
    assert.ok(tasks.length < 500, `${tasks.length} messages for 5000 items`);
    assert.equal(
      tasks.reduce((sum, { args }) => sum + args.length, 0),
      5000,
    );
  });

  test('each go to a worker once, when nothing goes wrong', async () => {
    const counts = counters(400);
    const tasks: Task[] = range(400).map((id) => ({ id, counters: counts }));
    assert.deepEqual(await processAll(crunch, 'work', tasks), range(400));
    assert.deepEqual(entered(counts), Array(400).fill(1));
  });

  test('spread over all workers when they are long, one at a time', async () => {
    const items: Task[] = range(8).map((id) => ({ id, busy: 25 }));
    // Both workers are there from now on.
    const together = new Int32Array(new SharedArrayBuffer(8));
    await Promise.all([crunch.meet(together), crunch.meet(together)]);
    await processAll(crunch, 'where', items.slice(0, 2));
    const { result, tasks } = await watchTasks(() => processAll(crunch, 'where', items));
    assert.equal(new Set(result).size, 2);
    assert.equal(tasks.length, 8);
  });

  test('that are left at the end are shared among all workers', async () => {
    // The first ones are so quick that all the others would fit into one batch.
    const { tasks } = await watchTasks(() =>
      processAll(
        crunch,
        'where',
        range(600).map((id) => ({ id })),
      ),
    );
    const left = (index: number): number => tasks.slice(index).reduce((sum, { args }) => sum + args.length, 0);
    tasks.forEach(({ args }, index) => {
      assert.ok(args.length <= Math.ceil(left(index) / 2), `${args.length} of the ${left(index)} left in one batch`);
    });
  });

  test('are pulled no further ahead than the batches need, and only as fast as results are taken', async () => {
    const items = source(1_000_000);
    const stream = processStream(crunch, 'square', items);
    let taken = 0;
    for await (const _result of stream) if (++taken === 3000) break;
    // At most 4 times the two batches that each of the two workers may have before it.
    assert.ok(items.pulled - taken <= 4 * 2 * 2 * 1024, `${items.pulled} pulled, ${taken} taken`);
    assert.equal(items.returned, 1);
  });

  test('run on one worker at a time under concurrency: 1', async () => {
    const counts = counters(100);
    const items: Task[] = range(100).map((id) => ({ id, counters: counts, busy: 0.2 }));
    assert.deepEqual(await processAll(crunch, 'work', items, { concurrency: 1 }), range(100));
    assert.equal(counts[1], 1);
  });

  test('run one at a time under @concurrency(1)', async () => {
    const counts = counters(30);
    const items: Task[] = range(30).map((id) => ({ id, counters: counts }));
    assert.deepEqual(await processAll(crunch, 'alone', items, { concurrency: 8 }), range(30));
    assert.equal(counts[1], 1);
    const { running, queued, attempts } = statsOf(Crunch, 'alone');
    assert.deepEqual([running, queued, attempts], [0, 0, 30]);
  });

  for (const workers of ['that wait', 'that have to start first']) {
    test(`start no faster than @rateLimit allows, on workers ${workers}`, async () => {
      if (workers === 'that wait') await processAll(crunch, 'square', range(10));
      else await shutdown();
      const { tasks } = await watchTasks(() => processAll(crunch, 'limited', range(10), { concurrency: 10 }));
      const starts = tasks.flatMap(({ args, at }) => args.map(() => at));
      assert.equal(starts.length, 10);
      // The limiter counts a start right before the task is seen here.
      assertWindows(starts, 3, 59);
    });
  }

  test('count as calls, each of its own', async () => {
    const before = statsOf(Crunch, 'odd');
    await processAll(crunch, 'odd', range(20), { onError: 'collect' });
    const { calls, attempts, failures, running, queued } = statsOf(Crunch, 'odd');
    assert.deepEqual([calls - before.calls, attempts - before.attempts, failures - before.failures], [20, 20, 10]);
    assert.deepEqual([running, queued], [0, 0]);
  });

  test('may run in processes', async () => {
    const items: Task[] = range(20).map((id) => ({ id, deed: id === 7 ? 'throw' : undefined }));
    const results = await processAll(crunch, 'processed', items, { onError: 'collect' });
    assert.ok(results[7] instanceof ItemError && results[7].cause instanceof OddError);
    assert.deepEqual(
      results.filter((each) => typeof each === 'number'),
      range(20).filter((id) => id !== 7),
    );
  });
});

describe('an item of a batch that fails', () => {
  test('fails alone, with an error of its own class, fields and index', async () => {
    const results = await processAll(crunch, 'odd', range(200), { onError: 'collect' });
    results.forEach((result, index) => {
      if (index % 2 === 0) assert.equal(result, index);
      else {
        assert.ok(result instanceof ItemError);
        assert.deepEqual([result.item, result.index], [index, index]);
        assert.ok(result.cause instanceof OddError);
        assert.equal(result.cause.item, index);
        assert.equal(result.cause.message, `${index} is odd`);
      }
    });
  });

  test('ends the run with its own error, and the source is let go', async () => {
    const items = source(1_000_000);
    const error = await rejection(processAll(crunch, 'odd', items));
    assert.ok(error instanceof OddError);
    assert.equal(error.item % 2, 1);
    assert.equal(items.returned, 1);
    await flush();
    assert.equal(statsOf(Crunch, 'odd').queued, 0);
    await until(() => statsOf(Crunch, 'odd').running === 0);
  });

  test('is tried again by itself', async () => {
    const items: Task[] = range(100).map((id) => ({ id, failures: id % 4 }));
    const before = statsOf(Crunch, 'retried');
    const results = await processAll(crunch, 'retried', items);
    assert.deepEqual(
      results,
      range(100).map((id) => (id % 4) + 1),
    );
    const { attempts, retries } = statsOf(Crunch, 'retried');
    assert.deepEqual([attempts - before.attempts, retries - before.retries], [250, 150]);
  });

  test('runs out of attempts by itself', async () => {
    const items: Task[] = range(12).map((id) => ({ id, failures: id === 5 ? 4 : 0 }));
    const results = await processAll(crunch, 'retried', items, { onError: 'collect' });
    assert.deepEqual(
      results.map((each) => each instanceof ItemError && each.cause instanceof OddError),
      range(12).map((id) => id === 5),
    );
  });

  test('falls back by itself', async () => {
    const items: Task[] = range(40).map((id) => ({ id, deed: id % 5 === 1 ? 'throw' : undefined }));
    const results = await processAll(crunch, 'saved', items);
    assert.deepEqual(
      results,
      range(40).map((id) => (id % 5 === 1 ? -id : id)),
    );
  });

  test('because it cannot be cloned fails alone, and its error names the path', async () => {
    const items = range(40).map((id) => (id === 11 ? { deep: [() => {}] } : id));
    const results = await processAll(crunch, 'square', items as number[], { onError: 'collect' });
    results.forEach((result, index) => {
      if (index !== 11) assert.equal(result, index * index);
      else {
        assert.ok(result instanceof ItemError && result.cause instanceof WorkerError);
        assert.match(result.cause.message, /args\[0\]\.deep\[0\]/);
      }
    });
  });

  test('because its result cannot be cloned fails alone, and its error names the path', async () => {
    const results = await processAll(crunch, 'fn', [0, 1, 2, 3, 4, 5], { onError: 'collect' });
    const failed = results[2];
    assert.ok(failed instanceof ItemError && failed.cause instanceof WorkerError);
    assert.match(failed.cause.message, /result\.nested/);
    assert.deepEqual(
      results.filter((_, index) => index !== 2),
      [0, 1, 3, 4, 5],
    );
  });
});

describe('an item that kills its worker', () => {
  for (const method of ['work', 'processed'] as const) {
    test(`fails alone with a WorkerError; its neighbours may run again (${method})`, async () => {
      const counts = counters(60);
      const isThread = method === 'work';
      const items: Task[] = range(60).map((id) => ({
        id,
        deed: id === 20 || id === 41 ? 'exit' : undefined,
        ...(isThread && { counters: counts }),
      }));
      const results = await processAll(crunch, method, items, { onError: 'collect' });
      results.forEach((result, index) => {
        if (index !== 20 && index !== 41) assert.equal(result, index);
        else {
          assert.ok(result instanceof ItemError && result.cause instanceof WorkerError, String(result));
          assert.match(result.cause.message, /exited with code 7/);
        }
      });
      const { running, queued } = statsOf(Crunch, method);
      assert.deepEqual([running, queued], [0, 0]);
      if (isThread) assert.ok(entered(counts).every((times) => times >= 1 && times <= 4));
    });
  }

  test('ends the run with its WorkerError where failures do', async () => {
    const items: Task[] = range(30).map((id) => ({ id, deed: id === 9 ? 'exit' : undefined }));
    const error = await rejection(processAll(crunch, 'work', items));
    assert.ok(error instanceof WorkerError);
    assert.match(error.message, /exited with code 7/);
    await until(() => statsOf(Crunch, 'work').running === 0);
  });

  test('does not let its neighbours run on more workers than concurrency says', async () => {
    const counts = counters(320);
    // The quick ones come first, so that the slow ones share a batch.
    const items: Task[] = range(320).map((id) => ({
      id,
      counters: counts,
      busy: id < 300 ? 0 : 8,
      deed: id === 300 ? 'exit' : undefined,
    }));
    const results = await processAll(crunch, 'work', items, { concurrency: 1, onError: 'collect' });
    assert.equal(results.filter((each) => each instanceof ItemError).length, 1);
    assert.equal(counts[1], 1);
  });

  test('does not cost its neighbours what they moved', async () => {
    const items = range(40).map((id) => ({
      buffer: move(new ArrayBuffer(id + 1)),
      ...(id === 25 && { deed: 'exit' as const }),
    }));
    const results = await processAll(crunch, 'length', items, { onError: 'collect' });
    results.forEach((result, index) => {
      if (index === 25) assert.ok(result instanceof ItemError && result.cause instanceof WorkerError);
      else assert.equal(result, index + 1);
    });
  });
});

describe('an abort', () => {
  test('of the whole run stops the workers and gives everything back', async () => {
    const counts = counters(50);
    const controller = new AbortController();
    const { signal } = controller;
    const items: Task[] = range(50).map((id) => ({ id, counters: counts, deed: 'hang' }));
    const thrown = rejection(processAll(crunch, 'work', items, { signal }));
    await until(() => Atomics.load(counts, 0) === 2);
    const reason = new Error('enough');
    controller.abort(reason);
    assert.equal(await thrown, reason);
    await until(() => statsOf(Crunch, 'work').running === 0);
    assert.equal(statsOf(Crunch, 'work').queued, 0);
    assert.equal(
      entered(counts).reduce((a, b) => a + b),
      2,
    );
    assert.deepEqual(await processAll(crunch, 'work', [{ id: 1 }]), [1]);
  });

  test('by a break stops the workers', async () => {
    const counts = counters(10);
    const items: Task[] = range(10).map((id) => ({ id, counters: counts, deed: id === 0 ? undefined : 'hang' }));
    for await (const result of processStream(crunch, 'work', items)) {
      assert.equal(result, 0);
      break;
    }
    await until(() => statsOf(Crunch, 'work').running === 0);
    assert.deepEqual(await processAll(crunch, 'work', [{ id: 2 }]), [2]);
  });

  test('of one item fails that one; its neighbours have their results', async () => {
    const controller = new AbortController();
    const counts = counters(40);
    // A signal in the item governs its call, and does not travel.
    const items: (Task & { signal?: AbortSignal })[] = range(40).map((id) =>
      id === 3 ? { id, deed: 'hang', counters: counts, signal: controller.signal } : { id, counters: counts },
    );
    const results = processAll(crunch, 'work', items, { onError: 'collect' });
    await until(() => entered(counts)[3] > 0);
    const reason = new Error('this one');
    controller.abort(reason);
    const settled = await results;
    settled.forEach((result, index) => {
      if (index === 3) assert.ok(result instanceof ItemError && result.cause === reason);
      else assert.equal(result, index);
    });
  });

  test('while the key of a limit is asked for sends none of the items asked about', async () => {
    const controller = new AbortController();
    onKey.call = () => {
      controller.abort('in the key');
      return 'key';
    };
    const { result, tasks } = await watchTasks(async () => {
      const reason = await rejection(processAll(crunch, 'keyed', range(100), { signal: controller.signal }));
      assert.equal(await crunch.square(3), 9);
      return reason;
    });
    assert.equal(result, 'in the key');
    assert.equal(tasks.length, 1);
  });

  test('before the first item is sent sends none', async () => {
    const { result, tasks } = await watchTasks(async () => {
      const controller = new AbortController();
      const thrown = rejection(processAll(crunch, 'square', range(100), { signal: controller.signal }));
      controller.abort('early');
      const reason = await thrown;
      await flush();
      return reason;
    });
    assert.equal(result, 'early');
    assert.deepEqual(tasks, []);
  });
});
