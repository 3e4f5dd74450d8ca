import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { Queue } from 'bullmq';
import { isJobError, JobError } from 'opero';
import { rejection } from '../support/rejection.js';
import { Crm, redisPort } from './support/crm.js';
import { Process } from './support/processes.js';
import { needsRedis, RedisServer } from './support/redis-server.js';

/** Workers that look for stalled jobs often, and lose no lock of their own, however busy the machine. */
const quick = { lockDuration: 60_000, stalledInterval: 500, concurrency: 10 };

describe('jobs whose processes die', needsRedis, () => {
  let redis: RedisServer;
  let queue: Queue;
  const crm = new Crm('caller');

  before(async () => {
    redis = await RedisServer.start();
    redisPort.port = redis.port;
    queue = new Queue('crm', { connection: redis.connection });
    queue.on('error', () => {});
  });

  after(async () => {
    await queue.close();
    await redis.stop();
  });

  /** The lock of a job lapses at once, as that of a dead worker does in time. */
  async function lapses(id: string | undefined): Promise<void> {
    assert.equal(await (await queue.getBackend().connection.client).del(`${queue.toKey(String(id))}:lock`), 1);
  }

  test('J2 a burst of 2,000 jobs from one process loses none, with two workers, and BullMQ counts the same', async () => {
    const workers = await Promise.all([1, 2].map((n) => Process.worker({ ...quick, name: `w${n}`, concurrency: 50 })));
    const caller = Process.caller('echo', 2_000);
    await caller.tells('right');
    assert.equal(await caller.ends(), 0);
    // The caller is told first.
    while ((await queue.getActiveCount()) > 0);
    const { completed, failed, waiting, active } = await queue.getJobCounts();
    assert.deepEqual([completed, failed, waiting, active], [2_000, 0, 0, 0]);
    const client = await queue.getBackend().connection.client;
    const [, keys] = await client.scan(0, { MATCH: 'opero:*', COUNT: 100_000 });
    assert.equal(keys.length, 1, keys.join());
    assert.match(String(keys[0]), /^opero:replies:[0-9a-f]{32}$/);
    const ttl = (await Reflect.apply(Reflect.get(client, 'pttl'), client, [keys[0]])) as number;
    assert.ok(ttl > 0 && ttl <= 600_000, `${ttl}`);
    await Promise.all(workers.map((each) => each.kill()));
  });

  test('J4 a job whose worker was killed runs again elsewhere, under the same id, and its caller gets that', async () => {
    const first = await Process.worker({ name: 'first', ...quick });
    const call = crm.hold('a');
    const id = await first.tells('entered a');
    await first.kill();
    await lapses(id);
    const second = await Process.worker({ name: 'second', ...quick });
    assert.equal(await second.tells('entered a'), id);
    second.send('leave');
    assert.equal(await call, 'a by second');
    await second.kill();
  });

  test('J4 the first outcome wins, where a worker that hung goes on after all', async () => {
    const first = await Process.worker({ name: 'first', ...quick });
    const call = crm.hold('b');
    const id = await first.tells('entered b');
    first.signal('SIGSTOP');
    await lapses(id);
    const second = await Process.worker({ name: 'second', ...quick });
    await second.tells('entered b');
    second.send('leave');
    assert.equal(await call, 'b by second');
    first.send('leave');
    first.signal('SIGCONT');
    await first.tells('left b');
    assert.equal(await crm.echo(1), 1);
    await Promise.all([first.kill(), second.kill()]);
  });

  test('J4 one that kills its worker each time fails in the end, and its caller is told', async () => {
    const call = rejection(crm.hold('c'));
    for (let time = 0; time < 2; time++) {
      const worker = await Process.worker({ name: `w${time}`, ...quick });
      const id = await worker.tells('entered c');
      await worker.kill();
      await lapses(id);
    }
    const last = await Process.worker({ name: 'last', ...quick });
    const error = await call;
    assert.ok(error instanceof JobError && error.reason === 'failed', String(error));
    assert.match(error.message, /its job failed before it was run: job stalled more than allowable limit/);
    await last.kill();
  });

  test('J2 a caller that was stopped for a while finds its outcome', async () => {
    const worker = await Process.worker({ name: 'w', ...quick });
    const caller = Process.caller('hold');
    await worker.tells('entered a');
    caller.signal('SIGSTOP');
    worker.send('leave');
    await worker.tells('left a');
    caller.signal('SIGCONT');
    await caller.tells('a by w');
    assert.equal(await caller.ends(), 0);
    await worker.kill();
  });

  test('a caller that is killed harms no other, and its job ends', async () => {
    const worker = await Process.worker({ name: 'w', ...quick });
    const caller = Process.caller('hold');
    const id = await worker.tells('entered a');
    await caller.kill();
    worker.send('leave');
    assert.equal(await crm.echo(1), 1);
    while (!(await (await queue.getJob(String(id)))?.isCompleted()));
    await worker.kill();
  });

  test('a caller that is killed before its job was taken: that runs all the same', async () => {
    const caller = Process.caller('hold');
    await caller.tells('called');
    while ((await queue.getWaitingCount()) === 0);
    await caller.kill();
    const worker = await Process.worker({ name: 'w', ...quick });
    const id = await worker.tells('entered a');
    worker.send('leave');
    while (!(await (await queue.getJob(String(id)))?.isCompleted()));
    await worker.kill();
  });

  test('a worker that is stopped for less than its lock lasts goes on, and its job runs once', async () => {
    const worker = await Process.worker({ name: 'w', ...quick });
    const call = crm.hold('stopped');
    await worker.tells('entered stopped');
    worker.signal('SIGSTOP');
    const other = await Process.worker({ name: 'other', ...quick });
    assert.equal(await crm.echo(1), 1);
    worker.send('leave');
    worker.signal('SIGCONT');
    assert.equal(await call, 'stopped by w');
    assert.ok(!other.told.includes('entered stopped'));
    await Promise.all([worker.kill(), other.kill()]);
  });

  test('J10 close() lets running jobs end, and takes no more', async () => {
    const worker = await Process.worker({ name: 'w', ...quick });
    const call = crm.hold('d');
    await worker.tells('entered d');
    worker.send('close');
    const late = crm.echo('late');
    worker.send('leave');
    assert.equal(await call, 'd by w');
    assert.equal(await worker.ends(), 0);
    const other = await Process.worker({ name: 'other', ...quick });
    assert.equal(await late, 'late');
    await other.kill();
  });

  test('J3 Redis, killed in the middle with all that it knew: calls are lost, and later ones go on', async () => {
    const worker = await Process.worker({ name: 'w', ...quick });
    const call = rejection(crm.hold('e'));
    await worker.tells('entered e');
    await redis.kill();
    await redis.start();
    const error = await call;
    assert.ok(isJobError(error) && error.reason === 'lost', String(error));
    assert.equal(await crm.echo(1), 1);
    await worker.kill();
  });

  test('J10 close() ends the program of a worker while Redis is away, once the jobs that it runs have ended', async () => {
    const workers = await Promise.all(
      ['idle', 'busy'].map((name) => Process.worker({ name, ...quick, concurrency: 1 })),
    );
    const call = rejection(crm.hold('f'));
    const busy = await Promise.any(
      workers.map(async (each) => {
        await each.tells('entered f');
        return each;
      }),
    );
    await redis.kill();
    for (const each of workers) each.send('close');
    busy.send('leave');
    assert.deepEqual(await Promise.all(workers.map((each) => each.ends())), [0, 0]);
    assert.ok(busy.told.includes('left f'));
    await redis.start();
    assert.ok(isJobError(await call));
  });

  test('nothing that waits for Redis keeps a finished program alive', async () => {
    await redis.kill();
    const caller = Process.caller('leave');
    await caller.tells('TimeoutError');
    assert.equal(await caller.ends(), 0);
    await redis.start();
  });
});
