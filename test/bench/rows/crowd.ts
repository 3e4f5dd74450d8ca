import Bottleneck from 'bottleneck';
import { concurrency } from 'opero';
import pLimit from 'p-limit';
import { childNumber, childNumberUnder } from '../children.js';
import { crowd, inTurns, keep, median, race, type Task, timeOf } from '../measure.js';
import { cockatiel, PQueue } from '../newest.js';
import { rowsOf, type Section } from '../section.js';
import { boundedBy } from './peers.js';
import { service } from './service.js';

const size = 10_000;

export type Library = 'opero' | 'p-limit' | 'p-queue' | 'cockatiel';

const plain = (value: number): Promise<number> => service.plain(value);

const throughLimit = (): Record<Library, Task> => {
  const limit = pLimit(10);
  const queue = new PQueue({ concurrency: 10 });
  const bulk = cockatiel.bulkhead(10, Number.MAX_SAFE_INTEGER);
  return {
    opero: crowd((value) => service.limited(value)),
    'p-limit': crowd((value) => limit(plain, value)),
    'p-queue': crowd((value) => queue.add(() => service.plain(value))),
    cockatiel: crowd((value) => bulk.execute(() => service.plain(value))),
  };
};

/**
 * What the process that calls this finds for a library alone, which is all that it has warmed up: the mean, so that what
 * collecting garbage takes counts as well. The crowds differ in size, or it might always come between two of them.
 */
export async function alone(library: Library): Promise<number> {
  const task = throughLimit()[library];
  let time = 0;
  let calls = 0;
  for (let round = -10; round < 50; round++) {
    const count = size / 2 + (size * ((round + 10) % 11)) / 10;
    const taken = await timeOf(task, count);
    if (round < 0) continue;
    time += taken;
    calls += count;
  }
  return (time * 1e6) / calls;
}

const inOwnProcess = (quick: boolean): Promise<Record<'opero' | 'p-limit' | 'cockatiel', number>> =>
  inTurns(
    {
      opero: () => childNumber('crowd', 'opero'),
      'p-limit': () => childNumber('crowd', 'p-limit'),
      cockatiel: () => childNumber('crowd', 'cockatiel'),
    },
    quick ? 1 : 5,
  );

/** What opero takes of the time of the fastest peer. */
const shareOf = ({ opero, ...peers }: Record<string, number>): number => opero / Math.min(...Object.values(peers));

const crowdSection: Section = {
  title: '10,000 callers at once through a limit of 10, per call',
  async measure({ quick }) {
    const times = await race(throughLimit(), { rounds: quick ? 5 : 15, warmUp: 2, count: size });
    // Each of its calls waits for several timers: 10,000 would take half a minute, at the same cost per call.
    const bottleneck = new Bottleneck({ maxConcurrent: 10 });
    const timed = crowd((value) => bottleneck.schedule(() => service.plain(value)));
    const slow = await race({ 'Bottleneck, 500 callers': timed }, { rounds: quick ? 1 : 3, warmUp: 0, count: 500 });
    const own = await inOwnProcess(quick);
    const ownRows = Object.entries(own).map(([name, time]): [string, number] => [
      `${name}, in a process of its own`,
      time,
    ]);
    return {
      rows: rowsOf({ ...times, ...slow, ...Object.fromEntries(ownRows) }),
      // In a process of its own the collections of garbage fall as they fall.
      figures: { crowd: shareOf(times), crowdAlone: shareOf(own) },
    };
  },
};

/** One crowd of 100,000, or a hundred of 1,000: the same number of calls in a round. */
function bySize(
  tasks: Record<string, Task>,
  sizes: readonly number[],
  rounds: number,
): Promise<Record<string, number>> {
  const sized = Object.entries(tasks).flatMap(([name, task]) =>
    sizes.map((each): [string, Task] => [
      `${name}, ${each.toLocaleString('en')}`,
      async (count) => {
        for (let done = 0; done < count; done += each) await task(each);
      },
    ]),
  );
  return race(Object.fromEntries(sized), { rounds, warmUp: 1, count: 100_000 });
}

const growthOf = (times: Record<string, number>): number => times['opero, 100,000'] / times['opero, 1,000'];

/** What the process that calls this finds for opero alone. */
export const growth = async (): Promise<number> =>
  growthOf(await bySize({ opero: throughLimit().opero }, [1000, 100_000], 15));

/** No library can go below it: a function that is no more than async, and lets everybody through. */
const unlimited = crowd(async (value) => {
  await undefined;
  return service.plain(value);
});

const growthSection: Section = {
  title: 'cost per call, by the size of the crowd',
  async measure({ quick }) {
    const { opero, 'p-limit': pLimit } = throughLimit();
    const tasks = { opero, 'p-limit': pLimit, 'an async function without a limit': unlimited };
    const times = await bySize(tasks, [1000, size, 100_000], quick ? 3 : 9);
    const roomy = await childNumberUnder(['--max-semi-space-size=256'], 'growth');
    return {
      rows: rowsOf(times),
      reference: 'opero, 1,000',
      figures: { crowdGrowth: growthOf(times), crowdGrowthRoomy: roomy },
    };
  },
};

/** Makes all the calls, and only then lets them end. */
const pending =
  (fn: (value: number, gate: Promise<void>) => PromiseLike<unknown>): Task =>
  async (count) => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const calls = Array.from({ length: count }, (_, value) => fn(value, gate));
    open();
    for (const value of await Promise.all(calls)) keep(value);
  };

const pendingSection: Section = {
  title: '10,000 calls pending at once under a timeout, per call',
  async measure({ quick }) {
    const plain = async (value: number, gate: Promise<void>): Promise<number> => {
      await gate;
      return value;
    };
    const { cockatiel: aggressive, opossum, mollitia } = boundedBy(plain);
    const tasks = {
      opero: pending((value, gate) => service.pending(value, gate)),
      cockatiel: pending(aggressive),
      opossum: pending(opossum),
      mollitia: pending(mollitia),
      'without a timeout': pending(plain),
    };
    return { rows: rowsOf(await race(tasks, { rounds: quick ? 5 : 15, warmUp: 3, count: size })) };
  },
};

class Gate {
  open = (): void => {};

  @concurrency(1)
  async pass(_signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.open = resolve;
    });
  }
}

/** Counts the promises that reject. */
async function rejected(waiters: readonly Promise<unknown>[]): Promise<void> {
  for (const { status } of await Promise.allSettled(waiters)) keep(status === 'rejected' ? 1 : 0);
}

/** From the abort to the last rejection; the waiters are there already. */
async function abortTime(enter: (signal: AbortSignal) => Promise<unknown>, signals: number): Promise<number> {
  const controllers = Array.from({ length: signals }, () => new AbortController());
  const waiters = Array.from({ length: size }, (_, i) => enter(controllers[i % signals].signal));
  const ended = rejected(waiters);
  const begin = performance.now();
  for (const controller of controllers) controller.abort();
  await ended;
  return performance.now() - begin;
}

const abortSection: Section = {
  title: 'abort of 10,000 callers who wait for a slot, per call',
  async measure({ quick }) {
    const gate = new Gate();
    const first = gate.pass();
    const queue = new PQueue({ concurrency: 1 });
    let open = (): void => {};
    const held = queue.add(() => new Promise<void>((resolve) => (open = resolve)));
    const pass = (signal: AbortSignal): Promise<unknown> => gate.pass(signal);
    const queued = (signal: AbortSignal): Promise<unknown> => queue.add(() => {}, { signal });
    const times: Record<string, number[]> = { opero: [], 'opero, one signal for all': [], 'p-queue': [] };
    for (let round = 0; round < (quick ? 5 : 15); round++) {
      times.opero.push(await abortTime(pass, size));
      times['opero, one signal for all'].push(await abortTime(pass, 1));
      times['p-queue'].push(await abortTime(queued, size));
    }
    gate.open();
    open();
    await Promise.all([first, held]);
    const medians = Object.entries(times).map(([name, each]) => [name, (median(each.slice(2)) * 1e6) / size]);
    return { rows: rowsOf(Object.fromEntries(medians)) };
  },
};

export const crowdSections: Section[] = [crowdSection, growthSection, pendingSection, abortSection];
