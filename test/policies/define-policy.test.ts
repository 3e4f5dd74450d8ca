import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  callback,
  circuitBreaker,
  circuitOf,
  concurrency,
  configure,
  currentCall,
  definePolicy,
  duration,
  explain,
  fallback,
  flag,
  Orchestrator,
  oneOf,
  orchestrate,
  type PolicyCall,
  type PolicyDecorator,
  policiesOf,
  positiveInteger,
  processAll,
  type RetryError,
  type Rule,
  rateLimit,
  retry,
  statsOf,
  TimeoutError,
  timeout,
} from 'opero';
import { Endless } from '../fixtures/workers/endless.js';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';

type Around = (next: (args?: readonly unknown[]) => Promise<unknown>, call: PolicyCall) => unknown;
type Stage = 'call' | 'attempt' | 'method';
const stages: readonly Stage[] = ['call', 'attempt', 'method'];

/** A decorator that does this; it has no options. */
const doing = (around: Around, stage: Stage = 'call') => definePolicy({ kind: 'doing', stage, around })();

const doingToo = (around: Around, stage: Stage) => definePolicy({ kind: 'doingToo', stage, around })();

const kindsOf = (type: object, method: string): string[] => policiesOf(type, method).map(({ kind }) => kind);

const failsWith = (run: () => unknown, message: string | RegExp): void =>
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof ConfigurationError);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });

describe('1.1 what `around` is told', () => {
  for (const stage of stages) {
    test(`at the stage '${stage}': args, attempt, signal, method, self, options, state, stats`, async () => {
      const seen: PolicyCall[] = [];
      const audit = definePolicy({
        kind: 'audit',
        stage,
        options: { level: oneOf('low', 'high') },
        state: () => ({ calls: 0 }),
        async around(next, call) {
          call.state.calls++;
          call.stats.seen = (call.stats.seen ?? 0) + 1;
          seen.push(call);
          return await next();
        },
      });
      class Shop {
        @audit({ level: 'high' })
        async buy(item: string, _options?: { signal?: AbortSignal }): Promise<string> {
          return `bought ${item}`;
        }
      }
      const shop = new Shop();
      const { signal } = new AbortController();
      assert.equal(await shop.buy('tea', { signal }), 'bought tea');
      assert.equal(await shop.buy('milk'), 'bought milk');
      const [first, second] = seen;
      assert.deepEqual(first.args, ['tea', { signal }]);
      assert.equal(first.signal, signal);
      assert.equal(second.signal, undefined);
      assert.deepEqual([first.attempt, first.method, first.self], [1, 'Shop.buy', shop]);
      assert.deepEqual(first.options, { level: 'high', scope: 'class' });
      assert.equal(first.state, second.state);
      assert.deepEqual(second.state, { calls: 2 });
      assert.deepEqual({ ...second.stats }, { seen: 2 });
    });
  }

  test('the attempt: of each at the stages below the retry, 1 above it', async () => {
    const seen: string[] = [];
    const tell = (stage: Stage) =>
      definePolicy({
        kind: `tell${stage}`,
        stage,
        around(next, { attempt }) {
          seen.push(`${stage} ${attempt}`);
          return next();
        },
      })();
    let tries = 0;
    class Shop {
      @tell('method')
      @tell('attempt')
      @tell('call')
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(): Promise<number> {
        if (tries++ === 0) throw new Error('no');
        return currentCall().attempt;
      }
    }
    assert.equal(await new Shop().buy(), 2);
    assert.deepEqual(seen, ['call 1', 'attempt 1', 'method 1', 'attempt 2', 'method 2']);
  });

  test('in an Orchestrator, the name of the function', async () => {
    const seen: string[] = [];
    definePolicy({
      kind: 'doing',
      stage: 'call',
      around(next, { method }) {
        seen.push(method);
        return next();
      },
    });
    const orchestrator = new Orchestrator({ doing: {} } as object);
    await orchestrator.execute(async function load() {});
    await orchestrator.execute((() => async () => {})());
    assert.deepEqual(seen, ['load', 'Orchestrator']);
  });

  test('currentCall() tells of the call, in it and in the method, until the first await', async () => {
    const seen: unknown[] = [];
    class Shop {
      @doing(async (next) => {
        seen.push(currentCall().attempt);
        await undefined;
        assert.throws(() => currentCall());
        return await next();
      })
      async buy(): Promise<void> {
        seen.push(currentCall().attempt);
      }
    }
    await new Shop().buy();
    assert.deepEqual(seen, [1, 1]);
  });

  test('AsyncLocalStorage is that of the caller, in it and in the method, also after it waited', async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    class Shop {
      @concurrency(1)
      @doing(async (next) => {
        seen.push(store.getStore());
        await flush();
        return await next();
      }, 'method')
      async buy(): Promise<void> {
        seen.push(store.getStore());
      }
    }
    const shop = new Shop();
    await Promise.all(['a', 'b'].map((each) => store.run(each, () => shop.buy())));
    assert.deepEqual(seen, ['a', 'a', 'b', 'b']);
  });
});

describe('1.1 `around` may be any function', () => {
  for (const stage of stages) {
    test(`at the stage '${stage}', one that gives a value, a thenable, or throws at once`, async () => {
      const results: unknown[] = [];
      const error = new Error('at once');
      let around: Around = () => 1;
      class Shop {
        @doing((next, call) => around(next, call), stage)
        async buy(): Promise<unknown> {
          return 'bought';
        }
      }
      const shop = new Shop();
      results.push(await shop.buy());
      // biome-ignore lint/suspicious/noThenProperty: what others make is such a thing
      around = () => ({ then: (resolve: (value: string) => void) => resolve('then') });
      results.push(await shop.buy());
      around = () => {
        throw error;
      };
      assert.equal(await rejection(shop.buy()), error);
      assert.deepEqual(results, [1, 'then']);
    });
  }
});

describe('1.2 next', () => {
  for (const stage of stages) {
    test(`at the stage '${stage}': goes on, with the arguments of the call or with others`, async () => {
      class Shop {
        @doing(async (next, { args }) => [await next(), await next([`green ${args[0]}`])], stage)
        async buy(item: string): Promise<unknown> {
          return `bought ${item}`;
        }
      }
      assert.deepEqual(await new Shop().buy('tea'), ['bought tea', 'bought green tea']);
      assert.equal(statsOf(Shop, 'buy').attempts, 2);
      assert.equal(statsOf(Shop, 'buy').calls, 1);
    });

    test(`at the stage '${stage}': not called, the value of \`around\` is the result`, async () => {
      class Shop {
        @doing(() => 'from the store', stage)
        @rateLimit({ rate: 1, per: 1e6 })
        @concurrency(1)
        async buy(): Promise<string> {
          return 'bought';
        }
      }
      // The permit and the slot of the first are there for the next.
      for (let i = 0; i < 3; i++) assert.equal(await new Shop().buy(), 'from the store');
      assert.equal(statsOf(Shop, 'buy').attempts, 0);
    });

    test(`at the stage '${stage}': twice at the same time`, async () => {
      const gates = [deferred<string>(), deferred<string>()];
      let runs = 0;
      class Shop {
        @doing((next) => Promise.all([next(), next()]), stage)
        async buy(): Promise<unknown> {
          return gates[runs++].promise;
        }
      }
      const bought = new Shop().buy();
      await flush();
      assert.equal(statsOf(Shop, 'buy').running, 2);
      gates[1].resolve('second');
      gates[0].resolve('first');
      assert.deepEqual(await bought, ['first', 'second']);
      assert.equal(statsOf(Shop, 'buy').running, 0);
    });

    test(`at the stage '${stage}': late ends of runs that nobody awaits go nowhere`, () =>
      handled(async () => {
        const late = deferred();
        class Shop {
          @doing((next) => {
            next();
            return stage === 'method' ? undefined : next().catch(() => 'stale');
          }, stage)
          async buy(): Promise<unknown> {
            await late.promise;
            throw new Error('late');
          }
        }
        const bought = new Shop().buy();
        await flush();
        late.resolve();
        assert.equal(await bought, stage === 'method' ? undefined : 'stale');
      }));

    test(`at the stage '${stage}': called when the call has ended, it rejects and starts nothing`, () =>
      handled(async () => {
        let kept!: () => Promise<unknown>;
        class Shop {
          @doing((next) => {
            kept = next;
            return next();
          }, stage)
          async buy(): Promise<void> {}
        }
        await new Shop().buy();
        const error = await rejection(kept());
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.message, '@doing on Shop.buy: next() was called after `around` had ended');
        kept();
        assert.equal(statsOf(Shop, 'buy').attempts, 1);
      }));
  }

  test('what still runs after `around` has ended keeps apart from the next attempt', () =>
    handled(async () => {
      const gates = [deferred(), deferred()];
      const seen: unknown[] = [];
      const impatient: Around = (next, { attempt }) => {
        const run = next();
        if (attempt === 1) throw new Error('too slow');
        return run;
      };
      class Shop {
        @doing((next) => next(), 'call')
        @retry({ maxAttempts: 2, waitMin: 0 })
        @doingToo(impatient, 'attempt')
        @circuitBreaker(2)
        @concurrency(2)
        async buy(): Promise<string> {
          const { attempt, error } = currentCall();
          seen.push([attempt, (error as Error | undefined)?.message]);
          await gates[attempt - 1]?.promise;
          if (attempt === 1) throw new Error('late');
          return `bought in attempt ${attempt}`;
        }
      }
      const shop = new Shop();
      const bought = shop.buy();
      await flush();
      gates[0]?.resolve();
      await flush();
      gates[1]?.resolve();
      assert.equal(await bought, 'bought in attempt 2');
      assert.deepEqual(seen, [
        [1, undefined],
        [2, 'too slow'],
      ]);
      const { attempts, running, queued, failures } = statsOf(shop, 'buy');
      assert.deepEqual({ attempts, running, queued, failures }, { attempts: 2, running: 0, queued: 0, failures: 0 });
      assert.equal(circuitOf(shop, 'buy').failures, 0);
    }));

  for (const isRejected of [false, true]) {
    test(`a run is left behind in each attempt, and the call ${isRejected ? 'rejects' : 'resolves'} by the last one`, () =>
      handled(async () => {
        const gates = [deferred(), deferred(), deferred()];
        const hasty: Around = (next, { attempt }) => {
          const run = next();
          if (attempt < 3 || isRejected) throw new Error(`too slow in attempt ${attempt}`);
          return run;
        };
        class Shop {
          @fallback({ value: 'nothing', on: () => false })
          @doing((next) => next(), 'call')
          @retry({ maxAttempts: 3, waitMin: 0, rethrow: false })
          @doingToo(hasty, 'attempt')
          @concurrency(3)
          async buy(): Promise<string> {
            const { attempt } = currentCall();
            await gates[attempt - 1]?.promise;
            if (attempt < 3) throw new Error('late');
            return `bought in attempt ${attempt}`;
          }
        }
        const shop = new Shop();
        const bought = shop.buy().catch((error: RetryError) => error.errors.map((each) => (each as Error).message));
        await flush();
        for (const gate of gates) {
          gate.resolve();
          await flush();
        }
        const messages = [1, 2, 3].map((attempt) => `too slow in attempt ${attempt}`);
        assert.deepEqual(await bought, isRejected ? messages : 'bought in attempt 3');
        const { attempts, retries, running, failures } = statsOf(shop, 'buy');
        const counts = { attempts: 3, retries: 2, running: 0, failures: isRejected ? 1 : 0 };
        assert.deepEqual({ attempts, retries, running, failures }, counts);
      }));
  }

  test('a run beside the first, and after a retry within that, begins with the attempt of the call', async () => {
    const seen: unknown[] = [];
    class Shop {
      @doing(async (next) => {
        await next().catch(() => {});
        return await next();
      })
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(): Promise<string> {
        const { attempt, error } = currentCall();
        seen.push([attempt, (error as Error | undefined)?.message]);
        if (seen.length < 3) throw new Error(`failure ${seen.length}`);
        return 'bought';
      }
    }
    assert.equal(await new Shop().buy(), 'bought');
    assert.deepEqual(seen, [
      [1, undefined],
      [2, 'failure 1'],
      [1, undefined],
    ]);
  });

  for (const stage of ['call', 'attempt'] as const) {
    test(`at the stage '${stage}' the call does not wait for what was begun, once \`around\` has ended`, async () => {
      const work = deferred();
      class Shop {
        @doing((next) => {
          next().catch(() => {});
          return 'early';
        }, stage)
        async buy(): Promise<unknown> {
          return await work.promise;
        }
      }
      assert.equal(await new Shop().buy(), 'early');
      assert.equal(statsOf(Shop, 'buy').running, 1);
      work.resolve();
      await flush();
      assert.equal(statsOf(Shop, 'buy').running, 0);
    });
  }

  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
  ] as const) {
    test(`at the stage 'method' the call waits for the last of those that were begun: ${order.join()}`, async () => {
      const works = [deferred(), deferred(), deferred()];
      const runs = works.values();
      let isOver = false;
      class Shop {
        @doing((next) => {
          for (const _ of works) next();
        }, 'method')
        async buy(): Promise<void> {
          await runs.next().value?.promise;
        }
      }
      const call = new Shop().buy().then(() => {
        isOver = true;
      });
      for (const nth of order) {
        await flush();
        assert.equal(isOver, false);
        works[nth]?.resolve();
      }
      await call;
    });
  }

  test('late failures of several runs that nobody awaits go nowhere', () =>
    handled(async () => {
      const late = deferred();
      class Shop {
        @doing((next) => {
          next();
          next();
          return 'early';
        })
        async buy(): Promise<unknown> {
          await late.promise;
          throw new Error('late');
        }
      }
      assert.equal(await new Shop().buy(), 'early');
      late.resolve();
      await flush();
    }));

  test('each run has the signal of the caller, or none', async () => {
    const seen: unknown[] = [];
    class Shop {
      @doing((next) => Promise.all([next(), next(), next()]))
      async buy(signal?: AbortSignal): Promise<void> {
        seen.push(signal, currentCall().signal);
      }
    }
    await new Shop().buy();
    assert.deepEqual(seen, Array(6).fill(undefined));
    seen.length = 0;
    const { signal } = new AbortController();
    await new Shop().buy(signal);
    for (const each of seen) assert.equal(each, signal);
  });

  test('a signal of its own ends a run at once, whatever the method does, and no listener is left on it', async () => {
    const work = deferred();
    const [stopped, unused] = [new AbortController(), new AbortController()];
    const listeners = [stopped, unused].map(({ signal }) => countListeners(signal));
    class Shop {
      @doing(async (next) => {
        await next([undefined, unused.signal]);
        const run = rejection(next([work.promise, stopped.signal]));
        stopped.abort('enough');
        return await run;
      })
      async buy(wait?: Promise<unknown>, _signal?: AbortSignal): Promise<unknown> {
        await wait;
        return undefined;
      }
    }
    assert.equal(await new Shop().buy(), 'enough');
    work.resolve();
    await flush();
    assert.deepEqual(
      listeners.map(({ most, standing }) => [most, standing.size]),
      [
        [1, 0],
        [1, 0],
      ],
    );
  });

  test('goes nowhere where it is refused at once and nobody awaits it', () =>
    handled(async () => {
      class Shop {
        @doing((next) => {
          next();
          next();
          return 'unasked';
        }, 'attempt')
        @circuitBreaker(1)
        async buy(): Promise<void> {}
      }
      using _ = circuitOf(Shop, 'buy').isolate();
      assert.equal(await (new Shop().buy() as Promise<unknown>), 'unasked');
    }));

  test('other arguments with the very signal of the caller: the method gets that', async () => {
    const seen: unknown[] = [];
    class Shop {
      @doing((next, { args: [, signal] }) => next(['milk', signal]))
      async buy(...args: [item: string, signal: AbortSignal]): Promise<void> {
        seen.push(...args);
      }
    }
    const { signal } = new AbortController();
    await new Shop().buy('tea', signal);
    assert.equal(seen[0], 'milk');
    assert.equal(seen[1], signal);
  });

  test('the most attempts of any run are what a fallback is told of', async () => {
    const slow = deferred();
    class Shop {
      @fallback('instead')
      @doing(async (next) => {
        const itself = next();
        await next(['again']).catch(() => {});
        await next(['slow']).catch(() => {});
        slow.reject(new Error('slow'));
        return await itself;
      })
      @retry({ maxAttempts: 3, waitMin: 0, retryOn: (error) => (error as Error).message !== 'slow' })
      async buy(how: string): Promise<number> {
        if (how === 'once') await slow.promise;
        throw new Error(how);
      }

      async instead(_how: string): Promise<number> {
        return currentCall().attempt;
      }
    }
    assert.equal(await new Shop().buy('once'), 3);
  });

  test('what is no array of arguments is refused', async () => {
    class Shop {
      @doing(async (next) => await next('tea' as never))
      async buy(_item: string): Promise<unknown> {
        return 1;
      }
    }
    await assert.rejects(new Shop().buy('milk'), {
      name: 'ConfigurationError',
      message: "@doing on Shop.buy: expected next() to be given an array, got 'tea'",
    });
  });

  test("at 'call', each run takes a permit, a slot and a retry of its own", async () => {
    let tries = 0;
    class Shop {
      @doing(async (next) => [await next(), await next()])
      @retry({ maxAttempts: 2, waitMin: 0 })
      @rateLimit({ rate: 4, per: 1e6, maxQueue: 0 })
      @concurrency({ limit: 1, maxQueue: 0 })
      async buy(): Promise<unknown> {
        if (tries++ % 2 === 0) throw new Error('no');
        return tries;
      }
    }
    assert.deepEqual(await new Shop().buy(), [2, 4]);
    assert.equal(statsOf(Shop, 'buy').retries, 2);
    await assert.rejects(new Shop().buy(), { name: 'RejectedError', policy: 'rateLimit' });
  });

  test("at 'method', two runs stand under one permit and one slot, which is held until both have ended", async () => {
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()];
    let runs = 0;
    class Shop {
      @doing((next) => (runs === 0 ? Promise.race([next(), next()]) : next()), 'method')
      @rateLimit({ rate: 2, per: 1e6, maxQueue: 0 })
      @concurrency(1)
      async buy(): Promise<unknown> {
        return gates[runs++].promise;
      }
    }
    const shop = new Shop();
    const first = shop.buy();
    const second = shop.buy();
    gates[0].resolve(1);
    await flush();
    assert.deepEqual([runs, statsOf(Shop, 'buy').queued], [2, 1]);
    gates[1].resolve(2);
    assert.equal(await first, 1);
    gates[2].resolve(3);
    await second;
    await assert.rejects(shop.buy(), { name: 'RejectedError', policy: 'rateLimit' });
  });

  test("at 'method', a permit counts from when the method is entered", () =>
    underFakeClock(async (clock) => {
      const entered: number[] = [];
      class Shop {
        @doing(async (next) => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          return next();
        }, 'method')
        @rateLimit({ rate: 1, per: 100 })
        async buy(): Promise<unknown> {
          return entered.push(performance.now());
        }
      }
      const shop = new Shop();
      const both = Promise.all([shop.buy(), shop.buy()]);
      await advance(clock, 250);
      await both;
      assert.deepEqual(entered, [50, 200]);
    }));
});

describe('1.3 what it throws is a failure of what it surrounds', () => {
  test('before and after next', async () => {
    const before = new Error('before');
    const after = new Error('after');
    let which = before;
    class Shop {
      @doing(async (next) => {
        if (which === before) throw before;
        await next();
        throw after;
      })
      async buy(): Promise<void> {}
    }
    assert.equal(await rejection(new Shop().buy()), before);
    which = after;
    assert.equal(await rejection(new Shop().buy()), after);
    const { calls, failures, attempts } = statsOf(Shop, 'buy');
    assert.deepEqual({ calls, failures, attempts }, { calls: 2, failures: 2, attempts: 1 });
  });

  test("at 'call' the fallback takes over, and is told the attempts that led to it; no retry", async () => {
    let runs = 0;
    class Shop {
      @doing(async (next) => {
        runs++;
        return await next();
      })
      @retry({ maxAttempts: 3, waitMin: 0 })
      @fallback('other')
      async buy(): Promise<number> {
        throw new Error('no');
      }
      async other(): Promise<number> {
        return currentCall().attempt;
      }
    }
    assert.equal(await new Shop().buy(), 3);
    assert.equal(runs, 1);
  });

  for (const stage of ['attempt', 'method'] as const) {
    test(`at '${stage}' the retry makes another attempt, through it again`, async () => {
      let runs = 0;
      class Shop {
        @doing(async (next) => {
          const value = await next();
          if (++runs < 3) throw new Error('not good enough');
          return value;
        }, stage)
        @retry({ maxAttempts: 3, waitMin: 0 })
        @concurrency({ limit: 1, maxQueue: 0 })
        async buy(): Promise<string> {
          return 'bought';
        }
      }
      assert.equal(await new Shop().buy(), 'bought');
      const { attempts, retries } = statsOf(Shop, 'buy');
      assert.deepEqual([attempts, retries], [3, 2]);
      // The slot came back.
      assert.equal(await new Shop().buy(), 'bought');
    });
  }

  test('an error arrives as thrown, and the caller stands in its stack', async () => {
    for (const stage of stages) {
      for (const signal of [undefined, new AbortController().signal]) {
        class Shop {
          @doing(async (next) => await next(), stage)
          async buy(_signal?: AbortSignal): Promise<void> {
            await undefined;
            throw new Error('no');
          }
        }
        const shop = new Shop();
        async function customer(): Promise<void> {
          await shop.buy(signal);
        }
        const { stack } = (await rejection(customer())) as Error;
        assert.match(String(stack), /customer/, `${stage}, ${signal}`);
      }
    }
  });
});

describe('an abort of the caller', () => {
  for (const stage of stages) {
    test(`at '${stage}' aborts what runs beneath and rejects the call, whatever \`around\` does`, () =>
      handled(async () => {
        const seen: unknown[] = [];
        const reason = new Error('left');
        const gate = deferred();
        class Shop {
          @doing(async (next) => {
            const both = [next(), next()];
            for (const each of both) each.catch((error) => seen.push(error));
            await gate.promise;
            return 'all is well';
          }, stage)
          async buy(signal: AbortSignal): Promise<void> {
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          }
        }
        const controller = new AbortController();
        const listeners = countListeners(controller.signal);
        const bought = new Shop().buy(controller.signal);
        await flush();
        controller.abort(reason);
        assert.equal(await rejection(bought), reason);
        await flush();
        assert.deepEqual(seen, [reason, reason]);
        const { running, abandoned, failures } = statsOf(Shop, 'buy');
        assert.deepEqual({ running, abandoned, failures }, { running: 0, abandoned: 0, failures: 1 });
        gate.resolve();
        await flush();
        // But for those of the method itself.
        assert.equal(listeners.standing.size, 2);
      }));

    test(`at '${stage}': runs that end late keep their slot until then`, async () => {
      const ends = [deferred(), deferred()];
      let runs = 0;
      class Shop {
        @doing((next) => next(), stage)
        @concurrency(1)
        async buy(_signal?: AbortSignal): Promise<void> {
          await ends[runs++].promise;
        }
      }
      const controller = new AbortController();
      const first = new Shop().buy(controller.signal);
      await flush();
      controller.abort('left');
      assert.equal(await rejection(first), 'left');
      const second = new Shop().buy();
      await flush();
      const { running, abandoned, queued } = statsOf(Shop, 'buy');
      assert.deepEqual({ running, abandoned, queued }, { running: 1, abandoned: 1, queued: 1 });
      ends[0].resolve();
      ends[1].resolve();
      await second;
      assert.equal(runs, 2);
    });

    test(`at '${stage}': next() rejects at once, though the method runs on`, async () => {
      const seen: unknown[] = [];
      class Shop {
        @doing(
          (next) =>
            next().catch((error: unknown) => {
              seen.push(error);
              throw error;
            }),
          stage,
        )
        async buy(_signal: AbortSignal): Promise<void> {
          await new Promise(() => {});
        }
      }
      const stop = new AbortController();
      const call = rejection(new Shop().buy(stop.signal));
      stop.abort('left');
      assert.equal(await call, 'left');
      await flush();
      assert.deepEqual(seen, ['left']);
    });

    test(`at '${stage}': of a run that nobody awaits, it is not unhandled`, () =>
      handled(async () => {
        const gate = deferred();
        class Shop {
          @doing((next) => {
            next();
            return gate.promise;
          }, stage)
          async buy(_signal: AbortSignal): Promise<void> {
            await gate.promise;
          }
        }
        const stop = new AbortController();
        const call = rejection(new Shop().buy(stop.signal));
        stop.abort('left');
        assert.equal(await call, 'left');
        await flush();
        gate.resolve();
      }));

    test(`at '${stage}': next() afterwards rejects with the reason, and starts nothing`, () =>
      handled(async () => {
        const gate = deferred();
        const seen: unknown[] = [];
        class Shop {
          @doing(async (next) => {
            await gate.promise;
            next();
            seen.push(await rejection(next()));
          }, stage)
          async buy(_signal: AbortSignal): Promise<void> {}
        }
        const controller = new AbortController();
        const bought = new Shop().buy(controller.signal);
        controller.abort('left');
        assert.equal(await rejection(bought), 'left');
        gate.resolve();
        await flush();
        assert.deepEqual(seen, ['left']);
        assert.equal(statsOf(Shop, 'buy').attempts, 0);
      }));

    test(`at '${stage}': by the method itself as it is entered, and by \`around\` before next`, () =>
      handled(async () => {
        let controller = new AbortController();
        let early = false;
        class Shop {
          @doing((next) => {
            if (early) controller.abort('around');
            return next();
          }, stage)
          @concurrency({ limit: 1, maxQueue: 0 })
          async buy(_signal: AbortSignal): Promise<void> {
            controller.abort('method');
          }
        }
        assert.equal(await rejection(new Shop().buy(controller.signal)), 'method');
        await flush();
        early = true;
        controller = new AbortController();
        assert.equal(await rejection(new Shop().buy(controller.signal)), 'around');
        await flush();
        assert.equal(statsOf(Shop, 'buy').attempts, 1);
        assert.equal(statsOf(Shop, 'buy').running, 0);
      }));
  }

  test("ends a run that waits for a slot, or for a retry, beneath the stage 'call'", () =>
    handled(async () => {
      const gate = deferred();
      class Shop {
        @doing((next) => next())
        @retry({ waitMin: 1e6, jitter: 'none' })
        @concurrency(1)
        async buy(wait: boolean, _signal?: AbortSignal): Promise<void> {
          if (wait) return gate.promise;
          throw new Error('no');
        }
      }
      const shop = new Shop();
      const retrying = new AbortController();
      const waits = shop.buy(false, retrying.signal);
      await flush();
      retrying.abort('retrying');
      assert.equal(await rejection(waits), 'retrying');
      const holds = shop.buy(true);
      const queueing = new AbortController();
      const queued = shop.buy(true, queueing.signal);
      await flush();
      assert.equal(statsOf(Shop, 'buy').queued, 1);
      queueing.abort('queueing');
      assert.equal(await rejection(queued), 'queueing');
      assert.equal(statsOf(Shop, 'buy').queued, 0);
      gate.resolve();
      await holds;
    }));

  test('in a hook of a policy further out: `around` is not run', async () => {
    const stop = new AbortController();
    let runs = 0;
    class Shop {
      @circuitBreaker({
        consecutive: 1,
        halfOpenAfter: 0,
        onStateChange: ({ to }) => to === 'half-open' && stop.abort('left'),
      })
      @doing((next) => {
        runs++;
        return next();
      }, 'method')
      async buy(_signal?: AbortSignal): Promise<void> {
        throw new Error('sold out');
      }
    }
    await rejection(new Shop().buy());
    assert.equal(await rejection(new Shop().buy(stop.signal)), 'left');
    await flush();
    assert.equal(runs, 1);
  });

  test('a signal of the policy among the arguments governs that run alone', () =>
    handled(async () => {
      const own = new AbortController();
      const outer = new AbortController();
      const listeners = [own, outer].map(({ signal }) => countListeners(signal));
      class Shop {
        @doing(async (next, { args }) => {
          const ended = rejection(next([args[0], own.signal]));
          own.abort('too slow');
          return [await ended, await next(['quick'])];
        })
        async buy(how: string, signal?: AbortSignal): Promise<unknown> {
          if (how === 'quick') return how;
          return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        }
      }
      assert.deepEqual(await new Shop().buy('slow', outer.signal), ['too slow', 'quick']);
      assert.deepEqual(await new Shop().buy('slow'), ['too slow', 'quick']);
      assert.deepEqual(
        listeners.map(({ standing }) => standing.size),
        [0, 0],
      );
    }));

  test('what the caller aborts is known as that beneath two policies, and to the signal that the method gets', () =>
    handled(async () => {
      const signals: (AbortSignal | undefined)[] = [];
      const outer = definePolicy({ kind: 'outermost', stage: 'call', around: (next) => next() });
      class Shop {
        @outer()
        @doing((next, { args }) => next([...args, new AbortController().signal]), 'attempt')
        @retry({ maxAttempts: 3, waitMin: 0 })
        async buy(_signal: AbortSignal, own?: AbortSignal): Promise<void> {
          signals.push(currentCall().signal, own);
          await new Promise(() => {});
        }
      }
      const controller = new AbortController();
      const bought = new Shop().buy(controller.signal);
      controller.abort('left');
      assert.equal(await rejection(bought), 'left');
      assert.deepEqual(
        signals.map((signal) => signal?.reason),
        ['left', 'left'],
      );
      assert.equal(statsOf(Shop, 'buy').attempts, 1);
    }));

  test('under two policies, each with children of its own', async () => {
    const seen: string[] = [];
    const one = definePolicy({
      kind: 'one',
      stage: 'call',
      around: (next) =>
        next().catch((reason) => {
          seen.push(`one ${reason}`);
          throw reason;
        }),
    });
    const two = definePolicy({
      kind: 'two',
      stage: 'attempt',
      around: (next) =>
        next().catch((reason) => {
          seen.push(`two ${reason}`);
          throw reason;
        }),
    });
    class Shop {
      @two()
      @one()
      @retry({ maxAttempts: 5, waitMin: 0 })
      async buy(signal: AbortSignal): Promise<void> {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      }
    }
    const controller = new AbortController();
    const bought = new Shop().buy(controller.signal);
    await flush();
    controller.abort('left');
    assert.equal(await rejection(bought), 'left');
    await flush();
    assert.deepEqual(seen.sort(), ['one left', 'two left']);
    assert.equal(statsOf(Shop, 'buy').attempts, 1);
  });
});

describe('1.4 a kind', () => {
  const around: Around = (next) => next();

  for (const kind of [
    'retry',
    'fallback',
    'rateLimit',
    'concurrency',
    'cpuBound',
    'inherit',
    'signalAt',
    'orchestrate',
  ]) {
    test(`is not ${kind}`, () => {
      failsWith(
        () => definePolicy({ kind, stage: 'call', around }),
        new RegExp(`^definePolicy\\(\\): expected \`kind\` to be a name, and none of fallback, .*, got '${kind}'$`),
      );
    });
  }

  for (const kind of ['', 'two words', '1st', 'a.b', '*', '__proto__', 'constructor', 5, Symbol('kind'), undefined]) {
    test(`is not ${String(kind) || 'empty'}`, () => {
      failsWith(
        () => definePolicy({ kind: kind as string, stage: 'call', around }),
        /^definePolicy\(\): expected `kind` to be a name, and none of /,
      );
    });
  }

  test('defined again replaces the former for classes defined from then on, in its old place', async () => {
    const say = (what: string) => {
      const policy = definePolicy({ kind: 'saying', stage: 'call', around: async (next) => `${what} ${await next()}` });
      return policy;
    };
    const first = say('first');
    definePolicy({ kind: 'after', stage: 'call', around });
    class Old {
      @orchestrate({ saying: {} } as object)
      async load(): Promise<string> {
        return 'load';
      }
    }
    const old = new Orchestrator({ saying: {} } as object);
    const second = say('second');
    class New {
      @orchestrate({ saying: {}, after: {} } as object)
      async load(): Promise<string> {
        return 'load';
      }
      @first()
      async byOld(): Promise<string> {
        return 'load';
      }
      @second()
      async byNew(): Promise<string> {
        return 'load';
      }
    }
    const load = async () => 'load';
    assert.equal(await new Old().load(), 'first load');
    assert.equal(await old.execute(load), 'first load');
    assert.equal(await new New().load(), 'second load');
    assert.equal(await new Orchestrator({ saying: {} } as object).execute(load), 'second load');
    assert.equal(await new New().byOld(), 'first load');
    assert.equal(await new New().byNew(), 'second load');
    assert.deepEqual(kindsOf(New, 'load'), ['saying', 'after']);
  });

  test('is known to @orchestrate once it is defined', () => {
    failsWith(() => new Orchestrator({ nobodys: {} } as object), /unknown option `nobodys`/);
    definePolicy({ kind: 'nobodys', stage: 'call', around });
    new Orchestrator({ nobodys: {} } as object);
    failsWith(() => new Orchestrator({ anybodys: {} } as object), /known options are retry, .*, nobodys/);
    const hint = /; a policy of your own is known once its module, which calls definePolicy\(\), was loaded$/;
    failsWith(() => new Orchestrator({ anybodys: {} } as object), hint);
    class Shop {
      @retry()
      async buy(): Promise<void> {}
    }
    failsWith(() => configure(Shop, 'buy', { anybodys: {} } as object), hint);
  });

  test('stands once on a method', () => {
    const policy = definePolicy({ kind: 'once', stage: 'call', around });
    failsWith(() => {
      class Shop {
        @policy()
        @policy()
        async buy(): Promise<void> {}
      }
      return Shop;
    }, '@once on method `buy`: it has a once policy already; give each kind once');
  });
});

describe('the definition is checked', () => {
  const good = { kind: 'checked', stage: 'call', around: (next: () => unknown) => next() };
  const define = definePolicy as (definition: unknown) => unknown;
  for (const [given, message] of [
    [null, 'definePolicy(): expected the options to be an object, got null'],
    [{ ...good, stage: 'outer' }, "expected `stage` to be 'call' or 'attempt' or 'method', got 'outer'"],
    [{ ...good, stage: undefined }, "expected `stage` to be 'call' or 'attempt' or 'method', got undefined"],
    [{ ...good, around: undefined }, 'expected `around` to be a function, got undefined'],
    [{ ...good, *around() {} }, 'expected `around` to be a function, got the generator function around'],
    [{ ...good, options: { level: 'low' } }, 'expected `options` to be an object of rules'],
    [{ ...good, options: [] }, 'expected `options` to be an object of rules'],
    [{ ...good, options: null }, 'expected `options` to be an object of rules'],
    [{ ...good, options: 5 }, 'expected `options` to be an object of rules'],
    [{ ...good, options: { level: null } }, 'expected `options` to be an object of rules'],
    [{ ...good, options: { most: flag, level: { allowed: 'low' } } }, 'expected `options` to be an object of rules'],
    [{ ...good, options: { level: { test: () => true } } }, 'expected `options` to be an object of rules'],
    [{ ...good, defaults: null }, 'expected `defaults` to be an object, got null'],
    [{ ...good, defaults: 5 }, 'expected `defaults` to be an object, got 5'],
    [
      { ...good, stats: { most: 0, seen: '0' } },
      "expected `stats` to be an object of numbers, got { most: 0, seen: '0' }",
    ],
    [
      { ...good, options: { level: flag }, defaults: { toString: 1 } },
      'definePolicy() of checked: unknown option `defaults.toString` (1); known options are level',
    ],
    [{ ...good, state: {} }, 'expected `state` to be a function, got {}'],
    [{ ...good, stats: { seen: '0' } }, "expected `stats` to be an object of numbers, got { seen: '0' }"],
    [{ ...good, rank: 1 }, 'unknown option `rank` (1); known options are kind, stage, options'],
    [
      { ...good, options: { level: oneOf('low', 'high') }, defaults: { level: 'mid' } },
      "definePolicy() of checked: expected `defaults.level` to be 'low' or 'high', got 'mid'",
    ],
    [
      { ...good, options: { level: flag }, defaults: { levels: true } },
      'definePolicy() of checked: unknown option `defaults.levels` (true); known options are level',
    ],
    [
      { ...good, options: { key: flag }, state: () => ({}) },
      'definePolicy() of checked: with `state`, it has an option `key` already; name yours otherwise',
    ],
  ] as const) {
    test(message, () => {
      assert.throws(
        () => define(given),
        (error) => error instanceof ConfigurationError && error.message.includes(message),
      );
    });
  }

  test('what becomes of its stats later is nothing to the policy', () => {
    const stats = { seen: 0 };
    const policy = define({ ...good, stats }) as () => PolicyDecorator;
    stats.seen = 5;
    class Shop {
      @policy()
      async buy(): Promise<void> {}
    }
    assert.deepEqual(statsOf(Shop, 'buy').custom.checked, { seen: 0 });
  });

  test('a state that is a promise is a ConfigurationError from the call, and the method is not entered', async () => {
    let entered = 0;
    const policy = define({ ...good, state: async () => ({}) }) as () => PolicyDecorator;
    class Shop {
      @policy()
      async buy(): Promise<void> {
        entered++;
      }
    }
    for (let call = 0; call < 2; call++) {
      const error = await rejection(new Shop().buy());
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /^@checked on Shop\.buy: expected `state` to return no promise, got Promise \{/);
    }
    assert.equal(entered, 0);
  });

  test('what state throws, or a promise that it gives, rejects the call without another attempt, and is not unhandled', () =>
    handled(async () => {
      const broken = new Error('no state');
      let states = 0;
      const throwing = definePolicy({
        kind: 'throwing',
        stage: 'attempt',
        state: (): number => {
          states++;
          throw broken;
        },
        around: (next) => next(),
      });
      const rejecting = define({
        ...good,
        stage: 'attempt',
        state: async () => Promise.reject(broken),
      }) as () => PolicyDecorator;
      class Shop {
        @throwing()
        @retry({ waitMin: 0 })
        async buy(): Promise<void> {}

        @rejecting()
        @retry({ waitMin: 0 })
        async sell(): Promise<void> {}
      }
      assert.equal(await rejection(new Shop().buy()), broken);
      assert.equal(states, 1);
      assert.ok((await rejection(new Shop().sell())) instanceof ConfigurationError);
      assert.deepEqual([statsOf(Shop, 'buy').retries, statsOf(Shop, 'sell').retries], [0, 0]);
    }));

  test('oneOf takes words, and at least one', () => {
    const words = oneOf as (...values: readonly unknown[]) => unknown;
    failsWith(() => words(), 'oneOf(): expected at least one word, got none');
    failsWith(() => words('low', 2), 'oneOf(): expected each value to be a string, got 2');
  });

  test('an option of its own may be called key where it has no state', () => {
    define({ ...good, options: { key: flag } });
  });
});

describe('1.5 options', () => {
  const seen: unknown[] = [];
  const audit = definePolicy({
    kind: 'optioned',
    stage: 'call',
    options: { level: oneOf('low', 'high'), most: positiveInteger, wait: duration, tell: callback as Rule<() => void> },
    defaults: { most: 3, wait: 0, tell: undefined },
    around(next, { options }) {
      seen.push(options);
      return next();
    },
  });
  const anyhow = audit as (...all: unknown[]) => ReturnType<typeof audit>;
  const put = (...given: unknown[]): object => {
    class Shop {
      @anyhow(...given)
      async buy(): Promise<void> {}
    }
    return Shop;
  };

  test('those with a default may be left out, one whose default is undefined too', async () => {
    const [policy] = policiesOf(put({ level: 'low', most: 5 }), 'buy');
    assert.deepEqual(policy.options, { level: 'low', most: 5, wait: 0 });
  });

  for (const [given, message] of [
    [[], "expected `level` to be 'low' or 'high', got undefined"],
    [[{}], "expected `level` to be 'low' or 'high', got undefined"],
    [[{ level: 'mid' }], "expected `level` to be 'low' or 'high', got 'mid'"],
    [[{ level: 'low', most: 0 }], 'expected `most` to be an integer of at least 1, got 0'],
    [
      [{ level: 'low', wait: Number.NaN }],
      'expected `wait` to be a finite number of milliseconds of at least 0, got NaN',
    ],
    [[{ level: 'low', tell: 1 }], 'expected `tell` to be a function, got 1'],
    [[{ level: 'low', moist: 1 }], 'unknown option `moist` (1); known options are level, most, wait, tell'],
    [[{ level: 'low', key: () => 'a' }], 'unknown option `key` (the function key)'],
    [['low'], "expected the options to be an object, got 'low'"],
    [[null], 'expected the options to be an object, got null'],
    [[{ level: 'low' }, 3], 'expected one argument at the most, got 3 too'],
  ] as const) {
    test(`wrong: ${message}`, () => {
      const escaped = (text: string): RegExp => new RegExp(text.replace(/[^\w ]/g, '\\$&'));
      failsWith(() => put(...given), escaped(`@optioned on method \`buy\`: ${message}`));
      if (given.length !== 1 || typeof given[0] !== 'object' || given[0] === null) return;
      const nested = message.replace(/`(?=\w)/, '`optioned.');
      failsWith(() => new Orchestrator({ optioned: given[0] } as object), escaped(`Orchestrator: ${nested}`));
    });
  }

  test('in the old form, and without parentheses, it says so', () => {
    failsWith(() => {
      class Shop {
        @(audit as unknown as (value: unknown, context: unknown) => never)
        async buy(): Promise<void> {}
      }
      return Shop;
    }, '@optioned on method `buy`: write @optioned(...), with parentheses');
  });
});

describe('1.5 stats', () => {
  test('what it counts shows under its kind, from the start where that is told, copied', async () => {
    const counted = definePolicy({
      kind: 'counted',
      stage: 'call',
      stats: { seen: 0, failed: 0 },
      async around(next, { stats }) {
        stats.seen++;
        try {
          return await next();
        } catch (error) {
          stats.failed++;
          throw error;
        }
      },
    });
    const free = definePolicy({
      kind: 'free',
      stage: 'attempt',
      around(next, { stats }) {
        stats.any++;
        assert.equal(stats.none, 0);
        return next();
      },
    });
    class Shop {
      @counted()
      @free()
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(): Promise<void> {
        throw new Error('no');
      }
      @retry()
      async plain(): Promise<void> {}
    }
    class Other extends Shop {}
    const before = statsOf(Shop, 'buy');
    assert.deepEqual(before.custom, { counted: { seen: 0, failed: 0 } });
    await rejection(new Shop().buy());
    assert.deepEqual(before.custom, { counted: { seen: 0, failed: 0 } });
    assert.deepEqual(statsOf(Shop, 'buy').custom, {
      counted: { seen: 1, failed: 1 },
      free: { any: 2 },
    });
    assert.deepEqual(statsOf(Other, 'buy').custom, { counted: { seen: 0, failed: 0 } });
    assert.deepEqual(statsOf(Shop, 'plain').custom, {});
    const orchestrator = new Orchestrator({ counted: {} } as object);
    await orchestrator.execute(async () => {});
    assert.deepEqual(orchestrator.stats.custom, { counted: { seen: 1, failed: 0 } });
  });
});

describe('1.5 state', () => {
  const makeTally = () => {
    let made = 0;
    const tally = definePolicy({
      kind: 'tally',
      stage: 'call',
      state: () => ({ id: ++made, uses: 0 }),
      async around(next, { state }) {
        state.uses++;
        await next();
        return state;
      },
    });
    return tally;
  };

  test('one object for a method of a concrete class, whatever the instance', async () => {
    const tally = makeTally();
    class Shop {
      @tally()
      async buy(): Promise<unknown> {
        return undefined;
      }
      @tally()
      async sell(): Promise<unknown> {
        return undefined;
      }
    }
    class Market extends Shop {}
    assert.deepEqual(await new Shop().buy(), { id: 1, uses: 1 });
    assert.deepEqual(await new Shop().buy(), { id: 1, uses: 2 });
    assert.deepEqual(await new Shop().sell(), { id: 2, uses: 1 });
    assert.deepEqual(await new Market().buy(), { id: 3, uses: 1 });
  });

  test('one for each instance, one for each key', async () => {
    const tally = makeTally();
    class Shop {
      @tally({ scope: 'instance' })
      async buy(): Promise<unknown> {
        return undefined;
      }
      @tally({ key: (tenant: string) => tenant })
      async sell(_tenant: string): Promise<unknown> {
        return undefined;
      }
    }
    const shop = new Shop();
    assert.deepEqual(await shop.buy(), { id: 1, uses: 1 });
    assert.deepEqual(await new Shop().buy(), { id: 2, uses: 1 });
    assert.deepEqual(await shop.buy(), { id: 1, uses: 2 });
    assert.deepEqual(await shop.sell('north'), { id: 3, uses: 1 });
    assert.deepEqual(await shop.sell('south'), { id: 4, uses: 1 });
    assert.deepEqual(await new Shop().sell('north'), { id: 3, uses: 2 });
  });

  test('X8 a key that gives no string, or throws, rejects the call; so does a state that cannot be made', async () => {
    const tally = makeTally();
    const error = new Error('no key');
    const stateless = definePolicy({
      kind: 'stateless',
      stage: 'call',
      state: () => {
        throw error;
      },
      around: (next) => next(),
    });
    class Shop {
      @retry({ maxAttempts: 1 })
      @tally({ key: (tenant: unknown) => tenant as string })
      async buy(_tenant: unknown): Promise<unknown> {
        return undefined;
      }
      @tally({
        key: () => {
          throw error;
        },
      })
      async sell(): Promise<unknown> {
        return undefined;
      }
      @stateless()
      async give(): Promise<unknown> {
        return undefined;
      }
    }
    await assert.rejects(new Shop().buy(5), {
      name: 'ConfigurationError',
      message: '@tally on Shop.buy: expected `key` to return a string, got 5',
    });
    assert.equal(await rejection(new Shop().sell()), error);
    assert.equal(await rejection(new Shop().give()), error);
    assert.deepEqual(await new Shop().buy('north'), { id: 1, uses: 1 });
  });

  test('a state that cannot be made leaves neither a permit nor a slot behind', async () => {
    let fails = true;
    const error = new Error('no state');
    const shaky = definePolicy({
      kind: 'shaky',
      stage: 'method',
      state: () => {
        if (fails) throw error;
        return {};
      },
      around: (next) => next(),
    });
    class Shop {
      @shaky()
      @rateLimit({ rate: 1, per: 1e6, maxQueue: 0 })
      @concurrency({ limit: 1, maxQueue: 0 })
      async buy(): Promise<string> {
        return 'bought';
      }
    }
    assert.equal(await rejection(new Shop().buy()), error);
    fails = false;
    assert.equal(await new Shop().buy(), 'bought');
  });

  test('X4 that of a key which was not used for ten minutes goes; one in use stays', () =>
    underFakeClock(async (clock) => {
      const gate = deferred();
      const tally = makeTally();
      class Shop {
        @tally({ key: (tenant: string) => tenant })
        async buy(tenant: string): Promise<unknown> {
          return tenant === 'slow' ? gate.promise : undefined;
        }
      }
      const shop = new Shop();
      const slow = shop.buy('slow');
      for (const each of ['a', 'b', 'c', 'd']) await shop.buy(each);
      clock.tick(599_999);
      assert.deepEqual(await shop.buy('a'), { id: 2, uses: 2 });
      clock.tick(1);
      // Each call looks at two, the longest unused first: at the slow one and b, then at c and d.
      await shop.buy('x');
      await shop.buy('y');
      assert.deepEqual(await shop.buy('a'), { id: 2, uses: 3 });
      assert.deepEqual(await shop.buy('b'), { id: 8, uses: 1 });
      assert.deepEqual(await shop.buy('c'), { id: 9, uses: 1 });
      clock.tick(10 * 600_000);
      gate.resolve();
      assert.deepEqual(await slow, { id: 1, uses: 1 });
      // Its time counts from its end: these look at all that have been there for long.
      for (const each of ['p', 'q', 'r', 's', 't', 'u']) await shop.buy(each);
      assert.deepEqual(await shop.buy('slow'), { id: 1, uses: 2 });
    }));

  test('X4 those in use keep none behind them from going', () =>
    underFakeClock(async (clock) => {
      const gate = deferred();
      const tally = makeTally();
      class Shop {
        @tally({ key: (tenant: string) => tenant })
        async buy(tenant: string): Promise<unknown> {
          return tenant.startsWith('slow') ? gate.promise : undefined;
        }
      }
      const shop = new Shop();
      const slow = ['slow 1', 'slow 2', 'slow 3'].map((each) => shop.buy(each));
      assert.deepEqual(await shop.buy('old'), { id: 4, uses: 1 });
      clock.tick(600_000);
      for (const each of ['x', 'y', 'z']) await shop.buy(each);
      assert.deepEqual(await shop.buy('old'), { id: 8, uses: 1 });
      gate.resolve();
      await Promise.all(slow);
    }));
});

describe('X6 where it stands', () => {
  const order: string[] = [];
  const passing = (kind: string, stage: Stage) =>
    definePolicy({
      kind,
      stage,
      around(next) {
        order.push(kind);
        return next();
      },
    });
  const inner = passing('inner', 'method');
  const early = passing('early', 'attempt');
  const late = passing('late', 'attempt');
  const outer = passing('outer', 'call');

  test('1.5 by its stage; of one stage in the order of definition, whatever the order of the decorators', async () => {
    class Shop {
      @late()
      @inner()
      @concurrency(1)
      @early()
      @rateLimit({ rate: 10, key: () => 'a' })
      @retry()
      @outer()
      @fallback(async () => {})
      async buy(): Promise<void> {}
    }
    order.length = 0;
    await new Shop().buy();
    assert.deepEqual(order, ['outer', 'early', 'late', 'inner']);
    const kinds = ['fallback', 'outer', 'retry', 'early', 'late', 'rateLimit', 'concurrency', 'inner'];
    assert.deepEqual(kindsOf(Shop, 'buy'), kinds);
    assert.match(explain(Shop), new RegExp(`buy\\(\\): ${kinds.join(' > ')} > the method`));
  });

  test("1.5 at 'attempt' it sees the waits of the limits, at 'method' it does not", async () => {
    const gate = deferred();
    class Shop {
      @early()
      @inner()
      @concurrency(1)
      async buy(): Promise<void> {
        await gate.promise;
      }
    }
    order.length = 0;
    const both = [new Shop().buy(), new Shop().buy()];
    assert.deepEqual(order, ['early', 'inner', 'early']);
    gate.resolve();
    await Promise.all(both);
    assert.deepEqual(order, ['early', 'inner', 'early', 'inner']);
  });

  test('is inherited, replaced by an override, cut off by inherit: false', async () => {
    const marked = definePolicy({
      kind: 'marked',
      stage: 'call',
      options: { mark: oneOf('a', 'b') },
      around: async (next, { options }) => `${options.mark}${await next()}`,
    });
    class Base {
      @marked({ mark: 'a' })
      async load(): Promise<string> {
        return 'base';
      }
    }
    class Inherits extends Base {}
    class Overrides extends Base {
      override async load(): Promise<string> {
        return `over ${await super.load()}`;
      }
    }
    class Replaces extends Base {
      @marked({ mark: 'b' })
      override async load(): Promise<string> {
        return 'replaced';
      }
    }
    class Cuts extends Base {
      @orchestrate({ inherit: false })
      override async load(): Promise<string> {
        return 'cut';
      }
    }
    assert.deepEqual(
      [await new Inherits().load(), await new Overrides().load(), await new Replaces().load(), await new Cuts().load()],
      ['abase', 'aover base', 'breplaced', 'cut'],
    );
    assert.equal(policiesOf(Overrides, 'load')[0].declaredBy, Base);
  });

  test('on a class, and on static and private methods', async () => {
    @outer()
    class Shop {
      async buy(): Promise<string> {
        return 'bought';
      }
      plain(): string {
        return 'plain';
      }
      @outer()
      static async open(): Promise<string> {
        return 'open';
      }
      @outer()
      async #count(): Promise<string> {
        return 'counted';
      }
      count(): Promise<string> {
        return this.#count();
      }
    }
    order.length = 0;
    const shop = new Shop();
    assert.deepEqual(
      [await shop.buy(), shop.plain(), await Shop.open(), await shop.count()],
      ['bought', 'plain', 'open', 'counted'],
    );
    assert.deepEqual(order, ['outer', 'outer', 'outer']);
    assert.deepEqual(kindsOf(Shop, '#count'), ['outer']);
  });

  test('explain shows its options in a column as wide as the longest kind', () => {
    const long = definePolicy({
      kind: 'aLongNameForAPolicy',
      stage: 'call',
      options: { on: flag },
      around: (next) => next(),
    });
    class Shop {
      @long({ on: true })
      @retry(2)
      async buy(): Promise<void> {}
    }
    const [, , first, second] = explain(Shop).split('\n');
    assert.equal(first, '    aLongNameForAPolicy on: true  (from Shop)');
    assert.match(second, /^ {4}retry {15}maxAttempts: 2/);
  });
});

describe('many items', () => {
  test('each goes through it, and an abort of the run ends what runs', () =>
    handled(async () => {
      const seen: unknown[] = [];
      const reason = new Error('enough');
      const controller = new AbortController();
      class Shop {
        @doing(async (next, { args: [item] }) => {
          try {
            return await next();
          } finally {
            seen.push(item);
          }
        })
        @concurrency(2)
        async buy(item: number): Promise<number> {
          if (item === 3) {
            const { signal } = currentCall();
            return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
          }
          return item * 2;
        }
      }
      assert.deepEqual(await processAll(new Shop(), 'buy', [1, 2, 4]), [2, 4, 8]);
      const run = processAll(new Shop(), 'buy', [1, 3, 5], { signal: controller.signal });
      await flush();
      controller.abort(reason);
      assert.equal(await rejection(run), reason);
      await flush();
      assert.ok(seen.includes(3));
      assert.equal(statsOf(Shop, 'buy').running, 0);
    }));
});

describe('the built-in policies use nothing that this does not rest on', () => {
  /** `retry` without waits, as anybody may write it. */
  const again = definePolicy({
    kind: 'again',
    stage: 'call',
    options: { maxAttempts: positiveInteger },
    defaults: { maxAttempts: 3 },
    async around(next, { options }) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await next();
        } catch (error) {
          if (attempt === options.maxAttempts) throw error;
        }
      }
    },
  });

  /** `concurrency(1)`, as anybody may write it. */
  const mutex = definePolicy({
    kind: 'mutex',
    stage: 'attempt',
    state: () => ({ last: Promise.resolve() as Promise<unknown> }),
    async around(next, { state, signal }) {
      const before = state.last;
      const turn = deferred();
      state.last = before.then(() => turn.promise);
      try {
        await before;
        if (signal?.aborted) return undefined;
        return await next();
      } finally {
        turn.resolve();
      }
    },
  });

  for (const [name, patiently] of [
    ['retry', () => retry({ maxAttempts: 3, waitMin: 0 })],
    ['a policy that does the same', () => again({ maxAttempts: 3 })],
  ] as const) {
    test(`${name}: attempts until one works, at most so many, then the last error; one slot each`, async () => {
      const errors: Error[] = [];
      class Shop {
        @patiently()
        @concurrency({ limit: 1, maxQueue: 0 })
        @fallback({ value: 'nothing', on: RangeError })
        async buy(works: number): Promise<unknown> {
          if (errors.length + 1 === works) return 'bought';
          const error = new (works === 0 ? RangeError : TypeError)(`no ${errors.length + 1}`);
          errors.push(error);
          throw error;
        }
      }
      const shop = new Shop();
      assert.equal(await shop.buy(3), 'bought');
      assert.equal(errors.splice(0).length, 2);
      assert.equal(await rejection(shop.buy(9)), errors[2]);
      assert.equal(errors.splice(0).length, 3);
      assert.equal(await shop.buy(0), 'nothing');
      const { calls, attempts, failures, fallbacks, running } = statsOf(Shop, 'buy');
      assert.deepEqual([calls, attempts, failures, fallbacks, running], [3, 9, 1, 1, 0]);
    });
  }

  for (const [name, alone] of [
    ['concurrency(1)', () => concurrency(1)],
    ['a policy that does the same', () => mutex()],
    ['the same for each key', () => mutex({ key: () => 'a' })],
  ] as const) {
    test(`${name}: one at a time, in order of arrival; an abort leaves the line`, () =>
      handled(async () => {
        const gates = [deferred(), deferred(), deferred()];
        const entered: number[] = [];
        class Shop {
          @alone()
          async buy(id: number, _signal?: AbortSignal): Promise<void> {
            entered.push(id);
            await gates[id]?.promise;
            if (id === 0) throw new Error('no');
          }
        }
        const shop = new Shop();
        const controller = new AbortController();
        const failing = rejection(shop.buy(0));
        const leaving = shop.buy(1, controller.signal);
        const last = shop.buy(2);
        await flush();
        assert.deepEqual(entered, [0]);
        controller.abort('left');
        assert.equal(await rejection(leaving), 'left');
        gates[0].resolve();
        await failing;
        await flush();
        assert.deepEqual(entered, [0, 2]);
        gates[2].resolve();
        await last;
      }));
  }
});

describe('with cpuBound', () => {
  const passing = (stage: Stage, around: Around) => definePolicy({ kind: 'passing', stage, around });

  for (const stage of stages) {
    test(`at '${stage}': the worker gets the arguments that next() gets, and policies are not applied there`, async () => {
      passing(stage, async (next, { args: [n] }) => [await next(), await next([Number(n) * 10])]);
      const { href } = new URL('../fixtures/workers/functions.js', import.meta.url);
      const { double } = (await import(href)) as typeof import('../fixtures/workers/functions.js');
      const orchestrator = new Orchestrator({ passing: {}, cpuBound: href } as object);
      assert.deepEqual(await orchestrator.execute(double, 1), [
        { doubled: 2, isMainThread: false },
        { doubled: 20, isMainThread: false },
      ]);
      const both = await orchestrator.process(double, [1, 2]);
      assert.deepEqual(
        (both as unknown as { doubled: number }[][]).flat().map(({ doubled }) => doubled),
        [2, 20, 4, 40],
      );
      assert.deepEqual([orchestrator.stats.calls, orchestrator.stats.attempts], [3, 6]);
    });

    test(`at '${stage}': an abort stops the worker, and the next call gets another`, () =>
      handled(async () => {
        const through = passing(stage, (next) => next());
        @through()
        class Pliant extends Endless {}
        const entered = new Int32Array(new SharedArrayBuffer(4));
        const controller = new AbortController();
        const pliant = new Pliant() as Pliant & { retried(entered: Int32Array, signal?: AbortSignal): Promise<string> };
        assert.ok(kindsOf(Pliant, 'retried').includes('passing'));
        const call = rejection(pliant.retried(entered, controller.signal));
        while (Atomics.load(entered, 0) === 0) await flush();
        controller.abort('left');
        assert.equal(await call, 'left');
        assert.equal(await pliant.retried(entered), 'ended');
        assert.equal(statsOf(Pliant, 'retried').running, 0);
      }));
  }
});

describe('with timeout', () => {
  test("stands outside the total at 'call', outside that of each attempt at 'attempt', within it at 'method'", async () => {
    const [outer, between, inner] = stages.map((stage) =>
      definePolicy({ kind: `timed${stage}`, stage, around: (next) => next() }),
    );
    class Shop {
      @outer()
      @between()
      @inner()
      @timeout({ attempt: 1000, total: 5000 })
      @retry()
      @concurrency(1)
      async buy(): Promise<void> {}
    }
    await new Shop().buy();
    const kinds = ['timedcall', 'timeout', 'retry', 'timedattempt', 'concurrency', 'timedmethod'];
    assert.deepEqual(kindsOf(Shop, 'buy'), kinds);
  });

  for (const [stage, limit] of [
    ['call', { total: 50 }],
    ['attempt', { total: 50 }],
    ['attempt', { attempt: 50 }],
    ['method', { attempt: 50 }],
    ['method', { total: 50 }],
  ] as const) {
    test(`at '${stage}' with ${JSON.stringify(limit)}: the run ends with its deadline, and keeps its slot until it has ended`, () =>
      handled(() =>
        underFakeClock(async (clock) => {
          const gate = deferred();
          const seen: unknown[] = [];
          const signals: (AbortSignal | undefined)[] = [];
          class Shop {
            @doing(async (next) => {
              try {
                return await next();
              } catch (error) {
                seen.push(error);
                throw error;
              }
            }, stage)
            @timeout(limit)
            @concurrency({ limit: 1, maxQueue: 0 })
            async buy(): Promise<string> {
              signals.push(currentCall().signal);
              if (signals.length === 1) await gate.promise;
              return 'bought';
            }
          }
          const late = rejection(new Shop().buy());
          await advance(clock, 50);
          const error = await late;
          assert.ok(error instanceof TimeoutError);
          await flush();
          assert.deepEqual(seen, [error]);
          assert.equal(signals[0]?.reason, error);
          await assert.rejects(new Shop().buy(), { name: 'RejectedError' });
          gate.resolve();
          await flush();
          assert.equal(await new Shop().buy(), 'bought');
          const { running, abandoned } = statsOf(Shop, 'buy');
          assert.deepEqual([running, abandoned], [0, 0]);
        }),
      ));
  }
});
