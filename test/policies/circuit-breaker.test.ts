import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  type CircuitBreakerConfig,
  type CircuitEvent,
  CircuitOpenError,
  ConfigurationError,
  circuitBreaker,
  circuitOf,
  concurrency,
  Orchestrator,
  orchestrate,
  policiesOf,
  RejectedError,
  rateLimit,
  retry,
  statsOf,
  timeout,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';

const down = new Error('down');

/** A method whose calls end as they are told: at once, or when their work does. */
function service(config: number | CircuitBreakerConfig<unknown, unknown, [how?: unknown]>) {
  const work: Deferred<unknown>[] = [];
  class Weather {
    @circuitBreaker<unknown, [how?: unknown]>(config)
    async forecast(how?: unknown, _signal?: AbortSignal): Promise<unknown> {
      if (how === 'wait') {
        const mine = deferred<unknown>();
        work.push(mine);
        return mine.promise;
      }
      if (how instanceof Error) throw how;
      return how;
    }
  }
  const weather = new Weather();
  const fail = async (times = 1): Promise<void> => {
    for (let i = 0; i < times; i++) await rejection(weather.forecast(down));
  };
  const circuit = circuitOf(Weather, 'forecast');
  const stats = () => statsOf(Weather, 'forecast');
  return { Weather, weather, work, fail, circuit, stats };
}

async function refusal(promise: Promise<unknown>): Promise<CircuitOpenError> {
  const error = await rejection(promise);
  assert.ok(error instanceof CircuitOpenError, `expected a CircuitOpenError, got ${String(error)}`);
  return error;
}

describe('options of circuitBreaker', () => {
  const wrong: readonly [config: unknown, message: string][] = [
    [0, 'expected `consecutive` to be an integer of at least 1, got 0'],
    ['5', "expected `consecutive` to be an integer of at least 1, got '5'"],
    [null, 'expected the options to be an object, got null'],
    [{ failureRatio: 0 }, 'expected `failureRatio` to be a number above 0 and up to 1, got 0'],
    [{ failureRatio: 1.1 }, 'expected `failureRatio` to be a number above 0 and up to 1, got 1.1'],
    [{ failureRatio: '0.5' }, "expected `failureRatio` to be a number above 0 and up to 1, got '0.5'"],
    [{ failureRatio: Number.NaN }, 'expected `failureRatio` to be a number above 0 and up to 1, got NaN'],
    [{ window: 0 }, 'expected `window` to be a finite number of milliseconds above 0, got 0'],
    [{ minCalls: 0 }, 'expected `minCalls` to be an integer of at least 1, got 0'],
    [
      { halfOpenAfter: -1 },
      'expected `halfOpenAfter` to be a number of milliseconds of at least 0 or Infinity, or a function that gives one, got -1',
    ],
    [{ halfOpenCalls: 0 }, 'expected `halfOpenCalls` to be an integer of at least 1, got 0'],
    [
      { failOn: 5 },
      'expected `failOn` to be an error class, a predicate function, or an array of at least one of these; for none, `() => false`, got 5',
    ],
    [
      { failOn: [] },
      'expected `failOn` to be an error class, a predicate function, or an array of at least one of these; for none, `() => false`, got []',
    ],
    [{ ignore: 5 }, 'expected `ignore` to be an error class, a predicate function, or an array of these, got 5'],
    [{ failResult: 5 }, 'expected `failResult` to be a function, got 5'],
    [{ slowAfter: 0 }, 'expected `slowAfter` to be a number of milliseconds above 0 or Infinity, got 0'],
    [{ scope: 'all' }, "expected `scope` to be 'class' or 'instance', got 'all'"],
    [{ onStateChange: 5 }, 'expected `onStateChange` to be a function, got 5'],
    [{ consecutive: 5, minCalls: 10 }, '`consecutive` counts failures in a row, so leave out `minCalls`, got 10'],
  ];
  for (const [config, message] of wrong) {
    test(`3. ${message}`, () => {
      const expected = { message: `@circuitBreaker on method \`forecast\`: ${message}` };
      assert.throws(() => service(config as number), { ...expected });
      assert.throws(() => service(config as number), ConfigurationError);
    });
  }

  test('3. an unknown one names those that there are', () => {
    assert.throws(
      () => service({ failures: 5 } as never),
      /unknown option `failures` \(5\); known options are consecutive, /,
    );
  });

  test('X6 shorthands and defaults are filled in', () => {
    const common = { halfOpenAfter: 5_000, halfOpenCalls: 1, slowAfter: Number.POSITIVE_INFINITY, scope: 'class' };
    const optionsOf = (config: number | CircuitBreakerConfig) =>
      policiesOf(service(config as number).Weather, 'forecast')[0]?.options;
    assert.deepEqual(optionsOf(5), { consecutive: 5, ...common });
    assert.deepEqual(optionsOf({}), { failureRatio: 0.5, window: 10_000, minCalls: 20, ...common });
    assert.deepEqual(optionsOf({ minCalls: 5 }), { failureRatio: 0.5, window: 10_000, minCalls: 5, ...common });
  });

  test('X6 without arguments it has the defaults', () => {
    class Weather {
      @circuitBreaker()
      async forecast(): Promise<void> {}
      @circuitBreaker({})
      async load(): Promise<void> {}
    }
    assert.deepEqual(policiesOf(Weather, 'forecast')[0]?.options, policiesOf(Weather, 'load')[0]?.options);
  });

  test('X6 @orchestrate and Orchestrator take it', () =>
    underFakeClock(async () => {
      class Weather {
        @orchestrate({ circuitBreaker: 1 })
        async forecast(): Promise<void> {
          throw down;
        }
      }
      const weather = new Weather();
      assert.equal(await rejection(weather.forecast()), down);
      const { message } = await refusal(weather.forecast());
      assert.equal(message, 'Weather.forecast: its circuit is open (1 failure; next probe in 5000 ms)');
      const orchestrator = new Orchestrator({ circuitBreaker: { consecutive: 1 } });
      await rejection(orchestrator.execute(() => Promise.reject(down)));
      await refusal(orchestrator.execute(async () => 1));
      assert.equal(orchestrator.stats.circuitOpenings, 1);
      assert.throws(() => new Orchestrator({ circuitBreaker: 0 }), ConfigurationError);
    }));
});

describe('failures in a row', () => {
  test('3. so many open the circuit; calls are then rejected without being made', () =>
    underFakeClock(async (clock) => {
      const { weather, fail, circuit, stats } = service(3);
      await fail(2);
      assert.equal(circuit.state, 'closed');
      await fail();
      clock.tick(1_000);
      const error = await refusal(weather.forecast(1));
      assert.ok(error instanceof RejectedError);
      assert.deepEqual(
        [error.reason, error.policy, error.retryAfter, error.cause],
        ['open', 'circuitBreaker', 4_000, down],
      );
      const { calls, attempts, rejected, failures, circuitOpenings } = stats();
      assert.deepEqual([calls, attempts, rejected, failures, circuitOpenings], [4, 3, 1, 4, 1]);
    }));

  test('3. a success between resets them', async () => {
    const { weather, fail, circuit } = service(2);
    for (let i = 0; i < 5; i++) {
      await fail();
      await weather.forecast(1);
    }
    assert.deepEqual([circuit.state, circuit.failures], ['closed', 0]);
  });

  test('3. a method that throws before it gives a promise has failed', async () => {
    class Weather {
      @circuitBreaker(1)
      forecast(): Promise<void> {
        throw down;
      }
    }
    assert.equal(await rejection(new Weather().forecast()), down);
    await refusal(new Weather().forecast());
  });
});

describe('the window', () => {
  test('3.1 it opens at minCalls and failureRatio, when one fails', () =>
    underFakeClock(async () => {
      const { weather, fail, circuit } = service({ minCalls: 4 });
      await weather.forecast();
      await fail(2);
      assert.deepEqual([circuit.state, circuit.calls, circuit.failures], ['closed', 3, 2]);
      await weather.forecast();
      assert.deepEqual([circuit.state, circuit.calls, circuit.failures], ['closed', 4, 2]);
      await fail();
      assert.equal(circuit.state, 'open');
    }));

  test('3.2 9 failures, and 1 an hour later, do not open it', () =>
    underFakeClock(async (clock) => {
      const { fail, circuit } = service({ minCalls: 10 });
      await fail(9);
      clock.tick(3_600_000);
      await fail();
      assert.deepEqual([circuit.state, circuit.calls], ['closed', 1]);
    }));
});

class NotFound extends Error {}
class Busy extends Error {}

describe('what counts', () => {
  test('3.3 ignored errors are neutral, whatever failOn says', async () => {
    const { weather, fail, circuit } = service({ consecutive: 2, ignore: NotFound, failOn: Error });
    await fail();
    await rejection(weather.forecast(new NotFound()));
    assert.equal(circuit.failures, 1);
    await fail();
    assert.equal(circuit.state, 'open');
  });

  test('3.3 errors that failOn does not mean are successes', async () => {
    const { weather, fail, circuit } = service({ consecutive: 2, failOn: (error) => error === down });
    await fail();
    await rejection(weather.forecast(new NotFound()));
    assert.equal(circuit.failures, 0);
    await fail(2);
    assert.equal(circuit.state, 'open');
  });

  test('3.3 failOn takes classes', async () => {
    const { weather, circuit } = service({ consecutive: 2, failOn: [Busy, TypeError] });
    await rejection(weather.forecast(new NotFound()));
    await rejection(weather.forecast(new Busy()));
    await rejection(weather.forecast(new TypeError()));
    assert.equal(circuit.state, 'open');
  });

  test('3.3 a value that failResult means is a failure, and is returned', async () => {
    const { weather, circuit } = service({ consecutive: 2, failResult: (value) => value === 'busy' });
    assert.equal(await weather.forecast('busy'), 'busy');
    await weather.forecast('fine');
    assert.equal(circuit.failures, 0);
    await weather.forecast('busy');
    await weather.forecast('busy');
    const error = await refusal(weather.forecast('fine'));
    assert.equal(error.cause, undefined);
  });

  test('3.3 a success slower than slowAfter is a failure, and is returned', () =>
    underFakeClock(async (clock) => {
      const { weather, work, circuit } = service({ consecutive: 1, slowAfter: 100 });
      const exact = weather.forecast('wait');
      clock.tick(100);
      work[0]?.resolve('exact');
      assert.equal(await exact, 'exact');
      assert.equal(circuit.state, 'closed');
      const slow = weather.forecast('wait');
      clock.tick(101);
      work[1]?.resolve('slow');
      assert.equal(await slow, 'slow');
      assert.equal(circuit.state, 'open');
    }));

  test('3.3 slowAfter counts from the entry of the method: waits in line do not count', () =>
    underFakeClock(async (clock) => {
      const work: Deferred<void>[] = [];
      class Weather {
        @circuitBreaker({ consecutive: 1, slowAfter: 100 })
        @concurrency(1)
        async forecast(): Promise<void> {
          work.push(deferred());
          await work.at(-1)?.promise;
        }
      }
      const weather = new Weather();
      const calls = [weather.forecast(), weather.forecast()];
      clock.tick(90);
      work[0]?.resolve();
      await flush();
      clock.tick(90);
      work[1]?.resolve();
      await Promise.all(calls);
      assert.equal(circuitOf(Weather, 'forecast').state, 'closed');
    }));

  test('3.3 no clock is read without slowAfter and a window', (t) =>
    underFakeClock(async () => {
      const time = t.mock.method(performance, 'now');
      const { weather, fail } = service(3);
      await weather.forecast();
      await fail(2);
      assert.equal(time.mock.callCount(), 0);
      await service({}).weather.forecast();
      assert.notEqual(time.mock.callCount(), 0);
    }));

  const answers = [undefined, null, 0, '', {}, 'yes'];
  for (const [nth, answer] of answers.entries()) {
    test(`3.3 what failOn, ignore and failResult give is taken for true or false (${nth})`, async () => {
      const give = () => answer as boolean;
      const counted = Number(Boolean(answer));
      const failOn = service({ consecutive: 2, failOn: give });
      await failOn.fail();
      assert.equal(failOn.circuit.failures, counted);
      const ignore = service({ consecutive: 2, ignore: give });
      await ignore.fail();
      assert.equal(ignore.circuit.failures, 1 - counted);
      const failResult = service({ consecutive: 2, failResult: give });
      assert.equal(await failResult.weather.forecast(1), 1);
      assert.equal(failResult.circuit.failures, counted);
    });
  }

  test('X7 halfOpenAfter has the receiver as this, and is told of the call', () =>
    underFakeClock(async () => {
      const told: unknown[] = [];
      class Weather {
        @circuitBreaker<Weather, [city: string]>({
          consecutive: 1,
          halfOpenAfter(opening, error, { method, args, attempt }) {
            told.push([this instanceof Weather, opening, error, method, args, attempt]);
            return 70;
          },
        })
        async forecast(_city: string): Promise<void> {
          throw down;
        }
      }
      await rejection(new Weather().forecast('Davos'));
      assert.deepEqual(told, [[true, 1, down, 'Weather.forecast', ['Davos'], 1]]);
      assert.equal((await refusal(new Weather().forecast('Davos'))).retryAfter, 70);
    }));

  test('3.6 a rejected promise that halfOpenAfter gives is nobody’s affair', () =>
    handled(async () => {
      const halfOpenAfter = () => Promise.reject(new Error('later')) as never;
      const { weather } = service({ consecutive: 1, halfOpenAfter });
      assert.ok((await rejection(weather.forecast(down))) instanceof ConfigurationError);
    }));

  test('3.6 what halfOpenAfter gives that is no time is a ConfigurationError from the call', async () => {
    const { weather } = service({ consecutive: 1, halfOpenAfter: () => -1 });
    const error = await rejection(weather.forecast(down));
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, /^@circuitBreaker on Weather.forecast: expected `halfOpenAfter` to return a number/);
  });

  for (const option of ['failOn', 'ignore', 'failResult'] as const) {
    test(`3. a promise of ${option} is a ConfigurationError from the call, and counts for nothing`, async () => {
      const { weather, circuit } = service({ consecutive: 1, [option]: async () => true } as never);
      const error = await rejection(weather.forecast(option === 'failResult' ? 1 : down));
      assert.ok(error instanceof ConfigurationError);
      const problem = `expected \`${option}\` to return true or false, not a promise, got Promise`;
      assert.ok(error.message.startsWith(`@circuitBreaker on Weather.forecast: ${problem}`));
      assert.deepEqual([circuit.state, circuit.calls], ['closed', 0]);
    });

    test(`3. a rejected promise of ${option} is nobody's affair`, async () => {
      const { weather } = service({ consecutive: 1, [option]: () => Promise.reject(new Error('later')) } as never);
      assert.ok((await rejection(weather.forecast(option === 'failResult' ? 1 : down))) instanceof ConfigurationError);
      await flush();
    });

    test(`X7 what ${option} throws rejects the call, and counts for nothing`, async () => {
      const broken = new Error('broken');
      const wrong = (): never => {
        throw broken;
      };
      const { weather, circuit } = service({ consecutive: 1, [option]: wrong });
      assert.equal(await rejection(weather.forecast(option === 'failResult' ? 1 : down)), broken);
      assert.deepEqual([circuit.state, circuit.calls], ['closed', 0]);
    });
  }

  test('3.11 each attempt counts once, and rejected ones not at all', () =>
    underFakeClock(async () => {
      class Weather {
        @retry({ maxAttempts: 5, waitMin: 0 })
        @circuitBreaker({ minCalls: 3, failureRatio: 1, halfOpenAfter: Number.POSITIVE_INFINITY })
        async forecast(): Promise<void> {
          throw down;
        }
      }
      const error = await refusal(new Weather().forecast());
      assert.equal(error.cause, down);
      const { calls, failures } = circuitOf(Weather, 'forecast');
      assert.deepEqual([calls, failures], [3, 3]);
      const { attempts, rejected, retries } = statsOf(Weather, 'forecast');
      assert.deepEqual([attempts, rejected, retries], [3, 2, 4]);
    }));
});

describe('open', () => {
  test('3.4 CircuitOpenError before any permit is taken', () =>
    underFakeClock(async (clock) => {
      let entered = 0;
      class Weather {
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 10 })
        @rateLimit({ rate: 2, per: 1_000, maxQueue: 0 })
        async forecast(fails: boolean): Promise<void> {
          entered++;
          if (fails) throw down;
        }
      }
      const weather = new Weather();
      await rejection(weather.forecast(true));
      for (let i = 0; i < 10; i++) await refusal(weather.forecast(false));
      clock.tick(10);
      await weather.forecast(false);
      assert.equal(entered, 2);
    }));

  /** A method with one slot or permit at a time, which opens its circuit at the first failure. */
  function waiting() {
    const work: Deferred<void>[] = [];
    const entered: number[] = [];
    class Weather {
      @circuitBreaker({ consecutive: 1, halfOpenAfter: 100 })
      @concurrency(1)
      async forecast(id: number, _signal?: AbortSignal): Promise<number> {
        entered.push(id);
        work.push(deferred());
        await work.at(-1)?.promise;
        return id;
      }
    }
    const weather = new Weather();
    return { Weather, weather, work, entered, circuit: circuitOf(Weather, 'forecast') };
  }

  test('3.4 calls that wait in line when it opens are not entered, and give back what they held', () =>
    underFakeClock(async (clock) => {
      const { Weather, weather, work, entered } = waiting();
      const calls = [0, 1, 2].map((id) => rejection(weather.forecast(id)));
      await flush();
      work[0]?.reject(down);
      const [first, second, third] = await Promise.all(calls);
      assert.equal(first, down);
      assert.ok(second instanceof CircuitOpenError && third instanceof CircuitOpenError);
      assert.deepEqual([second.reason, second.retryAfter, second.cause], ['open', 100, down]);
      assert.deepEqual(entered, [0]);
      clock.tick(100);
      const probe = weather.forecast(3);
      work[1]?.resolve();
      assert.equal(await probe, 3);
      const { attempts, running, queued, rejected } = statsOf(Weather, 'forecast');
      assert.deepEqual([attempts, running, queued, rejected], [2, 0, 0, 2]);
    }));

  test('3.4 one whose turn comes in half-open becomes a probe, the next one is rejected', () =>
    underFakeClock(async (clock) => {
      const work: Deferred<void>[] = [];
      const entered: number[] = [];
      class Weather {
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 100 })
        @rateLimit({ rate: 2, per: 1_000 })
        @concurrency(3)
        async forecast(id: number): Promise<number> {
          entered.push(id);
          work.push(deferred());
          await work.at(-1)?.promise;
          return id;
        }
      }
      const weather = new Weather();
      const [first, second, third, fourth] = [0, 1, 2, 3].map((id) => weather.forecast(id));
      work[0]?.reject(down);
      assert.equal(await rejection(first as Promise<number>), down);
      const turnedAway = refusal(fourth as Promise<number>);
      await clock.tickAsync(1_000);
      assert.deepEqual(entered, [0, 1, 2]);
      assert.equal((await turnedAway).reason, 'half-open');
      assert.equal((await turnedAway).retryAfter, 0);
      work[2]?.resolve();
      assert.equal(await third, 2);
      work[1]?.resolve();
      assert.equal(await second, 1);
      assert.equal(circuitOf(Weather, 'forecast').state, 'closed');
    }));

  test('3.4 a permit that a call took before it was turned away is had by the next', () =>
    underFakeClock(async (clock) => {
      const work: Deferred<void>[] = [];
      const entered: [id: number, at: number][] = [];
      class Weather {
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 0 })
        @rateLimit({ rate: 2, per: 1_000, maxQueue: 0 })
        @concurrency(1)
        async forecast(id: number): Promise<void> {
          entered.push([id, performance.now()]);
          work.push(deferred());
          await work.at(-1)?.promise;
        }
      }
      const weather = new Weather();
      const circuit = circuitOf(Weather, 'forecast');
      const first = weather.forecast(0);
      const waits = rejection(weather.forecast(1));
      const isolation = circuit.isolate();
      work[0]?.resolve();
      await first;
      assert.equal(((await waits) as CircuitOpenError).reason, 'isolated');
      isolation();
      clock.tick(1);
      const next = weather.forecast(2);
      work[1]?.resolve();
      await next;
      assert.deepEqual(entered, [
        [0, 0],
        [2, 1],
      ]);
    }));

  test('3.4 X3 a call that is aborted on its way out of the line is no probe', () =>
    underFakeClock(async () => {
      for (let turns = 0; turns < 12; turns++) {
        const changes: string[] = [];
        const work = deferred();
        class Weather {
          @circuitBreaker({ consecutive: 1, halfOpenAfter: 0, onStateChange: ({ to }) => changes.push(to) })
          @timeout(1_000)
          @concurrency(1)
          async forecast(_signal?: AbortSignal): Promise<void> {
            await work.promise;
          }
        }
        const weather = new Weather();
        const stop = new AbortController();
        const calls = [weather.forecast(), weather.forecast(stop.signal)].map(rejection);
        work.reject(down);
        for (let turn = 0; turn < turns; turn++) await undefined;
        stop.abort('left');
        assert.deepEqual(await Promise.all(calls), [down, 'left']);
        await flush();
        assert.deepEqual(changes, ['open'], `after ${turns} turns`);
        assert.equal(statsOf(weather, 'forecast').attempts, 1);
      }
    }));

  test('3.14 what the hook throws as a call that waited becomes a probe, that call rejects with', () =>
    underFakeClock(async (clock) => {
      const broken = new Error('broken');
      class Weather {
        @circuitBreaker({
          consecutive: 1,
          halfOpenAfter: 100,
          onStateChange({ to }) {
            if (to === 'half-open') throw broken;
          },
        })
        @rateLimit({ rate: 1, per: 1_000 })
        async forecast(): Promise<void> {
          throw down;
        }
      }
      const weather = new Weather();
      const calls = [weather.forecast(), weather.forecast()].map(rejection);
      await clock.tickAsync(1_000);
      assert.deepEqual(await Promise.all(calls), [down, broken]);
      assert.equal(statsOf(weather, 'forecast').attempts, 1);
    }));

  test('3.4 a call that waits, and is aborted after it opened, rejects with the reason of the abort', () =>
    underFakeClock(async () => {
      const { weather, work, circuit } = waiting();
      const controller = new AbortController();
      const first = weather.forecast(0);
      const second = rejection(weather.forecast(1, controller.signal));
      const isolation = circuit.isolate();
      controller.abort('left');
      assert.equal(await second, 'left');
      work[0]?.resolve();
      isolation();
      assert.equal(await first, 0);
      assert.equal(circuit.state, 'closed');
    }));
});

describe('half-open', () => {
  /** A circuit that can be probed from now on. */
  async function probed(
    clock: { tick(ms: number): void },
    others: Pick<
      CircuitBreakerConfig<unknown, unknown, [how?: unknown]>,
      'halfOpenAfter' | 'halfOpenCalls' | 'ignore'
    > = {},
  ) {
    const made = service({ consecutive: 1, halfOpenAfter: 100, ...others });
    await made.fail();
    assert.equal(made.circuit.state, 'open');
    clock.tick(100);
    return made;
  }

  test('3.5 of 100 calls at once at the edge, halfOpenCalls become probes', () =>
    underFakeClock(async (clock) => {
      const { weather, work, circuit } = await probed(clock, { halfOpenCalls: 3 });
      const calls = Array.from({ length: 100 }, () => weather.forecast('wait'));
      const refused = await Promise.all(calls.slice(3).map(refusal));
      assert.deepEqual(new Set(refused.map(({ reason }) => reason)), new Set(['half-open']));
      assert.equal(work.length, 3);
      for (const each of work) each.resolve(1);
      await Promise.all(calls.slice(0, 3));
      assert.equal(circuit.state, 'closed');
    }));

  test('3.6 one failure opens it again, with opening + 1', () =>
    underFakeClock(async (clock) => {
      const openings: unknown[] = [];
      const halfOpenAfter = (opening: number, error: unknown): number => {
        openings.push([opening, error]);
        return 100 * opening;
      };
      const { weather, fail, circuit } = await probed(clock, { halfOpenAfter });
      await fail();
      assert.equal((await refusal(weather.forecast())).retryAfter, 200);
      clock.tick(200);
      await weather.forecast();
      assert.equal(circuit.state, 'closed');
      await fail();
      assert.deepEqual(openings, [
        [1, down],
        [2, down],
        [1, down],
      ]);
    }));

  test('3.7 a probe that is aborted frees its place at once, and decides nothing', () =>
    underFakeClock(async (clock) => {
      const { weather, work, circuit } = await probed(clock);
      const controller = new AbortController();
      const probe = rejection(weather.forecast('wait', controller.signal));
      await refusal(weather.forecast());
      controller.abort('left');
      assert.equal(circuit.state, 'half-open');
      const next = weather.forecast('wait');
      assert.equal(await probe, 'left');
      work[0]?.reject(down);
      await flush();
      assert.equal(circuit.state, 'half-open');
      work[1]?.resolve(1);
      await next;
      assert.equal(circuit.state, 'closed');
    }));

  test('3.7 a probe that ends with an ignored error frees its place', () =>
    underFakeClock(async (clock) => {
      const { weather, circuit } = await probed(clock, { ignore: NotFound });
      await rejection(weather.forecast(new NotFound()));
      assert.equal(circuit.state, 'half-open');
      await weather.forecast();
      assert.equal(circuit.state, 'closed');
    }));

  test('3.7 a probe of which a function of the options throws frees its place', () =>
    underFakeClock(async (clock) => {
      const broken = new Error('broken');
      const { weather, fail, circuit } = service({
        consecutive: 1,
        halfOpenAfter: 100,
        ignore(error) {
          if (error instanceof NotFound) throw broken;
          return false;
        },
      });
      await fail();
      clock.tick(100);
      assert.equal(await rejection(weather.forecast(new NotFound())), broken);
      assert.equal(circuit.state, 'half-open');
      assert.equal(await weather.forecast('fine'), 'fine');
      assert.equal(circuit.state, 'closed');
    }));

  test('3.8 behind a probe that never settles comes another', () =>
    underFakeClock(async (clock) => {
      const { weather, work, circuit } = await probed(clock);
      const hangs = weather.forecast('wait');
      await refusal(weather.forecast());
      clock.tick(99);
      await refusal(weather.forecast());
      clock.tick(1);
      await weather.forecast();
      assert.equal(circuit.state, 'closed');
      work[0]?.reject(down);
      await rejection(hangs);
      assert.equal(circuit.state, 'closed');
    }));

  test('3.9 a success while open and a failure in half-open of calls begun before are ignored', () =>
    underFakeClock(async (clock) => {
      const { weather, work, fail, circuit } = service({ consecutive: 1, halfOpenAfter: 100 });
      const calls = ['wait', 'wait'].map((how) => weather.forecast(how));
      await fail();
      work[0]?.resolve(1);
      await calls[0];
      assert.equal(circuit.state, 'open');
      clock.tick(100);
      const probe = weather.forecast('wait');
      work[1]?.reject(down);
      await rejection(calls[1] as Promise<unknown>);
      assert.equal(circuit.state, 'half-open');
      work[2]?.resolve(1);
      await probe;
      assert.equal(circuit.state, 'closed');
    }));

  test('3.10 no timer: read after halfOpenAfter it says half-open', () =>
    underFakeClock(async (clock) => {
      const { circuit } = await probed(clock);
      assert.equal(clock.countTimers(), 0);
      assert.equal(circuit.state, 'half-open');
    }));
});

describe('aborts', () => {
  test('X3 an abort storm keeps it closed, whatever the code does then', async () => {
    const { weather, work, circuit, stats } = service(1);
    const controller = new AbortController();
    const calls = Array.from({ length: 100 }, () => rejection(weather.forecast('wait', controller.signal)));
    controller.abort(new Error('left'));
    await Promise.all(calls);
    for (const each of work) each.reject(down);
    await flush();
    assert.deepEqual([circuit.state, circuit.calls, stats().circuitOpenings], ['closed', 0, 0]);
  });

  test('X3 an abort is known by the state of the call: an AbortError of the code is a failure', async () => {
    const { weather, circuit } = service(1);
    await rejection(weather.forecast(new DOMException('gone', 'AbortError')));
    assert.equal(circuit.state, 'open');
  });

  test('X3 and a failure before the abort counts', async () => {
    const { weather, circuit } = service(1);
    const controller = new AbortController();
    await rejection(weather.forecast(down, controller.signal));
    controller.abort();
    assert.equal(circuit.state, 'open');
  });

  test('X3 no listener is left on the signal', async () => {
    const { weather } = service(3);
    const { signal } = new AbortController();
    let standing = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: unknown[]) => {
      standing++;
      Reflect.apply(addEventListener, signal, args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      standing--;
      Reflect.apply(removeEventListener, signal, args);
    };
    for (let i = 0; i < 10; i++) await weather.forecast(i % 2 ? down : 1, signal).catch(() => {});
    assert.equal(standing, 0);
  });
});

describe('onStateChange', () => {
  test('3.14 X7 runs after each change, with the call that made it', () =>
    underFakeClock(async (clock) => {
      const events: unknown[] = [];
      class Weather {
        @circuitBreaker({
          consecutive: 1,
          halfOpenAfter: 100,
          onStateChange(this: Weather | undefined, { from, to, error, method, args, attempt, signal }: CircuitEvent) {
            const { state } = circuitOf(Weather, 'forecast');
            events.push([from, to, error, method, args, attempt, signal, this === weather, state]);
          },
        })
        async forecast(fails: boolean): Promise<void> {
          if (fails) throw down;
        }
      }
      const weather = new Weather();
      await rejection(weather.forecast(true));
      clock.tick(100);
      await weather.forecast(false);
      const common = (args: unknown[]) => ['Weather.forecast', args, 1, undefined, true];
      assert.deepEqual(events, [
        ['closed', 'open', down, ...common([true]), 'open'],
        ['open', 'half-open', down, ...common([false]), 'half-open'],
        ['half-open', 'closed', undefined, ...common([false]), 'closed'],
      ]);
    }));

  test('3.14 if it throws, only that call rejects', () =>
    underFakeClock(async (clock) => {
      const broken = new Error('broken');
      const throws = (): never => {
        throw broken;
      };
      const { weather, circuit, stats } = service({ consecutive: 1, halfOpenAfter: 100, onStateChange: throws });
      assert.equal(await rejection(weather.forecast(down)), broken);
      assert.equal(circuit.state, 'open');
      await refusal(weather.forecast());
      clock.tick(100);
      assert.equal(await rejection(weather.forecast()), broken);
      assert.equal(circuit.state, 'half-open');
      assert.equal(await rejection(weather.forecast()), broken);
      assert.equal(circuit.state, 'closed');
      assert.equal(await weather.forecast(1), 1);
      assert.deepEqual([stats().circuitOpenings, stats().running], [1, 0]);
    }));

  test('3.14 a promise that it returns is nobody’s affair', async () => {
    const { fail, circuit } = service({ consecutive: 1, onStateChange: () => Promise.reject(new Error('later')) });
    await fail();
    await flush();
    assert.equal(circuit.state, 'open');
  });

  test('3.14 an isolation is in force though the hook throws; that becomes a warning', async () => {
    class Weather {
      @circuitBreaker({
        consecutive: 1,
        onStateChange({ to }) {
          if (to !== 'open') throw new TypeError(`not ${to}`);
        },
      })
      async forecast(): Promise<void> {
        throw down;
      }
    }
    await rejection(new Weather().forecast());
    const warned = once(process, 'warning');
    const end = circuitOf(Weather, 'forecast').isolate();
    assert.equal((await refusal(new Weather().forecast())).reason, 'isolated');
    end();
    assert.equal(circuitOf(Weather, 'forecast').state, 'closed');
    const [warning] = (await warned) as [Error & { detail?: string }];
    assert.equal(warning.name, 'OperoWarning');
    assert.equal(
      warning.message,
      '@circuitBreaker on Weather.forecast: `onStateChange` threw at a change by hand, which stands all the same',
    );
    assert.match(String(warning.detail), /^TypeError: not isolated\n/);
  });

  test('3.14 at a change by hand `this` is the instance given to circuitOf, or the class of a static method', () => {
    const receivers: unknown[] = [];
    class Weather {
      @circuitBreaker({
        onStateChange({ args }) {
          receivers.push(this);
          assert.deepEqual(args, []);
        },
      })
      async forecast(): Promise<void> {}
      @circuitBreaker({
        onStateChange() {
          receivers.push(this);
        },
      })
      static async load(): Promise<void> {}
      @circuitBreaker({
        onStateChange() {
          receivers.push(this);
        },
      })
      static async #stow(): Promise<void> {}
      static stow = () => Weather.#stow();
    }
    const weather = new Weather();
    circuitOf(weather, 'forecast').isolate()();
    circuitOf(Weather, 'forecast').isolate();
    circuitOf(weather, 'forecast').reset();
    circuitOf(Weather, 'load').isolate();
    circuitOf(Weather, '#stow').isolate();
    assert.deepEqual(receivers, [weather, weather, undefined, weather, Weather, Weather]);
  });

  test('3.14 changes by hand have no call', () => {
    const events: unknown[] = [];
    const onStateChange = ({ from, to, method, args }: CircuitEvent) => events.push([from, to, method, args]);
    const { circuit } = service({ consecutive: 1, onStateChange });
    circuit.isolate()();
    assert.deepEqual(events, [
      ['closed', 'isolated', 'Weather.forecast', []],
      ['isolated', 'closed', 'Weather.forecast', []],
    ]);
  });
});
