import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import fc from 'fast-check';
import { AllFailedError, ConfigurationError, concurrency, currentCall, fallback, retry, statsOf } from 'opero';
import { flush } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';

class Busy extends Error {}
class VeryBusy extends Busy {}
class Broken extends Error {}

const boom = new Error('boom');

describe('the alternatives of a fallback', () => {
  test('are not called while the method works', async () => {
    const other = mock.fn(async () => 'other');
    class Shop {
      @fallback(other)
      async buy(): Promise<string> {
        return 'bought';
      }
    }
    assert.equal(await new Shop().buy(), 'bought');
    assert.equal(other.mock.callCount(), 0);
    assert.equal(statsOf(Shop, 'buy').fallbacks, 0);
  });

  for (const result of [undefined, null, false, 0, '']) {
    test(`are not called when the method returns ${JSON.stringify(result)}`, async () => {
      class Shop {
        @fallback({ alternatives: [async () => 'other'], value: 'value' })
        async buy(): Promise<unknown> {
          return result;
        }
      }
      assert.equal(await new Shop().buy(), result);
    });
  }

  test('may be names of async and of sync methods', async () => {
    class Shop {
      @fallback('sync', 'async')
      async buy(item: string): Promise<string> {
        throw new Busy(item);
      }
      sync(item: string): string {
        if (item === 'rare') throw new Busy(item);
        return `sync ${item}`;
      }
      async async(item: string): Promise<string> {
        return `async ${item}`;
      }
    }
    const shop = new Shop();
    assert.equal(await shop.buy('bread'), 'sync bread');
    assert.equal(await shop.buy('rare'), 'async rare');
  });

  test('may be functions, sync and async, mixed with names', async () => {
    const order: string[] = [];
    class Shop {
      @fallback(
        (item: string) => {
          order.push('sync');
          throw new Busy(item);
        },
        'named',
        async (item: string) => {
          order.push('async');
          return `async ${item}`;
        },
      )
      async buy(_item: string): Promise<string> {
        order.push('own');
        throw new Busy();
      }
      async named(_item: string): Promise<string> {
        order.push('named');
        throw new Busy();
      }
    }
    assert.equal(await new Shop().buy('bread'), 'async bread');
    assert.deepEqual(order, ['own', 'sync', 'named', 'async']);
  });

  test('may stand in an options object', async () => {
    class Shop {
      @fallback({ alternatives: ['other', async () => 'function'] })
      async buy(): Promise<string> {
        throw new Busy();
      }
      async other(): Promise<string> {
        throw new Busy();
      }
    }
    assert.equal(await new Shop().buy(), 'function');
  });

  test('are called with the same `this` and the same arguments', async () => {
    const seen: unknown[][] = [];
    class Shop {
      @fallback('named', function (this: Shop, ...args: unknown[]) {
        seen.push([this, ...args]);
        return 'done';
      })
      async buy(..._args: unknown[]): Promise<string> {
        throw new Busy();
      }
      async named(...args: unknown[]): Promise<string> {
        seen.push([this, ...args]);
        throw new Busy();
      }
    }
    const shop = new Shop();
    const token = {};
    await shop.buy(token, undefined, 3);
    assert.equal(seen.length, 2);
    for (const [self, first, ...rest] of seen) {
      assert.equal(self, shop);
      assert.equal(first, token);
      assert.deepEqual(rest, [undefined, 3]);
    }
  });

  test('are tried one after the other, and none after the first that works', async () => {
    const gate = deferred<string>();
    const second = mock.fn(() => gate.promise);
    const third = mock.fn(async () => 'third');
    class Shop {
      @fallback(() => Promise.reject(new Busy()), second, third)
      async buy(): Promise<string> {
        throw new Busy();
      }
    }
    const call = new Shop().buy();
    await flush();
    assert.equal(second.mock.callCount(), 1);
    assert.equal(third.mock.callCount(), 0);
    gate.resolve('second');
    assert.equal(await call, 'second');
    assert.equal(third.mock.callCount(), 0);
    assert.equal(statsOf(Shop, 'buy').fallbacks, 2);
  });

  test('work for a method that throws before it gives a promise', async () => {
    class Shop {
      @fallback('other')
      buy(): Promise<string> {
        throw new Busy();
      }
      async other(): Promise<string> {
        return 'other';
      }
    }
    assert.equal(await new Shop().buy(), 'other');
  });

  for (const thrown of [undefined, null, 'text', 0]) {
    test(`are called when the method throws ${JSON.stringify(thrown)}`, async () => {
      class Shop {
        @fallback('other')
        async buy(): Promise<string> {
          throw thrown;
        }
        async other(): Promise<string> {
          return 'other';
        }
      }
      assert.equal(await new Shop().buy(), 'other');
    });
  }

  test('of a static method are static methods, with the class as `this`', async () => {
    class Shop {
      static readonly sign = 'open';
      @fallback('other')
      static async buy(item: string): Promise<string> {
        throw new Busy(item);
      }
      static async other(item: string): Promise<string> {
        // biome-ignore lint/complexity/noThisInStatic: whether `this` is the class is what is tested
        return `${Shop.sign} ${this === Shop} ${item}`;
      }
      async other(item: string): Promise<string> {
        return `instance ${item}`;
      }
    }
    assert.equal(await Shop.buy('bread'), 'open true bread');
    assert.equal(await new Shop().other('bread'), 'instance bread');
  });

  test('of a static method are looked up on the class that it is called on', async () => {
    class Shop {
      readonly kind: string = 'shop';
      @fallback('other')
      static async buy(): Promise<string> {
        throw new Busy();
      }
      static async other(): Promise<string> {
        return 'base';
      }
    }
    class Corner extends Shop {
      override readonly kind = 'corner';
      static override async other(): Promise<string> {
        return 'corner';
      }
    }
    assert.equal(await Corner.buy(), 'corner');
    assert.equal(await Shop.buy(), 'base');
  });

  test('may be #private methods, reached by a function', async () => {
    class Shop {
      readonly #stock = 'shelf';
      @fallback((item: string) => Shop.#reach(item))
      static async buyAny(item: string): Promise<string> {
        throw new Busy(item);
      }
      static async #reach(item: string): Promise<string> {
        return `static ${item}`;
      }
      @fallback(function (this: Shop, item: string) {
        return this.#other(item);
      })
      async buy(item: string): Promise<string> {
        throw new Busy(item);
      }
      async #other(item: string): Promise<string> {
        return `${this.#stock} ${item}`;
      }
    }
    assert.equal(await new Shop().buy('bread'), 'shelf bread');
    assert.equal(await Shop.buyAny('bread'), 'static bread');
  });

  test('of a #private method may be public ones', async () => {
    class Shop {
      @fallback('other')
      async #buy(item: string): Promise<string> {
        throw new Busy(item);
      }
      async other(item: string): Promise<string> {
        return `other ${item}`;
      }
      buy(item: string): Promise<string> {
        return this.#buy(item);
      }
    }
    assert.equal(await new Shop().buy('bread'), 'other bread');
  });

  test('are the overrides of a subclass, and those that an instance got later', async () => {
    class Shop {
      @fallback('other')
      async buy(): Promise<string> {
        throw new Busy();
      }
      async other(): Promise<string> {
        return 'base';
      }
    }
    class Corner extends Shop {
      override async other(): Promise<string> {
        return `corner of ${await super.other()}`;
      }
    }
    assert.equal(await new Corner().buy(), 'corner of base');
    assert.equal(await new Shop().buy(), 'base');
    const shop = new Shop();
    shop.other = async () => 'own';
    assert.equal(await shop.buy(), 'own');
  });

  test('that the instance lacks by name fail at construction', () => {
    class Shop {
      @fallback('other')
      async buy(): Promise<string> {
        throw new Busy();
      }
      async other(): Promise<string> {
        return 'other';
      }
    }
    Reflect.deleteProperty(Shop.prototype, 'other');
    assert.throws(
      () => new Shop(),
      (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /Shop\.buy/);
        assert.match(error.message, /'other'/);
        return true;
      },
    );
  });
});

describe('an alternative that is decorated', () => {
  test('is a call of its own, with its own retries, limits and counts', async () => {
    let others = 0;
    const events: number[] = [];
    class Shop {
      @fallback('other')
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(): Promise<string> {
        throw new Busy();
      }
      @retry({ maxAttempts: 4, waitMin: 0, onRetry: ({ attempt }) => void events.push(attempt) })
      @concurrency(1)
      async other(): Promise<string> {
        if (++others < 4) throw new Broken();
        return 'other';
      }
    }
    assert.equal(await new Shop().buy(), 'other');
    assert.deepEqual(events, [1, 2, 3]);
    const own = statsOf(Shop, 'buy');
    const other = statsOf(Shop, 'other');
    assert.deepEqual([own.calls, own.attempts, own.retries, own.fallbacks, own.failures], [1, 2, 1, 1, 0]);
    assert.deepEqual([other.calls, other.attempts, other.retries, other.failures], [1, 4, 3, 0]);
  });

  test('has its own fallbacks, and counts as failed when they fail too', async () => {
    const [first, second, third] = [new Busy('first'), new Busy('second'), new Busy('third')];
    class Shop {
      @fallback('second')
      async first(): Promise<string> {
        throw first;
      }
      @fallback('third')
      async second(): Promise<string> {
        throw second;
      }
      async third(): Promise<string> {
        throw third;
      }
    }
    const error = await rejection(new Shop().first());
    assert.ok(error instanceof AllFailedError);
    assert.equal(error.errors.length, 2);
    assert.equal(error.errors[0], first);
    const [, inner] = error.errors;
    assert.ok(inner instanceof AllFailedError);
    assert.deepEqual(inner.errors, [second, third]);
    assert.equal(error.cause, inner);
  });

  test('may be a function that is a decorated method of another class', async () => {
    class Spare {
      readonly kind = 'spare';
      @retry({ maxAttempts: 3, waitMin: 0 })
      static async get(item: string): Promise<string> {
        if (currentCall().attempt < 3) throw new Broken();
        return `spare ${item}`;
      }
    }
    class Shop {
      @fallback(Spare.get)
      async buy(item: string): Promise<string> {
        throw new Busy(item);
      }
    }
    assert.equal(await new Shop().buy('bread'), 'spare bread');
  });

  test("is the base's code without its policies when it is the base's own method of that name", async () => {
    const seen: unknown[] = [];
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(): Promise<string> {
        return this.pay();
      }
      @retry({ maxAttempts: 2, waitMin: 0 })
      async pay(): Promise<string> {
        const { attempt, error } = currentCall();
        seen.push(attempt, error);
        return 'paid';
      }
    }
    class Corner extends Shop {
      @fallback(Shop.prototype.buy)
      override async buy(): Promise<string> {
        throw new Busy();
      }
    }
    assert.equal(await new Corner().buy(), 'paid');
    // A method that the alternative calls is a call of its own, to which no error has led.
    assert.deepEqual(seen, [1, undefined]);
  });
});

describe('alternatives that name each other', () => {
  test('two do not go round for ever, from either side', async () => {
    const order: string[] = [];
    class Shop {
      @fallback('b')
      async a(): Promise<string> {
        order.push('a');
        throw new Busy('a');
      }
      @fallback('a')
      async b(): Promise<string> {
        order.push('b');
        throw new Busy('b');
      }
    }
    for (const [name, other] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      order.length = 0;
      const error = await rejection(new Shop()[name]());
      assert.deepEqual(order, [name, other]);
      assert.ok(error instanceof AllFailedError);
      assert.deepEqual(
        error.errors.map((each) => (each as Error).message),
        [name, other],
      );
    }
  });

  test('a ring of three is gone round once, also with retries', async () => {
    const order: string[] = [];
    class Shop {
      @fallback('b')
      @retry({ maxAttempts: 2, waitMin: 0 })
      async a(): Promise<string> {
        order.push('a');
        throw new Busy();
      }
      @fallback('c')
      async b(): Promise<string> {
        order.push('b');
        throw new Busy();
      }
      @fallback('a')
      async c(): Promise<string> {
        order.push('c');
        throw new Busy();
      }
    }
    await rejection(new Shop().a());
    assert.deepEqual(order, ['a', 'a', 'b', 'c']);
  });

  test('the last resort of each still holds', async () => {
    class Shop {
      @fallback({ alternatives: ['b'], value: 'value of a' })
      async a(): Promise<string> {
        throw new Busy();
      }
      @fallback({ alternatives: ['a'], value: 'value of b' })
      async b(): Promise<string> {
        throw new Busy();
      }
    }
    assert.equal(await new Shop().a(), 'value of b');
    assert.equal(await new Shop().b(), 'value of a');
  });

  test('calls that the code makes itself are not held back', async () => {
    const order: string[] = [];
    class Shop {
      @fallback('b')
      async a(depth: number): Promise<string> {
        order.push(`a${depth}`);
        throw new Busy();
      }
      async b(depth: number): Promise<string> {
        order.push(`b${depth}`);
        if (depth === 0) return 'end';
        await flush();
        return this.a(depth - 1);
      }
    }
    assert.equal(await new Shop().a(2), 'end');
    assert.deepEqual(order, ['a2', 'b2', 'a1', 'b1', 'a0', 'b0']);
  });
});

describe('the value of a fallback', () => {
  for (const value of [undefined, null, false, 0, '', Number.NaN, 'text', Object.freeze({ list: [] }), [1, 2]]) {
    test(`may be ${JSON.stringify(value)}, and is given as it is`, async () => {
      class Shop {
        @fallback({ value } as { value: never })
        async buy(): Promise<unknown> {
          throw new Busy();
        }
      }
      assert.equal(await new Shop().buy(), value);
      const { fallbacks, failures } = statsOf(Shop, 'buy');
      assert.deepEqual({ fallbacks, failures }, { fallbacks: 1, failures: 0 });
    });
  }

  test('comes after every alternative', async () => {
    const order: string[] = [];
    class Shop {
      @fallback({ alternatives: ['first', 'second'], value: 'value' })
      async buy(): Promise<string> {
        throw new Busy();
      }
      async first(): Promise<string> {
        order.push('first');
        throw new Busy();
      }
      async second(): Promise<string> {
        order.push('second');
        throw new Busy();
      }
    }
    assert.equal(await new Shop().buy(), 'value');
    assert.deepEqual(order, ['first', 'second']);
    assert.equal(statsOf(Shop, 'buy').fallbacks, 3);
  });

  test('is not used when an alternative works', async () => {
    class Shop {
      @fallback({ alternatives: [async () => undefined], value: 'value' })
      async buy(): Promise<string | undefined> {
        throw new Busy();
      }
    }
    assert.equal(await new Shop().buy(), undefined);
    assert.equal(statsOf(Shop, 'buy').fallbacks, 1);
  });
});

describe('on', () => {
  const later = async <T>(value: T): Promise<T> => {
    await flush();
    return value;
  };
  for (const [form, on] of [
    ['a class', Busy],
    ['an array of classes', [TypeError, Busy]],
    ['a predicate', (error: unknown) => error instanceof Busy],
    ['an async predicate', (error: unknown) => later(error instanceof Busy)],
  ] as const) {
    test(`as ${form}: the errors meant lead to the alternatives, others pass through untouched`, async () => {
      for (const [error, meant] of [
        [new Busy(), true],
        [new VeryBusy(), true],
        [new Broken(), false],
        ['text', false],
        [undefined, false],
        [null, false],
      ] as const) {
        const other = mock.fn(async () => 'other');
        class Shop {
          @fallback({ alternatives: [other], value: 'value', on })
          async buy(): Promise<string> {
            throw error;
          }
        }
        if (meant) assert.equal(await new Shop().buy(), 'other');
        else assert.equal(await rejection(new Shop().buy()), error);
        assert.equal(other.mock.callCount(), meant ? 1 : 0);
        const { fallbacks, failures } = statsOf(Shop, 'buy');
        assert.deepEqual(
          { fallbacks, failures },
          meant ? { fallbacks: 1, failures: 0 } : { fallbacks: 0, failures: 1 },
        );
      }
    });
  }

  for (const [how, on] of [
    [
      'throws',
      () => {
        throw boom;
      },
    ],
    ['rejects', () => Promise.reject(boom)],
  ] as const) {
    test(`when the predicate ${how}, so does the call, and no alternative is tried`, async () => {
      const other = mock.fn(async () => 'other');
      class Shop {
        @fallback({ alternatives: [other], value: 'value', on })
        async buy(): Promise<string> {
          throw new Busy();
        }
      }
      assert.equal(await rejection(new Shop().buy()), boom);
      assert.equal(other.mock.callCount(), 0);
      assert.equal(statsOf(Shop, 'buy').failures, 1);
    });
  }

  test('is asked nothing once the call is aborted', async () => {
    let asked = 0;
    class Shop {
      @fallback({ value: 'value', on: () => ++asked > 0 })
      async buy(_signal: AbortSignal): Promise<string> {
        throw new Error('down');
      }
    }
    for (let turns = 0; turns < 4; turns++) {
      const controller = new AbortController();
      const call = new Shop().buy(controller.signal).catch((reason) => reason);
      for (let i = 0; i < turns; i++) await undefined;
      const before = asked;
      controller.abort('enough');
      await call;
      await flush();
      assert.equal(asked, before, `aborted after ${turns} turns`);
    }
  });

  test('is asked about the last error of a retry, once', async () => {
    const asked: unknown[] = [];
    const errors = [new Broken(), new Busy()];
    let made = 0;
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @fallback({ value: 'value', on: (error) => asked.push(error) > 0 })
      async buy(): Promise<string> {
        throw errors[made++];
      }
    }
    assert.equal(await new Shop().buy(), 'value');
    assert.deepEqual(asked, [errors[1]]);
  });
});

describe('when every alternative failed', () => {
  test('AllFailedError has the errors in the order tried, the own first, and the last as its cause', async () => {
    const errors = [new Busy('own'), 'text', undefined, new Broken('last')];
    class Shop {
      @fallback(
        'first',
        () => Promise.reject(errors[2]),
        () => {
          throw errors[3];
        },
      )
      async buy(): Promise<string> {
        throw errors[0];
      }
      first(): string {
        throw errors[1];
      }
    }
    const error = await rejection(new Shop().buy());
    assert.ok(error instanceof AllFailedError);
    assert.ok(error instanceof AggregateError);
    assert.equal(error.errors.length, 4);
    for (const [i, each] of error.errors.entries()) assert.equal(each, errors[i]);
    assert.equal(error.cause, errors[3]);
    assert.match(error.message, /Shop\.buy/);
    const { fallbacks, failures } = statsOf(Shop, 'buy');
    assert.deepEqual({ fallbacks, failures }, { fallbacks: 3, failures: 1 });
  });

  test('the last error of a retry stands for the method, once', async () => {
    let made = 0;
    class Shop {
      @fallback('other')
      @retry({ maxAttempts: 3, waitMin: 0 })
      async buy(): Promise<string> {
        throw new Busy(`${++made}`);
      }
      async other(): Promise<string> {
        throw boom;
      }
    }
    const error = await rejection(new Shop().buy());
    assert.ok(error instanceof AllFailedError);
    assert.deepEqual(
      error.errors.map((each) => (each as Error).message),
      ['3', 'boom'],
    );
  });

  test('a method that is gone by the time it is needed counts as one that failed', async () => {
    class Shop {
      @fallback('other', 'third')
      async buy(): Promise<string> {
        throw new Busy();
      }
      async other(): Promise<string> {
        return 'other';
      }
      async third(): Promise<string> {
        return 'third';
      }
    }
    const shop = new Shop();
    Object.assign(shop, { other: undefined });
    assert.equal(await shop.buy(), 'third');
    Object.assign(shop, { third: 7 });
    const error = await rejection(shop.buy());
    assert.ok(error instanceof AllFailedError);
    assert.ok(error.errors[1] instanceof TypeError);
    assert.match(error.errors[1].message, /other/);
  });
});

type Fate = 'works' | 'fails' | 'throws' | 'late' | 'late failure';
const fate = fc.constantFrom<Fate>('works', 'fails', 'throws', 'late', 'late failure');

/** Does what its fate says. */
function act(name: string, does: Fate): string | Promise<string> {
  if (does === 'works') return Promise.resolve(name);
  if (does === 'fails') return Promise.reject(name);
  if (does === 'throws') throw name;
  return flush().then(() => {
    if (does === 'late failure') throw name;
    return name;
  });
}

test('fallback tries what its model tries, and ends the same way, whatever fails', () =>
  fc.assert(
    fc.asyncProperty(
      fate,
      fc.array(fc.record({ does: fate, named: fc.boolean() }), { maxLength: 5 }),
      fc.option(fc.constantFrom('value', undefined, null), { nil: 'none' }),
      fc.option(fc.boolean(), { nil: undefined }),
      async (own, alternatives, value, meant) => {
        if (alternatives.length === 0 && value === 'none') return;
        const tried: string[] = [];
        const perform = (name: string, does: Fate) => {
          tried.push(name);
          return act(name, does);
        };
        class Base {
          async buy(): Promise<string> {
            return await perform('own', own);
          }
        }
        for (const [i, { does }] of alternatives.entries()) {
          Object.defineProperty(Base.prototype, `m${i}`, { value: () => perform(`m${i}`, does) });
        }
        const config = {
          alternatives: alternatives.map(({ does, named }, i) => (named ? `m${i}` : () => perform(`m${i}`, does))),
          ...(value === 'none' ? {} : { value }),
          ...(meant === undefined ? {} : { on: () => meant }),
        };
        class Shop extends Base {
          @fallback(config as { value: string })
          override buy(): Promise<string> {
            return super.buy();
          }
        }

        const works = (does: Fate) => does === 'works' || does === 'late';
        const expectedTries = ['own'];
        let expected: unknown = 'own';
        if (!works(own) && meant === false) expected = { failed: 'own' };
        else if (!works(own)) {
          const winner = alternatives.findIndex(({ does }) => works(does));
          const count = winner < 0 ? alternatives.length : winner + 1;
          expectedTries.push(...alternatives.slice(0, count).map((_, i) => `m${i}`));
          if (winner >= 0) expected = `m${winner}`;
          else expected = value === 'none' ? { failed: expectedTries } : value;
        }

        const end = await new Shop().buy().catch((error: unknown) => {
          return { failed: error instanceof AllFailedError ? error.errors : error };
        });
        assert.deepEqual(end, expected);
        assert.deepEqual(tried, expectedTries);
        const { fallbacks, failures } = statsOf(Shop, 'buy');
        const failed = typeof expected === 'object' && expected !== null;
        const usedValue = !works(own) && meant !== false && !failed && !String(expected).startsWith('m');
        assert.equal(fallbacks, expectedTries.length - 1 + (usedValue ? 1 : 0));
        assert.equal(failures, failed ? 1 : 0);
      },
    ),
    { numRuns: 400 },
  ));
