import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  circuitBreaker,
  concurrency,
  currentCall,
  explain,
  type HedgeEvent,
  hedge,
  policiesOf,
  RetryBudget,
  rateLimit,
  retry,
  statsOf,
} from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { never, sleep, watched } from '../support/timed.js';
import { handled } from '../support/unhandled.js';

/** The counts that are of interest here. */
const countsOf = (target: object, method = 'forecast') => {
  const { attempts, running, abandoned, queued, hedges, hedgeWins, rejected, failures } = statsOf(target, method);
  return { attempts, running, abandoned, queued, hedges, hedgeWins, rejected, failures };
};
const none = {
  attempts: 0,
  running: 0,
  abandoned: 0,
  queued: 0,
  hedges: 0,
  hedgeWins: 0,
  rejected: 0,
  failures: 0,
};

/** Work that tests end by hand, one piece for each run, in the order in which they began. */
class Work {
  readonly begun: { hedge: number; at: number; signal: AbortSignal | undefined; end: Deferred<string> }[] = [];

  begin(): Promise<string> {
    const { hedge, signal } = currentCall();
    const end = deferred<string>();
    this.begun.push({ hedge, at: Date.now(), signal, end });
    return end.promise;
  }

  at(index: number) {
    const found = this.begun[index];
    assert.ok(found);
    return found;
  }

  get starts(): [hedge: number, at: number][] {
    return this.begun.map(({ hedge, at }) => [hedge, at]);
  }
}

describe('4.1 no success after delay', () => {
  test('4.1 one more attempt runs beside the first; the first success wins', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        for (const winner of [0, 1]) {
          const work = new Work();
          class Weather {
            @hedge(50)
            async forecast(): Promise<string> {
              return await work.begin();
            }
          }
          const weather = new Weather();
          const began = Date.now();
          const seen = watched(weather.forecast());
          await advance(clock, 49);
          assert.equal(work.begun.length, 1);
          await advance(clock, 1);
          assert.deepEqual(
            work.starts.map(([hedge, at]) => [hedge, at - began]),
            [
              [0, 0],
              [1, 50],
            ],
          );
          await advance(clock, 500);
          assert.equal(work.begun.length, 2);
          work.at(winner).end.resolve(`by ${winner}`);
          await flush();
          assert.equal(seen.value, `by ${winner}`);
          const expected = { attempts: 2, running: 1, abandoned: 1, hedges: 1, hedgeWins: winner };
          assert.deepEqual(countsOf(weather), { ...none, ...expected });
          work.at(1 - winner).end.reject(new Error('late'));
          await flush();
          assert.deepEqual(countsOf(weather), { ...none, ...expected, running: 0, abandoned: 0 });
          assert.equal(clock.countTimers(), 0);
        }
      }),
    ));

  test('4.1 the first alone, where it is quick', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge(50)
        async forecast(last: number): Promise<string> {
          if (last > 0) await sleep(last);
          return 'sun';
        }
      }
      const weather = new Weather();
      assert.equal(await weather.forecast(0), 'sun');
      const seen = watched(weather.forecast(49));
      await advance(clock, 200);
      assert.deepEqual(seen, { at: 49, value: 'sun' });
      assert.deepEqual(countsOf(weather), { ...none, attempts: 2 });
      assert.equal(clock.countTimers(), 0);
    }));

  test('4.1 delay counts from the entry of the code of the run before: a wait in line does not count', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 30, maxHedges: 2 })
        @rateLimit({ rate: 2, per: 100 })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 30);
      // The permits are used up: this one waits for the first to come back.
      const other = watched(weather.forecast());
      await advance(clock, 69);
      assert.deepEqual(work.starts, [
        [0, 0],
        [1, 30],
      ]);
      await advance(clock, 1);
      assert.deepEqual(work.starts[2], [0, 100]);
      // Its own hedge comes 30 later, as the other permit is back by then.
      await advance(clock, 30);
      assert.deepEqual(work.starts[3], [1, 130]);
      for (const { end } of work.begun) end.resolve('sun');
      await flush();
      assert.deepEqual([seen.value, other.value], ['sun', 'sun']);
    }));

  test('4.1 each hedge counts from the start of the one before; maxHedges bounds them', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 20, maxHedges: 3 })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 500);
      assert.deepEqual(work.starts, [
        [0, 0],
        [1, 20],
        [2, 40],
        [3, 60],
      ]);
      work.at(2).end.resolve('sun');
      await flush();
      assert.equal(seen.value, 'sun');
      assert.deepEqual(
        work.begun.map(({ signal }) => signal?.aborted),
        [true, true, false, true],
      );
      assert.deepEqual(countsOf(weather), { ...none, attempts: 4, running: 3, abandoned: 3, hedges: 3, hedgeWins: 1 });
    }));

  test('4.1 delay may be a function of the number of the hedge, called with the receiver and the context', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const asked: unknown[] = [];
      class Weather {
        @hedge<Weather, [city: string]>({
          delay(n, { method, args, attempt }) {
            asked.push([this === weather, n, method, args, attempt, Date.now()]);
            return 10 * n;
          },
          maxHedges: 3,
        })
        async forecast(_city: string): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      watched(weather.forecast('Davos'));
      await advance(clock, 100);
      assert.deepEqual(work.starts, [
        [0, 0],
        [1, 10],
        [2, 30],
        [3, 60],
      ]);
      assert.deepEqual(asked, [
        [true, 1, 'Weather.forecast', ['Davos'], 1, 0],
        [true, 2, 'Weather.forecast', ['Davos'], 1, 10],
        [true, 3, 'Weather.forecast', ['Davos'], 1, 30],
      ]);
      assert.equal(clock.countTimers(), 0);
    }));

  test('4.1 a function as the shorthand; a quick first leaves no timer of it', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge(() => 50)
        async forecast(last: number): Promise<string> {
          await sleep(last);
          return 'sun';
        }
      }
      const weather = new Weather();
      const calls = [10, 60].map((last) => watched(weather.forecast(last)));
      await advance(clock, 10);
      assert.equal(calls[0]?.value, 'sun');
      assert.equal(clock.countTimers(), 2);
      await advance(clock, 100);
      assert.deepEqual(calls[1], { at: 60, value: 'sun' });
      assert.equal(countsOf(weather).hedges, 1);
      assert.equal(clock.countTimers(), 0);
    }));

  test('4.1 delay 0 hedges as soon as timers run; Infinity on failures alone', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge(0)
        async atOnce(): Promise<string> {
          return await work.begin();
        }
        @hedge(Number.POSITIVE_INFINITY)
        async onFailure(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      watched(weather.atOnce());
      await advance(clock, 1);
      assert.equal(work.begun.length, 2);
      const seen = watched(weather.onFailure());
      assert.equal(clock.countTimers(), 0);
      await advance(clock, 100_000);
      assert.equal(work.begun.length, 3);
      work.at(2).end.reject(new Error('down'));
      await flush();
      assert.equal(work.begun.length, 4);
      work.at(3).end.resolve('sun');
      await flush();
      assert.equal(seen.value, 'sun');
    }));

  test('4.1 the winner in the very tick of the delay: one result, and nothing is left', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        let entered = 0;
        class Weather {
          @hedge(50)
          async forecast(): Promise<string> {
            const { hedge, signal } = currentCall();
            entered++;
            await sleep(50);
            signal?.throwIfAborted();
            return `by ${hedge}`;
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 50);
        assert.deepEqual(seen, { at: 50, value: 'by 0' });
        await advance(clock, 100);
        assert.ok(entered <= 2);
        assert.deepEqual(countsOf(weather), { ...none, attempts: entered, hedges: entered - 1 });
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  test('4.1 a first that blocks for longer than the delay as it is entered, and has not settled then, is hedged', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge(50)
        async forecast(): Promise<string> {
          if (currentCall().hedge === 1) return 'sun';
          clock.tick(70);
          return await never();
        }
      }
      const seen = watched(new Weather().forecast());
      await flush();
      assert.equal(seen.value, 'sun');
      assert.equal(clock.countTimers(), 0);
    }));

  test('4.1 the promise decides, not the clock: a success that is on its way when the timer is late starts no hedge', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge(50)
        async forecast(): Promise<string> {
          clock.tick(70);
          for (let i = 0; i < 5; i++) await undefined;
          return 'sun';
        }
      }
      const weather = new Weather();
      assert.equal(await weather.forecast(), 'sun');
      await flush();
      assert.deepEqual(countsOf(weather), { ...none, attempts: 1 });
      assert.equal(clock.countTimers(), 0);
    }));

  test('4.1 Infinity with a success: nothing runs beside it', async () => {
    class Weather {
      @hedge(Number.POSITIVE_INFINITY)
      async forecast(): Promise<string> {
        return 'sun';
      }
    }
    const weather = new Weather();
    assert.equal(await weather.forecast(), 'sun');
    assert.deepEqual(countsOf(weather), { ...none, attempts: 1 });
  });

  test('4.1 by a function, too, no hedge begins or is used up while the first waits in line', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge(() => 30)
        @concurrency(2)
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      for (let n = 0; n < 3; n++) watched(weather.forecast());
      // Two that hedge in vain, as there is no slot; the third waits for one.
      await advance(clock, 40);
      assert.deepEqual(work.starts, [
        [0, 0],
        [0, 0],
      ]);
      work.at(0).end.resolve('sun');
      await flush();
      await advance(clock, 10);
      work.at(1).end.resolve('sun');
      await advance(clock, 50);
      assert.deepEqual(work.starts.slice(2), [
        [0, 40],
        [1, 70],
      ]);
    }));
});

describe('4.2 a failure', () => {
  test('4.2 starts the next hedge at once, which counts its delay from there', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const events: unknown[] = [];
      class Weather {
        @hedge({ delay: 50, maxHedges: 2, onHedge: ({ hedge, delay, error }) => events.push([hedge, delay, error]) })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 20);
      const error = new Error('down');
      work.at(0).end.reject(error);
      await flush();
      assert.deepEqual(work.starts, [
        [0, 0],
        [1, 20],
      ]);
      await advance(clock, 49);
      assert.equal(work.begun.length, 2);
      await advance(clock, 1);
      assert.deepEqual(work.starts[2], [2, 70]);
      assert.deepEqual(events, [
        [1, 50, error],
        [2, 50, undefined],
      ]);
      work.at(1).end.resolve('sun');
      await flush();
      assert.equal(seen.value, 'sun');
    }));

  test('4.2 another one than `on` means fails the call, and aborts the rest', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        for (const loser of [0, 1]) {
          const work = new Work();
          class Weather {
            @hedge({ delay: 50, maxHedges: 5, on: [TypeError, (error) => (error as Error).message === 'again'] })
            async forecast(): Promise<string> {
              return await work.begin();
            }
          }
          const weather = new Weather();
          const seen = watched(weather.forecast());
          await advance(clock, 50);
          const fatal = new RangeError('no');
          work.at(loser).end.reject(fatal);
          await flush();
          assert.equal(seen.error, fatal);
          assert.equal(work.at(1 - loser).signal?.aborted, true);
          assert.equal(work.at(1 - loser).signal?.reason.name, 'AbortError');
          assert.equal(work.at(loser).signal?.aborted, false);
          work.at(1 - loser).end.reject(new Error('late'));
          await advance(clock, 100);
          assert.deepEqual(countsOf(weather), { ...none, attempts: 2, hedges: 1, failures: 1 });
          assert.equal(clock.countTimers(), 0);
        }
      }),
    ));

  test('4.2 `on` may be async, and is told of the call; a success meanwhile wins', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const verdict = deferred<boolean>();
      const asked: unknown[] = [];
      class Weather {
        @hedge<Weather, []>({
          delay: 50,
          on(this: Weather, error, { method, attempt }) {
            asked.push([this === weather, (error as Error).message, method, attempt]);
            return verdict.promise;
          },
        })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 10);
      work.at(0).end.reject(new Error('down'));
      await flush();
      assert.deepEqual(asked, [[true, 'down', 'Weather.forecast', 1]]);
      assert.equal(work.begun.length, 1);
      // The time for the hedge comes, though it is not known what the failure means.
      await advance(clock, 40);
      assert.equal(work.begun.length, 2);
      work.at(1).end.resolve('sun');
      await flush();
      assert.equal(seen.value, 'sun');
      verdict.resolve(false);
      await flush();
      assert.deepEqual(countsOf(weather), { ...none, attempts: 2, hedges: 1, hedgeWins: 1 });
    }));

  test('4.2 a synchronous throw is a failure like any, of the first and of a hedge', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        for (const throwing of [[0], [1], [0, 1]]) {
          class Weather {
            @hedge({ delay: 50, maxHedges: 2 })
            forecast(): Promise<string> {
              const { hedge } = currentCall();
              if (throwing.includes(hedge)) throw new Error(`thrown by ${hedge}`);
              return sleep(hedge === 0 ? 200 : 10).then(() => `by ${hedge}`);
            }
          }
          const began = Date.now();
          const seen = watched(new Weather().forecast());
          await flush();
          await advance(clock, 300);
          const value = throwing.includes(1) ? 'by 2' : 'by 1';
          assert.deepEqual(seen, { at: began + (throwing.includes(0) ? 10 : 60), value });
          assert.equal(clock.countTimers(), 0);
        }
      }),
    ));

  test('4.2 where the first fails in the tick of the delay, that starts one hedge', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 50, maxHedges: 2 })
        async forecast(): Promise<string> {
          if (currentCall().hedge > 0) return await work.begin();
          clock.tick(50);
          throw new Error('down');
        }
      }
      const seen = watched(new Weather().forecast());
      await flush();
      await advance(clock, 49);
      assert.deepEqual(work.starts, [[1, 50]]);
      work.at(0).end.resolve('sun');
      await flush();
      assert.equal(seen.value, 'sun');
    }));

  test('4.2 while it is asked what a failure means, the attempt is not over', () =>
    underFakeClock(async (clock) => {
      const errors = [new Error('first'), new Error('hedge')];
      const verdicts = new Map(errors.map((error) => [error, deferred<boolean>()]));
      const work = new Work();
      class Weather {
        @hedge({ delay: 10, on: (error: Error) => verdicts.get(error)?.promise ?? true })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 10);
      errors.forEach((error, index) => {
        work.at(index).end.reject(error);
      });
      await flush();
      verdicts.get(errors[0] as Error)?.resolve(true);
      await flush();
      assert.equal(seen.at, undefined);
      verdicts.get(errors[1] as Error)?.resolve(false);
      await flush();
      assert.equal(seen.error, errors[1]);
    }));
});

describe('4.3 all failed', () => {
  test("4.3 the first attempt's error, though it was not the first to fail", () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const errors = ['first', 'hedge 1', 'hedge 2'].map((text) => new Error(text));
        for (const order of [
          [0, 1, 2],
          [1, 0, 2],
          [2, 1, 0],
        ]) {
          const work = new Work();
          class Weather {
            @hedge({ delay: 10, maxHedges: 2 })
            async forecast(): Promise<string> {
              return await work.begin();
            }
          }
          const weather = new Weather();
          const seen = watched(weather.forecast());
          await advance(clock, 20);
          for (const index of order) {
            assert.equal(seen.error, undefined);
            work.at(index).end.reject(errors[index]);
            await flush();
          }
          assert.equal(seen.error, errors[0]);
          assert.deepEqual(countsOf(weather), { ...none, attempts: 3, hedges: 2, failures: 1 });
          assert.equal(clock.countTimers(), 0);
        }
      }),
    ));

  test('4.3 retry sees one failed attempt, and hedges are counted anew for the next', () =>
    underFakeClock(async (clock) => {
      const seen: unknown[] = [];
      const told: unknown[] = [];
      class Weather {
        @retry({ maxAttempts: 3, waitMin: 0, onRetry: ({ attempt, error }) => told.push([attempt, String(error)]) })
        @hedge({ delay: 10 })
        async forecast(): Promise<string> {
          const { attempt, hedge } = currentCall();
          seen.push([attempt, hedge]);
          if (attempt === 3 && hedge === 1) return 'sun';
          throw new Error(`${attempt}, ${hedge}`);
        }
      }
      const weather = new Weather();
      const call = watched(weather.forecast());
      await advance(clock, 5);
      assert.equal(call.value, 'sun');
      assert.deepEqual(seen, [
        [1, 0],
        [1, 1],
        [2, 0],
        [2, 1],
        [3, 0],
        [3, 1],
      ]);
      assert.deepEqual(told, [
        [1, 'Error: 1, 0'],
        [2, 'Error: 2, 0'],
      ]);
      const { retries, hedges, hedgeWins, attempts } = statsOf(weather, 'forecast');
      assert.deepEqual({ retries, hedges, hedgeWins, attempts }, { retries: 2, hedges: 3, hedgeWins: 1, attempts: 6 });
    }));

  test('4.3 errors have the caller in their stack: of the first, though it failed late, and of a hedge', () =>
    underFakeClock(async (clock) => {
      class Weather {
        @hedge({ delay: 10, on: TypeError })
        async forecast(failing: number): Promise<string> {
          const { hedge } = currentCall();
          if (hedge !== failing) return await never();
          await sleep(20);
          throw new Error('down');
        }

        @hedge({ delay: 10, on: () => false })
        async atOnce(): Promise<string> {
          if (currentCall().hedge === 0) return await never();
          throw new Error('down');
        }

        @hedge({ delay: 10, on: TypeError })
        async afterFailure(): Promise<string> {
          if (currentCall().hedge === 0) throw new TypeError('first');
          throw new Error('down');
        }
      }
      const weather = new Weather();
      async function callerOfAll(run: () => Promise<string>): Promise<string> {
        return await run();
      }
      for (const run of [
        () => weather.forecast(0),
        () => weather.forecast(1),
        () => weather.atOnce(),
        () => weather.afterFailure(),
      ]) {
        const seen = watched(callerOfAll(run));
        await advance(clock, 50);
        assert.match((seen.error as Error).stack ?? '', /async .*callerOfAll/);
      }
    }));
});

describe('4.4 losers', () => {
  test('4.4 their signal aborts, they are not awaited, and hold their slots until they have ended', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const work = new Work();
        class Weather {
          @hedge(10)
          @concurrency(2)
          async forecast(): Promise<string> {
            return await work.begin();
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 10);
        work.at(1).end.resolve('sun');
        await flush();
        assert.equal(seen.value, 'sun');
        const { signal } = work.at(0);
        assert.equal(signal?.aborted, true);
        assert.equal(signal?.reason.name, 'AbortError');
        assert.equal(work.at(1).signal?.aborted, false);
        const others = [weather.forecast(), weather.forecast()].map((each) => watched(each));
        await flush();
        assert.deepEqual([countsOf(weather).running, countsOf(weather).queued], [2, 1]);
        work.at(0).end.resolve('late');
        await flush();
        assert.deepEqual([countsOf(weather).running, countsOf(weather).queued], [2, 0]);
        for (const { end } of work.begun) end.resolve('sun');
        await flush();
        assert.deepEqual(
          others.map(({ value }) => value),
          ['sun', 'sun'],
        );
        assert.equal(countsOf(weather).abandoned, 0);
      }),
    ));
});

describe('4.5 a hedge never waits in line', () => {
  test('4.5 with no slot free at once it is skipped, used up, and counted by nobody', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const told: number[] = [];
      class Weather {
        @hedge({ delay: 10, maxHedges: 2, onHedge: ({ hedge }) => told.push(hedge) })
        @concurrency(2)
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      const first = watched(weather.forecast());
      const second = watched(weather.forecast());
      await advance(clock, 10);
      assert.deepEqual(countsOf(weather), { ...none, attempts: 2, running: 2 });
      // The first hedge of each is used up; the other comes after its own delay, where there is a slot.
      work.at(0).end.resolve('sun');
      await advance(clock, 9);
      assert.equal(work.begun.length, 2);
      await advance(clock, 1);
      assert.deepEqual(work.starts[2], [2, 20]);
      assert.deepEqual(told, [2]);
      await advance(clock, 500);
      assert.equal(work.begun.length, 3);
      work.at(2).end.resolve('rain');
      await flush();
      assert.deepEqual([first.value, second.value], ['sun', 'rain']);
      const expected = { attempts: 3, running: 1, abandoned: 1, hedges: 1, hedgeWins: 1 };
      assert.deepEqual(countsOf(weather), { ...none, ...expected });
    }));

  test('4.5 3 hedges at `limit: 2`: no more run than may, and every slot comes back', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        let running = 0;
        let most = 0;
        class Weather {
          @hedge({ delay: 10, maxHedges: 3 })
          @concurrency(2)
          async forecast(): Promise<string> {
            const { hedge } = currentCall();
            most = Math.max(most, ++running);
            await sleep(100);
            running--;
            return `by ${hedge}`;
          }
        }
        const weather = new Weather();
        const calls = Array.from({ length: 3 }, () => watched(weather.forecast()));
        await advance(clock, 1000);
        assert.ok(calls.every(({ value }) => value !== undefined));
        assert.equal(most, 2);
        const { running: left, queued, rejected, abandoned } = statsOf(weather, 'forecast');
        assert.deepEqual({ left, queued, rejected, abandoned }, { left: 0, queued: 0, rejected: 0, abandoned: 0 });
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  test('4.5 nor where its limit has its queue full, or lets nobody wait', () =>
    underFakeClock(async (clock) => {
      for (const limit of [
        { limit: 1, maxQueue: 0 },
        { limit: 1, maxWait: 0 },
        { limit: 1, maxWait: 1_000 },
      ]) {
        const work = new Work();
        class Weather {
          @hedge({ delay: 10, maxHedges: 3 })
          @concurrency(limit)
          async forecast(): Promise<string> {
            return await work.begin();
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 100);
        assert.deepEqual(countsOf(weather), { ...none, attempts: 1, running: 1 });
        work.at(0).end.resolve('sun');
        await flush();
        assert.equal(seen.value, 'sun');
        assert.equal(clock.countTimers(), 0);
      }
    }));

  test('4.5 nor for a permit of a rate limit, which it takes as any attempt does', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 10, maxHedges: 2 })
        @rateLimit({ rate: 2, per: 100 })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      watched(weather.forecast());
      await advance(clock, 30);
      assert.deepEqual(work.starts, [
        [0, 0],
        [1, 10],
      ]);
      assert.deepEqual([countsOf(weather).queued, countsOf(weather).rejected], [0, 0]);
      // Nothing holds on to a permit: both come back in time.
      const others = [watched(weather.forecast()), watched(weather.forecast())];
      await advance(clock, 80);
      assert.deepEqual(
        work.begun.slice(2).map(({ at }) => at),
        [100, 110],
      );
      assert.ok(others.every(({ at }) => at === undefined));
    }));

  test('4.5 one that a failure starts is skipped where the slot has gone to the next in line; the call then fails at once', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 50, maxHedges: 3 })
        @concurrency(1)
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      const first = watched(weather.forecast());
      const second = watched(weather.forecast());
      await advance(clock, 5);
      const error = new Error('down');
      work.at(0).end.reject(error);
      await flush();
      assert.deepEqual(first, { at: 5, error });
      assert.deepEqual(countsOf(weather), { ...none, attempts: 2, running: 1, failures: 1 });
      work.at(1).end.resolve('sun');
      await flush();
      assert.equal(second.value, 'sun');
      assert.equal(clock.countTimers(), 0);
    }));

  test('4.5 the first waits as ever, and what turns it away starts no hedge', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 10, maxHedges: 3 })
        @concurrency({ limit: 1, maxWait: 30 })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      watched(weather.forecast());
      const second = watched(weather.forecast());
      await advance(clock, 29);
      assert.equal(countsOf(weather).queued, 1);
      await advance(clock, 1);
      assert.equal((second.error as Error).name, 'RejectedError');
      assert.deepEqual(countsOf(weather), { ...none, attempts: 1, running: 1, rejected: 1, failures: 1 });
    }));
});

describe('4.6 what keeps a hedge back keeps back that one only', () => {
  test('4.6 an empty budget, which counts as exceeded', () =>
    underFakeClock(async (clock) => {
      const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 });
      const work = new Work();
      class Weather {
        @hedge({ delay: 10, maxHedges: 2, budget })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      watched(weather.forecast());
      assert.equal(budget.balance, 1);
      assert.equal(budget.withdraw(), true);
      await advance(clock, 10);
      assert.equal(work.begun.length, 1);
      assert.equal(statsOf(weather, 'forecast').budgetExceeded, 1);
      budget.deposit();
      await advance(clock, 10);
      assert.deepEqual(work.starts[1], [2, 20]);
      assert.equal(budget.balance, 0);
      assert.equal(statsOf(weather, 'forecast').budgetExceeded, 1);
    }));

  test('4.6 where another run goes on, a failure tries one hedge, and the next comes in time', () =>
    underFakeClock(async (clock) => {
      const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 });
      const work = new Work();
      class Weather {
        @hedge({ delay: 10, maxHedges: 3, budget })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      const seen = watched(weather.forecast());
      await advance(clock, 10);
      assert.equal(budget.balance, 0);
      work.at(0).end.reject(new Error('down'));
      await flush();
      assert.equal(statsOf(weather, 'forecast').budgetExceeded, 1);
      budget.deposit();
      await advance(clock, 9);
      assert.equal(work.begun.length, 2);
      await advance(clock, 1);
      assert.deepEqual(work.starts[2], [3, 20]);
      work.at(2).end.resolve('sun');
      await flush();
      assert.equal(seen.value, 'sun');
    }));

  test('4.6 with nothing else running, all that are left are tried, and the call fails at once', () =>
    underFakeClock(async () => {
      const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0 });
      class Weather {
        @hedge({ delay: 10, maxHedges: 2, budget })
        async forecast(): Promise<string> {
          throw new Error(`down ${currentCall().hedge}`);
        }
      }
      const weather = new Weather();
      assert.equal(((await rejection(weather.forecast())) as Error).message, 'down 0');
      assert.deepEqual([countsOf(weather).hedges, statsOf(weather, 'forecast').budgetExceeded], [0, 2]);
      // Each call pays in one, and a hedge costs two.
      await rejection(weather.forecast());
      assert.deepEqual([countsOf(weather).hedges, statsOf(weather, 'forecast').budgetExceeded], [1, 3]);
      assert.equal(budget.balance, 0);
    }));

  test('6.2 a budget that retries and hedges of a method share: each call pays in once, both take out', () =>
    underFakeClock(async (clock) => {
      const budget = new RetryBudget({ ratio: 0.25, minPerSecond: 0 });
      class Weather {
        @retry({ maxAttempts: 2, waitMin: 0, budget })
        @hedge({ delay: 10, budget })
        async forecast(works: boolean): Promise<string> {
          if (!works) throw new Error('down');
          return 'sun';
        }
      }
      const weather = new Weather();
      for (let i = 0; i < 7; i++) await weather.forecast(true);
      assert.equal(budget.balance, 1);
      const seen = watched(weather.forecast(false));
      await advance(clock, 5);
      assert.equal((seen.error as Error).message, 'down');
      // Eight paid for two: a hedge, and a retry, whose own hedge is refused.
      const { hedges, retries, budgetExceeded, attempts } = statsOf(weather, 'forecast');
      assert.deepEqual(
        { hedges, retries, budgetExceeded, attempts },
        { hedges: 1, retries: 1, budgetExceeded: 1, attempts: 10 },
      );
      assert.equal(budget.balance, 0);
    }));

  test('6.2 a hedge without a retry that has the budget pays in itself, once for each call', () =>
    underFakeClock(async () => {
      const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0 });
      class Weather {
        @retry({ maxAttempts: 3, waitMin: 0 })
        @hedge({ delay: 10, budget })
        async forecast(): Promise<string> {
          if (currentCall().attempt < 3) throw new Error('down');
          return 'sun';
        }
      }
      const weather = new Weather();
      await weather.forecast();
      assert.equal(countsOf(weather).hedges, 0);
      assert.equal(budget.withdraw(), false);
      budget.deposit();
      assert.equal(budget.withdraw(), true);
    }));
});

describe('4.7 none starts any more', () => {
  test('4.7 after the call settled', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 10, maxHedges: 5 })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 15);
      work.at(0).end.resolve('sun');
      await flush();
      assert.equal(clock.countTimers(), 0);
      await advance(clock, 100);
      work.at(1).end.reject(new Error('late'));
      await advance(clock, 100);
      assert.equal(work.begun.length, 2);
      assert.equal(seen.value, 'sun');
    }));

  test('4.7 after an abort by the caller, which all runs are told of, with its reason', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const work = new Work();
        class Weather {
          @retry(3)
          @hedge({ delay: 10, maxHedges: 5 })
          @concurrency(5)
          async forecast(_city: string, _signal: AbortSignal): Promise<string> {
            return await work.begin();
          }
        }
        const weather = new Weather();
        const stop = new AbortController();
        const seen = watched(weather.forecast('Davos', stop.signal));
        await advance(clock, 10);
        stop.abort('enough');
        await flush();
        assert.deepEqual(seen, { at: 10, error: 'enough' });
        assert.deepEqual(
          work.begun.map(({ signal }) => signal?.reason),
          ['enough', 'enough'],
        );
        assert.equal(clock.countTimers(), 0);
        work.at(0).end.reject(new Error('down'));
        work.at(1).end.resolve('late');
        await advance(clock, 100);
        assert.deepEqual(countsOf(weather), { ...none, attempts: 2, hedges: 1, failures: 1 });
      }),
    ));

  test('4.7 an abort before the first settles, by its own code, and before the call', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        let entered = 0;
        class Weather {
          @hedge({ delay: 10, maxHedges: 5 })
          async forecast(stop: AbortController, _options: { signal: AbortSignal }): Promise<string> {
            entered++;
            stop.abort('enough');
            return await never();
          }
        }
        const weather = new Weather();
        const stop = new AbortController();
        const call = weather.forecast(stop, { signal: stop.signal });
        assert.equal(await rejection(call), 'enough');
        assert.equal(await rejection(weather.forecast(stop, { signal: stop.signal })), 'enough');
        await advance(clock, 50);
        assert.equal(entered, 1);
        assert.equal(clock.countTimers(), 0);
      }),
    ));

  test('4.7 an abort by the function that tells the delay: nothing is entered', async () => {
    const controller = new AbortController();
    class Weather {
      @hedge(() => {
        controller.abort('by delay');
        return 10;
      })
      async forecast(_signal: AbortSignal): Promise<void> {}
    }
    const weather = new Weather();
    assert.equal(await rejection(weather.forecast(controller.signal)), 'by delay');
    await flush();
    assert.deepEqual(countsOf(weather), { ...none, failures: 1 });
  });

  test('4.7 in line: an abort takes the first out', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge(10)
        @concurrency(1)
        async forecast(_signal?: AbortSignal): Promise<string> {
          return await work.begin();
        }
      }
      const weather = new Weather();
      watched(weather.forecast());
      const stop = new AbortController();
      const seen = watched(weather.forecast(stop.signal));
      await flush();
      assert.equal(countsOf(weather).queued, 1);
      stop.abort('enough');
      await flush();
      assert.equal(seen.error, 'enough');
      assert.equal(countsOf(weather).queued, 0);
      work.at(0).end.resolve('sun');
      await advance(clock, 20);
      assert.deepEqual(countsOf(weather), { ...none, attempts: 1, failures: 1 });
    }));
});

describe('4.9 currentCall().hedge', () => {
  test('4.9 is 0 for the first, n for the n-th hedge, and each has a signal of its own', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      class Weather {
        @hedge({ delay: 10, maxHedges: 2 })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      watched(new Weather().forecast());
      await advance(clock, 30);
      assert.deepEqual(
        work.begun.map(({ hedge }) => hedge),
        [0, 1, 2],
      );
      assert.equal(new Set(work.begun.map(({ signal }) => signal)).size, 3);
      assert.ok(work.begun.every(({ signal }) => signal?.aborted === false));
    }));

  test('4.9 a hedge that a failure started is told of it', () =>
    underFakeClock(async (clock) => {
      const seen: unknown[] = [];
      class Weather {
        @hedge({ delay: 10, maxHedges: 2 })
        async forecast(): Promise<string> {
          const { hedge, error } = currentCall();
          seen.push([hedge, error]);
          if (hedge === 0) throw failure;
          return await never();
        }
      }
      const failure = new Error('down');
      watched(new Weather().forecast());
      await flush();
      await advance(clock, 10);
      assert.deepEqual(seen, [
        [0, undefined],
        [1, failure],
        [2, undefined],
      ]);
    }));

  test('4.9 it is the latest failure, and that before a hedge which was kept back', async () => {
    const failures = [new Error('first'), new Error('second')];
    const seen: unknown[] = [];
    class Weather {
      @hedge({ delay: Number.POSITIVE_INFINITY, maxHedges: 2 })
      async forecast(): Promise<string> {
        const { hedge, error } = currentCall();
        seen.push([hedge, error]);
        if (hedge < 2) throw failures[hedge];
        return 'sun';
      }

      @hedge({ delay: Number.POSITIVE_INFINITY, maxHedges: 2 })
      @concurrency(1)
      async alone(name: string): Promise<string> {
        const { hedge, error } = currentCall();
        seen.push([name, hedge, error]);
        if (name === 'one' && hedge === 0) throw failures[0];
        if (name === 'other') for (let turn = 0; turn < 5; turn++) await undefined;
        return 'sun';
      }
    }
    const weather = new Weather();
    assert.equal(await weather.forecast(), 'sun');
    assert.deepEqual(seen.splice(0), [
      [0, undefined],
      [1, failures[0]],
      [2, failures[1]],
    ]);
    // The slot goes to the other call, so that the first hedge finds none; it is back for the second.
    await Promise.all([weather.alone('one'), weather.alone('other')]);
    assert.deepEqual(seen, [
      ['one', 0, undefined],
      ['other', 0, undefined],
      ['one', 2, failures[0]],
    ]);
  });

  test('X2 the signal of each run stands in the place of that of the caller', () =>
    underFakeClock(async (clock) => {
      const given: unknown[] = [];
      class Weather {
        @hedge(10)
        async forecast(_city: string, options: { signal: AbortSignal }): Promise<string> {
          given.push(options.signal, currentCall().signal);
          return await never();
        }
      }
      const { signal } = new AbortController();
      watched(new Weather().forecast('Davos', { signal }));
      await advance(clock, 10);
      assert.equal(given[0], given[1]);
      assert.equal(given[2], given[3]);
      assert.equal(new Set([...given, signal]).size, 3);
    }));
});

describe('X7 hooks', () => {
  test('X7 onHedge is told of the call, with the receiver as `this`, and is not waited for', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const events: (HedgeEvent & { self: unknown })[] = [];
        class Weather {
          @hedge<Weather, [city: string, options?: { signal: AbortSignal }]>({
            delay: 10,
            async onHedge(event) {
              events.push(Object.assign(event, { self: this }));
              throw new Error('nobody waits for this');
            },
          })
          async forecast(_city: string, _options?: { signal: AbortSignal }): Promise<string> {
            return currentCall().hedge === 1 ? 'sun' : await never();
          }
        }
        const weather = new Weather();
        const { signal } = new AbortController();
        const seen = watched(weather.forecast('Davos', { signal }));
        await advance(clock, 10);
        assert.equal(seen.value, 'sun');
        const [event] = events;
        assert.equal(events.length, 1);
        assert.equal(event?.self, weather);
        const { hedge: nth, delay, error, method, args, attempt } = event as HedgeEvent;
        assert.deepEqual(
          { nth, delay, error, method, args, attempt },
          {
            nth: 1,
            delay: 10,
            error: undefined,
            method: 'Weather.forecast',
            args: ['Davos', { signal }],
            attempt: 1,
          },
        );
        assert.equal(event?.signal, signal);
      }),
    ));

  test('X7 what onHedge throws rejects that call, without another attempt, and aborts its runs', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const work = new Work();
        const thrown = new Error('hook');
        class Weather {
          @retry({ maxAttempts: 5, waitMin: 0 })
          @hedge({
            delay: 10,
            maxHedges: 3,
            onHedge() {
              throw thrown;
            },
          })
          async forecast(): Promise<string> {
            return await work.begin();
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 100);
        assert.deepEqual(seen, { at: 10, error: thrown });
        assert.deepEqual(
          work.begun.map(({ signal }) => signal?.aborted),
          [true, true],
        );
        for (const { end } of work.begun) end.reject(new Error('late'));
        await advance(clock, 100);
        assert.deepEqual(countsOf(weather), { ...none, attempts: 2, hedges: 1, failures: 1 });
      }),
    ));

  test('X7 what `delay` or `on` throws rejects that call, without another attempt', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const thrown = new Error('hook');
        const fails = (): never => {
          throw thrown;
        };
        const failsLater = (n: number): number => (n === 2 ? fails() : 10);
        for (const [config, entered] of [
          [{ delay: fails }, 0],
          [{ delay: failsLater, maxHedges: 2 }, 2],
          [{ delay: 10, on: fails }, 1],
        ] as const) {
          let begun = 0;
          class Weather {
            @retry({ maxAttempts: 5, waitMin: 0 })
            @hedge(config)
            async forecast(): Promise<string> {
              begun++;
              if ('on' in config) throw new Error('down');
              return await never();
            }
          }
          const weather = new Weather();
          const seen = watched(weather.forecast());
          await advance(clock, 50);
          assert.equal(seen.error, thrown);
          assert.equal(begun, entered);
          const { attempts, running } = countsOf(weather);
          assert.deepEqual([attempts, running], [entered, 'on' in config ? 0 : entered]);
          assert.equal(clock.countTimers(), 0);
        }
      }),
    ));

  test('X7 what `delay` throws for a hedge counts, not the failure which leads to that, also where a budget keeps back the one before', async () => {
    const thrown = new Error('hook');
    const delay = (n: number): number => {
      if (n === 2) throw thrown;
      return 10;
    };
    class Weather {
      @retry({ maxAttempts: 3, waitMin: 0 })
      @hedge({ delay, maxHedges: 2, budget: new RetryBudget({ ratio: 0.1, minPerSecond: 0 }) })
      async forecast(): Promise<string> {
        throw new Error('down');
      }
    }
    const weather = new Weather();
    assert.equal(await rejection(weather.forecast()), thrown);
    assert.equal(countsOf(weather).attempts, 1);
  });

  test('4.4 `on` is not asked about those that lost, whatever they come to', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const asked: unknown[] = [];
      class Weather {
        @hedge({
          delay: 10,
          on: (error) => {
            asked.push(error);
            return true;
          },
        })
        async forecast(): Promise<string> {
          return await work.begin();
        }
      }
      const seen = watched(new Weather().forecast());
      await advance(clock, 10);
      work.at(0).end.resolve('sun');
      await flush();
      assert.equal(seen.value, 'sun');
      const { reason } = work.at(1).signal as AbortSignal;
      assert.equal(`${reason}`, 'AbortError: Weather.forecast: another run of the attempt decided it');
      work.at(1).end.reject(new Error('late'));
      await flush();
      assert.deepEqual(asked, []);
    }));

  test('X8 a `delay` that gives no number of milliseconds is a ConfigurationError from the call, which is not retried', () =>
    handled(() =>
      underFakeClock(async () => {
        const allowed = 'a number of milliseconds of at least 0 or Infinity';
        for (const [wrong, shown] of [
          [-1, '-1'],
          [Number.NaN, 'NaN'],
          ['5', "'5'"],
          [undefined, 'undefined'],
          [Promise.reject(new Error('async')), 'Promise { <rejected> [Error] }'],
        ] as const) {
          let entered = 0;
          class Weather {
            @retry({ maxAttempts: 5, waitMin: 0 })
            @hedge(() => wrong as number)
            async forecast(): Promise<void> {
              entered++;
            }
          }
          const error = (await rejection(new Weather().forecast())) as Error;
          assert.equal(error.name, 'ConfigurationError');
          const start = `@hedge on Weather.forecast: expected \`delay\` to return ${allowed}, got `;
          assert.ok(error.message.startsWith(start), error.message);
          if (!shown.startsWith('Promise')) assert.equal(error.message, start + shown);
          assert.equal(entered, 0);
        }
      }),
    ));
});

describe('X3', () => {
  test('X7 what hooks beneath throw in two runs at once rejects the call, with one of them and without another attempt', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        const work = new Work();
        let thrown = 0;
        class Weather {
          @retry({ maxAttempts: 3, waitMin: 0 })
          @hedge(10)
          @circuitBreaker({
            consecutive: 9,
            failOn: () => {
              throw new Error(`hook ${++thrown}`);
            },
          })
          async forecast(): Promise<string> {
            return await work.begin();
          }
        }
        const weather = new Weather();
        const seen = watched(weather.forecast());
        await advance(clock, 10);
        for (const { end } of work.begun) end.reject(new Error('down'));
        await advance(clock, 50);
        assert.match((seen.error as Error).message, /^hook [12]$/);
        assert.deepEqual(countsOf(weather), { ...none, attempts: 2, hedges: 1, failures: 1 });
      }),
    ));

  test('X3 a ConfigurationError of this pipeline is never hedged', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        let asked = 0;
        class Weather {
          @hedge({ delay: 10, maxHedges: 3 })
          @concurrency({ limit: 2, key: () => ++asked as never })
          async forecast(): Promise<void> {}
        }
        const error = (await rejection(new Weather().forecast())) as Error;
        assert.equal(error.name, 'ConfigurationError');
        assert.equal(asked, 1);
        assert.equal(clock.countTimers(), 0);
      }),
    ));
});

describe('options', () => {
  const decorated = (given: unknown, more?: unknown): unknown => {
    try {
      class Weather {
        @hedge(given as never, ...((more === undefined ? [] : [more]) as []))
        async forecast(): Promise<void> {}
      }
      return Weather;
    } catch (error) {
      assert.equal((error as Error).name, 'ConfigurationError');
      return (error as Error).message;
    }
  };

  test('wrong ones are a ConfigurationError at decoration that names member, option and value', () => {
    const allowed = 'a number of milliseconds of at least 0 or Infinity, or a function that gives one';
    for (const [given, problem] of [
      [undefined, `expected \`delay\` to be ${allowed}, got undefined`],
      [-1, `expected \`delay\` to be ${allowed}, got -1`],
      [Number.NaN, `expected \`delay\` to be ${allowed}, got NaN`],
      [{}, `expected \`delay\` to be ${allowed}, got undefined`],
      [{ delay: '5' }, `expected \`delay\` to be ${allowed}, got '5'`],
      [{ delay: 5, maxHedges: 0 }, 'expected `maxHedges` to be an integer of at least 1, got 0'],
      [{ delay: 5, maxHedges: 1.5 }, 'expected `maxHedges` to be an integer of at least 1, got 1.5'],
      [
        { delay: 5, on: 'all' },
        "expected `on` to be an error class, a predicate function, or an array of these, got 'all'",
      ],
      [{ delay: 5, budget: {} }, 'expected `budget` to be a RetryBudget, got {}'],
      [{ delay: 5, onHedge: 1 }, 'expected `onHedge` to be a function, got 1'],
      [{ delay: 5, after: 1 }, 'unknown option `after` (1); known options are delay, maxHedges, on, budget, onHedge'],
    ] as const) {
      assert.equal(decorated(given), `@hedge on method \`forecast\`: ${problem}`);
    }
  });

  test('X11 on a class it is a ConfigurationError, in @orchestrate too', async () => {
    const { orchestrate } = await import('opero');
    for (const decorator of [hedge(5), orchestrate({ retry: 2, hedge: 5 })]) {
      assert.throws(
        () => {
          @decorator
          class Weather {
            async forecast(): Promise<void> {}
          }
          return Weather;
        },
        {
          name: 'ConfigurationError',
          message:
            /^@\w+ on class `Weather`: hedge goes on methods, each by itself: it would run those twice that change/,
        },
      );
    }
  });

  test('policiesOf and explain show it, with its defaults, and warn of what surprises', async () => {
    const { timeout } = await import('opero');
    class Weather {
      @retry(2)
      @hedge(80)
      async forecast(): Promise<void> {}

      @hedge(80)
      @concurrency(1)
      async alone(): Promise<void> {}

      @hedge(80)
      @timeout({ attempt: 80, total: 500 })
      async short(): Promise<void> {}

      @hedge(80)
      @timeout({ total: 80 })
      async shortInAll(): Promise<void> {}

      @hedge(Number.POSITIVE_INFINITY)
      @timeout({ attempt: 80, total: 500 })
      async onFailure(): Promise<void> {}

      @hedge((n) => 80 * n)
      @timeout({ attempt: 80, total: 500 })
      async byFunction(): Promise<void> {}

      @hedge({ delay: 80, maxHedges: 2 })
      @timeout({ attempt: 200, total: 500 })
      @concurrency(2)
      async fine(): Promise<void> {}
    }
    assert.deepEqual(policiesOf(Weather, 'forecast')[1]?.options, { delay: 80, maxHedges: 1 });
    const lines = explain(Weather).split('\n');
    assert.equal(lines[1], '  forecast(): retry > hedge > the method');
    const never = 'hedges start on failures alone';
    assert.deepEqual(
      lines.filter((line) => line.startsWith('    ! ')),
      [
        '    ! hedge: a hedge never waits for a slot, and the attempt beside it has the only one (limit: 1); give concurrency a limit of at least 2',
        `    ! hedge: delay (80 ms) is never over, as attempt of timeout (80 ms) is up before: ${never}`,
        `    ! hedge: delay (80 ms) is never over, as total of timeout (80 ms) is up before: ${never}`,
      ],
    );
  });
});
