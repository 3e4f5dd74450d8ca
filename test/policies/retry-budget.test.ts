import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { type Clock, install } from '@sinonjs/fake-timers';
import fc from 'fast-check';
import { ConfigurationError, RetryBudget, type RetryBudgetConfig, retry, statsOf } from 'opero';
import { underFakeClock } from '../support/clock.js';

/** One that holds `calls` and nothing else. */
function budgetOf(calls: number, config: RetryBudgetConfig = {}): RetryBudget {
  const budget = new RetryBudget({ minPerSecond: 0, ...config });
  put(budget, calls);
  return budget;
}

function put(budget: RetryBudget, calls: number): void {
  for (let call = 0; call < calls; call++) budget.deposit();
}

/** How many retries it gives until it gives no more. */
function drain(budget: RetryBudget): number {
  for (let retries = 0; retries < 1_000; retries++) if (!budget.withdraw()) return retries;
  assert.fail('it has no end');
}

const installAt = (now: number): Clock =>
  install({ now, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });

const atFakeTime = (run: (clock: Clock) => void): Promise<void> => underFakeClock(async (clock) => run(clock));

describe('a RetryBudget', () => {
  test('6.2 five calls pay for one retry, unless another ratio is given', () => {
    const budget = budgetOf(4);
    assert.equal(budget.withdraw(), false);
    budget.deposit();
    assert.equal(budget.withdraw(), true);
    assert.equal(budget.withdraw(), false);
    assert.equal(drain(budgetOf(50, { ratio: 0.1 })), 5);
    assert.equal(drain(budgetOf(7, { ratio: 2 })), 14);
    assert.equal(drain(budgetOf(9, { ratio: 1 / 3 })), 3);
  });

  test('6.2 what calls put in lapses after ttl, and not before', () =>
    atFakeTime((clock) => {
      const budget = budgetOf(100);
      clock.tick(9_999);
      assert.equal(budget.balance, 20);
      clock.tick(1);
      assert.equal(budget.balance, 0);
      assert.equal(budget.withdraw(), false);
    }));

  test('6.2 lapses by the tenth of ttl in which it was put in, also when nobody looks meanwhile', () =>
    atFakeTime((clock) => {
      const budget = budgetOf(0, { ratio: 1, ttl: 1000 });
      for (let tenth = 0; tenth < 10; tenth++) {
        put(budget, 1);
        clock.tick(100);
      }
      for (let left = 9; left >= 0; left--) {
        assert.equal(budget.balance, left);
        clock.tick(100);
      }
    }));

  test('6.2 calls that keep coming lapse one after the other', () =>
    atFakeTime((clock) => {
      const budget = budgetOf(0, { ratio: 1 });
      for (let call = 0; call < 50; call++) {
        put(budget, 1);
        clock.tick(900);
      }
      assert.ok(budget.balance >= 10 && budget.balance <= 12, `${budget.balance} retries`);
    }));

  test('6.2 reset leaves nothing of what was put in, and fills the reserve', () =>
    atFakeTime(() => {
      const budget = budgetOf(50, { minPerSecond: 1 });
      assert.equal(drain(budget), 20);
      put(budget, 50);
      budget.reset();
      assert.equal(budget.balance, 10);
    }));

  test('6.2 a budget of another copy of opero is one, too', async () => {
    const other = { [Symbol.for('opero.RetryBudget')]: true, deposit() {}, withdraw: () => false };
    class Weather {
      @retry({ maxAttempts: 5, budget: other as never })
      async forecast(): Promise<void> {
        throw new Error('down');
      }
    }
    await assert.rejects(new Weather().forecast(), { message: 'down' });
    assert.equal(statsOf(Weather, 'forecast').budgetExceeded, 1);
  });

  test('6.2 counts ttl from the first call after an idle time, wherever that falls', () =>
    atFakeTime((clock) => {
      const budget = budgetOf(0, { ratio: 1 });
      clock.tick(12_345);
      put(budget, 3);
      clock.tick(9_999);
      assert.equal(budget.balance, 3);
      clock.tick(1);
      assert.equal(budget.balance, 0);
    }));

  test('6.2 spends what lapses first, and the reserve last', () =>
    atFakeTime((clock) => {
      const budget = budgetOf(10, { minPerSecond: 1 });
      clock.tick(2_000);
      put(budget, 10);
      clock.tick(3_000);
      put(budget, 10);
      assert.equal(budget.balance, 16);
      assert.ok(budget.withdraw() && budget.withdraw());
      clock.tick(5_000);
      assert.equal(budget.balance, 14);
      clock.tick(2_000);
      assert.equal(budget.balance, 12);
      assert.equal(drain(budget), 12);
    }));

  test('6.2 minPerSecond × ttl / 1000 retries stand in reserve', () => {
    assert.equal(new RetryBudget().balance, 100);
    assert.equal(drain(new RetryBudget({ minPerSecond: 3, ttl: 2000 })), 6);
    assert.equal(new RetryBudget({ minPerSecond: 0 }).balance, 0);
  });

  test('6.2 the reserve comes back by time alone, and never beyond its size', () =>
    atFakeTime((clock) => {
      const budget = new RetryBudget();
      assert.equal(drain(budget), 100);
      clock.tick(99);
      assert.equal(budget.balance, 0);
      clock.tick(1);
      assert.equal(budget.balance, 1);
      clock.tick(900);
      assert.equal(drain(budget), 10);
      clock.tick(1_000_000);
      assert.equal(budget.balance, 100);
    }));

  test('6.2 the reserve pays what calls do not pay in full', () =>
    atFakeTime((clock) => {
      const budget = budgetOf(4, { minPerSecond: 1 });
      assert.equal(drain(budget), 10);
      assert.equal(budget.balance, 0);
      clock.tick(200);
      assert.equal(drain(budget), 1);
    }));

  test('6.3 balance is the number of retries to be had now, whatever has been done before', () =>
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 20, noNaN: true }),
        fc.array(fc.oneof(fc.constant('call'), fc.constant('retry'), fc.integer({ min: -2000, max: 3000 })), {
          maxLength: 100,
        }),
        (ratio, minPerSecond, steps) => {
          let clock = installAt(10_000);
          try {
            const budget = new RetryBudget({ ratio, minPerSecond, ttl: 5000 });
            for (const step of steps) {
              const { balance } = budget;
              assert.ok(Number.isInteger(balance) && balance >= 0);
              if (step === 'call') budget.deposit();
              else if (step === 'retry') assert.equal(budget.withdraw(), balance > 0);
              else if (step >= 0) clock.tick(step);
              else {
                // Set back, as clocks are that are taken away.
                const { now } = clock;
                clock.uninstall();
                clock = installAt(now + step);
              }
            }
            const { balance } = budget;
            assert.equal(drain(budget), balance);
            assert.equal(budget.balance, 0);
          } finally {
            clock.uninstall();
          }
        },
      ),
      { numRuns: 200 },
    ));

  test('gives no more retries in any ttl than its calls, its reserve and the time pay for', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (gaps) => {
        const clock = installAt(0);
        try {
          const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 2, ttl: 1000 });
          const calls: number[] = [];
          let retries = 0;
          for (const gap of gaps) {
            clock.tick(gap);
            budget.deposit();
            calls.push(clock.now);
            if (budget.withdraw()) retries++;
            assert.ok(retries <= calls.length * 0.5 + 2 + (clock.now / 1000) * 2 + 1e-6);
          }
        } finally {
          clock.uninstall();
        }
      }),
      { numRuns: 100 },
    ));

  test('survives clocks that are set back: what was there stays, and lapses after another ttl', () => {
    const clock = installAt(0);
    let budget: RetryBudget;
    try {
      clock.tick(1_000_000);
      budget = budgetOf(50, { minPerSecond: 1 });
      assert.equal(drain(budget), 20);
      put(budget, 50);
    } finally {
      clock.uninstall();
    }
    const earlier = installAt(0);
    try {
      put(budget, 5);
      assert.equal(budget.balance, 11);
      earlier.tick(1000);
      assert.equal(budget.balance, 12);
      earlier.tick(9_000);
      assert.equal(budget.balance, 10);
    } finally {
      earlier.uninstall();
    }
  });

  test('counts every call by the real clock too, however quickly they come', () => {
    const budget = budgetOf(100_000, { ttl: 1e9 });
    assert.equal(budget.balance, 20_000);
    put(budget, 5);
    assert.equal(budget.balance, 20_001);
  });

  test('looks at no more than its buckets after an idle time, however short ttl is', () =>
    atFakeTime((clock) => {
      const budget = budgetOf(5, { ttl: 0.001 });
      clock.tick(1e12);
      assert.equal(budget.balance, 0);
    }));

  test('sets no timer', () =>
    atFakeTime((clock) => {
      drain(budgetOf(100, { minPerSecond: 10 }));
      assert.equal(clock.countTimers(), 0);
    }));

  for (const [config, message] of [
    [{ ratio: 0 }, 'RetryBudget: expected `ratio` to be a finite number above 0, got 0'],
    [{ ratio: Number.NaN }, 'RetryBudget: expected `ratio` to be a finite number above 0, got NaN'],
    [{ ratio: '1' }, "RetryBudget: expected `ratio` to be a finite number above 0, got '1'"],
    [{ minPerSecond: -1 }, 'RetryBudget: expected `minPerSecond` to be a finite number of at least 0, got -1'],
    [
      { minPerSecond: Number.POSITIVE_INFINITY },
      'RetryBudget: expected `minPerSecond` to be a finite number of at least 0, got Infinity',
    ],
    [{ ttl: 0 }, 'RetryBudget: expected `ttl` to be a finite number of milliseconds above 0, got 0'],
    [{ rate: 1 }, 'RetryBudget: unknown option `rate` (1); known options are ratio, minPerSecond, ttl'],
    [5, 'RetryBudget: expected the options to be an object, got 5'],
    [null, 'RetryBudget: expected the options to be an object, got null'],
  ] as const) {
    test(`refuses ${JSON.stringify(config)}`, () => {
      assert.throws(() => new RetryBudget(config as never), new ConfigurationError(message));
    });
  }
});
