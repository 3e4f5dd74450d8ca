import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  cache,
  circuitBreaker,
  configure,
  currentCall,
  definePolicy,
  explain,
  fallback,
  Orchestrator,
  orchestrate,
  policiesOf,
  processAll,
  register,
  retry,
  singleFlight,
  statsOf,
} from 'opero';
import { flush } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';

const down = new Error('down');

class Weather {
  readonly runs: { id: string; signal: AbortSignal | undefined; end: Deferred<unknown> }[] = [];

  @singleFlight()
  async get(id: string, _options?: { signal?: AbortSignal }): Promise<unknown> {
    const end = deferred<unknown>();
    this.runs.push({ id, signal: currentCall().signal, end });
    return end.promise;
  }
}

describe('5 singleFlight', () => {
  test('calls of one key share a run, and nothing is kept once it has ended', async () => {
    class Own extends Weather {}
    const weather = new Own();
    const calls = [weather.get('a'), weather.get('a'), weather.get('b')];
    const other = new Own();
    const apart = other.get('a');
    const value = {};
    weather.runs[0]?.end.resolve(value);
    weather.runs[1]?.end.resolve('b');
    other.runs[0]?.end.resolve('other');
    const values = await Promise.all(calls);
    assert.deepEqual([values[0] === value, values[1] === value, values[2]], [true, true, 'b']);
    assert.equal(await apart, 'other');
    const next = weather.get('a');
    weather.runs[2]?.end.resolve('next');
    assert.equal(await next, 'next');
    const { calls: made, attempts, coalesced, cacheMisses, cacheHits } = statsOf(Own, 'get');
    assert.deepEqual([made, attempts, coalesced, cacheMisses, cacheHits], [5, 4, 1, 0, 0]);
  });

  test("scope: 'instance' is the default", async () => {
    class Own {
      @singleFlight({ scope: 'instance' })
      async get(): Promise<object> {
        return {};
      }
    }
    const [one, other] = [new Own(), new Own()];
    const [first, second, third] = await Promise.all([one.get(), one.get(), other.get()]);
    assert.equal(first, second);
    assert.notEqual(first, third);
  });

  test('a static method that is inherited has runs of each class', async () => {
    // biome-ignore lint/complexity/noStaticOnlyClass: a class is what is needed
    class Base {
      @singleFlight()
      static async get(): Promise<unknown> {
        // biome-ignore lint/complexity/noThisInStatic: `this` of a static method is what is tested
        return this;
      }
    }
    class Sub extends Base {}
    assert.deepEqual(await Promise.all([Base.get(), Sub.get(), Sub.get()]), [Base, Sub, Sub]);
    assert.equal(await Reflect.apply(Base.get, null, []), null);
  });

  test('scope: class has the instances share', async () => {
    class Shared {
      @singleFlight({ scope: 'class', key: () => 'k' })
      async get(_: object): Promise<object> {
        return {};
      }
    }
    const [one, other] = [new Shared().get({}), new Shared().get({})];
    assert.equal(await one, await other);
  });

  test('5.3 an error is that of all who joined', () =>
    handled(async () => {
      class Own extends Weather {}
      const weather = new Own();
      const calls = [weather.get('a'), weather.get('a')];
      weather.runs[0]?.end.reject(down);
      for (const each of calls) assert.equal(await rejection(each), down);
      weather.get('a');
      assert.equal(weather.runs.length, 2);
      assert.equal(statsOf(Own, 'get').failures, 2);
    }));

  test('5.8 a caller leaves alone; with the last one the run is aborted and forgotten', () =>
    handled(async () => {
      const weather = new Weather();
      const controllers = [new AbortController(), new AbortController()] as const;
      const calls = controllers.map(({ signal }) => rejection(weather.get('a', { signal })));
      controllers[0].abort(0);
      assert.equal(weather.runs[0]?.signal?.aborted, false);
      controllers[1].abort(1);
      assert.equal(weather.runs[0]?.signal?.aborted, true);
      const next = weather.get('a');
      weather.runs[0]?.end.reject(down);
      await flush();
      weather.runs[1]?.end.resolve('next');
      assert.deepEqual([await Promise.all(calls), await next], [[0, 1], 'next']);
    }));

  test('the run of each receiver of a function in an Orchestrator, a function as the receiver too', async () => {
    const one = new Orchestrator({ singleFlight: {} }).wrap(async function (this: unknown) {
      return this;
    });
    const receivers = [class {}, class {}, {}, null];
    assert.deepEqual(await Promise.all(receivers.map((each) => Reflect.apply(one, each, []))), receivers);
  });

  test('the run of each function in an Orchestrator', async () => {
    const orchestrator = new Orchestrator({ singleFlight: {} });
    const [one, other] = [async () => ({}), async () => ({})];
    const values = await Promise.all([one, one, other].map((fn) => orchestrator.execute(fn)));
    assert.deepEqual([values[0] === values[1], values[0] === values[2]], [true, false]);
  });

  test('many items of one key share a run', async () => {
    class Shop {
      entered = 0;
      @singleFlight()
      async get(id: number): Promise<number> {
        this.entered++;
        await flush();
        return id;
      }
    }
    const shop = new Shop();
    const items = Array.from({ length: 100 }, (_, at) => at % 4);
    assert.deepEqual(await processAll(shop, 'get', items, { concurrency: 100 }), items);
    assert.equal(shop.entered, 4);
  });

  test('many items under one signal: the first failure aborts the rest, and leaves nothing', () =>
    handled(async () => {
      class Shop {
        readonly signals: (AbortSignal | undefined)[] = [];
        @singleFlight()
        async get(id: number): Promise<number> {
          this.signals.push(currentCall().signal);
          await flush();
          if (id === 0) throw down;
          return new Promise(() => {});
        }
      }
      const shop = new Shop();
      assert.equal(await rejection(processAll(shop, 'get', [1, 1, 2, 0], { concurrency: 4 })), down);
      assert.deepEqual(
        shop.signals.map((signal) => signal?.aborted),
        [true, true, false],
      );
    }));

  test('a fallback is each caller’s own, a retry and a circuit are the run’s', async () => {
    class Shop {
      @singleFlight()
      @fallback((id: string) => `none of ${id}`)
      @retry({ maxAttempts: 2, waitMin: 0 })
      @circuitBreaker({ consecutive: 5 })
      async get(_id: string): Promise<string> {
        throw down;
      }
    }
    const shop = new Shop();
    assert.deepEqual(await Promise.all([shop.get('a'), shop.get('a')]), ['none of a', 'none of a']);
    const { attempts, fallbacks, retries } = statsOf(Shop, 'get');
    assert.deepEqual([attempts, fallbacks, retries], [2, 2, 1]);
  });

  test('a policy of one’s own around calls stands outside of it', async () => {
    const seen: string[] = [];
    const log = definePolicy({
      kind: 'outside',
      stage: 'call',
      async around(next) {
        seen.push('in');
        try {
          return await next();
        } finally {
          seen.push('out');
        }
      },
    });
    class Shop {
      @log()
      @singleFlight()
      async get(): Promise<number> {
        seen.push('run');
        return 1;
      }
    }
    const shop = new Shop();
    assert.deepEqual(await Promise.all([shop.get(), shop.get()]), [1, 1]);
    assert.deepEqual(seen, ['in', 'run', 'in', 'out', 'out']);
    assert.match(explain(Shop), /get\(\): outside > singleFlight > the method/);
  });
});

describe('both on one method', () => {
  const names = /it has a (cache|singleFlight) policy already; have either that or (cache|singleFlight)/;
  const isTold = (error: unknown): boolean => error instanceof ConfigurationError && names.test(error.message);

  test('are a ConfigurationError at decoration', () => {
    const decorate = (): void => {
      class Both {
        @cache(5)
        @singleFlight()
        async get(): Promise<void> {}
      }
      register(Both);
    };
    assert.throws(decorate, isTold);
    const orchestrated = (): void => {
      class Both {
        @orchestrate({ cache: 5, singleFlight: {} })
        async get(): Promise<void> {}
      }
      register(Both);
    };
    assert.throws(orchestrated, isTold);
    const mixed = (): void => {
      class Both {
        @orchestrate({ singleFlight: {} })
        @cache(5)
        async get(): Promise<void> {}
      }
      register(Both);
    };
    assert.throws(mixed, isTold);
    assert.throws(() => new Orchestrator({ cache: 5, singleFlight: {} }), isTold);
  });

  test('one of them inherited: at the first construction, or when a static method is defined', async () => {
    class Base {
      @cache(5)
      async get(): Promise<void> {}
      @singleFlight()
      static async make(): Promise<void> {}
    }
    class Sub extends Base {
      @singleFlight()
      override async get(): Promise<void> {}
    }
    const expected = {
      name: 'ConfigurationError',
      message:
        /^@(cache|singleFlight) on Sub\.get: it has \w+ \(from (Sub|Base)\) and \w+ \(from (Sub|Base)\); it can have one of the two/,
    };
    for (let i = 0; i < 2; i++) assert.throws(() => new Sub(), expected);
    await assert.rejects(Sub.prototype.get.call(Object.create(Sub.prototype)), expected);
    const define = (): void => {
      class Static extends Base {
        @cache(5)
        static override async make(): Promise<void> {}
      }
      register(Static);
    };
    assert.throws(define, /on Static\.make: it has/);
    const nameless = (() =>
      class extends Base {
        @singleFlight()
        override async get(): Promise<void> {}
      })();
    assert.throws(() => new nameless(), /it has singleFlight \(from an anonymous class\) and cache \(from Base\)/);
    class Cut extends Base {
      @orchestrate({ inherit: false, singleFlight: {} })
      override async get(): Promise<void> {}
    }
    await new Cut().get();
    assert.deepEqual(
      policiesOf(Cut, 'get').map(({ kind }) => kind),
      ['singleFlight'],
    );
  });

  test('an override without a decorator inherits it', async () => {
    class Base {
      @singleFlight()
      async get(): Promise<object> {
        return {};
      }
    }
    class Sub extends Base {
      override async get(): Promise<object> {
        return super.get();
      }
    }
    const sub = new Sub();
    assert.equal(...((await Promise.all([sub.get(), sub.get()])) as [object, object]));
  });
});

describe('options', () => {
  test('that are wrong, and a whole class', () => {
    const wrong: [unknown, RegExp][] = [
      [{ key: 5 }, /expected `key` to be a function/],
      [{ scope: 'all' }, /expected `scope`/],
      [{ ttl: 5 }, /unknown option `ttl`/],
      [5, /expected the options to be an object, got 5/],
    ];
    for (const [given, message] of wrong) {
      const decorate = (): void => {
        class Wrong {
          @singleFlight(given as never)
          async get(): Promise<void> {}
        }
        register(Wrong);
      };
      assert.throws(decorate, (error) => error instanceof ConfigurationError && message.test(error.message));
    }
    const onClass = (): void => {
      // @ts-expect-error
      @singleFlight()
      class All {}
      register(All);
    };
    assert.throws(
      onClass,
      /@singleFlight on class `All`: singleFlight goes on methods, each by itself: it would leave out runs of those that change things/,
    );
  });

  test('10 configure takes it out, and its key and scope are fixed', async () => {
    class Own extends Weather {}
    const weather = new Own();
    weather.get('a');
    const restore = configure(Own, 'get', { singleFlight: false });
    weather.get('a');
    assert.equal(weather.runs.length, 2);
    restore();
    weather.get('a');
    assert.equal(weather.runs.length, 2);
    assert.throws(
      () => configure(Own, 'get', { singleFlight: { scope: 'class' } as never }),
      /stays as it was declared/,
    );
    assert.throws(() => configure(Own, 'get', { cache: 5 }), /has no cache policy/);
  });
});
