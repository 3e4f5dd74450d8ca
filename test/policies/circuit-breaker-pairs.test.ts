import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  CircuitOpenError,
  ConfigurationError,
  circuitBreaker,
  circuitOf,
  concurrency,
  fallback,
  RejectedError,
  rateLimit,
  retry,
  statsOf,
  TimeoutError,
  timeout,
} from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';

const down = new Error('down');

describe('circuitBreaker and retry', () => {
  test('3.11 each attempt counts, and a CircuitOpenError is retried like any error', () =>
    underFakeClock(async (clock) => {
      let entered = 0;
      class Weather {
        @retry({ maxAttempts: 4, waitMin: 60, waitMultiplier: 1, jitter: 'none' })
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 100 })
        async forecast(): Promise<number> {
          if (++entered === 1) throw down;
          return entered;
        }
      }
      const call = new Weather().forecast();
      await clock.tickAsync(200);
      assert.equal(await call, 2);
      const { attempts, retries, rejected, failures } = statsOf(Weather, 'forecast');
      assert.deepEqual([attempts, retries, rejected, failures], [2, 2, 1, 0]);
    }));

  test('abortOn: CircuitOpenError ends the retries', async () => {
    class Weather {
      @retry({ maxAttempts: 9, waitMin: 0, abortOn: CircuitOpenError })
      @circuitBreaker(2)
      async forecast(): Promise<void> {
        throw down;
      }
    }
    assert.ok((await rejection(new Weather().forecast())) instanceof CircuitOpenError);
    assert.equal(statsOf(Weather, 'forecast').rejected, 1);
  });
});

describe('circuitBreaker and fallback', () => {
  test('the alternatives stand in for a method whose circuit is open', async () => {
    class Weather {
      @fallback('cached')
      @circuitBreaker(1)
      async forecast(): Promise<string> {
        throw down;
      }
      async cached(): Promise<string> {
        return 'cached';
      }
    }
    const weather = new Weather();
    assert.deepEqual([await weather.forecast(), await weather.forecast()], ['cached', 'cached']);
    assert.equal(statsOf(Weather, 'forecast').attempts, 1);
  });
});

describe('circuitBreaker and limits', () => {
  test('X3 a CircuitOpenError of this very pipeline is neutral, where the code gets it of a call of its own', async () => {
    class Weather {
      @circuitBreaker({ consecutive: 1, key: (city: string) => city })
      async forecast(_city: string, next?: string): Promise<void> {
        if (next === undefined) throw down;
        await this.forecast(next);
      }
    }
    const weather = new Weather();
    await rejection(weather.forecast('Davos'));
    assert.ok((await rejection(weather.forecast('Chur', 'Davos'))) instanceof CircuitOpenError);
    assert.equal(circuitOf(Weather, 'forecast', 'Chur').failures, 0);
  });

  test('X3 a RejectedError of this very pipeline is neutral', async () => {
    const work = deferred<void>();
    class Weather {
      @circuitBreaker(1)
      @concurrency({ limit: 1, maxQueue: 0 })
      async forecast(): Promise<void> {
        await work.promise;
      }
    }
    const weather = new Weather();
    const first = weather.forecast();
    for (let i = 0; i < 5; i++) assert.ok((await rejection(weather.forecast())) instanceof RejectedError);
    work.resolve();
    await first;
    assert.equal(circuitOf(Weather, 'forecast').state, 'closed');
  });

  test('X3 one that comes from another decorated method is a failure', async () => {
    const work = deferred<void>();
    class Store {
      @concurrency({ limit: 1, maxQueue: 0 })
      async read(): Promise<void> {
        await work.promise;
      }
    }
    const store = new Store();
    class Weather {
      @circuitBreaker(1)
      async forecast(): Promise<void> {
        await store.read();
      }
    }
    const first = store.read();
    assert.ok((await rejection(new Weather().forecast())) instanceof RejectedError);
    assert.equal(circuitOf(Weather, 'forecast').state, 'open');
    work.resolve();
    await first;
  });

  test('X3 the same method of another class is another pipeline', async () => {
    const work = deferred<void>();
    class Store {
      @circuitBreaker(1)
      @concurrency({ limit: 1, maxQueue: 0 })
      async read(inner?: Store): Promise<void> {
        await (inner?.read() ?? work.promise);
      }
    }
    class OtherStore extends Store {}
    const first = new Store().read();
    await rejection(new OtherStore().read(new Store()));
    assert.deepEqual([circuitOf(Store, 'read').state, circuitOf(OtherStore, 'read').state], ['closed', 'open']);
    work.resolve();
    await first;
  });

  for (const [name, limit] of [
    ['rateLimit', rateLimit({ rate: 1, key: () => 5 as never })],
    ['concurrency', concurrency({ limit: 1, key: () => 5 as never })],
  ] as const) {
    test(`X3 a ConfigurationError of ${name} is neutral`, async () => {
      class Weather {
        @circuitBreaker(1)
        @limit
        async forecast(): Promise<void> {}
      }
      assert.ok((await rejection(new Weather().forecast())) instanceof ConfigurationError);
      assert.equal(circuitOf(Weather, 'forecast').state, 'closed');
    });
  }

  test('X3 a ConfigurationError of the code is a failure', async () => {
    class Weather {
      @circuitBreaker(1)
      async forecast(): Promise<void> {
        throw new ConfigurationError('wrong');
      }
    }
    await rejection(new Weather().forecast());
    assert.equal(circuitOf(Weather, 'forecast').state, 'open');
  });

  test('3.7 a probe that its own queue rejects frees its place', () =>
    underFakeClock(async (clock) => {
      const work: Deferred<void>[] = [];
      class Weather {
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 100 })
        @concurrency({ limit: 1, maxQueue: 0 })
        async forecast(): Promise<void> {
          work.push(deferred());
          await work.at(-1)?.promise;
        }
      }
      const weather = new Weather();
      const circuit = circuitOf(Weather, 'forecast');
      const failing = weather.forecast();
      work[0]?.reject(down);
      await rejection(failing);
      // Begun before it opened, and holds the slot beyond: an isolation, and its end, put it into an earlier state.
      clock.tick(100);
      const controller = new AbortController();
      class Held extends Weather {
        override async forecast(_signal?: AbortSignal): Promise<void> {
          work.push(deferred());
          await work.at(-1)?.promise;
        }
      }
      const held = new Held();
      const own = circuitOf(Held, 'forecast');
      const first = held.forecast();
      work.at(-1)?.reject(down);
      await rejection(first);
      clock.tick(100);
      const probe = rejection(held.forecast(controller.signal));
      controller.abort('left');
      assert.equal(await probe, 'left');
      const rejected = await rejection(held.forecast());
      assert.ok(rejected instanceof RejectedError && rejected.reason === 'queue-full');
      assert.equal(own.state, 'half-open');
      work.at(-1)?.resolve();
      await flush();
      const next = held.forecast();
      work.at(-1)?.resolve();
      await next;
      assert.equal(own.state, 'closed');
      assert.equal(circuit.state, 'half-open');
    }));

  test('3.7 a probe that waited too long in line frees its place', () =>
    underFakeClock(async (clock) => {
      const held = deferred<void>();
      let isDown = true;
      class Weather {
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 100, ignore: RangeError })
        @concurrency({ limit: 1, maxWait: 10 })
        async forecast(holds = false): Promise<void> {
          if (holds) return held.promise;
          if (isDown) throw down;
        }
      }
      const weather = new Weather();
      const circuit = circuitOf(Weather, 'forecast');
      await rejection(weather.forecast());
      isDown = false;
      clock.tick(100);
      const old = weather.forecast(true);
      clock.tick(100);
      const probe = rejection(weather.forecast());
      await clock.tickAsync(10);
      assert.ok((await probe) instanceof RejectedError);
      assert.equal(circuit.state, 'half-open');
      const next = weather.forecast();
      held.resolve();
      await Promise.all([old, next]);
      assert.equal(circuit.state, 'closed');
    }));

  test('3.4 of calls that wait for a permit by time, none is entered while it is open, and permits stay whole', () =>
    underFakeClock(async (clock) => {
      const entered: [id: number, at: number][] = [];
      class Weather {
        @circuitBreaker({ consecutive: 1, halfOpenAfter: 10_000 })
        @rateLimit({ rate: 1, per: 100 })
        async forecast(id: number): Promise<void> {
          entered.push([id, performance.now()]);
          if (id === 0) throw down;
        }
      }
      const weather = new Weather();
      const ends = Promise.allSettled([0, 1, 2, 3].map((id) => weather.forecast(id)));
      await clock.tickAsync(100);
      const reasons = (await ends).map((end) => (end.status === 'rejected' ? (end.reason as Error).name : 'fulfilled'));
      assert.deepEqual(reasons, ['Error', 'CircuitOpenError', 'CircuitOpenError', 'CircuitOpenError']);
      circuitOf(Weather, 'forecast').reset();
      await weather.forecast(4);
      assert.deepEqual(entered, [
        [0, 0],
        [4, 100],
      ]);
      assert.equal(statsOf(Weather, 'forecast').queued, 0);
    }));
});

describe('circuitBreaker and timeout', () => {
  /** A method whose calls end when they are told to. */
  function timed(config: Parameters<typeof timeout>[0]) {
    const work: Deferred<void>[] = [];
    class Weather {
      @timeout(config)
      @circuitBreaker({ consecutive: 1, halfOpenAfter: 1_000 })
      @concurrency(1)
      async forecast(_signal?: AbortSignal): Promise<void> {
        work.push(deferred());
        await work.at(-1)?.promise;
      }
    }
    return { Weather, weather: new Weather(), work, circuit: circuitOf(Weather, 'forecast') };
  }

  test('2.8 a timeout of an attempt is a failure', () =>
    underFakeClock(async (clock) => {
      const { weather, circuit } = timed({ attempt: 50 });
      const call = rejection(weather.forecast());
      await clock.tickAsync(50);
      const error = await call;
      assert.ok(error instanceof TimeoutError);
      assert.equal(circuit.state, 'open');
      const refused = await rejection(weather.forecast());
      assert.ok(refused instanceof CircuitOpenError && refused.cause === error);
    }));

  test('2.8 a timeout in all is a failure at once, though the code hangs', () =>
    underFakeClock(async (clock) => {
      const { Weather, weather, work, circuit } = timed({ total: 50 });
      const call = rejection(weather.forecast());
      await clock.tickAsync(50);
      assert.ok((await call) instanceof TimeoutError);
      assert.deepEqual([circuit.state, work.length, statsOf(Weather, 'forecast').running], ['open', 1, 1]);
      work[0]?.resolve();
      await flush();
      assert.deepEqual([circuit.state, statsOf(Weather, 'forecast').running], ['open', 0]);
    }));

  test('3.3 a timeout in all that ignore means is neutral, one that failOn does not mean is a success', () =>
    underFakeClock(async (clock) => {
      const asked: unknown[] = [];
      class Weather {
        @circuitBreaker({ consecutive: 1, ignore: TimeoutError })
        @timeout({ total: 50 })
        async ignored(): Promise<void> {
          await new Promise(() => {});
        }

        @circuitBreaker({ consecutive: 2, failOn: RangeError })
        @timeout({ total: 50 })
        async meant(isOut: boolean): Promise<void> {
          if (isOut) throw new RangeError('out');
          await new Promise(() => {});
        }

        @circuitBreaker({
          consecutive: 1,
          ignore: (error, { attempt }) => {
            asked.push([error, attempt]);
            throw down;
          },
        })
        @timeout({ total: 50 })
        async throwing(): Promise<void> {
          await new Promise(() => {});
        }
      }
      const weather = new Weather();
      await rejection(weather.meant(true));
      const calls = [weather.ignored(), weather.meant(false), weather.throwing()].map(rejection);
      await clock.tickAsync(50);
      const errors = await Promise.all(calls);
      assert.ok(errors.every((error) => error instanceof TimeoutError));
      assert.deepEqual(
        [circuitOf(Weather, 'ignored').state, circuitOf(Weather, 'throwing').state],
        ['closed', 'closed'],
      );
      assert.equal(circuitOf(Weather, 'meant').failures, 0);
      assert.deepEqual(asked, [[errors[2], 1]]);
    }));

  test('2.8 of a call that still waited in line it is neutral', () =>
    underFakeClock(async (clock) => {
      const { Weather, weather, work, circuit } = timed({ total: 50 });
      const controller = new AbortController();
      const first = rejection(weather.forecast(controller.signal));
      controller.abort('left');
      const second = rejection(weather.forecast());
      await clock.tickAsync(50);
      assert.equal(await first, 'left');
      assert.ok((await second) instanceof TimeoutError);
      assert.deepEqual([circuit.state, work.length], ['closed', 1]);
      work[0]?.resolve();
      await flush();
      const { running, queued } = statsOf(Weather, 'forecast');
      assert.deepEqual([running, queued], [0, 0]);
    }));

  test('2.8 of a second attempt that waits in line it is neutral, whatever the first came to', () =>
    underFakeClock(async (clock) => {
      const states: string[] = [];
      const work: Deferred<void>[] = [];
      class Weather {
        @timeout({ total: 50 })
        @retry({ maxAttempts: 2, waitMin: 0 })
        @circuitBreaker({ consecutive: 2, onStateChange: ({ to }) => states.push(to) })
        @rateLimit({ rate: 1, per: 1_000 })
        async forecast(): Promise<void> {
          work.push(deferred());
          throw down;
        }
      }
      const call = rejection(new Weather().forecast());
      await clock.tickAsync(50);
      assert.ok((await call) instanceof TimeoutError);
      assert.deepEqual([states, circuitOf(Weather, 'forecast').failures, work.length], [[], 1, 1]);
    }));

  test('3.4 an attempt with a timeout that waits in line when it opens is not entered', () =>
    underFakeClock(async () => {
      const { weather, work } = timed({ attempt: 50, total: 500 });
      const calls = [0, 1].map(() => rejection(weather.forecast()));
      await flush();
      work[0]?.reject(down);
      assert.equal(await calls[0], down);
      assert.ok((await calls[1]) instanceof CircuitOpenError);
      assert.equal(work.length, 1);
    }));

  test('3.7 a probe whose caller leaves frees its place at once, beneath a timeout too', () =>
    underFakeClock(async (clock) => {
      const { weather, work, circuit } = timed({ attempt: 50, total: 500 });
      const failing = rejection(weather.forecast());
      work[0]?.reject(down);
      await failing;
      clock.tick(1_000);
      const controller = new AbortController();
      const probe = rejection(weather.forecast(controller.signal));
      controller.abort('left');
      assert.equal(await probe, 'left');
      const next = weather.forecast();
      work[1]?.reject(down);
      await flush();
      work[2]?.resolve();
      await next;
      assert.equal(circuit.state, 'closed');
    }));

  test('3.14 what a hook throws at a timeout in all harms nothing: the call rejects with the timeout', () =>
    handled(() =>
      underFakeClock(async (clock) => {
        class Weather {
          @timeout({ total: 50 })
          @circuitBreaker({
            consecutive: 1,
            onStateChange: () => {
              throw new Error('broken');
            },
          })
          async forecast(): Promise<void> {
            await new Promise(() => {});
          }
        }
        const call = rejection(new Weather().forecast());
        await clock.tickAsync(50);
        assert.ok((await call) instanceof TimeoutError);
        assert.equal(circuitOf(Weather, 'forecast').state, 'open');
      }),
    ));
});
