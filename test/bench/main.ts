// npm run bench [-- --quick] [--json] [--only <pattern>]
import { parseArgs } from 'node:util';
import { headingText, readHeading } from './heading.js';
import { markdownText, writePage } from './markdown.js';
import { kept } from './measure.js';
import { better, columnsText, compare, judge, type Result, sectionText, targetsText, type Verdict } from './report.js';
import { cacheSections } from './rows/caches.js';
import { callSections } from './rows/calls.js';
import { circuitSections } from './rows/circuits.js';
import { crowdSections } from './rows/crowd.js';
import { eventSections } from './rows/events.js';
import { jobSections } from './rows/jobs.js';
import { limitSections } from './rows/limits.js';
import { rateSections } from './rows/rate.js';
import { retrySections } from './rows/retries.js';
import { seenSections } from './rows/seen.js';
import { setupSections } from './rows/setup.js';
import { storeSections } from './rows/stores.js';
import { streamSections } from './rows/stream.js';
import { workerSections } from './rows/workers.js';
import type { Section } from './section.js';
import { targets } from './targets.js';

/** How often a quick run measures a section that loses a target: what else runs on the machine may slow one down. */
const tries = 4;

const usage = `Usage: npm run bench [-- options]
  --quick           few rounds; exits with 1 when a target is missed by more than a third
                    (an open one: of what is demanded meanwhile), by each of up to ${tries} measurements
  --json            prints one JSON document in place of the table
  --markdown        prints Markdown in place of the table, as test/bench/README.md has it
  --readme          puts that into that page too: the whole of it on Node 20, on others the targets alone
  --only <pattern>  only the sections whose title matches this regular expression
  --list            prints the titles`;

const sections = [
  ...callSections,
  ...circuitSections,
  ...cacheSections,
  ...streamSections,
  ...crowdSections,
  ...rateSections,
  ...retrySections,
  ...limitSections,
  ...eventSections,
  ...storeSections,
  ...setupSections,
  ...seenSections,
  ...workerSections,
  ...jobSections,
];

function readArguments() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      readme: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  });
  const only = new RegExp(values.only, 'i');
  const chosen = sections.filter(({ title }) => only.test(title));
  if (chosen.length === 0) throw new Error(`no section's title matches ${only}`);
  if (values.readme && (values.quick || values.only !== '')) throw new Error('--readme is for a whole run');
  if (values.json && values.markdown) throw new Error('--json and --markdown are one output or the other');
  return { ...values, chosen };
}

async function measureOnce({ title, measure }: Section, quick: boolean) {
  const outcome = await measure({ quick });
  const result: Result = { title, rows: compare(outcome), notes: outcome.notes ?? [] };
  return { result, judged: judge(outcome) };
}

async function main(): Promise<void> {
  const { quick, json, markdown, readme, list, help, chosen } = readArguments();
  if (help) return console.log(usage);
  if (list) return console.log(chosen.map(({ title }) => title).join('\n'));
  const say = (text: string): void => (json || markdown ? undefined : console.log(text));
  const heading = await readHeading();
  say(headingText(heading));
  say(columnsText());
  const results: Result[] = [];
  const verdicts: Verdict[] = [];
  for (const section of chosen) {
    let { result, judged } = await measureOnce(section, quick);
    say(sectionText(result));
    for (let left = quick ? tries - 1 : 0; left > 0 && judged.some(({ lost }) => lost); left--) {
      const again = await measureOnce(section, quick);
      result = again.result;
      judged = better(judged, again.judged);
      say(sectionText(result));
    }
    results.push(result);
    verdicts.push(...judged);
  }
  if (verdicts.length > 0) say(`\n${targetsText(verdicts)}`);
  if (json) {
    const judged = verdicts.map((verdict) => ({ ...verdict, ...targets[verdict.name] }));
    console.log(JSON.stringify({ ...heading, quick, sections: results, targets: judged }, null, 2));
  }
  const text = markdownText(heading, results, verdicts);
  if (markdown) console.log(text);
  if (readme) await writePage(heading, text);
  if (quick && verdicts.some(({ lost }) => lost)) process.exitCode = 1;
  // Reading it here is what keeps the results of all calls alive.
  if (Number.isNaN(kept())) throw new Error('a call gave no number');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 2;
}
