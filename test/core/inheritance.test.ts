import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { concurrency, fallback, orchestrate, policiesOf, RejectedError, rateLimit, retry, statsOf } from 'opero';
import { anonymousIsNamed } from '../support/compiler.js';
import { deferred } from '../support/deferred.js';
import { newFormOnly, otherwiseInOldForm } from '../support/form.js';

const times = (maxAttempts: number) => retry({ maxAttempts, waitMin: 0 });
const kinds = (subject: object, name: PropertyKey): string[] => policiesOf(subject, name).map(({ kind }) => kind);
const optionsOf = (subject: object, name: PropertyKey, kind: string): Record<string, unknown> | undefined =>
  policiesOf(subject, name).find((each) => each.kind === kind)?.options;

describe('methods of a subclass', () => {
  test('an inherited method keeps its policies', async () => {
    let runs = 0;
    class Base {
      @times(3)
      async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    class Sub extends Base {}
    await assert.rejects(new Sub().load(), { message: 'down' });
    assert.equal(runs, 3);
    assert.equal(policiesOf(Sub, 'load')[0].declaredBy, Base);
  });

  test('an undecorated override gets the policies of its base', async () => {
    const seen: string[] = [];
    class Base {
      @times(3)
      async load(): Promise<string> {
        return 'base';
      }
    }
    class Sub extends Base {
      override async load(): Promise<string> {
        seen.push('sub');
        throw new Error('down');
      }
    }
    await assert.rejects(new Sub().load(), { message: 'down' });
    assert.deepEqual(seen, ['sub', 'sub', 'sub']);
  });

  test('an undecorated override that is not an async function gets them too, and gives a promise', async () => {
    let runs = 0;
    class Base {
      @times(2)
      load(): string | Promise<string> {
        return 'base';
      }
    }
    class Sub extends Base {
      override load(): string {
        runs++;
        throw new Error('thrown at once');
      }
    }
    const promise: unknown = new Sub().load();
    assert.ok(promise instanceof Promise);
    await assert.rejects(promise, { message: 'thrown at once' });
    assert.equal(runs, 2);
  });

  test('an override is behind its policies from the first construction on, in the constructors too', async () => {
    let runs = 0;
    class Base {
      readonly first: Promise<string>;
      constructor() {
        this.first = this.load();
      }
      @times(2)
      async load(): Promise<string> {
        return 'base';
      }
    }
    class Sub extends Base {
      override async load(): Promise<string> {
        if (++runs === 1) throw new Error('down');
        return 'sub';
      }
    }
    assert.equal(await new Sub().first, 'sub');
    assert.equal(runs, 2);
  });

  test('a linked override keeps its name, length and enumerability', otherwiseInOldForm, () => {
    class Base {
      @times(2)
      async load(_one: string, _other?: string): Promise<void> {}
    }
    class Sub extends Base {
      override async load(_one: string): Promise<void> {}
    }
    const before = Object.getOwnPropertyDescriptor(Sub.prototype, 'load');
    new Sub();
    const after = Object.getOwnPropertyDescriptor(Sub.prototype, 'load');
    assert.notEqual(after?.value, before?.value);
    assert.equal(after?.value.name, 'load');
    assert.equal(after?.value.length, 1);
    for (const key of ['name', 'length']) {
      assert.ok(Object.getOwnPropertyDescriptor(after?.value, key)?.configurable, key);
    }
    assert.deepEqual({ ...after, value: 0 }, { ...before, value: 0 });
  });

  test('a class is linked once, however many instances it has', () => {
    class Base {
      @times(2)
      async load(): Promise<void> {}
    }
    class Sub extends Base {
      override async load(): Promise<void> {}
    }
    new Sub();
    const { load } = Sub.prototype;
    new Sub();
    new Base();
    assert.equal(Sub.prototype.load, load);
  });

  test('an override of a class that is itself linked gets the policies', async () => {
    const runs = { middle: 0, last: 0 };
    class Base {
      @times(2)
      async load(): Promise<void> {}
    }
    class Middle extends Base {
      override async load(): Promise<void> {
        runs.middle++;
        throw new Error('middle');
      }
    }
    await assert.rejects(new Middle().load());
    assert.equal(runs.middle, 2);
    class Heir extends Middle {}
    await assert.rejects(new Heir().load(), { message: 'middle' });
    assert.equal(runs.middle, 4);
    class Last extends Heir {
      override async load(): Promise<void> {
        runs.last++;
        throw new Error('last');
      }
    }
    await assert.rejects(new Last().load(), { message: 'last' });
    assert.deepEqual(runs, { middle: 4, last: 2 });
  });

  test('the derived class may be constructed before its base', async () => {
    let runs = 0;
    class Base {
      @times(2)
      async load(): Promise<void> {
        runs++;
        throw new Error('base');
      }
    }
    class Middle extends Base {
      override async load(): Promise<void> {
        runs++;
        throw new Error('middle');
      }
    }
    class Last extends Middle {
      override async load(): Promise<void> {
        runs++;
        throw new Error('last');
      }
    }
    for (const Type of [Last, Middle, Base]) {
      runs = 0;
      await assert.rejects(new Type().load(), { message: Type.name.toLowerCase() });
      assert.equal(runs, 2, Type.name);
    }
  });

  test('methods that no base decorates stay as they are', () => {
    class Base {
      @times(2)
      async load(): Promise<void> {}
      other(): number {
        return 1;
      }
    }
    class Sub extends Base {
      override other(): number {
        return 2;
      }
      async fresh(): Promise<void> {}
    }
    const { other, fresh } = Sub.prototype;
    const sub = new Sub();
    assert.equal(sub.other(), 2);
    assert.equal(Sub.prototype.other, other);
    assert.equal(Sub.prototype.fresh, fresh);
  });
});

describe('a decorator on an override', () => {
  test('replaces the inherited policy of its kind, whole', () => {
    class Base {
      @retry({ maxAttempts: 7, waitMin: 5, jitter: 'none', rethrow: false })
      async load(): Promise<void> {}
    }
    class Sub extends Base {
      @retry({ maxAttempts: 2 })
      override async load(): Promise<void> {}
    }
    const options = optionsOf(Sub, 'load', 'retry');
    assert.deepEqual(
      [options?.maxAttempts, options?.waitMin, options?.jitter, options?.rethrow],
      [2, 100, 'full', true],
    );
    assert.equal(policiesOf(Sub, 'load').length, 1);
    assert.equal(policiesOf(Sub, 'load')[0].declaredBy, Sub);
    assert.equal(optionsOf(Base, 'load', 'retry')?.maxAttempts, 7);
  });

  test('leaves the other kinds inherited', async () => {
    let runs = 0;
    class Base {
      @times(2)
      @concurrency(5)
      @fallback({ value: 'base value' })
      async load(): Promise<string> {
        return 'base';
      }
    }
    class Sub extends Base {
      @times(4)
      override async load(): Promise<string> {
        runs++;
        throw new Error('down');
      }
    }
    assert.equal(await new Sub().load(), 'base value');
    assert.equal(runs, 4);
    assert.deepEqual(
      policiesOf(Sub, 'load').map(({ kind, declaredBy }) => [kind, declaredBy]),
      [
        ['fallback', Base],
        ['retry', Sub],
        ['concurrency', Base],
      ],
    );
  });

  test('with inherit: false cuts off everything inherited, also for the classes below', async () => {
    let runs = 0;
    class Base {
      @times(5)
      @fallback({ value: 'base value' })
      async load(): Promise<string> {
        return 'base';
      }
    }
    class Cut extends Base {
      @orchestrate({ concurrency: 2, inherit: false })
      override async load(): Promise<string> {
        runs++;
        throw new Error('down');
      }
    }
    class Below extends Cut {
      override async load(): Promise<string> {
        return super.load();
      }
    }
    assert.deepEqual(kinds(Cut, 'load'), ['concurrency']);
    assert.deepEqual(kinds(Below, 'load'), ['concurrency']);
    await assert.rejects(new Cut().load(), { message: 'down' });
    assert.equal(runs, 1);
    await assert.rejects(new Below().load(), { message: 'down' });
    assert.equal(runs, 2);
    assert.deepEqual(kinds(Base, 'load'), ['fallback', 'retry']);
  });

  test('with inherit: false alone leaves no policies', async () => {
    let runs = 0;
    class Base {
      @times(5)
      async load(): Promise<string> {
        return 'base';
      }
    }
    class Cut extends Base {
      @orchestrate({ inherit: false })
      override async load(): Promise<string> {
        runs++;
        throw new Error('down');
      }
    }
    assert.deepEqual(policiesOf(Cut, 'load'), []);
    await assert.rejects(new Cut().load(), { message: 'down' });
    assert.equal(runs, 1);
  });

  test('with inherit: true changes nothing', () => {
    class Base {
      @times(5)
      async load(): Promise<void> {}
    }
    class Sub extends Base {
      @orchestrate({ concurrency: 1, inherit: true })
      override async load(): Promise<void> {}
    }
    assert.deepEqual(kinds(Sub, 'load'), ['retry', 'concurrency']);
  });
});

describe('super.method()', () => {
  test("runs the base's code without its policies", async () => {
    const seen: string[] = [];
    class Base {
      @times(3)
      @concurrency({ limit: 1, maxQueue: 0 })
      async load(): Promise<void> {
        seen.push('base');
        throw new Error('down');
      }
    }
    class Sub extends Base {
      override async load(): Promise<void> {
        seen.push('sub');
        return super.load();
      }
    }
    await assert.rejects(new Sub().load(), { message: 'down' });
    assert.deepEqual(seen, ['sub', 'base', 'sub', 'base', 'sub', 'base']);
    const { calls, attempts } = statsOf(Sub, 'load');
    assert.deepEqual([calls, attempts], [1, 3]);
    assert.equal(statsOf(Base, 'load').calls, 0);
  });

  test('runs it so across three levels, after an await, and in a decorated override', async () => {
    const seen: string[] = [];
    class Base {
      @times(2)
      @concurrency({ limit: 1, maxQueue: 0 })
      async load(id: string): Promise<string> {
        seen.push(`base ${id}`);
        throw new Error('down');
      }
    }
    class Middle extends Base {
      @times(3)
      override async load(id: string): Promise<string> {
        await new Promise(setImmediate);
        seen.push(`middle ${id}`);
        return super.load(`${id}!`);
      }
    }
    class Last extends Middle {
      override async load(id: string): Promise<string> {
        await null;
        seen.push(`last ${id}`);
        return super.load(`${id}?`);
      }
    }
    await assert.rejects(new Last().load('x'), { message: 'down' });
    const once = ['last x', 'middle x?', 'base x?!'];
    assert.deepEqual(seen, [...once, ...once, ...once]);
    assert.equal(statsOf(Last, 'load').calls, 1);
    assert.equal(statsOf(Middle, 'load').calls, 0);
  });

  test('is no second call when two are under way at once on one instance', async () => {
    const gate = deferred();
    let base = 0;
    class Base {
      @concurrency(2)
      async load(): Promise<number> {
        return ++base;
      }
    }
    class Sub extends Base {
      override async load(): Promise<number> {
        await gate.promise;
        return super.load();
      }
    }
    const sub = new Sub();
    const both = Promise.all([sub.load(), sub.load()]);
    gate.resolve();
    assert.deepEqual(await both, [1, 2]);
    assert.equal(statsOf(Sub, 'load').calls, 2);
    assert.equal(statsOf(Sub, 'load').attempts, 2);
  });

  test('runs bare wherever it is called from, once the class overrides the method', async () => {
    let runs = 0;
    class Base {
      @times(3)
      async load(): Promise<string> {
        throw new Error(`run ${++runs}`);
      }
    }
    class Sub extends Base {
      readonly fromConstructor: Promise<string>;
      readonly fromField = super.load();
      constructor() {
        super();
        this.fromConstructor = super.load();
      }
      override async load(): Promise<string> {
        return 'sub';
      }
      async other(): Promise<string> {
        return super.load();
      }
      get got(): Promise<string> {
        return super.load();
      }
      later(): Promise<string> {
        return Promise.resolve().then(() => super.load());
      }
      async #hidden(): Promise<string> {
        return super.load();
      }
      hidden(): Promise<string> {
        return this.#hidden();
      }
    }
    class Leaf extends Sub {}
    for (const Type of [Sub, Leaf]) {
      runs = 0;
      const sub = new Type();
      const made = [sub.fromField, sub.fromConstructor, sub.other(), sub.got, sub.later(), sub.hidden()];
      const ends = await Promise.allSettled(made);
      assert.deepEqual([...new Set(ends.map(({ status }) => status))], ['rejected']);
      assert.equal(runs, 6);
      assert.equal(await sub.load(), 'sub');
      assert.equal(statsOf(Type, 'load').calls, 1);
    }
  });

  test('gives a promise also where the code of the base throws at once', async () => {
    class Base {
      @times(1)
      load(): Promise<string> {
        throw new Error('thrown at once');
      }
    }
    class Sub extends Base {
      override load(): Promise<string> {
        return super.load().catch(() => 'caught');
      }
    }
    assert.equal(await new Sub().load(), 'caught');
  });
});

describe('a call of its own', () => {
  test('an alternative that is decorated has its own policies', async () => {
    const seen: string[] = [];
    class Shop {
      @times(2)
      @fallback('cached')
      async load(): Promise<string> {
        seen.push('load');
        throw new Error('down');
      }
      @times(3)
      async cached(): Promise<string> {
        seen.push('cached');
        if (seen.length < 5) throw new Error('cold');
        return 'from the cache';
      }
    }
    assert.equal(await new Shop().load(), 'from the cache');
    assert.deepEqual(seen, ['load', 'load', 'cached', 'cached', 'cached']);
    assert.deepEqual([statsOf(Shop, 'cached').calls, statsOf(Shop, 'cached').attempts], [1, 3]);
  });

  test("an alternative is looked up on the instance: a subclass's override of it counts", async () => {
    class Base {
      @fallback('cached')
      async load(): Promise<string> {
        throw new Error('down');
      }
      async cached(): Promise<string> {
        return 'base';
      }
    }
    class Sub extends Base {
      override async cached(): Promise<string> {
        return `sub over ${await super.cached()}`;
      }
    }
    assert.equal(await new Sub().load(), 'sub over base');
  });

  test('another decorated method that the code calls has its own policies, through this and through super', async () => {
    const seen: string[] = [];
    class Base {
      @times(2)
      async part(name: string): Promise<string> {
        seen.push(name);
        throw new Error('down');
      }
      @concurrency(1)
      async whole(): Promise<string> {
        return this.part('this');
      }
    }
    class Sub extends Base {
      override async whole(): Promise<string> {
        return super.part('super');
      }
    }
    await assert.rejects(new Base().whole());
    await assert.rejects(new Sub().whole());
    assert.deepEqual(seen, ['this', 'this', 'super', 'super']);
  });

  test('a method that calls itself makes a new call', async () => {
    class Tree {
      @times(2)
      async depth(left: number): Promise<number> {
        return left === 0 ? 0 : 1 + (await this.depth(left - 1));
      }
    }
    assert.equal(await new Tree().depth(3), 3);
    assert.equal(statsOf(Tree, 'depth').calls, 4);
  });
});

describe('limiter state', () => {
  test('belongs to the concrete class: its instances share it, two subclasses of one base do not', async () => {
    const gate = deferred();
    class Base {
      @concurrency({ limit: 1, maxQueue: 0 })
      async load(): Promise<void> {
        await gate.promise;
      }
    }
    class One extends Base {}
    class Other extends Base {
      override async load(): Promise<void> {
        return super.load();
      }
    }
    const first = [new Base().load(), new One().load(), new Other().load()];
    for (const Type of [Base, One, Other]) await assert.rejects(new Type().load(), RejectedError);
    gate.resolve();
    await Promise.all(first);
  });

  test('is not shared by two methods of one class, not under a class-level policy either', async () => {
    const gate = deferred();
    @concurrency({ limit: 1, maxQueue: 0 })
    class Shop {
      async buy(): Promise<void> {
        await gate.promise;
      }
      async sell(): Promise<void> {
        await gate.promise;
      }
    }
    const shop = new Shop();
    const first = [shop.buy(), shop.sell()];
    await assert.rejects(shop.buy(), RejectedError);
    gate.resolve();
    await Promise.all(first);
  });

  test('of a rate belongs to the concrete class too', async () => {
    class Base {
      @rateLimit({ rate: 1, per: 60_000, maxQueue: 0 })
      async load(): Promise<string> {
        return 'loaded';
      }
    }
    class One extends Base {}
    class Other extends Base {}
    assert.equal(await new One().load(), 'loaded');
    assert.equal(await new Other().load(), 'loaded');
    await assert.rejects(new One().load(), { policy: 'rateLimit', reason: 'queue-full' });
  });

  test('of a static method belongs to the class that it is called on', async () => {
    const gate = deferred();
    class Base {
      readonly size = 1;
      @concurrency({ limit: 1, maxQueue: 0 })
      static async load(): Promise<void> {
        await gate.promise;
      }
    }
    class Sub extends Base {}
    const first = [Base.load(), Sub.load()];
    await assert.rejects(Base.load(), RejectedError);
    await assert.rejects(Sub.load(), RejectedError);
    gate.resolve();
    await Promise.all(first);
  });
});

describe('private methods', newFormOnly, () => {
  test('have their policies, on instances of subclasses too', async () => {
    let runs = 0;
    class Base {
      @times(3)
      async #load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
      async open(): Promise<void> {
        return this.#load();
      }
    }
    class Sub extends Base {}
    await assert.rejects(new Base().open(), { message: 'down' });
    await assert.rejects(new Sub().open(), { message: 'down' });
    assert.equal(runs, 6);
  });

  test('of the same name in a chain of classes have nothing to do with each other', async () => {
    const seen: string[] = [];
    class Base {
      @times(3)
      async #load(): Promise<void> {
        seen.push('base');
        throw new Error('base');
      }
      async base(): Promise<void> {
        return this.#load();
      }
    }
    class Plain extends Base {
      async #load(): Promise<void> {
        seen.push('plain');
        throw new Error('plain');
      }
      async plain(): Promise<void> {
        return this.#load();
      }
    }
    class Sub extends Plain {
      @times(2)
      async #load(): Promise<void> {
        seen.push('sub');
        throw new Error('sub');
      }
      async sub(): Promise<void> {
        return this.#load();
      }
    }
    const sub = new Sub();
    await assert.rejects(sub.base(), { message: 'base' });
    await assert.rejects(sub.plain(), { message: 'plain' });
    await assert.rejects(sub.sub(), { message: 'sub' });
    assert.deepEqual(seen, ['base', 'base', 'base', 'plain', 'sub', 'sub']);
  });

  test('of the same name in a chain of classes have limiters of their own', async () => {
    const gate = deferred();
    class Base {
      @concurrency({ limit: 1, maxQueue: 0 })
      async #load(): Promise<void> {
        await gate.promise;
      }
      async base(): Promise<void> {
        return this.#load();
      }
    }
    class Sub extends Base {
      @concurrency({ limit: 1, maxQueue: 0 })
      async #load(): Promise<void> {
        await gate.promise;
      }
      async sub(): Promise<void> {
        return this.#load();
      }
    }
    const sub = new Sub();
    const first = [sub.base(), sub.sub()];
    await assert.rejects(sub.base(), RejectedError);
    await assert.rejects(sub.sub(), RejectedError);
    gate.resolve();
    await Promise.all(first);
  });

  test('and public ones of a like name do not collide', async () => {
    const seen: string[] = [];
    class Base {
      @times(2)
      async #load(): Promise<void> {
        seen.push('private');
        throw new Error('down');
      }
      @times(3)
      async '#load'(): Promise<void> {
        seen.push('public');
        throw new Error('down');
      }
      async open(): Promise<void> {
        return this.#load();
      }
    }
    const base = new Base();
    await assert.rejects(base.open());
    await assert.rejects(base['#load']());
    assert.deepEqual(seen, ['private', 'private', 'public', 'public', 'public']);
  });

  test('static ones of the same name in a chain of classes, and public ones of a like name, do not collide', async () => {
    const seen: string[] = [];
    class Base {
      readonly size = 1;
      @times(3)
      static async #load(): Promise<void> {
        seen.push('base');
        throw new Error('down');
      }
      static base(): Promise<void> {
        return Base.#load();
      }
    }
    class Sub extends Base {
      @concurrency(1)
      static async #load(): Promise<void> {
        seen.push('sub');
        throw new Error('down');
      }
      @times(2)
      static async '#load'(): Promise<void> {
        seen.push('public');
        throw new Error('down');
      }
      static sub(): Promise<void> {
        return Sub.#load();
      }
    }
    await assert.rejects(Sub.base());
    await assert.rejects(Sub.sub());
    await assert.rejects(Sub['#load']());
    assert.deepEqual(seen, ['base', 'base', 'base', 'sub', 'public', 'public']);
  });

  test('static ones have their policies', async () => {
    let runs = 0;
    class Base {
      readonly size = 1;
      @times(3)
      static async #load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
      static async open(): Promise<void> {
        return Base.#load();
      }
    }
    await assert.rejects(Base.open(), { message: 'down' });
    assert.equal(runs, 3);
  });
});

describe('static methods', () => {
  test('are inherited with their policies', async () => {
    let runs = 0;
    class Base {
      readonly size = 1;
      @times(3)
      static async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    class Sub extends Base {}
    await assert.rejects(Sub.load());
    assert.equal(runs, 3);
    assert.deepEqual([statsOf(Sub, 'load').calls, statsOf(Base, 'load').calls], [1, 0]);
  });

  test('an override without a decorator has no policies', async () => {
    let runs = 0;
    class Base {
      readonly size = 1;
      @times(3)
      static async load(): Promise<void> {}
    }
    class Sub extends Base {
      static override async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    await assert.rejects(Sub.load());
    assert.equal(runs, 1);
  });

  test('an override with a decorator replaces its kind and inherits the others; super.method() is no second call', async () => {
    const seen: string[] = [];
    class Base {
      readonly size = 1;
      @times(5)
      @concurrency({ limit: 1, maxQueue: 0 })
      @fallback({ value: 'base value' })
      static async load(): Promise<string> {
        seen.push('base');
        throw new Error('down');
      }
    }
    class Sub extends Base {
      @times(2)
      static override async load(): Promise<string> {
        seen.push('sub');
        // biome-ignore lint/complexity/noThisInStatic: `super` in a static method is what is tested
        return super.load();
      }
    }
    assert.deepEqual(kinds(Sub, 'load'), ['fallback', 'retry', 'concurrency']);
    assert.equal(await Sub.load(), 'base value');
    assert.deepEqual(seen, ['sub', 'base', 'sub', 'base']);
  });

  test('do not collide with instance methods of the same name', async () => {
    const seen: string[] = [];
    class Base {
      @times(2)
      static async load(): Promise<void> {
        seen.push('static');
        throw new Error('down');
      }
      @times(3)
      async load(): Promise<void> {
        seen.push('instance');
        throw new Error('down');
      }
    }
    await assert.rejects(Base.load());
    await assert.rejects(new Base().load());
    assert.deepEqual(seen, ['static', 'static', 'instance', 'instance', 'instance']);
  });

  test('work without `this` and in static initializers', otherwiseInOldForm, async () => {
    let runs = 0;
    class Base {
      readonly size = 1;
      @times(2)
      static async load(): Promise<number> {
        if (++runs % 2 === 1) throw new Error('down');
        return runs;
      }
      static readonly first = Base.load();
    }
    assert.equal(await Base.first, 2);
    const { load } = Base;
    assert.equal(await load(), 4);
  });
});

describe('classes of every sort', () => {
  type Constructor<T = object> = new (...args: never[]) => T;

  test('mixins: each application has policies and limiters of its own', async () => {
    const gate = deferred();
    const Loading = <T extends Constructor>(Base: T) => {
      class Loads extends (Base as Constructor) {
        @concurrency({ limit: 1, maxQueue: 0 })
        async load(): Promise<void> {
          await gate.promise;
        }
      }
      return Loads;
    };
    class One extends Loading(class {}) {}
    class Other extends Loading(class {}) {
      override async load(): Promise<void> {
        return super.load();
      }
    }
    const first = [new One().load(), new Other().load()];
    await assert.rejects(new One().load(), RejectedError);
    await assert.rejects(new Other().load(), RejectedError);
    gate.resolve();
    await Promise.all(first);
  });

  test(
    'mixins: a mixin that overrides a decorated method without a decorator inherits its policies',
    otherwiseInOldForm,
    async () => {
      const seen: string[] = [];
      class Base {
        @times(2)
        async load(): Promise<void> {
          seen.push('base');
          throw new Error('down');
        }
      }
      const Logged = (Type: typeof Base) =>
        class extends Type {
          override async load(): Promise<void> {
            seen.push('mixin');
            return super.load();
          }
        };
      await assert.rejects(new (Logged(Logged(Base)))().load());
      assert.deepEqual(seen, ['mixin', 'mixin', 'base', 'mixin', 'mixin', 'base']);
    },
  );

  test('anonymous classes and classes of one name do not share anything', newFormOnly, async () => {
    const make = (attempts: number) => {
      return class {
        runs = 0;
        @times(attempts) // not in the old form
        async load(): Promise<void> {
          this.runs++;
          throw new Error('down');
        }
      };
    };
    const named = (attempts: number) => {
      class Same extends make(attempts) {
        override async load(): Promise<void> {
          return super.load();
        }
      }
      return Same;
    };
    for (const [factory, attempts] of [
      [make, 2],
      [make, 3],
      [named, 4],
      [named, 5],
    ] as const) {
      const Type = factory(attempts);
      const loader = new Type();
      await assert.rejects(loader.load());
      assert.equal(loader.runs, attempts);
      assert.equal(statsOf(Type, 'load').calls, 1);
    }
  });

  test('a class without a name, though some compilers give it one', newFormOnly, async () => {
    const Anonymous = (() =>
      class {
        @times(2) // not in the old form
        async load(): Promise<void> {}
      })();
    assert.equal(Anonymous.name !== '', anonymousIsNamed);
    await new Anonymous().load();
    assert.equal(statsOf(Anonymous, 'load').calls, 1);
  });

  test('symbol and numeric method names, overridden too', async () => {
    const load = Symbol('load');
    const seen: unknown[] = [];
    class Base {
      @times(2)
      async [load](): Promise<void> {}
      @times(3)
      async 42(): Promise<void> {}
    }
    class Sub extends Base {
      override async [load](): Promise<void> {
        seen.push('symbol');
        throw new Error('down');
      }
      override async 42(): Promise<void> {
        seen.push('number');
        throw new Error('down');
      }
    }
    const sub = new Sub();
    await assert.rejects(sub[load]());
    await assert.rejects(sub[42]());
    assert.deepEqual(seen, ['symbol', 'symbol', 'number', 'number', 'number']);
    assert.deepEqual(kinds(Sub, load), ['retry']);
    assert.deepEqual(kinds(Sub, 42), ['retry']);
    assert.equal(statsOf(sub, 42).calls, 1);
  });

  test('a compiler may tell decorators of a numeric name by a number, as esbuild does', newFormOnly, async () => {
    const numbered = <Decorator>(decorator: Decorator): Decorator =>
      ((value: unknown, context: ClassMethodDecoratorContext) =>
        (decorator as (value: unknown, context: object) => unknown)(value, {
          ...context,
          name: Number(context.name),
        })) as Decorator;
    class Base {
      @numbered(times(2))
      async 42(): Promise<void> {
        throw new Error('down');
      }
      @numbered(times(2))
      static async 43(): Promise<void> {}
    }
    class Sub extends Base {
      override async 42(): Promise<void> {
        await super[42]();
      }
    }
    class SubSub extends Sub {
      @numbered(concurrency(3))
      override async 42(): Promise<void> {
        await super[42]();
      }
    }
    await assert.rejects(new SubSub()[42]());
    for (const name of [42, '42'] as const) {
      assert.deepEqual(kinds(Base, name), ['retry']);
      assert.deepEqual(kinds(Sub, name), ['retry']);
      assert.deepEqual(kinds(SubSub, name), ['retry', 'concurrency']);
      assert.equal(statsOf(SubSub, name).attempts, 2);
    }
    assert.deepEqual(kinds(Base, 43), ['retry']);
    const itself = { name: 'ConfigurationError', message: /^@fallback on method `5`: .*'5'/ };
    assert.throws(() => {
      class Own {
        @numbered(fallback(5) as unknown as ReturnType<typeof concurrency>)
        async 5(): Promise<void> {}
      }
      return Own;
    }, itself);
  });

  test('symbols and numbers may name alternatives', async () => {
    const cached = Symbol('cached');
    class Base {
      @fallback(cached)
      async load(): Promise<string> {
        throw new Error('down');
      }
      async [cached](): Promise<string> {
        return 'symbol';
      }
      @fallback(7)
      async other(): Promise<string> {
        throw new Error('down');
      }
      async 7(): Promise<string> {
        return 'number';
      }
    }
    const base = new Base();
    assert.equal(await base.load(), 'symbol');
    assert.equal(await base.other(), 'number');
  });

  test('a class that extends one of another realm', async () => {
    const Foreign: Constructor = runInNewContext('(class Foreign {})');
    let runs = 0;
    class Shop extends Foreign {
      @times(2)
      static async open(): Promise<void> {
        runs++;
        throw new Error('closed');
      }
    }
    await assert.rejects(Shop.open());
    assert.equal(runs, 2);
    assert.equal(statsOf(Shop, 'open').calls, 1);
  });

  test('a class whose metadata is null', async () => {
    let runs = 0;
    class Base {
      @times(2)
      async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    class Sub extends Base {}
    Object.defineProperty(Sub, Symbol.metadata, { value: null });
    await assert.rejects(new Sub().load());
    assert.equal(runs, 2);
  });

  test('generic methods keep their arguments and results', async () => {
    class Base {
      @times(2)
      async echo<T>(value: T): Promise<T> {
        return value;
      }
    }
    class Sub extends Base {
      override async echo<T>(value: T): Promise<T> {
        return super.echo(value);
      }
    }
    const text: string = await new Sub().echo('text');
    const count: number = await new Sub().echo(3);
    assert.deepEqual([text, count], ['text', 3]);
  });

  test('a class that extends a built-in one', async () => {
    let runs = 0;
    class Cache extends Map<string, string> {
      @times(2)
      async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    await assert.rejects(new Cache([['a', 'b']]).load());
    assert.equal(runs, 2);
  });
});

describe('receivers of every sort', () => {
  class Base {
    static runs = 0;
    @times(2)
    async load(): Promise<unknown> {
      Base.runs++;
      if (Base.runs % 2 === 1) throw new Error('down');
      return this;
    }
  }

  test('a method called without `this` runs through the pipeline, before and after the first construction', async () => {
    const { load } = Base.prototype;
    Base.runs = 0;
    assert.equal(await Reflect.apply(load, undefined, []), undefined);
    assert.equal(Base.runs, 2);
    new Base();
    assert.equal(await Reflect.apply(load, undefined, []), undefined);
    assert.equal(Base.runs, 4);
    assert.equal(await Reflect.apply(load, null, []), null);
    assert.equal(Base.runs, 6);
  });

  test('a class whose method may not be written to is linked like any other', async () => {
    class Sub extends Base {
      override async load(): Promise<unknown> {
        return super.load();
      }
    }
    Object.defineProperty(Sub.prototype, 'load', { writable: false });
    Base.runs = 0;
    await new Sub().load();
    assert.equal(Base.runs, 2);
    assert.equal(statsOf(Sub, 'load').calls, 1);
  });

  test('an object made by Object.create() from a class that was never constructed has its overrides governed', async () => {
    let runs = 0;
    class Shop {
      @times(2)
      async load(): Promise<void> {}
      @concurrency(2)
      async open(): Promise<void> {
        return this.load();
      }
    }
    class Corner extends Shop {
      override async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    await assert.rejects((Object.create(Corner.prototype) as Corner).open());
    assert.equal(runs, 2);
  });

  test('a receiver of an odd make goes by its nearest class', async () => {
    const { calls } = statsOf(Base, 'load');
    Base.runs = 0;
    const odd = Object.create(Object.create(Base.prototype, { constructor: { value: 'text' } })) as Base;
    assert.equal(await odd.load(), odd);
    const { load } = Base.prototype;
    for (const foreign of ['text', Object.create(Object.create(null)), Object.create(null)]) {
      assert.equal(await Reflect.apply(load, foreign, []), foreign);
    }
    assert.equal(Base.runs, 8);
    assert.equal(statsOf(Base, 'load').calls - calls, 4);
  });

  test('calls without `this` share one limiter', async () => {
    const gate = deferred();
    class Shop {
      @concurrency({ limit: 1, maxQueue: 0 })
      async buy(): Promise<void> {
        await gate.promise;
      }
    }
    const { buy } = Shop.prototype;
    const first = Reflect.apply(buy, undefined, []);
    const other = new Shop().buy().catch(() => {});
    await assert.rejects(Reflect.apply(buy, undefined, []), RejectedError);
    gate.resolve();
    await Promise.all([first, other]);
  });

  test(
    'calls without `this` before the first construction share one limiter, and one after it is counted',
    otherwiseInOldForm,
    async () => {
      const gate = deferred();
      class Shop {
        @concurrency({ limit: 1, maxQueue: 0 })
        async buy(): Promise<void> {
          await gate.promise;
        }
      }
      const { buy } = Shop.prototype;
      const first = Reflect.apply(buy, undefined, []);
      for (const self of [undefined, {}, undefined]) await assert.rejects(Reflect.apply(buy, self, []), RejectedError);
      gate.resolve();
      await first;
      assert.ok(new Shop());
      await Reflect.apply(buy, undefined, []);
      await Reflect.apply(buy, {}, []);
      assert.equal(statsOf(Shop, 'buy').calls, 2);
    },
  );

  test('a class whose prototype is sealed is linked like any other', async () => {
    class Sub extends Base {
      override async load(): Promise<unknown> {
        return super.load();
      }
    }
    Object.seal(Sub.prototype);
    Base.runs = 0;
    await new Sub().load();
    assert.equal(Base.runs, 2);
    assert.equal(statsOf(Sub, 'load').calls, 1);
  });

  test('an override that ran before the first construction is one call with its policies after it', async () => {
    let runs = 0;
    class Sub extends Base {
      override async load(): Promise<unknown> {
        Base.runs = 1;
        await super.load();
        if (++runs < 3) throw new Error('down');
        return runs;
      }
    }
    await assert.rejects((Object.create(Sub.prototype) as Sub).load());
    assert.equal(await new Sub().load(), 3);
  });

  test('a static method runs through the pipeline of its class without `this`, and with a foreign one', async () => {
    class Shop {
      readonly name = 'shop';
      @concurrency(1)
      static async open(): Promise<void> {}
    }
    const { open } = Shop;
    for (const self of [undefined, null, {}, class Other {}, 5, 'text']) await Reflect.apply(open, self, []);
    assert.equal(statsOf(Shop, 'open').calls, 6);
  });

  test('a method that could not be linked rejects where nothing was constructed', otherwiseInOldForm, async () => {
    class Sub extends Base {
      override async load(): Promise<unknown> {
        return super.load();
      }
    }
    Object.freeze(Sub.prototype);
    const bare = Object.create(Sub.prototype) as Sub;
    await assert.rejects(Base.prototype.load.call(bare), { name: 'ConfigurationError', message: /^Sub\.load: / });
  });

  test('an instance may have a field of the name of an override, of whatever kind', async () => {
    for (const value of [null, undefined, 0, 'text', () => 'own']) {
      class Root {
        constructor() {
          Object.assign(this, { load: value });
        }
      }
      class Above extends Root {
        @retry(1)
        async load(): Promise<unknown> {
          return 'base';
        }
      }
      class Sub extends Above {
        override async load(): Promise<unknown> {
          return 'sub';
        }
      }
      const sub = new Sub();
      assert.equal(sub.load, value);
      assert.equal(await Sub.prototype.load.call(sub), 'sub');
    }
  });

  test('a static call leaves the instance methods alone until the first construction', otherwiseInOldForm, async () => {
    class Shop extends Base {
      @retry(1)
      static async open(): Promise<void> {}
    }
    await Shop.open();
    Object.defineProperty(Shop.prototype, 'load', { value: async () => 'late', writable: true, configurable: true });
    const shop = new Shop();
    assert.equal(await shop.load(), 'late');
    assert.equal(statsOf(shop, 'load').calls, 1);
  });

  test('a class that could not be linked says so at every construction', otherwiseInOldForm, () => {
    class Sub extends Base {
      override async load(): Promise<unknown> {
        return super.load();
      }
    }
    Object.freeze(Sub.prototype);
    for (let i = 0; i < 2; i++) {
      assert.throws(() => new Sub(), {
        name: 'ConfigurationError',
        message:
          'Sub.load: it inherits policies, but its class is frozen before its first construction; decorate it, or freeze later',
      });
    }
  });

  test('an object made by Object.create() from a prototype or from an instance is an instance', async () => {
    class Sub extends Base {
      override async load(): Promise<unknown> {
        return super.load();
      }
    }
    Base.runs = 0;
    const bare = Object.create(Base.prototype) as Base;
    assert.equal(await bare.load(), bare);
    const instance = new Sub();
    const heir = Object.create(instance) as Sub;
    assert.equal(await heir.load(), heir);
    const made = Object.create(Sub.prototype) as Sub;
    assert.equal(await made.load(), made);
    assert.equal(Base.runs, 6);
    assert.equal(statsOf(Sub, 'load').calls, 2);
  });

  test('a foreign receiver runs through the pipeline of the declaring class', async () => {
    Base.runs = 0;
    const foreign = { name: 'foreign' };
    assert.equal(await Reflect.apply(Base.prototype.load, foreign, []), foreign);
    assert.equal(Base.runs, 2);
  });

  test('so does one that is an instance of another class', async () => {
    class Other {
      readonly name = 'other';
    }
    Base.runs = 0;
    const foreign = new Other();
    assert.equal(await Reflect.apply(Base.prototype.load, foreign, []), foreign);
    assert.equal(Base.runs, 2);
  });

  test('the prototype itself may be the receiver', async () => {
    Base.runs = 0;
    assert.equal(await Base.prototype.load(), Base.prototype);
    assert.equal(Base.runs, 2);
  });
});
