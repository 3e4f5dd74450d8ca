import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { concurrency, on, retry } from 'opero';
import { underFakeClock } from '../support/clock.js';
import { runProgram } from '../support/run-program.js';

describe('where nobody listens', () => {
  test('nothing is allocated, and after a million calls nothing is left', async (t) => {
    const { code, stdout, stderr } = await runProgram('unheard', { flags: ['--expose-gc'] });
    assert.deepEqual([code, stderr], [0, '']);
    const { grown, unheard, heard } = JSON.parse(stdout) as { grown: number; unheard: number; heard: number };
    t.diagnostic(`a million calls: the heap grew by ${grown} bytes`);
    assert.equal(unheard, 0);
    assert.ok(heard > 5_000 * 100, `${heard} bytes where somebody listens`);
    assert.ok(grown < 200_000, `the heap grew by ${grown} bytes`);
  });

  test('nobody looks at the clock', async () => {
    class Weather {
      @retry(3)
      @concurrency(2)
      async forecast(): Promise<void> {}
    }
    const weather = new Weather();
    await underFakeClock(async () => {
      const { now } = performance;
      let looks = 0;
      performance.now = () => {
        looks++;
        return now.call(performance);
      };
      try {
        await weather.forecast();
        assert.equal(looks, 0);
        using _ = on('call', () => {});
        await weather.forecast();
        assert.ok(looks > 0);
      } finally {
        performance.now = now;
      }
    });
  });
});
