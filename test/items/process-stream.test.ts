import { strict as assert } from 'node:assert';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency, currentCall, ItemError, processStream, retry } from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { all, rejection, type Sort, Steps, source } from '../support/items.js';
import { runProgram } from '../support/run-program.js';

class Service {
  readonly steps = new Steps<number>();
  readonly signals: (AbortSignal | undefined)[] = [];
  begun = 0;

  @retry(1)
  async step(item: number): Promise<unknown> {
    this.signals.push(currentCall().signal);
    return this.steps.begin(item);
  }

  @retry(1)
  async echo(item: number): Promise<number> {
    this.begun++;
    return item;
  }

  @retry(1)
  async odd(item: number): Promise<number> {
    if (item % 2 === 0) throw new Error(`${item} is even`);
    return item;
  }

  get aborted(): number {
    return this.signals.filter((signal) => signal?.aborted).length;
  }
}

const ways = [
  ['sync', true],
  ['sync', false],
  ['async', true],
  ['async', false],
] as const satisfies [Sort, boolean][];

const named = ([sort, ordered]: readonly [Sort, boolean]): string =>
  `${sort} source, ${ordered ? 'ordered' : 'as they come'}`;

describe('a stream', () => {
  test('gives the results in the order of the items', async () => {
    const service = new Service();
    const results = all(processStream(service, 'step', [0, 1, 2]));
    await flush();
    for (const item of [2, 0, 1]) await service.steps.end(item);
    assert.deepEqual(await results, ['did 0', 'did 1', 'did 2']);
  });

  test('with ordered: false gives each result as soon as it is there', async () => {
    const service = new Service();
    const taken: unknown[] = [];
    const stream = processStream(service, 'step', [0, 1, 2], { ordered: false });
    const done = (async () => {
      for await (const each of stream) taken.push(each);
    })();
    await flush();
    for (const item of [2, 0, 1]) {
      await service.steps.end(item);
      assert.equal(taken.at(-1), `did ${item}`);
    }
    await done;
    assert.equal(taken.length, 3);
  });

  test('gives falsy and missing results like any other', async () => {
    class Falsy {
      @retry(1)
      async same(item: unknown): Promise<unknown> {
        return item;
      }
    }
    const items = [0, '', false, null, undefined];
    assert.deepEqual(await all(processStream(new Falsy(), 'same', items)), items);
    assert.deepEqual(await all(processStream(new Falsy(), 'same', items, { ordered: false })), items);
  });

  test('neither opens nor pulls its source before the first result is asked for', async () => {
    const items = source(10);
    const stream = processStream(new Service(), 'echo', items);
    stream[Symbol.asyncIterator]();
    await flush();
    assert.deepEqual([items.opened, items.pulled], [0, 0]);
    await stream.next();
    assert.equal(items.opened, 1);
  });

  for (const way of ways) {
    const [sort, ordered] = way;

    test(`works on no more at once than concurrency says (${named(way)})`, async () => {
      const service = new Service();
      const results = all(processStream(service, 'step', source(10, sort), { ordered, concurrency: 3 }));
      await flush();
      for (let item = 0; item < 10; item++) {
        assert.deepEqual(service.steps.begun.length, Math.min(10, item + 3));
        await service.steps.end(item);
      }
      assert.equal((await results).length, 10);
    });

    test(`is never more than 4 times concurrency ahead of what is taken (${named(way)})`, async () => {
      for (const concurrency of [1, 2, 5]) {
        const service = new Service();
        const items = source(200, sort);
        let taken = 0;
        for await (const _result of processStream(service, 'echo', items, { ordered, concurrency })) {
          taken++;
          await flush();
          assert.ok(items.pulled - taken <= 4 * concurrency, `${items.pulled} pulled, ${taken} taken`);
          assert.ok(service.begun - taken <= 4 * concurrency);
        }
        assert.equal(taken, 200);
      }
    });

    test(`rests while nothing is taken (${named(way)})`, async () => {
      const items = source(1000, sort);
      const stream = processStream(new Service(), 'echo', items, { ordered, concurrency: 2 });
      await stream.next();
      await flush();
      const { pulled } = items;
      assert.ok(pulled >= 2 && pulled <= 9);
      for (let i = 0; i < 20; i++) await flush();
      assert.equal(items.pulled, pulled);
      await stream.return?.();
    });

    test(`a break calls the source's return() and aborts what runs (${named(way)})`, async () => {
      const service = new Service();
      const items = source(100, sort);
      const ending = (async () => {
        for await (const result of processStream(service, 'step', items, { ordered, concurrency: 3 })) {
          assert.equal(result, 'did 0');
          break;
        }
      })();
      await flush();
      await service.steps.end(0);
      await ending;
      assert.equal(items.returned, 1);
      assert.ok(service.signals.length >= 3);
      assert.equal(service.aborted, service.signals.length);
      const { begun } = service.steps;
      await service.steps.end(1);
      await service.steps.end(2);
      assert.equal(service.steps.begun.length, begun.length);
    });

    test(`a throw in the loop does the same, and is what the loop throws (${named(way)})`, async () => {
      const service = new Service();
      const items = source(100, sort);
      const error = new Error('in the loop');
      const loop = async () => {
        for await (const _result of processStream(service, 'step', items, { ordered, concurrency: 3 })) throw error;
      };
      const thrown = rejection(loop());
      await flush();
      await service.steps.end(0);
      assert.equal(await thrown, error);
      assert.equal(items.returned, 1);
      assert.equal(service.aborted, service.signals.length);
    });

    test(`a failing item ends it with its own error, and lets the source go (${named(way)})`, async () => {
      const service = new Service();
      const items = source(100, sort);
      const stream = processStream(service, 'step', items, { ordered, concurrency: 3 });
      const first = rejection(stream.next());
      await flush();
      const error = new Error('down');
      await service.steps.fail(1, error);
      assert.equal(await first, error);
      assert.equal(items.returned, 1);
      assert.equal(service.aborted, 3);
      await service.steps.end(0);
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
      assert.equal(service.steps.begun.length, 3);
    });

    test(`an abort ends it with the reason, and lets the source go (${named(way)})`, async () => {
      const service = new Service();
      const items = source(100, sort);
      const controller = new AbortController();
      const { signal } = controller;
      const stream = processStream(service, 'step', items, { ordered, concurrency: 2, signal });
      const first = rejection(stream.next());
      await flush();
      controller.abort(0);
      assert.equal(await first, 0);
      assert.equal(items.returned, 1);
      assert.equal(service.aborted, 2);
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    });

    test(`a throw in onProgress ends it, and lets the source go (${named(way)})`, async () => {
      const service = new Service();
      const items = source(100, sort);
      const error = new Error('no progress');
      const onProgress = () => {
        throw error;
      };
      const stream = processStream(service, 'step', items, { ordered, concurrency: 2, onProgress });
      const first = rejection(stream.next());
      await flush();
      await service.steps.end(0);
      assert.equal(await first, error);
      assert.equal(items.returned, 1);
      assert.ok(service.aborted >= 1);
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
    });

    test(`return() before the first next() lets the source go, and nothing is pulled (${named(way)})`, async () => {
      const items = source(100, sort);
      const stream = processStream(new Service(), 'echo', items, { ordered });
      assert.deepEqual(await stream.return?.(), { done: true, value: undefined });
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
      assert.deepEqual([items.pulled, items.returned], [0, 1]);
    });

    test(`an error of the source ends it, and its return() is not called (${named(way)})`, async () => {
      const error = new Error('broken source');
      const service = new Service();
      const items = source(10, sort, (item) => {
        if (item === 2) throw error;
      });
      const stream = processStream(service, 'step', items, { ordered });
      assert.equal(await rejection(stream.next()), error);
      assert.equal(items.returned, 0);
      assert.equal(service.aborted, 2);
      assert.deepEqual(await stream.next(), { done: true, value: undefined });
    });

    test(`with onError 'collect' an ItemError stands in the place of a failure (${named(way)})`, async () => {
      const results = await all(
        processStream(new Service(), 'odd', source(4, sort), { ordered, onError: 'collect', concurrency: 1 }),
      );
      assert.deepEqual(
        results.map((each) => (each instanceof ItemError ? [each.item, each.index] : each)),
        [[0, 0], 1, [2, 2], 3],
      );
    });
  }

  test('keeps the item and index of a failure when results come as they are there', async () => {
    const service = new Service();
    const results = all(processStream(service, 'step', [5, 6], { ordered: false, onError: 'collect' }));
    await flush();
    await service.steps.fail(6, 'x');
    await service.steps.end(5, 'five');
    const [failed, worked] = await results;
    assert.ok(failed instanceof ItemError);
    assert.deepEqual([failed.item, failed.index, failed.cause, worked], [6, 1, 'x', 'five']);
  });

  test('counts what waits for an earlier one as ahead', async () => {
    const service = new Service();
    const items = source(100);
    const results = processStream(service, 'step', items, { concurrency: 2 });
    const first = results.next();
    await flush();
    // The first item does not end; all others do, as soon as they have begun.
    for (let item = 1; item < 20; item++) await service.steps.end(item);
    assert.equal(items.pulled, 8);
    await service.steps.end(0);
    assert.equal((await first).value, 'did 0');
    await results.return?.();
  });

  test('is governed by the own limit of the method when it says nothing of concurrency', async () => {
    class Limited {
      readonly steps = new Steps<number>();
      @concurrency(3)
      async step(item: number): Promise<unknown> {
        return this.steps.begin(item);
      }
    }
    const limited = new Limited();
    const items = source(100);
    const stream = processStream(limited, 'step', items);
    void stream.next();
    await flush();
    assert.deepEqual([limited.steps.begun.length, items.pulled], [3, 3]);
    await limited.steps.end(0);
    await stream.return?.();
  });
});

describe('as an iterator, a stream', () => {
  test('is its own async iterator', () => {
    const stream = processStream(new Service(), 'echo', [1]);
    assert.equal(stream[Symbol.asyncIterator](), stream);
  });

  test('answers next() with promises, and next() after the end with the end', async () => {
    const stream = processStream(new Service(), 'echo', [1]);
    const first = stream.next();
    assert.ok(first instanceof Promise);
    assert.deepEqual(await first, { done: false, value: 1 });
    for (let i = 0; i < 3; i++) assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });

  test('answers many next() calls at once, in order, and what is too many with the end', async () => {
    for (const sort of ['sync', 'async'] satisfies Sort[]) {
      const stream = processStream(new Service(), 'echo', source(3, sort), { concurrency: 1 });
      const results = await Promise.all(Array.from({ length: 5 }, () => stream.next()));
      assert.deepEqual(
        results.map(({ done, value }) => [done, value]),
        [
          [false, 0],
          [false, 1],
          [false, 2],
          [true, undefined],
          [true, undefined],
        ],
      );
    }
  });

  test('answers more next() calls at once than it is ever ahead', async () => {
    for (const sort of ['sync', 'async'] satisfies Sort[]) {
      const service = new Service();
      const stream = processStream(service, 'step', source(14, sort), { concurrency: 2 });
      const results = Promise.all(Array.from({ length: 15 }, () => stream.next()));
      await flush();
      // All that may be ahead waits for the first item.
      for (let item = 1; item < 8; item++) await service.steps.end(item, item);
      assert.equal(service.steps.begun.length, 8);
      await service.steps.end(0, 0);
      assert.equal(service.steps.begun.length, 10);
      for (let item = 8; item < 14; item++) await service.steps.end(item, item);
      assert.deepEqual(
        (await results).map(({ value }) => value),
        [...Array(14).keys(), undefined],
      );
    }
  });

  test('rejects the first of many next() calls with the failure, and ends the others', async () => {
    const service = new Service();
    const stream = processStream(service, 'step', [0, 1, 2]);
    const calls = Promise.allSettled([stream.next(), stream.next(), stream.next()]);
    await flush();
    await service.steps.end(0);
    const error = new Error('down');
    await service.steps.fail(2, error);
    assert.deepEqual(await calls, [
      { status: 'fulfilled', value: { done: false, value: 'did 0' } },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
  });

  test('ends the next() calls that wait when return() is called', async () => {
    const service = new Service();
    const items = source(100);
    const stream = processStream(service, 'step', items);
    const calls = Promise.all([stream.next(), stream.next()]);
    await flush();
    await stream.return?.();
    assert.deepEqual(await calls, [
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    assert.equal(items.returned, 1);
  });

  test('takes return() any number of times, also after the end and after a failure', async () => {
    const items = source(100);
    const stream = processStream(new Service(), 'echo', items);
    await stream.next();
    for (let i = 0; i < 3; i++) assert.deepEqual(await stream.return?.(), { done: true, value: undefined });
    assert.equal(items.returned, 1);
    const ended = processStream(new Service(), 'echo', [1]);
    await all(ended);
    assert.deepEqual(await ended.return?.(), { done: true, value: undefined });
    const failed = processStream(new Service(), 'odd', [0]);
    await rejection(failed.next());
    assert.deepEqual(await failed.return?.(), { done: true, value: undefined });
  });

  test('is over after return(), whatever failed before and was not taken', async () => {
    const service = new Service();
    const stream = processStream(service, 'step', [0, 1], { ordered: false });
    const first = stream.next();
    await flush();
    await service.steps.end(0);
    assert.equal((await first).value, 'did 0');
    await service.steps.fail(1, new Error('not taken'));
    assert.deepEqual(await stream.return?.(), { done: true, value: undefined });
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });

  test('gives a failure that came while nobody waited to the next that asks', async () => {
    const service = new Service();
    const stream = processStream(service, 'step', [0, 1]);
    const first = stream.next();
    await flush();
    await service.steps.end(0);
    await first;
    const error = new Error('down');
    await service.steps.fail(1, error);
    assert.equal(await rejection(stream.next()), error);
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });

  test('may be asked and ended from within the method that it runs', async () => {
    class Inner {
      stream: AsyncIterableIterator<unknown> | undefined;
      readonly more: Promise<unknown>[] = [];
      @retry(1)
      async work(item: number): Promise<number> {
        if (item === 0) this.more.push((this.stream as AsyncIterator<unknown>).next());
        if (item === 3) this.more.push((this.stream as Required<AsyncIterator<unknown>>).return());
        return item;
      }
    }
    const inner = new Inner();
    const items = source(100);
    inner.stream = processStream(inner, 'work', items, { concurrency: 1 });
    assert.deepEqual(await inner.stream.next(), { done: false, value: 0 });
    for await (const _rest of inner.stream);
    const [second, end] = await Promise.all(inner.more);
    assert.deepEqual(second, { done: false, value: 1 });
    assert.deepEqual(end, { done: true, value: undefined });
    assert.equal(items.returned, 1);
  });

  for (const sort of ['sync', 'async'] as const) {
    for (const way of ['next', 'return', 'abort'] as const) {
      test(`may be asked, ended and aborted while its source is being opened (${way}, ${sort} source)`, async () => {
        const controller = new AbortController();
        const holder: { stream?: AsyncIterableIterator<number, undefined> } = {};
        const more: Promise<unknown>[] = [];
        const inner = source(3, sort);
        const symbol = sort === 'sync' ? Symbol.iterator : Symbol.asyncIterator;
        const open = inner[symbol].bind(inner);
        const opening = (): unknown => {
          const { stream } = holder as Required<typeof holder>;
          if (way === 'next') more.push(stream.next());
          if (way === 'return') more.push((stream as Required<typeof stream>).return());
          if (way === 'abort') controller.abort(new Error('while opened'));
          return open();
        };
        const items = Object.assign(inner, { [symbol]: opening });
        const target = { same: (item: number) => item };
        const stream = processStream(target, 'same', items, { signal: controller.signal });
        holder.stream = stream;
        const first = await Promise.race([stream.next().catch((error: Error) => error.message), flush()]);
        if (way === 'next') {
          assert.deepEqual(await Promise.all([first, ...more]), [
            { done: false, value: 1 },
            { done: false, value: 0 },
          ]);
          assert.deepEqual(await all(stream), [2]);
        } else {
          assert.deepEqual(first, way === 'abort' ? 'while opened' : { done: true, value: undefined });
          assert.equal(inner.pulled, 0);
          await Promise.all(more);
          assert.deepEqual(await stream.next(), { done: true, value: undefined });
        }
        assert.deepEqual([inner.opened, inner.returned], [1, way === 'next' ? 0 : 1]);
      });
    }
  }

  for (const end of ['comes to its end', 'fails'] as const) {
    test(`may be asked by its own source, also in the pull in which that ${end}`, async () => {
      const error = new Error('the source');
      const asked: Promise<PromiseSettledResult<unknown>[]>[] = [];
      const holder: { stream?: AsyncIterableIterator<unknown, undefined> } = {};
      const items = source(5, 'sync', (pulled) => {
        if (pulled < 5) return;
        // Three are ready, and the fourth asks for what is not there any more.
        const { stream } = holder as Required<typeof holder>;
        asked.push(Promise.allSettled([1, 2, 3, 4].map(() => stream.next())));
        if (end === 'fails') throw error;
      });
      const target = { same: (item: number) => item };
      const stream = processStream(target, 'same', items, { concurrency: 1, onError: 'collect' });
      holder.stream = stream;
      assert.deepEqual(await stream.next(), { done: false, value: 0 });
      await flush();
      assert.equal(asked.length, 0, 'the source is not at its end yet');
      assert.deepEqual(await stream.next(), { done: false, value: 1 });
      await flush();
      const settled: unknown = await Promise.race([asked[0], flush().then(() => 'still waiting')]);
      const results = [2, 3, 4].map((value) => ({ status: 'fulfilled', value: { done: false, value } }));
      const last = { status: 'fulfilled', value: { done: true, value: undefined } };
      assert.deepEqual(settled, [...results, end === 'fails' ? { status: 'rejected', reason: error } : last]);
    });
  }

  test('may be ended by its own source', async () => {
    let cleaned = 0;
    const holder: { stream?: AsyncIterableIterator<number> } = {};
    const items = function* () {
      try {
        yield 1;
        holder.stream?.return?.().catch(() => {});
        yield 2;
        yield 3;
      } finally {
        cleaned++;
      }
    };
    const service = new Service();
    holder.stream = processStream(service, 'echo', items(), { concurrency: 1 });
    const results = await all(holder.stream);
    await flush();
    assert.ok(results.length <= 1 && service.begun <= 1);
    assert.equal(cleaned, 1);
  });
});

describe('the return() of a source', () => {
  test('is waited for by an early end', async () => {
    const gate = new Steps<string>();
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: 1 }),
        return: async () => {
          await gate.begin('return');
          return { done: true as const, value: undefined };
        },
      }),
    };
    const stream = processStream(new Service(), 'echo', items);
    await stream.next();
    await flush();
    let over = false;
    const ending = stream.return?.().then(() => {
      over = true;
    });
    await flush();
    assert.equal(over, false);
    await gate.end('return');
    await ending;
  });

  test('that rejects is what a break throws, as in any loop', async () => {
    const error = new Error('from return()');
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: 1 }),
        return: () => Promise.reject(error),
      }),
    };
    const loop = async (): Promise<void> => {
      for await (const _each of processStream(new Service(), 'echo', items)) break;
    };
    assert.equal(await rejection(loop()), error);
  });

  describe('of a generator that is busy with the next item at a break', () => {
    const closing: Record<string, () => unknown> = { 'sync finally': () => {}, 'async finally': () => sleep(5) };
    for (const [kind, close] of Object.entries(closing)) {
      for (const ordered of [true, false]) {
        test(`has ended when the loop is over (${kind}, ordered: ${ordered})`, async () => {
          let closed = false;
          const items = async function* () {
            try {
              for (let i = 0; ; i++) {
                await sleep(5);
                yield i;
              }
            } finally {
              await close();
              closed = true;
            }
          };
          for await (const _each of processStream(new Service(), 'echo', items(), { ordered })) break;
          assert.equal(closed, true);
        });
      }
    }

    test('throws from the loop what its finally throws', async () => {
      const error = new Error('from finally');
      const items = async function* () {
        try {
          for (let i = 0; ; i++) {
            await sleep(5);
            yield i;
          }
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: what becomes of this error is what is tested
          throw error;
        }
      };
      const loop = async (): Promise<void> => {
        for await (const _each of processStream(new Service(), 'echo', items())) break;
      };
      assert.equal(await rejection(loop()), error);
    });

    test('is waited for as long as it takes, once the item is there', () =>
      underFakeClock(async (clock) => {
        const gate = new Steps<string>();
        let closed = false;
        const items = async function* () {
          try {
            yield 1;
            await gate.begin('item');
            yield 2;
          } finally {
            await gate.begin('finally');
            closed = true;
          }
        };
        const stream = processStream(new Service(), 'echo', items());
        await stream.next();
        await flush();
        const ending = stream.return?.().then(() => closed);
        await advance(clock, 900);
        await gate.end('item');
        await advance(clock, 5000);
        await gate.end('finally');
        assert.equal(await ending, true);
      }));

    test('is not waited for where the generator itself waits for the end of the stream', () =>
      underFakeClock(async (clock) => {
        const holder: { stream?: AsyncIterableIterator<number> } = {};
        let closed = 0;
        const items = async function* () {
          try {
            yield 1;
            await holder.stream?.return?.();
            yield 2;
          } finally {
            closed++;
          }
        };
        holder.stream = processStream(new Service(), 'echo', items());
        const results = all(holder.stream);
        await flush();
        await advance(clock, 1000);
        assert.ok((await results).length <= 1);
        assert.equal(closed, 1);
      }));
  });

  test('may be missing', async () => {
    for (const symbol of [Symbol.iterator, Symbol.asyncIterator]) {
      const items = { [symbol]: () => ({ next: () => ({ done: false, value: 1 }) }) } as unknown as Iterable<number>;
      for await (const each of processStream(new Service(), 'echo', items)) {
        assert.equal(each, 1);
        break;
      }
    }
  });

  test('is called during a pull that never ends, and waited for no longer than a second', () =>
    underFakeClock(async (clock) => {
      const seen = { returned: 0 };
      const items = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<IteratorResult<number>>(() => {}),
          return: () => {
            seen.returned++;
            return new Promise<IteratorResult<number>>(() => {});
          },
        }),
      };
      const stream = processStream(new Service(), 'echo', items);
      const first = stream.next();
      await flush();
      let over = false;
      const ending = stream.return?.().finally(() => {
        over = true;
      });
      assert.equal(seen.returned, 1);
      assert.deepEqual(await first, { done: true, value: undefined });
      await advance(clock, 999);
      assert.equal(over, false);
      await advance(clock, 1);
      assert.deepEqual(await ending, { done: true, value: undefined });
      assert.equal(seen.returned, 1);
      assert.equal(clock.countTimers(), 0);
    }));

  test('that answers during a pull that never ends is not waited for any longer', () =>
    underFakeClock(async (clock) => {
      const error = new Error('from return()');
      for (const answer of [async () => ({ done: true as const, value: undefined }), () => Promise.reject(error)]) {
        const next = (): Promise<IteratorResult<number>> => new Promise(() => {});
        const items = { [Symbol.asyncIterator]: () => ({ next, return: answer }) };
        const stream = processStream(new Service(), 'echo', items);
        const first = stream.next();
        await flush();
        const end = await stream.return?.().catch((thrown: unknown) => thrown);
        assert.ok(end === error || (end as IteratorResult<number>).done);
        assert.deepEqual(await first, { done: true, value: undefined });
        assert.equal(clock.countTimers(), 0);
      }
    }));

  test('cancels a ReadableStream', async () => {
    let cancelled = 0;
    const items = new ReadableStream<number>({
      pull: (controller) => controller.enqueue(1),
      cancel: () => {
        cancelled++;
      },
    });
    for await (const _each of processStream(new Service(), 'echo', items as unknown as AsyncIterable<number>)) break;
    await flush();
    assert.equal(cancelled, 1);
  });

  test('an item that comes after an early end is not worked on', async () => {
    const gate = new Steps<string>();
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: (await gate.begin('next')) as number }),
      }),
    };
    const service = new Service();
    const stream = processStream(service, 'echo', items);
    const first = stream.next();
    await flush();
    await stream.return?.();
    await gate.end('next', 7);
    assert.deepEqual(await first, { done: true, value: undefined });
    assert.equal(service.begun, 0);
  });
});

describe('memory', () => {
  test('is not copied again and again, however many results lie ready', async () => {
    const count = 40_000;
    const items = Array.from({ length: count }, (_, item) => item);
    const target = { same: (item: number) => item };
    const stream = processStream(target, 'same', items, { concurrency: Number.POSITIVE_INFINITY });
    await stream.next();
    let copied = 0;
    const { slice } = Array.prototype;
    Array.prototype.slice = function (this: unknown[], ...args: number[]): unknown[] {
      const copy: unknown[] = Reflect.apply(slice, this, args);
      copied += copy.length;
      return copy;
    };
    let taken = 1;
    try {
      for await (const _each of stream) taken++;
    } finally {
      Array.prototype.slice = slice;
    }
    assert.equal(taken, count);
    assert.ok(copied <= 2 * count, `${copied} were copied`);
  });

  for (const way of ['return', 'abort', 'fail']) {
    test(`holds no results that nobody took once the stream has ended, though somebody keeps it (${way})`, async () => {
      const { code, stdout, stderr } = await runProgram('ended-stream', { flags: ['--expose-gc'], args: [way] });
      assert.equal(code, 0, stderr);
      const { made, held } = JSON.parse(stdout) as { made: number; held: number };
      assert.ok(made >= 9, `${made} were made`);
      assert.ok(held <= 1, `${held} of ${made} are held`);
    });
  }

  test('does not grow with the number of items: neither heap nor items in hand', async () => {
    const { code, stdout, stderr } = await runProgram('streaming', { flags: ['--expose-gc'] });
    assert.equal(code, 0, stderr);
    const { growth, inHand } = JSON.parse(stdout) as { growth: number; inHand: number };
    assert.ok(growth < 5_000_000, `${growth} bytes more after 100,000 items`);
    assert.ok(inHand < 1000, `${inHand} of 100,000 items still held`);
  });
});
