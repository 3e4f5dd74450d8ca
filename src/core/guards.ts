import { isTagged } from './error-tag.js';
import type {
  AllFailedError,
  CircuitOpenError,
  ConfigurationError,
  ItemError,
  JobError,
  LeaseLostError,
  RejectedError,
  RetryError,
  StoreError,
  TimeoutError,
  WorkerError,
} from './errors.js';

/**
 * Whether a value is a `ConfigurationError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (isConfigurationError(error)) process.exit(1); }
 */
export const isConfigurationError = (value: unknown): value is ConfigurationError =>
  isTagged(value, 'ConfigurationError');

/**
 * Whether a value is a `RetryError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await shop.buy(); } catch (error) { if (isRetryError(error)) console.log(error.errors.length); }
 */
export const isRetryError = (value: unknown): value is RetryError => isTagged(value, 'RetryError');

/**
 * Whether a value is an `AllFailedError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await weather.forecast('Davos'); } catch (error) { if (isAllFailedError(error)) log(error.errors); }
 */
export const isAllFailedError = (value: unknown): value is AllFailedError => isTagged(value, 'AllFailedError');

/**
 * Whether a value is a `RejectedError`, its subclass `CircuitOpenError` and those of another copy of opero or of another
 * realm included. Never throws.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (isRejectedError(error)) log(error.policy, error.reason); }
 */
export const isRejectedError = (value: unknown): value is RejectedError => isTagged(value, 'RejectedError');

/**
 * Whether a value is a `WorkerError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await weather.simulate(42); } catch (error) { if (isWorkerError(error)) log(error.cause); }
 */
export const isWorkerError = (value: unknown): value is WorkerError => isTagged(value, 'WorkerError');

/**
 * Whether a value is a `JobError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await crm.sync('north'); } catch (error) { if (isJobError(error)) log(error.reason); }
 */
export const isJobError = (value: unknown): value is JobError => isTagged(value, 'JobError');

/**
 * Whether a value is an `ItemError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * const failed = (await processAll(shop, 'buy', items, { onError: 'collect' })).filter(isItemError);
 */
export const isItemError = (value: unknown): value is ItemError => isTagged(value, 'ItemError');

/**
 * Whether a value is a `TimeoutError` of opero's, one of another copy of opero or of another realm included. Those of the
 * platform, as of `AbortSignal.timeout()`, are not: they share the name alone. Never throws.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (isTimeoutError(error)) log(error.scope, error.timeout); }
 */
export const isTimeoutError = (value: unknown): value is TimeoutError => isTagged(value, 'TimeoutError');

/**
 * Whether a value is a `CircuitOpenError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (isCircuitOpenError(error)) log(`again in ${error.retryAfter} ms`); }
 */
export const isCircuitOpenError = (value: unknown): value is CircuitOpenError => isTagged(value, 'CircuitOpenError');

/**
 * Whether a value is a `StoreError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (isStoreError(error)) log(error.cause); }
 */
export const isStoreError = (value: unknown): value is StoreError => isTagged(value, 'StoreError');

/**
 * Whether a value is a `LeaseLostError`, one of another copy of opero or of another realm included. Never throws.
 *
 * @example
 * try { await api.get(id); } catch (error) { if (isLeaseLostError(error)) log('undone'); }
 */
export const isLeaseLostError = (value: unknown): value is LeaseLostError => isTagged(value, 'LeaseLostError');
