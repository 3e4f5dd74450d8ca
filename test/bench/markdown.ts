import { readFile, writeFile } from 'node:fs/promises';
import type { Heading } from './heading.js';
import { type Result, show, showRatio, targetsText, type Verdict } from './report.js';

/** The page of the figures, beside the source of this file. */
const page = new URL('../../../test/bench/README.md', import.meta.url);

/** The Node that the table of the page stands for; of others it has the targets alone. */
const isReference = ({ node }: Heading): boolean => node.startsWith('20.');

/** The newest Node that opero is tested on. */
const newest = 26;

/** Breaks a paragraph into lines of at most 120 characters. */
const wrapped = (text: string): string => text.replace(/(.{1,120})(?: +|$)/g, '$1\n').trimEnd();

function headingOf({ machine, cores, memoryGb, node, versions }: Heading): string {
  const { opero, ...others } = versions;
  const peers = Object.entries(others).map(([name, version]) => `${name} ${version}`);
  return wrapped(
    `opero ${opero} on Node ${node}; ${machine}; ${cores} cores, ${memoryGb} GB; medians of one run, interleaved. ` +
      `Beside it: ${peers.join(', ')}.`,
  );
}

function tableOf(results: readonly Result[]): string {
  const lines = results.flatMap(({ title, rows }) => [
    `| **${title}** | | |`,
    ...rows.map(({ name, value, unit, ratio }) => `| ${name} | ${show(value, unit)} | ${showRatio(ratio)} |`),
  ]);
  return ['| | median | to opero |', '| --- | --- | --- |', ...lines].join('\n');
}

const notesOf = (results: readonly Result[]): string =>
  results.flatMap(({ title, notes }) => notes.map((note) => `- ${title}: ${note}`)).join('\n');

const targetsOf = (verdicts: readonly Verdict[]): string => `\`\`\`text\n${targetsText(verdicts)}\n\`\`\``;

/** A run as it stands in the page: the heading, the table, the notes, the targets. */
export function markdownText(heading: Heading, results: readonly Result[], verdicts: readonly Verdict[]): string {
  const parts = [headingOf(heading)];
  if (isReference(heading)) parts.push(tableOf(results), notesOf(results));
  if (verdicts.length > 0) parts.push(targetsOf(verdicts));
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Puts a run into the page, in the place of the one before it under that Node. */
export async function writePage(heading: Heading, text: string): Promise<void> {
  const name = isReference(heading) ? 'bench' : 'bench, newest Node';
  if (!isReference(heading) && Number.parseInt(heading.node, 10) < newest) {
    throw new Error(`the page holds runs on Node 20 and on Node ${newest} or later, and this is ${heading.node}`);
  }
  const before = await readFile(page, 'utf8');
  const place = new RegExp(`(?<=<!-- ${name} -->\\n)[\\s\\S]*?(?=<!-- /${name} -->)`);
  if (!place.test(before)) throw new Error(`test/bench/README.md has no <!-- ${name} -->`);
  await writeFile(
    page,
    before.replace(place, () => `${text}\n`),
  );
}
