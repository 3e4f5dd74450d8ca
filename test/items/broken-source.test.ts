import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { currentCall, ItemError, Orchestrator, type Progress, processAll, processStream, retry } from 'opero';
import { flush } from '../support/clock.js';
import { rejection, type Sort, Steps, source } from '../support/items.js';

class Service {
  readonly steps = new Steps<number>();
  readonly signals: (AbortSignal | undefined)[] = [];

  @retry(1)
  async step(item: number): Promise<unknown> {
    this.signals.push(currentCall().signal);
    return this.steps.begin(item);
  }

  @retry(1)
  async given(item: unknown): Promise<unknown> {
    return item;
  }
}

const error = new Error('broken source');
/** A source that throws where it should give its item 2. */
const broken = (sort: Sort) =>
  source(10, sort, (item) => {
    if (item === 2) throw error;
  });

const ways = [
  ['sync', true],
  ['sync', false],
  ['async', true],
  ['async', false],
] as const satisfies [Sort, boolean][];

describe("a source that throws, under onError: 'collect',", () => {
  for (const [sort, ordered] of ways) {
    const options = { onError: 'collect', ordered } as const;
    const way = `${sort} source, ${ordered ? 'ordered' : 'as they come'}`;

    test(`has what it gave before worked on and delivered, then its error comes (${way})`, async () => {
      const service = new Service();
      const items = broken(sort);
      const stream = processStream(service, 'step', items, options);
      const asked = Promise.allSettled([stream.next(), stream.next(), stream.next(), stream.next()]);
      await flush();
      assert.deepEqual(service.steps.begun, [0, 1]);
      await service.steps.fail(0, 'no');
      await service.steps.end(1);
      const [first, second, third, fourth] = await asked;
      assert.ok(first.status === 'fulfilled' && first.value.value instanceof ItemError);
      assert.deepEqual(second, { status: 'fulfilled', value: { done: false, value: 'did 1' } });
      assert.deepEqual(third, { status: 'rejected', reason: error });
      assert.deepEqual(fourth, { status: 'fulfilled', value: { done: true, value: undefined } });
      assert.equal(items.returned, 0);
    });

    test(`gives its error to whoever asks after the results, once (${way})`, async () => {
      const service = new Service();
      const stream = processStream(service, 'step', broken(sort), options);
      const first = stream.next();
      await flush();
      await service.steps.end(0);
      await service.steps.end(1);
      assert.deepEqual((await first).value, 'did 0');
      assert.deepEqual((await stream.next()).value, 'did 1');
      assert.equal(await rejection(stream.next()), error);
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
      assert.deepEqual(await stream.return?.(), { done: true, value: undefined });
    });

    test(`aborts nothing that runs (${way})`, async () => {
      const service = new Service();
      const stream = processStream(service, 'step', broken(sort), options);
      const first = stream.next();
      await flush();
      assert.deepEqual(
        service.signals.map((signal) => signal?.aborted),
        [false, false],
      );
      await service.steps.end(0);
      await first;
      await stream.return?.();
      assert.deepEqual(service.signals[1]?.aborted, true);
    });

    test(`has its error unheard after a break (${way})`, async () => {
      const service = new Service();
      const stream = processStream(service, 'step', broken(sort), options);
      const first = stream.next();
      await flush();
      await service.steps.end(0);
      await first;
      assert.deepEqual(await stream.return?.(), { done: true, value: undefined });
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
    });
  }

  for (const sort of ['sync', 'async'] satisfies Sort[]) {
    test(`rejects processAll with its error once all is worked on (${sort} source)`, async () => {
      const service = new Service();
      const told: Progress[] = [];
      const onProgress = (progress: Progress) => void told.push(progress);
      let thrown: unknown;
      processAll(service, 'step', broken(sort), { onError: 'collect', onProgress }).catch((reason) => {
        thrown = reason;
      });
      await flush();
      await service.steps.end(1);
      assert.equal(thrown, undefined);
      await service.steps.end(0);
      assert.equal(thrown, error);
      assert.deepEqual(
        told.map(({ done, failed }) => [done, failed]),
        [
          [1, 0],
          [2, 0],
        ],
      );
    });

    test(`rejects at once when it gave nothing before (${sort} source)`, async () => {
      const items = source(1, sort, () => {
        throw error;
      });
      assert.equal(await rejection(processAll(new Service(), 'step', items, { onError: 'collect' })), error);
    });

    test(`works for each of several functions on what it gave (${sort} source)`, async () => {
      const seen: string[] = [];
      const see = (name: string) => (item: number) => void seen.push(`${name}${item}`);
      const orchestrator = new Orchestrator();
      const run = orchestrator.process([see('a'), see('b')], broken(sort), { onError: 'collect' });
      assert.equal(await rejection(run), error);
      assert.deepEqual(seen, ['a0', 'a1', 'b0', 'b1']);
      seen.length = 0;
      assert.equal(await rejection(orchestrator.process([see('a')], broken(sort))), error);
      assert.deepEqual(seen, []);
    });

    test(`ends in the same way when it gives no iterator's result (${sort} source)`, async () => {
      let pulls = 0;
      const next = () => (pulls++ === 0 ? { done: false, value: 1 } : 'nothing');
      const symbol = sort === 'sync' ? Symbol.iterator : Symbol.asyncIterator;
      const items = { [symbol]: () => ({ next }) } as unknown as Iterable<number>;
      const stream = processStream(new Service(), 'given', items, { onError: 'collect' });
      assert.deepEqual(await stream.next(), { done: false, value: 1 });
      assert.match(String(await rejection(stream.next())), /gave 'nothing' in place of an iterator's result/);
    });
  }

  test('is told apart from an abort, which ends it all at once', async () => {
    const service = new Service();
    const controller = new AbortController();
    const run = rejection(
      processAll(service, 'step', broken('sync'), { onError: 'collect', signal: controller.signal }),
    );
    await flush();
    controller.abort('enough');
    assert.equal(await run, 'enough');
    assert.ok(service.signals.every((signal) => signal?.aborted));
  });

  test('is no source that gives a promise which rejects: that is an item, and fails as one', async () => {
    const items = [Promise.resolve('a'), Promise.reject(error), Promise.resolve('b')];
    const results = await processAll(new Service(), 'given', items, { onError: 'collect' });
    assert.deepEqual([results[0], results[2]], ['a', 'b']);
    assert.ok(results[1] instanceof ItemError && results[1].cause === error);
  });

  test('is no source whose return() rejects: that is what a break throws', async () => {
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: 1 }),
        return: () => Promise.reject(error),
      }),
    };
    const loop = async (): Promise<void> => {
      for await (const _each of processStream(new Service(), 'given', items, { onError: 'collect' })) break;
    };
    assert.equal(await rejection(loop()), error);
  });
});

describe("a source that throws, under onError: 'throw',", () => {
  for (const [sort, ordered] of ways) {
    test(`ends it at once, and aborts what runs (${sort} source, ${ordered ? 'ordered' : 'as they come'})`, async () => {
      const service = new Service();
      const items = broken(sort);
      assert.equal(await rejection(processStream(service, 'step', items, { ordered }).next()), error);
      assert.deepEqual(
        service.signals.map((signal) => signal?.aborted),
        [true, true],
      );
      assert.equal(items.returned, 0);
    });
  }
});
