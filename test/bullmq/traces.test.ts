import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { type Job, Queue } from 'bullmq';
import { enqueue } from 'opero/bullmq';
import { redisPort } from './support/crm.js';
import { Process } from './support/processes.js';
import { needsRedis, RedisServer } from './support/redis-server.js';
import { type Place, placeOf, spans, Traced } from './support/traced.js';

describe('J12 the trace of a call goes with its job, by the SDK of OpenTelemetry', needsRedis, () => {
  let redis: RedisServer;
  let worker: Process;
  const traced = new Traced();

  before(async () => {
    redis = await RedisServer.start();
    redisPort.port = redis.port;
    worker = await Process.tracedWorker();
  });

  after(async () => {
    worker.send('close');
    await worker.ends();
    await redis.stop();
  });

  /** Runs `fn` in a span of the program. */
  const within = <Result>(fn: () => Promise<Result>): Promise<readonly [Place, Result]> =>
    spans.tracer.startActiveSpan('request', async (span) => {
      const result = await fn();
      span.end();
      return [placeOf(span), result] as const;
    });

  test('what the method makes in another process is beneath the span that is active at the caller', async () => {
    const calls = await Promise.all([1, 2, 3].map(() => within(() => traced.work())));
    assert.equal(new Set(calls.map(([{ trace }]) => trace)).size, 3);
    for (const [request, [work, inner]] of calls) {
      assert.notEqual(work?.pid, process.pid);
      assert.deepEqual([work?.trace, work?.parent], [request.trace, request.span]);
      assert.deepEqual([inner?.trace, inner?.parent], [request.trace, work?.span]);
    }
  });

  test('beneath the span of its call, or of its attempt, where opero is instrumented', async () => {
    const stop = spans.instrument();
    try {
      const [request, [work]] = await within(() => traced.work(1));
      const attempts = spans
        .named('Traced.work attempt')
        .filter((span) => span.spanContext().traceId === request.trace);
      assert.equal(attempts.length, 2);
      const [first, second] = attempts;
      assert.deepEqual([work?.trace, work?.parent], [request.trace, second?.spanContext().spanId]);
      // A first attempt has a span of its own only where another one follows: its job stands beneath that of the call.
      const [call] = spans.named('Traced.work').filter((span) => span.spanContext().traceId === request.trace);
      const failed: Place = JSON.parse(String(first?.status.message));
      assert.deepEqual([failed.trace, failed.parent], [request.trace, call?.spanContext().spanId]);
      assert.equal(call?.parentSpanContext?.spanId, request.span);
      for (const each of attempts) assert.equal(each.parentSpanContext?.spanId, call?.spanContext().spanId);
    } finally {
      stop();
    }
  });

  test('a call outside of any span begins a trace of its own over there', async () => {
    const [work, inner] = await traced.work();
    assert.equal(work?.parent, undefined);
    assert.equal(inner?.trace, work?.trace);
  });

  test('enqueue() takes it along, too', async () => {
    const queue = new Queue('traced', { connection: redis.connection });
    const [request, id] = await within(() => enqueue(traced, 'work', []));
    const job = await queue.getJob(id);
    while (!(await job?.isCompleted()));
    const [work] = ((await queue.getJob(id)) as Job<unknown, Place[]>).returnvalue;
    assert.deepEqual([work?.trace, work?.parent], [request.trace, request.span]);
    await queue.close();
  });
});
