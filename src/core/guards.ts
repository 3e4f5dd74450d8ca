import { isTagged } from './error-tag.js';
import type {
  AllFailedError,
  CircuitOpenError,
  ConfigurationError,
  ItemError,
  RejectedError,
  RetryError,
  TimeoutError,
  WorkerError,
} from './errors.js';

/**
 * Whether a value is a `ConfigurationError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * if (isConfigurationError(error)) process.exit(1);
 */
export const isConfigurationError = (value: unknown): value is ConfigurationError =>
  isTagged(value, 'ConfigurationError');

/**
 * Whether a value is a `RetryError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * if (isRetryError(error)) console.log(error.errors.length);
 */
export const isRetryError = (value: unknown): value is RetryError => isTagged(value, 'RetryError');

/**
 * Whether a value is an `AllFailedError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * if (isAllFailedError(error)) for (const each of error.errors) console.log(each);
 */
export const isAllFailedError = (value: unknown): value is AllFailedError => isTagged(value, 'AllFailedError');

/**
 * Whether a value is a `RejectedError`, its subclass `CircuitOpenError` and those of another copy of opero or of another
 * realm included. Never throws.
 *
 * @example
 * if (isRejectedError(error)) return busy(error.policy);
 */
export const isRejectedError = (value: unknown): value is RejectedError => isTagged(value, 'RejectedError');

/**
 * Whether a value is a `WorkerError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * if (isWorkerError(error)) console.log(error.cause);
 */
export const isWorkerError = (value: unknown): value is WorkerError => isTagged(value, 'WorkerError');

/**
 * Whether a value is an `ItemError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * const failed = results.filter(isItemError);
 */
export const isItemError = (value: unknown): value is ItemError => isTagged(value, 'ItemError');

/**
 * Whether a value is a `TimeoutError` of opero's, one of another copy of opero or of another realm included. Those of the
 * platform, as of `AbortSignal.timeout()`, are not: they share the name alone. Never throws.
 *
 * @example
 * if (isTimeoutError(error)) console.log(error.scope, error.timeout);
 */
export const isTimeoutError = (value: unknown): value is TimeoutError => isTagged(value, 'TimeoutError');

/**
 * Whether a value is a `CircuitOpenError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * if (isCircuitOpenError(error)) response.setHeader('retry-after', Math.ceil(error.retryAfter / 1000));
 */
export const isCircuitOpenError = (value: unknown): value is CircuitOpenError => isTagged(value, 'CircuitOpenError');
