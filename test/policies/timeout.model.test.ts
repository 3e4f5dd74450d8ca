import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concurrency, retry, statsOf, TimeoutError, timeout } from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { type ModelledEnd, type ModelledRun, TimeoutModel } from '../support/timeout-model.js';
import { handled } from '../support/unhandled.js';

const index = fc.nat({ max: 1000 });
const schedules = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ does: fc.constant('call' as const), at: index }) },
    { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('resolve' as const, 'reject' as const), at: index }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('abort' as const), at: index }) },
    { weight: 5, arbitrary: fc.record({ does: fc.constant('wait' as const), at: fc.integer({ min: 1, max: 5 }) }) },
  ),
  { maxLength: 60, size: 'max' },
);

/**
 * All that the schedule does, attempts and waits fall on multiples of four milliseconds, the ends of the time in all
 * between them: what happens first of two things at one moment is told by tests of its own.
 */
const step = 4;
const times = fc.record({
  attempt: fc.integer({ min: 1, max: 6 }).map((n) => n * step),
  total: fc.integer({ min: 1, max: 12 }).map((n) => n * step + 2),
  limit: fc.integer({ min: 1, max: 3 }),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  wait: fc.integer({ min: 1, max: 4 }).map((n) => n * step),
});

const howOf = (error: unknown): ModelledEnd['how'] =>
  error === 'aborted' ? 'aborted' : error instanceof TimeoutError ? error.scope : 'failed';

test('attempt and total, with retries and slots, do what their model does under any schedule; nothing is lost', () =>
  handled(() =>
    fc.assert(
      fc.asyncProperty(times, schedules, (options, schedule) =>
        underFakeClock(async (clock) => {
          const { attempt, total, limit, maxAttempts, wait } = options;
          const starts: number[] = [];
          const work: Deferred<string>[] = [];
          class Shop {
            @timeout({ attempt, total })
            @retry({ maxAttempts, waitMin: wait, waitMultiplier: 1, jitter: 'none' })
            @concurrency(limit)
            async buy(id: number, _signal: AbortSignal): Promise<string> {
              starts.push(id);
              const mine = deferred<string>();
              work.push(mine);
              return await mine.promise;
            }
          }
          const shop = new Shop();
          const model = new TimeoutModel(options);
          const controllers: AbortController[] = [];
          const listeners: ReturnType<typeof countListeners>[] = [];
          const ends: (ModelledEnd | undefined)[] = [];
          /** The work of each run of the model. */
          const workOf = new Map<ModelledRun, Deferred<string>>();

          const call = (): void => {
            const id = controllers.length;
            const controller = new AbortController();
            controllers.push(controller);
            listeners.push(countListeners(controller.signal));
            ends.push(undefined);
            shop.buy(id, controller.signal).then(
              () => {
                ends[id] = { how: 'ok', at: Date.now() };
              },
              (error: unknown) => {
                ends[id] = { how: howOf(error), at: Date.now() };
              },
            );
            model.call();
          };
          const settle = (run: ModelledRun, works: boolean): void => {
            const mine = workOf.get(run);
            assert.ok(mine);
            if (works) mine.resolve('ok');
            else mine.reject(new Error('told to'));
            model.settle(run, works);
          };
          const compare = (): void => {
            assert.deepEqual(starts, model.starts);
            const unknown = model.runs.filter((run) => !workOf.has(run));
            unknown.forEach((run, nth) => {
              const mine = work.at(nth - unknown.length);
              if (mine !== undefined) workOf.set(run, mine);
            });
            assert.deepEqual(
              ends,
              model.calls.map(({ end }) => end),
            );
            const { running, queued, abandoned } = statsOf(shop, 'buy');
            assert.deepEqual(
              { running, queued, abandoned },
              {
                running: model.runs.length,
                queued: model.line.length,
                abandoned: model.runs.filter(({ isAbandoned }) => isAbandoned).length,
              },
            );
          };
          const pass = async (milliseconds: number): Promise<void> => {
            for (let i = 0; i < milliseconds; i++) {
              await advance(clock, 1);
              model.tick();
              fc.pre(!model.isUnclear);
              compare();
            }
          };

          for (const { does, at } of schedule) {
            if (does === 'call') call();
            else if (does === 'wait') await pass(at * step);
            else if (does === 'abort' && controllers.length > 0) {
              controllers[at % controllers.length]?.abort('aborted');
              model.abort(at % controllers.length);
            } else if (does !== 'abort' && model.runs.length > 0) {
              settle(model.runs[at % model.runs.length] as ModelledRun, does === 'resolve');
            }
            await flush();
            compare();
          }
          await pass(total);
          while (model.runs.length > 0) {
            settle(model.runs[0] as ModelledRun, model.runs.length % 2 === 0);
            await flush();
            compare();
          }
          assert.ok(ends.every((end) => end !== undefined));
          assert.equal(clock.countTimers(), 0);
          assert.ok(listeners.every(({ standing }) => standing.size === 0));
          // Every slot is free again.
          for (let i = 0; i < limit; i++) call();
          await flush();
          compare();
          assert.equal(model.runs.length, limit);
        }),
      ),
      { numRuns: 300 },
    ),
  ));
