import { fileURLToPath } from 'node:url';
import { processAll, shutdown } from 'opero';
import { Tinypool } from 'tinypool';
import { keep, race, sequential, timeOf } from '../measure.js';
import { rowsOf, type Section } from '../section.js';
import { burn, threads, Work } from './work.js';

/** How many turns take so many milliseconds on this machine. */
async function turnsFor(milliseconds: number): Promise<number> {
  const task = (count: number): void => keep(burn(count));
  await timeOf(task, 1e7);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) best = Math.min(best, await timeOf(task, 1e7));
  return Math.round((1e7 / best) * milliseconds);
}

/** Both pools, their workers started. */
async function withPools(run: (work: Work, pool: Tinypool) => Promise<void>): Promise<void> {
  const filename = fileURLToPath(new URL('./work.js', import.meta.url));
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  const work = new Work();
  try {
    await Promise.all([1, 2, 3, 4].map(() => work.burn(1e6)));
    await Promise.all([1, 2, 3, 4].map(() => pool.run(1e6)));
    await run(work, pool);
  } finally {
    await Promise.all([pool.destroy(), shutdown()]);
  }
}

/** A call at a time, or as many as there are threads. */
function callSection(title: string, milliseconds: number): Section {
  return {
    title,
    async measure({ quick }) {
      const turns = milliseconds === 0 ? 0 : await turnsFor(milliseconds);
      let times = { opero: 0, 'raw tinypool': 0 };
      await withPools(async (work, pool) => {
        times = await race(
          { opero: sequential(() => work.burn(turns)), 'raw tinypool': sequential(() => pool.run(turns)) },
          { rounds: quick ? 15 : 60, warmUp: 5, count: milliseconds === 0 ? 200 : 40 },
        );
      });
      const ratio = times.opero / times['raw tinypool'];
      return { rows: rowsOf(times), ...(milliseconds > 0 && { figures: { workerCall: ratio } }) };
    },
  };
}

const batchSection: Section = {
  title: '20,000 tiny items on two workers, per item',
  async measure({ quick }) {
    let times = { opero: 0, 'raw tinypool, one run each': 0 };
    await withPools(async (work, pool) => {
      const items = (count: number): number[] => Array.from({ length: count }, (_, i) => i % 8);
      times = await race(
        {
          opero: async (count) => {
            for (const value of await processAll(work, 'burn', items(count))) keep(value);
          },
          'raw tinypool, one run each': async (count) => {
            for (const value of await Promise.all(items(count).map((item) => pool.run(item)))) keep(value);
          },
        },
        { rounds: quick ? 3 : 7, warmUp: 1, count: 20_000 },
      );
    });
    return { rows: rowsOf(times), figures: { batches: times['raw tinypool, one run each'] / times.opero } };
  },
};

const taskSection: Section = {
  title: '64 tasks of 20 ms on two workers, per task',
  async measure({ quick }) {
    const turns = await turnsFor(20);
    let times = { opero: 0, inline: 0, 'raw tinypool': 0 };
    await withPools(async (work, pool) => {
      const tasks = (count: number): number[] => new Array(count).fill(turns);
      times = await race(
        {
          opero: async (count) => {
            for (const value of await processAll(work, 'burn', tasks(count))) keep(value);
          },
          inline: (count) => {
            for (const task of tasks(count)) keep(burn(task));
          },
          'raw tinypool': async (count) => {
            for (const value of await Promise.all(tasks(count).map((task) => pool.run(task)))) keep(value);
          },
        },
        { rounds: quick ? 3 : 7, warmUp: 1, count: 64 },
      );
    });
    return { rows: rowsOf(times), figures: { tasks: times.inline / times.opero } };
  },
};

export const workerSections: Section[] = [
  callSection('a cpuBound call with 1 ms of work, one after the other', 1),
  callSection('a cpuBound call with no work, one after the other', 0),
  batchSection,
  taskSection,
];
