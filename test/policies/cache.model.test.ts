import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { cache, cacheOf, configure, currentCall, statsOf, type Undo } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { handled } from '../support/unhandled.js';

interface Options {
  readonly ttl: number;
  readonly max: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

interface Outcome {
  readonly value?: unknown;
  readonly error?: unknown;
}

interface ModelCaller {
  outcome: Outcome | undefined;
  readonly run: ModelRun | undefined;
}

interface ModelRun {
  readonly key: string;
  readonly waiting: Set<ModelCaller>;
  isBehind: boolean;
  isOver: boolean;
  isAborted: boolean;
}

/** What a cache is to do, in the plainest words. */
class Model {
  time = 0;
  max: number;
  /** The one used longest ago comes first. */
  readonly kept = new Map<string, { value: unknown; since: number }>();
  readonly current = new Map<string, ModelRun>();
  readonly runs: ModelRun[] = [];
  readonly callers: ModelCaller[] = [];
  readonly counts = { cacheHits: 0, cacheMisses: 0, staleHits: 0, coalesced: 0, refreshFailures: 0, failures: 0 };

  constructor(readonly options: Options) {
    this.max = options.max;
  }

  private isYounger(key: string, than: number): boolean {
    const entry = this.kept.get(key);
    return entry !== undefined && this.time - entry.since < than;
  }

  private begin(key: string, isBehind: boolean): ModelRun {
    const run = { key, waiting: new Set<ModelCaller>(), isBehind, isOver: false, isAborted: false };
    this.runs.push(run);
    this.current.set(key, run);
    return run;
  }

  call(key: string): void {
    const { ttl, staleWhileRevalidate } = this.options;
    const entry = this.kept.get(key);
    if (entry !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, entry);
    }
    if (entry !== undefined && this.isYounger(key, ttl)) {
      this.counts.cacheHits++;
      this.callers.push({ outcome: { value: entry.value }, run: undefined });
    } else if (entry !== undefined && staleWhileRevalidate > 0 && this.isYounger(key, ttl + staleWhileRevalidate)) {
      this.counts.staleHits++;
      if (!this.current.has(key)) this.begin(key, true);
      this.callers.push({ outcome: { value: entry.value }, run: undefined });
    } else {
      this.dropUseless(key);
      if (this.current.has(key)) this.counts.coalesced++;
      else this.counts.cacheMisses++;
      const run = this.current.get(key) ?? this.begin(key, false);
      const caller = { outcome: undefined, run };
      run.waiting.add(caller);
      this.callers.push(caller);
    }
  }

  abort(at: number): void {
    const caller = this.callers[at];
    if (caller === undefined || caller.outcome !== undefined || caller.run === undefined) return;
    const { run } = caller;
    caller.outcome = { error: 'bye' };
    this.counts.failures++;
    run.waiting.delete(caller);
    if (run.waiting.size > 0 || run.isBehind) return;
    run.isAborted = true;
    this.forget(run);
  }

  private forget(run: ModelRun): boolean {
    return this.current.get(run.key) === run && this.current.delete(run.key);
  }

  end(at: number, outcome: Outcome): void {
    const run = this.runs[at];
    if (run === undefined || run.isOver) return;
    run.isOver = true;
    const isCurrent = this.forget(run);
    if ('value' in outcome) {
      if (isCurrent) this.keep(run.key, outcome.value);
      for (const caller of run.waiting) caller.outcome = outcome;
      return;
    }
    const { ttl, staleIfError } = this.options;
    const stale = staleIfError > 0 && this.isYounger(run.key, ttl + staleIfError) ? this.kept.get(run.key) : undefined;
    for (const caller of run.waiting) {
      caller.outcome = stale === undefined ? outcome : { value: stale.value };
      if (stale === undefined) this.counts.failures++;
      else this.counts.staleHits++;
    }
    const isHidden = (run.isBehind && !run.isAborted) || (stale !== undefined && run.waiting.size > 0);
    if (isHidden) this.counts.refreshFailures++;
  }

  private keep(key: string, value: unknown): void {
    for (const old of [...this.kept.keys()].slice(0, 2)) this.dropUseless(old);
    this.put(key, value);
  }

  private dropUseless(key: string): void {
    const { ttl, staleWhileRevalidate, staleIfError } = this.options;
    if (!this.isYounger(key, ttl + Math.max(staleWhileRevalidate, staleIfError))) this.kept.delete(key);
  }

  private put(key: string, value: unknown): void {
    this.kept.delete(key);
    this.kept.set(key, { value, since: this.time });
    this.trim();
  }

  private trim(): void {
    for (const old of this.kept.keys()) if (this.kept.size > this.max) this.kept.delete(old);
  }

  private cutOff(run: ModelRun | undefined): void {
    if (run === undefined) return;
    this.forget(run);
    if (run.isBehind && run.waiting.size === 0) run.isAborted = true;
    run.isBehind = false;
  }

  set(key: string, value: unknown): void {
    this.cutOff(this.current.get(key));
    this.put(key, value);
  }

  delete(key: string): void {
    this.cutOff(this.current.get(key));
    this.kept.delete(key);
  }

  clear(): void {
    for (const run of [...this.current.values()]) this.cutOff(run);
    this.kept.clear();
  }

  resize(max: number): void {
    this.max = max;
    this.trim();
  }
}

const keys = ['a', 'b', 'c', 'd'];
const key = fc.constantFrom(...keys);
/** One of those that there are, the latest more often. */
const nth = fc.nat({ max: 5 });

const commands = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('call' as const), key, hasSignal: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), nth }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('end' as const), nth, fails: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('tick' as const), by: fc.nat({ max: 15 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('set' as const), key }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), max: fc.integer({ min: 1, max: 4 }) }) },
  ),
  { maxLength: 60 },
);

const options = fc.record({
  ttl: fc.constantFrom(0, 5, 10, 20),
  max: fc.integer({ min: 1, max: 4 }),
  staleWhileRevalidate: fc.constantFrom(0, 10, Number.POSITIVE_INFINITY),
  staleIfError: fc.constantFrom(1, 10, Number.POSITIVE_INFINITY, 0),
});

/** A method whose runs end when they are told to. */
function makeApi(given: Options) {
  const ends: Deferred<unknown>[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  class Api {
    @cache(given)
    async get(_key: string, _signal?: AbortSignal): Promise<unknown> {
      const end = deferred<unknown>();
      ends.push(end);
      signals.push(currentCall().signal);
      return end.promise;
    }
  }
  return { Api, api: new Api(), ends, signals };
}

type Command = (typeof commands extends fc.Arbitrary<infer All extends readonly unknown[]> ? All : never)[number];

async function compare(given: Options, all: readonly Command[]): Promise<void> {
  await underFakeClock(async (clock) => {
    const model = new Model(given);
    const { Api, api, ends, signals } = makeApi(given);
    const handle = cacheOf(api, 'get');
    const controllers: (AbortController | undefined)[] = [];
    const outcomes: (Outcome | undefined)[] = [];
    let undo: Undo | undefined;
    let next = 0;
    for (const command of all) {
      switch (command.do) {
        case 'call': {
          const at = outcomes.length;
          const controller = command.hasSignal ? new AbortController() : undefined;
          outcomes.push(undefined);
          controllers.push(controller);
          model.call(command.key);
          api.get(command.key, controller?.signal).then(
            (value) => {
              outcomes[at] = { value };
            },
            (error) => {
              outcomes[at] = { error };
            },
          );
          break;
        }
        case 'abort': {
          const at = outcomes.length - 1 - command.nth;
          if (controllers[at] === undefined) break;
          model.abort(at);
          controllers[at]?.abort('bye');
          break;
        }
        case 'end': {
          const at = ends.length - 1 - command.nth;
          if (ends[at] === undefined) break;
          const result = ++next;
          model.end(at, command.fails ? { error: result } : { value: result });
          if (command.fails) ends[at]?.reject(result);
          else ends[at]?.resolve(result);
          break;
        }
        case 'tick':
          model.time += command.by;
          clock.tick(command.by);
          break;
        case 'set':
          model.set(command.key, ++next);
          handle.set(handle.keyOf(command.key), next);
          break;
        case 'delete':
          assert.equal(handle.delete(handle.keyOf(command.key)), model.kept.has(command.key));
          model.delete(command.key);
          break;
        case 'clear':
          model.clear();
          handle.clear();
          break;
        case 'resize':
          model.resize(command.max);
          undo?.();
          undo = configure(Api, 'get', { cache: { max: command.max } });
          break;
      }
      await flush();
      assert.equal(handle.size, model.kept.size);
      assert.deepEqual(
        outcomes,
        model.callers.map(({ outcome }) => outcome),
      );
      assert.deepEqual(
        signals.map((signal) => signal?.aborted),
        model.runs.map(({ isAborted }) => isAborted),
      );
      for (const each of keys) {
        const entry = model.kept.get(each);
        const isFresh = entry !== undefined && model.time - entry.since < given.ttl;
        assert.equal(handle.get(handle.keyOf(each)), isFresh ? entry.value : undefined);
      }
      const stats = statsOf(Api, 'get');
      const counted = Object.fromEntries(Object.keys(model.counts).map((name) => [name, Reflect.get(stats, name)]));
      assert.deepEqual(counted, model.counts);
      assert.equal(stats.running, model.runs.filter(({ isOver }) => !isOver).length);
      assert.equal(stats.abandoned, model.runs.filter(({ isOver, isAborted }) => isAborted && !isOver).length);
    }
    assert.equal(clock.countTimers(), 0);
    undo?.();
    for (const end of ends) end.resolve(undefined);
    await flush();
    assert.deepEqual([statsOf(Api, 'get').running, statsOf(Api, 'get').abandoned], [0, 0]);
  });
}

test('a cache does what its model says, whatever comes in whatever order', () =>
  handled(() =>
    fc.assert(
      fc.asyncProperty(options, commands, async (given, all) => {
        fc.pre(given.ttl > 0 || given.staleWhileRevalidate > 0 || given.staleIfError > 0);
        await compare(given, all);
      }),
      { numRuns: Number(process.env.MODEL_RUNS ?? 300) },
    ),
  ));
