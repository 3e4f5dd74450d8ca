import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  CircuitOpenError,
  ConfigurationError,
  circuitBreaker,
  circuitOf,
  concurrency,
  definePolicy,
  explain,
  Orchestrator,
  orchestrate,
  policiesOf,
  retry,
  statsOf,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';

const down = new Error('down');

class Base {
  @circuitBreaker(1)
  async forecast(fails = true): Promise<string> {
    if (fails) throw down;
    return 'fine';
  }
  @circuitBreaker(1)
  static async load(): Promise<void> {
    throw down;
  }
  @circuitBreaker(1)
  async #hidden(): Promise<void> {
    throw down;
  }
  hidden(): Promise<void> {
    return this.#hidden();
  }
  @retry()
  async plain(): Promise<void> {}
}

describe('circuitOf', () => {
  test('3.12 works before the first call, by class and by instance', () => {
    class Fresh extends Base {}
    for (const target of [Fresh, new Fresh()]) {
      const { state, failures, calls } = circuitOf(target, 'forecast');
      assert.deepEqual([state, failures, calls], ['closed', 0, 0]);
    }
  });

  test('3.12 tells what is, and resets it', async () => {
    class Fresh extends Base {}
    const circuit = circuitOf(Fresh, 'forecast');
    await rejection(new Fresh().forecast());
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['open', 1, 1]);
    circuit.reset();
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['closed', 0, 0]);
    assert.equal(await new Fresh().forecast(false), 'fine');
  });

  test('3.12 isolations are counted, and disposing the last closes it', async () => {
    class Fresh extends Base {}
    const circuit = circuitOf(Fresh, 'forecast');
    const first = circuit.isolate();
    {
      using _second = circuitOf(new Fresh(), 'forecast').isolate();
      first();
      assert.equal(circuit.state, 'isolated');
      const error = await rejection(new Fresh().forecast(false));
      assert.ok(error instanceof CircuitOpenError);
      assert.deepEqual(
        [error.reason, error.retryAfter, error.cause],
        ['isolated', Number.POSITIVE_INFINITY, undefined],
      );
    }
    assert.equal(circuit.state, 'closed');
  });

  test('X6 static and private methods have theirs', async () => {
    await rejection(Base.load());
    await rejection(new Base().hidden());
    assert.deepEqual(
      [circuitOf(Base, 'load').state, circuitOf(Base, '#hidden').state, circuitOf(Base, 'forecast').state],
      ['open', 'open', 'closed'],
    );
    assert.ok((await rejection(Base.load())) instanceof CircuitOpenError);
    assert.ok((await rejection(new Base().hidden())) instanceof CircuitOpenError);
  });

  test('X6 each concrete class has a circuit of its own; overrides without a decorator have it too', async () => {
    class One extends Base {}
    class Two extends Base {
      override async forecast(): Promise<string> {
        throw down;
      }
    }
    await rejection(new Two().forecast());
    assert.deepEqual([circuitOf(One, 'forecast').state, circuitOf(Two, 'forecast').state], ['closed', 'open']);
  });

  test('X6 an isolation by the base class leaves subclasses as they are', async () => {
    class Fresh extends Base {}
    class Sub extends Fresh {}
    using _until = circuitOf(Fresh, 'forecast').isolate();
    assert.ok((await rejection(new Fresh().forecast(false))) instanceof CircuitOpenError);
    assert.equal(await new Sub().forecast(false), 'fine');
  });

  test('X6 a subclass may have other options, or none of it', async () => {
    class Patient extends Base {
      @circuitBreaker(3)
      override async forecast(): Promise<string> {
        throw down;
      }
    }
    class Bare extends Base {
      @orchestrate({ inherit: false, retry: 1 })
      override async forecast(): Promise<string> {
        throw down;
      }
    }
    await rejection(new Patient().forecast());
    assert.equal(circuitOf(Patient, 'forecast').state, 'closed');
    assert.throws(() => circuitOf(Bare, 'forecast'), {
      message: 'circuitOf(): Bare.forecast has no circuit: put @circuitBreaker on it',
    });
  });

  test('X6 on a class each of its methods has a circuit', async () => {
    @circuitBreaker({ consecutive: 1 })
    class Weather {
      async forecast(): Promise<void> {
        throw down;
      }
      async stations(): Promise<number> {
        return 1;
      }
    }
    await rejection(new Weather().forecast());
    assert.ok((await rejection(new Weather().forecast())) instanceof CircuitOpenError);
    assert.equal(await new Weather().stations(), 1);
    assert.equal(statsOf(Weather, 'forecast').circuitOpenings, 1);
    assert.equal(statsOf(Weather, 'stations').circuitOpenings, 0);
  });

  test('X6 policiesOf and explain tell of it', () => {
    class Weather {
      @circuitBreaker(5)
      @retry(2)
      async forecast(): Promise<void> {}
    }
    assert.deepEqual(
      policiesOf(Weather, 'forecast').map(({ kind }) => kind),
      ['retry', 'circuitBreaker'],
    );
    assert.match(explain(Weather), /forecast\(\): retry > circuitBreaker > the method/);
    assert.match(explain(Weather), /circuitBreaker consecutive: 5, halfOpenAfter: 5000/);
  });

  const wrong: readonly [ask: () => unknown, message: string | RegExp][] = [
    [() => circuitOf(Base, 'plain'), 'circuitOf(): Base.plain has no circuit: put @circuitBreaker on it'],
    [() => circuitOf(Base, 'hidden'), 'circuitOf(): Base.hidden has no circuit: put @circuitBreaker on it'],
    [() => circuitOf(Base, 'nothing' as string), 'circuitOf(): Base.nothing is not a method'],
    [
      () => circuitOf(Object.create(null) as never),
      'circuitOf(): expected the name of a method of the class, got undefined',
    ],
    [() => circuitOf(5 as never, 'forecast'), 'circuitOf(): expected a class or an instance, got 5'],
    [() => circuitOf(Base, 'forecast', 'a'), "circuitOf(): Base.forecast has no circuits by key, got the key 'a'"],
    [() => circuitOf(Keyed, 'get'), 'circuitOf(): Keyed.get has a circuit for each key: give one, got undefined'],
    [
      () => circuitOf(Keyed, 'own'),
      'circuitOf(): Keyed.own has a circuit for each instance: give one, got the function Keyed',
    ],
  ];
  for (const [ask, message] of wrong) {
    test(`3.12 ${String(message)}`, () => {
      assert.throws(ask, { message });
      assert.throws(ask, ConfigurationError);
    });
  }
});

describe('circuitOf an Orchestrator', () => {
  const fail = async (): Promise<never> => {
    throw down;
  };

  test('3.12 tells of the circuit that all functions share, isolates and resets it', async () => {
    const orchestrator = new Orchestrator({ circuitBreaker: 2 });
    const circuit = circuitOf(orchestrator);
    assert.equal(circuit.state, 'closed');
    await rejection(orchestrator.execute(fail));
    await rejection(orchestrator.wrap(fail)());
    assert.deepEqual([circuit.state, circuit.failures, circuitOf(orchestrator).calls], ['open', 2, 2]);
    circuit.reset();
    assert.equal(await orchestrator.execute(async () => 1), 1);
    const end = circuit.isolate();
    const error = await rejection(orchestrator.execute(async () => 1));
    assert.ok(error instanceof CircuitOpenError);
    assert.equal(error.reason, 'isolated');
    end();
    assert.equal(await orchestrator.execute(async () => 1), 1);
  });

  test('3.12 each has its own, and each key of one', async () => {
    const config = { circuitBreaker: { consecutive: 1, key: (host: string) => host } };
    const [one, other] = [new Orchestrator(config), new Orchestrator(config)];
    await rejection(one.execute(fail as (host: string) => Promise<never>, 'a'));
    const states = [circuitOf(one, 'a'), circuitOf(one, 'b'), circuitOf(other, 'a')].map(({ state }) => state);
    assert.deepEqual(states, ['open', 'closed', 'closed']);
  });

  test('3.14 a change by hand has no receiver, and is of the Orchestrator', () => {
    const told: unknown[] = [];
    const orchestrator = new Orchestrator({
      circuitBreaker: {
        onStateChange(this: unknown, { method, to }) {
          told.push([this, method, to]);
        },
      },
    });
    circuitOf(orchestrator).isolate();
    assert.deepEqual(told, [[undefined, 'Orchestrator', 'isolated']]);
  });

  test('3.12 a subclass with decorated methods has those, by name', async () => {
    class Desk extends Orchestrator {
      @circuitBreaker(1)
      async load(): Promise<void> {
        throw down;
      }
    }
    const desk = new Desk({ circuitBreaker: 1 });
    await rejection(desk.load());
    assert.deepEqual([circuitOf(desk, 'load').state, circuitOf(desk).state], ['open', 'closed']);
  });

  const Nameless = (() =>
    class {
      @circuitBreaker(1)
      async forecast(): Promise<void> {}
    })();
  const keyed = new Orchestrator({ circuitBreaker: { key: () => 'a' } });
  const wrong: readonly [ask: () => unknown, message: string][] = [
    [
      () => circuitOf(new Orchestrator({ retry: 2 })),
      'circuitOf(): Orchestrator has no circuit: give it the option `circuitBreaker`',
    ],
    [
      () => circuitOf(new Orchestrator({ circuitBreaker: 5 }), 'execute'),
      "circuitOf(): Orchestrator has no circuits by key, got the key 'execute'; one circuit is for all that it runs",
    ],
    [
      () => circuitOf(new Nameless() as never),
      'circuitOf(): expected the name of a method of the class, got undefined',
    ],
    [() => circuitOf(keyed), 'circuitOf(): Orchestrator has a circuit for each key: give one, got undefined'],
    [() => circuitOf(new Base() as never), 'circuitOf(): expected the name of a method of Base, got undefined'],
  ];
  for (const [ask, message] of wrong) {
    test(`3.12 ${message}`, () => {
      assert.throws(ask, { message });
      assert.throws(ask, ConfigurationError);
    });
  }
});

class Keyed {
  @circuitBreaker({ consecutive: 2, halfOpenAfter: 100, key: (tenant: string) => tenant })
  async get(_tenant: string, fails = true): Promise<void> {
    if (fails) throw down;
  }
  @circuitBreaker({ consecutive: 1, scope: 'instance' })
  async own(): Promise<void> {
    throw down;
  }
  @circuitBreaker({ consecutive: 1, key: () => 5 as never })
  async wrong(): Promise<void> {}
}

describe('circuits by key and instance', () => {
  test('each key has a circuit', async () => {
    class Fresh extends Keyed {}
    const api = new Fresh();
    for (let i = 0; i < 2; i++) await rejection(api.get('a'));
    await api.get('b', false);
    assert.deepEqual([circuitOf(Fresh, 'get', 'a').state, circuitOf(Fresh, 'get', 'b').state], ['open', 'closed']);
    assert.ok((await rejection(api.get('a', false))) instanceof CircuitOpenError);
  });

  test('each instance has a circuit', async () => {
    const [one, two] = [new Keyed(), new Keyed()];
    await rejection(one.own());
    assert.deepEqual([circuitOf(one, 'own').state, circuitOf(two, 'own').state], ['open', 'closed']);
    const { own } = one;
    await rejection(Reflect.apply(own, undefined, []));
    assert.equal(circuitOf(two, 'own').state, 'closed');
  });

  test('each function has a circuit, as receiver; what is no object shares one', async () => {
    class Api {
      @circuitBreaker({ consecutive: 1, scope: 'instance' })
      async own(): Promise<void> {
        throw down;
      }
    }
    const { own } = new Api();
    const call = (receiver: unknown) => rejection(Reflect.apply(own, receiver, []));
    for (const receiver of [() => {}, () => {}]) {
      assert.equal(await call(receiver), down);
      assert.ok((await call(receiver)) instanceof CircuitOpenError);
    }
    assert.equal(await call(undefined), down);
    for (const receiver of [undefined, null, 'text']) assert.ok((await call(receiver)) instanceof CircuitOpenError);
  });

  test('3.12 of a key that was not called yet there is nothing to tell, nor to reset', () => {
    const circuit = circuitOf(Keyed, 'get', 'never called');
    circuit.reset();
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['closed', 0, 0]);
  });

  test('X8 a key that is no string is a ConfigurationError from the call', async () => {
    const error = await rejection(new Keyed().wrong());
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.message, '@circuitBreaker on Keyed.wrong: expected `key` to return a string, got 5');
  });

  test('3.12 one may be isolated before its first call, and stays so among many keys', async () => {
    class Fresh extends Keyed {}
    const api = new Fresh();
    const end = circuitOf(Fresh, 'get', 'a').isolate();
    for (let i = 0; i < 100; i++) await api.get(String(i), false);
    assert.ok((await rejection(api.get('a', false))) instanceof CircuitOpenError);
    end();
    await api.get('a', false);
  });

  test('3.13 a failure in a row is remembered among many keys, for 10 minutes', () =>
    underFakeClock(async (clock) => {
      class Fresh extends Keyed {}
      const api = new Fresh();
      const othersCall = async (): Promise<void> => {
        for (let i = 0; i < 10; i++) await api.get(`other ${i}`, false);
      };
      await rejection(api.get('a'));
      await othersCall();
      clock.tick(599_999);
      await othersCall();
      assert.equal(circuitOf(Fresh, 'get', 'a').failures, 1);
      clock.tick(1);
      await othersCall();
      assert.equal(circuitOf(Fresh, 'get', 'a').failures, 0);
    }));

  test('3.13 but one that is called itself is not dropped, however long that was ago', () =>
    underFakeClock(async (clock) => {
      // Wherever the look at two others has come to.
      for (let others = 7; others < 12; others++) {
        class Fresh extends Keyed {}
        const api = new Fresh();
        await rejection(api.get('a'));
        for (let i = 0; i < others; i++) await api.get('b', false);
        clock.tick(600_000);
        await rejection(api.get('a'));
        assert.equal(circuitOf(Fresh, 'get', 'a').state, 'open');
      }
    }));

  test('3.13 a new key begins with nothing counted, whatever was dropped before', () =>
    underFakeClock(async (clock) => {
      class Fresh extends Keyed {}
      const api = new Fresh();
      for (const key of 'abcde') await rejection(api.get(key));
      clock.tick(600_000);
      for (const key of 'fghijklmno') {
        await rejection(api.get(key));
        assert.equal(circuitOf(Fresh, 'get', key).state, 'closed');
      }
      assert.equal(circuitOf(Fresh, 'get', 'a').failures, 0);
    }));

  test('3.13 an open one stays until a minute after it could be probed', () =>
    underFakeClock(async (clock) => {
      class Fresh extends Keyed {}
      const api = new Fresh();
      const othersCall = async (): Promise<void> => {
        for (let i = 0; i < 10; i++) await api.get(`other ${i}`, false);
      };
      for (let i = 0; i < 2; i++) await rejection(api.get('a'));
      await othersCall();
      clock.tick(100);
      await othersCall();
      clock.tick(59_999);
      await othersCall();
      assert.equal(circuitOf(Fresh, 'get', 'a').state, 'half-open');
      clock.tick(1);
      await othersCall();
      assert.equal(circuitOf(Fresh, 'get', 'a').state, 'closed');
    }));

  for (const how of ['aborted', 'aborted in a second attempt', 'refused twice'] as const) {
    test(`3.13 X3 one whose call is under way is kept, after one that was ${how}`, async () => {
      const work: ((fails: boolean) => void)[] = [];
      const twice = definePolicy({
        kind: 'twice',
        stage: 'method',
        around: (next) => next().catch(() => next()),
      });
      class Api {
        @retry({ maxAttempts: 2, waitMin: 0, retryOn: [], retryResult: () => true })
        @circuitBreaker({ consecutive: 1, key: (key: string) => key })
        @concurrency({ limit: 1, key: (key: string) => key })
        @twice()
        async get(key: string, _signal?: AbortSignal): Promise<void> {
          if (key !== 'a') return;
          await new Promise<void>((resolve, reject) => work.push((fails) => (fails ? reject(down) : resolve())));
        }
      }
      const api = new Api();
      const stop = new AbortController();
      if (how === 'refused twice') {
        const first = api.get('a');
        const second = rejection(api.get('a'));
        const isolation = circuitOf(Api, 'get', 'a').isolate();
        work.shift()?.(false);
        assert.ok((await second) instanceof CircuitOpenError);
        isolation();
        await rejection(first);
      } else {
        const aborted = rejection(api.get('a', stop.signal));
        if (how === 'aborted in a second attempt') {
          work.shift()?.(false);
          await flush();
        }
        stop.abort('left');
        assert.equal(await aborted, 'left');
        work.shift()?.(true);
        await flush();
        work.shift()?.(true);
        await flush();
      }
      const call = rejection(api.get('a'));
      for (let i = 0; i < 100; i++) await api.get(String(i));
      while (work.length > 0) {
        work.shift()?.(true);
        await flush();
      }
      assert.equal(await call, down);
      assert.equal(circuitOf(Api, 'get', 'a').state, 'open');
    });
  }

  test('3.13 one whose call is under way is kept, however long it takes', () =>
    underFakeClock(async (clock) => {
      let end!: () => void;
      class Api {
        @circuitBreaker({ consecutive: 1, key: (key: string) => key })
        async get(key: string): Promise<void> {
          if (key === 'a') await new Promise<void>((_resolve, reject) => (end = () => reject(down)));
        }
      }
      const api = new Api();
      const call = rejection(api.get('a'));
      for (let i = 0; i < 100; i++) {
        clock.tick(600_000);
        await api.get(String(i));
      }
      end();
      await call;
      assert.equal(circuitOf(Api, 'get', 'a').state, 'open');
    }));
});
