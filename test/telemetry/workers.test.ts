import { strict as assert } from 'node:assert';
import { after, test } from 'node:test';
import { captureArguments, methods, processAll, recordLatency, shutdown, statsOf } from 'opero';
import { heard as heardHere, Told } from '../fixtures/workers/told.js';
import { until } from '../support/counters.js';
import { hear } from '../support/heard.js';

after(() => shutdown());

const told = new Told();

test('a call in a worker is told of on this side, and nothing inside the worker', async () => {
  using heard = hear();
  using _ = captureArguments(true);
  const result = await told.work();
  assert.deepEqual(result, { isMain: false, heard: [] });
  assert.deepEqual(heard.kinds, ['attempt', 'call']);
  assert.deepEqual(heardHere, ['attempt', 'call']);
  const [attempt] = heard.of('attempt');
  assert.deepEqual([attempt?.method, attempt?.outcome, attempt?.result], ['work', 'ok', result]);
  assert.ok((attempt?.duration ?? 0) > 0);
});

test('its errors are those that the caller gets, and each attempt is one', async () => {
  using heard = hear();
  const error: unknown = await told.fail().catch((thrown: unknown) => thrown);
  assert.ok(error instanceof RangeError);
  assert.deepEqual(heard.kinds, ['attempt', 'retry', 'attempt', 'call']);
  assert.equal(heard.of('attempt')[1]?.error, error);
  assert.equal(heard.of('call')[0]?.error, error);
});

test('items that travel in batches are a call and an attempt each', async () => {
  using heard = hear();
  using _ = recordLatency(true);
  assert.deepEqual(await processAll(told, 'square', [1, 2, 3, 4, 5]), [1, 4, 9, 16, 25]);
  assert.deepEqual([heard.of('attempt').length, heard.of('call').length], [5, 5]);
  assert.equal(new Set(heard.of('attempt').map(({ callId }) => callId)).size, 5);
  const latency = methods().find(({ className, method }) => className === 'Told' && method === 'square')?.latency;
  assert.deepEqual([latency?.calls.count, latency?.attempts.count], [5, 5]);
});

test('one that waits for a worker, one that is turned away, and one whose worker is stopped', async () => {
  using heard = hear();
  const controller = new AbortController();
  const call = told.hang({ signal: controller.signal });
  await until(() => statsOf(told, 'hang').running === 1);
  const waiting = told.square(3);
  await assert.rejects(told.hang(), { name: 'RejectedError' });
  controller.abort();
  await assert.rejects(call, { name: 'AbortError' });
  assert.equal(await waiting, 9);
  await until(() => statsOf(told, 'hang').running === 0 && heard.of('attempt').length === 2);
  assert.deepEqual(
    heard.of('reject').map(({ policy, reason }) => [policy, reason]),
    [['cpuBound', 'queue-full']],
  );
  assert.deepEqual(
    heard.of('wait').map(({ policy, method, error }) => [policy, method, error]),
    [['cpuBound', 'square', undefined]],
  );
  assert.deepEqual(
    heard
      .of('attempt')
      .map(({ method, outcome, abandoned }) => [method, outcome, abandoned])
      .sort(),
    [
      ['hang', 'error', true],
      ['square', 'ok', false],
    ],
  );
});
