import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConcurrencyLimiter, ConfigurationError, concurrency, RateLimiter, rateLimit } from 'opero';
import { memoryStore } from 'opero/testing';

const says = (pattern: RegExp) => (error: unknown) =>
  error instanceof ConfigurationError && pattern.test((error as Error).message);

describe('limits of one name in a store', () => {
  const store = memoryStore();

  test('stand at most once in a stack', () => {
    const rate = { rate: 1, store, name: 'api' };
    const slots = { limit: 1, store, name: 'api' };
    const later = { limit: 1, store: () => store, name: 'api' };
    for (const stack of [
      [slots, slots],
      [slots, { ...slots, key: (key: string) => key }],
      [later, later],
      [new ConcurrencyLimiter(slots), new ConcurrencyLimiter(slots)],
      [new ConcurrencyLimiter(slots), slots],
    ]) {
      assert.throws(
        () => {
          class Api {
            @concurrency(stack as [typeof slots])
            async get(_key: string): Promise<void> {}
          }
          return Api;
        },
        says(/@concurrency on method `get`: a (`name`|limiter) stands there twice; each call would take from it twice/),
      );
    }
    for (const stack of [
      [rate, rate],
      [new RateLimiter(rate), rate],
    ]) {
      assert.throws(
        () => {
          class Api {
            @rateLimit(stack as [typeof rate])
            async get(): Promise<void> {}
          }
          return Api;
        },
        says(/stands there twice/),
      );
    }
  });

  test('may be those of different names, stores and kinds', async () => {
    class Api {
      @rateLimit([
        { rate: 1, store, name: 'one' },
        { rate: 1, store, name: 'other' },
      ])
      @concurrency([{ limit: 1, store, name: 'one' }, { limit: 1, store: memoryStore(), name: 'one' }, { limit: 1 }])
      async get(): Promise<string> {
        return 'got';
      }
    }
    assert.equal(await new Api().get(), 'got');
  });

  test('are taken in one order: against it, two methods would wait for each other', () => {
    const one = { limit: 1, store, name: 'first' };
    const other = { limit: 1, store, name: 'second' };
    class Api {
      @concurrency([one, other])
      async get(): Promise<void> {}
    }
    class Other {
      @concurrency([other, new ConcurrencyLimiter(one)])
      async get(): Promise<void> {}
    }
    new Api();
    assert.throws(() => new Other(), says(/Other\.get: .* against that of Api\.get/));
  });

  test('need a finite `maxWait` on a class, whose methods may call each other', async () => {
    const slots = { limit: 1, store, name: 'class' };
    assert.throws(
      () => {
        @concurrency(slots)
        class Api {
          async get(): Promise<void> {}
        }
        return Api;
      },
      says(/expected `maxWait` to be finite where a whole class shares a limit of one `name`, got Infinity/),
    );
    @concurrency({ ...slots, maxWait: 1000 })
    class Api {
      async get(): Promise<string> {
        return 'got';
      }
    }
    assert.equal(await new Api().get(), 'got');
  });
});
