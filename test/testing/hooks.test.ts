import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Policy } from '../../src/core/call/policy.js';
import { admitted } from '../../src/core/call/step.js';
import { policyDecorator } from '../../src/core/decoration/decorate.js';
import type { PolicyDecorator } from '../../src/core/decoration/decorator-types.js';
import type {} from '../../src/index.js';
import { resetState } from '../../src/testing/index.js';

describe('11 resetState: a policy of any kind', () => {
  /** Keeps a count of the calls of a method, and one that all methods share. */
  function counting() {
    const shared = { calls: 0 };
    const counts: number[] = [];
    const policy: Policy = {
      kind: 'concurrency',
      options: {},
      steps: [
        {
          rank: 0,
          wrap(_around, site) {
            const own = site.stateOf(policy, () => ({ calls: 0 }));
            return {
              admit() {
                shared.calls++;
                counts.push(++own.calls);
                return admitted;
              },
            };
          },
        },
      ],
      reset() {
        shared.calls = 0;
      },
    };
    const decorator = policyDecorator<PolicyDecorator>('counting', [], 0, () => policy);
    return { shared, counts, decorator };
  }

  test('finds what it keeps of a method as new, and has what it shares reset', async () => {
    const { shared, counts, decorator } = counting();
    class Shop {
      @decorator
      async buy(): Promise<void> {}

      @decorator
      async sell(): Promise<void> {}
    }
    const shop = new Shop();
    await shop.buy();
    await shop.buy();
    await shop.sell();
    assert.deepEqual([counts, shared.calls], [[1, 2, 1], 3]);
    resetState(Shop);
    await shop.buy();
    await shop.sell();
    assert.deepEqual([counts, shared.calls], [[1, 2, 1, 1, 1], 2]);
  });
});
