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
  /** Times the method's own code was entered. */
  readonly attempts: number;
  /** Attempts begun after a failed one. */
  readonly retries: number;
  /** Retries that a RetryBudget refused. */
  readonly budgetExceeded: number;
  /** Attempts turned away over `maxQueue` or `maxWait`. */
  readonly rejected: number;
  /** Alternatives called and last-resort values used. */
  readonly fallbacks: number;
  /** Calls that rejected. */
  readonly failures: number;
}

export type MutableStats = { -readonly [Key in keyof Stats]: Stats[Key] };

export const newStats = (): MutableStats => ({
  calls: 0,
  running: 0,
  abandoned: 0,
  queued: 0,
  attempts: 0,
  retries: 0,
  budgetExceeded: 0,
  rejected: 0,
  fallbacks: 0,
  failures: 0,
});
