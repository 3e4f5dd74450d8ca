import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { type AnyClass, concurrency, explain, fallback, policiesOf, retry, statsOf } from 'opero';
import { ownNameIsBare, ownNameIsBareInConstructor, staticsRunFirst } from '../support/compiler.js';
import { isOldForm, otherwiseInOldForm } from '../support/form.js';

const times = (maxAttempts: number) => retry({ maxAttempts, waitMin: 0 });
const kinds = (subject: object, name: PropertyKey): string[] => policiesOf(subject, name).map(({ kind }) => kind);

/** Fails twice, then works. */
class Flaky {
  runs = 0;
  attempt(): number {
    if (++this.runs < 3) throw new Error(`attempt ${this.runs}`);
    return this.runs;
  }
}

describe('a class-level policy holds from the definition on', () => {
  test('for an instance in a static field', async () => {
    @times(3)
    class Shop extends Flaky {
      static readonly instance = new Shop();
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(await Shop.instance.load(), 3);
    assert.deepEqual(kinds(Shop.instance, 'load'), ['retry']);
    assert.equal(statsOf(Shop, 'load').calls, 1);
  });

  test('for an instance that a static block makes', async () => {
    @times(3)
    class Shop extends Flaky {
      static instance: Shop;
      static {
        Shop.instance = new Shop();
      }
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(await Shop.instance.load(), 3);
  });

  describe('for calls in static blocks', () => {
    const define = () => {
      @times(3)
      class Shop extends Flaky {
        static instance: Shop;
        static result: Promise<number | string>;
        static {
          Shop.instance = new Shop();
          Shop.result = Shop.instance.load().catch((error: Error) => error.message);
        }
        async load(): Promise<number> {
          return this.attempt();
        }
      }
      return Shop;
    };

    if (staticsRunFirst) {
      test('only after them, as they run before the decorators: the same instance is governed then', async () => {
        const Shop = define();
        assert.equal(await Shop.result, 'attempt 1');
        assert.equal(await Shop.instance.load(), 3);
        assert.equal(statsOf(Shop, 'load').calls, 1);
      });
    } else {
      test('as for any other', async () => {
        const Shop = define();
        assert.equal(await Shop.result, 3);
        assert.equal(statsOf(Shop, 'load').calls, 1);
      });
    }
  });

  test('for what a static method makes by `this` and by name, on subclasses too', async () => {
    @times(3)
    class Shop extends Flaky {
      static make(): Shop {
        return new this();
      }
      static named(): Shop {
        return new Shop();
      }
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    class Corner extends Shop {
      override async load(): Promise<number> {
        return this.attempt();
      }
    }
    for (const shop of [Shop.named(), Shop.make(), Corner.make(), Corner.named()]) assert.equal(await shop.load(), 3);
    assert.deepEqual([statsOf(Shop, 'load').calls, statsOf(Corner, 'load').calls], [3, 1]);
  });

  test('for the constants of a class with a private constructor', async () => {
    @times(3)
    class Colour extends Flaky {
      static readonly red = new Colour('red');
      static readonly blue = new Colour('blue');
      private constructor(readonly name: string) {
        super();
      }
      async paint(): Promise<string> {
        return `${this.name} at ${this.attempt()}`;
      }
    }
    assert.deepEqual(await Promise.all([Colour.red.paint(), Colour.blue.paint()]), ['red at 3', 'blue at 3']);
  });

  test('for a singleton that is made when it is first asked for', async () => {
    @times(3)
    class Shop extends Flaky {
      static #instance: Shop | undefined;
      static getInstance(): Shop {
        Shop.#instance ??= new Shop();
        return Shop.#instance;
      }
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(Shop.getInstance(), Shop.getInstance());
    assert.equal(await Shop.getInstance().load(), 3);
  });

  test('of its base too, for an instance in a static field', async () => {
    @times(3)
    class Base extends Flaky {
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    class Plain extends Base {
      static readonly instance = new Plain();
      override async load(): Promise<number> {
        return this.attempt();
      }
      async more(): Promise<number> {
        return this.attempt();
      }
    }
    @concurrency(1)
    class Limited extends Base {
      static readonly instance = new Limited();
      async more(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(await Plain.instance.load(), 3);
    assert.equal(await new Plain().more(), 3);
    assert.equal(await Limited.instance.more(), 3);
    assert.deepEqual(kinds(Limited, 'more'), ['retry', 'concurrency']);
    assert.match(explain(Limited), /more\(\): retry > concurrency/);
  });

  test('where the class makes samples of itself in a static getter, which is left alone', async () => {
    let samples = 0;
    @times(3)
    class Shop extends Flaky {
      static get mock(): Shop {
        samples++;
        return new Shop();
      }
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    class Corner extends Shop {}
    for (const Type of [Shop, Corner]) assert.equal(await new Type().load(), 3);
    assert.equal(samples, 0);
    assert.equal(await Shop.mock.load(), 3);
  });

  test('where two decorators stand on the class', async () => {
    let running = 0;
    let most = 0;
    @concurrency(1)
    @times(3)
    class Shop extends Flaky {
      static readonly instance = new Shop();
      async load(): Promise<number> {
        most = Math.max(most, ++running);
        await undefined;
        running--;
        return this.attempt();
      }
    }
    assert.deepEqual(await Promise.all([Shop.instance.load(), Shop.instance.load()]), [3, 4]);
    assert.equal(most, 1);
    assert.deepEqual(kinds(Shop, 'load'), ['retry', 'concurrency']);
  });

  test('beside a decorator on a method, which is in force for its kind', otherwiseInOldForm, async () => {
    @concurrency(1)
    @times(9)
    class Shop extends Flaky {
      static readonly instance = new Shop();
      static readonly early = Shop.instance.load().catch((error: Error) => error.message);
      @times(2)
      async load(): Promise<number> {
        return this.attempt();
      }
      async other(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(await Shop.early, 'attempt 2');
    assert.equal(await Shop.instance.other(), 3);
    assert.deepEqual(kinds(Shop, 'load'), ['retry', 'concurrency']);
    assert.deepEqual(kinds(Shop, 'other'), ['retry', 'concurrency']);
  });

  test('where a static block called a method of a decorated base before', async () => {
    class Base extends Flaky {
      @times(3)
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    @fallback({ value: 'nothing' })
    class Shop extends Base {
      static readonly instance = new Shop();
      static readonly early = Shop.instance.load();
      async other(): Promise<string> {
        throw new Error('down');
      }
    }
    assert.equal(await Shop.early, 3);
    assert.equal(await Shop.instance.other(), 'nothing');
    assert.deepEqual([kinds(Shop, 'load'), kinds(Shop, 'other')], [['fallback', 'retry'], ['fallback']]);
  });

  test('where a static block called an override before', async () => {
    class Base extends Flaky {
      @times(3)
      async load(): Promise<string> {
        return `base ${this.attempt()}`;
      }
    }
    @fallback({ value: 'nothing' })
    class Shop extends Base {
      static readonly instance = new Shop();
      static readonly early = Shop.instance.load();
      override async load(): Promise<string> {
        if (this.runs > 2) throw new Error('down');
        return super.load();
      }
    }
    assert.equal(await Shop.early, 'base 3');
    assert.equal(await Shop.instance.load(), 'nothing');
    assert.deepEqual(kinds(Shop, 'load'), ['fallback', 'retry']);
    assert.equal(statsOf(Shop, 'load').calls, 2);
  });

  test('for what a class decorator of another library makes, between two of ours and above them', async () => {
    const made: Flaky[] = [];
    const making = <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): void => {
      made.push(new (type as unknown as new () => Flaky)());
    };
    @making
    @fallback({ value: 'nothing' })
    @making
    @times(2)
    class Shop extends Flaky {
      async load(): Promise<string> {
        return `${this.attempt()}`;
      }
    }
    assert.equal(made.length, 2);
    for (const each of made) {
      assert.equal(await (each as Shop).load(), 'nothing');
      assert.equal(each.runs, 2);
    }
  });

  const subclassed = <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): T =>
    class extends (type as unknown as new () => object) {
      readonly replacement = true;
    } as unknown as T;
  const proxied = <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): T => new Proxy(type, {});

  for (const [name, decorator] of [
    ['a subclass', subclassed],
    ['a proxy', proxied],
  ] as const) {
    test(`where a class decorator of another library puts ${name} in place of the class, above ours or beneath`, async () => {
      @decorator
      @times(3)
      class Above extends Flaky {
        static readonly instance = new Above();
        async load(): Promise<number> {
          return this.attempt();
        }
      }
      @times(3)
      @decorator
      class Beneath extends Flaky {
        static readonly instance = new Beneath();
        async load(): Promise<number> {
          return this.attempt();
        }
      }
      // In the old form, ours knows nothing of the class beneath a subclass that another decorator has put there.
      for (const Type of isOldForm && decorator === subclassed ? [Above] : [Above, Beneath]) {
        assert.equal(await Type.instance.load(), 3, Type.name);
        assert.equal(await new Type().load(), 3, Type.name);
        assert.deepEqual(kinds(Type, 'load'), ['retry']);
      }
    });
  }

  test('where a class decorator of another library keeps the class that it puts a subclass in the place of', async () => {
    let kept: (new () => { load(): Promise<number> }) | undefined;
    const keeping = <T extends AnyClass>(type: T, context: ClassDecoratorContext<T>): T => {
      kept = type as unknown as NonNullable<typeof kept>;
      return subclassed(type, context);
    };
    @keeping
    @times(3)
    class Shop extends Flaky {
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    for (const Type of [kept, Shop]) {
      assert.ok(Type !== undefined);
      assert.equal(await new Type().load(), 3);
      assert.deepEqual(kinds(Type, 'load'), ['retry']);
    }
  });

  test(
    'for methods that are put on the prototype between the definition and the first construction',
    otherwiseInOldForm,
    async () => {
      @times(3)
      class Shop extends Flaky {
        declare more: () => Promise<number>;
        async load(): Promise<number> {
          return this.attempt();
        }
      }
      Shop.prototype.more = async function (this: Shop) {
        return this.attempt();
      };
      assert.equal(await new Shop().more(), 3);
      assert.deepEqual(kinds(Shop, 'more'), ['retry']);
    },
  );

  test(
    'and a wrong name of an alternative fails the first call where no construction is seen',
    otherwiseInOldForm,
    async () => {
      @(fallback('cached') as (type: AnyClass, context: ClassDecoratorContext) => void)
      class Shop {
        readonly size = 1;
        async load(): Promise<string> {
          throw new Error('down');
        }
      }
      const made = Object.create(Shop.prototype) as Shop;
      await assert.rejects(made.load(), {
        name: 'ConfigurationError',
        message: /^@fallback on Shop\.load: no method 'cached'/,
      });
      assert.throws(() => new Shop(), { name: 'ConfigurationError' });
    },
  );
});

describe('a class-level policy, above a decorator that', () => {
  const over =
    (close: (object: object) => void) =>
    <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): void => {
      close(type.prototype);
    };

  test('seals the prototype is in force, and keeps it sealed', async () => {
    @times(3)
    @over(Object.seal)
    class Shop extends Flaky {
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(await new Shop().load(), 3);
    assert.equal(new Shop().constructor, Shop);
    assert.deepEqual(kinds(Shop, 'load'), ['retry']);
    assert.ok(Object.isSealed(Shop.prototype));
  });

  test('freezes the prototype is refused, with what to do', otherwiseInOldForm, () => {
    assert.throws(
      () => {
        @times(3)
        @over(Object.freeze)
        class Shop {
          readonly size = 1;
        }
        return Shop;
      },
      {
        name: 'ConfigurationError',
        message:
          '@retry on class `Shop`: its prototype is frozen already, so its constructions cannot be seen; freeze it after its definition',
      },
    );
    assert.throws(
      () => {
        @times(3)
        @over(Object.freeze)
        class Shop {
          async load(): Promise<void> {}
        }
        return Shop;
      },
      { name: 'ConfigurationError', message: /^Shop\.load: .* frozen .*; decorate it, or freeze later$/ },
    );
  });

  test('freezes the prototype is in force, where every method is decorated', async () => {
    @concurrency(1)
    @over(Object.freeze)
    class Shop extends Flaky {
      @times(3)
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(await new Shop().load(), 3);
    assert.deepEqual(kinds(Shop, 'load'), ['retry', 'concurrency']);
  });
});

describe('a class with a class-level policy, in its own body', () => {
  @times(2)
  class Shape {
    readonly target: unknown;
    readonly isAbstract: boolean;
    constructor() {
      this.target = new.target;
      this.isAbstract = new.target === Shape;
    }
    isOne(): boolean {
      return this.constructor === Shape;
    }
    async draw(): Promise<void> {}
  }
  class Circle extends Shape {}

  test(`is ${ownNameIsBareInConstructor ? 'not ' : ''}\`new.target\` by its name; outside of it, it is`, () => {
    assert.equal(new Shape().isAbstract, !ownNameIsBareInConstructor);
    assert.equal(new Circle().isAbstract, false);
    assert.deepEqual([new Shape().target === Shape, new Circle().target === Circle], [true, true]);
  });

  test(`is ${ownNameIsBare ? 'not ' : ''}the \`constructor\` of its instances by its name; outside of it, it is`, () => {
    assert.equal(new Shape().isOne(), !ownNameIsBare);
    assert.equal(new Circle().isOne(), false);
    assert.deepEqual([new Shape().constructor === Shape, new Circle().constructor === Circle], [true, true]);
  });

  test('is all of it, and has its private static state by `this`, where a method is decorated too', async () => {
    @times(2)
    class Shape {
      static #count = 0;
      readonly isAbstract: boolean;
      constructor() {
        this.isAbstract = new.target === Shape;
      }
      static count(): number {
        // biome-ignore lint/complexity/noThisInStatic: private static state by way of `this` is what is tested
        return ++this.#count;
      }
      isOne(): boolean {
        return this.constructor === Shape;
      }
      @concurrency(1)
      async draw(): Promise<void> {}
    }
    const shape = new Shape();
    assert.deepEqual([Shape.count(), shape.isAbstract, shape.isOne()], [1, true, true]);
    assert.deepEqual(kinds(Shape, 'draw'), ['retry', 'concurrency']);
  });
});
