import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import {
  type AnyFunction,
  cache,
  concurrency,
  definePolicy,
  fallback,
  hedge,
  retry,
  TimeoutError,
  timeout,
} from 'opero';
import { flush } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { api, sdkVersion } from './sdk.js';
import { exceptionsOf, notesOf, SpansInMemory } from './spans-in-memory.js';

const { SpanStatusCode } = api;

/** The span that is active here. */
const active = (): string | undefined => api.trace.getActiveSpan()?.spanContext().spanId;

/** Runs within a span of a name, as a fetch would. */
const within = (spans: SpansInMemory, name: string): void => spans.tracer.startSpan(name).end();

describe(`spans of attempts, by SDK ${sdkVersion}`, () => {
  test('a single attempt that neither waited nor was retried is one span, active around it', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    let inside: string | undefined;
    class Weather {
      @retry(3)
      @concurrency(2)
      async forecast(city: string): Promise<string> {
        await flush();
        inside = active();
        within(spans, 'GET');
        return `sun in ${city}`;
      }
    }
    await spans.tracer.startActiveSpan('request', async (request) => {
      await new Weather().forecast('Davos');
      request.end();
    });
    assert.deepEqual(spans.tree, ['request', '  Weather.forecast', '    GET']);
    const [span] = spans.named('Weather.forecast');
    assert.equal(inside, span?.spanContext().spanId);
    assert.deepEqual(span?.attributes, {
      'code.function.name': 'Weather.forecast',
      'opero.attempts': 1,
      'opero.outcome': 'ok',
    });
    assert.deepEqual([span?.status.code, span?.events.length], [SpanStatusCode.UNSET, 0]);
    assert.equal(active(), undefined);
  });

  test('where it is retried, each attempt has one within that of the call', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    let attempts = 0;
    class Weather {
      @retry({ maxAttempts: 3, waitMin: 1, jitter: 'none' })
      async forecast(): Promise<void> {
        await flush();
        within(spans, `GET ${++attempts}`);
        if (attempts < 3) throw new RangeError(`failure ${attempts}`);
      }
    }
    await spans.tracer.startActiveSpan('request', async (request) => {
      await new Weather().forecast();
      request.end();
    });
    assert.deepEqual(spans.tree, [
      'request',
      '  Weather.forecast',
      // The first had begun within the span of the call when it turned out not to be the only one.
      '    GET 1',
      '    Weather.forecast attempt',
      '    Weather.forecast attempt',
      '      GET 2',
      '    Weather.forecast attempt',
      '      GET 3',
    ]);
    const [call] = spans.named('Weather.forecast');
    assert.equal(call?.attributes['opero.attempts'], 3);
    assert.equal(call?.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(notesOf(call as never), ['opero.retry', 'opero.wait', 'opero.retry', 'opero.wait']);
    assert.deepEqual(call?.events.find(({ name }) => name === 'opero.retry')?.attributes, {
      'opero.attempt': 1,
      'opero.delay': 0.001,
    });
    const each = spans.named('Weather.forecast attempt');
    assert.deepEqual(
      each.map(({ attributes }) => [
        attributes['opero.attempt'],
        attributes['opero.outcome'],
        attributes['error.type'],
      ]),
      [
        [1, 'error', 'RangeError'],
        [2, 'error', 'RangeError'],
        [3, 'ok', undefined],
      ],
    );
    assert.deepEqual(each.map(exceptionsOf), [['failure 1'], ['failure 2'], []]);
    assert.deepEqual(
      each.map(({ status }) => [status.code, status.message]),
      [
        [SpanStatusCode.ERROR, 'failure 1'],
        [SpanStatusCode.ERROR, 'failure 2'],
        [SpanStatusCode.UNSET, undefined],
      ],
    );
  });

  test('what had to wait gets one of its own, and the context reaches it', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    const gate = deferred();
    const key = api.createContextKey('tenant');
    const seen: unknown[] = [];
    class Weather {
      @concurrency(1)
      async forecast(): Promise<void> {
        seen.push([api.context.active().getValue(key), active()]);
        await gate.promise;
      }
    }
    const weather = new Weather();
    const calls = ['one', 'other'].map((tenant) =>
      api.context.with(api.context.active().setValue(key, tenant), () => weather.forecast()),
    );
    await flush();
    gate.resolve();
    await Promise.all(calls);
    assert.deepEqual(spans.tree, ['Weather.forecast', 'Weather.forecast', '  Weather.forecast attempt']);
    const [attempt] = spans.named('Weather.forecast attempt');
    const [plain, queued] = spans.named('Weather.forecast').toSorted((a, b) => a.events.length - b.events.length);
    assert.deepEqual(seen, [
      ['one', plain?.spanContext().spanId],
      ['other', attempt?.spanContext().spanId],
    ]);
    assert.deepEqual(
      queued?.events.map(({ name, attributes }) => [name, attributes?.['opero.policy']]),
      [['opero.wait', 'concurrency']],
    );
  });

  test('a hedge has a link to the run that it stands beside', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    const slow = deferred<string>();
    class Weather {
      runs = 0;
      @hedge(1)
      async forecast(): Promise<string> {
        return this.runs++ === 0 ? slow.promise : 'hedged';
      }
    }
    assert.equal(await new Weather().forecast(), 'hedged');
    slow.resolve('late');
    await flush();
    assert.deepEqual(spans.tree, ['Weather.forecast', '  Weather.forecast attempt', '  Weather.forecast attempt']);
    const [first, hedged] = spans
      .named('Weather.forecast attempt')
      .toSorted((one, other) => one.links.length - other.links.length);
    assert.deepEqual(first?.links, []);
    assert.deepEqual(
      hedged?.links.map(({ context }) => context.spanId),
      [first?.spanContext().spanId],
    );
    assert.deepEqual(
      [first, hedged].map((span) => [span?.attributes['opero.hedge'], span?.attributes['opero.abandoned']]),
      [
        [undefined, true],
        [1, undefined],
      ],
    );
    assert.deepEqual(notesOf(spans.named('Weather.forecast')[0] as never), ['opero.hedge']);
  });

  test('an attempt that was given up ends with its code, after that of the call', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    const gate = deferred();
    class Weather {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @timeout(1)
      async forecast(): Promise<void> {
        await gate.promise;
      }
    }
    await assert.rejects(new Weather().forecast(), TimeoutError);
    assert.deepEqual(spans.tree, ['Weather.forecast']);
    assert.deepEqual(exceptionsOf(spans.all[0] as never).length, 1);
    gate.resolve();
    await flush();
    assert.deepEqual(spans.tree, ['Weather.forecast', '  Weather.forecast attempt', '  Weather.forecast attempt']);
    assert.ok(
      spans.named('Weather.forecast attempt').every(({ attributes }) => attributes['opero.abandoned'] === true),
    );
  });

  test('attempts behind a stale value have theirs within that of their call, which has ended', async () => {
    const spans = new SpansInMemory();
    const gate = deferred();
    class Weather {
      runs = 0;
      @cache({ ttl: 0, staleWhileRevalidate: Number.POSITIVE_INFINITY, staleIfError: 1 })
      @retry({ maxAttempts: 2, waitMin: 0 })
      async forecast(): Promise<number> {
        if (++this.runs === 1) return 1;
        await gate.promise;
        if (this.runs === 2) throw new Error('no answer');
        return this.runs;
      }
    }
    const weather = new Weather();
    await weather.forecast();
    using _ = spans.instrument();
    assert.equal(await weather.forecast(), 1);
    assert.deepEqual(spans.tree, ['Weather.forecast']);
    gate.resolve();
    for (let i = 0; spans.all.length < 3; i++) {
      assert.ok(i < 100, spans.tree.join());
      await flush();
    }
    assert.deepEqual(spans.tree, ['Weather.forecast', '  Weather.forecast attempt', '  Weather.forecast attempt']);
    const outcomes = spans.named('Weather.forecast attempt').map(({ attributes }) => attributes['opero.outcome']);
    assert.deepEqual(outcomes.toSorted(), ['error', 'ok']);
  });

  test('the code of a fallback, and a span of a policy of one own, nest as well', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument();
    const traced = definePolicy({
      kind: 'traced',
      stage: 'attempt',
      around: (next: AnyFunction) =>
        spans.tracer.startActiveSpan('policy', async (span) => {
          try {
            return await next();
          } finally {
            span.end();
          }
        }),
    });
    class Weather {
      @traced()
      @retry({ maxAttempts: 2, waitMin: 0 })
      @fallback('cached')
      async forecast(): Promise<string> {
        throw new Error('no answer');
      }
      async cached(): Promise<string> {
        within(spans, 'SELECT');
        return 'cached';
      }
    }
    assert.equal(await new Weather().forecast(), 'cached');
    assert.deepEqual(spans.tree, [
      'Weather.forecast',
      '  policy',
      '  policy',
      '    Weather.forecast attempt',
      '  SELECT',
      '  Weather.forecast attempt',
    ]);
    const [call] = spans.named('Weather.forecast');
    assert.equal(call?.attributes['opero.fallback'], true);
    assert.deepEqual(call?.events.find(({ name }) => name === 'opero.fallback')?.attributes, {
      'opero.alternative': 'cached',
    });
  });
});

describe('spans of calls', () => {
  test('are one for each, active around all of it, with an exception for each failed attempt', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument('call');
    let attempts = 0;
    class Weather {
      @retry({ maxAttempts: 3, waitMin: 0 })
      async forecast(): Promise<void> {
        within(spans, `GET ${++attempts}`);
        if (attempts < 3) throw new Error(`failure ${attempts}`);
      }
    }
    await new Weather().forecast();
    assert.deepEqual(spans.tree, ['Weather.forecast', '  GET 1', '  GET 2', '  GET 3']);
    assert.deepEqual(exceptionsOf(spans.named('Weather.forecast')[0] as never), ['failure 1', 'failure 2']);
  });
});

describe('no spans', () => {
  test('are made where they are not wanted', async () => {
    const spans = new SpansInMemory();
    using _ = spans.instrument('none');
    class Weather {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async forecast(): Promise<string | undefined> {
        return active();
      }
    }
    assert.equal(await new Weather().forecast(), undefined);
    assert.deepEqual(spans.all, []);
  });
});
