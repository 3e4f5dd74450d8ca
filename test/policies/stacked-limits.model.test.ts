import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConcurrencyLimiter, concurrency, RateLimiter, rateLimit, statsOf } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { watched } from '../support/timed.js';
import { Work } from '../support/work.js';

/** Arrays as long as they may be, not as long as fast-check likes them. */
const whole = { size: 'max' } as const;
const index = fc.nat({ max: 1000 });

const rule = fc.record({ rate: fc.integer({ min: 1, max: 6 }), per: fc.integer({ min: 2, max: 60 }) });
type Rule = typeof rule extends fc.Arbitrary<infer R> ? R : never;

type Step =
  | { does: 'call'; weights: [number, number] }
  | { does: 'wait'; ms: number }
  | { does: 'abort'; at: number }
  | { does: 'pause'; which: 0 | 1; ms: number }
  | { does: 'resume'; which: 0 | 1 };

const which = fc.constantFrom(0 as const, 1 as const);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        does: fc.constant('call' as const),
        weights: fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })),
      }),
    },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('abort' as const), at: index }) },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('pause' as const), which, ms: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('resume' as const), which }) },
  ),
  { minLength: 15, maxLength: 45, ...whole },
);

/** A sliding window of weights, millisecond by millisecond: who waits, who holds, and what counts. */
class Window {
  line: number[] = [];
  readonly held = new Set<number>();
  counting: { weight: number; at: number }[] = [];
  pausedUntil = 0;

  constructor(
    readonly rule: Rule,
    readonly weightOf: (id: number) => number,
  ) {}

  get used(): number {
    const held = [...this.held].reduce((sum, id) => sum + this.weightOf(id), 0);
    return held + this.counting.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** Whose turn has come: they hold from now on. */
  admit(time: number): number[] {
    this.counting = this.counting.filter(({ at }) => at + this.rule.per > time);
    const admitted: number[] = [];
    while (time >= this.pausedUntil && this.line.length > 0) {
      const [first] = this.line;
      if (this.weightOf(first) > 0 && this.used + this.weightOf(first) > this.rule.rate) break;
      this.line.shift();
      this.held.add(first);
      admitted.push(first);
    }
    return admitted;
  }

  use(id: number, time: number): void {
    this.held.delete(id);
    this.counting.push({ weight: this.weightOf(id), at: time });
  }

  leave(id: number): void {
    this.held.delete(id);
    this.line = this.line.filter((each) => each !== id);
  }
}

/** Two of them, one after the other: what is taken of the first is held while the second is waited for. */
class Stack {
  readonly starts: [id: number, at: number][] = [];
  readonly weights: [number, number][] = [];
  time = 0;
  readonly windows: readonly [Window, Window];

  constructor(rules: readonly [Rule, Rule]) {
    this.windows = [
      new Window(rules[0], (id) => this.weights[id][0]),
      new Window(rules[1], (id) => this.weights[id][1]),
    ];
  }

  go(): void {
    const [first, second] = this.windows;
    let isNew = true;
    while (isNew) {
      const passed = first.admit(this.time);
      second.line.push(...passed);
      const admitted = second.admit(this.time);
      for (const id of admitted) {
        if (this.time < first.pausedUntil) {
          // Turned away: it waits in the first once more, before all who have not had their turn there.
          second.leave(id);
          first.held.delete(id);
          const behind = first.line.findIndex((each) => !this.#hadTurn.has(each));
          first.line.splice(behind === -1 ? first.line.length : behind, 0, id);
          this.#hadTurn.add(id);
          continue;
        }
        first.use(id, this.time);
        second.use(id, this.time);
        this.starts.push([id, this.time]);
      }
      isNew = passed.length + admitted.length > 0;
    }
  }

  readonly #hadTurn = new Set<number>();
}

describe('stacked windows', () => {
  test('7.2 7.3 7.4 they admit, hold, turn away and give back as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(rule, rule), steps, (rules, todo) =>
        underFakeClock(async (clock) => {
          const model = new Stack(rules);
          const limiters = rules.map((each) => new RateLimiter(each));
          const starts: [number, number][] = [];
          class Api {
            @rateLimit([
              { limiter: limiters[0], weight: (id: number) => model.weights[id][0] },
              { limiter: limiters[1], weight: (id: number) => model.weights[id][1] },
            ])
            async get(id: number, _signal: AbortSignal): Promise<void> {
              starts.push([id, clock.now]);
            }
          }
          const api = new Api();
          const gone: AbortController[] = [];
          const pass = async (ms: number): Promise<void> => {
            for (let i = 0; i < ms; i++) {
              clock.tick(1);
              model.time++;
              model.go();
              await flush();
            }
          };
          for (const step of todo) {
            if (step.does === 'wait') {
              await pass(step.ms);
            } else if (step.does === 'call') {
              const id = gone.length;
              const weights = step.weights.map((weight, at) => Math.min(weight, rules[at].rate));
              model.weights.push(weights as [number, number]);
              model.windows[0].line.push(id);
              gone.push(new AbortController());
              watched(api.get(id, gone[id].signal));
            } else if (step.does === 'abort') {
              const waiting = model.windows.flatMap(({ line }) => line);
              const id = waiting[step.at % Math.max(1, waiting.length)];
              if (id === undefined) continue;
              gone[id].abort();
              for (const window of model.windows) window.leave(id);
            } else {
              const window = model.windows[step.which];
              if (step.does === 'pause') {
                window.pausedUntil = Math.max(window.pausedUntil, model.time + step.ms);
                limiters[step.which].pause(step.ms);
              } else {
                window.pausedUntil = model.time;
                limiters[step.which].resume();
              }
            }
            model.go();
            await flush();
            assert.deepEqual(starts, model.starts);
            for (const [at, { waiting, used }] of limiters.entries()) {
              assert.deepEqual([waiting, used], [model.windows[at].line.length, model.windows[at].used], `limit ${at}`);
            }
          }
          await pass(6 * 60 * gone.length);
          assert.deepEqual(starts, model.starts);
          assert.ok(limiters.every(({ waiting, used }) => waiting === 0 && used === 0));
          assert.equal(statsOf(Api, 'get').queued, 0);
          assert.equal(clock.countTimers(), 0);
        }),
      ),
      { numRuns: 40 },
    );
  });
});

type SlotStep =
  | { does: 'call'; weights: [number, number]; priority: number }
  | { does: 'end'; at: number }
  | { does: 'abort'; at: number }
  | { does: 'configure'; limit: number };

const slotSteps: fc.Arbitrary<SlotStep[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        does: fc.constant('call' as const),
        weights: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
        priority: fc.integer({ min: -2, max: 2 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ does: fc.constant('end' as const), at: index }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('abort' as const), at: index }) },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('configure' as const), limit: fc.integer({ min: 1, max: 6 }) }),
    },
  ),
  { minLength: 20, maxLength: 60, ...whole },
);

describe('stacked slots', () => {
  test('7.2 7.3 7.5 with weights, priorities and a limit that changes, nothing is lost and nobody is overtaken', async () => {
    await fc.assert(
      fc.asyncProperty(slotSteps, (todo) =>
        underFakeClock(async (clock) => {
          const limiters = [new ConcurrencyLimiter(4), new ConcurrencyLimiter(4)];
          const work = new Work();
          const calls: { weights: [number, number]; rank: number; gone: AbortController }[] = [];
          class Shop {
            @concurrency([
              {
                limiter: limiters[0],
                weight: (id: number) => calls[id].weights[0],
                priority: (_id: number, priority: number) => priority,
                priorityAging: 3,
              },
              { limiter: limiters[1], weight: (id: number) => calls[id].weights[1] },
            ])
            async buy(id: number, _priority: number, _signal: AbortSignal): Promise<unknown> {
              return await work.begin(String(id));
            }
          }
          const shop = new Shop();
          // What the model knows: the two lines, who holds what, and who runs.
          let first: number[] = [];
          let second: number[] = [];
          const holding = new Set<number>();
          const running = new Set<number>();
          const begun: string[] = [];
          let limit = 4;
          const used = (at: 0 | 1): number => {
            const holders = at === 0 ? [...holding, ...running] : [...running];
            return holders.reduce((sum, id) => sum + calls[id].weights[at], 0);
          };
          const fits = (id: number, at: 0 | 1, most: number): boolean =>
            calls[id].weights[at] === 0 || used(at) === 0 || used(at) + calls[id].weights[at] <= most;
          const go = (): void => {
            for (let isNew = true; isNew; ) {
              isNew = false;
              while (first.length > 0 && fits(first[0], 0, limit)) {
                const id = first.shift() as number;
                holding.add(id);
                second.push(id);
                isNew = true;
              }
              while (second.length > 0 && fits(second[0], 1, 4)) {
                const id = second.shift() as number;
                holding.delete(id);
                running.add(id);
                begun.push(String(id));
                isNew = true;
              }
            }
          };
          for (const step of todo) {
            clock.tick(1);
            if (step.does === 'call') {
              const id = calls.length;
              const gone = new AbortController();
              calls.push({ weights: step.weights, rank: clock.now - 3 * step.priority, gone });
              // Behind all who count as having come no later.
              const behind = first.findIndex((each) => calls[each].rank > calls[id].rank);
              first.splice(behind === -1 ? first.length : behind, 0, id);
              watched(shop.buy(id, step.priority, gone.signal));
            } else if (step.does === 'end') {
              const id = [...running][step.at % Math.max(1, running.size)];
              if (id === undefined) continue;
              running.delete(id);
              work.end(String(id));
            } else if (step.does === 'abort') {
              const waiting = [...first, ...second];
              const id = waiting[step.at % Math.max(1, waiting.length)];
              if (id === undefined) continue;
              calls[id].gone.abort();
              first = first.filter((each) => each !== id);
              second = second.filter((each) => each !== id);
              holding.delete(id);
            } else {
              limit = step.limit;
              limiters[0].configure({ limit });
            }
            go();
            await flush();
            assert.deepEqual(work.begun, begun);
            assert.deepEqual(
              limiters.map(({ waiting }) => waiting),
              [first.length, second.length],
            );
            assert.deepEqual(
              limiters.map((each) => each.used),
              [used(0), used(1)],
            );
          }
          while (work.running.length > 0) {
            work.endAll();
            await flush();
          }
          assert.ok(limiters.every(({ waiting, used: left }) => waiting === 0 && left === 0));
          const { running: left, queued } = statsOf(Shop, 'buy');
          assert.deepEqual([left, queued], [0, 0]);
        }),
      ),
      { numRuns: 100 },
    );
  });
});
