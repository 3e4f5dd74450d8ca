import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { Adaptive, type AdaptiveRules, type Sample } from '../../src/limits/adaptive.js';

/** What an adaptive limit has to do, slow and plain: it keeps all that happened in a window, and looks through it. */
class Reference {
  limit: number;
  hasMoved = false;
  /** The weights of those in the method. */
  readonly inside: number[] = [];
  window:
    | { readonly from: number; readonly uses: number[]; readonly ends: [kind: Sample, duration: number][] }
    | undefined;

  constructor(public rules: AdaptiveRules | undefined) {
    this.limit = rules?.initial ?? 0;
  }

  get used(): number {
    return this.inside.reduce((sum, weight) => sum + weight, 0);
  }

  enter(weight: number, time: number): void {
    this.inside.push(weight);
    this.window ??= { from: time, uses: [], ends: [] };
    this.window.uses.push(this.used);
  }

  end(kind: Sample, duration: number, time: number): void {
    const { window, rules } = this;
    if (window === undefined || rules === undefined) return;
    window.ends.push([kind, duration]);
    const lasted = time - window.from;
    if (window.ends.length < 10 || (lasted >= 0 && lasted < 100)) return;
    this.window = undefined;
    const times = window.ends.filter(([each]) => each === 'value').map(([, each]) => each);
    const mean = times.reduce((sum, each) => sum + each, 0) / times.length;
    const drops = window.ends.filter(([each]) => each === 'drop').length;
    const before = this.limit;
    if (mean > rules.targetLatency || drops / window.ends.length >= 0.05) this.limit = Math.floor(this.limit * 0.9);
    else if (Math.max(...window.uses) >= this.limit / 2) this.limit++;
    this.bound(rules);
    this.hasMoved ||= this.limit !== before;
  }

  bound({ min, max }: AdaptiveRules): void {
    this.limit = Math.max(min, Math.min(max, this.limit));
  }

  configure(rules: AdaptiveRules | undefined): void {
    this.rules = rules;
    this.window = undefined;
    if (rules === undefined) return;
    if (this.hasMoved) this.bound(rules);
    else this.limit = rules.initial;
  }
}

const anyRules: fc.Arbitrary<AdaptiveRules> = fc
  .record({
    bounds: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
    targetLatency: fc.constantFrom(5, 20, 50),
  })
  .map(({ bounds, targetLatency }) => {
    const [min, initial, max] = bounds.sort((one, other) => one - other) as [number, number, number];
    return { min, initial, max, targetLatency };
  });

const step = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({ does: fc.constant('enter' as const), weight: fc.constantFrom(0, 1, 1, 1, 2, 7) }),
  },
  {
    weight: 80,
    arbitrary: fc.record({
      does: fc.constant('end' as const),
      kind: fc.constantFrom<Sample[]>('value', 'value', 'value', 'value', 'value', 'value', 'error', 'drop'),
      duration: fc.integer({ min: 0, max: 60 }),
      at: fc.nat(),
    }),
  },
  { weight: 15, arbitrary: fc.record({ does: fc.constant('leave' as const), at: fc.nat() }) },
  { weight: 25, arbitrary: fc.record({ does: fc.constant('pass' as const), time: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.constant({ does: 'setBack' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('configure' as const), rules: fc.option(anyRules, { nil: undefined }) }),
  },
);

test('7.6 an adaptive limit moves as its rules say, whatever enters and ends, and when', () => {
  const moves = { up: 0, down: 0 };
  fc.assert(
    fc.property(anyRules, fc.array(step, { minLength: 100, maxLength: 400, size: 'max' }), (rules, steps) => {
      const moved: number[] = [];
      const real = new Adaptive((limit) => moved.push(limit));
      real.configure(rules);
      const model = new Reference(rules);
      let time = 1000;
      for (const each of steps) {
        const before = model.limit;
        moved.length = 0;
        if (each.does === 'enter') {
          real.entered(each.weight, time);
          model.enter(each.weight, time);
        } else if (each.does === 'end') {
          real.sample(each.kind, each.duration, time);
          model.end(each.kind, each.duration, time);
          assert.deepEqual(moved, model.limit === before ? [] : [model.limit]);
          if (model.limit > before) moves.up++;
          if (model.limit < before) moves.down++;
        } else if (each.does === 'leave' && model.inside.length > 0) {
          const [weight] = model.inside.splice(each.at % model.inside.length, 1);
          real.left(weight as number);
        } else if (each.does === 'pass') time += each.time;
        else if (each.does === 'setBack') time = 500;
        else if (each.does === 'configure') {
          real.configure(each.rules);
          model.configure(each.rules);
        }
        if (model.rules !== undefined) assert.equal(real.limit, model.limit);
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(moves.up > 50 && moves.down > 50, `it went up ${moves.up} times, and down ${moves.down} times`);
});
