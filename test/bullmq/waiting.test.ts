import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { type Job, Queue, Worker } from 'bullmq';
import { type Events, isJobError, JobError, on, RejectedError, statsOf } from 'opero';
import { type ServedWorker, serve } from 'opero/bullmq';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { Crm, connection, redisPort } from './support/crm.js';
import { Process } from './support/processes.js';
import { needsRedis, RedisServer } from './support/redis-server.js';

/** What the object told that this process serves, one waiter at a time. */
class Telling {
  readonly told: string[] = [];
  #onTold: () => void = () => {};

  readonly tell = (what: string): void => {
    this.told.push(what);
    this.#onTold();
  };

  async tells(what: string): Promise<void> {
    while (!this.told.includes(what)) {
      await new Promise<void>((resolve) => {
        this.#onTold = resolve;
      });
    }
  }
}

describe('a job that waits or runs', needsRedis, () => {
  let redis: RedisServer;
  let queue: Queue;
  const crm = new Crm('caller');

  before(async () => {
    redis = await RedisServer.start();
    redisPort.port = redis.port;
    queue = new Queue('crm', { connection: redis.connection });
  });

  after(async () => {
    await queue.close();
    await redis.stop();
  });

  /** Serves in this process until the end of the block. */
  async function served(options: object = {}, until: Promise<unknown> = Promise.resolve()) {
    const telling = new Telling();
    const worker: ServedWorker = serve(new Crm('here', telling.tell, until), {
      connection,
      concurrency: 10,
      ...options,
    });
    await worker.ready;
    return { telling, worker, [Symbol.asyncDispose]: () => worker.close() };
  }

  test('J6 an aborted call rejects at once, and its job, which waited, is removed', async () => {
    const controller = new AbortController();
    const call = crm.hang('waiting', { signal: controller.signal });
    while ((await queue.getWaitingCount()) === 0);
    controller.abort(new Error('the user left'));
    assert.equal(String(await rejection(call)), 'Error: the user left');
    while ((await queue.getWaitingCount()) > 0);
    while (statsOf(crm, 'hang').running > 0) await new Promise(setImmediate);
  });

  test('J6 one that was not sent yet is never queued', async (t) => {
    const addBulk = t.mock.method(Queue.prototype, 'addBulk');
    const controller = new AbortController();
    const call = crm.hang('unsent', { signal: controller.signal });
    controller.abort(new Error('at once'));
    assert.equal(String(await rejection(call)), 'Error: at once');
    await using _ = await served();
    assert.equal(await crm.echo(1), 1);
    assert.deepEqual(
      addBulk.mock.calls.map(({ arguments: [jobs] }) => jobs.map(({ name }) => name)),
      [['Crm.echo']],
    );
    assert.equal(statsOf(crm, 'hang').running, 0);
  });

  test('J6 a running one is told, in whatever process: its signal aborts, and its slot is held until it has ended', async () => {
    const worker = await Process.worker({ name: 'elsewhere' });
    const controller = new AbortController();
    const call = crm.hang('running', { signal: controller.signal });
    await worker.tells('entered running');
    controller.abort(new Error('the user left'));
    assert.equal(String(await rejection(call)), 'Error: the user left');
    const { running, abandoned } = statsOf(crm, 'hang');
    assert.deepEqual([running, abandoned], [1, 1]);
    await worker.tells('aborted running: Error: the user left');
    while (statsOf(crm, 'hang').running > 0) await new Promise(setImmediate);
    assert.equal(statsOf(crm, 'hang').abandoned, 0);
    await worker.kill();
  });

  test('J6 one that a worker took, and has not begun, is not begun', async () => {
    await using served_ = await served({ concurrency: 1 });
    const controller = new AbortController();
    const call = crm.hang('stale', { signal: controller.signal });
    await served_.telling.tells('entered stale');
    controller.abort(new Error('left'));
    await rejection(call);
    await served_.telling.tells('aborted stale: Error: left');
    // Taken for dead, and run again by another worker: it is told of the abort that came before.
    const job = (await queue.getJobs(['active', 'failed'])).find(({ name }) => name === 'Crm.hang') as Job;
    while (!(await job.isFailed()));
    await job.retry();
    while (!(await job.isFailed()));
    assert.deepEqual(served_.telling.told, ['entered stale', 'aborted stale: Error: left']);
  });

  test('J7 a lost lock aborts the signal of its job', async () => {
    await using served_ = await served({ lockDuration: 1_000, skipStalledCheck: true });
    const call = crm.hang('locked');
    await served_.telling.tells('entered locked');
    const job = (await queue.getActive()).find(({ data }) => data.args[0] === 'locked');
    await (await queue.getBackend().connection.client).del(`${queue.toKey(String(job?.id))}:lock`);
    await served_.telling.tells(
      "aborted locked: JobError: a job of the queue 'crm': its worker has lost the lock of the job, so that it may run elsewhere too",
    );
    // Nobody runs it again: its caller waits for that, and not for what the abort came to.
    await job?.remove();
    const error = await rejection(call);
    assert.ok(error instanceof JobError && error.reason === 'lost', String(error));
  });

  test('J8 a job that no worker takes within maxWait is removed, and its call rejected', async () => {
    const jobs: Events['job'][] = [];
    const rejections: Events['reject'][] = [];
    using _jobs = on('job', (event) => jobs.push(event));
    using _rejections = on('reject', (event) => rejections.push(event));
    const error = await rejection(crm.soon('nobody'));
    assert.ok(error instanceof RejectedError);
    assert.deepEqual([error.policy, error.reason], ['queued', 'wait-timeout']);
    assert.equal(error.message, "Crm.soon: no worker of the queue 'crm' took its job within maxWait");
    assert.equal(await queue.getWaitingCount(), 0);
    assert.equal(statsOf(crm, 'soon').rejected, 1);
    assert.equal(statsOf(crm, 'soon').running, 0);
    assert.deepEqual(
      jobs.map(({ className, method, state }) => [className, method, state]),
      [
        ['Crm', 'soon', 'queued'],
        ['Crm', 'soon', 'no-worker'],
        ['Crm', 'soon', 'failed'],
      ],
    );
    assert.deepEqual(
      jobs.map(({ queue: name, outcome }) => [name, outcome]),
      [
        ['crm', undefined],
        ['crm', undefined],
        ['crm', 'rejected'],
      ],
    );
    assert.ok((jobs[2]?.duration ?? 0) >= 300);
    assert.equal(typeof jobs[0]?.jobId, 'string');
    assert.deepEqual(
      rejections.map(({ callId, policy, reason }) => [callId, policy, reason]),
      [[jobs[0]?.callId, 'queued', 'wait-timeout']],
    );
  });

  test('J8 one that was taken in time may take longer', async () => {
    const { promise, resolve } = deferred<void>();
    await using served_ = await served({}, promise);
    const call = crm.soon('slow');
    await served_.telling.tells('entered slow');
    setTimeout(resolve, 600);
    assert.equal(await call, 'slow');
  });

  test('J7 a lock that could not be renewed in time is lost by the own clock, whatever Redis says', async () => {
    await using served_ = await served({ lockDuration: 1_000, skipStalledCheck: true });
    const call = rejection(crm.hang('cut off'));
    await served_.telling.tells('entered cut off');
    const job = (await queue.getActive()).find(({ data }) => data.args[0] === 'cut off');
    redis.signal('SIGSTOP');
    await served_.telling.tells(
      "aborted cut off: JobError: a job of the queue 'crm': its worker has lost the lock of the job, so that it may run elsewhere too",
    );
    redis.signal('SIGCONT');
    while (await job?.isActive()) await job?.remove().catch(() => {});
    const error = await call;
    assert.ok(error instanceof JobError, String(error));
    assert.ok(['lost', 'lock-lost'].includes(error.reason), error.reason);
  });

  test('calls go on where Redis cuts all connections', async () => {
    const { promise, resolve } = deferred<void>();
    await using served_ = await served({}, promise);
    const call = crm.hold('cut');
    await served_.telling.tells('entered cut');
    const client = await queue.getBackend().connection.client;
    await Reflect.apply(Reflect.get(client, 'client'), client, ['KILL', 'SKIPME', 'yes', 'TYPE', 'normal']);
    resolve();
    assert.equal(await call, 'cut by here');
    assert.equal(await crm.echo('after'), 'after');
  });

  describe('J3 a call whose answer was lost', { concurrency: true }, () => {
    /** A worker that is none of opero's: nobody writes what comes of its jobs. */
    async function foreign(act: (job: Job) => Promise<unknown>): Promise<unknown> {
      const name = `foreign-${Math.random().toString(36).slice(2)}`;
      const { Foreign } = await import('./support/foreign.js');
      const worker = new Worker(name, act, { connection: redis.connection });
      try {
        return await Foreign(name).call('x');
      } finally {
        await worker.close();
      }
    }

    test('has the result of its job', async () => {
      const results = [foreign(async () => ({ done: true })), foreign(async () => undefined)];
      assert.deepEqual(await Promise.all(results), [{ done: true }, null]);
    });

    test('has the failure of its job', async () => {
      const error = await rejection(
        foreign(async () => {
          throw new Error('no such thing');
        }),
      );
      assert.ok(error instanceof JobError && error.reason === 'failed', String(error));
      assert.equal(error.message, 'Foreign.call: its job failed: no such thing');
    });

    test('waits while its job waits, and rejects once the queue knows nothing of it', async () => {
      const call = rejection(crm.hang('removed'));
      let found: Job | undefined;
      while (found === undefined) found = (await queue.getWaiting()).find(({ data }) => data.args[0] === 'removed');
      const waited = await Promise.race([call, new Promise((resolve) => setTimeout(resolve, 7_000, 'waits'))]);
      assert.equal(waited, 'waits');
      await found.remove();
      const error = await call;
      assert.ok(isJobError(error) && error.reason === 'lost', String(error));
      assert.match(error.message, /^Crm\.hang: the queue 'crm' knows nothing of its job any more; it may have run$/);
    });
  });
});
