import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  type AnyClass,
  ConfigurationError,
  circuitBreaker,
  circuitOf,
  concurrency,
  configure,
  configureFrom,
  currentCall,
  explain,
  fallback,
  orchestrate,
  policiesOf,
  RejectedError,
  register,
  retry,
  statsOf,
  timeout,
} from 'opero';
import { deferred } from '../support/deferred.js';
import { type Kind, kinds, samples } from '../support/kinds.js';
import { decorateOld, type OldDecorator, ways } from '../support/old-decorate.js';
import { rejection } from '../support/rejection.js';

/*
 * What is of the old form alone. The suites about inheritance, class-level policies and foreign decorators run compiled in
 * that form too, by esbuild with all others, and by the compilers of test/compilers.
 */

const old = (decorator: unknown): OldDecorator => decorator as OldDecorator;
const times = (maxAttempts: number): OldDecorator => old(retry({ maxAttempts, waitMin: 0 }));
const one = old(concurrency({ limit: 1, maxQueue: 0 }));
const kindsOf = (subject: object, name: PropertyKey): string[] => policiesOf(subject, name).map(({ kind }) => kind);

function fails(run: () => unknown, message: string | RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigurationError, String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

/** Fails twice, then works. */
class Flaky {
  runs = 0;
  attempt(): number {
    if (++this.runs < 3) throw new Error(`attempt ${this.runs}`);
    return this.runs;
  }
}

for (const [way, decorate] of Object.entries(ways)) {
  describe(`a decorator that is called by ${way}`, () => {
    test('governs an instance method, a static one, one of a symbol and one of a number', async () => {
      const symbol = Symbol('load');
      class Shop extends Flaky {
        async load(): Promise<number> {
          return this.attempt();
        }
        async [symbol](): Promise<number> {
          return this.attempt();
        }
        async 5(): Promise<number> {
          return this.attempt();
        }
        static runs = 0;
        static async open(): Promise<number> {
          if (++Shop.runs < 3) throw new Error('closed');
          return Shop.runs;
        }
      }
      for (const key of ['load', symbol, 5]) decorate([times(3)], Shop.prototype, key);
      decorate([times(3)], Shop, 'open');
      assert.equal(await new Shop().load(), 3);
      assert.equal(await new Shop()[symbol](), 3);
      assert.equal(await new Shop()[5](), 3);
      assert.equal(await Shop.open(), 3);
      for (const key of ['load', symbol, 5, 'open']) {
        assert.deepEqual(kindsOf(Shop, key), ['retry']);
        assert.equal(policiesOf(Shop, key)[0]?.declaredBy, Shop);
        assert.equal(statsOf(Shop, key).attempts, 3);
      }
    });

    test('leads to one pipeline with others of ours', async () => {
      const gate = deferred();
      class Shop {
        async load(text: string): Promise<string> {
          await gate.promise;
          return text;
        }
      }
      decorate([times(2), one, old(timeout(60_000)), old(fallback({ value: 'none' }))], Shop.prototype, 'load');
      assert.deepEqual(kindsOf(Shop, 'load'), ['fallback', 'retry', 'timeout', 'concurrency']);
      const shop = new Shop();
      const first = shop.load('text');
      assert.equal(await shop.load('other'), 'none');
      gate.resolve();
      assert.equal(await first, 'text');
      assert.deepEqual([Shop.prototype.load.name, Shop.prototype.load.length], ['load', 1]);
    });

    test('governs a class, and leaves it in its place', async () => {
      class Shop extends Flaky {
        static readonly instance = new Shop();
        async load(): Promise<number> {
          return this.attempt();
        }
        plain(): number {
          return 1;
        }
      }
      assert.equal(decorate([times(3), one], Shop), Shop);
      assert.equal(Shop.prototype.constructor, Shop);
      assert.equal(await Shop.instance.load(), 3);
      assert.deepEqual(kindsOf(Shop, 'load'), ['retry', 'concurrency']);
      assert.deepEqual(kindsOf(Shop, 'plain'), []);
    });
  });
}

describe('a decorator of the old form', () => {
  test('keeps the limits of each concrete class apart', async () => {
    const gate = deferred();
    class Base {
      async load(): Promise<void> {
        await gate.promise;
      }
    }
    decorateOld([one], Base.prototype, 'load');
    class One extends Base {}
    class Other extends Base {}
    const running = [new One().load(), new Other().load(), new Base().load()];
    await assert.rejects(new One().load(), RejectedError);
    gate.resolve();
    await Promise.all(running);
    assert.deepEqual([statsOf(One, 'load').calls, statsOf(Other, 'load').calls], [2, 1]);
  });

  test('keeps the attributes of a member, and the place of one that is not enumerable', () => {
    class Shop {
      async load(): Promise<void> {}
    }
    const before = Object.getOwnPropertyDescriptor(Shop.prototype, 'load');
    decorateOld([times(2)], Shop.prototype, 'load');
    const after = Object.getOwnPropertyDescriptor(Shop.prototype, 'load');
    assert.notEqual(after?.value, before?.value);
    assert.deepEqual({ ...after, value: 0 }, { ...before, value: 0 });
  });

  test('has circuits, configurations and the context of a call as in the new form', async () => {
    const attempts: number[] = [];
    class Weather {
      async forecast(): Promise<void> {
        attempts.push(currentCall().attempt);
        throw new Error('down');
      }
    }
    decorateOld([times(2), old(circuitBreaker({ consecutive: 3 }))], Weather.prototype, 'forecast');
    const restore = configure(Weather, 'forecast', { retry: { maxAttempts: 3 } });
    await assert.rejects(new Weather().forecast());
    assert.deepEqual(attempts, [1, 2, 3]);
    assert.equal(circuitOf(Weather, 'forecast').state, 'open');
    restore();
    assert.equal(policiesOf(Weather, 'forecast')[0]?.options.maxAttempts, 2);
    fails(() => configureFrom({ 'Weather.forcast': { retry: 2 } }), /Weather\.forcast is not a method/);
  });

  test('fails for the same policy twice', () => {
    class Shop {
      async load(): Promise<void> {}
    }
    const twice = () => decorateOld([times(2), times(3)], Shop.prototype, 'load');
    fails(twice, '@retry on method `load`: it has a retry policy already; give each kind once');
  });

  test('keeps its own this, arguments and results', async () => {
    class Shop {
      readonly name = 'shop';
      async load(...args: unknown[]): Promise<unknown[]> {
        return [this.name, ...args];
      }
    }
    decorateOld([times(2)], Shop.prototype, 'load');
    assert.deepEqual(await new Shop().load(1, undefined, null), ['shop', 1, undefined, null]);
  });
});

describe('what nothing sees in the old form', () => {
  const define = () => {
    class Base extends Flaky {
      async load(): Promise<number> {
        return this.attempt();
      }
      async other(): Promise<number> {
        return 0;
      }
    }
    decorateOld([times(3)], Base.prototype, 'load');
    decorateOld([times(3)], Base.prototype, 'other');
    class Sub extends Base {
      override async load(): Promise<number> {
        return this.attempt();
      }
    }
    return { Base, Sub };
  };

  test('an override without a decorator has nothing, whatever else is called or looked at', async () => {
    const { Base, Sub } = define();
    const sub = new Sub();
    for (let i = 1; i < 3; i++) {
      await assert.rejects(sub.load(), { message: `attempt ${i}` });
      assert.equal(await sub.other(), 0);
      assert.deepEqual(kindsOf(Sub, 'load'), []);
      assert.deepEqual(kindsOf(sub, 'other'), ['retry']);
      assert.throws(() => statsOf(Sub, 'load'), ConfigurationError);
      fails(() => configure(Sub, 'load', { retry: 2 }), /Sub\.load has no retry policy to configure/);
    }
    assert.equal(await new Base().load(), 3);
  });

  test('explain marks it, with what to do', () => {
    const { Base, Sub } = define();
    const mark = '  load(): without policies, as nobody has linked Sub; call register(Sub), or decorate it';
    for (const subject of [Sub, new Sub()]) assert.equal(explain(subject).split('\n').at(-1), mark);
    assert.doesNotMatch(explain(Base), /without policies/);
    assert.match(explain(Sub), /other\(\): retry > the method/);
    register(Sub);
    assert.doesNotMatch(explain(Sub), /without policies/);
    assert.match(explain(Sub), /load\(\): retry > the method/);
  });

  test('explain marks what class-level policies of a base do not reach yet, and nothing else', () => {
    class Base {
      async load(): Promise<void> {}
    }
    decorateOld([times(2)], Base);
    class Middle extends Base {
      async more(): Promise<void> {}
      sync(): void {}
      get size(): number {
        return 1;
      }
      *each(): Generator<number> {
        yield 1;
      }
    }
    class Sub extends Middle {
      override async more(): Promise<void> {}
    }
    assert.deepEqual(
      explain(Sub)
        .split('\n')
        .filter((line) => line.includes('without policies')),
      ['  more(): without policies, as nobody has linked Sub; call register(Sub), or decorate it'],
    );
  });

  test('if it calls super, the part of the base is governed', async () => {
    const { Base } = define();
    const seen: string[] = [];
    class Sub extends Base {
      override async load(): Promise<number> {
        seen.push('sub');
        return super.load();
      }
    }
    assert.equal(await new Sub().load(), 3);
    assert.equal(await Object.assign(new Sub(), { runs: 1 }).load(), 3);
    assert.deepEqual(seen, ['sub', 'sub']);
    register(Sub);
    assert.equal(await new Sub().load(), 3);
    assert.deepEqual(seen, ['sub', 'sub', 'sub', 'sub', 'sub']);
    assert.equal(statsOf(Sub, 'load').calls, 3);
  });

  for (const [cure, apply] of [
    ['register', (Sub: AnyClass) => register(Sub)],
    ['orchestrate() on the class', (Sub: AnyClass) => decorateOld([old(orchestrate())], Sub)],
    ['a policy on the class', (Sub: AnyClass) => decorateOld([one], Sub)],
    ['orchestrate() on the override', (Sub: AnyClass) => decorateOld([old(orchestrate())], Sub.prototype, 'load')],
    ['another policy on the override', (Sub: AnyClass) => decorateOld([one], Sub.prototype, 'load')],
  ] as const) {
    test(`${cure} cures it, before calls and after`, async () => {
      for (const callsBefore of [false, true]) {
        const { Sub } = define();
        const made = new Sub();
        if (callsBefore) {
          await assert.rejects(made.load());
          assert.equal(await made.other(), 0);
        }
        apply(Sub);
        assert.equal(await Object.assign(made, { runs: 0 }).load(), 3);
        assert.equal(await new Sub().load(), 3);
        assert.equal(kindsOf(Sub, 'load')[0], 'retry');
        assert.equal(statsOf(Sub, 'load').calls, 2);
      }
    });
  }

  test('register links the bases as well, and class-level policies then reach what a subclass adds', async () => {
    class Base extends Flaky {
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    decorateOld([times(3)], Base);
    class Middle extends Base {
      override async load(): Promise<number> {
        return this.attempt();
      }
    }
    class Sub extends Middle {
      async more(): Promise<number> {
        return this.attempt();
      }
    }
    await assert.rejects(new Middle().load());
    await assert.rejects(new Sub().more());
    register(Sub);
    assert.equal(await new Middle().load(), 3);
    assert.equal(await new Sub().more(), 3);
    const made: Sub = Object.assign(Object.create(Sub.prototype) as Sub, { runs: 0 });
    assert.equal(await made.more(), 3);
  });

  test('a wrong name of an alternative fails at register, else at the first call; of a static method at once', async () => {
    class Shop {
      async load(): Promise<void> {}
      static async open(): Promise<void> {}
    }
    const cached: string = 'cached';
    decorateOld([old(fallback(cached))], Shop.prototype, 'load');
    const shop = new Shop();
    const message = /^@fallback on Shop\.load: no method 'cached' here/;
    assert.match(String(await rejection(shop.load())), /: @fallback on Shop\.load: no method 'cached' here/);
    fails(() => register(Shop), message);
    for (const decorators of [
      [old(fallback(cached))],
      [times(2), old(fallback(cached))],
      [old(fallback(cached)), times(2)],
    ]) {
      class Other {
        readonly size = 1;
        static async open(): Promise<void> {}
      }
      fails(() => decorateOld(decorators, Other, 'open'), /^@fallback on Other\.open: no method 'cached' here/);
    }
  });

  test('a static override without a decorator has nothing, as in the new form', async () => {
    class Base {
      readonly size = 1;
      static runs = 0;
      static async open(): Promise<void> {
        Base.runs++;
        throw new Error('closed');
      }
    }
    decorateOld([times(2)], Base, 'open');
    class Sub extends Base {
      static override async open(): Promise<void> {
        Base.runs++;
        throw new Error('sub');
      }
    }
    await assert.rejects(Base.open(), { message: 'closed' });
    assert.equal(Base.runs, 2);
    await assert.rejects(Sub.open(), { message: 'sub' });
    assert.equal(Base.runs, 3);
    assert.deepEqual(kindsOf(Sub, 'open'), []);
  });
});

describe('a foreign class decorator of the old form', () => {
  const subclassed = (type: AnyClass): AnyClass => class extends (type as unknown as new () => object) {};
  const proxied = (type: AnyClass): AnyClass => new Proxy(type, {});
  /** As many did before there were classes. */
  const imitated = (type: AnyClass): AnyClass => {
    function imitation(this: unknown, ...args: never[]): object {
      assert.ok(this);
      return Reflect.construct(type as never, args);
    }
    imitation.prototype = type.prototype;
    return imitation as unknown as AnyClass;
  };

  for (const [name, replace] of Object.entries({ subclassed, proxied, imitated })) {
    const define = (decorators: readonly OldDecorator[]) => {
      class Shop extends Flaky {
        async load(): Promise<number> {
          return this.attempt();
        }
        async other(): Promise<number> {
          return this.attempt();
        }
        static async open(): Promise<string> {
          return 'open';
        }
      }
      decorateOld([times(3)], Shop.prototype, 'load');
      decorateOld([times(2)], Shop, 'open');
      return decorateOld(decorators, Shop) as typeof Shop;
    };

    test(`that has it ${name}, above ours: methods and the class stay governed`, async () => {
      const Shop = define([replace as OldDecorator, times(3)]);
      assert.equal(await new Shop().load(), 3);
      assert.equal(await new Shop().other(), 3);
      assert.deepEqual([kindsOf(Shop, 'load'), kindsOf(Shop, 'other')], [['retry'], ['retry']]);
      assert.equal(statsOf(Shop, 'load').calls, 1);
      if (name === 'imitated') return;
      assert.equal(await Shop.open(), 'open');
      assert.deepEqual(kindsOf(Shop, 'open'), ['retry']);
    });

    test(`that has it ${name}, beneath ours: methods stay governed, ${name === 'subclassed' ? 'and the class has none' : 'the class too'}`, async () => {
      const Shop = define([times(3), replace as OldDecorator]);
      assert.equal(await new Shop().load(), 3);
      if (name === 'subclassed') await assert.rejects(new Shop().other());
      else assert.equal(await new Shop().other(), 3);
    });
  }
});

describe('what others keep on the function', () => {
  const key = Symbol('route');

  /** As Nest's `@Get` and `@Cron`, and OpenTelemetry's wrappers, keep it: as metadata and as properties. */
  const keeping =
    (name: string): OldDecorator =>
    (_target: object, _key: PropertyKey, descriptor: PropertyDescriptor) => {
      Reflect.defineMetadata(name, `of ${name}`, descriptor.value);
      Object.defineProperty(descriptor.value, name, { value: [name], enumerable: name === 'shown' });
      descriptor.value[key] = name;
    };
  const wrapping: OldDecorator = (_target, _key, descriptor) => {
    const { value } = descriptor;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      return Reflect.apply(value, this, args);
    };
  };

  for (const [order, decorators, kept] of [
    ['beneath', [times(2), keeping('shown')], ['shown']],
    ['above', [keeping('hidden'), times(2)], ['hidden']],
    ['between', [one, keeping('hidden'), times(2), keeping('shown')], ['hidden', 'shown']],
    ['on a wrapper between', [one, keeping('hidden'), wrapping, times(2)], ['hidden']],
  ] as const) {
    for (const [way, decorate] of Object.entries(ways)) {
      test(`stays there, where it came ${order}, by ${way}`, async () => {
        if (way.startsWith('by hand')) return;
        class Shop {
          async load(): Promise<string> {
            return 'loaded';
          }
        }
        decorate(decorators, Shop.prototype, 'load');
        const { load } = Shop.prototype;
        for (const name of kept) {
          assert.equal(Reflect.getOwnMetadata(name, load), `of ${name}`);
          const property = Object.getOwnPropertyDescriptor(load, name);
          assert.deepEqual([property?.value, property?.enumerable], [[name], name === 'shown']);
        }
        assert.equal(Reflect.get(load, key), kept[0]);
        assert.equal(await new Shop().load(), 'loaded');
      });
    }
  }

  test('stays on an override that is linked, and on a method that a class-level policy reaches', () => {
    class Base {
      async load(): Promise<void> {}
    }
    decorateOld([times(2)], Base.prototype, 'load');
    class Sub extends Base {
      override async load(): Promise<void> {}
      async more(): Promise<void> {}
    }
    decorateOld([keeping('route')], Sub.prototype, 'load');
    decorateOld([keeping('route')], Sub.prototype, 'more');
    decorateOld([one], Sub);
    for (const method of ['load', 'more'] as const) {
      assert.equal(Reflect.getOwnMetadata('route', Sub.prototype[method]), 'of route');
      assert.equal(kindsOf(Sub, method).at(-1), 'concurrency');
    }
  });

  test('stays in the new form too', () => {
    const keeper = (method: object, _context: ClassMethodDecoratorContext): void => {
      Reflect.defineMetadata('route', 'kept', method);
    };
    class Shop {
      @retry(2)
      @keeper
      async beneath(): Promise<void> {}
      @keeper
      @retry(2)
      async above(): Promise<void> {}
    }
    for (const method of ['beneath', 'above'] as const) {
      assert.equal(Reflect.getOwnMetadata('route', Shop.prototype[method]), 'kept');
    }
  });

  test('and design types of the member stay with the member', () => {
    class Shop {
      async load(_id: string): Promise<void> {}
    }
    const design = [Reflect.metadata('design:paramtypes', [String]), Reflect.metadata('design:returntype', Promise)];
    decorateOld([times(2), ...design], Shop.prototype, 'load');
    assert.deepEqual(Reflect.getMetadata('design:paramtypes', Shop.prototype, 'load'), [String]);
  });
});

describe('a chain of classes of both forms', () => {
  const inNewForm = (Above: typeof Flaky) => {
    class Made extends Above {
      @retry({ maxAttempts: 3, waitMin: 0 })
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    return Made;
  };
  const inOldForm = (Above: typeof Flaky) => {
    class Made extends Above {
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    decorateOld([times(3)], Made.prototype, 'load');
    return Made;
  };
  type Made = ReturnType<typeof inNewForm>;

  const subInNewForm = (Base: Made) => {
    class Sub extends Base {
      @concurrency(2)
      override async load(): Promise<number> {
        return super.load();
      }
    }
    return Sub;
  };
  const subInOldForm = (Base: Made) => {
    class Sub extends Base {
      override async load(): Promise<number> {
        return super.load();
      }
    }
    decorateOld([old(concurrency(2))], Sub.prototype, 'load');
    return Sub;
  };
  const forms = { new: { base: inNewForm, sub: subInNewForm }, old: { base: inOldForm, sub: subInOldForm } };

  for (const base of ['new', 'old'] as const) {
    for (const sub of ['new', 'old'] as const) {
      test(`${sub} below ${base}: a decorated override inherits the other kinds, in one pipeline`, async () => {
        const Base = forms[base].base(Flaky);
        const Sub = forms[sub].sub(Base);
        const made = new Sub();
        assert.equal(await made.load(), 3);
        assert.deepEqual(
          policiesOf(Sub, 'load').map(({ kind, declaredBy }) => [kind, declaredBy]),
          [
            ['retry', Base],
            ['concurrency', Sub],
          ],
        );
        assert.equal(statsOf(Sub, 'load').attempts, 3);
        assert.equal(statsOf(Base, 'load').calls, 0);
        assert.equal(await new Base().load(), 3);
      });

      test(`${sub} below ${base}: an override without a decorator goes by the rules of the base, beside a decorated one`, async () => {
        const Base = forms[base].base(Flaky);
        class Middle extends Base {
          override async load(): Promise<number> {
            return this.attempt();
          }
          async more(): Promise<void> {}
        }
        if (sub === 'old') decorateOld([one], Middle.prototype, 'more');
        const Seen =
          sub === 'old'
            ? Middle
            : class extends Middle {
                @concurrency(1)
                override async more(): Promise<void> {}
              };
        const made = new Seen();
        // A class with a decorator of its own in the new form is linked at construction, and all that it extends.
        if (base === 'new' || sub === 'new') assert.equal(await made.load(), 3);
        else await assert.rejects(made.load(), { message: 'attempt 1' });
        register(Seen);
        assert.equal(await new Seen().load(), 3);
        assert.deepEqual(kindsOf(Seen, 'load'), ['retry']);
      });
    }
  }

  test('a class-level policy of either form reaches what a class of the other adds, once it is linked', async () => {
    @retry({ maxAttempts: 3, waitMin: 0 })
    class New extends Flaky {}
    class Old extends Flaky {}
    decorateOld([times(3)], Old);
    for (const Base of [New, Old]) {
      class Sub extends Base {
        async load(): Promise<number> {
          return this.attempt();
        }
      }
      decorateOld([one], Sub);
      assert.equal(await new Sub().load(), 3);
      assert.deepEqual(kindsOf(Sub, 'load'), ['retry', 'concurrency']);
    }
  });
});

describe('a mistake in the old form', () => {
  const exported: Promise<Readonly<Record<string, unknown>>> = import('opero');
  const names: readonly (Kind | 'orchestrate')[] = [...kinds, 'orchestrate'];

  for (const name of names) {
    test(`of @${name}: each says what it is, and none blames a flag`, async () => {
      const factory = (await exported)[name] as (...given: unknown[]) => OldDecorator;
      const decorator = factory(name === 'orchestrate' ? undefined : samples[name]);
      class Shop {
        async load(_id: string): Promise<void> {}
        static async open(): Promise<void> {}
        static close = async (): Promise<void> => {};
        get size(): number {
          return 1;
        }
        set width(_value: number) {}
        get both(): number {
          return 1;
        }
        set both(_value: number) {}
        *each(): Generator<number> {
          yield 1;
        }
      }
      const { prototype } = Shop;
      const of = (key: string) => Object.getOwnPropertyDescriptor(prototype, key);
      const at = (kind: string) => `expected a method or a class, got a ${kind}; policies go on methods`;
      const cases: readonly (readonly [run: () => unknown, message: string])[] = [
        [() => decorator(prototype, 'field', undefined), `field \`field\`: ${at('field')}`],
        [() => decorator(prototype, 'field'), `field \`field\`: ${at('field')}`],
        [() => decorator(Shop, 'field', undefined), `static field \`field\`: ${at('field')}`],
        [() => decorator(Shop, 'close', undefined), `static field \`close\`: ${at('field')}`],
        [
          () => decorator(prototype, 'field', { initializer: () => 1, enumerable: true }),
          `field \`field\`: ${at('field')}`,
        ],
        [() => decorator(prototype, 'size', of('size')), `getter \`size\`: ${at('getter')}`],
        [() => decorator(prototype, 'width', of('width')), `setter \`width\`: ${at('setter')}`],
        [() => decorator(prototype, 'both', of('both')), `getter \`both\`: ${at('getter')}`],
        [() => decorator(prototype, 'load', 0), `parameter \`1 of load\`: ${at('parameter')}`],
        [() => decorator(Shop, 'open', 1), `parameter \`2 of open\`: ${at('parameter')}`],
        [() => decorator(Shop, undefined, 0), `parameter \`1 of constructor\`: ${at('parameter')}`],
        [
          () => decorator(prototype, 'each', of('each')),
          'method `each`: expected a method that returns a promise, got a generator',
        ],
      ];
      for (const [run, message] of cases) fails(run, `@${name} on ${message}`);
      const open = Object.getOwnPropertyDescriptor(Shop, 'open');
      const write = `write @${name}(...), with parentheses`;
      fails(() => factory(prototype, 'load', of('load')), `@${name} on method \`load\`: ${write}`);
      fails(() => factory(Shop, 'open', open), `@${name} on static method \`open\`: ${write}`);
      fails(() => factory(prototype, 'field', undefined), `@${name} on field \`field\`: ${write}`);
      fails(() => factory(prototype, 5, { configurable: true }), `@${name} on field \`5\`: ${write}`);
      fails(() => factory(Shop), /it takes no class as its argument; to decorate one, write/);
      for (const target of [7, undefined, null, 'text', {}, Object.create(null)]) {
        fails(() => decorator(target), new RegExp(`^@${name}: expected to stand on a method or a class, called with `));
        fails(() => decorator(target, 'load', of('load')), new RegExp(`^@${name}: expected to stand on a method`));
      }
    });

    test(`of @${name} in the form of 2018 names that form, with parentheses and without`, async () => {
      const factory = (await exported)[name] as (...given: unknown[]) => OldDecorator;
      const decorator = factory(name === 'orchestrate' ? undefined : samples[name]);
      const described = (own: object) => Object.assign(Object.create({ [Symbol.toStringTag]: 'Descriptor' }), own);
      for (const [descriptor, shown] of [
        [described({ kind: 'method', key: 'load', placement: 'prototype', descriptor: {} }), '`load`'],
        [described({ kind: 'method', key: Symbol('load'), placement: 'own', descriptor: {} }), '`Symbol(load)`'],
        [described({ kind: 'method', key: {}, placement: 'static', descriptor: {} }), 'a method'],
        [described({ kind: 'class', elements: [] }), 'a class'],
      ] as const) {
        const message =
          `@${name} on ${shown}: a compiler called it in the form of 2018; have it compile that of 2023-11 ` +
          '("decoratorVersion" of swc), or use decorate()';
        fails(() => decorator(descriptor), message);
        fails(() => factory(descriptor), message);
      }
    });
  }
});
