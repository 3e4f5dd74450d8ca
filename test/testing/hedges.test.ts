import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { currentCall, hedge, RetryBudget, retry, statsOf } from 'opero';
import { failTimes, resetState, withoutPolicies, withoutWaits } from 'opero/testing';
import { advance, underFakeClock } from '../support/clock.js';
import { watched } from '../support/timed.js';

const hour = 3_600_000;
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

describe('11 hedges', () => {
  test('withoutWaits: they start on failure only, and hold up no wait', async () => {
    class Shop {
      @retry({ maxAttempts: 3, waitMin: hour, waitMax: hour, jitter: 'none' })
      @hedge({ delay: hour, maxHedges: 2 })
      async buy(): Promise<string> {
        const { attempt, hedge: nth } = currentCall();
        await turns(5);
        return `${attempt}, ${nth}`;
      }

      @hedge(() => 0)
      async slow(): Promise<string> {
        const { hedge: nth } = currentCall();
        await turns(20);
        return `by ${nth}`;
      }
    }
    using _ = withoutWaits();
    const shop = new Shop();
    assert.equal(await shop.slow(), 'by 0');
    failTimes(Shop, 'buy', 4, new Error('sold out'));
    assert.equal(await shop.buy(), '2, 1');
    const { hedges, retries, hedgeWins } = statsOf(Shop, 'buy');
    assert.deepEqual({ hedges, retries, hedgeWins }, { hedges: 3, retries: 1, hedgeWins: 1 });
    assert.equal(statsOf(Shop, 'slow').hedges, 0);
  });

  test('withoutWaits: a delay that has begun goes on, and calls after the end wait as ever', () =>
    underFakeClock(async (clock) => {
      class Shop {
        @hedge(50)
        async buy(): Promise<string> {
          const { hedge: nth } = currentCall();
          if (nth === 0) await new Promise(() => {});
          return `by ${nth}`;
        }
      }
      const shop = new Shop();
      const before = watched(shop.buy());
      const waits = withoutWaits();
      const during = watched(shop.buy());
      await advance(clock, 50);
      assert.deepEqual([before.value, during.value], ['by 1', undefined]);
      waits.restore();
      const after = watched(shop.buy());
      await advance(clock, 50);
      assert.deepEqual([during.value, after.value], [undefined, 'by 1']);
    }));

  test('withoutPolicies: the method alone, which is no hedge', () =>
    underFakeClock(async (clock) => {
      class Shop {
        @hedge(10)
        async buy(): Promise<number> {
          const { hedge: nth } = currentCall();
          await new Promise((resolve) => setTimeout(resolve, 50));
          return nth;
        }
      }
      using _ = withoutPolicies(Shop, 'buy');
      const seen = watched(new Shop().buy());
      await advance(clock, 50);
      assert.deepEqual(seen, { at: 50, value: 0 });
    }));

  test('resetState makes its budget as new', () => {
    const budget = new RetryBudget({ minPerSecond: 1, ttl: 1_000 });
    class Shop {
      @hedge({ delay: 10, budget })
      async buy(): Promise<void> {}
    }
    new Shop();
    assert.equal(statsOf(Shop, 'buy').calls, 0);
    budget.withdraw();
    assert.equal(budget.balance, 0);
    resetState(Shop);
    assert.equal(budget.balance, 1);
  });

  test('resetState of one without a budget', async () => {
    class Shop {
      @hedge(10)
      async buy(): Promise<void> {}
    }
    await new Shop().buy();
    resetState(Shop);
    assert.equal(statsOf(Shop, 'buy').calls, 0);
  });
});
