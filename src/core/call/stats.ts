import { WeakList } from '../weak-list.js';

/**
 * The counts of one method on one concrete class, since the class was first used.
 *
 * @example
 * const { calls, failures }: Stats = statsOf(weather, 'forecast');
 * console.log(`${failures} of ${calls} calls failed`);
 */
export interface Stats {
  /** Calls made. */
  readonly calls: number;
  /** Attempts whose work has not ended yet. */
  readonly running: number;
  /** Attempts among those that run which nobody waits for any more: the caller has left, or a policy gave them up. */
  readonly abandoned: number;
  /** Attempts that wait for a permit or a slot. */
  readonly queued: number;
  /**
   * The concurrency limit in force, as it is now: of several the lowest. Where each key or instance has an adaptive one of its
   * own, the one that was the last to move. 0 without a concurrency limit, as no limit is ever that low.
   */
  readonly limit: number;
  /** Times the method's own code was entered. */
  readonly attempts: number;
  /** Attempts begun after a failed one. */
  readonly retries: number;
  /** Hedges begun: further runs of an attempt that had not succeeded yet. */
  readonly hedges: number;
  /** Attempts in which a hedge was the first to succeed. */
  readonly hedgeWins: number;
  /** Retries and hedges that a RetryBudget refused. */
  readonly budgetExceeded: number;
  /** Attempts turned away: over `maxQueue` or `maxWait`, or by a circuit. */
  readonly rejected: number;
  /** Attempts, and whole calls, that took longer than `@timeout` allows. */
  readonly timeouts: number;
  /** Times that a circuit of the method opened. */
  readonly circuitOpenings: number;
  /** Calls that a cache answered with a value that was not stale. */
  readonly cacheHits: number;
  /** Calls for which a cache had nothing to give, and which began a run. */
  readonly cacheMisses: number;
  /** Calls that a cache answered with a stale value. */
  readonly staleHits: number;
  /** Calls that joined a run which another one had begun. */
  readonly coalesced: number;
  /** Runs that failed behind a stale value, or in place of which a stale value was given. */
  readonly refreshFailures: number;
  /** Alternatives called, further values of `rotate` tried, and last-resort values used. */
  readonly fallbacks: number;
  /** Attempts that `@chaos` did something to. */
  readonly injected: number;
  /** Calls that rejected. */
  readonly failures: number;
  /** What policies made by `definePolicy` count, by their kind. */
  readonly custom: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

type Counts = Record<string, number>;

/** What is not counted, but looked up where somebody asks. */
export type Gauges = Pick<Stats, 'limit'>;

/** How the policies of a method stand, for who lists all methods; see `MethodStats`. */
export interface Standing {
  readonly used?: number;
  readonly circuit?: 'closed' | 'open' | 'half-open' | 'isolated';
}

export type MutableStats = { -readonly [Key in Exclude<keyof Stats, 'custom'>]: Stats[Key] } & {
  readonly custom: Record<string, Counts>;
  /** Calls that have ended: for those who wait for all. */
  ended: number;
};

/** Those that are there: those of calls under way are, whatever became of their method. */
const all = new WeakList<MutableStats>();

export const allStats = (): Iterable<MutableStats> => all;

export function newStats(): MutableStats {
  const stats = noCounts();
  all.add(stats);
  return stats;
}

const noCounts = (): MutableStats => ({
  calls: 0,
  ended: 0,
  running: 0,
  abandoned: 0,
  queued: 0,
  limit: 0,
  attempts: 0,
  retries: 0,
  hedges: 0,
  hedgeWins: 0,
  budgetExceeded: 0,
  rejected: 0,
  timeouts: 0,
  circuitOpenings: 0,
  cacheHits: 0,
  cacheMisses: 0,
  staleHits: 0,
  coalesced: 0,
  refreshFailures: 0,
  fallbacks: 0,
  injected: 0,
  failures: 0,
  custom: {},
});

/** The counts as they are now, and what is shown beside them, for who asked: they do not move on. */
export const copyOf = ({ ended: _, ...stats }: MutableStats, gauges: Partial<Gauges>): Stats => ({
  ...stats,
  ...gauges,
  custom: Object.fromEntries(Object.entries(stats.custom).map(([kind, counts]) => [kind, { ...counts }])),
});

/** Counts by any name, each of which begins at 0. */
const countsByAnyName = (): Counts =>
  new Proxy<Counts>(
    {},
    {
      get: (counts, name) => (typeof name === 'symbol' || Object.hasOwn(counts, name) ? Reflect.get(counts, name) : 0),
    },
  );

/** What a policy of a kind counts; made when it is first asked for. */
export function countsOf({ custom }: MutableStats, kind: string, initial?: Readonly<Counts>): Counts {
  custom[kind] ??= initial === undefined ? countsByAnyName() : { ...initial };
  return custom[kind];
}
