import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Call } from '../../src/core/call/call.js';
import { ChildCall } from '../../src/core/call/child-call.js';
import { lookAgain, onEntry, startOf } from '../../src/core/call/start.js';
import { type After, admitted, type Step } from '../../src/core/call/step.js';

const newCall = (): Call => new Call(() => {}, undefined, [], undefined, undefined);
const after: After = { ok: (value) => value, fail: (error) => error };

/** Steps that write down who looked at which call, or saw which one enter; those that refuse give their own name. */
function stepsOf(...names: string[]) {
  const seen: [string, Call][] = [];
  const refusing = new Set<string>();
  const steps = names.map((name): Step => {
    if (name === 'boundary') return { isBoundary: true };
    const recheck = (call: Call): unknown => {
      seen.push([`look ${name}`, call]);
      return refusing.has(name) ? name : admitted;
    };
    return { recheck, entering: (call) => void seen.push([`enter ${name}`, call]) };
  });
  return { steps, seen, refusing };
}

describe('the steps that look at a call where its code is entered', () => {
  test('are asked from the outermost on, and then told that it enters', () => {
    const { steps, seen } = stepsOf('outer', 'middle', 'inner');
    const start = startOf(steps);
    assert.ok(start !== undefined);
    assert.equal(lookAgain(start, after)(newCall()), admitted);
    const names = seen.map(([what]) => what);
    assert.deepEqual(names, ['look outer', 'look middle', 'look inner', 'enter outer', 'enter middle', 'enter inner']);
  });

  for (const [name, asked] of [
    ['outer', ['look outer']],
    ['middle', ['look outer', 'look middle']],
    ['inner', ['look outer', 'look middle', 'look inner']],
  ] as const) {
    test(`turn it away by the ${name} one, and nobody is told that it enters`, () => {
      const { steps, seen, refusing } = stepsOf('outer', 'middle', 'inner');
      refusing.add(name);
      const start = startOf(steps);
      assert.ok(start !== undefined);
      assert.equal(lookAgain(start, after)(newCall()), name);
      assert.deepEqual(
        seen.map(([what]) => what),
        asked,
      );
    });
  }

  test('get the call that they know, above a boundary its ancestor', () => {
    const { steps, seen } = stepsOf('outer', 'boundary', 'middle', 'boundary', 'inner');
    const call = newCall();
    const child = new ChildCall(call);
    const grandchild = new ChildCall(child);
    const start = startOf(steps);
    assert.ok(start !== undefined);
    assert.equal(lookAgain(start, after)(grandchild), admitted);
    assert.deepEqual(seen, [
      ['look outer', call],
      ['look middle', child],
      ['look inner', grandchild],
      ['enter outer', call],
      ['enter middle', child],
      ['enter inner', grandchild],
    ]);
  });

  test('are there where only one of the two is asked for', () => {
    const entered: Call[] = [];
    const entering = startOf([{}, { entering: (call) => void entered.push(call) }]);
    const call = newCall();
    assert.equal(entering && lookAgain(entering, after)(call), admitted);
    assert.deepEqual(entered, [call]);
    const looking = startOf([{}, { recheck: () => 'no' }]);
    assert.equal(looking && lookAgain(looking, after)(call), 'no');
  });

  test('are not there where no step asks for any of it', () => {
    assert.equal(startOf([{}, { isBoundary: true }]), undefined);
  });

  test('do not look at calls that come straight through, and are told that they enter', () => {
    const { steps, seen } = stepsOf('outer', 'inner');
    const start = startOf(steps);
    const call = newCall();
    assert.equal(start && onEntry(start)?.(call), admitted);
    assert.deepEqual(seen, [
      ['enter outer', call],
      ['enter inner', call],
    ]);
    const looking = startOf([{ recheck: () => admitted }]);
    assert.equal(looking && onEntry(looking), undefined);
  });
});
