import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concurrency, currentCall, hedge, statsOf } from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { HedgeModel, type ModelledEnd, type ModelledRun } from '../support/hedge-model.js';
import { countListeners } from '../support/listeners.js';
import { handled } from '../support/unhandled.js';

const index = fc.nat({ max: 1000 });
const schedules = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ does: fc.constant('call' as const), at: index }) },
    {
      weight: 4,
      arbitrary: fc.record({
        does: fc.constantFrom('succeeds' as const, 'fails' as const, 'ends' as const),
        at: index,
      }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('abort' as const), at: index }) },
    { weight: 6, arbitrary: fc.record({ does: fc.constant('wait' as const), at: fc.integer({ min: 1, max: 12 }) }) },
  ),
  { maxLength: 60, size: 'max' },
);

const options = fc.record({
  delay: fc.integer({ min: 1, max: 12 }),
  maxHedges: fc.integer({ min: 1, max: 4 }),
  limit: fc.integer({ min: 1, max: 4 }),
});

/** What a run of the method is told to fail with. */
class Told extends Error {
  constructor(
    readonly by: number,
    readonly isEnd: boolean,
  ) {
    super('told to');
  }
}

interface Begun {
  readonly id: number;
  readonly nth: number;
  readonly end: Deferred<number>;
  readonly signal: AbortSignal | undefined;
}

test('4 hedges and slots do what their model does under any schedule; nothing is lost', () =>
  handled(() =>
    fc.assert(
      fc.asyncProperty(options, schedules, (given, schedule) =>
        underFakeClock(async (clock) => {
          const { delay, maxHedges, limit } = given;
          const begun: Begun[] = [];
          const starts: [id: number, nth: number, at: number][] = [];
          let mostRunning = 0;
          class Shop {
            @hedge({ delay, maxHedges, on: (error) => !(error as Told).isEnd })
            @concurrency(limit)
            async buy(id: number, _signal: AbortSignal): Promise<number> {
              const { hedge: nth, signal } = currentCall();
              starts.push([id, nth, Date.now()]);
              mostRunning = Math.max(mostRunning, statsOf(shop, 'buy').running);
              const end = deferred<number>();
              begun.push({ id, nth, end, signal });
              return await end.promise;
            }
          }
          const shop = new Shop();
          const model = new HedgeModel(given);
          const controllers: AbortController[] = [];
          const listeners: ReturnType<typeof countListeners>[] = [];
          const ends: (ModelledEnd | undefined)[] = [];

          const ended = (id: number, end: ModelledEnd): void => {
            assert.equal(ends[id], undefined);
            ends[id] = end;
          };
          const call = (): void => {
            const id = controllers.length;
            const controller = new AbortController();
            controllers.push(controller);
            listeners.push(countListeners(controller.signal));
            ends.push(undefined);
            shop.buy(id, controller.signal).then(
              (by) => ended(id, { how: 'ok', by, at: Date.now() }),
              (error: unknown) => {
                if (error === 'aborted') ended(id, { how: 'aborted', at: Date.now() });
                else ended(id, { how: 'failed', by: (error as Told).by, at: Date.now() });
              },
            );
            model.call();
          };
          const begunOf = ({ id, nth }: ModelledRun): Begun => {
            const found = begun.find((each) => each.id === id && each.nth === nth);
            assert.ok(found);
            return found;
          };
          const settle = (run: ModelledRun, how: 'succeeds' | 'fails' | 'ends'): void => {
            const { end } = begunOf(run);
            if (how === 'succeeds') end.resolve(run.nth);
            else end.reject(new Told(run.nth, how === 'ends'));
            model.settle(run, how);
          };
          const compare = (): void => {
            assert.deepEqual(starts.toSorted(), model.starts.toSorted());
            assert.deepEqual(
              ends,
              model.calls.map(({ end }) => end),
            );
            const { running, queued, abandoned, hedges, hedgeWins, rejected } = statsOf(shop, 'buy');
            assert.deepEqual(
              { running, queued, abandoned, hedges, hedgeWins, rejected },
              {
                running: model.runs.length,
                queued: model.line.length,
                abandoned: model.runs.filter(({ isAbandoned }) => isAbandoned).length,
                hedges: model.hedges,
                hedgeWins: ends.filter((end) => end?.how === 'ok' && (end.by as number) > 0).length,
                rejected: 0,
              },
            );
            assert.ok(mostRunning <= limit);
            // Whom nobody waits for knows it, and nobody else is told so.
            for (const run of model.runs) assert.equal(begunOf(run).signal?.aborted, run.isAbandoned);
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
            else if (does === 'wait') await pass(at);
            else if (does === 'abort' && controllers.length > 0) {
              controllers[at % controllers.length]?.abort('aborted');
              model.abort(at % controllers.length);
            } else if (does !== 'abort' && model.runs.length > 0) {
              settle(model.runs[at % model.runs.length] as ModelledRun, does);
            }
            await flush();
            compare();
          }
          for (let nth = 0; model.runs.length > 0; nth++) {
            settle(model.runs[0] as ModelledRun, nth % 2 === 0 ? 'ends' : 'succeeds');
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
