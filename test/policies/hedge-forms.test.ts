import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configure, currentCall, explain, hedge, Orchestrator, orchestrate, policiesOf, retry, statsOf } from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { never, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

/** When the last hedge of a call that never ends by itself began; undefined: it had none. */
async function lastHedgeOf(call: (begun: (nth: number) => void) => Promise<unknown>): Promise<number | undefined> {
  let at: number | undefined;
  await underFakeClock(async (clock) => {
    watched(
      call((nth) => {
        if (nth > 0) at = Date.now();
      }),
    );
    await advance(clock, 100);
  });
  return at;
}

type Begun = (nth: number) => void;

const run = async (begun: Begun): Promise<void> => {
  begun(currentCall().hedge);
  await never();
};

describe('X6 hedge', () => {
  test('is inherited, replaced whole, and cut off', async () => {
    class Base {
      @hedge({ delay: 20, maxHedges: 2 })
      async get(begun: Begun): Promise<void> {
        await run(begun);
      }
    }
    class Heir extends Base {
      override async get(begun: Begun): Promise<void> {
        await super.get(begun);
      }
    }
    class Own extends Base {
      @hedge(30)
      override async get(begun: Begun): Promise<void> {
        await super.get(begun);
      }
    }
    class Cut extends Base {
      @orchestrate({ inherit: false })
      override async get(begun: Begun): Promise<void> {
        await super.get(begun);
      }
    }
    const ends: unknown[] = [];
    for (const each of [new Base(), new Heir(), new Own(), new Cut()]) {
      ends.push(await lastHedgeOf((begun) => each.get(begun)));
    }
    assert.deepEqual(ends, [40, 40, 30, undefined]);
    assert.deepEqual(
      policiesOf(Own, 'get').map(({ options, declaredBy }) => [options, declaredBy]),
      [[{ delay: 30, maxHedges: 1 }, Own]],
    );
    assert.deepEqual([statsOf(Base, 'get').hedges, statsOf(Heir, 'get').hedges, statsOf(Own, 'get').hedges], [2, 2, 1]);
  });

  test('stands on static and on private methods, in @orchestrate, and in an Orchestrator', async () => {
    class Some {
      @hedge(20)
      static async get(begun: Begun): Promise<void> {
        await run(begun);
      }
      @hedge(30)
      async #own(begun: Begun): Promise<void> {
        await run(begun);
      }
      own(begun: Begun): Promise<void> {
        return this.#own(begun);
      }
      @orchestrate({ hedge: { delay: 40, maxHedges: 2 }, retry: 2 })
      async orchestrated(begun: Begun): Promise<void> {
        await run(begun);
      }
      @orchestrate({ hedge: 50 })
      async short(begun: Begun): Promise<void> {
        await run(begun);
      }
      @orchestrate({ hedge: (n) => 10 * n })
      async computed(begun: Begun): Promise<void> {
        await run(begun);
      }
    }
    const some = new Some();
    const orchestrator = new Orchestrator({ hedge: 60 });
    const ends: unknown[] = [];
    for (const call of [
      (begun: Begun) => Some.get(begun),
      (begun: Begun) => some.own(begun),
      (begun: Begun) => some.orchestrated(begun),
      (begun: Begun) => some.short(begun),
      (begun: Begun) => some.computed(begun),
      (begun: Begun) => orchestrator.execute(run, begun),
    ]) {
      ends.push(await lastHedgeOf(call));
    }
    assert.deepEqual(ends, [20, 30, 80, 50, 10, 60]);
    assert.equal(statsOf(Some, '#own').hedges, 1);
  });

  test('on an override a decorator of another kind leaves it inherited', async () => {
    class Base {
      @hedge(20)
      async get(begun: Begun): Promise<void> {
        await run(begun);
      }
    }
    class Heir extends Base {
      @retry(2)
      override async get(begun: Begun): Promise<void> {
        await run(begun);
      }
    }
    assert.equal(await lastHedgeOf((begun) => new Heir().get(begun)), 20);
    assert.match(explain(Heir), /get\(\): retry > hedge > the method/);
  });

  test('the same kind twice is a ConfigurationError', () => {
    assert.throws(
      () => {
        class Weather {
          @hedge(10)
          @hedge(20)
          async get(): Promise<void> {}
        }
        return Weather;
      },
      { name: 'ConfigurationError', message: /has a hedge policy already/ },
    );
  });

  test('10 configure changes it from the next call on, by name and by `*`, and takes it out', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const begun: number[] = [];
        class Weather {
          @hedge(50)
          async get(): Promise<void> {
            begun.push(Date.now());
            await never();
          }
          async plain(): Promise<void> {}
        }
        const weather = new Weather();
        watched(weather.get());
        {
          using _ = configure(Weather, 'get', { hedge: { delay: 20, maxHedges: 2 } });
          assert.deepEqual(policiesOf(Weather, 'get')[0]?.options, { delay: 20, maxHedges: 2 });
          watched(weather.get());
          await advance(clock, 60);
          // The call that was under way has kept its pipeline.
          assert.deepEqual(begun, [0, 0, 20, 40, 50]);
        }
        begun.length = 0;
        {
          using _ = configure(Weather, '*', { hedge: 10 });
          watched(weather.get());
          await advance(clock, 60);
          assert.deepEqual(begun, [60, 70]);
        }
        begun.length = 0;
        {
          using _ = configure(Weather, 'get', { hedge: false });
          watched(weather.get());
          await advance(clock, 100);
          assert.deepEqual(begun, [120]);
        }
        begun.length = 0;
        watched(weather.get());
        await advance(clock, 60);
        assert.deepEqual(begun, [220, 270]);
        for (const [options, problem] of [
          [{ hedge: { delay: -1 } }, /expected `hedge.delay` to be a number of milliseconds/],
          [{ hedge: { maxHedges: 0 } }, /expected `hedge.maxHedges` to be an integer/],
        ] as const) {
          assert.throws(() => configure(Weather, 'get', options), { name: 'ConfigurationError', message: problem });
        }
        assert.throws(() => configure(Weather, 'plain', { hedge: 10 }), /has no hedge policy to configure/);
        await flush();
        assert.equal(clock.countTimers(), 0);
      }),
    ));
});
