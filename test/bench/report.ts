import type { Outcome, Row, Unit } from './section.js';
import { demandedOf, lost, shareOf, type Target, type TargetName, targets } from './targets.js';

/** A row with its comparison: how many times the value of the reference. */
export interface Compared extends Row {
  readonly ratio: number | undefined;
}

/** What a section came to. */
export interface Result {
  readonly title: string;
  readonly rows: readonly Compared[];
  readonly notes: readonly string[];
}

/** A target, and what was measured. */
export interface Verdict {
  readonly name: TargetName;
  readonly value: number;
  readonly met: boolean;
  /** Missed by more than a third, on a machine as slow as this one was. */
  readonly lost: boolean;
  readonly slowness: number;
}

/**
 * Rows are compared with the reference; where several rows of one unit tell of the same circumstances, with the reference
 * in these.
 */
export function compare({ rows, reference = 'opero' }: Outcome): Compared[] {
  return rows.map((row) => {
    const like = rows.filter(({ unit, name }) => unit === row.unit && kindOf(name) === kindOf(row.name));
    const inLike = like.length > 1 ? like.find(({ name }) => name.startsWith(reference)) : undefined;
    const base = inLike ?? rows.find(({ name }) => name === reference);
    return { ...row, ratio: base === undefined || base.value <= 0 ? undefined : row.value / base.value };
  });
}

/** What a row tells of its subject, where a section tells several things. */
const kindOf = (name: string): string => name.split(', ')[1] ?? '';

/** Units of time: what takes longer on a slower machine. */
const times: readonly string[] = ['ns', 'µs', 'ms'];

export function judge({ figures = {}, slowness = 1 }: Pick<Outcome, 'figures' | 'slowness'>): Verdict[] {
  return (Object.entries(figures) as [TargetName, number][]).map(([name, value]) => {
    const target: Target = targets[name];
    const met = shareOf(target, target.limit, value) <= 1;
    const slow = times.includes(target.unit) ? slowness : 1;
    // What could not be measured is missed as well.
    return {
      name,
      value,
      met,
      lost: !met && !(shareOf(target, demandedOf(target), value / slow) <= lost),
      slowness: slow,
    };
  });
}

/** Of each figure that was measured twice, the better one: what a machine in a hurry makes worse, it makes worse once. */
export const better = (verdicts: readonly Verdict[], again: readonly Verdict[]): Verdict[] =>
  verdicts.map((one) => {
    const other = again.find(({ name }) => name === one.name);
    return other === undefined || badness(one) <= badness(other) ? one : other;
  });

function badness({ name, value, slowness }: Verdict): number {
  const share = shareOf(targets[name], demandedOf(targets[name]), value / slowness);
  return Number.isNaN(share) ? Number.POSITIVE_INFINITY : share;
}

/** A value for people, with its unit. */
export function show(value: number, unit: Unit): string {
  if (unit === 'bytes') return `${value.toFixed(0)} B`;
  if (unit === 'timers') return value.toFixed(0);
  const ns = unit === 'ms' ? value * 1e6 : value;
  if (Math.abs(ns) >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`;
  return Math.abs(ns) >= 1e3 ? `${(ns / 1e3).toFixed(2)} µs` : `${ns.toFixed(0)} ns`;
}

export const showRatio = (ratio: number | undefined): string => (ratio === undefined ? '-' : ratio.toFixed(2));

const nameWidth = 46;
const cellWidth = 12;

/** The lines of one section: its title, its rows, what else there is to say. */
export function sectionText({ title, rows, notes }: Result): string {
  const lines = rows.map(({ name, value, unit, ratio }) => {
    const cells = [show(value, unit), showRatio(ratio)].map((cell) => cell.padStart(cellWidth));
    return `  ${name.padEnd(nameWidth)}${cells.join('')}`;
  });
  return [`\n${title}`, ...lines, ...notes.map((note) => `  - ${note}`)].join('\n');
}

export const columnsText = (): string =>
  `\n  ${''.padEnd(nameWidth)}${'median'.padStart(cellWidth)}${'to opero'.padStart(cellWidth)}`;

function verdictText({ name, value, met, lost, slowness }: Verdict): string {
  const { text, limit, side, unit, open }: Target = targets[name];
  const word = met ? 'met   ' : lost ? 'LOST  ' : 'missed';
  const notes = [
    ...(met || open === undefined ? [] : [`open: ${open.why}`]),
    ...(met || slowness < 1.05
      ? []
      : [`the machine was ${slowness.toFixed(1)} times as slow as the one it was set on`]),
  ];
  const why = notes.map((note) => `\n${' '.repeat(10)}${note}`).join('');
  return `  ${word}  ${value.toFixed(2).padStart(7)} ${unit.padEnd(6)} (${side} ${limit}): ${text}${why}`;
}

/** The lines of all targets. */
export const targetsText = (verdicts: readonly Verdict[]): string =>
  ['Targets', ...verdicts.map(verdictText)].join('\n');
