import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  concurrency,
  explain,
  fallback,
  orchestrate,
  policiesOf,
  rateLimit,
  retry,
  statsOf,
} from 'opero';
import { deferred } from './support/deferred.js';

const infinite = Number.POSITIVE_INFINITY;

class HttpError extends Error {}

class Weather {
  @concurrency(3)
  @fallback('cached')
  @rateLimit(5)
  @retry({ maxAttempts: 4, waitMin: 0, retryOn: [HttpError] })
  async forecast(_city: string): Promise<string> {
    throw new HttpError('down');
  }

  async cached(_city: string): Promise<string> {
    return 'from the cache';
  }

  @retry(2)
  async #measure(): Promise<number> {
    return 1;
  }

  measure(): Promise<number> {
    return this.#measure();
  }

  @orchestrate({ concurrency: 7 })
  static async stations(): Promise<string[]> {
    return [];
  }
}

class AlpineWeather extends Weather {
  override async forecast(city: string): Promise<string> {
    return super.forecast(`${city}, alps`);
  }
}

const forecastPolicies = [
  { kind: 'fallback', options: { alternatives: ['cached'] }, declaredBy: Weather },
  {
    kind: 'retry',
    options: {
      maxAttempts: 4,
      waitMin: 0,
      waitMax: 30_000,
      waitMultiplier: 2,
      jitter: 'full',
      retryOn: [HttpError],
      maxElapsed: infinite,
      rethrow: true,
    },
    declaredBy: Weather,
  },
  {
    kind: 'rateLimit',
    options: { rate: 5, per: 1000, spread: false, maxQueue: infinite, maxWait: infinite, scope: 'class' },
    declaredBy: Weather,
  },
  {
    kind: 'concurrency',
    options: { limit: 3, maxQueue: infinite, maxWait: infinite, scope: 'class' },
    declaredBy: Weather,
  },
];

describe('policiesOf', () => {
  test('gives kind, options and origin in pipeline order, defaults and shorthands filled in', () => {
    assert.deepEqual(policiesOf(Weather, 'forecast'), forecastPolicies);
  });

  test('says the same of an instance, of a subclass before any construction, and of its instances', () => {
    class Fresh extends Weather {
      override async forecast(_city: string): Promise<string> {
        return 'fresh';
      }
    }
    assert.deepEqual(policiesOf(Fresh, 'forecast'), forecastPolicies);
    assert.deepEqual(policiesOf(new Weather(), 'forecast'), forecastPolicies);
    assert.deepEqual(policiesOf(new Fresh(), 'forecast'), forecastPolicies);
    assert.deepEqual(policiesOf(class extends Weather {}, 'forecast'), forecastPolicies);
  });

  test('asking before the first construction changes nothing for later calls', async () => {
    let runs = 0;
    class Base {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async load(): Promise<void> {}
    }
    class Sub extends Base {
      override async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    policiesOf(Sub, 'load');
    explain(Sub);
    await assert.rejects(new Sub().load());
    assert.equal(runs, 2);
  });

  test('fills in the shorthands of @orchestrate like those of the decorators', () => {
    class Shop {
      @orchestrate({ retry: 4, fallback: ['cached'], rateLimit: 2.5, concurrency: 6 })
      async buy(): Promise<void> {}
      @retry(4)
      @fallback('cached')
      @rateLimit(2.5)
      @concurrency(6)
      async sell(): Promise<void> {}
      async cached(): Promise<void> {}
    }
    assert.deepEqual(policiesOf(Shop, 'buy'), policiesOf(Shop, 'sell'));
    assert.deepEqual(
      policiesOf(Shop, 'buy').map(({ kind }) => kind),
      ['fallback', 'retry', 'rateLimit', 'concurrency'],
    );
    assert.equal(policiesOf(Shop, 'buy')[2].options.rate, 2.5);
  });

  test('shows a fallback value, undefined too, and a key', () => {
    const key = (id: string) => id;
    class Shop {
      @fallback({ value: undefined })
      @concurrency({ limit: 1, key, scope: 'instance' })
      async buy(_id: string): Promise<string | undefined> {
        return undefined;
      }
    }
    const [first, second] = policiesOf(Shop, 'buy');
    assert.deepEqual(first.options, { alternatives: [], value: undefined });
    assert.ok('value' in first.options);
    assert.deepEqual([second.options.key, second.options.scope], [key, 'instance']);
  });

  test('gives frozen options, and they are copies of what was given', () => {
    const retryOn: (new () => Error)[] = [TypeError];
    const given = { maxAttempts: 2, retryOn };
    const alternatives = ['cached'] as const;
    class Shop {
      @retry(given)
      @fallback({ alternatives })
      async buy(): Promise<void> {}
      async cached(): Promise<void> {}
    }
    given.maxAttempts = 9;
    retryOn.push(RangeError);
    const [first, second] = policiesOf(Shop, 'buy');
    assert.ok(Object.isFrozen(first.options) && Object.isFrozen(first.options.alternatives));
    assert.ok(Object.isFrozen(second.options));
    assert.equal(second.options.maxAttempts, 2);
    assert.deepEqual(second.options.retryOn, [TypeError]);
    assert.ok(Object.isFrozen(second.options.retryOn));
    assert.notEqual(first.options.alternatives, alternatives);
    assert.ok(!Object.isFrozen(given));
  });

  test('gives a list of its own each time', () => {
    policiesOf(Weather, 'forecast').length = 0;
    assert.equal(policiesOf(Weather, 'forecast').length, 4);
  });

  test('reaches private and static methods, and those of subclasses', () => {
    assert.equal(policiesOf(Weather, '#measure')[0].options.maxAttempts, 2);
    assert.equal(policiesOf(new Weather(), '#measure')[0].declaredBy, Weather);
    assert.equal(policiesOf(AlpineWeather, '#measure')[0].declaredBy, Weather);
    assert.equal(policiesOf(Weather, 'stations')[0].options.limit, 7);
    assert.equal(policiesOf(AlpineWeather, 'stations')[0].declaredBy, Weather);
  });

  test('reaches private static methods', () => {
    class Shop {
      readonly size = 1;
      @retry(2)
      static async #count(): Promise<void> {}
      static count(): Promise<void> {
        return Shop.#count();
      }
    }
    assert.equal(policiesOf(Shop, '#count')[0].options.maxAttempts, 2);
    assert.match(explain(Shop), /^ {2}static #count\(\): retry > the method$/m);
  });

  test('gives those of an inherited method where the subclass has a static one of its name', () => {
    class Shop {
      @retry(2)
      async open(): Promise<void> {}
    }
    class Corner extends Shop {
      static async open(): Promise<void> {}
      readonly size = 1;
    }
    assert.equal(policiesOf(Corner, 'open').length, 1);
  });

  test('gives none for a static override without a decorator, which runs without any', () => {
    class Shop {
      @retry(2)
      static async open(): Promise<void> {}
      readonly size = 1;
    }
    class Sub extends Shop {
      static override async open(): Promise<void> {}
    }
    assert.deepEqual(policiesOf(Sub, 'open'), []);
  });

  test('prefers the instance method where a static one shares its name', () => {
    class Shop {
      @retry(2)
      static async open(): Promise<void> {}
      @concurrency(2)
      async open(): Promise<void> {}
    }
    assert.deepEqual(
      policiesOf(Shop, 'open').map(({ kind }) => kind),
      ['concurrency'],
    );
  });

  test('reaches symbol and numeric names', () => {
    const name = Symbol('load');
    class Shop {
      @retry(2)
      async [name](): Promise<void> {}
      @retry(3)
      async 42(): Promise<void> {}
    }
    assert.equal(policiesOf(Shop, name)[0].options.maxAttempts, 2);
    assert.equal(policiesOf(Shop, '42')[0].options.maxAttempts, 3);
    assert.equal(policiesOf(Shop, 42)[0].options.maxAttempts, 3);
  });

  test("finds a static method that shares its name with an instance one as 'static ' and its name", () => {
    class Shop {
      @retry(2)
      static async open(): Promise<void> {}
      @concurrency(1)
      async open(): Promise<void> {}
      @retry(3)
      async 'static close'(): Promise<void> {}
      @concurrency(1)
      static async close(): Promise<void> {}
      static plain(): void {}
    }
    const kinds = (name: string): string[] => policiesOf(Shop, name).map(({ kind }) => kind);
    assert.deepEqual(kinds('open'), ['concurrency']);
    assert.deepEqual(kinds('static open'), ['retry']);
    assert.deepEqual(kinds('static close'), ['retry']);
    assert.deepEqual(kinds('static plain'), []);
    assert.equal(statsOf(Shop, 'static open').calls, 0);
    assert.throws(() => policiesOf(Shop, 'static shut' as string), {
      message: 'policiesOf(): Shop.static shut is not a method',
    });
    assert.throws(() => statsOf(Shop, 'static plain'), {
      message: 'statsOf(): Shop.static plain has no policies, so nothing is counted',
    });
  });

  test('gives none for a method without policies', () => {
    assert.deepEqual(policiesOf(Weather, 'cached'), []);
    assert.deepEqual(policiesOf(new AlpineWeather(), 'cached'), []);
    assert.deepEqual(
      policiesOf(
        class {
          plain(): void {}
        },
        'plain',
      ),
      [],
    );
  });

  test('fails for a method that is not there, and for what is no class or instance', () => {
    const missing = { name: 'ConfigurationError', message: 'policiesOf(): Weather.forcast is not a method' };
    assert.throws(() => policiesOf(Weather, 'forcast' as string), missing);
    assert.throws(() => policiesOf(new Weather(), 'forcast' as string), missing);
    assert.throws(() => policiesOf(class {}, 'x'), { message: 'policiesOf(): (anonymous class).x is not a method' });
    for (const name of [Symbol('forecast'), 'static_stations', 'toString', 'call']) {
      assert.throws(() => policiesOf(Weather, name), {
        name: 'ConfigurationError',
        message: `policiesOf(): Weather.${String(name)} is not a method`,
      });
    }
    for (const [subject, shown] of [
      [3, '3'],
      [null, 'null'],
      [undefined, 'undefined'],
      ['Weather', "'Weather'"],
    ]) {
      assert.throws(() => policiesOf(subject as never, 'x'), {
        name: 'ConfigurationError',
        message: `policiesOf(): expected a class or an instance, got ${shown}`,
      });
    }
  });
});

describe('explain', () => {
  test('tells of each method with policies, the static and private ones too', () => {
    const text = explain(Weather);
    assert.match(text, /^Weather\n/);
    assert.match(text, /^ {2}forecast\(\): fallback > retry > rateLimit > concurrency > the method$/m);
    assert.match(text, /^ {4}retry +maxAttempts: 4, waitMin: 0, .*retryOn: \[HttpError\].*\(from Weather\)$/m);
    assert.match(text, /^ {4}concurrency +limit: 3, .*\(from Weather\)$/m);
    assert.match(text, /^ {2}#measure\(\): retry > the method$/m);
    assert.match(text, /^ {2}static stations\(\): concurrency > the method$/m);
    assert.doesNotMatch(text, /cached\(\)|undefined/);
  });

  test('shows an error among the options in one line', () => {
    class Shop {
      @fallback({ value: new TypeError('sold out') })
      async buy(): Promise<Error> {
        throw new Error('closed');
      }
    }
    assert.match(explain(Shop), /^ {4}fallback +alternatives: \[\], value: \[TypeError: sold out\] {2}\(from Shop\)$/m);
  });

  test('says the same of an instance, and names the base that a policy comes from', () => {
    assert.equal(
      explain(new Weather()),
      explain(Weather)
        .split('\n')
        .filter((_line, index, all) => !all.slice(index - 1, index + 1).some((each) => each.startsWith('  static')))
        .join('\n'),
    );
    const text = explain(AlpineWeather);
    assert.match(text, /^AlpineWeather\n/);
    assert.match(text, /^ {2}forecast\(\): fallback > retry > rateLimit > concurrency > the method$/m);
    assert.match(text, /\(from Weather\)/);
  });

  test('says so where there is nothing to tell', () => {
    assert.equal(explain(class Plain {}), 'Plain\n  no policies');
    assert.equal(explain(class {}), '(anonymous class)\n  no policies');
  });

  test('names symbols, values and functions shortly', () => {
    const text = explain(
      class Shop {
        @fallback({ alternatives: [async function fromDisk() {}], value: undefined })
        async [Symbol('buy')](): Promise<void> {}
      },
    );
    assert.match(text, /^ {2}Symbol\(buy\)\(\): fallback > the method$/m);
    assert.match(text, /alternatives: \[fromDisk\], value: undefined/);
  });

  test('fails for what is no class or instance', () => {
    assert.throws(() => explain(null as never), {
      name: 'ConfigurationError',
      message: 'explain(): expected a class or an instance, got null',
    });
  });
});

describe('statsOf', () => {
  const none = {
    calls: 0,
    running: 0,
    abandoned: 0,
    queued: 0,
    limit: 0,
    attempts: 0,
    retries: 0,
    hedges: 0,
    hedgeWins: 0,
    budgetExceeded: 0,
    rejected: 0,
    timeouts: 0,
    circuitOpenings: 0,
    cacheHits: 0,
    cacheMisses: 0,
    staleHits: 0,
    coalesced: 0,
    refreshFailures: 0,
    fallbacks: 0,
    injected: 0,
    failures: 0,
    custom: {},
  };

  test('counts from nothing, before any construction too', () => {
    class Fresh extends Weather {}
    assert.deepEqual(statsOf(Fresh, 'forecast'), { ...none, limit: 3 });
    assert.deepEqual(statsOf(Fresh, 'stations'), { ...none, limit: 7 });
    assert.deepEqual(statsOf(Fresh, '#measure'), none);
  });

  test('counts calls, attempts, retries, fallbacks and failures of a concrete class, over its instances', async () => {
    class Shop {
      @retry({ maxAttempts: 3, waitMin: 0 })
      @fallback({ value: 'nothing', on: HttpError })
      async buy(error: Error): Promise<string> {
        throw error;
      }
    }
    class Sub extends Shop {
      override async buy(error: Error): Promise<string> {
        return super.buy(error);
      }
    }
    await new Shop().buy(new HttpError());
    await assert.rejects(new Shop().buy(new TypeError()));
    const expected = { ...none, calls: 2, attempts: 6, retries: 4, fallbacks: 1, failures: 1 };
    assert.deepEqual(statsOf(Shop, 'buy'), expected);
    assert.deepEqual(statsOf(new Shop(), 'buy'), expected);
    assert.deepEqual(statsOf(Sub, 'buy'), none);
    await new Sub().buy(new HttpError());
    assert.deepEqual(statsOf(Sub, 'buy'), { ...none, calls: 1, attempts: 3, retries: 2, fallbacks: 1 });
    assert.deepEqual(statsOf(Shop, 'buy'), expected);
  });

  test('counts what runs, waits and is turned away', async () => {
    const gate = deferred();
    class Shop {
      @concurrency({ limit: 1, maxQueue: 1 })
      async buy(): Promise<void> {
        await gate.promise;
      }
    }
    const shop = new Shop();
    const calls = [shop.buy(), shop.buy()];
    await assert.rejects(shop.buy(), { name: 'RejectedError' });
    const { running, queued, rejected, failures } = statsOf(shop, 'buy');
    assert.deepEqual([running, queued, rejected, failures], [1, 1, 1, 1]);
    gate.resolve();
    await Promise.all(calls);
    assert.deepEqual(statsOf(shop, 'buy'), { ...none, limit: 1, calls: 3, attempts: 2, rejected: 1, failures: 1 });
  });

  test('gives a copy', async () => {
    class Shop {
      @retry()
      async buy(): Promise<void> {}
    }
    const before = statsOf(Shop, 'buy');
    await new Shop().buy();
    assert.equal(before.calls, 0);
    assert.equal(statsOf(Shop, 'buy').calls, 1);
  });

  test('counts for private and static methods', async () => {
    class Shop {
      @retry()
      async #buy(): Promise<void> {}
      buy(): Promise<void> {
        return this.#buy();
      }
      @retry()
      static async open(): Promise<void> {}
    }
    await new Shop().buy();
    await Shop.open();
    await Shop.open();
    assert.deepEqual([statsOf(Shop, '#buy').calls, statsOf(new Shop(), '#buy').calls], [1, 1]);
    assert.equal(statsOf(Shop, 'open').calls, 2);
  });

  test('fails for a method without policies, and for one that is not there', () => {
    assert.throws(() => statsOf(Weather, 'cached'), {
      name: 'ConfigurationError',
      message: 'statsOf(): Weather.cached has no policies, so nothing is counted',
    });
    assert.throws(() => statsOf(Weather, 'forcast' as string), {
      name: 'ConfigurationError',
      message: 'statsOf(): Weather.forcast is not a method',
    });
    assert.throws(() => statsOf(undefined as never, 'x'), ConfigurationError);
  });
});
