import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  ConcurrencyLimiter,
  circuitBreaker,
  circuitOf,
  concurrency,
  configure,
  decorate,
  type MethodEntry,
  methods,
  Orchestrator,
  orchestrate,
  recordLatency,
  register,
  retry,
  statsOf,
  timeout,
} from 'opero';
import { resetState } from 'opero/testing';
import { flush, underFakeClock } from '../support/clock.js';
import { runProgram } from '../support/run-program.js';
import { Work } from '../support/work.js';

const entriesOf = (...names: string[]): MethodEntry[] => methods().filter(({ className }) => names.includes(className));
const named = (entries: readonly MethodEntry[]): string[] =>
  entries.map(({ className, method, static: isStatic }) => `${isStatic ? 'static ' : ''}${className}.${method}`).sort();

describe('methods', () => {
  test('lists a class from its first construction on, its statics from its definition on, each method once', async () => {
    class Weather {
      @retry(3)
      async forecast(): Promise<void> {}
      @timeout(10)
      @retry(2)
      async #measure(): Promise<void> {}
      @concurrency(2)
      static async load(): Promise<void> {}
      async plain(): Promise<void> {}
      async measure(): Promise<void> {
        return this.#measure();
      }
    }
    class Alpine extends Weather {
      override async forecast(): Promise<void> {}
    }
    assert.deepEqual(named(entriesOf('Weather', 'Alpine')), ['static Weather.load']);
    const alpine = new Alpine();
    assert.deepEqual(named(entriesOf('Weather', 'Alpine')), [
      'Alpine.#measure',
      'Alpine.forecast',
      'static Weather.load',
    ]);
    new Weather();
    await alpine.forecast();
    await alpine.measure();
    await Weather.load();
    assert.deepEqual(named(entriesOf('Weather', 'Alpine')), [
      'Alpine.#measure',
      'Alpine.forecast',
      'Weather.#measure',
      'Weather.forecast',
      'static Weather.load',
    ]);
    const calls = entriesOf('Weather', 'Alpine').map(({ className, method, stats }) => [
      className,
      method,
      stats.calls,
    ]);
    assert.deepEqual(
      calls
        .filter(([, , count]) => count === 1)
        .map(([className, method]) => `${className}.${method}`)
        .sort(),
      ['Alpine.#measure', 'Alpine.forecast', 'Weather.load'],
    );
  });

  test('gives the policies in pipeline order, what statsOf counts, and no class', () => {
    class Shop {
      @concurrency(3)
      @retry(2)
      async buy(): Promise<void> {}
    }
    register(Shop);
    const [entry] = entriesOf('Shop');
    assert.deepEqual(entry, {
      className: 'Shop',
      method: 'buy',
      static: false,
      policies: ['retry', 'concurrency'],
      stats: { ...statsOf(Shop, 'buy'), used: 0 },
      latency: undefined,
    });
    assert.equal(JSON.parse(JSON.stringify(entry)).stats.limit, 3);
    using _ = configure(Shop, 'buy', { retry: false, concurrency: false });
    assert.deepEqual(
      entriesOf('Shop').map(({ policies, stats }) => [policies, stats.limit]),
      [[[], 0]],
    );
  });

  test('lists an Orchestrator as one, and class-level policies by method', () => {
    const orchestrator = new Orchestrator({ retry: 3 });
    @orchestrate({ retry: 2 })
    class Whole {
      async one(): Promise<void> {}
      async other(): Promise<void> {}
    }
    new Whole();
    assert.deepEqual(named(entriesOf('Whole', 'Orchestrator')), ['Orchestrator.*', 'Whole.one', 'Whole.other']);
    assert.ok(orchestrator);
  });

  test('lists a class from decorate() on, as nothing sees it constructed', () => {
    class Kiosk {
      async buy(): Promise<void> {}
      async sell(): Promise<void> {}
      async rent(): Promise<void> {}
      static async open(): Promise<void> {}
      plain(): void {}
    }
    decorate(Kiosk, { buy: { retry: 2 } });
    assert.deepEqual(named(entriesOf('Kiosk')), ['Kiosk.buy']);
    decorate(Kiosk, { '*': { timeout: 10 }, 'static open': { retry: 2 } });
    assert.deepEqual(named(entriesOf('Kiosk')), ['Kiosk.buy', 'Kiosk.rent', 'Kiosk.sell', 'static Kiosk.open']);
    assert.deepEqual(entriesOf('Kiosk').find(({ method }) => method === 'buy')?.policies, ['retry', 'timeout']);
    new Kiosk();
    assert.equal(entriesOf('Kiosk').length, 4);
  });

  test('holds no class, nor does the latency', async () => {
    assert.deepEqual(await runProgram('listed', { flags: ['--expose-gc'] }), { code: 0, stdout: 'gone\n', stderr: '' });
  });

  test('tells how full the limit is, and what the circuit is, of keys and instances the worst', async () => {
    const shared = new ConcurrencyLimiter(5);
    class Api {
      readonly work = new Work();
      @concurrency({ limit: 4, key: (tenant: string) => tenant })
      async keyed(tenant: string): Promise<unknown> {
        return this.work.begin(`${tenant} ${this.work.begun.length}`);
      }
      @concurrency(shared)
      async one(): Promise<unknown> {
        return this.work.begin('one');
      }
      @concurrency([{ limit: 2, scope: 'instance' }, shared])
      async other(): Promise<unknown> {
        return this.work.begin('other');
      }
      @circuitBreaker({ consecutive: 1, key: (host: string) => host })
      async get(host: string): Promise<void> {
        throw new Error(host);
      }
      @circuitBreaker({ consecutive: 1, scope: 'instance' })
      async own(): Promise<void> {}
    }
    const api = new Api();
    const statsNow = (method: string) => {
      const { limit, used, circuit } = entriesOf('Api').find((each) => each.method === method)?.stats ?? {};
      return { limit, used, circuit };
    };
    assert.deepEqual(statsNow('get'), { limit: 0, used: undefined, circuit: 'closed' });
    const calls = [api.keyed('a'), api.keyed('a'), api.keyed('b'), api.one(), api.other()];
    assert.deepEqual(statsNow('keyed'), { limit: 4, used: 2, circuit: undefined });
    assert.deepEqual(statsNow('one'), { limit: 5, used: 2, circuit: undefined });
    assert.deepEqual(statsNow('other'), { limit: 2, used: 1, circuit: undefined });
    await assert.rejects(api.get('x'));
    assert.equal(statsNow('get').circuit, 'open');
    const end = circuitOf(api, 'get', 'y').isolate();
    assert.equal(statsNow('get').circuit, 'isolated');
    end();
    assert.equal(statsNow('get').circuit, 'open');
    const endOwn = circuitOf(api, 'own').isolate();
    assert.equal(statsNow('own').circuit, 'isolated');
    endOwn();
    assert.equal(statsNow('own').circuit, 'closed');
    api.work.endAll();
    await Promise.all(calls);
    assert.deepEqual(statsNow('keyed').used, 0);
  });
});

describe('latency', () => {
  class Timed {
    readonly work = new Work();
    @retry({ maxAttempts: 2, waitMin: 100, jitter: 'none' })
    async forecast(): Promise<unknown> {
      return this.work.begin('forecast');
    }
  }
  const latency = () => entriesOf('Timed').find(({ method }) => method === 'forecast')?.latency;

  test('is kept of calls and attempts once it is asked for, and until nobody asks', async () => {
    await underFakeClock(async (clock) => {
      const weather = new Timed();
      const call = async (milliseconds: number): Promise<void> => {
        const forecast = weather.forecast();
        clock.tick(milliseconds);
        weather.work.end('forecast');
        await forecast;
      };
      await call(7);
      assert.equal(latency(), undefined);
      const undo = recordLatency(true);
      const none = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
      assert.deepEqual(latency(), { calls: none, attempts: none });
      for (let i = 1; i <= 10; i++) await call(i * 10);
      const slow = weather.forecast();
      weather.work.fail('forecast', new Error('no weather'));
      await flush();
      clock.tick(100);
      await flush();
      clock.tick(20);
      weather.work.end('forecast');
      await slow;
      undo();
      await call(9);
      const found = latency();
      assert.deepEqual([found?.calls.count, found?.attempts.count], [11, 12]);
      const near = (value: number | undefined, expected: number): void =>
        assert.ok(Math.abs((value ?? 0) - expected) <= expected / 50, `${value}, not ${expected}`);
      near(found?.calls.p50, 60);
      near(found?.calls.max, 120);
      near(found?.calls.p99, 120);
      near(found?.calls.mean, 670 / 11);
      near(found?.attempts.max, 100);
      near(found?.attempts.mean, 570 / 12);
      resetState(Timed);
      assert.equal(latency(), undefined);
    });
  });

  test('that takes no time, or longer than an hour, is recorded; a wrong argument is not', async () => {
    await underFakeClock(async (clock) => {
      using _ = recordLatency(true);
      const weather = new Timed();
      for (const time of [0, 7_200_000]) {
        const forecast = weather.forecast();
        clock.tick(time);
        weather.work.end('forecast');
        await forecast;
      }
      assert.equal(latency()?.calls.count, 2);
      assert.ok(Math.abs((latency()?.calls.max ?? 0) - 3_600_000) < 36_000);
    });
    assert.throws(() => recordLatency('yes' as never), {
      message: "recordLatency(): expected true or false, got 'yes'",
    });
  });

  test('of false ends it for all', async () => {
    recordLatency(true);
    recordLatency(true);
    recordLatency(false);
    const weather = new Timed();
    const before = latency()?.calls.count ?? 0;
    const forecast = weather.forecast();
    weather.work.end('forecast');
    await forecast;
    assert.equal(latency()?.calls.count ?? 0, before);
  });
});
