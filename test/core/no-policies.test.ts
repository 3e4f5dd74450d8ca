import { strict as assert } from 'node:assert';
import { before, describe, test } from 'node:test';
import { applyNoPolicies } from '../../src/core/decoration/site.js';
import { fallback, Orchestrator, retry } from '../../src/index.js';

/** What calls are refused with, while they are. */
let refused: Error | undefined;

const toLength = async (text: string): Promise<number> => text.length;

describe('a thread that applies no policies, as a worker does, for the caller has', () => {
  before(() => applyNoPolicies(() => refused && Promise.reject(refused)));

  test('calls methods and functions as they are', async () => {
    let runs = 0;
    const fail = async (): Promise<never> => {
      runs++;
      throw new Error('down');
    };
    class Shop {
      @retry({ maxAttempts: 3, waitMin: 0 })
      async load(): Promise<void> {
        await fail();
      }
    }
    await assert.rejects(new Shop().load(), { message: 'down' });
    assert.equal(runs, 1);
    await assert.rejects(new Orchestrator({ retry: { maxAttempts: 3, waitMin: 0 } }).execute(fail), {
      message: 'down',
    });
    assert.equal(runs, 2);
    assert.deepEqual(await new Orchestrator().process(toLength, ['a', 'bc']), [1, 2]);
  });

  test('does not look for alternatives: an object may come here without them', async () => {
    class Shop {
      @fallback('cached' as never)
      async load(): Promise<string> {
        return 'fresh';
      }
    }
    assert.equal(await new Shop().load(), 'fresh');
    assert.equal(await (Object.create(Shop.prototype) as Shop).load(), 'fresh');
  });

  test('refuses calls, and work on items, where they must not be made in it', async () => {
    let runs = 0;
    let taken = 0;
    const work = async (): Promise<number> => ++runs;
    const source = function* (): Generator<number> {
      yield ++taken;
    };
    class Shop {
      @retry(3)
      async load(): Promise<number> {
        return work();
      }
    }
    const shop = new Shop();
    refused = new Error('not here');
    try {
      await assert.rejects(shop.load(), refused);
      await assert.rejects(new Orchestrator({ retry: 3 }).execute(work), refused);
      await assert.rejects(new Orchestrator().process(work, source()), refused);
      assert.deepEqual([runs, taken], [0, 0]);
    } finally {
      refused = undefined;
    }
    assert.equal(await shop.load(), 1);
  });
});
