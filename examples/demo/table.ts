import type { Paint } from './paint.js';
import type { Line } from './promises.js';
import type { Summary } from './summary.js';

/** The summary for people, no wider than `columns` where the notes can be put below their lines. */
export function showSummary(summary: Summary, columns: number, paint: Paint): string {
  const { promises, kept } = summary;
  const heads: Line = { what: '', promised: 'promised', seen: 'seen', note: '', kept: true };
  const width = (name: 'what' | 'promised' | 'seen'): number =>
    Math.max(...[heads, ...promises].map((each) => each[name].length));
  const widths = { what: width('what'), promised: width('promised'), seen: width('seen') };
  const cells = ({ what, promised, seen }: Line): string =>
    `${what.padEnd(widths.what)}  ${promised.padStart(widths.promised)}  ${seen.padStart(widths.seen)}`;
  const lines = [`  ${paint('bold', cells(heads))}`];
  const used = 6 + widths.what + widths.promised + widths.seen;
  for (const each of promises) {
    const mark = each.kept ? paint('green', '✓') : paint('red', '✗');
    const row = `${mark} ${each.kept ? cells(each) : paint('red', cells(each))}`;
    const beside = used + each.note.length <= columns;
    if (each.note === '') lines.push(row);
    else if (beside) lines.push(`${row}  ${paint('dim', each.note)}`);
    else lines.push(row, `    ${paint('dim', each.note)}`);
  }
  const broken = promises.filter((each) => !each.kept).length;
  const verdict = kept
    ? paint('green', `All ${promises.length} promises were kept.`)
    : paint('red', `${broken} of ${promises.length} promises were broken.`);
  return [...lines, '', verdict].join('\n');
}

/** What the server did, in two sentences, each on its line. */
export function showServer({ requests, answers }: Summary): string {
  const count = (key: string): number => answers[key] ?? 0;
  const faults = ['503', '429', '404'].map((status) => `${count(status)} × ${status}`).join(', ');
  return [
    `The server saw ${requests} requests. Answers: ${count('ok')} at once, ${count('slow')} late, ${count('gather')} together.`,
    `Faults: ${faults}, ${count('reset')} resets, ${count('hung up')} stalls until hung up on.`,
  ].join('\n');
}
