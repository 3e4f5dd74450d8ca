import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Queue } from 'bullmq';
import { processAll } from 'opero';
import pMap from 'p-map';
import { RedisServer } from '../../bullmq/support/redis-server.js';
import { crowd, median, race, sequential, type Task } from '../measure.js';
import { rowsOf, type Section, slownessBy } from '../section.js';
import { newEcho, waitingByHand } from './jobs-echo.js';

/** How many calls are made at once: as many as BullMQ's stream of events surely holds. */
const sizeOf = (quick: boolean): number => (quick ? 1_000 : 2_000);

const peer = "BullMQ's waitUntilFinished";

async function startChild(name: string, ...args: string[]): Promise<ChildProcess> {
  const file = fileURLToPath(new URL(`../children/${name}.js`, import.meta.url));
  const child = fork(file, args, { env: process.env });
  await once(child, 'message');
  return child;
}

/** A Redis, and a process that serves the jobs of both. */
async function withWorker<Result>(run: (worker: ChildProcess) => Promise<Result>): Promise<Result> {
  const redis = await RedisServer.start();
  let child: ChildProcess | undefined;
  try {
    process.env.REDIS_PORT = String(redis.port);
    child = await startChild('jobs');
    return await run(child);
  } finally {
    child?.kill('SIGKILL');
    await redis.stop();
  }
}

/** Has a worker end jobs that nobody waits for, which come as fast as they can: the most that it can do. */
const withoutWaiting =
  (queue: Queue<number>, worker: ChildProcess): Task =>
  async (count) => {
    const counting = once(worker, 'message');
    worker.send(count);
    await counting;
    const ended = once(worker, 'message');
    await queue.addBulk(Array.from({ length: count }, (_, data) => ({ name: 'echo', data })));
    await ended;
  };

/** What so many calls cost the process that makes them, in nanoseconds of its processors' time each. */
async function costOf(
  size: number,
  rounds: number,
  run: (values: readonly number[]) => Promise<unknown>,
): Promise<number> {
  const values = Array.from({ length: size }, (_, at) => at);
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await run(values);
    const { user, system } = process.cpuUsage(before);
    costs.push(((user + system) * 1000) / size);
  }
  return median(costs);
}

const jobSection: Section = {
  title: 'methods as jobs, to one worker process, per call',
  measure: ({ quick }) =>
    withWorker(async (worker) => {
      const echo = newEcho();
      const { queue, call, close } = await waitingByHand();
      const rounds = quick ? 3 : 15;
      const size = sizeOf(quick);
      const opero = (value: number): Promise<number> => echo.echo(value);
      const atOnce = await race(
        {
          opero: crowd(opero),
          [peer]: crowd(call),
          "BullMQ's worker while nobody waits": withoutWaiting(queue, worker),
        },
        { rounds, warmUp: 1, count: size },
      );
      const inTurn = await race(
        { 'opero, one after the other': sequential(opero), [`${peer}, one after the other`]: sequential(call) },
        { rounds, warmUp: 1, count: quick ? 50 : 500 },
      );
      const cost = await costOf(size, rounds, (values) => processAll(echo, 'echo', values, { concurrency: 100 }));
      const peersCost = await costOf(size, rounds, (values) => pMap(values, call, { concurrency: 100 }));
      await close();
      const costs = {
        "opero, the caller's processor time with 100 at once": cost,
        [`${peer}, the caller's processor time with 100 at once`]: peersCost,
      };
      const { opero: time } = atOnce;
      const most = atOnce["BullMQ's worker while nobody waits"];
      return {
        rows: rowsOf({ ...atOnce, ...inTurn, ...costs }),
        slowness: slownessBy(peersCost, quietCost),
        figures: { jobCost: cost / 1000, jobs: atOnce[peer] / time, jobsOfWorker: most / time },
        notes: quick ? [] : [await burstOf(echo, 20_000)],
      };
    }),
};

/** So many calls at once: each must have its own answer. */
async function burstOf(echo: ReturnType<typeof newEcho>, count: number): Promise<string> {
  const begin = performance.now();
  const values = await Promise.all(Array.from({ length: count }, (_, at) => echo.echo(at)));
  const lost = values.filter((value, at) => value !== at).length;
  const rate = Math.round(count / ((performance.now() - begin) / 1000));
  return `A burst of ${count} calls: ${lost} without their answer, ${rate} answers a second.`;
}

/** Has several processes make calls at the same time. */
const byAll =
  (callers: readonly ChildProcess[]): Task =>
  async (count) => {
    const done = callers.map((each) => once(each, 'message'));
    for (const each of callers) each.send(Math.ceil(count / callers.length));
    await Promise.all(done);
  };

/** What a job of `waitUntilFinished` takes of its caller, on the machine that the targets were set on, in nanoseconds. */
const quietCost = 140_000;

const callersSection: Section = {
  title: 'methods as jobs, from four processes that call to one that works, per call',
  measure: ({ quick }) =>
    withWorker(async () => {
      const start = (kind: string): Promise<ChildProcess[]> =>
        Promise.all(Array.from({ length: 4 }, () => startChild('job-caller', kind)));
      const [own, byHand] = [await start('opero'), await start('by-hand')];
      try {
        const times = await race(
          { opero: byAll(own), [peer]: byAll(byHand) },
          { rounds: quick ? 3 : 15, warmUp: 1, count: sizeOf(quick) },
        );
        return { rows: rowsOf(times), figures: { jobsOfFour: times[peer] / times.opero } };
      } finally {
        for (const each of [...own, ...byHand]) each.kill('SIGKILL');
      }
    }),
};

export const jobSections: Section[] = [jobSection, callersSection];
