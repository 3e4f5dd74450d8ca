import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { ConfigurationError, circuitBreaker, retry } from 'opero';
import { collect, metricsText } from 'opero/prometheus';
import { AggregatorRegistry, Counter, type OpenMetricsContentType, Registry } from 'prom-client';
import { rejection } from '../support/rejection.js';
import { type ReadFamily, readMetrics } from './reader.js';

class Weather {
  @circuitBreaker(100)
  @retry({ maxAttempts: 2, waitMin: 1, jitter: 'none' })
  async forecast(error?: Error): Promise<string> {
    if (error !== undefined) throw error;
    return 'sun';
  }
}

const weather = new Weather();
await weather.forecast();
await rejection(weather.forecast(new RangeError('out of range')));

/** What reading does not keep of the order. */
const inOrder = (families: Map<string, ReadFamily>): object[] =>
  [...families.values()].map(({ samples, ...rest }) => ({
    ...rest,
    samples: samples.map(({ name, labels, value }) => ({ name, labels: { ...labels }, value })),
  }));

describe('collect', () => {
  test('gives a registry of prom-client what metricsText() gives', async () => {
    const registry = new Registry();
    using _ = collect(registry);
    const text = await registry.metrics();
    assert.deepEqual(inOrder(readMetrics(text)), inOrder(readMetrics(metricsText())));
    assert.match(
      text,
      /^opero_call_duration_seconds_count\{code_function_name="Weather.forecast",opero_outcome="ok"\} 1$/m,
    );
  });

  test('stands beside what others measure, with the default labels of the registry', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ region: 'eu' });
    new Counter({ name: 'requests_total', help: 'Requests.', registers: [registry] }).inc();
    using _ = collect(registry);
    const read = readMetrics(await registry.metrics());
    assert.equal(read.get('requests_total')?.samples[0].value, 1);
    const { samples = [] } = read.get('opero_retries_total') ?? {};
    assert.deepEqual(
      samples.map(({ labels, value }) => [{ ...labels }, value]),
      [[{ code_function_name: 'Weather.forecast', region: 'eu' }, 1]],
    );
  });

  test('speaks OpenMetrics where the registry does', async () => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    using _ = collect(registry);
    for (let i = 0; i < 2; i++) {
      const text = await registry.metrics();
      assert.match(text, /\n# TYPE opero_retries counter\nopero_retries_total\{[^}]*\} 1\n/);
      assert.match(text, /\nopero_call_duration_seconds_bucket\{le="\+Inf",[^}]*\} 1\n/);
      assert.match(text, /\n# EOF\n$/);
    }
  });

  test('can be joined over the processes of a cluster', async () => {
    const registry = new Registry();
    using _ = collect(registry);
    const json = await registry.getMetricsAsJSON();
    const joined = readMetrics(await AggregatorRegistry.aggregate([json, json]).metrics());
    assert.equal(joined.get('opero_retries_total')?.samples[0].value, 2);
    assert.deepEqual(
      joined.get('opero_circuit_state')?.samples.map(({ value }) => value),
      [0],
    );
  });

  test('takes its metrics out again, once', async () => {
    const registry = new Registry();
    const stop = collect(registry);
    stop();
    assert.equal((await registry.metrics()).trim(), '');
    collect(registry);
    stop();
    assert.match(await registry.metrics(), /opero_running/);
  });

  test('refuses a registry that has them already, and adds nothing', () => {
    const registry = new Registry();
    new Counter({ name: 'opero_fallbacks_total', help: 'Mine.', registers: [registry] });
    assert.throws(
      () => collect(registry),
      (error: unknown) =>
        error instanceof ConfigurationError &&
        error.message ===
          'collect(): the registry has a metric opero_fallbacks_total already; collect once for each registry',
    );
    assert.equal(registry.getSingleMetric('opero_running'), undefined);
    const other = new Registry();
    using _ = collect(other);
    assert.throws(() => collect(other), ConfigurationError);
    for (const wrong of [undefined, {}, 'registry', Registry]) {
      assert.throws(
        () => collect(wrong as never),
        /^ConfigurationError: collect\(\): expected a Registry of prom-client, got /,
      );
    }
  });

  test('begins to count anew where the registry is reset', async () => {
    const registry = new Registry();
    using _ = collect(registry);
    registry.resetMetrics();
    const values = [...readMetrics(await registry.metrics()).values()]
      .filter(({ type }) => type !== 'gauge')
      .flatMap(({ samples }) => samples.map(({ value }) => value));
    assert.ok(values.length > 0 && values.every((value) => value === 0));
    await weather.forecast();
    assert.match(metricsText(), /^opero_call_duration_seconds_count\{[^}]*opero_outcome="ok"\} 1$/m);
  });
});
