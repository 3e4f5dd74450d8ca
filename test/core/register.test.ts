import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { type AnyClass, concurrency, fallback, policiesOf, register, retry, statsOf } from 'opero';
import { otherwiseInOldForm } from '../support/form.js';
import { tools } from '../support/spies.js';

const times = (maxAttempts: number) => retry({ maxAttempts, waitMin: 0 });

class Base {
  runs = 0;
  @times(3)
  async load(): Promise<number> {
    return 0;
  }
}

/** A class of its own each time, with an override that fails twice, then works. */
const fresh = () => {
  class Sub extends Base {
    override async load(): Promise<number> {
      this.runs = (this.runs ?? 0) + 1;
      if (this.runs < 3) throw new Error('down');
      return this.runs;
    }
  }
  return Sub;
};

/** As ORMs make objects of what they have read. */
const hydrate = <T extends object>(type: { readonly prototype: T }, fields: Partial<T>): T =>
  Object.assign(Object.create(type.prototype) as T, fields);

describe('register()', () => {
  test('gives the class itself, with its type', async () => {
    const Sub = fresh();
    const Same: typeof Sub = register(Sub);
    assert.equal(Same, Sub);
    assert.equal(await new Same().load(), 3);
  });

  test('has overrides govern objects that are made without their constructor, before and after it', async () => {
    const Sub = fresh();
    const early = hydrate(Sub, { runs: 0 });
    register(Sub);
    assert.equal(await early.load(), 3);
    assert.equal(await hydrate(Sub, { runs: 0 }).load(), 3);
    assert.equal(statsOf(Sub, 'load').calls, 2);
  });

  test('links the bases of the class too, and leaves others alone', otherwiseInOldForm, async () => {
    const Middle = fresh();
    class Leaf extends Middle {}
    class Other extends Middle {
      override async load(): Promise<number> {
        this.runs++;
        throw new Error('other');
      }
    }
    register(Leaf);
    assert.equal(await hydrate(Middle, { runs: 0 }).load(), 3);
    const other = hydrate(Other, { runs: 0 });
    await assert.rejects(other.load(), { message: 'other' });
    assert.equal(other.runs, 1);
  });

  test('has class-level policies reach what a subclass adds', async () => {
    @times(3)
    class Root {}
    class Sub extends Root {
      runs = 0;
      async more(): Promise<number> {
        if (++this.runs < 3) throw new Error('down');
        return this.runs;
      }
    }
    register(Sub);
    assert.equal(await hydrate(Sub, { runs: 0 }).more(), 3);
  });

  test('may be called again, and before or after constructions', async () => {
    const Sub = fresh();
    assert.equal(register(register(Sub)), Sub);
    const { load } = Sub.prototype;
    assert.equal(await new Sub().load(), 3);
    register(Sub);
    assert.equal(Sub.prototype.load, load);
    const Later = fresh();
    assert.equal(await new Later().load(), 3);
    register(Later);
    assert.equal(await new Later().load(), 3);
  });

  test('fails where the class lacks a method that a fallback names, and then at each call again', () => {
    const missing: string = 'cached';
    class Shop {
      @fallback(missing)
      async load(): Promise<void> {}
    }
    const expected = { name: 'ConfigurationError', message: /^@fallback on Shop\.load: no method 'cached' here/ };
    for (let i = 0; i < 2; i++) assert.throws(() => register(Shop), expected);
  });

  test('takes a class that completes an abstract one', async () => {
    abstract class Shop {
      @fallback('cached')
      async load(): Promise<string> {
        throw new Error('down');
      }
      abstract cached(): Promise<string>;
    }
    class Corner extends Shop {
      async cached(): Promise<string> {
        return 'cached';
      }
    }
    register(Corner);
    assert.equal(await hydrate(Corner, {}).load(), 'cached');
    class Plain {}
    abstract class Abstract extends Plain {
      abstract load(): Promise<string>;
    }
    assert.equal(register(Abstract), Abstract);
  });

  test('takes a class with a private constructor, one without policies, and what stands in the place of a class', () => {
    class Single {
      static readonly one = new Single();
      private constructor() {}
    }
    @times(2)
    class Shop {
      async load(): Promise<void> {}
    }
    const Generic = class<T> {
      constructor(readonly value: T) {}
    };
    const Proxied = new Proxy(Single, {});
    for (const type of [Single, Shop, Generic, Proxied] as const) assert.equal(register(type), type);
    const made = new (register(Generic))('text');
    const { value }: { value: string } = made;
    assert.equal(value, 'text');
  });

  test(
    'has an override governed that the constructor of a base above all decorators calls',
    otherwiseInOldForm,
    async () => {
      const define = () => {
        class Root {
          runs = 0;
          readonly first: Promise<number>;
          constructor() {
            this.first = this.load();
            this.first.catch(() => {});
          }
          async load(): Promise<number> {
            return 0;
          }
        }
        class Base extends Root {
          @retry({ maxAttempts: 3, waitMin: 0 })
          override async load(): Promise<number> {
            return 0;
          }
        }
        return class extends Base {
          override async load(): Promise<number> {
            if (++this.runs < 3) throw new Error(`attempt ${this.runs}`);
            return this.runs;
          }
        };
      };
      const Unseen = define();
      await assert.rejects(new Unseen().first, { message: 'attempt 1' });
      assert.equal(await new Unseen().first, 3);
      assert.equal(await new (register(define()))().first, 3);
    },
  );

  test(
    'takes a class that is frozen itself; not one whose methods cannot be put behind their policies',
    otherwiseInOldForm,
    async () => {
      const Frozen = Object.freeze(fresh());
      register(Frozen);
      assert.equal(await hydrate(Frozen, { runs: 0 }).load(), 3);
      const Late = fresh();
      register(Late);
      Object.freeze(Late.prototype);
      assert.equal(await new Late().load(), 3);
      const Early = fresh();
      Object.freeze(Early.prototype);
      assert.throws(() => register(Early), { name: 'ConfigurationError', message: /^Sub\.load: .* frozen before/ });
    },
  );

  test('refuses what is no class', () => {
    const take = register as (type: unknown) => unknown;
    function lone(): void {}
    function bare(): void {}
    bare.prototype = null;
    for (const [value, told] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['Shop', "'Shop'"],
      [{ prototype: {} }, '{ prototype: {} }'],
      [new Base(), 'Base { runs: 0 }'],
      [() => {}, 'a function'],
      [lone, 'the function lone'],
      [bare, 'the function bare'],
      [Base.prototype.load, 'the function load'],
    ] as const) {
      assert.throws(() => take(value), {
        name: 'ConfigurationError',
        message: `register(): expected a class, got ${told}`,
      });
    }
    // @ts-expect-error: the types refuse it as well
    assert.throws(() => register(lone));
    // @ts-expect-error: nor has a plain object a prototype
    assert.throws(() => register({}));
  });

  test('has one pipeline behind each spy and each wrapper that is put on an override later', async () => {
    for (const [name, put] of Object.entries(tools)) {
      class Root {
        @times(3)
        @concurrency(1)
        async get(): Promise<number> {
          return 0;
        }
      }
      class Sub extends Root {
        runs = 0;
        override async get(): Promise<number> {
          if (++this.runs < 3) throw new Error('down');
          return this.runs;
        }
      }
      register(Sub);
      const spy = put(Sub.prototype);
      assert.equal(await new Sub().get(), 3, name);
      assert.equal(spy.calls(), 1);
      spy.restore();
      assert.equal(await new Sub().get(), 3);
      const declaredBy: AnyClass | undefined = policiesOf(Sub, 'get')[0].declaredBy;
      assert.equal(declaredBy, Root);
    }
  });
});
