import type { Stats } from '../core/call/stats.js';
import type { PolicyKind } from '../core/policies.js';

/**
 * How long calls or attempts of a method took, in milliseconds, since `recordLatency(true)`. All 0 while there are none.
 *
 * @example
 * const [entry] = methods();
 * const latency: Latency | undefined = entry?.latency?.calls;
 */
export interface Latency {
  /** How many ended. */
  readonly count: number;
  /** The mean. */
  readonly mean: number;
  /** Half of them took no longer. */
  readonly p50: number;
  /** 90 of 100 took no longer. */
  readonly p90: number;
  /** 99 of 100 took no longer. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
}

/**
 * What `methods()` tells of the counts of a method: those of `statsOf`, and how its policies stand now.
 *
 * @example
 * const isFull = ({ limit, used = 0 }: MethodStats) => limit > 0 && used >= limit;
 */
export interface MethodStats extends Stats {
  /**
   * With a concurrency limit: how many slots of that `limit` are taken, weights included; where each key or instance has slots
   * of its own, of those of the fullest; of a shared limiter, by all its methods.
   */
  readonly used?: number;
  /**
   * With a circuit breaker: what its circuit is. Of several, by key or instance, the worst: `'isolated'`, then `'open'`,
   * `'half-open'`, `'closed'`.
   */
  readonly circuit?: 'closed' | 'open' | 'half-open' | 'isolated';
}

/**
 * A governed method, as `methods()` tells of it: a picture of now, which does not move on, and holds no class.
 *
 * @example
 * const busy: MethodEntry[] = methods().filter(({ stats }) => stats.running > 0);
 */
export interface MethodEntry {
  /** The concrete class: `'Weather'`; `'Orchestrator'` for one of those. */
  readonly className: string;
  /** The method: `'forecast'`, `'#measure'`; `'*'` for an Orchestrator, whatever functions it runs. */
  readonly method: string;
  /** Whether it is a static method. */
  readonly static: boolean;
  /** The kinds of policy in force, in pipeline order. */
  readonly policies: readonly PolicyKind[];
  /** What it has counted so far, and how its policies stand. */
  readonly stats: MethodStats;
  /** Undefined until `recordLatency(true)`. */
  readonly latency: { readonly calls: Latency; readonly attempts: Latency } | undefined;
}
