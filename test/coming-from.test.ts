// What the chapters "Coming from …" of src/README.md say of other libraries, tried on them and on opero side by side.
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { isRejectedError, isTimeoutError, Orchestrator, RejectedError } from 'opero';
import pLimit from 'p-limit';
import pMemoize from 'p-memoize';
import { CircuitBreaker, cockatiel, PQueue, pRetry, RetryAbort } from './bench/newest.js';
import { deferred } from './support/deferred.js';
import { rejection } from './support/rejection.js';

const {
  BulkheadRejectedError,
  bulkhead,
  retry: cockatielRetry,
  fallback: elsewise,
  handleAll,
  handleWhenResult,
} = cockatiel;

const atOnce = { minTimeout: 0 };
const noWait = { waitMin: 0 };

/** A function that always fails, and counts how often it is called. */
function failing(error: unknown = new Error('no answer')) {
  const fn = async (): Promise<never> => {
    fn.calls++;
    throw error;
  };
  fn.calls = 0;
  return fn;
}

describe('p-retry', () => {
  test('counts the retries, where opero counts the attempts', async () => {
    const [there, here] = [failing(), failing()];
    await rejection(pRetry(there, { ...atOnce, retries: 2 }));
    await rejection(new Orchestrator({ retry: { ...noWait, maxAttempts: 3 } }).execute(here));
    assert.deepEqual([there.calls, here.calls], [3, 3]);
  });

  test('makes 11 attempts where nothing is said, and opero 3', async () => {
    const [there, here] = [failing(), failing()];
    await rejection(pRetry(there, atOnce));
    await rejection(new Orchestrator({ retry: noWait }).execute(here));
    assert.deepEqual([there.calls, here.calls], [11, 3]);
  });

  test('tells of the last failure too, where onRetry is called before waits alone', async () => {
    const told = { there: 0, here: 0 };
    await rejection(pRetry(failing(), { ...atOnce, retries: 2, onFailedAttempt: () => void told.there++ }));
    const retry = { ...noWait, maxAttempts: 3, onRetry: () => void told.here++ };
    await rejection(new Orchestrator({ retry }).execute(failing()));
    assert.deepEqual(told, { there: 3, here: 2 });
  });

  test('does not retry a TypeError, save those of lost connections', async () => {
    const [own, lost, here] = [
      failing(new TypeError('x')),
      failing(new TypeError('fetch failed')),
      failing(TypeError()),
    ];
    await rejection(pRetry(own, { ...atOnce, retries: 1 }));
    await rejection(pRetry(lost, { ...atOnce, retries: 1 }));
    await rejection(new Orchestrator({ retry: { ...noWait, maxAttempts: 2 } }).execute(here));
    assert.deepEqual([own.calls, lost.calls, here.calls], [1, 2, 2]);
  });

  test('ends at an AbortError with the error that it holds, as abortOn does', async () => {
    const error = new RangeError('gone');
    const [there, here] = [failing(new RetryAbort(error)), failing(error)];
    assert.equal(await rejection(pRetry(there, { ...atOnce, retries: 2 })), error);
    assert.equal(await rejection(new Orchestrator({ retry: { ...noWait, abortOn: RangeError } }).execute(here)), error);
    assert.deepEqual([there.calls, here.calls], [1, 1]);
  });

  test('makes a TypeError of what is no error, where opero lets it through', async () => {
    assert.ok((await rejection(pRetry(failing('no'), { retries: 0 }))) instanceof TypeError);
    assert.equal(await rejection(new Orchestrator({ retry: { maxAttempts: 1 } }).execute(failing('no'))), 'no');
  });

  test('waits for an attempt that runs when the signal aborts, where opero rejects at once', async () => {
    const work = deferred();
    const cancel = new AbortController();
    const { signal } = cancel;
    let settled = false;
    const there = rejection(pRetry(() => work.promise, { signal })).finally(() => {
      settled = true;
    });
    const here = rejection(new Orchestrator({ retry: 2 }).execute((_: AbortSignal) => work.promise, signal));
    cancel.abort(new Error('stop'));
    assert.equal(await here, signal.reason);
    assert.equal(settled, false);
    work.resolve();
    assert.equal(await there, signal.reason);
  });
});

describe('p-limit', () => {
  test('limits several functions together, as an Orchestrator does', async () => {
    const gate = deferred();
    const limit = pLimit(1);
    const orchestrator = new Orchestrator({ concurrency: 1 });
    const run = { there: 0, here: 0 };
    const calls = [1, 2].flatMap(() => [
      limit(() => {
        run.there++;
        return gate.promise;
      }),
      orchestrator.execute(() => {
        run.here++;
        return gate.promise;
      }),
    ]);
    await new Promise(setImmediate);
    assert.deepEqual(run, { there: 1, here: 1 });
    assert.deepEqual([limit.activeCount, limit.pendingCount], [1, 1]);
    assert.deepEqual([orchestrator.stats.running, orchestrator.stats.queued], [1, 1]);
    gate.resolve();
    await Promise.all(calls);
  });

  test('gives a mapper the index too, where opero gives the item alone', async () => {
    const count = async (...args: unknown[]): Promise<number> => args.length;
    assert.deepEqual(await pLimit(1).map(['a'], count), [2]);
    assert.deepEqual(await new Orchestrator({ concurrency: 1 }).process(count, ['a']), [1]);
  });
});

describe('p-queue', () => {
  test('has the highest priority go first, as opero does', async () => {
    const order: string[] = [];
    const queue = new PQueue({ concurrency: 1 });
    const there = async (name: string, priority: number): Promise<unknown> =>
      queue.add(() => order.push(name), { priority });
    await Promise.all([there('one', 0), there('two', 0), there('urgent', 1)]);
    const run = new Orchestrator({
      concurrency: { limit: 1, priority: (...[, priority]: unknown[]) => priority as number },
    }).wrap(async (name: string, _priority: number) => order.push(name));
    await Promise.all([run('one', 0), run('two', 0), run('urgent', 1)]);
    assert.deepEqual(order, ['one', 'urgent', 'two', 'one', 'urgent', 'two']);
  });

  test('frees the slot when the time is up, where opero waits for the end of the work', async () => {
    const queue = new PQueue({ concurrency: 1, timeout: 1 });
    await rejection(queue.add(() => new Promise(() => {})));
    assert.equal(await queue.add(() => 'next'), 'next');
    const orchestrator = new Orchestrator({ concurrency: { limit: 1, maxQueue: 0 }, timeout: 1 });
    await rejection(orchestrator.execute(() => new Promise(() => {})));
    assert.ok((await rejection(orchestrator.execute(() => 'next'))) instanceof RejectedError);
  });
});

describe('p-memoize', () => {
  test('makes the key of the first argument, where opero makes it of all', async () => {
    const add = async (a: number, b: number): Promise<number> => a + b;
    const there = pMemoize(add);
    assert.deepEqual([await there(1, 1), await there(1, 2)], [2, 2]);
    const here = new Orchestrator({ cache: 1_000 }).wrap(add);
    assert.deepEqual([await here(1, 1), await here(1, 2)], [2, 3]);
  });
});

describe('cockatiel', () => {
  test('counts the retries in maxAttempts, where opero counts the attempts', async () => {
    const [there, here] = [failing(), failing()];
    await rejection(cockatielRetry(handleAll, { maxAttempts: 2 }).execute(there));
    await rejection(new Orchestrator({ retry: { ...noWait, maxAttempts: 2 } }).execute(here));
    assert.deepEqual([there.calls, here.calls], [3, 2]);
  });

  test('calls once more where the signal aborts while it waits, where opero does not', async () => {
    const cancel = new AbortController();
    const [there, here] = [failing(), failing()];
    const policy = cockatielRetry(handleAll, { maxAttempts: 5 });
    policy.onRetry(() => cancel.abort(new Error('stop')));
    await rejection(policy.execute(there, cancel.signal));
    const again = new AbortController();
    const retry = { maxAttempts: 5, waitMin: 60_000, onRetry: () => again.abort(new Error('stop')) };
    await rejection(new Orchestrator({ retry }).execute((_: AbortSignal) => here(), again.signal));
    assert.deepEqual([there.calls, here.calls], [2, 1]);
  });

  test('gives the last value where results are retried, as retryResult does', async () => {
    const isEmpty = (value: unknown): boolean => value === '';
    assert.equal(await cockatielRetry(handleWhenResult(isEmpty), { maxAttempts: 1 }).execute(() => ''), '');
    const retry = { ...noWait, maxAttempts: 2, retryResult: isEmpty };
    assert.equal(await new Orchestrator({ retry }).execute(() => ''), '');
  });

  test('has a bulkhead without a queue where nothing is said, as maxQueue: 0', async () => {
    const gate = deferred();
    const wall = bulkhead(1);
    const orchestrator = new Orchestrator({ concurrency: { limit: 1, maxQueue: 0 } });
    const held = [wall.execute(() => gate.promise), orchestrator.execute(() => gate.promise)];
    assert.ok((await rejection(wall.execute(() => {}))) instanceof BulkheadRejectedError);
    assert.ok((await rejection(orchestrator.execute(() => {}))) instanceof RejectedError);
    gate.resolve();
    await Promise.all(held);
  });

  test('calls a fallback without arguments, where opero gives it those of the method', async () => {
    const count = (...args: unknown[]): number => args.length;
    assert.equal(await elsewise(handleAll, count).execute(failing()), 0);
    assert.equal(await new Orchestrator({ fallback: [count] }).execute((_: string) => failing()(), 'a'), 1);
  });
});

describe('opossum', () => {
  test('has a timeout of ten seconds where nothing is said', () => {
    const options: { timeout?: number | false } = {};
    new CircuitBreaker(async () => {}, options).shutdown();
    assert.equal(options.timeout, 10_000);
  });

  test('turns away beyond its capacity, as maxQueue: 0 does', async () => {
    const gate = deferred();
    const breaker = new CircuitBreaker(() => gate.promise, { capacity: 1 });
    const first = breaker.fire();
    assert.equal(((await rejection(breaker.fire())) as { code?: string }).code, 'ESEMLOCKED');
    gate.resolve();
    await first;
    breaker.shutdown();
  });

  test('takes a slot for free when the timeout ends, where opero waits for the work', async () => {
    const gate = deferred();
    const breaker = new CircuitBreaker(() => gate.promise, { capacity: 1, timeout: 1, errorThresholdPercentage: 100 });
    await rejection(breaker.fire());
    assert.equal(((await rejection(breaker.fire())) as { code?: string }).code, 'ETIMEDOUT');
    breaker.shutdown();
    const orchestrator = new Orchestrator({ concurrency: 1 });
    const cancel = new AbortController();
    const call = rejection(orchestrator.execute((_: AbortSignal) => gate.promise, cancel.signal));
    cancel.abort();
    await call;
    assert.equal(orchestrator.stats.running, 1);
    gate.resolve();
  });

  test('knows its timeouts and rejections by isOurError, as isTimeoutError and isRejectedError do here', async () => {
    const never = (): Promise<never> => new Promise(() => {});
    const breaker = new CircuitBreaker(never, { timeout: 1, capacity: 1 });
    const there = await Promise.all([rejection(breaker.fire()), rejection(breaker.fire())]);
    assert.deepEqual(
      there.map((error) => CircuitBreaker.isOurError(error as Error)),
      [true, true],
    );
    breaker.shutdown();
    const orchestrator = new Orchestrator({ timeout: 1, concurrency: { limit: 1, maxQueue: 0 } });
    const here = await Promise.all([rejection(orchestrator.execute(never)), rejection(orchestrator.execute(never))]);
    assert.deepEqual(
      here.map((error) => [isTimeoutError(error), isRejectedError(error)]),
      [
        [true, false],
        [false, true],
      ],
    );
  });

  test('gives a fallback the error after the arguments', async () => {
    const breaker = new CircuitBreaker(async (_: string) => failing()(), {}).fallback(
      (...args: unknown[]) => args.length,
    );
    assert.equal(await breaker.fire('a'), 2);
    breaker.shutdown();
  });

  test('passes an error that errorFilter takes by the fallback', async () => {
    const error = new RangeError('not found');
    const breaker = new CircuitBreaker(failing(error), { errorFilter: (each) => each === error }).fallback(
      () => 'else',
    );
    assert.equal(await rejection(breaker.fire()), error);
    breaker.shutdown();
  });
});
