import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  type AnyFunction,
  cache,
  cacheOf,
  circuitBreaker,
  circuitOf,
  concurrency,
  currentCall,
  definePolicy,
  explain,
  fallback,
  Orchestrator,
  orchestrate,
  type PolicyDecorator,
  policiesOf,
  rateLimit,
  retry,
  singleFlight,
  statsOf,
  timeout,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { never } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

const down = new Error('down');
const day = 86_400_000;

const seen: string[] = [];
const noting = (stage: 'call' | 'attempt' | 'method') =>
  definePolicy({
    kind: `note${stage}`,
    stage,
    around(next) {
      seen.push(stage);
      return next();
    },
  });
const call = noting('call');
const attempt = noting('attempt');
const method = noting('method');

/** Either of them, under which calls at one time share a run. */
const sharing: Readonly<Record<string, () => PolicyDecorator>> = {
  cache: () => cache(day) as PolicyDecorator,
  singleFlight: () => singleFlight() as PolicyDecorator,
};

for (const [kind, shared] of Object.entries(sharing)) {
  describe(`${kind} and`, () => {
    test('retry: the attempts are the run’s, and all get what the last one came to', () =>
      handled(async () => {
        class Api {
          entered = 0;
          @shared()
          @retry({ maxAttempts: 3, waitMin: 0 })
          async get(fails: number): Promise<number> {
            if (this.entered++ < fails) throw down;
            return this.entered;
          }
        }
        const [works, fails] = [new Api(), new Api()];
        assert.deepEqual(await Promise.all([works.get(2), works.get(2)]), [3, 3]);
        assert.deepEqual(await Promise.all([rejection(fails.get(9)), rejection(fails.get(9))]), [down, down]);
        const { attempts, retries, failures } = statsOf(Api, 'get');
        assert.deepEqual([attempts, retries, failures], [6, 4, 2]);
      }));

    test('retry: one who comes during its wait joins', () =>
      underFakeClock(async (clock) => {
        class Api {
          entered = 0;
          @shared()
          @retry({ maxAttempts: 2, waitMin: 100, jitter: 'none' })
          async get(): Promise<number> {
            if (this.entered++ === 0) throw down;
            return this.entered;
          }
        }
        const api = new Api();
        const first = api.get();
        await clock.tickAsync(50);
        const second = api.get();
        await clock.tickAsync(50);
        assert.deepEqual([await first, await second, api.entered], [2, 2, 2]);
      }));

    test('fallback: what an alternative gives is each caller’s own, and not kept', async () => {
      class Api {
        entered = 0;
        alternatives = 0;
        @fallback('other')
        @shared()
        async get(): Promise<number> {
          this.entered++;
          throw down;
        }
        async other(): Promise<number> {
          return ++this.alternatives;
        }
      }
      const api = new Api();
      assert.deepEqual(new Set(await Promise.all([api.get(), api.get()])), new Set([1, 2]));
      assert.deepEqual([await api.get(), api.entered], [3, 2]);
    });

    test('fallback: an alternative that is decorated itself has its own', async () => {
      class Api {
        entered = 0;
        @fallback('other')
        @shared()
        async get(): Promise<object> {
          throw down;
        }
        @shared()
        async other(): Promise<object> {
          this.entered++;
          await flush();
          return {};
        }
      }
      const api = new Api();
      const [one, other] = await Promise.all([api.get(), api.get()]);
      assert.equal(one, other);
      assert.equal(api.entered, 1);
    });

    test('fallback: what a policy around throws once the run has succeeded leads on with the attempts of the run', async () => {
      const seen: unknown[] = [];
      const choosy = definePolicy({
        kind: `choosyAbout${kind}`,
        stage: 'call',
        async around(next) {
          throw new Error(String(await next()));
        },
      });
      class Api {
        @fallback(() => {
          const { attempt, error } = currentCall();
          seen.push(attempt, String(error));
          return 'other';
        })
        @choosy()
        @shared()
        @retry({ maxAttempts: 2, waitMin: 0 })
        async get(): Promise<string> {
          if (currentCall().attempt === 1) throw new Error('down');
          return 'value';
        }
      }
      assert.equal(await new Api().get(), 'other');
      assert.deepEqual(seen, [2, 'Error: value']);
    });

    test('a `key` that aborts the call: it rejects with the reason, and nothing is entered', async () => {
      const controller = new AbortController();
      const key = (): string => {
        controller.abort('by key');
        return 'key';
      };
      class Api {
        @orchestrate(kind === 'cache' ? { cache: { ttl: day, key } } : { singleFlight: { key } })
        async get(_signal: AbortSignal): Promise<void> {}
      }
      assert.equal(await rejection(new Api().get(controller.signal)), 'by key');
      await flush();
      assert.equal(statsOf(Api, 'get').attempts, 0);
    });

    test('circuitBreaker: a run counts once, whoever waits for it', async () => {
      class Api {
        @shared()
        @circuitBreaker({ consecutive: 2, halfOpenAfter: day })
        async get(): Promise<void> {
          throw down;
        }
      }
      const api = new Api();
      await Promise.all(Array.from({ length: 5 }, () => rejection(api.get())));
      assert.equal(circuitOf(Api, 'get').failures, 1);
      await rejection(api.get());
      // It is refused at once, so that nobody joins.
      const refused = await Promise.all([rejection(api.get()), rejection(api.get())]);
      for (const each of refused) assert.equal((each as Error).name, 'CircuitOpenError');
      const { attempts, rejected, coalesced } = statsOf(Api, 'get');
      assert.deepEqual([attempts, rejected, coalesced], [2, 2, 4]);
    });

    test('circuitBreaker: a probe that all have left decides nothing', () =>
      underFakeClock(async (clock) => {
        const ends = [deferred<void>(), deferred<void>()];
        class Api {
          entered = 0;
          @shared()
          @circuitBreaker({ consecutive: 1, halfOpenAfter: 100 })
          async get(_signal?: AbortSignal): Promise<void> {
            if (this.entered === 0) {
              this.entered++;
              throw down;
            }
            return ends[this.entered++ - 1]?.promise;
          }
        }
        const api = new Api();
        await rejection(api.get());
        clock.tick(100);
        const controller = new AbortController();
        const probe = rejection(api.get(controller.signal));
        controller.abort('bye');
        assert.equal(await probe, 'bye');
        assert.equal(circuitOf(Api, 'get').state, 'half-open');
        const next = api.get();
        ends[1]?.resolve();
        await next;
        assert.equal(circuitOf(Api, 'get').state, 'closed');
        ends[0]?.reject(down);
        await flush();
        assert.equal(circuitOf(Api, 'get').state, 'closed');
      }));

    test('rateLimit: a run takes one start, and goes out of the line when all have left', () =>
      underFakeClock(async (clock) => {
        class Api {
          @shared()
          @rateLimit({ rate: 1, per: 1000 })
          async get(id: string, _signal?: AbortSignal): Promise<string> {
            await flush();
            return id;
          }
        }
        const api = new Api();
        const first = [api.get('a'), api.get('a')];
        const controller = new AbortController();
        const left = [rejection(api.get('b', controller.signal)), rejection(api.get('b', controller.signal))];
        const last = [api.get('c'), api.get('c')];
        assert.equal(statsOf(Api, 'get').queued, 2);
        controller.abort('bye');
        assert.equal(statsOf(Api, 'get').queued, 1);
        assert.deepEqual(await Promise.all(left), ['bye', 'bye']);
        await clock.tickAsync(1000);
        await flush();
        assert.deepEqual(await Promise.all([...first, ...last]), ['a', 'a', 'c', 'c']);
        assert.equal(statsOf(Api, 'get').attempts, 2);
      }));

    test('concurrency: those who come while the run waits for a slot join it', async () => {
      const gate = deferred();
      class Api {
        @shared()
        @concurrency(1)
        async get(id: string): Promise<string> {
          await gate.promise;
          return id;
        }
      }
      const api = new Api();
      const calls = ['a', 'b', 'b', 'b'].map((id) => api.get(id));
      const { running, queued } = statsOf(Api, 'get');
      assert.deepEqual([running, queued], [1, 1]);
      gate.resolve();
      assert.deepEqual(await Promise.all(calls), ['a', 'b', 'b', 'b']);
      assert.equal(statsOf(Api, 'get').attempts, 2);
    });

    test('timeout: both times are the run’s, whoever came when', () =>
      handled(() =>
        underFakeClock(async (clock) => {
          class Api {
            readonly signals: (AbortSignal | undefined)[] = [];
            @shared()
            @timeout({ attempt: 50, total: 120 })
            @retry({ maxAttempts: 9, waitMin: 0 })
            async get(): Promise<never> {
              this.signals.push(currentCall().signal);
              return never();
            }
          }
          const api = new Api();
          const first = rejection(api.get());
          await clock.tickAsync(110);
          const second = rejection(api.get());
          await clock.tickAsync(10);
          const errors = (await Promise.all([first, second])) as { scope?: string }[];
          assert.equal(errors[0], errors[1]);
          assert.equal(errors[0]?.scope, 'total');
          assert.deepEqual(
            api.signals.map((signal) => signal?.aborted),
            [true, true, true],
          );
          assert.equal(clock.countTimers(), 0);
        }),
      ));

    test('timeout: all who left take its timers along', () =>
      underFakeClock(async (clock) => {
        class Api {
          @shared()
          @timeout({ attempt: 50, total: 120 })
          async get(_signal?: AbortSignal): Promise<never> {
            return never();
          }
        }
        const controller = new AbortController();
        const calls = [new Api(), new Api()].map((api) => rejection(api.get(controller.signal)));
        controller.abort('bye');
        assert.deepEqual(await Promise.all(calls), ['bye', 'bye']);
        await flush();
        assert.equal(clock.countTimers(), 0);
        assert.equal(statsOf(Api, 'get').timeouts, 0);
      }));

    test('policies of one’s own: one around calls stands outside, the others beneath', async () => {
      class Api {
        @method()
        @attempt()
        @call()
        @shared()
        async get(): Promise<number> {
          seen.push('code');
          return 1;
        }
      }
      seen.length = 0;
      const api = new Api();
      assert.deepEqual(await Promise.all([api.get(), api.get()]), [1, 1]);
      assert.deepEqual(seen, ['call', 'attempt', 'method', 'code', 'call']);
      assert.match(explain(Api), new RegExp(`get\\(\\): notecall > ${kind} > noteattempt > notemethod > the method`));
    });

    test('a policy of one’s own that calls next() twice gets two runs, or the same one twice', async () => {
      const twice = definePolicy({
        kind: 'twice',
        stage: 'call',
        around: (next) => Promise.all([next(), next()]),
      });
      const others = definePolicy({
        kind: 'others',
        stage: 'call',
        around: (next) => Promise.all([next(['a']), next(['b']), next(['a'])]),
      });
      class Api {
        entered = 0;
        @twice()
        @shared()
        async get(_id: string): Promise<number> {
          return ++this.entered;
        }
        @others()
        @shared()
        async other(id: string): Promise<string> {
          this.entered++;
          await flush();
          return id;
        }
      }
      const api = new Api();
      assert.deepEqual((await api.get('x')) as unknown, [1, 1]);
      assert.deepEqual((await api.other('x')) as unknown, ['a', 'b', 'a']);
      assert.equal(api.entered, 3);
    });

    test('a policy of one’s own whose signal ends: that caller leaves alone', () =>
      handled(async () => {
        const impatient = definePolicy({
          kind: 'impatient',
          stage: 'call',
          async around(next, { args }) {
            const controller = new AbortController();
            const run = next([...args.slice(0, 1), controller.signal]);
            controller.abort('impatient');
            return await run;
          },
        });
        const gate = deferred();
        class Api {
          readonly signals: (AbortSignal | undefined)[] = [];
          @impatient()
          @shared()
          async get(_id: string, _signal?: AbortSignal): Promise<void> {
            this.signals.push(currentCall().signal);
            await gate.promise;
          }
        }
        const api = new Api();
        assert.equal(await rejection(api.get('a')), 'impatient');
        assert.equal(api.signals[0]?.aborted, true);
        gate.resolve();
      }));

    test('orchestrate, an Orchestrator, and all together', async () => {
      const config = {
        [kind]: kind === 'cache' ? day : {},
        fallback: { value: 'none' },
        retry: { maxAttempts: 2, waitMin: 0 },
        timeout: { attempt: day, total: day },
        circuitBreaker: 5,
        rateLimit: 100,
        concurrency: 5,
      };
      class Api {
        entered = 0;
        @orchestrate(config)
        async get(): Promise<unknown> {
          this.entered++;
          if (this.entered === 1) throw down;
          return this.entered;
        }
      }
      const api = new Api();
      assert.deepEqual(await Promise.all([api.get(), api.get(), api.get()]), [2, 2, 2]);
      assert.deepEqual(
        policiesOf(Api, 'get').map((each) => each.kind),
        ['fallback', kind, 'timeout', 'retry', 'circuitBreaker', 'rateLimit', 'concurrency'],
      );
      const orchestrator = new Orchestrator(config);
      const load = orchestrator.wrap(async (id: string) => ({ id }));
      const [one, other] = await Promise.all([load('a'), load('a')]);
      assert.equal(one, other);
    });
  });
}

describe('cache and', () => {
  test('an open circuit: a stale value stands in for its refusal', () =>
    underFakeClock(async (clock) => {
      let fails = false;
      class Api {
        @cache({ ttl: 100, staleIfError: day })
        @circuitBreaker({ consecutive: 1, halfOpenAfter: day })
        async get(): Promise<number> {
          if (fails) throw down;
          return 1;
        }
      }
      const api = new Api();
      await api.get();
      fails = true;
      clock.tick(100);
      assert.deepEqual([await api.get(), await api.get()], [1, 1]);
      const { attempts, rejected, staleHits } = statsOf(Api, 'get');
      assert.deepEqual([attempts, rejected, staleHits], [2, 1, 2]);
    }));

  test('a full queue: a stale value stands in for that, too', () =>
    underFakeClock(async (clock) => {
      class Api {
        @cache({ ttl: 100, staleIfError: day })
        @rateLimit({ rate: 1, per: day, maxQueue: 0 })
        async get(): Promise<number> {
          return 1;
        }
      }
      const api = new Api();
      await api.get();
      clock.tick(100);
      assert.equal(await api.get(), 1);
      assert.equal(cacheOf(api, 'get').size, 1);
    }));

  test('a ConfigurationError of the pipeline: it is told, whatever is stale', async () => {
    let key: AnyFunction = () => 'a';
    class Api {
      @cache({ ttl: 0, staleIfError: day })
      @concurrency({ limit: 1, key: () => key() as string })
      async get(): Promise<number> {
        return 1;
      }
    }
    const api = new Api();
    await api.get();
    key = () => 5;
    assert.equal(((await rejection(api.get())) as Error).name, 'ConfigurationError');
  });

  test('a refresh that waits for a slot holds up nobody', () =>
    underFakeClock(async (clock) => {
      const gate = deferred();
      class Api {
        @cache({ ttl: 100, staleWhileRevalidate: day })
        @concurrency(1)
        async get(id: string): Promise<string> {
          if (id === 'slow') await gate.promise;
          return `${id} at ${clock.now}`;
        }
      }
      const api = new Api();
      assert.equal(await api.get('a'), 'a at 0');
      clock.tick(100);
      const slow = api.get('slow');
      assert.equal(await api.get('a'), 'a at 0');
      assert.equal(statsOf(Api, 'get').queued, 1);
      gate.resolve();
      await slow;
      await flush();
      assert.equal(await api.get('a'), 'a at 100');
    }));

  test('a refresh of a run that times out is a failure that goes nowhere', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        let isSlow = false;
        class Api {
          @cache({ ttl: 100, staleWhileRevalidate: day })
          @timeout({ total: 50 })
          async get(): Promise<number> {
            return isSlow ? never() : 1;
          }
        }
        const api = new Api();
        await api.get();
        isSlow = true;
        clock.tick(100);
        assert.equal(await api.get(), 1);
        await clock.tickAsync(50);
        const { refreshFailures, timeouts, failures } = statsOf(Api, 'get');
        assert.deepEqual([refreshFailures, timeouts, failures], [1, 1, 0]);
      }),
    ));
});
