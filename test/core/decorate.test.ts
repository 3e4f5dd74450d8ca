import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  type AnyClass,
  ConfigurationError,
  concurrency,
  configure,
  currentCall,
  decorate,
  decorateInstance,
  definePolicy,
  explain,
  Orchestrator,
  orchestrate,
  policiesOf,
  RejectedError,
  register,
  retry,
  statsOf,
  TimeoutError,
} from 'opero';
import { deferred } from '../support/deferred.js';
import { decorateOld, type OldDecorator } from '../support/old-decorate.js';

const thrice = { maxAttempts: 3, waitMin: 0 };
const kindsOf = (subject: object, name: PropertyKey): string[] => policiesOf(subject, name).map(({ kind }) => kind);
const audit = definePolicy({ kind: 'audit', stage: 'call', around: (next) => next() });

function fails(run: () => unknown, message: string | RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigurationError, String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

/** The functions as JavaScript has them, where nothing checks types. */
const put = decorate as (type: unknown, policies?: unknown) => unknown;
const putOnObject = decorateInstance as (object: unknown, policies?: unknown) => unknown;

/** Fails twice, then works. */
class Flaky {
  runs = 0;
  attempt(): number {
    if (++this.runs < 3) throw new Error(`attempt ${this.runs}`);
    return this.runs;
  }
}

/** A client of somebody else, and a subclass of it, new ones each time. */
const vendors = () => {
  class Client extends Flaky {
    static runs = 0;
    static async connect(): Promise<number> {
      if (++Client.runs < 3) throw new Error('no answer');
      return Client.runs;
    }
    async get(_id: string, _options?: { signal?: AbortSignal }): Promise<number> {
      return this.attempt();
    }
    async list(): Promise<number> {
      return this.attempt();
    }
    async cached(_id: string): Promise<number> {
      return -1;
    }
    send(): Promise<number> {
      return Promise.resolve(this.runs);
    }
    size(): number {
      return 1;
    }
  }
  class Special extends Client {
    override async get(_id: string): Promise<number> {
      return this.attempt();
    }
    async more(): Promise<number> {
      return this.attempt();
    }
  }
  return { Client, Special };
};

/** The same client, and a subclass of it whose `get` notes the signal that it gets as `abortSignal`. */
const vendorsWithAbortSignal = () => {
  const { Client } = vendors();
  class Sub extends Client {
    seen: unknown;
    override async get(_id: string, options?: { signal?: AbortSignal; abortSignal?: AbortSignal }): Promise<number> {
      this.seen = options?.abortSignal;
      return this.attempt();
    }
  }
  return { Client, Sub };
};

describe('decorate()', () => {
  test('puts policies on instance and static methods, and gives the class', async () => {
    const { Client } = vendors();
    const Same: typeof Client = decorate(Client, {
      get: { retry: thrice, concurrency: 1 },
      'static connect': [retry(thrice), audit()],
    });
    assert.equal(Same, Client);
    assert.equal(await new Client().get('a'), 3);
    assert.equal(await Client.connect(), 3);
    assert.deepEqual(kindsOf(Client, 'get'), ['retry', 'concurrency']);
    assert.deepEqual(kindsOf(Client, 'connect'), ['audit', 'retry']);
    assert.equal(policiesOf(Client, 'get')[0]?.declaredBy, Client);
    assert.deepEqual(policiesOf(Client, 'list'), []);
    assert.equal(statsOf(Client, 'get').attempts, 3);
  });

  test('keeps name, length and attributes of a method, and what others keep on it', () => {
    const { Client } = vendors();
    const { get } = Client.prototype;
    Object.assign(get, { route: '/get' });
    Reflect.defineMetadata('route', '/get', get);
    const before = Object.getOwnPropertyDescriptor(Client.prototype, 'get');
    decorate(Client, { get: { retry: 3 } });
    const after = Object.getOwnPropertyDescriptor(Client.prototype, 'get');
    assert.notEqual(after?.value, get);
    assert.deepEqual({ ...after, value: 0 }, { ...before, value: 0 });
    assert.deepEqual([after?.value.name, after?.value.length, after?.value.route], ['get', 2, '/get']);
    assert.equal(Reflect.getOwnMetadata('route', after?.value), '/get');
  });

  test("'*' is the class level: its async methods, and those of linked subclasses", async () => {
    const { Client, Special } = vendors();
    decorate(Client, { '*': { retry: thrice }, list: { retry: { ...thrice, maxAttempts: 2 } } });
    assert.equal(await new Client().get('a'), 3);
    await assert.rejects(new Client().list(), { message: 'attempt 2' });
    for (const name of ['send', 'size', 'attempt']) assert.deepEqual(kindsOf(Client, name), [], name);
    assert.deepEqual(kindsOf(Special, 'more'), []);
    register(Special);
    assert.equal(await new Special().more(), 3);
    assert.deepEqual(kindsOf(Special, 'more'), ['retry']);
  });

  test("'*' takes decorators too", () => {
    const { Client } = vendors();
    decorate(Client, { '*': [retry(3), concurrency(2)] });
    assert.deepEqual(kindsOf(Client, 'get'), ['retry', 'concurrency']);
  });

  test('governs instances that are there, and later ones; objects made without a constructor too', async () => {
    const { Client } = vendors();
    const early = new Client();
    await assert.rejects(early.get('a'));
    decorate(Client, { get: { retry: thrice } });
    assert.equal(await early.get('a'), 2 + 1);
    assert.equal(await new Client().get('a'), 3);
    const made: InstanceType<typeof Client> = Object.assign(Object.create(Client.prototype), { runs: 0 });
    assert.equal(await made.get('a'), 3);
  });

  test('may be called again: for other kinds, also after calls, whose limits stay', async () => {
    const { Client } = vendors();
    const gate = deferred();
    class Waiting extends Client {
      override async list(): Promise<number> {
        await gate.promise;
        return 1;
      }
    }
    decorate(Waiting, { list: { concurrency: { limit: 1, maxQueue: 0 } } });
    const waiting = new Waiting();
    const running = waiting.list();
    decorate(Waiting, { list: { fallback: { value: 7 } }, get: { retry: thrice } });
    assert.equal(await waiting.list(), 7);
    assert.equal(await waiting.get('a'), 3);
    gate.resolve();
    assert.equal(await running, 1);
    assert.deepEqual(kindsOf(Waiting, 'list'), ['fallback', 'concurrency']);
    assert.equal(statsOf(Waiting, 'list').calls, 2);
    fails(
      () => decorate(Waiting, { list: { concurrency: 2 } }),
      'decorate() of Waiting.list: it has a concurrency policy already; give each kind once',
    );
  });

  test('leads into the same record as decorators of both forms', async () => {
    const made: Flaky[] = [];
    class New extends Flaky {
      @retry(thrice)
      async load(): Promise<number> {
        made.push(this);
        return this.attempt();
      }
    }
    class Old extends Flaky {
      async load(): Promise<number> {
        made.push(this);
        return this.attempt();
      }
    }
    decorateOld([retry(thrice) as unknown as OldDecorator], Old.prototype, 'load');
    for (const Type of [New, Old]) {
      const { load } = Type.prototype;
      const before = new Type();
      assert.equal(await before.load(), 3);
      decorate(Type, { load: { concurrency: 1, timeout: 60_000 }, attempt: undefined } as never);
      assert.equal(Type.prototype.load, load);
      assert.equal(await new Type().load(), 3);
      assert.deepEqual(kindsOf(Type, 'load'), ['retry', 'timeout', 'concurrency']);
      assert.equal(statsOf(Type, 'load').calls, 2);
      fails(() => decorate(Type, { load: { retry: 2 } }), /it has a retry policy already/);
    }
  });

  test('with a foreign wrapper on a decorated method, calls run one pipeline', async () => {
    let passed = 0;
    class Shop extends Flaky {
      @retry(thrice)
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    const { load } = Shop.prototype;
    Shop.prototype.load = function (this: Shop) {
      passed++;
      return load.call(this);
    };
    decorate(Shop, { load: { concurrency: { limit: 1, maxQueue: 0 } } });
    assert.equal(await new Shop().load(), 3);
    assert.deepEqual([passed, statsOf(Shop, 'load').calls], [3, 1]);
  });

  test('inherit, signalAt and true are options of a method', async () => {
    const { Client, Sub } = vendorsWithAbortSignal();
    const client = new Sub();
    decorate(Client, { get: { fallback: { value: 5 } }, list: { retry: true, circuitBreaker: true } });
    decorate(Sub, {
      get: { inherit: false, timeout: 60_000, retry: thrice, signalAt: { argument: 1, name: 'abortSignal' } },
    });
    assert.equal(await client.get('a'), 3);
    assert.ok(client.seen instanceof AbortSignal);
    assert.deepEqual(kindsOf(Sub, 'get'), ['retry', 'timeout']);
    assert.equal(policiesOf(Client, 'list')[0]?.options.maxAttempts, 3);
    fails(
      () => decorate(Sub, { get: { signalAt: { argument: 0 } } }),
      'decorate() of Sub.get: it has a signalAt already; give it once',
    );
  });

  test('so they are of a decorator among others, whatever comes after it', async () => {
    const { Client, Sub } = vendorsWithAbortSignal();
    const client = new Sub();
    put(Client, { get: [audit()] });
    put(Sub, {
      get: [
        orchestrate({ inherit: false, timeout: 60_000, signalAt: { argument: 1, name: 'abortSignal' } }),
        retry(thrice),
      ],
    });
    assert.equal(await client.get('a'), 3);
    assert.ok(client.seen instanceof AbortSignal);
    assert.deepEqual(kindsOf(Sub, 'get'), ['retry', 'timeout']);
  });

  test('a symbol that names nothing, and what is no object, are told of', () => {
    const { Client } = vendors();
    fails(() => put(Client, { [Symbol('none')]: { retry: 3 } }), /Symbol\(none\)/);
    fails(() => decorateInstance(5 as never, {}), 'decorateInstance(): expected an object, got 5');
  });

  test('policies of one’s own go by their kind, and as decorators', () => {
    const { Client } = vendors();
    put(Client, { get: { audit: {} }, list: { audit: true }, send: [audit()] });
    for (const name of ['get', 'list', 'send']) assert.deepEqual(kindsOf(Client, name), ['audit'], name);
  });

  test('hooks have the object as `this`, and are told of the call', async () => {
    const { Client } = vendors();
    const told: unknown[] = [];
    decorate(Client, {
      get: {
        retry: {
          ...thrice,
          onRetry({ args: [id], method, attempt }) {
            told.push(this.runs, id, method, attempt);
          },
        },
        rateLimit: { rate: 1000, key: (id) => id },
        fallback: ['cached'],
      },
    });
    assert.equal(await new Client().get('a'), 3);
    assert.deepEqual(told, [1, 'a', 'Client.get', 1, 2, 'a', 'Client.get', 2]);
  });

  test('the code of a method has its call', async () => {
    class Shop {
      async load(): Promise<number> {
        const { attempt } = currentCall();
        if (attempt < 3) throw new Error('down');
        return attempt;
      }
    }
    decorate(Shop, { load: { retry: thrice } });
    assert.equal(await new Shop().load(), 3);
  });

  test('symbols and numbers are names', async () => {
    const load = Symbol('load');
    class Shop extends Flaky {
      async [load](): Promise<number> {
        return this.attempt();
      }
      async 5(): Promise<number> {
        return this.attempt();
      }
      async 'static 7'(): Promise<number> {
        return this.attempt();
      }
      static async 7(): Promise<number> {
        return 7;
      }
    }
    decorate(Shop, { [load]: { retry: thrice }, 5: { retry: thrice }, 'static 7': { retry: thrice } });
    assert.deepEqual([await new Shop()[load](), await new Shop()[5](), await new Shop()['static 7']()], [3, 3, 3]);
    assert.deepEqual(policiesOf(Shop, 7), []);
  });
});

describe('decorate() and inheritance', () => {
  test('an inherited method is governed from that class down, in one pipeline with what its base has', async () => {
    const { Client } = vendors();
    class Sub extends Client {}
    class Leaf extends Sub {
      override async get(id: string): Promise<number> {
        return super.get(id);
      }
    }
    decorate(Client, { get: { concurrency: { limit: 1, maxQueue: 0 } }, list: { timeout: 60_000 } });
    decorate(Sub, { get: { retry: thrice }, list: { retry: thrice }, 'static connect': { retry: thrice } });
    await assert.rejects(new Client().get('a'), { message: 'attempt 1' });
    const sub = new Sub();
    assert.equal(await sub.get('a'), 3);
    assert.deepEqual(kindsOf(Sub, 'get'), ['retry', 'concurrency']);
    assert.deepEqual(kindsOf(Sub, 'list'), ['retry', 'timeout']);
    assert.deepEqual([Sub.prototype.get.name, Sub.prototype.get.length], ['get', 2]);
    assert.equal(Object.getOwnPropertyDescriptor(Sub.prototype, 'get')?.enumerable, false);
    assert.equal(statsOf(Sub, 'get').calls, 1);
    assert.equal(await Sub.connect(), 3);
    assert.deepEqual(kindsOf(Client, 'connect'), []);
    assert.equal(await new Leaf().get('a'), 3);
    register(Leaf);
    assert.equal(await new Leaf().get('a'), 3);
    assert.equal(statsOf(Leaf, 'get').calls, 2);
  });

  test('a method of the base that is replaced later is the one that is called', async () => {
    const { Client } = vendors();
    class Sub extends Client {}
    decorate(Sub, { get: { retry: thrice } });
    Client.prototype.get = async () => 42;
    assert.equal(await new Sub().get('a'), 42);
  });

  test('an override that nothing sees has nothing; register links it, and decorate the class itself', async () => {
    const { Client, Special } = vendors();
    decorate(Client, { get: { retry: thrice } });
    await assert.rejects(new Special().get('a'), { message: 'attempt 1' });
    assert.match(explain(Special), /get\(\): without policies, as nobody has linked Special; call register\(Special\)/);
    decorate(Special, { more: { retry: thrice } });
    assert.equal(await new Special().get('a'), 3);
    assert.equal(await new Special().more(), 3);
    assert.deepEqual(kindsOf(Special, 'get'), ['retry']);
  });

  test('subclasses that were linked before get what comes later', async () => {
    const { Client, Special } = vendors();
    decorate(Client, { list: { retry: thrice } });
    register(Special);
    const special = new Special();
    assert.equal(await special.list(), 3);
    await assert.rejects(new Special().get('a'));
    decorate(Client, { get: { retry: thrice } });
    assert.equal(await new Special().get('a'), 3);
    assert.equal(await Object.assign(special, { runs: 0 }).get('a'), 3);
    await assert.rejects(new Special().more());
    decorate(Client, { '*': { retry: thrice } });
    assert.equal(await new Special().more(), 3);
    assert.equal(statsOf(Special, 'get').calls, 2);
  });

  test('an override that was linked, and called, before is one call with its own policies from then on', async () => {
    const { Client, Special } = vendors();
    decorate(Client, { '*': { retry: thrice } });
    register(Special);
    assert.equal(await new Special().get('a'), 3);
    decorate(Special, { get: { fallback: { value: 9 }, concurrency: { limit: 1, maxQueue: 0 } } });
    assert.equal(await new Special().get('a'), 3);
    assert.deepEqual(kindsOf(Special, 'get'), ['fallback', 'retry', 'concurrency']);
    assert.equal(statsOf(Special, 'get').attempts, 6);
  });

  test('of a class that was constructed and called before, in the new form, subclasses get it too', async () => {
    class Base extends Flaky {
      @retry(thrice)
      async load(): Promise<number> {
        return this.attempt();
      }
      async other(): Promise<number> {
        return this.attempt();
      }
    }
    class Sub extends Base {
      override async other(): Promise<number> {
        return this.attempt();
      }
    }
    assert.equal(await new Sub().load(), 3);
    decorate(Base, { other: { retry: thrice } });
    assert.equal(await new Sub().other(), 3);
    assert.equal(await new Base().other(), 3);
  });

  test('configurations reach what decorate has put there', async () => {
    const { Client } = vendors();
    decorate(Client, { get: { retry: thrice } });
    const restore = configure(Client, 'get', { retry: { maxAttempts: 2 } });
    await assert.rejects(new Client().get('a'), { message: 'attempt 2' });
    restore();
    assert.equal(await new Client().get('a'), 3);
  });

  test('a class with a class-level policy, behind its proxy or not', async () => {
    @retry(thrice)
    class Shop extends Flaky {
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    decorate(Shop, { load: { concurrency: 1 } });
    assert.equal(await new Shop().load(), 3);
    assert.deepEqual(kindsOf(Shop, 'load'), ['retry', 'concurrency']);
    fails(() => decorate(Shop, { '*': { retry: 2 } }), /Shop\.\*: it has a retry policy already/);
  });

  test('functions with methods, as classes are made of for old engines, are classes', async () => {
    const Old = new Function(`
      function Old() { this.runs = 0; }
      Old.prototype.load = async function () { if (++this.runs < 3) throw new Error('down'); return this.runs; };
      return Old;
    `)() as { new (): { load(): Promise<number> }; prototype: { load(): Promise<number> } };
    decorate(Old, { load: { retry: thrice } });
    assert.equal(await new Old().load(), 3);
    assert.equal(register(Old), Old);
  });

  test('a function that is not strict gives none of what the language keeps on such ones', () => {
    const Old = new Function(`
      function Old() {}
      Old.prototype.load = function load(id) { return Promise.resolve(id); };
      Old.prototype.load.route = '/load';
      return Old;
    `)() as { new (): object; prototype: { load(id: string): Promise<string> } };
    const { load } = Old.prototype;
    // V8 of Node 26 keeps them on the prototype of all functions.
    const isOwn = Number(process.versions.node.split('.')[0]) < 26;
    assert.deepEqual([Object.hasOwn(load, 'arguments'), Object.hasOwn(load, 'caller')], [isOwn, isOwn]);
    decorate(Old, { load: { retry: thrice } });
    assert.notEqual(Old.prototype.load, load);
    assert.deepEqual(Reflect.ownKeys(Old.prototype.load).sort(), ['length', 'name', 'prototype', 'route']);
    assert.notEqual((Old.prototype.load as unknown as { prototype: object }).prototype, Reflect.get(load, 'prototype'));
  });
});

describe('decorate() fails at once, and changes nothing', () => {
  class Shop extends Flaky {
    static readonly Client = Flaky;
    static async open(): Promise<void> {}
    async load(): Promise<number> {
      return 1;
    }
    get price(): number {
      return 1;
    }
    *each(): Generator<number> {
      yield 1;
    }
    async *stream(): AsyncGenerator<number> {
      yield 1;
    }
  }
  const absent = 'here (a field that holds a function is set too late to count)';
  const before = Object.getOwnPropertyDescriptors(Shop.prototype);

  for (const [policies, message] of [
    [{ lod: { retry: 3 } }, `decorate() of Shop.lod: no method 'lod' ${absent}`],
    [{ runs: { retry: 3 } }, `decorate() of Shop.runs: no method 'runs' ${absent}`],
    [{ price: { retry: 3 } }, "decorate() of Shop.price: 'price' is a getter, not a method"],
    [{ each: { retry: 3 } }, "decorate() of Shop.each: 'each' is a generator method"],
    [{ stream: { retry: 3 } }, "decorate() of Shop.stream: 'stream' is a generator method"],
    [{ constructor: { retry: 3 } }, 'decorate() of Shop.constructor: a constructor is no method'],
    [{ 'static Client': { retry: 3 } }, "decorate() of Shop.static Client: 'Client' is a class, not a method"],
    [{ toString: { retry: 3 } }, "decorate() of Shop.toString: no method 'toString' here"],
    [{ '#load': { retry: 3 } }, 'decorate() of Shop.#load: no #private method can be named from outside'],
    [
      { open: { retry: 3 } },
      "decorate() of Shop.open: 'open' is a static method, not one of instances; write 'static open'",
    ],
    [
      { 'static load': { retry: 3 } },
      "decorate() of Shop.static load: 'load' is a method of instances, not a static one",
    ],
    [{ 'static bind': { retry: 3 } }, "decorate() of Shop.static bind: no method 'bind' here"],
    [
      { load: { fallback: ['cached'] } },
      `@fallback on Shop.load: no method 'cached' ${absent}; name a method of the class, or give a function`,
    ],
    [{ 'static open': { fallback: ['cached'] } }, /^@fallback on Shop\.open: no method 'cached' here/],
    [{ '*': { fallback: ['cached'] } }, /^@fallback on Shop\.\*: no method 'cached' here/],
    [
      { load: { retry: 0 } },
      'decorate() of Shop.load: expected `retry.maxAttempts` to be an integer of at least 1 or Infinity, got 0',
    ],
    [{ load: { retries: 3 } }, /^decorate\(\) of Shop\.load: unknown option `retries` \(3\); known options are /],
    [{ load: 3 }, 'decorate() of Shop.load: expected the policies to be an object, or an array of decorators, got 3'],
    [{ load: null }, /^decorate\(\) of Shop\.load: expected the policies to be an object, or an array of decorators/],
    [
      { load: [retry] },
      'decorate() of Shop.load: expected decorators of opero, called, as in [retry(3)], got the function retry',
    ],
    [{ load: [retry(3), () => {}] }, /expected decorators of opero, called, as in \[retry\(3\)\], got a function/],
    [
      { load: [retry(3), orchestrate({ retry: 2 })] },
      '@orchestrate on method `load`: it has a retry policy already; give each kind once',
    ],
    [{ load: [retry({ maxAttempts: -1 })] }, /^@retry on method `load`: expected `maxAttempts` to be/],
    [{ 'static open': [retry({ maxAttempts: -1 })] }, /^@retry on static method `open`: expected `maxAttempts` to be/],
    [{ load: { concurrency: true } }, /^decorate\(\) of Shop\.load: expected `concurrency` to be .*, got true$/],
    [
      { load: { retry: false } },
      /^decorate\(\) of Shop\.load: expected `retry` to be .*, got false; for none, leave it out$/,
    ],
  ] as const) {
    test(`for ${Object.keys(policies)[0]}: ${message}`, () => {
      // What is right beside it is not put there either.
      fails(() => put(Shop, { attempt: { retry: 3 }, ...policies }), message);
      fails(() => put(Shop, { ...policies, attempt: { retry: 3 } }), message);
      assert.deepEqual(Object.getOwnPropertyDescriptors(Shop.prototype), before);
      for (const name of ['load', 'attempt', 'open']) assert.deepEqual(policiesOf(Shop, name), []);
    });
  }

  test('for policies that are no object', () => {
    for (const policies of [undefined, null, 3, 'retry', [], [retry(3)]]) {
      fails(
        () => put(Shop, policies),
        /^decorate\(\): expected the policies to be an object with a key for each method, or '\*' for all, got /,
      );
    }
    assert.equal(decorate(Shop, {}), Shop);
  });

  test('for what is no class', () => {
    function lone(): void {}
    for (const type of [undefined, null, 'Shop', {}, new Shop(), () => {}, lone, Shop.prototype.load]) {
      fails(() => put(type, {}), /^decorate\(\): expected a class, got /);
    }
  });

  test('for a class whose prototype is frozen; one that is sealed is well', async () => {
    class Frozen extends Flaky {
      async load(): Promise<number> {
        return this.attempt();
      }
    }
    class Sealed extends Frozen {
      override async load(): Promise<number> {
        return this.attempt();
      }
    }
    Object.freeze(Frozen.prototype);
    Object.seal(Sealed.prototype);
    for (const name of ['load', 'attempt'] as const) {
      fails(
        () => put(Frozen, { [name]: { retry: 3 } }),
        `decorate() of Frozen.${name}: it is frozen, so nothing can be put in its place`,
      );
    }
    decorate(Sealed, { load: { retry: thrice } });
    assert.equal(await new Sealed().load(), 3);
  });
});

describe('decorateInstance()', () => {
  test('governs one object, by limits of its own, and gives it', async () => {
    const { Client } = vendors();
    const [one, other] = [new Client(), new Client()];
    const same: typeof one = decorateInstance(one, { get: { retry: thrice }, list: [retry(thrice)] });
    assert.equal(same, one);
    assert.equal(await one.get('a'), 3);
    assert.equal(await Object.assign(one, { runs: 0 }).list(), 3);
    await assert.rejects(other.get('a'), { message: 'attempt 1' });
    assert.deepEqual(kindsOf(one, 'get'), ['retry']);
    assert.deepEqual([kindsOf(other, 'get'), kindsOf(Client, 'get')], [[], []]);
    assert.equal(statsOf(one, 'get').attempts, 3);
    assert.ok(one instanceof Client);
    assert.equal(one.constructor, Client);
    assert.deepEqual(Object.keys(one), ['runs']);
    assert.match(explain(one), /^Client\n {2}get\(\): retry > the method\n {4}retry .* \(from Client\)/);
  });

  test('keeps what the class has, save the kinds that are given; one call is one pipeline', async () => {
    const { Client } = vendors();
    decorate(Client, { get: { retry: { ...thrice, maxAttempts: 2 }, concurrency: { limit: 1, maxQueue: 0 } } });
    const [one, other] = [new Client(), new Client()];
    decorateInstance(one, { get: { retry: thrice } });
    assert.equal(await one.get('a'), 3);
    await assert.rejects(other.get('a'), { message: 'attempt 2' });
    assert.deepEqual(kindsOf(one, 'get'), ['retry', 'concurrency']);
    assert.deepEqual([statsOf(one, 'get').calls, statsOf(other, 'get').calls], [1, 1]);
  });

  test('may be called again, and after calls', async () => {
    const { Client } = vendors();
    const one = new Client();
    decorateInstance(one, { get: { retry: thrice } });
    assert.equal(await one.get('a'), 3);
    const prototype: unknown = Object.getPrototypeOf(one);
    decorateInstance(one, { get: { fallback: { value: 5 } }, '*': { concurrency: 1 } });
    assert.equal(Object.getPrototypeOf(one), prototype);
    assert.deepEqual(kindsOf(one, 'get'), ['fallback', 'retry', 'concurrency']);
    fails(
      () => decorateInstance(one, { get: { retry: 2 } }),
      'decorateInstance() of Client.get: it has a retry policy already; give each kind once',
    );
  });

  test("'*' means the async methods of its class, whatever class defines them", async () => {
    const { Special } = vendors();
    const one = new Special();
    decorateInstance(one, { '*': { retry: thrice } });
    for (const name of ['get', 'list', 'cached', 'more']) assert.deepEqual(kindsOf(one, name), ['retry'], name);
    for (const name of ['send', 'size', 'attempt']) assert.deepEqual(kindsOf(one, name), [], name);
    assert.equal(await one.more(), 3);
    await assert.rejects(new Special().more());
    await assert.rejects(new Special().get('a'), { message: 'attempt 1' });
  });

  test("'*' goes around what another library has put around a method with policies", async () => {
    const { Client } = vendors();
    decorate(Client, { get: { concurrency: 1 } });
    const governed = Client.prototype.get;
    const seen: string[] = [];
    Client.prototype.get = function (id) {
      seen.push(id);
      return governed.call(this, id);
    };
    const one = decorateInstance(new Client(), { '*': { retry: thrice } });
    assert.equal(await one.get('a'), 3);
    assert.deepEqual(seen, ['a', 'a', 'a']);
    assert.deepEqual(kindsOf(one, 'get'), ['retry', 'concurrency']);
    assert.equal(statsOf(one, 'get').calls, 1);
  });

  test('governs functions that the object holds itself, and objects without a class', async () => {
    let runs = 0;
    class Client {
      readonly url = 'x';
      load = async (): Promise<string> => {
        if (++runs < 3) throw new Error('down');
        return this.url;
      };
    }
    const one = decorateInstance(new Client(), { load: { retry: thrice } });
    assert.equal(await one.load(), 'x');
    assert.equal(runs, 3);
    assert.equal(statsOf(one, 'load').calls, 1);
    for (const prototype of [Object.prototype, null]) {
      const plain = Object.assign(Object.create(prototype) as object, {
        runs: 0,
        async load(): Promise<number> {
          if (++this.runs < 3) throw new Error('down');
          return this.runs;
        },
        async cached(): Promise<number> {
          return 0;
        },
      });
      decorateInstance(plain, { load: { retry: { maxAttempts: 2, waitMin: 0 }, fallback: ['cached'] } });
      assert.equal(await plain.load(), 0);
      assert.deepEqual(kindsOf(plain, 'load'), ['fallback', 'retry']);
    }
  });

  test('serves private fields, getters and methods that call each other', async () => {
    class Client {
      #token = 'secret';
      get token(): string {
        return this.#token;
      }
      async get(): Promise<string> {
        return this.list();
      }
      async list(): Promise<string> {
        return `${this.#token} ${this.token}`;
      }
    }
    const one = decorateInstance(new Client(), { '*': { timeout: 60_000 } });
    assert.equal(await one.get(), 'secret secret');
    assert.deepEqual([statsOf(one, 'get').calls, statsOf(one, 'list').calls], [1, 1]);
  });

  test('limits of two objects of a class are apart', async () => {
    const gate = deferred();
    class Client {
      async get(): Promise<void> {
        await gate.promise;
      }
    }
    const limited = () => decorateInstance(new Client(), { get: { concurrency: { limit: 1, maxQueue: 0 } } });
    const [one, other] = [limited(), limited()];
    const running = [one.get(), other.get()];
    await assert.rejects(one.get(), RejectedError);
    gate.resolve();
    await Promise.all(running);
  });

  test('a deadline and a caller’s abort end a call as of any method', async () => {
    class Client {
      async get(_options?: { signal?: AbortSignal }): Promise<void> {
        await new Promise(() => {});
      }
    }
    const one = decorateInstance(new Client(), { get: { timeout: 5, retry: { maxAttempts: 1 } } });
    await assert.rejects(one.get(), TimeoutError);
    const reason = new Error('enough');
    const cancel = new AbortController();
    const call = one.get({ signal: cancel.signal });
    cancel.abort(reason);
    await assert.rejects(call, reason);
  });

  test('fails at once, and changes nothing', () => {
    const { Client } = vendors();
    const one = new Client();
    const prototype: unknown = Object.getPrototypeOf(one);
    for (const [policies, message] of [
      [{ lod: { retry: 3 } }, /^decorateInstance\(\) of Client\.lod: no method 'lod' here/],
      [{ runs: { retry: 3 } }, "decorateInstance() of Client.runs: 'runs' is 0, not a method"],
      [{ get: { fallback: ['lod'] } }, /^@fallback on Client\.get: no method 'lod' here/],
      [{ '*': { fallback: ['lod'] } }, /^@fallback on Client\.\*: no method 'lod' here/],
      [{ 'static connect': { retry: 3 } }, /^decorateInstance\(\) of Client\.static connect: no method/],
      [{ constructor: { retry: 3 } }, 'decorateInstance() of Client.constructor: a constructor is no method'],
      [
        { get: { cpuBound: import.meta.url } },
        'decorateInstance() of Client.get: cpuBound goes on classes, as a worker finds no method of one object',
      ],
    ] as const) {
      fails(() => putOnObject(one, { list: { retry: 3 }, ...policies }), message);
      assert.equal(Object.getPrototypeOf(one), prototype);
      assert.deepEqual(kindsOf(one, 'list'), []);
    }
    for (const object of [undefined, null, 5, 'text', Client, () => {}]) {
      fails(() => putOnObject(object, {}), /^decorateInstance\(\): expected an object, got /);
    }
    fails(() => putOnObject(Client, {}), /; decorate\(\) takes a class$/);
    fails(
      () => decorateInstance(Object.freeze(new Client()), { get: { retry: 3 } }),
      'decorateInstance(): expected an object that can be changed, got a frozen one',
    );
  });
});

describe('true stands for a decorator without arguments', () => {
  test('in @orchestrate, and in an Orchestrator', async () => {
    class Shop {
      @orchestrate({ retry: true, circuitBreaker: true })
      async load(): Promise<void> {}
    }
    assert.deepEqual(kindsOf(Shop, 'load'), ['retry', 'circuitBreaker']);
    assert.deepEqual(
      policiesOf(Shop, 'load')[0]?.options,
      (() => {
        class Other {
          @retry()
          async load(): Promise<void> {}
        }
        return policiesOf(Other, 'load')[0]?.options;
      })(),
    );
    assert.equal(await new Orchestrator({ retry: true }).execute(() => 5), 5);
  });

  test('for every kind of which all options have defaults, in decorate() and decorateInstance() too', async () => {
    class Shop {
      @orchestrate({ singleFlight: true })
      async load(): Promise<void> {}
      async find(): Promise<void> {}
    }
    decorate(Shop, { find: { singleFlight: true } });
    assert.deepEqual(policiesOf(Shop, 'find')[0]?.options, { scope: 'instance' });
    assert.deepEqual(policiesOf(Shop, 'load')[0]?.options, { scope: 'instance' });
    const shop = decorateInstance({ async get(): Promise<void> {} }, { get: { singleFlight: true } });
    assert.deepEqual(kindsOf(shop, 'get'), ['singleFlight']);
    assert.equal(await new Orchestrator({ singleFlight: true }).execute(() => 5), 5);
  });

  test('not where an option is needed', () => {
    for (const kind of ['fallback', 'rateLimit', 'concurrency', 'cpuBound', 'timeout']) {
      const make = (): AnyClass => {
        class Shop {
          @orchestrate({ [kind]: true } as object)
          async load(): Promise<void> {}
        }
        return Shop;
      };
      fails(make, new RegExp(`^@orchestrate on method \`load\`: expected \`${kind}\` to be .*, got true$`));
    }
    const needing = definePolicy({
      kind: 'needing',
      stage: 'call',
      options: { level: { allowed: 'a level', test: () => true } },
      around: (next) => next(),
    });
    assert.ok(needing);
    fails(
      () => new Orchestrator({ needing: true } as object),
      /expected `needing\.level` to be a level, got undefined/,
    );
  });
});
