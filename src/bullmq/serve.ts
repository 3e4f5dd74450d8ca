import type { Worker, WorkerOptions } from 'bullmq';
import { ConfigurationError } from '../core/errors.js';
import { anything, hasNames, positiveInteger, type Rule, readOptions } from '../core/options.js';
import { type ConnectionSource, requireConnection } from './connection.js';
import { tellOfQueue } from './events.js';
import { holdProgram } from './hold.js';
import { linkTo } from './link.js';
import { abortsKey } from './message.js';
import { JobRunner } from './run-job.js';
import { RunningJobs } from './running-jobs.js';
import { readServed, type ServedMethods } from './served-methods.js';
import { StreamReader } from './stream-reader.js';

/**
 * Options of `serve`: those of BullMQ's Worker, of which `prefix` and `autorun` are opero's affair.
 *
 * @example
 * const options: ServeOptions = { concurrency: 50, lockDuration: 10_000 };
 */
export interface ServeOptions extends Omit<WorkerOptions, 'connection' | 'prefix' | 'autorun' | 'useWorkerThreads'> {
  /** How Redis is reached. Default: as `@queued` of the methods says. */
  readonly connection?: ConnectionSource;
  /** How many jobs run at once. Default 1. */
  readonly concurrency?: number;
}

/**
 * What `serve` gives: it runs jobs until it is closed.
 *
 * @example
 * const worker: ServedWorker = serve(new Crm(db), { concurrency: 50 });
 * process.once('SIGTERM', () => worker.close());
 * await worker.closed;
 */
export interface ServedWorker {
  /** Settles once jobs are taken; rejects where they cannot be. */
  readonly ready: Promise<void>;
  /** Settles once it is closed, and all jobs that it ran have ended; rejects where it could not begin. */
  readonly closed: Promise<void>;
  /** Takes no more jobs, and lets those that run end. */
  close(): Promise<void>;
  /** The same, at the end of a block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What BullMQ keeps of jobs that have ended, for dashboards: ages in seconds. */
const kept = {
  removeOnComplete: { age: 600, count: 20_000 },
  removeOnFail: { age: 86_400, count: 20_000 },
} as const;

const ignore = (): void => {};

/** One queue that is served. */
class QueueServer {
  #worker: Worker | undefined;
  #isCutOff: () => Promise<boolean> = async () => false;
  #aborts: StreamReader | undefined;
  #unwatch = ignore;
  #isClosed = false;

  async start(methods: ServedMethods, source: ConnectionSource, options: Partial<WorkerOptions>): Promise<void> {
    const { name, prefix } = methods;
    const link = await linkTo(source);
    if (this.#isClosed) return;
    link.requireSlot(prefix, name);
    this.#unwatch = link.watch.begin();
    const { bullmq, client } = link;
    let runner: JobRunner | undefined;
    const worker = new bullmq.Worker(name, async (job) => await runner?.run(job), {
      ...kept,
      ...options,
      connection: client,
      prefix,
      autorun: false,
    });
    this.#worker = worker;
    const failed = (error: unknown): void => tellOfQueue('error', name, error);
    const running = new RunningJobs(name, worker.opts.lockDuration as number);
    this.#isCutOff = async () => {
      if (!(await link.isAway())) return false;
      if (running.isIdle) return true;
      await running.idle();
      return await link.isAway();
    };
    const jobs = new JobRunner(bullmq, client, methods, running, (id) => worker.toKey(id));
    runner = jobs;
    worker.on('error', failed);
    worker.on('failed', (job, error) => void jobs.failed(job, error));
    worker.on('lockRenewalFailed', (ids) => running.lost(ids));
    worker.on('locksRenewed', ({ jobIds }) => running.renewed(jobIds));
    const apart = await link.connectApart();
    this.#aborts = new StreamReader(apart, abortsKey(worker.qualifiedName), (entries) => running.abort(entries));
    await worker.waitUntilReady();
    if (this.#isClosed) this.#aborts.close();
    else worker.run().catch(failed);
  }

  /** Where Redis was not there yet, there is nothing to end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // BullMQ waits for a Redis that is away until it is back, be there anything to end or not.
    await this.#worker?.close(await this.#isCutOff());
    this.#aborts?.close();
    this.#unwatch();
  }
}

/** What BullMQ's own options may be is its affair. */
const rules = {
  connection: anything,
  concurrency: positiveInteger,
  blockingConnection: anything,
  drainDelay: anything,
  limiter: anything,
  lockDuration: anything,
  lockRenewTime: anything,
  maxStalledCount: anything,
  maxStartedAttempts: anything,
  maximumRateLimitDelay: anything,
  metrics: anything,
  name: anything,
  removeOnComplete: anything,
  removeOnFail: anything,
  runRetryDelay: anything,
  settings: anything,
  skipLockRenewal: anything,
  skipStalledCheck: anything,
  skipVersionCheck: anything,
  skipWaitingForReady: anything,
  stalledInterval: anything,
  telemetry: anything,
  workerForkOptions: anything,
  workerThreadsOptions: anything,
} satisfies Record<keyof ServeOptions, Rule>;

function readServeOptions(given: unknown): ServeOptions {
  const where = { text: 'serve()' };
  for (const name of ['prefix', 'autorun', 'useWorkerThreads']) {
    if (!hasNames(given) || Reflect.get(given, name) === undefined) continue;
    const cure = name === 'prefix' ? 'give it to @queued' : 'leave it out';
    throw new ConfigurationError(`serve(): \`${name}\` is none of its options; ${cure}`);
  }
  const options = readOptions<ServeOptions>(where, given, rules, {});
  if (options.connection !== undefined) requireConnection(options.connection, where);
  return options;
}

/**
 * Runs the jobs of methods with `@queued`, on objects that are there, with all that they need. The policies of those
 * methods are left to their callers; other decorated methods that they call keep theirs, and a method of the same queue
 * that a job calls runs in place. It keeps the program alive until it is closed.
 *
 * @param subjects An instance, a class for its static methods, or an array of these.
 * @param options `connection` (as `@queued` says), `concurrency` (1), and what BullMQ's Worker takes.
 * @returns What ends it; `closed` settles once it has ended.
 * @throws ConfigurationError when an option is wrong, or there is no method with `@queued`.
 * @example
 * const worker = serve(new Crm(db), { connection: { host: 'localhost', port: 6379 }, concurrency: 50 });
 * process.once('SIGTERM', () => worker.close());
 * await worker.closed;
 */
export function serve(subjects: object | readonly object[], options: ServeOptions = {}): ServedWorker {
  const { connection, ...others } = readServeOptions(options);
  const servers = readServed(subjects).map((methods) => ({
    server: new QueueServer(),
    methods,
    source: connection ?? methods.source,
  }));
  const release = holdProgram();
  const { promise: closed, resolve, reject } = withResolvers();
  const starting = Promise.all(servers.map(({ server, methods, source }) => server.start(methods, source, others)));
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= Promise.all(servers.map(({ server }) => server.close())).then(release);
    closing.then(resolve, reject);
    return closing;
  };
  starting.catch((error) => {
    reject(error);
    close().catch(ignore);
  });
  const ready = Promise.race([starting.then(ignore), closed]);
  // Who does not ask for it is told by `closed`.
  ready.catch(ignore);
  return { ready, closed, close, [Symbol.asyncDispose]: close };
}

function withResolvers() {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((...given) => {
    [resolve, reject] = given;
  });
  return { promise, resolve, reject };
}
