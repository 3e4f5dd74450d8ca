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
  /**
   * How many times as long as on the machine that the targets were set on what else was measured in these rounds took.
   * Times are judged by it; default 1.
   */
  readonly slowness?: number;
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

/** How long one async wrapper takes on the machine that the targets were set on, in nanoseconds. */
const quietWrapper = 110;

/** How much slower the machine was, told by an async wrapper in the same rounds. */
export const slownessBy = (wrapper: number, quiet = quietWrapper): number => Math.max(1, wrapper / quiet);
