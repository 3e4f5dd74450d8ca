export type { ConfigurableOptions, PolicyChanges } from './changes.js';
export { configure } from './configure.js';
export { configureFrom, unusedConfiguration } from './configure-from.js';
export { type CurrentCall, currentCall } from './core/call/current-call.js';
export type { HookContext } from './core/call/hooks.js';
export type { ErrorMatcher, ErrorPredicate } from './core/call/matcher.js';
export type { SignalPlace } from './core/call/signal-place.js';
export type { Stats } from './core/call/stats.js';
export type { PolicyDecorator } from './core/decoration/decorator-types.js';
export type { Need } from './core/decoration/needs.js';
export type { Primitive } from './core/decoration/primitive.js';
export { register } from './core/decoration/register.js';
export {
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
} from './core/errors.js';
export type { CallOutcome, EventKind, Events, OperoEvent } from './core/events.js';
export {
  isAllFailedError,
  isCircuitOpenError,
  isConfigurationError,
  isItemError,
  isJobError,
  isLeaseLostError,
  isRejectedError,
  isRetryError,
  isStoreError,
  isTimeoutError,
  isWorkerError,
} from './core/guards.js';
export { anything, callback, duration, flag, oneOf, positive, positiveInteger, type Rule } from './core/options.js';
export type { Policies, PolicyKind } from './core/policies.js';
export type { AnyClass, AnyFunction, ErrorClass } from './core/types.js';
export type { Undo } from './core/undo.js';
export { decorate, decorateInstance } from './decorate.js';
export type { ClassPolicies, InstancePolicies, MethodPolicies } from './decorate-types.js';
export { explain, type PolicyInForce, policiesOf, statsOf } from './inspect.js';
export type { Items, ItemsOptions, OnError, StreamOptions } from './items/options.js';
export {
  type ItemOf,
  type MethodName,
  processAll,
  processStream,
  type ResultOf,
} from './items/process.js';
export type { Progress } from './items/progress.js';
export type { Collected, Delivered, Entry, Wrapped } from './items/results.js';
export type { SharingConfig } from './limits/limiters.js';
export type { Store, StoreConfig } from './limits/store.js';
export type { StoreEvent, StoreOptions } from './limits/stored/options.js';
export type { QueueConfig } from './limits/waiter.js';
export { type OrchestratorConfig, orchestrate } from './orchestrate.js';
export { FallbackChain, Orchestrator } from './orchestrator.js';
export type { AdaptiveLimit } from './policies/adaptive-limit.js';
export { cache } from './policies/cache.js';
export { type CacheHandle, cacheOf } from './policies/cache-of.js';
export type { CacheConfig, StaleIfErrorConfig } from './policies/cache-options.js';
export { type Chaos, type ChaosConfig, chaos } from './policies/chaos.js';
export { circuitBreaker } from './policies/circuit-breaker.js';
export { CircuitBreaker } from './policies/circuit-breaker-object.js';
export type { CircuitBreakerConfig, CircuitEvent } from './policies/circuit-config.js';
export type { CircuitHandle } from './policies/circuit-handle.js';
export { type CircuitKey, circuitOf } from './policies/circuit-of.js';
export type { CircuitState, EndIsolation } from './policies/circuit-options.js';
export { type ConcurrencyInput, type ConcurrencyUse, concurrency } from './policies/concurrency.js';
export type { ConcurrencyConfig } from './policies/concurrency-config.js';
export { type ConcurrencyChange, ConcurrencyLimiter } from './policies/concurrency-limiter.js';
export { type CpuBoundConfig, cpuBound } from './policies/cpu-bound.js';
export { definePolicy, type PolicyFactory } from './policies/define-policy.js';
export type { PolicyCall, PolicyDefinition } from './policies/definition.js';
export { type Alternative, type FallbackConfig, fallback, type Plain } from './policies/fallback.js';
export type { ResultSharingConfig } from './policies/flight-options.js';
export { type HedgeConfig, hedge } from './policies/hedge.js';
export type { HedgeDelay, HedgeEvent } from './policies/hedge-options.js';
export { httpStatusOf } from './policies/http-status.js';
export type { QueuedOptions } from './policies/queued-options.js';
export { type RateLimitInput, type RateLimitUse, rateLimit } from './policies/rate-limit.js';
export type { RateLimitConfig } from './policies/rate-limit-config.js';
export { type RateLimitChange, RateLimiter } from './policies/rate-limiter.js';
export { type RetryConfig, type RetryEvent, retry } from './policies/retry.js';
export { parseRetryAfter } from './policies/retry-after.js';
export { RetryBudget, type RetryBudgetConfig } from './policies/retry-budget.js';
export type { DelayEvent } from './policies/retry-delay.js';
export type { RotateConfig, RotatedArgument } from './policies/rotate.js';
export { type SingleFlightConfig, singleFlight } from './policies/single-flight.js';
export { type TimeoutConfig, timeout } from './policies/timeout.js';
export type { TimeoutEvent } from './policies/timeout-run.js';
export { isTransient } from './policies/transient.js';
export { shutdown } from './policies/workers.js';
export { captureArguments } from './telemetry/capture.js';
export { drain } from './telemetry/drain.js';
export { on } from './telemetry/events.js';
export { recordLatency } from './telemetry/latency.js';
export { type LogLine, logTo } from './telemetry/log.js';
export type { Latency, MethodEntry, MethodStats } from './telemetry/method-entry.js';
export { methods } from './telemetry/methods.js';
export { move } from './workers/move.js';
export type { ResourceLimits } from './workers/pool-options.js';
