import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { Queue } from 'bullmq';
import { enqueue, serve } from 'opero/bullmq';
import { metricsText } from 'opero/prometheus';
import { MetricsInMemory } from '../otel/metrics-in-memory.js';
import { readMetrics } from '../prometheus/reader.js';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { Crm, connection, redisPort } from './support/crm.js';
import { needsRedis, RedisServer } from './support/redis-server.js';

const queue = { 'messaging.destination.name': 'crm' };

describe('the metrics of jobs', needsRedis, () => {
  let redis: RedisServer;
  let metrics: MetricsInMemory;
  let stop: () => void;
  const crm = new Crm('caller');

  before(async () => {
    redis = await RedisServer.start();
    redisPort.port = redis.port;
    metrics = new MetricsInMemory();
    stop = metrics.instrument();
  });

  after(async () => {
    stop();
    await redis.stop();
  });

  test('tell what was sent, how it ended for its call, and how it ran', async () => {
    {
      await using worker = serve(new Crm('here'), { connection, concurrency: 10 });
      await worker.ready;
      for (let each = 0; each < 3; each++) await crm.echo(each);
      await rejection(crm.fail('north'));
    }
    assert.deepEqual(await metrics.of('opero.jobs.sent', 'Crm.echo'), [[queue, 3]]);
    for (const metric of ['opero.job.duration', 'opero.job.run.duration']) {
      assert.deepEqual(await metrics.of(metric, 'Crm.echo'), [[{ ...queue, 'opero.outcome': 'ok' }, 3]]);
      const failed = { ...queue, 'opero.outcome': 'error', 'error.type': 'CrmError' };
      assert.deepEqual(await metrics.of(metric, 'Crm.fail'), [[failed, 1]]);
    }
    for (const metric of ['opero.jobs.waiting', 'opero.jobs.running']) {
      assert.deepEqual(await metrics.of(metric, 'Crm.echo'), [[queue, 0]]);
    }
  });

  test('tell what waits, and what runs here, and of jobs that nobody waits for', async () => {
    const end = deferred();
    const entered = deferred();
    const told = (what: string): void => {
      if (what === 'entered b') entered.resolve();
    };
    const first = crm.hold('a');
    assert.deepEqual(await metrics.of('opero.jobs.waiting', 'Crm.hold'), [[queue, 1]]);
    await enqueue(crm, 'hold', ['b'], { id: 'hold-b' });
    {
      await using worker = serve(new Crm('here', told, end.promise), { connection, concurrency: 10 });
      await worker.ready;
      await entered.promise;
      assert.deepEqual(await metrics.of('opero.jobs.sent', 'Crm.hold'), [[queue, 2]]);
      assert.deepEqual(await metrics.of('opero.jobs.waiting', 'Crm.hold'), [[queue, 1]]);
      assert.deepEqual(await metrics.of('opero.jobs.running', 'Crm.hold'), [[queue, 2]]);
      end.resolve();
      await first;
    }
    assert.deepEqual(await metrics.of('opero.jobs.running', 'Crm.hold'), [[queue, 0]]);
    assert.deepEqual(await metrics.of('opero.jobs.waiting', 'Crm.hold'), [[queue, 0]]);
    const ok = { ...queue, 'opero.outcome': 'ok' };
    assert.deepEqual(await metrics.of('opero.job.run.duration', 'Crm.hold'), [[ok, 2]]);
    assert.deepEqual(await metrics.of('opero.job.duration', 'Crm.hold'), [[ok, 1]]);
    assert.doesNotMatch(metricsText(), /hold-b/);
  });

  test('tell jobs that were lost, left, and taken by nobody apart', { timeout: 60_000 }, async () => {
    const gone = rejection(crm.hang('gone'));
    const jobs = new Queue('crm', { connection: redis.connection });
    while ((await jobs.getWaitingCount()) === 0);
    await jobs.obliterate();
    await gone;
    const leaving = new AbortController();
    const left = rejection(crm.hang('left', { signal: leaving.signal }));
    while ((await jobs.getWaitingCount()) === 0);
    leaving.abort();
    await left;
    await rejection(crm.soon('nobody'));
    const waiting = async () => (await metrics.of('opero.jobs.waiting', 'Crm.hang'))[0]?.[1];
    while ((await waiting()) !== 0) await new Promise(setImmediate);
    assert.deepEqual(await metrics.of('opero.job.duration', 'Crm.hang'), [
      [{ ...queue, 'opero.outcome': 'lost', 'error.type': 'JobError' }, 1],
      [{ ...queue, 'opero.outcome': 'aborted', 'error.type': 'DOMException' }, 1],
    ]);
    assert.deepEqual(await metrics.of('opero.job.duration', 'Crm.soon'), [
      [{ ...queue, 'opero.outcome': 'rejected', 'error.type': 'RejectedError' }, 1],
    ]);
    await jobs.close();
  });

  test('have the names of Prometheus there', () => {
    const { samples = [] } = readMetrics(metricsText()).get('opero_jobs_sent_total') ?? {};
    assert.deepEqual(
      samples
        .filter(({ labels }) => labels.code_function_name === 'Crm.echo')
        .map(({ labels, value }) => [labels, value]),
      [[{ code_function_name: 'Crm.echo', messaging_destination_name: 'crm' }, 3]],
    );
    const { samples: ends = [] } = readMetrics(metricsText()).get('opero_job_duration_seconds') ?? {};
    const lost = ends.filter(({ name, labels }) => /_count$/.test(name) && labels.opero_outcome === 'lost');
    assert.deepEqual(
      lost.map(({ value }) => value),
      [1],
    );
  });
});
