import { isMainThread, type Transferable } from 'node:worker_threads';
import Tinypool from 'tinypool';
import { applyNoPolicies } from '../core/decoration/site.js';
import { isError } from '../core/realm.js';
import { crossBy, describe, findObstacle, type Obstacle } from './cloneable.js';
import { bareClasses, ErrorClasses } from './error-classes.js';
import { decodeError, encodeError } from './error-codec.js';
import { explainPrivate } from './guard.js';
import { type Located, locate, NotFound } from './locate.js';
import { takeMarked, transferListOf } from './move.js';
import { importModule, isProgram, isRefusal, refuseProgram, unlessRefused } from './own-program.js';
import type { JobMessage, Outcome, Target, TaskMessage, TaskReply } from './protocol.js';
import { afterLeftovers, newReporter } from './reporter.js';
import { loadLikeMain } from './tsx.js';
import { endWithParent } from './watchdog.js';

applyNoPolicies(refuseProgram);
const reporter = newReporter();
if (isMainThread) endWithParent();

/** A target that was found, and how its errors travel. */
interface Ready {
  readonly label: string;
  readonly call: Located['call'];
  readonly known: ErrorClasses;
  /** Whether it is in the file that the program was started with. */
  readonly isProgram: boolean;
}

/** The targets that were asked for: found, or what came of the search. */
const targets = new Map<string, Ready | Promise<Ready>>();

async function prepare(json: string): Promise<Ready> {
  const target = JSON.parse(json) as Target;
  await loadLikeMain(target.module);
  const exports = await importModule(target);
  const { call, listed } = locate(target, exports);
  return { label: target.label, call, known: new ErrorClasses(listed, exports), isProgram: isProgram(target) };
}

/** How what is sent from here goes. */
const cross = crossBy(isMainThread ? 'child_process' : 'worker_threads');

/** The target, found once; a promise of it while that lasts, and for ever where it failed. */
function find(target: string): Ready | Promise<Ready> {
  let found = targets.get(target);
  if (found === undefined) {
    found = prepare(target);
    targets.set(target, found);
    found.then(
      (located) => targets.set(target, located),
      () => {},
    );
  }
  return found;
}

/** Runs a task; called by the pool. */
export default async function run(task: TaskMessage): Promise<TaskReply> {
  reporter.begin(task);
  try {
    return await answer(task);
  } finally {
    reporter.end();
  }
}

async function answer({ target, jobs }: TaskMessage): Promise<TaskReply> {
  let found = find(target);
  const failed = (error: unknown): TaskReply => {
    return { outcomes: jobs.map(() => unavailable(JSON.parse(target) as Target, error)), elapsed: 0 };
  };
  if (found instanceof Promise) {
    try {
      found = await found;
    } catch (error) {
      return failed(error);
    }
  }
  const ready = found;
  reporter.known = ready.known;
  const work = (): Promise<TaskReply> => runJobs(ready, jobs);
  return afterLeftovers(ready.isProgram ? () => unlessRefused(work).catch(failed) : work);
}

/** Runs jobs one after the other. */
async function runJobs(found: Ready, jobs: readonly JobMessage[]): Promise<TaskReply> {
  const beganAt = performance.now();
  const outcomes: Outcome[] = [];
  const moved: object[] = [];
  for (const job of jobs) {
    // No await where none is needed: V8 optimizes long loops late in code that an await has put off.
    const told = reporter.enter();
    if (told !== undefined) await told;
    const outcome = await runJob(found, job);
    outcomes.push(isMainThread ? outcome : takeMoved(found.label, outcome, moved, jobs.length === 1));
  }
  const reply: TaskReply = { outcomes, elapsed: performance.now() - beganAt };
  if (moved.length === 0) return reply;
  const transferable = { [Tinypool.transferableSymbol]: moved, [Tinypool.valueSymbol]: reply };
  return Tinypool.move(transferable as never) as unknown as TaskReply;
}

function unavailable(target: Target, error: unknown): Outcome {
  if (error instanceof NotFound) return { problem: error.message };
  const why = isError(error) ? error.message : String(error);
  const what = isRefusal(error) ? '' : `a worker could not load ${target.module}: `;
  const problem = `${target.label}: ${what}${why}`;
  return { problem, cause: encodeError(error, bareClasses, cross) };
}

async function runJob({ label, call, known }: Ready, job: JobMessage): Promise<Outcome> {
  let value: unknown;
  try {
    const error = job.error && decodeError(job.error, known, '');
    value = await call(job, { attempt: job.attempt, hedge: job.hedge ?? 0, signal: undefined, error });
  } catch (thrown) {
    return attempted(`${label}: what it threw cannot be read`, () => {
      explainPrivate(thrown);
      return { thrown: encodeError(thrown, known, cross) };
    });
  }
  return attempted(`${label}: what it returned cannot be cloned`, () => {
    const obstacle = findObstacle(value, 'result', cross);
    return obstacle === undefined ? { value } : refused(label, obstacle);
  });
}

/** Moves what is marked out of an outcome, into a copy: a port that cannot be sent would take the worker along. */
function takeMoved(label: string, outcome: Outcome, moved: object[], isAlone: boolean): Outcome {
  const list = transferListOf(takeMarked(outcome));
  if (list.length === 0) return outcome;
  // Buffers of a single call go as they are: no call comes in between, and none of them is refused.
  if (isAlone && list.every((each) => each instanceof ArrayBuffer)) {
    for (const each of list) moved.push(each);
    return outcome;
  }
  return attempted(`${label}: what came of it cannot be moved`, () => {
    try {
      const [copy, taken] = structuredClone([outcome, list] as const, { transfer: list as Transferable[] });
      moved.push(...taken);
      return copy;
    } catch (error) {
      const obstacle = 'value' in outcome ? findObstacle(outcome.value, 'result', cross) : undefined;
      if (obstacle === undefined) throw error;
      return refused(label, obstacle);
    }
  });
}

const refused = (label: string, obstacle: Obstacle): Outcome => ({ problem: `${label}: ${describe(obstacle)}` });

/** An outcome; where it cannot be had, that is the problem of its job alone, and of no neighbour in the batch. */
function attempted(problem: string, outcome: () => Outcome): Outcome {
  try {
    return outcome();
  } catch (error) {
    return { problem: `${problem}: ${isError(error) ? error.message : String(error)}` };
  }
}
