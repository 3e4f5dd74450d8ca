import { processStream } from 'opero';
import { pMapIterable } from 'p-map';
import { childNumber } from '../children.js';
import { keep, race, type Task } from '../measure.js';
import { rowsOf, type Section } from '../section.js';
import { service } from './service.js';

function* numbers(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

const concurrency = 16;

/** How many results may lie ready or be under way, for each item at once: p-map takes but one where nobody says so. */
const ahead = 4;

/** How long the source takes for an item, and the work as well, in milliseconds. */
const step = 5;

const afterStep = <Value>(value: Value): Promise<Value> =>
  new Promise((resolve) => setTimeout(() => resolve(value), step));

/** Gives each item a while after it was asked for it. */
async function* slowNumbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield await afterStep(i);
}

class Worker {
  work(item: number): Promise<number> {
    return afterStep(item);
  }
}

/** One item at a time, from a source that is as slow as the work on it. */
function slowSource(): Record<'opero' | 'p-map' | 'a loop by hand', Task> {
  const worker = new Worker();
  return {
    opero: async (total) => {
      for await (const value of processStream(worker, 'work', slowNumbers(total), { concurrency: 1 })) keep(value);
    },
    'p-map': async (total) => {
      const results = pMapIterable(slowNumbers(total), (item) => worker.work(item), {
        concurrency: 1,
        backpressure: ahead,
      });
      for await (const value of results) keep(value);
    },
    'a loop by hand': async (total) => {
      for await (const item of slowNumbers(total)) keep(await worker.work(item));
    },
  };
}

const slowSection: Section = {
  title: 'an async source as slow as the work, one item at a time, per item',
  async measure({ quick }) {
    const times = await race(slowSource(), { rounds: quick ? 3 : 5, warmUp: 1, count: 40 });
    return { rows: rowsOf(times), notes: [`the source takes ${step} ms for each item, and the work ${step} ms`] };
  },
};

export const streamSections: Section[] = [
  {
    title: 'a million items, sixteen at once, over a plain async method, per item',
    async measure({ quick }) {
      const count = quick ? 200_000 : 1_000_000;
      const times = await race(
        {
          opero: async (total) => {
            for await (const value of processStream(service, 'plain', numbers(total), { concurrency })) keep(value);
          },
          'opero, unordered': async (total) => {
            const options = { concurrency, ordered: false };
            for await (const value of processStream(service, 'plain', numbers(total), options)) keep(value);
          },
          'p-map': async (total) => {
            const results = pMapIterable(numbers(total), (item) => service.plain(item), {
              concurrency,
              backpressure: concurrency * ahead,
            });
            for await (const value of results) keep(value);
          },
        },
        { rounds: quick ? 3 : 5, warmUp: 1, count },
      );
      const growth = (await childNumber('stream', String(count))) / 1e6;
      return {
        rows: rowsOf(times),
        figures: { stream: times.opero / times['p-map'], streamHeap: Math.max(0, growth) },
        notes: [`heap growth over ${count.toLocaleString('en')} items: ${growth.toFixed(2)} MB`],
      };
    },
  },
  slowSection,
];
