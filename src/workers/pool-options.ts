/**
 * Limits of a worker thread, in megabytes; one over a limit is ended, and only its call fails.
 *
 * @see https://nodejs.org/api/worker_threads.html#new-workerfilename-options
 * @example
 * const resourceLimits: ResourceLimits = { maxOldGenerationSizeMb: 256 };
 */
export interface ResourceLimits {
  /** The heap, in megabytes. Default: Node's own. */
  readonly maxOldGenerationSizeMb?: number;
  /** The part of the heap for what was made a moment ago, in megabytes. Default: Node's own. */
  readonly maxYoungGenerationSizeMb?: number;
  /** The memory for generated code, in megabytes. Default: Node's own. */
  readonly codeRangeSizeMb?: number;
  /** The stack, in megabytes. Default: Node's own, 4. */
  readonly stackSizeMb?: number;
}

/** What makes one pool differ from another. */
export interface PoolOptions {
  readonly maxWorkers: number;
  readonly minWorkers: number;
  readonly idleTimeout: number;
  readonly runtime: 'worker_threads' | 'child_process';
  readonly resourceLimits?: ResourceLimits;
}
