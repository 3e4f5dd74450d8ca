import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { concurrency, configure, rateLimit, statsOf, type Undo } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';

/** Arrays as long as they may be, not as long as fast-check likes them. */
const whole = { size: 'max' } as const;
const index = fc.nat({ max: 1000 });

type SlotStep =
  | { does: 'call' }
  | { does: 'end' | 'abort'; at: number }
  | { does: 'configure'; limit: number }
  | { does: 'restore'; at: number };

const slotSteps: fc.Arbitrary<SlotStep[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant({ does: 'call' as const }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('end' as const), at: index }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('abort' as const), at: index }) },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant('configure' as const), limit: fc.integer({ min: 1, max: 6 }) }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('restore' as const), at: index }) },
  ),
  { minLength: 20, maxLength: 60, ...whole },
);

/** What slots have to do: in order, and never more than the limit that is in force when one is entered. */
class Slots {
  readonly entered: number[] = [];
  readonly running = new Set<number>();
  line: number[] = [];
  readonly limits: number[] = [];

  constructor(readonly declared: number) {}

  get limit(): number {
    return this.limits.at(-1) ?? this.declared;
  }

  go(): void {
    while (this.running.size < this.limit && this.line.length > 0) {
      const id = this.line.shift() as number;
      this.entered.push(id);
      this.running.add(id);
    }
  }
}

const pick = <T>(from: Iterable<T>, at: number): T | undefined => {
  const all = [...from];
  return all[at % Math.max(1, all.length)];
};

for (const [name, sharing] of [
  ['one limit', {}],
  ['by key', { key: () => 'one' }],
  ['of an instance', { scope: 'instance' }],
] as const) {
  test(`10.3 slots grow and shrink as the model does: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), slotSteps, async (limit, steps) => {
        const model = new Slots(limit);
        const entered: number[] = [];
        const work: Deferred<void>[] = [];
        const aborters: AbortController[] = [];
        const undos: { limit: number; undo: Undo }[] = [];
        class Shop {
          @concurrency({ limit, ...sharing })
          async buy(id: number, _signal: AbortSignal): Promise<void> {
            entered.push(id);
            await work[id].promise;
          }
        }
        const shop = new Shop();
        const calls: Promise<unknown>[] = [];
        for (const step of steps) {
          if (step.does === 'call') {
            const id = calls.length;
            work.push(deferred());
            aborters.push(new AbortController());
            model.line.push(id);
            calls.push(shop.buy(id, aborters[id].signal).catch(() => {}));
          } else if (step.does === 'end') {
            const id = pick(model.running, step.at);
            if (id === undefined) continue;
            model.running.delete(id);
            work[id].resolve();
          } else if (step.does === 'abort') {
            const id = pick(model.line, step.at);
            if (id === undefined) continue;
            model.line = model.line.filter((each) => each !== id);
            aborters[id].abort();
          } else if (step.does === 'configure') {
            undos.push({ limit: step.limit, undo: configure(Shop, 'buy', { concurrency: step.limit }) });
            model.limits.push(step.limit);
          } else {
            const at = step.at % Math.max(1, undos.length);
            const [taken] = undos.splice(at, 1);
            taken?.undo();
            if (taken !== undefined) model.limits.splice(at, 1);
          }
          model.go();
          await flush();
          assert.deepEqual(entered, model.entered);
          assert.equal(statsOf(Shop, 'buy').queued, model.line.length);
        }
        for (const each of undos) each.undo();
        for (const each of work) each.resolve();
        await Promise.all(calls);
        const { running, queued } = statsOf(Shop, 'buy');
        assert.deepEqual([running, queued], [0, 0]);
      }),
      { numRuns: 60 },
    );
  });
}

const rule = fc.record({
  rate: fc.integer({ min: 1, max: 5 }),
  per: fc.integer({ min: 1, max: 40 }),
  spread: fc.boolean(),
});
type Rule = typeof rule extends fc.Arbitrary<infer R> ? R : never;

type RateStep = { does: 'call'; count: number } | { does: 'wait'; ms: number } | { does: 'configure'; rule: Rule };

const rateSteps: fc.Arbitrary<RateStep[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant('call' as const), count: fc.integer({ min: 1, max: 6 }) }),
    },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('configure' as const), rule }) },
  ),
  { minLength: 15, maxLength: 40, ...whole },
);

/** A sliding window, millisecond by millisecond. What is out of the window when that becomes longer is forgotten. */
class Window {
  readonly starts: [id: number, at: number][] = [];
  readonly line: number[] = [];
  #counting: number[] = [];

  constructor(
    public rule: Rule,
    public time: number,
  ) {}

  go(): void {
    const most = this.rule.spread ? 1 : this.rule.rate;
    const length = this.rule.spread ? this.rule.per / this.rule.rate : this.rule.per;
    this.#counting = this.#counting.filter((at) => at + length > this.time + 1e-6);
    while (this.line.length > 0 && this.#counting.length < most) {
      this.starts.push([this.line.shift() as number, this.time]);
      this.#counting.push(this.time);
    }
  }
}

test('10.3 a rate limit takes another rule as the model does', async () => {
  await fc.assert(
    fc.asyncProperty(rule, rateSteps, (declared, steps) =>
      underFakeClock(async (clock) => {
        const starts: [id: number, at: number][] = [];
        class Api {
          @rateLimit(declared)
          async get(id: number): Promise<void> {
            starts.push([id, clock.now]);
          }
        }
        const api = new Api();
        const model = new Window(declared, 0);
        const calls: Promise<unknown>[] = [];
        const pass = async (ms: number): Promise<void> => {
          for (let i = 0; i < ms; i++) {
            clock.tick(1);
            model.time++;
            model.go();
            await flush();
          }
        };
        for (const step of steps) {
          if (step.does === 'wait') {
            await pass(step.ms);
          } else if (step.does === 'call') {
            for (let i = 0; i < step.count; i++) {
              model.line.push(calls.length);
              calls.push(api.get(calls.length));
            }
          } else {
            model.go();
            configure(Api, 'get', { rateLimit: step.rule });
            model.rule = step.rule;
          }
          model.go();
          await flush();
          assert.deepEqual(starts, model.starts);
        }
        configure(Api, 'get', { rateLimit: { rate: 1000, per: 1, spread: false } });
        model.rule = { rate: 1000, per: 1, spread: false };
        await pass(2);
        await Promise.all(calls);
        assert.deepEqual(starts.length, model.starts.length);
      }),
    ),
    { numRuns: 60 },
  );
});
