import type { ErrorClass } from '../core/types.js';

/**
 * What `@queued` of `opero/bullmq` takes, as far as that can be told without BullMQ: it stands here, as the kinds of policy
 * are known to the compiler whichever entries a program imports.
 *
 * @example
 * const options: QueuedOptions = { name: 'crm', connection: 'redis://localhost:6379', maxWait: 60_000 };
 */
export interface QueuedOptions {
  /** The name of the queue, without a colon. Required. */
  readonly name: string;
  /** How Redis is reached: options, a URL, a client, or a function that gives one of these at the first call. Required. */
  readonly connection: string | object;
  /** For how many milliseconds a job may wait for a worker; then the call is rejected. Default Infinity. */
  readonly maxWait?: number;
  /** How many bytes the arguments, or the result, may take as JSON. Default 1 048 576. */
  readonly maxBytes?: number;
  /** Error classes that come back as themselves, beyond those of the language, of opero and of matchers. Default: none. */
  readonly errors?: readonly ErrorClass[];
  /** What BullMQ's keys in Redis begin with. Default `'bull'`. */
  readonly prefix?: string;
}

declare module '../core/policies.js' {
  interface Policies {
    /** The options of `@queued`; `opero/bullmq` must be imported. */
    readonly queued: QueuedOptions;
  }
}
