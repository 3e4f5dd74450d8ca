import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { definePolicy, rateLimit, retry, statsOf, timeout } from 'opero';
import { failTimes, withoutWaits } from 'opero/testing';
import { underFakeClock } from '../support/clock.js';

const hour = 3_600_000;
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

/** Settles its policy a while after the code. */
const slowEnd = definePolicy({
  kind: 'slowEnd',
  stage: 'method',
  async around(next) {
    const value = await next();
    await turns(30);
    return value;
  },
});

class Waiter {
  @retry({ maxAttempts: 20, waitMin: hour, waitMax: hour, waitMultiplier: 1, jitter: 'none' })
  async wait(): Promise<void> {}
}

describe('11 withoutWaits: timeouts', () => {
  test('work that is under way is not late because the waits of others are skipped', async () => {
    class Shop {
      @timeout({ attempt: hour, total: 2 * hour })
      async work(): Promise<string> {
        await turns(30);
        return 'done';
      }

      @retry({ maxAttempts: 20, waitMin: hour, waitMax: hour, waitMultiplier: 1, jitter: 'none' })
      async wait(): Promise<void> {}
    }
    using _ = withoutWaits();
    failTimes(Shop, 'wait', 19, new Error());
    const shop = new Shop();
    const wait = shop.wait();
    assert.equal(await shop.work(), 'done');
    await wait;
    assert.equal(statsOf(Shop, 'work').timeouts, 0);
  });

  test('nor is it late by total, in which there is no bound on an attempt', async () => {
    class Shop {
      @timeout({ total: 2 * hour })
      async work(): Promise<string> {
        await turns(30);
        return 'done';
      }
    }
    using _ = withoutWaits();
    using _failures = failTimes(Waiter, 'wait', 19, new Error());
    const wait = new Waiter().wait();
    assert.equal(await new Shop().work(), 'done');
    await wait;
  });

  test('nor is an attempt whose code has ended, while a policy within works on', async () => {
    class Shop {
      @timeout({ attempt: hour })
      @slowEnd()
      async work(): Promise<string> {
        return 'done';
      }
    }
    using _ = withoutWaits();
    using _failures = failTimes(Waiter, 'wait', 19, new Error());
    const wait = new Waiter().wait();
    assert.equal(await new Shop().work(), 'done');
    await wait;
  });

  test('a wait that would end after total is not begun', async () => {
    class Shop {
      @timeout({ total: 2.5 * hour })
      @retry({ maxAttempts: 20, waitMin: hour, waitMax: hour, waitMultiplier: 1, jitter: 'none' })
      async buy(): Promise<void> {}
    }
    using _ = withoutWaits();
    failTimes(Shop, 'buy', 19, new Error('sold out'));
    await assert.rejects(new Shop().buy(), { message: 'sold out' });
    assert.equal(statsOf(Shop, 'buy').attempts, 3);
  });

  test('a permit that comes after total comes too late, at once', async () => {
    class Shop {
      @timeout({ total: 1.5 * hour })
      @rateLimit({ rate: 1, per: hour })
      async buy(): Promise<void> {}
    }
    using _ = withoutWaits();
    const shop = new Shop();
    const ends = await Promise.allSettled([shop.buy(), shop.buy(), shop.buy()]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
    assert.equal(statsOf(shop, 'buy').timeouts, 1);
  });

  test('a permit that comes after total comes too late, at once, where no clock moves either', () =>
    underFakeClock(async () => {
      class Shop {
        @timeout({ total: 1.5 * hour })
        @rateLimit({ rate: 1, per: hour })
        async buy(): Promise<void> {}
      }
      using _ = withoutWaits();
      const shop = new Shop();
      const ends = await Promise.allSettled([shop.buy(), shop.buy(), shop.buy()]);
      assert.deepEqual(
        ends.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'rejected'],
      );
    }));

  test('calls one after the other each have their own total', async () => {
    class Shop {
      @timeout({ total: 2.5 * hour, attempt: hour })
      @retry({ maxAttempts: 3, waitMin: hour, waitMax: hour, waitMultiplier: 1, jitter: 'none' })
      async buy(): Promise<void> {}
    }
    using _ = withoutWaits();
    const shop = new Shop();
    for (let call = 0; call < 10; call++) {
      failTimes(shop, 'buy', 2, new Error('sold out'));
      await shop.buy();
    }
    assert.equal(statsOf(shop, 'buy').timeouts, 0);
  });
});
