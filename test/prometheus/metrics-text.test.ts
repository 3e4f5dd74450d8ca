import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { circuitBreaker, concurrency, decorate, fallback, rateLimit, retry } from 'opero';
import { metricsText } from 'opero/prometheus';
import { flush } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { readMetrics } from './reader.js';

/** What a metric says of one method: its labels, but for the name of the method, and its value; of a histogram its count. */
function told(name: string, method: string): (readonly [object, number])[] {
  const family = readMetrics(metricsText()).get(name);
  assert.ok(family, name);
  const end = family.type === 'histogram' ? '_count' : '';
  return family.samples
    .filter((sample) => sample.name === `${name}${end}` && sample.labels.code_function_name === method)
    .map(({ labels: { code_function_name: _, ...labels }, value }) => [labels, value]);
}

test('the text has every metric, with its type, before anything has happened', () => {
  const types = [...readMetrics(metricsText()).values()].map(({ name, type }) => [name, type]);
  assert.deepEqual(types, [
    ['opero_call_duration_seconds', 'histogram'],
    ['opero_attempt_duration_seconds', 'histogram'],
    ['opero_wait_duration_seconds', 'histogram'],
    ['opero_retries_total', 'counter'],
    ['opero_rejections_total', 'counter'],
    ['opero_fallbacks_total', 'counter'],
    ['opero_running', 'gauge'],
    ['opero_queued', 'gauge'],
    ['opero_circuit_state', 'gauge'],
    ['opero_limit', 'gauge'],
    ['opero_store_trip_duration_seconds', 'histogram'],
    ['opero_store_outages_total', 'counter'],
    ['opero_store_lost_leases_total', 'counter'],
    ['opero_store_down', 'gauge'],
    ['opero_jobs_sent_total', 'counter'],
    ['opero_job_duration_seconds', 'histogram'],
    ['opero_job_run_duration_seconds', 'histogram'],
    ['opero_jobs_waiting', 'gauge'],
    ['opero_jobs_running', 'gauge'],
  ]);
});

test('it counts calls from the import on, whoever asks when', async () => {
  class Weather {
    runs = 0;
    @fallback({ value: 'unknown', on: RangeError })
    @retry({ maxAttempts: 2, waitMin: 1, jitter: 'none' })
    @rateLimit({ rate: 9, per: 3_600_000, maxQueue: 0 })
    async forecast(error?: Error): Promise<string> {
      if (error !== undefined) throw error;
      return 'sun';
    }
  }
  const weather = new Weather();
  for (let i = 0; i < 3; i++) await weather.forecast();
  await weather.forecast(new RangeError('out of range'));
  await rejection(weather.forecast(new TypeError('wrong')));
  for (let i = 0; i < 2; i++) await weather.forecast();
  await rejection(weather.forecast());
  const method = 'Weather.forecast';
  assert.deepEqual(told('opero_call_duration_seconds', method), [
    [{ opero_outcome: 'ok' }, 5],
    [{ opero_outcome: 'ok', opero_fallback: 'true' }, 1],
    [{ opero_outcome: 'error', error_type: 'TypeError' }, 1],
    [{ opero_outcome: 'rejected', error_type: 'RejectedError' }, 1],
  ]);
  assert.deepEqual(told('opero_attempt_duration_seconds', method), [
    [{ opero_outcome: 'ok' }, 5],
    [{ opero_outcome: 'error', error_type: 'RangeError' }, 2],
    [{ opero_outcome: 'error', error_type: 'TypeError' }, 2],
  ]);
  assert.deepEqual(told('opero_wait_duration_seconds', method), [[{ opero_policy: 'retry' }, 3]]);
  assert.deepEqual(told('opero_retries_total', method), [[{}, 3]]);
  // Both of its attempts.
  assert.deepEqual(told('opero_rejections_total', method), [
    [{ opero_policy: 'rateLimit', opero_reason: 'queue-full' }, 2],
  ]);
  assert.deepEqual(told('opero_fallbacks_total', method), [[{}, 1]]);
});

test('durations are in seconds, in buckets from 0.005 to 10', async () => {
  const gate = deferred();
  class Clock {
    @retry(1)
    async wait(): Promise<void> {
      await gate.promise;
    }
  }
  const begin = performance.now();
  const call = new Clock().wait();
  setTimeout(gate.resolve, 30);
  await call;
  const most = (performance.now() - begin) / 1000;
  const { samples = [] } = readMetrics(metricsText()).get('opero_call_duration_seconds') ?? {};
  const own = samples.filter(({ labels }) => labels.code_function_name === 'Clock.wait');
  assert.deepEqual(
    own.filter(({ name }) => /_bucket$/.test(name)).map(({ labels }) => labels.le),
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, '+Inf'].map(String),
  );
  const sum = own.find(({ name }) => /_sum$/.test(name))?.value ?? 0;
  assert.ok(sum >= 0.028 && sum <= most, `${sum}`);
  for (const { labels, value, name } of own) {
    if (/_bucket$/.test(name))
      assert.equal(value, Number(labels.le.replace('+Inf', 'Infinity')) >= sum ? 1 : 0, labels.le);
  }
});

test('gauges are of now; two classes of one name are one series', async () => {
  const gate = deferred();
  const make = () => {
    class Twin {
      @circuitBreaker(1)
      @concurrency(1)
      async run(error?: Error): Promise<void> {
        await gate.promise;
        if (error !== undefined) throw error;
      }
    }
    return new Twin();
  };
  const [one, other] = [make(), make()];
  const calls = [one.run(), one.run(), other.run(new Error('no answer')), other.run()];
  await flush();
  assert.deepEqual(told('opero_running', 'Twin.run'), [[{}, 2]]);
  assert.deepEqual(told('opero_queued', 'Twin.run'), [[{}, 2]]);
  assert.deepEqual(told('opero_limit', 'Twin.run'), [[{}, 2]]);
  assert.deepEqual(told('opero_circuit_state', 'Twin.run'), [[{}, 0]]);
  gate.resolve();
  await Promise.allSettled(calls);
  assert.deepEqual(told('opero_running', 'Twin.run'), [[{}, 0]]);
  // The worse of the two.
  assert.deepEqual(told('opero_circuit_state', 'Twin.run'), [[{}, 2]]);
  assert.deepEqual(
    told('opero_call_duration_seconds', 'Twin.run').map(
      ([{ opero_outcome }, count]: readonly [{ opero_outcome?: string }, number]) => [opero_outcome, count],
    ),
    [
      ['ok', 2],
      ['error', 1],
      ['rejected', 1],
    ],
  );
});

test('names of classes, methods and errors may be whatever they like', async () => {
  const odd = 'a"b\\c\nd{e="f"} 1\n# TYPE g counter\r\u2028';
  const Odd = {
    [odd]: class {
      @retry(1)
      async '} 7'(error: Error): Promise<void> {
        throw error;
      }
    },
  }[odd];
  class OddError extends Error {}
  Object.defineProperty(OddError, 'name', { value: odd });
  await rejection(new Odd()['} 7'](new OddError()));
  assert.deepEqual(told('opero_call_duration_seconds', `${odd}.} 7`), [
    [{ opero_outcome: 'error', error_type: odd }, 1],
  ]);
});

test('methods of the same full name are one series, wherever its dot is', async () => {
  const Outer = { 'Metric.A': class {} }['Metric.A'] as new () => object;
  class Metric {
    @retry(1)
    async 'A.run'(): Promise<void> {}
  }
  Object.defineProperty(Outer.prototype, 'run', { value: async () => {}, writable: true, configurable: true });
  const other = new (decorate(Outer, { run: { retry: 1 } } as object) as new () => { run(): Promise<void> })();
  await new Metric()['A.run']();
  await other.run();
  // The strict reader refuses a series that is there twice.
  assert.deepEqual(told('opero_call_duration_seconds', 'Metric.A.run'), [[{ opero_outcome: 'ok' }, 2]]);
});

const promtool = process.env.PROMTOOL ?? 'promtool';
const hasPromtool = spawnSync(promtool, ['--version']).status === 0;

test('promtool finds nothing to complain of', { skip: !hasPromtool && 'promtool is not installed' }, () => {
  const output = execFileSync(promtool, ['check', 'metrics'], { input: metricsText(), encoding: 'utf8' });
  assert.equal(output, '');
});
