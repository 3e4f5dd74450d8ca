import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { circuitOf, processAll, shutdown, statsOf } from 'opero';
import { Rotated } from '../fixtures/workers/rotated.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());

describe('8 rotate and cpuBound', () => {
  test('a worker that dies, and an error from one, lead on to the next value', async () => {
    assert.equal(await new Rotated().work('eu'), 'ap');
    const { attempts, running, fallbacks, failures } = statsOf(Rotated, 'work');
    assert.deepEqual([attempts, running, fallbacks, failures], [3, 0, 2, 0]);
    assert.equal(circuitOf(Rotated, 'work', 'eu').state, 'open');
    assert.equal(circuitOf(Rotated, 'work', 'ap').state, 'closed');
  });

  test('each item of many has runs of its own', async () => {
    circuitOf(Rotated, 'work', 'us').reset();
    assert.deepEqual(await processAll(new Rotated(), 'work', ['ap', 'us', 'ap']), ['ap', 'ap', 'ap']);
  });

  test('an abort stops the worker, and no further value is begun', async () => {
    const controller = new AbortController();
    const call = new Rotated().hang('eu', controller.signal);
    while (statsOf(Rotated, 'hang').running === 0) await new Promise(setImmediate);
    const reason = new Error('left');
    controller.abort(reason);
    assert.equal(await rejection(call), reason);
    while (statsOf(Rotated, 'hang').running > 0) await new Promise(setImmediate);
    const { attempts, fallbacks } = statsOf(Rotated, 'hang');
    assert.deepEqual([attempts, fallbacks], [1, 0]);
  });
});
