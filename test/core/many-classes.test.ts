import { strict as assert } from 'node:assert';
import { describe, type TestContext, test } from 'node:test';
import {
  type AnyClass,
  concurrency,
  decorate,
  decorateInstance,
  explain,
  fallback,
  policiesOf,
  retry,
  statsOf,
} from 'opero';

test('1,000 service classes of one process each have their own limits, counts and policies', async () => {
  class Base {
    @retry({ maxAttempts: 2, waitMin: 0 })
    @concurrency(1)
    async load(id: number): Promise<string> {
      await undefined;
      return `${id}`;
    }
  }
  /** How many attempts a class of its own policies makes. */
  const attemptsOf = (n: number): number => 3 + (n % 7);
  const make = (n: number) => {
    if (n % 3 === 0) return class extends Base {};
    if (n % 3 === 1) {
      return class extends Base {
        override async load(id: number): Promise<string> {
          return `${n}: ${await super.load(id)}`;
        }
      };
    }
    return class extends Base {
      @retry({ maxAttempts: attemptsOf(n), waitMin: 0 })
      @fallback(async () => 'stood in')
      override async load(id: number): Promise<string> {
        if (id === 0) throw new Error('zero');
        return super.load(id);
      }
    };
  };
  const types = Array.from({ length: 1000 }, (_, n) => make(n));
  const calls = types.flatMap((Type) => {
    const service = new Type();
    return [service.load(1), service.load(0)];
  });
  // One slot for each class: two calls of one class wait for each other, those of others do not.
  const running = types.map((Type) => statsOf(Type, 'load').running);
  assert.deepEqual([...new Set(running)], [1]);
  const results = await Promise.all(calls);
  types.forEach((Type, n) => {
    const prefix = n % 3 === 1 ? `${n}: ` : '';
    assert.deepEqual(results.slice(n * 2, n * 2 + 2), [`${prefix}1`, n % 3 === 2 ? 'stood in' : `${prefix}0`]);
    const { calls: made, attempts } = statsOf(Type, 'load');
    assert.deepEqual([made, attempts], [2, n % 3 === 2 ? 1 + attemptsOf(n) : 2], `class ${n}`);
    const [first] = policiesOf(Type, 'load').filter(({ kind }) => kind === 'retry');
    assert.equal(first.options.maxAttempts, n % 3 === 2 ? attemptsOf(n) : 2);
    assert.equal(first.declaredBy, n % 3 === 2 ? Type : (Base as AnyClass));
  });
  assert.match(explain(types[999]), /load\(\): retry > concurrency > the method/);
});

describe('decorate, and decorateInstance,', () => {
  /** How often metadata is looked at while something is done. */
  function looksOf(t: TestContext, act: () => void): number {
    const looks = t.mock.method(Reflect, 'getOwnMetadata');
    act();
    const count = looks.mock.callCount();
    looks.mock.restore();
    return count;
  }

  test('cost as much where there are many classes and objects as where there are few', (t) => {
    class Client {
      async load(): Promise<void> {}
    }
    decorate(Client, { load: { retry: 2 } });
    const others: object[] = [];
    const makeOther = (): void => {
      const Other = class {
        async load(): Promise<void> {}
      };
      decorate(Other, { load: { retry: 2 } });
      others.push(new Other(), decorateInstance(new Client(), { load: { concurrency: 1 } }));
    };
    const costOfClass = (): number => looksOf(t, makeOther);
    const costOfObject = (): number =>
      looksOf(t, () => others.push(decorateInstance(new Client(), { load: { concurrency: 1 } })));
    const before = [costOfClass(), costOfObject()];
    for (let n = 0; n < 50; n++) makeOther();
    assert.deepEqual([costOfClass(), costOfObject()], before);
    assert.equal(others.length, 106);
  });

  test('reach the subclasses, and the objects with policies of their own, that have been called already', async () => {
    class Client {
      async load(): Promise<void> {}
    }
    class Special extends Client {}
    decorate(Special, { load: { retry: 2 } });
    const special = new Special();
    const own = decorateInstance(new Special(), { load: { concurrency: 1 } });
    await special.load();
    await own.load();
    decorate(Client, { load: { timeout: 1000 } });
    const kindsOf = (subject: object): string[] => policiesOf(subject, 'load').map(({ kind }) => kind);
    assert.deepEqual([special, own, new Client()].map(kindsOf), [
      ['retry', 'timeout'],
      ['retry', 'timeout', 'concurrency'],
      ['timeout'],
    ]);
    decorateInstance(own, { load: { circuitBreaker: true } });
    assert.deepEqual(kindsOf(own), ['retry', 'circuitBreaker', 'timeout', 'concurrency']);
    assert.deepEqual(kindsOf(special), ['retry', 'timeout']);
    await Promise.all([special.load(), own.load(), new Client().load()]);
  });
});
