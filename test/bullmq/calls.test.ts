import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { after, before, describe, test } from 'node:test';
import { type Job, Queue } from 'bullmq';
import * as opero from 'opero';
import {
  configure,
  cpuBound,
  currentCall,
  decorate,
  type Events,
  explain,
  isJobError,
  JobError,
  Orchestrator,
  on,
  orchestrate,
  policiesOf,
  processAll,
  processStream,
  RejectedError,
  retry,
  statsOf,
} from 'opero';
import { enqueue, queued, type ServedWorker, serve } from 'opero/bullmq';
import { failTimes, withoutPolicies } from 'opero/testing';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { Crm, CrmError, connection, redisPort } from './support/crm.js';
import { monitor } from './support/monitor.js';
import { needsRedis, RedisServer } from './support/redis-server.js';

describe('a method with @queued, served in this process', needsRedis, () => {
  let redis: RedisServer;
  let worker: ServedWorker;
  let queue: Queue;
  const told: string[] = [];
  const crm = new Crm('at the caller');

  before(async () => {
    redis = await RedisServer.start();
    redisPort.port = redis.port;
    worker = serve([new Crm('db', (what) => told.push(what)), Crm], { connection, concurrency: 20 });
    await worker.ready;
    queue = new Queue('crm', { connection: redis.connection });
  });

  after(async () => {
    await queue.close();
    await worker.close();
    await redis.stop();
  });

  test('J1 gives what the served object gives', async () => {
    const value = { at: new Date(1), map: new Map([['a', [1n, undefined]]]), bytes: Buffer.from('b') };
    assert.deepEqual(await crm.echo(value), value);
    assert.equal(await crm.echo(undefined), undefined);
    const [db, pid, attempt, jobId, hasSignal] = await crm.where();
    assert.deepEqual([db, pid, attempt, typeof jobId, hasSignal], ['db', process.pid, 1, 'string', true]);
  });

  test("J1 rejects with the worker's error: its class, fields, cause, and both stacks", async () => {
    const error = await rejection(crm.fail('north'));
    assert.ok(error instanceof CrmError);
    assert.deepEqual([error.message, error.tenant, error.name], ['no such tenant', 'north', 'Error']);
    assert.ok(error.cause instanceof RangeError);
    assert.match(String(error.stack), /at Crm\.fail[\s\S]*calls\.test/);
    const pale = await rejection(crm.failPalely('north'));
    assert.ok(pale instanceof CrmError);
    assert.equal(pale.constructor, CrmError);
    assert.deepEqual(await rejection(crm.throwAnything()), { code: 7 });
  });

  test('J1 every error class of opero is known', async () => {
    const types = Object.entries(opero).filter(
      ([, each]) => typeof each === 'function' && each.prototype instanceof Error,
    );
    assert.ok(types.length >= 11, `${types.length}`);
    const errors = await Promise.all(types.map(([name]) => rejection(crm.failAs(name))));
    assert.deepEqual(
      errors.map((error) => (error as Error).constructor),
      types.map(([, type]) => type),
    );
  });

  test('J1 policies stay with the caller, and match errors of the worker', async () => {
    told.length = 0;
    assert.equal(await crm.flaky('north'), 'north at attempt 3');
    assert.deepEqual(told, ['attempt 1 after false', 'attempt 2 after true', 'attempt 3 after true']);
    const { calls, attempts, retries, running, failures } = statsOf(crm, 'flaky');
    assert.deepEqual([calls, attempts, retries, running, failures], [1, 3, 2, 0, 0]);
  });

  test('J2 jobs complete and fail in BullMQ too, with what can be read', async () => {
    const [, , , jobId] = await crm.where();
    const job = await queue.getJob(String(jobId));
    // The caller is told first.
    while (!(await job?.isCompleted()));
    assert.equal(job?.name, 'Crm.where');
    assert.deepEqual(job?.data.args, []);
    await rejection(crm.fail('south'));
    let failed: Job | undefined;
    while (failed === undefined) failed = (await queue.getFailed()).find(({ data }) => data.args[0] === 'south');
    assert.deepEqual([failed.name, failed.failedReason], ['Crm.fail', 'no such tenant']);
    assert.match(String(failed.stacktrace?.[0]), /at Crm\.fail/);
  });

  test('J2 the outcome is in the stream of the caller before the job has ended, whichever it is', async () => {
    const steps = new Map<string, string[]>();
    const bothEnded = deferred();
    let ends = 0;
    const endMonitor = await monitor(redis.port, ([command = '', key = '', ...rest]) => {
      const step = `${command.toLowerCase()} ${key.replace(/[0-9a-f]{32}$/, '')}`;
      const isEnd = /^zadd bull:crm:(completed|failed)$/.test(step);
      if (!isEnd && step !== 'xadd opero:replies:') return;
      const id = (isEnd ? rest.at(-1) : rest[rest.indexOf('job') + 1]) as string;
      steps.set(id, [...(steps.get(id) ?? []), step]);
      if (isEnd && ++ends === 2) bothEnded.resolve();
    });
    await crm.where();
    await rejection(crm.fail('west'));
    await bothEnded.promise;
    endMonitor();
    assert.deepEqual(
      [...steps.values()],
      [
        ['xadd opero:replies:', 'zadd bull:crm:completed'],
        ['xadd opero:replies:', 'zadd bull:crm:failed'],
      ],
    );
  });

  test('J5 a call is tried once by BullMQ', async () => {
    const [, , , jobId] = await crm.where();
    assert.equal((await queue.getJob(String(jobId)))?.opts.attempts, 1);
  });

  test('J5 enqueue() tries again only where it is told, and applies no policies', async () => {
    const statsBefore = statsOf(Crm, 'flaky').calls;
    told.length = 0;
    const done = new Promise<void>((resolve) => {
      const poll = (): void => (told.length < 3 ? void setImmediate(poll) : resolve());
      poll();
    });
    const id = await enqueue(crm, 'flaky', ['east'], {
      attempts: 3,
      backoff: { type: 'fixed', delay: 1 },
      id: 'flaky-east',
    });
    assert.equal(id, 'flaky-east');
    await done;
    assert.deepEqual(told, ['attempt 1 after false', 'attempt 2 after false', 'attempt 3 after false']);
    assert.equal(statsOf(Crm, 'flaky').calls, statsBefore);

    const once = await enqueue(Crm, 'fail', ['west']);
    while (!(await (await queue.getJob(once))?.isFailed()));
    assert.equal((await queue.getJob(once))?.attemptsMade, 1);
  });

  test('J5 enqueue() adds one job of an id while that waits, and another one afterwards', async () => {
    for (let time = 0; time < 2; time++) {
      await enqueue(crm, 'echo', [time], { id: 'sync-north', delay: 60_000 });
    }
    const job = await queue.getJob('sync-north');
    assert.deepEqual([job?.data.args, await job?.getState(), job?.opts.delay], [[0], 'delayed', 60_000]);
    await job?.promote();
    while (!(await (await queue.getJob('sync-north'))?.isCompleted()));
    await enqueue(crm, 'echo', [2], { id: 'sync-north', delay: 60_000 });
    assert.deepEqual((await queue.getJob('sync-north'))?.data.args, [2]);
    await (await queue.getJob('sync-north'))?.remove();
  });

  test('enqueue() gives the id of a job that is there, which does not count as one more', async () => {
    const queuedJobs: Events['job'][] = [];
    using _ = on('job', (event) => event.state === 'queued' && event.method === 'total' && queuedJobs.push(event));
    const options = { id: 'total-1', delay: 60_000 };
    assert.equal(await enqueue(Crm, 'total', [1, 1], options), 'total-1');
    assert.equal(await enqueue(Crm, 'total', [2, 2], options), 'total-1');
    const atOnce = Array.from({ length: 5 }, () => enqueue(Crm, 'total', [3, 3], { ...options, id: 'total-2' }));
    assert.deepEqual(new Set(await Promise.all(atOnce)), new Set(['total-2']));
    assert.deepEqual(
      queuedJobs.map(({ jobId }) => jobId),
      ['total-1', 'total-2'],
    );
    const job = await queue.getJob('total-1');
    assert.deepEqual(job?.data.args, [1, 1]);
    for (const id of ['total-1', 'total-2']) await queue.remove(id);
  });

  test('J9 what cannot travel, and what is too large, rejects with a JobError that says what', async () => {
    const wrong = await rejection(crm.echo({ socket: () => 1 }));
    assert.ok(wrong instanceof JobError && isJobError(wrong));
    assert.equal(wrong.reason, 'not-serializable');
    assert.equal(wrong.message, 'Crm.echo: args[0].socket cannot go into a job: it is the function socket');
    const large = await rejection(crm.small('x'.repeat(101)));
    assert.ok(large instanceof JobError && large.reason === 'too-large', String(large));
    assert.match(large.message, /^Crm\.small: the arguments take 10\d bytes, and `maxBytes` is 100$/);
    const result = await rejection(crm.small('x', 1_000));
    assert.ok(result instanceof JobError && result.reason === 'too-large', String(result));
    assert.match(result.message, /^Crm\.small: the result takes 1002 bytes/);
    assert.equal(await crm.small('x'.repeat(50)), '');
  });

  test('J10 a method of the same queue runs in place, and other decorated ones keep their policies', async () => {
    const ids = await crm.nest(3);
    const [jobId, ...inPlace] = ids;
    assert.equal(typeof jobId, 'string');
    assert.deepEqual(inPlace, [undefined, undefined, undefined, 'limited']);
    assert.equal(statsOf(Crm, 'nest').calls, 1 + 3);
    assert.equal(statsOf(Crm, 'limited').calls, 1);
    const again = await rejection(crm.nest(0));
    assert.ok(again instanceof RejectedError && again.policy === 'rateLimit', String(again));
  });

  test('J10 a class stands for its static methods', async () => {
    assert.equal(await Crm.total(2, 3), 5);
    const id = await enqueue(Crm, 'total', [4, 5]);
    while (!(await (await queue.getJob(id))?.isCompleted()));
    assert.equal((await queue.getJob(id))?.returnvalue, 9);
  });

  test('J10 a job is run by the object that is of its class, or extends that, and by no other', async () => {
    class Base {
      @queued({ name: 'kin', connection })
      async who(): Promise<string> {
        return 'base';
      }
      @queued({ name: 'kin', connection })
      async #secret(): Promise<string> {
        return `secret of ${await this.open()}`;
      }
      secret(): Promise<string> {
        return this.#secret();
      }
      async open(): Promise<string> {
        return 'base';
      }
    }
    class Derived extends Base {
      override async who(): Promise<string> {
        return `derived, ${await super.who()}`;
      }
      override async open(): Promise<string> {
        return 'derived';
      }
    }
    class Other extends Base {}
    await using served = serve(new Derived(), { connection, concurrency: 1 });
    await served.ready;
    assert.equal(await new Derived().who(), 'derived, base');
    assert.equal(await new Base().who(), 'derived, base');
    assert.equal(await new Base().secret(), 'secret of derived');
    const error = await rejection(new Other().who());
    assert.ok(error instanceof JobError && error.reason === 'unknown-method', String(error));
  });

  test('J11 calls of one turn leave as one addBulk', async (t) => {
    const addBulk = t.mock.method(Queue.prototype, 'addBulk');
    const values = Array.from({ length: 50 }, (_, at) => at);
    assert.deepEqual(await Promise.all(values.map((at) => crm.echo(at))), values);
    assert.deepEqual(
      addBulk.mock.calls.map(({ arguments: [jobs] }) => jobs.length),
      [50],
    );
  });

  test('J12 the trace that is active at the caller is active in the method', async (t) => {
    interface Context {
      readonly traceparent?: string;
    }
    const contexts = new AsyncLocalStorage<Context>();
    const active = (): Context => contexts.getStore() ?? {};
    // As OpenTelemetry's API has it when an SDK is set up.
    const api = {
      context: { active, with: <R>(context: Context, fn: () => R): R => contexts.run(context, fn) },
      propagation: {
        inject: (
          { traceparent }: Context,
          carrier: unknown,
          { set }: { set(c: unknown, k: string, v: string): void },
        ) => traceparent && set(carrier, 'traceparent', traceparent),
        extract: (context: Context, carrier: unknown, { get }: { get(c: unknown, k: string): string | undefined }) => ({
          ...context,
          traceparent: get(carrier, 'traceparent'),
        }),
      },
    };
    class Traced {
      @queued({ name: 'traced', connection })
      async trace(): Promise<string | undefined> {
        await null;
        return active().traceparent;
      }
    }
    await using served = serve(new Traced(), { connection });
    await served.ready;
    const place = Symbol.for('opentelemetry.js.api.1');
    Reflect.set(globalThis, place, api);
    t.after(() => Reflect.deleteProperty(globalThis, place));
    const calls = ['00-a-1-01', '00-b-2-01'].map((traceparent) =>
      contexts.run({ traceparent }, () => new Traced().trace()),
    );
    assert.deepEqual(await Promise.all(calls), ['00-a-1-01', '00-b-2-01']);
    assert.equal(await new Traced().trace(), undefined);
  });

  test('tells of its attempts and its jobs', async () => {
    const attempts: Events['attempt'][] = [];
    const jobs: Events['job'][] = [];
    using _attempts = on('attempt', (event) => event.method === 'flaky' && attempts.push(event));
    using _jobs = on('job', (event) => event.method === 'flaky' && jobs.push(event));
    await crm.flaky('north');
    assert.deepEqual(
      attempts.map(({ attempt, outcome, abandoned }) => [attempt, outcome, abandoned]),
      [
        [1, 'error', false],
        [2, 'error', false],
        [3, 'ok', false],
      ],
    );
    assert.deepEqual(
      jobs.map(({ state, outcome }) => [state, outcome]),
      ['error', 'error', 'ok'].flatMap((outcome) => [
        ['queued', undefined],
        ['running', undefined],
        ['ran', outcome],
        ['done', outcome],
      ]),
    );
    assert.equal(new Set(jobs.map(({ jobId }) => jobId)).size, 3);
    // Its worker knows nothing of the calls of its callers.
    const ofCall = jobs.filter(({ state }) => state === 'queued' || state === 'done');
    assert.equal(new Set([...ofCall, ...attempts].map(({ callId }) => callId)).size, 1);
    const [, , ran, done] = jobs;
    assert.ok((done?.duration ?? 0) >= (ran?.duration ?? Number.POSITIVE_INFINITY));
  });

  test('J13 processAll and processStream work through a queue, 16 at once by default, and pull no faster', async () => {
    let pulled = 0;
    let most = 0;
    let under = 0;
    function* items(): Generator<number> {
      for (let at = 0; at < 200; at++) {
        pulled++;
        yield at;
      }
    }
    const seen: number[] = [];
    for await (const value of processStream(crm, 'echo', items())) {
      seen.push(value as number);
      under = Math.max(under, pulled - seen.length);
      most = Math.max(most, statsOf(crm, 'echo').running);
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 200 }, (_, at) => at),
    );
    assert.ok(most <= 16 && most > 1, `${most} at once`);
    assert.ok(under <= 4 * 16, `${under} ahead`);
    const all = await processAll(crm, 'echo', [1, 2, 3], { concurrency: 2 });
    assert.deepEqual(all, [1, 2, 3]);
  });

  test('stands in @orchestrate, decorate() and configure() too', async () => {
    class Mail {
      @orchestrate({ retry: 2, queued: { name: 'mail', connection } })
      async send(to: string): Promise<string> {
        return `sent to ${to} at ${currentCall().attempt}`;
      }
      async copy(to: string): Promise<string> {
        return `copied to ${to}`;
      }
    }
    decorate(Mail, { copy: { queued: { name: 'mail', connection } } });
    await using served = serve(new Mail(), { connection });
    await served.ready;
    assert.equal(await new Mail().send('Ann'), 'sent to Ann at 1');
    assert.equal(await new Mail().copy('Ann'), 'copied to Ann');
    assert.deepEqual(
      policiesOf(Mail, 'send').map(({ kind }) => kind),
      ['retry', 'queued'],
    );
    const { options } = policiesOf(Mail, 'copy')[0] ?? {};
    assert.deepEqual(options, {
      name: 'mail',
      maxWait: Number.POSITIVE_INFINITY,
      maxBytes: 2 ** 20,
      errors: [],
      prefix: 'bull',
    });
    assert.doesNotMatch(explain(Mail), /connection/);
    using _ = configure(Mail, 'copy', { queued: { maxBytes: 10 } });
    assert.match(String(await rejection(new Mail().copy('Ann of the far north'))), /maxBytes/);
  });
});

describe('a Redis that refuses jobs', needsRedis, () => {
  let redis: RedisServer;
  before(async () => {
    redis = await RedisServer.start('--maxmemory', '1500kb', '--maxmemory-policy', 'noeviction');
  });
  after(() => redis.stop());

  test('a call, and enqueue(), reject with a JobError that says so, and its cause', async () => {
    class Full {
      @queued({ name: 'full', connection: redis.connection })
      async call(_text: string): Promise<void> {}
    }
    const text = 'x'.repeat(500_000);
    for (const error of await Promise.all([new Full().call(text), enqueue(Full, 'call', [text])].map(rejection))) {
      assert.ok(error instanceof JobError && error.reason === 'not-queued', String(error));
      assert.match(error.message, /^Full\.call: its job could not be put into the queue 'full': OOM/);
      assert.match(String(error.cause), /OOM/);
    }
  });
});

describe('options of @queued and serve()', () => {
  const at = { name: 'q', connection: { host: 'localhost' } };
  const wrong: [string, () => unknown, RegExp][] = [
    ['no options', () => queued(undefined as never), /expected the options to be an object/],
    [
      'no name',
      () => queued({ connection } as never),
      /@queued on method `m`: expected `name` to be a name without a colon/,
    ],
    ['a colon', () => queued({ ...at, name: 'a:b' }), /expected `name` to be a name without a colon, got 'a:b'/],
    [
      'no connection',
      () => queued({ name: 'q' } as never),
      /expected `connection` to be options of a Redis connection/,
    ],
    [
      'J14 a postgres URL',
      () => queued({ ...at, connection: 'postgres://me:secret@host/db' }),
      /a redis: URL.*got a text that begins with 'postgres:'$/,
    ],
    [
      'J14 options of pg',
      () => queued({ ...at, connection: { connectionString: 'postgres://me:secret@host' } }),
      /got an object with connectionString$/,
    ],
    ['J14 a pool of pg', () => queued({ ...at, connection: { query: () => 1 } as never }), /got an object with query$/],
    ['a wrong maxWait', () => queued({ ...at, maxWait: -1 }), /expected `maxWait` to be a number of milliseconds/],
    ['a wrong maxBytes', () => queued({ ...at, maxBytes: 0 }), /expected `maxBytes` to be an integer of at least 1/],
    [
      'wrong errors',
      () => queued({ ...at, errors: [Map] as never }),
      /expected `errors` to be an array of error classes/,
    ],
    ['an unknown option', () => queued({ ...at, attempts: 3 } as never), /unknown option `attempts`/],
  ];
  for (const [what, make, message] of wrong) {
    test(`${what} is a ConfigurationError that tells no secret`, () => {
      const define = () => {
        class Some {
          @(make() as ReturnType<typeof queued>)
          async m(): Promise<void> {}
        }
        return Some;
      };
      assert.throws(define, (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return error.name === 'ConfigurationError';
      });
    });
  }

  test('it stands where cpuBound does: one of the two, in either order', () => {
    const both = [queued(at), cpuBound(import.meta.url)] as const;
    for (const [first, second] of [both, [both[1], both[0]]] as const) {
      assert.throws(() => {
        class Some {
          @first
          @second
          async m(): Promise<void> {}
        }
        return Some;
      }, /it has a (queued|cpuBound) policy already; have either that or (cpuBound|queued)/);
    }
    class Base {
      @cpuBound(import.meta.url)
      async m(): Promise<void> {}
    }
    class Derived extends Base {
      @queued(at)
      override async m(): Promise<void> {}
    }
    assert.throws(() => new Derived(), /@queued on Derived\.m: it has cpuBound too; .*`inherit: false`/);
  });

  test('failTimes() and withoutPolicies() of opero/testing need no queue', async () => {
    class Unreachable {
      @retry({ maxAttempts: 2, waitMin: 0, retryOn: RangeError })
      @queued({ name: 'q', connection: { host: '127.0.0.1', port: 1 } })
      async call(value: number): Promise<number> {
        return value;
      }
    }
    const unreachable = new Unreachable();
    {
      using _ = failTimes(unreachable, 'call', 2, (n) => (n === 1 ? new RangeError('first') : new Error('second')));
      assert.equal(String(await rejection(unreachable.call(1))), 'Error: second');
    }
    using _ = withoutPolicies(Unreachable);
    assert.equal(await unreachable.call(1), 1);
  });

  test('it is for methods alone', () => {
    assert.throws(() => new Orchestrator({ queued: at }), /queued goes on methods, as a job names one/);
  });

  test('serve() wants something that it can serve', () => {
    class Plain {
      @retry(2)
      async m(): Promise<void> {}
    }
    assert.throws(() => serve(new Plain(), at), /serve\(\): Plain \{\} has no method with @queued/);
    assert.throws(
      () => serve(class extends Crm {}, { ...at, prefix: 'x' } as never),
      /`prefix` is none of its options; give it to @queued/,
    );
    assert.throws(() => serve([], at), /expected something to serve, got an empty array/);
    assert.throws(
      () => serve([new Crm(), new Crm()], at),
      /two of what is served stand for Crm\.echo in the queue 'crm'/,
    );
    class Instances {
      @queued(at)
      async m(): Promise<void> {}
    }
    assert.throws(
      () => serve(Instances, at),
      /has no static method with @queued; to serve its other methods, give an instance/,
    );
    assert.throws(() => serve(new Crm(), { concurrency: 0 }), /expected `concurrency` to be an integer of at least 1/);
    assert.throws(() => serve(new Crm(), { connection: 'mysql://x' }), /expected `connection` to be/);
    assert.throws(() => serve(null as never, at), /serve\(\)/);
    assert.throws(
      () => serve(new Crm(), { concurency: 3 } as never),
      /serve\(\): unknown option `concurency` \(3\); known options are connection, concurrency, /,
    );
    assert.throws(() => serve(new Crm(), new Map() as never), /serve\(\): expected the options to be an object/);
  });

  test('enqueue() wants a method with @queued, and options that it knows', async () => {
    const crm = new Crm();
    await assert.rejects(enqueue(crm, 'plain' as never, []), /enqueue\(\): Crm\.plain has no @queued/);
    await assert.rejects(enqueue(crm, 'none' as never, []), /Crm\.none is not a method/);
    await assert.rejects(
      enqueue(crm, 'echo', [1], { id: '12' }),
      /enqueue\(\) of Crm\.echo: expected `id` to be a text/,
    );
    await assert.rejects(enqueue(crm, 'echo', [1], { delay: -1 }), /expected `delay`/);
    await assert.rejects(enqueue(crm, 'echo', 'x' as never), /expected the arguments to be an array, got 'x'/);
    await assert.rejects(enqueue(crm, 'echo', [() => 1]), /Crm\.echo: args\[0\] cannot go into a job/);
  });
});
