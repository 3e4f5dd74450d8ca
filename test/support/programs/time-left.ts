// Works on items that end when a fake clock says so, and prints what the bar said, and when.
// Argument: how the items end.
//   even: one a second.
//   bursts: four at once every four seconds.
//   uneven: five quick ones, one a tenth of a second, then one that takes five and a half seconds, and so on.
//   slower: two a second for the first half, then one in two seconds.
import { install } from '@sinonjs/fake-timers';
import { processAll, retry } from 'opero';
import { flush } from '../clock.js';
import { Steps } from '../items.js';

const clock = install({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
const frames: [time: number, done: number, text: string][] = [];
let done = 0;

Object.assign(process.stderr, {
  isTTY: true,
  columns: 120,
  write: (text: string) => {
    frames.push([performance.now(), done, text]);
    return true;
  },
});

class Service {
  readonly steps = new Steps<number>();
  @retry(1)
  async step(item: number): Promise<unknown> {
    return this.steps.begin(item);
  }
}

const total = 120;
const ways: Record<string, (item: number) => number> = {
  even: () => 1000,
  bursts: (item) => (item % 4 === 0 ? 4000 : 0),
  uneven: (item) => (item % 6 === 5 ? 5500 : 100),
  slower: (item) => (item < total / 2 ? 500 : 2000),
};
const gap = ways[process.argv[2] as string] as (item: number) => number;

const service = new Service();
const items = Array.from({ length: total }, (_, i) => i);
const run = processAll(service, 'step', items, { concurrency: 4, progress: true });
// The code of the bar comes.
while (frames.length === 0) await flush();
for (const item of items) {
  for (let passed = 0; passed < gap(item); passed += 100) clock.tick(100);
  done++;
  await service.steps.end(item);
}
await run;
console.log(JSON.stringify(frames));
