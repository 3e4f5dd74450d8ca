import { strict as assert } from 'node:assert';
import { channel } from 'node:diagnostics_channel';
import { describe, test } from 'node:test';
import { ConfigurationError, retry } from 'opero';
import { api, instrument } from './sdk.js';

const fails = (message: RegExp) => (error: unknown) =>
  error instanceof ConfigurationError && message.test(error.message);

class Weather {
  @retry(1)
  async forecast(): Promise<string> {
    return 'sun';
  }
}

describe('instrument', () => {
  test('a second time, before the first has ended, is an error, and changes nothing', () => {
    const stop = instrument();
    assert.throws(() => instrument(), fails(/^instrument\(\): opero is instrumented already/));
    stop();
    instrument({ spans: 'none' })[Symbol.dispose]();
    {
      using _ = instrument({ spans: 'call' });
      assert.throws(() => instrument(), ConfigurationError);
    }
    instrument()();
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ spans: 'attempts' }, /expected `spans` to be 'attempt' or 'call' or 'none', got 'attempts'/],
    [{ meterProvider: {} }, /expected `meterProvider` to be an object with a method getMeter, got {}/],
    [{ tracerProvider: 7 }, /expected `tracerProvider` to be an object with a method getTracer, got 7/],
    [{ tracer: 7 }, /unknown option `tracer` \(7\); known options are spans, meterProvider, tracerProvider/],
    ['call', /expected the options to be an object, got 'call'/],
  ];
  for (const [options, message] of wrong) {
    test(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => instrument(options as never), fails(message));
      // It has not begun.
      instrument()();
    });
  }

  test('does nothing by the global providers while there are none', async () => {
    using _ = instrument();
    assert.equal(await new Weather().forecast(), 'sun');
    assert.equal(api.trace.getActiveSpan(), undefined);
  });

  test('leaves nobody listening where a provider throws', () => {
    const broken = () => {
      throw new Error('no provider');
    };
    for (const options of [
      { tracerProvider: { getTracer: broken } },
      { meterProvider: { getMeter: broken } },
      { meterProvider: { getMeter: () => ({ createHistogram: broken }) } },
      {
        meterProvider: {
          getMeter: () => ({ createHistogram() {}, createCounter() {}, createObservableGauge: broken }),
        },
      },
      {
        meterProvider: {
          getMeter: () => ({
            createHistogram() {},
            createCounter() {},
            createObservableGauge() {},
            addBatchObservableCallback: broken,
          }),
        },
      },
    ]) {
      assert.throws(() => instrument(options as never), /^Error: no provider$/);
      const heard = ['tracing:opero:call:asyncEnd', 'tracing:opero:attempt:asyncEnd', 'opero:wait', 'opero:retry'];
      assert.deepEqual(
        heard.filter((name) => channel(name).hasSubscribers),
        [],
      );
    }
    // It has not begun.
    instrument()();
  });

  test('leaves nobody listening once it has ended', async () => {
    const names = ['call', 'attempt'].map((each) => `tracing:opero:${each}:asyncEnd`);
    const all = [
      ...names,
      'opero:wait',
      'opero:retry',
      'opero:reject',
      'opero:fallback',
      'opero:hedge',
      'opero:circuit',
    ];
    const heard = () => all.filter((name) => channel(name).hasSubscribers);
    const stop = instrument();
    assert.deepEqual(heard(), all);
    await new Weather().forecast();
    stop();
    assert.deepEqual(heard(), []);
  });
});
