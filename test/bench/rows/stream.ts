import { processStream } from 'opero';
import { pMapIterable } from 'p-map';
import { childNumber } from '../children.js';
import { keep, race } from '../measure.js';
import { rowsOf, type Section } from '../section.js';
import { service } from './service.js';

function* numbers(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

const concurrency = 16;

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
            const results = pMapIterable(numbers(total), (item) => service.plain(item), { concurrency });
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
];
