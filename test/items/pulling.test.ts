import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { processAll, processStream, retry } from 'opero';
import { flush } from '../support/clock.js';
import { rejection, Steps, source } from '../support/items.js';

class Service {
  readonly steps = new Steps<number>();

  @retry(1)
  async step(item: number): Promise<unknown> {
    return this.steps.begin(item);
  }
}

/** An async source whose pulls end one by one, as the test lets them. */
function slowSource() {
  const pulls = new Steps<number>();
  const seen = { pulls, returned: 0 };
  const items: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: (await pulls.begin(pulls.begun.length)) as number }),
      return: async () => {
        seen.returned++;
        return { done: true, value: undefined };
      },
    }),
  };
  return Object.assign(seen, { items, give: (item: number) => pulls.end(item, item) });
}

const ways = {
  'processAll()': (service: Service, items: AsyncIterable<number>) =>
    processAll(service, 'step', items, { concurrency: 1 }),
  'processStream()': async (service: Service, items: AsyncIterable<number>) => {
    for await (const _each of processStream(service, 'step', items, { concurrency: 1 }));
  },
  'processStream(), as they come': async (service: Service, items: AsyncIterable<number>) => {
    for await (const _each of processStream(service, 'step', items, { concurrency: 1, ordered: false }));
  },
};

describe('an async source', () => {
  for (const [way, run] of Object.entries(ways)) {
    test(`is pulled while work runs, so that its time and that of the work pass together (${way})`, async () => {
      const service = new Service();
      const slow = slowSource();
      const over = rejection(run(service, slow.items));
      await flush();
      assert.deepEqual([slow.pulls.begun, service.steps.begun], [[0], []]);
      for (let item = 0; item < 5; item++) {
        await slow.give(item);
        // Work on this one, and the pull of the next one, are under way.
        assert.deepEqual([slow.pulls.begun.at(-1), service.steps.begun.at(-1)], [item + 1, item]);
        await service.steps.end(item);
      }
      await slow.pulls.fail(5, 'the end');
      assert.equal(await over, 'the end');
    });

    test(`is pulled for one item ahead of the work, which waits for its turn (${way})`, async () => {
      const service = new Service();
      const slow = slowSource();
      const over = rejection(run(service, slow.items));
      await flush();
      await slow.give(0);
      await slow.give(1);
      assert.deepEqual([slow.pulls.begun, service.steps.begun], [[0, 1], [0]]);
      await service.steps.end(0);
      assert.deepEqual(
        [slow.pulls.begun, service.steps.begun],
        [
          [0, 1, 2],
          [0, 1],
        ],
      );
      await service.steps.fail(1, 'the end');
      assert.equal(await over, 'the end');
    });

    test(`is let go at a failure although a pull is under way (${way})`, async () => {
      const service = new Service();
      const slow = slowSource();
      const over = rejection(run(service, slow.items));
      await flush();
      await slow.give(0);
      assert.deepEqual(slow.pulls.begun, [0, 1]);
      await service.steps.fail(0, 'down');
      assert.equal(await over, 'down');
      assert.equal(slow.returned, 1);
      await slow.give(1);
      assert.deepEqual([slow.pulls.begun, service.steps.begun], [[0, 1], [0]]);
    });
  }

  test('is let go at a break although a pull is under way, which comes to nothing', async () => {
    const service = new Service();
    const slow = slowSource();
    const loop = (async () => {
      for await (const _each of processStream(service, 'step', slow.items, { concurrency: 1 })) break;
    })();
    await flush();
    await slow.give(0);
    await service.steps.end(0);
    await loop;
    assert.equal(slow.returned, 1);
    await slow.give(1);
    assert.deepEqual(service.steps.begun, [0]);
  });

  test('has an item that waits for its turn dropped at a break', async () => {
    const service = new Service();
    const slow = slowSource();
    const stream = processStream(service, 'step', slow.items, { concurrency: 1 });
    const first = stream.next();
    await flush();
    await slow.give(0);
    await slow.give(1);
    assert.deepEqual(await stream.return?.(), { done: true, value: undefined });
    assert.deepEqual(await first, { done: true, value: undefined });
    await service.steps.end(0);
    assert.deepEqual([service.steps.begun, slow.returned], [[0], 1]);
  });

  test('is not pulled any more once as many results are at hand as there may be', async () => {
    const service = new Service();
    const items = source(100, 'async');
    const stream = processStream(service, 'step', items, { concurrency: 1 });
    const first = stream.next();
    await flush();
    for (let item = 0; item < 4; item++) await service.steps.end(item);
    await first;
    await service.steps.end(4);
    // One is taken, four are ready.
    assert.deepEqual([items.pulled, service.steps.begun.length], [5, 5]);
    await stream.return?.();
  });
});

test('a sync source is pulled only when there is room for what it gives', async () => {
  const service = new Service();
  const items = source(100);
  const stream = processStream(service, 'step', items, { concurrency: 2 });
  const first = stream.next();
  await flush();
  assert.equal(items.pulled, 2);
  await service.steps.end(0);
  await first;
  assert.equal(items.pulled, 3);
  await stream.return?.();
});
