import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  concurrency,
  currentCall,
  definePolicy,
  explain,
  Orchestrator,
  orchestrate,
  register,
  retry,
  statsOf,
  timeout,
} from 'opero';
import { withoutPolicies } from 'opero/testing';
import { advance, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { never, watched } from '../support/timed.js';

interface Options {
  readonly abortSignal?: AbortSignal | undefined;
  readonly other?: number;
}

describe('signalAt', () => {
  test("the caller's signal is read from there", async () => {
    class Store {
      @orchestrate({ retry: 3, signalAt: { argument: 1, name: 'abortSignal' } })
      async load(_id: string, _options: Options | null, _last?: unknown): Promise<void> {
        await never();
      }

      @orchestrate({ signalAt: { argument: 0 } })
      async wait(_signal: AbortSignal | undefined, _id: number): Promise<void> {
        await never();
      }
    }
    const store = new Store();
    for (const call of [
      (signal: AbortSignal) => store.load('a', { abortSignal: signal }),
      (signal: AbortSignal) => store.wait(signal, 5),
    ]) {
      const stop = new AbortController();
      const rejected = rejection(call(stop.signal));
      stop.abort('enough');
      assert.equal(await rejected, 'enough');
    }
  });

  test('and from nowhere else', async () => {
    const aborted = AbortSignal.abort('enough');
    class Store {
      @orchestrate({ retry: 3, signalAt: { argument: 1, name: 'abortSignal' } })
      async load(_id: unknown, _options?: unknown, _last?: unknown): Promise<string> {
        return 'loaded';
      }
    }
    const store = new Store();
    for (const args of [
      ['a', {}, aborted],
      ['a', aborted],
      ['a', { signal: aborted }],
      [aborted],
      ['a', null],
      ['a', new Date(0)],
    ]) {
      assert.equal(await store.load(args[0], ...args.slice(1)), 'loaded');
    }
    assert.equal(await rejection(store.load('a', { abortSignal: aborted }, {})), 'enough');
  });

  test('the signal of the attempt is put there, also where the caller gave none', async () => {
    const { signal } = new AbortController();
    let seen: readonly unknown[] = [];
    let inner: AbortSignal | undefined;
    class Store {
      @orchestrate({ timeout: 1_000, signalAt: { argument: 1, name: 'abortSignal' } })
      async load(...args: unknown[]): Promise<void> {
        seen = args;
        inner = currentCall().signal;
      }
    }
    const store = new Store();
    const given = { abortSignal: signal, other: 5 };
    await store.load('a', given, 'b');
    assert.deepEqual([seen[0], (seen[1] as Options).other, seen[2]], ['a', 5, 'b']);
    assert.equal((seen[1] as Options).abortSignal, inner);
    assert.notEqual(inner, signal);
    assert.equal(given.abortSignal, signal);
    for (const args of [
      ['a'],
      ['a', undefined],
      ['a', undefined, 'b'],
      ['a', null],
      ['a', {}],
      ['a', { abortSignal: null }],
    ]) {
      await store.load(...args);
      assert.equal((seen[1] as Options).abortSignal, inner);
      assert.equal(seen[2], args[2]);
    }
    await store.load();
    assert.equal(seen[0], undefined);
    assert.equal((seen[1] as Options).abortSignal, inner);
    // An object that is not plain passes as it is.
    const odd = new Date(0);
    await store.load('a', odd);
    assert.equal(seen[1], odd);
  });

  test('without a name it is the argument itself', async () => {
    let seen: readonly unknown[] = [];
    const key = Symbol('signal');
    class Store {
      @orchestrate({ timeout: 1_000, signalAt: { argument: 1 } })
      async load(...args: unknown[]): Promise<AbortSignal | undefined> {
        seen = args;
        return currentCall().signal;
      }

      @orchestrate({ timeout: 1_000, signalAt: { argument: 0, name: key } })
      async byKey(options?: { [key]?: AbortSignal }): Promise<boolean> {
        return options?.[key] === currentCall().signal;
      }
    }
    const store = new Store();
    assert.equal(await store.load('a'), seen[1]);
    assert.equal(await store.load('a', new AbortController().signal, 'b'), seen[1]);
    assert.deepEqual([seen[0], seen[2]], ['a', 'b']);
    assert.equal(await store.byKey(), true);
  });

  test('what stands there and is no signal is never replaced: the call rejects, and the method is not entered', async () => {
    let entered = 0;
    class Store {
      @orchestrate({ timeout: 1_000, signalAt: { argument: 0 } })
      async wait(..._args: unknown[]): Promise<void> {
        entered++;
      }

      @orchestrate({ retry: 3, signalAt: { argument: 1, name: 'abortSignal' } })
      async load(..._args: unknown[]): Promise<void> {
        entered++;
      }
    }
    const store = new Store();
    const orchestrator = new Orchestrator({ signalAt: { argument: 0 } });
    const options = { abortSignal: 'x' };
    const asked = 'signalAt: expected argument';
    const found: [Promise<unknown>, string][] = [
      [store.wait('hello'), `Store.wait: ${asked} 0 to be an AbortSignal or undefined, got 'hello'`],
      [store.wait({}), `Store.wait: ${asked} 0 to be an AbortSignal or undefined, got {}`],
      [store.load('a', 'b'), `Store.load: ${asked} 1 to be an object or undefined, got 'b'`],
      [
        store.load('a', options),
        `Store.load: ${asked} 1 to hold an AbortSignal or undefined as \`abortSignal\`, got 'x'`,
      ],
      [
        orchestrator.execute(async (_id: number) => entered++, 5),
        `Orchestrator: ${asked} 0 to be an AbortSignal or undefined, got 5`,
      ],
    ];
    for (const [call, message] of found) {
      const error = await rejection(call);
      assert.ok(error instanceof ConfigurationError);
      assert.equal(error.message, message);
    }
    assert.equal(entered, 0);
    assert.equal(options.abortSignal, 'x');
    assert.deepEqual([statsOf(Store, 'wait').failures, statsOf(Store, 'load').failures], [2, 2]);
    using _bare = withoutPolicies(Store);
    assert.match(String(await rejection(store.wait('hello'))), /argument 0 to be an AbortSignal/);
  });

  test('nor by the next() of a policy of your own', async () => {
    const shout = definePolicy({ kind: 'shout', stage: 'attempt', around: (next) => next(['loud']) });
    class Store {
      @orchestrate({ timeout: 1_000, signalAt: { argument: 0 }, retry: { waitMin: 0 } })
      @shout()
      async wait(..._args: unknown[]): Promise<void> {}
    }
    assert.match(String(await rejection(new Store().wait())), /Store\.wait: signalAt: .* got 'loud'/);
    assert.equal(statsOf(Store, 'wait').retries, 0);
  });

  test('explain shows it', () => {
    class Store {
      @orchestrate({ retry: 3, signalAt: { argument: 1, name: 'abortSignal' } })
      async load(_id: string, _options?: Options): Promise<void> {}
    }
    assert.match(explain(Store), /\n {4}signalAt {4}argument: 1, name: 'abortSignal'(\n|$)/);
  });

  test("the attempt ends by it, and the key of a limit sees the caller's arguments", () =>
    underFakeClock(async (clock) => {
      const keyed: unknown[] = [];
      class Store {
        @orchestrate({ signalAt: { argument: 1, name: 'abortSignal' } })
        @timeout(50)
        @concurrency({
          limit: 1,
          key: (...args: unknown[]) => {
            keyed.push(args);
            return 'a';
          },
        })
        async load(id: string, options?: Options): Promise<void> {
          await new Promise((_, reject) => {
            options?.abortSignal?.addEventListener('abort', () => reject(new Error(id)));
          });
        }
      }
      const seen = watched(new Store().load('a'));
      await advance(clock, 50);
      assert.equal((seen.error as Error).name, 'TimeoutError');
      assert.deepEqual(keyed, [['a']]);
    }));

  test('the nearest counts: of the method, of its class, of a base', async () => {
    const placed = async (call: (...args: unknown[]) => Promise<unknown[]>): Promise<number> =>
      (await call()).findIndex((each) => each instanceof AbortSignal);
    @orchestrate({ timeout: 1_000, signalAt: { argument: 3 } })
    class Base {
      @orchestrate({ signalAt: { argument: 1 } })
      async own(...args: unknown[]): Promise<unknown[]> {
        return args;
      }

      async ofClass(...args: unknown[]): Promise<unknown[]> {
        return args;
      }
    }
    class Sub extends Base {
      override async own(...args: unknown[]): Promise<unknown[]> {
        return args;
      }

      @orchestrate({ signalAt: { argument: 2 } })
      override async ofClass(...args: unknown[]): Promise<unknown[]> {
        return args;
      }
    }
    class Cut extends Base {
      @orchestrate({ inherit: false, timeout: 500 })
      override async own(...args: unknown[]): Promise<unknown[]> {
        return args;
      }
    }
    const [base, sub, cut] = [new Base(), new Sub(), new Cut()];
    assert.equal(await placed((...args) => base.own(...args)), 1);
    assert.equal(await placed((...args) => base.ofClass(...args)), 3);
    assert.equal(await placed((...args) => sub.own(...args)), 1);
    assert.equal(await placed((...args) => sub.ofClass(...args)), 2);
    assert.equal(await placed((...args) => cut.own(...args)), -1);
    assert.equal(await placed((...args) => cut.ofClass(...args)), 3);
  });

  test('holds for static and private methods, and without policies of its own', async () => {
    class Store {
      @orchestrate({ timeout: 1_000, signalAt: { argument: 1 } })
      static async load(...args: unknown[]): Promise<boolean> {
        return args[1] instanceof AbortSignal;
      }

      @orchestrate({ timeout: 1_000, signalAt: { argument: 1 } })
      async #load(...args: unknown[]): Promise<boolean> {
        return args[1] instanceof AbortSignal;
      }

      load(): Promise<boolean> {
        return this.#load();
      }
    }
    register(Store);
    assert.equal(await Store.load(), true);
    assert.equal(await new Store().load(), true);
  });

  test('each run of a hedge, and each value of rotate, has its signal there', async () => {
    const seen: unknown[] = [];
    class Store {
      @orchestrate({ hedge: Number.POSITIVE_INFINITY, signalAt: { argument: 1 } })
      async hedged(..._args: [id: string, signal?: AbortSignal]): Promise<number> {
        const { hedge, signal } = currentCall();
        seen.push(signal, _args[1]);
        if (hedge === 0) throw new Error('down');
        return hedge;
      }

      @orchestrate({
        timeout: { total: 1_000 },
        fallback: { rotate: { argument: 0, values: ['b'] } },
        signalAt: { argument: 1 },
      })
      async rotated(...[id, signal]: [id: string, signal?: AbortSignal]): Promise<string> {
        seen.push(currentCall().signal, signal);
        if (id === 'a') throw new Error('down');
        return id;
      }
    }
    assert.equal(await new Store().hedged('a'), 1);
    assert.equal(await new Store().rotated('a'), 'b');
    assert.ok(seen.every((each) => each instanceof AbortSignal));
    for (let at = 0; at < seen.length; at += 2) assert.equal(seen[at], seen[at + 1]);
    assert.notEqual(seen[0], seen[2]);
  });

  test('an Orchestrator takes it', async () => {
    const orchestrator = new Orchestrator({ timeout: 1_000, signalAt: { argument: 1, name: 'abortSignal' } });
    const load = async (_id: string, options?: Options): Promise<boolean> =>
      options?.abortSignal === currentCall().signal;
    assert.equal(await orchestrator.execute(load, 'a'), true);
    assert.equal(await orchestrator.wrap(load)('a', {}), true);
    assert.equal(
      await rejection(orchestrator.execute(load, 'a', { abortSignal: AbortSignal.abort('enough') })),
      'enough',
    );
  });

  test('is checked at decoration', () => {
    const decorating = (signalAt: unknown) => () => {
      class Store {
        @orchestrate({ signalAt } as never)
        async load(): Promise<void> {}
      }
      assert.ok(Store);
    };
    const at = '@orchestrate on method `load`: ';
    for (const [given, message] of [
      [5, 'expected `signalAt` to be an object, got 5'],
      [{}, 'expected `signalAt.argument` to be the number of an argument, from 0, got undefined'],
      [{ argument: -1 }, 'expected `signalAt.argument` to be the number of an argument, from 0, got -1'],
      [{ argument: 1.5 }, 'expected `signalAt.argument` to be the number of an argument, from 0, got 1.5'],
      [{ argument: '1' }, "expected `signalAt.argument` to be the number of an argument, from 0, got '1'"],
      [{ argument: 1, name: {} }, 'expected `signalAt.name` to be the name of a property, got {}'],
      [{ argument: 1, name: '' }, "expected `signalAt.name` to be the name of a property, got ''"],
      [{ argument: 1, at: 5 }, 'unknown option `signalAt.at` (5); known options are argument, name'],
    ] as const) {
      assert.throws(decorating(given), (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.message, at + message);
        return true;
      });
    }
    assert.throws(
      () => {
        class Store {
          @orchestrate({ signalAt: { argument: 1 } })
          @retry()
          @orchestrate({ signalAt: { argument: 2 } })
          async load(..._args: unknown[]): Promise<void> {}
        }
        return Store;
      },
      { message: `${at}it has a signalAt already; give it once` },
    );
    decorating(undefined)();
  });
});
