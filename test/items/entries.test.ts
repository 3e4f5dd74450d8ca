import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { type Entry, ItemError, Orchestrator, processAll, processStream, retry, shutdown } from 'opero';
import { Crunch } from '../fixtures/items/crunch.js';
import { flush } from '../support/clock.js';
import { all, Steps } from '../support/items.js';

after(() => shutdown());

class Service {
  readonly steps = new Steps<string>();

  @retry(1)
  async step(item: string): Promise<unknown> {
    return this.steps.begin(item);
  }

  @retry(1)
  async odd(item: number): Promise<number> {
    if (item % 2 === 0) throw new Error(`${item} is even`);
    return item * 10;
  }
}

describe('with entries: true', () => {
  test('each result of processAll comes as { index, item, value }, in the order of the items', async () => {
    const service = new Service();
    const results = processAll(service, 'step', ['a', 'b'], { entries: true });
    await flush();
    await service.steps.end('b');
    await service.steps.end('a');
    assert.deepEqual(await results, [
      { index: 0, item: 'a', value: 'did a' },
      { index: 1, item: 'b', value: 'did b' },
    ]);
  });

  for (const ordered of [true, false]) {
    test(`each result of a stream says which item it is of (ordered: ${ordered})`, async () => {
      const service = new Service();
      const results = all(processStream(service, 'step', new Set(['a', 'b']), { entries: true, ordered }));
      await flush();
      await service.steps.end('b');
      await service.steps.end('a');
      const entries = [
        { index: 0, item: 'a', value: 'did a' },
        { index: 1, item: 'b', value: 'did b' },
      ];
      assert.deepEqual(await results, ordered ? entries : entries.reverse());
    });

    test(`an ItemError is the value of the entry of its item (ordered: ${ordered})`, async () => {
      const options = { entries: true, onError: 'collect', ordered, concurrency: 1 } as const;
      const results = await all(processStream(new Service(), 'odd', [1, 2, 3], options));
      assert.deepEqual(
        results.map(({ index, item, value }) => [index, item, value instanceof ItemError ? 'failed' : value]),
        [
          [0, 1, 10],
          [1, 2, 'failed'],
          [2, 3, 30],
        ],
      );
      const [, { value: failed } = {}] = results;
      assert.ok(failed instanceof ItemError && failed.index === 1 && failed.item === 2);
    });
  }

  test('the item is the very object that the source gave, and the value may be missing', async () => {
    const item = {};
    const [entry] = await processAll({ nothing: (_item: object) => undefined }, 'nothing', [item], { entries: true });
    assert.equal(entry?.item, item);
    assert.deepEqual(Object.keys(entry ?? {}), ['index', 'item', 'value']);
    assert.equal(entry?.value, undefined);
  });

  test('items that travel to workers in batches have theirs too', async () => {
    const items = Array.from({ length: 300 }, (_, i) => i + 1);
    const results = await all(processStream(new Crunch(), 'square', items, { entries: true, ordered: false }));
    assert.equal(results.length, 300);
    assert.ok(results.every(({ index, item, value }) => item === index + 1 && value === item * item));
  });

  test('an orchestrator gives them for one function, for each of several, and in a stream', async () => {
    const orchestrator = new Orchestrator();
    const double = (item: number) => item * 2;
    const half = (item: number) => item / 2;
    const of = (fn: (item: number) => number): Entry<number, number>[] =>
      [2, 4].map((item, index) => ({ index, item, value: fn(item) }));
    const options = { entries: true } as const;
    assert.deepEqual(await orchestrator.process(double, [2, 4], options), of(double));
    assert.deepEqual(await orchestrator.process([double, half], [2, 4], options), [...of(double), ...of(half)]);
    assert.deepEqual(await all(orchestrator.stream(half, [2, 4], options)), of(half));
  });
});

test('with entries: false each result comes as it is', async () => {
  assert.deepEqual(await processAll(new Service(), 'odd', [1, 3], { entries: false }), [10, 30]);
});
