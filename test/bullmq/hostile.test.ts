import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { type Job, Queue, setDefaultBackendFactory } from 'bullmq';
import { ConfigurationError, isJobError, JobError } from 'opero';
import { queued, type ServedWorker, serve } from 'opero/bullmq';
import { rejection } from '../support/rejection.js';
import { Crm, connection, redisPort } from './support/crm.js';
import { needsRedis, RedisServer } from './support/redis-server.js';

describe('J9 a job that opero did not make', needsRedis, () => {
  let redis: RedisServer;
  let worker: ServedWorker;
  let queue: Queue;
  const told: string[] = [];
  const reply = `opero:replies:${'a'.repeat(32)}`;
  const crm = new Crm('caller');

  before(async () => {
    redis = await RedisServer.start();
    redisPort.port = redis.port;
    worker = serve([new Crm('db', (what) => told.push(what)), Crm], { connection, concurrency: 5 });
    await worker.ready;
    queue = new Queue('crm', { connection: redis.connection });
  });

  after(async () => {
    await queue.close();
    await worker.close();
    await redis.stop();
  });

  const client = () => queue.getBackend().connection.client;

  async function ended(job: Job): Promise<Job> {
    while (!(await job.isFailed()) && !(await job.isCompleted()));
    return (await queue.getJob(String(job.id))) as Job;
  }

  const good = { opero: 1, class: 'Crm', method: 'echo', args: ['x'], reply };
  const hostile: [string, unknown, RegExp][] = [
    ['no object', 'text', /nobody made it by @queued or enqueue\(\)/],
    ['null', null, /nobody made it/],
    ['an array', [good], /nobody made it/],
    ["somebody's own", { to: 'ann@example.org' }, /nobody made it/],
    ['a form of later', { ...good, opero: 2 }, /its form is 2, not 1/],
    [
      'a prototype',
      JSON.parse('{"__proto__": {"opero": 1, "class": "Crm", "method": "echo", "args": []}}'),
      /nobody made it/,
    ],
    ['no class', { ...good, class: undefined }, /its class is undefined/],
    ['no text for its method', { ...good, method: ['echo'] }, /its method is \[ 'echo' \]/],
    ['no arguments', { ...good, args: { length: 1 } }, /its arguments are \{ length: 1 \}/],
    ['no count of attempts', { ...good, attempt: -1 }, /its attempt is -1/],
    ['a trace that is none', { ...good, trace: { traceparent: 1 } }, /its trace context is/],
    ['an unknown method', { ...good, method: 'drop' }, /Crm\.drop: it is no method that is served in the queue 'crm'/],
    ['an unknown class', { ...good, class: 'Sms' }, /Sms\.echo: it is no method that is served/],
    ['a method without @queued', { ...good, method: 'plain' }, /Crm\.plain: it is no method that is served/],
    ['constructor', { ...good, method: 'constructor' }, /Crm\.constructor: it is no method/],
    ['__proto__', { ...good, method: '__proto__' }, /Crm\.__proto__: it is no method/],
    ['toString', { ...good, class: 'Object', method: 'toString' }, /Object\.toString: it is no method/],
    ['an instance method as a static one', { ...good, static: true }, /Crm\.echo: it is no method/],
    [
      'a tag of code',
      { ...good, args: [{ $opero: 'Function', value: 'return process' }] },
      /Crm\.echo: the arguments of its job cannot be read: unknown kind of value 'Function'/,
    ],
    ["another's error", { ...good, error: { kind: 'error', classes: [{ named: 'Function', of: 'builtin' }] } }, /^$/],
  ];

  for (const [what, data, message] of hostile.slice(0, -1)) {
    test(`${what}: fails alone, and says why`, async () => {
      const job = await ended(await queue.add('any', data));
      assert.equal(await job.getState(), 'failed');
      assert.match(String(job.failedReason), message);
      assert.equal(await crm.echo('next'), 'next');
    });
  }

  test('fails at once, however often BullMQ may try', async () => {
    const job = await ended(await queue.add('any', { to: 'ann@example.org' }, { attempts: 5 }));
    assert.equal(job.attemptsMade, 1);
  });

  test('an error that names no class of errors is an error at the most', async () => {
    const job = await ended(await queue.add('any', hostile.at(-1)?.[1]));
    assert.equal(await job.getState(), 'completed');
    for (const named of ['Function', 'Object', 'process', '__proto__', 'constructor']) {
      for (const of of ['builtin', 'opero', 'program']) {
        const error = { kind: 'error', classes: [{ named, of }], name: 'E', message: 'm', fields: { a: 1 } };
        const call = rejection(crm.hang('answered by somebody else'));
        let found: Job | undefined;
        while (found === undefined) found = (await queue.getActive()).find(({ name }) => name === 'Crm.hang');
        const outcome = JSON.stringify({ error });
        await (await client()).xadd(found.data.reply, '*', { job: String(found.id), outcome });
        const got = await call;
        assert.equal(Object.getPrototypeOf(got), Error.prototype);
        await (await client()).xadd('opero:aborts:bull:crm', '*', { job: String(found.id) });
        await ended(found);
      }
    }
  });

  test("nothing is written to a key that is none of opero's replies", async () => {
    for (const key of [
      'bull:crm:meta',
      'opero:replies:../x',
      `opero:replies:${'A'.repeat(32)}`,
      `${reply}:x`,
      7,
      `x${reply}`,
    ]) {
      const job = await ended(await queue.add('any', { ...good, reply: key }));
      assert.equal(await job.getState(), 'failed');
      assert.match(String(job.failedReason), /its reply key .* is none of opero's/);
    }
    const [, keys] = await (await client()).scan(0, { MATCH: '*', COUNT: 10_000 });
    const strange = keys.filter((key) => !/^bull:crm:|^opero:(replies:[0-9a-f]{32}|aborts:bull:crm)$/.test(key));
    assert.deepEqual(strange, []);
  });

  test('a reply key that holds something else costs its caller the answer, and nobody else', async () => {
    await (await client()).set(reply, 'mine');
    const job = await ended(await queue.add('any', good));
    assert.equal(await job.getState(), 'completed');
    assert.equal(await (await client()).get(reply), 'mine');
    assert.equal(await crm.echo('next'), 'next');
  });

  test('an answer that cannot be read rejects its call', async () => {
    for (const outcome of [
      '{',
      '[]',
      '{"neither": 1}',
      '{"value": {"$opero": "Function"}}',
      '{"error": {"kind": "code"}}',
      '{"error": 5}',
    ]) {
      const call = rejection(crm.hang('answered by somebody else'));
      let found: Job | undefined;
      while (found === undefined) found = (await queue.getActive()).find(({ name }) => name === 'Crm.hang');
      await (await client()).xadd(found.data.reply, '*', { job: String(found.id), outcome });
      const error = await call;
      assert.ok(isJobError(error) && error.reason === 'malformed', `${outcome}: ${error}`);
      await (await client()).xadd('opero:aborts:bull:crm', '*', { job: String(found.id), reason: '{"kind":' });
      await ended(found);
    }
  });

  test('an error of the method that means something to BullMQ is an error like any', async () => {
    class Strange {
      @queued({ name: 'strange', connection })
      async fail(name: string, message: string): Promise<never> {
        throw Object.assign(new Error(message), { name });
      }
    }
    await using served = serve(new Strange(), { connection });
    await served.ready;
    for (const [name, message] of [
      ['DelayedError', 'later'],
      ['WaitingChildrenError', 'x'],
      ['Error', 'bullmq:rateLimitExceeded'],
    ] as const) {
      const error = (await rejection(new Strange().fail(name, message))) as Error;
      assert.deepEqual([error.name, error.message], [name, message]);
    }
    const strange = new Queue('strange', { connection: redis.connection });
    while ((await strange.getFailedCount()) < 3);
    await strange.close();
  });

  test('what is thrown and cannot even be looked at is told of at once', async () => {
    class Sealed {
      @queued({ name: 'sealed', connection })
      async fail(): Promise<never> {
        const { proxy, revoke } = Proxy.revocable(new Error('sealed'), {});
        revoke();
        throw proxy;
      }
    }
    await using served = serve(new Sealed(), { connection });
    await served.ready;
    assert.equal(await rejection(new Sealed().fail()), 'something that cannot be read');
    const sealed = new Queue('sealed', { connection: redis.connection });
    while ((await sealed.getFailedCount()) < 1);
    const [job] = await sealed.getFailed();
    assert.equal(job?.failedReason, 'something that cannot be read');
    await sealed.close();
  });

  test('J14 BullMQ set to another database is a ConfigurationError', async () => {
    class Other {
      @queued({ name: 'other', connection: { host: '127.0.0.1', port: redis.port, db: 1 } })
      async call(): Promise<void> {}
    }
    setDefaultBackendFactory((() => {
      throw new Error('never');
    }) as never);
    try {
      const error = await rejection(new Other().call());
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.match(error.message, /works on Redis alone/);
      await assert.rejects(serve(new Other()).closed, ConfigurationError);
    } finally {
      setDefaultBackendFactory();
    }
    class Late {
      @queued({ name: 'late', connection: () => ({ connectionString: 'postgres://secret' }) as never })
      async call(): Promise<void> {}
    }
    const late = await rejection(new Late().call());
    assert.ok(late instanceof ConfigurationError && !late.message.includes('secret'), String(late));
    assert.ok(!(late instanceof JobError));
  });
});
