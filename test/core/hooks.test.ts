import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  concurrency,
  type ErrorPredicate,
  type FallbackConfig,
  fallback,
  type HookContext,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
  processAll,
  type RetryConfig,
  type RetryEvent,
  rateLimit,
  retry,
} from 'opero';
import { Call } from '../../src/core/call/call.js';
import { ChildCall } from '../../src/core/call/child-call.js';
import { contextOf } from '../../src/core/call/hooks.js';
import type { SiteInfo } from '../../src/core/call/policy.js';
import { underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';

/** What a hook is called with, and as whose method. */
interface Asked {
  readonly self: unknown;
  readonly given: readonly unknown[];
}

/** Options with one hook each, which is told of by `note`, and so answers that each goes on as long as it can. */
const withHook: Readonly<Record<string, (note: (asked: Asked) => unknown) => OrchestratorConfig>> = {
  onRetry: (note) => ({ retry: { ...again, onRetry: hookOf(note) } }),
  delay: (note) => ({ retry: { ...again, delay: hookOf(note, 0) as () => number } }),
  retryOn: (note) => ({ retry: { ...again, retryOn: hookOf(note, true) as ErrorPredicate } }),
  'retryOn among classes': (note) => ({
    retry: { ...again, retryOn: [TypeError, hookOf(note, true) as ErrorPredicate] },
  }),
  abortOn: (note) => ({ retry: { ...again, abortOn: hookOf(note, false) as ErrorPredicate } }),
  retryResult: (note) => ({ retry: { ...again, retryResult: hookOf(note, true) as () => boolean } }),
  on: (note) => ({ fallback: { value: 'other', on: hookOf(note, true) as ErrorPredicate } }),
};

const again = { maxAttempts: 2, waitMin: 0 } as const;

function hookOf(note: (asked: Asked) => unknown, answer?: unknown): (...given: unknown[]) => unknown {
  return function (this: unknown, ...given) {
    const noted = note({ self: this, given });
    return noted instanceof Promise ? noted.then(() => answer) : answer;
  };
}

/** What a hook was told of its call: by its last argument. Gives what else it was told. */
function contextIn({ given }: Asked): HookContext {
  const { method, args, attempt, signal } = given.at(-1) as HookContext;
  return { method, args, attempt, signal };
}

const store = new AsyncLocalStorage<string>();
const failure = new Error('no');

for (const [name, configOf] of Object.entries(withHook)) {
  const takesValues = name === 'retryResult';
  const isEvent = name === 'onRetry' || name === 'delay';

  /** What the method does, so that the hook is asked. */
  const end = (): string => {
    if (takesValues) return 'refused';
    throw failure;
  };
  const ended = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {});

  describe(`X7 ${name}`, () => {
    test('has the receiver as `this`, and is told the method, the arguments, the attempt and the signal', async () => {
      const asked: Asked[] = [];
      class Weather {
        @orchestrate(configOf((each) => asked.push(each)))
        async forecast(_city: string, _signal?: AbortSignal): Promise<string> {
          return end();
        }
      }
      const weather = new Weather();
      const { signal } = new AbortController();
      await ended(weather.forecast('Davos', signal));
      const [first] = asked;
      assert.equal(first.self, weather);
      assert.deepEqual(contextIn(first), { method: 'Weather.forecast', args: ['Davos', signal], attempt: 1, signal });
      if (isEvent) {
        assert.equal(first.given.length, 1);
        assert.equal((first.given[0] as RetryEvent).error, failure);
      } else {
        assert.equal(first.given.length, 2);
        assert.equal(first.given[0], takesValues ? 'refused' : failure);
      }
    });

    test('is told no signal where there is none, and the attempt that it is about', async () => {
      const attempts: unknown[] = [];
      class Weather {
        @orchestrate(configOf((each) => attempts.push(contextIn(each).attempt, contextIn(each).signal)))
        async forecast(): Promise<string> {
          return end();
        }
      }
      await ended(new Weather().forecast());
      assert.deepEqual(attempts.slice(0, 2), [1, undefined]);
      if (name.startsWith('retryOn') || name === 'abortOn' || takesValues) {
        assert.deepEqual(attempts.slice(2), [2, undefined]);
      }
    });

    test('has the class as `this` for a static method, and knows private ones by their names', async () => {
      const asked: Asked[] = [];
      class Weather {
        @orchestrate(configOf((each) => asked.push(each)))
        static async open(): Promise<string> {
          return end();
        }
        @orchestrate(configOf((each) => asked.push(each)))
        async #hidden(): Promise<string> {
          return end();
        }
        hidden(): Promise<string> {
          return this.#hidden();
        }
      }
      await ended(Weather.open());
      assert.equal(asked[0].self, Weather);
      assert.equal(contextIn(asked[0]).method, 'Weather.open');
      asked.length = 0;
      await ended(new Weather().hidden());
      assert.ok(asked[0].self instanceof Weather);
      assert.equal(contextIn(asked[0]).method, 'Weather.#hidden');
    });

    test('is told the concrete class, also where the policy stands on a base', async () => {
      const asked: Asked[] = [];
      @orchestrate(configOf((each) => asked.push(each)))
      class Weather {
        async forecast(): Promise<string> {
          return end();
        }
      }
      class Alpine extends Weather {}
      const alpine = new Alpine();
      await ended(alpine.forecast());
      assert.equal(asked[0].self, alpine);
      assert.equal(contextIn(asked[0]).method, 'Alpine.forecast');
    });

    test('is told the name of the function in an Orchestrator, and has no receiver there', async () => {
      const asked: Asked[] = [];
      const orchestrator = new Orchestrator(configOf((each) => asked.push(each)));
      async function fetchUser(_id: number): Promise<string> {
        return end();
      }
      await ended(orchestrator.execute(fetchUser, 42));
      assert.equal(asked[0].self, undefined);
      assert.deepEqual(contextIn(asked[0]), { method: 'fetchUser', args: [42], attempt: 1, signal: undefined });
      asked.length = 0;
      await ended(orchestrator.execute(async () => end()));
      assert.equal(contextIn(asked[0]).method, 'Orchestrator');
      asked.length = 0;
      const user = { fetch: orchestrator.wrap(fetchUser) };
      await ended(user.fetch(1));
      assert.equal(asked[0].self, user);
    });

    test('is told the item as the arguments of a call that processAll makes', async () => {
      const asked: Asked[] = [];
      class Weather {
        @orchestrate(configOf((each) => asked.push(each)))
        async forecast(_city: string): Promise<string> {
          return end();
        }
      }
      const weather = new Weather();
      await processAll(weather, 'forecast', ['Davos'], { onError: 'collect' });
      assert.equal(asked[0].self, weather);
      assert.deepEqual(contextIn(asked[0]).args, ['Davos']);
    });

    for (const how of ['throws', 'rejects'] as const) {
      test(`rejects the call when it ${how}, and harms no other`, async () => {
        const thrown = new Error('of the hook');
        const note = (each: Asked): unknown => {
          if (contextIn(each).args[0] !== 'wrong') return undefined;
          if (how === 'throws') throw thrown;
          return Promise.reject(thrown);
        };
        class Weather {
          @orchestrate({ ...configOf(note), concurrency: 1 })
          async forecast(city: string): Promise<string> {
            return city === 'fine' ? city : end();
          }
        }
        const weather = new Weather();
        const wrong = rejection(weather.forecast('wrong'));
        const others = [ended(weather.forecast('other')), ended(weather.forecast('other'))];
        assert.equal(await wrong, thrown);
        const ends = await Promise.all(others);
        assert.equal(ends[0], ends[1]);
        await ended(weather.forecast('fine'));
      });
    }

    test('sees the AsyncLocalStorage of its call, also after waits in limits', () =>
      underFakeClock(async (clock) => {
        const seen: unknown[] = [];
        class Weather {
          @orchestrate({
            ...configOf((each) => seen.push([contextIn(each).args[0], store.getStore()])),
            rateLimit: { rate: 1, per: 100 },
            concurrency: 1,
          })
          async forecast(_city: string): Promise<string> {
            await new Promise((resolve) => setTimeout(resolve, 150));
            return end();
          }
        }
        const weather = new Weather();
        const cities = ['a', 'b', 'c', 'd'];
        const calls = cities.map((city) => store.run(city, () => ended(weather.forecast(city))));
        const without = ended(weather.forecast('none'));
        await store.run('of the clock', () => clock.tickAsync(10_000));
        await Promise.all([...calls, without]);
        assert.ok(seen.length >= 5);
        for (const city of cities) assert.ok(seen.some((each) => Array.isArray(each) && each[0] === city));
        for (const [city, found] of seen as [string, unknown][]) {
          assert.equal(found, city === 'none' ? undefined : city);
        }
      }));

    test('is left alone once its call was aborted while it was asked', async () => {
      const gate = deferred();
      const controller = new AbortController();
      let asked = 0;
      class Weather {
        @orchestrate(
          configOf(() => {
            asked++;
            controller.abort(new Error('bye'));
            return gate.promise;
          }),
        )
        async forecast(_signal: AbortSignal): Promise<string> {
          return end();
        }
      }
      const error = await rejection(new Weather().forecast(controller.signal));
      assert.equal((error as Error).message, 'bye');
      gate.reject(new Error('late, and nobody asks'));
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(asked, 1);
    });
  });
}

describe('X7 what a hook is told', () => {
  const site = { label: 'Weather.forecast', member: {} } as SiteInfo;

  test('makes no signal unless it is asked for', () => {
    const Real = globalThis.AbortController;
    let made = 0;
    globalThis.AbortController = class extends Real {
      constructor() {
        super();
        made++;
      }
    };
    try {
      const call = new Call(() => {}, undefined, ['Davos'], undefined, undefined);
      const child = new ChildCall(call);
      const context = contextOf(child, site);
      assert.equal(made, 0);
      const { signal } = context;
      assert.equal(made, 1);
      assert.equal(signal, child.signal);
      assert.equal(context.signal, signal);
    } finally {
      globalThis.AbortController = Real;
    }
  });

  test('is what the caller gave, also to a child call', () => {
    const { signal } = new AbortController();
    const call = new Call(() => {}, undefined, ['Davos', signal], signal, undefined);
    const child = new ChildCall(call);
    assert.deepEqual(contextOf(child, site).args, ['Davos', signal]);
    assert.equal(contextOf(child, site).signal, child.signal);
    assert.notEqual(child.signal, signal);
  });

  test('stays as it was while the call goes on', async () => {
    const events: RetryEvent[] = [];
    class Weather {
      @retry({ maxAttempts: 3, waitMin: 0, onRetry: (event) => events.push(event) })
      async forecast(): Promise<void> {
        throw failure;
      }
    }
    await rejection(new Weather().forecast());
    assert.deepEqual(
      events.map(({ attempt }) => attempt),
      [1, 2],
    );
  });
});

describe('X11 an error matcher that mixes classes and predicates', () => {
  class HttpError extends Error {
    constructor(readonly status: number) {
      super(`status ${status}`);
    }
  }

  /** How many attempts a method gets that fails with this. */
  async function attempts(error: unknown, config: RetryConfig): Promise<number> {
    let count = 0;
    class Api {
      @retry({ ...config, maxAttempts: 2, waitMin: 0 })
      async get(): Promise<void> {
        count++;
        throw error;
      }
    }
    assert.equal(await rejection(new Api().get()), error);
    return count;
  }

  const isBusy: ErrorPredicate = (error) => error instanceof HttpError && error.status === 503;
  const isBusyLater: ErrorPredicate = async (error) => isBusy.call(undefined as never, error as never, {} as never);

  for (const [how, predicate] of [
    ['sync', isBusy],
    ['async', isBusyLater],
  ] as const) {
    for (const matcher of [
      [TypeError, predicate],
      [predicate, TypeError],
      [predicate, TypeError, predicate],
    ] as const) {
      test(`means what any of them means: ${matcher.map(({ name }) => name)} (${how})`, async () => {
        assert.equal(await attempts(new HttpError(503), { retryOn: matcher }), 2);
        assert.equal(await attempts(new TypeError('no'), { retryOn: matcher }), 2);
        assert.equal(await attempts(new HttpError(404), { retryOn: matcher }), 1);
        assert.equal(await attempts(new HttpError(503), { abortOn: matcher }), 1);
        assert.equal(await attempts(new TypeError('no'), { abortOn: matcher }), 1);
        assert.equal(await attempts(new HttpError(404), { abortOn: matcher }), 2);
      });
    }
  }

  test('asks them in order, one after the other, until one means the error', async () => {
    const asked: string[] = [];
    const ask = (name: string, answer: boolean | Promise<boolean>) => () => {
      asked.push(name);
      return answer;
    };
    const retryOn = [
      ask('first', false),
      ask('second', Promise.resolve(false)),
      ask('third', Promise.resolve(true)),
      ask('fourth', true),
    ];
    assert.equal(await attempts(failure, { retryOn }), 2);
    assert.deepEqual(asked, ['first', 'second', 'third', 'first', 'second', 'third']);
  });

  test('asks no predicate after a class that means the error', async () => {
    let asked = 0;
    assert.equal(await attempts(new TypeError('no'), { retryOn: [TypeError, () => ++asked > 0] }), 2);
    assert.equal(asked, 0);
  });

  test('takes anything but a promise for what it is worth', async () => {
    const give = (value: unknown) => () => value as boolean;
    const nothing = [undefined, null, 0, ''].map(give);
    assert.equal(await attempts(failure, { retryOn: nothing }), 1);
    assert.equal(await attempts(failure, { retryOn: [...nothing, give(1)] }), 2);
    assert.equal(await attempts(failure, { retryOn: [...nothing, give({})] }), 2);
  });

  test('means nothing when it is empty', async () => {
    assert.equal(await attempts(failure, { retryOn: [] }), 1);
    assert.equal(await attempts(failure, { abortOn: [] }), 2);
  });

  test('serves a fallback, too', async () => {
    const on: FallbackConfig['on'] = [TypeError, isBusy];
    class Api {
      @fallback({ value: 'other', on })
      async get(error: Error): Promise<string> {
        throw error;
      }
    }
    const api = new Api();
    assert.equal(await api.get(new HttpError(503)), 'other');
    assert.equal(await api.get(new TypeError('no')), 'other');
    const missing = new HttpError(404);
    assert.equal(await rejection(api.get(missing)), missing);
  });
});

for (const [name, limited] of [
  ['rateLimit', (key: (...args: unknown[]) => string) => rateLimit({ rate: 9, key })],
  ['concurrency', (key: (...args: unknown[]) => string) => concurrency({ limit: 9, key })],
] as const) {
  describe(`X8 key of ${name}`, () => {
    test('gets the arguments and the receiver as `this`, and nothing else', async () => {
      const asked: Asked[] = [];
      const key = function (this: unknown, ...given: unknown[]): string {
        asked.push({ self: this, given });
        return '';
      };
      class Api {
        @limited(key)
        async get(..._args: unknown[]): Promise<void> {}
        @limited(key)
        static async open(..._args: unknown[]): Promise<void> {}
      }
      const api = new Api();
      const { signal } = new AbortController();
      await api.get('tenant', undefined, signal);
      await api.get();
      await Api.open(1);
      assert.deepEqual(asked, [
        { self: api, given: ['tenant', undefined, signal] },
        { self: api, given: [] },
        { self: Api, given: [1] },
      ]);
    });

    test('has no receiver in an Orchestrator', async () => {
      const asked: Asked[] = [];
      const key = function (this: unknown, ...given: unknown[]): string {
        asked.push({ self: this, given });
        return '';
      };
      const orchestrator = new Orchestrator({ [name]: name === 'rateLimit' ? { rate: 9, key } : { limit: 9, key } });
      await orchestrator.execute((id: number) => id, 42);
      assert.deepEqual(asked, [{ self: undefined, given: [42] }]);
    });

    test('rejects the call alone with a ConfigurationError when it gives no string', async () => {
      class Api {
        @limited((value) => value as string)
        async get(_value: unknown): Promise<string> {
          return 'fine';
        }
      }
      const api = new Api();
      for (const wrong of [Number.NaN, undefined, null, Symbol('tenant'), Promise.resolve('tenant')]) {
        assert.ok((await rejection(api.get(wrong))) instanceof ConfigurationError);
      }
      assert.equal(await api.get('tenant'), 'fine');
    });

    test('sees the AsyncLocalStorage of its call', async () => {
      const seen: unknown[] = [];
      class Api {
        @limited(() => {
          seen.push(store.getStore());
          return '';
        })
        async get(): Promise<void> {}
      }
      const api = new Api();
      await Promise.all(['a', 'b'].map((each) => store.run(each, () => api.get())));
      assert.deepEqual(seen, ['a', 'b']);
    });
  });
}
