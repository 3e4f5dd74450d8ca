/** Does a thing `count` times. */
export type Task = (count: number) => unknown;

/** How a run of the bench goes about it. */
export interface Pace {
  readonly quick: boolean;
}

let sink = 0;

/** Uses a result, so that no compiler may leave out what led to it. */
export const keep = (value: unknown): void => {
  sink = (sink + Number(value)) | 0;
};

/** What was kept, to be looked at once at the end of the program. */
export const kept = (): number => sink;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Calls a function one call after the other. */
export const sequential =
  (fn: (value: number) => PromiseLike<unknown>): Task =>
  async (count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += (await fn(i)) as number;
    keep(sum);
  };

/** Makes all the calls at once. */
export const crowd =
  (fn: (value: number) => PromiseLike<unknown>): Task =>
  async (count) => {
    const calls: PromiseLike<unknown>[] = [];
    for (let i = 0; i < count; i++) calls.push(fn(i));
    for (const value of await Promise.all(calls)) keep(value);
  };

/** The time that a task takes, in milliseconds. */
export async function timeOf(task: Task, count: number): Promise<number> {
  const begin = performance.now();
  await task(count);
  return performance.now() - begin;
}

/** Collects garbage, where the program was started with --expose-gc, so that nobody pays for another's. */
export const collectGarbage = (type: 'minor' | 'major'): void => {
  const gc = globalThis.gc as undefined | ((options: { type: string; execution: string }) => void);
  gc?.({ type, execution: 'sync' });
};

export interface RaceOptions {
  readonly rounds: number;
  /** Rounds before those that count. */
  readonly warmUp?: number;
  /** How often each task does its thing in a round; left out: as often as fits into `slice`. */
  readonly count?: number;
  /** How long a round of one task should take, in milliseconds. */
  readonly slice?: number;
}

/** How often a task does its thing within a slice of time, once it is warm. A pause of the machine does not count. */
async function countWithin(task: Task, slice: number): Promise<number> {
  let count = 1;
  for (;;) {
    let time = await timeOf(task, count);
    for (let again = 0; again < 2 && time >= slice / 2; again++) time = Math.min(time, await timeOf(task, count));
    if (time >= slice / 2) return Math.max(1, Math.round((count * slice) / time));
    count *= 2;
  }
}

/**
 * Lets tasks take turns, round by round, each round beginning with another of them. Gives the median time of one thing
 * for each task, in nanoseconds.
 */
export async function race<Name extends string>(
  tasks: Record<Name, Task>,
  { rounds, warmUp = 3, count, slice = 5 }: RaceOptions,
): Promise<Record<Name, number>> {
  const lanes: { name: Name; task: Task; count: number; times: number[] }[] = [];
  for (const name of Object.keys(tasks) as Name[]) {
    const task = tasks[name];
    lanes.push({ name, task, count: count ?? (await countWithin(task, slice)), times: [] });
  }
  // Once, and not in each round: the engine drops the code of functions that no call is using then, such as the closures
  // that calls make, and all would be measured while it is made again.
  collectGarbage('major');
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < lanes.length; turn++) {
      const lane = lanes[(turn + round + warmUp) % lanes.length];
      collectGarbage('minor');
      const time = await timeOf(lane.task, lane.count);
      if (round >= 0) lane.times.push((time * 1e6) / lane.count);
    }
  }
  return Object.fromEntries(lanes.map(({ name, times }) => [name, median(times)])) as Record<Name, number>;
}

/** Lets measurements in processes of their own take turns, round by round. Gives the median of each. */
export async function inTurns<Name extends string>(
  measures: Record<Name, () => Promise<number>>,
  rounds: number,
): Promise<Record<Name, number>> {
  const lanes = Object.entries<() => Promise<number>>(measures);
  const values: Record<string, number[]> = Object.fromEntries(lanes.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < lanes.length; turn++) {
      const [name, measure] = lanes[(turn + round) % lanes.length];
      values[name].push(await measure());
    }
  }
  const medians = Object.entries(values).map(([name, each]) => [name, median(each)]);
  return Object.fromEntries(medians) as Record<Name, number>;
}
