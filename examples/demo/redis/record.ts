/** What the demo, its server and its processes know of what happened, and what they say to each other. */

/** Milliseconds of a clock that all processes of a machine share. */
export const time = (): number => Number(process.hrtime.bigint()) / 1e6;

/** One request, as the server saw it. */
export interface SeenRequest {
  readonly process: number;
  /** What was asked for: the API that has the quota, or the archive, which the jobs ask. */
  readonly of: 'api' | 'archive';
  /** The call, of those of its process; of a job its report. */
  readonly call: number;
  readonly attempt: number;
  /** When the method was entered, as the request says, and when it arrived here. */
  readonly started: number;
  readonly arrived: number;
  outcome: 'ok' | '503' | '429' | 'hung up' | 'open';
}

/** What a process tells in the end. */
export interface ProcessReport {
  readonly made: number;
  /** Which of its calls the server answered, and how many got their fallback, or neither. */
  readonly succeeded: readonly number[];
  readonly fallback: number;
  readonly failed: readonly string[];
  /** Attempts, by `statsOf`. */
  readonly attempts: number;
  /** Round trips to Redis, for permits and for slots. */
  readonly trips: { readonly permits: number; readonly slots: number };
  /** How often its store was down, and how many calls ran on under a lease that was lost. */
  readonly down: number;
  readonly lost: number;
}

/** How slow a process was since it was told to watch, in milliseconds: its longest round trip, and how late its timers came. */
export interface Slowness {
  readonly trip: number;
  readonly late: number;
}

/** What a process is told: to call, to watch how slow it is, to tell of that, to come to rest and tell of its calls. */
export type Order = 'call' | 'watch' | 'tell' | 'rest';
export type Told = 'ready' | Slowness | ProcessReport;
