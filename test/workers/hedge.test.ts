import { strict as assert } from 'node:assert';
import { after, test } from 'node:test';
import { processAll, shutdown, statsOf } from 'opero';
import { Hedged } from '../fixtures/workers/hedged.js';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { counters, until } from '../support/counters.js';
import { liveWorkers } from '../support/live-workers.js';
import { watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

after(() => shutdown());

const hedged = new Hedged();

test('4.4 a hedge runs on another worker, and the worker of the loser stops', () =>
  handled(() =>
    underFakeClock(async (clock) => {
      const seen = watched(hedged.loop(counters()));
      await until(() => statsOf(hedged, 'loop').running === 1);
      const [loser] = liveWorkers;
      await advance(clock, 20);
      await until(() => seen.at !== undefined);
      assert.equal(seen.value, 'by 1');
      await until(() => !liveWorkers.has(loser as number));
      await until(() => statsOf(hedged, 'loop').running === 0);
      const { attempts, hedges, hedgeWins, abandoned } = statsOf(hedged, 'loop');
      assert.deepEqual(
        { attempts, hedges, hedgeWins, abandoned },
        { attempts: 2, hedges: 1, hedgeWins: 1, abandoned: 0 },
      );
    }),
  ));

test('4.5 where no worker is free a hedge is skipped, and waits for none', () =>
  handled(() =>
    underFakeClock(async (clock) => {
      const hold = counters();
      const held = hedged.hold(hold);
      const gates = [counters(), counters(), counters()] as const;
      const seen = watched(hedged.gated(gates));
      await until(() => statsOf(hedged, 'gated').running === 1 && statsOf(hedged, 'hold').running === 1);
      await advance(clock, 20);
      const skipped = statsOf(hedged, 'gated');
      assert.deepEqual([skipped.queued, skipped.rejected, skipped.hedges], [0, 0, 0]);
      Atomics.store(hold, 0, 1);
      await held;
      await flush();
      assert.equal(statsOf(hedged, 'gated').running, 1);
      // The second is due, and has the worker that is free by now.
      await advance(clock, 20);
      await until(() => statsOf(hedged, 'gated').running === 2);
      Atomics.store(gates[2], 0, 1);
      await until(() => seen.at !== undefined);
      assert.equal(seen.value, 'by 2');
      await until(() => statsOf(hedged, 'gated').running === 0);
    }),
  ));

test('4.2 a failure starts a hedge at once, which is told of it', () =>
  underFakeClock(async () => {
    assert.equal(await hedged.failing(), 'by 2, 1, after 2, 0');
    const { hedges, hedgeWins, retries } = statsOf(hedged, 'failing');
    assert.deepEqual({ hedges, hedgeWins, retries }, { hedges: 2, hedgeWins: 1, retries: 1 });
  }));

test('4.2 a worker that dies is a failure like any: the hedge runs on another', () =>
  handled(async () => {
    assert.equal(await hedged.mortal(), 'by 1, after a WorkerError');
    const { hedges, hedgeWins, failures, running } = statsOf(hedged, 'mortal');
    assert.deepEqual({ hedges, hedgeWins, failures, running }, { hedges: 1, hedgeWins: 1, failures: 0, running: 0 });
  }));

test('4 items of such a method travel one by one, and hedges beside them', () =>
  handled(async () => {
    const items = Array.from({ length: 20 }, (_, i) => i);
    const results = await processAll(hedged, 'each', items);
    assert.deepEqual(
      results,
      items.map((item) => item * 2),
    );
    assert.ok(statsOf(hedged, 'each').hedgeWins >= 1);
    await until(() => statsOf(hedged, 'each').running === 0);
  }));
