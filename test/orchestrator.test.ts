import { strict as assert } from 'node:assert';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import {
  AllFailedError,
  ConfigurationError,
  currentCall,
  FallbackChain,
  ItemError,
  Orchestrator,
  type Progress,
  RejectedError,
  RetryError,
} from 'opero';
import { type Deferred, deferred } from './support/deferred.js';

const settled = (): Promise<void> => new Promise(setImmediate);
const quick = { waitMin: 0 };

/** A function that works on an item until the test lets it end, and tells what it is working on. */
function stepwise<Item>() {
  const begun: Item[] = [];
  const open = new Map<Item, Deferred<string>>();
  const work = (item: Item): Promise<string> => {
    begun.push(item);
    const step = deferred<string>();
    open.set(item, step);
    return step.promise;
  };
  const end = async (item: Item): Promise<void> => {
    open.get(item)?.resolve(`did ${item}`);
    await settled();
  };
  const fail = async (item: Item, error: Error): Promise<void> => {
    open.get(item)?.reject(error);
    await settled();
  };
  return { begun, work, end, fail };
}

/** Items that tell how many were pulled, and whether their return() was called. */
function source(count: number, sort: 'sync' | 'async' = 'sync') {
  const seen = { pulled: 0, returned: 0 };
  const next = () => (seen.pulled < count ? { done: false, value: seen.pulled++ } : { done: true, value: undefined });
  const end = () => {
    seen.returned++;
    return { done: true, value: undefined };
  };
  const items =
    sort === 'sync'
      ? { [Symbol.iterator]: () => ({ next, return: end }) }
      : { [Symbol.asyncIterator]: () => ({ next: async () => next(), return: async () => end() }) };
  return { seen, items: items as Iterable<number> | AsyncIterable<number> };
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const results: T[] = [];
  for await (const each of stream) results.push(each);
  return results;
}

describe('execute', () => {
  test('calls a function, async or not, with its arguments', async () => {
    const orchestrator = new Orchestrator();
    const sum: number = await orchestrator.execute((a: number, b: number) => a + b, 1, 2);
    const text: string = await orchestrator.execute(async (name: string) => `hello ${name}`, 'you');
    assert.deepEqual([sum, text], [3, 'hello you']);
  });

  test('applies the policies in their order, to sync throws and rejections alike', async () => {
    for (const fails of [
      () => {
        throw new Error('down');
      },
      async () => {
        throw new Error('down');
      },
    ]) {
      let runs = 0;
      const orchestrator = new Orchestrator({
        fallback: [() => 'spare'],
        retry: { maxAttempts: 3, ...quick },
        concurrency: { limit: 1, maxQueue: 0 },
      });
      const result = await orchestrator.execute(() => {
        runs++;
        return fails();
      });
      assert.equal(result, 'spare');
      assert.equal(runs, 3);
      const { calls, attempts, retries, fallbacks, failures } = orchestrator.stats;
      assert.deepEqual([calls, attempts, retries, fallbacks, failures], [1, 3, 2, 1, 0]);
    }
  });

  test('rejects with what the function threw, the very object', async () => {
    const error = new Error('down');
    const failing = () => {
      throw error;
    };
    await assert.rejects(new Orchestrator({ retry: { maxAttempts: 2, ...quick } }).execute(failing), (thrown) => {
      assert.equal(thrown, error);
      return true;
    });
    const wrapped = new Orchestrator({ retry: { maxAttempts: 2, ...quick, rethrow: false } });
    await assert.rejects(wrapped.execute(failing), (thrown) => {
      assert.ok(thrown instanceof RetryError);
      assert.deepEqual(thrown.errors, [error, error]);
      return true;
    });
  });

  test('refuses a generator function at once, however it is given', async () => {
    let entered = 0;
    function* numbers(): Generator<number> {
      entered++;
      yield 1;
    }
    async function* texts(): AsyncGenerator<string> {
      entered++;
      yield 'a';
    }
    const orchestrator = new Orchestrator({ retry: 3 });
    for (const [fn, shown] of [
      [numbers as () => unknown, 'the generator function numbers'],
      [texts as () => unknown, 'the generator function texts'],
      [numbers.bind(undefined) as () => unknown, 'the generator function bound numbers'],
      [async function* () {} as () => unknown, 'a generator function'],
    ] as const) {
      const cure = 'a call of one runs none of its code, so give a function that goes through what it yields';
      const refused = (asked: string) => ({
        name: 'ConfigurationError',
        message: `${asked}: expected a function, got ${shown}; ${cure}`,
      });
      await assert.rejects(orchestrator.execute(fn), refused('Orchestrator.execute()'));
      assert.throws(() => orchestrator.wrap(fn), refused('Orchestrator.wrap()'));
      assert.throws(() => orchestrator.stream(fn, []), refused('Orchestrator.stream()'));
      await assert.rejects(orchestrator.process(fn, []), refused('Orchestrator.process()'));
      await assert.rejects(orchestrator.process([() => 1, fn], []), refused('Orchestrator.process()'));
      assert.throws(() => new FallbackChain(fn, [() => 1]), refused('FallbackChain'));
    }
    assert.deepEqual([entered, orchestrator.stats.calls], [0, 0]);
  });

  test('is governed by a signal among the arguments', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const never = (_options: { signal: AbortSignal }, _more?: number) => new Promise<void>(() => {});
    const orchestrator = new Orchestrator();
    const calls = [
      orchestrator.execute(never, { signal }),
      orchestrator.execute(never, { signal }, undefined),
      orchestrator.wrap(never)({ signal }, undefined),
      new FallbackChain(never, [never]).execute({ signal }, undefined),
    ];
    const reason = new Error('enough');
    controller.abort(reason);
    for (const call of calls) await assert.rejects(call, (error) => error === reason);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('lets the function ask for the current call', async () => {
    const attempts: number[] = [];
    await new Orchestrator({ retry: { maxAttempts: 3, ...quick } }).execute(() => {
      const { attempt } = currentCall();
      attempts.push(attempt);
      if (attempt < 3) throw new Error('down');
    });
    assert.deepEqual(attempts, [1, 2, 3]);
  });

  test('shares its limiters among all functions; another orchestrator has its own', async () => {
    const { work, end } = stepwise<string>();
    const config = { concurrency: { limit: 1, maxQueue: 0 } };
    const [one, other] = [new Orchestrator(config), new Orchestrator(config)];
    const calls = [one.execute(work, 'a'), other.execute(work, 'b')];
    await assert.rejects(
      one.execute(() => 'other function'),
      RejectedError,
    );
    await assert.rejects(one.wrap(() => 'wrapped')(), RejectedError);
    await assert.rejects(
      one.process(() => 'processed', [1]),
      RejectedError,
    );
    await end('a');
    await end('b');
    assert.deepEqual(await Promise.all(calls), ['did a', 'did b']);
    assert.equal(await one.execute(() => 'free again'), 'free again');
  });

  test('fails for what is no function', async () => {
    await assert.rejects(new Orchestrator().execute(3 as unknown as () => void), {
      name: 'ConfigurationError',
      message: 'Orchestrator.execute(): expected a function, got 3',
    });
  });
});

describe('wrap', () => {
  test('gives a function of the same name and length, with its `this`, that returns a promise', async () => {
    function greet(this: { name: string }, greeting: string, _mark?: string): string {
      return `${greeting} ${this.name}`;
    }
    const wrapped = new Orchestrator({ retry: 2 }).wrap(greet);
    assert.deepEqual([wrapped.name, wrapped.length], ['greet', greet.length]);
    const promise: Promise<string> = wrapped.call({ name: 'you' }, 'hello');
    assert.ok(promise instanceof Promise);
    assert.equal(await promise, 'hello you');
  });

  test('applies the policies', async () => {
    let runs = 0;
    const wrapped = new Orchestrator({ retry: { maxAttempts: 2, ...quick } }).wrap(() => {
      runs++;
      throw new Error('down');
    });
    await assert.rejects(wrapped(), { message: 'down' });
    assert.equal(runs, 2);
  });

  test('fails at once for what is no function', () => {
    assert.throws(() => new Orchestrator().wrap('x' as never), {
      name: 'ConfigurationError',
      message: "Orchestrator.wrap(): expected a function, got 'x'",
    });
  });
});

describe('process', () => {
  test('gives the results in the order of the items, whenever they come', async () => {
    const { work, end } = stepwise<number>();
    const results = new Orchestrator().process(work, [1, 2, 3]);
    await settled();
    for (const item of [3, 1, 2]) await end(item);
    assert.deepEqual(await results, ['did 1', 'did 2', 'did 3']);
  });

  test('gives each item as the one argument, never spread, for sync functions and any source', async () => {
    const orchestrator = new Orchestrator();
    const count = (...args: unknown[]) => args.length;
    assert.deepEqual(await orchestrator.process(count, [[1, 2], [3]]), [1, 1]);
    const double = (item: number) => item * 2;
    assert.deepEqual(await orchestrator.process(double, new Set([1, 2])), [2, 4]);
    assert.deepEqual(await orchestrator.process(double, source(3).items), [0, 2, 4]);
    assert.deepEqual(await orchestrator.process(double, source(3, 'async').items), [0, 2, 4]);
    assert.deepEqual(await orchestrator.process(double, []), []);
  });

  test('with several functions runs each over all items, one function after the other', async () => {
    const seen: string[] = [];
    const step = (name: string) => async (item: number) => {
      seen.push(`${name}${item}`);
      await settled();
      return `${name}${item}`;
    };
    const expected = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3'];
    assert.deepEqual(await new Orchestrator().process([step('a'), step('b')], [1, 2, 3]), expected);
    assert.deepEqual(seen, expected);
  });

  test('with several functions takes the items from their source once', async () => {
    const { seen, items } = source(2, 'async');
    const results = await new Orchestrator().process([(item) => item + 1, (item) => -item], items);
    assert.deepEqual(
      results.map((each) => each + 0),
      [1, 2, 0, -1],
    );
    assert.equal(seen.pulled, 2);
  });

  test('with several functions stops at the first failure, before the next function', async () => {
    let second = 0;
    const failing = () => Promise.reject(new Error('down'));
    const counting = async () => {
      second++;
    };
    await assert.rejects(new Orchestrator().process([failing, counting], [1, 2]), { message: 'down' });
    assert.equal(second, 0);
  });

  test('with no functions gives nothing', async () => {
    assert.deepEqual(await new Orchestrator().process([], [1, 2]), []);
  });

  test('works on as many items at once as its concurrency policy allows, or the option, or 16', async () => {
    const begunWith = async (orchestrator: Orchestrator, options?: { concurrency: number }): Promise<number> => {
      const { begun, work, end } = stepwise<number>();
      const results = orchestrator.process(work, source(40).items, options);
      await settled();
      const atOnce = begun.length;
      for (let item = 0; item < 40; item++) await end(item);
      assert.equal((await results).length, 40);
      return atOnce;
    };
    assert.equal(await begunWith(new Orchestrator()), 16);
    assert.equal(await begunWith(new Orchestrator({ concurrency: 3 })), 3);
    assert.equal(await begunWith(new Orchestrator(), { concurrency: 5 }), 5);
  });

  test('applies the policies to each item', async () => {
    const failures = new Map<number, number>();
    const results = await new Orchestrator({
      retry: { maxAttempts: 2, ...quick },
      fallback: { value: 'none' },
    }).process(
      (item: number) => {
        const before = failures.get(item) ?? 0;
        failures.set(item, before + 1);
        if (before < item) throw new Error('down');
        return `item ${item}`;
      },
      [0, 1, 2],
    );
    assert.deepEqual(results, ['item 0', 'item 1', 'none']);
    assert.deepEqual([...failures.values()], [1, 2, 2]);
  });

  test("throws the first failure's own error, aborts the rest and starts nothing more", async () => {
    const { begun, work, fail } = stepwise<number>();
    const { seen, items } = source(100);
    const signals: (AbortSignal | undefined)[] = [];
    const results = new Orchestrator({
      retry: { maxAttempts: 3, waitMin: 60_000, jitter: 'none', abortOn: TypeError },
    }).process(
      (item: number) => {
        signals.push(currentCall().signal);
        return work(item);
      },
      items,
      { concurrency: 3 },
    );
    results.catch(() => {});
    await settled();
    await fail(0, new Error('is retried much later'));
    const error = new TypeError('down');
    await fail(1, error);
    await assert.rejects(results, (thrown) => thrown === error);
    await settled();
    assert.deepEqual(begun, [0, 1, 2]);
    assert.ok(signals.every((signal) => signal?.aborted));
    assert.equal(seen.returned, 1);
  });

  test("with onError 'collect' puts an ItemError in the place of each failure", async () => {
    const error = new Error('odd');
    const results = await new Orchestrator().process(
      (item: string) => {
        if (item === 'b') throw error;
        return item.toUpperCase();
      },
      ['a', 'b', 'c'],
      { onError: 'collect' },
    );
    assert.deepEqual([results[0], results[2]], ['A', 'C']);
    const failed = results[1];
    assert.ok(failed instanceof ItemError);
    assert.deepEqual([failed.item, failed.index, failed.cause], ['b', 1, error]);
    assert.equal(results.length, 3);
  });

  test('ends at once when its signal is aborted, and leaves no listener on it', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const { begun, work } = stepwise<number>();
    const { seen, items } = source(100);
    const results = new Orchestrator().process(work, items, { concurrency: 2, signal: controller.signal });
    results.catch(() => {});
    await settled();
    controller.abort(reason);
    await assert.rejects(results, (thrown) => thrown === reason);
    await settled();
    assert.deepEqual(begun, [0, 1]);
    assert.equal(seen.returned, 1);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  });

  test('starts nothing when its signal was aborted before, and leaves no listener when all went well', async () => {
    const reason = new Error('enough');
    const { seen, items } = source(3);
    const aborted = AbortSignal.abort(reason);
    await assert.rejects(
      new Orchestrator().process((item) => item, items, { signal: aborted }),
      (thrown) => thrown === reason,
    );
    assert.equal(seen.pulled, 0);
    const { signal } = new AbortController();
    await new Orchestrator().process((item) => item, [1, 2, 3], { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('tells of progress after each item, the failed ones included', async () => {
    const told: Progress[] = [];
    const onProgress = (progress: Progress) => told.push(progress);
    const work = (item: number) => {
      if (item === 2) throw new Error('down');
    };
    await new Orchestrator({ concurrency: 1 }).process(work, [1, 2, 3], { onError: 'collect', onProgress });
    assert.deepEqual(
      told.map(({ done, failed, total }) => [done, failed, total]),
      [
        [1, 0, 3],
        [2, 1, 3],
        [3, 1, 3],
      ],
    );
    assert.ok(told.every(({ elapsed }) => Number.isFinite(elapsed) && elapsed >= 0));
    told.length = 0;
    await new Orchestrator().process((item) => item, source(2).items, { onProgress });
    assert.deepEqual(
      told.map(({ done, total }) => [done, total]),
      [
        [1, undefined],
        [2, undefined],
      ],
    );
  });

  test('rejects with what onProgress throws', async () => {
    const error = new Error('no progress');
    const onProgress = () => {
      throw error;
    };
    await assert.rejects(
      new Orchestrator().process((item) => item, [1, 2], { onProgress }),
      (thrown) => thrown === error,
    );
  });

  test('rejects with what the source throws, and does not call its return()', async () => {
    const error = new Error('broken source');
    for (const sort of ['sync', 'async'] as const) {
      const { seen, items } = source(3, sort);
      const broken = {
        ...(sort === 'sync'
          ? { [Symbol.iterator]: () => breaking((items as Iterable<number>)[Symbol.iterator]()) }
          : { [Symbol.asyncIterator]: () => breaking((items as AsyncIterable<number>)[Symbol.asyncIterator]()) }),
      } as Iterable<number>;
      const breaking = <It extends { next(): unknown }>(inner: It) => ({
        ...inner,
        next: () => {
          if (seen.pulled === 2) throw error;
          return inner.next();
        },
      });
      await assert.rejects(
        new Orchestrator().process((item) => item, broken),
        (thrown) => thrown === error,
      );
      assert.equal(seen.returned, 0, sort);
    }
  });

  test('fails for wrong functions, items and options', async () => {
    const orchestrator = new Orchestrator();
    const identity = (item: unknown) => item;
    const asked = 'Orchestrator.process(): ';
    const cases: [() => Promise<unknown>, string][] = [
      [() => orchestrator.process(3 as never, []), 'expected a function, got 3'],
      [() => orchestrator.process([identity, 3 as never], []), 'expected a function, got 3'],
      [
        () => orchestrator.process(identity, 5 as never),
        'expected the items to be an iterable or async iterable, got 5',
      ],
      [
        () => orchestrator.process([identity], 5 as never),
        'expected the items to be an iterable or async iterable, got 5',
      ],
      [
        () => orchestrator.process(identity, [], { concurrency: 0 }),
        'expected `concurrency` to be an integer of at least 1 or Infinity, got 0',
      ],
      [
        () => orchestrator.process(identity, [], { onError: 'ignore' as never }),
        "expected `onError` to be 'throw' or 'collect', got 'ignore'",
      ],
      [
        () => orchestrator.process(identity, [], { signal: {} as never }),
        'expected `signal` to be an AbortSignal, got {}',
      ],
    ];
    for (const [run, message] of cases) {
      await assert.rejects(run(), { name: 'ConfigurationError', message: asked + message });
    }
    await assert.rejects(orchestrator.process(identity, [], { limit: 1 } as never), ConfigurationError);
  });
});

describe('stream', () => {
  test('gives the results in order as they come', async () => {
    const { work, end } = stepwise<number>();
    const stream = new Orchestrator().stream(work, [1, 2, 3]);
    const first = stream.next();
    let known = false;
    first.then(() => {
      known = true;
    });
    await settled();
    await end(2);
    assert.equal(known, false);
    await end(1);
    assert.deepEqual(await first, { done: false, value: 'did 1' });
    assert.deepEqual(await stream.next(), { done: false, value: 'did 2' });
    const last = stream.next();
    await end(3);
    assert.deepEqual(await last, { done: false, value: 'did 3' });
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });

  test('with ordered: false gives each result as soon as it is there', async () => {
    const { work, end } = stepwise<number>();
    const results = all(new Orchestrator().stream(work, [1, 2, 3], { ordered: false }));
    await settled();
    for (const item of [3, 1, 2]) await end(item);
    assert.deepEqual(await results, ['did 3', 'did 1', 'did 2']);
  });

  test('starts nothing before the first result is asked for', async () => {
    const { seen, items } = source(10);
    const stream = new Orchestrator().stream((item) => item, items);
    await settled();
    assert.equal(seen.pulled, 0);
    await stream.return?.();
    assert.equal(seen.pulled, 0);
  });

  for (const sort of ['sync', 'async'] as const) {
    for (const ordered of [true, false]) {
      const how = `${sort} source, ${ordered ? 'ordered' : 'unordered'}`;

      test(`pulls at most 4 times concurrency ahead of what is taken (${how})`, async () => {
        const { seen, items } = source(1000, sort);
        const stream = new Orchestrator().stream((item) => item, items, { concurrency: 3, ordered });
        let taken = 0;
        for await (const _each of stream) {
          taken++;
          await settled();
          assert.ok(seen.pulled - taken <= 12, `${seen.pulled} pulled, ${taken} taken`);
          if (taken === 40) break;
        }
        assert.equal(seen.returned, 1);
      });

      test(`a break calls the source's return() and aborts the rest (${how})`, async () => {
        const { seen, items } = source(1000, sort);
        const signals: AbortSignal[] = [];
        const stream = new Orchestrator().stream(
          (item: number) => {
            const { signal } = currentCall();
            if (signal) signals.push(signal);
            return item === 0 ? item : new Promise<number>(() => {});
          },
          items,
          { concurrency: 3, ordered },
        );
        for await (const each of stream) {
          assert.equal(each, 0);
          await settled();
          assert.ok(signals.length >= 3 && !signals.some(({ aborted }) => aborted));
          break;
        }
        assert.equal(seen.returned, 1);
        assert.ok(signals.length > 0 && signals.every(({ aborted }) => aborted));
        const { pulled } = seen;
        await settled();
        assert.equal(seen.pulled, pulled);
        assert.deepEqual(await stream.next(), { done: true, value: undefined });
      });

      test(`a failure ends it with its own error, once (${how})`, async () => {
        const error = new Error('down');
        const { seen, items } = source(1000, sort);
        const stream = new Orchestrator().stream(
          (item: number) => {
            if (item === 2) throw error;
            return item;
          },
          items,
          { concurrency: 1, ordered },
        );
        await assert.rejects(all(stream), (thrown) => thrown === error);
        await settled();
        assert.equal(seen.returned, 1);
        assert.deepEqual(await stream.next(), { done: true, value: undefined });
      });
    }
  }

  test('has no more at work at once than concurrency', async () => {
    let running = 0;
    let most = 0;
    const work = async (item: number) => {
      most = Math.max(most, ++running);
      await settled();
      running--;
      return item;
    };
    await all(new Orchestrator().stream(work, source(50).items, { concurrency: 4 }));
    assert.equal(most, 4);
  });

  test("with onError 'collect' goes on after failures", async () => {
    const work = (item: number) => {
      if (item % 2 === 1) throw new Error('odd');
      return item;
    };
    const results = await all(new Orchestrator().stream(work, [0, 1, 2, 3], { onError: 'collect' }));
    assert.deepEqual(
      results.map((each) => (each instanceof ItemError ? `failed ${each.item} at ${each.index}` : each)),
      [0, 'failed 1 at 1', 2, 'failed 3 at 3'],
    );
  });

  test('answers several next() calls made at once in order', async () => {
    const stream = new Orchestrator().stream(async (item: number) => item, [1, 2]);
    const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    assert.deepEqual(
      results.map(({ value }) => value),
      [1, 2, undefined, undefined],
    );
  });

  test('rejects with what the source throws while others run, and aborts them', async () => {
    const error = new Error('broken source');
    let signal: AbortSignal | undefined;
    const stream = new Orchestrator().stream(
      (_item: number) => {
        signal = currentCall().signal;
        return new Promise<void>(() => {});
      },
      (async function* () {
        yield 1;
        await settled();
        throw error;
      })(),
    );
    await assert.rejects(stream.next(), (thrown) => thrown === error);
    assert.equal(signal?.aborted, true);
  });

  test('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const { seen, items } = source(1000);
    const stream = new Orchestrator().stream((_item: number) => new Promise<void>(() => {}), items, {
      signal: controller.signal,
    });
    const first = stream.next();
    first.catch(() => {});
    await settled();
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(first, (thrown) => thrown === reason);
    assert.equal(seen.returned, 1);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  });

  test('fails at once for wrong functions, items and options', () => {
    const orchestrator = new Orchestrator();
    const asked = 'Orchestrator.stream(): ';
    assert.throws(() => orchestrator.stream(3 as never, []), { message: `${asked}expected a function, got 3` });
    assert.throws(() => orchestrator.stream((item) => item, null as never), {
      name: 'ConfigurationError',
      message: `${asked}expected the items to be an iterable or async iterable, got null`,
    });
    assert.throws(() => orchestrator.stream((item) => item, [], { ordered: 1 as never }), {
      name: 'ConfigurationError',
      message: `${asked}expected \`ordered\` to be true or false, got 1`,
    });
  });
});

describe('FallbackChain', () => {
  test('gives what the first that works gives, sync and async ones alike', async () => {
    const seen: string[] = [];
    const failing = (name: string, sync: boolean) => (_item: string) => {
      seen.push(name);
      if (sync) throw new Error(name);
      return Promise.reject<string>(new Error(name));
    };
    const chain = new FallbackChain(failing('first', false), [
      failing('second', true),
      (item) => `cached ${item}`,
      failing('never', true),
    ]);
    assert.equal(await chain.execute('tea'), 'cached tea');
    assert.deepEqual(seen, ['first', 'second']);
  });

  test('calls no alternative when the primary works', async () => {
    let calls = 0;
    const chain = new FallbackChain(
      (a: number, b: number) => a + b,
      [
        () => {
          calls++;
          return 0;
        },
      ],
    );
    assert.equal(await chain.execute(1, 2), 3);
    assert.equal(calls, 0);
  });

  test('rejects with an AllFailedError when none works: the errors in the order tried, the cause the last', async () => {
    const errors = [new Error('first'), new Error('second'), new Error('third')];
    const [primary, ...alternatives] = errors.map((error) => (): number => {
      throw error;
    });
    await assert.rejects(new FallbackChain(primary, alternatives).execute(), (thrown) => {
      assert.ok(thrown instanceof AllFailedError && thrown instanceof AggregateError);
      assert.deepEqual(thrown.errors, errors);
      assert.equal(thrown.cause, errors[2]);
      return true;
    });
  });

  test('tells an alternative what led to it', async () => {
    const error = new Error('down');
    const chain = new FallbackChain((): unknown => {
      throw error;
    }, [() => currentCall().error]);
    assert.equal(await chain.execute(), error);
  });

  test('starts no alternative once its signal is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let calls = 0;
    const chain = new FallbackChain(
      (_options: { signal: AbortSignal }) => Promise.reject<number>(new Error('down')),
      [
        () => {
          calls++;
          return new Promise<number>(() => {});
        },
        () => {
          calls++;
          return 2;
        },
      ],
    );
    const result = chain.execute({ signal: controller.signal });
    result.catch(() => {});
    await settled();
    controller.abort(reason);
    await assert.rejects(result, (thrown) => thrown === reason);
    await settled();
    assert.equal(calls, 1);
  });
});
