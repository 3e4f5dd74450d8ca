import { strict as assert } from 'node:assert';
import { after, test } from 'node:test';
import { ItemError, processAll, shutdown, statsOf, TimeoutError } from 'opero';
import { Timed } from '../fixtures/workers/timed.js';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { counters, until } from '../support/counters.js';
import { liveWorkers } from '../support/live-workers.js';
import { rejection } from '../support/rejection.js';
import { watchTasks } from '../support/tasks.js';
import { watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

after(() => shutdown());

const timed = new Timed();

test('9 counts from the job being posted to a worker that is up, and expiry stops that worker', () =>
  handled(() =>
    underFakeClock(async (clock) => {
      const seen = watched(timed.loop());
      // While no worker is up, time passes and does not count.
      clock.tick(1_000);
      await flush();
      assert.equal(seen.at, undefined);
      await until(() => statsOf(timed, 'loop').running === 1);
      const workers = new Set(liveWorkers);
      await advance(clock, 49);
      assert.equal(seen.at, undefined);
      await advance(clock, 1);
      assert.equal(seen.at, 1_050);
      assert.ok(seen.error instanceof TimeoutError);
      // Its worker is stopped, and until then it runs.
      await until(() => [...workers].every((id) => !liveWorkers.has(id)));
      await until(() => statsOf(timed, 'loop').running === 0);
      assert.equal(statsOf(timed, 'loop').timeouts, 1);
      assert.equal(clock.countTimers(), 0);
    }),
  ));

test('9 waiting for a worker does not count', () =>
  underFakeClock(async (clock) => {
    const gate = counters();
    const open = counters();
    open[0] = 1;
    const held = timed.hold(gate);
    await until(() => statsOf(timed, 'hold').running === 1);
    const seen = watched(timed.loop(open));
    clock.tick(1_000);
    await flush();
    assert.equal(seen.at, undefined);
    assert.equal(statsOf(timed, 'loop').queued, 1);
    Atomics.store(gate, 0, 1);
    await held;
    await until(() => seen.at !== undefined);
    assert.equal(seen.value, 'ended');
  }));

test('9 total stops the worker too, and takes a job that waits for a worker out of the line', () =>
  handled(() =>
    underFakeClock(async (clock) => {
      const gate = counters();
      const held = timed.hold(gate);
      await until(() => statsOf(timed, 'hold').running === 1);
      const waiting = watched(timed.loopInAll());
      await flush();
      await advance(clock, 50);
      assert.ok(waiting.error instanceof TimeoutError);
      const { attempts, running, queued } = statsOf(timed, 'loopInAll');
      assert.deepEqual({ attempts, running, queued }, { attempts: 0, running: 0, queued: 0 });
      Atomics.store(gate, 0, 1);
      await held;
      const seen = watched(timed.loopInAll());
      await until(() => statsOf(timed, 'loopInAll').running === 1);
      await advance(clock, 50);
      assert.ok(seen.error instanceof TimeoutError);
      await until(() => statsOf(timed, 'loopInAll').running === 0);
    }),
  ));

test('9 expiry stops a process', () =>
  underFakeClock(async (clock) => {
    const seen = watched(timed.loopInProcess());
    await until(() => statsOf(timed, 'loopInProcess').running === 1);
    await advance(clock, 50);
    assert.ok(seen.error instanceof TimeoutError);
    await until(() => statsOf(timed, 'loopInProcess').running === 0);
  }));

test('9 the next attempt waits for the slot until the worker of the first is gone', () =>
  underFakeClock(async (clock) => {
    const entered = counters();
    const seen = watched(timed.retried(entered));
    await until(() => Atomics.load(entered, 0) === 1);
    await advance(clock, 50);
    await until(() => seen.at !== undefined);
    assert.equal(seen.value, 'ended');
    const { attempts, running, timeouts } = statsOf(timed, 'retried');
    assert.deepEqual({ attempts, running, timeouts }, { attempts: 2, running: 0, timeouts: 1 });
  }));

test('9 items travel in batches of one, and only the one that never ends fails', () =>
  handled(async () => {
    const items = Array.from({ length: 40 }, (_, i) => i);
    const { result, tasks } = await watchTasks(() => processAll(timed, 'each', items, { onError: 'collect' }));
    assert.equal(tasks.length, 40);
    result.forEach((each, index) => {
      if (index !== 13) assert.equal(each, index * 2);
    });
    const failed = result[13];
    assert.ok(failed instanceof ItemError && failed.cause instanceof TimeoutError);
    assert.equal(
      await rejection(processAll(timed, 'each', items)).then((error) => error instanceof TimeoutError),
      true,
    );
    await until(() => statsOf(timed, 'each').running === 0);
  }));

test('9 items are not turned away by maxQueue', async () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  assert.deepEqual(
    await processAll(timed, 'unqueued', items),
    items.map((each) => each * 2),
  );
});

test('a signal in the place that signalAt names stays here, and stops the worker', async () => {
  const { signal } = new AbortController();
  assert.deepEqual(await timed.named({ abortSignal: signal, other: 5 }, 6), [{ other: 5 }, 6]);
  assert.deepEqual(await timed.named(undefined, 6), [undefined, 6]);
  assert.deepEqual(await timed.bare(signal, 6), [undefined, 6]);
  assert.equal(await rejection(timed.named({ abortSignal: AbortSignal.abort('enough') })), 'enough');
});
