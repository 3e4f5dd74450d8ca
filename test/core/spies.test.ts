import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import { concurrency, policiesOf, retry, statsOf } from 'opero';
import { deferred } from '../support/deferred.js';
import { type Owner, tools } from '../support/spies.js';

const times = (maxAttempts: number) => retry({ maxAttempts, waitMin: 0 });
const kinds = (subject: object, name: PropertyKey): string[] => policiesOf(subject, name).map(({ kind }) => kind);

/** What the code under test did: how often it was entered, and how many ran at most at once. */
const probe = { entered: 0, running: 0, most: 0, fails: true };

/** Fails twice, then works. */
async function work(): Promise<string> {
  probe.entered++;
  probe.most = Math.max(probe.most, ++probe.running);
  await undefined;
  probe.running--;
  if (probe.fails && probe.entered % 3 !== 0) throw new Error(`attempt ${probe.entered}`);
  return 'done';
}

interface Loader {
  get(): Promise<string>;
}

interface Family {
  readonly Type: new () => Loader;
  /** Whether the class is linked by its first construction, with a method that does not call `super`. */
  readonly isUnseen?: boolean;
}

/** Classes whose method has policies, for each reason that there is. */
const families: Readonly<Record<string, () => Family>> = {
  'a class-level policy': () => {
    @times(3)
    @concurrency(1)
    class Type {
      async get(): Promise<string> {
        return work();
      }
    }
    return { Type };
  },
  'decorators on the method': () => {
    class Type {
      @times(3)
      @concurrency(1)
      async get(): Promise<string> {
        return work();
      }
    }
    return { Type };
  },
  'decorators on the class and on the method': () => {
    @times(3)
    class Type {
      @concurrency(1)
      async get(): Promise<string> {
        return work();
      }
    }
    return { Type };
  },
  'an override that calls super': () => {
    class Base {
      @times(3)
      @concurrency(1)
      async get(): Promise<string> {
        return work();
      }
    }
    class Type extends Base {
      override async get(): Promise<string> {
        return super.get();
      }
    }
    return { Type };
  },
  'an override that does not': () => {
    class Base {
      @times(3)
      @concurrency(1)
      async get(): Promise<string> {
        return '';
      }
    }
    class Type extends Base {
      override async get(): Promise<string> {
        return work();
      }
    }
    return { Type, isUnseen: true };
  },
  'an inherited method': () => {
    class Base {
      @times(3)
      @concurrency(1)
      async get(): Promise<string> {
        return work();
      }
    }
    class Type extends Base {}
    return { Type };
  },
  'a method that a class-level policy of the base reaches': () => {
    @times(3)
    @concurrency(1)
    class Base {}
    class Type extends Base {
      async get(): Promise<string> {
        return work();
      }
    }
    return { Type, isUnseen: true };
  },
  'a method that it inherits from there': () => {
    @times(3)
    @concurrency(1)
    class Base {
      async get(): Promise<string> {
        return work();
      }
    }
    class Type extends Base {}
    return { Type };
  },
};

const ownerOf = (Type: new () => Loader): Owner => Type.prototype as unknown as Owner;

/** Fails unless each call has its policies, and counts once. */
async function assertGoverned(Type: new () => Loader, loader: Loader): Promise<void> {
  assert.deepEqual(kinds(Type, 'get'), ['retry', 'concurrency']);
  const { calls, attempts } = statsOf(Type, 'get');
  Object.assign(probe, { entered: 0, most: 0, fails: true });
  assert.equal(await loader.get(), 'done');
  assert.equal(probe.entered, 3);
  probe.fails = false;
  await Promise.all([loader.get(), loader.get(), loader.get()]);
  assert.equal(probe.most, 1);
  const after = statsOf(Type, 'get');
  assert.deepEqual([after.calls - calls, after.attempts - attempts], [4, 6]);
}

/** Fails unless what stands there sees each call once, and what it calls through to runs one pipeline. */
async function assertSeenOnce(Type: new () => Loader, loader: Loader, spy: { fn: unknown; calls(): number }) {
  assert.equal(Type.prototype.get, spy.fn);
  const seen = spy.calls();
  await assertGoverned(Type, loader);
  assert.equal(spy.calls() - seen, 4);
  assert.equal(Type.prototype.get, spy.fn);
}

for (const [tool, put] of Object.entries(tools)) {
  describe(`${tool} on`, () => {
    for (const [name, make] of Object.entries(families)) {
      test(`${name}: put there after the first construction, and taken away`, async () => {
        const { Type } = make();
        const loader = new Type();
        const spy = put(ownerOf(Type));
        await assertSeenOnce(Type, loader, spy);
        await assertSeenOnce(Type, new Type(), spy);
        spy.restore();
        await assertGoverned(Type, loader);
        await assertGoverned(Type, new Type());
      });

      test(`${name}: put there after somebody asked for its policies, and taken away after the first construction`, async () => {
        const { Type } = make();
        assert.equal(policiesOf(Type, 'get').length, 2);
        const spy = put(ownerOf(Type));
        const loader = new Type();
        await assertSeenOnce(Type, loader, spy);
        spy.restore();
        await assertGoverned(Type, loader);
        await assertGoverned(Type, new Type());
      });

      test(`${name}: put there and taken away before the first construction`, async () => {
        const { Type } = make();
        const spy = put(ownerOf(Type));
        spy.restore();
        await assertGoverned(Type, new Type());
        assert.equal(spy.calls(), 0);
      });

      test(`${name}: put there before the first construction, and taken away after it`, async () => {
        const { Type, isUnseen } = make();
        const spy = put(ownerOf(Type));
        const loader = new Type();
        // By hand, it looks like a method that somebody gave the class; and what it calls cannot be seen any more.
        const isTaken = tool === 'an assignment' && Type.prototype.get !== spy.fn;
        if (isTaken) await assertGoverned(Type, loader);
        else if (isUnseen) await assertBare(Type, loader, spy);
        else await assertSeenOnce(Type, loader, spy);
        spy.restore();
        await assertGoverned(Type, new Type());
        await assertGoverned(Type, loader);
        const seen = spy.calls();
        await new Type().get();
        assert.equal(spy.calls(), seen);
      });

      test(`${name}: taken away without another construction, its policies are told and in force once somebody asks`, async () => {
        const { Type } = make();
        const spy = put(ownerOf(Type));
        const loader = new Type();
        spy.restore();
        await assertGoverned(Type, loader);
      });
    }

    test('a static method: it sees each call once, and the policies stay', async () => {
      class Base {
        readonly size = 1;
        @times(3)
        @concurrency(1)
        static async get(): Promise<string> {
          return work();
        }
      }
      class Sub extends Base {}
      for (const Type of [Sub, Base]) {
        const spy = put(Type as unknown as Owner);
        assert.deepEqual(kinds(Type, 'get'), tool === 'an assignment' && Type === Sub ? [] : ['retry', 'concurrency']);
        probe.entered = 0;
        probe.fails = true;
        assert.equal(await Type.get(), 'done');
        assert.deepEqual([probe.entered, spy.calls()], [3, 1]);
        spy.restore();
        const seen = spy.calls();
        assert.deepEqual(kinds(Type, 'get'), ['retry', 'concurrency']);
        assert.equal(await Type.get(), 'done');
        assert.deepEqual([probe.entered, spy.calls(), statsOf(Type, 'get').calls], [6, seen, 2]);
      }
    });
  });
}

/** Where nothing of opero's can be behind a spy, it is called as it is: once. */
async function assertBare(Type: new () => Loader, loader: Loader, spy: { fn: unknown; calls(): number }) {
  Object.assign(probe, { entered: 0, fails: true });
  await assert.rejects(loader.get(), { message: 'attempt 1' });
  assert.equal(spy.calls(), 1);
  assert.equal(Type.prototype.get, spy.fn);
}

describe('spies of node:test', () => {
  /** An override that calls super, and one that does not. */
  const overrides = (): Record<'calling' | 'lone', new () => Loader> => {
    class Base {
      @times(3)
      @concurrency(1)
      async get(): Promise<string> {
        return work();
      }
    }
    return {
      calling: class extends Base {
        override async get(): Promise<string> {
          return super.get();
        }
      },
      lone: class extends Base {
        override async get(): Promise<string> {
          return work();
        }
      },
    };
  };

  for (const kind of ['calling', 'lone'] as const) {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      test(`two on one method (${kind} override), taken away in the order ${order}, with constructions between`, async () => {
        const Type = overrides()[kind];
        const own = Type.prototype.get;
        const first = mock.method(Type.prototype, 'get');
        const loader = new Type();
        const spies = [first, mock.method(Type.prototype, 'get')];
        for (const at of order) {
          new Type();
          spies[at].mock.restore();
        }
        if (Type.prototype.get === first) {
          // In this order it puts the first spy back, which calls through for good: as node:test's own restoreAll() does.
          new Type();
          if (kind === 'calling') await assertGoverned(Type, loader);
          else assert.deepEqual([Type.prototype.get, statsOf(Type, 'get').calls], [first, 0]);
          Type.prototype.get = own;
        }
        await assertGoverned(Type, new Type());
        await assertGoverned(Type, loader);
      });
    }
  }

  test('may come and go: each time the policies are in force once again', async () => {
    const Type = overrides().lone;
    for (let i = 0; i < 3; i++) {
      const spy = mock.method(Type.prototype, 'get');
      const loader = new Type();
      spy.mock.restore();
      await assertGoverned(Type, new Type());
      await assertGoverned(Type, loader);
    }
  });

  test('taken away, leave the policies in force from the next construction on, whether anybody asks or not', async () => {
    const Type = overrides().lone;
    const spy = mock.method(Type.prototype, 'get');
    const loader = new Type();
    new Type();
    spy.mock.restore();
    new Type();
    Object.assign(probe, { entered: 0, fails: true });
    assert.equal(await loader.get(), 'done');
    assert.equal(probe.entered, 3);
  });

  test('taken away from a base, leave the policies in force on its subclasses', async () => {
    const Base = overrides().lone;
    class Sub extends Base {}
    class Other extends Base {
      override async get(): Promise<string> {
        return super.get();
      }
    }
    const spy = mock.method(Base.prototype, 'get');
    const loaders = [new Sub(), new Other()];
    spy.mock.restore();
    for (const [at, Type] of [Sub, Other].entries()) {
      await assertGoverned(Type, new Type());
      await assertGoverned(Type, loaders[at]);
    }
  });

  test('keep a limit: who waits before they go is served before who comes after', async () => {
    const gate = deferred();
    const seen: string[] = [];
    class Base {
      @concurrency(1)
      async get(name: string): Promise<void> {
        seen.push(`${name} in`);
        await gate.promise;
        seen.push(`${name} out`);
      }
    }
    class Sub extends Base {
      override async get(name: string): Promise<void> {
        return super.get(name);
      }
    }
    const spy = mock.method(Sub.prototype, 'get');
    const calls = [new Sub().get('spied')];
    spy.mock.restore();
    calls.push(new Sub().get('own'));
    gate.resolve();
    await Promise.all(calls);
    assert.deepEqual(seen, ['spied in', 'spied out', 'own in', 'own out']);
    assert.equal(statsOf(Sub, 'get').calls, 2);
  });

  test('on an instance see each call once', async () => {
    for (const [name, make] of Object.entries(families)) {
      const { Type } = make();
      const loader = new Type();
      const spy = mock.method(loader, 'get');
      await assertGoverned(Type, loader);
      assert.equal(spy.mock.callCount(), 4, name);
      spy.mock.restore();
      await assertGoverned(Type, loader);
    }
  });

  test('that put something else in the place of a method have it called as it is, whenever they come', async () => {
    for (const [name, make] of Object.entries(families)) {
      for (const isEarly of [true, false]) {
        const { Type } = make();
        if (!isEarly) new Type();
        const stub = mock.method(Type.prototype, 'get', async () => {
          throw new Error('stub');
        });
        await assert.rejects(new Type().get(), { message: 'stub' }, name);
        // Nor does it get policies when somebody asks about the class.
        policiesOf(Type, 'get');
        await assert.rejects(new Type().get(), { message: 'stub' }, name);
        assert.equal(stub.mock.callCount(), 2, name);
        stub.mock.restore();
        await assertGoverned(Type, new Type());
      }
    }
  });
});

describe('what a program puts in the place of a method for good', () => {
  test('is governed, where it is no spy, and is seen once it has gone', async () => {
    const Base = families['decorators on the method']().Type;
    class Sub extends Base {}
    const own = async (): Promise<string> => work();
    Sub.prototype.get = own;
    const loader = new Sub();
    await assertGoverned(Sub, loader);
    Sub.prototype.get = async () => 'another';
    assert.equal(await new Sub().get(), 'another');
    Reflect.deleteProperty(Sub.prototype, 'get');
    await assertGoverned(Sub, new Sub());
    await assertGoverned(Sub, loader);
  });

  test('is governed, written `async` or not, by decorators on the method of the base', async () => {
    for (const own of [() => work(), async () => work()]) {
      const Base = families['decorators on the method']().Type;
      class Sub extends Base {}
      Sub.prototype.get = own;
      await assertGoverned(Sub, new Sub());
      assert.notEqual(Sub.prototype.get, own);
    }
  });

  test('is governed by a class-level policy of the base where it was written `async`; else it stays as it is', async () => {
    for (const [own, isGoverned] of [
      [async () => work(), true],
      [() => work(), false],
    ] as const) {
      const Base = families['a method that it inherits from there']().Type;
      class Sub extends Base {}
      Sub.prototype.get = own;
      const loader = new Sub();
      assert.equal(Sub.prototype.get !== own, isGoverned);
      if (isGoverned) await assertGoverned(Sub, loader);
    }
  });

  test('is governed where the class calls the method of its base for another one alone', async () => {
    class Base {
      @times(3)
      @concurrency(1)
      async get(): Promise<string> {
        return '';
      }
      close(): void {}
    }
    class Sub extends Base {
      override async get(): Promise<string> {
        return work();
      }
      override close(): void {
        super.close();
      }
    }
    const written = Sub.prototype.get;
    let calls = 0;
    Sub.prototype.get = function (...args) {
      calls++;
      return Reflect.apply(written, this, args);
    };
    await assertGoverned(Sub, new Sub());
    assert.equal(calls, 6);
  });

  test('is governed where a decorator of another library put it', async () => {
    const counted = { calls: 0 };
    const counting = <Fn extends (this: never) => Promise<string>>(
      method: Fn,
      _context: ClassMethodDecoratorContext,
    ): Fn =>
      function (this: never) {
        counted.calls++;
        return method.call(this);
      } as unknown as Fn;
    class Base {
      @times(3)
      @concurrency(1)
      async get(): Promise<string> {
        return work();
      }
    }
    class Sub extends Base {
      @counting
      override async get(): Promise<string> {
        return super.get();
      }
    }
    await assertGoverned(Sub, new Sub());
    assert.equal(counted.calls, 6);
  });
});
