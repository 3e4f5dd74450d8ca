import { strict as assert } from 'node:assert';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { currentCall, type Entry, ItemError, processStream, retry } from 'opero';
import { flush } from '../support/clock.js';
import { type Source, Steps, source } from '../support/items.js';
import { type Outcome, type Setting, StreamModel } from '../support/stream-model.js';

/** The stream itself, beside its model. */
class Real {
  readonly steps = new Steps<number>();
  readonly signals: (AbortSignal | undefined)[] = [];
  readonly outcomes: Outcome[] = [];
  readonly source: Source;
  /** The pull of the source that is under way, where it ends only when it is told to. */
  #pull: (() => void) | undefined;

  constructor({ count, sort, gated, breaksAt }: Setting) {
    const check = (item: number): void => {
      if (item === breaksAt) throw 'broken';
    };
    this.source = source(count, sort, check, gated ? () => this.#wait() : undefined);
  }

  get isPulling(): boolean {
    return this.#pull !== undefined;
  }

  @retry(1)
  async work(item: number): Promise<unknown> {
    this.signals.push(currentCall().signal);
    return this.steps.begin(item);
  }

  async give(): Promise<void> {
    this.#pull?.();
    this.#pull = undefined;
    await flush();
  }

  take(stream: AsyncIterator<unknown>, { entries }: Setting): void {
    const at = this.outcomes.push(undefined) - 1;
    stream.next().then(
      ({ done, value }) => {
        this.outcomes[at] = done ? 'end' : outcomeOf(entries ? unwrap(value as Entry<number, unknown>) : value);
      },
      (error) => {
        this.outcomes[at] = `rejected ${error as number}`;
      },
    );
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#pull = resolve;
    });
  }
}

const outcomeOf = (value: unknown): Outcome =>
  value instanceof ItemError ? `failed ${value.index}` : `item ${value as number}`;

/** The value of an entry, which is that of its own item. */
function unwrap({ index, item, value }: Entry<number, unknown>): unknown {
  assert.deepEqual([index, item], [item, value instanceof ItemError ? value.item : value]);
  return value;
}

const actions = fc.array(
  fc.record({
    does: fc.oneof(
      { weight: 10, arbitrary: fc.constant('take' as const) },
      { weight: 16, arbitrary: fc.constant('settle' as const) },
      { weight: 12, arbitrary: fc.constant('give' as const) },
      { weight: 2, arbitrary: fc.constant('fail' as const) },
      { weight: 1, arbitrary: fc.constantFrom('abort' as const, 'return' as const) },
    ),
    at: fc.nat(),
  }),
  { maxLength: 80 },
);

const settings = (sort: 'sync' | 'async', gated: boolean) =>
  fc.record({
    count: fc.nat({ max: 25 }),
    sort: fc.constant(sort),
    gated: fc.constant(gated),
    breaksAt: fc.option(fc.nat({ max: 25 }), { nil: undefined }),
    concurrency: fc.integer({ min: 1, max: 3 }),
    ordered: fc.boolean(),
    collect: fc.boolean(),
    entries: fc.boolean(),
    lastFirst: fc.boolean(),
  });

const sources = [
  ['a sync source', 'sync', false],
  ['an async source', 'async', false],
  ['an async source that takes its time', 'async', true],
] as const;

for (const [what, sort, gated] of sources) {
  test(`a stream does what its model does under any schedule (${what})`, () =>
    fc.assert(
      fc.asyncProperty(settings(sort, gated), actions, async (given, schedule) => {
        const { count, concurrency, ordered, collect, entries, lastFirst } = given;
        const model = new StreamModel(given);
        const real = new Real(given);
        const items = real.source;
        const controller = new AbortController();
        const { signal } = controller;
        let told = { done: 0, failed: 0 };
        const stream = processStream(real, 'work', items as Iterable<number>, {
          concurrency,
          ordered,
          signal,
          entries,
          onError: collect ? 'collect' : 'throw',
          onProgress: (progress) => {
            told = progress;
          },
        });
        const settle = async (item: number, works: boolean): Promise<void> => {
          model.settle(item, works);
          if (works) await real.steps.end(item, item);
          else await real.steps.fail(item, item);
        };
        const compare = (): void => {
          assert.deepEqual(real.outcomes, model.outcomes);
          assert.equal(real.steps.begun.length, model.begun);
          assert.equal(items.pulled, model.pulled);
          assert.equal(real.isPulling, model.isPulling);
          assert.ok(items.pulled + (real.isPulling ? 1 : 0) - model.taken <= 4 * concurrency);
          assert.deepEqual([told.done, told.failed], [model.done, model.failed]);
          assert.equal(items.returned, model.returned);
          assert.equal(items.opened, model.opened ? 1 : 0);
          if (!model.isOver) assert.ok(real.signals.every((each) => !each?.aborted));
          if (model.returned > 0) assert.ok(model.running.every((item) => real.signals[item]?.aborted));
        };

        for (const { does, at } of schedule) {
          if (does === 'take') {
            model.take();
            real.take(stream, given);
          } else if (does === 'abort') {
            model.abort();
            controller.abort('abort');
          } else if (does === 'return') {
            model.end();
            await stream.return?.();
          } else if (does === 'give') {
            if (model.isPulling) model.give();
            await real.give();
          } else if (model.running.length > 0) {
            const last = model.running.length - 1;
            await settle(model.running[lastFirst ? last : at % (last + 1)] as number, does === 'settle');
          }
          await flush();
          compare();
        }

        // To the end: everything that runs ends, and as many results as there can be are taken.
        for (let i = 0; i <= count; i++) {
          model.take();
          real.take(stream, given);
        }
        await flush();
        compare();
        while (model.running.length > 0 || model.isPulling) {
          if (model.isPulling) {
            model.give();
            await real.give();
          } else await settle(model.running.at(lastFirst ? -1 : 0) as number, true);
          compare();
        }
        assert.ok(real.outcomes.every((outcome) => outcome !== undefined));
        assert.ok(model.isOver);
        assert.equal(getEventListeners(signal, 'abort').length, 0);
      }),
      { seed: 20_261, numRuns: 600 },
    ));
}
