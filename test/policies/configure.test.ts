import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  type CircuitBreakerConfig,
  circuitBreaker,
  circuitOf,
  concurrency,
  configure,
  configureFrom,
  definePolicy,
  explain,
  fallback,
  isTimeoutError,
  type PolicyChanges,
  policiesOf,
  positive,
  processAll,
  retry,
  statsOf,
  timeout,
  unusedConfiguration,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';

const messageOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error as Error).message);

describe('10 timeout', () => {
  test('10.1 the other part is added, and each may change', () =>
    underFakeClock(async (clock) => {
      class Store {
        @retry({ maxAttempts: 5, waitMin: 0 })
        @timeout(100)
        load(): Promise<void> {
          return new Promise(() => {});
        }
      }
      const store = new Store();
      const timeOf = async (): Promise<[number, string]> => {
        const begun = clock.now;
        const error: unknown = await (async () => {
          const call = store.load().then(
            () => undefined,
            (reason: unknown) => reason,
          );
          await clock.runAllAsync();
          return call;
        })();
        assert.ok(isTimeoutError(error));
        return [clock.now - begun, error.scope];
      };
      assert.deepEqual(await timeOf(), [500, 'attempt']);
      configure(Store, 'load', { timeout: { total: 250 } });
      assert.match(explain(Store), /timeout\.total > retry > timeout\.attempt/);
      assert.deepEqual((await timeOf())[1], 'total');
      using _short = configure(Store, 'load', { timeout: 10 });
      assert.deepEqual(await timeOf(), [50, 'attempt']);
      assert.deepEqual(policiesOf(Store, 'load')[0]?.options, { attempt: 10, total: 250 });
    }));

  test('10.2 calls under way keep their time', () =>
    underFakeClock(async (clock) => {
      class Store {
        @timeout(100)
        load(): Promise<void> {
          return new Promise(() => {});
        }
      }
      const store = new Store();
      const ends: number[] = [];
      const call = (): void => void store.load().catch(() => ends.push(clock.now));
      call();
      configure(Store, 'load', { timeout: 10 });
      call();
      configure(Store, 'load', { timeout: false });
      call();
      await clock.runAllAsync();
      assert.deepEqual(ends, [10, 100]);
    }));
});

describe('10 circuitBreaker', () => {
  const makeStore = (config: CircuitBreakerConfig<void, never, [tenant?: string]>) => {
    class Store {
      entered = 0;
      @circuitBreaker(config)
      async load(_tenant = 'north'): Promise<void> {
        this.entered++;
        throw new Error('down');
      }
    }
    return Store;
  };
  const fail = async (store: { load(tenant?: string): Promise<void> }, times: number, tenant?: string) => {
    for (let i = 0; i < times; i++) await messageOf(store.load(tenant));
  };

  test('10.3 what was counted stays, and the next failure is judged by the new options', async () => {
    const Store = makeStore({ consecutive: 5 });
    const store = new Store();
    await fail(store, 3);
    configure(Store, 'load', { circuitBreaker: { consecutive: 4 } });
    assert.equal(circuitOf(Store, 'load').failures, 3);
    await fail(store, 3);
    assert.deepEqual([circuitOf(Store, 'load').state, store.entered], ['open', 4]);
  });

  test('10.3 an open circuit stays open, by the new time; and taken out it lets calls through', () =>
    underFakeClock(async (clock) => {
      const Store = makeStore({ consecutive: 1 });
      const store = new Store();
      await fail(store, 2);
      {
        using _out = configure(Store, 'load', { circuitBreaker: false });
        await fail(store, 2);
        assert.equal(store.entered, 3);
        assert.throws(() => circuitOf(Store, 'load'), /has no circuit/);
      }
      await fail(store, 1);
      assert.equal(store.entered, 3);
      configure(Store, 'load', { circuitBreaker: { halfOpenAfter: 100 } });
      await clock.tickAsync(99);
      assert.equal(circuitOf(Store, 'load').state, 'open');
      await clock.tickAsync(1);
      assert.equal(circuitOf(Store, 'load').state, 'half-open');
    }));

  test('10.1 what opens it may be told in the other way', () => {
    const Store = makeStore({ consecutive: 5 });
    const optionsNow = () => policiesOf(Store, 'load')[0]?.options ?? {};
    const restore = configure(Store, 'load', { circuitBreaker: { failureRatio: 0.2 } });
    const { consecutive, failureRatio, window } = optionsNow();
    assert.deepEqual([consecutive, failureRatio, window], [undefined, 0.2, 10_000]);
    using _calls = configure(Store, 'load', { circuitBreaker: { minCalls: 3 } });
    assert.equal(optionsNow().failureRatio, 0.2);
    using _row = configure(Store, 'load', { circuitBreaker: 3 });
    assert.deepEqual([optionsNow().consecutive, 'failureRatio' in optionsNow()], [3, false]);
    restore();
    assert.equal(optionsNow().consecutive, 3);
    const both = { consecutive: 3, minCalls: 3 };
    assert.throws(() => configure(Store, 'load', { circuitBreaker: both as never }), /leave out `minCalls`/);
    assert.throws(() => configure(Store, 'load', { circuitBreaker: null as never }), {
      name: 'ConfigurationError',
      message: /, got null/,
    });
  });

  for (const circuitBreaker of [{ window: 5_000 }, { minCalls: 3 }, { window: 5_000, halfOpenAfter: 1 }]) {
    const [name = '', value] = Object.entries(circuitBreaker)[0] ?? [];
    const text = (called: string): string =>
      `${called}: \`circuitBreaker.${name}\` goes with \`failureRatio\`, got ${value}; ` +
      '`consecutive` (5) is in force, so leave it out, or give `failureRatio` too';

    test(`10.1 \`${Object.keys(circuitBreaker)}\` alone does not drop \`consecutive\`: a ConfigurationError`, async () => {
      const Store = makeStore({ consecutive: 5 });
      const store = new Store();
      await fail(store, 1);
      const before = policiesOf(Store, 'load');
      assert.throws(() => configure(Store, 'load', { circuitBreaker }), { message: text('configure() of Store.load') });
      assert.throws(() => configure(Store, '*', { circuitBreaker }), {
        message: `${text('configure() of Store.*')} (on Store.load)`,
      });
      class Keeper extends Store {}
      new Keeper();
      assert.throws(() => configureFrom({ 'Keeper.load': { circuitBreaker } }), {
        message: text("configureFrom() at 'Keeper.load'"),
      });
      assert.deepEqual(policiesOf(Store, 'load'), before);
      await fail(store, 9);
      assert.equal(store.entered, 5);
      using _ratio = configure(Store, 'load', { circuitBreaker: { failureRatio: 0.2, ...circuitBreaker } });
      assert.equal(policiesOf(Store, 'load')[0]?.options[name], value);
    });
  }

  test('10.1 a class that is met later keeps its `consecutive`, and the options are listed as unused', () => {
    using _window = configureFrom({ 'Later.load': { circuitBreaker: { window: 5_000 } } });
    class Later {
      @circuitBreaker(4)
      async load(): Promise<void> {}
    }
    assert.deepEqual(unusedConfiguration(), ['Later.load']);
    assert.equal(policiesOf(Later, 'load')[0]?.options.consecutive, 4);
    assert.deepEqual(unusedConfiguration(), ['Later.load']);
  });

  test('10.5 options that no longer fit, as what they came upon was taken back, are out until they fit again', () => {
    const Store = makeStore({ consecutive: 5 });
    const { failureRatio: none, ...declared } = policiesOf(Store, 'load')[0]?.options ?? {};
    assert.equal(none, undefined);
    const optionsNow = () => policiesOf(Store, 'load')[0]?.options ?? {};
    const ratio = configure(Store, 'load', { circuitBreaker: { failureRatio: 0.2 } });
    const window = configure(Store, 'load', { circuitBreaker: { window: 7_000, halfOpenAfter: 1 } });
    assert.deepEqual([optionsNow().failureRatio, optionsNow().window, optionsNow().halfOpenAfter], [0.2, 7_000, 1]);
    ratio();
    assert.deepEqual(optionsNow(), declared);
    assert.deepEqual(policiesOf(Store, 'load')[0]?.configured, undefined);
    // What comes meanwhile is judged by itself.
    configure(Store, 'load', { circuitBreaker: { halfOpenCalls: 2 } })();
    // Those that came later hold on their own.
    const patient = configure(Store, '*', { circuitBreaker: { failureRatio: 0.3, minCalls: 9 } });
    assert.deepEqual([optionsNow().failureRatio, optionsNow().window, optionsNow().minCalls], [0.3, 7_000, 9]);
    patient();
    assert.deepEqual(optionsNow(), declared);
    window();
    assert.deepEqual(optionsNow(), declared);
  });

  test('10.6 `consecutive` for a base outdoes `window` for a subclass while it holds', () => {
    const Base = makeStore({ failureRatio: 0.4 });
    class Derived extends Base {}
    const optionsNow = () => policiesOf(Derived, 'load')[0]?.options ?? {};
    using _window = configure(Derived, 'load', { circuitBreaker: { window: 7_000 } });
    const row = configure(Base, 'load', { circuitBreaker: 3 });
    assert.deepEqual([optionsNow().consecutive, optionsNow().window], [3, undefined]);
    row();
    assert.deepEqual([optionsNow().failureRatio, optionsNow().window], [0.4, 7_000]);
  });

  test('10.4 `circuitOf` says that the breaker is taken out, and by what', async () => {
    const Store = makeStore({ consecutive: 1 });
    class Shop extends Store {}
    await fail(new Shop(), 1);
    const message =
      'circuitOf(): Shop.load has no circuit now: its circuitBreaker is taken out by a configuration of Store';
    const restore = configure(Store, 'load', { circuitBreaker: false });
    for (const target of [Shop, new Shop()]) assert.throws(() => circuitOf(target, 'load'), { message });
    restore();
    assert.equal(circuitOf(Shop, 'load').state, 'open');
    using _all = configureFrom({ '*': { circuitBreaker: false } });
    assert.throws(() => circuitOf(Shop, 'load'), { message });
  });

  for (const [name, sharing] of [
    ['by key', { key: (tenant = 'north') => tenant }],
    ['of instances', { scope: 'instance' }],
  ] as const) {
    test(`10.3 circuits ${name}, those that are there and new ones`, async () => {
      const Store = makeStore({ consecutive: 5, ...sharing });
      const stores = [new Store(), new Store()] as const;
      const key = name === 'by key' ? 'south' : undefined;
      await fail(stores[0], 2, key);
      configure(Store, 'load', { circuitBreaker: 3 });
      await fail(stores[0], 3, key);
      await fail(stores[1], 4, 'east');
      assert.deepEqual(
        stores.map(({ entered }) => entered),
        [3, 3],
      );
      assert.equal(circuitOf(stores[0], 'load', key).state, 'open');
    });
  }

  test('10.7 `key` and `scope` stay', () => {
    const Store = makeStore({ consecutive: 5 });
    for (const circuitBreaker of [{ key: () => 'a' }, { scope: 'class' }] as unknown as { consecutive: number }[]) {
      assert.throws(() => configure(Store, 'load', { circuitBreaker }), /stays as it was declared/);
    }
  });

  test('10.2 a hook of the circuit may configure it', async () => {
    const changes: string[] = [];
    const Store = makeStore({
      consecutive: 1,
      onStateChange: ({ to }) => {
        changes.push(to);
        configure(Store, 'load', { circuitBreaker: { onStateChange: ({ to }) => changes.push(`then ${to}`) } });
      },
    });
    await fail(new Store(), 1);
    circuitOf(Store, 'load').reset();
    assert.deepEqual(changes, ['open', 'then closed']);
  });
});

describe('10 fallback', () => {
  test('10.1 one policy of a class for two methods stays one, however it was configured', async () => {
    const tried: string[] = [];
    @fallback('first', 'second')
    class Store {
      async first(): Promise<string> {
        tried.push('first');
        throw new Error('no first');
      }
      async second(): Promise<string> {
        tried.push('second');
        throw new Error('no second');
      }
    }
    configure(Store, 'first', { fallback: { on: () => true } });
    const store = new Store();
    assert.match(String(await messageOf(store.first())), /so did every alternative/);
    assert.deepEqual(tried, ['first', 'second']);
  });

  for (const [what, others] of [
    ['when it comes in', {}],
    ['the alternatives', { alternatives: ['first', 'second', 'third'] }],
  ] as const) {
    test(`10.1 stays one with that of the class, ${what} of one method changed: nothing is tried twice in a call`, async () => {
      const asked: string[] = [];
      const failing = (name: string) => async (): Promise<string> => {
        asked.push(name);
        throw new Error(name);
      };
      @fallback('first', 'second')
      class Store {
        async load(): Promise<string> {
          return failing('load')();
        }
        async first(): Promise<string> {
          return failing('first')();
        }
        async second(): Promise<string> {
          return failing('second')();
        }
        async third(): Promise<string> {
          return failing('third')();
        }
      }
      using _other = configure(Store, 'load', { fallback: { on: () => true, ...others } });
      await assert.rejects(new Store().load(), { name: 'AllFailedError' });
      assert.deepEqual(asked, ['load', 'first', 'second', ...('alternatives' in others ? ['third'] : [])]);
    });
  }
});

describe('10 a name of a fallback that is missing', () => {
  const makeShop = () => {
    class Shop {
      @fallback('cached')
      async load(): Promise<string> {
        throw new Error('down');
      }
      async cached(): Promise<string> {
        return 'cached';
      }
    }
    return Shop;
  };
  const cure = 'name a method of the class, or give a function';
  const missing = "no method 'missing' here (a field that holds a function is set too late to count)";

  test('10.1 the message blames the configuration that named it', () => {
    const Shop = makeShop();
    for (const method of ['load', '*']) {
      assert.throws(() => configure(Shop, method, { fallback: ['missing'] }), {
        message: `configure() of Shop.${method}: \`fallback\` of Shop.load: ${missing}; ${cure}`,
      });
    }
  });

  test('10.8 of a class that comes later, at its construction', async () => {
    using _late = configureFrom({ 'Bakery.load': { fallback: { alternatives: ['missing'] } } });
    class Bakery extends makeShop() {}
    class Derived extends makeShop() {}
    const text = (label: string) => `configureFrom() at 'Bakery.load': \`fallback\` of ${label}: ${missing}; ${cure}`;
    assert.throws(() => new Bakery(), { message: text('Bakery.load') });
    using _on = configure(Derived, 'load', { fallback: { on: () => true } });
    assert.equal(await new Derived().load(), 'cached');
  });

  test('10.1 where it changes something else, the decorator is blamed for its names', async () => {
    abstract class Store {
      @fallback('cached')
      async load(): Promise<string> {
        throw new Error('down');
      }
      abstract cached(): Promise<string>;
    }
    using _on = configure(Store, 'load', { fallback: { on: () => true } });
    class Broken extends (Store as unknown as new () => object) {}
    assert.throws(() => new Broken(), {
      message: `@fallback on Broken.load: no method 'cached' here (a field that holds a function is set too late to count); ${cure}`,
    });
    using _other = configure(Store, 'load', { fallback: ['missing'] });
    using _value = configure(Store, 'load', { fallback: { value: 1 } });
    assert.throws(() => new Broken(), {
      message: `configure() of Store.load: \`fallback\` of Broken.load: ${missing}; ${cure}`,
    });
  });

  test('10.1 by a class-level fallback too', () => {
    @fallback('last')
    class Store {
      async load(): Promise<string> {
        return '';
      }
      async last(): Promise<string> {
        return '';
      }
    }
    assert.throws(() => configure(Store, '*', { fallback: ['last', 'missing'] }), {
      message: `configure() of Store.*: \`fallback\` of Store.load: ${missing}; ${cure}`,
    });
  });
});

describe('10 many items', () => {
  test('10.3 as many at once as the configured limit', async () => {
    let running = 0;
    let most = 0;
    class Store {
      @concurrency(2)
      async load(_id: number): Promise<void> {
        most = Math.max(most, ++running);
        await flush();
        running--;
      }
    }
    using _more = configure(Store, 'load', { concurrency: 5 });
    await processAll(new Store(), 'load', [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(most, 5);
  });
});

describe('10.6 definePolicy', () => {
  const scaledBy = (sign: number) =>
    definePolicy({
      kind: 'scaled',
      stage: 'method',
      options: { factor: positive, offset: positive },
      defaults: { offset: 1 },
      state: () => ({ calls: 0 }),
      async around(next, { options, state }) {
        state.calls++;
        return sign * Number(await next()) * options.factor + options.offset / 100 + state.calls * 1000;
      },
    });
  const changes = (scaled: unknown): PolicyChanges => ({ scaled }) as PolicyChanges;

  test('10.6 its options change, its state stays', async () => {
    const scaled = scaledBy(1);
    class Store {
      @scaled({ factor: 2 })
      async load(): Promise<number> {
        return 10;
      }
    }
    const store = new Store();
    assert.equal(await store.load(), 1020.01);
    const restore = configure(Store, 'load', changes({ factor: 3 }));
    assert.equal(await store.load(), 2030.01);
    {
      using _out = configure(Store, 'load', changes(false));
      assert.equal(await store.load(), 10);
    }
    restore();
    assert.equal(await store.load(), 3020.01);
    assert.throws(() => configure(Store, 'load', changes({ factor: -1 })), /expected `scaled\.factor` to be/);
    assert.throws(
      () => configure(Store, 'load', changes({ key: () => 'a' })),
      /`scaled\.key` stays as it was declared/,
    );
  });

  test('10.6 a class keeps the definition that it was made with, though the kind was defined anew', async () => {
    const before = scaledBy(1);
    class Store {
      @before({ factor: 2 })
      async load(): Promise<number> {
        return 10;
      }
    }
    scaledBy(-1);
    configure(Store, 'load', changes({ factor: 3 }));
    assert.equal(await new Store().load(), 1030.01);
  });
});

describe('10 spies and foreign wrappers', () => {
  test('10.2 it holds beneath what was put on the method', async () => {
    const attempts: number[] = [];
    class Store {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async load(): Promise<void> {
        attempts.push(1);
        throw new Error('down');
      }
    }
    const { load } = Store.prototype;
    Store.prototype.load = function (this: Store) {
      return load.call(this);
    };
    const store = new Store();
    await messageOf(store.load());
    configure(Store, 'load', { retry: 3 });
    await messageOf(store.load());
    assert.equal(attempts.length, 5);
  });

  test('10.2 a bound method too', async () => {
    class Store {
      attempts = 0;
      @retry({ maxAttempts: 2, waitMin: 0 })
      async load(): Promise<void> {
        this.attempts++;
        throw new Error('down');
      }
    }
    const store = new Store();
    const load = store.load.bind(store);
    await messageOf(load());
    configure(Store, 'load', { retry: 3 });
    await messageOf(load());
    assert.equal(store.attempts, 5);
  });
});

describe('10.3 abandoned attempts', () => {
  test('10.3 a slot that nobody waits for any more is still one', () =>
    underFakeClock(async (clock) => {
      const gate = deferred();
      const entered: number[] = [];
      class Store {
        @timeout(10)
        @concurrency(2)
        async load(id: number): Promise<void> {
          entered.push(id);
          await gate.promise;
        }
      }
      const store = new Store();
      const calls = [1, 2].map((id) => messageOf(store.load(id)));
      await clock.tickAsync(10);
      await Promise.all(calls);
      assert.equal(statsOf(Store, 'load').abandoned, 2);
      const third = messageOf(store.load(3));
      configure(Store, 'load', { concurrency: 1 });
      gate.resolve();
      await flush();
      assert.deepEqual(entered, [1, 2, 3]);
      await third;
    }));
});
