import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  ConcurrencyLimiter,
  ConfigurationError,
  concurrency,
  configure,
  explain,
  Orchestrator,
  orchestrate,
  policiesOf,
  RateLimiter,
  RejectedError,
  rateLimit,
  statsOf,
} from 'opero';
import { resetState } from 'opero/testing';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { watched } from '../support/timed.js';
import { Work } from '../support/work.js';

/** Throws what the text of a ConfigurationError does not match. */
const says =
  (...parts: RegExp[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ConfigurationError, `${error}`);
    for (const part of parts) assert.match(error.message, part);
    return true;
  };

describe('a limiter that methods share', () => {
  test('7.1 slots: one limit and one line, in order of arrival over methods, classes and Orchestrators', async () => {
    const limiter = new ConcurrencyLimiter(2);
    const work = new Work();
    class Shop {
      @concurrency(limiter)
      async buy(name: string): Promise<unknown> {
        return await work.begin(name);
      }
      @concurrency(limiter)
      static async sell(name: string): Promise<unknown> {
        return await work.begin(name);
      }
      @concurrency({ limiter })
      async #count(name: string): Promise<unknown> {
        return await work.begin(name);
      }
      count(name: string): Promise<unknown> {
        return this.#count(name);
      }
    }
    class AlpineShop extends Shop {}
    class Store {
      @orchestrate({ concurrency: limiter })
      async read(name: string): Promise<unknown> {
        return await work.begin(name);
      }
    }
    const orchestrator = new Orchestrator({ concurrency: { limiter } });
    const run = (name: string): Promise<unknown> => orchestrator.execute((given: string) => work.begin(given), name);
    const calls = [
      new Shop().buy('a'),
      Shop.sell('b'),
      run('c'),
      new Store().read('d'),
      new AlpineShop().buy('e'),
      new Shop().count('f'),
      new Shop().buy('g'),
      run('h'),
    ];
    await flush();
    assert.deepEqual([limiter.used, limiter.waiting, limiter.limit], [2, 6, 2]);
    const order = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const [at, name] of order.entries()) {
      assert.deepEqual(work.begun, order.slice(0, at + 2));
      work.end(name);
      await flush();
    }
    assert.deepEqual(await Promise.all(calls), order);
    assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
  });

  test('7.1 permits: one window and one line, in order of arrival', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 2, per: 100 });
      const starts: [string, number][] = [];
      const start = async (name: string): Promise<void> => {
        starts.push([name, Date.now()]);
      };
      class Api {
        @rateLimit(limiter)
        async get(name: string): Promise<void> {
          await start(name);
        }
        @rateLimit({ limiter })
        async put(name: string): Promise<void> {
          await start(name);
        }
      }
      class Other {
        @orchestrate({ rateLimit: limiter })
        async get(name: string): Promise<void> {
          await start(name);
        }
      }
      const orchestrator = new Orchestrator({ rateLimit: limiter });
      new Api().get('a');
      new Other().get('b');
      new Api().put('c');
      orchestrator.execute(start, 'd');
      new Api().get('e');
      assert.deepEqual([limiter.used, limiter.waiting, limiter.limit], [2, 3, 2]);
      await clock.tickAsync(1000);
      assert.deepEqual(starts, [
        ['a', 0],
        ['b', 0],
        ['c', 100],
        ['d', 100],
        ['e', 200],
      ]);
      assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
    }));

  test('7.1 on a class: one limit for all its methods, and those of its subclasses', async () => {
    const limiter = new ConcurrencyLimiter({ limit: 1, maxWait: 60_000 });
    const work = new Work();
    @concurrency(limiter)
    class Shop {
      async buy(name: string): Promise<unknown> {
        return await work.begin(name);
      }
      async sell(name: string): Promise<unknown> {
        return await work.begin(name);
      }
    }
    class AlpineShop extends Shop {}
    new Shop().buy('a');
    new Shop().sell('b');
    new AlpineShop().buy('c');
    await flush();
    for (const name of ['a', 'b', 'c']) {
      assert.deepEqual(work.running, [name]);
      work.end(name);
      await flush();
    }
  });

  test('7.1 a ConcurrencyLimiter on a class needs a finite maxWait, its own or the one beside it', () => {
    const endless = new ConcurrencyLimiter(1);
    const given = [
      endless,
      { limiter: endless },
      [{ limit: 5 }, endless],
      { limiter: new ConcurrencyLimiter({ limit: 1, maxWait: 5 }), maxWait: Number.POSITIVE_INFINITY },
    ];
    for (const each of given) {
      const reason = says(/class `Shop`/, /`maxWait` to be finite/, /got Infinity/);
      assert.throws(() => {
        @concurrency(each)
        class Shop {}
        return Shop;
      }, reason);
      assert.throws(() => {
        @orchestrate({ concurrency: each })
        class Shop {}
        return Shop;
      }, reason);
    }
    @concurrency({ limiter: endless, maxWait: 100 })
    class Shop {}
    assert.ok(Shop);
  });

  test('10 to configure all methods of a class is no matter of that: it stands on each by itself', () => {
    class Shop {
      @concurrency(new ConcurrencyLimiter(1))
      async buy(): Promise<void> {}
    }
    using _queue = configure(Shop, '*', { concurrency: { maxQueue: 5 } });
    assert.equal(policiesOf(Shop, 'buy')[0]?.options.maxQueue, 5);
  });

  test('7.1 one who may not wait is let in whenever a slot is free, also while others are on their way', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const limiter = new ConcurrencyLimiter(2);
      const work = new Work();
      class Shop {
        @concurrency(limiter)
        async buy(name: string): Promise<unknown> {
          return await work.begin(name);
        }
        @concurrency({ limiter, maxQueue: 0 })
        async now(): Promise<string> {
          return 'now';
        }
      }
      const shop = new Shop();
      for (const name of ['a', 'b', 'c']) shop.buy(name);
      await flush();
      work.end('a');
      work.end('b');
      for (let turn = 0; turn < turns; turn++) await undefined;
      const isFree = limiter.used < 2;
      assert.equal(await shop.now().catch(() => 'rejected'), isFree ? 'now' : 'rejected');
      work.endAll();
      await flush();
    }
  });

  test('7.1 methods that call each other give up after that', () =>
    underFakeClock(async (clock) => {
      @concurrency(new ConcurrencyLimiter({ limit: 1, maxWait: 100 }))
      class Shop {
        async buy(): Promise<string> {
          return await this.pay();
        }
        async pay(): Promise<string> {
          return 'paid';
        }
      }
      const call = watched(new Shop().buy());
      await clock.tickAsync(100);
      assert.ok(call.error instanceof RejectedError);
      assert.equal(await new Shop().pay(), 'paid');
    }));

  test('7.1 a method may have its own key, queue and wait beside it', () =>
    underFakeClock(async (clock) => {
      const limiter = new ConcurrencyLimiter(1);
      const work = new Work();
      class Shop {
        @concurrency({ limiter, maxQueue: 1 })
        async short(name: string): Promise<unknown> {
          return await work.begin(name);
        }
        @concurrency({ limiter, maxWait: 50 })
        async quick(name: string): Promise<unknown> {
          return await work.begin(name);
        }
        @concurrency({ limiter, key: (name: string) => name })
        async keyed(name: string): Promise<unknown> {
          return await work.begin(name);
        }
      }
      const shop = new Shop();
      shop.short('a');
      const quick = watched(shop.quick('b'));
      const full = (await rejection(shop.short('c'))) as RejectedError;
      assert.equal(full.reason, 'queue-full');
      // Those of a key do not meet those without.
      shop.keyed('d');
      shop.keyed('e');
      shop.keyed('d');
      await flush();
      assert.deepEqual(work.begun, ['a', 'd', 'e']);
      assert.deepEqual([limiter.used, limiter.waiting, limiter.limit], [3, 2, 1]);
      await clock.tickAsync(50);
      assert.equal((quick.error as RejectedError).reason, 'wait-timeout');
    }));

  test('7.1 what is given to the limiter holds for all methods that say nothing else', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({
        rate: 4,
        per: 100,
        key: (...[key]: [string]) => key,
        weight: (..._: [string]) => 3,
        maxQueue: 0,
      });
      const starts: string[] = [];
      class Api {
        @rateLimit(limiter)
        async get(key: string): Promise<void> {
          starts.push(key);
        }
        @rateLimit({ limiter, weight: () => 1, maxQueue: 5 })
        async put(key: string): Promise<void> {
          starts.push(key);
        }
      }
      const api = new Api();
      await api.get('a');
      await api.get('b');
      assert.ok((await rejection(api.get('a'))) instanceof RejectedError);
      await api.put('a');
      api.put('a');
      await clock.tickAsync(100);
      assert.deepEqual(starts, ['a', 'b', 'a', 'a']);
    }));

  test('7.1 with scope instance each instance has its own, whichever method', async () => {
    const limiter = new ConcurrencyLimiter({ limit: 1, scope: 'instance' });
    const work = new Work();
    class Shop {
      @concurrency(limiter)
      async buy(name: string): Promise<unknown> {
        return await work.begin(name);
      }
      @concurrency(limiter)
      async sell(name: string): Promise<unknown> {
        return await work.begin(name);
      }
    }
    const [one, other] = [new Shop(), new Shop()];
    one.buy('a');
    one.sell('b');
    other.sell('c');
    await flush();
    assert.deepEqual(work.begun, ['a', 'c']);
    work.endAll();
    await flush();
    assert.deepEqual(work.begun, ['a', 'c', 'b']);
    work.endAll();
  });

  test('7.1 `used` and `waiting` count over all instances', async () => {
    const limiter = new ConcurrencyLimiter({ limit: 1, scope: 'instance' });
    const work = new Work();
    class Shop {
      @concurrency(limiter)
      async buy(name: string): Promise<unknown> {
        return await work.begin(name);
      }
    }
    const [one, other] = [new Shop(), new Shop()];
    one.buy('a');
    one.buy('b');
    other.buy('c');
    await flush();
    assert.deepEqual([limiter.used, limiter.waiting], [2, 1]);
    work.endAll();
    await flush();
    work.endAll();
    await flush();
    assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
  });

  test('7.1 one of the wrong kind is a ConfigurationError, wherever it stands', () => {
    const rates = new RateLimiter(1);
    const slots = new ConcurrencyLimiter(1);
    const wrong: [() => unknown, RegExp, RegExp][] = [
      [
        () => concurrency(rates as never),
        /expected the limiter to be a ConcurrencyLimiter, got RateLimiter/,
        /concurrency/,
      ],
      [
        () => rateLimit(slots as never),
        /expected the limiter to be a RateLimiter, got ConcurrencyLimiter/,
        /rateLimit/,
      ],
      [() => rateLimit({ limiter: slots as never }), /to be a RateLimiter, got ConcurrencyLimiter/, /rateLimit/],
      [() => rateLimit([5, slots as never]), /`\[1\]` to be a RateLimiter, got ConcurrencyLimiter/, /rateLimit/],
      [() => concurrency({ limiter: {} as never }), /to be a ConcurrencyLimiter, got \{\}/, /concurrency/],
      [() => concurrency({ limiter: 5 as never }), /to be a ConcurrencyLimiter, got 5/, /concurrency/],
      [() => new Orchestrator({ rateLimit: slots as never }), /`rateLimit` to be a RateLimiter/, /Orchestrator/],
      [
        () => orchestrate({ concurrency: [rates as never] }),
        /`concurrency\[0\]` to be a ConcurrencyLimiter/,
        /orchestrate/,
      ],
    ];
    for (const [make, message, where] of wrong) {
      assert.throws(
        () => {
          class Shop {
            async buy(): Promise<void> {}
          }
          const made = make();
          if (typeof made !== 'function') return;
          const context = {
            kind: 'method',
            name: 'buy',
            static: false,
            private: false,
            metadata: {},
            addInitializer() {},
          };
          made(Shop.prototype.buy, context);
        },
        says(message, where),
      );
    }
  });

  for (const [what, make] of [
    ['rateLimit', () => rateLimit([...Array(2)].fill(new RateLimiter(1)))],
    ['concurrency', () => concurrency([...Array(2)].fill({ limiter: new ConcurrencyLimiter(1) }))],
  ] as const) {
    test(`7.1 a limiter stands at most once in a pipeline: ${what}`, () => {
      assert.throws(
        () => {
          class Shop {
            @(make() as ReturnType<typeof concurrency<[]>>)
            async buy(): Promise<void> {}
          }
          return Shop;
        },
        says(/@\w+ on method `buy`: a limiter stands there twice/),
      );
    });
  }

  for (const [given, message] of [
    [{ limiter: new RateLimiter(1), rate: 5 }, /`rate` is the shared limiter's own; .*`limiter\.configure\(\)`/],
    [{ limiter: new RateLimiter(1), per: 5 }, /`per` is the shared limiter's own/],
    [{ limiter: new RateLimiter(1), scope: 'instance' }, /`scope` is the shared limiter's own/],
    [{ limiter: new RateLimiter(1), nonsense: 5 }, /unknown option `nonsense`/],
    [{ limiter: new RateLimiter(1), maxWait: -1 }, /expected `maxWait` to be a number of milliseconds/],
    [[], /at least one limit, got an empty array/],
    [[[5]], /expected `\[0\].*` to be/],
    [[5, { rate: 0 }], /expected `\[1\]\.rate` to be a finite number above 0, got 0/],
  ] as const) {
    test(`7.1 ${inspect(given, { depth: 1, breakLength: Number.POSITIVE_INFINITY })} is a ConfigurationError`, () => {
      assert.throws(
        () => {
          class Shop {
            @rateLimit(given as never)
            async buy(): Promise<void> {}
          }
          return Shop;
        },
        says(message, /@rateLimit on method `buy`/),
      );
    });
  }

  for (const [make, message] of [
    [() => new RateLimiter(0), /RateLimiter: expected `rate`/],
    [() => new RateLimiter({} as never), /RateLimiter: expected `rate` to be a finite number above 0, got undefined/],
    [() => new RateLimiter({ rate: 1, wait: 5 } as never), /RateLimiter: unknown option `wait`/],
    [() => new RateLimiter(undefined as never), /RateLimiter: expected/],
    [() => new ConcurrencyLimiter(1.5), /ConcurrencyLimiter: expected `limit` to be an integer/],
    [() => new ConcurrencyLimiter([1] as never), /ConcurrencyLimiter: expected/],
    [() => new RateLimiter(1).configure({ key: () => 'a' } as never), /RateLimiter\.configure\(\): `key` stays/],
    [() => new RateLimiter(1).configure({ rate: -1 }), /RateLimiter\.configure\(\): expected `rate`/],
    [() => new ConcurrencyLimiter(1).configure(0), /ConcurrencyLimiter\.configure\(\): expected `limit`/],
  ] as const) {
    test(`7.1 ${String(make).slice(6)} is a ConfigurationError`, () => {
      assert.throws(make, says(message));
    });
  }
});

describe('configure of a limiter', () => {
  test('10.6 slots grow and shrink in place, in order; of several changes the latest counts', async () => {
    const limiter = new ConcurrencyLimiter(1);
    const work = new Work();
    class Shop {
      @concurrency(limiter)
      async buy(name: string): Promise<unknown> {
        return await work.begin(name);
      }
    }
    for (const name of ['a', 'b', 'c', 'd', 'e']) new Shop().buy(name);
    await flush();
    const first = limiter.configure({ limit: 2 });
    await flush();
    assert.deepEqual(work.begun, ['a', 'b']);
    const second = limiter.configure(4);
    await flush();
    assert.deepEqual([work.begun.length, limiter.limit], [4, 4]);
    first();
    assert.equal(limiter.limit, 4);
    second();
    second();
    assert.equal(limiter.limit, 1);
    work.end('a');
    work.end('b');
    work.end('c');
    await flush();
    assert.deepEqual(work.running, ['d']);
    work.end('d');
    await flush();
    assert.deepEqual(work.running, ['e']);
    work.endAll();
  });

  test('10.6 those undone out of turn leave what was given later', () => {
    const limiter = new RateLimiter({ rate: 1, maxWait: 100 });
    const undos = [limiter.configure({ rate: 2 }), limiter.configure({ maxWait: 5 }), limiter.configure({ rate: 3 })];
    const shown = (): string => inspect(limiter);
    assert.match(shown(), /rate: 3, .*maxWait: 5/);
    undos[2][Symbol.dispose]();
    assert.match(shown(), /rate: 2, .*maxWait: 5/);
    undos[0]();
    assert.match(shown(), /rate: 1, .*maxWait: 5/);
    undos[1]();
    assert.match(shown(), /rate: 1, .*maxWait: 100/);
  });

  test('X6 printed, it shows nothing of options that are undefined', () => {
    assert.equal(inspect(new RateLimiter({ rate: 1, key: undefined })).includes('undefined'), false);
  });

  test('10.6 a wrong option changes nothing', () => {
    const limiter = new RateLimiter({ rate: 1 });
    assert.throws(() => limiter.configure({ rate: 2, per: -1 }), ConfigurationError);
    assert.equal(limiter.limit, 1);
  });

  test('10.6 it holds for the limits of all keys, and those that come', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 1, per: 100, key: (...[key]: [string]) => key });
      const starts: [string, number][] = [];
      class Api {
        @rateLimit(limiter)
        async get(key: string): Promise<void> {
          starts.push([key, Date.now()]);
        }
      }
      const api = new Api();
      for (let i = 0; i < 3; i++) api.get('a');
      limiter.configure({ rate: 2 });
      for (let i = 0; i < 3; i++) api.get('b');
      await clock.tickAsync(50);
      assert.deepEqual(starts, [
        ['a', 0],
        ['b', 0],
        ['b', 0],
        ['a', 0],
      ]);
    }));

  test('10.6 options of its own that a method names beside it stay', () =>
    underFakeClock(async () => {
      const limiter = new ConcurrencyLimiter({ limit: 1, maxQueue: 5 });
      const work = new Work();
      class Shop {
        @concurrency({ limiter, maxQueue: 0 })
        async none(): Promise<unknown> {
          return await work.begin('none');
        }
        @concurrency(limiter)
        async some(): Promise<unknown> {
          return await work.begin('some');
        }
      }
      const shop = new Shop();
      shop.some();
      limiter.configure({ maxQueue: 1 });
      assert.ok((await rejection(shop.none())) instanceof RejectedError);
      shop.some();
      assert.ok((await rejection(shop.some())) instanceof RejectedError);
      work.endAll();
      await flush();
      work.endAll();
    }));

  test("10.6 configure of a class takes what is the method's own, and refuses what is the limiter's", () =>
    underFakeClock(async () => {
      const limiter = new ConcurrencyLimiter(1);
      class Shop {
        @concurrency(limiter)
        async buy(): Promise<unknown> {
          return await new Promise(() => {});
        }
      }
      const refused = says(/`limit` is the shared limiter's own; .*`limiter\.configure\(\)`/);
      assert.throws(() => configure(Shop, 'buy', { concurrency: { limit: 5 } }), refused);
      assert.throws(() => configure(Shop, 'buy', { concurrency: 5 }), refused);
      assert.throws(
        () => configure(Shop, 'buy', { concurrency: { limiter: new ConcurrencyLimiter(2) } as never }),
        says(/`concurrency\.limiter` stays as it was declared/),
      );
      assert.throws(
        () => configure(Shop, 'buy', { concurrency: new ConcurrencyLimiter(2) as never }),
        says(/`concurrency\.limiter` stays as it was declared/),
      );
      const restore = configure(Shop, 'buy', { concurrency: { maxQueue: 0 } });
      new Shop().buy();
      assert.ok((await rejection(new Shop().buy())) instanceof RejectedError);
      restore();
      const out = configure(Shop, 'buy', { concurrency: false });
      new Shop().buy();
      await flush();
      assert.deepEqual([limiter.waiting, statsOf(Shop, 'buy').running], [0, 2]);
      out();
    }));
});

describe('what is shown of a shared limiter', () => {
  test('X6 policiesOf and explain show it', () => {
    const limiter = new RateLimiter({ rate: 5, per: 100 });
    class Api {
      @rateLimit({ limiter, maxWait: 50 })
      async get(): Promise<void> {}
    }
    const [{ kind, options }] = policiesOf(Api, 'get');
    assert.deepEqual([kind, options], ['rateLimit', { limiter, maxWait: 50 }]);
    assert.match(explain(Api), /RateLimiter \{ rate: 5, per: 100/);
    assert.match(
      inspect(new ConcurrencyLimiter({ limit: 3, maxWait: 50 })),
      /^ConcurrencyLimiter \{ limit: 3, maxWait: 50/,
    );
  });

  test('11 resetState makes it as new for all; those under way end by what there was', () =>
    underFakeClock(async () => {
      const limiter = new ConcurrencyLimiter(1);
      const work = new Work();
      class Shop {
        @concurrency(limiter)
        async buy(name: string): Promise<unknown> {
          return await work.begin(name);
        }
      }
      class Other {
        @concurrency(limiter)
        async buy(name: string): Promise<unknown> {
          return await work.begin(name);
        }
      }
      new Shop().buy('a');
      new Other().buy('b');
      resetState(Shop);
      assert.deepEqual([limiter.used, limiter.waiting], [0, 0]);
      new Other().buy('c');
      await flush();
      assert.deepEqual([work.running, limiter.used], [['a', 'c'], 1]);
      work.end('a');
      await flush();
      assert.deepEqual(work.running, ['c', 'b']);
      work.endAll();
      await flush();
      assert.equal(limiter.used, 0);
    }));
});

describe('the order in which shared limits are taken', () => {
  const refusal = (one: string, other: string) =>
    says(new RegExp(`^${one}: .*two shared limits.* ${other.replace('.', '\\.')}`));

  for (const [what, make] of [
    ['rateLimit', () => [new RateLimiter(1), new RateLimiter(1), new RateLimiter(1)]],
    ['concurrency', () => [new ConcurrencyLimiter(1), new ConcurrencyLimiter(1), new ConcurrencyLimiter(1)]],
  ] as const) {
    const decorator = (...limiters: unknown[]) =>
      (what === 'rateLimit' ? rateLimit(limiters as never) : concurrency(limiters as never)) as ReturnType<
        typeof concurrency<[]>
      >;

    test(`7.2 one that contradicts that of a method linked before is a ConfigurationError that names both: ${what}`, () => {
      const [a, b] = make();
      class One {
        @decorator(a, b)
        async go(): Promise<void> {}
      }
      class Other {
        @decorator(b, a)
        async come(): Promise<void> {}
      }
      new One();
      assert.throws(() => new Other(), refusal('Other.come', 'One.go'));
      new One();
      assert.throws(() => new Other(), refusal('Other.come', 'One.go'));
    });

    test(`7.2 through a third limit, too: ${what}`, () => {
      const [a, b, c] = make();
      class Chain {
        @decorator(a, b)
        async first(): Promise<void> {}
        @decorator(b, c)
        async second(): Promise<void> {}
      }
      class Other {
        @decorator(c, a)
        async third(): Promise<void> {}
      }
      new Chain();
      assert.throws(() => new Other(), says(/Other\.third/, /Chain\.(first|second)/));
      class Fine {
        @decorator(a, c)
        async fourth(): Promise<void> {}
      }
      new Fine();
    });

    test(`7.2 of static ones at the definition, of private and classless ones from the call: ${what}`, async () => {
      const [a, b] = make();
      class One {
        @decorator(a, b)
        async go(): Promise<void> {}
      }
      new One();
      assert.throws(
        () => {
          class Still {
            name = 'Still';
            @decorator(b, a)
            static async still(): Promise<void> {}
          }
          return Still;
        },
        refusal('Still.still', 'One.go'),
      );
      class Other {
        @decorator(b, a)
        async #hidden(): Promise<void> {}
        shown(): Promise<void> {
          return this.#hidden();
        }
      }
      const orchestrator = new Orchestrator({ [what]: [b, a] });
      assert.ok(says(/#hidden/, /One\.go/)(await rejection(Promise.resolve().then(() => new Other().shown()))));
      assert.ok(refusal('Orchestrator', 'One.go')(await rejection(orchestrator.execute(async () => {}))));
    });
  }

  test('7.2 over both kinds', () => {
    const rates = new RateLimiter(1);
    const slots = new ConcurrencyLimiter({ limit: 1, key: () => 'all' });
    const plain = new ConcurrencyLimiter(1);
    class One {
      @rateLimit(rates)
      @concurrency(plain)
      async go(): Promise<void> {}
    }
    class Fine {
      // The narrower one is taken first.
      @rateLimit(rates)
      @concurrency(slots)
      async go(): Promise<void> {}
    }
    class Other {
      @rateLimit(rates)
      @concurrency([{ limiter: plain, key: () => 'all' }])
      async come(): Promise<void> {}
    }
    new One();
    new Fine();
    assert.throws(() => new Other(), says(/Other\.come/, /One\.go/));
  });

  test('7.2 by the order in force: with a key of its own a limit is taken first', () => {
    const [rates, slots] = [new RateLimiter(5), new ConcurrencyLimiter({ limit: 5, maxWait: 5 })];
    const key = (): string => 'key';
    class One {
      @rateLimit(rates)
      @concurrency({ limiter: slots, key })
      async get(): Promise<void> {}
    }
    class Other {
      @rateLimit({ limiter: rates, key })
      @concurrency(slots)
      async get(): Promise<void> {}
    }
    assert.ok(new One());
    assert.throws(() => new Other(), /Other\.get: .* against that of One\.get/);
  });

  test("7.2 limits of a method's own say nothing of it", () => {
    const limiter = new RateLimiter(1);
    class One {
      @rateLimit([limiter, 5])
      async go(): Promise<void> {}
      @rateLimit([{ rate: 5 }, limiter])
      async come(): Promise<void> {}
    }
    new One();
  });
});

describe('shared limits in numbers', () => {
  test('7.1 10,000 callers of three methods go in order of arrival', () =>
    underFakeClock(async (clock) => {
      const limiter = new RateLimiter({ rate: 1000, per: 10 });
      const ids: number[] = [];
      class Api {
        @rateLimit(limiter)
        async get(id: number): Promise<void> {
          ids.push(id);
        }
        @rateLimit({ limiter, weight: () => 1 })
        async put(id: number): Promise<void> {
          ids.push(id);
        }
        @rateLimit({ limiter, maxWait: 1000 })
        async post(id: number): Promise<void> {
          ids.push(id);
        }
      }
      const api = new Api();
      const all = ['get', 'put', 'post'] as const;
      for (let id = 0; id < 10_000; id++) api[all[id % 3]](id);
      await advance(clock, 100);
      assert.deepEqual(
        ids,
        Array.from({ length: 10_000 }, (_, id) => id),
      );
    }));
});
