import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Clock } from '@sinonjs/fake-timers';
import { CircuitOpenError, ConfigurationError, RejectedError } from '../../src/core/errors.js';
import { Circuit } from '../../src/policies/circuit.js';
import { Circuits } from '../../src/policies/circuit-keys.js';
import type { CircuitChange, CircuitOptions } from '../../src/policies/circuit-options.js';
import { circuitOpenError, type Refusal } from '../../src/policies/circuit-refusal.js';
import { underFakeClock } from '../support/clock.js';

type Options = CircuitOptions<string>;

const inARow = (consecutive: number, others: Partial<Options> = {}): Options => ({
  halfOpenAfter: 5_000,
  halfOpenCalls: 1,
  ...others,
  consecutive,
});

const byRatio = (others: Partial<Options> = {}): Options =>
  ({ failureRatio: 0.5, window: 10_000, minCalls: 4, halfOpenAfter: 5_000, halfOpenCalls: 1, ...others }) as Options;

const create = (options: Options): Circuit<string> =>
  new Circuit(options, { text: '@circuitBreaker on Weather.forecast' });

/** A token, which there has to be. */
function admitted(answer: number | Refusal): number {
  assert.equal(typeof answer, 'number', `expected a token, got ${JSON.stringify(answer)}`);
  return answer as number;
}

/** The reason of a refusal, and what is left. */
function refused(answer: number | Refusal): [reason: string, retryAfter: number] {
  if (typeof answer === 'number') assert.fail('expected a refusal, got a token');
  return [answer.reason, answer.retryAfter];
}

const enter = (circuit: Circuit<string>): number => admitted(circuit.admit('a call'));
const succeed = (circuit: Circuit<string>): void => circuit.succeed(enter(circuit), 'a call');
const fail = (circuit: Circuit<string>, error: unknown = 'failed'): void =>
  circuit.fail(enter(circuit), error, 'a call');

function repeat(times: number, act: () => void): void {
  for (let i = 0; i < times; i++) act();
}

/** A test under a fake clock that stands at 0. */
const timed = (name: string, run: (clock: Clock) => void): void => {
  test(name, () => underFakeClock(async (clock) => run(clock)));
};

/** A circuit that its third failure in a row at 0 has just opened. */
function opened(others: Partial<Options> = {}): Circuit<string> {
  const circuit = create(inARow(3, others));
  repeat(3, () => fail(circuit));
  assert.equal(circuit.state, 'open');
  return circuit;
}

/** Options of a circuit that notes its changes. */
function noting(changes: string[], others: Partial<Options> = {}): Partial<Options> {
  const onStateChange = ({ from, to, error }: CircuitChange, context: string | undefined): void => {
    changes.push(`${from} > ${to}: ${error}, by ${context}`);
  };
  return { ...others, onStateChange };
}

describe('failures in a row', () => {
  timed('3. so many open it', () => {
    const circuit = create(inARow(3));
    repeat(2, () => fail(circuit));
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['closed', 2, 2]);
    fail(circuit);
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['open', 3, 3]);
  });

  timed('3. a success between counts anew', () => {
    const circuit = create(inARow(3));
    repeat(5, () => {
      repeat(2, () => fail(circuit));
      succeed(circuit);
    });
    assert.deepEqual([circuit.state, circuit.failures], ['closed', 0]);
  });

  test('3. a closed circuit reads no clock', (t) =>
    underFakeClock(async () => {
      const circuit = create(inARow(3));
      const time = t.mock.method(performance, 'now');
      repeat(9, () => succeed(circuit));
      repeat(2, () => fail(circuit));
      assert.equal(time.mock.callCount(), 0);
      fail(circuit);
      assert.notEqual(time.mock.callCount(), 0);
    }));

  timed('3. they do not age', (clock) => {
    const circuit = create(inARow(3));
    repeat(2, () => fail(circuit));
    clock.tick(1e9);
    fail(circuit);
    assert.equal(circuit.state, 'open');
  });
});

describe('a window', () => {
  timed('3.1 fewer calls than minCalls do not open it', () => {
    const circuit = create(byRatio());
    repeat(3, () => fail(circuit));
    assert.equal(circuit.state, 'closed');
    fail(circuit);
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['open', 4, 4]);
  });

  timed('3.1 a share of exactly failureRatio opens it, less does not', () => {
    const circuit = create(byRatio({ failureRatio: 0.3, minCalls: 1 } as Partial<Options>));
    repeat(8, () => succeed(circuit));
    repeat(3, () => fail(circuit));
    assert.equal(circuit.state, 'closed');
    repeat(1, () => succeed(circuit));
    fail(circuit);
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['open', 4, 13]);
  });

  timed('3.1 a success that makes up minCalls does not open it, the next failure does', () => {
    const circuit = create(byRatio());
    repeat(3, () => fail(circuit));
    repeat(1, () => succeed(circuit));
    assert.equal(circuit.state, 'closed');
    fail(circuit);
    assert.equal(circuit.state, 'open');
  });

  timed('3.1 only calls that ended count', () => {
    const circuit = create(byRatio());
    const tokens = Array.from({ length: 20 }, () => enter(circuit));
    assert.equal(circuit.calls, 0);
    for (const token of tokens.slice(0, 4)) circuit.fail(token, 'failed', 'a call');
    assert.equal(circuit.state, 'open');
  });

  timed('3.2 it slides in 10 buckets', (clock) => {
    const circuit = create(byRatio({ minCalls: 100 } as Partial<Options>));
    repeat(10, () => {
      fail(circuit);
      clock.tick(1_000);
    });
    const seen: number[] = [];
    repeat(10, () => {
      seen.push(circuit.failures);
      clock.tick(1_000);
    });
    assert.deepEqual(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert.equal(circuit.calls, 0);
  });

  timed('3.2 what failed long ago opens it not: 9 failures, and 1 an hour later', (clock) => {
    const circuit = create(byRatio({ minCalls: 10 } as Partial<Options>));
    repeat(9, () => fail(circuit));
    clock.tick(3_600_000);
    assert.ok(circuit.isIdle);
    fail(circuit);
    assert.deepEqual([circuit.state, circuit.failures, circuit.calls], ['closed', 1, 1]);
  });

  timed('3.2 idle time of any length empties it, whole turns of the buckets included', (clock) => {
    for (const idle of [10_000, 11_000, 19_999, 20_000, 100_000]) {
      const circuit = create(byRatio());
      repeat(3, () => fail(circuit));
      clock.tick(idle);
      assert.equal(circuit.calls, 0, `after ${idle} ms`);
    }
  });

  timed('3.2 a clock that is set back empties it', (clock) => {
    clock.tick(1e6);
    const circuit = create(byRatio());
    repeat(3, () => fail(circuit));
    clock.setSystemTime(0);
    clock.reset();
    assert.deepEqual([circuit.calls, circuit.failures], [0, 0]);
    repeat(4, () => fail(circuit));
    assert.equal(circuit.state, 'open');
  });

  timed('3.2 no part of a window is lost where its buckets have no length in whole milliseconds', (clock) => {
    const circuit = create(byRatio({ window: 7, minCalls: 1e9 } as Partial<Options>));
    repeat(200, () => {
      fail(circuit);
      clock.tick(1);
      assert.ok(circuit.calls >= 1 && circuit.calls <= 7);
    });
  });
});

describe('open', () => {
  timed('3.4 a call is refused, with what is left and what opened it', (clock) => {
    const error = new Error('boom');
    const circuit = create(inARow(1));
    fail(circuit, error);
    clock.tick(1_800);
    const answer = circuit.admit('a call');
    assert.deepEqual(refused(answer), ['open', 3_200]);
    assert.equal((answer as Refusal).cause, error);
  });

  timed('3.4 what is left is in whole milliseconds, so that a timer set to it comes in time', (clock) => {
    const circuit = opened({ halfOpenAfter: 0.5 });
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 1]);
    clock.tick(1);
    enter(circuit);
  });

  timed('3.4 nothing is left because of sums of fractions', (clock) => {
    clock.tick(0.1);
    const circuit = opened({ halfOpenAfter: 2.2 });
    const short = opened({ halfOpenAfter: 0.2 });
    clock.tick(0.2);
    enter(short);
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 2]);
  });

  timed('3.4 a call that waited while it opened is refused', () => {
    const circuit = create(inARow(3));
    const waiting = enter(circuit);
    repeat(3, () => fail(circuit));
    assert.deepEqual(refused(circuit.recheck(waiting, 'a call')), ['open', 5_000]);
  });

  timed('3.4 a call that waited goes on in a closed circuit, with the same token', () => {
    const circuit = create(inARow(3));
    const waiting = enter(circuit);
    repeat(2, () => fail(circuit));
    assert.equal(circuit.recheck(waiting, 'a call'), waiting);
    circuit.fail(waiting, 'failed', 'a call');
    assert.equal(circuit.state, 'open');
  });

  timed('3.4 calls that waited become probes in half-open, as far as places are free', (clock) => {
    const circuit = create(inARow(3, { halfOpenCalls: 2 }));
    const waiting = Array.from({ length: 3 }, () => enter(circuit));
    repeat(3, () => fail(circuit));
    clock.tick(5_000);
    const [first, second] = waiting.slice(0, 2).map((token) => admitted(circuit.recheck(token, 'a call')));
    assert.deepEqual(refused(circuit.recheck(waiting[2], 'a call')), ['half-open', 0]);
    circuit.succeed(first, 'a call');
    circuit.succeed(second, 'a call');
    assert.equal(circuit.state, 'closed');
  });

  timed('3.4 a call that waited until it closed again counts like one that came then', (clock) => {
    const circuit = create(inARow(1));
    const waiting = enter(circuit);
    fail(circuit);
    clock.tick(5_000);
    succeed(circuit);
    const token = admitted(circuit.recheck(waiting, 'a call'));
    circuit.fail(token, 'failed', 'a call');
    assert.equal(circuit.state, 'open');
  });

  timed('3.4 a probe that waits keeps its place', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    const probe = enter(circuit);
    clock.tick(4_999);
    const still = admitted(circuit.recheck(probe, 'a call'));
    assert.deepEqual(refused(circuit.admit('another')), ['half-open', 0]);
    circuit.succeed(still, 'a call');
    assert.equal(circuit.state, 'closed');
  });

  timed('3.4 a probe that waited too long, and lost its place, is refused', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    const slow = enter(circuit);
    clock.tick(5_000);
    const next = enter(circuit);
    assert.deepEqual(refused(circuit.recheck(slow, 'a call')), ['half-open', 0]);
    circuit.succeed(next, 'a call');
    assert.equal(circuit.state, 'closed');
  });

  timed('3.4 retryAfter is 0 in half-open and Infinity when isolated', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    enter(circuit);
    assert.deepEqual(refused(circuit.admit('a call')), ['half-open', 0]);
    circuit.isolate();
    assert.deepEqual(refused(circuit.admit('a call')), ['isolated', Number.POSITIVE_INFINITY]);
  });

  timed('3.4 a clock that is set back opens the way to a probe', (clock) => {
    clock.tick(1e6);
    const circuit = opened();
    clock.setSystemTime(0);
    clock.reset();
    assert.equal(circuit.state, 'half-open');
    enter(circuit);
  });
});

describe('half-open', () => {
  timed('3.5 the first call after halfOpenAfter is a probe, not one before', (clock) => {
    const circuit = opened();
    clock.tick(4_999);
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 1]);
    clock.tick(1);
    enter(circuit);
    assert.equal(circuit.state, 'half-open');
  });

  timed('3.5 of 100 calls at once at the edge halfOpenCalls become probes', (clock) => {
    const circuit = opened({ halfOpenCalls: 3 });
    clock.tick(5_000);
    const answers = Array.from({ length: 100 }, () => circuit.admit('a call'));
    assert.ok(answers.slice(0, 3).every((each) => typeof each === 'number'));
    for (const answer of answers.slice(3)) assert.deepEqual(refused(answer), ['half-open', 0]);
  });

  timed('3.5 of 100 calls at once where halfOpenAfter is 0, too', () => {
    const circuit = create(inARow(1, { halfOpenAfter: 0 }));
    fail(circuit);
    const answers = Array.from({ length: 100 }, () => circuit.admit('a call'));
    assert.equal(answers.filter((each) => typeof each === 'number').length, 1);
  });

  timed('3.6 halfOpenCalls successes close it, with nothing counted', (clock) => {
    const circuit = create(byRatio({ halfOpenCalls: 2 }));
    repeat(4, () => fail(circuit));
    clock.tick(5_000);
    succeed(circuit);
    assert.equal(circuit.state, 'half-open');
    succeed(circuit);
    assert.deepEqual([circuit.state, circuit.calls, circuit.failures], ['closed', 0, 0]);
    repeat(3, () => fail(circuit));
    assert.equal(circuit.state, 'closed');
  });

  timed('3.6 one failure opens it again for the whole time, whatever succeeded before', (clock) => {
    const circuit = opened({ halfOpenCalls: 2 });
    clock.tick(6_000);
    succeed(circuit);
    fail(circuit, 'again');
    const answer = circuit.admit('a call');
    assert.deepEqual(refused(answer), ['open', 5_000]);
    assert.equal((answer as Refusal).cause, 'again');
    clock.tick(5_000);
    succeed(circuit);
    assert.equal(circuit.state, 'half-open');
  });

  timed('3.6 opening counts from 1, and anew after closing', (clock) => {
    const openings: unknown[] = [];
    const halfOpenAfter = (opening: number, error: unknown, context: string): number => {
      openings.push([opening, error, context]);
      return opening * 100;
    };
    const circuit = create(inARow(1, { halfOpenAfter }));
    fail(circuit, 'first');
    clock.tick(100);
    fail(circuit, 'second');
    clock.tick(199);
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 1]);
    clock.tick(1);
    succeed(circuit);
    fail(circuit, 'third');
    assert.deepEqual(openings, [
      [1, 'first', 'a call'],
      [2, 'second', 'a call'],
      [1, 'third', 'a call'],
    ]);
  });

  timed('3.6 it opens for 5 s when halfOpenAfter throws, and only that call gets it', () => {
    const changes: string[] = [];
    const halfOpenAfter = (): number => {
      throw new Error('mine');
    };
    const circuit = create(inARow(1, noting(changes, { halfOpenAfter })));
    assert.throws(() => fail(circuit), new Error('mine'));
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 5_000]);
    assert.deepEqual(changes, ['closed > open: failed, by a call']);
  });

  timed('3.6 for 5 s also where it said otherwise before', (clock) => {
    const halfOpenAfter = (opening: number): number => {
      if (opening > 1) throw new Error('mine');
      return 100;
    };
    const circuit = create(inARow(1, { halfOpenAfter }));
    fail(circuit);
    clock.tick(100);
    assert.throws(() => fail(circuit), new Error('mine'));
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 5_000]);
  });

  for (const wrong of [Number.NaN, -1, '5', undefined, Promise.reject(new Error('later'))]) {
    timed(`3.6 and when halfOpenAfter gives ${String(wrong)}`, () => {
      const circuit = create(inARow(1, { halfOpenAfter: () => wrong as number }));
      assert.throws(
        () => fail(circuit),
        (error: Error) =>
          error instanceof ConfigurationError &&
          error.message.startsWith(
            '@circuitBreaker on Weather.forecast: expected `halfOpenAfter` to return a number of',
          ),
      );
      assert.deepEqual(refused(circuit.admit('a call')), ['open', 5_000]);
    });
  }

  timed('3.7 a probe that ends neutrally frees its place and decides nothing', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    repeat(5, () => {
      circuit.leave(enter(circuit));
      assert.equal(circuit.state, 'half-open');
    });
    enter(circuit);
    assert.deepEqual(refused(circuit.admit('a call')), ['half-open', 0]);
  });

  timed('3.8 a probe as old as halfOpenAfter lets another in, and so on', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    repeat(20, () => {
      enter(circuit);
      clock.tick(4_999);
      assert.deepEqual(refused(circuit.admit('a call')), ['half-open', 0]);
      clock.tick(1);
    });
  });

  timed('3.8 the success of an old probe closes it', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    const old = enter(circuit);
    clock.tick(5_000);
    enter(circuit);
    circuit.succeed(old, 'the old one');
    assert.equal(circuit.state, 'closed');
  });

  timed('3.8 the failure of an old probe opens it', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    const old = enter(circuit);
    clock.tick(5_000);
    const young = enter(circuit);
    circuit.fail(old, 'old', 'the old one');
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 5_000]);
    circuit.succeed(young, 'a call');
    assert.equal(circuit.state, 'open');
  });

  timed('3.8 an old probe that ends neutrally frees no place of another', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    const old = enter(circuit);
    clock.tick(5_000);
    enter(circuit);
    circuit.leave(old);
    assert.deepEqual(refused(circuit.admit('a call')), ['half-open', 0]);
  });

  timed('3.8 an old probe counts no more once that half-open period is over', (clock) => {
    const circuit = opened();
    clock.tick(5_000);
    const old = enter(circuit);
    clock.tick(5_000);
    fail(circuit);
    clock.tick(5_000);
    const probe = enter(circuit);
    circuit.succeed(old, 'the old one');
    assert.equal(circuit.state, 'half-open');
    circuit.succeed(probe, 'a call');
    assert.equal(circuit.state, 'closed');
  });

  timed('3.8 a clock that is set back makes every probe an old one', (clock) => {
    clock.tick(1e6);
    const circuit = opened();
    clock.tick(5_000);
    enter(circuit);
    clock.setSystemTime(0);
    clock.reset();
    enter(circuit);
  });
});

describe('the end of a call begun in an earlier state', () => {
  timed('3.9 is ignored while open, half-open, and closed again', (clock) => {
    const circuit = create(inARow(3));
    const late = Array.from({ length: 9 }, () => enter(circuit));
    const endThree = (): void => {
      circuit.succeed(late.pop() ?? 0, 'a late call');
      circuit.fail(late.pop() ?? 0, 'late', 'a late call');
      circuit.leave(late.pop() ?? 0);
    };
    repeat(3, () => fail(circuit));
    clock.tick(1_000);
    endThree();
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 4_000]);
    clock.tick(4_000);
    const probe = enter(circuit);
    endThree();
    assert.deepEqual(refused(circuit.admit('a call')), ['half-open', 0]);
    circuit.succeed(probe, 'a call');
    endThree();
    assert.deepEqual([circuit.state, circuit.failures], ['closed', 0]);
  });

  timed('3.9 of a probe is ignored after another opened or closed it', (clock) => {
    const circuit = opened({ halfOpenCalls: 2 });
    clock.tick(5_000);
    const [first, second] = [enter(circuit), enter(circuit)];
    circuit.fail(first, 'failed', 'a call');
    clock.tick(1_000);
    circuit.fail(second, 'late', 'a late call');
    const answer = circuit.admit('a call');
    assert.deepEqual(refused(answer), ['open', 4_000]);
    assert.equal((answer as Refusal).cause, 'failed');
  });
});

timed('3.10 no timer is set; read after halfOpenAfter it says half-open, and tells no hook', (clock) => {
  const changes: string[] = [];
  const circuit = opened(noting(changes));
  assert.equal(clock.countTimers(), 0);
  clock.tick(4_999);
  assert.equal(circuit.state, 'open');
  clock.tick(1);
  assert.equal(circuit.state, 'half-open');
  assert.equal(changes.length, 1);
  enter(circuit);
  assert.deepEqual(changes.slice(1), ['open > half-open: failed, by a call']);
  assert.equal(clock.countTimers(), 0);
});

describe('each attempt counts once', () => {
  timed('3.11 and refused ones not at all', (clock) => {
    const circuit = create(byRatio());
    repeat(4, () => fail(circuit));
    repeat(100, () => circuit.admit('a call'));
    assert.deepEqual([circuit.calls, circuit.failures], [4, 4]);
    clock.tick(5_000);
    enter(circuit);
    repeat(100, () => circuit.admit('a call'));
    assert.deepEqual([circuit.calls, circuit.failures], [4, 4]);
  });

  timed('3.11 an abort storm keeps it closed, and counts for nothing', () => {
    for (const options of [inARow(3), byRatio()]) {
      const circuit = create(options);
      const tokens = Array.from({ length: 1_000 }, () => enter(circuit));
      for (const token of tokens) circuit.leave(token);
      assert.deepEqual([circuit.state, circuit.calls, circuit.failures], ['closed', 0, 0]);
    }
  });
});

describe('isolated', () => {
  timed('3.12 isolations are counted; ending the last closes it', () => {
    const circuit = create(inARow(3));
    const [first, second] = [circuit.isolate(), circuit.isolate()];
    first[Symbol.dispose]();
    assert.deepEqual(refused(circuit.admit('a call')), ['isolated', Number.POSITIVE_INFINITY]);
    second();
    assert.equal(circuit.state, 'closed');
    enter(circuit);
  });

  timed('3.12 one isolation ends once', () => {
    const circuit = create(inARow(3));
    const [first, second] = [circuit.isolate(), circuit.isolate()];
    repeat(3, () => first());
    assert.equal(circuit.state, 'isolated');
    second();
    fail(circuit);
    second();
    assert.equal(circuit.failures, 1);
  });

  timed('3.12 ends meanwhile, and of calls begun before, are ignored', () => {
    const circuit = create(inARow(1));
    const late = [enter(circuit), enter(circuit)];
    const end = circuit.isolate();
    circuit.fail(late[0], 'late', 'a late call');
    assert.equal(circuit.state, 'isolated');
    end();
    circuit.fail(late[1], 'late', 'a late call');
    assert.deepEqual([circuit.state, circuit.failures], ['closed', 0]);
  });

  timed('3.12 from every state, and time does not end it', (clock) => {
    const circuit = opened();
    const end = circuit.isolate();
    clock.tick(1e6);
    assert.equal(circuit.state, 'isolated');
    end();
    assert.deepEqual([circuit.state, circuit.failures], ['closed', 0]);
  });

  timed('3.12 a refusal has no cause, as nothing failed', () => {
    const circuit = opened();
    circuit.isolate();
    assert.equal((circuit.admit('a call') as Refusal).cause, undefined);
  });

  timed('3.12 reset closes it from every state, as new; calls under way count no more', (clock) => {
    const circuit = opened({ halfOpenAfter: (opening) => opening * 1_000 });
    circuit.reset();
    assert.deepEqual([circuit.state, circuit.failures, circuit.isIdle], ['closed', 0, true]);
    repeat(3, () => fail(circuit));
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 1_000]);
    clock.tick(1_000);
    const probe = enter(circuit);
    circuit.reset();
    circuit.fail(probe, 'late', 'a late call');
    assert.deepEqual([circuit.state, circuit.failures], ['closed', 0]);
    const late = enter(circuit);
    fail(circuit);
    circuit.reset();
    circuit.fail(late, 'late', 'a late call');
    assert.deepEqual([circuit.state, circuit.failures, circuit.isIdle], ['closed', 0, true]);
  });

  timed('3.12 reset ends isolations; those who made them end nothing later', () => {
    const circuit = create(inARow(1));
    const before = circuit.isolate();
    circuit.reset();
    assert.equal(circuit.state, 'closed');
    const after = circuit.isolate();
    before();
    assert.equal(circuit.state, 'isolated');
    after();
    assert.equal(circuit.state, 'closed');
  });
});

describe('idle', () => {
  timed('3.13 closed and empty, with no call under way', () => {
    for (const options of [inARow(3), byRatio()]) {
      const circuit = create(options);
      assert.ok(circuit.isIdle);
      const token = enter(circuit);
      // It may fail, and then its failure must not be lost.
      assert.ok(!circuit.isIdle);
      circuit.fail(token, 'failed', 'a call');
      assert.ok(!circuit.isIdle);
    }
  });

  timed('3.13 again after a success, an empty window, a neutral end', (clock) => {
    const row = create(inARow(3));
    fail(row);
    succeed(row);
    assert.ok(row.isIdle);
    row.leave(enter(row));
    assert.ok(row.isIdle);
    const window = create(byRatio());
    fail(window);
    succeed(window);
    clock.tick(9_999);
    assert.ok(!window.isIdle);
    clock.tick(1);
    assert.ok(window.isIdle);
  });

  test('3.13 of an empty window is seen without the clock', (t) =>
    underFakeClock(async () => {
      const circuit = create(byRatio());
      const time = t.mock.method(performance, 'now');
      assert.ok(circuit.isIdle);
      assert.equal(circuit.failures, 0);
      assert.equal(time.mock.callCount(), 0);
      succeed(circuit);
      assert.notEqual(time.mock.callCount(), 0);
    }));

  test('3.13 a few circuits serve any number of keys that are called once', () => {
    let made = 0;
    const make = (): Circuit<never> => {
      made++;
      return create(inARow(3)) as Circuit<never>;
    };
    const circuits = new Circuits({ key: () => 'a' }, make, () => {}).byKeyOf(undefined);
    for (let i = 0; i < 100; i++) circuits.use(String(i));
    assert.ok(made < 5, `${made} circuits`);
  });

  timed('3.13 not while open, half-open or isolated', (clock) => {
    const circuit = opened();
    assert.ok(!circuit.isIdle);
    clock.tick(5_000);
    assert.ok(!circuit.isIdle);
    circuit.leave(enter(circuit));
    assert.ok(!circuit.isIdle);
    circuit.isolate();
    assert.ok(!circuit.isIdle);
    circuit.reset();
    assert.ok(circuit.isIdle);
  });

  timed('3.13 whichever way calls end, none is taken to be under way for ever', (clock) => {
    const circuit = create(inARow(1));
    const tokens = Array.from({ length: 5 }, () => enter(circuit));
    fail(circuit);
    refused(circuit.recheck(tokens[0], 'a call'));
    circuit.leave(tokens[1]);
    circuit.succeed(tokens[2], 'a call');
    clock.tick(5_000);
    const probe = admitted(circuit.recheck(tokens[3], 'a call'));
    circuit.fail(tokens[4], 'late', 'a call');
    circuit.succeed(admitted(circuit.recheck(probe, 'a call')), 'a call');
    assert.ok(circuit.isIdle);
  });
});

describe('onStateChange', () => {
  timed('3.14 runs after the change, with what opened it and the call that made it', (clock) => {
    const seen: unknown[] = [];
    const circuit = create(
      inARow(1, {
        onStateChange: ({ from, to, error }, context) => {
          assert.equal(circuit.state, to);
          seen.push([from, to, error, context]);
        },
      }),
    );
    circuit.fail(enter(circuit), 'boom', 'first');
    clock.tick(5_000);
    circuit.succeed(admitted(circuit.admit('second')), 'third');
    circuit.isolate()();
    circuit.reset();
    assert.deepEqual(seen, [
      ['closed', 'open', 'boom', 'first'],
      ['open', 'half-open', 'boom', 'second'],
      ['half-open', 'closed', undefined, 'third'],
      ['closed', 'isolated', undefined, undefined],
      ['isolated', 'closed', undefined, undefined],
    ]);
  });

  /** A circuit whose hook throws. */
  const throwing = (): Circuit<string> =>
    create(
      inARow(1, {
        onStateChange: ({ to }) => {
          throw new Error(`to ${to}`);
        },
      }),
    );

  timed('3.14 what it throws is for that call alone; the change stands', (clock) => {
    const circuit = throwing();
    assert.throws(() => fail(circuit), new Error('to open'));
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 5_000]);
    clock.tick(5_000);
    assert.throws(() => circuit.admit('a call'), new Error('to half-open'));
    const probe = enter(circuit);
    assert.throws(() => circuit.succeed(probe, 'a call'), new Error('to closed'));
    assert.deepEqual([circuit.state, circuit.isIdle], ['closed', true]);
  });

  timed('3.14 a change by hand stands and gives what it gives, though the hook throws', () => {
    const errors: unknown[] = [];
    const onHookError = (error: unknown) => errors.push(error);
    const circuit = create(
      inARow(1, {
        onStateChange: ({ to }) => {
          throw new Error(`to ${to}`);
        },
        onHookError,
      }),
    );
    assert.throws(() => fail(circuit), new Error('to open'));
    const [first, second] = [circuit.isolate(), circuit.isolate()];
    assert.deepEqual(refused(circuit.admit('a call')), ['isolated', Number.POSITIVE_INFINITY]);
    first();
    assert.equal(circuit.state, 'isolated');
    second[Symbol.dispose]();
    assert.equal(circuit.state, 'closed');
    assert.throws(() => fail(circuit), new Error('to open'));
    circuit.reset();
    assert.equal(circuit.state, 'closed');
    assert.deepEqual(errors, [new Error('to isolated'), new Error('to closed'), new Error('to closed')]);
  });

  timed('3.14 a change by hand is told with what was given for it', () => {
    const seen: unknown[] = [];
    const circuit = create(inARow(1, { onStateChange: ({ to }, context) => seen.push([to, context]) }));
    circuit.isolate('by hand')();
    circuit.fail(enter(circuit), 'boom', 'a call');
    circuit.reset('by hand too');
    assert.deepEqual(seen, [
      ['isolated', 'by hand'],
      ['closed', 'by hand'],
      ['open', 'a call'],
      ['closed', 'by hand too'],
    ]);
  });

  timed('3.14 the call that it tells of is the first probe, whatever calls the hook makes', (clock) => {
    const inner: unknown[] = [];
    const circuit = create(
      inARow(1, {
        onStateChange: ({ to }) => {
          if (to === 'half-open') inner.push(refused(circuit.admit('inner')));
        },
      }),
    );
    fail(circuit);
    clock.tick(5_000);
    circuit.succeed(enter(circuit), 'a call');
    assert.deepEqual(inner, [['half-open', 0]]);
    assert.equal(circuit.state, 'closed');
  });

  timed('3.14 a hook may isolate or reset the circuit: the call goes by that', (clock) => {
    let act = (_circuit: Circuit<string>): unknown => undefined;
    const circuit = create(
      inARow(1, {
        onStateChange: ({ to }) => {
          if (to === 'half-open') act(circuit);
        },
      }),
    );
    act = () => circuit.reset();
    fail(circuit);
    clock.tick(5_000);
    fail(circuit);
    assert.equal(circuit.state, 'open');
    act = () => circuit.isolate();
    clock.tick(5_000);
    assert.deepEqual(refused(circuit.admit('a call')), ['isolated', Number.POSITIVE_INFINITY]);
    circuit.reset();
    assert.ok(circuit.isIdle);
  });

  timed('3.14 what halfOpenAfter gives is for its own opening, though it opens the circuit anew', () => {
    let isNested = false;
    const circuit = create(
      inARow(1, {
        halfOpenAfter: () => {
          if (isNested) return 70;
          isNested = true;
          circuit.reset();
          fail(circuit);
          return 10;
        },
      }),
    );
    fail(circuit);
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 70]);
  });

  timed('3.14 halfOpenAfter may reset the circuit', () => {
    const circuit = create(
      inARow(1, {
        halfOpenAfter: () => {
          circuit.reset();
          return 10;
        },
      }),
    );
    fail(circuit);
    assert.deepEqual([circuit.state, circuit.isIdle], ['closed', true]);
  });
});

describe('configure', () => {
  timed('keeps the failures in a row, and judges by the new number at the next', () => {
    const circuit = create(inARow(5));
    repeat(3, () => fail(circuit));
    circuit.configure(inARow(2));
    assert.deepEqual([circuit.state, circuit.failures], ['closed', 3]);
    fail(circuit);
    assert.equal(circuit.state, 'open');
  });

  timed('keeps the window, and what it holds', () => {
    const circuit = create(byRatio({ minCalls: 100 } as Partial<Options>));
    repeat(3, () => fail(circuit));
    circuit.configure(byRatio());
    assert.deepEqual([circuit.calls, circuit.failures], [3, 3]);
    fail(circuit);
    assert.equal(circuit.state, 'open');
  });

  timed('a window of another length holds what it reaches back to', (clock) => {
    const options = (window: number): Options => byRatio({ minCalls: 1_000, window } as Partial<Options>);
    const circuit = create(options(10_000));
    clock.tick(50_000);
    repeat(9, () => {
      fail(circuit);
      clock.tick(1_000);
    });
    circuit.configure(options(100_000));
    assert.equal(circuit.calls, 9);
    clock.tick(80_000);
    assert.equal(circuit.calls, 9);
    clock.tick(21_000);
    assert.equal(circuit.calls, 0);
    repeat(9, () => {
      fail(circuit);
      clock.tick(10_000);
    });
    circuit.configure(options(40_000));
    assert.deepEqual([circuit.calls, circuit.failures], [4, 4]);
  });

  timed('a window of another length counts nothing twice, whatever numbers its buckets have', (clock) => {
    const options = (window: number): Options => byRatio({ minCalls: 100, window } as Partial<Options>);
    const circuit = create(options(15_000));
    clock.tick(36_000);
    repeat(3, () => fail(circuit));
    for (const window of [10_000, 20_000, 5_000]) {
      circuit.configure(options(window));
      assert.deepEqual([circuit.calls, circuit.failures], [3, 3]);
    }
    clock.reset();
    circuit.configure(options(10_000));
    assert.deepEqual([circuit.calls, circuit.failures], [0, 0]);
  });

  timed('counts anew where it counts otherwise', () => {
    const circuit = create(inARow(5));
    repeat(3, () => fail(circuit));
    circuit.configure(byRatio());
    assert.equal(circuit.calls, 0);
    repeat(3, () => fail(circuit));
    circuit.configure(inARow(2));
    assert.equal(circuit.failures, 0);
  });

  timed('keeps an open circuit open, and holds for what is left of it', (clock) => {
    const circuit = opened();
    clock.tick(1_000);
    circuit.configure(inARow(3, { halfOpenAfter: 2_000 }));
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 1_000]);
    circuit.configure(inARow(3, { halfOpenAfter: () => 60_000 }));
    assert.deepEqual(refused(circuit.admit('a call')), ['open', 1_000]);
    clock.tick(1_000);
    enter(circuit);
    circuit.configure(inARow(3, { halfOpenCalls: 2 }));
    enter(circuit);
    assert.deepEqual(refused(circuit.admit('a call')), ['half-open', 0]);
  });

  timed('calls under way still count', () => {
    const circuit = create(inARow(5));
    const token = enter(circuit);
    circuit.configure(inARow(1));
    circuit.fail(token, 'failed', 'a call');
    assert.equal(circuit.state, 'open');
  });
});

describe('the error', () => {
  const errorOf = (circuit: Circuit<string>): CircuitOpenError =>
    circuitOpenError('Weather.forecast', circuit.admit('a call') as Refusal);

  timed('X5 is a RejectedError of the circuit breaker, with what a caller needs', (clock) => {
    const cause = new Error('boom');
    const circuit = create(inARow(1));
    fail(circuit, cause);
    clock.tick(1_800);
    const error = errorOf(circuit);
    assert.ok(error instanceof CircuitOpenError && error instanceof RejectedError);
    assert.equal(error.name, 'CircuitOpenError');
    assert.deepEqual(
      [error.policy, error.reason, error.retryAfter, error.cause],
      ['circuitBreaker', 'open', 3_200, cause],
    );
    assert.deepEqual(Object.keys(error).sort(), ['policy', 'reason', 'retryAfter']);
  });

  timed('X5 says what opened it, and when there is a way again', (clock) => {
    const messages: string[] = [];
    const note = (circuit: Circuit<string>): void => {
      messages.push(errorOf(circuit).message);
    };
    const row = create(inARow(5));
    repeat(5, () => fail(row));
    clock.tick(1_800);
    note(row);
    clock.tick(3_200);
    const probe = enter(row);
    note(row);
    row.fail(probe, 'failed', 'a call');
    note(row);
    row.isolate();
    note(row);
    const window = create(byRatio({ halfOpenCalls: 2 }));
    repeat(2, () => succeed(window));
    repeat(2, () => fail(window));
    note(window);
    clock.tick(5_000);
    repeat(2, () => enter(window));
    note(window);
    assert.deepEqual(messages, [
      'Weather.forecast: its circuit is open (5 failures in a row; next probe in 3200 ms)',
      'Weather.forecast: its circuit is half-open (5 failures in a row; the probe is under way)',
      'Weather.forecast: its circuit is open (a probe failed; next probe in 5000 ms)',
      'Weather.forecast: its circuit is isolated (by hand, until that is undone)',
      'Weather.forecast: its circuit is open (2 of 4 calls failed; next probe in 5000 ms)',
      'Weather.forecast: its circuit is half-open (2 of 4 calls failed; 2 probes are under way)',
    ]);
  });

  test('X5 a RejectedError says when to come again where that is known, and has no such field elsewhere', () => {
    assert.equal(new RejectedError('text', 'rateLimit', 'queue-full', 20).retryAfter, 20);
    assert.ok(!('retryAfter' in new RejectedError('text', 'rateLimit', 'queue-full')));
  });
});
