import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  concurrency,
  configure,
  configureFrom,
  explain,
  fallback,
  orchestrate,
  type PolicyInForce,
  policiesOf,
  type RetryConfig,
  rateLimit,
  retry,
  statsOf,
} from 'opero';
import { flush } from '../support/clock.js';
import { deferred } from '../support/deferred.js';

/** A class whose method fails as often as it is told to. */
function makeWeather(config: RetryConfig = { maxAttempts: 2, waitMin: 0 }) {
  class Weather {
    fails = Number.POSITIVE_INFINITY;
    attempts = 0;

    @retry(config)
    async forecast(city: string): Promise<string> {
      this.attempts++;
      if (this.fails-- > 0) throw new Error('down');
      return city;
    }

    @retry({ maxAttempts: 2, waitMin: 0 })
    async history(): Promise<string> {
      this.attempts++;
      throw new Error('down');
    }

    plain(): string {
      return 'plain';
    }
  }
  return Weather;
}

async function attemptsOf(weather: { attempts: number; forecast(city: string): Promise<string> }): Promise<number> {
  weather.attempts = 0;
  await weather.forecast('Bern').catch(() => {});
  return weather.attempts;
}

const optionsOf = (subject: object, method: PropertyKey, kind: string): PolicyInForce['options'] | undefined =>
  policiesOf(subject, method).find((each) => each.kind === kind)?.options;

const says = (text: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof ConfigurationError, String(error));
  if (typeof text === 'string') assert.equal(error.message, text);
  else assert.match(error.message, text);
  return true;
};

describe('10.1 options that are named replace those declared, the others stay', () => {
  test('10.1 of an object', async () => {
    const Weather = makeWeather({ maxAttempts: 2, waitMin: 0, rethrow: false });
    const weather = new Weather();
    assert.equal(await attemptsOf(weather), 2);
    configure(Weather, 'forecast', { retry: { maxAttempts: 5 } });
    assert.equal(await attemptsOf(weather), 5);
    const { maxAttempts, waitMin, rethrow, waitMax } = optionsOf(Weather, 'forecast', 'retry') ?? {};
    assert.deepEqual([maxAttempts, waitMin, rethrow, waitMax], [5, 0, false, 30_000]);
    assert.equal(optionsOf(Weather, 'history', 'retry')?.maxAttempts, 2);
  });

  test('10.1 of a shorthand', async () => {
    const Weather = makeWeather();
    configure(Weather, 'forecast', { retry: 4 });
    assert.equal(await attemptsOf(new Weather()), 4);
    assert.equal(optionsOf(Weather, 'forecast', 'retry')?.waitMin, 0);
  });

  test('10.1 an option that is undefined is not named', async () => {
    const Weather = makeWeather();
    configure(Weather, 'forecast', { retry: { maxAttempts: undefined, rethrow: undefined }, concurrency: undefined });
    assert.equal(await attemptsOf(new Weather()), 2);
  });

  test('10.1 hooks and matchers', async () => {
    const Weather = makeWeather();
    const seen: number[] = [];
    configure(Weather, 'forecast', { retry: { maxAttempts: 9, onRetry: ({ attempt }) => seen.push(attempt) } });
    configure(Weather, 'forecast', { retry: { abortOn: () => seen.length >= 3 } });
    assert.equal(await attemptsOf(new Weather()), 4);
    assert.deepEqual(seen, [1, 2, 3]);
  });

  test('10.1 what becomes of the options that were given is their owner’s affair', async () => {
    const Weather = makeWeather();
    class Alpine extends Weather {}
    const mine = { maxAttempts: 3 };
    configure(Weather, 'forecast', { retry: mine });
    mine.maxAttempts = -1;
    assert.equal(await attemptsOf(new Alpine()), 3);
  });

  test('10.1 checked like options, whole or not at all', async () => {
    class Weather {
      attempts = 0;
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(3)
      async forecast(_city: string): Promise<string> {
        this.attempts++;
        throw new Error('down');
      }
    }
    const wrong: [object, string | RegExp][] = [
      [
        { retry: { maxAttempts: 0 } },
        'configure() of Weather.forecast: expected `retry.maxAttempts` to be an integer of at least 1 or Infinity, got 0',
      ],
      [
        { retry: 5, concurrency: { limit: Number.NaN } },
        /expected `concurrency\.limit` to be an integer of at least 1/,
      ],
      [{ retry: { maxAttempt: 5 } }, /unknown option `retry\.maxAttempt` \(5\); known options are maxAttempts/],
      [{ retry: 5, cached: 3 }, /unknown option `cached` \(3\); known options are retry, fallback/],
      [
        { retry: 5, rateLimit: { rate: 3 } },
        /Weather\.forecast has no rateLimit policy to configure; it has retry, concurrency/,
      ],
      [{ retry: 5, rateLimit: false }, /Weather\.forecast has no rateLimit policy to configure/],
      [
        { retry: 5, concurrency: { key: () => 'a' } },
        /`concurrency\.key` stays as it was declared, got .*; leave it out/,
      ],
      [
        { retry: 5, concurrency: { scope: 'instance' } },
        /`concurrency\.scope` stays as it was declared, got 'instance'/,
      ],
      [
        { retry: true },
        'configure() of Weather.forecast: expected `retry` to be a number of attempts, some options of @retry, or false, got true; `{}` puts in again what was taken out',
      ],
      [{ retry: null }, /expected `retry` to be a number of attempts, some options of @retry, or false, got null;/],
      [
        { retry: 5, concurrency: true },
        /expected `concurrency` to be a number of slots, some options of @concurrency, or/,
      ],
      [{ circuitBreaker: true }, /to be a number of failures in a row, some options of @circuitBreaker, or false, got/],
      [{ timeout: true }, /to be a number of milliseconds, some options of @timeout, or false, got true/],
      [{ rateLimit: true }, /to be a number of starts, some options of @rateLimit, or false, got true/],
      [{ fallback: true }, /to be an array of alternatives, some options of @fallback, or false, got true/],
      [{ cpuBound: true }, /expected `cpuBound` to be some options of @cpuBound, or false, got true/],
    ];
    for (const [options, text] of wrong) {
      assert.throws(() => configure(Weather, 'forecast', options), says(text));
      assert.equal(await attemptsOf(new Weather()), 2);
      assert.deepEqual(
        policiesOf(Weather, 'forecast').map(({ configured }) => configured),
        [undefined, undefined],
      );
    }
  });

  test('10.1 wrong targets', () => {
    const Weather = makeWeather();
    const anyConfigure = configure as (...given: unknown[]) => unknown;
    assert.throws(() => anyConfigure(new Weather(), 'forecast', {}), says(/expected a class, got Weather/));
    assert.throws(() => anyConfigure(undefined, 'forecast', {}), says(/expected a class, got undefined/));
    assert.throws(() => anyConfigure(() => {}, 'forecast', {}), says(/expected a class, got a function/));
    assert.throws(() => anyConfigure(Weather, 'forecast'), says(/expected the options to be an object, got undefined/));
    assert.throws(() => anyConfigure(Weather, undefined, {}), says(/expected the name of a method, got undefined/));
    assert.throws(
      () => configure(Weather, 'forcast' as string, { retry: 5 }),
      says(/Weather\.forcast is not a method/),
    );
    assert.throws(
      () => configure(Weather, 'plain', { retry: 5 }),
      says('configure() of Weather.plain: Weather.plain has no retry policy to configure; it has no policies'),
    );
  });

  test('10.1 `*` means every method, as far as it has the policies', async () => {
    class Store {
      attempts = 0;
      @retry({ maxAttempts: 2, waitMin: 0 })
      async load(): Promise<void> {
        this.attempts++;
        throw new Error('down');
      }
      @concurrency(1)
      async save(): Promise<void> {}
      @retry(2)
      static async open(): Promise<void> {}
      @retry(2)
      async #hidden(): Promise<void> {}
      hidden = (): Promise<void> => this.#hidden();
      async plain(): Promise<void> {}
    }
    const restore = configure(Store, '*', { retry: 3, rateLimit: 5, cpuBound: { maxWorkers: 1 } });
    const store = new Store();
    await store.load().catch(() => {});
    assert.equal(store.attempts, 3);
    for (const method of ['load', 'open', '#hidden']) assert.equal(optionsOf(Store, method, 'retry')?.maxAttempts, 3);
    assert.deepEqual(
      policiesOf(Store, 'save').map(({ kind, configured }) => [kind, configured]),
      [['concurrency', undefined]],
    );
    assert.deepEqual(policiesOf(Store, 'plain'), []);
    restore();
    assert.equal(optionsOf(Store, 'load', 'retry')?.maxAttempts, 2);
  });

  test('10.1 `*` is checked with each method', () => {
    class Store {
      @orchestrate({ cpuBound: { module: import.meta.url, maxWorkers: 2 } })
      async load(): Promise<void> {}
    }
    const error = says(
      /configure\(\) of Store\.\*: expected `cpuBound\.minWorkers` to be at most maxWorkers \(2\), got 3/,
    );
    assert.throws(() => configure(Store, '*', { cpuBound: { minWorkers: 3 } }), error);
    assert.equal(optionsOf(Store, 'load', 'cpuBound')?.minWorkers, 0);
  });

  test('10.1 alternatives of a fallback are looked for in the class', async () => {
    class Store {
      @fallback('cached')
      async load(): Promise<string> {
        throw new Error('down');
      }
      async cached(): Promise<string> {
        return 'cached';
      }
      async other(): Promise<string> {
        return 'other';
      }
    }
    const store = new Store();
    assert.throws(() => configure(Store, 'load', { fallback: ['missing'] }), says(/missing/));
    assert.throws(() => configure(Store, 'load', { fallback: ['load'] }), says(/names of other methods/));
    assert.throws(() => configure(Store, 'load', { fallback: { alternatives: [] } }), says(/at least one method name/));
    assert.equal(await store.load(), 'cached');
    using _other = configure(Store, 'load', { fallback: ['other'] });
    assert.equal(await store.load(), 'other');
    using _value = configure(Store, 'load', { fallback: { alternatives: [], value: 'a value' } });
    assert.equal(await store.load(), 'a value');
    using _both = configure(Store, 'load', { fallback: { alternatives: ['cached'] } });
    assert.deepEqual(optionsOf(Store, 'load', 'fallback'), { alternatives: ['cached'], value: 'a value' });
  });

  test('10.1 nothing has changed for a class that was first looked at then', () => {
    class Store {
      @fallback('cached')
      async load(): Promise<void> {}
      async cached(): Promise<void> {}
    }
    assert.throws(() => configure(Store, 'load', { fallback: ['missing'] }), ConfigurationError);
    assert.deepEqual(optionsOf(Store, 'load', 'fallback')?.alternatives, ['cached']);
  });

  test('10.1 what an abstract class lacks is looked for in those that extend it', async () => {
    abstract class Store {
      @fallback('cached')
      async load(): Promise<string> {
        throw new Error('down');
      }
      abstract cached(): Promise<string>;
    }
    class Shop extends Store {
      override async cached(): Promise<string> {
        return 'cached';
      }
    }
    const shop = new Shop();
    assert.equal(await shop.load(), 'cached');
    using _other = configure(Store, 'load', { fallback: ['other'] });
    await assert.rejects(shop.load(), says(/other/));
  });

  test('10.1 an abstract class may lack what its declared fallback names', () => {
    abstract class Store {
      @fallback('cached')
      async load(): Promise<string> {
        throw new Error('down');
      }
      abstract cached(): Promise<string>;
    }
    configure(Store, 'load', { fallback: { value: 'a value' } });
  });

  test('10.1 a class-level fallback keeps from being its own alternative', async () => {
    @fallback('cached')
    class Store {
      async load(): Promise<string> {
        throw new Error('no load');
      }
      async cached(): Promise<string> {
        throw new Error('no cache');
      }
      async last(): Promise<string> {
        throw new Error('nothing at last');
      }
    }
    configure(Store, '*', { fallback: ['cached', 'last'] });
    assert.deepEqual(optionsOf(Store, 'load', 'fallback')?.alternatives, ['cached', 'last']);
    assert.deepEqual(optionsOf(Store, 'last', 'fallback')?.alternatives, ['cached']);
    const store = new Store();
    const { errors } = (await store.load().catch((error: unknown) => error)) as AggregateError;
    assert.deepEqual(
      errors.map(({ message }: Error) => message),
      ['no load', 'no cache', 'nothing at last'],
    );
  });
});

describe('10.2 it holds from the next call on', () => {
  test('10.2 calls under way keep their pipeline', async () => {
    const gate = deferred();
    class Weather {
      attempts = 0;
      @retry({ maxAttempts: 3, waitMin: 0 })
      async forecast(): Promise<void> {
        this.attempts++;
        await gate.promise;
        throw new Error('down');
      }
    }
    const weather = new Weather();
    const before = weather.forecast().catch(() => {});
    configure(Weather, 'forecast', { retry: 1 });
    gate.resolve();
    await before;
    assert.equal(weather.attempts, 3);
    await weather.forecast().catch(() => {});
    assert.equal(weather.attempts, 4);
  });

  test('10.2 in the very next call of the same turn, of whatever receiver', async () => {
    const Weather = makeWeather();
    class Alpine extends Weather {}
    const [one, other, derived] = [new Weather(), new Weather(), new Alpine()];
    for (const each of [one, other, derived]) assert.equal(await attemptsOf(each), 2);
    configure(Weather, 'forecast', { retry: 3 });
    const calls = [one, other, derived].map(attemptsOf);
    assert.deepEqual(await Promise.all(calls), [3, 3, 3]);
  });

  test('10.2 a hook may configure the method of its own call', async () => {
    const Weather = makeWeather();
    configure(Weather, 'forecast', {
      retry: {
        maxAttempts: 2,
        onRetry: () => void configure(Weather, 'forecast', { retry: { maxAttempts: 4, onRetry: () => {} } }),
      },
    });
    const weather = new Weather();
    assert.equal(await attemptsOf(weather), 2);
    assert.equal(await attemptsOf(weather), 4);
  });

  test('10.2 the statistics go on', async () => {
    const Weather = makeWeather();
    await attemptsOf(new Weather());
    configure(Weather, 'forecast', { retry: 3 });
    await attemptsOf(new Weather());
    const { calls, attempts, retries, failures } = statsOf(Weather, 'forecast');
    assert.deepEqual({ calls, attempts, retries, failures }, { calls: 2, attempts: 5, retries: 3, failures: 2 });
  });
});

describe('10.4 `false` takes a policy out', () => {
  test('10.4 and it comes back', async () => {
    const Weather = makeWeather();
    const weather = new Weather();
    const restore = configure(Weather, 'forecast', { retry: false });
    assert.equal(await attemptsOf(weather), 1);
    assert.deepEqual(policiesOf(Weather, 'forecast'), []);
    restore();
    assert.equal(await attemptsOf(weather), 2);
  });

  test('10.4 what is out can be configured, and so comes back', async () => {
    const Weather = makeWeather();
    configure(Weather, 'forecast', { retry: false });
    const restore = configure(Weather, 'forecast', { retry: { maxAttempts: 3 } });
    assert.equal(await attemptsOf(new Weather()), 3);
    restore();
    assert.equal(await attemptsOf(new Weather()), 1);
  });

  test('10.4 the state of a limit stays meanwhile, and who runs and waits goes on', async () => {
    const gate = deferred();
    const entered: number[] = [];
    class Shop {
      @concurrency(1)
      async buy(id: number): Promise<void> {
        entered.push(id);
        if (id < 3) await gate.promise;
      }
    }
    const shop = new Shop();
    const calls = [shop.buy(1), shop.buy(2)];
    const restore = configure(Shop, 'buy', { concurrency: false });
    await shop.buy(3);
    restore();
    calls.push(shop.buy(4));
    await flush();
    assert.deepEqual(entered, [1, 3]);
    gate.resolve();
    await Promise.all(calls);
    assert.deepEqual(entered, [1, 3, 2, 4]);
  });
});

describe('10.5 disposing restores', () => {
  test('10.5 by call, by `using`, and once only', async () => {
    const Weather = makeWeather();
    const weather = new Weather();
    const restore = configure(Weather, 'forecast', { retry: 3 });
    restore();
    {
      using _five = configure(Weather, 'forecast', { retry: 5 });
      restore();
      assert.equal(await attemptsOf(weather), 5);
    }
    restore[Symbol.dispose]();
    assert.equal(await attemptsOf(weather), 2);
    assert.deepEqual(policiesOf(Weather, 'forecast')[0]?.configured, undefined);
  });

  test('10.5 of overlapping ones the latest counts, whatever the order of their ends', async () => {
    const Weather = makeWeather();
    const weather = new Weather();
    const three = configure(Weather, 'forecast', { retry: { maxAttempts: 3, rethrow: false } });
    const four = configure(Weather, 'forecast', { retry: { maxAttempts: 4 } });
    const five = configure(Weather, 'forecast', { retry: { maxAttempts: 5 } });
    assert.equal(await attemptsOf(weather), 5);
    assert.equal(optionsOf(Weather, 'forecast', 'retry')?.rethrow, false);
    three();
    assert.equal(await attemptsOf(weather), 5);
    assert.equal(optionsOf(Weather, 'forecast', 'retry')?.rethrow, true);
    five();
    assert.equal(await attemptsOf(weather), 4);
    four();
    assert.equal(await attemptsOf(weather), 2);
  });

  test('10.5 what fits no more once another has ended is left out', () => {
    class Store {
      @orchestrate({ cpuBound: { module: import.meta.url, maxWorkers: 2 } })
      async load(): Promise<void> {}
    }
    const wide = configure(Store, 'load', { cpuBound: { maxWorkers: 8 } });
    configure(Store, 'load', { cpuBound: { minWorkers: 4 } });
    wide();
    assert.equal(optionsOf(Store, 'load', 'cpuBound')?.minWorkers, 0);
  });
});

describe('10.6 it counts as declared by the class named', () => {
  test('10.6 subclasses inherit it, those used before and those that come later', async () => {
    const Weather = makeWeather();
    class Before extends Weather {
      override async forecast(city: string): Promise<string> {
        return super.forecast(city);
      }
    }
    assert.equal(await attemptsOf(new Before()), 2);
    configure(Weather, 'forecast', { retry: 4 });
    class Later extends Weather {}
    assert.deepEqual([await attemptsOf(new Before()), await attemptsOf(new Later())], [4, 4]);
    assert.equal(policiesOf(Later, 'forecast')[0]?.declaredBy, Weather);
  });

  test('10.6 for a subclass it leaves the base as it is', async () => {
    const Weather = makeWeather();
    class Alpine extends Weather {}
    configure(Alpine, 'forecast', { retry: 4 });
    assert.deepEqual([await attemptsOf(new Weather()), await attemptsOf(new Alpine())], [2, 4]);
    assert.equal(policiesOf(Alpine, 'forecast')[0]?.declaredBy, Alpine);
  });

  test('10.6 a nearer decorator wins, a nearer configuration too', async () => {
    const Weather = makeWeather();
    class Patient extends Weather {
      @retry({ maxAttempts: 6, waitMin: 0 })
      override async forecast(city: string): Promise<string> {
        return super.forecast(city);
      }
    }
    class Alpine extends Weather {}
    configure(Alpine, 'forecast', { retry: { maxAttempts: 3 } });
    configure(Weather, 'forecast', { retry: { maxAttempts: 4, rethrow: false } });
    assert.deepEqual([await attemptsOf(new Patient()), await attemptsOf(new Alpine())], [6, 3]);
    assert.equal(optionsOf(Alpine, 'forecast', 'retry')?.rethrow, false);
    assert.equal(optionsOf(Patient, 'forecast', 'retry')?.rethrow, true);
    configure(Weather, '*', { retry: false });
    assert.deepEqual([await attemptsOf(new Patient()), await attemptsOf(new Alpine())], [6, 3]);
  });

  test('10.6 `inherit: false` cuts it off', async () => {
    const Weather = makeWeather();
    class Alone extends Weather {
      @orchestrate({ inherit: false })
      override async forecast(city: string): Promise<string> {
        return super.forecast(city);
      }
    }
    configure(Weather, 'forecast', { retry: 4 });
    assert.equal(await attemptsOf(new Alone()), 1);
  });

  test('10.6 what is configured for a method counts before what is for all', async () => {
    const Weather = makeWeather();
    configure(Weather, 'forecast', { retry: 3 });
    configure(Weather, '*', { retry: { maxAttempts: 4, rethrow: false } });
    assert.equal(await attemptsOf(new Weather()), 3);
    assert.equal(optionsOf(Weather, 'forecast', 'retry')?.rethrow, false);
    assert.equal(optionsOf(Weather, 'history', 'retry')?.maxAttempts, 4);
  });

  test('10.6 class-level policies, by method and for all', async () => {
    @retry({ maxAttempts: 2, waitMin: 0 })
    class Store {
      attempts = 0;
      async load(): Promise<void> {
        this.attempts++;
        throw new Error('down');
      }
      async save(): Promise<void> {
        this.attempts++;
        throw new Error('down');
      }
    }
    class Archive extends Store {}
    const store = new Archive();
    const attempts = async (): Promise<number[]> => {
      const counts: number[] = [];
      for (const run of [() => store.load(), () => store.save()]) {
        store.attempts = 0;
        await run().catch(() => {});
        counts.push(store.attempts);
      }
      return counts;
    };
    assert.deepEqual(await attempts(), [2, 2]);
    const method = configure(Store, 'load', { retry: 3 });
    assert.deepEqual(await attempts(), [3, 2]);
    configure(Store, '*', { retry: 4 });
    assert.deepEqual(await attempts(), [3, 4]);
    method();
    assert.deepEqual(await attempts(), [4, 4]);
  });

  test('10.6 static and private methods, by the names of statsOf', async () => {
    class Store {
      attempts = 0;
      static attempts = 0;
      @retry({ maxAttempts: 2, waitMin: 0 })
      async load(): Promise<void> {
        this.attempts++;
        throw new Error('down');
      }
      @retry({ maxAttempts: 2, waitMin: 0 })
      static async load(): Promise<void> {
        Store.attempts++;
        throw new Error('down');
      }
      @retry({ maxAttempts: 2, waitMin: 0 })
      async #hidden(): Promise<void> {
        this.attempts++;
        throw new Error('down');
      }
      hidden = (): Promise<void> => this.#hidden();
      @retry({ maxAttempts: 2, waitMin: 0 })
      static async open(): Promise<void> {
        Store.attempts++;
        throw new Error('down');
      }
    }
    const attempts = async (run: () => Promise<void>): Promise<number> => {
      const store = Store.attempts;
      await run().catch(() => {});
      return Store.attempts - store;
    };
    assert.deepEqual([await attempts(() => Store.load()), await attempts(() => Store.open())], [2, 2]);
    {
      using _instance = configure(Store, 'load', { retry: 9 });
      assert.equal(await attempts(() => Store.load()), 2);
    }
    configure(Store, 'static load', { retry: 3 });
    configure(Store, 'open', { retry: 4 });
    configure(Store, '#hidden', { retry: 5 });
    assert.deepEqual([await attempts(() => Store.load()), await attempts(() => Store.open())], [3, 4]);
    const store = new Store();
    await store.load().catch(() => {});
    assert.equal(store.attempts, 2);
    await store.hidden().catch(() => {});
    assert.equal(store.attempts, 7);
  });

  test('10.6 a private method is configured where it is declared, as it has no inheritance', () => {
    class Base {
      @retry()
      async #load(): Promise<void> {}

      load(): Promise<void> {
        return this.#load();
      }
    }
    class Derived extends Base {}
    for (const attempt of [
      () => configure(Derived, '#load', { retry: 5 }),
      () => configureFrom({ 'Derived.#load': { retry: 5 } }),
    ]) {
      assert.throws(attempt, /Derived\.#load.*is private to Base; configure it there/);
    }
    configure(Base, '#load', { retry: 5 });
    assert.equal((optionsOf(Derived, '#load', 'retry') as RetryConfig).maxAttempts, 5);
  });

  test('10.6 classes that a decorator has replaced', async () => {
    const replace = <Class extends new () => object>(type: Class, _context: ClassDecoratorContext): Class => {
      const Base: new () => object = type;
      return class extends Base {} as Class;
    };
    const wrap = <Class extends new () => object>(type: Class, _context: ClassDecoratorContext): Class =>
      new Proxy(type, {});
    for (const decorator of [replace, wrap, retry({ maxAttempts: 2, waitMin: 0 })] as const) {
      @(decorator as typeof replace)
      class Store {
        attempts = 0;
        @retry({ maxAttempts: 2, waitMin: 0 })
        async load(): Promise<void> {
          this.attempts++;
          throw new Error('down');
        }
        @retry({ maxAttempts: 2, waitMin: 0 })
        static async open(count: () => void): Promise<void> {
          count();
          throw new Error('down');
        }
      }
      const opened = async (): Promise<number> => {
        let count = 0;
        await Store.open(() => void count++).catch(() => {});
        return count;
      };
      const store = new Store();
      await store.load().catch(() => {});
      assert.deepEqual([store.attempts, await opened()], [2, 2]);
      {
        using _three = configure(Store, 'load', { retry: 3 });
        using _four = configure(Store, 'open', { retry: 4 });
        await store.load().catch(() => {});
        assert.deepEqual([store.attempts, await opened()], [5, 4]);
      }
      await store.load().catch(() => {});
      assert.deepEqual([store.attempts, await opened()], [7, 2]);
    }
  });

  test('10.6 symbols and numbers name methods too', async () => {
    const mark = Symbol('mark');
    class Store {
      @retry(2)
      async [mark](): Promise<void> {}
      @retry(2)
      async 5(): Promise<void> {}
    }
    configure(Store, mark, { retry: 3 });
    configure(Store, 5, { retry: 4 });
    assert.equal(optionsOf(Store, mark, 'retry')?.maxAttempts, 3);
    assert.equal(optionsOf(Store, 5, 'retry')?.maxAttempts, 4);
  });
});

describe('10.7 those who look inside see it', () => {
  test('10.7 policiesOf', () => {
    const Weather = makeWeather();
    assert.deepEqual(Object.keys(policiesOf(Weather, 'forecast')[0] ?? {}), ['kind', 'options', 'declaredBy']);
    configure(Weather, 'forecast', { retry: 3 });
    const [{ configured, declaredBy }] = policiesOf(Weather, 'forecast');
    assert.deepEqual([configured, declaredBy], [true, Weather]);
  });

  test('10.7 explain', () => {
    class Weather {
      @retry(2)
      @concurrency(3)
      @rateLimit(5)
      async forecast(): Promise<void> {}
    }
    class Alpine extends Weather {}
    configure(Weather, 'forecast', { concurrency: 4 });
    configure(Alpine, '*', { retry: false });
    const lines = explain(Alpine)
      .split('\n')
      .map((line) => line.replace(/(?<=\w {2,}).*(?= {2}\()/, ''));
    assert.deepEqual(lines.slice(0, 2), ['Alpine', '  forecast(): rateLimit > concurrency > the method']);
    assert.match(lines[2] ?? '', /rateLimit .*\(from Weather\)$/);
    assert.match(lines[3] ?? '', /concurrency .*\(from Weather, configured\)$/);
    assert.match(explain(Alpine), /\n {4}retry {7}taken out {2}\(from Alpine, configured\)$/);
  });
});
