// The service of examples/client, which the handbook shows too, as a process of its own, on a server that misbehaves.
// A busy machine makes all of this later, and nothing of it wrong: where a time is not what a test is about, it is long.
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readMetrics } from './prometheus/reader.js';
import { deferred } from './support/deferred.js';
import { blocks, root } from './support/pages.js';
import { rejection } from './support/rejection.js';
import { type Answer, cut, degrees, Service, status, text } from './support/weather-service.js';

const folder = join(root, 'examples', 'client');
const files = readdirSync(folder).map((name) => ({ name, code: readFileSync(join(folder, name), 'utf8') }));

/** Longer than any test. */
const long = 600_000;
/** Nothing ends by time, and no circuit opens. */
const patient = {
  timeout: { attempt: long, total: long },
  circuitBreaker: { consecutive: 1_000, halfOpenAfter: long },
};
const fresh = { cache: { ttl: 0 } };
const quick = { waitMin: 1, waitMax: 10 };

describe('the client of the examples', () => {
  test('has at most 60 lines of code, and stands in the handbook as it is', () => {
    const lines = files.flatMap(({ code }) => code.split('\n')).filter((line) => !/^ *($|\/\/|\/?\*)/.test(line));
    assert.ok(lines.length > 40 && lines.length <= 60, `${lines.length} lines`);
    assert.deepEqual(files.map(({ name }) => name).sort(), ['service.ts', 'weather.ts']);
    const shown = blocks.filter(({ chapter }) => chapter === 'Recipe: an HTTP client').map(({ code }) => code);
    for (const { name, code } of files) assert.ok(shown.join('\n').includes(code), name);
  });

  test('ends attempts that never end by themselves, with their connections, and tries again', async (t) => {
    const policies = {
      timeout: { attempt: 200, total: long },
      retry: { ...quick, maxAttempts: 1_000 },
      circuitBreaker: patient.circuitBreaker,
    };
    const stalls: Answer = () => {};
    const stallsWithin: Answer = (response) => response.write('{"current":');
    const trickles: Answer = (response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
    };
    const { api, service } = await Service.start(t, policies, stalls, stallsWithin, trickles, degrees(4.5));
    assert.equal(await service.ask(), '4.5°');
    assert.ok(api.requests.length >= 4);
    await Promise.all(api.requests.slice(0, 3).map(({ closed }) => closed));
  });

  test('answers 504 when the time for the whole call is up', async (t) => {
    const { api, service } = await Service.start(t, { ...patient, timeout: { attempt: long, total: 200 } }, () => {});
    assert.equal(await service.ask(), 504);
    await api.requests[0]?.closed;
    const line = await service.line(({ event }) => event === 'call');
    assert.deepEqual([line.level, line.method, line.count], ['warn', 'temperature', 1]);
    assert.match(`${line.err}`, /^TimeoutError: /);
  });

  test('waits for as long as the server asks, and goes on after a lost connection', async (t) => {
    const busy = status(503, { 'retry-after': '1' });
    const { api, service } = await Service.start(t, patient, busy, cut, degrees(-3));
    assert.equal(await service.ask(), '-3°');
    assert.equal(api.requests.length, 3);
    const [first, second] = api.requests;
    assert.ok(first && second && second.at - first.at >= 1000);
    const { attempt, delay } = await service.line(({ event }) => event === 'retry');
    assert.deepEqual([attempt, delay], [1, 1000]);
  });

  test('begins no wait that is longer than the time for the whole call', async (t) => {
    const policies = { ...patient, timeout: { attempt: long, total: 25_000 } };
    const { api, service } = await Service.start(t, policies, status(429, { 'retry-after': '26' }));
    assert.equal(await service.ask(), 502);
    assert.equal(api.requests.length, 1);
  });

  test('tries malformed answers again, and stands in for them with the last known one', async (t) => {
    const malformed = ['<html>', '{"current":{"temperature_2m":4', '{"current":{"temperature_2m":"hot"}}', 'null', ''];
    const [first = '', ...others] = malformed;
    const policies = { ...patient, ...fresh, retry: { ...quick, maxAttempts: malformed.length + 1 } };
    const { api, service } = await Service.start(t, policies, text(first), ...others.map(text), degrees(7), text('7'));
    assert.equal(await service.ask(), '7°');
    assert.equal(api.requests.length, 6);
    assert.equal(await service.ask(), '7°');
    assert.equal(api.requests.length, 12);
    assert.equal(await service.ask('0/0'), 502);
  });

  test('tells who asks for what is not there, after one request, and keeps the circuit closed', async (t) => {
    const { api, service } = await Service.start(t, {}, status(400));
    for (let call = 1; call <= 6; call++) {
      assert.equal(await service.ask(), 400);
      assert.equal(api.requests.length, call);
    }
    assert.equal((await service.get('tides')).status, 404);
  });

  test('leaves a server alone that is down, gives what it knew, and finds out that it is back', async (t) => {
    const policies = { ...patient, ...fresh, retry: quick, circuitBreaker: { consecutive: 5, halfOpenAfter: long } };
    const { api, service } = await Service.start(t, policies, degrees(1), cut, status(503));
    assert.equal(await service.ask(), '1°');
    assert.equal(await service.ask(), '1°');
    assert.equal(await service.ask(), '1°');
    assert.equal(api.requests.length, 6);
    assert.equal(await service.ask(), '1°');
    assert.equal(await service.ask('0/0'), 503);
    assert.equal(api.requests.length, 6);
    const { from, to, className } = await service.line(({ event }) => event === 'circuit');
    assert.deepEqual([className, from, to], ['Weather', 'closed', 'open']);
    const metrics = readMetrics((await service.get('metrics')).body);
    const valuesOf = (name: string) => metrics.get(name)?.samples.map(({ value }) => value);
    assert.deepEqual(valuesOf('opero_circuit_state'), [2]);
    assert.deepEqual(valuesOf('opero_retries_total'), [4]);
  });

  test('finds out that a server is back', async (t) => {
    const policies = { ...patient, ...fresh, retry: quick, circuitBreaker: { consecutive: 2, halfOpenAfter: 50 } };
    const { api, service } = await Service.start(t, policies, degrees(1), cut);
    assert.equal(await service.ask(), '1°');
    while (!service.lines.some(({ to }) => to === 'open')) assert.equal(await service.ask(), '1°');
    api.answers = [degrees(2)];
    let answer = await service.ask();
    while (answer === '1°') answer = await service.ask();
    assert.equal(answer, '2°');
    await service.line(({ to }) => to === 'closed');
  });

  test('has a limit for each tenant, and one for all', async (t) => {
    const rateLimit = [
      { rate: 3, per: long, maxQueue: 0 },
      { rate: 5, per: long, maxQueue: 0 },
    ];
    const { api, service } = await Service.start(t, { ...patient, rateLimit }, degrees(1));
    const answers: (number | string)[] = [];
    for (const tenant of ['one', 'one', 'one', 'one', 'two', 'two', 'two', 'three']) {
      answers.push(await service.ask(`${answers.length}/9`, tenant));
    }
    assert.deepEqual(answers, ['1°', '1°', '1°', 429, '1°', '1°', 429, 429]);
    assert.equal(api.requests.length, 5);
  });

  test('has so many requests under way, and the others wait', async (t) => {
    const waiting: ServerResponse[] = [];
    let most = 0;
    const { service } = await Service.start(t, { ...patient, concurrency: { limit: 3 } }, (response, request) => {
      most = Math.max(most, waiting.push(response));
      if (waiting.length === 3) for (const each of waiting.splice(0)) degrees(1)(each, request);
    });
    const places = Array.from({ length: 9 }, (_, place) => `${place}/9`);
    const answers = await Promise.all(places.map((place, at) => service.ask(place, `tenant ${at}`)));
    assert.deepEqual([...new Set(answers)], ['1°']);
    assert.equal(most, 3);
  });

  test('ends what it does for one who has left, and keeps what others wait for too', async (t) => {
    const begun = [deferred(), deferred()];
    const held: ServerResponse[] = [];
    const { api, service } = await Service.start(t, patient, (response) => {
      begun[held.push(response) - 1]?.resolve();
    });
    const leaving = new AbortController();
    const left = rejection(service.ask('1/9', 'north', leaving.signal));
    await begun[0]?.promise;
    const other = service.ask('2/9');
    await begun[1]?.promise;
    leaving.abort();
    await left;
    await api.requests[0]?.closed;
    const [, response] = held;
    assert.ok(response);
    response.end(JSON.stringify({ current: { temperature_2m: 2 } }));
    assert.equal(await other, '2°');
    assert.equal(api.requests.length, 2);
    const metrics = readMetrics((await service.get('metrics')).body);
    const outcomes = metrics
      .get('opero_call_duration_seconds')
      ?.samples.filter(({ name }) => name.endsWith('_count'))
      .map(({ labels, value }) => `${labels.opero_outcome} ${value}`);
    assert.deepEqual(outcomes?.sort(), ['aborted 1', 'ok 1']);
  });

  test('takes no more requests after SIGTERM, answers those under way, and ends by itself', async (t) => {
    const begun = deferred<ServerResponse>();
    const { service } = await Service.start(t, patient, (response) => begun.resolve(response));
    const answer = service.get('temperature/46/9');
    const response = await begun.promise;
    // One who keeps a connection open, and never sends the rest of a request.
    const slow = connect(service.port, 'localhost').on('error', () => {});
    await once(slow, 'connect');
    slow.write('GET /temp');
    service.terminate();
    await service.line(({ text }) => text === 'stopping');
    await once(connect(service.port, 'localhost'), 'error');
    assert.ok(!service.lines.some(({ text }) => text === 'ending'));
    response.end(JSON.stringify({ current: { temperature_2m: 9 } }));
    assert.deepEqual(await answer, { status: 200, body: '9', connection: 'close' });
    assert.deepEqual(await service.end(), { code: 0, strays: [] });
    assert.equal(service.lines.at(-1)?.left, 0);
  });

  test('writes before it ends what its log has only counted', async (t) => {
    const { service } = await Service.start(t, patient, status(400));
    for (const place of ['1/9', '2/9', '3/9']) assert.equal(await service.ask(place), 400);
    service.terminate();
    assert.deepEqual(await service.end(), { code: 0, strays: [] });
    const counts = service.lines.filter(({ event }) => event === 'call').map(({ count }) => Number(count));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      3,
    );
  });
});
