import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  concurrency,
  cpuBound,
  currentCall,
  fallback,
  Orchestrator,
  orchestrate,
  processAll,
  rateLimit,
  retry,
  statsOf,
} from 'opero';
import { withoutPolicies } from 'opero/testing';
import { deferred } from '../support/deferred.js';

/** Whose methods always fail: by the attempts one sees which policies are in force. */
function makeClasses() {
  class Shop {
    attempts = 0;

    @retry({ maxAttempts: 3, waitMin: 0 })
    async buy(): Promise<void> {
      this.attempts++;
      throw new Error('sold out');
    }

    @retry({ maxAttempts: 2, waitMin: 0 })
    async sell(): Promise<void> {
      this.attempts++;
      throw new Error('no buyer');
    }

    @retry({ maxAttempts: 2, waitMin: 0 })
    async #secret(given: Shop): Promise<void> {
      given.attempts++;
      throw new Error('secret');
    }

    keep(): Promise<void> {
      return this.#secret(this);
    }

    static attempts = 0;

    @retry({ maxAttempts: 3, waitMin: 0 })
    static async buy(): Promise<void> {
      Shop.attempts++;
      throw new Error('shut');
    }
  }
  class Corner extends Shop {
    override async buy(): Promise<void> {
      return super.buy();
    }
  }
  return { Shop, Corner };
}

interface Counting {
  attempts: number;
}

/** How often a call that fails entered its method. */
async function attemptsOf<Subject extends Counting>(
  subject: Subject,
  call: (subject: Subject) => Promise<void>,
): Promise<number> {
  subject.attempts = 0;
  await assert.rejects(call(subject));
  return subject.attempts;
}

describe('11 withoutPolicies', () => {
  test('calls run the method alone, before and after a first call; then the policies are back', async () => {
    const { Shop } = makeClasses();
    const shop = new Shop();
    const buy = (each: InstanceType<typeof Shop>): Promise<void> => each.buy();
    {
      using _ = withoutPolicies();
      assert.equal(await attemptsOf(shop, buy), 1);
    }
    assert.equal(await attemptsOf(shop, buy), 3);
    {
      using _ = withoutPolicies();
      assert.equal(await attemptsOf(shop, buy), 1);
    }
    assert.equal(await attemptsOf(shop, buy), 3);
  });

  test('of a class: its subclasses too, those that override included, and no other class', async () => {
    const { Shop, Corner } = makeClasses();
    const other = makeClasses();
    const corner = new Corner();
    assert.equal(await attemptsOf(corner, (each) => each.buy()), 3);
    using _ = withoutPolicies(Shop);
    assert.equal(await attemptsOf(corner, (each) => each.buy()), 1);
    assert.equal(await attemptsOf(corner, (each) => each.sell()), 1);
    assert.equal(await attemptsOf(new other.Shop(), (each) => each.buy()), 3);
  });

  test('of a subclass: not of its base', async () => {
    const { Shop, Corner } = makeClasses();
    using _ = withoutPolicies(Corner);
    assert.equal(await attemptsOf(new Corner(), (each) => each.sell()), 1);
    assert.equal(await attemptsOf(new Shop(), (each) => each.sell()), 2);
  });

  test('of one method, by its name, be it static or private', async () => {
    const { Shop, Corner } = makeClasses();
    const shop = new Shop();
    {
      using _ = withoutPolicies(Shop, 'buy');
      assert.equal(await attemptsOf(new Corner(), (each) => each.buy()), 1);
      assert.equal(await attemptsOf(shop, (each) => each.sell()), 2);
      assert.equal(await attemptsOf(Shop, (each) => each.buy()), 3);
    }
    {
      using _ = withoutPolicies(Shop, 'static buy');
      assert.equal(await attemptsOf(Shop, (each) => each.buy()), 1);
      assert.equal(await attemptsOf(shop, (each) => each.buy()), 3);
    }
    using _ = withoutPolicies(Shop, '#secret');
    assert.equal(await attemptsOf(shop, (each) => each.keep()), 1);
    assert.equal(await attemptsOf(new Corner(), (each) => each.keep()), 1);
    assert.equal(await attemptsOf(shop, (each) => each.buy()), 3);
  });

  test('of a method that has policies in a subclass only', async () => {
    class Plain {
      attempts = 0;

      async buy(): Promise<void> {
        this.attempts++;
        throw new Error();
      }
    }
    class Careful extends Plain {
      @retry({ maxAttempts: 3, waitMin: 0 })
      override async buy(): Promise<void> {
        return super.buy();
      }
    }
    using _ = withoutPolicies(Plain, 'buy');
    assert.equal(await attemptsOf(new Careful(), (each) => each.buy()), 1);
  });

  test('several may overlap; each ends once', async () => {
    const { Shop } = makeClasses();
    const shop = new Shop();
    const all = withoutPolicies();
    const one = withoutPolicies(Shop, 'buy');
    all();
    all();
    assert.equal(await attemptsOf(shop, (each) => each.buy()), 1);
    assert.equal(await attemptsOf(shop, (each) => each.sell()), 2);
    one.restore();
    assert.equal(await attemptsOf(shop, (each) => each.buy()), 3);
  });

  test('a call that is under way keeps its pipeline, and its slot', async () => {
    const work = deferred();
    class Shop {
      attempts = 0;

      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      async buy(): Promise<void> {
        if (++this.attempts === 1) await work.promise;
      }
    }
    const shop = new Shop();
    const under = shop.buy();
    const waits = shop.buy();
    {
      using _ = withoutPolicies(Shop);
      await shop.buy();
      assert.equal(statsOf(Shop, 'buy').queued, 1);
      work.reject(new Error('broken'));
      await under;
    }
    await waits;
    assert.deepEqual({ ...statsOf(Shop, 'buy') }, { ...statsOf(Shop, 'buy'), calls: 2, attempts: 3, running: 0 });
  });

  test('limits keep what they counted before', async () => {
    class Api {
      @rateLimit({ rate: 1, per: 60_000, maxQueue: 0 })
      async get(): Promise<void> {}
    }
    const api = new Api();
    await api.get();
    {
      using _ = withoutPolicies(Api);
      await api.get();
      await api.get();
    }
    await assert.rejects(api.get(), { reason: 'queue-full' });
  });

  test('statsOf counts nothing', async () => {
    const { Shop } = makeClasses();
    using _ = withoutPolicies(Shop);
    await assert.rejects(new Shop().buy());
    const { custom, ...counts } = statsOf(Shop, 'buy');
    assert.deepEqual([custom, new Set(Object.values(counts))], [{}, new Set([0])]);
  });

  test('currentCall works inside, and the signal ends nothing by itself', async () => {
    const work = deferred();
    const seen: unknown[] = [];
    class Shop {
      @retry()
      async buy(_options?: { signal?: AbortSignal }): Promise<string> {
        seen.push(currentCall().attempt, currentCall().signal);
        await work.promise;
        return 'bought';
      }
    }
    using _ = withoutPolicies(Shop);
    const { signal } = AbortSignal.abort() && new AbortController();
    const aborted = AbortSignal.abort();
    const calls = [new Shop().buy(), new Shop().buy({ signal }), new Shop().buy({ signal: aborted })];
    assert.deepEqual(seen, [1, undefined, 1, signal, 1, aborted]);
    work.resolve();
    assert.deepEqual(await Promise.all(calls), ['bought', 'bought', 'bought']);
  });

  test('what a method throws, or gives without a promise, comes as a promise', async () => {
    class Shop {
      @retry()
      buy(item: string): string | Promise<string> {
        if (item === '') throw new Error('nothing');
        return item;
      }
    }
    using _ = withoutPolicies(Shop);
    assert.equal(await new Shop().buy('tea'), 'tea');
    const call = new Shop().buy('') as Promise<string>;
    await assert.rejects(call, { message: 'nothing' });
  });

  test('no fallback is called', async () => {
    class Shop {
      @fallback({ value: 'nothing' })
      async buy(): Promise<string> {
        throw new Error('sold out');
      }
    }
    using _ = withoutPolicies(Shop);
    await assert.rejects(new Shop().buy(), { message: 'sold out' });
  });

  test('policies of a class, and of an Orchestrator', async () => {
    @orchestrate({ retry: { maxAttempts: 3, waitMin: 0 } })
    class Shop {
      attempts = 0;

      async buy(): Promise<void> {
        this.attempts++;
        throw new Error('sold out');
      }
    }
    const shop = new Shop();
    const orchestrator = new Orchestrator({ retry: { maxAttempts: 3, waitMin: 0 } });
    const counter = { attempts: 0 };
    const execute = (): Promise<void> =>
      orchestrator.execute(async () => {
        counter.attempts++;
        throw new Error();
      });
    assert.equal(await attemptsOf(shop, (each) => each.buy()), 3);
    {
      using _ = withoutPolicies(Shop);
      assert.equal(await attemptsOf(shop, (each) => each.buy()), 1);
      assert.equal(await attemptsOf(counter, execute), 3);
    }
    {
      using _ = withoutPolicies();
      assert.equal(await attemptsOf(counter, execute), 1);
    }
    assert.equal(await attemptsOf(counter, execute), 3);
  });

  test('a cpuBound method runs at home; so do many items', async () => {
    const home = {};
    class Shop {
      @cpuBound(import.meta.url)
      async buy(_n: number): Promise<object> {
        return home;
      }
    }
    using _ = withoutPolicies(Shop);
    assert.equal(await new Shop().buy(1), home);
    const all = await processAll(new Shop(), 'buy', [1, 2, 3, 4, 5]);
    assert.deepEqual(
      all.map((each) => each === home),
      [true, true, true, true, true],
    );
  });

  test('a run over many items ends with the first failure', async () => {
    const { Shop } = makeClasses();
    const shop = new Shop();
    using _ = withoutPolicies(Shop);
    await assert.rejects(processAll(shop, 'buy' as never, [1, 2, 3] as never), { message: 'sold out' });
  });

  test('what is no class, and a method that there is not, are told of', () => {
    const { Shop } = makeClasses();
    assert.throws(() => withoutPolicies({} as never), {
      name: 'ConfigurationError',
      message: 'withoutPolicies(): expected a class, got {}',
    });
    assert.throws(() => withoutPolicies(undefined, 'buy'), ConfigurationError);
    assert.throws(() => withoutPolicies((() => {}) as never), ConfigurationError);
    assert.throws(() => withoutPolicies(Shop, 'bye' as string), {
      message: 'withoutPolicies(): Shop.bye is not a method',
    });
  });
});
