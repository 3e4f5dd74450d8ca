import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { ItemError, processAll, shutdown, statsOf, WorkerError } from 'opero';
import { Endless } from '../fixtures/workers/endless.js';
import { flush, underFakeClock } from '../support/clock.js';
import { counters, until } from '../support/counters.js';
import { liveWorkers } from '../support/live-workers.js';
import { rejection } from '../support/rejection.js';
import { runProgram } from '../support/run-program.js';

after(() => shutdown({ timeout: 0 }));
const endless = new Endless();

async function fails(call: Promise<unknown>, message: string): Promise<void> {
  const error = await rejection(call);
  assert.ok(error instanceof WorkerError, String(error));
  assert.equal(error.message, message);
}

const runs = (name: string): Promise<void> => until(() => statsOf(Endless, name).running > 0);
const atOnce = 'the call had not ended when shutdown({ timeout: 0 }) was called';

for (const name of ['loop', 'loopInProcess'] as const) {
  describe(`shutdown with a timeout, of a worker that runs ${name},`, () => {
    test('ends a call that never ends, and those that wait behind it', async () => {
      const calls = [1, 2, 3].map(() => fails(endless[name](), `Endless.${name}: ${atOnce}`));
      await runs(name);
      await shutdown({ timeout: 0 });
      await Promise.all(calls);
      assert.equal(liveWorkers.size, 0);
      const { running, queued } = statsOf(Endless, name);
      assert.deepEqual([running, queued], [0, 0]);
    });

    test('ends one whose worker is still starting', async () => {
      const call = fails(endless[name](), `Endless.${name}: ${atOnce}`);
      await shutdown({ timeout: 0 });
      await call;
      assert.equal(liveWorkers.size, 0);
    });

    test('lets the program end', async () => {
      const { code, stdout } = await runProgram('forced-shutdown', { args: name === 'loop' ? [] : ['process'] });
      const message = `Endless.${name}: the call had not ended 20 ms after shutdown() was called`;
      assert.deepEqual([code, stdout], [0, `${message}\nended\n`]);
    });
  });
}

describe('shutdown with a timeout', () => {
  test('ends what is under way of many items', async () => {
    const results = processAll(endless, 'each', [1, 2, 3, 4], { onError: 'collect' });
    await runs('each');
    await shutdown({ timeout: 0 });
    for (const each of await results) {
      assert.ok(each instanceof ItemError);
      assert.ok(each.cause instanceof WorkerError);
      assert.equal(each.cause.message, `Endless.each: ${atOnce}`);
    }
    assert.deepEqual(await processAll(endless, 'each', [0, 0]), [0, 0]);
  });

  test('gives calls that long, by the timers in use, and no longer', () =>
    underFakeClock(async (clock) => {
      const gate = counters();
      const call = endless.loop(gate);
      await runs('loop');
      const ended = shutdown({ timeout: 5000 });
      clock.tick(4999);
      await flush();
      assert.equal(statsOf(Endless, 'loop').running, 1);
      Atomics.store(gate, 0, 1);
      assert.equal(await call, 'ended');
      await ended;
      const late = fails(endless.loop(), 'Endless.loop: the call had not ended 5000 ms after shutdown() was called');
      await runs('loop');
      const forced = shutdown({ timeout: 5000 });
      clock.tick(5000);
      await late;
      await forced;
      assert.equal(clock.countTimers(), 0);
    }));

  test('of Infinity, or none, waits for all calls', async () => {
    for (const options of [{ timeout: Number.POSITIVE_INFINITY }, { timeout: undefined }, {}]) {
      const gate = counters();
      const call = endless.loop(gate);
      await runs('loop');
      const ended = shutdown(options);
      await flush();
      Atomics.store(gate, 0, 1);
      assert.equal(await call, 'ended');
      await ended;
    }
  });

  test('ends what an earlier shutdown waits for, and leaves calls made later alone', () =>
    underFakeClock(async (clock) => {
      const gate = counters();
      const first = fails(endless.loop(), 'Endless.loop: the call had not ended 10 ms after shutdown() was called');
      await runs('loop');
      const patient = shutdown({ timeout: 1000 });
      const impatient = shutdown({ timeout: 10 });
      const later = endless.loop(gate);
      clock.tick(10);
      await first;
      await Promise.all([patient, impatient]);
      const last = shutdown();
      clock.tick(1000);
      await flush();
      Atomics.store(gate, 0, 1);
      assert.equal(await later, 'ended');
      await last;
    }));

  test('is followed by a new worker for a retry', async () => {
    const entered = counters();
    const call = endless.retried(entered);
    await until(() => Atomics.load(entered, 0) === 1);
    await shutdown({ timeout: 0 });
    assert.equal(await call, 'ended');
    assert.equal(Atomics.load(entered, 0), 2);
  });

  test('that is none is refused', async () => {
    const known = 'a number of milliseconds of at least 0 or Infinity';
    for (const [options, message] of [
      [{ timeout: -1 }, `shutdown(): expected \`timeout\` to be ${known}, got -1`],
      [{ timeout: Number.NaN }, `shutdown(): expected \`timeout\` to be ${known}, got NaN`],
      [{ timeout: '5s' }, `shutdown(): expected \`timeout\` to be ${known}, got '5s'`],
      [{ after: 5 }, 'shutdown(): unknown option `after` (5); known options are timeout'],
      [5, 'shutdown(): expected the options to be an object, got 5'],
    ] as [never, string][]) {
      const error = await rejection(shutdown(options));
      assert.deepEqual([(error as Error).name, (error as Error).message], ['ConfigurationError', message]);
    }
  });
});
