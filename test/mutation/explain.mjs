/**
 * Reads the report of a mutation run. Prints the score, and each mutant that survived beside the reason why it may;
 * fails when one has no reason, or a reason has no mutant.
 */
import { readFileSync } from 'node:fs';
import { reasons } from './survivors.mjs';

const { files } = JSON.parse(readFileSync(process.argv[2] ?? 'out/mutation.json', 'utf8'));
const flat = (text) => text.trim().replace(/\s+/g, ' ');

/** The code that a mutant replaces. */
function codeOf(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines.push(lines.pop().slice(0, end.column - 1));
  lines[0] = lines[0].slice(start.column - 1);
  return flat(lines.join('\n'));
}

const mutants = Object.entries(files).flatMap(([file, { source, mutants }]) =>
  mutants.map(({ replacement = '', status, location }) => ({
    file: file.replace('src/', ''),
    line: location.start.line,
    code: codeOf(source, location),
    to: flat(replacement),
    status,
  })),
);
const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
const noticed = count('Killed', 'Timeout');
const left = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');

const used = new Set();
/** A reason names the file, the code, and what it becomes; without that, whatever it becomes. */
function reasonFor({ file, code, to }) {
  for (const { why, of } of reasons) {
    const found = of.find(
      ([inFile, from, into]) => file === inFile && code === from && (into === undefined || to === into),
    );
    if (found === undefined) continue;
    used.add(found);
    return why;
  }
  return undefined;
}

const explained = new Map();
const unexplained = [];
for (const mutant of left) {
  const why = reasonFor(mutant);
  const text = `  ${mutant.file}:${mutant.line} ${mutant.code} -> ${mutant.to}`;
  if (why === undefined) unexplained.push(text);
  else explained.set(why, [...(explained.get(why) ?? []), text]);
}
for (const [why, texts] of explained) console.log(`${why}\n${texts.join('\n')}\n`);
const stale = reasons.flatMap(({ of }) => of.filter((each) => !used.has(each)));
for (const each of stale) console.log(`A reason without a mutant: ${each.join(' | ')}`);
if (unexplained.length > 0) console.log(`Without a reason:\n${unexplained.join('\n')}`);
const share = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
console.log(
  `${mutants.length} mutants: ${noticed} noticed (${share(noticed, noticed + left.length)}), ` +
    `${count('Timeout')} of them by a time limit; ${left.length} survived, ${left.length - unexplained.length} of them for a reason`,
);
if (unexplained.length > 0 || stale.length > 0) process.exitCode = 1;
