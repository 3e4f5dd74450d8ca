import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import { circuitBreaker, circuitOf, concurrency, fallback, Orchestrator, rateLimit, retry } from 'opero';
import { flush } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { MetricsInMemory } from './metrics-in-memory.js';
import { sdkVersion } from './sdk.js';

class HttpError extends Error {}

describe(`metrics, by SDK ${sdkVersion}`, () => {
  test('have names, units in seconds, and buckets from 0.005 to 10', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    class Weather {
      runs = 0;
      @fallback({ value: 'unknown' })
      @retry({ maxAttempts: 2, waitMin: 1, jitter: 'none' })
      @circuitBreaker(100)
      @concurrency({ limit: 4, maxQueue: 0 })
      async forecast(): Promise<string> {
        if (this.runs++ < 3) throw new HttpError('no answer');
        return 'sun';
      }
    }
    const weather = new Weather();
    for (let i = 0; i < 3; i++) await weather.forecast();
    await Promise.all(Array.from({ length: 5 }, () => weather.forecast()));
    const all = await metrics.read();
    // Of stores and jobs there are none here; their gauges tell of those that the process knows.
    for (const name of all.keys()) if (/^opero\.(store|jobs?)\./.test(name)) all.delete(name);
    assert.deepEqual([...all.values()].map(({ descriptor: { name, unit } }) => [name, unit]).toSorted(), [
      ['opero.attempt.duration', 's'],
      ['opero.call.duration', 's'],
      ['opero.circuit.state', ''],
      ['opero.fallbacks', '{fallback}'],
      ['opero.limit', '{slot}'],
      ['opero.queued', '{attempt}'],
      ['opero.rejections', '{rejection}'],
      ['opero.retries', '{retry}'],
      ['opero.running', '{attempt}'],
      ['opero.wait.duration', 's'],
    ]);
    for (const name of ['opero.call.duration', 'opero.attempt.duration', 'opero.wait.duration']) {
      const points = all.get(name)?.dataPoints ?? [];
      const { buckets, sum = -1 } = points[0].value as Histogram;
      assert.deepEqual(buckets.boundaries, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
      // Milliseconds would be a thousand times as much.
      assert.ok(sum >= 0 && sum < 1, `${name}: ${sum}`);
    }
  });

  test('of calls tell how they ended, by what class of error, and whether a fallback gave the value', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    class Weather {
      @fallback({ value: 'unknown', on: RangeError })
      @rateLimit({ rate: 5, per: 3_600_000, maxQueue: 1 })
      async forecast(error?: unknown, _signal?: AbortSignal): Promise<string> {
        if (error !== undefined) throw error;
        return 'sun';
      }
    }
    const weather = new Weather();
    await weather.forecast();
    await weather.forecast();
    await weather.forecast(new RangeError('out of range'));
    await rejection(weather.forecast(new HttpError('no answer')));
    await rejection(weather.forecast('no error at all'));
    const controller = new AbortController();
    const left = rejection(weather.forecast(undefined, controller.signal));
    await rejection(weather.forecast());
    controller.abort();
    await left;
    assert.deepEqual(await metrics.of('opero.call.duration', 'Weather.forecast'), [
      [{ 'opero.outcome': 'ok' }, 2],
      [{ 'opero.outcome': 'ok', 'opero.fallback': true }, 1],
      [{ 'opero.outcome': 'error', 'error.type': 'HttpError' }, 1],
      [{ 'opero.outcome': 'error', 'error.type': 'String' }, 1],
      [{ 'opero.outcome': 'rejected', 'error.type': 'RejectedError' }, 1],
      [{ 'opero.outcome': 'aborted', 'error.type': 'DOMException' }, 1],
    ]);
    assert.deepEqual(await metrics.of('opero.attempt.duration', 'Weather.forecast'), [
      [{ 'opero.outcome': 'ok' }, 2],
      [{ 'opero.outcome': 'error', 'error.type': 'RangeError' }, 1],
      [{ 'opero.outcome': 'error', 'error.type': 'HttpError' }, 1],
      [{ 'opero.outcome': 'error', 'error.type': 'String' }, 1],
    ]);
    assert.deepEqual(await metrics.of('opero.rejections', 'Weather.forecast'), [
      [{ 'opero.policy': 'rateLimit', 'opero.reason': 'queue-full' }, 1],
    ]);
    assert.deepEqual(await metrics.of('opero.fallbacks', 'Weather.forecast'), [[{}, 1]]);
    assert.deepEqual(await metrics.of('opero.wait.duration', 'Weather.forecast'), [
      [{ 'opero.policy': 'rateLimit' }, 1],
    ]);
  });

  test('of one method have at most 50 classes of errors, and then another', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    class Weather {
      @retry(1)
      async forecast(error: Error): Promise<void> {
        throw error;
      }
      @retry(1)
      async radar(error: Error): Promise<void> {
        throw error;
      }
    }
    const errors = Array.from({ length: 60 }, (_, i) => {
      const name = `Error${i}`;
      return new { [name]: class extends Error {} }[name]();
    });
    const weather = new Weather();
    for (const error of [...errors, ...errors]) await rejection(weather.forecast(error));
    await rejection(weather.radar(errors[59]));
    for (const metric of ['opero.call.duration', 'opero.attempt.duration']) {
      const points = await metrics.of(metric, 'Weather.forecast');
      assert.equal(points.length, 51);
      assert.deepEqual(points.at(49), [{ 'opero.outcome': 'error', 'error.type': 'Error49' }, 2]);
      assert.deepEqual(points.at(50), [{ 'opero.outcome': 'error', 'error.type': '_OTHER' }, 20]);
      const others = await metrics.of(metric, 'Weather.radar');
      assert.deepEqual(others, [[{ 'opero.outcome': 'error', 'error.type': 'Error59' }, 1]]);
    }
  });

  test('are never told of keys, tenants or attempts', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    class Weather {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency({ limit: 1, key: (tenant: string) => tenant })
      @rateLimit({ rate: 100, key: (tenant: string) => tenant })
      async forecast(_tenant: string): Promise<void> {
        throw new HttpError('no answer');
      }
    }
    const weather = new Weather();
    await Promise.all(['acme', 'acme', 'umbrella'].map((tenant) => rejection(weather.forecast(tenant))));
    const labels = new Set<string>();
    for (const { dataPoints } of (await metrics.read()).values()) {
      for (const { attributes } of dataPoints) {
        for (const [name, value] of Object.entries(attributes)) {
          labels.add(name);
          assert.doesNotMatch(String(value), /acme|umbrella/);
        }
      }
    }
    const allowed = ['code.function.name', 'error.type', 'opero.outcome', 'opero.policy', 'opero.reason'];
    assert.deepEqual(
      [...labels].filter((name) => !allowed.includes(name)),
      [],
    );
  });

  test('of the present are what they are when they are asked for', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    const gate = deferred();
    class Station {
      @circuitBreaker(3)
      @concurrency(2)
      async measure(): Promise<void> {
        await gate.promise;
      }
      @retry(3)
      async name(): Promise<void> {}
    }
    const station = new Station();
    const calls = Array.from({ length: 5 }, () => station.measure());
    await flush();
    const now = (name: string) => metrics.of(name, 'Station.measure');
    assert.deepEqual(await now('opero.running'), [[{}, 2]]);
    assert.deepEqual(await now('opero.queued'), [[{}, 3]]);
    assert.deepEqual(await now('opero.limit'), [[{}, 2]]);
    assert.deepEqual(await now('opero.circuit.state'), [[{}, 0]]);
    const isolation = circuitOf(station, 'measure').isolate();
    assert.deepEqual(await now('opero.circuit.state'), [[{}, 3]]);
    isolation();
    gate.resolve();
    await Promise.allSettled(calls);
    assert.deepEqual(await now('opero.running'), [[{}, 0]]);
    assert.deepEqual(await metrics.of('opero.limit', 'Station.name'), []);
    assert.deepEqual(await metrics.of('opero.circuit.state', 'Station.name'), []);
  });

  test('of two classes of one name are one series', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    const gate = deferred();
    const make = () => {
      class Twin {
        @concurrency(2)
        async run(): Promise<void> {
          await gate.promise;
        }
      }
      return new Twin();
    };
    const calls = [make(), make()].flatMap((each) => [each.run(), each.run(), each.run()]);
    await flush();
    assert.deepEqual(await metrics.of('opero.running', 'Twin.run'), [[{}, 4]]);
    assert.deepEqual(await metrics.of('opero.limit', 'Twin.run'), [[{}, 4]]);
    gate.resolve();
    await Promise.all(calls);
    assert.deepEqual(await metrics.of('opero.call.duration', 'Twin.run'), [[{ 'opero.outcome': 'ok' }, 6]]);
  });

  test('of functions have the name of the function', async () => {
    const metrics = new MetricsInMemory();
    using _ = metrics.instrument();
    const load = async () => 'loaded';
    await new Orchestrator({ retry: 2 }).execute(load);
    assert.deepEqual(await metrics.of('opero.call.duration', 'Orchestrator.load'), [[{ 'opero.outcome': 'ok' }, 1]]);
  });

  test('are no more recorded once it has ended', async () => {
    const metrics = new MetricsInMemory();
    class Weather {
      @retry(1)
      async soon(): Promise<void> {}
    }
    const stop = metrics.instrument();
    await new Weather().soon();
    stop();
    stop();
    await new Weather().soon();
    assert.deepEqual(await metrics.of('opero.call.duration', 'Weather.soon'), [[{ 'opero.outcome': 'ok' }, 1]]);
    assert.deepEqual(await metrics.of('opero.running', 'Weather.soon'), []);
  });
});
