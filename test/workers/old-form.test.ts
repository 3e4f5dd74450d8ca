import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { decorateInstance, policiesOf, register, shutdown, statsOf, WorkerError } from 'opero';
import { Linked, Plain, Sums, Unlinked, Whole } from '../fixtures/workers/old-form.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());

async function failsWith(call: Promise<unknown>, message: string): Promise<void> {
  const error = await rejection(call);
  assert.ok(error instanceof WorkerError, String(error));
  assert.equal(error.message, message);
}

describe('a cpuBound method by a decorator of the old form', () => {
  test('runs in a worker: of an instance, of a class, and by a decorator of the class', async () => {
    assert.deepEqual(await Object.assign(new Sums(), { by: 2 }).add(1), [3, false]);
    assert.deepEqual(await Sums.zero(), [0, false]);
    assert.equal(await new Whole().where(), false);
  });

  test('runs as a linked subclass overrides it, once', async () => {
    assert.deepEqual(await new Linked().add(1), [11, false]);
  });

  test('fails where an override that nobody has linked calls super, until it is linked', async () => {
    const problem = 'it has no policies, so the code of its base cannot be called in a worker from there';
    await failsWith(new Unlinked().add(1), `Unlinked.add: ${problem}; decorate it, or call register(Unlinked)`);
    await failsWith(Unlinked.zero(), `Unlinked.zero: ${problem}; decorate it`);
    register(Unlinked);
    assert.deepEqual(await new Unlinked().add(1), [11, false]);
  });
});

describe('a cpuBound method by decorate()', () => {
  test('runs in a worker, of an instance and of a class', async () => {
    assert.deepEqual(await new Plain(2).add(1), [3, false]);
    assert.equal(await Plain.zero(), false);
  });

  test('does so of an object that has policies of its own', async () => {
    const one = decorateInstance(new Plain(3), { add: { retry: 2 } });
    assert.deepEqual(await one.add(1), [4, false]);
    assert.deepEqual(
      policiesOf(one, 'add').map(({ kind }) => kind),
      ['retry', 'cpuBound'],
    );
    assert.equal(statsOf(one, 'add').calls, 1);
  });
});
