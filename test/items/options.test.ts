import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { ConfigurationError, concurrency, processAll, processStream, retry, shutdown } from 'opero';
import { Crunch } from '../fixtures/items/crunch.js';
import { flush } from '../support/clock.js';
import { Steps, source } from '../support/items.js';

class Service {
  readonly steps = new Steps<number>();

  @retry(1)
  async free(item: number): Promise<unknown> {
    return this.steps.begin(item);
  }

  @concurrency(5)
  async limited(item: number): Promise<unknown> {
    return this.steps.begin(item);
  }

  @concurrency(2)
  static async double(item: number): Promise<number> {
    return item * 2;
  }

  readonly field = 'text';
}

describe('concurrency', () => {
  const begunWith = async (method: 'free' | 'limited', options?: { concurrency: number }): Promise<number> => {
    const service = new Service();
    const results = processAll(service, method, source(60), options);
    await flush();
    const { length } = service.steps.begun;
    for (let item = 0; item < 60; item++) await service.steps.end(item);
    assert.equal((await results).length, 60);
    return length;
  };

  test("is the method's own limit by default", async () => {
    assert.equal(await begunWith('limited'), 5);
  });

  test('is 16 for a method without a limit', async () => {
    assert.equal(await begunWith('free'), 16);
  });

  test('is what the option says', async () => {
    assert.equal(await begunWith('free', { concurrency: 1 }), 1);
    assert.equal(await begunWith('free', { concurrency: 33 }), 33);
    assert.equal(await begunWith('limited', { concurrency: 2 }), 2);
  });

  test('does not lift the limit of the method', async () => {
    assert.equal(await begunWith('limited', { concurrency: 20 }), 5);
  });

  test('may be Infinity for items that end', async () => {
    assert.equal(await begunWith('free', { concurrency: Number.POSITIVE_INFINITY }), 60);
  });

  test("is the pool's size for a cpuBound method", async () => {
    try {
      const together = new Int32Array(new SharedArrayBuffer(8));
      await processAll(new Crunch(), 'meet', [together, together]);
      assert.deepEqual([...together], [0, 2]);
    } finally {
      await shutdown();
    }
  });
});

describe('an undefined option', () => {
  test('counts as not given', async () => {
    const none = {
      concurrency: undefined,
      onError: undefined,
      signal: undefined,
      onProgress: undefined,
      progress: undefined,
      entries: undefined,
    };
    assert.deepEqual(await processAll(Service, 'double', [1], none as object), [2]);
    assert.deepEqual(await processAll(Service, 'double', [1], undefined), [2]);
    const stream = processStream(Service, 'double', [1], { ...none, ordered: undefined } as object);
    assert.deepEqual(await stream.next(), { done: false, value: 2 });
  });
});

describe('a ConfigurationError tells what is wrong, and nothing is pulled:', () => {
  const service = new Service();
  const known = 'known options are concurrency, onError, signal, onProgress, progress, entries, ordered';
  const wrongOptions: [options: unknown, message: string][] = [
    [{ concurrency: 0 }, 'expected `concurrency` to be an integer of at least 1 or Infinity, got 0'],
    [{ concurrency: -1 }, 'expected `concurrency` to be an integer of at least 1 or Infinity, got -1'],
    [{ concurrency: 1.5 }, 'expected `concurrency` to be an integer of at least 1 or Infinity, got 1.5'],
    [{ concurrency: Number.NaN }, 'expected `concurrency` to be an integer of at least 1 or Infinity, got NaN'],
    [{ concurrency: '4' }, "expected `concurrency` to be an integer of at least 1 or Infinity, got '4'"],
    [{ concurrency: null }, 'expected `concurrency` to be an integer of at least 1 or Infinity, got null'],
    [{ onError: 'ignore' }, "expected `onError` to be 'throw' or 'collect', got 'ignore'"],
    [{ signal: new AbortController() }, 'expected `signal` to be an AbortSignal, got AbortController'],
    [{ onProgress: true }, 'expected `onProgress` to be a function, got true'],
    [{ progress: 1 }, 'expected `progress` to be true or false, got 1'],
    [{ entries: 'yes' }, "expected `entries` to be true or false, got 'yes'"],
    [{ entries: 1 }, 'expected `entries` to be true or false, got 1'],
    [{ ordered: 'no' }, "expected `ordered` to be true or false, got 'no'"],
    [{ limit: 4 }, `unknown option \`limit\` (4); ${known}`],
    [4, 'expected the options to be an object, got 4'],
    [[], 'expected the options to be an object, got []'],
    ['collect', "expected the options to be an object, got 'collect'"],
  ];
  for (const [options, message] of wrongOptions) {
    test(message, async () => {
      const items = source(3);
      const starts = (error: unknown) =>
        error instanceof ConfigurationError && error.message.startsWith(`processStream(): ${message}`);
      assert.throws(() => processStream(service, 'free', items, options as object), starts);
      assert.equal(items.opened, 0);
    });
  }

  const cases: [run: () => Promise<unknown>, message: string][] = [
    [() => processAll(null as never, 'x' as never, []), 'expected a class or an instance, got null'],
    [() => processAll('Service' as never, 'free' as never, []), "expected a class or an instance, got 'Service'"],
    [() => processAll(service, 'fre' as never, []), "'fre' is not a method of Service {"],
    [() => processAll(service, 'field' as never, []), "'field' is not a method of Service {"],
    [() => processAll(Service, 'free' as never, []), "'free' is not a method of the function Service"],
    [() => processAll(service, 'free', undefined as never), 'expected the items to be an iterable or async iterable'],
    [() => processAll(service, 'free', 5 as never), 'expected the items to be an iterable or async iterable, got 5'],
    [
      () => processAll(service, 'free', { length: 1, 0: 1 } as never),
      "expected the items to be an iterable or async iterable, got { '0': 1, length: 1 }",
    ],
    [
      () => processAll(service, 'free', Promise.resolve([1]) as never),
      'expected the items to be an iterable or async iterable, got Promise {',
    ],
    [() => processAll(service, 'free', [], { signal: {} as never }), 'expected `signal` to be an AbortSignal, got {}'],
  ];
  for (const [run, message] of cases) {
    test(message, async () => {
      await assert.rejects(run(), (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.message.slice(0, 'processAll(): '.length + message.length), `processAll(): ${message}`);
        return true;
      });
    });
  }

  test('the order of the results of processAll is fixed, so that it knows no `ordered`', async () => {
    await assert.rejects(processAll(service, 'free', [], { ordered: false } as object), {
      name: 'ConfigurationError',
      message:
        'processAll(): unknown option `ordered` (false); known options are concurrency, onError, signal, onProgress, progress, entries',
    });
  });

  test('processAll gives it as a rejection, processStream throws it', async () => {
    const promise = processAll(service, 'free', 5 as never);
    assert.ok(promise instanceof Promise);
    await assert.rejects(promise, ConfigurationError);
    assert.throws(() => processStream(service, 'free', 5 as never), ConfigurationError);
  });
});
