import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { type CurrentCall, concurrency, currentCall, fallback, Orchestrator, rateLimit, retry } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';

const why = (error: unknown): boolean => {
  assert.ok(error instanceof Error);
  assert.match(error.message, /currentCall\(\)/);
  assert.match(error.message, /before the first `await`/);
  return true;
};
const assertNone = () => assert.throws(() => currentCall(), why);

describe('currentCall()', () => {
  test('tells a first attempt: 1, no error, and no signal when nobody can cancel', async () => {
    let seen: CurrentCall | undefined;
    class Shop {
      @retry()
      async buy(): Promise<void> {
        seen = currentCall();
      }
    }
    await new Shop().buy();
    assert.deepEqual(seen, { attempt: 1, hedge: 0, signal: undefined, error: undefined });
  });

  test('tells the signal that governs the call', async () => {
    const seen: unknown[] = [];
    class Shop {
      @retry()
      async buy(..._args: unknown[]): Promise<void> {
        seen.push(currentCall().signal);
      }
    }
    const { signal } = new AbortController();
    const shop = new Shop();
    await shop.buy(signal);
    await shop.buy('a', { signal });
    await shop.buy(signal, 'a');
    assert.deepEqual(
      seen.map((each) => each === signal),
      [true, true, false],
    );
    assert.equal(seen[2], undefined);
  });

  test('tells each attempt and the error of the one before, whatever was thrown', async () => {
    const errors = [new Error('first'), 'text', null, new TypeError('last')];
    const seen: CurrentCall[] = [];
    class Shop {
      @retry({ maxAttempts: 5, waitMin: 0 })
      async buy(_signal: AbortSignal): Promise<void> {
        seen.push(currentCall());
        if (seen.length < 5) throw errors[seen.length - 1];
      }
    }
    const { signal } = new AbortController();
    await new Shop().buy(signal);
    for (const [i, each] of seen.entries()) {
      assert.equal(each.attempt, i + 1);
      assert.equal(each.signal, signal);
      assert.equal(each.error, i === 0 ? undefined : errors[i - 1]);
    }
  });

  test('tells no error in an attempt after a refused value', async () => {
    const seen: unknown[] = [];
    class Job {
      @retry({ maxAttempts: 3, waitMin: 0, retryResult: () => true })
      async poll(): Promise<void> {
        const { attempt, error } = currentCall();
        seen.push(attempt, error);
        if (attempt === 1) throw new Error('first');
      }
    }
    await new Job().poll();
    assert.equal(seen[2], 2);
    assert.equal((seen[3] as Error).message, 'first');
    assert.deepEqual(seen.slice(4), [3, undefined]);
  });

  test('keeps what it told, and each caller has an object of its own', async () => {
    const seen: CurrentCall[] = [];
    class Shop {
      @retry({ maxAttempts: 3, waitMin: 0 })
      async buy(): Promise<void> {
        seen.push(currentCall(), currentCall());
        await flush();
        throw new Error('no');
      }
    }
    await rejection(new Shop().buy());
    assert.deepEqual(
      seen.map(({ attempt }) => attempt),
      [1, 1, 2, 2, 3, 3],
    );
  });

  test('tells a fallback how many attempts led to it, the signal, and the error of the one tried before it', async () => {
    const [own, first] = [new Error('own'), new Error('first')];
    const seen: CurrentCall[] = [];
    class Shop {
      @fallback('first', () => {
        seen.push(currentCall());
        return 'second';
      })
      @retry({ maxAttempts: 3, waitMin: 0 })
      async buy(_signal: AbortSignal): Promise<string> {
        throw own;
      }
      async first(_signal: AbortSignal): Promise<string> {
        seen.push(currentCall());
        throw first;
      }
    }
    const { signal } = new AbortController();
    assert.equal(await new Shop().buy(signal), 'second');
    assert.equal(seen.length, 2);
    assert.deepEqual(
      seen.map(({ attempt }) => attempt),
      [3, 3],
    );
    assert.equal(seen[0].error, own);
    assert.equal(seen[1].error, first);
    for (const each of seen) assert.equal(each.signal, signal);
  });

  test('tells a fallback that is decorated its own attempts, and first the error that led to it', async () => {
    const own = new Error('own');
    const mine = new Error('mine');
    const seen: CurrentCall[] = [];
    class Shop {
      @fallback('other')
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(_signal?: AbortSignal): Promise<string> {
        throw own;
      }
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      async other(_signal?: AbortSignal): Promise<string> {
        seen.push(currentCall());
        throw mine;
      }
    }
    const { signal } = new AbortController();
    await rejection(new Shop().buy(signal));
    assert.deepEqual(
      seen.map(({ attempt }) => attempt),
      [1, 2],
    );
    assert.equal(seen[0].error, own);
    assert.equal(seen[1].error, mine);
    assert.equal(seen[0].signal, signal);
    // Called by itself, no error led to it.
    await rejection(new Shop().other());
    assert.deepEqual(seen[2], { attempt: 1, hedge: 0, signal: undefined, error: undefined });
  });

  test('tells a fallback function that is a decorated method, too', async () => {
    const own = new Error('own');
    const seen: CurrentCall[] = [];
    class Spare {
      readonly size = 1;
      @retry()
      static async get(_signal: AbortSignal): Promise<string> {
        seen.push(currentCall());
        return 'spare';
      }
    }
    class Shop {
      @fallback(Spare.get)
      async buy(_signal: AbortSignal): Promise<string> {
        throw own;
      }
    }
    const { signal } = new AbortController();
    assert.equal(await new Shop().buy(signal), 'spare');
    assert.deepEqual(seen, [{ attempt: 1, hedge: 0, signal, error: own }]);
  });

  test('tells it after waiting in a queue too, each waiter its own', () =>
    underFakeClock(async (clock) => {
      const seen: [number, CurrentCall][] = [];
      class Shop {
        @retry({ maxAttempts: 2, waitMin: 0 })
        @rateLimit({ rate: 1, per: 100 })
        @concurrency(1)
        async buy(id: number, _signal: AbortSignal): Promise<void> {
          const call = currentCall();
          seen.push([id, call]);
          await flush();
          if (call.attempt === 1) throw id;
        }
      }
      const shop = new Shop();
      const signals = [0, 1, 2].map(() => new AbortController().signal);
      const calls = signals.map((signal, id) => shop.buy(id, signal));
      await clock.tickAsync(100);
      for (let i = 0; i < 6; i++) {
        await flush();
        await clock.tickAsync(100);
      }
      await Promise.all(calls);
      assert.equal(seen.length, 6);
      for (const [i, [id, { attempt, signal, error }]] of seen.entries()) {
        assert.equal(attempt, i < 3 ? 1 : 2);
        assert.equal(signal, signals[id]);
        assert.equal(error, i < 3 ? undefined : id);
      }
    }));

  test('tells of the innermost call, and of the outer one again when that has been entered', async () => {
    const seen: string[] = [];
    const note = (where: string) => {
      const { attempt, signal } = currentCall();
      seen.push(`${where} ${attempt} ${signal !== undefined}`);
    };
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(_signal: AbortSignal): Promise<string> {
        note('buy before');
        const paid = this.pay();
        note('buy after');
        const failed = this.breaks();
        note('buy after a throw');
        await rejection(failed);
        if (seen.length < 10) throw new Error('again');
        return paid;
      }
      @concurrency(9)
      async pay(): Promise<string> {
        note('pay');
        return 'paid';
      }
      @retry(1)
      breaks(): Promise<string> {
        note('breaks');
        throw new Error('no');
      }
    }
    assert.equal(await new Shop().buy(new AbortController().signal), 'paid');
    const attempt = (n: number) => [
      `buy before ${n} true`,
      'pay 1 false',
      `buy after ${n} true`,
      'breaks 1 false',
      `buy after a throw ${n} true`,
    ];
    assert.deepEqual(seen, [...attempt(1), ...attempt(2)]);
  });

  test('tells a plain function, called before the first await, of the call around it', async () => {
    const helper = () => currentCall().attempt;
    class Shop {
      @retry()
      async buy(): Promise<number> {
        return helper();
      }
    }
    assert.equal(await new Shop().buy(), 1);
  });

  test('tells the code of super the same as the override', async () => {
    const seen: CurrentCall[] = [];
    class Shop {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async buy(_signal: AbortSignal): Promise<void> {
        seen.push(currentCall());
        throw new Error('no');
      }
    }
    class Corner extends Shop {
      override async buy(signal: AbortSignal): Promise<void> {
        seen.push(currentCall());
        await super.buy(signal);
      }
    }
    await rejection(new Corner().buy(new AbortController().signal));
    assert.equal(seen.length, 4);
    assert.deepEqual(seen[0], seen[1]);
    assert.deepEqual(seen[2], seen[3]);
    assert.deepEqual(
      seen.map(({ attempt }) => attempt),
      [1, 1, 2, 2],
    );
  });

  test('works in static, #private and class-level methods, and in functions of an Orchestrator', async () => {
    const seen: unknown[] = [];
    const note = async () => {
      seen.push(currentCall().attempt);
    };
    @retry(2)
    class Shop {
      @retry(2)
      static async open(): Promise<void> {
        await note();
      }
      @retry(2)
      async #pay(): Promise<void> {
        await note();
      }
      async buy(): Promise<void> {
        await note();
        await this.#pay();
      }
    }
    await Shop.open();
    await new Shop().buy();
    await new Orchestrator({ retry: 2 }).execute(note);
    assert.deepEqual(seen, [1, 1, 1, 1]);
  });
});

describe('currentCall() throws, and says why,', () => {
  test('outside any call', () => assertNone());

  test('after an await, also when that did not really wait', async () => {
    class Shop {
      @retry(1)
      async buy(): Promise<void> {
        currentCall();
        await undefined;
        assertNone();
      }
    }
    await new Shop().buy();
  });

  test('after the await of one call while another is being entered or runs', async () => {
    const gate = deferred();
    class Shop {
      @retry(1)
      async buy(waits: boolean): Promise<void> {
        currentCall();
        if (!waits) return;
        await gate.promise;
        assertNone();
      }
    }
    const shop = new Shop();
    const first = shop.buy(true);
    gate.resolve();
    const second = shop.buy(false);
    await Promise.all([first, second]);
  });

  test('in callbacks that the method left behind', async () => {
    const later: Promise<void>[] = [];
    class Shop {
      @retry(1)
      async buy(): Promise<void> {
        later.push(Promise.resolve().then(assertNone));
        later.push(new Promise<void>((resolve) => setImmediate(resolve)).then(assertNone));
        later.push(
          new Promise<void>((resolve, reject) => {
            queueMicrotask(() => {
              try {
                assertNone();
                resolve();
              } catch (error) {
                reject(error);
              }
            });
          }),
        );
      }
    }
    await new Shop().buy();
    await Promise.all(later);
  });

  test('once the call has been made, has thrown or has ended', async () => {
    class Shop {
      @retry(1)
      async works(): Promise<void> {}
      @retry(1)
      throws(): Promise<void> {
        throw new Error('no');
      }
      @fallback(() => {
        throw new Error('no');
      })
      rescued(): Promise<void> {
        throw new Error('no');
      }
    }
    const shop = new Shop();
    for (const make of [() => shop.works(), () => shop.throws(), () => shop.rescued()]) {
      const call = make();
      assertNone();
      await call.catch(() => {});
      assertNone();
    }
  });

  test('in the matchers and hooks of a policy', async () => {
    let asked = 0;
    const ask = () => {
      assertNone();
      asked++;
      return true;
    };
    class Shop {
      @fallback({ alternatives: [() => 'other'], on: ask })
      @retry({ maxAttempts: 2, waitMin: 0, retryOn: ask, onRetry: () => void ask() })
      async buy(): Promise<string> {
        throw new Error('no');
      }
    }
    assert.equal(await new Shop().buy(), 'other');
    // Two failed attempts may ask retryOn once or twice; the hook is told once, `on` is asked once.
    assert.ok(asked >= 3);
  });

  test('in a method without policies that is called by itself', async () => {
    class Shop {
      async buy(): Promise<void> {
        currentCall();
      }
    }
    assert.ok(why(await rejection(new Shop().buy())));
  });
});
