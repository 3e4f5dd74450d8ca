import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Queue, QueueEvents } from 'bullmq';
import { processAll } from 'opero';
import { RedisServer } from '../../bullmq/support/redis-server.js';
import { crowd, race } from '../measure.js';
import { rowsOf, type Section } from '../section.js';
import { byHand, connection, Echo } from './jobs-echo.js';

const worker = fileURLToPath(new URL('../children/jobs.js', import.meta.url));

/** A Redis, and a process that serves the jobs of both. */
async function withWorker<Result>(run: (redis: RedisServer) => Promise<Result>): Promise<Result> {
  const redis = await RedisServer.start();
  let child: ChildProcess | undefined;
  try {
    process.env.REDIS_PORT = String(redis.port);
    child = fork(worker, { env: process.env });
    await once(child, 'message');
    return await run(redis);
  } finally {
    child?.kill('SIGKILL');
    await redis.stop();
  }
}

/** Calls that are made as BullMQ has it: a job each, and its own waiting. */
async function waitingByHand(): Promise<{ call: (value: number) => Promise<unknown>; close: () => Promise<void> }> {
  const queue = new Queue(byHand, { connection: connection() });
  const events = new QueueEvents(byHand, { connection: connection() });
  // Each call that waits listens to both.
  for (const each of [queue, events]) each.setMaxListeners(0);
  await events.waitUntilReady();
  return {
    call: async (value) => {
      const job = await queue.add('echo', value);
      return await job.waitUntilFinished(events);
    },
    close: async () => {
      await events.close();
      await queue.close();
    },
  };
}

/** What so many calls cost the process that makes them, in nanoseconds of its processors' time each. */
async function costOf(count: number, run: (values: readonly number[]) => Promise<unknown>): Promise<number> {
  const values = Array.from({ length: count }, (_, at) => at);
  const before = process.cpuUsage();
  await run(values);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / count;
}

export const jobSections: Section[] = [
  {
    title: 'methods as jobs, to one worker process, per call',
    measure: ({ quick }) =>
      withWorker(async () => {
        const echo = new Echo();
        const { call, close } = await waitingByHand();
        const size = quick ? 2_000 : 5_000;
        const times = await race(
          { opero: crowd((value) => echo.echo(value)), "BullMQ's waitUntilFinished": crowd(call) },
          { rounds: quick ? 3 : 9, warmUp: 1, count: size },
        );
        const costs: number[] = [];
        for (let round = 0; round < (quick ? 3 : 9); round++) {
          costs.push(await costOf(size, (values) => processAll(echo, 'echo', values, { concurrency: 100 })));
        }
        const cost = costs.sort((one, other) => one - other)[costs.length >> 1] as number;
        await close();
        const burst = quick ? [] : [await burstOf(echo, 20_000)];
        return {
          rows: rowsOf({ ...times, "opero, the caller's processor time, 100 at once": cost }),
          figures: { jobCost: cost / 1000, jobs: times["BullMQ's waitUntilFinished"] / times.opero },
          notes: burst,
        };
      }),
  },
];

/** So many calls at once: each must have its own answer. */
async function burstOf(echo: Echo, count: number): Promise<string> {
  const begin = performance.now();
  const values = await Promise.all(Array.from({ length: count }, (_, at) => echo.echo(at)));
  const lost = values.filter((value, at) => value !== at).length;
  const rate = Math.round(count / ((performance.now() - begin) / 1000));
  return `A burst of ${count} calls: ${lost} without their answer, ${rate} answers a second.`;
}
