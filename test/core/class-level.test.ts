import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { types } from 'node:util';
import {
  AllFailedError,
  type AnyClass,
  concurrency,
  explain,
  fallback,
  orchestrate,
  type PolicyInForce,
  policiesOf,
  retry,
  statsOf,
} from 'opero';
import { keepsOwnName, ownNameIsBare } from '../support/compiler.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { newFormOnly } from '../support/form.js';

const times = (maxAttempts: number) => retry({ maxAttempts, waitMin: 0 });
const value = (text: string) => fallback({ value: text });

/** What the method under test does, and how often its code was entered. */
const probe: { entered: number; gate: Deferred<string> | undefined } = { entered: 0, gate: undefined };

async function work(): Promise<string> {
  probe.entered++;
  if (probe.gate !== undefined) return probe.gate.promise;
  throw new Error('down');
}

interface Worker {
  run(): Promise<string>;
}

/** What is in force: of each kind the option that tells, and the class that it comes from. */
interface Expected {
  readonly retry?: [maxAttempts: number, declaredBy: AnyClass];
  readonly concurrency?: [limit: number, declaredBy: AnyClass];
  readonly fallback?: [value: string, declaredBy: AnyClass];
}

interface Case {
  readonly rule: string;
  readonly make: () => { readonly Type: new () => Worker; readonly expected: Expected };
}

const cases: readonly Case[] = [
  {
    rule: "a method's own decorator",
    make: () => {
      class A {
        @times(2)
        async run(): Promise<string> {
          return work();
        }
      }
      return { Type: A, expected: { retry: [2, A] } };
    },
  },
  {
    rule: 'a class-level policy alone',
    make: () => {
      @times(2)
      class A {
        async run(): Promise<string> {
          return work();
        }
      }
      return { Type: A, expected: { retry: [2, A] } };
    },
  },
  {
    rule: "the method's own decorator over the class-level policy of its class, other kinds staying",
    make: () => {
      @times(2)
      @concurrency(3)
      class A {
        @times(4)
        async run(): Promise<string> {
          return work();
        }
      }
      return { Type: A, expected: { retry: [4, A], concurrency: [3, A] } };
    },
  },
  {
    rule: "a base's class-level policy for an inherited method",
    make: () => {
      @times(2)
      class A {
        async run(): Promise<string> {
          return work();
        }
      }
      class B extends A {}
      return { Type: B, expected: { retry: [2, A] } };
    },
  },
  {
    rule: "a base's class-level policy for an undecorated override",
    make: () => {
      @times(2)
      class A {
        async run(): Promise<string> {
          return '';
        }
      }
      class B extends A {
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: B, expected: { retry: [2, A] } };
    },
  },
  {
    rule: "a base's class-level policy for a method that only the subclass has",
    make: () => {
      @times(2)
      class A {}
      class B extends A {
        async run(): Promise<string> {
          return work();
        }
      }
      return { Type: B, expected: { retry: [2, A] } };
    },
  },
  {
    rule: "the subclass's class-level policy over the base's for an inherited method",
    make: () => {
      @times(2)
      @concurrency(2)
      class A {
        async run(): Promise<string> {
          return work();
        }
      }
      @times(3)
      class B extends A {}
      return { Type: B, expected: { retry: [3, B], concurrency: [2, A] } };
    },
  },
  {
    rule: "the base's method decorator over the subclass's class-level policy, when the method is inherited",
    make: () => {
      class A {
        @times(2)
        async run(): Promise<string> {
          return work();
        }
      }
      @times(3)
      @concurrency(2)
      class B extends A {}
      return { Type: B, expected: { retry: [2, A], concurrency: [2, B] } };
    },
  },
  {
    rule: "the subclass's class-level policy over the base's method decorator, when it is overridden there",
    make: () => {
      class A {
        @times(2)
        async run(): Promise<string> {
          return '';
        }
      }
      @times(3)
      class B extends A {
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: B, expected: { retry: [3, B] } };
    },
  },
  {
    rule: "the base's method decorator over the base's class-level policy, for an undecorated override",
    make: () => {
      @times(2)
      @concurrency(2)
      class A {
        @times(3)
        async run(): Promise<string> {
          return '';
        }
      }
      class B extends A {
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: B, expected: { retry: [3, A], concurrency: [2, A] } };
    },
  },
  {
    rule: "the override's decorator over every class-level policy",
    make: () => {
      @times(2)
      class A {
        async run(): Promise<string> {
          return '';
        }
      }
      @times(3)
      class B extends A {
        @times(4)
        override async run(): Promise<string> {
          return work();
        }
      }
      @times(5)
      class C extends B {}
      return { Type: C, expected: { retry: [4, B] } };
    },
  },
  {
    rule: 'each kind by itself: one from the method, one from the class, one from the base',
    make: () => {
      @times(2)
      @concurrency(2)
      @value('from A')
      class A {
        async run(): Promise<string> {
          return '';
        }
      }
      class B extends A {
        @times(3)
        override async run(): Promise<string> {
          return work();
        }
      }
      @concurrency(4)
      class C extends B {}
      return { Type: C, expected: { retry: [3, B], concurrency: [4, C], fallback: ['from A', A] } };
    },
  },
  {
    rule: "the next defining base's method decorator over a class between them",
    make: () => {
      class A {
        @times(2)
        async run(): Promise<string> {
          return '';
        }
      }
      @times(3)
      @concurrency(3)
      class B extends A {}
      class C extends B {
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: C, expected: { retry: [2, A], concurrency: [3, B] } };
    },
  },
  {
    rule: 'of the classes between two that define it the most derived, the defining class included',
    make: () => {
      @times(2)
      @concurrency(2)
      @value('from A')
      class A {
        async run(): Promise<string> {
          return '';
        }
      }
      @times(3)
      @concurrency(3)
      class B extends A {}
      @times(4)
      class C extends B {}
      class D extends C {
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: D, expected: { retry: [4, C], concurrency: [3, B], fallback: ['from A', A] } };
    },
  },
  {
    rule: 'in the end the class-level policies of the bases that do not define it',
    make: () => {
      @times(2)
      @concurrency(2)
      class A {}
      @times(3)
      class B extends A {}
      class C extends B {
        @value('from C')
        async run(): Promise<string> {
          return work();
        }
      }
      return { Type: C, expected: { retry: [3, B], concurrency: [2, A], fallback: ['from C', C] } };
    },
  },
  {
    rule: "an undecorated override between takes its class's policy before the base's method decorator",
    make: () => {
      class A {
        @times(2)
        @value('from A')
        async run(): Promise<string> {
          return '';
        }
      }
      @times(3)
      class B extends A {
        override async run(): Promise<string> {
          return '';
        }
      }
      class C extends B {
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: C, expected: { retry: [3, B], fallback: ['from A', A] } };
    },
  },
  {
    rule: "not a subclass's class-level policy for a method that neither it nor a class below it defines",
    make: () => {
      class A {
        async run(): Promise<string> {
          return work();
        }
      }
      @times(3)
      class B extends A {
        async other(): Promise<void> {}
      }
      return { Type: B, expected: {} };
    },
  },
  {
    rule: "not a subclass's class-level policy for an instance of the base",
    make: () => {
      class A {
        @concurrency(2)
        async run(): Promise<string> {
          return work();
        }
      }
      @times(3)
      class B extends A {
        override async run(): Promise<string> {
          return work();
        }
      }
      new B();
      return { Type: A, expected: { concurrency: [2, A] } };
    },
  },
  {
    rule: 'method-level inherit: false cuts off the class-level policies of its own class',
    make: () => {
      @times(2)
      @concurrency(2)
      class A {
        @orchestrate({ fallback: { value: 'from the method' }, inherit: false })
        async run(): Promise<string> {
          return work();
        }
      }
      return { Type: A, expected: { fallback: ['from the method', A] } };
    },
  },
  {
    rule: 'method-level inherit: false cuts off method-level and class-level policies of the bases',
    make: () => {
      @times(2)
      class A {
        @concurrency(2)
        async run(): Promise<string> {
          return '';
        }
      }
      @value('from B')
      class B extends A {
        @orchestrate({ retry: { maxAttempts: 3, waitMin: 0 }, inherit: false })
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: B, expected: { retry: [3, B] } };
    },
  },
  {
    rule: 'method-level inherit: false alone leaves nothing in force',
    make: () => {
      @times(2)
      class A {
        @orchestrate({ inherit: false })
        async run(): Promise<string> {
          return work();
        }
      }
      return { Type: A, expected: {} };
    },
  },
  {
    rule: 'what a class below adds to a method with inherit: false is in force',
    make: () => {
      @times(2)
      class A {
        @orchestrate({ concurrency: 2, inherit: false })
        async run(): Promise<string> {
          return '';
        }
      }
      @times(3)
      class B extends A {
        override async run(): Promise<string> {
          return work();
        }
      }
      return { Type: B, expected: { retry: [3, B], concurrency: [2, A] } };
    },
  },
];

const told = ({ kind, options, declaredBy }: PolicyInForce): unknown => {
  const option = { retry: 'maxAttempts', concurrency: 'limit', fallback: 'value' }[kind as keyof Expected];
  return [kind, options[option], declaredBy];
};

const pipelineOrder = ['fallback', 'retry', 'concurrency'] as const;

/** Fails unless calls behave as the policies expected say. */
async function assertBehaviour(worker: Worker, expected: Expected): Promise<void> {
  probe.gate = undefined;
  probe.entered = 0;
  const call = worker.run();
  if (expected.fallback === undefined) await assert.rejects(call, { message: 'down' });
  else assert.equal(await call, expected.fallback[0]);
  assert.equal(probe.entered, expected.retry?.[0] ?? 1, 'attempts');

  probe.gate = deferred<string>();
  probe.entered = 0;
  const calls = Array.from({ length: 6 }, () => worker.run());
  await new Promise(setImmediate);
  assert.equal(probe.entered, expected.concurrency?.[0] ?? 6, 'at once');
  probe.gate.resolve('done');
  assert.deepEqual(await Promise.all(calls), Array(6).fill('done'));
}

describe('nearest wins', () => {
  for (const { rule, make } of cases) {
    test(rule, async () => {
      const { Type, expected } = make();
      const list = pipelineOrder.flatMap((kind) => (expected[kind] === undefined ? [] : [[kind, ...expected[kind]]]));
      assert.deepEqual(policiesOf(Type, 'run').map(told), list, 'before any construction');
      const worker = new Type();
      assert.deepEqual(policiesOf(worker, 'run').map(told), list, 'of an instance');
      await assertBehaviour(worker, expected);
    });

    test(`${rule}: so too when nobody looked before`, async () => {
      const { Type, expected } = make();
      await assertBehaviour(new Type(), expected);
    });
  }
});

describe('a class-level policy', () => {
  test('stands on every async method of the class, and only there', async () => {
    let before: PropertyDescriptorMap = {};
    const beneath = <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): void => {
      before = Object.getOwnPropertyDescriptors(type.prototype);
    };
    @retry({ maxAttempts: 3, waitMin: 0 })
    @beneath
    class Shop {
      runs = 0;
      constructed = 1;
      field = async (): Promise<number> => ++this.runs;
      async one(): Promise<void> {}
      async two(): Promise<void> {}
      sync(): number {
        return 1;
      }
      returnsPromise(): Promise<number> {
        return Promise.resolve(1);
      }
      *generator(): Generator<number> {
        yield 1;
      }
      async *asyncGenerator(): AsyncGenerator<number> {
        yield 1;
      }
      get getter(): Promise<number> {
        return Promise.resolve(1);
      }
      set setter(_value: number) {}
      static async staticMethod(): Promise<void> {}
      async #privateMethod(): Promise<void> {
        this.runs++;
        throw new Error('down');
      }
      usePrivate(): Promise<void> {
        return this.#privateMethod();
      }
    }
    const shop = new Shop();
    const after: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(Shop.prototype);
    const changed = Object.keys(after).filter((name) => {
      const [one, other] = [before[name], after[name]];
      if (name === 'constructor') return false;
      return one.value !== other.value || one.get !== other.get || one.set !== other.set;
    });
    assert.deepEqual(changed, ['one', 'two']);
    assert.equal(policiesOf(Shop, 'one').length, 1);
    for (const name of ['sync', 'returnsPromise', 'generator', 'asyncGenerator', 'staticMethod', 'usePrivate']) {
      assert.deepEqual(policiesOf(Shop, name), [], name);
    }
    assert.equal(shop.sync(), 1);
    assert.deepEqual([...shop.generator()], [1]);
    const generated: number[] = [];
    for await (const each of shop.asyncGenerator()) generated.push(each);
    assert.deepEqual(generated, [1]);
    await assert.rejects(shop.usePrivate());
    assert.equal(shop.runs, 1);
  });

  test('leaves a decorated method that is not async to its own decorators', () => {
    @concurrency(1)
    class Shop {
      @times(2)
      buy(): Promise<string> {
        return Promise.resolve('bought');
      }
      @times(2)
      async sell(): Promise<void> {}
    }
    const kindsOf = (name: string) => policiesOf(Shop, name).map(({ kind }) => kind);
    assert.deepEqual(kindsOf('sell'), ['retry', 'concurrency']);
    assert.deepEqual(kindsOf('buy'), ['retry']);
  });

  test('goes by the method that is called: by an async override of one that is not async, and the other way round', () => {
    const kindsOf = (type: object) => policiesOf(type, 'buy').map(({ kind }) => kind);
    @times(2)
    class Shop {
      @concurrency(1)
      buy(): Promise<string> {
        return Promise.resolve('bought');
      }
    }
    class Heir extends Shop {}
    class Async extends Shop {
      override async buy(): Promise<string> {
        return super.buy();
      }
    }
    class Sync extends Async {
      override buy(): Promise<string> {
        return super.buy();
      }
    }
    assert.deepEqual(kindsOf(Shop), ['concurrency']);
    assert.deepEqual(kindsOf(Heir), ['concurrency']);
    assert.deepEqual(kindsOf(Async), ['retry', 'concurrency']);
    assert.deepEqual(kindsOf(Sync), ['concurrency']);
  });

  test('with inherit: false cuts off all that comes from the bases', async () => {
    let runs = 0;
    @times(2)
    class Base {
      @value('from the base')
      async load(): Promise<string> {
        runs++;
        throw new Error('down');
      }
    }
    @orchestrate({ concurrency: 2, inherit: false })
    class Sub extends Base {
      async save(): Promise<void> {}
    }
    for (const name of ['load', 'save']) {
      assert.deepEqual(
        policiesOf(Sub, name).map(({ kind }) => kind),
        ['concurrency'],
      );
    }
    await assert.rejects(new Sub().load(), { message: 'down' });
    assert.equal(runs, 1);
  });

  test('of a base reaches past a class that has decorated static methods only, and stays off these', async () => {
    let runs = 0;
    @times(2)
    class Base {
      async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    class Sub extends Base {
      @concurrency(1)
      static async open(): Promise<void> {
        runs++;
        throw new Error('closed');
      }
    }
    await assert.rejects(new Sub().load(), { message: 'down' });
    assert.equal(runs, 2);
    await assert.rejects(Sub.open(), { message: 'closed' });
    assert.equal(runs, 3);
  });

  test('may stand on a subclass of a class that has decorated static methods only', async () => {
    let runs = 0;
    class Base {
      @concurrency(1)
      static async open(): Promise<void> {}
      readonly size = 1;
    }
    @times(2)
    class Sub extends Base {
      async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    }
    await assert.rejects(new Sub().load(), { message: 'down' });
    assert.equal(runs, 2);
  });

  test('is not that of a base of the same name', async () => {
    let runs = 0;
    const Base = class Shop {
      async load(): Promise<void> {
        runs++;
        throw new Error('down');
      }
    };
    @times(2)
    class Shop extends Base {
      async save(): Promise<void> {}
    }
    assert.equal(policiesOf(Shop, 'save').length, 1);
    assert.deepEqual(policiesOf(Base, 'load'), []);
    await assert.rejects(new Base().load());
    assert.equal(runs, 1);
  });

  test('leaves decorated static and private methods to their own decorators', async () => {
    let runs = 0;
    @times(5)
    class Shop {
      @orchestrate({ concurrency: 1 })
      static async open(): Promise<void> {
        runs++;
        throw new Error('down');
      }
      @orchestrate({ concurrency: 1 })
      async #audit(): Promise<void> {
        runs++;
        throw new Error('down');
      }
      check(): Promise<void> {
        return this.#audit();
      }
    }
    await assert.rejects(Shop.open());
    assert.equal(runs, 1);
    await assert.rejects(new Shop().check());
    assert.equal(runs, 2);
  });

  test('stands on the async methods of subclasses', async () => {
    @times(2)
    class Base {}
    class Sub extends Base {
      runs = 0;
      async load(): Promise<void> {
        this.runs++;
        throw new Error('down');
      }
      sync(): number {
        return 1;
      }
    }
    const sub = new Sub();
    await assert.rejects(sub.load());
    assert.equal(sub.runs, 2);
    assert.equal(sub.sync(), 1);
  });

  test('leaves super.method() one call', async () => {
    const seen: string[] = [];
    @times(2)
    @concurrency({ limit: 1, maxQueue: 0 })
    class Base {
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
    assert.deepEqual(seen, ['sub', 'base', 'sub', 'base']);
  });

  test('a method named as an alternative is not its own alternative', async () => {
    @fallback('cached', 'stale')
    class Shop {
      async load(): Promise<string> {
        throw new Error('down');
      }
      async cached(): Promise<string> {
        throw new Error('cold');
      }
      async stale(): Promise<string> {
        return 'stale';
      }
    }
    const shop = new Shop();
    assert.equal(await shop.load(), 'stale');
    assert.equal(await shop.cached(), 'stale');
    assert.deepEqual(policiesOf(Shop, 'load')[0].options.alternatives, ['cached', 'stale']);
    assert.deepEqual(policiesOf(Shop, 'cached')[0].options.alternatives, ['stale']);
    assert.deepEqual(policiesOf(Shop, 'stale')[0].options.alternatives, ['cached']);
  });

  describe('fallback with several alternatives', () => {
    const order: string[] = [];

    @fallback('a', 'b')
    class Shop {
      async load(works = ''): Promise<string> {
        return this.fail('load', works);
      }
      async a(works = ''): Promise<string> {
        return this.fail('a', works);
      }
      async b(works = ''): Promise<string> {
        return this.fail('b', works);
      }
      @fallback('aside')
      async special(works = ''): Promise<string> {
        return this.fail('special', works);
      }
      async aside(works = ''): Promise<string> {
        return this.fail('aside', works);
      }
      fail(name: string, works: string): string {
        order.push(name);
        if (name === works) return name;
        throw name;
      }
    }

    /** What is tried in what order, and the errors that it ends with. */
    const tried = async (call: Promise<unknown>): Promise<unknown> => {
      const end = await call.catch((error: unknown) => (error instanceof AllFailedError ? error.errors : { error }));
      return [order.splice(0).join(' '), end];
    };

    test('each is tried once, whichever method it begins with', async () => {
      const shop = new Shop();
      assert.deepEqual(await tried(shop.load()), ['load a b', ['load', 'a', 'b']]);
      assert.deepEqual(await tried(shop.a()), ['a b', ['a', 'b']]);
      assert.deepEqual(await tried(shop.b()), ['b a', ['b', 'a']]);
      assert.deepEqual(await tried(shop.load('b')), ['load a b', 'b']);
      assert.deepEqual(await tried(shop.a('b')), ['a b', 'b']);
    });

    test('each is tried once in a subclass, and one that overrides an alternative', async () => {
      class Sub extends Shop {
        override async a(works = ''): Promise<string> {
          return super.a(works);
        }
        async more(works = ''): Promise<string> {
          return this.fail('more', works);
        }
      }
      assert.deepEqual(await tried(new Sub().load()), ['load a b', ['load', 'a', 'b']]);
      assert.deepEqual(await tried(new Sub().more()), ['more a b', ['more', 'a', 'b']]);
    });

    test('a value is the last resort, after all of them', async () => {
      @fallback({ alternatives: ['a', 'b'], value: 'value' })
      class Valued {
        async load(): Promise<string> {
          order.push('load');
          throw 'load';
        }
        async a(): Promise<string> {
          order.push('a');
          throw 'a';
        }
        async b(works = false): Promise<string> {
          order.push('b');
          if (works) return 'b';
          throw 'b';
        }
      }
      assert.deepEqual(await tried(new Valued().load()), ['load a b', 'value']);
      assert.deepEqual(await tried(new Valued().a()), ['a b', 'value']);
    });

    test('an alternative with a fallback of its own keeps that, and what it names is tried once', async () => {
      @fallback('special', 'b')
      class Outer extends Shop {
        async begin(works = ''): Promise<string> {
          return this.fail('begin', works);
        }
        override async b(works = ''): Promise<string> {
          return this.fail('b', works);
        }
        override async aside(works = ''): Promise<string> {
          return this.fail('aside', works);
        }
      }
      const [names, errors] = (await tried(new Outer().begin())) as [string, unknown[]];
      assert.equal(names, 'begin special aside b');
      assert.ok(errors[1] instanceof AllFailedError);
      assert.deepEqual([errors[0], errors[1].errors, errors[2]], ['begin', ['special', 'aside'], 'b']);
      assert.deepEqual(await tried(new Outer().begin('aside')), ['begin special aside', 'aside']);
    });

    test('calls that the code of an alternative makes itself have their whole fallback', async () => {
      @fallback('a', 'b')
      class Asks {
        async load(): Promise<string> {
          order.push('load');
          throw 'load';
        }
        async a(): Promise<string> {
          order.push('a');
          if (order.length > 3) throw 'a';
          return this.ask();
        }
        async ask(): Promise<string> {
          order.push('ask');
          throw 'ask';
        }
        async b(): Promise<string> {
          order.push('b');
          return 'b';
        }
      }
      assert.deepEqual(await tried(new Asks().load()), ['load a ask a b', 'b']);
    });
  });

  test('an alternative may have the name of the class', {
    skip: !keepsOwnName && 'not under this compiler',
  }, async () => {
    @fallback('Shop')
    class Shop {
      async buy(): Promise<string> {
        throw new Error('sold out');
      }
      async Shop(): Promise<string> {
        return 'bought';
      }
    }
    assert.equal(await new Shop().buy(), 'bought');
  });

  test('the only alternative has no fallback from the class', async () => {
    @fallback('cached')
    class Shop {
      async load(): Promise<string> {
        throw new Error('down');
      }
      async cached(): Promise<string> {
        throw new Error('cold');
      }
    }
    assert.deepEqual(policiesOf(Shop, 'cached'), []);
    await assert.rejects(new Shop().cached(), { message: 'cold' });
    await assert.rejects(new Shop().load(), { name: 'AllFailedError' });
  });

  test('several decorators and @orchestrate on one class add up', async () => {
    @times(2)
    @orchestrate({ concurrency: 3 })
    @value('last resort')
    class Shop {
      async run(): Promise<string> {
        return work();
      }
    }
    await assertBehaviour(new Shop(), { retry: [2, Shop], concurrency: [3, Shop], fallback: ['last resort', Shop] });
    assert.match(explain(Shop), /run\(\): fallback > retry > concurrency > the method/);
  });

  test('counts for each method by itself', async () => {
    @times(2)
    class Shop {
      async buy(): Promise<void> {}
      async sell(): Promise<void> {}
    }
    const shop = new Shop();
    await shop.buy();
    assert.deepEqual([statsOf(Shop, 'buy').calls, statsOf(Shop, 'sell').calls], [1, 0]);
  });
});

describe('a class with a class-level policy', () => {
  const seen: unknown[] = [];

  @times(2)
  class Shop {
    static readonly city = 'Davos';
    static #opened = 0;
    static open(): number {
      Shop.#opened++;
      // biome-ignore lint/complexity/noThisInStatic: private static state by way of `this` is what is tested
      return ++this.#opened;
    }
    static opened(): number {
      return Shop.#opened;
    }
    static itself(): unknown {
      // biome-ignore lint/complexity/noThisInStatic: whether `this` is the class is what is tested
      return this;
    }
    static create(): Shop {
      return new this('made');
    }
    static inner(): unknown {
      return Shop;
    }
    static isShop(value: object): boolean {
      return #stock in value;
    }
    #stock = 1;
    constructor(
      readonly name: string,
      readonly size = 1,
    ) {
      seen.push(new.target);
    }
    stock(): number {
      return this.#stock;
    }
    async load(): Promise<string> {
      return this.name;
    }
  }

  test('keeps name, length and static members', () => {
    assert.equal(Shop.name, 'Shop');
    assert.equal(Shop.length, 1);
    assert.equal(Shop.city, 'Davos');
    assert.equal(Shop.itself(), Shop);
    assert.ok(Shop.create() instanceof Shop);
  });

  if (ownNameIsBare) {
    test('is known by its name in its body as it was written, without the proxy', () => {
      const inner = Shop.inner() as typeof Shop;
      assert.notEqual(inner, Shop);
      assert.deepEqual([inner.name, inner.prototype], ['Shop', Shop.prototype]);
    });

    test('has its static private state by way of its name, but not by way of `this`', () => {
      const before = Shop.opened();
      assert.throws(() => Shop.open(), TypeError);
      assert.equal(Shop.opened(), before + 1);
    });
  } else {
    test('keeps its own name in its body', () => {
      assert.equal(Shop.inner(), Shop);
    });

    test('keeps static private state by way of `this`', () => {
      assert.equal(Shop.open(), 2);
      assert.equal(Shop.opened(), 2);
    });
  }

  test('keeps instanceof, the identity of `constructor`, brand checks and prototypes', () => {
    const shop = new Shop('tea');
    assert.ok(shop instanceof Shop);
    assert.equal(shop.constructor, Shop);
    assert.equal(Shop.prototype.constructor, Shop);
    assert.equal(Object.getPrototypeOf(shop), Shop.prototype);
    assert.deepEqual(Object.getOwnPropertyDescriptor(Shop.prototype, 'constructor'), {
      value: Shop,
      writable: true,
      enumerable: false,
      configurable: true,
    });
    assert.ok(Shop.isShop(shop));
    assert.equal(shop.stock(), 1);
    assert.throws(() => Reflect.apply(Shop as unknown as () => void, undefined, []), TypeError);
  });

  test('keeps new.target, its own and that of a subclass', () => {
    seen.length = 0;
    class Sub extends Shop {}
    new Shop('one');
    const sub = new Sub('two');
    assert.deepEqual(seen, [Shop, Sub]);
    assert.equal(sub.constructor, Sub);
    assert.ok(sub instanceof Sub && sub instanceof Shop);
    assert.equal(Object.getPrototypeOf(Sub), Shop);
    assert.equal(Sub.itself(), Sub);
    assert.ok(Sub.create() instanceof Sub);
  });

  test('may be abstract, or extend a built-in class', async () => {
    @times(2)
    abstract class Base {
      abstract part(): Promise<string>;
      async whole(): Promise<string> {
        return this.part();
      }
    }
    class Sub extends Base {
      runs = 0;
      async part(): Promise<string> {
        if (++this.runs === 1) throw new Error('down');
        return 'part';
      }
    }
    assert.equal(await new Sub().whole(), 'part');

    @times(2)
    class Failure extends Error {
      runs = 0;
      async report(): Promise<string> {
        if (++this.runs === 1) throw this;
        return this.message;
      }
    }
    const failure = new Failure('told');
    assert.ok(failure instanceof Error);
    assert.equal(await failure.report(), 'told');
  });

  test('may be anonymous', newFormOnly, async () => {
    const [Anonymous] = [
      @times(2) // not in the old form
      class {
        runs = 0;
        async load(): Promise<number> {
          if (++this.runs === 1) throw new Error('down');
          return this.runs;
        }
      },
    ];
    assert.equal(Anonymous.name, '');
    assert.equal(await new Anonymous().load(), 2);
  });

  test('that has decorated methods too keeps all of it', async () => {
    @concurrency(2)
    class Both {
      @times(2)
      async load(): Promise<string> {
        return 'loaded';
      }
    }
    class Heir extends Both {}
    @times(2)
    class Decorated extends Both {}
    // Their constructions are seen without a proxy in their place.
    for (const type of [Both, Heir, Decorated]) assert.ok(!types.isProxy(type), type.name);
    const both = new Both();
    assert.ok(both instanceof Both);
    assert.equal(both.constructor, Both);
    assert.equal(Both.name, 'Both');
    assert.deepEqual(
      policiesOf(both, 'load').map(({ kind, declaredBy }) => [kind, declaredBy]),
      [
        ['retry', Both],
        ['concurrency', Both],
      ],
    );
  });
});
