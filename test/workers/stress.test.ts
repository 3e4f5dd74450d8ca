import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { shutdown, statsOf, WorkerError } from 'opero';
import { methods, type Plan, Planned, Stress } from '../fixtures/workers/stress.js';
import { until } from '../support/counters.js';
import { liveWorkers } from '../support/live-workers.js';
import { seeded } from '../support/random.js';

const total = 500;

/** Of a hundred calls, this many are aborted at some time, and follow each plan; one that hangs is aborted always. */
function pick(random: () => number): { plan: Plan; aborted: boolean } {
  const at = random() * 100;
  if (at < 75) return { plan: 'value', aborted: random() < 0.1 };
  if (at < 92) return { plan: 'throw', aborted: random() < 0.1 };
  return at < 96 ? { plan: 'exit', aborted: false } : { plan: 'hang', aborted: true };
}

for (const seed of [1, 20_261_123]) {
  test(`${total} calls, aborts, throws and worker deaths all settle, each as it must, and lose nothing (seed ${seed})`, async () => {
    const random = seeded(seed);
    const stress = new Stress();
    const unhandled: unknown[] = [];
    const note = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', note);
    const calls: Promise<void>[] = [];
    for (let id = 0; id < total; id++) {
      const method = methods[Math.floor(random() * methods.length)];
      const { plan, aborted } = pick(random);
      const controller = new AbortController();
      const reason = { aborted: id };
      const turns = Math.floor(random() * 60);
      const call = stress[method](id, plan, controller.signal);
      calls.push(
        call.then(
          (value) => assert.deepEqual([plan, value], ['value', id * 2], `call ${id}`),
          (error: unknown) => {
            if (error === reason) assert.ok(aborted, `call ${id}`);
            else if (plan === 'throw') assert.ok(error instanceof Planned && error.id === id, `call ${id}`);
            else if (plan === 'exit') assert.ok(error instanceof WorkerError, `call ${id}`);
            else assert.fail(`call ${id} (${method}, ${plan}): ${String(error)}`);
          },
        ),
      );
      if (aborted) {
        let left = turns;
        const turn = (): unknown => (left-- > 0 ? setImmediate(turn) : controller.abort(reason));
        turn();
      }
      if (random() < 0.2) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(calls);
    await until(() => methods.every((method) => statsOf(Stress, method).running === 0));
    for (const method of methods) assert.equal(statsOf(Stress, method).queued, 0, method);
    // Every slot is back: each limit lets as many in as at first.
    const again = methods.flatMap((method) => [0, 1, 2, 3, 4].map((id) => stress[method](id, 'value')));
    assert.deepEqual(
      await Promise.all(again),
      methods.flatMap(() => [0, 2, 4, 6, 8]),
    );
    assert.ok(liveWorkers.size > 0);
    await shutdown();
    assert.equal(liveWorkers.size, 0);
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });
}
