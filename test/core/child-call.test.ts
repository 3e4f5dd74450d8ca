import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Call } from '../../src/core/call/call.js';
import { ChildCall } from '../../src/core/call/child-call.js';

const newCall = (args: readonly unknown[] = [], signal?: AbortSignal): Call =>
  new Call(() => {}, undefined, args, signal, undefined);

test('a child knows who aborted it: its caller, through the call that waits for it', () => {
  const controller = new AbortController();
  const call = newCall([], controller.signal);
  const child = new ChildCall(call);
  const grandchild = new ChildCall(child);
  call.waiting = child;
  child.waiting = grandchild;
  const seen: unknown[] = [];
  grandchild.watchAbort((reason) => seen.push(reason, grandchild.abortedBy));
  assert.equal(grandchild.abortedBy, undefined);
  controller.abort('bye');
  call.abort('bye');
  assert.deepEqual(seen, ['bye', 'caller']);
  assert.deepEqual([call.abortedBy, child.abortedBy], ['caller', 'caller']);
  assert.equal(grandchild.reason, 'bye');
});

test('an abort by a deadline, or by a policy, reaches the calls beneath and not the one above', () => {
  for (const by of ['deadline', 'policy'] as const) {
    const call = newCall();
    const child = new ChildCall(call);
    const grandchild = new ChildCall(child);
    call.waiting = child;
    child.waiting = grandchild;
    child.abort('late', by);
    assert.deepEqual([call.abortedBy, child.abortedBy, grandchild.abortedBy], [undefined, by, by]);
  }
});

test('the first abort of a child counts', () => {
  const child = new ChildCall(newCall());
  child.abort('late', 'deadline');
  child.abort('bye', 'caller');
  assert.deepEqual([child.reason, child.abortedBy], ['late', 'deadline']);
});

test('a child has started once the code was entered in its attempt, and so have those above', () => {
  let told = 0;
  class Told extends ChildCall {
    override started(): void {
      told++;
      super.started();
    }
  }
  const child = new Told(newCall());
  const grandchild = new ChildCall(child);
  assert.deepEqual([child.hasStarted, grandchild.hasStarted], [false, false]);
  grandchild.enterCode();
  grandchild.leaveCode();
  assert.deepEqual([child.hasStarted, grandchild.hasStarted, told], [true, true, 1]);
  child.attempt++;
  assert.equal(child.hasStarted, false);
});

test('the deadline of a call is that of the call around it', () => {
  const call = newCall();
  class Bounded extends ChildCall {
    override get deadline(): number {
      return 100;
    }
  }
  const child = new Bounded(call);
  assert.deepEqual(
    [call, child, new ChildCall(child), new ChildCall(new ChildCall(child))].map((each) => each.deadline),
    [Number.POSITIVE_INFINITY, 100, 100, 100],
  );
});

test('the signal of a child that was aborted before anybody asked for it is aborted', () => {
  const child = new ChildCall(newCall());
  child.abort('late', 'deadline');
  assert.equal(child.signal?.aborted, true);
  assert.equal(child.signal?.reason, 'late');
});

test('a call waits in line and is no hedge, unless one above it is a hedge', () => {
  class Further extends ChildCall {
    override get hedge(): number {
      return 2;
    }
    override get neverWaits(): boolean {
      return true;
    }
  }
  const call = newCall();
  const further = new Further(call);
  assert.deepEqual(
    [call, new ChildCall(call), further, new ChildCall(new ChildCall(further))].map((each) => [
      each.hedge,
      each.neverWaits,
    ]),
    [
      [0, false],
      [0, false],
      [2, true],
      [2, true],
    ],
  );
});

test('a call goes on beneath for the first time', () => {
  assert.equal(newCall().isAnother, false);
});

test('a child travels to a worker by itself, and a call that nobody bounds does not', () => {
  const call = newCall();
  assert.deepEqual([call.travelsAlone, new ChildCall(call).travelsAlone], [false, true]);
});

test('those who watch for an abort are told of it, the latest first, until they leave', () => {
  const call = newCall([], new AbortController().signal);
  const told: string[] = [];
  const leaveFirst = call.watchAbort((reason) => told.push(`first: ${reason}`));
  const leaveSecond = call.watchAbort((reason) => told.push(`second: ${reason}`));
  call.onAbort?.('one');
  leaveSecond();
  call.onAbort?.('two');
  leaveFirst();
  assert.equal(call.onAbort, undefined);
  assert.deepEqual(told, ['second: one', 'first: one', 'first: two']);
});
