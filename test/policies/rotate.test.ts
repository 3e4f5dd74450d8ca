import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, mock, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import {
  AllFailedError,
  CircuitOpenError,
  ConfigurationError,
  circuitBreaker,
  circuitOf,
  concurrency,
  configure,
  currentCall,
  definePolicy,
  explain,
  type FallbackConfig,
  fallback,
  Orchestrator,
  orchestrate,
  policiesOf,
  RetryBudget,
  RetryError,
  rateLimit,
  retry,
  statsOf,
  TimeoutError,
  timeout,
} from 'opero';
import { resetState } from 'opero/testing';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { rejection } from '../support/rejection.js';
import { watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

class Down extends Error {}

/** A method that fails for some hosts, and notes for which it was called. */
function shopWith(config: FallbackConfig, failing: readonly unknown[]) {
  const asked: unknown[] = [];
  class Shop {
    @fallback(config)
    async buy(host?: unknown, ..._others: unknown[]): Promise<string> {
      asked.push(host);
      if (failing.includes(host)) throw new Down(String(host));
      return `from ${String(host)}`;
    }
  }
  return { Shop, asked };
}

const rotating = (values: readonly unknown[], start?: 'given' | 'next'): FallbackConfig => ({
  rotate: { argument: 0, values, ...(start && { start }) },
});

describe('8 rotate begins with the value that is given', () => {
  test('and tries no other while the method works', async () => {
    const { Shop, asked } = shopWith(rotating(['eu', 'us']), []);
    assert.equal(await new Shop().buy('ap'), 'from ap');
    assert.deepEqual(asked, ['ap']);
    assert.equal(statsOf(Shop, 'buy').fallbacks, 0);
  });

  test('then tries each value in turn, without the one that it had', async () => {
    const { Shop, asked } = shopWith(rotating(['eu', 'us', 'ap']), ['us', 'eu']);
    assert.equal(await new Shop().buy('us'), 'from ap');
    assert.deepEqual(asked, ['us', 'eu', 'ap']);
    const { calls, attempts, fallbacks, failures } = statsOf(Shop, 'buy');
    assert.deepEqual([calls, attempts, fallbacks, failures], [1, 3, 2, 0]);
  });

  test('each once, also where it is named twice', async () => {
    const { Shop, asked } = shopWith(rotating(['eu', 'eu', Number.NaN, Number.NaN]), ['eu', Number.NaN, 'x']);
    await rejection(new Shop().buy('x'));
    assert.deepEqual(asked, ['x', 'eu', Number.NaN]);
  });

  test('an argument that is not given stays so at first, for the default of the method', async () => {
    const asked: string[] = [];
    class Shop {
      @fallback({ rotate: { argument: 1, values: ['us'] } })
      async buy(...[, host = 'eu']: [item: string, host?: string]): Promise<string> {
        asked.push(host);
        if (host === 'eu') throw new Down();
        return host;
      }
    }
    assert.equal(await new Shop().buy('tea'), 'us');
    assert.deepEqual(asked, ['eu', 'us']);
  });

  test('in the place of an argument beyond those given, with nothing in between', async () => {
    const asked: unknown[][] = [];
    class Shop {
      @fallback({ rotate: { argument: 2, values: ['us'] } })
      async buy(...args: unknown[]): Promise<void> {
        asked.push(args);
        if (args.length < 3) throw new Down();
      }
    }
    await new Shop().buy('tea');
    assert.deepEqual(asked, [['tea'], ['tea', undefined, 'us']]);
  });

  test('all by one property: the runs are those that a loop would make', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.record({ given: fc.option(fc.integer({ min: 0, max: 7 }), { nil: undefined }), last: fc.nat(8) }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.constantFrom('given', 'next'),
        async (values, calls, start) => {
          let asked: unknown[] = [];
          let works = 0;
          class Shop {
            @fallback({ rotate: { argument: 0, values, start } })
            async buy(host?: number): Promise<number | undefined> {
              asked.push(host);
              if (asked.length <= works) throw new Down();
              return host;
            }
          }
          let next = 0;
          for (const { given, last } of calls) {
            const ring = values.map((_, index) => values[(next + index) % values.length]);
            if (start === 'next') next = (next + 1) % values.length;
            const order = start === 'given' ? [given, ...values] : given === undefined ? ring : [...ring, given];
            const once = order.filter((each, index) => order.indexOf(each) === index);
            asked = [];
            works = last;
            const outcome = await new Shop().buy(given).catch((error: unknown) => error);
            assert.deepEqual(asked, once.slice(0, last + 1));
            if (last < once.length) assert.equal(outcome, once[last]);
            else if (once.length === 1) assert.ok(outcome instanceof Down);
            else assert.equal((outcome as AllFailedError).errors.length, once.length);
          }
        },
      ),
    ));
});

describe("8 rotate with start: 'next'", () => {
  test('begins each call with the next value, whatever is given, round and round', async () => {
    const { Shop, asked } = shopWith(rotating(['a', 'b', 'c'], 'next'), []);
    for (const given of [undefined, 'x', 'c', undefined]) await new Shop().buy(given);
    assert.deepEqual(asked, ['a', 'b', 'c', 'a']);
    assert.equal(statsOf(Shop, 'buy').fallbacks, 0);
  });

  test('goes on through the others, and comes to the given one last', async () => {
    const { Shop, asked } = shopWith(rotating(['a', 'b', 'c'], 'next'), ['a', 'b', 'c']);
    assert.equal(await new Shop().buy('x'), 'from x');
    assert.ok((await rejection(new Shop().buy())) instanceof AllFailedError);
    assert.deepEqual(asked, ['a', 'b', 'c', 'x', 'b', 'c', 'a']);
  });

  test('calls that are made at once begin with different values', async () => {
    const { Shop, asked } = shopWith(rotating(['a', 'b'], 'next'), []);
    const shop = new Shop();
    await Promise.all([shop.buy(), shop.buy(), shop.buy()]);
    assert.deepEqual(asked, ['a', 'b', 'a']);
  });

  test('goes round by method and concrete class, and anew after resetState', async () => {
    const { Shop, asked } = shopWith(rotating(['a', 'b'], 'next'), []);
    class Branch extends Shop {}
    for (const type of [Shop, Branch, Shop]) await new type().buy();
    resetState(Shop);
    await new Shop().buy();
    assert.deepEqual(asked, ['a', 'a', 'b', 'a']);
  });

  test('10.3 goes on with other values from where it stands', async () => {
    const { Shop, asked } = shopWith(rotating(['a', 'b', 'c'], 'next'), []);
    const shop = new Shop();
    await shop.buy();
    const restore = configure(Shop, 'buy', {
      fallback: { rotate: { argument: 0, values: ['x', 'y'], start: 'next' } },
    });
    await shop.buy();
    restore();
    await shop.buy();
    assert.deepEqual(asked, ['a', 'y', 'c']);
  });

  test('without a value to be had, it is the given one, or none; the round goes on where it stood', async () => {
    const all = [['a', 'b'], [], [], ['a', 'b']];
    const values = (): readonly string[] => all.shift() ?? [];
    const { Shop, asked } = shopWith({ rotate: { argument: 0, values, start: 'next' } }, []);
    for (const given of ['x', 'x', undefined, 'x']) await new Shop().buy(given);
    assert.deepEqual(asked, ['a', 'x', undefined, 'b']);
  });
});

describe('8 rotate by a path', () => {
  interface Options {
    apiKey?: string;
    deep?: { host?: string; list?: string[] };
    more?: number;
  }

  function clientWith(
    argument: [number, ...PropertyKey[]],
    values: readonly string[],
    isBad: (seen: string) => boolean,
  ) {
    const seen: unknown[] = [];
    class Client {
      @fallback({ rotate: { argument: argument as [0], values: values as never } })
      async get(options?: Options, ..._others: unknown[]): Promise<void> {
        seen.push(structuredClone(options));
        if (isBad(JSON.stringify(options) ?? '')) throw new Down();
      }
    }
    return { client: new Client(), seen };
  }

  test('the objects on the way are copied, never changed', async () => {
    const { client, seen } = clientWith([0, 'deep', 'host'], ['us'], (text) => !text.includes('us'));
    const options = Object.freeze({ deep: Object.freeze({ host: 'eu', list: ['x'] }), more: 1 });
    await client.get(options as unknown as Options);
    assert.deepEqual(options, { deep: { host: 'eu', list: ['x'] }, more: 1 });
    assert.deepEqual(seen, [options, { deep: { host: 'us', list: ['x'] }, more: 1 }]);
  });

  test('a list on the way is copied too', async () => {
    const { client, seen } = clientWith([0, 'deep', 'list', 1], ['z'], (text) => !text.includes('z'));
    const list = Object.freeze(['x', 'y']) as string[];
    await client.get({ deep: { list } });
    assert.deepEqual(seen, [{ deep: { list: ['x', 'y'] } }, { deep: { list: ['x', 'z'] } }]);
    assert.deepEqual(list, ['x', 'y']);
  });

  test('what is missing on the way is made', async () => {
    for (const given of [undefined, {}, { deep: undefined }]) {
      const { client, seen } = clientWith([0, 'deep', 'host'], ['us'], (text) => !text.includes('us'));
      await client.get(given);
      assert.deepEqual(seen.at(-1), { ...given, deep: { host: 'us' } });
    }
    const { client, seen } = clientWith([0, 'deep', 'host'], ['us'], (text) => !text.includes('us'));
    await client.get({ deep: null } as never);
    assert.deepEqual(seen.at(-1), { deep: { host: 'us' } });
  });

  test('without the prototype of an object that has none, and with symbols', async () => {
    const key = Symbol('key');
    const seen: Record<PropertyKey, unknown>[] = [];
    class Client {
      @fallback({ rotate: { argument: [0, key], values: [2] } })
      async get(options: Record<PropertyKey, unknown>): Promise<void> {
        seen.push(options);
        if (options[key] === 1) throw new Down();
      }
    }
    await new Client().get(Object.assign(Object.create(null), { [key]: 1, other: 3 }));
    assert.equal(Object.getPrototypeOf(seen[1]), null);
    assert.deepEqual([seen[1]?.[key], seen[1]?.other], [2, 3]);
  });

  test('the value that it had is skipped', async () => {
    const { client, seen } = clientWith([0, 'apiKey'], ['a', 'b'], (text) => text.includes('b'));
    await client.get({ apiKey: 'b' });
    assert.deepEqual(seen, [{ apiKey: 'b' }, { apiKey: 'a' }]);
  });

  for (const [given, shown] of [
    [new URL('https://a.example'), /got URL/],
    [{ deep: new Map() }, /`deep` of argument 0.*got Map/],
    [{ deep: 'text' }, /`deep` of argument 0.*got 'text'/],
  ] as const) {
    test(`an object that cannot be copied is a ConfigurationError, before the method is entered: ${inspect(given)}`, async () => {
      const { client, seen } = clientWith([0, 'deep', 'host'], ['us'], () => false);
      const error = await rejection(client.get(given as never));
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /@fallback on Client\.get: expected .* to be a plain object or an array/);
      assert.match(error.message, shown);
      assert.deepEqual(seen, []);
    });
  }
});

describe('X8 rotate.values as a function', () => {
  test('gets the arguments of the caller, and the receiver as `this`, and nothing else', async () => {
    const told: unknown[] = [];
    class Shop {
      readonly hosts = ['us'];

      @fallback<Shop, [host: string, n: number]>({
        rotate: {
          argument: 0,
          values(...args) {
            told.push(this, args);
            return this.hosts;
          },
        },
      })
      async buy(host: string, n: number): Promise<string> {
        if (host === 'eu') throw new Down();
        return `${host} ${n}`;
      }
    }
    const shop = new Shop();
    assert.equal(await shop.buy('eu', 1), 'us 1');
    assert.deepEqual(told, [shop, ['eu', 1]]);
  });

  for (const [name, values] of [
    ['a set', () => new Set(['us', 'ap'])],
    [
      'a generator',
      function* () {
        yield 'us';
        yield 'ap';
      },
    ],
  ] as const) {
    test(`may give ${name}`, async () => {
      const { Shop, asked } = shopWith({ rotate: { argument: 0, values } }, ['eu', 'us']);
      assert.equal(await new Shop().buy('eu'), 'from ap');
      assert.deepEqual(asked, ['eu', 'us', 'ap']);
    });
  }

  for (const give of [
    () => 'text',
    () => undefined,
    () => null,
    () => 5,
    () => ({}),
    async () => ['a'],
    async () => Promise.reject(new Error('late')),
  ]) {
    test(`what is no iterable is a ConfigurationError from the call, which no alternative hides: ${give}`, () =>
      handled(async () => {
        const { Shop, asked } = shopWith({ value: 'known', rotate: { argument: 0, values: give as never } }, []);
        const error = await rejection(new Shop().buy('eu'));
        assert.ok(error instanceof ConfigurationError);
        assert.match(
          error.message,
          /^@fallback on Shop\.buy: expected `rotate\.values` to return an array or another iterable, got /,
        );
        assert.deepEqual(asked, []);
      }));
  }

  test('what it throws is what the call fails with, as if the method had', async () => {
    const boom = new Error('boom');
    const values = (): never => {
      throw boom;
    };
    const { Shop, asked } = shopWith({ rotate: { argument: 0, values } }, []);
    assert.equal(await rejection(new Shop().buy('eu')), boom);
    assert.deepEqual(asked, []);
    assert.equal(statsOf(Shop, 'buy').failures, 1);
  });

  test('what it throws leads on to the alternatives, also where that is a ConfigurationError of its own', async () => {
    for (const thrown of [new Error('boom'), new ConfigurationError('boom')]) {
      const values = (): never => {
        throw thrown;
      };
      const { Shop, asked } = shopWith({ value: 'known', rotate: { argument: 0, values } }, []);
      assert.equal(await new Shop().buy('eu'), 'known');
      assert.deepEqual(asked, []);
    }
  });
});

describe('8 each run of rotate has retries of its own', () => {
  test('and attempts from 1, told of the error before', () =>
    underFakeClock(async (clock) => {
      const seen: unknown[] = [];
      class Shop {
        @fallback({ rotate: { argument: 0, values: ['us'] }, alternatives: ['other'] })
        @retry({ maxAttempts: 2, waitMin: 10, jitter: 'none' })
        async buy(host: string): Promise<string> {
          const { attempt, error } = currentCall();
          seen.push([host, attempt, (error as Error)?.message, Date.now()]);
          throw new Down(`${host} ${attempt}`);
        }
        async other(host: string): Promise<string> {
          const { attempt, error } = currentCall();
          seen.push([host, attempt, (error as Error)?.message]);
          return 'other';
        }
      }
      const call = watched(new Shop().buy('eu'));
      await flush();
      await advance(clock, 30);
      assert.deepEqual(call, { at: 20, value: 'other' });
      assert.deepEqual(seen, [
        ['eu', 1, undefined, 0],
        ['eu', 2, 'eu 1', 10],
        ['us', 1, 'eu 2', 10],
        ['us', 2, 'us 1', 20],
        ['eu', 4, 'us 2'],
      ]);
      const { attempts, retries, fallbacks } = statsOf(Shop, 'buy');
      assert.deepEqual([attempts, retries, fallbacks], [4, 2, 2]);
    }));

  test('a budget is paid into once for each call', async () => {
    const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0 });
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['b', 'c', 'd'] }, value: 'none' })
      @retry({ maxAttempts: 1, budget })
      async buy(_host: string): Promise<string> {
        throw new Down();
      }
    }
    await new Shop().buy('a');
    assert.equal(statsOf(Shop, 'buy').attempts, 4);
    assert.equal(budget.balance, 0);
    await new Shop().buy('a');
    assert.equal(budget.balance, 1);
  });

  test('each takes a permit and a slot of its own, and gives them back', async () => {
    const gates = new Map([
      ['eu', deferred()],
      ['us', deferred()],
    ]);
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @concurrency(1)
      async buy(host: string): Promise<string> {
        await gates.get(host)?.promise;
        return host;
      }
    }
    const shop = new Shop();
    const first = shop.buy('eu');
    const second = shop.buy('us');
    await flush();
    assert.deepEqual([statsOf(Shop, 'buy').running, statsOf(Shop, 'buy').queued], [1, 1]);
    gates.get('eu')?.reject(new Down());
    await flush();
    // The other call is in line before the further run of this one.
    assert.deepEqual([statsOf(Shop, 'buy').running, statsOf(Shop, 'buy').queued], [1, 1]);
    gates.get('us')?.resolve();
    assert.deepEqual(await Promise.all([first, second]), ['us', 'us']);
    assert.deepEqual([statsOf(Shop, 'buy').running, statsOf(Shop, 'buy').queued], [0, 0]);
  });

  test('key and the hooks beneath see the value that a run has', async () => {
    const told: unknown[] = [];
    class Shop {
      @fallback({
        rotate: { argument: 0, values: ['us'] },
        on: (_error, { args }) => {
          told.push(['on', args]);
          return true;
        },
      })
      @retry({ maxAttempts: 2, waitMin: 0, onRetry: ({ args, attempt }) => told.push(['onRetry', args, attempt]) })
      @rateLimit({
        rate: 10,
        key: (host: string) => {
          told.push(['key', host]);
          return host;
        },
      })
      async buy(host: string): Promise<string> {
        if (host === 'eu') throw new Down();
        return host;
      }
    }
    await new Shop().buy('eu');
    assert.deepEqual(told, [
      ['key', 'eu'],
      ['onRetry', ['eu'], 1],
      ['key', 'eu'],
      ['on', ['eu']],
      ['key', 'us'],
    ]);
  });

  test('in the AsyncLocalStorage of the caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      async buy(host: string): Promise<string> {
        seen.push(storage.getStore());
        if (host === 'eu') throw new Down();
        return host;
      }
    }
    await storage.run('mine', () => new Shop().buy('eu'));
    assert.deepEqual(seen, ['mine', 'mine']);
  });
});

describe('8 `on` decides which errors lead on to the next value', () => {
  class Fatal extends Error {}

  test('another one passes untouched, and neither a value nor an alternative comes after it', async () => {
    const asked: string[] = [];
    const other = mock.fn(async () => 'other');
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us', 'ap'] }, on: Down, alternatives: [other] })
      async buy(host: string): Promise<string> {
        asked.push(host);
        throw host === 'us' ? fatal : new Down();
      }
    }
    const fatal = new Fatal();
    assert.equal(await rejection(new Shop().buy('eu')), fatal);
    assert.deepEqual(asked, ['eu', 'us']);
    assert.equal(other.mock.callCount(), 0);
    assert.equal(statsOf(Shop, 'buy').fallbacks, 1);
  });

  for (const isAsync of [false, true]) {
    test(`a predicate is asked once for each error${isAsync ? ', an async one too' : ''}`, async () => {
      const asked: unknown[] = [];
      const on = (error: unknown, { attempt }: { attempt: number }): boolean | Promise<boolean> => {
        asked.push([(error as Error).message, attempt]);
        return isAsync ? Promise.resolve(true) : true;
      };
      const { Shop } = shopWith({ on, value: 'none', ...rotating(['b', 'c']) }, ['a', 'b', 'c']);
      assert.equal(await new Shop().buy('a'), 'none');
      assert.deepEqual(asked, [
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ]);
    });
  }

  test('the last error is judged too: not meant, it passes without an alternative', async () => {
    const { Shop } = shopWith({ on: (error: Error) => error.message !== 'c', value: 'none', ...rotating(['b', 'c']) }, [
      'a',
      'b',
      'c',
    ]);
    const error = await rejection(new Shop().buy('a'));
    assert.ok(error instanceof Down && error.message === 'c');
  });

  test('where a policy around makes another error of the last one, it is that which is judged', async () => {
    const renamed = definePolicy({
      kind: 'rotateRenamed',
      stage: 'call',
      async around(next) {
        return await next().catch(() => {
          throw new Fatal();
        });
      },
    });
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] }, on: Down, value: 'none' })
      @renamed()
      async buy(host: string): Promise<string> {
        throw new Down(host);
      }
    }
    assert.ok((await rejection(new Shop().buy('eu'))) instanceof Fatal);
  });

  test('what a predicate throws is what the call rejects with', async () => {
    const boom = new Error('boom');
    const on = mock.fn(() => {
      throw boom;
    });
    const { Shop, asked } = shopWith({ on, value: 'none', ...rotating(['b']) }, ['a']);
    assert.equal(await rejection(new Shop().buy('a')), boom);
    assert.deepEqual(asked, ['a']);
    assert.equal(on.mock.callCount(), 1);
  });

  test('what a hook of the pipeline threw leads to no other value, as it leads to no retry', async () => {
    const boom = new Error('boom');
    const asked: string[] = [];
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @retry({
        waitMin: 0,
        onRetry: () => {
          throw boom;
        },
      })
      async hook(host: string): Promise<void> {
        asked.push(host);
        throw new Down();
      }

      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @rateLimit({ rate: 1, key: () => 5 as unknown as string })
      async key(host: string): Promise<void> {
        asked.push(host);
      }
    }
    assert.ok((await rejection(new Shop().key('eu'))) instanceof ConfigurationError);
    assert.deepEqual(asked, []);
    assert.equal(await rejection(new Shop().hook('eu')), boom);
    assert.deepEqual(asked, ['eu']);
  });
});

describe('8 all failed', () => {
  test('an AllFailedError has the errors in order, those of alternatives after those of the values', async () => {
    const last = new Error('other');
    const { Shop } = shopWith(
      {
        ...rotating(['b', 'c']),
        alternatives: [
          () => {
            throw last;
          },
        ],
      },
      ['a', 'b', 'c'],
    );
    const error = await rejection(new Shop().buy('a'));
    assert.ok(error instanceof AllFailedError);
    assert.deepEqual(
      error.errors.map((each: Error) => each.message),
      ['a', 'b', 'c', 'other'],
    );
    assert.equal(error.cause, last);
    assert.match(error.message, /^Shop\.buy: it failed, and so did every alternative/);
    const { fallbacks, failures } = statsOf(Shop, 'buy');
    assert.deepEqual([fallbacks, failures], [3, 1]);
  });

  test('without alternatives it says so of the values', async () => {
    const { Shop } = shopWith(rotating(['b']), ['a', 'b']);
    const error = await rejection(new Shop().buy('a'));
    assert.ok(error instanceof AllFailedError);
    assert.equal(error.message, 'Shop.buy: it failed with every value of argument 0');
    assert.equal((error.cause as Error).message, 'b');
    assert.match(String((error as Error).stack), /rotate\.test/);
  });

  test('where there was no other value, the error is that of the method', async () => {
    const { Shop } = shopWith(rotating(['a']), ['a']);
    assert.ok((await rejection(new Shop().buy('a'))) instanceof Down);
  });

  test('a RetryError of each run stands among them', async () => {
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @retry({ maxAttempts: 2, waitMin: 0, rethrow: false })
      async buy(_host: string): Promise<void> {
        throw new Down();
      }
    }
    const error = (await rejection(new Shop().buy('eu'))) as AllFailedError;
    assert.ok(error.errors.every((each: unknown) => each instanceof RetryError && each.errors.length === 2));
  });

  test('an alternative gets the arguments of the caller, and a value may be last', async () => {
    const told: unknown[] = [];
    const { Shop } = shopWith(
      {
        ...rotating(['b']),
        value: 'none',
        alternatives: [
          (...args: unknown[]) => {
            told.push(args, (currentCall().error as Error).message);
            throw new Error('no');
          },
        ],
      },
      ['a', 'b'],
    );
    assert.equal(await new Shop().buy('a', 1), 'none');
    assert.deepEqual(told, [['a', 1], 'b']);
  });
});

describe('8 rotate beneath timeout.total', () => {
  test('which covers all runs: no further value is begun, and alternatives follow', () =>
    underFakeClock((clock) =>
      handled(async () => {
        const asked: unknown[] = [];
        const gate = deferred();
        class Shop {
          @fallback({ rotate: { argument: 0, values: ['b', 'c', 'd'] }, alternatives: ['other'] })
          @timeout({ total: 25 })
          @concurrency(1)
          async buy(host: string): Promise<string> {
            asked.push([host, Date.now()]);
            await new Promise((resolve) => setTimeout(resolve, 10));
            if (host === 'c') await gate.promise;
            throw new Down(host);
          }
          async other(host: string): Promise<string> {
            const { error } = currentCall() as { error: TimeoutError };
            return `${host} ${error.name} ${error.scope}, cause ${(error.cause as Error).message}`;
          }
        }
        const call = watched(new Shop().buy('a'));
        await advance(clock, 40);
        assert.deepEqual(call, { at: 25, value: 'a TimeoutError total, cause b' });
        assert.deepEqual(asked, [
          ['a', 0],
          ['b', 10],
          ['c', 20],
        ]);
        // The run that was given up keeps its slot until it has really ended.
        const { running, abandoned, timeouts, fallbacks } = statsOf(Shop, 'buy');
        assert.deepEqual([running, abandoned, timeouts, fallbacks], [1, 1, 1, 3]);
        gate.reject(new Error('late'));
        await flush();
        assert.deepEqual([statsOf(Shop, 'buy').running, statsOf(Shop, 'buy').abandoned], [0, 0]);
        assert.deepEqual(asked.length, 3);
      }),
    ));

  test('for the circuit of the run that it ends it is a failure, as its code was entered', () =>
    underFakeClock((clock) =>
      handled(async () => {
        class Shop {
          @fallback({ rotate: { argument: 0, values: ['b'] } })
          @timeout({ total: 10 })
          @circuitBreaker(1)
          async buy(host: string): Promise<string> {
            if (host === 'b') return await new Promise(() => {});
            throw new Down(host);
          }
        }
        const call = watched(new Shop().buy('a'));
        await advance(clock, 12);
        assert.ok(call.error instanceof TimeoutError);
        assert.equal(circuitOf(Shop, 'buy', 'b').state, 'open');
      }),
    ));

  test('the cause is the last attempt, of whichever run', () =>
    underFakeClock(async (clock) => {
      const events: unknown[] = [];
      class Shop {
        @fallback({ rotate: { argument: 0, values: ['b'] } })
        @timeout({ total: 25, onTimeout: ({ attempt, args }) => events.push(attempt, args) })
        @retry({ maxAttempts: 2, waitMin: 5, jitter: 'none' })
        async buy(host: string): Promise<string> {
          const { attempt } = currentCall();
          if (host === 'a' || attempt === 1) throw new Down(`${host} ${attempt}`);
          return await new Promise(() => {});
        }
      }
      const call = watched(new Shop().buy('a'));
      await flush();
      await advance(clock, 40);
      assert.equal(call.at, 25);
      assert.ok(call.error instanceof TimeoutError);
      assert.equal((call.error.cause as Error).message, 'b 1');
      assert.deepEqual(events, [4, ['a']]);
    }));

  test('a retry whose wait would end after it leads on to the next value', () =>
    underFakeClock(async (clock) => {
      const asked: unknown[] = [];
      class Shop {
        @fallback({ rotate: { argument: 0, values: ['b'] } })
        @timeout({ total: 25 })
        @retry({ maxAttempts: 3, waitMin: 10, waitMultiplier: 1, jitter: 'none' })
        async buy(host: string): Promise<string> {
          asked.push([host, Date.now()]);
          throw new Down(host);
        }
      }
      const call = watched(new Shop().buy('a'));
      await flush();
      await advance(clock, 40);
      assert.deepEqual(asked, [
        ['a', 0],
        ['a', 10],
        ['a', 20],
        ['b', 20],
      ]);
      assert.equal(call.at, 20);
      assert.ok(call.error instanceof AllFailedError);
    }));

  test('a total that is up while `on` thinks leads to no further value', () =>
    underFakeClock((clock) =>
      handled(async () => {
        const verdict = deferred<boolean>();
        const asked: string[] = [];
        class Shop {
          @fallback({
            rotate: { argument: 0, values: ['b'] },
            on: (error) => error instanceof TimeoutError || verdict.promise,
          })
          @timeout({ total: 10 })
          async buy(host: string): Promise<string> {
            asked.push(host);
            throw new Down(host);
          }
        }
        const call = watched(new Shop().buy('a'));
        await advance(clock, 12);
        assert.ok(call.error instanceof TimeoutError);
        verdict.resolve(true);
        await flush();
        assert.deepEqual(asked, ['a']);
      }),
    ));

  test('timeout.attempt holds for each run, and its signal takes the place of the caller’s, in a copy of the options', () =>
    underFakeClock(async (clock) => {
      const seen: AbortSignal[] = [];
      class Shop {
        @fallback({ rotate: { argument: [0, 'host'], values: ['us'] } })
        @timeout(10)
        async buy({ signal, host }: { host: string; signal: AbortSignal }): Promise<string> {
          seen.push(signal);
          if (host === 'eu')
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          return host;
        }
      }
      const { signal } = new AbortController();
      const options = Object.freeze({ host: 'eu', signal });
      const call = watched(new Shop().buy(options));
      await advance(clock, 12);
      assert.deepEqual(call, { at: 10, value: 'us' });
      assert.equal(new Set([signal, ...seen]).size, 3);
      assert.ok(seen[0]?.aborted && !seen[1]?.aborted);
    }));
});

describe('8 an abort of the caller ends rotate', () => {
  test('while the code runs: the call rejects at once, and no further value is begun', () =>
    handled(async () => {
      const gate = deferred();
      const controller = new AbortController();
      const listeners = countListeners(controller.signal);
      const asked: string[] = [];
      class Shop {
        @fallback({ rotate: { argument: 0, values: ['us'] }, value: 'none' })
        async buy(host: string, _signal: AbortSignal): Promise<string> {
          asked.push(host);
          await gate.promise;
          return host;
        }
      }
      const call = new Shop().buy('eu', controller.signal);
      const reason = new Error('left');
      controller.abort(reason);
      assert.equal(await rejection(call), reason);
      assert.equal(statsOf(Shop, 'buy').abandoned, 1);
      gate.reject(new Down());
      await flush();
      assert.deepEqual(asked, ['eu']);
      assert.deepEqual([statsOf(Shop, 'buy').running, statsOf(Shop, 'buy').abandoned], [0, 0]);
      assert.equal(listeners.standing.size, 0);
    }));

  test('while a run waits: for its slot, and for its retry', async () => {
    const gate = deferred();
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @concurrency(1)
      async slot(_host: string, _signal?: AbortSignal): Promise<void> {
        await gate.promise;
      }

      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @retry({ waitMin: 3_600_000, waitMax: 3_600_000, jitter: 'none' })
      async wait(_host: string, _signal?: AbortSignal): Promise<void> {
        throw new Down();
      }
    }
    const shop = new Shop();
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);
    const first = shop.slot('eu');
    const calls = [shop.slot('eu', controller.signal), shop.wait('eu', controller.signal)];
    await flush();
    const reason = new Error('left');
    controller.abort(reason);
    assert.deepEqual(await Promise.all(calls.map(rejection)), [reason, reason]);
    assert.deepEqual([statsOf(Shop, 'slot').queued, statsOf(Shop, 'wait').attempts], [0, 1]);
    gate.resolve();
    await first;
    assert.equal(listeners.standing.size, 0);
  });

  test('by the function that gives the values: nothing is entered', async () => {
    const controller = new AbortController();
    const values = (): string[] => {
      controller.abort('by values');
      return ['us'];
    };
    const { Shop, asked } = shopWith({ rotate: { argument: 0, values } }, []);
    assert.equal(await rejection(new Shop().buy('eu', controller.signal)), 'by values');
    await flush();
    assert.deepEqual(asked, []);
  });

  test('while `on` thinks', () =>
    handled(async () => {
      const verdict = deferred<boolean>();
      const controller = new AbortController();
      const { Shop, asked } = shopWith({ on: () => verdict.promise, ...rotating(['us']) }, ['eu']);
      const call = new Shop().buy('eu', controller.signal);
      await flush();
      const reason = new Error('left');
      controller.abort(reason);
      assert.equal(await rejection(call), reason);
      verdict.resolve(true);
      await flush();
      assert.deepEqual(asked, ['eu']);
      assert.equal(statsOf(Shop, 'buy').fallbacks, 0);
    }));

  test('while a further value runs', () =>
    handled(async () => {
      const gate = deferred();
      const controller = new AbortController();
      const asked: string[] = [];
      class Shop {
        @fallback({ rotate: { argument: 0, values: ['us', 'ap'] }, value: 'none' })
        async buy(host: string, _signal: AbortSignal): Promise<string> {
          asked.push(host);
          if (host === 'us') await gate.promise;
          throw new Down();
        }
      }
      const call = new Shop().buy('eu', controller.signal);
      await flush();
      const reason = new Error('left');
      controller.abort(reason);
      assert.equal(await rejection(call), reason);
      gate.resolve();
      await flush();
      assert.deepEqual(asked, ['eu', 'us']);
    }));

  test('the signal itself stays the caller’s, in the arguments and by currentCall()', async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      async buy(host: string, options: { signal: AbortSignal }): Promise<void> {
        seen.push(options.signal, currentCall().signal);
        if (host === 'eu') throw new Down();
      }
    }
    await new Shop().buy('eu', { signal });
    assert.deepEqual(new Set(seen), new Set([signal]));
  });
});

describe('8 a circuit without key is kept for each value of rotate', () => {
  test('one that is open holds up nobody else, and circuitOf names it by the value', async () => {
    const asked: unknown[] = [];
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @circuitBreaker({ consecutive: 2 })
      async buy(host?: string): Promise<string> {
        asked.push(host);
        if (host === 'eu') throw new Down();
        return String(host);
      }
    }
    const shop = new Shop();
    for (let i = 0; i < 4; i++) assert.equal(await shop.buy('eu'), 'us');
    assert.deepEqual(asked, ['eu', 'us', 'eu', 'us', 'us', 'us']);
    assert.equal(circuitOf(Shop, 'buy', { value: 'eu' }).state, 'open');
    assert.equal(circuitOf(shop, 'buy', 'us').state, 'closed');
    assert.deepEqual([statsOf(Shop, 'buy').rejected, statsOf(Shop, 'buy').circuitOpenings], [2, 1]);
    circuitOf(Shop, 'buy', 'eu').reset();
    assert.equal(circuitOf(Shop, 'buy', 'eu').state, 'closed');
    // Of calls that give no host.
    using _isolation = circuitOf(Shop, 'buy', { value: undefined }).isolate();
    assert.equal(await shop.buy(), 'us');
    assert.ok(asked.every((host) => host !== undefined));
    assert.throws(
      () => circuitOf(Shop, 'buy'),
      /Shop\.buy has a circuit for each value of `rotate`: give one, as \{ value \}, got undefined/,
    );
  });

  test('at a path, by any value, and for an Orchestrator', async () => {
    const servers = [{ host: 'eu' }, { host: 'us' }] as const;
    const get = async ({ server }: { server: { host: string } }): Promise<string> => {
      if (server.host === 'eu') throw new Down();
      return server.host;
    };
    const orchestrator = new Orchestrator({
      circuitBreaker: 1,
      fallback: { rotate: { argument: [0, 'server'], values: servers } },
    });
    assert.equal(await orchestrator.execute(get, { server: servers[0] }), 'us');
    assert.equal(circuitOf(orchestrator, { value: servers[0] }).state, 'open');
    assert.equal(circuitOf(orchestrator, { value: servers[1] }).state, 'closed');
    assert.throws(() => circuitOf(orchestrator), ConfigurationError);
  });

  test('with a key it is the key that says, which sees the value of the run', async () => {
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @circuitBreaker({ consecutive: 1, key: (host: string) => `${host}.example` })
      async buy(host: string): Promise<string> {
        if (host === 'eu') throw new Down();
        return host;
      }
    }
    await new Shop().buy('eu');
    assert.equal(circuitOf(Shop, 'buy', 'eu.example').state, 'open');
    assert.equal(circuitOf(Shop, 'buy', 'us.example').state, 'closed');
  });

  test('all open: each says so, and nothing is entered', async () => {
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      @circuitBreaker(1)
      async buy(_host: string): Promise<string> {
        throw new Down();
      }
    }
    await rejection(new Shop().buy('eu'));
    const error = (await rejection(new Shop().buy('eu'))) as AllFailedError;
    assert.ok(error.errors.every((each: unknown) => each instanceof CircuitOpenError));
    assert.equal(statsOf(Shop, 'buy').attempts, 2);
  });

  test('without rotate a circuit is still named by its method alone', () => {
    class Shop {
      @fallback({ value: 1 })
      @circuitBreaker(1)
      async buy(_host: string): Promise<number> {
        return 1;
      }
    }
    assert.throws(() => circuitOf(Shop, 'buy', 'eu'), /no circuits by key, got the key 'eu'/);
    assert.equal(circuitOf(Shop, 'buy').state, 'closed');
  });
});

describe('8 rotate and calls within calls', () => {
  test('a method that calls itself has values of its own there', async () => {
    const asked: string[] = [];
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us', 'ap'] } })
      async buy(host: string, depth = 0): Promise<string> {
        asked.push(`${host} ${depth}`);
        if (depth === 0) return await this.buy(host, 1);
        if (host !== 'us') throw new Down();
        return host;
      }
    }
    assert.equal(await new Shop().buy('eu'), 'us');
    assert.deepEqual(asked, ['eu 0', 'eu 1', 'us 1']);
  });

  test('as an alternative of another method it tries its own', async () => {
    class Shop {
      @fallback('other')
      async buy(host: string): Promise<string> {
        throw new Down(host);
      }
      @fallback({ alternatives: ['buy'], rotate: { argument: 0, values: ['us'] } })
      async other(host: string): Promise<string> {
        if (host === 'eu') throw new Down(host);
        return `other ${host}`;
      }
    }
    assert.equal(await new Shop().buy('eu'), 'other us');
    assert.equal(statsOf(Shop, 'other').fallbacks, 1);
  });

  test('one after the other, also very many, take no more of the stack', async () => {
    const values = Array.from({ length: 5_000 }, (_, n) => n);
    class Shop {
      @fallback({ rotate: { argument: 0, values } })
      async buy(n: number): Promise<number> {
        if (n < 4_999) throw new Down();
        return n;
      }
    }
    assert.equal(await new Shop().buy(0), 4_999);
  });

  test('policies of one’s own around and beneath see the runs', async () => {
    const seen: unknown[] = [];
    const around = definePolicy({
      kind: 'rotateAround',
      stage: 'call',
      async around(next, { args }) {
        seen.push(['around', args]);
        return await next();
      },
    });
    const beneath = definePolicy({
      kind: 'rotateBeneath',
      stage: 'attempt',
      async around(next, { args }) {
        seen.push(['beneath', args]);
        return await next();
      },
    });
    class Shop {
      @around()
      @beneath()
      @fallback({ rotate: { argument: 0, values: ['us'] }, value: 'none' })
      async buy(_host: string): Promise<string> {
        throw new Down();
      }
    }
    assert.equal(await new Shop().buy('eu'), 'none');
    assert.deepEqual(seen, [
      ['around', ['eu']],
      ['beneath', ['eu']],
      ['beneath', ['us']],
    ]);
  });
});

describe('X6, X11, 10 where rotate may stand', () => {
  test('inherited, replaced whole, on static and private methods, in @orchestrate and Orchestrator', async () => {
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      async buy(host: string): Promise<string> {
        if (host === 'eu') throw new Down();
        return host;
      }
      @orchestrate({ fallback: { rotate: { argument: 0, values: ['us'] } } })
      static async open(host: string): Promise<string> {
        if (host === 'eu') throw new Down();
        return host;
      }
      @fallback({ rotate: { argument: 0, values: ['us'] } })
      async #hidden(host: string): Promise<string> {
        if (host === 'eu') throw new Down();
        return host;
      }
      hidden(host: string): Promise<string> {
        return this.#hidden(host);
      }
    }
    class Branch extends Shop {
      override async buy(host: string): Promise<string> {
        return `branch ${await super.buy(host)}`;
      }
    }
    class Other extends Shop {
      @fallback({ value: 'closed' })
      override async buy(host: string): Promise<string> {
        return await super.buy(host);
      }
    }
    assert.equal(await new Branch().buy('eu'), 'branch us');
    assert.equal(await new Other().buy('eu'), 'closed');
    assert.equal(await Shop.open('eu'), 'us');
    assert.equal(await new Shop().hidden('eu'), 'us');
    const orchestrator = new Orchestrator({
      fallback: { rotate: { argument: 0, values: ['us', 'ap'], start: 'next' } },
    });
    const seen: string[] = [];
    const ask = (host: string): string => {
      seen.push(host);
      return host;
    };
    await orchestrator.execute(ask, 'x');
    await orchestrator.wrap(ask)('x');
    assert.deepEqual(seen, ['us', 'ap']);
  });

  test('on a class it is a ConfigurationError, which says where it belongs', () => {
    const onClass = (decorator: unknown) => () => {
      @(decorator as (type: unknown, context: unknown) => never)
      class Whole {}
      return Whole;
    };
    const text = /`(fallback\.)?rotate` names an argument of one method, .*; put it on that method/;
    for (const decorator of [
      fallback({ value: 1, rotate: { argument: 0, values: ['a'] } }),
      orchestrate({ fallback: { rotate: { argument: 0, values: ['a'] } } }),
    ]) {
      assert.throws(onClass(decorator), (error) => error instanceof ConfigurationError && text.test(error.message));
    }
  });

  test('10 configure gives it to a method with @fallback, and takes it back; not to all', async () => {
    class Shop {
      @fallback({ value: 'none' })
      async buy(host: string): Promise<string> {
        if (host === 'eu') throw new Down();
        return host;
      }
    }
    const shop = new Shop();
    const restore = configure(Shop, 'buy', { fallback: { rotate: { argument: 0, values: ['us'] } } });
    assert.equal(await shop.buy('eu'), 'us');
    const others = configure(Shop, '*', { fallback: { value: 'nothing' } });
    assert.equal(await shop.buy('eu'), 'us');
    others();
    restore();
    assert.equal(await shop.buy('eu'), 'none');
    assert.throws(
      () => configure(Shop, '*', { fallback: { rotate: { argument: 0, values: ['us'] } } }),
      /`fallback\.rotate` names an argument of one method/,
    );
    assert.throws(
      () => configure(Shop, 'buy', { fallback: { rotate: { argument: 0, values: [] } } }),
      ConfigurationError,
    );
  });

  test('policiesOf tells the options; explain and inspect show of the values how many there are, as they may be secret', () => {
    class Shop {
      @fallback({ rotate: { argument: 0, values: ['secret', 'other'] } })
      @timeout({ total: 1_000 })
      @retry()
      async buy(_key: string): Promise<void> {}
    }
    const [first] = policiesOf(Shop, 'buy');
    assert.deepEqual(first?.options, {
      alternatives: [],
      rotate: { argument: 0, values: ['secret', 'other'], start: 'given' },
    });
    assert.ok(Object.isFrozen(first?.options.rotate));
    const text = `${explain(Shop)} ${inspect(first)}`;
    assert.match(text, /buy\(\): fallback > timeout > fallback\.rotate > retry > the method/);
    assert.match(text, /values: \[2 values\]/);
    assert.equal(text.includes('secret'), false);
  });

  test('the values are a copy: what becomes of the array is its owner’s affair', async () => {
    const values = ['us'];
    const { Shop, asked } = shopWith(rotating(values), ['eu', 'us', 'ap']);
    values.push('ap');
    await rejection(new Shop().buy('eu'));
    assert.deepEqual(asked, ['eu', 'us']);
  });
});

describe('8 the options of rotate are checked', () => {
  const all = { argument: 0, values: ['a'] };
  for (const [rotate, text] of [
    [5, /expected `rotate` to be an object, got 5/],
    [null, /expected `rotate` to be an object, got null/],
    [[], /expected `rotate` to be an object/],
    [
      { values: ['a'] },
      /expected `rotate\.argument` to be the number of an argument, from 0, or a path, .* got undefined/,
    ],
    [{ argument: 0 }, /expected `rotate\.values` to be an array of at least one value, or a function .* got undefined/],
    [{ ...all, argument: -1 }, /rotate\.argument.*got -1/],
    [{ ...all, argument: 0.5 }, /rotate\.argument.*got 0\.5/],
    [{ ...all, argument: Number.NaN }, /rotate\.argument.*got NaN/],
    [{ ...all, argument: '0' }, /rotate\.argument.*got '0'/],
    [{ ...all, argument: [] }, /rotate\.argument.*got \[\]/],
    [{ ...all, argument: ['apiKey'] }, /rotate\.argument.*got \[/],
    [{ ...all, argument: [0, ''] }, /rotate\.argument.*got \[/],
    [{ ...all, argument: [0, 'apiKey', ''] }, /rotate\.argument.*got \[/],
    [{ ...all, argument: [0, {}] }, /rotate\.argument.*got \[/],
    [{ ...all, values: [] }, /rotate\.values.*got \[\]/],
    [{ ...all, values: 'eu' }, /rotate\.values.*got 'eu'/],
    [{ ...all, values: new Set(['a']) }, /rotate\.values.*got Set/],
    [{ ...all, values: { [Symbol.toStringTag]: 'GeneratorFunction' } }, /rotate\.values.*got /],
    [{ ...all, values: async function* () {} }, /rotate\.values.*got the generator function values/],
    [{ ...all, start: 'last' }, /rotate\.start.*'given' or 'next', got 'last'/],
    [{ ...all, first: 1 }, /unknown option `rotate\.first` \(1\); known options are argument, values, start/],
  ] as const) {
    test(inspect(rotate), () => {
      assert.throws(
        () => shopWith({ rotate: rotate as never }, []),
        (error) => {
          assert.ok(error instanceof ConfigurationError);
          assert.match(error.message, /^@fallback on method `buy`: /);
          assert.match(error.message, text);
          return true;
        },
      );
    });
  }

  test('it is enough for a fallback; undefined counts as not given', () => {
    assert.doesNotThrow(() => shopWith(rotating(['a']), []));
    assert.doesNotThrow(() => shopWith({ value: 'none', rotate: undefined } as never, []));
    assert.throws(() => shopWith({ rotate: undefined } as never, []), ConfigurationError);
    for (const none of [null, undefined]) assert.throws(() => shopWith(none as never, []), ConfigurationError);
    assert.throws(
      () => new Orchestrator({ fallback: { rotate: { argument: 0, values: [] } } }),
      /fallback\.rotate\.values/,
    );
  });
});
