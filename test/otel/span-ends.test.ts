import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { circuitBreaker, type PolicyDecorator, rateLimit, retry, shutdown } from 'opero';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { handled } from '../support/unhandled.js';
import { api, instrument, sdkVersion } from './sdk.js';
import { exceptionsOf, SpansInMemory } from './spans-in-memory.js';

const { SpanStatusCode } = api;

/** A call beneath one policy that fails with what is given. */
function forecast(policy: PolicyDecorator, thrown: unknown): Promise<void> {
  class Weather {
    @policy
    async forecast(): Promise<void> {
      throw thrown;
    }
  }
  return new Weather().forecast();
}

describe(`what spans tell of how it ended, by SDK ${sdkVersion}`, () => {
  test('a call that is turned away has failed; one that its caller left has not', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    class Weather {
      @rateLimit({ rate: 1, per: 3_600_000, maxQueue: 1 })
      async forecast(_options?: { signal: AbortSignal }): Promise<void> {}
    }
    const weather = new Weather();
    await weather.forecast();
    const controller = new AbortController();
    const left = rejection(weather.forecast({ signal: controller.signal }));
    await rejection(weather.forecast());
    controller.abort(new Error('the user left'));
    await left;
    const told = spans.all.map(({ attributes, status }) => [attributes['opero.outcome'], status.code]);
    assert.deepEqual(told.toSorted(), [
      ['aborted', SpanStatusCode.UNSET],
      ['ok', SpanStatusCode.UNSET],
      ['rejected', SpanStatusCode.ERROR],
    ]);
    const rejected = spans.all.find(({ attributes }) => attributes['opero.outcome'] === 'rejected');
    assert.deepEqual(rejected?.events.find(({ name }) => name === 'opero.reject')?.attributes, {
      'opero.policy': 'rateLimit',
      'opero.reason': 'queue-full',
    });
  });

  test('a circuit that opens is told of by the call that opened it', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    await rejection(forecast(circuitBreaker(1), new Error('no answer')));
    const [span] = spans.all;
    assert.deepEqual(span?.events.find(({ name }) => name === 'opero.circuit')?.attributes, {
      'opero.circuit.state': 'open',
      'opero.circuit.previous_state': 'closed',
    });
  });

  test('an error that the whole call fails with is told of once', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    await rejection(forecast(retry(1), new RangeError('no answer')));
    const [span] = spans.all;
    assert.deepEqual(exceptionsOf(span as never), ['no answer']);
    assert.deepEqual([span?.attributes['error.type'], span?.status.message], ['RangeError', 'no answer']);
  });

  const trap = (): never => {
    throw new Error('do not look');
  };
  const odd: readonly (readonly [string, unknown, string])[] = [
    ['undefined', undefined, 'undefined'],
    ['a string', 'no', 'String'],
    ['an object without a prototype', Object.create(null), '_OTHER'],
    ['a proxy that throws', new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap }), '_OTHER'],
    ['an error of a class without a name', new (class extends Error {})('unnamed'), '_OTHER'],
  ];
  for (const [name, thrown, type] of odd) {
    test(`what is thrown may be ${name}`, () =>
      handled(async () => {
        const spans = new SpansInMemory();
        using _ = spans.instrument();
        await forecast(retry(1), thrown).then(trap, (error) => assert.ok(Object.is(error, thrown)));
        assert.deepEqual(
          spans.all.map(({ attributes }) => attributes['error.type']),
          [type],
        );
        assert.equal(exceptionsOf(spans.all[0] as never).length, 1);
      }));
  }

  test('a call in a worker has one', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    const { Work } = await import('./work.js');
    assert.equal(await new Work().double(21), 42);
    await shutdown();
    const [call] = spans.named('Work.double');
    assert.equal(call?.attributes['opero.outcome'], 'ok');
    assert.ok(spans.all.every((span) => span === call || spans.beneath(call as never).includes(span)));
  });

  test('end as their calls do, where the instrumentation ends before', async () => {
    const spans = new SpansInMemory();
    const gate = deferred();
    class Weather {
      @retry(3)
      async forecast(): Promise<void> {
        await gate.promise;
      }
    }
    const stop = spans.instrument();
    const call = new Weather().forecast();
    stop();
    await rejection(Promise.resolve().then(() => assert.equal(spans.all.length, 1)));
    const later = new Weather().forecast();
    gate.resolve();
    await Promise.all([call, later]);
    assert.deepEqual(spans.tree, ['Weather.forecast']);
    assert.equal(spans.all[0]?.attributes['opero.outcome'], 'ok');
    await new Weather().forecast();
    assert.equal(spans.all.length, 1);
  });

  test('a tracer that throws touches no call', () =>
    handled(async () => {
      const broken = {
        getTracer: () => ({ startSpan: trap, startActiveSpan: trap }),
      };
      using _ = instrument({ tracerProvider: broken });
      class Weather {
        runs = 0;
        @retry({ maxAttempts: 2, waitMin: 0 })
        async forecast(): Promise<string> {
          if (this.runs++ === 0) throw new Error('once more');
          return 'sun';
        }
      }
      assert.equal(await new Weather().forecast(), 'sun');
    }));
});
