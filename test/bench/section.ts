import type { Pace } from './measure.js';
import type { TargetName } from './targets.js';

export type Unit = 'ns' | 'ms' | 'bytes' | 'timers';

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
}

/** What a section found out. */
export interface Outcome {
  readonly rows: readonly Row[];
  /** The row that the last column compares with; default `opero`. */
  readonly reference?: string;
  /** The figures that there is a target for. */
  readonly figures?: Partial<Record<TargetName, number>>;
  /** What fits no cell of the table. */
  readonly notes?: readonly string[];
}

/** Rows that are measured together. */
export interface Section {
  readonly title: string;
  measure(pace: Pace): Promise<Outcome>;
}

export const rowsOf = (values: Record<string, number>, unit: Unit = 'ns'): Row[] =>
  Object.entries(values).map(([name, value]) => ({ name, value, unit }));
