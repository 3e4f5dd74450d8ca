import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  ConfigurationError,
  concurrency,
  cpuBound,
  currentCall,
  fallback,
  rateLimit,
  retry,
  statsOf,
  WorkerError,
} from 'opero';
import { failTimes, withoutPolicies } from 'opero/testing';
import { rejection } from '../support/rejection.js';

const offline = new Error('offline');

function makeClasses() {
  class Weather {
    entered = 0;

    @retry({ maxAttempts: 5, waitMin: 0 })
    async forecast(city: string): Promise<string> {
      this.entered++;
      return `sun in ${city}, attempt ${currentCall().attempt}`;
    }

    @retry({ maxAttempts: 5, waitMin: 0 })
    async #secret(): Promise<number> {
      return currentCall().attempt;
    }

    tell(): Promise<number> {
      return this.#secret();
    }

    @retry({ maxAttempts: 5, waitMin: 0 })
    static async forecast(): Promise<number> {
      return currentCall().attempt;
    }

    async plain(): Promise<void> {}
  }
  class Inheriting extends Weather {}
  class Overriding extends Weather {
    override async forecast(city: string): Promise<string> {
      return super.forecast(`${city}, alps`);
    }
  }
  return { Weather, Inheriting, Overriding };
}

describe('11 failTimes', () => {
  test('restore lets the next attempt of a call that is under way enter the code', async () => {
    const { Weather } = makeClasses();
    const weather = new Weather();
    const restore = failTimes(weather, 'forecast', 4, offline);
    const call = weather.forecast('Davos');
    restore();
    assert.equal(await call, 'sun in Davos, attempt 2');
  });

  test('the next n attempts fail beneath the policies, and do not enter the code', async () => {
    const { Weather } = makeClasses();
    const weather = new Weather();
    failTimes(weather, 'forecast', 2, offline);
    assert.equal(await weather.forecast('Davos'), 'sun in Davos, attempt 3');
    assert.equal(weather.entered, 1);
    const { calls, attempts, retries, running, failures } = statsOf(weather, 'forecast');
    assert.deepEqual([calls, attempts, retries, running, failures], [1, 3, 2, 0, 0]);
    assert.equal(await weather.forecast('Davos'), 'sun in Davos, attempt 1');
  });

  test('the error comes as it was given, or as the function gives it for the n-th', async () => {
    const { Weather } = makeClasses();
    const weather = new Weather();
    failTimes(weather, 'forecast', 5, (n) => new RangeError(`failure ${n}`));
    await assert.rejects(weather.forecast('Davos'), { name: 'RangeError', message: 'failure 5' });
    failTimes(weather, 'forecast', 5, offline);
    assert.equal(await rejection(weather.forecast('Davos')), offline);
    failTimes(weather, 'forecast', 5, undefined);
    assert.equal(await rejection(weather.forecast('Davos')), undefined);
  });

  test('what the function throws is what the attempt fails with', async () => {
    const { Weather } = makeClasses();
    const weather = new Weather();
    failTimes(weather, 'forecast', 5, () => {
      throw offline;
    });
    assert.equal(await rejection(weather.forecast('Davos')), offline);
  });

  test('of an instance: no other one', async () => {
    const { Weather } = makeClasses();
    const [one, other] = [new Weather(), new Weather()];
    failTimes(one, 'forecast', 1, offline);
    assert.match(await other.forecast('Davos'), /attempt 1/);
    assert.match(await one.forecast('Davos'), /attempt 2/);
  });

  test('of a class: all instances, and those of subclasses that do not override it', async () => {
    const { Weather, Inheriting, Overriding } = makeClasses();
    const subclassed = new Inheriting();
    assert.match(await subclassed.forecast('Davos'), /attempt 1/);
    failTimes(Weather, 'forecast', 3, offline);
    assert.match(await new Overriding().forecast('Davos'), /attempt 1/);
    assert.match(await subclassed.forecast('Davos'), /attempt 4/);
    assert.match(await new Weather().forecast('Davos'), /attempt 1/);
    failTimes(Overriding, 'forecast', 1, offline);
    assert.match(await new Weather().forecast('Davos'), /attempt 1/);
    assert.match(await new Overriding().forecast('Davos'), /attempt 2/);
  });

  test('of a class that is first used afterwards', async () => {
    const { Weather, Inheriting } = makeClasses();
    failTimes(Weather, 'forecast', 1, offline);
    assert.match(await new Inheriting().forecast('Davos'), /attempt 2/);
  });

  test('static and private methods, by the names that statsOf takes', async () => {
    const { Weather } = makeClasses();
    failTimes(Weather, 'static forecast', 1, offline);
    assert.match(await new Weather().forecast('Davos'), /attempt 1/);
    assert.equal(await Weather.forecast(), 2);
    failTimes(Weather, '#secret', 2, offline);
    assert.equal(await new Weather().tell(), 3);
    const weather = new Weather();
    failTimes(weather, '#secret', 1, offline);
    assert.equal(await new Weather().tell(), 1);
    assert.equal(await weather.tell(), 2);
  });

  test('several on one method: the first come first', async () => {
    const { Weather } = makeClasses();
    const weather = new Weather();
    const errors: unknown[] = [];
    class Noting {
      @retry({ maxAttempts: 4, waitMin: 0, onRetry: ({ error }) => errors.push(error) })
      async run(): Promise<void> {}
    }
    failTimes(Noting, 'run', 2, 'one');
    failTimes(Noting, 'run', 1, 'other');
    await new Noting().run();
    assert.deepEqual(errors, ['one', 'one', 'other']);
    assert.match(await weather.forecast('Davos'), /attempt 1/);
  });

  test('ends early, and once', async () => {
    const { Weather } = makeClasses();
    const weather = new Weather();
    {
      using _ = failTimes(weather, 'forecast', 100, offline);
      await assert.rejects(weather.forecast('Davos'));
    }
    assert.match(await weather.forecast('Davos'), /attempt 1/);
    const first = failTimes(weather, 'forecast', 1, offline);
    first.restore();
    failTimes(weather, 'forecast', 1, offline);
    first();
    assert.match(await weather.forecast('Davos'), /attempt 2/);
  });

  test('an attempt that fails takes a permit and a slot, and gives the slot back', async () => {
    class Api {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @rateLimit({ rate: 2, per: 60_000, maxQueue: 0 })
      @concurrency({ limit: 1, maxQueue: 0 })
      async get(): Promise<void> {}
    }
    failTimes(Api, 'get', 1, offline);
    await new Api().get();
    await assert.rejects(new Api().get(), { policy: 'rateLimit', reason: 'queue-full' });
  });

  test('a fallback stands in, with the error that led to it', async () => {
    class Weather {
      @fallback('cached')
      async forecast(): Promise<unknown> {
        return 'sun';
      }

      async cached(): Promise<unknown> {
        return currentCall().error;
      }
    }
    failTimes(Weather, 'forecast', 1, offline);
    assert.equal(await new Weather().forecast(), offline);
  });

  test('a cpuBound method fails here', async () => {
    class Grid {
      @retry({ maxAttempts: 3, waitMin: 0, abortOn: WorkerError })
      @concurrency(1)
      @cpuBound(import.meta.url)
      async simulate(): Promise<void> {}
    }
    failTimes(Grid, 'simulate', 3, offline);
    assert.equal(await rejection(new Grid().simulate()), offline);
    const { attempts, running } = statsOf(Grid, 'simulate');
    assert.deepEqual([attempts, running], [3, 0]);
    // The class is not exported: now it is the worker that is asked.
    assert.ok((await rejection(new Grid().simulate())) instanceof WorkerError);
  });

  for (const [name, bareFirst] of [
    ['before', true],
    ['after', false],
  ] as const) {
    test(`without policies too, left out ${name} it: the code fails n times, call by call`, async () => {
      const { Weather } = makeClasses();
      const weather = new Weather();
      const bareBefore = bareFirst ? withoutPolicies(Weather) : undefined;
      failTimes(weather, 'forecast', 3, (n) => `failure ${n}`);
      const bare = bareBefore ?? withoutPolicies(Weather, 'forecast');
      for (const n of [1, 2]) assert.equal(await rejection(weather.forecast('Davos')), `failure ${n}`);
      assert.equal(weather.entered, 0);
      bare.restore();
      // What is left of them fails beneath the policies.
      assert.match(await weather.forecast('Davos'), /attempt 2/);
      assert.equal(weather.entered, 1);
    });
  }

  test('without policies too: no more than n, of the object that is meant, and until it is ended', async () => {
    const { Weather, Overriding } = makeClasses();
    const [one, other] = [new Weather(), new Weather()];
    using _ = withoutPolicies();
    failTimes(one, 'forecast', 1, offline);
    assert.match(await other.forecast('Davos'), /attempt 1/);
    assert.equal(await rejection(one.forecast('Davos')), offline);
    assert.match(await one.forecast('Davos'), /attempt 1/);
    const restore = failTimes(Weather, 'forecast', 9, offline);
    assert.match(await new Overriding().forecast('Davos'), /attempt 1/);
    assert.equal(await rejection(other.forecast('Davos')), offline);
    restore();
    assert.match(await other.forecast('Davos'), /attempt 1/);
    failTimes(Weather, '#secret', 1, offline);
    assert.equal(await rejection(one.tell()), offline);
    failTimes(Weather, 'static forecast', 1, offline);
    assert.equal(await rejection(Weather.forecast()), offline);
    assert.equal(await Weather.forecast(), 1);
  });

  test('without policies too: a cpuBound method, a call that is aborted, a fallback', async () => {
    class Grid {
      @fallback('cached')
      @cpuBound(import.meta.url)
      async simulate(_signal?: AbortSignal): Promise<string> {
        return 'simulated';
      }
      async cached(): Promise<string> {
        return 'cached';
      }
    }
    using _ = withoutPolicies(Grid);
    failTimes(Grid, 'simulate', 2, offline);
    assert.equal(await rejection(new Grid().simulate(AbortSignal.abort())), offline);
    assert.equal(await rejection(new Grid().simulate()), offline);
    assert.equal(await new Grid().simulate(), 'simulated');
  });

  test('an aborted attempt is none of the n', async () => {
    class Api {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async get(_signal: AbortSignal): Promise<number> {
        return currentCall().attempt;
      }
    }
    failTimes(Api, 'get', 1, offline);
    await assert.rejects(new Api().get(AbortSignal.abort()), { name: 'AbortError' });
    assert.equal(await new Api().get(new AbortController().signal), 2);
  });

  test('what is wrong is told of', () => {
    const { Weather } = makeClasses();
    const wrong =
      (...given: unknown[]): (() => unknown) =>
      () =>
        Reflect.apply(failTimes, undefined, given);
    assert.throws(wrong(1, 'forecast', 1, offline), { message: 'failTimes(): expected a class or an instance, got 1' });
    assert.throws(wrong(Weather, 'forecats', 1, offline), ConfigurationError);
    assert.throws(wrong(Weather, 'plain', 1, offline), {
      message: 'failTimes(): Weather.plain has no policies, so its code is entered without opero',
    });
    for (const n of [0, -1, 1.5, Number.NaN, '1', Number.POSITIVE_INFINITY]) {
      assert.throws(wrong(Weather, 'forecast', n, offline), /expected `n` to be an integer of at least 1, got/);
    }
    assert.throws(wrong(Weather, 'forecast', 1, TypeError), /write `\(n\) => new TypeError\(\.\.\.\)`/);
  });
});
