import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  AllFailedError,
  CircuitOpenError,
  ConfigurationError,
  concurrency,
  fallback,
  ItemError,
  JobError,
  LeaseLostError,
  orchestrate,
  RejectedError,
  RetryError,
  rateLimit,
  retry,
  StoreError,
  TimeoutError,
  timeout,
  WorkerError,
} from 'opero';
import { flush } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';

const thrown = [
  new Error('an error'),
  new TypeError('another'),
  'text',
  '',
  0,
  null,
  undefined,
  { code: 1 },
  Symbol('s'),
];

describe('an error of the method arrives as thrown', () => {
  for (const error of thrown) {
    for (const how of ['thrown at once', 'rejected', 'thrown after an await'] as const) {
      test(`the same ${error instanceof Error ? error.name : String(error)}, ${how}, under every policy`, async () => {
        class Shop {
          @orchestrate({
            fallback: { value: 'value', on: () => false },
            retry: { maxAttempts: 2, waitMin: 0 },
            rateLimit: 100,
            concurrency: 9,
          })
          buy(_signal?: AbortSignal): Promise<string> {
            if (how === 'thrown at once') throw error;
            if (how === 'rejected') return Promise.reject(error);
            return flush().then(() => {
              throw error;
            });
          }
        }
        const own = error instanceof Error ? Reflect.ownKeys(error) : [];
        assert.equal(await rejection(new Shop().buy()), error);
        assert.equal(await rejection(new Shop().buy(new AbortController().signal)), error);
        if (error instanceof Error) assert.deepEqual(Reflect.ownKeys(error), own);
      });
    }
  }

  test('a synchronous throw is a rejection under each policy alone', async () => {
    const boom = new Error('boom');
    const buy = (): Promise<void> => {
      throw boom;
    };
    class Market {
      @retry(1)
      retry(): Promise<void> {
        return buy();
      }
      @rateLimit(9)
      rateLimit(): Promise<void> {
        return buy();
      }
      @concurrency(9)
      concurrency(): Promise<void> {
        return buy();
      }
      @fallback({ value: undefined, on: TypeError })
      fallback(): Promise<void> {
        return buy();
      }
    }
    for (const name of ['retry', 'rateLimit', 'concurrency', 'fallback'] as const) {
      let call: Promise<void> | undefined;
      assert.doesNotThrow(() => {
        call = new Market()[name]();
      });
      assert.ok(call instanceof Promise);
      assert.equal(await rejection(call), boom);
    }
  });

  test('a decorated method always returns a promise, whatever its code returns', async () => {
    // biome-ignore lint/suspicious/noThenProperty: what a thenable comes to is what is tested
    const thenable = { then: (resolve: (value: string) => void) => resolve('then') };
    for (const [value, expected] of [
      ['plain', 'plain'],
      [undefined, undefined],
      [Promise.resolve('promise'), 'promise'],
      [thenable, 'then'],
    ] as const) {
      class Shop {
        @retry()
        buy(_signal?: AbortSignal): unknown {
          return value;
        }
      }
      for (const call of [new Shop().buy(), new Shop().buy(new AbortController().signal)]) {
        assert.ok(call instanceof Promise);
        assert.equal(await call, expected);
      }
    }
  });
});

describe('the caller stands in the async stack of an error', () => {
  const gate = { open: deferred() };
  class Shop {
    @retry({ maxAttempts: 1 })
    @rateLimit(1000)
    @concurrency(100)
    async direct(..._args: unknown[]): Promise<void> {
      await undefined;
      throw new Error('no');
    }
    @fallback('broken')
    async alternative(..._args: unknown[]): Promise<void> {
      throw new Error('own');
    }
    async broken(..._args: unknown[]): Promise<void> {
      await undefined;
      throw new Error('no');
    }
    @concurrency(1)
    async queued(fails: boolean, ..._args: unknown[]): Promise<void> {
      await gate.open.promise;
      if (fails) throw new Error('no');
    }
    @concurrency({ limit: 1, maxWait: 60_000 })
    async queuedFor(fails: boolean, ..._args: unknown[]): Promise<void> {
      await gate.open.promise;
      if (fails) throw new Error('no');
    }
    @rateLimit({ rate: 1, per: 5 })
    async limited(fails: boolean, ..._args: unknown[]): Promise<void> {
      await undefined;
      if (fails) throw new Error('no');
    }
    @fallback({ value: undefined, on: () => false })
    @retry({ maxAttempts: 2, waitMin: 0, abortOn: () => true })
    @rateLimit(1e6)
    @concurrency(1000)
    async atOnce(..._args: unknown[]): Promise<void> {
      throw new Error('no');
    }
    @retry({ maxAttempts: 3, waitMin: 1, jitter: 'none' })
    async retried(..._args: unknown[]): Promise<void> {
      await undefined;
      throw new Error('no');
    }
    @retry({ maxAttempts: 3, waitMin: 0, retryOn: async () => true })
    async asked(..._args: unknown[]): Promise<void> {
      throw new Error('no');
    }
    @retry({ maxAttempts: 2, waitMin: 0, rethrow: false })
    async collected(..._args: unknown[]): Promise<void> {
      await undefined;
      throw new Error('no');
    }
    @retry({
      waitMin: 0,
      onRetry() {
        throw new Error('no');
      },
    })
    async hooked(..._args: unknown[]): Promise<void> {
      throw new Error('own');
    }
    @fallback({
      value: undefined,
      on: async () => {
        await undefined;
        throw new Error('no');
      },
    })
    async judged(..._args: unknown[]): Promise<void> {
      throw new Error('own');
    }
    @concurrency({ limit: 1, maxWait: 1 })
    async late(..._args: unknown[]): Promise<void> {
      await gate.open.promise;
    }
    @timeout(1)
    async bounded(..._args: unknown[]): Promise<void> {
      await gate.open.promise;
    }
    @timeout({ total: 1 })
    async boundedInAll(..._args: unknown[]): Promise<void> {
      await gate.open.promise;
    }
    @timeout({ attempt: 60_000, total: 60_000 })
    @concurrency(1)
    async failsInTime(..._args: unknown[]): Promise<void> {
      await undefined;
      throw new Error('no');
    }
    @concurrency({ limit: 1, maxQueue: 0 })
    async full(..._args: unknown[]): Promise<void> {
      await gate.open.promise;
    }
  }

  const shop = new Shop();
  const cases: [string, (...args: unknown[]) => Promise<void>, (error: unknown) => unknown][] = [
    ['directly', (...args) => shop.direct(...args), (error) => error],
    ['at once, through four policies', (...args) => shop.atOnce(...args), (error) => error],
    [
      'after queueing for a slot',
      async (...args) => {
        shop.queued(false);
        const call = shop.queued(true, ...args);
        gate.open.resolve();
        await call;
      },
      (error) => error,
    ],
    [
      'after queueing for a slot with a maxWait',
      async (...args) => {
        shop.queuedFor(false);
        const call = shop.queuedFor(true, ...args);
        gate.open.resolve();
        await call;
      },
      (error) => error,
    ],
    [
      'after queueing at a rate limit',
      async (...args) => {
        shop.limited(false);
        await shop.limited(true, ...args);
      },
      (error) => error,
    ],
    ['after retries with waits', (...args) => shop.retried(...args), (error) => error],
    ['after retries with an async matcher', (...args) => shop.asked(...args), (error) => error],
    ['in a RetryError', (...args) => shop.collected(...args), (error) => error],
    [
      'in a RetryError, in the last error of it',
      (...args) => shop.collected(...args),
      (error) => (error as Error).cause,
    ],
    ['in what a hook throws', (...args) => shop.hooked(...args), (error) => error],
    ['in what an async matcher throws', (...args) => shop.judged(...args), (error) => error],
    [
      'in a RejectedError after a wait',
      async (...args) => {
        const first = shop.late();
        try {
          await shop.late(...args);
        } finally {
          gate.open.resolve();
          await first;
        }
      },
      (error) => error,
    ],
    ['in a TimeoutError of an attempt', (...args) => shop.bounded(...args), (error) => error],
    ['in a TimeoutError in all', (...args) => shop.boundedInAll(...args), (error) => error],
    ["in the method's own error beneath timeouts", (...args) => shop.failsInTime(...args), (error) => error],
    ['in an AllFailedError', (...args) => shop.alternative(...args), (error) => error],
    ["in a fallback's own error", (...args) => shop.alternative(...args), (error) => (error as Error).cause],
    [
      "in the method's own error, a fallback later",
      (...args) => shop.alternative(...args),
      (error) => {
        return (error as AllFailedError).errors[0];
      },
    ],
    [
      'in a RejectedError',
      async (...args) => {
        const first = shop.full();
        try {
          await shop.full(...args);
        } finally {
          gate.open.resolve();
          await first;
        }
      },
      (error) => error,
    ],
  ];

  for (const [name, run, part] of cases) {
    for (const signal of [undefined, new AbortController().signal]) {
      test(`${name}${signal ? ', under a signal' : ''}`, async () => {
        gate.open = deferred();
        async function caller(): Promise<void> {
          await run(signal);
        }
        const error = part(await rejection(caller()));
        assert.ok(error instanceof Error);
        assert.match(String(error.stack), /at (async )?caller /);
      });
    }
  }
});

describe('the class', () => {
  const cause = new TypeError('last');
  const first = new Error('first');
  const cases = [
    [ConfigurationError, new ConfigurationError('text'), 'text', undefined],
    [WorkerError, new WorkerError('text', { cause }), 'text', cause],
    [TimeoutError, new TimeoutError('text', 50, 'total', { cause }), 'text', cause],
    [RetryError, new RetryError('text', [first, cause]), 'text', cause],
    [AllFailedError, new AllFailedError('text', [first, cause]), 'text', cause],
    [RejectedError, new RejectedError('text', 'rateLimit', 'queue-full'), 'text', undefined],
    [ItemError, new ItemError('item', 3, cause), 'item 3 failed: last', cause],
    [JobError, new JobError('text', 'failed', { cause }), 'text', cause],
    [StoreError, new StoreError('text', { cause }), 'text', cause],
    [LeaseLostError, new LeaseLostError('text'), 'text', undefined],
  ] as const;
  for (const [type, error, message, expectedCause] of cases) {
    test(`${type.name} is an Error with name, message, stack and cause, and can be extended`, () => {
      assert.ok(error instanceof Error);
      assert.ok(error instanceof type);
      for (const [other] of cases) if (other !== type) assert.ok(!(error instanceof other));
      assert.equal(error.name, type.name);
      assert.equal(error.message, message);
      assert.equal(error.cause, expectedCause);
      assert.ok(error.stack?.startsWith(`${type.name}: ${message}`), error.stack);
      assert.equal(String(error), `${type.name}: ${message}`);
      assert.ok(!Object.keys(error).includes('name'));
      assert.equal(Object.prototype.toString.call(error), '[object Error]');
    });
  }

  test('RetryError has errors', () => {
    assert.deepEqual(new RetryError('text', [first, undefined]).errors, [first, undefined]);
    assert.equal(new RetryError('text', [first, undefined]).cause, undefined);
  });

  test('AllFailedError is an AggregateError with errors, whatever they are', () => {
    const error = new AllFailedError('text', [first, 'text', null]);
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(error.errors, [first, 'text', null]);
    assert.equal(error.cause, null);
  });

  test('RejectedError has the policy and the reason', async () => {
    const { policy, reason } = new RejectedError('text', 'concurrency', 'wait-timeout');
    assert.deepEqual({ policy, reason }, { policy: 'concurrency', reason: 'wait-timeout' });
    class Shop {
      @rateLimit({ rate: 1, per: 60_000, maxQueue: 0 })
      async rate(): Promise<void> {}
      @rateLimit({ rate: 1, per: 60_000, maxWait: 1 })
      async patient(): Promise<void> {}
      @concurrency({ limit: 1, maxWait: 0 })
      slot(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const shop = new Shop();
    for (const [name, expected] of [
      ['rate', { policy: 'rateLimit', reason: 'queue-full' }],
      ['patient', { policy: 'rateLimit', reason: 'wait-timeout' }],
      ['slot', { policy: 'concurrency', reason: 'wait-timeout' }],
    ] as const) {
      shop[name]();
      const error = await rejection(shop[name]());
      assert.ok(error instanceof RejectedError);
      assert.deepEqual({ policy: error.policy, reason: error.reason }, expected);
      assert.match(error.message, new RegExp(`Shop\\.${name}`));
    }
  });

  test('CircuitOpenError has its cause as other errors have theirs', () => {
    const inherited = Object.getOwnPropertyDescriptor(new Error('text', { cause }), 'cause');
    const own = new CircuitOpenError('text', 'open', 5, cause);
    assert.deepEqual(Object.getOwnPropertyDescriptor(own, 'cause'), inherited);
  });

  test('ItemError has the item, its index and the cause, whatever was thrown', () => {
    for (const [each, told] of [
      [cause, 'last'],
      ['text', 'text'],
      [null, 'null'],
      [undefined, 'undefined'],
      [7, '7'],
      [{ code: { of: { the: 'day' } } }, '{ code: [Object] }'],
      [Object.create(null), '[Object: null prototype] {}'],
    ] as const) {
      const item = { id: 1 };
      const error = new ItemError(item, 0, each);
      assert.equal(error.item, item);
      assert.equal(error.index, 0);
      assert.equal(error.cause, each);
      assert.equal(error.message, `item 0 failed: ${told}`);
    }
    // What cannot be turned into text is no reason to lose the item.
    const odd = [
      Object.assign(new Error(), { message: Symbol('odd') }),
      Object.defineProperty(new Error(), 'message', {
        get() {
          throw new Error('not for you');
        },
      }),
    ];
    for (const each of odd) assert.equal(new ItemError(1, 0, each).cause, each);
    assert.equal(new ItemError(1, 0, odd[0]).message, 'item 0 failed: Symbol(odd)');
    assert.equal(new ItemError(1, 0, odd[1]).message, 'item 0 failed: with something that cannot be read');
    const symbol = Symbol('s');
    assert.equal(new ItemError(1, 0, symbol).cause, symbol);
    assert.equal(new ItemError(1, 0, symbol).message, 'item 0 failed: Symbol(s)');
  });
});
