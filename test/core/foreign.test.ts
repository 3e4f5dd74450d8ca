import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { type AnyClass, concurrency, currentCall, fallback, policiesOf, retry, statsOf } from 'opero';
import { flush } from '../support/clock.js';
import { inBothForms, newFormOnly, otherwiseInOldForm } from '../support/form.js';

const times = (maxAttempts: number) => retry({ maxAttempts, waitMin: 0 });
/** Fails a call that passes through it twice at once, which a second pipeline around the first would do. */
const alone = concurrency({ limit: 1, maxQueue: 0 });

type Method = (this: never, ...args: never[]) => Promise<unknown>;

/** A decorator of another library: notes each call under a name. */
const traced = (seen: string[], name: string) =>
  inBothForms(
    (method) =>
      function (this: unknown, ...args: unknown[]) {
        seen.push(name);
        return Reflect.apply(method, this, args);
      },
  );

/** A decorator of another library: binds the method to each instance. */
function bound<Fn extends Method>(_method: Fn, context: ClassMethodDecoratorContext): void {
  context.addInitializer(function () {
    const self = this as Record<PropertyKey, Method>;
    self[context.name] = self[context.name].bind(this as never);
  });
}

describe('a foreign method decorator', () => {
  test('innermost sees each attempt', async () => {
    const seen: string[] = [];
    class Shop {
      @times(3)
      @alone
      @traced(seen, 'traced')
      async buy(): Promise<void> {
        seen.push('buy');
        throw new Error('down');
      }
    }
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.deepEqual(seen, ['traced', 'buy', 'traced', 'buy', 'traced', 'buy']);
    assert.equal(statsOf(Shop, 'buy').calls, 1);
  });

  test("outermost on two methods that are each other's fallback does not make them go round", async () => {
    const seen: string[] = [];
    class Shop {
      @traced(seen, 'one')
      @fallback('other')
      async one(): Promise<void> {
        throw new Error('one');
      }
      @traced(seen, 'other')
      @fallback('one')
      async other(): Promise<void> {
        throw new Error('other');
      }
    }
    await assert.rejects(new Shop().one());
    assert.deepEqual(seen, ['one', 'other']);
  });

  test('outermost on an alternative may call a method of its name on another object first, which is told nothing', async () => {
    const told: unknown[] = [];
    class Log {
      @retry()
      async cached(): Promise<void> {
        told.push(currentCall().error, currentCall().signal);
      }
    }
    const log = new Log();
    const logged = inBothForms(
      (method) =>
        function (this: unknown, ...args: unknown[]) {
          log.cached();
          return Reflect.apply(method, this, args);
        },
    );
    const error = new Error('down');
    class Shop {
      @fallback('cached')
      async buy(_signal: AbortSignal): Promise<void> {
        throw error;
      }
      @logged
      @retry()
      async cached(_signal: AbortSignal): Promise<void> {
        told.push(currentCall().error);
      }
    }
    await new Shop().buy(new AbortController().signal);
    assert.deepEqual(told, [undefined, undefined, error]);
  });

  test('outermost on an alternative may call another method of the object first, which is told nothing', async () => {
    const told: unknown[] = [];
    const logged = inBothForms(
      (method) =>
        function (this: Shop, ...args: unknown[]) {
          this.log();
          return Reflect.apply(method, this, args);
        },
    );
    const error = new Error('down');
    class Shop {
      @fallback('cached')
      async buy(): Promise<void> {
        throw error;
      }
      @logged
      @retry()
      async cached(): Promise<void> {
        told.push(currentCall().error);
      }
      @retry()
      async log(): Promise<void> {
        told.push(currentCall().error);
      }
    }
    await new Shop().buy();
    assert.deepEqual(told, [undefined, error]);
  });

  test('outermost on an alternative that awaits before it calls on makes a new call, which is told nothing', async () => {
    const told: unknown[] = [];
    const late = inBothForms(
      (method) =>
        async function (this: unknown, ...args: unknown[]) {
          await undefined;
          return Reflect.apply(method, this, args);
        },
    );
    class Shop {
      @fallback('cached')
      async buy(_signal: AbortSignal): Promise<void> {
        throw new Error('down');
      }
      @late
      @retry()
      async cached(_signal: AbortSignal): Promise<void> {
        told.push(currentCall().error);
      }
    }
    await new Shop().buy(new AbortController().signal);
    assert.deepEqual(told, [undefined]);
  });

  test('outermost on an alternative may answer for it: what led there is not told to a later call', async () => {
    const told: unknown[] = [];
    let answers = 1;
    const answering = inBothForms(
      (method) =>
        function (this: unknown, ...args: unknown[]) {
          return answers-- > 0 ? Promise.resolve('answer') : Reflect.apply(method, this, args);
        },
    );
    class Shop {
      @fallback('cached')
      async buy(): Promise<string> {
        throw new Error('down');
      }
      @answering
      @retry()
      async cached(): Promise<string> {
        told.push(currentCall().error);
        return 'cached';
      }
    }
    const shop = new Shop();
    assert.equal(await shop.buy(), 'answer');
    assert.equal(await shop.cached(), 'cached');
    assert.deepEqual(told, [undefined]);
  });

  test('outermost on an alternative that overrides a decorated one leaves it told what led to it', async () => {
    const told: unknown[] = [];
    const error = new Error('down');
    class Base {
      @times(2)
      async cached(): Promise<void> {}
    }
    class Shop extends Base {
      @fallback('cached')
      async buy(): Promise<void> {
        throw error;
      }
      @traced([], 'outer')
      @times(3)
      override async cached(): Promise<void> {
        told.push(currentCall().error);
      }
    }
    await new Shop().buy();
    assert.deepEqual(told, [error]);
  });

  for (const [which, governed] of [
    ['outer', true],
    ['own', true],
    ['own', false],
  ] as const) {
    const when = governed ? 'beside that of the call' : 'where the call has none';
    test(`outermost on an alternative may pass a signal of its own ${when}: an abort of the ${which} one is told`, async () => {
      const controllers = { outer: new AbortController(), own: new AbortController() };
      let told: AbortSignal | undefined;
      const withOwn = inBothForms(
        (method) =>
          function (this: unknown) {
            return Reflect.apply(method, this, [controllers.own.signal]);
          },
      );
      class Shop {
        @fallback('cached')
        async buy(..._signals: AbortSignal[]): Promise<void> {
          throw new Error('down');
        }
        @withOwn
        @retry()
        async cached(..._signals: AbortSignal[]): Promise<void> {
          told = currentCall().signal;
          await new Promise((_, reject) => told?.addEventListener('abort', () => reject(told?.reason)));
        }
      }
      const call = governed ? new Shop().buy(controllers.outer.signal) : new Shop().buy();
      const ended = assert.rejects(call);
      await flush();
      controllers[which].abort('enough');
      assert.equal(told?.reason, 'enough');
      await ended;
    });
  }

  test('innermost may put a decorated method of another class in place, under the policies of both', async () => {
    let runs = 0;
    class Spare {
      readonly size = 1;
      @times(2)
      async get(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    const spare = inBothForms(() => Spare.prototype.get);
    class Shop {
      @times(3)
      @spare
      async buy(): Promise<void> {}
    }
    assert.equal(policiesOf(Shop, 'buy').length, 1);
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.equal(runs, 6);
  });

  test('that gives each instance a function of its own, under one of ours, has it called', newFormOnly, async () => {
    const seen: string[] = [];
    function wrapping<Fn extends Method>(_method: Fn, context: ClassMethodDecoratorContext): void {
      context.addInitializer(function () {
        const self = this as Record<PropertyKey, Method>;
        const method = self[context.name];
        self[context.name] = () => {
          seen.push('wrapper');
          return Reflect.apply(method, this, []);
        };
      });
    }
    class Base {
      @times(2)
      @wrapping
      async buy(): Promise<void> {}
    }
    class Sub extends Base {
      override async buy(): Promise<void> {
        seen.push('sub');
      }
    }
    await new Sub().buy();
    assert.deepEqual(seen, ['wrapper', 'sub']);
  });

  test('finds the metadata of a class under the well-known symbol', () => {
    assert.equal(Symbol.metadata.description, 'Symbol.metadata');
  });

  test('outermost sees each call', async () => {
    const seen: string[] = [];
    class Shop {
      @traced(seen, 'traced')
      @times(3)
      @alone
      async buy(): Promise<void> {
        seen.push('buy');
        throw new Error('down');
      }
    }
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.deepEqual(seen, ['traced', 'buy', 'buy', 'buy']);
    assert.equal(statsOf(Shop, 'buy').calls, 1);
  });

  test('between two of ours leads to one pipeline, and sees each attempt', async () => {
    const seen: string[] = [];
    class Shop {
      @times(3)
      @traced(seen, 'traced')
      @alone
      async buy(): Promise<void> {
        seen.push('buy');
        throw new Error('down');
      }
    }
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.deepEqual(seen, ['traced', 'buy', 'traced', 'buy', 'traced', 'buy']);
    const { calls, attempts, retries } = statsOf(Shop, 'buy');
    assert.deepEqual([calls, attempts, retries], [1, 3, 2]);
    assert.deepEqual(
      policiesOf(Shop, 'buy').map(({ kind }) => kind),
      ['retry', 'concurrency'],
    );
  });

  test('between, inside and outside at once leads to one pipeline', async () => {
    const seen: string[] = [];
    class Shop {
      @traced(seen, 'outer')
      @fallback({ value: 'nothing' })
      @traced(seen, 'upper')
      @times(2)
      @traced(seen, 'lower')
      @alone
      @traced(seen, 'inner')
      async buy(): Promise<string> {
        throw new Error('down');
      }
    }
    assert.equal(await new Shop().buy(), 'nothing');
    assert.deepEqual(seen, ['outer', 'upper', 'lower', 'inner', 'upper', 'lower', 'inner']);
    assert.equal(statsOf(Shop, 'buy').calls, 1);
  });

  test('on static and private methods leads to one pipeline', newFormOnly, async () => {
    const seen: string[] = [];
    class Shop {
      @times(2)
      @traced(seen, 'static')
      @alone
      static async open(): Promise<void> {
        throw new Error('closed');
      }
      @times(3)
      @traced(seen, 'private')
      @alone
      async #buy(): Promise<void> {
        throw new Error('down');
      }
      buy(): Promise<void> {
        return this.#buy();
      }
    }
    await assert.rejects(Shop.open(), { message: 'closed' });
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.deepEqual(seen, ['static', 'static', 'private', 'private', 'private']);
  });

  test('on an override that inherits its policies sees each attempt', async () => {
    const seen: string[] = [];
    class Base {
      @times(2)
      @alone
      async buy(): Promise<void> {
        seen.push('base');
        throw new Error('down');
      }
    }
    class Sub extends Base {
      @traced(seen, 'traced')
      override async buy(): Promise<void> {
        return super.buy();
      }
    }
    await assert.rejects(new Sub().buy(), { message: 'down' });
    assert.deepEqual(seen, ['traced', 'base', 'traced', 'base']);
    assert.equal(statsOf(Sub, 'buy').calls, 1);
  });

  test('on the base is passed once per super.method()', async () => {
    const seen: string[] = [];
    class Base {
      @traced(seen, 'outer')
      @times(2)
      @traced(seen, 'inner')
      @alone
      async buy(): Promise<void> {
        throw new Error('down');
      }
    }
    class Sub extends Base {
      override async buy(): Promise<void> {
        return super.buy();
      }
    }
    await assert.rejects(new Sub().buy(), { message: 'down' });
    assert.deepEqual(seen, ['outer', 'inner', 'outer', 'inner']);
    assert.equal(statsOf(Sub, 'buy').calls, 1);
  });

  test('that binds the method leaves one pipeline', newFormOnly, async () => {
    const seen: string[] = [];
    class Shop {
      @bound
      @times(2)
      async buy(): Promise<void> {
        seen.push('buy');
        throw new Error('down');
      }
      @times(3)
      @bound
      async sell(): Promise<void> {
        seen.push('sell');
        throw new Error('down');
      }
    }
    class Sub extends Shop {
      override async buy(): Promise<void> {
        seen.push('sub');
        throw new Error('down');
      }
    }
    const { buy, sell } = new Shop();
    await assert.rejects(buy());
    await assert.rejects(sell());
    assert.deepEqual(seen, ['buy', 'buy', 'sell', 'sell', 'sell']);
    seen.length = 0;
    await assert.rejects(new Sub().buy());
    assert.deepEqual(seen, ['sub', 'sub']);
  });

  test(
    'that binds, under one of ours, leaves the policies of an undecorated override in force',
    newFormOnly,
    async () => {
      let runs = 0;
      class Shop {
        @times(2)
        @bound
        async buy(): Promise<void> {}
      }
      class Sub extends Shop {
        override async buy(): Promise<void> {
          runs++;
          throw new Error('down');
        }
      }
      await assert.rejects(new Sub().buy());
      assert.equal(runs, 2);
    },
  );

  test(
    'that binds, under policies of the class, leaves them in force from the very first instance of a subclass',
    newFormOnly,
    async () => {
      let runs = 0;
      @times(2)
      class Shop {
        @bound
        async buy(): Promise<void> {
          runs++;
          throw new Error('down');
        }
        @alone
        async sell(): Promise<void> {}
      }
      class Sub extends Shop {}
      class SubSub extends Sub {}
      for (const type of [SubSub, Sub, Shop]) {
        for (let i = 0; i < 2; i++) {
          runs = 0;
          await assert.rejects(new type().buy());
          assert.equal(runs, 2, type.name);
        }
      }
    },
  );

  test('that binds an override binds what stands in its place by then', newFormOnly, async (t) => {
    class Shop {
      @times(2)
      @bound
      async buy(): Promise<string> {
        return 'base';
      }
    }
    class Sub extends Shop {
      override async buy(): Promise<string> {
        return 'sub';
      }
    }
    assert.equal(policiesOf(Sub, 'buy').length, 1);
    const { mock } = t.mock.method(Sub.prototype, 'buy', async () => 'mocked');
    assert.deepEqual([await new Sub().buy(), await new Sub().buy()], ['mocked', 'mocked']);
    assert.equal(mock.callCount(), 2);
  });

  test('leaves one pipeline where the method is called without a receiver, before its class is known', async () => {
    let runs = 0;
    class Shop {
      @times(2)
      @traced([], 'between')
      @alone
      async buy(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    await assert.rejects(Reflect.apply(Shop.prototype.buy, undefined, []));
    assert.equal(runs, 2);
  });

  test('that binds arguments too keeps them, also on the first instance of a subclass', async () => {
    class Root {
      constructor() {
        this.buy = this.buy.bind(this, 'tenant');
      }
      async buy(..._args: unknown[]): Promise<unknown[]> {
        return [];
      }
    }
    class Shop extends Root {
      @times(2)
      override async buy(tenant: unknown, item: unknown): Promise<unknown[]> {
        return [tenant, item];
      }
    }
    class Sub extends Shop {
      override async buy(tenant: unknown, item: unknown): Promise<unknown[]> {
        return ['sub', tenant, item];
      }
    }
    for (let i = 0; i < 2; i++) assert.deepEqual(await new Sub().buy(7, undefined), ['sub', 'tenant', 7]);
  });

  test('is not looked for behind a getter of a subclass, which its constructor has not made ready yet', async () => {
    class Shop {
      @times(2)
      async buy(): Promise<string> {
        return 'base';
      }
    }
    class Sub extends Shop {
      override async buy(): Promise<string> {
        return 'sub';
      }
    }
    class Leaf extends Sub {
      isReady = true;
    }
    Object.defineProperty(Leaf.prototype, 'buy', {
      configurable: true,
      get(this: Leaf) {
        if (!this.isReady) throw new Error('not ready');
        return async () => 'leaf';
      },
    });
    assert.equal(await new Leaf().buy(), 'leaf');
  });

  test('that turns an async method into a plain function leaves the policies of its own decorators in force', async () => {
    const seen: string[] = [];
    class Shop {
      @traced(seen, 'outer')
      @times(2)
      @traced(seen, 'inner')
      buy(): Promise<void> {
        return Promise.reject(new Error('down'));
      }
    }
    await assert.rejects(new Shop().buy());
    assert.deepEqual(seen, ['outer', 'inner', 'inner']);
  });
});

describe('a foreign class decorator that replaces the class', () => {
  /** By a subclass of it, as many libraries do. */
  const replaced = <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): T =>
    class extends (type as unknown as new (...args: unknown[]) => object) {
      readonly replacement = true;
    } as unknown as T;

  /** By a subclass that also overrides the method. */
  const overriding =
    (seen: string[]) =>
    <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): T =>
      class extends (type as unknown as new () => { buy(): Promise<void> }) {
        override async buy(): Promise<void> {
          seen.push('replacement');
          return super.buy();
        }
      } as unknown as T;

  /** By a proxy. */
  const proxied = <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): T => new Proxy(type, {});

  for (const [name, decorator] of [
    ['a subclass', replaced],
    ['a proxy', proxied],
  ] as const) {
    test(`by ${name} leaves method-level policies in force, once`, async () => {
      let runs = 0;
      @decorator
      class Shop {
        @times(2)
        @alone
        async buy(): Promise<void> {
          runs++;
          throw new Error('down');
        }
      }
      class Sub extends Shop {
        override async buy(): Promise<void> {
          return super.buy();
        }
      }
      for (const Type of [Shop, Sub]) {
        runs = 0;
        await assert.rejects(new Type().buy(), { message: 'down' });
        assert.equal(runs, 2);
        assert.equal(statsOf(Type, 'buy').calls, 1);
        assert.equal(policiesOf(Type, 'buy').length, 2);
      }
    });

    test(`by ${name} leaves static and private policies in force, once`, newFormOnly, async () => {
      let runs = 0;
      @decorator
      class Shop {
        @times(2)
        @alone
        static async open(): Promise<void> {
          runs++;
          throw new Error('closed');
        }
        @times(3)
        @alone
        async #buy(): Promise<void> {
          runs++;
          throw new Error('down');
        }
        buy(): Promise<void> {
          return this.#buy();
        }
      }
      await assert.rejects(Shop.open(), { message: 'closed' });
      assert.equal(runs, 2);
      await assert.rejects(new Shop().buy(), { message: 'down' });
      assert.equal(runs, 5);
    });

    test(`by ${name}, outside ours, leaves class-level policies in force, once`, async () => {
      let runs = 0;
      @decorator
      @times(2)
      @alone
      class Shop {
        async buy(): Promise<void> {
          runs++;
          throw new Error('down');
        }
      }
      await assert.rejects(new Shop().buy(), { message: 'down' });
      assert.equal(runs, 2);
      assert.equal(statsOf(Shop, 'buy').calls, 1);
    });

    test(
      `by ${name}, inside ours, leaves class-level policies in force, once`,
      decorator === replaced ? otherwiseInOldForm : {},
      async () => {
        let runs = 0;
        @times(2)
        @alone
        @decorator
        class Shop {
          async buy(): Promise<void> {
            runs++;
            throw new Error('down');
          }
        }
        await assert.rejects(new Shop().buy(), { message: 'down' });
        assert.equal(runs, 2);
        assert.equal(statsOf(Shop, 'buy').calls, 1);
      },
    );

    test(`by ${name}, between two of ours, leaves both in force, with those of a decorated method`, async () => {
      let runs = 0;
      @alone
      @decorator
      @fallback({ value: undefined })
      class Shop {
        @times(2)
        async buy(): Promise<void> {
          runs++;
          throw new Error('down');
        }
      }
      await new Shop().buy();
      assert.equal(runs, 2);
      assert.deepEqual(
        policiesOf(Shop, 'buy').map(({ kind }) => kind),
        ['fallback', 'retry', 'concurrency'],
      );
    });
  }

  test('by another class, inside ours, puts the policies on that, and on no base of it', async () => {
    let runs = 0;
    class Bare {
      async fetch(): Promise<void> {}
    }
    class Spare extends Bare {
      async buy(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    const exchanged = <T extends AnyClass>(_type: T, _context: ClassDecoratorContext<T>): T => Spare as unknown as T;
    @times(2)
    @exchanged
    class Shop {
      async buy(): Promise<void> {}
    }
    assert.equal(policiesOf(Shop, 'buy').length, 1);
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.equal(runs, 2);
    assert.deepEqual(policiesOf(Bare, 'fetch'), []);
  });

  test('by a subclass that overrides a decorated method leads to one pipeline', otherwiseInOldForm, async () => {
    const seen: string[] = [];
    @overriding(seen)
    class Shop {
      @times(2)
      @alone
      async buy(): Promise<void> {
        seen.push('buy');
        throw new Error('down');
      }
    }
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.equal(seen.filter((each) => each === 'buy').length, 2);
    assert.equal(statsOf(Shop, 'buy').calls, 1);
  });

  test('by one whose overrides call super under a class-level policy leads to one pipeline', async () => {
    const seen: string[] = [];
    @times(2)
    @alone
    @overriding(seen)
    class Shop {
      async buy(): Promise<void> {
        seen.push('buy');
        throw new Error('down');
      }
    }
    await assert.rejects(new Shop().buy(), { message: 'down' });
    assert.deepEqual(seen, ['replacement', 'buy', 'replacement', 'buy']);
  });
});
