import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import {
  CircuitBreaker,
  cache,
  captureArguments,
  chaos,
  circuitBreaker,
  circuitOf,
  concurrency,
  configure,
  currentCall,
  decorate,
  definePolicy,
  fallback,
  hedge,
  Orchestrator,
  on,
  orchestrate,
  processAll,
  rateLimit,
  retry,
  singleFlight,
  statsOf,
  timeout,
  type Undo,
} from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { hear } from '../support/heard.js';
import { Work } from '../support/work.js';

const failure = new Error('no weather');

describe('the events of a call', () => {
  test('that works: one attempt, one call, each at its end', async () => {
    class Weather {
      @retry(3)
      async forecast(city: string): Promise<string> {
        return `sun in ${city}`;
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const call = new Weather().forecast('Davos');
      clock.tick(5);
      await call;
      const [attempt] = heard.of('attempt');
      const [told] = heard.of('call');
      assert.deepEqual(heard.kinds, ['attempt', 'call']);
      assert.equal(attempt?.callId, told?.callId);
      const method = { className: 'Weather', method: 'forecast', static: false, callId: told?.callId };
      assert.deepEqual(attempt, {
        type: 'attempt',
        ...method,
        attempt: 1,
        hedge: 0,
        duration: 5,
        outcome: 'ok',
        abandoned: false,
        error: undefined,
      });
      assert.deepEqual(told, {
        type: 'call',
        ...method,
        attempts: 1,
        duration: 5,
        outcome: 'ok',
        fallback: false,
        error: undefined,
      });
    });
  });

  test('that is retried: a retry before each wait, the wait after it', async () => {
    class Weather {
      attempts = 0;
      @retry({ waitMin: 100, jitter: 'none' })
      async forecast(): Promise<string> {
        if (++this.attempts < 3) throw failure;
        return 'sun';
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const call = new Weather().forecast();
      await flush();
      await advance(clock, 300);
      assert.equal(await call, 'sun');
      assert.deepEqual(heard.kinds, ['attempt', 'retry', 'wait', 'attempt', 'retry', 'wait', 'attempt', 'call']);
      assert.deepEqual(
        heard.of('retry').map(({ attempt, delay, error, policy }) => [attempt, delay, error, policy]),
        [
          [1, 100, failure, 'retry'],
          [2, 200, failure, 'retry'],
        ],
      );
      assert.deepEqual(
        heard.of('wait').map(({ attempt, duration, error, policy }) => [attempt, duration, error, policy]),
        [
          [1, 100, undefined, 'retry'],
          [2, 200, undefined, 'retry'],
        ],
      );
      assert.deepEqual(
        heard.of('attempt').map(({ attempt, outcome, error }) => [attempt, outcome, error]),
        [
          [1, 'error', failure],
          [2, 'error', failure],
          [3, 'ok', undefined],
        ],
      );
      assert.deepEqual(
        heard.of('call').map(({ attempts, duration, outcome }) => [attempts, duration, outcome]),
        [[3, 300, 'ok']],
      );
      assert.equal(new Set(heard.events.map((event) => 'callId' in event && event.callId)).size, 1);
    });
  });

  test('have one callId where nobody listens to calls, a policy with a copy of the call in between', async () => {
    const early = definePolicy({
      kind: 'early',
      stage: 'call',
      options: {},
      async around(next) {
        const first = next();
        await first.catch(() => {});
        return first;
      },
    });
    class Weather {
      @early({})
      @retry({ waitMin: 0, maxAttempts: 3 })
      async forecast(): Promise<string> {
        throw failure;
      }
    }
    const ids: number[] = [];
    using _ = on('retry', ({ callId }) => ids.push(callId));
    await assert.rejects(new Weather().forecast(), failure);
    await assert.rejects(new Weather().forecast(), failure);
    assert.equal(ids.length, 4);
    assert.equal(ids[0], ids[1]);
    assert.equal(ids[2], ids[3]);
    assert.notEqual(ids[1], ids[2]);
  });

  test('are told of each attempt where a policy leaves runs of the attempts before behind', async () => {
    const gates = [deferred(), deferred(), deferred()];
    const hasty = definePolicy({
      kind: 'hasty',
      stage: 'attempt',
      async around(next, { attempt }) {
        const run = next();
        if (attempt < 3) throw failure;
        return run;
      },
    });
    class Weather {
      @retry({ waitMin: 0, maxAttempts: 3 })
      @hasty()
      async forecast(): Promise<string> {
        const { attempt } = currentCall();
        await gates[attempt - 1]?.promise;
        return `sun in attempt ${attempt}`;
      }
    }
    using heard = hear();
    const call = new Weather().forecast();
    await flush();
    for (const gate of gates) {
      gate.resolve();
      await flush();
    }
    assert.equal(await call, 'sun in attempt 3');
    assert.deepEqual(
      heard.of('attempt').map(({ attempt, outcome }) => [attempt, outcome]),
      [1, 2, 3].map((attempt) => [attempt, 'ok']),
    );
    assert.deepEqual(
      heard.of('call').map(({ attempts, outcome }) => [attempts, outcome]),
      [[3, 'ok']],
    );
  });

  test('tell of what chaos does in place of the method as of an attempt', async () => {
    class Weather {
      @retry({ waitMin: 0, maxAttempts: 2 })
      @chaos({ error: failure })
      async forecast(): Promise<string> {
        return 'sun';
      }
      @chaos({ result: 'snow', latency: 5 })
      async warnings(): Promise<string> {
        return 'none';
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      using _ = chaos.enable();
      captureArguments(true);
      try {
        await assert.rejects(new Weather().forecast(), failure);
        const warned = new Weather().warnings();
        await advance(clock, 5);
        assert.equal(await warned, 'snow');
      } finally {
        captureArguments(false);
      }
      assert.deepEqual(
        heard
          .of('attempt')
          .map(({ method, attempt, outcome, error, result }) => [method, attempt, outcome, error, result]),
        [
          ['forecast', 1, 'error', failure, undefined],
          ['forecast', 2, 'error', failure, undefined],
          ['warnings', 1, 'ok', undefined, 'snow'],
        ],
      );
      assert.deepEqual(
        heard.of('call').map(({ attempts }) => attempts),
        [statsOf(Weather, 'forecast').attempts, statsOf(Weather, 'warnings').attempts],
      );
    });
  });

  test('that throws at once, or gives a thenable', async () => {
    class Weather {
      @retry(1)
      throws(): Promise<string> {
        throw failure;
      }
      @retry(1)
      gives(): PromiseLike<string> {
        // biome-ignore lint/suspicious/noThenProperty: this is what it is about
        return { then: (resolve) => Promise.resolve('sun').then(resolve) } as PromiseLike<string>;
      }
    }
    using heard = hear();
    await assert.rejects(new Weather().throws(), failure);
    assert.equal(await new Weather().gives(), 'sun');
    assert.deepEqual(heard.kinds, ['attempt', 'call', 'attempt', 'call']);
    assert.deepEqual(
      heard.of('call').map(({ outcome, error }) => [outcome, error]),
      [
        ['error', failure],
        ['ok', undefined],
      ],
    );
  });

  test('tell an error from undefined that was thrown', async () => {
    class Weather {
      @retry(1)
      async forecast(): Promise<void> {
        throw undefined;
      }
    }
    using heard = hear();
    await new Weather().forecast().catch(() => {});
    assert.deepEqual(
      heard.of('call').map(({ outcome }) => outcome),
      ['error'],
    );
    assert.deepEqual(
      heard.of('attempt').map(({ outcome }) => outcome),
      ['error'],
    );
  });
});

describe('a method in events', () => {
  test('is of the concrete class, be it inherited, private, static or named by a symbol', async () => {
    const key = Symbol('key');
    class Weather {
      @retry(3)
      async forecast(): Promise<number> {
        return this.#measure();
      }
      @retry(3)
      async #measure(): Promise<number> {
        return 1;
      }
      @retry(3)
      static async load(): Promise<number> {
        return 2;
      }
      @retry(3)
      async [key](): Promise<number> {
        return 3;
      }
    }
    class Alpine extends Weather {}
    using heard = hear();
    await new Alpine().forecast();
    await Weather.load();
    await new Weather()[key]();
    assert.deepEqual(
      heard.of('call').map(({ className, method, static: isStatic }) => [className, method, isStatic]),
      [
        ['Alpine', '#measure', false],
        ['Alpine', 'forecast', false],
        ['Weather', 'load', true],
        ['Weather', 'Symbol(key)', false],
      ],
    );
  });

  test('of an Orchestrator is the function that it runs', async () => {
    async function fetchUser(): Promise<number> {
      return 1;
    }
    const orchestrator = new Orchestrator({ retry: 3 });
    using heard = hear();
    await orchestrator.execute(fetchUser);
    await orchestrator.wrap(fetchUser)();
    await orchestrator.execute(() => 2);
    assert.deepEqual(
      heard.of('call').map(({ className, method }) => `${className}.${method}`),
      ['Orchestrator.fetchUser', 'Orchestrator.fetchUser', 'Orchestrator.(anonymous function)'],
    );
  });

  test('of an anonymous class, and of one decorated without syntax or by the class', async () => {
    const type = (() =>
      class {
        async forecast(): Promise<number> {
          return 1;
        }
      })();
    decorate(type, { forecast: { retry: 3 } });
    @orchestrate({ retry: 3 })
    class Whole {
      async forecast(): Promise<number> {
        return 1;
      }
    }
    using heard = hear();
    await new type().forecast();
    await new Whole().forecast();
    assert.deepEqual(
      heard.of('call').map(({ className }) => className),
      ['(anonymous class)', 'Whole'],
    );
  });
});

describe('how a call ended', () => {
  class Api {
    readonly work = new Work();
    @concurrency({ limit: 1, maxQueue: 1 })
    async get(name: string, _options?: { signal?: AbortSignal }): Promise<unknown> {
      return this.work.begin(name);
    }
  }

  test('rejected by a full queue, aborted while it waits and while it runs', async () => {
    using heard = hear();
    const api = new Api();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = api.get('first', { signal: running.signal });
    const second = api.get('second', { signal: waiting.signal });
    await assert.rejects(api.get('third'), { name: 'RejectedError' });
    waiting.abort();
    await assert.rejects(second, { name: 'AbortError' });
    running.abort();
    await assert.rejects(first, { name: 'AbortError' });
    assert.deepEqual(
      heard.of('reject').map(({ policy, reason, attempt }) => [policy, reason, attempt]),
      [['concurrency', 'queue-full', 1]],
    );
    assert.deepEqual(
      heard.of('call').map(({ outcome, attempts }) => [outcome, attempts]),
      [
        ['rejected', 0],
        ['aborted', 0],
        ['aborted', 1],
      ],
    );
    const [wait] = heard.of('wait');
    assert.equal(wait?.error, waiting.signal.reason);
    assert.deepEqual(heard.of('attempt'), []);
    api.work.endAll();
    await flush();
    // It has really ended by now, which nobody waits for.
    assert.deepEqual(
      heard.of('attempt').map(({ outcome, abandoned }) => [outcome, abandoned]),
      [['ok', true]],
    );
    assert.equal(heard.of('call').length, 3);
  });

  test('aborted before it began, and by a signal that is none of its own', async () => {
    using heard = hear();
    const api = new Api();
    await assert.rejects(api.get('none', { signal: AbortSignal.abort() }), { name: 'AbortError' });
    assert.deepEqual(
      heard.of('call').map(({ outcome, attempts }) => [outcome, attempts]),
      [['aborted', 0]],
    );
    class Relay {
      @retry(1)
      async get(): Promise<unknown> {
        return api.get('inner', { signal: AbortSignal.abort() });
      }
    }
    await assert.rejects(new Relay().get(), { name: 'AbortError' });
    assert.deepEqual(
      heard
        .of('call')
        .slice(1)
        .map(({ className, outcome }) => [className, outcome]),
      [
        ['Api', 'aborted'],
        ['Relay', 'error'],
      ],
    );
  });

  test('rejected inside by another method is an error of this one', async () => {
    const api = new Api();
    class Relay {
      @retry(1)
      async get(): Promise<unknown> {
        return api.get('third');
      }
    }
    using heard = hear();
    const running = api.get('first');
    const waiting = api.get('second');
    await assert.rejects(new Relay().get(), { name: 'RejectedError' });
    assert.deepEqual(
      heard.of('call').map(({ className, outcome }) => [className, outcome]),
      [
        ['Api', 'rejected'],
        ['Relay', 'error'],
      ],
    );
    api.work.endAll();
    await running;
    api.work.endAll();
    await flush();
    api.work.endAll();
    await waiting;
  });

  test('with options that are wrong', async () => {
    class Wrong {
      @concurrency({ limit: 1, key: () => 1 as unknown as string })
      async get(): Promise<void> {}
    }
    using heard = hear();
    await assert.rejects(new Wrong().get(), { name: 'ConfigurationError' });
    assert.deepEqual(
      heard.of('call').map(({ outcome, attempts }) => [outcome, attempts]),
      [['error', 0]],
    );
  });

  test('by a timeout: its attempt is told of when it has really ended', async () => {
    const work = new Work();
    class Slow {
      @timeout(10)
      async get(): Promise<unknown> {
        return work.begin('slow');
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const call = new Slow().get();
      const failing = assert.rejects(call, { name: 'TimeoutError' });
      await advance(clock, 10);
      await failing;
      assert.deepEqual(heard.kinds, ['call']);
      assert.deepEqual(
        heard.of('call').map(({ outcome, duration }) => [outcome, duration]),
        [['error', 10]],
      );
      clock.tick(5);
      work.fail('slow', failure);
      await flush();
      assert.deepEqual(
        heard.of('attempt').map(({ outcome, abandoned, duration, error }) => [outcome, abandoned, duration, error]),
        [['error', true, 15, failure]],
      );
    });
  });

  test('items of a run that another one has ended are aborted', async () => {
    class Each {
      @retry(1)
      async one(n: number): Promise<number> {
        const { signal } = currentCall();
        if (n === 2) throw failure;
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        return n;
      }
    }
    using heard = hear();
    await assert.rejects(processAll(new Each(), 'one', [1, 2], { concurrency: 2 }), failure);
    await flush();
    assert.deepEqual(
      heard
        .of('call')
        .map(({ outcome }) => outcome)
        .sort(),
      ['aborted', 'error'],
    );
  });
});

describe('waits in line', () => {
  test('are told of with their policy, once they are over', async () => {
    class Api {
      readonly work = new Work();
      @concurrency(1)
      async get(name: string): Promise<unknown> {
        return this.work.begin(name);
      }
      @rateLimit({ rate: 1, per: 100 })
      async put(): Promise<void> {}
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const api = new Api();
      const both = [api.get('first'), api.get('second')];
      clock.tick(7);
      api.work.end('first');
      await flush();
      api.work.end('second');
      await Promise.all(both);
      const puts = [api.put(), api.put()];
      await advance(clock, 100);
      await Promise.all(puts);
      assert.deepEqual(
        heard.of('wait').map(({ policy, duration, error, attempt }) => [policy, duration, error, attempt]),
        [
          ['concurrency', 7, undefined, 1],
          ['rateLimit', 100, undefined, 1],
        ],
      );
    });
  });

  test('that lasted too long have their error, and are a rejection', async () => {
    class Api {
      @concurrency({ limit: 1, maxWait: 10 })
      async get(): Promise<void> {
        await new Promise(() => {});
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const api = new Api();
      void api.get();
      const waiting = assert.rejects(api.get(), { name: 'RejectedError' });
      await advance(clock, 10);
      await waiting;
      const [wait] = heard.of('wait');
      const [rejection] = heard.of('reject');
      assert.equal(wait?.duration, 10);
      assert.equal(wait?.error, rejection?.error);
      assert.equal(rejection?.reason, 'wait-timeout');
      assert.deepEqual(
        heard.of('call').map(({ outcome }) => outcome),
        ['rejected'],
      );
    });
  });
});

describe('fallbacks', () => {
  test('a method that is decorated itself is a call of its own', async () => {
    class Weather {
      @fallback('cached')
      async forecast(_city: string): Promise<string> {
        throw failure;
      }
      @retry(2)
      async cached(city: string): Promise<string> {
        return `old sun in ${city}`;
      }
    }
    using heard = hear();
    await new Weather().forecast('Davos');
    assert.deepEqual(heard.kinds, ['attempt', 'fallback', 'attempt', 'call', 'call']);
    const [told] = heard.of('fallback');
    assert.deepEqual([told?.alternative, told?.error, told?.method], ['cached', failure, 'forecast']);
    assert.deepEqual(
      heard.of('call').map(({ method, outcome, fallback: isFallback }) => [method, outcome, isFallback]),
      [
        ['cached', 'ok', false],
        ['forecast', 'ok', true],
      ],
    );
    const [inner, outer] = heard.of('call');
    assert.notEqual(inner?.callId, outer?.callId);
  });

  test('functions, a last resort, and a failure of all', async () => {
    const old = async (): Promise<string> => {
      throw failure;
    };
    class Weather {
      @fallback({ alternatives: [old], value: 'none' })
      async forecast(): Promise<string> {
        throw failure;
      }
      @fallback(old)
      async warnings(): Promise<string> {
        throw failure;
      }
    }
    using heard = hear();
    assert.equal(await new Weather().forecast(), 'none');
    await assert.rejects(new Weather().warnings(), { name: 'AllFailedError' });
    assert.deepEqual(
      heard.of('fallback').map(({ alternative }) => alternative),
      ['old', 'value', 'old'],
    );
    assert.deepEqual(
      heard.of('call').map(({ outcome, fallback: isFallback }) => [outcome, isFallback]),
      [
        ['ok', true],
        ['error', false],
      ],
    );
  });

  test('other values of an argument', async () => {
    class Weather {
      @fallback({ rotate: { argument: 0, values: ['eu', 'us'] } })
      async forecast(host: string): Promise<string> {
        if (host === 'eu') throw failure;
        return host;
      }
    }
    using heard = hear();
    assert.equal(await new Weather().forecast('eu'), 'us');
    assert.equal(await new Weather().forecast('us'), 'us');
    assert.deepEqual(
      heard.of('fallback').map(({ alternative }) => alternative),
      ['rotate'],
    );
    assert.deepEqual(
      heard.of('call').map(({ attempts, fallback: isFallback }) => [attempts, isFallback]),
      [
        [2, true],
        [1, false],
      ],
    );
  });
});

describe('circuits', () => {
  test('changes by calls and by hand, and those turned away', async () => {
    class Api {
      isUp = false;
      @circuitBreaker({ consecutive: 1, halfOpenAfter: 100 })
      async get(): Promise<void> {
        if (!this.isUp) throw failure;
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const api = new Api();
      await assert.rejects(api.get(), failure);
      await assert.rejects(api.get(), { name: 'CircuitOpenError' });
      clock.tick(100);
      api.isUp = true;
      await api.get();
      circuitOf(api, 'get').isolate()();
      const [first] = heard.of('call');
      assert.deepEqual(
        heard.of('circuit').map(({ from, to, error, callId }) => [from, to, error, callId]),
        [
          ['closed', 'open', failure, first?.callId],
          ['open', 'half-open', failure, heard.of('call')[2]?.callId],
          ['half-open', 'closed', undefined, heard.of('call')[2]?.callId],
          ['closed', 'isolated', undefined, undefined],
          ['isolated', 'closed', undefined, undefined],
        ],
      );
      assert.deepEqual(
        heard.of('circuit').map(({ className, method }) => `${className}.${method}`),
        Array(5).fill('Api.get'),
      );
      assert.deepEqual(
        heard.of('reject').map(({ policy, reason, retryAfter }) => [policy, reason, retryAfter]),
        [['circuitBreaker', 'open', 100]],
      );
      assert.deepEqual(
        heard.of('call').map(({ outcome }) => outcome),
        ['error', 'rejected', 'ok'],
      );
    });
  });

  test('a shared one tells of the method whose call changed it; by hand, of none', async () => {
    const backend = new CircuitBreaker(1);
    class Api {
      @circuitBreaker(backend)
      async get(): Promise<void> {
        throw failure;
      }
    }
    using heard = hear();
    await assert.rejects(new Api().get(), failure);
    backend.reset();
    assert.deepEqual(
      heard
        .of('circuit')
        .map(({ className, method, callId, to }) => [`${className}.${method}`, callId !== undefined, to]),
      [
        ['Api.get', true, 'open'],
        ['CircuitBreaker.*', false, 'closed'],
      ],
    );
  });
});

describe('hedges', () => {
  test('the loser is told of at its real end, as abandoned', async () => {
    class Api {
      readonly work = new Work();
      runs = 0;
      @hedge(20)
      async get(): Promise<unknown> {
        return this.work.begin(`run ${this.runs++}`);
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const api = new Api();
      const call = api.get();
      await advance(clock, 20);
      api.work.end('run 1');
      await call;
      assert.deepEqual(
        heard.of('hedge').map(({ hedge: nth, delay, error, attempt }) => [nth, delay, error, attempt]),
        [[1, 20, undefined, 1]],
      );
      assert.deepEqual(heard.kinds, ['hedge', 'attempt', 'call']);
      api.work.end('run 0');
      await flush();
      assert.deepEqual(
        heard.of('attempt').map(({ hedge: nth, abandoned, outcome }) => [nth, abandoned, outcome]),
        [
          [1, false, 'ok'],
          [0, true, 'ok'],
        ],
      );
      assert.deepEqual(
        heard.of('call').map(({ attempts }) => attempts),
        [2],
      );
      assert.equal(new Set(heard.events.map((event) => 'callId' in event && event.callId)).size, 1);
    });
  });
});

describe('caches', () => {
  test('a hit is a call without an attempt; who joins has none of its own', async () => {
    class Api {
      readonly work = new Work();
      @cache({ ttl: 100, staleWhileRevalidate: 100 })
      async get(id: number): Promise<unknown> {
        return this.work.begin(`get ${id}`);
      }
      @singleFlight()
      async find(id: number): Promise<unknown> {
        return this.work.begin(`find ${id}`);
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const api = new Api();
      const both = [api.get(1), api.get(1)];
      api.work.end('get 1');
      await Promise.all(both);
      await api.get(1);
      clock.tick(150);
      await api.get(1);
      const found = [api.find(1), api.find(1)];
      api.work.endAll();
      await Promise.all(found);
      assert.deepEqual(
        heard.of('cache').map(({ policy, outcome }) => [policy, outcome]),
        [
          ['cache', 'miss'],
          ['cache', 'coalesced'],
          ['cache', 'hit'],
          ['cache', 'stale'],
          ['singleFlight', 'miss'],
          ['singleFlight', 'coalesced'],
        ],
      );
      const inOrder = heard.of('call').toSorted((one, other) => one.callId - other.callId);
      const attempts = inOrder.map((event) => [event.method, event.attempts]);
      assert.deepEqual(attempts, [
        ['get', 1],
        ['get', 0],
        ['get', 0],
        ['get', 1],
        ['find', 1],
        ['find', 0],
      ]);
      assert.equal(heard.of('attempt').length, 3);
    });
  });

  test('behind a stale value, nothing of what follows changes the event of the call that has ended', async () => {
    class Api {
      readonly work = new Work();
      @cache({ ttl: 100, staleWhileRevalidate: 1000 })
      @fallback({ rotate: { argument: 1, values: ['other'] } })
      async get(_id: number, from: string): Promise<unknown> {
        return this.work.begin(from);
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const api = new Api();
      const first = api.get(1, 'first');
      api.work.end('first');
      await first;
      clock.tick(150);
      await api.get(1, 'first');
      const told = heard.of('call').at(-1) ?? assert.fail('untold');
      const { fallback: before, attempts } = told;
      api.work.fail('first', failure);
      await flush();
      api.work.end('other');
      await flush();
      assert.equal(heard.of('fallback').length, 1);
      assert.deepEqual([before, attempts, told.fallback, told.attempts], [false, 1, false, 1]);
    });
  });
});

describe('adaptive limits', () => {
  test('tell of each move', async () => {
    class Api {
      @concurrency({ limit: { initial: 10, targetLatency: 1 } })
      async get(): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    await underFakeClock(async (clock) => {
      using heard = hear();
      const api = new Api();
      const calls = Array.from({ length: 10 }, () => api.get());
      await advance(clock, 200);
      await Promise.all(calls);
      assert.deepEqual(
        heard.of('limit').map(({ className, method, from, to, policy }) => [className, method, from, to, policy]),
        [['Api', 'get', 10, 9, 'concurrency']],
      );
    });
  });
});

describe('who listens', () => {
  class Weather {
    @retry({ waitMin: 0 })
    async forecast(city: string): Promise<string> {
      return city;
    }
  }

  test('may throw, reject, leave and make calls: no call is touched', async (t) => {
    const warnings: Error[] = [];
    const warned = (warning: Error): number => warnings.push(warning);
    process.on('warning', warned);
    t.after(() => process.off('warning', warned));
    let told = 0;
    using _throws = on('*', () => {
      told++;
      throw failure;
    });
    using _rejects = on('call', async () => {
      throw failure;
    });
    let isInner = false;
    using _calls = on('attempt', () => {
      if (isInner) return;
      isInner = true;
      void new Weather().forecast('inner');
    });
    const stop: Undo = on('attempt', () => stop());
    assert.equal(await new Weather().forecast('Davos'), 'Davos');
    assert.equal(await new Weather().forecast('Bern'), 'Bern');
    await flush();
    assert.equal(told, 6);
    assert.deepEqual(
      warnings.map(({ name, message }) => [name, message.includes("on('*')") || message.includes("on('call')")]),
      [
        ['OperoWarning', true],
        ['OperoWarning', true],
      ],
    );
  });

  test('may give a promise of another realm, or of another kind, that rejects: it is warned of as any', async (t) => {
    const warnings: Error[] = [];
    const warned = (warning: Error): number => warnings.push(warning);
    process.on('warning', warned);
    t.after(() => process.off('warning', warned));
    using _realm = on('call', () => runInNewContext('Promise.reject(new Error("of another realm"))'));
    using _kind = on('call', () => ({
      // biome-ignore lint/suspicious/noThenProperty: this is what another library calls a promise
      then: (_: unknown, reject: (error: Error) => void) => reject(new Error('of another kind')),
    }));
    using _resists = on('call', () => ({
      // biome-ignore lint/suspicious/noThenProperty: it throws when it is looked at
      get then() {
        throw failure;
      },
    }));
    assert.equal(await new Weather().forecast('Davos'), 'Davos');
    await flush();
    const details = (warnings as (Error & { readonly detail: string })[]).map(({ detail }) => detail).sort();
    const [kind, realm, ...others] = details;
    assert.match(realm ?? '', /^Error: of another realm/);
    assert.match(kind ?? '', /^Error: of another kind/);
    assert.deepEqual(others, []);
  });

  test('from the middle of a call on hears of nothing that it was not begun with', async () => {
    const begun = deferred();
    class Slow {
      @retry({ waitMin: 0, maxAttempts: 2 })
      async get(): Promise<string> {
        await begun.promise;
        throw failure;
      }
    }
    const call = new Slow().get();
    using heard = hear();
    begun.resolve();
    await assert.rejects(call, failure);
    // What is told of apart from beginning and end comes whole.
    assert.deepEqual(heard.kinds, ['retry']);
    const [told] = heard.of('retry');
    assert.equal(typeof told?.callId, 'number');
  });

  test('who has left hears nothing more; those who stay do', async () => {
    const heard: string[] = [];
    const one = on('call', () => heard.push('one'));
    const other = on('call', () => heard.push('other'));
    await new Weather().forecast('Davos');
    one();
    one();
    await new Weather().forecast('Davos');
    other[Symbol.dispose]();
    await new Weather().forecast('Davos');
    assert.deepEqual(heard, ['one', 'other', 'other']);
  });

  test('gets no arguments and results, unless they are asked for', async () => {
    using heard = hear();
    const weather = new Weather();
    await weather.forecast('Davos');
    const undo = captureArguments(true);
    {
      using _ = captureArguments(true);
    }
    await weather.forecast('Bern');
    undo();
    await weather.forecast('Chur');
    const told = [...heard.of('call'), ...heard.of('attempt')].map((event) => [
      'args' in event && event.args,
      'result' in event && event.result,
    ]);
    const none = [false, false];
    assert.deepEqual(told, [none, [['Bern'], 'Bern'], none, none, [['Bern'], 'Bern'], none]);
  });

  test('is told of wrong kinds and listeners', () => {
    assert.throws(() => on('retries' as 'retry', () => {}), {
      name: 'ConfigurationError',
      message: /on\(\): expected the kind of event to be one of '\*', .*'retry'.*, got 'retries'/,
    });
    assert.throws(() => on('retry', undefined as never), {
      name: 'ConfigurationError',
      message: 'on(): expected the listener to be a function, got undefined',
    });
    assert.throws(() => captureArguments(1 as never), {
      name: 'ConfigurationError',
      message: 'captureArguments(): expected true or false, got 1',
    });
  });

  test('keeps the caller in the stacks of errors, and the errors as they are', async () => {
    class Deep {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async fails(): Promise<void> {
        await null;
        throw new Error('deep');
      }
    }
    async function theCaller(): Promise<void> {
      await new Deep().fails();
    }
    using _ = hear();
    await assert.rejects(theCaller(), (error: Error) => {
      assert.match(error.stack ?? '', /fails[\s\S]*theCaller/);
      return true;
    });
  });

  test('hears of a configured method as of any, and of a pipeline that changes in the middle', async () => {
    const begun = deferred();
    class Slow {
      @retry(1)
      async get(): Promise<void> {
        await begun.promise;
        throw failure;
      }
    }
    using heard = hear();
    const first = new Slow().get();
    using _ = configure(Slow, 'get', { retry: { maxAttempts: 2, waitMin: 0 } });
    begun.resolve();
    await assert.rejects(first, failure);
    await assert.rejects(new Slow().get(), failure);
    assert.deepEqual(
      heard.of('call').map(({ attempts }) => attempts),
      [1, 2],
    );
  });
});
