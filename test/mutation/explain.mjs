/**
 * Reads the report of a mutation run. Prints the score, and each mutant that survived beside the reason why it may;
 * fails when one has no reason, or a reason has not as many mutants as it says. Reasons for files that were not changed in
 * this run are left aside.
 */
import { readFileSync } from 'node:fs';
import { marginOf } from './choice.mjs';
import { judge } from './judge.mjs';
import { reasons } from './survivors.mjs';

const report = JSON.parse(readFileSync(process.argv[2] ?? 'out/mutation.json', 'utf8'));
const { total, leftOut, noticed, timedOut, survived, explained, unexplained, miscounted } = judge(report, reasons);
const list = (texts) => texts.map((text) => `  ${text}`).join('\n');

for (const [why, texts] of explained) if (texts.length > 0) console.log(`${why}\n${list(texts)}\n`);
if (miscounted.length > 0) console.log(`Reasons with another number of mutants:\n${list(miscounted)}`);
if (unexplained.length > 0) console.log(`Without a reason:\n${list(unexplained)}`);
const share = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
console.log(
  `${total} mutants: ${noticed} noticed (${share(noticed, noticed + survived)}), ` +
    `${timedOut} of them by a time limit; ${survived} survived, ${survived - unexplained.length} of them for a reason`,
);
if (leftOut > 0) console.log(`${leftOut} others were left out`);
if (leftOut > 0 && process.env.SAMPLE) {
  const margin = (100 * marginOf(noticed, noticed + survived, total + leftOut)).toFixed(1);
  console.log(`of all, the share is that of the random sample ± ${margin} points, in 95 of 100 samples`);
}
if (unexplained.length > 0 || miscounted.length > 0) process.exitCode = 1;
