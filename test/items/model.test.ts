import { strict as assert } from 'node:assert';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { currentCall, ItemError, processStream, retry } from 'opero';
import { flush } from '../support/clock.js';
import { Steps, source } from '../support/items.js';

interface Setting {
  readonly count: number;
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly collect: boolean;
  /** Whether the item that began last ends first. */
  readonly lastFirst: boolean;
}

/** What became of a `next()`: a result, by its item; the end; or a rejection. */
type Outcome = `item ${number}` | `failed ${number}` | `rejected ${number | 'abort'}` | 'end' | undefined;

/** What a stream must do, written down plainly. */
class Model {
  readonly outcomes: Outcome[] = [];
  readonly running: number[] = [];
  begun = 0;
  taken = 0;
  done = 0;
  failed = 0;
  returned = 0;
  opened = false;
  #started = false;
  #aborted = false;
  #drained = false;
  #over = false;
  #failure: Outcome;
  readonly #takers: number[] = [];
  /** What is under way or ready: in order all that began, else what has ended. */
  readonly #slots: { item: number; outcome: Outcome }[] = [];

  constructor(readonly setting: Setting) {}

  get isOver(): boolean {
    return this.#over;
  }

  take(): void {
    this.#takers.push(this.outcomes.push(undefined) - 1);
    if (!this.#started && !this.#over) {
      this.#started = true;
      if (this.#aborted) this.#fail('rejected abort');
      else this.opened = true;
    }
    this.#go();
  }

  settle(item: number, works: boolean): void {
    this.running.splice(this.running.indexOf(item), 1);
    if (this.#over) return;
    this.done++;
    if (!works) this.failed++;
    if (!works && !this.setting.collect) {
      this.#fail(`rejected ${item}`);
      return;
    }
    const outcome: Outcome = works ? `item ${item}` : `failed ${item}`;
    const slot = this.#slots.find((each) => each.item === item);
    if (slot) slot.outcome = outcome;
    else this.#slots.push({ item, outcome });
    this.#go();
  }

  abort(): void {
    this.#aborted = true;
    if (this.#started && !this.#over) this.#fail('rejected abort');
  }

  end(): void {
    this.#failure = undefined;
    if (!this.#over) this.#endEarly();
    this.#serve();
  }

  #fail(outcome: Outcome): void {
    this.#failure = outcome;
    this.#endEarly();
    this.#serve();
  }

  #endEarly(): void {
    this.#over = true;
    if (this.#drained) return;
    this.opened = true;
    this.returned++;
  }

  #go(): void {
    this.#serve();
    const { count, concurrency, ordered } = this.setting;
    while (!this.#over && !this.#drained && this.running.length < concurrency) {
      if (this.#slots.length + (ordered ? 0 : this.running.length) >= 4 * concurrency) break;
      if (this.begun === count) this.#drained = true;
      else {
        if (ordered) this.#slots.push({ item: this.begun, outcome: undefined });
        this.running.push(this.begun++);
      }
    }
    this.#serve();
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const [first] = this.#slots;
      let outcome: Outcome;
      if (this.#failure !== undefined) {
        outcome = this.#failure;
        this.#failure = undefined;
      } else if (this.#over) outcome = 'end';
      else if (first?.outcome !== undefined) {
        outcome = first.outcome;
        this.#slots.shift();
        this.taken++;
      } else if (this.#drained && this.running.length === 0 && first === undefined) {
        this.#over = true;
        outcome = 'end';
      } else return;
      this.outcomes[this.#takers.shift() as number] = outcome;
    }
  }
}

/** The stream itself, beside its model. */
class Real {
  readonly steps = new Steps<number>();
  readonly signals: (AbortSignal | undefined)[] = [];
  readonly outcomes: Outcome[] = [];

  @retry(1)
  async work(item: number): Promise<unknown> {
    this.signals.push(currentCall().signal);
    return this.steps.begin(item);
  }

  take(stream: AsyncIterator<unknown>): void {
    const at = this.outcomes.push(undefined) - 1;
    stream.next().then(
      ({ done, value }) => {
        if (done) this.outcomes[at] = 'end';
        else this.outcomes[at] = value instanceof ItemError ? `failed ${value.index}` : `item ${value as number}`;
      },
      (error) => {
        this.outcomes[at] = `rejected ${error as number}`;
      },
    );
  }
}

const actions = fc.array(
  fc.record({
    does: fc.oneof(
      { weight: 10, arbitrary: fc.constant('take' as const) },
      { weight: 16, arbitrary: fc.constant('settle' as const) },
      { weight: 2, arbitrary: fc.constant('fail' as const) },
      { weight: 1, arbitrary: fc.constantFrom('abort' as const, 'return' as const) },
    ),
    at: fc.nat(),
  }),
  { maxLength: 60 },
);

const setting = fc.record({
  count: fc.nat({ max: 25 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  ordered: fc.boolean(),
  collect: fc.boolean(),
  lastFirst: fc.boolean(),
});

for (const sort of ['sync', 'async'] as const) {
  test(`a stream does what its model does under any schedule (${sort} source)`, () =>
    fc.assert(
      fc.asyncProperty(setting, actions, async (given, schedule) => {
        const { count, concurrency, ordered, collect, lastFirst } = given;
        const model = new Model(given);
        const real = new Real();
        const items = source(count, sort);
        const controller = new AbortController();
        const { signal } = controller;
        let told = { done: 0, failed: 0 };
        const stream = processStream(real, 'work', items as Iterable<number>, {
          concurrency,
          ordered,
          signal,
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
          assert.equal(items.pulled, model.begun);
          assert.ok(items.pulled - model.taken <= 4 * concurrency);
          assert.deepEqual([told.done, told.failed], [model.done, model.failed]);
          assert.equal(items.returned, model.returned);
          assert.equal(items.opened, model.opened ? 1 : 0);
          if (!model.isOver) assert.ok(real.signals.every((each) => !each?.aborted));
          if (model.returned > 0) assert.ok(model.running.every((item) => real.signals[item]?.aborted));
        };

        for (const { does, at } of schedule) {
          if (does === 'take') {
            model.take();
            real.take(stream);
          } else if (does === 'abort') {
            model.abort();
            controller.abort('abort');
          } else if (does === 'return') {
            model.end();
            await stream.return?.();
          } else if (model.running.length > 0) {
            const last = model.running.length - 1;
            await settle(model.running[lastFirst ? last : at % (last + 1)], does === 'settle');
          }
          await flush();
          compare();
        }

        // To the end: everything that runs ends, and as many results as there can be are taken.
        for (let i = 0; i <= count; i++) {
          model.take();
          real.take(stream);
        }
        await flush();
        compare();
        while (model.running.length > 0) {
          await settle(model.running.at(lastFirst ? -1 : 0) as number, true);
          compare();
        }
        assert.ok(real.outcomes.every((outcome) => outcome !== undefined));
        assert.ok(model.isOver);
        assert.equal(getEventListeners(signal, 'abort').length, 0);
      }),
      { seed: 20_261, numRuns: 600 },
    ));
}
