import { strict as assert } from 'node:assert';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import {
  concurrency,
  currentCall,
  fallback,
  ItemError,
  type Progress,
  processAll,
  RejectedError,
  retry,
  statsOf,
} from 'opero';
import { flush } from '../support/clock.js';
import { rejection, type Sort, Steps, source } from '../support/items.js';

/** Its work is a step that the test ends; it keeps the signals that it was given. */
class Worker {
  readonly steps = new Steps<number>();
  readonly signals: AbortSignal[] = [];

  @retry(1)
  async step(item: number): Promise<unknown> {
    const { signal } = currentCall();
    assert.ok(signal, 'the run can be cancelled, so its calls can');
    this.signals.push(signal);
    return this.steps.begin(item);
  }

  get aborted(): boolean[] {
    return this.signals.map(({ aborted }) => aborted);
  }
}

class Echo {
  calls: unknown[][] = [];

  @retry(1)
  async echo(...args: unknown[]): Promise<unknown> {
    this.calls.push(args);
    return args[0];
  }

  @retry(1)
  async double(item: number): Promise<number> {
    return item * 2;
  }
}

describe('results', () => {
  test('stand in the order of the items, whenever they come', async () => {
    const worker = new Worker();
    const results = processAll(worker, 'step', [1, 2, 3, 4], { concurrency: 4 });
    await flush();
    for (const item of [4, 2, 1, 3]) await worker.steps.end(item);
    assert.deepEqual(await results, ['did 1', 'did 2', 'did 3', 'did 4']);
  });

  test('come one for each item, falsy and missing ones included', async () => {
    const items = [0, '', false, null, undefined, Number.NaN, -0, 0n];
    const echo = new Echo();
    const results = await processAll(echo, 'echo', items);
    assert.deepEqual(results, items);
    assert.equal(results.length, items.length);
    assert.equal(echo.calls.length, items.length);
  });

  test('of no items are none', async () => {
    const echo = new Echo();
    assert.deepEqual(await processAll(echo, 'echo', []), []);
    assert.deepEqual(await processAll(echo, 'echo', source(0, 'async')), []);
    assert.deepEqual(echo.calls, []);
  });

  test('are what the promise gives in the end, thenables included', async () => {
    class Likes {
      @retry(1)
      like(item: number): PromiseLike<number> {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
        return { then: (ok) => Promise.resolve(item + 1).then(ok) };
      }
    }
    const results: number[] = await processAll(new Likes(), 'like', [1, 2]);
    assert.deepEqual(results, [2, 3]);
  });
});

describe('an item', () => {
  test('is the one argument of the method, never spread', async () => {
    const echo = new Echo();
    const items = [[1, 2], [], [[3]], new Set([1]), 'text', { length: 2 }];
    assert.deepEqual(await processAll(echo, 'echo', items), items);
    assert.deepEqual(
      echo.calls,
      items.map((item) => [item]),
    );
  });

  test('is the very object that the source gave', async () => {
    const items = [{}, [], () => {}];
    const results = await processAll(new Echo(), 'echo', items);
    assert.ok(results.every((result, index) => result === items[index]));
  });

  test('that holds a signal is governed by it too, and alone', async () => {
    class Service {
      @retry(1)
      async wait(item: { id: number; signal?: AbortSignal }): Promise<number> {
        const { signal } = currentCall();
        await new Promise((resolve, reject) => {
          if (item.signal === undefined) resolve(undefined);
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
        return item.id;
      }
    }
    const controller = new AbortController();
    const reason = new Error('this one only');
    const items = [{ id: 0 }, { id: 1, signal: controller.signal }, { id: 2 }];
    const results = processAll(new Service(), 'wait', items, { onError: 'collect' });
    await flush();
    controller.abort(reason);
    const [first, second, third] = await results;
    assert.deepEqual([first, third], [0, 2]);
    assert.ok(second instanceof ItemError);
    assert.equal(second.cause, reason);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  });
});

describe('items come from', () => {
  const kinds: Record<string, () => Iterable<unknown> | AsyncIterable<unknown>> = {
    'an array': () => [1, 2, 3],
    'a typed array': () => new Uint8Array([1, 2, 3]),
    'a set': () => new Set([1, 2, 3]),
    'the values of a map': () => new Map(Object.entries({ a: 1, b: 2, c: 3 })).values(),
    'a generator': function* () {
      yield* [1, 2, 3];
    },
    'an async generator': async function* () {
      for (const item of [1, 2, 3]) {
        await flush();
        yield item;
      }
    },
    'a ReadableStream': () => ReadableStream.from([1, 2, 3]) as unknown as AsyncIterable<number>,
    'an iterator': () => [1, 2, 3].values(),
    'an object with both iterators, its async one': () => ({
      [Symbol.iterator]: () => [].values(),
      async *[Symbol.asyncIterator]() {
        yield* [1, 2, 3];
      },
    }),
  };
  for (const [kind, make] of Object.entries(kinds)) {
    test(kind, async () => {
      assert.deepEqual(await processAll(new Echo(), 'echo', make()), [1, 2, 3]);
    });
  }

  test('a string, character by character', async () => {
    assert.deepEqual(await processAll(new Echo(), 'echo', 'a😀b'), ['a', '😀', 'b']);
  });

  test('a map, entry by entry', async () => {
    const echo = new Echo();
    assert.deepEqual(await processAll(echo, 'echo', new Map([['a', 1]])), [['a', 1]]);
    assert.deepEqual(echo.calls, [[['a', 1]]]);
  });

  test('an array with holes, which are undefined', async () => {
    const holes: unknown[] = [];
    holes[2] = 'last';
    assert.deepEqual(await processAll(new Echo(), 'echo', holes), [undefined, undefined, 'last']);
  });

  test('an array that grows while it is worked on', async () => {
    const items = [1];
    class Growing {
      @retry(1)
      async grow(item: number): Promise<number> {
        if (item < 5) items.push(item + 1);
        return item;
      }
    }
    const progress: (number | undefined)[][] = [];
    const onProgress = ({ done, total }: Progress): unknown => progress.push([done, total]);
    const results = await processAll(new Growing(), 'grow', items, { concurrency: 1, onProgress });
    assert.deepEqual(results, [1, 2, 3, 4, 5]);
    const grown = [2, 3, 4, 5, 5];
    assert.deepEqual(
      progress,
      grown.map((total, i) => [i + 1, total]),
    );
  });

  test('a set that loses the items that are done: its total stays', async () => {
    const items = new Set([1, 2, 3]);
    const totals: unknown[] = [];
    const target = { done: (item: number) => items.delete(item) };
    await processAll(target, 'done', items, { concurrency: 1, onProgress: ({ total }) => totals.push(total) });
    assert.deepEqual(totals, [3, 3, 3]);
  });

  test('a slow source: the work on those that came goes on meanwhile', async () => {
    const worker = new Worker();
    const gates = new Steps<number>();
    const results = processAll(
      worker,
      'step',
      (async function* () {
        for (const item of [0, 1, 2]) {
          await gates.begin(item);
          yield item;
        }
      })(),
    );
    await flush();
    await gates.end(0);
    assert.deepEqual(worker.steps.begun, [0]);
    await worker.steps.end(0);
    await gates.end(1);
    await gates.end(2);
    await worker.steps.end(2);
    await worker.steps.end(1);
    assert.deepEqual(await results, ['did 0', 'did 1', 'did 2']);
  });
});

describe('a method', () => {
  test('may be inherited, overridden, static, or named by a symbol', async () => {
    const symbol = Symbol('work');
    class Base {
      readonly factor: number = 2;
      @retry(2)
      async times(item: number): Promise<number> {
        if (currentCall().attempt === 1) throw new Error('the first attempt fails');
        return item * this.factor;
      }
      @retry(2)
      static async twice(item: number): Promise<string> {
        // biome-ignore lint/complexity/noThisInStatic: the receiver is what is tested
        return `${this.name}${item}`;
      }
      @retry(2)
      async [symbol](item: number): Promise<number> {
        return -item;
      }
    }
    class Sub extends Base {
      override readonly factor = 3;
    }
    class Over extends Base {
      override async times(item: number): Promise<number> {
        return (await super.times(item)) + 0.5;
      }
    }
    assert.deepEqual(await processAll(new Sub(), 'times', [1, 2]), [3, 6]);
    assert.deepEqual(await processAll(new Over(), 'times', [1, 2]), [2.5, 4.5]);
    assert.deepEqual(await processAll(Base, 'twice', [1]), ['Base1']);
    assert.deepEqual(await processAll(Sub, 'twice', [1]), ['Sub1']);
    assert.deepEqual(await processAll(new Sub(), symbol, [1, 2]), [-1, -2]);
  });

  test('may be undecorated, async or not; a sync throw is a failure', async () => {
    class Plain {
      readonly by = 10;
      async later(item: number): Promise<number> {
        return item * this.by;
      }
      now(item: number): number {
        if (item === 2) throw new Error('not two');
        return item * this.by;
      }
    }
    assert.deepEqual(await processAll(new Plain(), 'later', [1, 2]), [10, 20]);
    assert.deepEqual(await processAll(new Plain(), 'now', [1, 3]), [10, 30]);
    await assert.rejects(processAll(new Plain(), 'now', [1, 2, 3]), { message: 'not two' });
  });

  test('may be a function that stands in a field', async () => {
    const target = { by: 2, times: async (item: number) => item * target.by };
    assert.deepEqual(await processAll(target, 'times', [1, 2]), [2, 4]);
  });

  test('keeps its policies for each item: retries, fallback, queue', async () => {
    class Service {
      readonly attempts = new Map<string, number>();

      @fallback('spare')
      @retry({ maxAttempts: 2, waitMin: 0 })
      async load(item: string): Promise<string> {
        this.attempts.set(item, currentCall().attempt);
        if (item === 'bad' || (item === 'flaky' && currentCall().attempt === 1)) throw new Error(item);
        return item;
      }
      async spare(item: string): Promise<string> {
        return `spare for ${item}`;
      }
    }
    const service = new Service();
    assert.deepEqual(await processAll(service, 'load', ['good', 'flaky', 'bad']), ['good', 'flaky', 'spare for bad']);
    assert.deepEqual(Object.fromEntries(service.attempts), { good: 1, flaky: 2, bad: 2 });
    const { calls, attempts, retries, fallbacks, failures } = statsOf(Service, 'load');
    assert.deepEqual([calls, attempts, retries, fallbacks, failures], [3, 5, 2, 1, 0]);
  });

  test('that turns calls away fails those items', async () => {
    class Narrow {
      readonly steps = new Steps<number>();
      @concurrency({ limit: 1, maxQueue: 0 })
      async step(item: number): Promise<unknown> {
        return this.steps.begin(item);
      }
    }
    const narrow = new Narrow();
    const results = processAll(narrow, 'step', [0, 1], { concurrency: 2, onError: 'collect' });
    await flush();
    await narrow.steps.end(0);
    const [first, second] = await results;
    assert.equal(first, 'did 0');
    assert.ok(second instanceof ItemError && second.cause instanceof RejectedError);
  });

  test('may itself work on many items, each run with failures and aborts of its own', async () => {
    class Tree {
      @retry(1)
      async sum(depth: number): Promise<number> {
        if (depth === 0) return 1;
        const parts = await processAll(this as Tree, 'sum', [depth - 1, depth - 1]);
        return parts.reduce((a, b) => a + b);
      }
      @retry(1)
      async outer(item: number): Promise<string> {
        const inner = await processAll(this as Tree, 'inner', [item], { onError: 'collect' });
        return inner[0] instanceof ItemError ? 'inner failed' : 'inner worked';
      }
      @retry(1)
      async inner(item: number): Promise<void> {
        if (item === 1) throw new Error('inner');
      }
    }
    assert.deepEqual(await processAll(new Tree(), 'sum', [3, 2]), [8, 4]);
    assert.deepEqual(await processAll(new Tree(), 'outer', [0, 1]), ['inner worked', 'inner failed']);
  });
});

describe('a failure', () => {
  test('rejects at once with its own error, the very object, while others still run', async () => {
    const worker = new Worker();
    const items = source(100);
    const results = processAll(worker, 'step', items, { concurrency: 3 });
    const error = new Error('down');
    const thrown = rejection(results);
    await flush();
    await worker.steps.fail(1, error);
    assert.equal(await thrown, error);
  });

  test('aborts the rest, starts nothing more, and lets the source go', async () => {
    for (const sort of ['sync', 'async'] as const) {
      const worker = new Worker();
      const items = source(100, sort);
      const thrown = rejection(processAll(worker, 'step', items, { concurrency: 3 }));
      await flush();
      await worker.steps.end(0);
      assert.deepEqual(worker.steps.begun, [0, 1, 2, 3]);
      assert.deepEqual(worker.aborted, [false, false, false, false]);
      await worker.steps.fail(3, new Error('down'));
      await thrown;
      assert.deepEqual(worker.aborted, [true, true, true, true]);
      assert.equal(items.returned, 1);
      const { pulled } = items;
      for (const item of [1, 2]) await worker.steps.end(item);
      assert.deepEqual(worker.steps.begun, [0, 1, 2, 3]);
      assert.equal(items.pulled, pulled);
    }
  });

  test('is the first one only: what fails later goes unheard', async () => {
    const worker = new Worker();
    const thrown = rejection(processAll(worker, 'step', [0, 1, 2]));
    await flush();
    const [first, later] = [new Error('first'), new Error('later')];
    await worker.steps.fail(2, first);
    await worker.steps.fail(0, later);
    await worker.steps.fail(1, later);
    assert.equal(await thrown, first);
  });

  test('ends waits in queues', async () => {
    class Queues {
      readonly steps = new Steps<string>();
      @concurrency({ limit: 1, key: (item: string) => item[0] })
      async step(item: string): Promise<unknown> {
        return this.steps.begin(item);
      }
    }
    const queues = new Queues();
    const thrown = rejection(processAll(queues, 'step', ['a1', 'a2', 'a3', 'b1'], { concurrency: 4 }));
    await flush();
    assert.equal(statsOf(Queues, 'step').queued, 2);
    await queues.steps.fail('b1', new Error('down'));
    await thrown;
    assert.equal(statsOf(Queues, 'step').queued, 0);
    await queues.steps.end('a1');
    assert.deepEqual(queues.steps.begun, ['a1', 'b1']);
  });

  test('ends waits for retries', async () => {
    class Retried {
      readonly attempts: number[] = [];
      @retry({ maxAttempts: 5, waitMin: 60_000, jitter: 'none', abortOn: TypeError })
      async load(item: number): Promise<void> {
        this.attempts.push(item);
        await flush();
        if (item === 1) await flush();
        throw item === 0 ? new Error('is retried much later') : new TypeError('is not retried');
      }
    }
    const service = new Retried();
    await assert.rejects(processAll(service, 'load', [0, 1]), { message: 'is not retried' });
    assert.deepEqual(service.attempts, [0, 1]);
    // Had the wait gone on, its timer would hold the test's process for a minute.
    const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    await flush();
    const before = timers();
    const again = processAll(new Retried(), 'load', [0, 1]).catch(() => {});
    await again;
    assert.ok(timers() <= before);
  });

  test('may be anything that can be thrown', async () => {
    for (const thing of [undefined, null, 0, '', false, Symbol('s'), Object.create(null)]) {
      class Throws {
        @retry(1)
        async throws(_item: number): Promise<void> {
          throw thing;
        }
      }
      assert.equal(await rejection(processAll(new Throws(), 'throws', [1, 2])), thing);
    }
  });

  test('that foreign code before the pipeline makes good is none', async () => {
    type Method = (this: Guarded, item: number) => Promise<number>;
    const saving = (method: Method): Method =>
      async function (this: Guarded, item) {
        return method.call(this, item).catch(() => -item);
      };
    const again = (method: Method): Method =>
      async function (this: Guarded, item) {
        return method.call(this, item).catch(() => method.call(this, item));
      };
    class Guarded {
      readonly #seen = new Set<number>();
      @saving
      @retry(1)
      async decorated(item: number): Promise<number> {
        if (item === 2) throw new Error('two');
        return item;
      }
      @again
      @concurrency(2)
      async twice(item: number): Promise<number> {
        if (item === 2 && !this.#seen.has(item)) {
          this.#seen.add(item);
          throw new Error('two');
        }
        return item;
      }
      @retry(1)
      async replaced(item: number): Promise<number> {
        if (item === 2) throw new Error('two');
        return item;
      }
    }
    const guarded = new Guarded();
    assert.deepEqual(await processAll(guarded, 'decorated', [1, 2, 3]), [1, -2, 3]);
    assert.deepEqual(await processAll(guarded, 'twice', [1, 2, 3]), [1, 2, 3]);
    guarded.replaced = saving(guarded.replaced);
    assert.deepEqual(await processAll(guarded, 'replaced', [1, 2, 3]), [1, -2, 3]);
  });

  test('of a method that a retry saves is none', async () => {
    class Flaky {
      @retry({ maxAttempts: 3, waitMin: 0 })
      async load(item: number): Promise<number> {
        if (currentCall().attempt < 3) throw new Error('down');
        return item;
      }
    }
    assert.deepEqual(await processAll(new Flaky(), 'load', [1, 2, 3]), [1, 2, 3]);
  });
});

describe("onError: 'collect'", () => {
  class Service {
    calls = 0;
    @retry({ maxAttempts: 2, waitMin: 0 })
    async load(item: unknown): Promise<unknown> {
      this.calls++;
      if (item instanceof Error) throw item;
      return item;
    }
  }

  test('puts an ItemError with item, index and cause in the place of each failure', async () => {
    const [first, last] = [new TypeError('first'), new RangeError('last')];
    const results = await processAll(new Service(), 'load', [first, 'a', last], { onError: 'collect' });
    assert.equal(results.length, 3);
    assert.equal(results[1], 'a');
    for (const [index, error] of [
      [0, first],
      [2, last],
    ] as const) {
      const failed = results[index];
      assert.ok(failed instanceof ItemError && failed instanceof Error);
      assert.equal(failed.name, 'ItemError');
      assert.equal(failed.item, error);
      assert.equal(failed.index, index);
      assert.equal(failed.cause, error);
      assert.equal(failed.message, `item ${index} failed: ${error.message}`);
    }
  });

  test('works on every item, however many fail', async () => {
    const service = new Service();
    const items = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? new Error(`${i}`) : i));
    const results = await processAll(service, 'load', items, { onError: 'collect', concurrency: 3 });
    assert.deepEqual(
      results.map((each) => each instanceof ItemError),
      items.map((each) => each instanceof Error),
    );
    assert.equal(service.calls, 60);
  });

  test('takes anything that can be thrown', async () => {
    for (const thing of [undefined, null, '', Symbol('s'), Object.create(null), { message: 1 }]) {
      class Throws {
        @retry(1)
        async throws(_item: number): Promise<number> {
          throw thing;
        }
      }
      const [failed] = await processAll(new Throws(), 'throws', [1], { onError: 'collect' });
      assert.ok(failed instanceof ItemError);
      assert.equal(failed.cause, thing);
    }
  });

  test('still rejects when the source itself fails', async () => {
    const error = new Error('broken source');
    const items = source(5, 'sync', (item) => {
      if (item === 3) throw error;
    });
    assert.equal(await rejection(processAll(new Service(), 'load', items, { onError: 'collect' })), error);
  });

  test('still rejects with the reason of an aborted signal', async () => {
    const worker = new Worker();
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error('enough');
    const thrown = rejection(processAll(worker, 'step', [0, 1], { onError: 'collect', signal }));
    await flush();
    controller.abort(reason);
    assert.equal(await thrown, reason);
  });
});

describe('a signal', () => {
  test('that is aborted ends the run at once with its reason, waits and retries included', async () => {
    class Slow {
      readonly steps = new Steps<number>();
      signals: (AbortSignal | undefined)[] = [];
      @retry({ maxAttempts: 3, waitMin: 60_000, jitter: 'none' })
      @concurrency(2)
      async step(item: number): Promise<unknown> {
        this.signals.push(currentCall().signal);
        if (item === 0) throw new Error('is retried much later');
        return this.steps.begin(item);
      }
    }
    const slow = new Slow();
    const items = source(10);
    const controller = new AbortController();
    const { signal } = controller;
    const thrown = rejection(processAll(slow, 'step', items, { concurrency: 4, signal }));
    await flush();
    assert.deepEqual(slow.steps.begun, [1, 2]);
    assert.equal(statsOf(Slow, 'step').queued, 1);
    const reason = { any: 'thing' };
    controller.abort(reason);
    assert.equal(await thrown, reason);
    assert.equal(statsOf(Slow, 'step').queued, 0);
    assert.ok(slow.signals.every((each) => each?.aborted && each.reason === reason));
    assert.equal(items.returned, 1);
    await slow.steps.end(1);
    await slow.steps.end(2);
    assert.deepEqual(slow.steps.begun, [1, 2]);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('that was aborted before starts nothing, and lets the source go', async () => {
    for (const sort of ['sync', 'async'] as const) {
      const echo = new Echo();
      const items = source(10, sort);
      const reason = new Error('enough');
      const thrown = await rejection(processAll(echo, 'echo', items, { signal: AbortSignal.abort(reason) }));
      assert.equal(thrown, reason);
      assert.deepEqual(echo.calls, []);
      assert.equal(items.pulled, 0);
      await flush();
      assert.equal(items.returned, 1, sort);
    }
  });

  test('that is aborted while a slow source is waited for ends the run at once', async () => {
    const controller = new AbortController();
    const seen = { returned: 0 };
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<number>>(() => {}),
        return: async () => {
          seen.returned++;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const thrown = rejection(processAll(new Echo(), 'echo', items, { signal: controller.signal }));
    await flush();
    const reason = new Error('enough');
    controller.abort(reason);
    assert.equal(await thrown, reason);
    assert.equal(seen.returned, 1);
  });

  test('that a generator aborts from within ends the run, and lets the generator clean up', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let cleaned = 0;
    const sync = function* () {
      try {
        yield 1;
        controller.abort(reason);
        yield 2;
        yield 3;
      } finally {
        cleaned++;
      }
    };
    const echo = new Echo();
    assert.equal(await rejection(processAll(echo, 'echo', sync(), { signal: controller.signal })), reason);
    await flush();
    assert.ok(echo.calls.length <= 1);
    assert.equal(cleaned, 1);
  });

  test('that an async generator aborts from within ends the run, and lets the generator clean up', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let cleaned = 0;
    const items = async function* () {
      try {
        yield 1;
        controller.abort(reason);
        yield 2;
      } finally {
        cleaned++;
      }
    };
    assert.equal(await rejection(processAll(new Echo(), 'echo', items(), { signal: controller.signal })), reason);
    await flush();
    assert.equal(cleaned, 1);
  });

  test('that a method aborts from within ends the run', async () => {
    const controller = new AbortController();
    class Stops {
      calls = 0;
      @retry(1)
      async work(item: number): Promise<number> {
        this.calls++;
        if (item === 2) controller.abort(new Error('found'));
        return item;
      }
    }
    const stops = new Stops();
    const items = source(100);
    const thrown = rejection(processAll(stops, 'work', items, { signal: controller.signal, concurrency: 10 }));
    await assert.rejects(thrown.then(Promise.reject.bind(Promise)), { message: 'found' });
    assert.equal(stops.calls, 3);
    assert.equal(items.returned, 1);
  });

  test('keeps no listener after any end', async () => {
    const error = new Error('down');
    const failing = source(5, 'async', (item) => {
      if (item === 3) throw error;
    });
    const { signal } = new AbortController();
    await processAll(new Echo(), 'echo', [1, 2], { signal });
    await rejection(processAll(new Echo(), 'echo', failing, { signal }));
    const worker = new Worker();
    const thrown = rejection(processAll(worker, 'step', [1, 2], { signal }));
    await flush();
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    await worker.steps.fail(1, error);
    await thrown;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('may govern many runs at once without a warning', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', warn);
    const controller = new AbortController();
    const { signal } = controller;
    const runs = Array.from({ length: 100 }, () => rejection(processAll(new Worker(), 'step', [1, 2, 3], { signal })));
    await flush();
    controller.abort();
    for (const reason of await Promise.all(runs)) assert.equal(reason, signal.reason);
    await flush();
    process.off('warning', warn);
    assert.deepEqual(warnings, []);
  });
});

describe('a source', () => {
  for (const sort of ['sync', 'async'] satisfies Sort[]) {
    test(`that fails ends the run with its error, aborts the rest, and is not asked to return (${sort})`, async () => {
      const worker = new Worker();
      const error = new Error('broken source');
      const items = source(5, sort, (item) => {
        if (item === 3) throw error;
      });
      assert.equal(await rejection(processAll(worker, 'step', items)), error);
      assert.deepEqual(worker.steps.begun, [0, 1, 2]);
      assert.deepEqual(worker.aborted, [true, true, true]);
      assert.equal(items.returned, 0);
    });

    test(`that is used up is not asked to return, after a failure neither (${sort})`, async () => {
      const items = source(3, sort);
      await processAll(new Echo(), 'echo', items);
      assert.equal(items.returned, 0);
      const worker = new Worker();
      const more = source(2, sort);
      const thrown = rejection(processAll(worker, 'step', more));
      await flush();
      await worker.steps.fail(0, new Error('down'));
      await thrown;
      assert.equal(more.returned, 0);
    });

    test(`is opened once and asked to return once (${sort})`, async () => {
      const worker = new Worker();
      const items = source(100, sort);
      const controller = new AbortController();
      const thrown = rejection(processAll(worker, 'step', items, { signal: controller.signal }));
      await flush();
      controller.abort();
      await worker.steps.fail(0, new Error('down'));
      await thrown;
      assert.deepEqual([items.opened, items.returned], [1, 1]);
    });
  }

  test('whose return() throws or rejects does not hide the failure', async () => {
    for (const end of [
      () => {
        throw new Error('from return()');
      },
      () => Promise.reject(new Error('from return()')),
    ]) {
      const symbol = Symbol.asyncIterator;
      const items = { [symbol]: () => ({ next: async () => ({ done: false, value: 1 }), return: end }) };
      const worker = new Worker();
      const thrown = rejection(processAll(worker, 'step', items as unknown as AsyncIterable<number>));
      await flush();
      const error = new Error('down');
      await worker.steps.fail(1, error);
      assert.equal(await thrown, error);
    }
  });

  test('that cannot be opened rejects with what it threw', async () => {
    const error = new Error('closed');
    const items = {
      [Symbol.iterator]: () => {
        throw error;
      },
    };
    assert.equal(await rejection(processAll(new Echo(), 'echo', items)), error);
  });

  test('that gives no result objects fails as in a loop, with a TypeError', async () => {
    for (const symbol of [Symbol.iterator, Symbol.asyncIterator]) {
      const items = { [symbol]: () => ({ next: () => undefined }) } as unknown as Iterable<number>;
      assert.ok((await rejection(processAll(new Echo(), 'echo', items))) instanceof TypeError);
    }
  });

  test('whose result objects throw when read fails with what they throw', async () => {
    const error = new Error('unreadable');
    const result = {
      get done(): boolean {
        throw error;
      },
    };
    for (const symbol of [Symbol.iterator, Symbol.asyncIterator]) {
      const items = { [symbol]: () => ({ next: () => result }) } as unknown as Iterable<number>;
      assert.equal(await rejection(processAll(new Echo(), 'echo', items)), error);
    }
  });
});

test('the signal of a run governs the method that it is for, and no call that another one makes within', async () => {
  const signals: (AbortSignal | undefined)[] = [];
  class Outer {
    async outer(item: number): Promise<number> {
      return this.inner(item);
    }
    @retry(1)
    async inner(item: number): Promise<number> {
      signals.push(currentCall().signal);
      return item;
    }
  }
  assert.deepEqual(await processAll(new Outer(), 'outer', [1, 2]), [1, 2]);
  assert.deepEqual(signals, [undefined, undefined]);
});

test('after the first failure nothing more starts, not even one that waits for the slot of the item that failed', async () => {
  const begun: number[] = [];
  class Narrow {
    @concurrency(1)
    async only(item: number): Promise<void> {
      begun.push(item);
      await flush();
      if (item === 1) throw new Error('one failed');
    }
  }
  await assert.rejects(processAll(new Narrow(), 'only', [0, 1, 2, 3], { concurrency: 4 }), { message: 'one failed' });
  await flush();
  assert.deepEqual(begun, [0, 1]);
  const { running, queued, attempts } = statsOf(Narrow, 'only');
  assert.deepEqual([running, queued, attempts], [0, 0, 2]);
});
