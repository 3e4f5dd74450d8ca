import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Clock, install } from '@sinonjs/fake-timers';
import fc from 'fast-check';
import { type CircuitBreakerConfig, CircuitOpenError, circuitBreaker, circuitOf, orchestrate, statsOf } from 'opero';
import { CircuitReference, type ReferenceCall } from '../support/circuit-reference.js';
import { flush } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { countListeners } from '../support/listeners.js';
import { handled } from '../support/unhandled.js';

class Ignored extends Error {}

type Ending = 'value' | 'bad' | 'error' | 'ignored' | 'not meant';

/** What a call of the method is told to come to. */
const endings: Record<Ending, (work: Deferred<unknown>) => void> = {
  value: (work) => work.resolve('fine'),
  bad: (work) => work.resolve('bad'),
  error: (work) => work.reject(new Error('down')),
  ignored: (work) => work.reject(new Ignored()),
  'not meant': (work) => work.reject('not meant'),
};

const halves = {
  halfOpenAfter: fc.oneof(
    fc.constantFrom(0, 10, 30),
    fc.constant((opening: number) => opening * 10),
  ),
  halfOpenCalls: fc.integer({ min: 1, max: 3 }),
};
const configs = fc.oneof(
  fc.record({ consecutive: fc.integer({ min: 1, max: 3 }), ...halves }),
  fc.record({
    failureRatio: fc.constantFrom(0.3, 0.5, 1),
    window: fc.constantFrom(10, 50, 200),
    minCalls: fc.integer({ min: 1, max: 4 }),
    ...halves,
  }),
);

const judging = {
  ignore: Ignored,
  failOn: Error,
  failResult: (value: unknown) => value === 'bad',
} satisfies CircuitBreakerConfig<unknown>;

const weights = { call: 10, end: 14, abort: 2, pass: 5, isolate: 1, endIsolation: 2, reset: 1 };
type Does = keyof typeof weights;

const step = fc.record({
  does: fc.oneof(
    ...Object.entries(weights).map(([name, weight]) => ({ weight, arbitrary: fc.constant(name as Does) })),
  ),
  at: fc.nat({ max: 1000 }),
  ending: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Ending>('error') },
    { weight: 4, arbitrary: fc.constantFrom<Ending>('value', 'bad', 'ignored', 'not meant') },
  ),
});
const steps = fc.array(step, { maxLength: 60, size: 'max' });

async function underClock(run: (clock: Clock) => Promise<void>): Promise<void> {
  const clock = install({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  try {
    await run(clock);
  } finally {
    clock.uninstall();
  }
}

const pick = <T>(from: T[], at: number): T | undefined => from.splice(at % Math.max(1, from.length), 1)[0];

test('a method does what its reference says, whatever comes in whatever order', () =>
  handled(() =>
    fc.assert(
      fc.asyncProperty(configs, steps, (config, plan) =>
        underClock(async (clock) => {
          const work: Deferred<unknown>[] = [];
          class Api {
            @circuitBreaker({ ...config, ...judging } as CircuitBreakerConfig<unknown>)
            async get(_signal: AbortSignal): Promise<unknown> {
              work.push(deferred());
              return work.at(-1)?.promise;
            }
          }
          const api = new Api();
          const circuit = circuitOf(Api, 'get');
          const model = new CircuitReference(config as ConstructorParameters<typeof CircuitReference>[0]);
          interface Flying {
            readonly modelled: ReferenceCall;
            readonly work: Deferred<unknown>;
            readonly controller: AbortController;
            readonly outcome: Promise<unknown>;
          }
          const flying: Flying[] = [];
          const leftBehind: Deferred<unknown>[] = [];
          const isolations: [() => void, () => void][] = [];
          const doers: Record<Does, (at: number, ending: Ending) => unknown> = {
            async call() {
              const controller = new AbortController();
              const answer = model.admit();
              const before = work.length;
              const outcome = api.get(controller.signal).catch((error: unknown) => error);
              if (typeof answer !== 'string') {
                assert.equal(work.length, before + 1);
                flying.push({ modelled: answer, work: work.at(-1) as Deferred<unknown>, controller, outcome });
                return;
              }
              assert.equal(work.length, before);
              const error = await outcome;
              assert.ok(error instanceof CircuitOpenError);
              assert.ok(answer.startsWith(`refused: ${error.reason} ${error.retryAfter} `), answer);
            },
            async end(at, ending) {
              const call = pick(flying, at);
              if (call === undefined) return;
              endings[ending](call.work);
              const outcome = await call.outcome;
              if (ending === 'value' || ending === 'not meant') model.succeed(call.modelled);
              else if (ending === 'ignored') model.leave(call.modelled);
              else model.fail(call.modelled, ending === 'error' ? outcome : undefined);
            },
            async abort(at) {
              const call = pick(flying, at);
              if (call === undefined) return;
              call.controller.abort('left');
              model.leave(call.modelled);
              assert.equal(circuit.state, model.shown);
              assert.equal(await call.outcome, 'left');
              leftBehind.push(call.work);
            },
            pass(at) {
              clock.tick(1 + (at % 40));
              model.time += 1 + (at % 40);
              const late = pick(leftBehind, at);
              if (late !== undefined) endings[at % 2 ? 'error' : 'value'](late);
            },
            isolate: () => isolations.push([circuit.isolate(), model.isolate()]),
            endIsolation(at) {
              for (const end of pick(isolations, at) ?? []) end();
            },
            reset() {
              circuit.reset();
              model.reset();
            },
          };
          for (const { does, at, ending } of plan) {
            await doers[does](at, ending);
            await flush();
            const failures = model.counted.filter(({ failed }) => failed).length;
            assert.deepEqual(
              [circuit.state, circuit.calls, circuit.failures],
              [model.shown, model.counted.length, failures],
            );
          }
          const openings = model.changes.filter(({ to }) => to === 'open').length;
          assert.equal(statsOf(Api, 'get').circuitOpenings, openings);
        }),
      ),
      { numRuns: 300 },
    ),
  ));

const arounds = fc.record({
  slots: fc.option(fc.record({ limit: fc.integer({ min: 1, max: 2 }), maxQueue: fc.constantFrom(0, 1, 100) })),
  rate: fc.option(
    fc.record({ rate: fc.integer({ min: 1, max: 3 }), per: fc.constantFrom(5, 20), maxWait: fc.constantFrom(10, 100) }),
  ),
  time: fc.option(fc.constantFrom({ attempt: 15 }, { total: 40 }, { attempt: 15, total: 40 })),
  retries: fc.option(fc.record({ maxAttempts: fc.integer({ min: 2, max: 3 }), waitMin: fc.constantFrom(0, 5) })),
});

test('nothing is entered while it is open, and nothing is lost: no slot, permit or listener', () =>
  handled(() =>
    fc.assert(
      fc.asyncProperty(configs, arounds, steps, (config, { slots, rate, time, retries }, plan) =>
        underClock(async (clock) => {
          const work: Deferred<unknown>[] = [];
          const problems: string[] = [];
          let settled = 0;
          class Api {
            @orchestrate({
              circuitBreaker: { ...config, ...judging } as CircuitBreakerConfig,
              ...(slots && { concurrency: slots }),
              ...(rate && { rateLimit: rate }),
              ...(time && { timeout: time }),
              ...(retries && { retry: { ...retries, jitter: 'none' } }),
            })
            async get(_signal?: AbortSignal): Promise<unknown> {
              if (!['closed', 'half-open'].includes(circuit.state)) problems.push(`entered while ${circuit.state}`);
              work.push(deferred());
              return work.at(-1)?.promise;
            }
          }
          const api = new Api();
          const circuit = circuitOf(Api, 'get');
          const shared = new AbortController();
          const listeners = countListeners(shared.signal);
          const outcomes: Promise<unknown>[] = [];
          const controllers: AbortController[] = [];
          const isolations: (() => void)[] = [];
          const note = (promise: Promise<unknown>): void => {
            const count = (): void => {
              settled++;
            };
            outcomes.push(promise.then(count, count));
          };
          const doers: Record<Does, (at: number, ending: Ending) => unknown> = {
            call(at) {
              if (at % 2) return note(api.get(shared.signal));
              const controller = new AbortController();
              controllers.push(controller);
              note(api.get(controller.signal));
            },
            end(at, ending) {
              const one = pick(work, at);
              if (one !== undefined) endings[ending](one);
            },
            abort: (at) => pick(controllers, at)?.abort('left'),
            pass: (at) => clock.tickAsync(1 + (at % 20)),
            isolate: () => isolations.push(circuit.isolate()),
            endIsolation: (at) => pick(isolations, at)?.(),
            reset: () => circuit.reset(),
          };
          for (const { does, at, ending } of plan) {
            await doers[does](at, ending);
            await flush();
          }
          // Everything ends.
          for (let turn = 0; turn < 500 && (settled < outcomes.length || work.length > 0); turn++) {
            for (const one of work.splice(0)) one.resolve('fine');
            await clock.tickAsync(10);
            await flush();
          }
          assert.deepEqual([settled, work.length, problems], [outcomes.length, 0, []]);
          await clock.tickAsync(100);
          assert.equal(listeners.standing.size, 0);
          const { running, queued, abandoned } = statsOf(Api, 'get');
          assert.deepEqual([running, queued, abandoned], [0, 0, 0]);
          // As many as there are slots and permits get through at once.
          circuit.reset();
          const most = Math.min(slots?.limit ?? 3, rate?.rate ?? 3);
          const last = Array.from({ length: most }, () => api.get());
          assert.equal(work.length, most);
          for (const one of work) one.resolve('fine');
          assert.deepEqual(new Set(await Promise.all(last)), new Set(['fine']));
          assert.equal(circuit.state, 'closed');
        }),
      ),
      { numRuns: 200 },
    ),
  ));
