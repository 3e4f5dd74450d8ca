import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handOver, takeHandoff } from '../../src/core/call/handoff.js';
// Not by its name, as what is handed over is known within one copy of the code.
import { retry, statsOf } from '../../src/index.js';

const self = {};
const given = { self, to: 'load' };

test('what is handed over reaches the call that it is for, once', () => {
  handOver(given, () => {
    assert.equal(takeHandoff({}, 'load'), undefined);
    assert.equal(takeHandoff(self, 'save'), undefined);
    assert.equal(takeHandoff(self, 'load'), given);
    assert.equal(takeHandoff(self, 'load'), undefined);
  });
});

test('it is for whichever method of its receiver is called next, where it names none', () => {
  const unnamed = { self };
  handOver(unnamed, () => assert.equal(takeHandoff(self, 'save'), unnamed));
});

test('a call that is made later does not get it, though nobody took it', () => {
  assert.equal(
    handOver(given, () => 5),
    5,
  );
  assert.equal(takeHandoff(self, 'load'), undefined);
  const failed = new Error('before the call');
  const fail = (): never => {
    throw failed;
  };
  assert.throws(() => handOver(given, fail), failed);
  assert.equal(takeHandoff(self, 'load'), undefined);
});

test('one inside another leaves that to its own call', () => {
  const inner = { self, to: 'save' };
  handOver(given, () => {
    handOver(inner, () => assert.equal(takeHandoff(self, 'load'), undefined));
    assert.equal(takeHandoff(self, 'load'), given);
  });
});

test('a call under a signal of its own ends and counts as any, whoever hands it something without one', async () => {
  class Weather {
    @retry(1)
    async forecast(signal: AbortSignal): Promise<string> {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      return 'never';
    }
  }
  const weather = new Weather();
  const controller = new AbortController();
  const call = handOver({ self: weather }, () => weather.forecast(controller.signal));
  controller.abort(new Error('bye'));
  await assert.rejects(call, { message: 'bye' });
  await new Promise((resolve) => setImmediate(resolve));
  const { calls, failures } = statsOf(Weather, 'forecast');
  assert.deepEqual([calls, failures], [1, 1]);
});
