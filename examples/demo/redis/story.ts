/** What happened, as the server saw it and the processes tell it. */
import type { ProcessReport, SeenRequest, Slowness } from './record.js';
import type { Limits } from './server.js';

/** Times are those of the clock that all processes share, in milliseconds. */
export interface Story {
  readonly limits: Limits;
  readonly lease: number;
  readonly processes: number;
  readonly requests: readonly SeenRequest[];
  readonly mostAtOnce: number;
  /** Of those that were not killed; undefined: it told nothing. */
  readonly reports: readonly (ProcessReport | undefined)[];
  /** When all wanted more than there was, and nothing was wrong. */
  readonly rush: Span;
  readonly killed: Killed;
  /** When Redis was not there. */
  readonly outage: Span;
  /** How many reports were asked for, the first ones, and those that followed as Redis was killed; and which came. */
  readonly asked: number;
  readonly askedThen: number;
  readonly came: readonly number[];
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Killed {
  readonly process: number;
  readonly at: number;
  /** What it had: so many slots, and these reports. */
  readonly slots: number;
  readonly months: readonly number[];
  /** When the others had all slots; undefined: never. */
  readonly backAt: number | undefined;
  /** How slow the slowest of the others was meanwhile, and how late the timers of the server came, in milliseconds. */
  readonly slowness: Slowness;
  readonly late: number;
}
