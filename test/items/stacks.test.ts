import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { ItemError, Orchestrator, orchestrate, processAll, processStream, retry, shutdown } from 'opero';
import { Crunch } from '../fixtures/items/crunch.js';
import { all, rejection, source } from '../support/items.js';

after(() => shutdown());

const fail = (): never => {
  throw new Error('no');
};
const later = async (): Promise<never> => {
  await undefined;
  throw new Error('no');
};

class Service {
  plain(_item: number): number {
    return fail();
  }
  @retry(1)
  async atOnce(_item: number): Promise<number> {
    return fail();
  }
  @retry(1)
  async late(_item: number): Promise<number> {
    return later();
  }
  @retry({ maxAttempts: 3, waitMin: 0 })
  async retried(_item: number): Promise<number> {
    return later();
  }
  @orchestrate({
    fallback: { value: 0, on: () => false },
    retry: { maxAttempts: 2, waitMin: 0 },
    rateLimit: 1e6,
    concurrency: 9,
  })
  async governed(_item: number): Promise<number> {
    return fail();
  }
  @retry(1)
  async throwing(item: unknown): Promise<void> {
    throw item;
  }
  @retry(1)
  static async make(_item: number): Promise<number> {
    return later();
  }
}

const service = new Service();
const crunch = new Crunch();
const orchestrator = new Orchestrator({ retry: { maxAttempts: 2, waitMin: 0 } });
const wrapped = orchestrator.wrap(later);

/** How often the line of a function stands in the stack of an error. */
const lines = (error: unknown, name = 'caller'): number =>
  String((error as Error).stack).match(new RegExp(`at (async )?${name} `, 'g'))?.length ?? 0;

const runs: Record<string, () => Promise<unknown>> = {
  'processAll() of a plain method': () => processAll(service, 'plain', [1]),
  'processAll(), thrown at once': () => processAll(service, 'atOnce', [1, 2]),
  'processAll(), thrown late': () => processAll(service, 'late', [1, 2]),
  'processAll(), thrown late for many items': () => processAll(service, 'late', source(100), { concurrency: 2 }),
  'processAll() over an async source': () => processAll(service, 'late', source(9, 'async')),
  'processAll(), after retries': () => processAll(service, 'retried', [1]),
  'processAll(), under every policy': () => processAll(service, 'governed', [1]),
  'processAll() of a static method': () => processAll(Service, 'make', [1]),
  'processAll() of a cpuBound method': () => processAll(crunch, 'odd', [1, 3]),
  'processStream()': () => all(processStream(service, 'late', [1, 2])),
  'processStream(), as they come': () => all(processStream(service, 'late', [1, 2], { ordered: false })),
  'processStream(), under every policy': () => all(processStream(service, 'governed', source(9, 'async'))),
  'Orchestrator.process()': () => orchestrator.process(later, [1]),
  'Orchestrator.process() with several functions': () => orchestrator.process([String, later], [1, 2]),
  'Orchestrator.stream()': () => all(orchestrator.stream(later, [1])),
  'wrapped.process()': () => wrapped.process([1]),
  'wrapped.stream()': () => all(wrapped.stream([1])),
  'processAll(), thrown by the source': () => processAll(service, 'late', source(9, 'sync', fail)),
  'processAll(), thrown by an async source': () => processAll(service, 'late', source(9, 'async', fail)),
  'processAll(), thrown by the source as it is opened': () =>
    processAll(service, 'late', { [Symbol.iterator]: fail } as unknown as number[]),
  "processAll(), thrown by the source, with onError 'collect'": () =>
    processAll(service, 'late', source(9, 'async', fail), { onError: 'collect' }),
  'processAll(), thrown by onProgress': () =>
    processAll({ same: (item: number) => item }, 'same', [1], { onProgress: fail }),
};

describe('the caller stands in the stack of what fails under', () => {
  for (const [name, run] of Object.entries(runs)) {
    test(name, async () => {
      async function caller(): Promise<void> {
        await run();
      }
      const error = await rejection(caller());
      assert.ok(error instanceof Error);
      assert.equal(lines(error), 1, error.stack);
    });
  }

  test("onError: 'collect', in the error of the item and in what the item failed with", async () => {
    async function caller(): Promise<unknown[]> {
      return await processAll(service, 'late', [1, 2], { onError: 'collect' });
    }
    const results = await caller();
    assert.equal(results.length, 2);
    for (const error of results) {
      assert.ok(error instanceof ItemError);
      assert.equal(lines(error), 1);
      assert.ok(error.stack?.startsWith('ItemError: item '));
      assert.doesNotMatch(String(error.stack), /src.items|dist/);
      assert.equal(lines(error.cause), 1);
    }
  });

  test('two runs, one in the other: both callers', async () => {
    async function inner(item: number): Promise<number[]> {
      return await processAll(service, 'late', [item]);
    }
    async function caller(): Promise<void> {
      await processAll({ inner }, 'inner', [1]);
    }
    const error = await rejection(caller());
    assert.deepEqual([lines(error), lines(error, '\\S*inner')], [1, 1], (error as Error).stack);
  });
});

describe('what was thrown', () => {
  test('is the very object, with the fields that it had', async () => {
    const error = Object.assign(new TypeError('no'), { code: 7 });
    const keys = Reflect.ownKeys(error);
    assert.equal(await rejection(processAll(service, 'throwing', [error])), error);
    assert.deepEqual(Reflect.ownKeys(error), keys);
    assert.match(String(error.stack), /^TypeError: no\n/);
  });

  test('for many items, and in many runs, tells of one caller once', async () => {
    const error = new Error('the same each time');
    async function caller(): Promise<void> {
      await processAll(service, 'throwing', [error, error, error], { onError: 'collect' });
    }
    for (let i = 0; i < 3; i++) await caller();
    assert.equal(lines(error), 1);
  });

  test('from another realm tells of the caller too', async () => {
    const error = runInNewContext('new Error("far away")') as unknown;
    async function caller(): Promise<void> {
      await processAll(service, 'throwing', [error]);
    }
    assert.equal(await rejection(caller()), error);
    assert.equal(lines(error), 1);
  });

  test('and cannot be changed, or is no error, arrives as it is', async () => {
    const odd = { stack: 'of plates' };
    for (const thrown of [Object.freeze(new Error('frozen')), odd, 'text', undefined]) {
      assert.equal(await rejection(processAll(service, 'throwing', [thrown])), thrown);
    }
    assert.deepEqual(odd, { stack: 'of plates' });
  });

  test('and cannot even be looked at ends the run, or fails its item, like anything else', async () => {
    const fail = (thrown: unknown): never => {
      throw thrown;
    };
    const refuse = (): never => fail(new Error('hands off'));
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [proxy, new Proxy({}, { getPrototypeOf: refuse })]) {
      const target = { work: (): never => fail(thrown) };
      // Such a proxy may not be the result of a promise, which would look at it.
      const ended = processAll(target, 'work', [1]).then(
        () => false,
        (error: unknown) => error === thrown,
      );
      assert.ok(await ended);
      const [failed] = await processAll(target, 'work', [1], { onError: 'collect' });
      assert.ok((failed as unknown) instanceof ItemError);
      assert.ok((failed as ItemError).cause === thrown);
    }
  });

  test('in a program whose stacks have no lines gets none', async () => {
    const { stackTraceLimit } = Error;
    const error = Object.assign(new TypeError('no'), { stack: 'TypeError: no' });
    const failure = Object.assign(new Error('no'), { stack: 'Failure: no' });
    try {
      Error.stackTraceLimit = 0;
      await rejection(processAll(service, 'throwing', [failure]));
      const [failed] = await processAll(service, 'throwing', [error], { onError: 'collect' });
      assert.deepEqual([failure.stack, error.stack], ['Failure: no', 'TypeError: no']);
      assert.equal((failed as ItemError).stack, 'ItemError: item 0 failed: no');
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });

  test('where a program formats stacks in a way that throws arrives as it is', async () => {
    const { prepareStackTrace } = Error;
    const error = Object.assign(new Error('no'), { stack: 'Error: no' });
    try {
      Error.prepareStackTrace = () => {
        throw new Error('the formatter');
      };
      assert.equal(await rejection(processAll(service, 'throwing', [error])), error);
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
  });

  test('where a program formats stacks in its own way is left alone', async () => {
    const { prepareStackTrace } = Error;
    const error = new Error('no');
    try {
      Error.prepareStackTrace = (_error, sites) => sites.length;
      assert.equal(await rejection(processAll(service, 'throwing', [error])), error);
      assert.equal(typeof error.stack, 'number');
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
  });

  test('as the reason of an abort is left alone, as it is none of the run', async () => {
    const reason = new Error('enough');
    const { stack } = reason;
    async function caller(): Promise<void> {
      await processAll(service, 'late', [1], { signal: AbortSignal.abort(reason) });
    }
    assert.equal(await rejection(caller()), reason);
    assert.equal(reason.stack, stack);
  });
});
