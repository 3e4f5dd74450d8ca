import type { Line } from './lines.js';
import type { Paint } from './paint.js';
import type { Summary } from './summary.js';

/** The summary for people, no wider than `columns` where the notes can be put below their lines. */
export function showSummary(
  { promises, kept }: Pick<Summary, 'promises' | 'kept'>,
  columns: number,
  paint: Paint,
): string {
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

/** What became of the calls and of the requests that they made, in sentences. */
export function showCalls({ calls, outcomes, requests, answers, outage }: Summary): string {
  const { succeeded, fallback, cancelled, failed } = outcomes;
  const count = (key: string): number => answers[key] ?? 0;
  const statuses = ['503', '429', '404'].map((status) => `${count(status)} with a ${status}`).join(', ');
  const good = count('ok') + count('slow') + count('gather');
  return [
    `Of ${calls} calls ${succeeded} succeeded, ${fallback} got the answer of a fallback, ${cancelled} were cancelled by the demo,`,
    `and ${failed} failed with a 404, which no retry helps. They made ${requests} requests. The server answered ${good} of`,
    `them well, and failed the others on purpose: ${statuses}, ${count('reset')} by cutting the connection,`,
    `${count('hung up')} by never answering. In the midst it was down for ${(outage / 1000).toFixed(1)} s.`,
  ].join(' ');
}

/** Breaks lines between words. */
export const wrap = (text: string, columns: number): string =>
  text.replace(new RegExp(`(.{1,${columns}})(?: |$)`, 'g'), '$1\n').trimEnd();
