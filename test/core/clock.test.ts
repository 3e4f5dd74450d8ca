import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, install } from '@sinonjs/fake-timers';
import { isOver } from '../../src/core/call/clock.js';
import { Deadlines, type Timed } from '../../src/core/call/deadlines.js';
import { underFakeClock } from '../support/clock.js';

test('a time is over once all of it has passed, or when it has yet to begin', () => {
  assert.equal(isOver(1000, 500, 1499), false);
  assert.equal(isOver(1000, 500, 1500), true);
  assert.equal(isOver(1000, 500, 1000), false);
  assert.equal(isOver(1000, 500, 900), true);
});

/** Writes its name down when its time is up. */
const timedAs = (name: string, expired: string[]): Timed => ({
  dueAt: Number.POSITIVE_INFINITY,
  previous: undefined,
  next: undefined,
  expire: () => void expired.push(name),
});

/** A clock of which nothing is known but that its timers fire. */
async function underTimersAlone(run: (clock: Clock) => Promise<void> | void): Promise<void> {
  const clock = install({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await run(clock);
  } finally {
    clock.uninstall();
  }
}

describe('deadlines', () => {
  test('fall due in the order in which they were set, each after its own time', () =>
    underFakeClock(async (clock) => {
      const expired: string[] = [];
      const deadlines = new Deadlines(100);
      deadlines.add(timedAs('first', expired));
      clock.tick(40);
      deadlines.add(timedAs('second', expired));
      clock.tick(59);
      assert.deepEqual(expired, []);
      clock.tick(1);
      assert.deepEqual(expired, ['first']);
      clock.tick(39);
      assert.deepEqual(expired, ['first']);
      clock.tick(1);
      assert.deepEqual(expired, ['first', 'second']);
      assert.equal(clock.countTimers(), 0);
    }));

  test('that were met in time leave no timer behind, and hold none up', () =>
    underFakeClock(async (clock) => {
      const expired: string[] = [];
      const deadlines = new Deadlines(100);
      const [first, second, third] = ['first', 'second', 'third'].map((name) => timedAs(name, expired));
      assert.ok(first && second && third);
      for (const each of [first, second, third]) {
        deadlines.add(each);
        clock.tick(10);
      }
      deadlines.remove(second);
      deadlines.remove(first);
      clock.tick(89);
      assert.deepEqual(expired, []);
      clock.tick(1);
      assert.deepEqual(expired, ['third']);
      deadlines.add(first);
      deadlines.remove(first);
      deadlines.remove(first);
      assert.equal(clock.countTimers(), 0);
    }));

  test('have a timer each where nothing tells what time it is', () =>
    underTimersAlone((clock) => {
      const expired: string[] = [];
      const deadlines = new Deadlines(100);
      const [first, second, third] = ['first', 'second', 'third'].map((name) => timedAs(name, expired));
      assert.ok(first && second && third);
      deadlines.add(first);
      clock.tick(40);
      deadlines.add(second);
      clock.tick(40);
      deadlines.add(third);
      deadlines.remove(second);
      deadlines.remove(second);
      clock.tick(20);
      assert.deepEqual(expired, ['first']);
      assert.equal(clock.countTimers(), 1);
      clock.tick(79);
      assert.deepEqual(expired, ['first']);
      clock.tick(1);
      assert.deepEqual(expired, ['first', 'third']);
      assert.equal(clock.countTimers(), 0);
    }));

  test('begin anew where their timers went with the clock', async () => {
    const expired: string[] = [];
    const deadlines = new Deadlines(100);
    await underTimersAlone(() => {
      deadlines.add(timedAs('first', expired));
      deadlines.add(timedAs('second', expired));
    });
    await underFakeClock(async (clock) => {
      deadlines.add(timedAs('third', expired));
      clock.tick(99);
      assert.deepEqual(expired, []);
      clock.tick(1);
      assert.deepEqual(expired, ['first', 'second', 'third']);
      clock.tick(1000);
      assert.equal(expired.length, 3);
      assert.equal(clock.countTimers(), 0);
    });
  });

  test('begin anew where they were set by a clock that showed a little more', async () => {
    const expired: string[] = [];
    const deadlines = new Deadlines(100);
    await underFakeClock(async (clock) => {
      clock.tick(60);
      deadlines.add(timedAs('first', expired));
    });
    await underFakeClock(async (clock) => {
      deadlines.add(timedAs('second', expired));
      clock.tick(99);
      assert.deepEqual(expired, []);
      clock.tick(1);
      assert.deepEqual(expired, ['first', 'second']);
      assert.equal(clock.countTimers(), 0);
    });
  });

  test('keep their time where another is set as one falls due', () =>
    underFakeClock(async (clock) => {
      const expired: string[] = [];
      const deadlines = new Deadlines(100);
      const expire = (): void => {
        expired.push('first');
        deadlines.add(timedAs('third', expired));
      };
      deadlines.add({ ...timedAs('first', expired), expire });
      clock.tick(40);
      deadlines.add(timedAs('second', expired));
      clock.tick(60);
      assert.deepEqual(expired, ['first']);
      clock.tick(40);
      assert.deepEqual(expired, ['first', 'second']);
      clock.tick(60);
      assert.deepEqual(expired, ['first', 'second', 'third']);
    }));

  test('come where the clock was set back', () => {
    const clock = install({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      const expired: string[] = [];
      const deadlines = new Deadlines(100);
      clock.tick(1000);
      deadlines.add(timedAs('first', expired));
      clock.setSystemTime(0);
      deadlines.add(timedAs('second', expired));
      clock.tick(99);
      assert.deepEqual(expired, []);
      clock.tick(1);
      assert.deepEqual(expired, ['first', 'second']);
    } finally {
      clock.uninstall();
    }
  });
});
