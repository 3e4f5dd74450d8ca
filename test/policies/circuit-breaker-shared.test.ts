import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  CircuitBreaker,
  CircuitOpenError,
  ConfigurationError,
  circuitBreaker,
  circuitOf,
  configure,
  explain,
  Orchestrator,
  policiesOf,
  RateLimiter,
  statsOf,
} from 'opero';
import { resetState } from 'opero/testing';
import { underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';

/** Two methods, and a class of another, behind one circuit. */
function sharing(breaker: CircuitBreaker) {
  class Api {
    isDown = true;

    @circuitBreaker(breaker)
    async get(_host = 'a'): Promise<string> {
      if (this.isDown) throw new Error('down');
      return 'got';
    }

    @circuitBreaker(breaker)
    async put(_host = 'a'): Promise<string> {
      if (this.isDown) throw new Error('down');
      return 'put';
    }
  }
  class Other {
    @circuitBreaker(breaker)
    async ask(_host = 'a'): Promise<string> {
      return 'asked';
    }
  }
  return { api: new Api(), other: new Other(), Api, Other };
}

describe('7.1 a CircuitBreaker that methods share', () => {
  test('is one circuit: the failures of all open it for all', async () => {
    const breaker = new CircuitBreaker(2);
    const { api, other, Api } = sharing(breaker);
    await rejection(api.get());
    assert.deepEqual([breaker.state, breaker.failures, breaker.calls], ['closed', 1, 1]);
    await rejection(api.put());
    assert.equal(breaker.state, 'open');
    const error = (await rejection(other.ask())) as CircuitOpenError;
    assert.ok(error instanceof CircuitOpenError);
    assert.match(error.message, /^Other\.ask: /);
    assert.equal(error.reason, 'open');
    assert.deepEqual([statsOf(Api, 'get').circuitOpenings, statsOf(Api, 'put').circuitOpenings], [0, 1]);
  });

  test('closes for all by one probe', () =>
    underFakeClock(async (clock) => {
      const breaker = new CircuitBreaker({ consecutive: 1, halfOpenAfter: 100 });
      const { api, other } = sharing(breaker);
      await rejection(api.get());
      await clock.tickAsync(100);
      assert.equal(breaker.state, 'half-open');
      assert.equal(await other.ask(), 'asked');
      api.isDown = false;
      assert.deepEqual([breaker.state, await api.put()], ['closed', 'put']);
    }));

  test('tells its hooks whose call it was', async () => {
    const told: unknown[] = [];
    const breaker = new CircuitBreaker({
      consecutive: 1,
      halfOpenAfter(this: unknown, opening: number, _error: unknown, { method }: { method: string }) {
        told.push([opening, method, this]);
        return 1000;
      },
      onStateChange(this: unknown, { from, to, method, args }) {
        told.push([from, to, method, args, this]);
      },
    });
    const { api } = sharing(breaker);
    await rejection(api.put('b'));
    assert.deepEqual(told, [
      [1, 'Api.put', api],
      ['closed', 'open', 'Api.put', ['b'], api],
    ]);
    breaker.reset();
    assert.deepEqual(told.at(-1), ['open', 'closed', 'CircuitBreaker', [], undefined]);
  });

  test('is isolated and made as new by hand', async () => {
    const breaker = new CircuitBreaker(1);
    const { other, api } = sharing(breaker);
    const end = breaker.isolate();
    assert.equal(((await rejection(other.ask())) as CircuitOpenError).reason, 'isolated');
    end();
    assert.equal(await other.ask(), 'asked');
    await rejection(api.get());
    breaker.reset();
    assert.deepEqual([breaker.state, await other.ask()], ['closed', 'asked']);
  });

  test('is the circuit that circuitOf gives', async () => {
    const breaker = new CircuitBreaker(1);
    const { api, Other } = sharing(breaker);
    await rejection(api.get());
    assert.equal(circuitOf(Other, 'ask').state, 'open');
    circuitOf(Other, 'ask').reset();
    assert.equal(breaker.state, 'closed');
  });

  test('has a circuit for each key', async () => {
    const breaker = new CircuitBreaker({ consecutive: 1, key: (host: string) => host });
    const { api, other } = sharing(breaker);
    await rejection(api.get('a'));
    assert.equal(await other.ask('b'), 'asked');
    assert.ok((await rejection(other.ask('a'))) instanceof CircuitOpenError);
    assert.deepEqual([breaker.circuit('a').state, breaker.circuit('b').state], ['open', 'closed']);
    assert.throws(() => breaker.state, ConfigurationError);
    breaker.reset();
    assert.equal(await other.ask('a'), 'asked');
  });

  test('has a circuit for each instance', async () => {
    const breaker = new CircuitBreaker({ consecutive: 1, scope: 'instance' });
    const { api, Api } = sharing(breaker);
    await rejection(api.get());
    assert.ok((await rejection(api.put())) instanceof CircuitOpenError);
    assert.equal(circuitOf(api, 'put').state, 'open');
    assert.equal(circuitOf(new Api(), 'put').state, 'closed');
    assert.throws(() => breaker.state, /circuit for each instance/);
  });

  test('serves Orchestrators and classes', async () => {
    const breaker = new CircuitBreaker(1);
    @circuitBreaker(breaker)
    class Whole {
      async one(): Promise<number> {
        return 1;
      }
    }
    const orchestrator = new Orchestrator({ circuitBreaker: breaker });
    await rejection(
      orchestrator.execute(async () => {
        throw new Error('down');
      }),
    );
    assert.ok((await rejection(new Whole().one())) instanceof CircuitOpenError);
    assert.equal(circuitOf(orchestrator).state, 'open');
  });

  test('is changed by its own configure only, from the next call on', async () => {
    const breaker = new CircuitBreaker(3);
    const { api, Api } = sharing(breaker);
    await rejection(api.get());
    const undo = breaker.configure({ consecutive: 2 });
    await rejection(api.get());
    assert.equal(breaker.state, 'open');
    breaker.reset();
    undo();
    await rejection(api.get());
    await rejection(api.get());
    assert.equal(breaker.state, 'closed');
    const ignoring = breaker.configure({ ignore: Error });
    await rejection(api.get());
    assert.equal(breaker.state, 'closed');
    ignoring();
    assert.throws(() => breaker.configure({ consecutive: 0 }), ConfigurationError);
    assert.throws(() => configure(Api, 'get', { circuitBreaker: { consecutive: 1 } }), /shared with other methods/);
    using _ = configure(Api, 'get', { circuitBreaker: false });
    assert.equal(statsOf(Api, 'get').circuitOpenings, 1);
  });

  test('has a change rest while what it went with is undone', () => {
    const breaker = new CircuitBreaker(3);
    const first = breaker.configure({ failureRatio: 0.5 });
    const second = breaker.configure({ minCalls: 5 });
    first();
    assert.match(inspect(breaker), /consecutive: 3/);
    const again = breaker.configure({ failureRatio: 0.2 });
    assert.match(inspect(breaker), /failureRatio: 0\.2/);
    again();
    second();
    assert.match(inspect(breaker), /consecutive: 3/);
  });

  test('is made as new by resetState', async () => {
    const breaker = new CircuitBreaker(1);
    const { api, other, Api } = sharing(breaker);
    await rejection(api.get());
    resetState(Api);
    assert.deepEqual([breaker.state, await other.ask()], ['closed', 'asked']);
  });

  test('shows its options where the policies are shown', () => {
    const breaker = new CircuitBreaker({ consecutive: 3 });
    const { Api } = sharing(breaker);
    assert.deepEqual(policiesOf(Api, 'get')[0]?.options, { limiter: breaker });
    assert.match(explain(Api), /limiter: CircuitBreaker \{ consecutive: 3, halfOpenAfter: 5000, /);
  });

  test('goes where circuit breakers go, and nothing else does', () => {
    const limiter = new RateLimiter(5);
    assert.throws(() => {
      class Api {
        // @ts-expect-error: a RateLimiter is no CircuitBreaker
        @circuitBreaker(limiter)
        async get(): Promise<void> {}
      }
      return Api;
    }, /@circuitBreaker on method `get`: expected a CircuitBreaker, got RateLimiter/);
    assert.throws(() => new CircuitBreaker({ consecutive: -1 }), /^ConfigurationError: CircuitBreaker: expected/);
    assert.throws(() => new CircuitBreaker({ consecutive: 1 }).circuit('a'), /no circuits by key/);
  });
});
