import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Clock, install } from '@sinonjs/fake-timers';
import fc from 'fast-check';
import { Circuit } from '../../src/policies/circuit.js';
import type { CircuitChange, CircuitOptions } from '../../src/policies/circuit-options.js';
import type { Refusal } from '../../src/policies/circuit-refusal.js';
import { type Answer, CircuitReference, type ReferenceCall } from '../support/circuit-reference.js';

type Options = CircuitOptions<unknown>;

const halves = {
  halfOpenAfter: fc.oneof(
    fc.constantFrom(0, 10, 30),
    fc.constant((opening: number) => opening * 10),
  ),
  halfOpenCalls: fc.integer({ min: 1, max: 3 }),
};
const inARow = fc.record({ consecutive: fc.integer({ min: 1, max: 4 }), ...halves });
const byRatio = fc.record({
  failureRatio: fc.constantFrom(0.1, 0.3, 0.5, 1),
  window: fc.constantFrom(10, 50, 200),
  minCalls: fc.integer({ min: 1, max: 6 }),
  ...halves,
});

/** What can be done, and how often it is. */
const weights = {
  admit: 10,
  succeed: 5,
  fail: 7,
  leave: 1,
  recheck: 1,
  pass: 6,
  setBack: 1,
  isolate: 1,
  endIsolation: 2,
  reset: 1,
  throw: 1,
  configure: 1,
};
type Does = keyof typeof weights;

const does = fc.oneof(
  ...Object.entries(weights).map(([name, weight]) => ({ weight, arbitrary: fc.constant(name as Does) })),
);
const steps = (options: fc.Arbitrary<Options>) =>
  fc.array(fc.record({ does, at: fc.nat({ max: 1000 }), options }), { maxLength: 80, size: 'max' });

/** What came of doing something: what it gave, or what it threw. */
function outcome<T>(act: () => T): { readonly gave?: T; readonly threw?: unknown } {
  try {
    return { gave: act() };
  } catch (error) {
    return { threw: (error as Error).message };
  }
}

const textOf = (answer: number | Refusal | Answer | undefined): string => {
  if (typeof answer === 'string') return answer;
  if (typeof answer === 'object' && 'reason' in answer) {
    return `refused: ${answer.reason} ${answer.retryAfter} ${answer.cause}`;
  }
  return 'admitted';
};

/** A circuit beside its reference, under a fake clock. */
class Pair {
  readonly #changes: CircuitChange[] = [];
  readonly #real: Circuit<unknown>;
  readonly #model: CircuitReference;
  readonly #calls: { readonly token: number; readonly modelled: ReferenceCall }[] = [];
  readonly #isolations: (readonly [end: () => void, modelled: () => void])[] = [];

  constructor(
    readonly clock: Clock,
    readonly given: Options,
    readonly seen: Set<string>,
  ) {
    this.#model = new CircuitReference(given);
    this.#real = new Circuit(this.#hooked(given), { text: 'a circuit' });
  }

  do(what: Does, at: number, options: Options): void {
    const [real, model] = [this.#real, this.#model];
    const doers: Record<Does, () => unknown> = {
      admit: () =>
        this.#answer(
          () => real.admit(undefined),
          () => model.admit(),
        ),
      recheck: () =>
        this.#withCall(at, (token, modelled) =>
          this.#answer(
            () => real.recheck(token, undefined),
            () => model.recheck(modelled),
          ),
        ),
      succeed: () =>
        this.#withCall(at, (token, modelled) =>
          this.#both(
            () => real.succeed(token, undefined),
            () => model.succeed(modelled),
          ),
        ),
      fail: () =>
        this.#withCall(at, (token, modelled) =>
          this.#both(
            () => real.fail(token, `error ${at}`, undefined),
            () => model.fail(modelled, `error ${at}`),
          ),
        ),
      leave: () =>
        this.#withCall(at, (token, modelled) =>
          this.#both(
            () => real.leave(token),
            () => model.leave(modelled),
          ),
        ),
      pass: () => {
        this.clock.tick(1 + (at % 40));
        model.time += 1 + (at % 40);
      },
      setBack: () => {
        const time = Math.floor(model.time / (1 + (at % 5)));
        this.clock.reset();
        this.clock.tick(time);
        model.setBack(time);
      },
      isolate: () => {
        const ends = this.#both(
          () => real.isolate(),
          () => model.isolate(),
        );
        if (ends !== undefined) this.#isolations.push(ends);
      },
      // One that has ended may be ended again.
      endIsolation: () => {
        const isolation = this.#isolations[at % Math.max(1, this.#isolations.length)];
        if (isolation !== undefined) this.#both(...isolation);
      },
      reset: () =>
        this.#both(
          () => real.reset(),
          () => model.reset(),
        ),
      throw: () => {
        model.hookThrows = true;
      },
      configure: () => this.#configure(options),
    };
    doers[what]();
  }

  compare(): void {
    const { shown, counted, isIdle, changes } = this.#model;
    const failures = counted.filter(({ failed }) => failed).length;
    const { state, calls, failures: shownFailures, isIdle: shownIdle } = this.#real;
    assert.deepEqual([state, calls, shownFailures, shownIdle], [shown, counted.length, failures, isIdle]);
    assert.deepEqual(this.#changes, changes);
    for (const { from, to } of changes) this.seen.add(`${from} > ${to}`);
  }

  #hooked(options: Options): Options {
    const onStateChange = (change: CircuitChange): void => {
      this.#changes.push(change);
      if (this.#model.hookThrows) throw new Error('the hook');
    };
    return { ...options, onStateChange };
  }

  /** The lengths stay: what a new one makes of older probes and samples is no matter of single samples. */
  #configure(options: Options): void {
    const { halfOpenAfter } = this.given;
    const kept = this.given.consecutive === undefined ? { window: this.given.window } : {};
    const next: Options = { ...options, halfOpenAfter, ...kept };
    this.#real.configure(this.#hooked(next));
    this.#model.options = next;
  }

  #withCall(at: number, act: (token: number, modelled: ReferenceCall) => unknown): void {
    const call = this.#calls.splice(at % Math.max(1, this.#calls.length), 1)[0];
    if (call !== undefined) act(call.token, call.modelled);
  }

  #answer(act: () => number | Refusal, reference: () => Answer): void {
    const answers = this.#both(act, reference);
    if (answers === undefined) return;
    const [token, modelled] = answers;
    assert.equal(textOf(token), textOf(modelled));
    this.seen.add(textOf(token).split(' ', 2).join(' '));
    if (typeof token === 'number' && typeof modelled === 'object') this.#calls.push({ token, modelled });
  }

  /** Does it on both sides; gives what both gave, unless both threw. */
  #both<R, M>(act: () => R, reference: () => M): readonly [R, M] | undefined {
    const [did, should] = [outcome(act), outcome(reference)];
    this.#model.hookThrows = false;
    assert.equal(did.threw, should.threw);
    return 'threw' in did ? undefined : [did.gave as R, should.gave as M];
  }
}

const kinds: readonly [what: string, options: fc.Arbitrary<Options>][] = [
  ['failures in a row', inARow],
  ['a window', byRatio],
];

for (const [what, settings] of kinds) {
  test(`a circuit does what its reference does under any schedule (${what})`, () => {
    const seen = new Set<string>();
    const property = fc.property(settings, steps(settings), (given, schedule) => {
      const clock = install({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
      try {
        const pair = new Pair(clock, given, seen);
        for (const { does, at, options } of schedule) {
          pair.do(does, at, options);
          pair.compare();
        }
      } finally {
        clock.uninstall();
      }
    });
    fc.assert(property, { seed: 20_263, numRuns: 1_500 });
    assert.deepEqual([...seen].sort(), [
      'admitted',
      'closed > isolated',
      'closed > open',
      'half-open > closed',
      'half-open > isolated',
      'half-open > open',
      'isolated > closed',
      'open > closed',
      'open > half-open',
      'open > isolated',
      'refused: half-open',
      'refused: isolated',
      'refused: open',
    ]);
  });
}
