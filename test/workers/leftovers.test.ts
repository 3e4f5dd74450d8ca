import { strict as assert } from 'node:assert';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { ItemError, move, processAll, shutdown, statsOf, WorkerError } from 'opero';
import { InProcess, InThread, type Leftover, type Order, pause } from '../fixtures/workers/leftovers.js';
import { Stillborn } from '../fixtures/workers/stillborn.js';
import { flush } from '../support/clock.js';
import { until } from '../support/counters.js';
import { hasEnded } from '../support/has-ended.js';
import { rejection } from '../support/rejection.js';

const folder = mkdtempSync(join(tmpdir(), 'opero-'));
const log = join(folder, 'log');
const logged = (): number => readFileSync(log, 'utf8').length;

beforeEach(() => writeFileSync(log, ''));
after(async () => {
  await shutdown();
  rmSync(folder, { recursive: true });
});

const common: Leftover[] = [
  'a timer that exits',
  'a timer that throws',
  'an interval that throws',
  'a rejected promise',
  'an error in nextTick',
  'an error in setImmediate',
  'a listener that throws',
];
const inProcess = new InProcess();
const kinds = [
  ['thread', InThread, new InThread(), common],
  ['process', InProcess, inProcess, [...common, 'a timer that kills', 'a timer that aborts']],
] as const;

/** Lets the timers that were left over become due, while nobody here sees what comes of it. */
const letBecomeDue = (): unknown => pause(10);

const orders = (count: number, order: Order): Order[] => new Array(count).fill(order);

async function deathOf(call: Promise<unknown>): Promise<WorkerError> {
  const error = await rejection(call);
  assert.ok(error instanceof WorkerError, String(error));
  return error;
}

for (const [kind, type, worker, leftovers] of kinds) {
  describe(`what an earlier call left behind in a ${kind}`, () => {
    for (const leftover of leftovers) {
      test(`fails no later call, which counts once: ${leftover}`, async () => {
        await worker.obey({ leftover });
        letBecomeDue();
        const before = statsOf(type, 'obey');
        assert.equal(await worker.obey({ log }), 'lived');
        const { attempts, running, failures } = statsOf(type, 'obey');
        assert.deepEqual([attempts - before.attempts, running, failures], [1, 0, before.failures]);
        assert.equal(logged(), 1);
      });

      test(`fails no later item: ${leftover}`, async () => {
        await worker.obey({ leftover });
        letBecomeDue();
        assert.deepEqual(await processAll(worker, 'obey', orders(30, { log })), new Array(30).fill('lived'));
        assert.equal(logged(), 30);
      });
    }

    test('by every item fails none of them', async () => {
      const items = common.map((leftover): Order => ({ leftover }));
      assert.deepEqual(await processAll(worker, 'obey', items), new Array(items.length).fill('lived'));
    });

    test('fails a call that has begun, and is said to be left over', async () => {
      await worker.obey({ leftover: 'an interval that throws once another call is entered', until: log });
      const error = await deathOf(worker.obey({ log, waits: true }));
      const text = 'died of an uncaught error: left over (which may have been left over by an earlier call)';
      assert.equal(error.message, `${type.name}.obey: its worker ${text}`);
      assert.ok(error.cause instanceof RangeError);
    });

    test('fails a call whose buffer went with the worker, and says so', async () => {
      await worker.obey({
        leftover: kind === 'thread' ? 'a timer that exits' : 'a long turn, and an exit',
        until: log,
      });
      letBecomeDue();
      const { attempts } = statsOf(type, 'obey');
      const call = deathOf(worker.obey({ moved: move(new ArrayBuffer(8)) }));
      await until(() => statsOf(type, 'obey').attempts > attempts);
      for (let i = 0; i < 20; i++) await flush();
      writeFileSync(log, 'x');
      const text = 'before the call had begun; what was moved to it is gone, so no other worker can have the call';
      assert.equal((await call).message, `${type.name}.obey: its worker exited with code 5 ${text}`);
    });
  });

  describe(`a ${kind} whose module ends it`, () => {
    const stillborn = new Stillborn();
    const method = kind === 'thread' ? 'inThread' : 'inProcess';

    test('is tried twice, and says why', async () => {
      process.env.STILLBORN_LOG = log;
      const { message, cause } = await deathOf(stillborn[method]());
      const text = 'exited with code 9 before the call had begun, as another did';
      assert.equal(message, `Stillborn.${method}: its worker ${text}`);
      assert.ok(cause instanceof Error);
      assert.match(cause.message, /^process\.exit\(9\) was called/);
      assert.match(String(cause.stack), /stillborn/);
      if (kind === 'process') assert.match(cause.message, /not to be imported$/);
      assert.equal(logged(), 2);
    });

    test('fails each item', async () => {
      process.env.STILLBORN_LOG = log;
      const results = await processAll(stillborn, method, [1, 2, 3], { onError: 'collect' });
      for (const result of results) assert.ok(result instanceof ItemError && result.cause instanceof WorkerError);
      assert.equal(statsOf(Stillborn, method).running, 0);
    });
  });

  test(`a new ${kind} sees process.env as it is by then`, async () => {
    const name = `LATE_${kind}`;
    assert.equal(await worker.variable(name), undefined);
    process.env[name] = '1';
    await worker.obey({ leftover: 'a timer that exits' });
    letBecomeDue();
    assert.equal(await worker.variable(name), '1');
  });
}

describe('a process that is gone, which nobody here was told,', () => {
  const waitForEnd = (pid: number): void => {
    while (!hasEnded(pid)) pause(1);
  };

  test('gets no call: another one has it', async () => {
    const pid = await inProcess.pid();
    process.kill(pid, 'SIGKILL');
    waitForEnd(pid);
    assert.notEqual(await inProcess.pid(), pid);
  });

  test('has not lost the call that it answered before', async () => {
    const pid = await inProcess.pid();
    const call = inProcess.obey({ leftover: 'an error in setImmediate', log, gated: true });
    await until(() => logged() === 1);
    appendFileSync(log, 'x');
    waitForEnd(pid);
    assert.equal(await call, 'lived');
    assert.equal(logged(), 2);
  });
});
