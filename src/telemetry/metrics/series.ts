import type { Labels, MeasuredName } from './definitions.js';

/** One line of figures: a metric with certain labels. */
export interface Series {
  /** A duration in seconds, or a number of times. */
  record(value: number): void;
}

/** Makes the series of a metric with certain labels; asked once for each. */
export type MakeSeries = (metric: MeasuredName, labels: Labels) => Series;

/** A clock may be set back, as fake timers may do. */
export const inSeconds = (duration: number): number => Math.max(0, duration) / 1000;
