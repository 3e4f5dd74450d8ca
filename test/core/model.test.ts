import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { concurrency, fallback, RejectedError, rateLimit, retry, statsOf } from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { assertWindows } from '../support/starts.js';

type Outcome = 'ok' | 'other' | 'aborted' | 'failed' | 'rejected';

const outcomeOf = (promise: Promise<string>): Promise<Outcome> =>
  promise.then(
    (value) => value as Outcome,
    (error: unknown) =>
      error === 'aborted' ? 'aborted' : error instanceof RejectedError ? 'rejected' : ('failed' as const),
  );

const index = fc.nat({ max: 1000 });
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ does: fc.constant('call' as const), at: index }) },
    { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('resolve' as const, 'reject' as const), at: index }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('abort' as const), at: index }) },
  ),
  { maxLength: 40 },
);

interface Modelled {
  attempt: number;
  state: 'waits' | 'runs' | 'runs aborted' | 'ended';
  outcome?: Outcome;
}

/** What a limit of calls that may be tried again, and fall back, has to do; one thing at a time. */
class ConcurrencyModel {
  readonly calls: Modelled[] = [];
  readonly starts: number[] = [];
  readonly line: number[] = [];
  running = 0;

  constructor(
    readonly limit: number,
    readonly maxQueue: number,
    readonly attempts: number,
    readonly last: 'other' | undefined,
  ) {}

  call(): void {
    this.calls.push({ attempt: 1, state: 'waits' });
    this.#arrive(this.calls.length - 1);
  }

  settle(id: number, works: boolean): void {
    const call = this.calls[id];
    const aborted = call.state === 'runs aborted';
    call.state = 'ended';
    this.running--;
    const first = this.line.shift();
    if (first !== undefined) this.#start(first);
    if (aborted) return;
    if (works) call.outcome = 'ok';
    else this.#fail(id, 'failed');
  }

  abort(id: number): void {
    const call = this.calls[id];
    if (call.state === 'runs') call.state = 'runs aborted';
    else if (call.state === 'waits') {
      this.line.splice(this.line.indexOf(id), 1);
      call.state = 'ended';
    } else return;
    call.outcome = 'aborted';
  }

  #arrive(id: number): void {
    if (this.running < this.limit) this.#start(id);
    else if (this.line.length >= this.maxQueue) this.#fail(id, 'rejected');
    else {
      this.calls[id].state = 'waits';
      this.line.push(id);
    }
  }

  #start(id: number): void {
    this.running++;
    this.calls[id].state = 'runs';
    this.starts.push(id);
  }

  #fail(id: number, outcome: Outcome): void {
    const call = this.calls[id];
    if (call.attempt++ < this.attempts) this.#arrive(id);
    else {
      call.state = 'ended';
      call.outcome = this.last ?? outcome;
    }
  }
}

type Buy = (id: number, signal: AbortSignal) => Promise<string>;

/** Makes a class whose methods run until told. */
function shopOf(limit: number, maxQueue: number, shape: 'alone' | 'retry' | 'both') {
  const starts: number[] = [];
  const work = new Map<number, Deferred<string>>();
  const buy: Buy = (id) => {
    starts.push(id);
    const mine = deferred<string>();
    work.set(id, mine);
    return mine.promise;
  };
  class Alone {
    @concurrency({ limit, maxQueue })
    async buy(id: number, signal: AbortSignal): Promise<string> {
      return buy(id, signal);
    }
  }
  class Retried {
    @retry({ maxAttempts: 3, waitMin: 0 })
    @concurrency({ limit, maxQueue })
    async buy(id: number, signal: AbortSignal): Promise<string> {
      return buy(id, signal);
    }
  }
  class Both {
    @fallback('other')
    @retry({ maxAttempts: 2, waitMin: 0 })
    @concurrency({ limit, maxQueue })
    async buy(id: number, signal: AbortSignal): Promise<string> {
      return buy(id, signal);
    }
    async other(_id: number, _signal: AbortSignal): Promise<string> {
      return 'other';
    }
  }
  const Shop = { alone: Alone, retry: Retried, both: Both }[shape];
  return { Shop, shop: new Shop(), starts, work };
}

for (const [shape, attempts, last] of [
  ['alone', 1, undefined],
  ['retry', 3, undefined],
  ['both', 2, 'other'],
] as const) {
  test(`concurrency (${shape}) does what its model does under any schedule`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0, 1, 3, Number.POSITIVE_INFINITY),
        steps,
        async (limit, maxQueue, schedule) => {
          const { Shop, shop, starts, work } = shopOf(limit, maxQueue, shape);
          const model = new ConcurrencyModel(limit, maxQueue, attempts, last);
          const controllers: AbortController[] = [];
          const ends: Promise<Outcome>[] = [];
          const runs = () => model.calls.flatMap(({ state }, id) => (state.startsWith('runs') ? [id] : []));
          const settle = (id: number, works: boolean) => {
            const mine = work.get(id);
            assert.ok(mine, `call ${id} runs`);
            if (works) mine.resolve('ok');
            else mine.reject(new Error('told to'));
            model.settle(id, works);
          };
          const compare = () => {
            assert.deepEqual(starts, model.starts);
            const { running, queued } = statsOf(Shop, 'buy');
            assert.deepEqual({ running, queued }, { running: model.running, queued: model.line.length });
            assert.ok(running <= limit);
          };

          for (const { does, at } of schedule) {
            if (does === 'call') {
              const controller = new AbortController();
              ends.push(outcomeOf(shop.buy(controllers.length, controller.signal)));
              controllers.push(controller);
              model.call();
            } else if (does === 'abort') {
              if (controllers.length === 0) continue;
              const id = at % controllers.length;
              controllers[id].abort('aborted');
              model.abort(id);
            } else {
              const open = runs();
              if (open.length === 0) continue;
              settle(open[at % open.length], does === 'resolve');
            }
            await flush();
            compare();
          }
          for (let open = runs(); open.length > 0; open = runs()) {
            settle(open[0], true);
            await flush();
            compare();
          }
          assert.deepEqual(
            await Promise.all(ends),
            model.calls.map(({ outcome }) => outcome),
          );
          // Every slot is free again.
          const before = starts.length;
          const calls = Array.from({ length: limit }, (_, i) => shop.buy(10_000 + i, new AbortController().signal));
          assert.equal(starts.length - before, limit);
          for (const each of work.values()) each.resolve('ok');
          await Promise.all(calls);
          const { running, queued } = statsOf(Shop, 'buy');
          assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
        },
      ),
      { numRuns: 1500 },
    ));
}

const timed = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('call' as const, 'throw' as const), at: index }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('abort' as const), at: index }) },
    { weight: 3, arbitrary: fc.record({ does: fc.constant('advance' as const), at: fc.nat({ max: 25 }) }) },
    // All timers are late, as after a computer's sleep.
    { weight: 1, arbitrary: fc.record({ does: fc.constant('sleep' as const), at: fc.nat({ max: 60 }) }) },
    // The wall clock alone is set, which nobody waits by.
    { weight: 1, arbitrary: fc.record({ does: fc.constant('set' as const), at: fc.integer({ min: -900, max: 900 }) }) },
  ),
  { maxLength: 40 },
);

/** What is left over from sums of fractions. */
const residue = 1e-6;

test('rateLimit starts every call at the exact moment its model does under any schedule', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(0.4, 0.5, 0.7, 1.5, 2.5, 3.3)),
      fc.constantFrom(10, 17, 7.5, 9.3, 1.25),
      fc.boolean(),
      fc.constantFrom(0, 2, Number.POSITIVE_INFINITY),
      timed,
      (rate, per, spread, maxQueue, schedule) =>
        underFakeClock(async (clock) => {
          const starts: [number, number][] = [];
          class Api {
            @rateLimit({ rate, per, spread, maxQueue })
            get(id: number, throws: boolean, _signal: AbortSignal): Promise<string> {
              starts.push([id, performance.now()]);
              if (throws) throw new Error('told to');
              return Promise.resolve('ok');
            }
          }
          const api = new Api();
          const count = spread ? 1 : Math.ceil(rate);
          const window = (per * count) / rate;
          const expected: [number, number][] = [];
          const outcomes: (Outcome | undefined)[] = [];
          const line: number[] = [];
          const throwing: boolean[] = [];
          const controllers: AbortController[] = [];
          const ends: Promise<Outcome>[] = [];
          /** When the next start may be: timers count whole milliseconds. */
          const opensAt = () =>
            expected.length < count ? 0 : Math.ceil(expected[expected.length - count][1] + window - residue);
          const start = (id: number, time: number) => {
            expected.push([id, time]);
            outcomes[id] = throwing[id] ? 'failed' : 'ok';
          };
          const move = async (milliseconds: number) => {
            const until = performance.now() + milliseconds;
            while (line.length > 0 && opensAt() <= until) start(line.shift() as number, opensAt());
            await advance(clock, milliseconds);
          };
          const sleep = (milliseconds: number) => {
            const until = performance.now() + milliseconds;
            while (line.length > 0 && opensAt() <= until) start(line.shift() as number, until);
            clock.jump(milliseconds);
          };

          for (const { does, at } of schedule) {
            if (does === 'advance') await move(at);
            else if (does === 'sleep') sleep(at);
            else if (does === 'set') clock.setSystemTime(clock.now + at);
            else if (does === 'abort') {
              if (controllers.length === 0) continue;
              const id = at % controllers.length;
              controllers[id].abort('aborted');
              if (line.includes(id)) {
                line.splice(line.indexOf(id), 1);
                outcomes[id] = 'aborted';
              }
            } else {
              const id = controllers.length;
              controllers.push(new AbortController());
              throwing.push(does === 'throw');
              ends.push(outcomeOf(api.get(id, does === 'throw', controllers[id].signal)));
              if (line.length === 0 && opensAt() <= performance.now()) start(id, performance.now());
              else if (line.length >= maxQueue) outcomes[id] = 'rejected';
              else line.push(id);
            }
            await flush();
            assert.deepEqual(starts, expected);
            assert.equal(statsOf(Api, 'get').queued, line.length);
          }
          await move(Math.ceil(window + 1) * (line.length + 1));
          assert.deepEqual(starts, expected);
          assert.deepEqual(await Promise.all(ends), outcomes);
          assertWindows(
            starts.map(([, time]) => time),
            count,
            window - residue,
          );
          const { running, queued } = statsOf(Api, 'get');
          assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
          await move(Math.ceil(window));
          assert.equal(clock.countTimers(), 0);
        }),
    ),
    { numRuns: 800 },
  ));
