import { strict as assert } from 'node:assert';
import { afterEach, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  ConfigurationError,
  concurrency,
  configure,
  configureFrom,
  explain,
  type PolicyChanges,
  policiesOf,
  RateLimiter,
  register,
  retry,
  type Undo,
  unusedConfiguration,
} from 'opero';

const undos: Undo[] = [];

/** Configures until the test is over. */
function from(config: Record<string, PolicyChanges>): Undo {
  const undo = configureFrom(config);
  undos.push(undo);
  return undo;
}

afterEach(() => {
  for (const undo of undos.splice(0)) undo();
  assert.deepEqual(unusedConfiguration(), []);
});

const attemptsOf = (subject: object, method: PropertyKey): unknown =>
  policiesOf(subject, method).find(({ kind }) => kind === 'retry')?.options.maxAttempts;

const says = (text: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof ConfigurationError, String(error));
  if (typeof text === 'string') assert.equal(error.message, text);
  else assert.match(error.message, text);
  return true;
};

/** A class of a name of its own, so that tests do not see those of others. */
function makeStore() {
  class Store {
    attempts = 0;
    @retry({ maxAttempts: 2, waitMin: 0 })
    @concurrency(4)
    async load(): Promise<number> {
      if (++this.attempts < 5) throw new Error('down');
      return this.attempts;
    }
    @retry(2)
    async save(): Promise<void> {}
    @retry(2)
    static async load(): Promise<void> {}
  }
  return Store;
}

describe('10.8 configureFrom', () => {
  test('10.8 a method, all of a class, and all; the narrower counts before the wider, in whatever order they stand', () => {
    const Store = makeStore();
    const undo = from({
      'Store.load': { retry: 5 },
      'Store.*': { retry: { maxAttempts: 4, waitMin: 1 } },
      '*': { retry: { maxAttempts: 3, waitMin: 2, rethrow: false }, concurrency: 7 },
    });
    assert.deepEqual([attemptsOf(Store, 'load'), attemptsOf(Store, 'save')], [5, 4]);
    const { waitMin, rethrow } = policiesOf(Store, 'load')[0]?.options ?? {};
    assert.deepEqual([waitMin, rethrow], [1, false]);
    assert.deepEqual(
      policiesOf(Store, 'load').map(({ kind, configured, declaredBy }) => [kind, configured, declaredBy]),
      [
        ['retry', true, Store],
        ['concurrency', true, Store],
      ],
    );
    undo();
    undo();
    assert.deepEqual([attemptsOf(Store, 'load'), attemptsOf(Store, 'save')], [2, 2]);
  });

  test('10.8 classes that were used before, and classes that come later', async () => {
    const Before = makeStore();
    await assert.rejects(new Before().load());
    from({ 'Store.load': { retry: 5 } });
    const Later = makeStore();
    assert.equal(await new Before().load(), 5);
    assert.equal(await new Later().load(), 5);
  });

  test('10.8 static and private methods by their names', async () => {
    from({ 'Depot.static load': { retry: 3 }, 'Depot.#hidden': { retry: 5 } });
    assert.deepEqual(unusedConfiguration(), ['Depot.static load', 'Depot.#hidden']);
    class Depot {
      attempts = 0;
      @retry(2)
      async load(): Promise<void> {}
      @retry(2)
      static async load(): Promise<void> {}
      @retry({ maxAttempts: 2, waitMin: 0 })
      async #hidden(): Promise<number> {
        if (++this.attempts < 5) throw new Error('down');
        return this.attempts;
      }
      hidden(): Promise<number> {
        return this.#hidden();
      }
    }
    assert.deepEqual(unusedConfiguration(), ['Depot.#hidden']);
    assert.equal(await new Depot().hidden(), 5);
    assert.deepEqual(unusedConfiguration(), []);
    assert.deepEqual([attemptsOf(Depot, 'load'), attemptsOf(Depot, 'static load')], [2, 3]);
  });

  test('10.8 a static method that shares its name with none', () => {
    from({ 'Door.open': { retry: 3 } });
    class Door {
      width = 1;
      @retry(2)
      static async open(): Promise<void> {}
    }
    assert.deepEqual(unusedConfiguration(), []);
    assert.equal(attemptsOf(Door, 'open'), 3);
  });

  test('10.8 a prototype without a class, as old code makes them, may stand between a class and its base', async () => {
    const Store = makeStore();
    function Old() {}
    Old.prototype = Object.create(Store.prototype);
    class Bazaar extends (Old as unknown as new () => InstanceType<typeof Store>) {
      override attempts = 0;
    }
    const bazaar = new Bazaar();
    await assert.rejects(bazaar.load(), { message: 'down' });
    assert.equal(bazaar.attempts, 2);
    from({ 'Store.load': { retry: 3 } });
    assert.equal(await bazaar.load(), 5);
  });

  test('10.8 class-level policies, and subclasses', async () => {
    from({ 'Base.load': { retry: 3 }, 'Derived.*': { retry: { waitMin: 7 } } });
    @retry({ maxAttempts: 2, waitMin: 0 })
    class Base {
      async load(): Promise<void> {}
      async save(): Promise<void> {}
    }
    class Derived extends Base {}
    await new Derived().load();
    assert.deepEqual(unusedConfiguration(), []);
    assert.deepEqual([attemptsOf(Derived, 'load'), attemptsOf(Derived, 'save')], [3, 2]);
    const waits = [Base, Derived].map((type) => policiesOf(type, 'load')[0]?.options.waitMin);
    assert.deepEqual(waits, [0, 7]);
    assert.match(explain(Base), /load\(\): retry > the method\n {4}retry .*\(from Base, configured\)/);
  });

  test('10.8 of `configure` and `configureFrom` the latest counts', () => {
    const Store = makeStore();
    const one = configure(Store, 'load', { retry: 3 });
    from({ 'Store.load': { retry: 4 } });
    assert.equal(attemptsOf(Store, 'load'), 4);
    const other = configure(Store, 'load', { retry: 5 });
    assert.equal(attemptsOf(Store, 'load'), 5);
    other();
    one();
    assert.equal(attemptsOf(Store, 'load'), 4);
  });

  test('10.8 what was read as JSON', () => {
    const Store = makeStore();
    undos.push(configureFrom(JSON.parse('{ "Store.load": { "retry": { "maxAttempts": 9 }, "concurrency": false } }')));
    assert.deepEqual(
      policiesOf(Store, 'load').map(({ kind, options }) => [kind, options.maxAttempts]),
      [['retry', 9]],
    );
  });

  test('10.8 objects of other realms, without a prototype, and of a class', () => {
    const Store = makeStore();
    const config = { 'Store.load': { retry: 7 } };
    const others: unknown[] = [
      runInNewContext(`(${JSON.stringify(config)})`),
      Object.assign(Object.create(null), config),
      Object.assign(new (class Settings {})(), config),
    ];
    for (const each of others) {
      using _until = configureFrom(each);
      assert.equal(attemptsOf(Store, 'load'), 7);
    }
    for (const each of [{}, Object.create(null), runInNewContext('({})')]) configureFrom(each)();
  });

  test('10.8 a method or a policy that a known class lacks is a ConfigurationError at once, and nothing has changed', () => {
    const Store = makeStore();
    register(Store);
    const wrong: [Record<string, PolicyChanges>, RegExp][] = [
      [
        { 'Store.load': { retry: 5 }, 'Store.laod': { retry: 5 } },
        /^configureFrom\(\) at 'Store\.laod': Store\.laod is not a method$/,
      ],
      [
        { 'Store.load': { retry: 5 }, 'Store.save': { concurrency: 5 } },
        /at 'Store\.save': Store\.save has no concurrency policy to configure; it has retry$/,
      ],
      [{ 'Store.load': { retry: 5 }, 'Store.toString': { retry: 5 } }, /Store\.toString is not a method/],
    ];
    for (const [config, text] of wrong) {
      assert.throws(() => configureFrom(config), says(text));
      assert.equal(attemptsOf(Store, 'load'), 2);
      assert.deepEqual(unusedConfiguration(), []);
    }
    // The options of all that there is, and of what is to come, are looked at first.
    from({ 'Store.*': { cpuBound: { maxWorkers: 3 } } });
    assert.deepEqual(unusedConfiguration(), ['Store.*']);
  });

  test('10.8 options are checked before their class is there', () => {
    const wrong: [unknown, RegExp][] = [
      [
        { 'Nowhere.load': { retry: 0 } },
        /^configureFrom\(\) at 'Nowhere\.load': expected `retry\.maxAttempts` to be .*, got 0$/,
      ],
      [{ 'Nowhere.load': { rateLimit: { per: -1 } } }, /expected `rateLimit\.per` to be/],
      [{ 'Nowhere.load': { fallback: { alternatives: 'a' } } }, /expected `fallback\.alternatives` to be/],
      [{ 'Nowhere.load': { cpuBound: { module: 'a' } } }, /`cpuBound\.module` stays as it was declared/],
      [{ 'Nowhere.load': { cpuBound: import.meta.url } }, /`cpuBound\.module` stays as it was declared/],
      [{ 'Nowhere.load': { rateLimit: new RateLimiter(5) } }, /`rateLimit\.limiter` stays as it was declared/],
      [{ 'Nowhere.load': { reply: 3 } }, /unknown option `reply`/],
      [{ 'Nowhere.load': 3 }, /expected the options to be an object, got 3/],
      [{ Nowhere: { retry: 3 } }, /expected each key to be 'Class\.method', 'Class\.\*' or '\*', got 'Nowhere'/],
      [{ '*.load': { retry: 3 } }, /expected each key to be/],
      [{ [Symbol('a')]: { retry: 3 } }, /expected each key to be/],
      ['Nowhere.load', /expected an object, got 'Nowhere\.load'/],
      [[], /expected an object, got \[\]/],
      [null, /expected an object, got null/],
      [undefined, /expected an object, got undefined/],
      [Promise.resolve({}), /^configureFrom\(\): expected a plain object, got Promise/],
      [new Map([['Nowhere.load', { retry: 3 }]]), /expected a plain object, got Map/],
      [{ 'Nowhere.load': [] }, /at 'Nowhere\.load': expected the options to be an object, got \[\]/],
      [{ 'Nowhere.load': { retry: { jitter: 'ful' } } }, /expected `retry\.jitter` to be 'full' or .*, got 'ful'/],
      [{ 'Nowhere.load': { retry: { maxAttempts: '3' } } }, /at 'Nowhere\.load': expected `retry\.maxAttempts` to be/],
      [
        { 'Nowhere.load': { retry: null } },
        /at 'Nowhere\.load': expected `retry` to be a number of attempts, .*, got null/,
      ],
      [
        { 'Nowhere.load': { circuitBreaker: true } },
        /at 'Nowhere\.load': expected `circuitBreaker` to be .*, got true/,
      ],
    ];
    for (const [config, text] of wrong) {
      assert.throws(() => configureFrom(config), says(text));
      assert.deepEqual(unusedConfiguration(), []);
    }
    from({ 'Nowhere.load': { retry: 3, rateLimit: { per: 5 }, fallback: { value: 1 }, cpuBound: { maxWorkers: 1 } } });
    assert.deepEqual(unusedConfiguration(), ['Nowhere.load']);
  });

  test('10.8 what has fitted nothing yet is listed, policy by policy', () => {
    from({
      'Archive.laod': { retry: 3 },
      'Archive.load': { retry: 3, rateLimit: 5 },
      'Shop.*': { retry: false },
      '*': { concurrency: 8, fallback: false },
    });
    class Archive {
      @retry(2)
      @concurrency(2)
      async load(): Promise<void> {}
    }
    assert.deepEqual(unusedConfiguration(), ['Archive.laod', 'Archive.load', 'Shop.*', '*: fallback']);
    register(Archive);
    assert.equal(attemptsOf(Archive, 'load'), 3);
    assert.deepEqual(unusedConfiguration(), ['Archive.laod', 'Archive.load: rateLimit', 'Shop.*', '*: fallback']);
  });

  test('10.8 options that name no policy have nothing to fit', () => {
    from({ 'Shop.buy': {}, 'Shop.*': { retry: undefined }, '*': {} });
    assert.deepEqual(unusedConfiguration(), []);
  });

  test('10.8 of several classes of one name, one that it fits is enough', () => {
    const Store = makeStore();
    register(Store);
    const other = (() => {
      class Store {
        @retry(2)
        async fetch(): Promise<void> {}
      }
      return Store;
    })();
    register(other);
    from({ 'Store.fetch': { retry: 3 }, 'Store.load': { retry: 4 } });
    assert.deepEqual([attemptsOf(other, 'fetch'), attemptsOf(Store, 'load')], [3, 4]);
    assert.throws(() => configureFrom({ 'Store.nothing': { retry: 3 } }), says(/Store\.nothing is not a method/));
  });

  test('10.8 a class that is configured is not kept alive', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const refs = await (async () => {
      const types = Array.from({ length: 5 }, makeStore);
      for (const type of types) {
        configure(type, 'load', { retry: 5, concurrency: 2 });
        await new type().load();
      }
      from({ 'Store.load': { retry: 6 } });
      return types.map((type) => new WeakRef(type));
    })();
    for (let i = 0; i < 20 && refs.some((ref) => ref.deref() !== undefined); i++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    assert.equal(refs.filter((ref) => ref.deref() !== undefined).length, 0);
  });
});
