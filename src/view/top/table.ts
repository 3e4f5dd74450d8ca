import { stripVTControlCharacters } from 'node:util';
import type { Counted, MethodState } from '../protocol.js';
import { ago, count, nameOf, rate, time, usedOf } from '../words.js';

/** Colours and the like by what they mean. */
const codes = { dim: [2, 22], bold: [1, 22], bad: [31, 39], warn: [33, 39], good: [32, 39], reverse: [7, 27] } as const;

/** How a text is to look; it is left as it is where no terminal is. */
export type Style = keyof typeof codes;
export type Paint = (style: Style, text: string) => string;

export const painted: Paint = (style, text) => `\x1b[${codes[style][0]}m${text}\x1b[${codes[style][1]}m`;
export const plain: Paint = (_, text) => text;

/** A name that the program gave, without what would command the terminal. */
export const harmless = (text: string): string => stripVTControlCharacters(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�');

/** Fits a text into so many columns. */
function fit(text: string, width: number, isRight: boolean): string {
  const characters = [...text];
  if (characters.length > width) return `${characters.slice(0, width - 1).join('')}…`;
  const room = ' '.repeat(width - characters.length);
  return isRight ? room + text : text + room;
}

/** A column of a table of such rows. */
export interface ColumnOf<Row> {
  readonly head: string;
  readonly width: number;
  /** Those that are left out first where the terminal is narrow have the highest. */
  readonly priority: number;
  readonly text: (row: Row, now: number) => string;
  readonly style?: (row: Row) => Style | undefined;
  /** What the largest stand first by; by name, if there is none. */
  readonly value?: (row: Row) => number;
  /** Whether it stands to the right, as numbers do. */
  readonly isNumeric?: boolean;
}

/** A column of the methods. */
export type Column = ColumnOf<MethodState>;

/** Rows of a kind: their columns, and the name that stands before these. */
export interface TableKind<Row> {
  readonly head: string;
  readonly columns: readonly ColumnOf<Row>[];
  readonly name: (row: Row) => string;
}

const reasons = (total: number, by: Counted): string => {
  const [top] = by;
  return top === undefined || total === 0 ? count(total) : `${count(total)} ${top[0]}`;
};
const badness = { isolated: 3, open: 2, 'half-open': 1, closed: 0 };
const looks: Readonly<Record<keyof typeof badness, Style>> = {
  closed: 'good',
  'half-open': 'warn',
  open: 'bad',
  isolated: 'bad',
};
const isFull = (method: MethodState): boolean => method.limit > 0 && usedOf(method) >= method.limit;

/** The columns after that of the name, in their order. */
export const columns: readonly Column[] = [
  { head: 'calls/s', width: 7, priority: 0, text: (m) => rate(m.rate), value: (m) => m.rate },
  { head: 'p50', width: 7, priority: 2, text: (m) => time(m.p50), value: (m) => m.p50 ?? -1 },
  { head: 'p99', width: 7, priority: 1, text: (m) => time(m.p99), value: (m) => m.p99 ?? -1 },
  { head: 'run', width: 5, priority: 1, text: (m) => count(m.running), value: (m) => m.running },
  { head: 'queue', width: 5, priority: 1, text: (m) => count(m.queued), value: (m) => m.queued },
  {
    head: 'limit',
    width: 9,
    priority: 2,
    text: (m) => (m.limit > 0 ? `${count(usedOf(m))}/${count(m.limit)}` : '–'),
    style: (m) => (isFull(m) ? 'warn' : undefined),
    value: (m) => (m.limit > 0 ? usedOf(m) / m.limit : -1),
  },
  {
    head: 'circuit',
    width: 9,
    priority: 0,
    text: (m) => m.circuit ?? '–',
    style: (m) => m.circuit && looks[m.circuit],
    value: (m) => (m.circuit === undefined ? -1 : badness[m.circuit]),
  },
  { head: 'retries', width: 16, priority: 3, text: (m) => reasons(m.retries, m.retriesBy), value: (m) => m.retries },
  {
    head: 'rejected',
    width: 16,
    priority: 3,
    text: (m) => reasons(m.rejected, m.rejectedBy),
    value: (m) => m.rejected,
  },
  { head: 'fallb.', width: 6, priority: 4, text: (m) => count(m.fallbacks), value: (m) => m.fallbacks },
  {
    head: 'last error',
    width: 22,
    priority: 2,
    text: ({ lastError }, now) => (lastError === undefined ? '–' : `${lastError.name} ${ago(now - lastError.at)}`),
    value: ({ lastError }) => lastError?.at ?? -1,
  },
];

const leastName = 24;
const gap = 2;

/** The columns that there is room for, in their order. */
function fitting<Row>(columns: readonly ColumnOf<Row>[], width: number): readonly ColumnOf<Row>[] {
  let shown = [...columns];
  const taken = (): number => shown.reduce((sum, column) => sum + gap + column.width, leastName);
  while (shown.length > 1 && taken() > width) {
    const last = Math.max(...shown.map(({ priority }) => priority));
    const at = shown.findLastIndex(({ priority }) => priority === last);
    shown = shown.filter((_, index) => index !== at);
  }
  return shown;
}

const isToTheRight = <Row>({ head, isNumeric }: ColumnOf<Row>): boolean =>
  isNumeric ?? /^(calls|p\d|run|queue|fallb)/.test(head);

const methodTable: TableKind<MethodState> = {
  head: 'method',
  columns,
  name: (method) => `${method.static ? 'static ' : ''}${nameOf(method)}`,
};

/** The methods as lines of a table, the head first, none wider than that. `sorted`: the column that it is sorted by. */
export const tableOf = (
  methods: readonly MethodState[],
  now: number,
  width: number,
  paint: Paint,
  sorted?: Column,
): readonly string[] => linesOf(methodTable, methods, now, width, paint, sorted);

/** The same of any rows. */
export function linesOf<Row>(
  { head: title, columns: all, name: nameOfRow }: TableKind<Row>,
  rows: readonly Row[],
  now: number,
  width: number,
  paint: Paint,
  sorted?: ColumnOf<Row>,
): readonly string[] {
  const shown = fitting(all, width);
  const nameWidth = width - shown.reduce((sum, column) => sum + gap + column.width, 0);
  const head = shown.map((column) => {
    const text = fit(column.head, column.width, isToTheRight(column));
    return column === sorted ? paint('reverse', text) : paint('dim', text);
  });
  const lineOf = (row: Row): string => {
    const cells = shown.map((column) => {
      const text = fit(harmless(column.text(row, now)), column.width, isToTheRight(column));
      const style = column.style?.(row) ?? (/^\s*(0|–)\s*$/.test(text) ? 'dim' : undefined);
      return style === undefined ? text : paint(style, text);
    });
    const name = fit(harmless(nameOfRow(row)), nameWidth, false);
    return [name, ...cells].join(' '.repeat(gap)).trimEnd();
  };
  const first = [paint('dim', fit(title, nameWidth, false)), ...head].join(' '.repeat(gap));
  return [first.trimEnd(), ...rows.map(lineOf)];
}

const collator = new Intl.Collator('en', { numeric: true });

/** The methods in order: by a column the largest first, or by name. */
export function inOrder(methods: Iterable<MethodState>, by: Column | undefined): MethodState[] {
  const byName = (one: MethodState, other: MethodState): number => collator.compare(nameOf(one), nameOf(other));
  const value = by?.value;
  if (value === undefined) return [...methods].sort(byName);
  // What is not known stands last.
  const known = (method: MethodState): number => (Number.isNaN(value(method)) ? -1 : value(method));
  return [...methods].sort((one, other) => known(other) - known(one) || byName(one, other));
}
