// npm run bench:adaptive [-- --readme]
import { readFile, writeFile } from 'node:fs/promises';
import { plotOf } from './plot.js';
import { type Simulated, shareOfBest, tableOf } from './report.js';
import { phases, simulate } from './simulate.js';

const seed = 1;
const readme = process.argv.includes('--readme');
const folder = new URL('../../../../test/bench/', import.meta.url);

const adaptive = (targetLatency: number) => ({ targetLatency });
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const limits = { 'adaptive, target 60 ms': adaptive(60), 'fixed at 10': 10, 'fixed at 40': 40, 'fixed at 200': 200 };
const all: Simulated[] = [];
for (const [name, limit] of Object.entries(limits)) all.push({ name, seen: await simulate(limit, seed) });

const others: string[] = [];
for (const target of [30, 40, 60, 80, 100, 150]) {
  const seen = await simulate(adaptive(target), seed);
  others.push(`${target} ms ${percent(shareOfBest(phases, { name: '', seen }))}`);
}
const seeds: string[] = [];
for (const each of [2, 3, 4, 5]) {
  seeds.push(percent(shareOfBest(phases, { name: '', seen: await simulate(adaptive(60), each) })));
}

const text = [
  tableOf(phases, all),
  `By target, of the best where too much: ${others.join(', ')}.`,
  `With other seeds, at 60 ms: ${seeds.join(', ')}.`,
].join('\n\n');
console.log(text);
if (readme) {
  const page = new URL('README.md', folder);
  const before = await readFile(page, 'utf8');
  const place = /(?<=<!-- adaptive -->\n)[\s\S]*?(?=<!-- \/adaptive -->)/;
  if (!place.test(before)) throw new Error('test/bench/README.md has no <!-- adaptive -->');
  await writeFile(
    page,
    before.replace(place, () => `${text}\n`),
  );
  await writeFile(new URL('adaptive.svg', folder), plotOf(phases, all));
}
